"""A cart over several stalls: placed whole, or nothing of it, wherever it is cut off. On a real MongoDB-wire server."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import qr
from kit.errors import (
    AmountInvalid,
    Contention,
    DomainError,
    IdempotencyConflict,
    InvalidArgument,
    MerchantNotFound,
    MerchantNotPayable,
    NotFound,
    OutOfStock,
    PriceChanged,
    ProductNotForSale,
    TooLate,
    Unavailable,
)
from kit.ids import is_id, new_id, new_key
from services.orders import checkout, store
from services.orders.cart import Basket, Cart, Item
from services.orders.order import Fulfilment, Order, Pay, State, read_code
from services.orders.store import checkouts
from tests.orders.conftest import Market, Merchant, pickup

Sell = Callable[..., str]
BUYER = new_id("usr")


def told(order: Order) -> list[str]:
    """Types of the events that wait in its outbox."""
    return [event.type for event in store.OrdersOrder.objects(id=order.id).get().outbox]


def two_stalls(market: Market, **second: Any) -> tuple[Merchant, Merchant, list[Basket]]:
    one, other = market.merchant(), market.merchant(name="Rau sạch Bà Lan")
    pork = {"unit": "kg", "price": 130_000, "grams_per_unit": 1_000, **second}
    baskets = [pickup(one, {market.product(one): 2}), pickup(other, {market.product(other, **pork): 1_250})]
    return one, other, baskets


def test_a_cart_over_two_stalls_is_an_order_a_stall_with_its_own_code(market: Market) -> None:
    one, other, baskets = two_stalls(market)
    first, second = market.buy(*baskets, buyer=BUYER)
    assert first.checkout_id == second.checkout_id
    assert is_id(first.checkout_id, "chk")
    assert (first.merchant_id, second.merchant_id) == (one.merchant_id, other.merchant_id)
    assert (first.total, second.total) == (200_000, 162_500)
    assert first.code != second.code
    for order in (first, second):
        assert read_code(order.code) == order.code
        assert (order.state, order.paid, order.seller_id != BUYER) == (State.PLACED, 0, True)
        assert order.pay_by == order.placed_at + timedelta(minutes=15)
        code = qr.decode(order.qr_payload)
        assert (code.merchant_id, code.amount, code.bill_number) == (order.merchant_id, order.total, order.code)
        assert code.reference_label == f"E{int(order.pay_by.timestamp()):010d}"
        assert store.order(order.id) == order
        assert told(order) == ["order.placed"]
        assert market.shelf.state(order.id) == "held"
    assert [order.id for order in store.recent(BUYER)] == sorted([first.id, second.id], reverse=True)


def test_what_is_paid_by_a_hold_has_no_code_to_scan(market: Market) -> None:
    _, _, baskets = two_stalls(market)
    assert {order.qr_payload for order in market.buy(*baskets, pay=Pay.HOLD)} == {""}


def test_an_address_is_encrypted_until_its_person_is_erased(market: Market, merchant: Merchant, sell: Sell) -> None:
    basket = Basket(merchant.merchant_id, (Item(sell(), 1),), Fulfilment.DELIVERY, "12 Bến Tượng")
    (placed,) = market.buy(basket, buyer=BUYER)
    assert store.order(placed.id).deliver_to == "12 Bến Tượng"
    for document in (store.OrdersOrder, store.OrdersCheckout):
        assert "Bến Tượng" not in str(document.objects.as_pymongo().get())
    store.forget(BUYER)
    assert store.order(placed.id).deliver_to == ""
    assert store.OrdersCheckout.objects.get().plans[0].deliver_to is None
    assert market.buy(basket, buyer=BUYER, key=new_key())


# --- again


def test_the_same_request_places_the_same_orders_at_the_first_price(market: Market) -> None:
    _, _, baskets = two_stalls(market)
    key = new_key()
    first = market.buy(*baskets, buyer=BUYER, key=key)
    for product, taken in market.shelf.taken.items():
        market.shelf.taken[product] = type(taken)(taken.price * 2, taken.unit, taken.grams_per_unit)
    assert market.buy(*baskets, buyer=BUYER, key=key) == first
    assert store.OrdersOrder.objects.count() == 2
    with pytest.raises(IdempotencyConflict):
        market.buy(baskets[0], buyer=BUYER, key=key)
    with pytest.raises(IdempotencyConflict):
        market.buy(*baskets, buyer=BUYER, key=key, pay=Pay.HOLD)
    assert len(market.buy(*baskets, key=key)) == 2, "another buyer's key is another request"


def test_the_same_request_many_times_at_once_places_its_orders_once(market: Market) -> None:
    _, _, baskets = two_stalls(market)
    key = new_key()
    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(lambda _: [one.id for one in market.buy(*baskets, buyer=BUYER, key=key)], range(8)))
    assert all(ids == placed[0] for ids in placed)
    assert store.OrdersOrder.objects.count() == 2
    assert store.OrdersCheckout.objects.count() == 1


# --- refused


def refused(market: Market, error: type[DomainError], *baskets: Basket) -> DomainError:
    key = new_key()
    with pytest.raises(error) as raised:
        market.buy(*baskets, buyer=BUYER, key=key)
    assert store.OrdersOrder.objects.count() == 0, "nothing half done"
    assert all(one.state == "released" for one in market.shelf.orders.values())
    # Asked again it is refused alike, though it would be possible now.
    market.shelf.left = dict.fromkeys(market.shelf.left, 10**9)
    with pytest.raises(error) as again:
        market.buy(*baskets, buyer=BUYER, key=key)
    assert (again.value.message, again.value.details) == (raised.value.message, raised.value.details)
    return raised.value


def test_where_one_stall_has_too_little_nothing_is_set_aside_at_the_other(market: Market) -> None:
    _, _, baskets = two_stalls(market, left=1_249)
    error = refused(market, OutOfStock, *baskets)
    assert error.details == {"product_id": baskets[1].items[0].product_id, "left": "1249"}


def test_a_product_that_is_withdrawn_while_the_cart_is_full_refuses_all_of_it(market: Market) -> None:
    _, _, baskets = two_stalls(market)
    del market.shelf.left[baskets[1].items[0].product_id]
    refused(market, ProductNotForSale, *baskets)


def test_another_price_than_was_shown_refuses_all_of_it(market: Market) -> None:
    one, _, baskets = two_stalls(market)
    shown = Basket(one.merchant_id, (Item(baskets[0].items[0].product_id, 2, price=99_000),))
    assert refused(market, PriceChanged, baskets[1], shown).details["price"] == "100000"


def test_an_order_above_what_money_can_be_is_refused(market: Market, merchant: Merchant, sell: Sell) -> None:
    refused(market, AmountInvalid, pickup(merchant, {sell(price=10**12): 2}))


def test_a_stall_that_is_suspended_while_things_are_set_aside_refuses_all_of_it(market: Market) -> None:
    _, other, baskets = two_stalls(market)
    reserve = market.shelf.reserve

    def suspended_meanwhile(*args: Any) -> Any:
        other.version = 3
        store.apply_merchant("merchant.suspended", other)
        return reserve(*args)

    market.shelf.reserve = suspended_meanwhile  # type: ignore[method-assign]
    refused(market, MerchantNotPayable, *baskets)


@pytest.mark.parametrize(
    ("error", "spoil"),
    [
        (NotFound, lambda market, one: pickup(one, {new_id("prd"): 1})),
        (ProductNotForSale, lambda market, one: pickup(one, {market.product(one, hidden=True): 1})),
        (InvalidArgument, lambda market, one: pickup(one, {market.product(market.merchant()): 1})),
        (MerchantNotFound, lambda market, one: pickup(Merchant(merchant_id=new_id("mer")), {new_id("prd"): 1})),
    ],
)
def test_what_cannot_be_sold_is_refused_before_anything_is_written_down(
    market: Market, error: type[DomainError], spoil: Callable[..., Basket]
) -> None:
    one, good = market.merchant(), market.merchant()
    with pytest.raises(error):
        market.buy(pickup(good, {market.product(good): 1}), spoil(market, one), buyer=BUYER)
    assert store.OrdersCheckout.objects.count() == 0
    assert not market.shelf.orders


def test_a_suspended_stall_takes_no_orders_until_it_is_back(market: Market, merchant: Merchant, sell: Sell) -> None:
    basket = pickup(merchant, {sell(): 1})
    merchant.version = 3
    store.apply_merchant("merchant.suspended", merchant)
    with pytest.raises(MerchantNotPayable):
        market.buy(basket)
    merchant.version = 4
    store.apply_merchant("merchant.reinstated", merchant)
    assert market.buy(basket)[0].state is State.PLACED


def test_a_code_that_is_taken_is_made_anew(
    market: Market, merchant: Merchant, sell: Sell, monkeypatch: pytest.MonkeyPatch
) -> None:
    basket = pickup(merchant, {sell(): 1})
    numbers = iter([7, 7, 8])
    monkeypatch.setattr(checkouts.secrets, "randbits", lambda _: next(numbers))
    assert [market.buy(basket)[0].code, market.buy(basket)[0].code] == ["00000007", "00000008"]
    monkeypatch.setattr(checkouts.secrets, "randbits", lambda _: 7)
    with pytest.raises(Contention):
        market.buy(basket)


# --- cut off


class Died(BaseException):
    """The process, here."""


class Mortal:
    """Dies after a number of writes and calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, market: Market, lives: int) -> None:
        self.left = lives
        for owner, name in [
            (store.OrdersCheckout, "save"), (store.OrdersOrder, "save"),
            (checkouts, "agree"), (checkouts, "refuse"), (market.shelf, "reserve"), (market.shelf, "release"),
        ]:  # fmt: skip
            monkeypatch.setattr(owner, name, self._mortal(getattr(owner, name)))

    def _mortal(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def mortal(*args: Any, **kwargs: Any) -> Any:
            if self.left == 0:
                raise Died
            self.left -= 1
            return call(*args, **kwargs)

        return mortal


@pytest.mark.parametrize("lives", range(8))
@pytest.mark.parametrize("again", [True, False], ids=["asked again", "carried on"])
def test_a_checkout_that_dies_anywhere_is_placed_whole_in_the_end(
    market: Market, monkeypatch: pytest.MonkeyPatch, lives: int, again: bool
) -> None:
    _, _, baskets = two_stalls(market)
    key = new_key()
    with monkeypatch.context() as patch:
        Mortal(patch, market, lives)
        try:
            market.buy(*baskets, buyer=BUYER, key=key)
        except Died:
            assert lives < 6
        else:
            assert lives >= 6
    if again:
        assert len(market.buy(*baskets, buyer=BUYER, key=key)) == 2
    market.clock.add(timedelta(minutes=1))
    market.carrier.tick()
    placed = store.OrdersOrder.objects.count()
    assert placed == (0 if lives == 0 and not again else 2)
    assert {market.shelf.state(one.id) for one in store.OrdersOrder.objects} <= {"held"}
    assert len(market.shelf.orders) == placed
    assert checkouts.unfinished(market.clock.now, 10) == []


@pytest.mark.parametrize("lives", range(6))
def test_a_checkout_that_dies_while_it_is_refused_leaves_nothing_behind(
    market: Market, monkeypatch: pytest.MonkeyPatch, lives: int
) -> None:
    _, _, baskets = two_stalls(market, left=0)
    key = new_key()
    with monkeypatch.context() as patch:
        Mortal(patch, market, lives)
        with pytest.raises((Died, OutOfStock)):
            market.buy(*baskets, buyer=BUYER, key=key)
    market.clock.add(timedelta(minutes=1))
    market.carrier.tick()
    if lives:
        with pytest.raises(OutOfStock):
            market.buy(*baskets, buyer=BUYER, key=key)
    market.clock.add(timedelta(hours=1))
    market.shelf.sweep()
    assert store.OrdersOrder.objects.count() == 0
    assert all(one.state in ("released", "expired") for one in market.shelf.orders.values())


def test_where_catalog_gives_no_answer_the_buyer_hears_so_and_the_carrier_goes_on(market: Market) -> None:
    _, _, baskets = two_stalls(market)
    key = new_key()
    market.shelf.fail = ["", "after"]
    with pytest.raises(Unavailable):
        market.buy(*baskets, buyer=BUYER, key=key)
    market.clock.add(timedelta(minutes=1))
    market.shelf.fail = ["before"]
    market.carrier.tick()
    assert store.OrdersOrder.objects.count() == 0
    market.clock.add(timedelta(seconds=11))
    market.carrier.tick()
    assert store.OrdersOrder.objects.count() == 2
    assert len(market.buy(*baskets, buyer=BUYER, key=key)) == 2


def test_a_checkout_whose_time_is_over_is_refused_and_gives_back(market: Market) -> None:
    _, _, baskets = two_stalls(market)
    key = new_key()
    market.shelf.fail = ["after"]
    with pytest.raises(Unavailable):
        market.buy(*baskets, buyer=BUYER, key=key)
    market.clock.add(timedelta(minutes=15))
    market.carrier.tick()
    with pytest.raises(TooLate):
        market.buy(*baskets, buyer=BUYER, key=key)
    assert {one.state for one in market.shelf.orders.values()} == {"released"}
    found = store.OrdersCheckout.objects.get()
    assert (found.refused, checkouts.orders_of(found)) == ("TOO_LATE", [])


def test_a_checkout_of_several_orders_that_was_agreed_is_not_refused_any_more(market: Market) -> None:
    _, _, baskets = two_stalls(market)
    checkout_ = checkouts.begin(BUYER, new_key(), Cart(tuple(baskets)))
    lines = [checkout._set_aside(checkout_, plan, market.shelf) for plan in checkout_.plans]
    checkouts.agree(checkout_, lines)
    checkouts.refuse(checkout_, OutOfStock("somebody who was slower"))
    found = checkouts.checkout(checkout_.id)
    assert (found.refused, checkouts.agreed(found)) == ("", lines)
    other = checkouts.begin(BUYER, new_key(), Cart(tuple(baskets)))
    checkouts.refuse(other, OutOfStock("first"))
    with pytest.raises(Contention):
        checkouts.agree(other, lines)


def test_an_order_of_one_stall_that_was_placed_is_answered_whatever_its_twin_was_refused_with(market: Market) -> None:
    _, _, baskets = two_stalls(market)
    key = new_key()
    placed = market.buy(baskets[0], buyer=BUYER, key=key)
    checkouts.refuse(store.OrdersCheckout.objects.get(), OutOfStock("somebody who was slower"))
    assert market.buy(baskets[0], buyer=BUYER, key=key) == placed


# --- what others tell


def test_a_products_last_word_counts_in_whatever_order_it_arrives(market: Market, merchant: Merchant) -> None:
    for order in ([1, 2, 3], [3, 1, 2], [2, 3, 1]):
        product_id = new_id("prd")
        for version in (*order, order[0]):
            market.product(merchant, product_id=product_id, name=f"Chè {version}", version=version)
        assert checkouts.products([product_id])[product_id].name == "Chè 3"


def test_what_orders_tells_says_how_it_is_paid_and_until_when(market: Market) -> None:
    order = market.order(pay=Pay.HOLD)
    (event,) = store.OrdersOrder.objects(id=order.id).get().outbox
    fact = events_pb2.OrderChanged.FromString(event.data)
    assert (fact.by_hold, fact.state, fact.checkout_id) == (True, "placed", order.checkout_id)
    assert fact.pay_by_ms == int(order.pay_by.timestamp() * 1000)
