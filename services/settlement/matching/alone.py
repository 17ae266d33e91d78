"""Breaks of entries that nothing of ours is left for: unknown, shown twice, come back, in another currency, not booked.

Works on `left_s`; an entry that only repeats what is booked, or still has time, goes to `passed`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from services.settlement.matching.model import FACTS_MAX, BreakType
from services.settlement.matching.rows import X_ORDER, Raw, X, Y, check, entry, expected_by
from services.settlement.matching.spool import Database
from services.settlement.records import StatementEntry

# What is known of an entry: its reference or batch is ours on the "same" or the "other" side; a "twin" was matched.
_KNOWN = """
WITH ours AS (
    SELECT reference AS key, side FROM expected WHERE reference <> ''
    UNION ALL SELECT grp, side FROM expected WHERE grp <> ''
), theirs AS (
    SELECT number, CASE reference WHEN '' THEN grp ELSE reference END AS key, side FROM left_s WHERE key <> ''
), matched AS (SELECT * FROM entries SEMI JOIN pairs USING (number))
SELECT number, 'same' FROM theirs SEMI JOIN ours ON theirs.key = ours.key AND theirs.side = ours.side
UNION ALL
SELECT number, 'other' FROM theirs SEMI JOIN ours ON theirs.key = ours.key AND theirs.side <> ours.side
UNION ALL
SELECT number, 'twin' FROM (SELECT * FROM left_s WHERE reference <> '')
    SEMI JOIN matched USING (reference, side, amount)
UNION ALL
SELECT number, 'twin' FROM (SELECT * FROM left_s WHERE reference = '' AND grp <> '')
    SEMI JOIN matched USING (reference, grp, side, amount, account)
UNION ALL
SELECT number, 'twin' FROM (SELECT * FROM left_s WHERE reference = '' AND bank_reference <> '')
    SEMI JOIN matched USING (reference, bank_reference, side, amount, account)
"""
_CONTEXT = f"""
SELECT number, {X}
FROM (SELECT number, reference FROM left_s WHERE reference <> '') JOIN expected USING (reference)
QUALIFY row_number() OVER (PARTITION BY number ORDER BY {X_ORDER}) <= {FACTS_MAX} ORDER BY {X_ORDER}
"""  # noqa: S608 - our own words


def alone(con: Database) -> Iterator[Raw]:
    """A break for each entry that is one. Its `xs` are what we have under its reference: what else is known of it."""
    if not check(con, "left_s"):
        return
    known: defaultdict[int, set[str]] = defaultdict(set)
    for number, what in con.execute(_KNOWN).fetchall():
        known[number].add(what)
    context = expected_by(con, _CONTEXT, 1)
    passed: list[int] = []
    seen: set[tuple[object, ...]] = set()
    alike: defaultdict[tuple[object, ...], int] = defaultdict(int)
    for values in con.execute(f"SELECT {Y} FROM left_s ORDER BY number").fetchall():  # noqa: S608 - our own words
        theirs = entry(values)
        type_, detail = _judge(theirs, known[theirs.number], seen)
        if type_ is None:
            passed.append(theirs.number)
            continue
        facts = (
            theirs.side, theirs.amount, theirs.currency, theirs.booked_on, theirs.reference, theirs.group,
            theirs.bank_reference, theirs.counterparty_account,
        )  # fmt: skip
        alike[type_, *facts] += 1
        identity = (*facts, alike[type_, *facts])
        yield Raw(type_, detail, identity, tuple(context[theirs.number,]), 0, 0, (theirs,), 1, theirs.amount)
    con.execute("INSERT INTO passed SELECT unnest(?::BIGINT[])", [passed])


def _judge(theirs: StatementEntry, known: set[str], seen: set[tuple[object, ...]]) -> tuple[BreakType | None, str]:
    """Type and detail; None for what only repeats something booked. `seen` remembers what came before it."""
    turned = theirs.reversal or known == {"other"}
    if theirs.currency != "VND":
        return BreakType.CURRENCY, "" if known else "UNKNOWN"
    if theirs.status != "booked":
        if "same" in known and not turned:
            return None, ""
        return BreakType.STATUS, "REVERSAL_NOT_BOOKED" if turned else "UNKNOWN"
    if turned:
        return BreakType.REVERSED, "" if known else "UNKNOWN"
    if "twin" in known:
        return BreakType.DUPLICATE, ""
    same = (theirs.bank_reference, theirs.reference, theirs.group, theirs.side, theirs.amount,
            theirs.counterparty_account)  # fmt: skip
    if theirs.bank_reference and same in seen:
        return BreakType.DUPLICATE, "UNKNOWN"
    seen.add(same)
    return BreakType.EXTRA, "REFERENCE_USED" if "same" in known else ""
