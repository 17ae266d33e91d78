"""Matches what we expect with what a statement shows, and sorts what is left into breaks.

    outcome = match(expected, entries, rules.BANK, folder, as_of=date(2026, 11, 30), scope="970418|9999|payouts")

Only writes in `folder`: `matches.parquet` and `open.parquet`, and while it works a database. Deterministic: the same
movements and entries in whatever order give the same files to the byte and the same breaks. 1,000,000 against
1,000,000 take 40 s of CPU and half a gigabyte (docs/reconciliation.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from services.settlement.matching import days, keys, rows, spool
from services.settlement.matching.accounts import by_account
from services.settlement.matching.alone import alone
from services.settlement.matching.late import late
from services.settlement.matching.model import ANSWER_DAYS, BreakType, Finding, Outcome, Severity, Totals, digest
from services.settlement.matching.rows import Raw
from services.settlement.matching.rules import RuleSet
from services.settlement.matching.shared import begin, missing, shared
from services.settlement.matching.spool import Database, one
from services.settlement.matching.suggest import ITEMS_MAX, suggest
from services.settlement.records import Expected, StatementEntry

_FLAT = """
CREATE TABLE dates AS SELECT unnest(?::DATE[]) AS on_, unnest(?::DATE[]) AS from_on, unnest(?::DATE[]) AS due_on
"""
_FLAT_PAIRS = """
CREATE TABLE flat AS
    SELECT m, rule, p.rid, p.number, reference, transfer_id, x.amount AS expected_amount, y.amount AS entry_amount,
        p.difference, booked_on, from_on, due_on
    FROM pairs p JOIN expected x ON p.rid = x.rid
    JOIN (SELECT number, amount, booked_on FROM entries) y ON p.number = y.number
    JOIN dates ON x.on_ = dates.on_
"""
_WRITE = """
COPY (
    SELECT m AS match, rule, reference, transfer_id, number AS entry, expected_amount, entry_amount, difference
    FROM flat ORDER BY m, difference = 0, reference, number, transfer_id, expected_amount
) TO $matches (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT reference, grp AS group, side, amount, on_ AS on, due_on, seen FROM left_e
    ORDER BY due_on, reference, side, amount, transfer_id, what, account, grp, seen
) TO $open_items (FORMAT parquet, COMPRESSION zstd);
"""
# As in Totals.
_TOTALS = """
SELECT * FROM (SELECT count(*), coalesce(sum(amount), 0) FROM expected)
POSITIONAL JOIN (SELECT count(*) FROM entries)
POSITIONAL JOIN (SELECT count(DISTINCT m) FROM pairs)
POSITIONAL JOIN (SELECT count(*), coalesce(sum(amount), 0) FROM expected WHERE rid IN (SELECT rid FROM pairs))
POSITIONAL JOIN (SELECT count(DISTINCT number), coalesce(sum(difference), 0) FROM pairs)
POSITIONAL JOIN (SELECT count(*), coalesce(sum(amount), 0) FROM left_e)
POSITIONAL JOIN (SELECT count(*) FROM passed)
POSITIONAL JOIN (SELECT count(*) FROM late_x)
"""
_OPEN_LIKE_EXTRA = f"""
SELECT {rows.X} FROM left_e SEMI JOIN (
    SELECT side, amount FROM left_s WHERE usable AND number NOT IN (SELECT number FROM passed)
) USING (side, amount) ORDER BY {rows.X_ORDER} LIMIT {ITEMS_MAX}
"""  # noqa: S608 - our own words


def match(
    expected: Iterable[Expected],
    entries: Iterable[StatementEntry],
    rules: RuleSet,
    folder: Path,
    as_of: date,
    scope: str = "",
) -> Outcome:
    """Reads both sides once. `as_of`: the day of which it is told, in Vietnam; `scope`: what distinguishes these
    movements from any others, for the breaks' ids.

    Raises FileRefused (services/settlement/records.py) for more than the limits allow, and for entries whose numbers
    are not theirs alone. `folder` has to exist; one run at a time in it.
    """
    with spool.database(folder) as con:
        spool.load(con, folder, expected, entries, rules.blanks)
        paired = 0
        for number, rule in enumerate(rules.rules):
            if rule.by == "reference":
                keys.by_reference(con, rule)
            elif rule.by == "group":
                keys.by_group(con, rule)
            else:
                by_account(con, rule, rules, folder)
            before, (paired,) = paired, one(con, "SELECT count(*) FROM pairs")
            if paired > before:
                keys.shrink(con, number)
        _with_dates(con, rules)
        due = dict(con.execute("SELECT on_, due_on FROM dates").fetchall())
        begin(con, rules, as_of, due)
        raws = [*shared(con), *alone(con), *missing(con), *late(con)]
        found = [_weighed(raw, rules, as_of, scope) for raw in raws]
        # What is open may be what an unknown entry is.
        also = [rows.expected(values) for values in con.execute(_OPEN_LIKE_EXTRA).fetchall()]
        breaks = tuple(sorted(_with_suggestions(found, also), key=lambda finding: finding.id))
        assert len({finding.id for finding in breaks}) == len(breaks), "two breaks with one id"
        matches, open_items = folder / "matches.parquet", folder / "open.parquet"
        _write(con, matches, open_items)
        totals = _totals(con)
        _check(totals, breaks)
        by_rule = dict(con.execute("SELECT rule, count(DISTINCT m) FROM pairs GROUP BY rule ORDER BY rule").fetchall())
        return Outcome(scope, rules.version, as_of, totals, by_rule, breaks, matches, open_items)


def _with_dates(con: Database, rules: RuleSet) -> None:
    """`dates`: each day of ours with the first and last on which an entry is in time; `flat`: pairs with facts."""
    on = [day for (day,) in con.execute("SELECT DISTINCT on_ FROM expected ORDER BY on_").fetchall()]
    first = [days.shift(day, -rules.early_days, rules.holidays) for day in on]
    last = [days.shift(day, rules.late_days, rules.holidays) for day in on]
    con.execute(_FLAT, [on, first, last])
    con.execute(_FLAT_PAIRS)


def _write(con: Database, matches: Path, open_items: Path) -> None:
    con.execute("SET preserve_insertion_order = true")  # else the parts of a file come in any order
    spool.run(con, _WRITE, matches=str(matches), open_items=str(open_items))


def _weighed(raw: Raw, rules: RuleSet, as_of: date, scope: str) -> Finding:
    """The break with its id, what is at risk, how grave that is, and until when somebody has to have decided."""
    difference = raw.y_total - raw.x_total if raw.type is BreakType.AMOUNT else 0
    at_risk = _at_risk(raw, difference)
    if at_risk >= rules.critical_from:
        severity = Severity.CRITICAL
    elif at_risk >= rules.high_from:
        severity = Severity.HIGH
    else:
        severity = Severity.LOW if raw.type in (BreakType.LATE, BreakType.STATUS) else Severity.MEDIUM
    due_on = days.shift(as_of, ANSWER_DAYS[severity], rules.holidays)
    return Finding(
        digest("brk", scope, raw.type.value, *raw.identity), raw.type, raw.detail, severity, due_on, at_risk,
        difference, raw.xs, raw.x_count, raw.x_total, raw.ys, raw.y_count, raw.y_total,
    )  # fmt: skip


def _at_risk(raw: Raw, difference: int) -> int:
    """Đồng that may be lost. What is late is there; of another currency only our own amount is known."""
    if raw.type is BreakType.LATE:
        return 0
    if raw.type is BreakType.AMOUNT:
        return abs(difference)
    if raw.type is BreakType.MISSING or (raw.type in (BreakType.CURRENCY, BreakType.STATUS) and raw.x_count):
        return raw.x_total
    return 0 if raw.type is BreakType.CURRENCY else raw.y_total


def _with_suggestions(found: Sequence[Finding], also: Sequence[Expected]) -> list[Finding]:
    vain = [n for n, finding in enumerate(found) if finding.type is BreakType.MISSING]
    unknown = [n for n, finding in enumerate(found) if finding.type is BreakType.EXTRA]
    for_vain, for_unknown = suggest(
        [found[n].expected[0] for n in vain], [found[n].entries[0] for n in unknown], also
    )  # fmt: skip
    said = dict(zip([*vain, *unknown], [*for_vain, *for_unknown], strict=True))
    return [replace(finding, suggestions=said.get(n, ())) for n, finding in enumerate(found)]


def _totals(con: Database) -> Totals:
    return Totals(*one(con, _TOTALS))


def _check(totals: Totals, breaks: Sequence[Finding]) -> None:
    """Nothing may be lost on the way, or counted twice."""
    broken = [finding for finding in breaks if finding.type is not BreakType.LATE]
    ours = totals.matched_expected + totals.open + sum(finding.expected_count for finding in broken)
    money = totals.matched_total + totals.open_total + sum(finding.expected_total for finding in broken)
    theirs = totals.matched_entries + totals.passed_over + sum(finding.entry_count for finding in broken)
    assert ours == totals.expected, f"{totals.expected} movements became {ours}"
    assert money == totals.expected_total, f"{totals.expected_total} đồng became {money}"
    assert theirs == totals.entries, f"{totals.entries} entries became {theirs}"
