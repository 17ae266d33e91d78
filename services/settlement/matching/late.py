"""Breaks of what is matched, but not in time: an entry is booked outside its movement's window of dates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from services.settlement.matching.model import FACTS_MAX, BreakType
from services.settlement.matching.rows import X_ORDER, Raw, X, Y, check, entries_by, expected_by
from services.settlement.matching.spool import Database

# `flat`: every pair with both sides' amounts and dates, and the window of ours.
_LATE = """
CREATE TABLE late AS
    SELECT m, bool_or(booked_on > due_on) AS late, bool_or(booked_on < from_on) AS early FROM flat GROUP BY m
    HAVING bool_or(booked_on > due_on) OR bool_or(booked_on < from_on);
CREATE TABLE late_x AS SELECT DISTINCT m, rid, expected_amount AS amount FROM flat SEMI JOIN late USING (m);
CREATE TABLE late_y AS SELECT DISTINCT m, number, entry_amount AS amount FROM flat SEMI JOIN late USING (m);
"""
_SUMS = """
SELECT m, late, xn, xt, yn, yt FROM late
    JOIN (SELECT m, count(*) AS xn, sum(amount) AS xt FROM late_x GROUP BY m) USING (m)
    JOIN (SELECT m, count(*) AS yn, sum(amount) AS yt FROM late_y GROUP BY m) USING (m)
ORDER BY m
"""
_FACTS_X = f"""
SELECT m, {X} FROM (SELECT m, rid FROM late_x) JOIN expected USING (rid)
QUALIFY row_number() OVER (PARTITION BY m ORDER BY {X_ORDER}) <= {FACTS_MAX} ORDER BY {X_ORDER}
"""  # noqa: S608 - our own words
_FACTS_Y = f"""
SELECT m, {Y} FROM (SELECT m, number FROM late_y) JOIN entries USING (number)
QUALIFY row_number() OVER (PARTITION BY m ORDER BY number) <= {FACTS_MAX} ORDER BY number
"""  # noqa: S608 - our own words


def late(con: Database) -> Iterator[Raw]:
    """One break a match. `detail` is "EARLY" where nothing of it came late."""
    con.execute(_LATE)
    if not check(con, "late"):
        return
    sums = con.execute(_SUMS).fetchall()
    xs, ys = expected_by(con, _FACTS_X, 1), entries_by(con, _FACTS_Y, 1)
    alike: defaultdict[tuple[object, ...], int] = defaultdict(int)
    for m, is_late, x_count, x_total, y_count, y_total in sums:
        ours, theirs = tuple(xs[m,]), tuple(ys[m,])
        known = ours[0].reference, ours[0].side, theirs[0].reference, theirs[0].group
        alike[known] += 1
        detail = "" if is_late else "EARLY"
        yield Raw(
            BreakType.LATE, detail, (*known, alike[known]), ours, x_count, x_total, theirs, y_count, y_total
        )  # fmt: skip
