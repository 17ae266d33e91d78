"""Matching entries that carry no reference at all: one to one, by side, counterparty's account, amount and date.

Two sorted streams are read once, side by side, so that neither the number of equal amounts nor of accounts matters.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from services.settlement.matching import days, keys
from services.settlement.matching.rules import Rule, RuleSet
from services.settlement.matching.spool import Database, load_rows, one

# Entries that are looked at for one movement. More of one account within the tolerance are left for people.
WAITING_MAX = 64
_FETCH = 10_000

_EXPECTED = """
COPY (SELECT rid, side, account, amount, on_ FROM rest_e
WHERE account <> '' AND reference NOT IN (SELECT reference FROM shown)
ORDER BY side, account, amount, on_, reference, transfer_id, what, grp) TO $path (FORMAT csv, HEADER false)
"""
_ENTRIES = """
SELECT number, side, account, amount, booked_on FROM rest_s
WHERE usable AND NOT reversal AND account <> '' AND reference = ''
ORDER BY side, account, amount, booked_on, number
"""


class Row(NamedTuple):
    """One movement or entry: `id` is its row's, or its number."""

    id: int
    side: str
    account: str
    amount: int
    on: date

    @property
    def key(self) -> tuple[str, str]:
        return self.side, self.account


class Pair(NamedTuple):
    entry: int
    expected: int
    difference: int


def by_account(con: Database, rule: Rule, rules: RuleSet, folder: Path) -> None:
    """Adds to `pairs` what this rule finds in `rest_e` and `rest_s`."""
    if not one(con, "SELECT EXISTS (FROM rest_s WHERE usable AND reference = '' AND account <> '')")[0]:
        return
    con.execute(keys.SHOWN)
    columns = {"number": "BIGINT", "rid": "BIGINT", "difference": "BIGINT"}
    ours = folder / "matching.ours.csv"
    try:
        con.execute(_EXPECTED, {"path": str(ours)})
        found = pair(_rows_of(ours), _rows(con, _ENTRIES), rule, rules)
        load_rows(con, folder, "found", columns, found)
    finally:
        ours.unlink(missing_ok=True)
    con.execute("INSERT INTO pairs SELECT number, $rule, rid, number, difference FROM found", {"rule": rule.name})
    con.execute("DROP TABLE found")


def _rows(con: Database, sql: str) -> Iterator[Row]:
    """Read as they are needed. One answer of a connection is open at a time."""
    con.execute(sql)
    while rows := con.fetchmany(_FETCH):
        yield from map(Row._make, rows)


def _rows_of(path: Path) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        for id_, side, account, amount, on in csv.reader(file):
            yield Row(int(id_), side, account, int(amount), date.fromisoformat(on))


def pair(expected: Iterator[Row], entries: Iterator[Row], rule: Rule, rules: RuleSet) -> Iterator[Pair]:
    """Pairs two streams, each ordered by side, account, amount, date. Of what fits, the closest amount, then the
    earliest date: so as many as possible are paired where amounts are equal."""
    # Of equal amounts the earliest that is not too early is the best there is.
    most = WAITING_MAX if rule.tolerance else 1
    waiting: list[Row] = []
    windows: dict[date, tuple[date, date]] = {}
    following = next(entries, None)
    for ours in expected:
        first, last = windows.get(ours.on) or windows.setdefault(ours.on, window(ours.on, rule, rules))
        low, high = ours.amount - rule.tolerance, ours.amount + rule.tolerance
        waiting = [
            w for w in waiting
            if w.key == ours.key and w.amount >= low and (rule.tolerance > 0 or w.on >= first)
        ]  # fmt: skip
        while following is not None and (following.key, following.amount) <= (ours.key, high):
            useful = following.key == ours.key and following.amount >= low
            if useful and (rule.tolerance or following.on >= first):
                if len(waiting) == most:
                    break
                waiting.append(following)
            following = next(entries, None)
        fitting = [w for w in waiting if w.amount <= high and first <= w.on <= last]
        if fitting:
            best = min(fitting, key=lambda w: (abs(w.amount - ours.amount), w.on, w.id))
            waiting.remove(best)
            yield Pair(best.id, ours.id, best.amount - ours.amount)


def window(on: date, rule: Rule, rules: RuleSet) -> tuple[date, date]:
    """First and last day on which an entry may be this movement's."""
    return (
        days.shift(on, -rules.early_days, rules.holidays),
        days.shift(on, rule.days, rules.holidays),
    )
