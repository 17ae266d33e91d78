"""Orders, and copies of products and merchants, in MongoDB: the only place of orders that knows the database.

Every change of an order is one write of one document, its event included (kit.outbox), on the condition that
nobody was faster. Reads are by id, equality on an index, or equality and a two-sided range on a compound one.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from cho.events.v1 import events_pb2
from mongoengine import (
    BooleanField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    LongField,
    StringField,
)
from mongoengine.errors import NotUniqueError

from kit import clock, mongo
from kit.errors import (
    Contention,
    IdempotencyConflict,
    MerchantNotFound,
    MerchantNotPayable,
    NotFound,
)
from kit.ids import new_id
from kit.outbox import OutboxMixin
from services.orders import order as rules
from services.orders import paycode
from services.orders.order import Item, Line, Order, Payment, Product, Refund

SERVICE = "orders"
STREAM = "orders:events"
LIST_MAX = 50
# Changes of one order at once: each retry means that somebody else got through.
ATTEMPTS_MAX = 5
# One code in 10^12: three collisions in a row do not happen by chance.
CODE_ATTEMPTS_MAX = 3

# `recent` looks back this far, then further, until it has enough: one hour, eight, ... thirty years. So no
# range holds many orders of anybody, and who orders once a year costs a few empty ones.
_LOOK_BACKS = tuple(timedelta(hours=8**n) for n in range(7))
# Clocks of other replicas may be ahead by this.
_CLOCK_SKEW_MAX = timedelta(minutes=1)


# mongoengine tells documents of one process apart by class name alone, and tests load every service.
class OrdersMerchant(Document):
    """What orders has to know of a merchant, as onboarding last told."""

    meta = {"collection": "merchants", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    id = StringField(primary_key=True)
    name = StringField(required=True)
    owner_id = StringField(required=True)
    market_name = StringField()
    stall = StringField()
    category_code = StringField()
    active = BooleanField(required=True)
    version = LongField(required=True)


class OrdersProduct(Document):
    """What orders has to know of a product, as catalog last told."""

    meta = {"collection": "products", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    merchant_id = StringField(required=True)
    name = StringField(required=True)
    unit = StringField(required=True)
    price = LongField(required=True)
    hidden = BooleanField(required=True)
    version = LongField(required=True)


class OrdersLine(EmbeddedDocument):
    product_id = StringField(required=True)
    name = StringField(required=True)
    unit = StringField(required=True)
    quantity = LongField(required=True)
    price = LongField(required=True)


class OrdersPayment(EmbeddedDocument):
    transfer_id = StringField(required=True)
    amount = LongField(required=True)


class OrdersRefund(EmbeddedDocument):
    transfer_id = StringField(required=True)
    payment_id = StringField(required=True)
    amount = LongField(required=True)


class OrdersOrder(OutboxMixin, Document):
    meta = {  # noqa: RUF012
        "collection": "orders",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["code"], "unique": True},
            {"fields": ["buyer_id", "request_id"], "unique": True},
            {"fields": ["buyer_id", "placed_at"]},
            {"fields": ["seller_id", "placed_at"]},
            # A refund names its payment, which is how its order is found.
            {"fields": ["payments.transfer_id"], "sparse": True},
        ],
    }

    id = StringField(primary_key=True)
    code = StringField(required=True)
    buyer_id = StringField(required=True)
    merchant_id = StringField(required=True)
    merchant_name = StringField(required=True)
    # The merchant's owner when it was placed.
    seller_id = StringField(required=True)
    lines = EmbeddedDocumentListField(OrdersLine)
    total = LongField(required=True)
    payments = EmbeddedDocumentListField(OrdersPayment)
    refunds = EmbeddedDocumentListField(OrdersRefund)
    qr_payload = StringField(required=True)
    placed_at = DateTimeField(required=True)
    version = LongField(required=True)
    request_id = StringField(required=True)
    # What that request asked for, so that it is told from another one under the same id.
    fingerprint = StringField(required=True)


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    mongo.open_store(SERVICE, (OrdersOrder, OrdersProduct, OrdersMerchant))


# --- what others told


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
        hidden=changed.hidden,
    )


def apply_payment(moved: events_pb2.PaymentMoved) -> Order | None:
    """Takes a payment or refund into the order that it names, once; None where it names none of ours.

    Raises LimitExceeded, Contention, Overloaded: the event is delivered again then.
    """
    move = (
        Refund(moved.transfer_id, moved.payment_id, moved.amount)
        if moved.payment_id
        else Payment(moved.transfer_id, moved.amount)
    )
    for _ in range(ATTEMPTS_MAX):
        document = _order_named_by(moved)
        if document is None:
            return None  # a bill number of the vendor's own
        before = _order(document)
        after = rules.hear(before, move)
        if after is before:
            return before
        if isinstance(move, Refund):
            document.refunds.append(OrdersRefund(**asdict(move)))
        else:
            document.payments.append(OrdersPayment(**asdict(move)))
        document.version = after.version
        if (after.state, after.paid) != (before.state, before.paid):
            document.add_event(f"order.{after.state.value}", after.id, _fact(after))
        try:
            document.save(save_condition={"version": before.version})
        except Contention:  # somebody else was faster: look at what they made of it
            continue
        return after
    raise Contention("the order keeps changing")


def _order_named_by(moved: events_pb2.PaymentMoved) -> OrdersOrder | None:
    found = None
    if code := rules.read_code(moved.reference):
        found = OrdersOrder.objects(code=code).first()
    if found is None and moved.payment_id:
        # Whoever gives a payment back names the payment, not what it was for.
        found = OrdersOrder.objects(payments__transfer_id=moved.payment_id).first()
    return found if found is not None and found.merchant_id == moved.merchant_id else None


def _put_newer(document: type[Document], id: str, version: int, **fields: str | int | bool) -> None:
    try:
        document.objects(id=id, version__lt=version).update_one(
            upsert=True, set__version=version, **{f"set__{name}": value for name, value in fields.items()}
        )
    except NotUniqueError:
        return  # the filter found nothing to change, because a version at least as new is there


# --- orders


def place(buyer_id: str, request_id: str, merchant_id: str, items: Sequence[Item]) -> Order:
    """Places an order, or finds it placed by the same request before: then at the prices of then.

    Raises IdempotencyConflict (the request_id stands for another order), MerchantNotFound, MerchantNotPayable
    (suspended), and what `order.agree` raises.
    """
    rules.check_items(items)
    fingerprint = rules.fingerprint(merchant_id, items)
    earlier = OrdersOrder.objects(buyer_id=buyer_id, request_id=request_id)
    stored = earlier.first()
    if stored is None:
        merchant = _active_merchant(merchant_id)
        lines = rules.agree(items, merchant_id, _products(items))
        for _ in range(CODE_ATTEMPTS_MAX):
            document = _draft(buyer_id, merchant, lines)
            document.request_id, document.fingerprint = request_id, fingerprint
            placed = _order(document)
            document.add_event("order.placed", placed.id, _fact(placed))
            try:
                document.save()
            except NotUniqueError:  # the same request twice at once; or else the code is taken
                stored = earlier.first()
                if stored is not None:
                    break
            else:
                return placed
        else:
            raise Contention("no free order code was found; try again")
    if stored.fingerprint != fingerprint:
        raise IdempotencyConflict("request_id was used for another order")
    return _order(stored)


def order(order_id: str) -> Order:
    """Raises NotFound."""
    document = OrdersOrder.objects(id=order_id).first()
    if document is None:
        # The words of Call.require_owner: a stranger cannot tell what exists.
        raise NotFound("there is no such thing, or it is not yours")
    return _order(document)


def recent(user_id: str) -> list[Order]:
    """What somebody bought or sold, newest first, at most LIST_MAX."""
    now = clock.now()
    found: dict[str, Order] = {}
    until = now + _CLOCK_SKEW_MAX
    for since in (now - look_back for look_back in _LOOK_BACKS):
        for party in ("buyer_id", "seller_id"):
            orders = OrdersOrder.objects(**{party: user_id}, placed_at__gt=since, placed_at__lte=until)
            found |= {order.id: _order(order) for order in orders.order_by("-placed_at").limit(LIST_MAX)}
        if len(found) >= LIST_MAX:
            break
        until = since
    return sorted(found.values(), key=lambda order: (order.placed_at, order.id), reverse=True)[:LIST_MAX]


def _active_merchant(merchant_id: str) -> OrdersMerchant:
    merchant = OrdersMerchant.objects(id=merchant_id).first()
    if merchant is None:
        raise MerchantNotFound("orders knows no such merchant")
    if not merchant.active:
        raise MerchantNotPayable("the merchant is suspended")
    return merchant


def _products(items: Sequence[Item]) -> dict[str, Product]:
    documents = OrdersProduct.objects(id__in=[item.product_id for item in items])
    return {
        found.id: Product(found.id, found.merchant_id, found.name, found.unit, found.price, found.hidden)
        for found in documents
    }


def _draft(buyer_id: str, merchant: OrdersMerchant, lines: Sequence[Line]) -> OrdersOrder:
    code, total = rules.write_code(secrets.randbits(rules.CODE_BITS)), rules.total(lines)
    return OrdersOrder(
        id=new_id("ord"),
        code=code,
        buyer_id=buyer_id,
        merchant_id=merchant.id,
        merchant_name=merchant.name,
        seller_id=merchant.owner_id,
        lines=[OrdersLine(**asdict(line)) for line in lines],
        total=total,
        qr_payload=paycode.payload(
            merchant_id=merchant.id,
            merchant_name=merchant.name,
            market_name=merchant.market_name,
            stall=merchant.stall,
            category_code=merchant.category_code,
            amount=total,
            code=code,
        ),
        placed_at=clock.now(),
        version=1,
    )


def _order(document: OrdersOrder) -> Order:
    return Order(
        id=document.id,
        code=document.code,
        buyer_id=document.buyer_id,
        merchant_id=document.merchant_id,
        merchant_name=document.merchant_name,
        seller_id=document.seller_id,
        lines=tuple(Line(x.product_id, x.name, x.unit, x.quantity, x.price) for x in document.lines),
        total=document.total,
        payments=tuple(Payment(x.transfer_id, x.amount) for x in document.payments),
        refunds=tuple(Refund(x.transfer_id, x.payment_id, x.amount) for x in document.refunds),
        qr_payload=document.qr_payload,
        placed_at=document.placed_at,
        version=document.version,
    )


def _fact(order: Order) -> events_pb2.OrderChanged:
    return events_pb2.OrderChanged(
        order_id=order.id,
        code=order.code,
        buyer_id=order.buyer_id,
        merchant_id=order.merchant_id,
        total=order.total,
        paid=order.paid,
        version=order.version,
    )
