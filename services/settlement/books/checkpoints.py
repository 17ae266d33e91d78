"""Checkpoints: what every account and every line of the chart came to at each window's end, in a file of SQLite.

It follows from the journal alone and can be thrown away: a missing, older or damaged file is built again. Between two
checkpoints are at most EVERY events and no window's end, so that what the books were at any event is one checkpoint and
a few thousand events. Whoever asks does not see half of one: a checkpoint is one transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kit import rebuilt
from services.settlement import chain, store
from services.settlement.books.replay import without_collector
from services.settlement.books.tail import NOTHING, UNOPENED, Known, Tail, Totals
from services.settlement.statements.model import WrongChain

# Raise it with every change of the tables or of what is put into them.
_LAYOUT = 1
# Events between two checkpoints, at most.
EVERY = 20_000
PAGES_AT_ONCE = 64
# Checkpoints in a transaction, at least; what was read behind the last one is read again.
MARKS_AT_ONCE = 4
FINDINGS_MAX = 100
# Accounts whose last totals are remembered while checkpoints are made, some 400 bytes each; beyond it all are
# forgotten, and read from the file again.
ACCOUNTS_KEPT = 150_000
_BUSY_S = 10.0
# Of pages in memory while checkpoints are made, and kB that are given back once there are none to make. With SQLite's
# 2 MB each checkpoint wrote most pages of the file several times.
_CACHE_KB = 32_768

_TABLES = """
CREATE TABLE account (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, unit TEXT NOT NULL);
CREATE INDEX account_kind ON account (kind);
CREATE TABLE bank (
    account INTEGER NOT NULL, seq INTEGER NOT NULL, bin TEXT NOT NULL, PRIMARY KEY (account, seq)
) WITHOUT ROWID;
CREATE TABLE mark (
    seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, window INTEGER NOT NULL, closes INTEGER NOT NULL,
    head BLOB NOT NULL, page INTEGER NOT NULL, page_seq INTEGER NOT NULL, page_head BLOB NOT NULL, digest BLOB NOT NULL
);
CREATE INDEX mark_at ON mark (at_ms);
CREATE UNIQUE INDEX mark_closes ON mark (closes) WHERE closes > 0;
CREATE TABLE line (
    seq INTEGER NOT NULL, kind TEXT NOT NULL, unit TEXT NOT NULL, accounts INTEGER NOT NULL, debits INTEGER NOT NULL,
    credits INTEGER NOT NULL, debits_pending INTEGER NOT NULL, credits_pending INTEGER NOT NULL,
    PRIMARY KEY (seq, kind, unit)
) WITHOUT ROWID;
CREATE TABLE total (
    account INTEGER NOT NULL, seq INTEGER NOT NULL, debits INTEGER NOT NULL, credits INTEGER NOT NULL,
    debits_pending INTEGER NOT NULL, credits_pending INTEGER NOT NULL, PRIMARY KEY (account, seq)
) WITHOUT ROWID;
CREATE TABLE finding (seq INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE book (one INTEGER PRIMARY KEY CHECK (one = 1), genesis TEXT NOT NULL);
"""
_MERCHANTS = """
SELECT id, coalesce((SELECT bin FROM bank WHERE account = no AND seq <= ? ORDER BY seq DESC LIMIT 1), ''),
    debits, credits, debits_pending, credits_pending
FROM account JOIN total ON account = no AND total.seq = (SELECT max(seq) FROM total WHERE account = no AND seq <= ?)
WHERE kind = 'merchant'
"""
_ACCOUNT = """
SELECT no, kind, unit, debits, credits, debits_pending, credits_pending FROM account JOIN total ON account = no
WHERE id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1
"""
_NAMES = ("account", "bank", "mark", "line", "total", "finding", "book")


@dataclass(frozen=True, slots=True)
class Mark:
    """A checkpoint: the books after event `seq` (`at_ms` its time, `head` the chain there, `window` open after it).

    `closes`: the window whose closing marker it is, 0 for none. `page...`: where the journal's page before it ends.
    """

    seq: int = 0
    at_ms: int = 0
    window: int = 1
    closes: int = 0
    head: bytes = chain.GENESIS
    page: int = 0
    page_seq: int = 0
    page_head: bytes = chain.GENESIS
    digest: bytes = b""


START = Mark()
Lines = dict[Known, tuple[Totals, int]]
# An account's number in the file, what it is, and its totals.
_Kept = tuple[int, Known, Totals]


class Behind(Exception):
    """The checkpoints do not reach that far yet, or are built again: let them follow, and ask again."""


class Checkpoints:
    """Open once a process, after any fork; for any thread. `follow` writes, all else reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = self._open()
        # Accounts as they are at the checkpoint `_kept_at`, which this object made itself.
        self._kept: dict[str, _Kept] = {}
        self._kept_at = 0

    def close(self) -> None:
        """Nobody may be asking."""
        self._connection.close()

    def follow(self) -> bool:
        """Makes the next checkpoints, of some tens of pages at most; whether there were any to make.

        Raises WrongChain where the journal is not what was chained (nothing of it is taken), pymongo's errors.
        """
        with self._lock:
            made = False
            try:
                with without_collector(), self._writing() as connection:
                    made = self._next(connection)
            finally:
                if not made:
                    self._forget()
                    self._connection.execute("PRAGMA shrink_memory")
        return made

    @contextmanager
    def lent(self) -> Iterator[Path]:
        """The file, for another process that follows meanwhile. Other threads that ask wait; this one may not ask."""
        with self._lock:
            self._forget()
            self._connection.close()
            try:
                yield self._path
            finally:
                self._connection = self._open()

    def newest(self) -> Mark:
        """The last checkpoint; START before the first."""
        return self._mark("", ())

    def before(self, seq: int) -> Mark:
        """The last checkpoint at or before an event."""
        return self._mark("WHERE seq <= ?", (seq,))

    def before_moment(self, at_ms: int) -> Mark:
        """The last checkpoint at or before a moment, ms."""
        return self._mark("WHERE at_ms <= ?", (at_ms,))

    def closing(self, window: int) -> Mark:
        """The checkpoint at a window's closing marker; START for window 0. Raises Behind where there is none yet."""
        if window == 0:
            return START
        found = self._mark("WHERE closes = ?", (window,))
        if found == START:
            raise Behind(f"window {window} has no checkpoint: it is not closed, or the checkpoints are not there yet")
        return found

    def lines(self, mark: Mark) -> Lines:
        """Every kind's and unit's totals at a checkpoint, and how many accounts. Raises Behind where damaged."""
        with self._reading() as connection:
            found = _lines(connection, mark.seq)
        if mark.seq and _digest(mark.head, found) != mark.digest:
            self._damaged()
        return found

    def account(self, account_id: str, seq: int) -> tuple[Known, Totals] | None:
        """What an account is, and its totals at the last checkpoint at or before `seq`; None where it was not there."""
        with self._reading() as connection:
            row = connection.execute(_ACCOUNT, (account_id, seq)).fetchone()
        return (Known(row[1], row[2]), Totals._make(row[3:])) if row else None

    def merchants(self, seq: int, bank_at: int) -> dict[str, tuple[str, Totals]]:
        """Each merchant's bank (after event `bank_at`) and totals, at the last checkpoint at or before `seq`."""
        with self._reading() as connection:
            rows = connection.execute(_MERCHANTS, (bank_at, seq)).fetchall()
        return {account_id: (bank, Totals._make(totals)) for account_id, bank, *totals in rows}

    def findings(self, seq: int) -> list[str]:
        """What was found wrong up to an event."""
        with self._reading() as connection:
            rows = connection.execute("SELECT text FROM finding WHERE seq <= ? ORDER BY seq, text", (seq,)).fetchall()
        return [text for (text,) in rows]

    # The file ------------------------------------------------------------------------------------------------

    def _next(self, connection: sqlite3.Connection) -> bool:
        at, head = self.newest(), store.head()
        known = connection.execute("SELECT genesis FROM book").fetchone()
        if known is None or known[0] != head.genesis:
            for name in _NAMES:
                connection.execute(f"DELETE FROM {name}")  # noqa: S608 - our own names
            connection.execute("INSERT INTO book VALUES (1, ?)", (head.genesis,))
            at = START
        if head.seq == at.seq or (head.seq < at.seq + EVERY and store.window(at.window) is None):
            return False
        if at.seq != self._kept_at:  # other books, or another process made some
            self._forget()
        return self._follow(at)

    def _follow(self, at: Mark) -> bool:
        """Checkpoints from `at` on, while there are pages."""
        page, seq, head = at.page, at.page_seq, at.page_head
        tail, made = Tail(at.seq, at.at_ms, at.window, at.head), 0
        while made < MARKS_AT_ONCE:
            _, found = store.pages(page, PAGES_AT_ONCE)
            if not found:
                return made > 0
            for one in found:
                if one.number != page + 1 or one.first != seq + 1:
                    raise WrongChain(f"page {one.number} from {one.first} does not follow {page} up to {seq}")
                before, reached = (page, seq, head), seq
                for raw in one.raws:
                    reached += 1
                    if reached <= tail.seq:  # the checkpoint has it already
                        head = chain.link(head, reached, raw)
                        if reached == tail.seq and head != tail.head:
                            raise WrongChain(f"entry {reached} is not what the last checkpoint was made of")
                        continue
                    closed = tail.take(reached, raw)
                    head = tail.head
                    if closed or tail.events == EVERY:
                        self._make(tail, tail.window - 1 if closed else 0, before)
                        tail, made = Tail(tail.seq, tail.at_ms, tail.window, tail.head), made + 1
                if head != one.head:
                    raise WrongChain(f"page {one.number} is not what was chained")
                page, seq = one.number, reached
        return True

    def _make(self, tail: Tail, closes: int, page: tuple[int, int, bytes]) -> None:
        connection = self._connection
        before = self.newest()
        lines, kept = _lines(connection, before.seq), self._keep(tail, before.seq)
        changes = tail.changes(lambda account_id: kept[account_id][1:] if account_id in kept else None)
        for known, (totals, accounts) in changes.added.items():
            old, count = lines.get(known, (NOTHING, 0))
            lines[known] = (old.plus(totals), count + accounts)
        self._open_accounts(tail)
        connection.executemany(
            "INSERT INTO bank VALUES (?, ?, ?)", [(kept[merchant][0], seq, bank) for seq, merchant, bank in tail.banks]
        )
        rows = []
        for account_id, after in changes.after.items():
            number, known, _ = kept[account_id]
            rows.append((number, tail.seq, *after))
            kept[account_id] = (number, known, after)
        # In the order in which they lie in the file.
        connection.executemany("INSERT INTO total VALUES (?, ?, ?, ?, ?, ?)", sorted(rows))
        connection.executemany(
            "INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(tail.seq, known.kind, known.unit, count, *totals) for known, (totals, count) in lines.items()],
        )
        connection.executemany(
            "INSERT INTO finding VALUES (?, ?)", [(tail.seq, text) for text in changes.wrong[:FINDINGS_MAX]]
        )
        connection.execute(
            "INSERT INTO mark VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (tail.seq, tail.at_ms, tail.window, closes, tail.head, *page, _digest(tail.head, lines)),
        )

        self._kept_at = tail.seq

    def _keep(self, tail: Tail, seq: int) -> dict[str, _Kept]:
        """What is remembered of accounts: all that the tail moved are in it that were there at the checkpoint `seq`."""
        if len(self._kept) > ACCOUNTS_KEPT:
            self._kept.clear()
        for account_id in tail.moved - self._kept.keys():
            row = self._connection.execute(_ACCOUNT, (account_id, seq)).fetchone()
            if row is not None:
                self._kept[account_id] = (row[0], Known(row[1], row[2]), Totals._make(row[3:]))
        return self._kept

    def _open_accounts(self, tail: Tail) -> None:
        """Enters the accounts that were not there before."""
        (last,) = self._connection.execute("SELECT coalesce(max(no), 0) FROM account").fetchone()
        fresh = [account_id for account_id in tail.moved if account_id not in self._kept]
        rows = []
        for number, account_id in enumerate(fresh, last + 1):
            known = tail.opened.get(account_id, UNOPENED)
            self._kept[account_id] = (number, known, NOTHING)
            rows.append((number, account_id, *known))
        self._connection.executemany("INSERT INTO account VALUES (?, ?, ?, ?)", rows)

    def _forget(self) -> None:
        self._kept.clear()
        self._kept_at = 0

    def _mark(self, where: str, values: tuple[int, ...]) -> Mark:
        with self._reading() as connection:
            row = connection.execute(
                "SELECT seq, at_ms, window, closes, head, page, page_seq, page_head, digest FROM mark"  # noqa: S608
                f" {where} ORDER BY seq DESC LIMIT 1",
                values,
            ).fetchone()
        return Mark(*row) if row else START

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.DatabaseError as error:
                if not rebuilt.is_broken(error):
                    raise
                self._damaged()

    def _damaged(self) -> None:
        with self._lock:
            self._connection.close()
            rebuilt.remove(self._path)
            self._connection = self._open()
        raise Behind("the checkpoints were damaged and are built again: let them follow, and ask again")

    def _open(self) -> sqlite3.Connection:
        connection = rebuilt.writer(self._path, _LAYOUT, _TABLES, busy_s=_BUSY_S, whole=True)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        return connection


def _lines(connection: sqlite3.Connection, seq: int) -> Lines:
    rows = connection.execute(
        "SELECT kind, unit, accounts, debits, credits, debits_pending, credits_pending FROM line WHERE seq = ?", (seq,)
    )
    return {Known(kind, unit): (Totals._make(totals), accounts) for kind, unit, accounts, *totals in rows}


def _digest(head: bytes, lines: Lines) -> bytes:
    """Of a checkpoint's lines and its place in the chain: SQLite does not notice a changed number."""
    rows = sorted((known.kind, known.unit, accounts, *totals) for known, (totals, accounts) in lines.items())
    return hashlib.sha256(head + repr(rows).encode()).digest()
