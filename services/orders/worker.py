"""Orders' worker: hears of products, merchants and payments, publishes what orders have to tell."""

from __future__ import annotations

from cho.events.v1 import events_pb2
from nameko.timer import timer

from kit.streams.event import Event
from kit.streams.group import stream_handler
from kit.streams.relay import Relay
from kit.streams.trim import trim_stream
from services.orders import store

_PRODUCT_EVENTS = {"product.listed", "product.changed"}
_MERCHANT_EVENTS = {"merchant.activated", "merchant.suspended", "merchant.reinstated"}
_PAYMENT_EVENTS = {"payment.captured", "payment.refunded"}


def _names_something(event: Event) -> bool:
    """Most payments are typed at the stall and name no order."""
    moved = events_pb2.PaymentMoved.FromString(event.data)
    return bool(moved.reference or moved.payment_id)


class OrdersWorker:
    name = "orders"

    orders = Relay(store.OrdersOrder, stream=store.STREAM)

    @stream_handler("catalog:events", group="orders.products", types=_PRODUCT_EVENTS)
    def on_product(self, event: Event) -> None:
        store.apply_product(events_pb2.ProductChanged.FromString(event.data))

    @stream_handler("onboarding:events", group="orders.merchants", types=_MERCHANT_EVENTS)
    def on_merchant(self, event: Event) -> None:
        store.apply_merchant(event.type, events_pb2.MerchantChanged.FromString(event.data))

    @stream_handler("payments:events", group="orders.payments", types=_PAYMENT_EVENTS, where=_names_something)
    def on_payment(self, event: Event) -> None:
        store.apply_payment(events_pb2.PaymentMoved.FromString(event.data))

    @timer(interval=60)
    def trim(self) -> None:
        trim_stream(store.STREAM)


SERVICES = [OrdersWorker]
