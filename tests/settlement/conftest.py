"""The books on a real MongoDB-wire server, a ledger on a real Valkey, and a scribe who writes the ledger's events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
import redis

from kit.ledger_event import LedgerEvent, PostedLeg
from kit.streams.entry import Entry
from services.payments import limits, transfer
from services.payments.store import library
from services.payments.store.client import LedgerClient
from services.payments.store.keys import Keys
from services.payments.store.ledger import Ledger
from services.payments.transfer import Leg
from services.settlement import gate, store
from tests.conftest import opened
from tests.payments.conftest import TELECOMS, Bench

KEYS = Keys("c01")
MIDNIGHT_MS = 1_795_885_200_000  # 2026-11-29T00:00+07:00


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def _connected(mongo_uri: str) -> Iterator[None]:
    with opened(store.open_store, mongo_uri):
        yield


@pytest.fixture
def books(_connected: None) -> None:
    """Settlement's own database, connected and empty."""
    for document in (store.JournalPage, store.JournalKey, store.Head, store.Window, store.Bank):
        document.objects.delete()


@pytest.fixture
def hot(valkey: str) -> Iterator[redis.Redis]:
    """The ledger's server with its functions and nothing else; replies are bytes, as the worker has them."""
    with redis.Redis.from_url(valkey, protocol=2) as client:
        library.load(client)
        yield client


@pytest.fixture
async def market(books: None, hot: redis.Redis, valkey: str) -> AsyncIterator[Bench]:
    """A ledger that the books' own gate founded."""
    assert gate.ensure_open(hot)
    client = LedgerClient(valkey)
    await client.start()
    bench = Bench(Ledger(client, KEYS), client, KEYS, valkey)
    await bench.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
    yield bench
    await client.stop()


def unread(hot: redis.Redis) -> list[Entry]:
    """What the journal's reader would get next."""
    after = store.last_seq()
    found = hot.xrange(KEYS.stream, f"({after}-0")
    return [Entry(after + n, fields) for n, (_, fields) in enumerate(found, start=1)]


def journal(hot: redis.Redis, batch: int = 7) -> int:
    """Brings the books up to date; their last sequence number."""
    entries = unread(hot)
    for start in range(0, len(entries), batch):
        store.append(entries[start : start + batch])
    return store.last_seq()


async def trade(market: Bench, hot: redis.Redis, telecom: str = "VIETTEL") -> tuple[str, str]:
    """A wallet that paid a merchant, and was given something back; journaled."""
    wallet, merchant = await market.wallet(telecom, balance=1_000_000), await market.merchant()
    paid = await market.pay(wallet, merchant, 100_000, fee=200, telecom=telecom)
    legs = transfer.refund(merchant, wallet, telecom, 25_000, 50)
    await market.post("refund", 25_000, legs, 50, related=paid.transfer_id, refunded_before=0)
    journal(hot)
    return wallet, merchant


# Operations that answer an idempotency key.
KEYED = {
    "fund", "defund", "cash_in", "cash_out", "pay", "refund", "transfer", "disburse", "hold", "capture", "reverse",
    "top_up", "unload", "chargeback", "recover",
}  # fmt: skip


@dataclass
class Scribe:
    """Writes events as the ledger would, account by account."""

    events: list[LedgerEvent] = field(default_factory=list)
    window: int = 1
    at_ms: int = MIDNIGHT_MS
    _totals: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.write("genesis", transfer_id="cell-test")
        self.write("rules", change=limits.encode(limits.in_force(1_000_000)))
        self.open(transfer.PLATFORM_FEE, "fee")
        for telecom in TELECOMS:
            for kind in ("trust", "reserve", "clearing", "settlement"):
                self.open(f"{kind}:{telecom}", kind, telecom)

    def write(self, op: str, legs: list[Leg] | None = None, **fields: object) -> LedgerEvent:
        self.at_ms += 1
        posted = tuple(self._post(leg) for leg in legs or [] if leg.side != "=")
        seq = len(self.events) + 1
        values = {
            "seq": seq,
            "at_ms": self.at_ms,
            "window": self.window,
            "epoch": 1,
            "op": op,
            "result": "OK",
            "scope": f"usr|{op}|{seq}",
            "body_hash": "h" if op in KEYED else "",
            "transfer_id": "",
            "related": "",
            "amount": "0",
            "fee": "0",
            "legs": posted,
            "intent": b"",
            "change": "",
            **fields,
        }
        event = LedgerEvent(**values)  # type: ignore[arg-type]
        self.events.append(event)
        return event

    def _post(self, leg: Leg) -> PostedLeg:
        totals = self._totals.setdefault(leg.account_id, [0, 0, 0, 0, 0])
        if leg.side != "-":
            totals["dcpq".index(leg.side)] += leg.amount
        totals[4] += 1
        return PostedLeg(leg.account_id, leg.side, leg.amount, *totals)

    def open(self, account: str, kind: str, telecom: str = "", owner: str = "") -> str:
        fields = {"transfer_id": account, "related": kind, "amount": telecom, "fee": owner}
        self.write("open", [Leg("-", 0, account)], change="open,0", **fields)
        return account

    def merchant(self, account: str, bank: str = "970436", state: str = "open") -> str:
        fields = {"transfer_id": account, "related": "merchant", "amount": "", "fee": "usr_v"}
        self.write("merchant", [Leg("-", 0, account)], change=f"{state},{bank}", **fields)
        return account

    def transfer(self, op: str, amount: int, legs: list[Leg], fee: int = 0, related: str = "", **fields: object) -> str:
        prefix = {"pay": "pay", "refund": "ref"}.get(op, "trf")
        transfer_id = f"{prefix}_{len(self.events)}"
        counted = op if op in ("pay", "transfer", "cash_out") else ""
        self.write(
            op, legs, transfer_id=transfer_id, amount=str(amount), fee=str(fee), related=related,
            change=f"{counted},,0,,0", **fields,
        )  # fmt: skip
        return transfer_id

    def wallet(self, balance: int, telecom: str = "VIETTEL") -> str:
        wallet = self.open(f"wal_{len(self.events)}", "wallet", telecom, "usr_w")
        agent = self.open(f"agt_{len(self.events)}", "agent", telecom, "usr_a")
        self.transfer("fund", balance, transfer.fund(telecom, agent, balance))
        self.transfer("cash_in", balance, transfer.cash_in(agent, wallet, balance))
        return wallet

    def pay(self, wallet: str, merchant: str, amount: int, fee: int = 0, telecom: str = "VIETTEL") -> str:
        return self.transfer("pay", amount, transfer.pay(wallet, merchant, telecom, amount, fee), fee)

    def refund(
        self, payment: str, wallet: str, merchant: str, amount: int, fee: int = 0, telecom: str = "VIETTEL"
    ) -> str:
        legs = transfer.refund(merchant, wallet, telecom, amount, fee)
        return self.transfer("refund", amount, legs, fee, related=payment)

    def undo(
        self, op: str, undone: str, source: str, target: str, amount: int, fee: int = 0, telecom: str = "VIETTEL",
        target_telecom: str = "",
    ) -> str:  # fmt: skip
        """An operator's reversal of a transfer of that operation."""
        legs = transfer.undo(op, source, target, amount, fee, telecom, target_telecom or telecom)
        return self.transfer("reverse", amount, legs, fee, related=undone)

    def cut(self) -> LedgerEvent:
        marker = self.write("cut")
        self.window += 1
        return marker

    def entries(self) -> list[Entry]:
        return [Entry(event.seq, fields_of(event)) for event in self.events]


def fields_of(event: LedgerEvent) -> dict[bytes, bytes]:
    """A stream entry's fields, as the ledger writes them."""
    legs = ";".join(
        f"{g.account_id},{g.side},{g.amount},{g.debits},{g.credits},{g.debits_pending},{g.credits_pending},{g.version}"
        for g in event.legs
    )
    texts = {
        "at": event.at_ms,
        "w": event.window,
        "e": event.epoch,
        "op": event.op,
        "r": event.result,
        "s": event.scope,
        "h": event.body_hash,
        "t": event.transfer_id,
        "x": event.related,
        "a": event.amount,
        "f": event.fee,
        "l": legs,
    }
    fields = {name.encode(): str(value).encode() for name, value in texts.items()}
    return {**fields, b"i": event.intent, **({b"z": event.change.encode()} if event.change else {})}


@pytest.fixture
def scribe() -> Scribe:
    return Scribe()
