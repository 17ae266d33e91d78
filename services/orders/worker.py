"""Orders' worker: hears of products, merchants, people, payments and holds, ends what is over, tells of orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import redis
from cho.events.v1 import events_pb2
from nameko.timer import timer
from pymongo.errors import PyMongoError

from kit import clock, log
from kit.errors import DomainError
from kit.streams import clients, metrics, names
from kit.streams.event import Event
from kit.streams.group import stream_handler
from kit.streams.relay import Relay
from kit.streams.trim import trim_stream
from services.orders import store
from services.orders.invoices.worker import SERVICES as INVOICES
from services.orders.live.worker import SERVICES as LIVE
from services.orders.ratings import store as ratings
from services.orders.recalls.worker import SERVICES as RECALLS
from services.orders.saga import hearing

# Orders whose time is over, in a tick; the rest waits for the next one, a second later.
BATCH = 100

_PRODUCT_EVENTS = {"product.listed", "product.changed"}
_MERCHANT_EVENTS = {"merchant.activated", "merchant.suspended", "merchant.reinstated"}
_ERASED = "user.erased"
_PERSON_EVENTS = {"user.created", "user.changed", _ERASED}
_PAYMENT_EVENTS = {"payment.captured", "payment.refunded"}
_HOLD_EVENTS = {"hold.placed", "hold.captured", "hold.voided", "hold.expired"}
_PAYMENTS, _HOLDS = "orders.payments", "orders.holds"
_OF_MONEY = ((names.NAMED, _PAYMENTS), (names.HOLDS, _HOLDS))

_logger = log.logger(__name__)


def unheard() -> datetime | None:
    """When the oldest was of what the ledger told of money, and orders have not heard yet; None where they have all."""
    try:
        told = [metrics.oldest_ms(clients.streams(), stream, group) for stream, group in _OF_MONEY]
    except redis.RedisError:  # then nothing is heard, either
        return clock.from_ms(0)
    return min((clock.from_ms(ms) for ms in told if ms), default=None)


def end_overdue(unheard: Callable[[], datetime | None] = lambda: None) -> int:
    """Ends what is over, at most BATCH; how many were looked at. Two workers at it at once do no harm."""
    overdue = store.overdue(clock.now(), BATCH)
    since = unheard() if overdue else None
    for order_id in overdue:
        try:
            store.change(order_id, lambda order, now: hearing.clock(order, now, since))
        except DomainError as error:  # many changes at once, or events that cannot leave: at the next tick
            _logger.info("not ended now", order=order_id, reason=error.code)
        except PyMongoError:
            raise
        except Exception:  # a fault of ours, in one order: the others end
            _logger.exception("an order does not end", order=order_id)
    return len(overdue)


class OrdersWorker:
    name = "orders"

    orders = Relay(store.OrdersOrder, stream=store.STREAM)

    @stream_handler("catalog:events", group="orders.products", types=_PRODUCT_EVENTS)
    def on_product(self, event: Event) -> None:
        store.apply_product(events_pb2.ProductChanged.FromString(event.data))

    @stream_handler("onboarding:events", group="orders.merchants", types=_MERCHANT_EVENTS)
    def on_merchant(self, event: Event) -> None:
        store.apply_merchant(event.type, events_pb2.MerchantChanged.FromString(event.data))

    @stream_handler(names.NAMED, group=_PAYMENTS, types=_PAYMENT_EVENTS)
    def on_payment(self, event: Event) -> None:
        store.apply_payment(events_pb2.PaymentMoved.FromString(event.data), event.traceparent)

    @stream_handler(names.HOLDS, group=_HOLDS, types=_HOLD_EVENTS)
    def on_hold(self, event: Event) -> None:
        store.apply_hold(event.type, events_pb2.HoldMoved.FromString(event.data), event.traceparent)

    @stream_handler("identity:events", group="orders.people", types=_PERSON_EVENTS)
    def on_person(self, event: Event) -> None:
        if event.type != _ERASED:
            # Both events have the same fields.
            ratings.apply_person(events_pb2.UserChanged.FromString(event.data))
            return
        erased = events_pb2.UserErased.FromString(event.data)
        store.forget(erased.user_id)
        ratings.forget(erased)

    @timer(interval=1)
    def end(self) -> None:
        end_overdue(unheard)

    @timer(interval=60)
    def trim(self) -> None:
        trim_stream(store.STREAM)


SERVICES = [OrdersWorker, *INVOICES, *LIVE, *RECALLS]
