"""Orders' worker between real streams and a real store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from cho.events.v1 import events_pb2
from google.protobuf.message import Message

from kit.clock import now
from kit.ids import new_id, new_key
from kit.streams.event import Event, from_entry
from services.orders import checkout, store, worker
from services.orders.cart import Basket, Cart, Item
from services.orders.order import Fulfilment, Order, Pay, State
from services.orders.ports import Taken
from services.orders.ratings import store as ratings
from services.orders.ratings.documents import OrdersPerson
from services.orders.worker import OrdersWorker
from tests.orders.world import Clock, Shelf

pytestmark = [pytest.mark.worker, pytest.mark.usefixtures("database")]
Until = Callable[[Callable[[], Any]], Any]


def tell(client: redis.Redis, stream: str, event_type: str, message: Message, id: str = "*") -> None:
    told = Event(new_id("evt"), event_type, stream.split(":")[0], "", now(), "", message.SerializeToString())
    client.xadd(stream, told.fields(), id=id)  # type: ignore[arg-type]


@pytest.fixture
def buy(client: redis.Redis, start: Callable[[type], Any], until: Until) -> Callable[..., Order]:
    """The worker runs, has heard of a stall and its tea, and somebody orders two of it."""
    for document in store.DOCUMENTS:
        document.ensure_indexes()
    merchant = events_pb2.MerchantChanged(
        merchant_id=new_id("mer"), name="Cô Hạnh", owner_id=new_id("usr"), market_name="Chợ Thái",
        category_code="5499", version=2,
    )  # fmt: skip
    product = events_pb2.ProductChanged(
        product_id=new_id("prd"), merchant_id=merchant.merchant_id, name="Chè", unit="kg", price=450_000, version=1
    )
    tell(client, "onboarding:events", "merchant.activated", merchant)
    tell(client, "catalog:events", "product.listed", product)
    start(OrdersWorker)
    until(lambda: store.OrdersMerchant.objects(id=merchant.merchant_id).first())
    until(lambda: store.OrdersProduct.objects(id=product.product_id).first())
    shelf = Shelf(Clock(now()), {product.product_id: 10}, {product.product_id: Taken(450_000, "kg", 0)})

    def bought(pay: Pay = Pay.QR, deliver_to: str = "") -> Order:
        way = Fulfilment.DELIVERY if deliver_to else Fulfilment.PICKUP
        basket = Basket(merchant.merchant_id, (Item(product.product_id, 2),), way, deliver_to)
        (order,) = checkout.place(new_id("usr"), new_key(), Cart((basket,), pay), shelf)
        return order

    return bought


def test_an_order_of_a_product_it_heard_of_is_paid_and_refunded_by_payments_it_hears_of(
    client: redis.Redis, buy: Callable[..., Order], until: Until
) -> None:
    order = buy()
    payment = events_pb2.PaymentMoved(
        transfer_id=new_id("pay"), merchant_id=order.merchant_id, amount=900_000, reference=order.code
    )
    unknown = events_pb2.PaymentMoved(
        transfer_id=new_id("pay"), merchant_id=order.merchant_id, amount=5_000, reference="HD 7"
    )
    refund = events_pb2.PaymentMoved(
        transfer_id=new_id("ref"), payment_id=payment.transfer_id, merchant_id=order.merchant_id, amount=900_000,
        reference=order.code,
    )  # fmt: skip
    tell(client, "payments:named", "payment.captured", unknown, "1-0")
    for seq in (2, 3):  # the announcer may say it twice
        tell(client, "payments:named", "payment.captured", payment, f"{seq}-0")
    until(lambda: store.order(order.id).state is State.PAID)
    tell(client, "payments:named", "payment.refunded", refund, "4-0")
    until(lambda: store.order(order.id).state is State.REFUNDED)
    until(lambda: client.xlen("orders:events") == 3)
    events = [from_entry(entry_id, fields) for entry_id, fields in client.xrange("orders:events")]
    assert [(event.type, event.subject) for event in events] == [
        (event_type, order.id) for event_type in ("order.placed", "order.paid", "order.refunded")
    ]
    assert [events_pb2.OrderChanged.FromString(event.data).paid for event in events] == [0, 900_000, 0]
    until(lambda: client.xpending("payments:named", "orders.payments")["pending"] == 0)
    assert not client.exists("payments:named:dead:orders.payments")


def test_money_that_is_set_aside_and_its_end_are_heard_of(
    client: redis.Redis, buy: Callable[..., Order], until: Until
) -> None:
    order = buy(Pay.HOLD)
    hold = events_pb2.HoldMoved(
        hold_id=new_id("hld"), merchant_id=order.merchant_id, amount=900_000, reference=order.code,
        expires_ms=int((now() + timedelta(hours=1)).timestamp() * 1000),
    )  # fmt: skip
    for seq in (1, 2):
        tell(client, "payments:holds", "hold.placed", hold, f"{seq}-0")
    until(lambda: store.order(order.id).state is State.HELD)
    tell(client, "payments:holds", "hold.expired", events_pb2.HoldMoved(hold_id=hold.hold_id), "3-0")
    until(lambda: store.order(order.id).state is State.CANCELLED)


def test_what_is_not_paid_in_time_is_ended_by_the_clock(buy: Callable[..., Order], until: Until) -> None:
    over, runs = buy(), buy()
    store.OrdersOrder.objects(id=over.id).update(set__deadline=now() - timedelta(seconds=1))
    until(lambda: store.order(over.id).state is State.EXPIRED)
    assert store.order(runs.id).state is State.PLACED


def test_an_address_goes_with_its_person(client: redis.Redis, buy: Callable[..., Order], until: Until) -> None:
    order = buy(deliver_to="12 Bến Tượng")
    tell(client, "identity:events", "user.erased", events_pb2.UserErased(user_id=order.buyer_id))
    until(lambda: store.order(order.id).deliver_to == "")


def test_a_masked_name_is_known_until_its_person_is_erased(
    client: redis.Redis, start: Callable[[type], Any], until: Until
) -> None:
    person = new_id("usr")
    OrdersPerson.ensure_indexes()
    start(OrdersWorker)

    def named(event_type: str, message: Message, name: str) -> None:
        tell(client, "identity:events", event_type, message)
        until(lambda: ratings.names([person]).get(person) == name)

    named("user.created", events_pb2.UserCreated(user_id=person, display_name="Trần A*", version=1), "Trần A*")
    named("user.changed", events_pb2.UserChanged(user_id=person, display_name="Trần B**", version=2), "Trần B**")
    named("user.erased", events_pb2.UserErased(user_id=person, version=3), "")


def test_it_knows_since_when_it_has_not_heard_what_the_ledger_told(client: redis.Redis) -> None:
    assert worker.unheard() is None, "nobody has told anything yet"
    client.xgroup_create("payments:named", "orders.payments", id="0", mkstream=True)
    client.xgroup_create("payments:holds", "orders.holds", id="0", mkstream=True)
    client.xadd("payments:holds", Event("evt_1", "hold.placed", "payments", "", now(), "", b"").fields())
    before = now() - timedelta(minutes=3)
    client.xadd("payments:named", Event("evt_2", "payment.captured", "payments", "", before, "", b"").fields())
    assert worker.unheard() == before
    reply: Any = client.xreadgroup("orders.payments", "me", {"payments:named": ">"})
    assert worker.unheard() == before, "it is delivered, and not done"
    [[_, [(entry_id, _)]]] = reply
    client.xack("payments:named", "orders.payments", entry_id)
    assert before < worker.unheard() <= now()  # type: ignore[operator]
