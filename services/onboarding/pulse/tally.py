"""A market's day in minutes: what is added to it, what its last hour was, and which day it is compared with. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from kit.clock import VIETNAM
from kit.errors import InvalidArgument
from kit.marketrule import MarketDays, Rule, is_open

HOUR_MINUTES = 60
# Days are kept for so long; then they are removed.
RETENTION_DAYS = 400
# Merchants paid of one market and day; above it, no more are told apart.
MERCHANTS_MAX = 5_000
CSV_DAYS_MAX = 31
# A lunar 30th is skipped in short months, so the last market day may be two months back, and a little.
_BACK_DAYS_MAX = 100
_WEEK = timedelta(days=7)
_MINUTE_MS = 60_000
_DAY_MINUTES = 24 * 60
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# Of UTC, always: there is no summer time.
_AHEAD_MS = int(VIETNAM.utcoffset(None).total_seconds()) * 1_000


class Paid(NamedTuple):
    """A payment: the ledger's sequence number, when (Unix ms), to whom, đồng. A tuple, because one is built of each."""

    seq: int
    at_ms: int
    merchant_id: str
    amount: int


@dataclass(slots=True)
class Addition:
    """What payments add to one market's day, by minute of the day in Vietnam. `seq` is the last of them."""

    seq: int = 0
    payments: dict[int, int] = field(default_factory=dict)
    amount: dict[int, int] = field(default_factory=dict)
    merchants: set[str] = field(default_factory=set)


def moment(at_ms: int) -> tuple[date, int]:
    """A moment's day and minute of the day in Vietnam. `at_ms` is Unix ms."""
    return day_of(at_ms), minute_of(at_ms)


def day_of(at_ms: int) -> date:
    """The day in Vietnam. `at_ms` is Unix ms."""
    return date.fromordinal(_EPOCH_DAY + (at_ms + _AHEAD_MS) // (_DAY_MINUTES * _MINUTE_MS))


def minute_of(at_ms: int) -> int:
    """The minute of the day in Vietnam. `at_ms` is Unix ms."""
    return (at_ms + _AHEAD_MS) // _MINUTE_MS % _DAY_MINUTES


def addition(paid: Iterable[Paid], after_seq: int, known: Collection[str]) -> Addition:
    """What these payments of one market and day add, those up to `after_seq` having been added before.

    `known` are the merchants that the day has already: named are only new ones, until there are MERCHANTS_MAX.
    """
    added = Addition(after_seq)
    for one in paid:
        if one.seq <= added.seq:
            continue
        minute = minute_of(one.at_ms)
        added.seq = one.seq
        added.payments[minute] = added.payments.get(minute, 0) + 1
        added.amount[minute] = added.amount.get(minute, 0) + one.amount
        if one.merchant_id not in known and len(known) + len(added.merchants) < MERCHANTS_MAX:
            added.merchants.add(one.merchant_id)
    return added


def up_to(minutes: Mapping[int, int], minute: int) -> int:
    """The sum from midnight to this minute, itself included."""
    return sum(value for at, value in minutes.items() if at <= minute)


def last_hour(today: Mapping[int, int], yesterday: Mapping[int, int], minute: int) -> list[int]:
    """HOUR_MINUTES values, the running `minute` last; after midnight the first ones are yesterday's."""
    return [
        today.get(at, 0) if at >= 0 else yesterday.get(at + 24 * 60, 0)
        for at in range(minute - HOUR_MINUTES + 1, minute + 1)
    ]


def compared_with(held: MarketDays, on: date) -> date:
    """The day before `on` that is most like it.

    Of markets held on lunar dates or every so many days the last market day; of the others the same weekday a week
    before, which alone has the same customers.
    """
    if held.rule in (Rule.LUNAR, Rule.EVERY_DAYS):
        for back in range(1, _BACK_DAYS_MAX):
            if is_open(held, on - timedelta(days=back)):
                return on - timedelta(days=back)
    return on - _WEEK


def csv_days(first: str, last: str, today: date) -> list[date]:
    """The days that a report is asked for. Raises InvalidArgument, saying which days there can be."""
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise InvalidArgument('from and to must be days, such as "2026-11-29"') from None
    if not today - timedelta(days=RETENTION_DAYS) < start <= end <= today:
        raise InvalidArgument(f"from must not be after to, nor to after today; {RETENTION_DAYS} days are kept")
    if (end - start).days >= CSV_DAYS_MAX:
        raise InvalidArgument(f"at most {CSV_DAYS_MAX} days at once: ask for the rest in another file")
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]
