"""Rows of the tables as the shared records, and a break before it has an id and a weight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.settlement.matching.model import BreakType
from services.settlement.matching.spool import Database, one
from services.settlement.records import Expected, FileRefused, StatementEntry

# Differences of one kind in a run. A statement that differs in more is not this statement of these books.
BREAKS_MAX = 100_000

# The columns of `expected` and of `entries`, as the functions below take them.
X = "amount, on_, reference, grp, side, transfer_id, what, account"
Y = (
    "number, line, side, amount, currency, booked_on, value_on, reference, grp, bank_reference, counterparty, account,"
    " text, status, reversal"
)
# Rows that are equal in all of it are interchangeable.
X_ORDER = "reference, side, amount, on_, transfer_id, what, account, grp"


@dataclass(frozen=True, slots=True)
class Raw:
    """A break as it is found. `identity` tells it from every other of its type, also in another run."""

    type: BreakType
    detail: str
    identity: tuple[object, ...]
    xs: tuple[Expected, ...] = ()
    x_count: int = 0
    x_total: int = 0
    ys: tuple[StatementEntry, ...] = ()
    y_count: int = 0
    y_total: int = 0


def expected(values: Any) -> Expected:
    amount, on, reference, group, side, transfer_id, what, account = values
    return Expected(reference, group, side, amount, on, transfer_id, what, account)


def entry(values: Any) -> StatementEntry:
    number, line, side, amount, currency, booked_on, value_on, *others = values
    value = date.fromisoformat(value_on) if value_on else None
    return StatementEntry(number, line, side, amount, currency, booked_on, value, *others)


def expected_by(con: Database, sql: str, keys: int) -> defaultdict[Hashable, list[Expected]]:
    """Movements by the first `keys` columns of an answer, whose others are X."""
    found: defaultdict[Hashable, list[Expected]] = defaultdict(list)
    for row in con.execute(sql).fetchall():
        found[row[:keys]].append(expected(row[keys:]))
    return found


def entries_by(con: Database, sql: str, keys: int) -> defaultdict[Hashable, list[StatementEntry]]:
    """Entries by the first `keys` columns of an answer, whose others are Y."""
    found: defaultdict[Hashable, list[StatementEntry]] = defaultdict(list)
    for row in con.execute(sql).fetchall():
        found[row[:keys]].append(entry(row[keys:]))
    return found


def check(con: Database, table: str) -> int:
    """How long a table of differences is. Raises FileRefused where that is too long."""
    (count,) = one(con, f"SELECT count(*) FROM {table}")  # noqa: S608 - a table of ours
    if count > BREAKS_MAX:
        raise FileRefused(
            "TOO_MANY_BREAKS",
            f"{count} differences of one kind, and {BREAKS_MAX} are the most: check the account, the dates and whether"
            " all that we expect was given",
        )
    return int(count)
