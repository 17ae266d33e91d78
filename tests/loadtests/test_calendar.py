"""The market-day calendar: lunar dates against almanacs, and how busy a day is."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import VIETNAM
from kit.marketday import (
    BEFORE_TET,
    FIFTEENTH,
    FIRST,
    FIRST_YEAR,
    LAST_YEAR,
    TET,
    TET_EVE,
    LunarDate,
    Rain,
    coming,
    demand,
    lunar,
    market_day,
    tet,
)  # fmt: skip

DAYS = st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 30))
# As Vietnam kept or announced it; 1985, 2007 and 2030 are not China's.
KNOWN_TET = {
    1985: (1, 21), 2007: (2, 17), 2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 6), 2028: (1, 26),
    2029: (2, 13), 2030: (2, 2), 2031: (1, 23), 2032: (2, 11), 2033: (1, 31), 2034: (2, 19), 2035: (2, 8),
}  # fmt: skip
# The leap months of these years, and when they begin.
KNOWN_LEAP = {(2025, 6): date(2025, 7, 25), (2028, 5): date(2028, 6, 23), (2031, 3): date(2031, 4, 21)}


@pytest.mark.parametrize(("year", "month_day"), KNOWN_TET.items())
def test_tet_is_when_it_was_or_will_be(year: int, month_day: tuple[int, int]) -> None:
    assert tet(year) == date(year, *month_day)
    assert lunar(tet(year)) == LunarDate(year, 1, 1)


def test_known_days_have_their_lunar_dates() -> None:
    assert lunar(date(2024, 9, 17)) == LunarDate(2024, 8, 15)  # Trung thu
    assert lunar(date(2025, 9, 6)) == LunarDate(2025, 7, 15)  # after a leap sixth month
    assert lunar(date(2026, 4, 26)) == LunarDate(2026, 3, 10)  # Giỗ Tổ
    assert lunar(date(2026, 2, 16)) == LunarDate(2025, 12, 29)  # the last day of a short twelfth month


def test_leap_months_are_where_the_sun_enters_no_new_twelfth() -> None:
    found = {}
    for n in range((date(2033, 1, 1) - date(2024, 1, 1)).days):
        on = lunar(date(2024, 1, 1) + timedelta(days=n))
        if on.leap and on.day == 1:
            found[(on.year, on.month)] = date(2024, 1, 1) + timedelta(days=n)
    assert found == KNOWN_LEAP


@given(DAYS)
def test_a_day_follows_the_day_before(day: date) -> None:
    today, tomorrow = lunar(day), lunar(day + timedelta(days=1))
    if tomorrow.day == 1:
        assert today.day in (29, 30)
        following = (tomorrow.month - today.month) % 12
        assert following == (0 if tomorrow.leap else 1)
    else:
        assert tomorrow == LunarDate(today.year, today.month, today.day + 1, today.leap)


@given(st.integers(FIRST_YEAR, LAST_YEAR - 1))
def test_a_lunar_year_has_twelve_or_thirteen_months(year: int) -> None:
    assert (tet(year + 1) - tet(year)).days in (353, 354, 355, 383, 384, 385)
    assert date(year, 1, 20) <= tet(year) <= date(year, 2, 21)


@pytest.mark.parametrize("day", [date(1967, 12, 31), date(2100, 1, 1)])
def test_other_years_are_refused(day: date) -> None:
    with pytest.raises(ValueError, match="1968 to 2099"):
        lunar(day)


def test_the_first_and_the_fifteenth_are_busier_than_what_is_around_them() -> None:
    for day in (date(2026, 11, 9), date(2026, 11, 23)):  # Mondays: 1 and 15 of the tenth month
        found = market_day(day)
        assert found.lunar.day in (1, 15)
        assert {FIRST, FIFTEENTH} & set(found.occasions)
        assert found.busy > market_day(day + timedelta(days=1)).busy


def test_the_days_before_tet_rise_to_its_eve_and_the_market_is_shut_after_it() -> None:
    eve = tet(2027) - timedelta(days=1)
    rising = [market_day(eve - timedelta(days=n)).busy for n in range(7)]
    assert rising == sorted(rising, reverse=True)
    assert TET_EVE in market_day(eve).occasions
    assert BEFORE_TET in market_day(eve - timedelta(days=1)).occasions
    assert all(TET in market_day(tet(2027) + timedelta(days=n)).occasions for n in range(3))
    assert market_day(tet(2027)).busy < 0.1


def test_the_hour_before_tet_is_the_years_busiest() -> None:
    eve = datetime(2027, 2, 5, tzinfo=VIETNAM)
    by_hour = {hour: demand(eve + timedelta(hours=hour, minutes=40)) for hour in range(24)}
    assert max(by_hour, key=lambda hour: by_hour[hour]) == 16
    assert by_hour[17] == 0


def test_an_ordinary_morning_rises_from_five_to_nine() -> None:
    day = datetime(2026, 11, 18, tzinfo=VIETNAM)
    hours = [demand(day + timedelta(hours=hour)) for hour in (5, 6, 7, 8)]
    assert hours == sorted(hours)
    assert demand(day + timedelta(hours=8)) == 1.0
    assert demand(day + timedelta(hours=11)) < 0.5


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(1, 120))
def test_rain_keeps_people_away_and_brings_them_together_after_it(minute: int, begins: int, lasts: int) -> None:
    moment = datetime(2026, 11, 18, tzinfo=VIETNAM) + timedelta(minutes=minute)
    dry, wet = demand(moment), demand(moment, (Rain(begins, begins + lasts),))
    if begins <= minute < begins + lasts:
        assert wet <= dry
    else:
        assert wet >= dry


def test_what_is_coming_is_told_to_planners_and_bounded() -> None:
    found = coming(date(2027, 1, 25), 20)
    assert max(found, key=lambda day: day.busy).day == date(2027, 2, 5)
    assert all(day.occasions for day in found)
    with pytest.raises(ValueError, match="400"):
        coming(date(2027, 1, 25), 401)
