"""The rules of the markets' pulse: minutes, the last hour, the day that today is compared with."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.clock import VIETNAM
from kit.errors import InvalidArgument
from kit.marketrule import MarketDays, Rule, is_open
from services.onboarding.pulse import tally
from services.onboarding.pulse.tally import Paid, addition, compared_with, csv_days, last_hour, moment, up_to

TODAY = date(2026, 11, 29)
MIDNIGHT_MS = round(datetime(2026, 11, 29, tzinfo=VIETNAM).timestamp() * 1000)
payments = st.lists(
    st.tuples(st.integers(0, 1439), st.integers(1, 10**9), st.sampled_from(["mer_a", "mer_b", "mer_c"])), max_size=30
).map(
    lambda rows: [
        Paid(seq, MIDNIGHT_MS + minute * 60_000, merchant, amount)
        for seq, (minute, amount, merchant) in enumerate(rows, 1)
    ]
)


@settings(max_examples=100, deadline=None)
@given(payments, st.data())
def test_however_payments_are_cut_and_read_again_each_is_counted_once(paid: list[Paid], data: st.DataObject) -> None:
    seq, known, counted, amount = 0, set[str](), 0, 0
    for start in [*data.draw(st.lists(st.integers(0, len(paid)), max_size=5)), 0]:
        end = data.draw(st.integers(start, len(paid)))
        # What is skipped here was not read yet: a reader goes on where it stopped, or before.
        begin = min(start, seq)
        added = addition(paid[begin : max(end, begin)], seq, known)
        seq, known = added.seq, known | added.merchants
        counted, amount = counted + sum(added.payments.values()), amount + sum(added.amount.values())
    assert (counted, amount) == (seq, sum(one.amount for one in paid[:seq]))
    assert known == {one.merchant_id for one in paid[:seq]}


@settings(max_examples=100, deadline=None)
@given(payments, st.integers(0, 1439))
def test_the_last_hour_is_what_was_paid_in_it(paid: list[Paid], minute: int) -> None:
    minutes = addition(paid, 0, ()).payments
    hour = last_hour(minutes, {}, minute)
    assert len(hour) == tally.HOUR_MINUTES
    assert sum(hour) == up_to(minutes, minute) - up_to(minutes, minute - tally.HOUR_MINUTES)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(VIETNAM)))
def test_a_moments_day_and_minute_are_those_of_vietnams_clocks(at: datetime) -> None:
    at = at.replace(microsecond=at.microsecond // 1_000 * 1_000)
    assert moment(round(at.timestamp() * 1_000)) == (at.date(), at.hour * 60 + at.minute)


def test_after_midnight_the_last_hour_begins_yesterday() -> None:
    assert last_hour({0: 5, 2: 7}, {1439: 3, 1380: 9}, 1)[-3:] == [3, 5, 0]


def test_merchants_above_the_limit_are_not_told_apart_but_their_payments_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tally, "MERCHANTS_MAX", 2)
    added = addition([Paid(n, MIDNIGHT_MS, f"mer_{n}", 1) for n in range(1, 5)], 0, {"mer_1"})
    assert (added.merchants, added.payments) == ({"mer_2"}, {0: 4})


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.builds(MarketDays, st.just(Rule.EVERY_DAYS), st.integers(2, 30), st.just(date(2026, 1, 3))),
        st.builds(lambda days: MarketDays(Rule.LUNAR, days=tuple(days)), st.sets(st.integers(1, 30), min_size=1)),
    ),
    st.dates(date(2020, 1, 1), date(2060, 1, 1)),
)
def test_today_is_compared_with_the_last_market_day(held: MarketDays, on: date) -> None:
    like = compared_with(held, on)
    assert like < on
    assert is_open(held, like)
    assert not any(is_open(held, like + timedelta(days=n)) for n in range(1, (on - like).days))


@pytest.mark.parametrize("held", [MarketDays(), MarketDays(Rule.DAILY), MarketDays(Rule.WEEKDAYS, days=(7,))])
def test_markets_that_keep_weekdays_are_compared_with_the_week_before(held: MarketDays) -> None:
    assert compared_with(held, TODAY) == date(2026, 11, 22)


def test_a_report_is_of_days_that_are_kept_and_not_too_many() -> None:
    assert csv_days("2026-11-28", "2026-11-29", TODAY) == [date(2026, 11, 28), TODAY]
    assert len(csv_days("2026-10-30", "2026-11-29", TODAY)) == tally.CSV_DAYS_MAX
    for first, last in (
        ("hôm nay", "2026-11-29"), ("2026-11-29", "2026-11-28"), ("2026-11-29", "2026-11-30"),
        ("2026-10-29", "2026-11-29"), ("2025-10-25", "2025-10-26"), ("", ""),
    ):  # fmt: skip
        with pytest.raises(InvalidArgument):
            csv_days(first, last, TODAY)
