"""Identity's worker: publishes what there is to tell of people, keeps the signing keys turning."""

from __future__ import annotations

from nameko.timer import timer

from kit import clock, log, sms
from kit.streams.event import Event
from kit.streams.group import stream_handler
from kit.streams.relay import Relay
from kit.streams.trim import trim_stream
from services.identity import recalled, store

_logger = log.logger(__name__)


class IdentityWorker:
    name = "identity"

    people = Relay(store.Person, stream=store.STREAM)

    @stream_handler("orders:events", group="identity.recalls", types=recalled.TYPES)
    def on_recalled(self, event: Event) -> None:
        recalled.tell(event, sms.sender())

    # Far below keys.LEAD; two workers at once add one key.
    @timer(interval=300, eager=True)
    def rotate_keys(self) -> None:
        store.rotate_keys(clock.now())

    # At start, for who is stored already; again and again, for who is created by servers of the version before.
    @timer(interval=60, eager=True)
    def tell_of_everybody(self) -> None:
        if told := store.tell_of_everybody():
            _logger.info("told of people again", people=told)

    # An erasure deletes what belongs to the person itself; this is for one whose process died.
    @timer(interval=60)
    def finish_erasures(self) -> None:
        if finished := store.finish_erasures():
            _logger.warning("erasures finished that were cut short", people=finished)

    @timer(interval=60)
    def trim(self) -> None:
        trim_stream(store.STREAM)


SERVICES = [IdentityWorker]
