"""Invoices follow orders by their events: issued, adjusted, dropped for the tax authority, answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from cho.events.v1.events_pb2 import MarketChanged, OrderChanged, PaymentMoved
from google.protobuf.message import Message

from kit.clock import now
from kit.config import settings
from kit.ids import new_id, new_key
from kit.streams.event import Event
from services.orders import checkout
from services.orders import store as orders
from services.orders.cart import Basket, Cart, Item
from services.orders.invoices import invoice as rules
from services.orders.invoices import source, store, watched
from services.orders.invoices.invoice import Invoicing
from services.orders.invoices.worker import SERVICES
from services.orders.order import Fulfilment, Order, Pay, State
from services.orders.ports import Taken
from tests.orders.invoice_office import Orders, comes_to, told
from tests.orders.world import Clock, Shelf
from tests.worker.test_orders_worker import buy  # noqa: F401 - a fixture

pytestmark = [pytest.mark.worker, pytest.mark.usefixtures("database")]


def tell(client: redis.Redis, stream: str, event_type: str, message: Message) -> None:
    event = Event(new_id("evt"), event_type, stream.split(":")[0], "", now(), "", message.SerializeToString())
    client.xadd(stream, event.fields())  # type: ignore[arg-type]


def test_an_order_that_is_paid_and_given_back_has_its_invoices(
    client: redis.Redis,
    start: Callable[[type], Any],
    until: Callable[[Callable[[], Any]], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings(), "home", tmp_path)
    orders = Orders()
    monkeypatch.setattr(source, "sale", orders.read)
    for document in store.DOCUMENTS:
        document.ensure_indexes()
    merchant, market = new_id("mer"), new_id("mkt")
    tell(client, "onboarding:events", "market.created", MarketChanged(market_id=market, ward_name="Xã A", version=1))
    tell(client, "onboarding:events", "merchant.activated", told(merchant, market=market))
    for service in SERVICES:
        start(service)
    until(lambda: store.InvoiceStall.objects(id=merchant).first())
    until(lambda: store.InvoiceMarket.objects(id=market).first())
    store.put_invoicing(merchant, Invoicing("MNZLR", "AB"), active=True, by="usr_v")

    order = orders.place(merchant)
    for event_type in ("checkout.placed", "order.paid", "order.paid", "order.preparing"):
        tell(client, "orders:events", event_type, OrderChanged(order_id=order, version=2))
    (made,) = until(lambda: store.of_order(order))
    assert store.get(made.invoice_id).seller.address == "Sạp A-01, Chợ Thái, Xã A"
    (told_of,) = watched.told()
    assert sum(sample.value for sample in told_of.samples) == 1
    (file,) = until(lambda: list((tmp_path / "invoices" / "out").glob("*.xml")))
    answer = {"message_id": file.stem, "result": "accepted"}
    part = tmp_path / "invoices" / "in" / f".{file.stem}"
    part.write_text(json.dumps(answer))
    part.rename(part.with_name(f"{file.stem}.json"))
    until(lambda: store.get(made.invoice_id).delivery.value == "accepted")

    orders.keep(order, 30_000)
    tell(client, "orders:events", "order.refunded", OrderChanged(order_id=order, version=3))
    until(lambda: comes_to(order) == 30_000)
    assert [one.kind for one in store.of_order(order)] == [rules.Kind.ORIGINAL, rules.Kind.ADJUSTING]
    until(lambda: client.xpending("orders:events", "orders.invoices")["pending"] == 0)
    assert not client.exists("orders:events:dead:orders.invoices")


def test_money_that_a_seller_gives_back_past_the_order_is_adjusted_too(
    client: redis.Redis,
    buy: Callable[..., Order],  # noqa: F811
    start: Callable[[type], Any],
    until: Callable[[Callable[[], Any]], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings(), "home", tmp_path)
    for document in store.DOCUMENTS:
        document.ensure_indexes()
    order_before = buy()
    store.put_stall(told(order_before.merchant_id))
    store.put_invoicing(order_before.merchant_id, Invoicing("MNZLR", "AB"), active=True, by="usr_v")
    (service,) = SERVICES
    start(service)
    # What was placed before has none; the same stall's next order has one.
    order = another(order_before)
    payment = PaymentMoved(
        transfer_id=new_id("pay"), merchant_id=order.merchant_id, amount=900_000, reference=order.code, seq=1
    )
    tell(client, "payments:named", "payment.captured", payment)
    until(lambda: comes_to(order.id) == 900_000)
    assert [(line.name, line.quantity, line.amount) for line in store.of_order(order.id)[0].lines] == [
        ("Chè", "2", 900_000)
    ]
    refund = PaymentMoved(
        transfer_id=new_id("ref"), payment_id=payment.transfer_id, merchant_id=order.merchant_id, amount=100_000, seq=2
    )
    for _ in range(2):
        tell(client, "payments:named", "payment.refunded", refund)
    until(lambda: comes_to(order.id) == 800_000)
    assert orders.order(order.id).state is State.PAID, "the order tells nobody of it"
    rest = PaymentMoved(
        transfer_id=new_id("ref"), payment_id=payment.transfer_id, merchant_id=order.merchant_id, amount=800_000, seq=3
    )
    tell(client, "payments:named", "payment.refunded", rest)
    until(lambda: comes_to(order.id) == 0)
    until(lambda: client.xpending("payments:named", "orders.invoices")["pending"] == 0)
    assert [one.amount for one in store.of_order(order.id)] == [900_000, -100_000, -800_000]
    assert store.of_order(order_before.id) == []
    assert not client.exists("payments:named:dead:orders.invoices")


def another(before: Order) -> Order:
    """The same cart once more."""
    (line,) = before.lines
    shelf = Shelf(Clock(now()), {line.product_id: 10}, {line.product_id: Taken(line.price, line.unit, 0)})
    basket = Basket(before.merchant_id, (Item(line.product_id, 2),), Fulfilment.PICKUP, "")
    (order,) = checkout.place(new_id("usr"), new_key(), Cart((basket,), Pay.QR), shelf)
    return order
