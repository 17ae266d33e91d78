"""Payments' background work: tells what the ledger recorded, brings into it what others tell, ends what is due."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import eventlet
import hiredis
import redis
from cho.events.v1.events_pb2 import MerchantChanged, ProductChanged, WindowClosed
from cho.events.v1.intent_pb2 import Intent
from nameko.extensions import DependencyProvider
from nameko.timer import timer
from pymongo.errors import PyMongoError

from kit import log, tracing
from kit.clock import now_ms, rfc3339
from kit.config import settings
from kit.ledger_event import from_fields
from kit.streams import clients, names
from kit.streams.entry import Entry
from kit.streams.event import Event
from kit.streams.group import stream_handler
from kit.streams.ledger import ledger_reader
from kit.streams.trim import trim_ledger, trim_stream
from services.payments import announce, disburse, expiry, goods, janitor, orders, recovery, sender, shown, store
from services.payments.merchants import STATES, exempt_owner, put_merchant
from services.payments.store import changes, library, people, stickers, webhooks
from services.payments.store import goods as told_goods
from services.payments.store.keys import keys
from services.payments.store.live import KEPT, STREAM, live_key
from services.payments.store.sync import SyncLedger

_HOLDS = frozenset(announce.HOLD_TYPES.values())
_ANNOUNCED_OPS = frozenset(op.encode() for op in (*announce.TYPES, *announce.HOLD_TYPES))
# Between two looks whether the ledger takes writes, s.
_COPY_S = 0.25

_logger = log.logger(__name__)


def _announced() -> int:
    """Where the announcer stopped. Announcing again from an older place announces nothing twice."""
    return int(clients.ledger().get(names.cursor("announcer")) or 0)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One movement as it is announced."""

    seq: int
    at_ms: int
    type: str
    merchant_id: str
    data: bytes
    # Whether it names an order, a bill, or what was paid before.
    named: bool
    # Of the request that moved the money; "" where it is not traced.
    traceparent: str = ""


def announcements(entry: Entry) -> list[Announcement]:
    """What is announced of a ledger entry: a capture is a payment, and the end of a hold."""
    if entry.fields[b"op"] not in _ANNOUNCED_OPS:
        return []
    event = from_fields(entry.seq, entry.fields)
    intent = Intent.FromString(event.intent)
    told = []
    if moved := announce.moved(event, intent):
        named = bool(moved.reference or moved.payment_id)
        told.append((announce.TYPES[event.op], moved.merchant_id, moved.SerializeToString(), named))
    if held := announce.held(event, intent):
        told.append((announce.HOLD_TYPES[event.op], held.merchant_id, held.SerializeToString(), True))
    return [Announcement(event.seq, event.at_ms, *one, intent.traceparent) for one in told]


def commands(told: Announcement, hooked: bool = False) -> list[tuple[bytes | str | int, ...]]:
    """What announces it: to the merchant's listeners and own systems (`hooked`), and to other services."""
    entry_id, type_, data, traceparent = f"{told.seq}-0", told.type, told.data, told.traceparent
    event_id = f"evt_{settings().cell}_{told.seq}" + ("_hold" if type_ in _HOLDS else "")
    attributes = (
        *("id", event_id, "type", type_, "source", "payments"),
        *("subject", told.merchant_id, "time", rfc3339(told.at_ms), "traceparent", traceparent, "data", data),
    )
    traced = ("traceparent", traceparent) if traceparent else ()
    if type_ in _HOLDS:  # for orders alone: a vendor is told of money that is there
        return [("XADD", names.HOLDS, entry_id, *attributes)]
    live = ("XADD", live_key(told.merchant_id), "MAXLEN", "~", KEPT, entry_id, "type", type_, "data", data)
    own = ("XADD", webhooks.stream_of(told.merchant_id), "MAXLEN", "~", webhooks.STREAM_MAX, entry_id,
           "type", type_, "data", data, *traced)  # fmt: skip
    every = ("XADD", STREAM, entry_id, *attributes)
    # What all hear comes last: what is there was told to everybody (`cho ledger rebuild` goes by it). And a listener's
    # catch-up before it: who comes between the two finds it there, and hears of it again.
    return [live, *([own] if hooked else []), *([("XADD", names.NAMED, *every[2:])] if told.named else []), every]


def publish(client: redis.Redis, entries: list[Entry]) -> None:
    """Writes the announcements of these entries. Those that are there already are refused by their ids."""
    announced = [told for entry in entries for told in announcements(entry)]
    if not announced:
        return
    spans: list[tuple[tracing.Span, Announcement]] = []
    if tracing.tracer() is not None:
        announced, spans = _traced(announced)
    merchants = sorted({told.merchant_id for told in announced})
    found: Any = client.smismember(webhooks.HOOKED, merchants)
    hooked = dict(zip(merchants, found, strict=True))
    written = [command for told in announced for command in commands(told, bool(hooked[told.merchant_id]))]
    for reply in _at_once(client, written):
        if isinstance(reply, redis.ResponseError) and "equal or smaller" not in str(reply):
            raise reply
    shown.announced(told.at_ms for told in announced)
    for span, told in spans:
        span.end("OK", seq=told.seq, merchant_id=told.merchant_id)


def _at_once(client: redis.Redis, commands: list[tuple[bytes | str | int, ...]]) -> list[Any]:
    """Answers, or errors, of commands that are executed together: a reader who waits wakes once, and finds all of them.

    Raises redis.RedisError where none was executed.
    """
    connection = client.connection_pool.get_connection()
    try:
        packed = [hiredis.pack_command(command) for command in (("MULTI",), *commands, ("EXEC",))]  # type: ignore[arg-type]
        connection.send_packed_command(packed)
        *queued, answers = [_answer(connection) for _ in packed]
    except BaseException:
        connection.disconnect()
        raise
    finally:
        client.connection_pool.release(connection)
    if isinstance(answers, redis.ResponseError):  # it says only that one was refused, which says why
        raise next((reply for reply in queued if isinstance(reply, redis.ResponseError)), answers)
    return list(answers)


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


def _traced(announced: list[Announcement]) -> tuple[list[Announcement], list[tuple[tracing.Span, Announcement]]]:
    """The same, what follows from each following from a span of its own; and the spans."""
    tracer, told_anew, spans = tracing.tracer(), [], []
    assert tracer is not None
    for told in announced:
        span = tracer.follow(f"announce {told.type}", told.traceparent, tracing.Kind.PRODUCER)
        if span is not None:
            told = replace(told, traceparent=span.traceparent)
            spans.append((span, told))
        told_anew.append(told)
    return told_anew, spans


def _told_of(event: Event) -> bool:
    """Whether a merchant's own system is to hear of the product."""
    return told_goods.hooked(clients.streams(), ProductChanged.FromString(event.data))


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
    shown = shown.Shown()

    @ledger_reader("announcer", cursor=_announced)
    def announce(self, entries: list[Entry]) -> None:
        """Announces payments and refunds."""
        publish(clients.streams(), entries)

    @timer(interval=60)
    def trim(self) -> None:
        """Removes what every reader has acted on."""
        trim_stream(STREAM, heard=False)
        trim_stream(names.NAMED)
        trim_stream(names.HOLDS)
        trim_ledger()

    @timer(interval=1)
    def end_due(self) -> None:
        """Ends holds and proposals whose time is over."""
        expiry.tick()

    @stream_handler("settlement:events", group="payments.recovery", types=recovery.TYPES)
    def on_window(self, event: Event) -> None:
        """What is owed is taken from what debtors have received."""
        window = WindowClosed.FromString(event.data).window
        recovery.recover(SyncLedger(clients.ledger(), keys()), keys().debts, window)

    @stream_handler("identity:events", group="payments.people", types=people.TYPES)
    def on_person(self, event: Event) -> None:
        """Learns whom a phone number reaches."""
        people.put_person(clients.streams(), event)

    @stream_handler("orders:events", group="payments.orders", types=orders.TYPES)
    def on_order(self, event: Event) -> None:
        """An order's code says what it asks for."""
        orders.heed(SyncLedger(clients.ledger(), keys()), event)

    @stream_handler("catalog:events", group="payments.goods", types=goods.HEARD, where=_told_of)
    def on_product(self, event: Event) -> None:
        """Keeps what merchants' own systems are told of their goods."""
        told_goods.hear(clients.streams(), ProductChanged.FromString(event.data), now_ms())

    @stream_handler("onboarding:events", group="payments.directory", types={*STATES, stickers.REISSUED})
    def on_merchant(self, event: Event) -> None:
        """Opens a merchant's account, or stops and starts its payments; its owner's wallets have no monthly limit.

        And learns that what was printed for it is void.
        """
        if event.type == stickers.REISSUED:
            changes.tell(clients.streams(), stickers.put_issue(clients.streams(), event), "")
            return
        ledger = SyncLedger(clients.ledger(), keys())
        put_merchant(ledger, event)
        exempt_owner(ledger, event)
        change = MerchantChanged.FromString(event.data)
        changes.tell(clients.streams(), change.merchant_id, change.account_index)


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
                shown.watch_documents()
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


class Paperwork:
    """What is kept in documents, and no payment waits for."""

    name = "payments.paperwork"

    documents = Documents()
    janitor = CardJanitor()

    @timer(interval=1)
    def settle_cards(self) -> None:
        """Nothing about a card stays halfway."""
        if self.documents:
            self.janitor.tick()

    @timer(interval=1)
    def tell(self) -> None:
        """Merchants' own systems hear of what was announced."""
        if self.documents:
            sender.of_this_process().tick()

    @timer(interval=1)
    def pay_out(self) -> None:
        """What organisations pay out, and somebody else approved."""
        if self.documents:
            disburse.of_this_process().tick()


SERVICES = [Payments, Paperwork]
