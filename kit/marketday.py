"""The market-day calendar: lunar dates, what a day is to a market, and how busy it is minute by minute. Pure.

Shared by who plans stalls and staff, who watches the platform, and who load-tests it. Lunar dates follow Vietnam's rule
(Decision 121-CP of 8 August 1967): the new moon and the sun's terms at UTC+7, not at Beijing's UTC+8; Tết differs from
the Chinese new year now and then (1985 by a month, 2007 and 2030 by a day). Computed from J. Meeus, "Astronomical
Algorithms" (chapters 25 and 49), to half a minute for the moon and a quarter of an hour for the sun.

How busy a day is, is an assumption and no count: factors and profiles below are what traders tell (the first and the
fifteenth, the week before Tết, rain). A market that counts its own payments replaces them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

from kit.clock import VIETNAM

FIRST_YEAR, LAST_YEAR = 1968, 2099
LOOK_AHEAD_DAYS_MAX = 400
DAYS_KEPT, MOONS_KEPT = 1000, 4000

_ZONE_DAYS = 7 / 24
_DELTA_T_DAYS = 70 / 86_400  # terrestrial time less UTC, 2000 to 2050, to some seconds
# Julian day of the midnight, UTC, that begins ordinal day 0.
_JULIAN_OF_ORDINAL = 1_721_424.5

# Meeus 49, new moon: days, power of E, multiples of M, M', F.
_NEW_MOON = (
    (-0.40720, 0, 0, 1, 0), (0.17241, 1, 1, 0, 0), (0.01608, 0, 0, 2, 0), (0.01039, 0, 0, 0, 2),
    (0.00739, 1, -1, 1, 0), (-0.00514, 1, 1, 1, 0), (0.00208, 2, 2, 0, 0), (-0.00111, 0, 0, 1, -2),
    (-0.00057, 0, 0, 1, 2), (0.00056, 1, 1, 2, 0), (-0.00042, 0, 0, 3, 0), (0.00042, 1, 1, 0, 2),
    (0.00038, 1, 1, 0, -2), (-0.00024, 1, -1, 2, 0), (-0.00007, 0, 2, 1, 0), (0.00004, 0, 0, 2, -2),
    (0.00004, 0, 3, 0, 0), (0.00003, 0, 1, 1, -2), (0.00003, 0, 0, 2, 2), (-0.00003, 0, 1, 1, 2),
    (0.00003, 0, -1, 1, 2), (-0.00002, 0, -1, 1, -2), (-0.00002, 0, 1, 3, 0), (0.00002, 0, 0, 4, 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class LunarDate:
    """A date of the Vietnamese lunar calendar. `year` is the solar year in which its first month begins."""

    year: int
    month: int
    day: int
    leap: bool = False


@dataclass(frozen=True, slots=True)
class Rain:
    """It rains between two minutes of the day (0 to 1440)."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class MarketDay:
    """What a day is to a market. `busy`: its trade against an ordinary weekday's; `occasions` in Vietnamese."""

    day: date
    lunar: LunarDate
    occasions: tuple[str, ...]
    busy: float


# -------------------------------------------------------------------- the sky


@cache
def _new_moon_ordinal(k: int) -> int:
    """Vietnam's day (its ordinal) of the k-th new moon from 6 January 2000."""
    t = k / 1236.85
    e = 1 - 0.002516 * t - 0.0000074 * t * t
    m = math.radians(2.5534 + 29.10535670 * k - 0.0000014 * t**2)
    m1 = math.radians(201.5643 + 385.81693528 * k + 0.0107582 * t**2 + 0.00001238 * t**3)
    f = math.radians(160.7108 + 390.67050284 * k - 0.0016118 * t**2 - 0.00000227 * t**3)
    node = math.radians(124.7746 - 1.56375588 * k + 0.0020672 * t**2)
    days = 2_451_550.09766 + 29.530588861 * k + 0.00015437 * t**2 - 0.000000150 * t**3
    days += sum(size * e**power * math.sin(a * m + b * m1 + c * f) for size, power, a, b, c in _NEW_MOON)
    days -= 0.00017 * math.sin(node)
    days += 0.000325 * math.sin(math.radians(299.77 + 0.107408 * k - 0.009173 * t**2))
    days += 0.000165 * math.sin(math.radians(251.88 + 0.016321 * k))
    return math.floor(days - _DELTA_T_DAYS + _ZONE_DAYS - _JULIAN_OF_ORDINAL)


@lru_cache(MOONS_KEPT)
def _sun_sector(ordinal: int) -> int:
    """In which twelfth of its way (30 degrees each, from the spring equinox) the sun is when this day begins."""
    t = (ordinal + _JULIAN_OF_ORDINAL - _ZONE_DAYS + _DELTA_T_DAYS - 2_451_545) / 36_525
    m = math.radians(357.52911 + 35_999.05029 * t - 0.0001537 * t * t)
    centre = (1.914602 - 0.004817 * t) * math.sin(m) + (0.019993 - 0.000101 * t) * math.sin(2 * m)
    centre += 0.000289 * math.sin(3 * m)
    node = math.radians(125.04 - 1934.136 * t)
    longitude = 280.46646 + 36_000.76983 * t + 0.0003032 * t * t + centre - 0.00569 - 0.00478 * math.sin(node)
    return int(longitude % 360 // 30)


@cache
def _eleventh_month(year: int) -> int:
    """The number of the new moon that begins the month of the winter solstice of a solar year."""
    last = date(year, 12, 31).toordinal()
    k = round((last - date(2000, 1, 6).toordinal()) / 29.530588861) + 1
    while _new_moon_ordinal(k) > last:
        k -= 1
    return k - 1 if _sun_sector(_new_moon_ordinal(k)) >= 9 else k


@cache
def _months(year: int) -> tuple[tuple[int, int, int, bool], ...]:
    """(first day's ordinal, lunar year, month, leap) from the 11th month of `year - 1` to before that of `year`."""
    first, after = _eleventh_month(year - 1), _eleventh_month(year)
    starts = [_new_moon_ordinal(k) for k in range(first, after + 1)]
    sectors = [_sun_sector(start) for start in starts]
    # Thirteen months: the first one in which the sun enters no new twelfth repeats the number before it.
    leap = next((i for i in range(1, 13) if sectors[i] == sectors[i + 1]), 0) if after - first == 13 else 0
    found = []
    for i, start in enumerate(starts[:-1]):
        number = i - 1 if leap and i >= leap else i
        month = (10 + number) % 12 + 1
        found.append((start, year - 1 if number < 2 else year, month, bool(leap) and i == leap))
    return tuple(found)


def lunar(day: date) -> LunarDate:
    """A day's lunar date. Raises ValueError outside the years 1968 to 2099."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"lunar dates are for {FIRST_YEAR} to {LAST_YEAR}, not for {day.year}")
    ordinal = day.toordinal()
    for year in (day.year + 1, day.year):
        for start, lunar_year, month, leap in reversed(_months(year)):
            if start <= ordinal:
                return LunarDate(lunar_year, month, ordinal - start + 1, leap)
    raise AssertionError("every day is in a month")


@cache
def tet(year: int) -> date:
    """The first day of the lunar year that begins in a solar year. Raises ValueError outside 1968 to 2099."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"lunar dates are for {FIRST_YEAR} to {LAST_YEAR}, not for {year}")
    return next(date.fromordinal(s) for s, y, month, leap in _months(year) if (y, month, leap) == (year, 1, False))


# -------------------------------------------------------------------- what a day is to a market

# (month, day) of the lunar year: name, and trade against an ordinary day's.
_FEASTS = {
    (1, 15): ("Rằm tháng Giêng", 1.8),
    (3, 3): ("Tết Hàn thực", 1.3),
    (3, 10): ("Giỗ Tổ Hùng Vương", 1.3),
    (5, 5): ("Tết Đoan ngọ", 1.6),
    (7, 15): ("Rằm tháng Bảy", 1.8),
    (8, 15): ("Tết Trung thu", 1.6),
    (12, 23): ("Ông Công ông Táo", 2.0),
}
FIRST, FIFTEENTH, EVE = "Mùng một", "Ngày rằm", "Hôm trước mùng một hoặc rằm"
TET, TET_EVE, BEFORE_TET, WEEKEND = "Tết Nguyên đán", "Tất niên", "Giáp Tết", "Cuối tuần"
_FIRST_BUSY, _EVE_BUSY, _WEEKEND_BUSY = 1.4, 1.2, 1.2
# Days before Tết and what they trade; the market is shut on its first three days.
_BEFORE_TET = {1: 3.5, 2: 3.2, 3: 3.0, 4: 2.4, 5: 2.2, 6: 2.0, 7: 1.8}
_TET_DAYS, _SHUT = 3, 0.05

# (minute of the day, share of the day's busiest minute); between them, straight lines.
_PROFILE = (
    (0, 0.0), (270, 0.0), (300, 0.05), (360, 0.45), (420, 0.85), (450, 1.0), (510, 1.0), (540, 0.8), (660, 0.4),
    (720, 0.15), (840, 0.12), (960, 0.35), (1020, 0.5), (1080, 0.4), (1140, 0.05), (1170, 0.0), (1440, 0.0),
)  # fmt: skip
# Tết's eve: early, without a pause, and most of all in the hour before everybody goes home.
_EVE_PROFILE = (
    (0, 0.0), (240, 0.0), (300, 0.2), (360, 0.5), (420, 0.65), (540, 0.6), (720, 0.5), (900, 0.6), (960, 0.75),
    (990, 1.0), (1015, 1.0), (1020, 0.0), (1440, 0.0),
)  # fmt: skip
# In the rain, and for half an hour after it, when those who waited come together.
_IN_RAIN, _AFTER_RAIN, _AFTER_RAIN_MIN = 0.4, 1.4, 30


@lru_cache(DAYS_KEPT)
def market_day(day: date) -> MarketDay:
    """What a day is. Several occasions on one day count as the busiest of them. Raises ValueError as `lunar` does."""
    on = lunar(day)
    found: dict[str, float] = {}
    if not on.leap and (on.month, on.day) in _FEASTS:
        name, busy = _FEASTS[(on.month, on.day)]
        found[name] = busy
    if on.day == 1:
        found[FIRST] = _FIRST_BUSY
    if on.day == 15:
        found[FIFTEENTH] = _FIRST_BUSY
    tomorrow = lunar(day + timedelta(days=1)) if day < date(LAST_YEAR, 12, 31) else on
    if tomorrow.day in (1, 15):
        found[EVE] = _EVE_BUSY
    if day.weekday() >= 5:
        found[WEEKEND] = _WEEKEND_BUSY
    ahead = (tet(day.year) - day).days
    if ahead in _BEFORE_TET:
        found[TET_EVE if ahead == 1 else BEFORE_TET] = _BEFORE_TET[ahead]
    if 0 <= -ahead < _TET_DAYS:
        return MarketDay(day, on, (TET, *found), _SHUT)
    return MarketDay(day, on, tuple(found), max(found.values(), default=1.0))


def coming(first: date, days: int) -> list[MarketDay]:
    """Days from `first` on that are no ordinary ones, at most LOOK_AHEAD_DAYS_MAX ahead. Raises ValueError."""
    if not 1 <= days <= LOOK_AHEAD_DAYS_MAX:
        raise ValueError(f"from 1 to {LOOK_AHEAD_DAYS_MAX} days")
    found = (market_day(first + timedelta(days=n)) for n in range(days))
    return [day for day in found if day.occasions]


def demand(moment: datetime, rain: Sequence[Rain] = ()) -> float:
    """How much is bought at a moment, against the busiest minute of an ordinary weekday. `moment` is aware."""
    local = moment.astimezone(VIETNAM)
    minute = local.hour * 60 + local.minute + local.second / 60
    found = market_day(local.date())
    profile = _EVE_PROFILE if TET_EVE in found.occasions else _PROFILE
    return found.busy * _between(profile, minute) * _weather(minute, rain)


def _between(profile: Sequence[tuple[int, float]], minute: float) -> float:
    for (begins, low), (ends, high) in itertools.pairwise(profile):
        if begins <= minute <= ends:
            return low + (high - low) * (minute - begins) / (ends - begins)
    raise AssertionError("a profile covers the day")


def _weather(minute: float, rain: Sequence[Rain]) -> float:
    if any(shower.begins <= minute < shower.ends for shower in rain):
        return _IN_RAIN
    return _AFTER_RAIN if any(0 <= minute - shower.ends < _AFTER_RAIN_MIN for shower in rain) else 1.0
