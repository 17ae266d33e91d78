"""An order's whole life, whose processes die at every write and call, before it and after it: it ends alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from kit.errors import DomainError
from kit.ids import new_id
from services.orders import store
from services.orders.cart import Basket, Item
from services.orders.life import Actor, Who
from services.orders.order import Fulfilment, Order, Pay, State, Stock
from services.orders.saga import commands
from services.orders.worker import end_overdue
from tests.orders.conftest import Market, tell

BUYER = new_id("usr")
SELLER_ = Actor(Who.SELLER, "usr_seller")
BUYER_ = Actor(Who.BUYER, BUYER)
# More than any of these lives has writes and calls, before and after.
DEATHS_MAX = 80


class Died(BaseException):
    """The process, here."""


class Death:
    """Comes once, at the `at`th of its chances: before or after something is written or called."""

    def __init__(self, patch: pytest.MonkeyPatch, market: Market, at: int) -> None:
        self._at, self.chances = at, 0
        patch.setattr(store.OrdersOrder, "save", self._mortal(store.OrdersOrder.save))
        for port, names in [
            (market.shelf, ("extend", "sell", "release")),
            (market.purse, ("capture", "void", "refund")),
        ]:
            for name in names:
                patch.setattr(port, name, self._mortal(getattr(port, name)))

    def _mortal(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def mortal(*args: Any, **kwargs: Any) -> Any:
            self._chance()
            done = call(*args, **kwargs)
            self._chance()
            return done

        return mortal

    def _chance(self) -> None:
        self.chances += 1
        if self.chances == self._at:
            raise Died


@dataclass
class Life:
    """What is done with an order, a step at a time; whoever it is that does it tries again after a death."""

    market: Market
    order: Order

    def person(self, rule: Callable[[Order, Any], Order]) -> None:
        """Somebody's call: asked again until it is answered."""
        self._surely(lambda: self.market.carrier.carry(store.change(self.order.id, rule)))

    def world(self) -> None:
        """Events arrive (again, where they were not acknowledged), the carrier does what is due."""
        for _ in range(12):
            while self.market.purse.events:
                told = self.market.purse.events[0]
                self._surely(lambda told=told: tell(told, self.order.merchant_id))
                self.market.purse.events.pop(0)
            if not self._surely(self.market.carrier.tick) and not self.market.purse.events:
                return

    def time(self, **by: float) -> None:
        self.market.clock.add(timedelta(**by))
        self.market.shelf.sweep()
        self.market.purse.sweep()
        self._surely(end_overdue)
        self.world()

    def _surely(self, what: Callable[[], Any]) -> Any:
        for _ in range(3):
            try:
                return what()
            except Died:
                self.market.clock.add(timedelta(seconds=2))
        raise AssertionError("it died once")


def paid_late_and_twice(life: Life) -> tuple[Any, ...]:
    life.time(minutes=16)
    for _ in range(2):
        life.market.purse.pay(200_000, life.order.code)
    life.world()
    life.person(lambda order, now: commands.advance(order, State.READY, SELLER_, now))
    life.person(lambda order, now: commands.advance(order, State.PICKED_UP, SELLER_, now))
    life.world()
    return State.PICKED_UP, Stock.SOLD, 200_000


def paid_late_for_nothing(life: Life) -> tuple[Any, ...]:
    life.time(minutes=16)
    life.market.shelf.left = dict.fromkeys(life.market.shelf.left, 0)
    life.market.purse.pay(200_000, life.order.code)
    life.world()
    return State.EXPIRED, Stock.SHORT, 0


def held_weighed_and_returned(life: Life) -> tuple[Any, ...]:
    (line,) = life.order.lines
    life.market.purse.hold(300_000, reference=life.order.code)
    life.world()
    life.person(lambda order, now: commands.weigh(order, {line.product_id: 2_100}, SELLER_, now))
    life.world()
    for to in (State.READY, State.PICKED_UP):
        life.person(lambda order, now, to=to: commands.advance(order, to, SELLER_, now))
    life.world()
    life.person(lambda order, now: commands.ask_return(order, [], BUYER_, "dai", now))
    life.time(days=3)
    return State.RETURNED, Stock.SOLD, 0


def held_and_cancelled(life: Life) -> tuple[Any, ...]:
    (line,) = life.order.lines
    life.market.purse.hold(300_000, reference=life.order.code)
    life.world()
    life.person(lambda order, now: commands.weigh(order, {line.product_id: 2_000}, SELLER_, now))
    life.person(lambda order, now: commands.cancel(order, SELLER_, "rơi mất", now))
    life.world()
    return State.CANCELLED, Stock.RELEASED, 0


@pytest.mark.parametrize(
    ("pay", "lived"),
    [
        (Pay.QR, paid_late_and_twice),
        (Pay.QR, paid_late_for_nothing),
        (Pay.HOLD, held_weighed_and_returned),
        (Pay.HOLD, held_and_cancelled),
    ],
)
def test_whenever_its_processes_die_an_order_ends_alike(
    market: Market, monkeypatch: pytest.MonkeyPatch, pay: Pay, lived: Callable[[Life], tuple[Any, ...]]
) -> None:
    merchant = market.merchant()
    for at in range(1, DEATHS_MAX):
        weighed = {"unit": "kg", "grams_per_unit": 1_000} if pay is Pay.HOLD else {}
        product = market.product(merchant, **weighed)
        item = Item(product, 2_000 if weighed else 2)
        basket = Basket(merchant.merchant_id, (item,), Fulfilment.PICKUP)
        (order,) = market.buy(basket, pay=pay, buyer=BUYER)
        market.purse.payments, market.purse.holds = {}, {}
        with monkeypatch.context() as patch:
            death = Death(patch, market, at)
            state, stock, kept = lived(Life(market, order))
        found = store.order(order.id)
        assert (found.state, found.stock, found.paid, market.purse.kept) == (state, stock, kept, kept), at
        assert (found.steps, found.deadline) == ((), None), at
        assert all(one.state != "held" for one in market.purse.holds.values()), at
        if death.chances < at:
            assert at > 12, "it had its chances"
            return
    raise AssertionError("it never lived through")


def test_what_a_person_asks_twice_is_done_once(market: Market) -> None:
    order = market.order()
    market.purse.pay(200_000, order.code)
    market.settle(order)
    for rule in (
        lambda order, now: commands.advance(order, State.READY, SELLER_, now),
        lambda order, now: commands.cancel(order, SELLER_, "đóng cửa", now),
    ):
        first = store.change(order.id, rule)
        assert store.change(order.id, rule) == first
    with pytest.raises(DomainError):
        store.change(order.id, lambda order, now: commands.advance(order, State.READY, SELLER_, now))
