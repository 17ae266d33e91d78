"""The read model behind statements: one SQLite file of this process, written by one thread and read by many.

What was read of the journal and how far it was read are one transaction: whenever the process dies, the file is true up
to one event, and goes on there. A posting carries its account's balance after it: the ledger wrote that down.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cho.events.v1.intent_pb2 import Intent

from kit import rebuilt
from kit.clock import VIETNAM, from_ms
from kit.ledger_event import LedgerEvent, from_raw
from services.settlement import chain
from services.settlement.books.chart import LINES
from services.settlement.taxbook.revenue import turn

# Raise it with every change of the tables or of what is put into them.
_LAYOUT = 3
# Of pages in memory, a connection; the system keeps the file in its own cache.
_CACHE_KB = 512
# Accounts that there are statements of: every kind that the chart has.
KINDS = frozenset(line.kind for line in LINES)
# Those that people and institutions may ask for; the others are the scheme's own (positions, card money, its bank
# account, what is on its way or unexplained), for operators and auditors.
THEIRS = frozenset({"wallet", "agent", "merchant", "org", "reserve", "trust", "receivable"})
# What there is of them is what was debited.
ASSETS = frozenset(line.kind for line in LINES if line.normal == "debit")
# What these of a telecom come to is what its wallets are covered by.
_COVERING = ("clearing", "reserve")
_HOUR_MS = 3_600_000

_TABLES = """
CREATE TABLE account (
    no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, telecom TEXT NOT NULL, owner TEXT NOT NULL,
    version INTEGER NOT NULL
);
CREATE TABLE movement (
    seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, window INTEGER NOT NULL, op TEXT NOT NULL,
    transfer_id TEXT NOT NULL, related TEXT NOT NULL, fee INTEGER NOT NULL, source INTEGER NOT NULL,
    target INTEGER NOT NULL, reference TEXT NOT NULL, note TEXT NOT NULL, whole INTEGER NOT NULL
);
CREATE INDEX movement_at ON movement (at_ms);
CREATE TABLE posting (
    account INTEGER NOT NULL, seq INTEGER NOT NULL, side TEXT NOT NULL, amount INTEGER NOT NULL,
    balance INTEGER NOT NULL, held INTEGER NOT NULL, PRIMARY KEY (account, seq)
) WITHOUT ROWID;
CREATE TABLE turnover (
    account INTEGER NOT NULL, month INTEGER NOT NULL, sales INTEGER NOT NULL, refunds INTEGER NOT NULL,
    fees INTEGER NOT NULL, other INTEGER NOT NULL, sales_count INTEGER NOT NULL, refunds_count INTEGER NOT NULL,
    PRIMARY KEY (account, month)
) WITHOUT ROWID;
CREATE INDEX turnover_month ON turnover (month);
CREATE TABLE total (
    day INTEGER NOT NULL, telecom TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (telecom, kind, day)
) WITHOUT ROWID;
CREATE TABLE cover (
    day INTEGER NOT NULL, telecom TEXT NOT NULL, least INTEGER NOT NULL, PRIMARY KEY (telecom, day)
) WITHOUT ROWID;
CREATE TABLE mark (day INTEGER PRIMARY KEY, seq INTEGER NOT NULL, events INTEGER NOT NULL, head BLOB NOT NULL);
CREATE TABLE cursor (
    one INTEGER PRIMARY KEY CHECK (one = 1), genesis TEXT NOT NULL, page INTEGER NOT NULL, seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, head BLOB NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the books were read: page, sequence number, time of that event (ms), chain head."""

    genesis: str
    page: int = 0
    seq: int = 0
    at_ms: int = 0
    head: bytes = chain.GENESIS


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the journal: its events' canonical bytes in order, and the chain's head after them."""

    number: int
    first: int
    raws: Sequence[bytes]
    head: bytes


class WrongChain(Exception):
    """A page is not the one that was chained: nothing of it is taken."""


def day_of(ms: int) -> int:
    """Calendar day in Vietnam, yyyymmdd."""
    return _day_of_hour(ms // _HOUR_MS)


@lru_cache(64)
def _day_of_hour(hour: int) -> int:
    """Days begin with an hour."""
    day = from_ms(hour * _HOUR_MS).astimezone(VIETNAM)
    return day.year * 10_000 + day.month * 100 + day.day


class Model:
    """Open once a process, after any fork. `apply` belongs to one thread, `reader` to any."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = rebuilt.writer(path, _LAYOUT, _TABLES)
        self._writer.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        self.grown = threading.Condition()

    def close(self) -> None:
        """Closes every connection; nobody may be reading."""
        for connection in [*self._opened, self._writer]:
            connection.close()

    def cursor(self) -> Cursor | None:
        """How far it is; None before its first page. For the writing thread."""
        return read_cursor(self._writer)

    def clear(self) -> None:
        """Forgets everything: other books."""
        self._writer.executescript(
            "BEGIN; DELETE FROM account; DELETE FROM movement; DELETE FROM posting; DELETE FROM total;"
            "DELETE FROM turnover; DELETE FROM cover; DELETE FROM mark; DELETE FROM cursor; COMMIT;"
        )

    def apply(self, at: Cursor, pages: Iterable[Page]) -> Cursor:
        """Takes pages in, in one transaction; how far it is then. Raises WrongChain, and then nothing was done."""
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            batch = _Batch(self._writer)
            for page in pages:
                at = batch.take(at, page)
            batch.flush(at)
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise
        self._writer.execute("COMMIT")
        with self.grown:
            self.grown.notify_all()
        return at

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """A read transaction of this thread: what is written meanwhile is not seen."""
        if not hasattr(self._local, "connection"):
            self._local.connection = rebuilt.reader(self._path)
            self._local.connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            self._opened.append(self._local.connection)
        connection: sqlite3.Connection = self._local.connection
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")


def read_cursor(connection: sqlite3.Connection) -> Cursor | None:
    """How far the model is, as this connection sees it."""
    row = connection.execute("SELECT genesis, page, seq, at_ms, head FROM cursor").fetchone()
    return Cursor(*row) if row else None


@dataclass(slots=True)
class _Sum:
    """What all accounts of a telecom and kind come to, credits less debits; and what that was after each day."""

    amount: int
    after: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Cover:
    """A telecom's cover, by day the least that it was."""

    sums: tuple[_Sum, ...]
    least: dict[int, int] = field(default_factory=dict)

    def look(self, day: int) -> None:
        """After an event of the day."""
        now = sum(one.amount for one in self.sums)
        self.least[day] = min(now, self.least.get(day, now))


@dataclass(slots=True)
class _Known:
    """An account as it is after the events so far."""

    no: int
    kind: str
    telecom: str
    owner: str
    version: int
    sum: _Sum
    # Of the accounts that are part of one.
    cover: _Cover | None
    opened: bool = False
    # What a credit does to its balance; 0 where there are no statements of its kind.
    sign: int = field(init=False)

    def __post_init__(self) -> None:
        self.sign = (-1 if self.kind in ASSETS else 1) if self.kind in KINDS else 0


@dataclass(slots=True)
class _Batch:
    """What some pages change, gathered, and written at once."""

    connection: sqlite3.Connection
    _accounts: dict[str, _Known] = field(default_factory=dict)
    _movements: list[tuple[object, ...]] = field(default_factory=list)
    _postings: list[tuple[object, ...]] = field(default_factory=list)
    # By telecom and kind, and by telecom.
    _sums: dict[tuple[str, str], _Sum] = field(default_factory=dict)
    _covers: dict[str, _Cover] = field(default_factory=dict)
    _marks: dict[int, tuple[int, int, bytes]] = field(default_factory=dict)
    # Merchants' sales by account and month (services/settlement/taxbook).
    _turnovers: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    _next_no: int = 0

    def take(self, at: Cursor, page: Page) -> Cursor:
        """One page."""
        if page.number != at.page + 1 or page.first != at.seq + 1:
            raise WrongChain(f"page {page.number} from {page.first} does not follow {at.page} up to {at.seq}")
        head, seq, at_ms = at.head, at.seq, at.at_ms
        for raw in page.raws:
            seq += 1
            head = chain.link(head, seq, raw)
            event = from_raw(seq, raw)
            at_ms = event.at_ms
            self._take(event, head)
        if head != page.head:
            raise WrongChain(f"page {page.number} is not what was chained")
        return Cursor(at.genesis, page.number, seq, at_ms, head)

    def _take(self, event: LedgerEvent, head: bytes) -> None:
        day = day_of(event.at_ms)
        self._marks[day] = (event.seq, self._marks.get(day, (0, 0, b""))[1] + 1, head)
        if event.result != "OK" or not event.legs:
            return
        if event.op in ("open", "merchant"):
            kind = event.related
            telecom = event.amount if event.op == "open" else ""
            self._open(event.transfer_id, kind, telecom, event.fee, event.legs[0].version)
            return
        known = [self._accounts.get(leg.account_id) or self._known(leg.account_id) for leg in event.legs]
        for account, leg in zip(known, event.legs, strict=True):
            account.version = leg.version
        if event.op in ("state", "exempt", "cap"):  # facts: they move nothing, and a cap's amount is its telecom
            return
        self._move(event, known)
        self._post(event, known, day)

    def _move(self, event: LedgerEvent, known: Sequence[_Known]) -> None:
        source, target = known[0].no, known[1].no if len(known) > 1 else 0
        intent = Intent.FromString(event.intent)
        self._movements.append((
            event.seq, event.at_ms, event.window, event.op, event.transfer_id, event.related, int(event.fee or 0),
            source, target, intent.reference, intent.note, int(event.amount or 0),
        ))  # fmt: skip

    def _post(self, event: LedgerEvent, known: Sequence[_Known], day: int) -> None:
        """Each leg, to its account and to what is summed up. What is set aside for a payee is not theirs yet, and is
        not told: sides are "d" and "c" for what moved, "p" for money set aside, "r" for money that is free again."""
        # A hold's end posts nothing: it is told of its first leg, the payer's.
        of_the_first = "r" if event.op in ("void", "expire") else ""
        covers = []
        for account, leg in zip(known, event.legs, strict=True):
            side, amount = leg.side, leg.amount
            if side in "dc":
                total = account.sum
                total.amount += amount if side == "c" else -amount
                total.after[day] = total.amount
                if account.kind == "merchant":
                    self._turn(event, account.no, side, amount, day // 100)
            elif side != "p":
                side = of_the_first
            if side and account.sign:
                amount = int(event.amount) if leg.side == "-" else amount
                balance = (leg.credits - leg.debits) * account.sign
                self._postings.append((account.no, event.seq, side, amount, balance, leg.debits_pending))
            if account.cover is not None:
                covers.append(account.cover)
            of_the_first = ""
        for cover in covers:
            cover.look(day)

    def _turn(self, event: LedgerEvent, no: int, side: str, posted: int, month: int) -> None:
        """Counts what a merchant sold, by month."""
        sales, refunds, fees, other = turn(event.op, side, int(event.amount or 0), posted)
        sums = self._turnovers.setdefault((no, month), [0] * 6)
        sums[0] += sales
        sums[1] += refunds
        sums[2] += fees
        sums[3] += other
        sums[4] += sales > 0
        sums[5] += refunds > 0

    def _sum(self, telecom: str, kind: str) -> _Sum:
        group = telecom, kind
        if group not in self._sums:
            row = self.connection.execute(
                "SELECT amount FROM total WHERE telecom = ? AND kind = ? ORDER BY day DESC LIMIT 1", group
            ).fetchone()
            self._sums[group] = _Sum(row[0] if row else 0)
        return self._sums[group]

    def _cover(self, telecom: str) -> _Cover:
        if telecom not in self._covers:
            self._covers[telecom] = _Cover(tuple(self._sum(telecom, kind) for kind in _COVERING))
        return self._covers[telecom]

    def _open(self, account_id: str, kind: str, telecom: str, owner: str, version: int) -> None:
        found = self._find(account_id)
        if found is None:
            if not self._next_no:
                self._next_no = self.connection.execute("SELECT coalesce(max(no), 0) + 1 FROM account").fetchone()[0]
            found = self._keep(account_id, self._next_no, kind, telecom, owner, version)
            self._next_no += 1
        found.owner, found.version, found.opened = owner, version, True

    def _known(self, account_id: str) -> _Known:
        found = self._find(account_id)
        if found is None:
            raise WrongChain(f"{account_id} was never opened")
        return found

    def _find(self, account_id: str) -> _Known | None:
        if account_id in self._accounts:
            return self._accounts[account_id]
        row = self.connection.execute(
            "SELECT no, kind, telecom, owner, version FROM account WHERE id = ?", (account_id,)
        ).fetchone()
        return self._keep(account_id, *row) if row else None

    def _keep(self, account_id: str, no: int, kind: str, telecom: str, owner: str, version: int) -> _Known:
        cover = self._cover(telecom) if kind in _COVERING else None
        known = self._accounts[account_id] = _Known(no, kind, telecom, owner, version, self._sum(telecom, kind), cover)
        return known

    def flush(self, at: Cursor) -> None:
        """Writes it all."""
        write = self.connection.executemany
        accounts = self._accounts
        write(
            "REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?)",
            [(a.no, id_, a.kind, a.telecom, a.owner, a.version) for id_, a in accounts.items() if a.opened],
        )
        # Replaced, a row of an account would be put into the index of their ids anew.
        changed = [(a.version, a.no) for a in accounts.values() if not a.opened]
        write("UPDATE account SET version = ? WHERE no = ?", changed)
        write("INSERT INTO movement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", self._movements)
        write("INSERT INTO posting VALUES (?, ?, ?, ?, ?, ?)", self._postings)
        write(
            "REPLACE INTO total VALUES (?, ?, ?, ?)",
            [(day, *group, amount) for group, one in self._sums.items() for day, amount in one.after.items()],
        )
        write(
            "INSERT INTO turnover VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, month) DO UPDATE SET"
            " sales = sales + excluded.sales, refunds = refunds + excluded.refunds, fees = fees + excluded.fees,"
            " other = other + excluded.other, sales_count = sales_count + excluded.sales_count,"
            " refunds_count = refunds_count + excluded.refunds_count",
            [(*key, *sums) for key, sums in self._turnovers.items()],
        )
        write(
            "INSERT INTO cover VALUES (?, ?, ?)"
            " ON CONFLICT (telecom, day) DO UPDATE SET least = min(least, excluded.least)",
            [(day, telecom, least) for telecom, one in self._covers.items() for day, least in one.least.items()],
        )
        write(
            "INSERT INTO mark VALUES (?, ?, ?, ?) ON CONFLICT (day) DO UPDATE SET seq = excluded.seq,"
            " events = events + excluded.events, head = excluded.head",
            [(day, *mark) for day, mark in self._marks.items()],
        )
        self.connection.execute(
            "REPLACE INTO cursor VALUES (1, ?, ?, ?, ?, ?)", (at.genesis, at.page, at.seq, at.at_ms, at.head)
        )
