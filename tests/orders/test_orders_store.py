"""Orders, and what others tell of, on a real MongoDB-wire server."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import clock
from kit.errors import (
    Contention,
    IdempotencyConflict,
    InvalidArgument,
    LimitExceeded,
    MerchantNotFound,
    MerchantNotPayable,
    NotFound,
)
from kit.ids import is_id, new_id, new_key
from services.orders import store
from services.orders.order import MOVES_MAX, Item, Order, State, read_code

pytestmark = pytest.mark.usefixtures("database")
Merchant = events_pb2.MerchantChanged
Sell = Callable[..., str]
BUYER = new_id("usr")


@pytest.fixture
def place(merchant: Merchant, sell: Sell) -> Callable[..., Order]:
    """Places an order of 200,000 đồng."""
    product_id = sell(price=100_000)

    def placed(buyer_id: str = BUYER) -> Order:
        return store.place(buyer_id, new_key(), merchant.merchant_id, [Item(product_id, 2)])

    return placed


def pays(order: Order, amount: int, **fields: Any) -> events_pb2.PaymentMoved:
    return events_pb2.PaymentMoved(
        **{
            "transfer_id": new_id("pay"),
            "merchant_id": order.merchant_id,
            "amount": amount,
            "reference": order.code,
            **fields,
        }
    )


def refunds(payment: events_pb2.PaymentMoved, amount: int, **fields: Any) -> events_pb2.PaymentMoved:
    return events_pb2.PaymentMoved(
        **{
            "transfer_id": new_id("ref"),
            "payment_id": payment.transfer_id,
            "merchant_id": payment.merchant_id,
            "amount": amount,
            "reference": payment.reference,
            **fields,
        }
    )


def told(order: Order) -> list[tuple[str, int, int]]:
    """What the order's outbox holds: type, paid, version."""
    waiting = store.OrdersOrder.objects(id=order.id).get().outbox
    facts = [(event.type, events_pb2.OrderChanged.FromString(event.data)) for event in waiting]
    assert all(fact.order_id == order.id and fact.code == order.code for _, fact in facts)
    return [(event_type, fact.paid, fact.version) for event_type, fact in facts]


# --- placing


def test_an_order_is_placed_at_the_prices_of_the_moment_with_its_event(merchant: Merchant, sell: Sell) -> None:
    tea, rice = sell(price=450_000, version=1), sell(name="Gạo", price=30_000)
    order = store.place(BUYER, new_key(), merchant.merchant_id, [Item(tea, 2), Item(rice, 5)])
    assert is_id(order.id, "ord")
    assert read_code(order.code) == order.code
    assert (order.total, order.paid, order.state) == (1_050_000, 0, State.PLACED)
    assert (order.buyer_id, order.seller_id) == (BUYER, merchant.owner_id)
    assert [(line.name, line.quantity, line.total) for line in order.lines] == [
        ("Chè móc câu", 2, 900_000),
        ("Gạo", 5, 150_000),
    ]
    assert store.order(order.id) == order
    assert told(order) == [("order.placed", 0, 1)]
    sell(product_id=tea, price=1, version=2)
    assert store.order(order.id).total == 1_050_000


def test_the_same_request_places_one_order_at_the_first_price(merchant: Merchant, sell: Sell) -> None:
    tea, key = sell(price=1_000), new_key()
    first = store.place(BUYER, key, merchant.merchant_id, [Item(tea, 1)])
    sell(product_id=tea, price=2_000, hidden=True, version=2)
    assert store.place(BUYER, key, merchant.merchant_id, [Item(tea, 1)]) == first
    assert store.OrdersOrder.objects.count() == 1


def test_the_same_request_many_times_at_once_places_one_order(merchant: Merchant, sell: Sell) -> None:
    tea, key = sell(), new_key()
    with ThreadPoolExecutor(8) as pool:
        placed = pool.map(lambda _: store.place(BUYER, key, merchant.merchant_id, [Item(tea, 1)]).id, range(8))
    assert len(set(placed)) == 1
    assert store.OrdersOrder.objects.count() == 1


def test_the_same_request_id_with_another_body_conflicts(merchant: Merchant, sell: Sell) -> None:
    tea, key = sell(), new_key()
    store.place(BUYER, key, merchant.merchant_id, [Item(tea, 1)])
    with pytest.raises(IdempotencyConflict):
        store.place(BUYER, key, merchant.merchant_id, [Item(tea, 2)])
    assert store.place(new_id("usr"), key, merchant.merchant_id, [Item(tea, 2)]).total == 900_000


def test_hidden_and_unknown_products_and_those_of_others_cannot_be_ordered(merchant: Merchant, sell: Sell) -> None:
    for product_id, error in [
        (sell(hidden=True), NotFound),
        (new_id("prd"), NotFound),
        (sell(merchant_id=new_id("mer")), InvalidArgument),
    ]:
        with pytest.raises(error):
            store.place(BUYER, new_key(), merchant.merchant_id, [Item(product_id, 1)])


def test_a_suspended_merchant_takes_no_orders_until_it_is_back(merchant: Merchant, sell: Sell) -> None:
    items = [Item(sell(), 1)]
    merchant.version = 3
    store.apply_merchant("merchant.suspended", merchant)
    with pytest.raises(MerchantNotPayable):
        store.place(BUYER, new_key(), merchant.merchant_id, items)
    with pytest.raises(MerchantNotFound):
        store.place(BUYER, new_key(), new_id("mer"), items)
    merchant.version = 4
    store.apply_merchant("merchant.reinstated", merchant)
    assert store.place(BUYER, new_key(), merchant.merchant_id, items).state is State.PLACED


def test_a_code_that_is_taken_is_made_anew(place: Callable[..., Order], monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([7, 7, 8])
    monkeypatch.setattr(store.secrets, "randbits", lambda _: next(numbers))
    assert [place().code, place().code] == ["00000007", "00000008"]
    monkeypatch.setattr(store.secrets, "randbits", lambda _: 7)
    with pytest.raises(Contention):
        place()


# --- what others tell


def test_a_products_last_word_counts_however_often_and_in_whatever_order_it_arrives(
    merchant: Merchant, sell: Sell
) -> None:
    for order in itertools.permutations([1, 2, 3]):
        product_id = new_id("prd")
        for version in (*order, order[0]):
            sell(product_id=product_id, price=version * 1_000, version=version)
        assert store.place(BUYER, new_key(), merchant.merchant_id, [Item(product_id, 1)]).total == 3_000


def test_a_payment_of_the_total_makes_an_order_paid_once(place: Callable[..., Order]) -> None:
    order = place()
    payment = pays(order, 200_000)
    for _ in range(2):
        after = store.apply_payment(payment)
        assert after == store.order(order.id)
        assert (after.state, after.paid) == (State.PAID, 200_000)
    assert [payment.transfer_id for payment in after.payments] == [payment.transfer_id]
    assert told(order) == [("order.placed", 0, 1), ("order.paid", 200_000, 2)]


def test_every_state_is_told_as_it_comes(place: Callable[..., Order]) -> None:
    order = place()
    first, second = pays(order, 150_000), pays(order, 60_000)
    for move in (first, second, refunds(second, 10_000), refunds(first, 150_000), refunds(second, 50_000)):
        store.apply_payment(move)
    assert [(event_type, amount) for event_type, amount, _ in told(order)] == [
        ("order.placed", 0),
        ("order.underpaid", 150_000),
        ("order.overpaid", 210_000),
        ("order.paid", 200_000),
        ("order.underpaid", 50_000),
        ("order.refunded", 0),
    ]


def test_a_refund_heard_before_its_payment_counts_after_it(place: Callable[..., Order]) -> None:
    order = place()
    payment = pays(order, 200_000)
    early = store.apply_payment(refunds(payment, 200_000))
    assert early is not None
    assert (early.state, early.paid) == (State.PLACED, 0)
    assert told(order) == [("order.placed", 0, 1)]
    after = store.apply_payment(payment)
    assert after is not None
    assert (after.state, after.paid) == (State.REFUNDED, 0)
    assert told(order)[1:] == [("order.refunded", 0, 3)]


def test_a_refund_without_reference_finds_its_order_by_the_payment(place: Callable[..., Order]) -> None:
    order = place()
    payment = pays(order, 200_000)
    store.apply_payment(payment)
    store.apply_payment(refunds(payment, 200_000, reference=""))
    assert store.order(order.id).state is State.REFUNDED


@pytest.mark.parametrize(
    "fields", [{"reference": ""}, {"reference": "HD 42/2026"}, {"reference": "ZZZZZZZZ"}, {"merchant_id": "mer_other"}]
)
def test_a_payment_that_names_none_of_the_merchants_orders_is_ignored(
    place: Callable[..., Order], fields: dict[str, str]
) -> None:
    order = place()
    payment = pays(order, 200_000, **fields)
    assert store.apply_payment(payment) is None
    assert store.apply_payment(refunds(payment, 1)) is None
    assert store.order(order.id) == order


def test_a_code_that_was_typed_in_small_letters_is_understood(place: Callable[..., Order]) -> None:
    order = place()
    store.apply_payment(pays(order, 200_000, reference=order.code.lower()))
    assert store.order(order.id).state is State.PAID


def test_payments_heard_at_once_all_count(place: Callable[..., Order]) -> None:
    order = place()
    payments = [pays(order, 50_000) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store.apply_payment, [*payments, *payments]))
    after = store.order(order.id)
    assert (after.state, after.paid, after.version) == (State.PAID, 200_000, 5)


def test_an_order_with_too_many_payments_leaves_the_next_to_a_person(place: Callable[..., Order]) -> None:
    order = place()
    many = [store.OrdersPayment(transfer_id=new_id("pay"), amount=1) for _ in range(MOVES_MAX)]
    store.OrdersOrder.objects(id=order.id).update(set__payments=many)
    with pytest.raises(LimitExceeded):
        store.apply_payment(pays(order, 1))


# --- looking them up


def test_an_unknown_order_is_not_found() -> None:
    with pytest.raises(NotFound):
        store.order(new_id("ord"))


def test_recent_orders_are_the_callers_newest_first_however_old(place: Callable[..., Order]) -> None:
    ages_h = [0, 2, 30, 24 * 40, 24 * 400, 24 * 2_000]
    orders = [place() for _ in ages_h]
    place(buyer_id=new_id("usr"))
    now = clock.now()
    for order, age_h in zip(orders, ages_h, strict=True):
        store.OrdersOrder.objects(id=order.id).update(set__placed_at=now - timedelta(hours=age_h))
    assert [order.id for order in store.recent(BUYER)] == [order.id for order in orders]
    assert store.recent(new_id("usr")) == []


def test_recent_orders_are_fifty_at_most(place: Callable[..., Order]) -> None:
    document = store.OrdersOrder.objects(id=place().id).as_pymongo().get()
    now = clock.now()
    copies = [
        {**document, "_id": new_id("ord"), "code": f"{n:08}", "request_id": new_key(),
         "placed_at": now - timedelta(minutes=2 * n)}
        for n in range(70)
    ]  # fmt: skip
    store.OrdersOrder._get_collection().insert_many(copies)
    store.OrdersOrder.objects(id=document["_id"]).delete()
    assert [order.id for order in store.recent(BUYER)] == [copy["_id"] for copy in copies[:50]]


def test_who_sells_sees_what_was_ordered_at_the_own_stall(place: Callable[..., Order], merchant: Merchant) -> None:
    bought, own = place(), place(buyer_id=merchant.owner_id)
    assert [order.id for order in store.recent(merchant.owner_id)] == [own.id, bought.id]
