"""What `cho audit` finds wrong with orders: each way to come apart from ledger and catalog, made and found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from services.orders import checks
from services.orders.checks import Goods, Money
from services.orders.life import Actor, Who
from services.orders.order import HoldState, Order, Pay, Payment, Refund, State, Stock
from services.orders.ports import do
from services.orders.saga import answers, commands, hearing, steps
from tests.orders.world import BUYER, CODE, SELLER, START, Clock, Purse, Shelf, placed, pork, tea

BY_SELLER, BY_BUYER = Actor(Who.SELLER, SELLER), Actor(Who.BUYER, BUYER)


@dataclass
class Life:
    """An order with its ledger and catalog."""

    order: Order
    shelf: Shelf
    purse: Purse

    @classmethod
    def of(cls, *lines: Any, **fields: Any) -> Life:
        order, clock = placed(*lines, **fields), Clock()
        life = cls(order, Shelf(clock), Purse(clock))
        life.shelf.reserve(order.id, {line.product_id: line.quantity for line in order.lines}, order.reserved_until)
        return life

    def change(self, rule: Callable[[Order], Order]) -> None:
        self.order = steps.settle(rule(self.order), START)
        for step in self.order.steps:
            done = do(self.order, step, self.shelf, self.purse)
            self.order = answers.take(self.order, step.id, done, START)

    def pay(self, amount: int = 0) -> str:
        payment_id = self.purse.pay(amount or self.order.total)
        paid = self.purse.payments[payment_id]
        self.change(lambda order: hearing.payment(order, Payment(payment_id, paid.amount, CODE, paid.seq), "", START))
        return payment_id

    def advance(self, *states: State) -> None:
        for state in states:
            self.change(lambda order, to=state: commands.advance(order, to, BY_SELLER, START))  # type: ignore[misc]

    def findings(self) -> list[str]:
        money, goods = self.purse.as_audited(), self.shelf.as_audited(self.order.id)
        return [
            *checks.money_findings(self.order, money),
            *checks.hold_findings(self.order, money),
            *checks.goods_findings(self.order, goods),
        ]


@pytest.fixture
def sold() -> Life:
    """Paid by code, prepared, picked up: its stock is sold."""
    life = Life.of()
    life.pay()
    life.advance(State.PREPARING, State.READY, State.PICKED_UP)
    assert (life.order.state, life.order.stock, life.findings()) == (State.PICKED_UP, Stock.SOLD, [])
    return life


@pytest.fixture
def weighed() -> Life:
    """By weight: held, weighed, taken, handed over."""
    life = Life.of(pork(), pay=Pay.HOLD)
    hold_id = life.purse.hold(150_000)
    held = life.purse.holds[hold_id]
    life.change(
        lambda order: hearing.hold(order, hearing.Hold(hold_id, 150_000, CODE, held.expires_at), START)
    )  # fmt: skip
    assert (life.order.state, life.findings()) == (State.HELD, [])
    life.change(lambda order: commands.weigh(order, {"prd_pork": 1_040}, BY_SELLER, START))
    life.advance(State.READY, State.PICKED_UP)
    assert (life.order.paid, life.order.stock, life.findings()) == (135_200, Stock.SOLD, [])
    return life


def without(money: Money, payment_id: str) -> Money:
    return replace(money, payments={key: one for key, one in money.payments.items() if key != payment_id})


def test_a_paid_order_whose_payment_the_ledger_does_not_have_is_found(sold: Life) -> None:
    (payment,) = sold.order.payments
    lost = without(sold.purse.as_audited(), payment.transfer_id)
    assert checks.money_findings(sold.order, lost) == [f"payment {payment.transfer_id} is not in the ledger"]


def test_a_payment_of_another_amount_than_in_the_ledger_is_found(sold: Life) -> None:
    (payment,) = sold.order.payments
    sold.purse.payments[payment.transfer_id] = replace(sold.purse.payments[payment.transfer_id], amount=199_999)
    assert sold.findings() == [f"payment {payment.transfer_id} is of 200000 đồng, in the ledger of 199999"]


def test_an_order_that_is_handed_over_and_was_not_paid_is_found(sold: Life) -> None:
    sold.order = replace(sold.order, payments=())
    (payment_id,) = sold.purse.payments
    assert sold.findings() == [
        f"payment {payment_id} names it, and it does not know",
        "is picked_up, 200000 đồng are due, and 0 were paid",
    ]


def test_a_payment_that_an_order_never_heard_of_is_found(sold: Life) -> None:
    payment_id = sold.purse.pay(5_000)
    assert sold.findings() == [f"payment {payment_id} names it, and it does not know"]


def test_a_refund_that_the_ledger_does_not_have_or_the_order_never_heard_of_is_found(sold: Life) -> None:
    (payment,) = sold.order.payments
    known = sold.order
    sold.order = replace(known, refunds=(Refund("ref_1", payment.transfer_id, 5_000),))
    assert sold.findings() == [f"of payment {payment.transfer_id} 5000 đồng went back, in the ledger 0"]
    sold.order = known
    sold.purse.give_back(payment.transfer_id, 7_000)
    assert sold.findings() == [f"of payment {payment.transfer_id} 0 đồng went back, in the ledger 7000"]


def test_a_cancelled_order_that_keeps_its_money_is_found(sold: Life) -> None:
    sold.order = replace(sold.order, state=State.CANCELLED)
    assert sold.findings() == ["is cancelled, 0 đồng are the stall's, and it keeps 200000"]


def test_an_order_that_keeps_more_than_it_costs_is_found(sold: Life) -> None:
    sold.order = replace(sold.order, lines=(tea(1),))
    found = sold.findings()
    assert found[0] == "is picked_up, 100000 đồng are the stall's, and it keeps 200000"


def test_an_unpaid_order_with_money_of_somebody_is_found() -> None:
    life = Life.of()
    life.pay()
    life.order = replace(life.order, state=State.PLACED)
    assert "is placed, and 200000 đồng were paid" in life.findings()


def test_a_hold_that_outlives_its_order_is_found(weighed: Life) -> None:
    (hold_id,) = weighed.purse.holds
    weighed.purse.holds[hold_id] = replace(weighed.purse.holds[hold_id], state="held")
    assert weighed.findings() == [f"is picked_up, and hold {hold_id} still holds 150000 đồng"]


def test_a_hold_that_the_ledger_does_not_have_or_has_of_another_amount_is_found(weighed: Life) -> None:
    (hold_id,) = weighed.purse.holds
    weighed.purse.holds[hold_id] = replace(weighed.purse.holds[hold_id], amount=140_000)
    assert weighed.findings() == [f"hold {hold_id} is of 150000 đồng, in the ledger of 140000"]
    del weighed.purse.holds[hold_id]
    assert weighed.findings() == [f"hold {hold_id} is not in the ledger"]


def test_a_hold_that_ended_otherwise_than_its_order_says_is_found(weighed: Life) -> None:
    (hold,) = weighed.order.holds
    weighed.order = replace(weighed.order, holds=(replace(hold, state=HoldState.ENDED),))
    assert weighed.findings() == [f"hold {hold.id} is ended, in the ledger captured"]


def test_stock_that_was_sold_in_the_catalog_alone_or_by_the_order_alone_is_found(sold: Life) -> None:
    sold.order = replace(sold.order, stock=Stock.RELEASED)
    assert sold.findings() == ["its stock is released, and the catalog has sold it"]
    sold.order = replace(sold.order, stock=Stock.SOLD)
    for goods, state in ((None, "unknown"), (Goods("expired"), "expired")):
        assert checks.goods_findings(sold.order, goods) == [f"its stock is sold, and in the catalog {state}"]


def test_more_or_less_sold_than_was_ordered_is_found(sold: Life) -> None:
    sold.shelf.orders[sold.order.id].held = {"prd_tea": 3}
    assert sold.findings() == ["of prd_tea it has 2, and the catalog has sold 3"]


def test_stock_that_is_still_set_aside_for_an_order_that_is_over_is_found() -> None:
    life = Life.of()
    life.change(lambda order: commands.cancel(order, BY_BUYER, "đổi ý", START))
    assert (life.order.stock, life.findings()) == (Stock.RELEASED, [])
    life.shelf.orders[life.order.id].state = "held"
    assert life.findings() == ["is cancelled, and the catalog still sets stock aside"]


def test_what_is_still_to_be_done_is_no_finding() -> None:
    life = Life.of()
    life.pay(200_000 + 50_000)
    paid = life.order
    assert (paid.paid, life.findings()) == (200_000, [])
    life = Life.of()
    life.purse.poor = True
    payment_id = life.pay(250_000)
    assert (life.order.refunding, life.findings()) == (50_000, []), "the stall cannot pay it now"
    life.purse.poor = False
    life.purse.give_back(payment_id, 50_000)
    assert life.findings() == [], "done, and the answer is on its way"


def test_an_order_that_is_paid_after_its_time_waits_for_its_stock() -> None:
    life = Life.of()
    late = START + timedelta(hours=1)
    life.order = hearing.clock(life.order, late)
    payment_id = life.purse.pay(200_000)
    heard = hearing.payment(life.order, Payment(payment_id, 200_000, CODE, 1), "", late)
    life.order = steps.settle(heard, late)
    assert (life.order.state, list(checks.amount_findings(life.order))) == (State.EXPIRED, [])
