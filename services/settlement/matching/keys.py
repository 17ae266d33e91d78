"""Matching by a key that both sides carry: an end-to-end id, or a batch's. Sums of a key and side are equal.

Works on the tables `rest_e` and `rest_s`, what earlier rules have left, and adds to `pairs`. Everything is ordered by
what the rows say, never by how they came.
"""

from __future__ import annotations

from services.settlement.matching.rules import Rule
from services.settlement.matching.spool import Database, one, run

# Our order of movements that share a key; rows that are equal in all of it are interchangeable.
_CANONICAL = "reference, amount, on_, transfer_id, what, account, grp"

_REFERENCE_SIDES = """
CREATE OR REPLACE VIEW kx AS
    SELECT rid, reference AS key, side, amount FROM rest_e WHERE reference <> '';
CREATE OR REPLACE VIEW ky AS
    SELECT number, reference AS key, side, amount, booked_on, bank_reference FROM rest_s
    WHERE usable AND reference <> '';
"""

# References of ours that are still shown somewhere: those movements belong to these entries, whatever is wrong with
# them, and are nobody else's.
SHOWN = """
CREATE OR REPLACE TABLE shown AS
    SELECT DISTINCT s.reference FROM rest_s s SEMI JOIN expected e ON s.reference = e.reference WHERE s.reference <> '';
"""

# A batch's entries have no end-to-end id, or the batch's in its place: they are `anonymous`. Others carry the bank's
# own: they count only where none of the batch was found by its own id.
_GROUP_SIDES = """
CREATE OR REPLACE TABLE batch AS SELECT DISTINCT grp FROM rest_e WHERE grp <> '';
CREATE OR REPLACE TABLE known_batch AS
    SELECT DISTINCT e.grp FROM expected e SEMI JOIN pairs p ON e.rid = p.rid WHERE e.grp <> '';
CREATE OR REPLACE TABLE group_y AS
    SELECT number, CASE WHEN anonymous AND reference <> '' THEN reference ELSE grp END AS key, side, amount, booked_on,
        bank_reference, anonymous
    FROM (
        SELECT *, reference = '' OR reference IN (SELECT grp FROM batch) AS anonymous FROM rest_s
        WHERE usable AND reference NOT IN (SELECT reference FROM shown)
    ) WHERE key <> '';
CREATE OR REPLACE VIEW kx AS
    SELECT rid, grp AS key, side, amount FROM rest_e
    WHERE grp <> '' AND reference NOT IN (SELECT reference FROM shown);
"""
_ANONYMOUS = "CREATE OR REPLACE VIEW ky AS SELECT * EXCLUDE (anonymous) FROM group_y WHERE anonymous"
_WHOLE = """
CREATE OR REPLACE VIEW ky AS
    SELECT * EXCLUDE (anonymous) FROM group_y WHERE key NOT IN (SELECT grp FROM known_batch)
        AND number NOT IN (SELECT number FROM pairs);
CREATE OR REPLACE VIEW kx AS
    SELECT rid, grp AS key, side, amount FROM rest_e
    WHERE grp <> '' AND reference NOT IN (SELECT reference FROM shown) AND rid NOT IN (SELECT rid FROM pairs);
"""

_SUMS = """
CREATE OR REPLACE TABLE sums AS
    SELECT key, side, xn, yn, rid, number, yt - xt AS difference, abs(yt - xt) <= $tolerance AS fits
    FROM (SELECT key, side, count(*) AS xn, sum(amount) AS xt, min(rid) AS rid FROM kx GROUP BY ALL)
    JOIN (SELECT key, side, count(*) AS yn, sum(amount) AS yt, min(number) AS number FROM ky GROUP BY ALL)
    USING (key, side);
"""
_ONE_TO_ONE = """
INSERT INTO pairs SELECT number, $rule, rid, number, difference FROM sums WHERE fits AND xn = 1 AND yn = 1
"""
_FIT = """
CREATE OR REPLACE TABLE fit AS
    SELECT number AS m, key, side, xn, yn, difference FROM sums WHERE fits AND (xn > 1 OR yn > 1);
CREATE OR REPLACE TABLE fit_x AS SELECT m, rid FROM kx JOIN fit USING (key, side);
CREATE OR REPLACE TABLE fit_y AS SELECT m, number FROM ky JOIN fit USING (key, side);
"""
_MISFIT = """
CREATE OR REPLACE TABLE lx AS
    SELECT kx.* FROM kx JOIN sums USING (key, side) WHERE NOT fits;
CREATE OR REPLACE TABLE ly AS
    SELECT ky.* FROM ky JOIN sums USING (key, side) WHERE NOT fits;
"""

# Several movements of one key that do not sum up: equal amounts belong together, in order.
_EQUAL_AMOUNTS = """
INSERT INTO pairs
    SELECT y.number, $rule, x.rid, y.number, 0
    FROM (
        SELECT rid, key, side, amount, row_number() OVER (
            PARTITION BY key, side, amount ORDER BY reference, on_, transfer_id, what, account, grp
        ) AS k FROM (SELECT lx.rid, lx.key, e.* EXCLUDE (rid) FROM lx JOIN rest_e e ON lx.rid = e.rid)
    ) x
    JOIN (
        SELECT number, key, side, amount, row_number() OVER (
            PARTITION BY key, side, amount ORDER BY booked_on, number
        ) AS k FROM ly
    ) y USING (key, side, amount, k);
DELETE FROM lx WHERE rid IN (SELECT rid FROM pairs);
DELETE FROM ly WHERE number IN (SELECT number FROM pairs);
"""
# One entry is the whole of what we expect; the others of its key are not.
_ONE_IS_ALL = """
CREATE OR REPLACE TABLE fit AS
    SELECT number AS m, key, side, xn, 1::BIGINT AS yn, amount - xt AS difference
    FROM ly JOIN (SELECT key, side, count(*) AS xn, sum(amount) AS xt FROM lx GROUP BY ALL) USING (key, side)
    WHERE abs(amount - xt) <= $tolerance
    QUALIFY row_number() OVER (PARTITION BY key, side ORDER BY abs(amount - xt), booked_on, number) = 1;
CREATE OR REPLACE TABLE fit_x AS SELECT m, rid FROM lx JOIN fit USING (key, side);
CREATE OR REPLACE TABLE fit_y AS SELECT m, m AS number FROM fit;
"""
# Without what the bank shows twice under one reference of its own, the parts sum up.
_WITHOUT_REPEATED = """
CREATE OR REPLACE TABLE once AS
    SELECT * FROM ly QUALIFY bank_reference = ''
        OR row_number() OVER (PARTITION BY key, side, amount, bank_reference ORDER BY booked_on, number) = 1;
CREATE OR REPLACE TABLE fit AS
    SELECT m, key, side, xn, yn, yt - xt AS difference
    FROM (SELECT key, side, count(*) AS yn, sum(amount) AS yt, min(number) AS m FROM once GROUP BY ALL)
    JOIN (SELECT key, side, count(*) AS xn, sum(amount) AS xt FROM lx GROUP BY ALL) USING (key, side)
    WHERE abs(yt - xt) <= $tolerance;
CREATE OR REPLACE TABLE fit_x AS SELECT m, rid FROM lx JOIN fit USING (key, side);
CREATE OR REPLACE TABLE fit_y AS SELECT m, number FROM once JOIN fit USING (key, side);
"""

# A match's rows: the k-th movement beside the k-th entry, and the last of the shorter side beside the rest.
_ZIP = f"""
CREATE OR REPLACE TABLE zx AS
    SELECT m, rid, row_number() OVER (PARTITION BY m ORDER BY {_CANONICAL}) AS k
    FROM fit_x JOIN rest_e USING (rid);
CREATE OR REPLACE TABLE zy AS
    SELECT m, number, row_number() OVER (PARTITION BY m ORDER BY number) AS k FROM fit_y;
"""  # noqa: S608 - our own words
_KEEP = """
INSERT INTO pairs
    SELECT m, $rule, x.rid, y.number, CASE WHEN x.k = 1 THEN difference ELSE 0 END
    FROM (SELECT m, rid, k, least(k, yn) AS other, difference FROM zx JOIN fit USING (m)) x
    JOIN zy y USING (m) WHERE y.k = x.other
    UNION ALL
    SELECT m, $rule, x.rid, y.number, 0 FROM zy y JOIN fit USING (m) JOIN zx x USING (m) WHERE y.k > xn AND x.k = xn
"""

_REST = """
CREATE TABLE rest_e_{n} AS SELECT * FROM rest_e WHERE rid NOT IN (SELECT rid FROM pairs);
CREATE TABLE rest_s_{n} AS SELECT * FROM rest_s WHERE number NOT IN (SELECT number FROM pairs);
CREATE OR REPLACE VIEW rest_e AS FROM rest_e_{n};
CREATE OR REPLACE VIEW rest_s AS FROM rest_s_{n};
"""


def by_reference(con: Database, rule: Rule) -> None:
    """1:1, 1:n, n:1 and n:m of an end-to-end id."""
    con.execute(_REFERENCE_SIDES)
    if _sums(con, rule):
        run(con, _EQUAL_AMOUNTS, rule=rule.name)
        _keep(con, rule, _ONE_IS_ALL)
        _keep(con, rule, _WITHOUT_REPEATED)


def by_group(con: Database, rule: Rule) -> None:
    """A batch that is booked as one entry, or as a few."""
    if not one(con, "SELECT EXISTS (FROM rest_s WHERE usable) AND EXISTS (FROM rest_e WHERE grp <> '')")[0]:
        return
    con.execute(SHOWN)
    con.execute(_GROUP_SIDES)
    anonymous, named = one(con, "SELECT coalesce(bool_or(anonymous), false), coalesce(bool_or(NOT anonymous), false)"
                                " FROM group_y")  # fmt: skip
    if anonymous:
        con.execute(_ANONYMOUS)
        if _sums(con, rule):
            _keep(con, rule, _ONE_IS_ALL)
            _keep(con, rule, _WITHOUT_REPEATED)
    if named:
        con.execute(_WHOLE)
        _sums(con, rule)


def _sums(con: Database, rule: Rule) -> bool:
    """Keeps keys whose sums are equal; whether others are left in `lx` and `ly`."""
    run(con, _SUMS, tolerance=rule.tolerance)
    run(con, _ONE_TO_ONE, rule=rule.name)
    many, misfits = one(con, "SELECT count(*) FILTER (fits AND xn + yn > 2), count(*) FILTER (NOT fits) FROM sums")
    if many:
        con.execute(_FIT)
        _zip(con, rule)
    if misfits:
        con.execute(_MISFIT)
    return bool(misfits)


def _keep(con: Database, rule: Rule, fits: str) -> None:
    if not one(con, "SELECT EXISTS (FROM lx) AND EXISTS (FROM ly)")[0]:
        return
    run(con, fits, tolerance=rule.tolerance)
    _zip(con, rule)
    con.execute("DELETE FROM lx WHERE rid IN (SELECT rid FROM pairs)")
    con.execute("DELETE FROM ly WHERE number IN (SELECT number FROM pairs)")


def _zip(con: Database, rule: Rule) -> None:
    con.execute(_ZIP)
    run(con, _KEEP, rule=rule.name)


def shrink(con: Database, rule: int) -> None:
    """Leaves in `rest_e` and `rest_s` what is not matched yet, after the rule of this number."""
    con.execute(_REST.format(n=rule))
