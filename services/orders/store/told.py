"""What others tell orders, applied once, however often and in whatever order it arrives."""

from __future__ import annotations

from datetime import datetime

from cho.events.v1 import events_pb2
from mongoengine import Document
from mongoengine.errors import NotUniqueError

from kit import clock
from services.orders.order import Hold, HoldState, Order, Payment, Refund, read_code
from services.orders.saga import hearing
from services.orders.store.documents import OrdersCheckout, OrdersHoldEnd, OrdersMerchant, OrdersOrder, OrdersProduct
from services.orders.store.orders import change

_HOLD_ENDS = {
    "hold.captured": HoldState.CAPTURED,
    "hold.voided": HoldState.ENDED,
    "hold.expired": HoldState.ENDED,
}


def apply_merchant(event_type: str, changed: events_pb2.MerchantChanged) -> None:
    """Remembers merchant.activated, .suspended or .reinstated, unless as much or more is known already."""
    _put_newer(
        OrdersMerchant,
        changed.merchant_id,
        changed.version,
        name=changed.name,
        owner_id=changed.owner_id,
        market_name=changed.market_name,
        stall=changed.stall,
        category_code=changed.category_code,
        active=event_type != "merchant.suspended",
    )


def apply_product(changed: events_pb2.ProductChanged) -> None:
    """Remembers product.listed or .changed, unless as much or more is known already."""
    _put_newer(
        OrdersProduct,
        changed.product_id,
        changed.version,
        merchant_id=changed.merchant_id,
        name=changed.name,
        unit=changed.unit,
        price=changed.price,
        grams_per_unit=changed.grams_per_unit,
        hidden=changed.hidden,
    )


def apply_payment(moved: events_pb2.PaymentMoved, traceparent: str = "") -> Order | None:
    """Takes a payment or refund into the order that it names, once; None where it names none of ours.

    Raises LimitExceeded, Contention, Overloaded: the event is delivered again then.
    """

    def rule(order: Order, now: datetime) -> Order:
        if moved.payment_id:
            return hearing.refund(order, Refund(moved.transfer_id, moved.payment_id, moved.amount), moved.cause)
        payment = Payment(moved.transfer_id, moved.amount, moved.reference, moved.seq)
        return hearing.payment(order, payment, moved.cause, now)

    found = _named(moved.reference, moved.merchant_id)
    if found is None and moved.payment_id:
        # Whoever gives a payment back names the payment, not what it was for.
        found = OrdersOrder.objects(payments__transfer_id=moved.payment_id, merchant_id=moved.merchant_id).first()
    return change(found.id, rule, traceparent) if found is not None else None


def apply_hold(event_type: str, moved: events_pb2.HoldMoved, traceparent: str = "") -> Order | None:
    """Takes money that was set aside, or the end of it, into its order, once; None where it is none of ours.

    Raises LimitExceeded, Contention, Overloaded: the event is delivered again then.
    """
    if event_type in _HOLD_ENDS:
        return _end_hold(moved.hold_id, _HOLD_ENDS[event_type], traceparent)
    found = _named(moved.reference, moved.merchant_id)
    if found is None:
        return None

    def rule(order: Order, now: datetime) -> Order:
        ended = _kept_end(moved.hold_id) or HoldState.LIVE
        hold = Hold(moved.hold_id, moved.amount, moved.reference, clock.from_ms(moved.expires_ms), ended)
        return hearing.hold(order, hold, now)

    order = change(found.id, rule, traceparent)
    # Whoever heard the end meanwhile kept it before it looked for the hold once more: one of us two sees the other's.
    if ended := _kept_end(moved.hold_id):
        order = change(found.id, lambda order, now: hearing.hold_ended(order, moved.hold_id, ended, now), traceparent)
    return order


def _end_hold(hold_id: str, ended: HoldState, traceparent: str) -> Order | None:
    """An end names its hold alone. One that failed is delivered again after others, so its end may come before it."""
    holding = OrdersOrder.objects(holds__id=hold_id).only("id")
    found = holding.first()
    if found is None:
        _keep_end(hold_id, ended)
        found = holding.clone().first()
    if found is None:
        return None
    return change(found.id, lambda order, now: hearing.hold_ended(order, hold_id, ended, now), traceparent)


def _keep_end(hold_id: str, ended: HoldState) -> None:
    try:
        OrdersHoldEnd.objects(id=hold_id).update_one(upsert=True, set__state=ended.value, set__heard_at=clock.now())
    except NotUniqueError:
        return  # kept at this moment by another worker: a hold has one end


def _kept_end(hold_id: str) -> HoldState | None:
    kept = OrdersHoldEnd.objects(id=hold_id).first()
    return HoldState(kept.state) if kept is not None else None


def forget(user_id: str) -> None:
    """Forgets where somebody's orders were delivered to; the orders themselves are kept (docs/privacy.md)."""
    OrdersOrder.objects(buyer_id=user_id).update(unset__deliver_to=True)
    for checkout in OrdersCheckout.objects(buyer_id=user_id):
        OrdersCheckout.objects(id=checkout.id).update(set__plans=[_without_address(plan) for plan in checkout.plans])


def _without_address(plan: Document) -> Document:
    plan.deliver_to = None
    return plan


def _named(reference: str, merchant_id: str) -> OrdersOrder | None:
    code = read_code(reference)
    found = OrdersOrder.objects(code=code).only("id", "merchant_id").first() if code else None
    return found if found is not None and found.merchant_id == merchant_id else None


def _put_newer(document: type[Document], id: str, version: int, **fields: str | int | bool) -> None:
    try:
        document.objects(id=id, version__lt=version).update_one(
            upsert=True, set__version=version, **{f"set__{name}": value for name, value in fields.items()}
        )
    except NotUniqueError:
        return  # the filter found nothing to change, because a version at least as new is there
