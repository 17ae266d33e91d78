"""Identity's worker: publishes what people have to tell, keeps the signing keys turning."""

from __future__ import annotations

from nameko.timer import timer

from kit import clock
from kit.streams.relay import Relay
from kit.streams.trim import trim_stream
from services.identity import store


class IdentityWorker:
    name = "identity"

    people = Relay(store.Person, stream=store.STREAM)

    # Far below keys.LEAD; two workers at once add one key.
    @timer(interval=300, eager=True)
    def rotate_keys(self) -> None:
        store.rotate_keys(clock.now())

    @timer(interval=60)
    def trim(self) -> None:
        trim_stream(store.STREAM)


SERVICES = [IdentityWorker]
