"""What reconciliation says to those who answer for it: match rate, money at risk, ages; rows for spreadsheets. Pure.

Amounts are whole đồng, ages business days, rates parts of 10,000 rounded down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from kit.clock import VIETNAM
from services.settlement.matching.breaks import ACTIVE, Break, age
from services.settlement.matching.model import Totals

# Up to so many business days, by name; the last is for all that are older.
BUCKETS = ((0, "0"), (1, "1"), (3, "2-3"), (5, "4-5"), (10, "6-10"))
OLDEST = ">10"
BUCKET_NAMES = (*(name for _, name in BUCKETS), OLDEST)

COLUMNS = (
    "break", "institution", "scope", "type", "detail", "severity", "state", "owner", "reference", "at_risk_vnd",
    "difference_vnd", "opened", "due", "age_days", "overdue", "proposed_by", "approved_by", "transfer_id",
)  # fmt: skip


@dataclass(slots=True)
class Group:
    """Active breaks of one institution and type; `ages`: how many by bucket."""

    institution: str
    type: str
    breaks: int = 0
    at_risk: int = 0
    overdue: int = 0
    oldest: int = 0
    ages: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BUCKET_NAMES, 0))


def bucket(days: int) -> str:
    """The name of the bucket for an age."""
    return next((name for most, name in BUCKETS if days <= most), OLDEST)


def by_institution_and_type(breaks: Iterable[Break], today: date, holidays: Collection[date] = ()) -> list[Group]:
    """Active breaks summed up, most money at risk first."""
    groups: dict[tuple[str, str], Group] = {}
    for each in breaks:
        if each.state not in ACTIVE:
            continue
        key = each.institution, each.type.value
        group = groups.setdefault(key, Group(*key))
        days = age(each, today, holidays)
        group.breaks += 1
        group.at_risk += each.at_risk
        group.overdue += each.due_on < today
        group.oldest = max(group.oldest, days)
        group.ages[bucket(days)] += 1
    return sorted(groups.values(), key=lambda g: (-g.at_risk, g.institution, g.type))


def match_rate(totals: Iterable[Totals]) -> int:
    """Of several runs together: matched of what was due, parts of 10,000; only all is 10,000."""
    matched = due = 0
    for each in totals:
        matched += each.matched_expected
        due += each.expected - each.open
    return matched * 10_000 // due if due else 10_000


def rows(breaks: Iterable[Break], today: date, holidays: Collection[date] = ()) -> Iterator[tuple[object, ...]]:
    """COLUMNS first, then a row a break as they come. Times are Asia/Ho_Chi_Minh."""
    yield COLUMNS
    for each in breaks:
        active = each.state in ACTIVE
        yield (
            each.id, each.institution, each.scope, each.type.value, each.detail, each.severity.value, each.state.value,
            _plain(each.owner), _plain(each.reference), each.at_risk, each.difference,
            each.opened_at.astimezone(VIETNAM).isoformat(timespec="seconds"), each.due_on.isoformat(),
            age(each, today, holidays) if active else "", "yes" if active and each.due_on < today else "",
            _plain(each.proposal.by if each.proposal else ""), _plain(each.approved_by), _plain(each.transfer_id),
        )  # fmt: skip


def _plain(text: str) -> str:
    """Text that a spreadsheet does not take for a formula: strangers write references."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
