"""Breaks in what both sides have under one key, but not alike; and what we expected in vain.

Works on `left_e` and `left_s`, what the rules have left; what is in a break is taken out of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

from services.settlement.matching.model import FACTS_MAX, BreakType
from services.settlement.matching.rows import X_ORDER, Raw, X, Y, check, entries_by, expected, expected_by
from services.settlement.matching.rules import RuleSet
from services.settlement.matching.spool import Database, one

_TURNED = "CASE side WHEN 'D' THEN 'C' ELSE 'D' END"
# Type, detail, which entries they are, and the side of ours that they answer, in this order.
_KINDS = (
    (BreakType.AMOUNT, "", "usable AND NOT reversal", "side"),
    (BreakType.CURRENCY, "", "currency <> 'VND'", "side"),
    (BreakType.STATUS, "NOT_BOOKED", "status <> 'booked' AND NOT reversal", "side"),
    (BreakType.REVERSED, "PAYMENT_NOT_SHOWN", "usable", _TURNED),
)
_PRESENT = f"SELECT {', '.join(f'coalesce(bool_or({kind[2]}), false)' for kind in _KINDS)} FROM left_s"  # noqa: S608

_BY_REFERENCE = """
CREATE OR REPLACE TABLE ax AS SELECT rid, reference AS key, {side} AS turn, amount, over FROM left_e
    WHERE reference <> '';
CREATE OR REPLACE TABLE ay AS SELECT number, reference AS key, side AS turn, amount FROM left_s
    WHERE {entries} AND reference <> '';
"""
_BY_GROUP = """
CREATE OR REPLACE TABLE ax AS SELECT rid, grp AS key, {side} AS turn, amount, over FROM left_e
    WHERE grp <> '' AND reference NOT IN (SELECT reference FROM left_s WHERE reference <> '');
CREATE OR REPLACE TABLE ay AS SELECT number, CASE reference WHEN '' THEN grp ELSE reference END AS key, side AS turn,
    amount FROM left_s WHERE {entries} AND key <> '';
"""
_BOTH = """
CREATE OR REPLACE TABLE both_sides AS SELECT * FROM (
    SELECT key, turn, count(*) AS xn, sum(amount) AS xt, bool_or(over) AS over FROM ax GROUP BY ALL
) JOIN (SELECT key, turn, count(*) AS yn, sum(amount) AS yt FROM ay GROUP BY ALL) USING (key, turn)
"""
_FACTS_X = f"""
SELECT key, turn, {X}
FROM (SELECT rid, key, turn FROM ax SEMI JOIN both_sides USING (key, turn)) JOIN left_e USING (rid)
QUALIFY row_number() OVER (PARTITION BY key, turn ORDER BY {X_ORDER}) <= {FACTS_MAX} ORDER BY {X_ORDER}
"""  # noqa: S608 - our own words
_FACTS_Y = f"""
SELECT key, turn, {Y}
FROM (SELECT number, key, turn FROM ay SEMI JOIN both_sides USING (key, turn)) JOIN left_s USING (number)
QUALIFY row_number() OVER (PARTITION BY key, turn ORDER BY number) <= {FACTS_MAX} ORDER BY number
"""  # noqa: S608 - our own words
_TAKE = """
DELETE FROM left_e WHERE rid IN (SELECT rid FROM ax SEMI JOIN both_sides USING (key, turn));
DELETE FROM left_s WHERE number IN (SELECT number FROM ay SEMI JOIN both_sides USING (key, turn));
"""
# Not booked yet, and it need not be: ours is open, theirs is passed over.
_IN_TIME = """
UPDATE left_e SET seen = true WHERE rid IN (
    SELECT rid FROM ax SEMI JOIN (SELECT * FROM both_sides WHERE NOT over) b USING (key, turn)
);
INSERT INTO passed SELECT number FROM ay SEMI JOIN (SELECT * FROM both_sides WHERE NOT over) b USING (key, turn);
DELETE FROM left_s WHERE number IN (SELECT number FROM passed);
DELETE FROM both_sides WHERE NOT over;
"""


def begin(con: Database, rules: RuleSet, as_of: date, due: Mapping[date, date]) -> None:
    """Makes `left_e`, with the day until which each is in time, `left_s` and `passed`. `due`: that day by ours."""
    con.execute("CREATE TABLE due AS SELECT unnest(?::DATE[]) AS on_, unnest(?::DATE[]) AS due_on",
                [list(due), list(due.values())])  # fmt: skip
    con.execute(
        "CREATE TABLE left_e AS SELECT rest_e.*, due_on, NOT $later OR due_on < $as_of AS over, false AS seen"
        " FROM rest_e JOIN due USING (on_)",
        {"later": rules.expect_later, "as_of": as_of},
    )
    con.execute("CREATE TABLE left_s AS FROM rest_s")
    con.execute("CREATE TABLE passed (number BIGINT)")


def shared(con: Database) -> Iterator[Raw]:
    """Other sums, another currency, not booked in time, come back without having been shown as paid."""
    present = one(con, _PRESENT)
    for (type_, detail, entries, side), entries_there in zip(_KINDS, present, strict=True):
        if not entries_there:
            continue
        for by, sides in (("reference", _BY_REFERENCE), ("group", _BY_GROUP)):
            con.execute(sides.format(entries=entries, side=side))
            con.execute(_BOTH)
            if type_ is BreakType.STATUS:
                con.execute(_IN_TIME)
            yield from _taken(con, type_, detail, by)


def _taken(con: Database, type_: BreakType, detail: str, by: str) -> Iterator[Raw]:
    check(con, "both_sides")
    found = con.execute("SELECT key, turn, xn, xt, yn, yt FROM both_sides ORDER BY key, turn").fetchall()
    if not found:
        return
    xs, ys = expected_by(con, _FACTS_X, 2), entries_by(con, _FACTS_Y, 2)
    for key, turn, x_count, x_total, y_count, y_total in found:
        ours, theirs = tuple(xs[key, turn]), tuple(ys[key, turn])
        yield Raw(type_, detail, (by, key, ours[0].side), ours, x_count, x_total, theirs, y_count, y_total)
    con.execute(_TAKE)


def missing(con: Database) -> Iterator[Raw]:
    """What is over; `left_e` is then what is open."""
    con.execute("CREATE TABLE missing AS SELECT * FROM left_e WHERE over")
    check(con, "missing")
    alike: defaultdict[tuple[str, str], int] = defaultdict(int)
    for values in con.execute(f"SELECT {X} FROM missing ORDER BY {X_ORDER}").fetchall():  # noqa: S608 - our own words
        ours = expected(values)
        alike[ours.reference, ours.side] += 1
        identity = ours.reference, ours.side, alike[ours.reference, ours.side]
        yield Raw(BreakType.MISSING, "", identity, (ours,), 1, ours.amount)
    con.execute("DELETE FROM left_e WHERE over")
