"""Asks every store what it knows of one payment, for `cho trace`.

Only reads, and each store by itself: what one does not know is said of that one. Notes and phones are left out.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import redis
from cho.events.v1.intent_pb2 import Intent
from pymongo.errors import PyMongoError

from cli import journal
from cli.story import Chapter, Story, id_time_ms, in_order
from kit import mongo, tracing
from kit.config import settings
from kit.ledger_event import LedgerEvent, from_raw
from kit.streams import clients, names
from kit.streams.entry import Entry
from services.orders import store as orders
from services.payments import announce
from services.payments.hooks import Topic
from services.payments.store import deliveries, webhook_documents
from services.payments.store.keys import keys
from services.payments.store.live import STREAM, live_key
from services.settlement import store as books
from services.settlement.clerk.due import boxes
from services.settlement.matching.documents import ReconciliationDocument
from services.settlement.names import report_name
from services.settlement.payouts import rules as payout_rules
from services.settlement.payouts.documents import NetDocument, PayoutDocument
from services.settlement.payouts.store import order_of

FOLLOWING_MAX = 50
# What a payout is called that may hold the payment, or money that came in beside it.
MAYBE = "payout it may be part of"


class _Teller:
    """Gathers the chapters of one payment."""

    def __init__(self, payment_id: str) -> None:
        self.story = Story(payment_id)
        self.payment_id = payment_id
        self.event: LedgerEvent | None = None
        self.merchant_id = ""
        self._hot_raw: bytes | None = None
        self._record: dict[str, str] = {}

    def tell(self) -> Story:
        self._try("ledger", "transfer", self._ledger)
        self._in("settlement", "books", "journal", self._books)
        if self.event is not None:
            self._request(self.event)
            self.merchant_id = next((leg.account_id for leg in self.event.legs if leg.account_id[:4] == "mer_"), "")
            self._try("ledger", "idempotency record", self._idempotency)
            self._try("streams", "announcement", self._announcements)
            self._in("payments", "webhooks", "delivery", self._webhooks)
            self._in("orders", "orders", "order", self._orders)
            self._try("statements", "what followed", self._following)
            self._in("settlement", "settlement", "window", self._window)
        self.story.chapters = in_order(self.story.chapters)
        return self.story

    # ---------------------------------------------------------------- one store after the other

    def _try(self, store: str, what: str, read: Callable[[], None]) -> None:
        try:
            read()
        except (redis.RedisError, PyMongoError, sqlite3.Error, OSError) as error:
            why = f"{type(error).__name__}: {str(error)[:120]}"
            self.story.chapters.append(Chapter(store, what, missing=why, unreachable=True))

    def _in(self, database: str, store: str, what: str, read: Callable[[], None]) -> None:
        with _database(database):
            self._try(store, what, read)

    def _add(self, store: str, what: str, at_ms: int | None, /, **facts: Any) -> None:
        kept = {name: value for name, value in facts.items() if value not in ("", None)}
        self.story.chapters.append(Chapter(store, what, at_ms, kept))

    def _missing(self, store: str, what: str, why: str) -> None:
        self.story.chapters.append(Chapter(store, what, missing=why))

    def _request(self, event: LedgerEvent) -> None:
        intent = Intent.FromString(event.intent)
        trace_id = tracing.trace_id(intent.traceparent)
        if not intent.request_id and not trace_id:
            self._missing("gateway", "request", "the event names no request: it did not come through the gateway")
            return
        facts = {"request_id": intent.request_id, "trace_id": trace_id, "caller": intent.caller_id}
        # When the servicer made the id; the gateway itself keeps no record. Before all else, whatever clocks say.
        self.story.chapters.insert(0, Chapter("gateway", "request", id_time_ms(self.payment_id), facts))

    def _ledger(self) -> None:
        client = clients.ledger()
        found: Any = client.hgetall(keys().transfer(self.payment_id))
        self._record = {name.decode(): value.decode() for name, value in found.items()}
        if not self._record:
            self._missing("ledger", "transfer", "not hot: never made, or older than the hot ledger keeps (40 days)")
            return
        record = self._record
        self._add(
            "ledger", "transfer", int(record["at"]), operation=record["k"], amount=int(record["a"]),
            fee=int(record["f"]), payer=record["fr"], payee=record["to"], seq=int(record["q"]),
            window=int(record["w"]), refunded=int(record["r"]), state=record.get("s", "done"), refers_to=record["x"],
            reference=record["rf"],
        )  # fmt: skip
        seq = int(record["q"])
        rows: Any = client.xrange(names.ledger(), f"{seq}-0", f"{seq}-0")
        if not rows:
            self._missing("ledger", "event", "trimmed: every reader has it, and the books keep it")
            return
        self._hot_raw = Entry(seq, rows[0][1]).raw
        self.event = from_raw(seq, self._hot_raw)
        self._add("ledger", "event", self.event.at_ms, **_event_facts(self.event))

    def _books(self) -> None:
        found = journal.find(self.payment_id, int(self._record["q"]) if self._record else None)
        if found is None:
            self._missing("books", "journal", "not journaled (yet): look at the journal's lag (cho status)")
            return
        page, event, raw, head = found.page, found.event, found.raw, found.head
        if self._hot_raw not in (None, raw):
            self.story.findings.append(f"event {event.seq}: hot ledger and books hold different bytes")
        self.event = event
        place = f"{event.seq - page.first + 1} of {len(page.raws)}"
        facts = {"seq": event.seq, "page": page.number, "place": place, "chain_head": head.hex()}
        self._add("books", "journal", event.at_ms, **({} if self._hot_raw else _event_facts(event)) | facts)
        if not event.keyed:
            return
        digest = hashlib.sha256(event.scope.encode()).digest()[:16]
        known = books.JournalKey.objects(digest=digest).first()
        if known is None:
            self._missing("books", "key", "not in the index of keys yet: it follows the journal")
        else:
            self._add("books", "key", None, answered_by=known.seq)
            if known.seq != event.seq:
                self.story.findings.append(f"the key was answered by event {known.seq} too")

    def _idempotency(self) -> None:
        assert self.event
        if not self.event.keyed:
            self._missing("ledger", "idempotency record", "the event answered no key")
            return
        client, key = clients.ledger(), keys().idempotency(self.event.scope)
        row: Any = client.hmget(key, "r", "t", "n")
        result, transfer_id, replays = row
        if result is None:
            self._missing(
                "ledger", "idempotency record", "older than keys are kept (7 days); the books keep it for ever"
            )
            return
        caller, operation, _ = [*self.event.scope.split("|", 2), "", ""][:3]
        self._add(
            "ledger", "idempotency record", None, caller=caller, operation=operation, answered=result.decode(),
            replays=int(replays or 0), kept_for_s=max(0, client.pttl(key)) // 1000,
        )  # fmt: skip
        if transfer_id.decode() not in ("", self.payment_id):
            self.story.findings.append(f"the key answers {transfer_id.decode()}")

    def _announcements(self) -> None:
        assert self.event
        streams: list[tuple[str, str]] = []
        if announce.moved(self.event):
            streams += [("live announcement", live_key(self.merchant_id)), ("event for services", STREAM)]
        if announce.held(self.event, Intent.FromString(self.event.intent)):
            streams.append(("event of a hold", names.HOLDS))
        if not streams:
            self._missing("streams", "announcement", "no merchant's payment, or one in review: nobody is told")
            return
        client, entry = clients.streams(), f"{self.event.seq}-0"
        for what, stream in streams:
            rows: Any = client.xrange(stream, entry, entry)
            if not rows:
                self._missing("streams", what, f"{stream} does not hold it: not announced yet, or trimmed")
                continue
            fields = rows[0][1]
            self._add(
                "streams", what, None, stream=stream, entry=entry, type=fields[b"type"].decode(),
                event_id=fields.get(b"id", b"").decode(),
                trace_id=tracing.trace_id(fields.get(b"traceparent", b"").decode()),
            )  # fmt: skip

    def _webhooks(self) -> None:
        assert self.event
        found = webhook_documents.WebhookDocument.objects(merchant_id=self.merchant_id).only("id", "topics")
        hooks = [hook for hook in found if Topic.PAYMENTS in webhook_documents.topics_of(hook)]
        if not hooks:
            self._missing("webhooks", "delivery", "the merchant has none for payments")
        for hook in hooks:
            told = deliveries.delivery(f"{hook.id}-{self.event.seq:016d}")
            if told is None:
                self._missing("webhooks", "delivery", f"{hook.id} has no delivery of it")
                continue
            self._add(
                "webhooks", "delivery", told.delivered_ms or told.created_ms, webhook=hook.id, delivery=told.id,
                state=told.state.value, attempts=told.attempts, last_status=told.last_status,
                last_error=told.last_error,
            )  # fmt: skip

    def _orders(self) -> None:
        assert self.event
        paid = self.event.related if self.event.op in ("refund", "reverse") else self.payment_id
        field = "holds__id" if paid.startswith("hld_") else "payments__transfer_id"
        document = orders.OrdersOrder.objects(**{field: paid}).first()
        if document is None:
            self._missing("orders", "order", "no order names it: most payments are typed at the stall")
            return
        order = orders.order(document.id)
        self._add(
            "orders", "order", int(order.placed_at.timestamp() * 1000), order_id=order.id, code=order.code,
            state=order.state.value, total=order.total, paid=order.paid,
        )  # fmt: skip

    def _following(self) -> None:
        """Refunds, captures, reversals: what refers to it, in the statements' model, which is scanned for that."""
        path = settings().home / "statements.sqlite3"
        if not path.exists():
            self._missing("statements", "what followed", f"{path.name} is not on this machine")
            return
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as connection:
            rows = connection.execute(
                "SELECT m.seq, m.at_ms, m.op, m.transfer_id, max(p.amount) FROM movement m"
                " LEFT JOIN posting p ON p.seq = m.seq AND p.account IN (m.source, m.target)"
                " WHERE m.related = ? GROUP BY m.seq ORDER BY m.seq LIMIT ?", (self.payment_id, FOLLOWING_MAX),
            ).fetchall()  # fmt: skip
        if not rows:
            self._missing("statements", "what followed", "nothing refers to it: no refund, no reversal")
        for seq, at_ms, operation, transfer_id, amount in rows:
            self._add("statements", operation, at_ms, seq=seq, transfer_id=transfer_id, amount=amount)

    def _window(self) -> None:
        assert self.event
        number = self.event.window
        closed = books.window(number)
        if closed is None:
            self._add("settlement", "window", None, window=number, stage="open")
            for what in ("report", "payout", "statement match"):
                self._missing("settlement", what, f"window {number} is not closed")
            return
        self._add(
            "settlement", "window", _ms(closed.closed_at), window=number, stage=closed.stage,
            events=f"{closed.first_seq} to {closed.last_seq}",
        )  # fmt: skip
        self._reports(number)
        self._nets(number)
        self._payout(closed)

    def _reports(self, number: int) -> None:
        found = False
        for box in boxes(settings().home):
            path = box.out / report_name(number, box.institution)
            if not path.exists():
                continue
            with path.open(encoding="utf-8-sig", newline="") as lines:
                for place, line in enumerate(lines, 1):
                    if self.payment_id in line:
                        cells = line.rstrip("\r\n").split(",")
                        self._add(
                            "settlement", "report", None, institution=box.institution, file=path.name, line=place,
                            account=cells[6], debit_vnd=cells[7], credit_vnd=cells[8],
                        )  # fmt: skip
                        found = True
        if not found:
            self._missing(
                "settlement", "report", f"in no report of window {number} (not made yet, or not on this machine)"
            )

    def _nets(self, number: int) -> None:
        telecoms = {leg.account_id.partition(":")[2] for leg in (self.event.legs if self.event else ())} - {""}
        for net in NetDocument.objects(window=number):
            if net.institution in telecoms:
                self._add(
                    "settlement", "net position", _ms(net.outcome_at or net.decided_at), institution=net.institution,
                    amount=net.amount, state=net.state, file=f"pacs.009.{net.message_id}.xml" if net.message_id else "",
                    settled_on=net.settled_on,
                )  # fmt: skip

    def _payout(self, closed: books.Window) -> None:
        """The payout of the payment's window holds it, unless one that the merchant asked for took the money before.

        What was not paid in the end (failed, returned, carried over) is part of what a later one pays.
        """
        assert self.event
        payee = {"payee": self.merchant_id}
        posted = {"posted_seq__gt": self.event.seq, "posted_seq__lte": closed.last_seq}
        since = {"order__gte": order_of(closed.closed_at, ""), "order__lt": ":"}
        asked: Sequence[Any] = []
        later: Sequence[Any] = []
        if self.merchant_id:
            asked = list(PayoutDocument.objects(window=0, **payee, **posted).order_by("order").limit(FOLLOWING_MAX))
            later = list(PayoutDocument.objects(**payee, **since).order_by("order").limit(FOLLOWING_MAX))
        told, carried = list[tuple[str, Any]](), list[str]()
        told += [(MAYBE, one) for one in asked]
        for one in later:
            if one.state == payout_rules.CARRIED:
                carried.append(f"{one.id} was carried over: {one.reason}")
            elif one.id not in {each.id for each in asked}:
                told.append(("payout" if one.window == closed.number and not asked else MAYBE, one))
                if one.window and one.state not in (payout_rules.FAILED, payout_rules.RETURNED):
                    break
        for what, one in told:
            self._paid_out(what, one)
        if not told:
            self._missing("settlement", "payout", "; ".join(carried) or "none decided for this payee since")
            self._missing("settlement", "statement match", "nothing was paid out")

    def _paid_out(self, what: str, paid: Any) -> None:
        """A payout, and the bank's statement that shows it."""
        self._add(
            "settlement", what, _ms(paid.ended_at or paid.decided_at), payout_id=paid.id, window=paid.window or None,
            state=paid.state, amount=paid.amount, file=f"pain.001.{paid.batch}.xml" if paid.batch else "",
            paid_on=paid.paid_on, reason=paid.reason,
        )  # fmt: skip
        match = ReconciliationDocument.objects(id=paid.reconciled).first() if paid.reconciled else None
        if match is None:
            self._missing("settlement", "statement match", f"no bank statement shows {paid.id} yet")
            return
        self._add(
            "settlement", "statement match", match.run_ms, reconciliation=match.id, file=match.name, state=match.state,
            statement=match.statement_id or match.message_id,
        )  # fmt: skip


def tell(payment_id: str) -> Story:
    """The story of a payment (or any transfer) in the stack that the settings point to."""
    return _Teller(payment_id).tell()


def _event_facts(event: LedgerEvent) -> dict[str, Any]:
    return {
        "seq": event.seq, "operation": event.op, "result": event.result, "epoch": event.epoch, "window": event.window,
        "legs": [
            {"account": leg.account_id, "side": leg.side, "amount": leg.amount, "version": leg.version}
            for leg in event.legs
        ],
    }  # fmt: skip


def _ms(moment: Any) -> int | None:
    return int(moment.timestamp() * 1000) if moment is not None else None


@contextmanager
def _database(service: str) -> Iterator[None]:
    mongo.connect(service)
    try:
        yield
    finally:
        mongo.disconnect()
