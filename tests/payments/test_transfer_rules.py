"""The pure rules: legs balance, fees stay below what they are taken from, refunds in parts give back what one would."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AmountInvalid
from kit.ids import new_id
from kit.money import AMOUNT_MAX
from services.payments import fees, limits, transfer
from services.payments.transfer import Leg
from services.settlement.fold import parse_rules

AMOUNTS = st.integers(1, AMOUNT_MAX)
CATEGORIES = st.sampled_from([*sorted(fees.FOOD), "5999", "5812", "0000", ""])
NOW_MS = fees.day_ms("2026-11-23")


def difference(legs: list[Leg]) -> int:
    return sum({"d": leg.amount, "c": -leg.amount, "=": 0}[leg.side] for leg in legs)


def posted(legs: list[Leg]) -> set[tuple[str, str, int]]:
    return {(leg.account_id, leg.side, leg.amount) for leg in legs if leg.side != "="}


@given(AMOUNTS, CATEGORIES)
def test_every_operations_legs_balance_and_every_leg_is_a_posting(amount: int, category: str) -> None:
    fee = fees.payment_fee(amount, category, NOW_MS)
    earned = {op: fees.commission(op, amount, NOW_MS) for op in ("cash_in", "cash_out")}
    for legs in (
        transfer.fund("VNPT", "agt", amount),
        transfer.defund("VNPT", "reserve:VNPT", amount),
        transfer.cash_in("agt", "wal", amount, "VNPT", earned["cash_in"]),
        transfer.cash_out("wal", "agt", amount, "VNPT", earned["cash_out"]),
        transfer.pay("wal", "mer", "VNPT", amount, fee),
        transfer.refund("mer", "wal", "VNPT", amount, fee),
        transfer.hold("wal", "mer", amount),
        transfer.send("wal", "wal2", "VNPT", "VNPT", amount),
        transfer.send("wal", "wal2", "VNPT", "VIETTEL", amount),
        transfer.top_up("STRIPE", "wal", "VNPT", amount),
        transfer.unload("wal", "STRIPE", "VNPT", amount),
        *(transfer.chargeback("wal", "rcv", "STRIPE", "VNPT", amount, short) for short in {0, amount // 2, amount}),
        transfer.recover("wal", "rcv", "VNPT", amount),
        transfer.recover("mer", "rcv", "", amount),
        transfer.reverse(transfer.pay("wal", "mer", "VNPT", amount, fee), "VNPT"),
    ):
        assert difference(legs) == 0
        assert all(1 <= leg.amount <= amount + earned["cash_out"] for leg in legs if leg.side != "=")
        assert all(leg.amount == 0 for leg in legs if leg.side == "=")
        assert len({leg.account_id for leg in legs}) == len(legs)


@given(AMOUNTS, st.data())
def test_a_refund_is_the_payments_mirror(amount: int, data: st.DataObject) -> None:
    fee = data.draw(st.integers(0, amount - 1))
    paid = posted(transfer.pay("w", "m", "VIETTEL", amount, fee))
    back = posted(transfer.refund("m", "w", "VIETTEL", amount, fee))
    assert {(account, "dc"[side == "d"], sum_) for account, side, sum_ in paid} == back


@given(AMOUNTS, CATEGORIES)
def test_a_fee_is_a_fifth_of_a_per_cent_rounded_down_a_million_at_most_and_nothing_on_food(
    amount: int, category: str
) -> None:
    fee = fees.payment_fee(amount, category, NOW_MS)
    assert 0 <= fee < amount
    assert fee == (0 if category in fees.FOOD else min(amount // 500, 1_000_000))


@given(AMOUNTS, AMOUNTS, CATEGORIES)
def test_a_larger_payment_never_costs_less(one: int, other: int, category: str) -> None:
    small, large = sorted((one, other))
    assert fees.payment_fee(small, category, NOW_MS) <= fees.payment_fee(large, category, NOW_MS)


@given(st.integers(1, 10**7), st.data())
def test_refunds_in_parts_give_back_the_fee_that_one_refund_would_less_a_dong_for_each_single_dong(
    paid: int, data: st.DataObject
) -> None:
    fee, before, given_back, singles = data.draw(st.integers(0, (paid - 1) // 500)), 0, 0, 0
    for refunded in sorted({*data.draw(st.lists(st.integers(1, paid), max_size=9)), paid}):
        amount = refunded - before
        part = transfer.refund_fee(paid, fee, before, amount)
        assert 0 <= part < amount
        assert difference(transfer.refund("m", "w", "VNPT", amount, part)) == 0
        before, given_back, singles = before + amount, given_back + part, singles + (amount == 1)
        assert given_back <= fee * before // paid <= given_back + singles
    assert fee - singles <= given_back <= fee


@given(st.integers(1, 10**7), st.data())
def test_a_refund_of_more_than_is_left_can_be_asked_for_and_gives_no_more_fee_than_is_left(
    paid: int, data: st.DataObject
) -> None:
    fee, before = data.draw(st.integers(0, paid - 1)), data.draw(st.integers(0, paid))
    amount = data.draw(st.integers(max(1, paid - before), AMOUNT_MAX))
    part = transfer.refund_fee(paid, fee, before, amount)
    assert 0 <= part <= fee - fee * before // paid
    transfer.refund("m", "w", "VNPT", amount, part)


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1, 2**63 - 1])
@pytest.mark.parametrize("name", ["fund", "cash_in", "cash_out", "pay", "refund"])
def test_an_amount_outside_the_limits_makes_no_legs(name: str, amount: int) -> None:
    operation = getattr(transfer, name)
    before = list(inspect.signature(operation).parameters).index("amount")
    accounts = ["a", "b", "VNPT"][:before]
    with pytest.raises(AmountInvalid):
        operation(*accounts, amount, *([0] if name in ("pay", "refund") else []))


@given(st.uuids())
def test_the_spoken_code_is_three_digits_and_the_same_for_the_same_payment(uuid: object) -> None:
    code = transfer.spoken_code("pay", f"pay_{uuid}")
    assert len(code) == 3
    assert code.isdecimal()
    assert code == transfer.spoken_code("pay", f"pay_{uuid}")


def test_spoken_codes_tell_payments_of_one_moment_apart() -> None:
    codes = [transfer.spoken_code("pay", new_id("pay")) for _ in range(2_000)]
    assert len(set(codes)) > 700


# Limits --------------------------------------------------------------------------------------------------------

RULES = st.builds(
    limits.LimitRule,
    rule_id=st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True),
    from_ms=st.integers(0, 2**53),
    until_ms=st.integers(0, 2**53),
    scope=st.sampled_from(["tx", "day", "month"]),
    ops=st.sampled_from([("pay",), ("cash_out",), ("pay", "cash_out")]),
    most=st.integers(0, 2**53),
    arg=st.integers(0, 2**53),
    action=st.sampled_from(["refuse", "hold"]),
    source=st.just(""),
)


@given(st.lists(RULES, max_size=8))
def test_the_books_read_the_rules_as_they_were_written(rules: list[limits.LimitRule]) -> None:
    read = parse_rules(limits.encode(rules))
    assert [(r.rule_id, r.from_ms, r.until_ms, r.scope, r.ops, r.most) for r in read] == [
        (r.rule_id, r.from_ms, r.until_ms, r.scope, frozenset(r.ops), r.most) for r in rules
    ]


@given(st.lists(RULES, max_size=8), st.integers(0, 2**53))
def test_the_month_limit_shown_is_the_tightest_in_force(rules: list[limits.LimitRule], at_ms: int) -> None:
    shown = limits.month_limit(at_ms, rules)
    in_force = [
        r.most for r in rules if (r.scope, "pay" in r.ops, r.from_ms <= at_ms < r.until_ms) == ("month", True, True)
    ]
    assert shown == (min(in_force) if in_force else 0)


def device_rule(at_ms: int, **changes: Any) -> limits.LimitRule:
    given = {"rule_id": "new", "from_ms": at_ms, "until_ms": at_ms + 1, "scope": "device", "ops": ("pay",), "most": 9}
    return limits.LimitRule(**{**given, "source": "", "arg": 1_000, "action": "hold", **changes})


def test_a_new_device_makes_codes_up_to_the_tightest_rule_in_force_that_counts_payments() -> None:
    at = 1_000_000
    for known_ms, amount, ceiling_broken in ((0, 10, True), (999, 10, True), (1_000, 10, False), (999, 9, False)):
        assert limits.needs_older_device(amount, at - known_ms, at, [device_rule(at)]) is ceiling_broken
    assert not limits.needs_older_device(10**12, 0, at, [device_rule(at)]), "nobody says since when it is known"
    for other in ({"from_ms": at + 1}, {"until_ms": at}, {"scope": "tx"}, {"ops": ("transfer", "cash_out")}):
        assert not limits.needs_older_device(10, at, at, [device_rule(at, **other)])
    for same in ({"ops": ("bill",)}, {"action": "refuse"}):
        assert limits.needs_older_device(10, at, at, [device_rule(at, **same)])
    assert limits.needs_older_device(8, at, at, [device_rule(at), device_rule(at, most=7)])
    assert not limits.needs_older_device(10**12, at, at, [])


def test_the_law_changes_at_midnight_in_vietnam_without_a_gap_or_an_overlap() -> None:
    new_year = 1_767_200_400_000  # 2026-01-01T00:00+07:00
    assert limits.month_limit(new_year - 1) == 10_000_000
    assert limits.month_limit(new_year) == 100_000_000
