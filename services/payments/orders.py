"""A placed order becomes a request of its stall: whoever pays its code hears whether it was the whole amount.

A cancelled one takes it back. What is paid by money that the buyer sets aside asks for nothing.
"""

from __future__ import annotations

from datetime import timedelta

from cho.events.v1.events_pb2 import OrderChanged
from cho.events.v1.intent_pb2 import Intent

from kit import log
from kit.errors import AlreadyExists, MerchantNotPayable, RequestNotFound, RequestPaid, TooLate
from kit.money import check_amount
from kit.streams.event import Event
from services.payments.store.sync import SyncLedger

PLACED, CANCELLED = "order.placed", "order.cancelled"
TYPES = {PLACED, CANCELLED}
# An order's code ends in minutes, and says so itself. Its request outlives it by far: who pays late under the reference
# hears how that compares with what was asked.
LIFE = timedelta(days=30)

_logger = log.logger(__name__)


def heed(ledger: SyncLedger, event: Event) -> None:
    """Asks for an order's total under its code, or takes that back; the same event again changes nothing.

    Raises DomainError where the ledger takes no calls, or does not know the merchant yet: the event is delivered again.
    """
    order = OrderChanged.FromString(event.data)
    if order.by_hold:
        return
    intent = Intent(caller_id="service:orders", event_id=event.id, traceparent=event.traceparent)
    try:
        if event.type == CANCELLED:
            _take_back(ledger, event, order, intent)
        else:
            _ask(ledger, event, order, intent)
    except (MerchantNotPayable, TooLate, AlreadyExists, RequestPaid) as refused:
        # It can be paid all the same, or cannot be: then nobody asks, or nothing is taken back.
        _logger.warning("an order's request stays as it is", order=order.order_id, reason=refused.code)


def _ask(ledger: SyncLedger, event: Event, order: OrderChanged, intent: Intent) -> None:
    expires_ms = int((event.time + LIFE).timestamp() * 1000)
    ledger.ask(order.merchant_id, order.code, check_amount(order.total), expires_ms, intent)


def _take_back(ledger: SyncLedger, event: Event, order: OrderChanged, intent: Intent) -> None:
    """Where its placing failed, and comes again later, the request is made and taken back now: it finds that."""
    try:
        ledger.withdraw(order.merchant_id, order.code, intent)
    except RequestNotFound:
        _ask(ledger, event, order, intent)
        ledger.withdraw(order.merchant_id, order.code, intent)
