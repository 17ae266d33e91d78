"""A live sale from its schedule to its last lot: on real engines, with whoever dies in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from kit import clock
from kit.errors import DomainError, IdempotencyConflict, LimitExceeded, MerchantNotPayable, NotFound, NotOpen, SoldOut
from kit.ids import new_id, new_key
from services.orders import store as orders
from services.orders.live import claims, keeper, store
from services.orders.live import sale as rules
from services.orders.live.documents import OrdersSale
from services.orders.live.sale import Sale, State
from services.orders.order import Fulfilment, Order, Stock
from services.orders.order import State as OrderState
from services.orders.saga import commands
from services.orders.store.documents import OrdersOrder
from tests.orders.conftest import Market
from tests.orders.live_stall import HOUR, Stall


@pytest.fixture
def stall(market: Market, valkey: str) -> Stall:
    return Stall.of(market, valkey)


def events(sale: Sale) -> list[str]:
    return [one.type for one in OrdersSale.objects(id=sale.id).get().outbox]


def left_in_catalog(stall: Stall) -> int:
    return stall.market.shelf.left[stall.products[0]]


def test_a_sale_from_its_schedule_to_its_last_lot(stall: Stall) -> None:
    sale = stall.opened(3, cap=2)
    assert left_in_catalog(stall) == 997, "set aside once, for all of it"
    paid, unpaid, delivered = stall.claim(sale), stall.claim(sale), stall.claim(sale, deliver_to="12 Bến Tượng")
    with pytest.raises(SoldOut):
        stall.claim(sale)
    stall.room.keeper.tick()
    order = orders.order(paid.order_id)
    assert (order.total, order.checkout_id, order.buyer_id) == (50_000, sale.id, paid.buyer_id)
    assert order.pay_by == clock.from_ms(paid.until_ms), "as it was promised"
    assert order.qr_payload.count(order.code) == 1
    home = orders.order(delivered.order_id)
    assert (home.fulfilment, home.deliver_to) == (Fulfilment.DELIVERY, "12 Bến Tượng")
    assert stall.pay(order).state is OrderState.PAID
    assert stall.pay(home).state is OrderState.PAID
    stall.let_expire()
    assert orders.order(unpaid.order_id).stock is Stock.RELEASED
    assert stall.left(sale) == 1, "the counter goes up again"
    settled = stall.close(sale)
    assert (settled.state, [one.sold for one in settled.lines]) == (State.SETTLED, [2])
    assert stall.market.shelf.sold == {stall.products[0]: 2}
    assert left_in_catalog(stall) == 998
    assert events(sale) == ["live.scheduled", "live.opened", "live.closed", "live.settled"]
    assert stall.room.pool.counters([sale.id]) == [None], "nothing of it stays in Valkey"
    stall.room.keeper.tick()
    assert store.sale(sale.id) == settled


def test_an_order_of_a_sale_lives_on_when_the_sale_is_settled(stall: Stall) -> None:
    sale = stall.opened(2)
    paid, late = stall.claim(sale), stall.claim(sale)
    stall.room.keeper.tick()
    order = stall.pay(orders.order(paid.order_id))
    stall.let_expire()
    assert stall.close(sale).state is State.SETTLED
    carried = stall.market.carrier
    seller = rules.Actor(rules.Who.SELLER, stall.merchant.owner_id)
    for target in (OrderState.PREPARING, OrderState.READY, OrderState.PICKED_UP):
        order = orders.change(order.id, lambda one, now, to=target: commands.advance(one, to, seller, now))
        order = carried.carry(order)
    assert (order.state, order.stock) == (OrderState.PICKED_UP, Stock.SOLD)
    # Paid after the sale was settled: there is nothing any more, and the money goes back by itself.
    gone = stall.pay(orders.order(late.order_id))
    assert (gone.state, gone.stock, gone.paid) == (OrderState.EXPIRED, Stock.SHORT, 0)


def test_paid_late_while_lots_are_left_it_is_a_sale_and_else_the_money_goes_back(stall: Stall) -> None:
    sale = stall.opened(1)
    late = stall.claim(sale)
    stall.room.keeper.tick()
    stall.let_expire()
    assert stall.pay(orders.order(late.order_id)).state is OrderState.PAID
    assert stall.left(sale) == 0
    again = stall.opened(1)
    late = stall.claim(again)
    stall.room.keeper.tick()
    stall.let_expire()
    stall.claim(again)
    order = stall.pay(orders.order(late.order_id))
    assert (order.state, order.paid, order.stock) == (OrderState.EXPIRED, 0, Stock.SHORT)


def test_what_is_paid_short_keeps_its_lots_only_once_the_rest_has_come(stall: Stall) -> None:
    sale = stall.opened(2)
    short, rest = stall.claim(sale), stall.claim(sale)
    stall.room.keeper.tick()
    for one in (short, rest):
        assert stall.pay(orders.order(one.order_id), 1).state is OrderState.UNDERPAID
    assert stall.close(sale).state is State.CLOSED, "what was claimed is still being paid"
    assert stall.pay(orders.order(rest.order_id), 49_999).state is OrderState.PAID
    assert stall.close(sale).state is State.CLOSED
    stall.let_expire()
    over = stall.market.settle(orders.order(short.order_id))
    assert (over.state, over.stock, over.paid) == (OrderState.CANCELLED, Stock.RELEASED, 0)
    settled = stall.close(sale)
    assert (settled.state, settled.lines[0].sold) == (State.SETTLED, 1)
    assert left_in_catalog(stall) == 999, "what was not paid is the stall's again"


def test_cancelled_by_its_buyer_a_lot_is_somebody_elses(stall: Stall) -> None:
    sale = stall.opened(1)
    claim = stall.claim(sale)
    stall.room.keeper.tick()
    buyer = rules.Actor(rules.Who.BUYER, claim.buyer_id)
    stall.market.carrier.carry(
        orders.change(claim.order_id, lambda one, now: commands.cancel(one, buyer, "đổi ý", now))
    )  # fmt: skip
    assert stall.claim(sale).number == 2


# --- whoever dies


def test_who_dies_between_a_claim_and_its_order_leaves_it_to_the_next(
    stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = stall.opened(5)
    made = [stall.claim(sale) for _ in range(3)]
    # Before the order is written.
    with monkeypatch.context() as patch:
        patch.setattr(claims, "make", _dies)
        with pytest.raises(Died):
            stall.room.keeper.tick()
    assert OrdersOrder.objects(id__in=[one.order_id for one in made]).count() == 0
    # After it is written, and before Valkey hears of it.
    with monkeypatch.context() as patch:
        patch.setattr(stall.room.pool, "made", _dies)
        with pytest.raises(Died):
            stall.room.keeper.tick()
    first = orders.order(made[0].order_id)
    stall.pay(first)
    more = stall.claim(sale)
    stall.room.keeper.tick()
    assert OrdersOrder.objects(id__in=[one.order_id for one in (*made, more)]).count() == 4
    assert orders.order(first.id).state is OrderState.PAID, "made again, it stays as it was"
    assert stall.room.pool.waiting(sale.id, 10) == []


def test_made_late_an_order_can_still_be_paid(stall: Stall) -> None:
    sale = stall.opened(1)
    claim = stall.claim(sale)
    stall.market.clock.now = clock.from_ms(claim.until_ms) + timedelta(minutes=5)
    stall.room.keeper.tick()
    assert orders.order(claim.order_id).pay_by == clock.now() + claims.PAY_LEAST


@pytest.mark.parametrize("method", ["reserve", "extend", "sell"])
@pytest.mark.parametrize("fault", ["before", "after"])
def test_catalog_that_cannot_be_reached_is_asked_again_and_nothing_is_taken_twice(
    stall: Stall, method: str, fault: str
) -> None:
    shelf = stall.market.shelf
    stall.market.clock.now = clock.from_ms(clock.now_ms()) - HOUR
    sale = stall.schedule(4)
    stall.market.clock.now = clock.from_ms(clock.now_ms())
    if method == "reserve":
        shelf.fail = [fault]
    if method == "extend":
        shelf.fail = ["", fault]
    for _ in range(3):
        stall.room.keeper.tick()
    claim = stall.claim(sale)
    stall.room.keeper.tick()
    stall.pay(orders.order(claim.order_id))
    if method == "sell":
        shelf.fail = [fault]
    assert stall.close(sale).state in (State.CLOSED, State.SETTLED)
    stall.room.keeper._again.clear()
    assert stall.close(sale).state is State.SETTLED
    assert (shelf.sold, left_in_catalog(stall)) == ({stall.products[0]: 1}, 999)


@pytest.mark.parametrize("at", ["seal", "put_sold", "change", "drop"])
def test_who_dies_at_the_end_of_a_sale_leaves_it_to_the_next_and_numbers_stay(
    stall: Stall, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = stall.opened(4)
    paid, other = stall.claim(sale), stall.claim(sale)
    stall.room.keeper.tick()
    order = stall.pay(orders.order(paid.order_id))
    stall.let_expire()
    stall.market.clock.now = max(stall.market.clock.now, sale.closes_at)
    with monkeypatch.context() as patch:
        if at in ("seal", "drop"):
            patch.setattr(stall.room.pool, at, _after(getattr(stall.room.pool, at)))
        elif at == "put_sold":
            patch.setattr(store, at, _after(store.put_sold))
        else:
            patch.setattr(keeper.rules, "seal", _dies)
        with pytest.raises(Died):
            stall.room.keeper.tick()
    # Meanwhile its buyer is given the money back, and somebody pays far too late.
    assert stall.pay(orders.order(other.order_id)).paid == 0
    for _ in range(3):
        stall.room.keeper.tick()
    settled = store.sale(sale.id)
    assert (settled.state, settled.lines[0].sold, stall.market.shelf.sold) == (
        State.SETTLED, 1, {stall.products[0]: 1},
    )  # fmt: skip
    assert stall.market.settle(order).stock is not Stock.SHORT


def test_a_sale_that_breaks_off_stops_no_other(stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = stall.opened(1)
    stall.claim(broken)
    make = claims.make

    def breaks(of: Sale, *args: Any) -> None:
        if of.id == broken.id:
            raise AssertionError("a fault of ours")
        make(of, *args)

    monkeypatch.setattr(claims, "make", breaks)
    sale = stall.opened(1)
    claim = stall.claim(sale)
    stall.room.keeper.tick()
    assert orders.order(claim.order_id).state is OrderState.PLACED
    assert len(stall.room.pool.waiting(broken.id, 10)) == 1, "tried again later"


class Died(BaseException):
    """As kill -9: nothing catches it."""


def _dies(*_: Any, **__: Any) -> Any:
    raise Died


def _after(act: Any) -> Any:
    def run(*args: Any, **kwargs: Any) -> Any:
        act(*args, **kwargs)
        raise Died

    return run


# --- a counter that is lost


def test_a_counter_that_is_lost_is_made_from_the_orders_and_nothing_is_sold_twice(stall: Stall, valkey: str) -> None:
    sale = stall.opened(6, cap=2)
    paid, unpaid, over = stall.claim(sale), stall.claim(sale, lots=2), stall.claim(sale)
    key, again = new_key(), new_id("usr")
    stall.claim(sale, again, key=key)
    stall.room.keeper.tick()
    order = stall.pay(orders.order(paid.order_id))
    cancelled = orders.change(over.order_id, lambda one, now: _cancelled(one, now))
    stall.market.carrier.carry(cancelled)
    lost = stall.claim(sale)  # no order yet: it is lost with the counter, and its buyer asks again
    Redis.from_url(valkey).flushall()
    with pytest.raises(DomainError) as told:
        stall.claim(sale)
    assert told.value.code == "UNAVAILABLE"
    stall.room.keeper.tick()
    assert stall.left(sale) == 6 - 1 - 2 - 1
    assert stall.claim(sale, again, key=key).order_id, "sent again it is the same claim"
    assert stall.left(sale) == 2
    assert [stall.claim(sale).state for _ in range(2)] == ["H", "H"]
    with pytest.raises(SoldOut):
        stall.claim(sale, lost.buyer_id)
    stall.pay(orders.order(unpaid.order_id))
    stall.room.keeper.tick()
    stall.let_expire()
    assert stall.close(sale).lines[0].sold == 3
    assert stall.market.settle(order).state is OrderState.PAID


def _cancelled(order: Order, now: Any) -> Order:
    return commands.cancel(order, rules.Actor(rules.Who.BUYER, order.buyer_id), "đổi ý", now)


def test_an_order_that_a_lost_counter_forgot_is_sold_only_while_there_is_any(stall: Stall, valkey: str) -> None:
    """A keeper that was suspended writes its order after another one has counted."""
    sale = stall.opened(1)
    claim = stall.claim(sale)
    ((_, wish, waiting),) = stall.room.pool.waiting(sale.id, 10)
    Redis.from_url(valkey).flushall()
    stall.room.keeper.tick()
    other = stall.claim(sale)
    claims.make(sale, [(wish, waiting)])
    stall.room.keeper.tick()
    order = stall.pay(orders.order(claim.order_id))
    assert (order.state, order.paid) == (OrderState.CANCELLED, 0), "its money is back"
    assert stall.pay(orders.order(other.order_id)).state is OrderState.PAID


def test_more_orders_than_lots_are_never_counted_as_less_than_nothing(stall: Stall, valkey: str) -> None:
    sale = stall.opened(1)
    first = stall.claim(sale)
    ((_, wish, waiting),) = stall.room.pool.waiting(sale.id, 10)
    Redis.from_url(valkey).flushall()
    stall.room.keeper.tick()
    stall.claim(sale)
    claims.make(sale, [(wish, waiting)])
    stall.room.keeper.tick()
    Redis.from_url(valkey).flushall()
    stall.room.keeper.tick()
    assert stall.left(sale) == 0
    assert stall.pay(orders.order(first.order_id)).state in (OrderState.PAID, OrderState.CANCELLED)


# --- what keeps a sale from opening, and ends it early


def test_without_stock_it_is_cancelled_and_says_why(stall: Stall) -> None:
    sale = stall.schedule(2_000)
    stall.market.clock.add(HOUR)
    stall.room.keeper.tick()
    cancelled = store.sale(sale.id)
    assert (cancelled.state, cancelled.history[-1].who) == (State.CANCELLED, "stock")
    assert cancelled.history[-1].reason == "OUT_OF_STOCK"


def test_nobody_there_for_too_long_it_is_cancelled_and_holds_nothing(stall: Stall, monkeypatch: Any) -> None:
    sale, missed = stall.schedule(5), stall.schedule(5, closes_at=clock.now() + timedelta(minutes=3))
    with monkeypatch.context() as patch:
        patch.setattr(stall.room.pool, "load", _dies)
        patch.setattr(stall.market.shelf, "extend", _dies)
        stall.market.clock.now = sale.begins_at
        with pytest.raises(Died):
            stall.room.keeper.tick()
    stall.market.clock.add(HOUR)
    stall.market.shelf.sweep()
    stall.room.keeper.tick()
    assert {store.sale(one.id).state for one in (sale, missed)} == {State.CANCELLED}
    assert [stall.market.shelf.left[one.lines[0].product_id] for one in (sale, missed)] == [1_000, 1_000]


def test_a_suspended_stall_opens_no_sale_and_its_open_one_closes(stall: Stall) -> None:
    opened = stall.opened(5)
    waiting = stall.schedule(5, opens_at=clock.now() + timedelta(seconds=5))
    stall.merchant.version += 1
    orders.apply_merchant("merchant.suspended", stall.merchant)
    stall.room.keeper.tick()
    closed, cancelled = store.sale(opened.id), store.sale(waiting.id)
    assert closed.history[-2].reason == cancelled.history[-1].reason == keeper.SUSPENDED
    assert (closed.state, cancelled.state) == (State.SETTLED, State.CANCELLED), "nobody had claimed anything"
    with pytest.raises(MerchantNotPayable):
        stall.schedule(5)


def test_a_stall_for_which_no_code_can_be_made_schedules_no_sale(stall: Stall) -> None:
    """Whoever claims has to be able to pay: else claims would never be orders, and the sale would never end."""
    plan = stall.plan(5)
    stall.merchant.version, stall.merchant.category_code = stall.merchant.version + 1, "54"
    orders.apply_merchant("merchant.reinstated", stall.merchant)
    with pytest.raises(MerchantNotPayable):
        store.schedule(stall.merchant.owner_id, new_key(), plan)


def test_closed_by_hand_it_takes_no_claim_and_waits_for_those_who_pay(stall: Stall) -> None:
    sale = stall.opened(5)
    claim = stall.claim(sale)
    seller = rules.Actor(rules.Who.SELLER, stall.merchant.owner_id)
    store.change(sale.id, lambda one, now: rules.close(one, seller, "mưa to", now))
    stall.room.keeper.tick()
    with pytest.raises(NotOpen):
        stall.claim(sale)
    assert store.sale(sale.id).state is State.CLOSED
    stall.pay(orders.order(claim.order_id))
    stall.room.keeper.tick()
    assert (store.sale(sale.id).state, store.sale(sale.id).lines[0].sold) == (State.SETTLED, 1)


def test_what_catalog_refuses_at_the_end_is_told_and_tried_again(stall: Stall) -> None:
    sale = stall.opened(5)
    claim = stall.claim(sale)
    stall.room.keeper.tick()
    stall.pay(orders.order(claim.order_id))
    shelf, product = stall.market.shelf, stall.products[0]
    reservation = shelf.orders[sale.id]
    reservation.state, shelf.left[product] = "expired", 0
    assert (stall.close(sale).state, store.sale(sale.id).trouble) == (State.CLOSED, "OUT_OF_STOCK")
    shelf.left[product] = 1
    stall.room.keeper._again.clear()
    assert (stall.close(sale).state, store.sale(sale.id).trouble) == (State.SETTLED, "")


# --- scheduling


def test_a_schedule_sent_again_is_one_sale_and_only_the_own_stall_has_so_many(stall: Stall) -> None:
    key, plan, owner = new_key(), stall.plan(5), stall.merchant.owner_id
    sale = store.schedule(owner, key, plan)
    assert store.schedule(owner, key, plan) == sale
    with pytest.raises(IdempotencyConflict):
        store.schedule(owner, key, stall.plan(5, title="Khác"))
    with pytest.raises(NotFound):
        store.schedule(new_id("usr"), new_key(), plan)
    for _ in range(rules.OPEN_MAX - 1):
        stall.schedule(1)
    with pytest.raises(LimitExceeded):
        stall.schedule(1)
    assert len(store.coming(clock.now())) == rules.OPEN_MAX
