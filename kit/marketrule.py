"""When a market is held: daily, every so many days, on lunar dates, on weekdays, or nobody has said. Pure.

Shared by who sets it and who sells by it. Lunar dates are those of kit.marketday: the platform has one calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from kit.errors import InvalidArgument
from kit.marketday import FIRST_YEAR, LAST_YEAR, lunar

EVERY_DAYS_MIN, EVERY_DAYS_MAX = 2, 30
# How far ahead a next day is looked for: the rarest rule, one lunar day a month, comes at least every second month
# (months of 29 days have no 30th; more than two in a row are possible, so there is a margin).
AHEAD_DAYS_MAX = 400
NEXT_MAX = 60
# Any number of turns after the calendar's own beginning gives the same days.
_ANCHOR_TURNS = 1_000


class Rule(str, Enum):
    UNKNOWN = "unknown"
    DAILY = "daily"
    EVERY_DAYS = "every_days"
    LUNAR = "lunar"
    WEEKDAYS = "weekdays"


@dataclass(frozen=True, slots=True)
class MarketDays:
    """`days`: of the lunar month, 1 to 30, or of the week, 1 (Monday) to 7. `anchor`: a day on which it was held."""

    rule: Rule = Rule.UNKNOWN
    every_days: int = 0
    anchor: date | None = None
    days: tuple[int, ...] = ()


UNKNOWN = MarketDays()


def checked(held: MarketDays) -> MarketDays:
    """The rule with its days in order. Raises InvalidArgument, for what belongs to another rule too."""
    needs_anchor, most = held.rule is Rule.EVERY_DAYS, {Rule.LUNAR: 30, Rule.WEEKDAYS: 7}.get(held.rule, 0)
    if needs_anchor != (held.anchor is not None) or needs_anchor != bool(held.every_days):
        raise InvalidArgument("market_days: every_days and anchor belong to EVERY_DAYS, and to nothing else")
    if held.anchor is not None and not FIRST_YEAR <= held.anchor.year <= LAST_YEAR:
        raise InvalidArgument(f"market_days.anchor must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    if needs_anchor and not EVERY_DAYS_MIN <= held.every_days <= EVERY_DAYS_MAX:
        raise InvalidArgument(f"market_days.every_days must be {EVERY_DAYS_MIN} to {EVERY_DAYS_MAX}")
    if bool(most) != bool(held.days) or not all(1 <= day <= most for day in held.days):
        raise InvalidArgument("market_days.days must be 1 to 30 for LUNAR, 1 to 7 for WEEKDAYS, empty for other rules")
    return MarketDays(held.rule, held.every_days, held.anchor, tuple(sorted(set(held.days))))


def is_open(held: MarketDays, on: date) -> bool | None:
    """Whether the market is held on a day in Vietnam; None where nobody has said.

    Raises ValueError for lunar rules outside 1968 to 2099.
    """
    match held.rule:
        case Rule.UNKNOWN:
            return None
        case Rule.DAILY:
            return True
        case Rule.EVERY_DAYS:
            assert held.anchor is not None, "checked when it was set"
            return (on - held.anchor).days % held.every_days == 0
        case Rule.LUNAR:
            return lunar(on).day in held.days
        case Rule.WEEKDAYS:
            return on.isoweekday() in held.days


def next_days(held: MarketDays, first: date, count: int) -> list[date]:
    """The next `count` days from `first` on, `first` included; fewer where AHEAD_DAYS_MAX hold no more.

    Empty where nobody has said. Raises InvalidArgument.
    """
    if not 1 <= count <= NEXT_MAX:
        raise InvalidArgument(f"limit must be 1 to {NEXT_MAX}")
    if not FIRST_YEAR <= first.year < LAST_YEAR - 1:
        raise InvalidArgument(f"from must lie in the years {FIRST_YEAR} to {LAST_YEAR - 2}")
    found: list[date] = []
    for ahead in range(AHEAD_DAYS_MAX):
        if len(found) == count:
            break
        day = first + timedelta(days=ahead)
        if is_open(held, day):
            found.append(day)
    return found


def last_before(held: MarketDays, day: date) -> date | None:
    """The last day before `day` on which the market was held; the day before, where nobody has said when it is.

    None where AHEAD_DAYS_MAX hold none, or the calendar begins.
    """
    if held.rule is Rule.UNKNOWN:
        return day - timedelta(days=1)
    for back in range(1, AHEAD_DAYS_MAX + 1):
        earlier = day - timedelta(days=back)
        if earlier.year < FIRST_YEAR:
            return None
        if is_open(held, earlier):
            return earlier
    return None


def key(held: MarketDays) -> str:
    """A rule as one word, the same for rules that hold the same days: what markets with one calendar have in common."""
    rest = 0 if held.anchor is None else held.anchor.toordinal() % held.every_days
    return f"{held.rule.value}:{held.every_days}:{rest}:{','.join(map(str, held.days))}"


def of_key(text: str) -> MarketDays:
    """The rule of a key; its anchor is some day on which the market was held. Raises ValueError for what is no key."""
    rule, every, rest, days = text.split(":")
    number = int(every)
    anchor = date.fromordinal(number * _ANCHOR_TURNS + int(rest)) if number else None
    return MarketDays(Rule(rule), number, anchor, tuple(int(day) for day in days.split(",") if day))
