"""A stall that goes quiet while its neighbours are busy."""

from __future__ import annotations

import copy
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.onboarding.sentinel import quiet
from services.onboarding.sentinel.quiet import Day, Quiet, count, evaluate, forget, thresholds

SET_BY = thresholds()
# Six in the morning in Vietnam.
OPENS = datetime(2026, 11, 28, 23, 0, tzinfo=UTC)


def ms(minutes: float) -> int:
    """Unix ms, so many minutes after the market opened."""
    return round((OPENS + timedelta(minutes=minutes)).timestamp() * 1000)


class Market:
    """Payments as they come, and what the rule says after each quarter of an hour."""

    def __init__(self) -> None:
        self.day, self.seq = Day(), 0

    def pay(self, minutes: float, stall: str, section: str = "A") -> None:
        self.seq += 1
        count(self.day, self.seq, ms(minutes), stall, section, SET_BY)

    def ask(self, minutes: float) -> list[Quiet]:
        return evaluate(self.day, ms(minutes), SET_BY)

    def trade(self, first: int, last: int, stalls: list[str], every: int = 3, section: str = "A") -> list[Quiet]:
        """Each of these stalls is paid every so many minutes; everything that was said meanwhile."""
        said = []
        for minute in range(first, last):
            if minute % SET_BY.bucket_minutes == 0:
                said += self.ask(minute)
            if minute % every == 0:
                for stall in stalls:
                    self.pay(minute, stall, section)
        return said


NEIGHBOURS = [f"stall {number}" for number in range(6)]


def test_a_stall_whose_sticker_was_swapped_at_eight_is_flagged_before_nine() -> None:
    market = Market()
    assert market.trade(0, 120, ["victim", *NEIGHBOURS]) == []
    said = market.trade(120, 180, NEIGHBOURS)
    assert [one.merchant_id for one in said] == ["victim"]
    assert (said[0].minutes, said[0].expected >= SET_BY.expected_min) == (45, True)


def test_it_is_flagged_once_and_again_only_after_it_was_paid() -> None:
    market = Market()
    market.trade(0, 120, ["victim", *NEIGHBOURS])
    assert len(market.trade(120, 240, NEIGHBOURS)) == 1
    market.pay(240, "victim")
    assert len(market.trade(241, 361, NEIGHBOURS)) == 1


def test_at_lunch_and_after_closing_nobody_is_flagged() -> None:
    market = Market()
    market.trade(0, 300, NEIGHBOURS)
    said = [quiet for minute in range(300, 1000, 15) for quiet in market.ask(minute)]
    assert said == []


def test_a_lull_that_thins_every_stalls_trade_flags_nobody() -> None:
    market = Market()
    market.trade(0, 240, NEIGHBOURS)
    assert market.trade(240, 420, NEIGHBOURS, every=45) == []
    assert market.trade(420, 540, NEIGHBOURS) == []


def test_on_a_day_without_a_market_nobody_is_flagged() -> None:
    market = Market()
    market.pay(10, "somebody at home")
    assert [quiet for minute in range(15, 900, 15) for quiet in market.ask(minute)] == []


def test_who_was_not_paid_at_all_today_is_not_watched() -> None:
    market = Market()
    assert market.trade(0, 600, NEIGHBOURS) == []


def test_one_busy_neighbour_is_no_crowd() -> None:
    market = Market()
    market.trade(0, 120, ["victim", *NEIGHBOURS])
    assert market.trade(120, 240, NEIGHBOURS[:1], every=1) == []


def test_a_stall_alone_in_its_section_is_compared_with_the_whole_market() -> None:
    market = Market()
    for minute in range(0, 120, 3):
        market.pay(minute, "fish", "C")
        for stall in NEIGHBOURS:
            market.pay(minute, stall)
    assert [one.merchant_id for one in market.trade(120, 195, NEIGHBOURS)] == ["fish"]


def test_a_stall_that_sells_seldom_is_left_alone() -> None:
    market = Market()
    for minute in range(0, 120, 3):
        for stall in NEIGHBOURS:
            market.pay(minute, stall)
        if minute % 30 == 0:
            market.pay(minute, "antiques")
    assert market.trade(120, 240, NEIGHBOURS) == []


def test_the_next_day_begins_anew() -> None:
    market = Market()
    market.trade(0, 120, ["victim", *NEIGHBOURS])
    assert market.trade(1440, 1620, NEIGHBOURS) == []
    assert set(market.day.sellers) == set(NEIGHBOURS)


def test_where_payments_were_missed_nobody_is_called_quiet() -> None:
    market = Market()
    market.trade(0, 120, ["victim", *NEIGHBOURS])
    forget(market.day, market.seq)
    assert market.trade(120, 240, NEIGHBOURS) == []


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_honest_stalls_of_any_size_are_seldom_flagged(seed: int) -> None:
    """A morning of payments by chance, busy hours and slack ones: what is flagged must stay rare."""
    chance, market = random.Random(seed), Market()
    stalls = [(f"s{n}", "AB"[n % 2], chance.choice((1, 3, 8))) for n in range(30)]
    weights, said = [weight for _, _, weight in stalls], []
    for quarter in range(24):
        level = chance.choice((0, 5, 20, 120))
        moments = sorted(chance.uniform(quarter * 15, quarter * 15 + 15) for _ in range(level))
        for moment, (name, section, _) in zip(moments, chance.choices(stalls, weights, k=level), strict=True):
            market.pay(moment, name, section)
        said += market.ask(quarter * 15 + 15)
    assert len(said) <= 1


payments = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from("abcdefgh"), st.sampled_from("AB")), max_size=80
).map(sorted)


@given(payments, st.integers(0, 80))
def test_payments_that_are_delivered_again_change_nothing(paid: list[tuple[int, str, str]], again: int) -> None:
    once, twice = Day(), Day()
    for seq, (minute, stall, section) in enumerate(paid, start=1):
        count(once, seq, ms(minute), stall, section, SET_BY)
    for start in (0, max(0, len(paid) - again)):
        for seq, (minute, stall, section) in enumerate(paid[start:], start=start + 1):
            count(twice, seq, ms(minute), stall, section, SET_BY)
    assert once == twice


@given(payments)
def test_a_days_counts_add_up(paid: list[tuple[int, str, str]]) -> None:
    day = Day()
    for seq, (minute, stall, section) in enumerate(paid, start=1):
        count(day, seq, ms(minute), stall, section, SET_BY)
    assert sum(seller.payments for seller in day.sellers.values()) == len(paid)
    assert sum(map(sum, day.sections.values())) == len(paid)


@given(payments, st.integers(0, 700))
def test_nobody_who_was_paid_in_the_last_three_quarters_is_flagged(paid: list[tuple[int, str, str]], at: int) -> None:
    day = Day()
    for seq, (minute, stall, section) in enumerate(paid, start=1):
        count(day, seq, ms(minute), stall, section, SET_BY)
    before = copy.deepcopy(day)
    for found in evaluate(day, ms(at), SET_BY):
        seller = before.sellers[found.merchant_id]
        assert found.minutes >= SET_BY.quiet_buckets_min * SET_BY.bucket_minutes
        assert seller.payments >= SET_BY.own_payments_min


def test_more_stalls_than_a_market_has_are_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "STALLS_MAX", 3)
    market = Market()
    for n in range(10):
        market.pay(n, f"s{n}")
    assert len(market.day.sellers) == 3
