"""Shapes and skew: what is played is what the calendar and the power laws say."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from loadtests import skew
from loadtests.config import day_of_peak
from loadtests.shapes.curves import LEAST, SHAPES, arrivals, share

DAY = day_of_peak(2027)
NAMES = st.sampled_from(sorted(SHAPES))


@hypothesis_settings(max_examples=30)
@given(NAMES, st.floats(0, 1), st.dates(date(2024, 1, 1), date(2034, 12, 31)))
def test_a_share_is_of_the_peak(name: str, progress: float, day: date) -> None:
    assert LEAST <= share(name, day, progress) <= 1


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_reaches_its_peak(name: str) -> None:
    assert max(share(name, DAY, step / 1000) for step in range(1001)) == 1


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_the_same_however_much_it_is_compressed(name: str) -> None:
    dice = [len(arrivals(name, DAY, seconds, 2_000 / seconds, Random(1))) for seconds in (30, 300)]
    assert dice[0] == dice[1]


def test_a_live_sales_first_seconds_are_its_busiest() -> None:
    assert share("live-sale", DAY, 0.19) < 0.2
    assert share("live-sale", DAY, 0.206) > 0.95
    assert share("live-sale", DAY, 0.5) < share("live-sale", DAY, 0.3)


def test_a_lunar_day_is_higher_than_the_morning_before_it() -> None:
    before = max(share("first-and-fifteenth", DAY, step / 200) for step in range(100))
    after = max(share("first-and-fifteenth", DAY, step / 200) for step in range(100, 201))
    assert before < 0.9 < after


def test_it_rains_in_the_middle_of_the_morning() -> None:
    at = [(hour - 4.5) / 5.5 for hour in (6.4, 7.0, 7.7)]
    dry_before, wet, after = (share("rain", DAY, progress) for progress in at)
    assert wet < dry_before < after


def test_the_market_day_peaks_in_the_hour_before_it_shuts() -> None:
    peak = max(range(1000), key=lambda step: share("market-day", DAY, step / 1000))
    assert 0.9 < peak / 1000 < 1


@hypothesis_settings(max_examples=20)
@given(NAMES, st.integers(0, 10_000), st.floats(1, 20), st.floats(10, 200))
def test_arrivals_come_in_order_within_the_run_and_as_often_as_the_shape_says(
    name: str, seed: int, seconds: float, rate: float
) -> None:
    found = arrivals(name, DAY, seconds, rate, Random(seed))
    assert found == sorted(found)
    assert all(0 < at < seconds for at in found)
    expected = sum(share(name, DAY, (step + 0.5) / 500) for step in range(500)) / 500 * seconds * rate
    assert abs(len(found) - expected) <= 6 * expected**0.5 + 6


@given(st.floats(0.1, 3), st.floats(0, 20), st.integers(1, 300))
def test_shares_of_a_power_law_fall_and_come_to_one(exponent: float, shift: float, count: int) -> None:
    shares = skew.PowerLaw(exponent, shift).shares(count)
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)


@given(st.integers(1, 100), st.integers(0, 1000))
def test_whoever_is_picked_exists(count: int, seed: int) -> None:
    pick = skew.Pick(skew.STALLS, count)
    dice = Random(seed)
    assert all(0 <= pick.one(dice) < count for _ in range(50))


def test_one_stall_of_twelve_has_three_tenths_of_the_trade() -> None:
    dice, pick = Random(7), skew.Pick(skew.STALLS, 12)
    first = sum(1 for _ in range(20_000) if pick.one(dice) == 0) / 20_000
    assert first == pytest.approx(skew.STALLS.shares(12)[0], abs=0.02)
    assert 0.25 < first < 0.35


def test_who_buys_more_waits_less() -> None:
    paces = [skew.pace(skew.SHOPPERS, rank, 100) for rank in range(100)]
    assert paces == sorted(paces)
    assert paces[-1] / paces[0] > 4
