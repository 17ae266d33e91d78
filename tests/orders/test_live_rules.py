"""What a live sale may be, and how it lives: without engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AmountInvalid, DomainError, InvalidArgument, NotFound, ProductNotForSale, WrongState
from services.orders.cart import Product
from services.orders.life import CLOCK, STOCK, Actor, Who
from services.orders.live import sale as rules
from services.orders.live.sale import Asked, Plan, Sale, State

NOW = datetime(2026, 11, 29, 6, 0, tzinfo=UTC)
SELLER = Actor(Who.SELLER, "usr_seller")
TEA = Product("prd_tea", "mer_1", "Chè móc câu", "gói", 100_000, False)
PORK = Product("prd_pork", "mer_1", "Thịt ba chỉ", "kg", 130_000, False, 1_000)
HIDDEN = Product("prd_hidden", "mer_1", "Măng", "bó", 10_000, True)
OTHER = Product("prd_other", "mer_2", "Mật ong", "chai", 10_000, False)
KNOWN = {one.id: one for one in (TEA, PORK, HIDDEN, OTHER)}


def plan(*lines: Asked, **fields: Any) -> Plan:
    usual: dict[str, Any] = {
        "merchant_id": "mer_1", "title": "Phiên chợ", "opens_at": NOW + timedelta(hours=1),
        "closes_at": NOW + timedelta(hours=2), "lines": lines or (Asked("prd_tea", 5, 50_000),),
    }  # fmt: skip
    return Plan(**{**usual, **fields})


def scheduled(*lines: Asked, **fields: Any) -> Sale:
    return rules.schedule("liv_1", plan(*lines, **fields), SELLER, "Cô Hạnh", KNOWN, NOW)


def test_lots_are_named_as_people_say_and_counted_in_base_units() -> None:
    sale = scheduled(
        Asked("prd_tea", 5, 50_000), Asked("prd_pork", 20, 60_000, lot_size=500, cap=3),
    )  # fmt: skip
    assert [(one.unit, one.lot_size, one.cap) for one in sale.lines] == [("gói", 1, 1), ("lô 500 g", 500, 3)]
    assert rules.quantities(sale) == {"prd_tea": 5, "prd_pork": 10_000}
    assert [rules.lot_name(TEA, 3), rules.lot_name(PORK, 1_000), rules.lot_name(PORK, 2_000)] == [
        "lô 3 gói", "kg", "lô 2 kg",
    ]  # fmt: skip
    assert [(one.event, one.who, one.by) for one in sale.history] == [("scheduled", "seller", "usr_seller")]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (plan(title=" "), InvalidArgument),
        (plan(title="x" * 81), InvalidArgument),
        (plan(title="a\x00b"), InvalidArgument),
        (plan(opens_at=NOW), InvalidArgument),
        (plan(opens_at=NOW + timedelta(days=31), closes_at=NOW + timedelta(days=31, hours=1)), InvalidArgument),
        (plan(closes_at=NOW + timedelta(hours=1, seconds=59)), InvalidArgument),
        (plan(closes_at=NOW + timedelta(hours=25, seconds=1)), InvalidArgument),
        (plan(pay_within=timedelta(seconds=59)), InvalidArgument),
        (plan(pay_within=timedelta(seconds=1801)), InvalidArgument),
        (plan(lines=()), InvalidArgument),
        (plan(Asked("prd_tea", 1, 1), Asked("prd_tea", 1, 1)), InvalidArgument),
        (plan(*(Asked(f"prd_{n}", 1, 1) for n in range(11))), InvalidArgument),
        (plan(Asked("prd_tea", 0, 1)), InvalidArgument),
        (plan(Asked("prd_tea", 10_001, 1)), InvalidArgument),
        (plan(Asked("prd_tea", 1, 1, lot_size=-1)), InvalidArgument),
        (plan(Asked("prd_pork", 2, 1, lot_size=10**9)), InvalidArgument),
        (plan(Asked("prd_tea", 1, 1, cap=101)), InvalidArgument),
        (plan(Asked("prd_tea", 1, 0)), AmountInvalid),
        (plan(Asked("prd_tea", 1, -1)), AmountInvalid),
        (plan(Asked("prd_tea", 5, 10**12, cap=2)), AmountInvalid),
        (plan(Asked("prd_none", 1, 1)), NotFound),
        (plan(Asked("prd_other", 1, 1)), InvalidArgument),
        (plan(Asked("prd_hidden", 1, 1)), ProductNotForSale),
    ],
)
def test_what_a_sale_may_not_be_is_refused(asked: Plan, error: type[DomainError]) -> None:
    with pytest.raises(error):
        rules.schedule("liv_1", asked, SELLER, "Cô Hạnh", KNOWN, NOW)


def test_another_plan_has_another_fingerprint() -> None:
    prints = {
        rules.fingerprint(one)
        for one in (
            plan(),
            plan(title="Khác"),
            plan(Asked("prd_tea", 6, 50_000)),
            plan(pay_within=timedelta(minutes=5)),
        )
    }
    assert len(prints) == 4
    assert rules.fingerprint(plan()) == rules.fingerprint(plan())


def test_a_sale_is_called_off_until_its_counter_may_open_and_closed_after_that() -> None:
    sale = scheduled()
    off = rules.cancel(sale, SELLER, "mưa", NOW)
    assert (off.state, off.history[-1].reason) == (State.CANCELLED, "mưa")
    assert rules.cancel(off, SELLER, "mưa", NOW) == off
    ready = rules.aside(sale)
    with pytest.raises(WrongState):
        rules.cancel(ready, SELLER, "mưa", NOW)
    assert rules.cancel(ready, STOCK, "OUT_OF_STOCK", NOW).state is State.CANCELLED
    with pytest.raises(WrongState):
        rules.close(ready, SELLER, "mưa", NOW)
    assert rules.open_(sale, sale.opens_at) == sale, "no stock is set aside"
    assert rules.open_(ready, sale.opens_at - timedelta(seconds=1)) == ready
    opened = rules.open_(ready, sale.opens_at)
    with pytest.raises(InvalidArgument):
        rules.close(opened, SELLER, "", NOW)
    closed = rules.close(opened, SELLER, "mưa", NOW)
    assert rules.close(closed, CLOCK, "", NOW) == closed
    sealed = rules.seal(closed, {"prd_tea": 3})
    assert rules.seal(sealed, {"prd_tea": 5}) == sealed, "once and for all"
    settled = rules.settle(sealed, NOW)
    assert (settled.state, rules.quantities(settled, sold=True)) == (State.SETTLED, {"prd_tea": 3})
    assert [one.event for one in settled.history] == ["scheduled", "opened", "closed", "settled"]


_STEPS = st.sampled_from(["cancel", "cancel_by_stock", "aside", "open", "close", "clock", "seal", "settle", "trouble"])


def _after(sale: Sale, step: str, now: datetime) -> Sale:
    match step:
        case "cancel":
            return rules.cancel(sale, SELLER, "mưa", now)
        case "cancel_by_stock":
            return rules.cancel(sale, STOCK, "OUT_OF_STOCK", now)
        case "aside":
            return rules.aside(sale)
        case "open":
            return rules.open_(sale, now)
        case "close":
            return rules.close(sale, SELLER, "hết", now)
        case "clock":
            return rules.close(sale, CLOCK, "", now)
        case "seal":
            return rules.seal(sale, {"prd_tea": 5}) if sale.state is State.CLOSED else sale
        case "settle":
            return rules.settle(sale, now)
    return rules.troubled(sale, "OUT_OF_STOCK")


@given(st.lists(st.tuples(_STEPS, st.integers(0, 200)), max_size=25))
def test_whatever_happens_in_whatever_order_a_sale_goes_one_way_and_its_counter_only_counts_while_it_may(
    steps: list[tuple[str, int]],
) -> None:
    sale, now = scheduled(), NOW
    order = [State.SCHEDULED, State.OPEN, State.CLOSED, State.SETTLED]
    for step, minutes in steps:
        now += timedelta(minutes=minutes)
        before = sale
        try:
            sale = _after(sale, step, now)
        except WrongState:
            assert sale == before
        if before.state in rules.ENDED:
            assert sale == before, "what has ended stays so"
        if State.CANCELLED not in (sale.state, before.state):
            assert order.index(sale.state) >= order.index(before.state)
        if sale.state in (State.OPEN, State.CLOSED, State.SETTLED):
            assert sale.set_aside, "nothing is sold that is not set aside"
        assert (sale.state is State.SETTLED) <= sale.sealed
        assert all(one.sold <= one.lots for one in sale.lines)
        if sale.counting:
            assert sale.state not in rules.ENDED
            assert not sale.sealed
        assert len({one.event for one in sale.history}) == len(sale.history), "each once"
