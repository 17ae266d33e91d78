"""Orders' worker between real streams and a real store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from cho.events.v1 import events_pb2
from google.protobuf.message import Message

from kit.clock import now
from kit.ids import new_id, new_key
from kit.streams.event import Event, from_entry
from services.orders import store
from services.orders.order import Item, State
from services.orders.worker import SERVICES

pytestmark = [pytest.mark.worker, pytest.mark.usefixtures("database")]


def tell(client: redis.Redis, stream: str, event_type: str, message: Message, id: str = "*") -> None:
    told = Event(new_id("evt"), event_type, stream.split(":")[0], "", now(), "", message.SerializeToString())
    client.xadd(stream, told.fields(), id=id)  # type: ignore[arg-type]


def test_an_order_of_a_product_it_heard_of_is_paid_and_refunded_by_payments_it_hears_of(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    store.OrdersOrder.ensure_indexes()
    merchant = events_pb2.MerchantChanged(
        merchant_id=new_id("mer"),
        name="Cô Hạnh",
        owner_id=new_id("usr"),
        market_name="Chợ Thái",
        category_code="5499",
        version=2,
    )
    product = events_pb2.ProductChanged(
        product_id=new_id("prd"), merchant_id=merchant.merchant_id, name="Chè", unit="kg", price=450_000, version=1
    )
    tell(client, "onboarding:events", "merchant.activated", merchant)
    tell(client, "catalog:events", "product.listed", product)
    for service in SERVICES:
        start(service)
    until(lambda: store.OrdersMerchant.objects(id=merchant.merchant_id).first())
    until(lambda: store.OrdersProduct.objects(id=product.product_id).first())
    order = store.place(new_id("usr"), new_key(), merchant.merchant_id, [Item(product.product_id, 2)])

    payment = events_pb2.PaymentMoved(
        transfer_id=new_id("pay"), merchant_id=merchant.merchant_id, amount=900_000, reference=order.code
    )
    unknown = events_pb2.PaymentMoved(
        transfer_id=new_id("pay"), merchant_id=merchant.merchant_id, amount=5_000, reference="HD 7"
    )
    refund = events_pb2.PaymentMoved(
        transfer_id=new_id("ref"),
        payment_id=payment.transfer_id,
        merchant_id=merchant.merchant_id,
        amount=900_000,
        reference=order.code,
    )
    tell(client, "payments:events", "payment.captured", unknown, "1-0")
    for seq in (2, 3):  # the announcer may say it twice
        tell(client, "payments:events", "payment.captured", payment, f"{seq}-0")
    until(lambda: store.order(order.id).state is State.PAID)
    tell(client, "payments:events", "payment.refunded", refund, "4-0")
    until(lambda: store.order(order.id).state is State.REFUNDED)
    until(lambda: client.xlen("orders:events") == 3)
    events = [from_entry(entry_id, fields) for entry_id, fields in client.xrange("orders:events")]
    assert [(event.type, event.subject) for event in events] == [
        (event_type, order.id) for event_type in ("order.placed", "order.paid", "order.refunded")
    ]
    assert [events_pb2.OrderChanged.FromString(event.data).paid for event in events] == [0, 900_000, 0]
    until(lambda: client.xpending("payments:events", "orders.payments")["pending"] == 0)
    assert not client.exists("payments:events:dead:orders.payments")
