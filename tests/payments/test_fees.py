"""Tariffs: dated plans, by category, with a most."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.money import AMOUNT_MAX
from services.payments import fees, limits, requests
from services.payments.fees import Plan

NEW_YEAR_MS = 1_767_200_400_000  # 2026-01-01T00:00+07:00


def test_a_day_begins_at_midnight_in_vietnam() -> None:
    assert fees.day_ms("2026-01-01") == NEW_YEAR_MS
    assert fees.day_ms("1970-01-02") == 17 * 3_600_000


@pytest.mark.parametrize(
    ("op", "amount", "earned"),
    [
        ("cash_in", 499, 0), ("cash_in", 500, 1), ("cash_in", 1_000_000, 2_000), ("cash_in", 10_000_000, 20_000),
        ("cash_in", 10_000_001, 20_000), ("cash_out", 333, 0), ("cash_out", 334, 1), ("cash_out", 1_000_000, 3_000),
        ("cash_out", 10_000_000, 30_000), ("cash_out", AMOUNT_MAX, 30_000),
    ],
)  # fmt: skip
def test_agents_earn_a_share_up_to_a_most(op: str, amount: int, earned: int) -> None:
    assert fees.commission(op, amount, NEW_YEAR_MS) == earned


def test_before_the_tariff_began_agents_earned_nothing() -> None:
    assert fees.commission("cash_in", 1_000_000, NEW_YEAR_MS - 1) == 0
    assert fees.commission("cash_out", 1_000_000, NEW_YEAR_MS - 1) == 0
    assert fees.commission("cash_in", 1_000_000, fees.FOR_EVER_MS) == 0


@pytest.mark.parametrize(
    ("amount", "category", "fee"),
    [
        (499, "5999", 0), (500, "5999", 1), (50_000, "5812", 100), (500_000_000, "5999", 1_000_000),
        (500_000_500, "5999", 1_000_000), (AMOUNT_MAX, "", 1_000_000), (AMOUNT_MAX, "5411", 0), (50_000, "5499", 0),
        (50_000, "5422", 0), (50_000, "5441", 0), (50_000, "5451", 0), (50_000, "5462", 0),
    ],
)  # fmt: skip
def test_payments_cost_a_share_up_to_a_most_and_food_nothing(amount: int, category: str, fee: int) -> None:
    assert fees.payment_fee(amount, category, NEW_YEAR_MS) == fee


def test_a_plan_that_names_the_category_comes_before_one_that_names_none_and_only_while_in_force() -> None:
    general, named = Plan(0, 100, 10, 5), Plan(10, 20, 99, 5, frozenset({"1"}))
    plans = (general, named)
    assert fees.plan_for(plans, 10, "1") is named
    assert fees.plan_for(plans, 19, "1") is named
    assert fees.plan_for(plans, 9, "1") is general
    assert fees.plan_for(plans, 20, "1") is general
    assert fees.plan_for(plans, 15, "2") is general
    assert fees.plan_for(plans, 15) is general
    assert fees.plan_for(plans, 100, "1") is None
    assert fees.plan_for((named,), 15, "2") is None


def test_without_a_plan_nothing_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fees, "PAYMENT", (Plan(0, 10, 20, 1_000),))
    assert fees.payment_fee(50_000, "5999", 9) == 100
    assert fees.payment_fee(50_000, "5999", 10) == 0


@given(st.integers(1, AMOUNT_MAX), st.sampled_from(["cash_in", "cash_out"]))
def test_a_commission_is_always_less_than_what_was_moved(amount: int, op: str) -> None:
    assert 0 <= fees.commission(op, amount, NEW_YEAR_MS) < amount


# Rules ---------------------------------------------------------------------------------------------------------


def test_a_rule_is_written_as_the_ledger_reads_it() -> None:
    rule = limits.LimitRule("small", 5, 9, "small", ("pay", "transfer"), 30, "why", 10_000, "hold")
    assert rule.encode() == "small,5,9,small,pay+transfer,30,10000,hold"
    assert limits.encode([rule], ("4900", "4814")) == "essential=4900+4814;small,5,9,small,pay+transfer,30,10000,hold"
    assert limits.encode([], ()) == "essential="
    plain = limits.LimitRule("tx", 0, 1, "tx", ("pay",), 7, "why")
    assert plain.encode() == "tx,0,1,tx,pay,7,0,refuse"


def test_the_rules_of_law_are_those_of_the_decrees() -> None:
    by_id = {rule.rule_id: rule for rule in limits.IN_LAW}
    pilot, month, essential, napas = (
        by_id[name] for name in ("month-316", "month-368", "month-368-essential", "tx-napas")
    )
    assert (pilot.most, pilot.ops, pilot.until_ms) == (10_000_000, ("pay", "bill", "transfer", "cash_out"), NEW_YEAR_MS)
    assert (month.most, month.ops, month.from_ms) == (100_000_000, ("pay", "transfer"), NEW_YEAR_MS)
    assert (essential.most, essential.ops, essential.from_ms) == (100_000_000, ("bill",), NEW_YEAR_MS)
    assert (napas.most, napas.scope, napas.ops) == (499_999_999, "tx", ("pay", "bill", "transfer"))
    assert {rule.scope for rule in (pilot, month, essential)} == {"month"}
    assert all(rule.action == "refuse" and rule.source for rule in limits.IN_LAW)
    assert {"4900", "4814", "4784", "8211", "8062", "6300"} <= set(limits.ESSENTIAL)


def test_the_platforms_own_rules_follow_the_setting_and_a_refund_ends_before_its_payment_is_cold() -> None:
    own = {rule.rule_id: rule for rule in limits.own(60)}
    assert (own["velocity-minute"].most, own["velocity-minute"].scope) == (60, "minute")
    assert (own["velocity-small"].most, own["velocity-small"].arg) == (600, 10_000)
    device = own["velocity-device"]
    assert (device.most, device.arg, device.action) == (5_000_000, 86_400_000, "hold")
    assert own["refund-age"].most == 30 * 86_400_000
    assert own["refund-age"].most + 86_400_000 * 5 < 40 * 86_400_000
    assert limits.in_force(60) == (*limits.IN_LAW, *limits.own(60))


def test_a_dynamic_codes_label_says_when_it_expires_and_other_labels_say_nothing() -> None:
    assert requests.expiry_label(1_764_000_000_999) == "E1764000000"
    assert requests.expiry_of("E1764000000") == 1_764_000_000_000
    for label in ("", "***", "E176400000", "E17640000000", "1764000000", "E1764000000 ", "eE1764000000"):
        assert requests.expiry_of(label) == 0
