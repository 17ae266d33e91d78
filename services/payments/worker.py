"""Payments' background work: announces what the ledger recorded, and brings onboarded merchants into the ledger."""

from __future__ import annotations

from typing import Any

import eventlet
import hiredis
import redis
from nameko.extensions import DependencyProvider
from nameko.timer import timer
from pymongo.errors import PyMongoError

from kit import log
from kit.clock import from_ms
from kit.config import settings
from kit.ledger_event import from_fields
from kit.streams import clients, names
from kit.streams.entry import Entry
from kit.streams.event import Event, rfc3339
from kit.streams.group import stream_handler
from kit.streams.ledger import ledger_reader
from kit.streams.trim import trim_ledger, trim_stream
from services.payments import announce, expiry, janitor, store
from services.payments.merchants import STATES, exempt_owner, put_merchant
from services.payments.store import library, people
from services.payments.store.live import KEPT, STREAM, live_key

# Between two looks whether the ledger takes writes, s.
_COPY_S = 0.25

_logger = log.logger(__name__)


def _announced() -> int:
    """Where the announcer stopped. Announcing again from an older place announces nothing twice."""
    return int(clients.ledger().get(names.cursor("announcer")) or 0)


def commands(entry: Entry) -> list[tuple[bytes | str | int, ...]]:
    """What announces one ledger entry: to other services, and to the merchant's listeners."""
    event = from_fields(entry.seq, entry.fields)
    message = announce.moved(event)
    if message is None:
        return []
    entry_id, type_, data = f"{event.seq}-0", announce.TYPES[event.op], message.SerializeToString()
    attributes = (
        *("id", f"evt_{settings().cell}_{event.seq}", "type", type_, "source", "payments"),
        *("subject", message.merchant_id, "time", rfc3339(from_ms(event.at_ms)), "traceparent", "", "data", data),
    )
    live = ("XADD", live_key(message.merchant_id), "MAXLEN", "~", KEPT, entry_id, "type", type_, "data", data)
    # The listeners' catch-up first: who comes between the two finds it there, and hears of it again.
    return [live, ("XADD", STREAM, entry_id, *attributes)]


def publish(client: redis.Redis, entries: list[Entry]) -> None:
    """Writes the announcements of these entries. Those that are there already are refused by their ids."""
    packed = [command for entry in entries for command in commands(entry)]
    if not packed:
        return
    connection = client.connection_pool.get_connection()
    try:
        connection.send_packed_command([hiredis.pack_command(c) for c in packed])  # type: ignore[arg-type]
        replies = []
        for _ in packed:
            try:
                replies.append(connection.read_response())
            except redis.ResponseError as error:
                replies.append(error)
    except BaseException:
        connection.disconnect()
        raise
    finally:
        client.connection_pool.release(connection)
    for reply in replies:
        if isinstance(reply, redis.ResponseError) and "equal or smaller" not in str(reply):
            raise reply


class Functions(DependencyProvider):
    """Sees that the ledger's functions are loaded. Raises RuntimeError where they are there with another text.

    Loading them is a write: it waits until the ledger has the copies that it needs for one.
    """

    def setup(self) -> None:
        while True:
            try:
                library.load(clients.ledger())
            except redis.ResponseError as refused:
                if not str(refused).startswith("NOREPLICAS"):
                    raise
                _logger.warning("functions wait for the ledger's copy", reason=str(refused))
                eventlet.sleep(_COPY_S)
            else:
                return


class Payments:
    """Announcer and merchant directory."""

    name = "payments"

    functions = Functions()

    @ledger_reader("announcer", cursor=_announced)
    def announce(self, entries: list[Entry]) -> None:
        """Announces payments and refunds."""
        publish(clients.streams(), entries)

    @timer(interval=60)
    def trim(self) -> None:
        """Removes what every reader has acted on."""
        trim_stream(STREAM)
        trim_ledger()

    @timer(interval=1)
    def end_due(self) -> None:
        """Ends holds and proposals whose time is over."""
        expiry.tick()

    @stream_handler("identity:events", group="payments.people", types=people.TYPES)
    def on_person(self, event: Event) -> None:
        """Learns whom a phone number reaches."""
        people.put_person(clients.streams(), event)

    @stream_handler("onboarding:events", group="payments.directory", types=set(STATES))
    def on_merchant(self, event: Event) -> None:
        """Opens a merchant's account, or stops and starts its payments; its owner's wallets have no monthly limit."""
        put_merchant(clients.ledger(), event)
        exempt_owner(clients.ledger(), event)


class Documents(DependencyProvider):
    """Payments' documents: injected as whether they can be reached yet. Nothing else of the process waits for them."""

    opened = False

    def start(self) -> None:
        self.container.spawn_managed_thread(self._open, identifier="documents")

    def _open(self) -> None:
        while not self.opened:
            try:
                store.open_documents()
                self.opened = True
            except PyMongoError as error:
                _logger.warning("waiting for the documents", error=str(error))
                eventlet.sleep(1)

    def get_dependency(self, worker_ctx: Any) -> bool:
        return self.opened


class CardJanitor(DependencyProvider):
    """Injected: carries card work on. Raises ValueError where the card provider's settings are not this process's."""

    def get_dependency(self, worker_ctx: Any) -> janitor.Janitor:
        return janitor.of_this_process()

    def setup(self) -> None:
        janitor.of_this_process()


class Cards:
    """Sees to it that nothing about a card stays halfway."""

    name = "payments.cards"

    documents = Documents()
    janitor = CardJanitor()

    @timer(interval=1)
    def settle(self) -> None:
        """What is due."""
        if self.documents:
            self.janitor.tick()


SERVICES = [Payments, Cards]
