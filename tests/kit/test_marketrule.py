"""When markets are held."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import lunar_vn
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument
from kit.marketday import lunar
from kit.marketrule import (
    NEXT_MAX,
    UNKNOWN,
    MarketDays,
    Rule,
    checked,
    is_open,
    key,
    last_before,
    next_days,
    of_key,
)

DATES = st.dates(date(1970, 1, 1), date(2095, 12, 31))
DAILY = MarketDays(Rule.DAILY)
HELD = st.one_of(
    st.just(DAILY),
    st.builds(lambda n, anchor: MarketDays(Rule.EVERY_DAYS, n, anchor), st.integers(2, 30), DATES),
    st.builds(
        lambda d: checked(MarketDays(Rule.LUNAR, days=tuple(d))), st.sets(st.integers(1, 30), min_size=1, max_size=10)
    ),
    st.builds(lambda d: checked(MarketDays(Rule.WEEKDAYS, days=tuple(d))), st.sets(st.integers(1, 7), min_size=1)),
)


@given(HELD, DATES, st.integers(1, 12))
def test_the_next_days_are_the_open_ones_in_order_and_none_is_left_out(held: MarketDays, on: date, count: int) -> None:
    found = next_days(held, on, count)
    assert found == sorted(set(found))
    assert 1 <= len(found) <= count
    between = [on + timedelta(days=n) for n in range((found[-1] - on).days + 1)]
    assert [day for day in between if is_open(held, day)] == found


@given(st.integers(2, 30), DATES, st.integers(-2000, 2000))
def test_every_so_many_days_holds_before_the_anchor_as_after_it(every: int, anchor: date, turns: int) -> None:
    held = checked(MarketDays(Rule.EVERY_DAYS, every, anchor))
    assert is_open(held, anchor)
    try:
        day = anchor + timedelta(days=every * turns)
    except OverflowError:
        return
    assert is_open(held, day)
    assert not is_open(held, day + timedelta(days=1))


@given(st.dates(date(1990, 1, 1), date(2050, 12, 31)))
def test_lunar_dates_are_those_of_another_calendar_too(on: date) -> None:
    theirs, ours = lunar_vn.solar_to_lunar(on), lunar(on)
    assert (theirs.day, theirs.month, bool(theirs.leap)) == (ours.day, ours.month, ours.leap)


def test_a_market_on_days_two_and_seven_of_the_lunar_month() -> None:
    held = checked(MarketDays(Rule.LUNAR, days=(27, 2, 7, 12, 17, 22)))
    # 17 February 2026 is the first day of the lunar year.
    assert next_days(held, date(2026, 2, 17), 3) == [date(2026, 2, 18), date(2026, 2, 23), date(2026, 2, 28)]


def test_the_thirtieth_of_the_lunar_month_is_skipped_in_short_months() -> None:
    held = MarketDays(Rule.LUNAR, days=(30,))
    found = next_days(held, date(2026, 1, 1), 6)
    assert all(lunar(day).day == 30 for day in found)
    assert any((after - before).days > 31 for before, after in itertools.pairwise(found))


def test_where_nobody_has_said_there_is_no_answer_and_no_day() -> None:
    assert is_open(UNKNOWN, date(2026, 11, 29)) is None
    assert next_days(UNKNOWN, date(2026, 11, 29), 5) == []


@pytest.mark.parametrize(
    "held",
    [
        MarketDays(Rule.EVERY_DAYS, 5),
        MarketDays(Rule.EVERY_DAYS, 1, date(2026, 1, 1)),
        MarketDays(Rule.EVERY_DAYS, 31, date(2026, 1, 1)),
        MarketDays(Rule.EVERY_DAYS, 5, date(1950, 1, 1)),
        MarketDays(Rule.DAILY, 5),
        MarketDays(Rule.DAILY, days=(1,)),
        MarketDays(Rule.UNKNOWN, days=(1,)),
        MarketDays(Rule.LUNAR),
        MarketDays(Rule.LUNAR, days=(31,)),
        MarketDays(Rule.WEEKDAYS, days=(0,)),
        MarketDays(Rule.WEEKDAYS, days=(8,)),
        MarketDays(Rule.WEEKDAYS, 2, date(2026, 1, 1), (1,)),
    ],
)
def test_a_rule_that_says_nothing_or_two_things_is_refused(held: MarketDays) -> None:
    with pytest.raises(InvalidArgument):
        checked(held)


@pytest.mark.parametrize(("first", "count"), [(date(2026, 1, 1), 0), (date(2026, 1, 1), NEXT_MAX + 1)])
def test_days_beyond_the_limits_are_not_listed(first: date, count: int) -> None:
    with pytest.raises(InvalidArgument):
        next_days(DAILY, first, count)
    with pytest.raises(InvalidArgument):
        next_days(DAILY, date(1900, 1, 1), 1)


@given(HELD, DATES)
def test_the_last_day_before_is_held_and_none_is_nearer(held: MarketDays, day: date) -> None:
    last = last_before(held, day)
    assert last is not None
    assert last < day
    assert is_open(held, last)
    between = [last + timedelta(days=n) for n in range(1, (day - last).days)]
    assert not any(is_open(held, one) for one in between)


def test_where_nobody_has_said_the_last_day_is_yesterday_and_before_the_calendar_there_is_none() -> None:
    assert last_before(UNKNOWN, date(2026, 11, 29)) == date(2026, 11, 28)
    assert last_before(DAILY, date(1968, 1, 1)) is None


@given(HELD, DATES)
def test_a_rule_read_back_from_its_key_holds_the_same_days_and_has_the_same_key(held: MarketDays, day: date) -> None:
    again = of_key(key(held))
    assert is_open(again, day) == is_open(held, day)
    assert key(again) == key(held)


@given(st.integers(2, 30), DATES, st.integers(-50, 50))
def test_two_anchors_of_one_rhythm_are_one_key(every: int, anchor: date, turns: int) -> None:
    one, other = (MarketDays(Rule.EVERY_DAYS, every, day) for day in (anchor, anchor + timedelta(days=every * turns)))
    assert key(one) == key(other)


@pytest.mark.parametrize("wrong", ["", "daily", "sometimes:0:0:", "daily:x:0:", "lunar:0:0:a"])
def test_what_is_no_key_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError):
        of_key(wrong)
