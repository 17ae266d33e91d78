"""What a sales book is made of, asked of the statements' model. Amounts in đồng, times in ms."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from services.settlement.statements.queries import Range
from services.settlement.taxbook.book import Entry, Totals
from services.settlement.taxbook.revenue import REFUNDS, SALES, turn

_OPS = tuple(sorted(SALES | REFUNDS))


def months(connection: sqlite3.Connection, accounts: Sequence[int], year: int) -> dict[int, Totals]:
    """Totals of these accounts (their numbers) together, by month (yyyymm)."""
    found: dict[int, Totals] = {}
    for no in accounts:
        rows = connection.execute(
            "SELECT month, sales, refunds, fees, other, sales_count, refunds_count FROM turnover"
            " WHERE account = ? AND month BETWEEN ? AND ?", (no, year * 100 + 1, year * 100 + 12),
        )  # fmt: skip
        for month, *figures in rows:
            found[month] = found.get(month, Totals()) + Totals(*figures)
    return found


def entries(connection: sqlite3.Connection, no: int, merchant_id: str, within: Range, most: int) -> Iterator[Entry]:
    """Sales and refunds of an account between two events, oldest first, at most `most`."""
    rows = connection.execute(
        "SELECT movement.seq, at_ms, op, transfer_id, related, reference, whole, side, posting.amount"  # noqa: S608 - of the texts above only
        " FROM posting JOIN movement ON movement.seq = posting.seq"
        " WHERE posting.account = ? AND posting.seq BETWEEN ? AND ?"
        f" AND op IN ({', '.join('?' * len(_OPS))}) ORDER BY posting.seq LIMIT ?",
        (no, within.first, within.last, *_OPS, most),
    )
    for seq, at_ms, op, transfer_id, related, reference, whole, side, posted in rows:
        its = turn(op, side, whole, posted)
        if not its.other:
            yield Entry(
                seq, at_ms, merchant_id, op, transfer_id, related if its.refunds else "", reference, its.sales,
                its.refunds, its.fees,
            )  # fmt: skip


def revenues(connection: sqlite3.Connection, year: int) -> Iterator[tuple[str, int]]:
    """(merchant, revenue of the year), the largest first, of all that sold anything."""
    yield from connection.execute(
        "SELECT account.id, sum(sales - refunds) AS revenue FROM turnover JOIN account ON account.no = turnover.account"
        " WHERE month BETWEEN ? AND ? GROUP BY turnover.account ORDER BY revenue DESC, account.id",
        (year * 100 + 1, year * 100 + 12),
    )
