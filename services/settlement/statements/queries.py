"""What statements say, asked of the model. Amounts in đồng, times in ms; `from_ms` is included, `until_ms` is not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SEQ_MAX = (1 << 62) - 1


@dataclass(frozen=True, slots=True)
class Account:
    """`version` counts its changes, as the ledger does."""

    no: int
    account_id: str
    kind: str
    telecom: str
    owner: str
    version: int


@dataclass(frozen=True, slots=True)
class Line:
    """One movement as an account saw it. `side`: "d" out, "c" in, "p" set aside, "r" free again. `held` is what was set
    aside after it."""

    seq: int
    at_ms: int
    window: int
    op: str
    transfer_id: str
    related: str
    fee: int
    counterparty: str
    reference: str
    note: str
    side: str
    amount: int
    balance: int
    held: int


@dataclass(frozen=True, slots=True)
class Range:
    """An account between two moments: balances before and after, and what went out of it and came in."""

    opening: int
    closing: int
    out: int
    into: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Filter:
    """Empty and 0 for everything."""

    ops: Sequence[str] = ()
    sides: str = ""
    least: int = 0
    most: int = 0


def account(connection: sqlite3.Connection, account_id: str) -> Account | None:
    """One account; None where the books do not know it."""
    row = connection.execute(
        "SELECT no, id, kind, telecom, owner, version FROM account WHERE id = ?", (account_id,)
    ).fetchone()
    return Account(*row) if row else None


def range_of(connection: sqlite3.Connection, no: int, from_ms: int, until_ms: int) -> Range:
    """An account's money between two moments."""
    first, last = _seq_at(connection, from_ms), _seq_at(connection, until_ms) - 1
    out, into = connection.execute(
        "SELECT coalesce(sum(amount) FILTER (WHERE side = 'd'), 0), coalesce(sum(amount) FILTER (WHERE side = 'c'), 0)"
        " FROM posting WHERE account = ? AND seq BETWEEN ? AND ?", (no, first, last),
    ).fetchone()  # fmt: skip
    return Range(balance_after(connection, no, first - 1)[0], balance_after(connection, no, last)[0], out, into,
                 first, last)  # fmt: skip


def balance_at(connection: sqlite3.Connection, no: int, at_ms: int) -> tuple[int, int]:
    """(balance, set aside) of an account at a moment, its last ms included."""
    return balance_after(connection, no, _seq_at(connection, at_ms + 1) - 1)


def balance_after(connection: sqlite3.Connection, no: int, seq: int) -> tuple[int, int]:
    """(balance, set aside) of an account after an event."""
    row = connection.execute(
        "SELECT balance, held FROM posting WHERE account = ? AND seq <= ? ORDER BY seq DESC LIMIT 1", (no, seq)
    ).fetchone()
    return row or (0, 0)


def count(connection: sqlite3.Connection, no: int, first: int, last: int, most: int) -> int:
    """How many lines an account has between two events, counted up to `most`."""
    (found,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM posting WHERE account = ? AND seq BETWEEN ? AND ? LIMIT ?)",
        (no, first, last, most),
    ).fetchone()
    return int(found)


def lines(
    connection: sqlite3.Connection, no: int, first: int, last: int, chosen: Filter, most: int, *,
    oldest_first: bool = False,
) -> Iterator[Line]:  # fmt: skip
    """An account's lines between two events, newest first unless `oldest_first`."""
    conditions, values = ["posting.account = ?", "posting.seq BETWEEN ? AND ?"], [no, first, last]
    if chosen.ops:
        conditions.append(f"movement.op IN ({', '.join('?' * len(chosen.ops))})")
        values += chosen.ops  # type: ignore[arg-type]
    if chosen.sides:
        conditions.append(f"posting.side IN ({', '.join('?' * len(chosen.sides))})")
        values += chosen.sides  # type: ignore[arg-type]
    if chosen.least:
        conditions.append("posting.amount >= ?")
        values.append(chosen.least)
    if chosen.most:
        conditions.append("posting.amount <= ?")
        values.append(chosen.most)
    rows = connection.execute(
        "SELECT movement.seq, at_ms, window, op, transfer_id, related, fee,"  # noqa: S608 - of the texts above only
        " (SELECT id FROM account WHERE no = CASE source WHEN posting.account THEN target ELSE source END),"
        " reference, note, side, amount, balance, held"
        " FROM posting JOIN movement ON movement.seq = posting.seq"
        f" WHERE {' AND '.join(conditions)} ORDER BY posting.seq {'ASC' if oldest_first else 'DESC'} LIMIT ?",
        (*values, most),
    )
    for seq, at_ms, window, op, transfer_id, related, fee, counterparty, *rest in rows:
        yield Line(seq, at_ms, window, op, transfer_id, related, fee, counterparty or "", *rest)


@dataclass(frozen=True, slots=True)
class TrustDay:
    """What a telecom's guarantee account stood for at the end of a day, credits less debits by kind of account; the
    least cover of the day; the day's last event, how many it had, and the chain's head after it."""

    sums: dict[str, int]
    opening_trust: int
    least_cover: int
    last_seq: int
    events: int
    head: bytes


def trust_day(connection: sqlite3.Connection, telecom: str, day: int) -> TrustDay | None:
    """A telecom's day; None before the books began."""
    mark = connection.execute("SELECT seq, head FROM mark WHERE day <= ? ORDER BY day DESC LIMIT 1", (day,)).fetchone()
    if mark is None:
        return None
    sums = {kind: _sum_on(connection, telecom, kind, day) for kind in _TRUST_KINDS}
    before = {kind: _sum_on(connection, telecom, kind, day - 1) for kind in ("trust", "clearing", "reserve")}
    least = connection.execute("SELECT least FROM cover WHERE telecom = ? AND day = ?", (telecom, day)).fetchone()
    # A day begins with the cover that the one before it left.
    opening = before["clearing"] + before["reserve"]
    events = connection.execute("SELECT events FROM mark WHERE day = ?", (day,)).fetchone()
    return TrustDay(
        sums, -before["trust"], min(opening, least[0]) if least else opening, mark[0], events[0] if events else 0,
        mark[1],
    )  # fmt: skip


_TRUST_KINDS = ("trust", "wallet", "agent", "org", "reserve", "clearing", "settlement")


def _sum_on(connection: sqlite3.Connection, telecom: str, kind: str, day: int) -> int:
    row = connection.execute(
        "SELECT amount FROM total WHERE telecom = ? AND kind = ? AND day <= ? ORDER BY day DESC LIMIT 1",
        (telecom, kind, day),
    ).fetchone()
    return int(row[0]) if row else 0


def _seq_at(connection: sqlite3.Connection, at_ms: int) -> int:
    """The first movement at or after a moment; above every one where there is none."""
    row = connection.execute(
        "SELECT seq FROM movement WHERE at_ms >= ? ORDER BY at_ms, seq LIMIT 1", (at_ms,)
    ).fetchone()
    return int(row[0]) if row else SEQ_MAX
