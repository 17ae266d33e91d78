"""Business days: Monday to Friday without the holidays that are named. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

# Longer than any window or age that anybody looks at; beyond it, days are no longer counted.
DAYS_MAX = 3660
_DAY = timedelta(days=1)


def is_business_day(day: date, holidays: Collection[date] = ()) -> bool:
    """Whether banks book on it."""
    return day.weekday() < 5 and day not in holidays


def shift(day: date, days: int, holidays: Collection[date] = ()) -> date:
    """The `days`-th business day after `day`, before it where `days` < 0; `day` itself where it is 0."""
    step, left = (_DAY if days > 0 else -_DAY), abs(days)
    assert left <= DAYS_MAX, f"{days} business days"
    while left:
        day += step
        left -= is_business_day(day, holidays)
    return day


def between(first: date, last: date, holidays: Collection[date] = ()) -> int:
    """Business days after `first` up to `last`; 0 where `last` is not later. At most DAYS_MAX calendar days count."""
    span = min(max((last - first).days, 0), DAYS_MAX)
    return sum(is_business_day(first + timedelta(days=n), holidays) for n in range(1, span + 1))
