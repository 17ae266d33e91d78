"""Orders' documents, and an order to and from its document."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any

from mongoengine import (
    BinaryField,
    BooleanField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    LongField,
    StringField,
)

from kit.crypto import decrypt, encrypt
from kit.outbox import OutboxMixin
from services.orders.order import (
    Credit,
    Fulfilment,
    Happened,
    Hold,
    HoldState,
    Kind,
    Line,
    Order,
    Pay,
    Payment,
    Refund,
    State,
    Step,
    Stock,
    Stop,
    paid,
)  # fmt: skip

ADDRESS_FIELD, PLAN_FIELD = "orders.deliver_to", "checkouts.deliver_to"
# A request that is sent again hears of its orders for so long.
CHECKOUT_S = 40 * 86_400
# A hold that is heard of after its end counts as ended for so long; no order waits for its money longer than minutes.
HOLD_END_S = 2 * 86_400


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
    grams_per_unit = LongField(default=0)
    hidden = BooleanField(required=True)
    version = LongField(required=True)


class OrdersLine(EmbeddedDocument):
    product_id = StringField(required=True)
    name = StringField(required=True)
    unit = StringField(required=True)
    quantity = LongField(required=True)
    price = LongField(required=True)
    grams_per_unit = LongField(default=0)
    final = LongField()
    given_back = LongField(default=0)
    recalled = BooleanField(default=False)


class OrdersPayment(EmbeddedDocument):
    transfer_id = StringField(required=True)
    amount = LongField(required=True)
    reference = StringField(default="")
    seq = LongField(default=0)


class OrdersRefund(EmbeddedDocument):
    transfer_id = StringField(required=True)
    payment_id = StringField(required=True)
    amount = LongField(required=True)


class OrdersHold(EmbeddedDocument):
    id = StringField(required=True)
    amount = LongField(required=True)
    reference = StringField(default="")
    expires_at = DateTimeField(required=True)
    state = StringField(required=True)


class OrdersStep(EmbeddedDocument):
    id = StringField(required=True)
    kind = StringField(required=True)
    at = DateTimeField(required=True)
    due_at = DateTimeField(required=True)
    tries = IntField(default=0)
    about = StringField(default="")
    amount = LongField(default=0)
    refunded_before = LongField(default=0)
    until = DateTimeField()
    least = BooleanField(default=False)
    code = StringField(default="")
    stuck = StringField(default="")


class OrdersCredit(EmbeddedDocument):
    request_id = StringField(required=True)
    product_id = StringField(default="")
    amount = LongField(default=0)


class OrdersStop(EmbeddedDocument):
    recall_id = StringField(required=True)
    product_id = StringField(required=True)
    released = BooleanField(default=False)
    amount = LongField(default=0)
    paid = BooleanField(default=False)


class OrdersHappened(EmbeddedDocument):
    event = StringField(required=True)
    state = StringField(required=True)
    who = StringField(required=True)
    by = StringField(default="")
    reason = StringField(default="")
    at = DateTimeField(required=True)


class OrdersOrder(OutboxMixin, Document):
    meta = {  # noqa: RUF012
        "collection": "orders",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["code"], "unique": True},
            {"fields": ["buyer_id", "request_id"], "unique": True},
            {"fields": ["buyer_id", "placed_at"]},
            {"fields": ["seller_id", "placed_at"]},
            {"fields": ["merchant_id", "state", "placed_at"]},
            # A refund names its payment, and the end of a hold the hold, which is how their order is found.
            {"fields": ["payments.transfer_id"], "sparse": True},
            {"fields": ["holds.id"], "sparse": True},
            # What is to be done, by when; what has ended is in none of them.
            {"fields": ["next_at"], "sparse": True},
            {"fields": ["deadline"], "sparse": True},
            {"fields": ["stuck_at"], "sparse": True},
        ],
    }

    id = StringField(primary_key=True)
    code = StringField(required=True)
    checkout_id = StringField(default="")
    buyer_id = StringField(required=True)
    merchant_id = StringField(required=True)
    merchant_name = StringField(required=True)
    # The merchant's owner when it was placed.
    seller_id = StringField(required=True)
    lines = EmbeddedDocumentListField(OrdersLine)
    total = LongField(required=True)
    pay = StringField(default=Pay.QR.value)
    fulfilment = StringField(default=Fulfilment.PICKUP.value)
    # Encrypted; its buyer, stall and operators read it.
    deliver_to = BinaryField()
    state = StringField()
    pay_by = DateTimeField()
    deadline = DateTimeField()
    reserved_until = DateTimeField()
    stock = StringField()
    payments = EmbeddedDocumentListField(OrdersPayment)
    refunds = EmbeddedDocumentListField(OrdersRefund)
    holds = EmbeddedDocumentListField(OrdersHold)
    hold_id = StringField(default="")
    credits = EmbeddedDocumentListField(OrdersCredit)
    stops = EmbeddedDocumentListField(OrdersStop)
    returns = ListField(StringField())
    restock = BooleanField(default=False)
    carrier = StringField(default="")
    tracking_code = StringField(default="")
    steps = EmbeddedDocumentListField(OrdersStep)
    serial = LongField(default=0)
    history = EmbeddedDocumentListField(OrdersHappened)
    # Of its steps: when the next is to be done; since when one needs a person.
    next_at = DateTimeField()
    stuck_at = DateTimeField()
    qr_payload = StringField(default="")
    placed_at = DateTimeField(required=True)
    version = LongField(required=True)
    # The request of the checkout, and the stall.
    request_id = StringField(required=True)


class OrdersPlan(EmbeddedDocument):
    """An order that a checkout is going to place. `items`: product, base units, price that was shown.

    `lines`: what was set aside, where several orders are to be placed and everything is.
    """

    order_id = StringField(required=True)
    merchant_id = StringField(required=True)
    fulfilment = StringField(required=True)
    deliver_to = BinaryField()
    items = ListField(ListField(), required=True)
    lines = EmbeddedDocumentListField(OrdersLine)


class OrdersCheckout(Document):
    """What a buyer asked for in one go: written before anything is set aside, so that nothing is left half done."""

    meta = {  # noqa: RUF012
        "collection": "checkouts",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["buyer_id", "request_id"], "unique": True},
            # Those of which nobody knows yet whether they are through.
            {"fields": ["due_at"], "sparse": True},
            {"fields": ["placed_at"], "expireAfterSeconds": CHECKOUT_S},
        ],
    }

    id = StringField(primary_key=True)
    buyer_id = StringField(required=True)
    request_id = StringField(required=True)
    # What that request asked for, so that it is told from another one under the same id.
    fingerprint = StringField(required=True)
    pay = StringField(required=True)
    plans = EmbeddedDocumentListField(OrdersPlan)
    placed_at = DateTimeField(required=True)
    pay_by = DateTimeField(required=True)
    due_at = DateTimeField()
    # Everything is set aside: nothing is refused any more.
    agreed = BooleanField(default=False)
    # Why nothing was placed: a code of kit/errors.py, its words and details.
    refused = StringField(default="")
    message = StringField(default="")
    details = ListField(ListField(StringField()))
    traceparent = StringField(default="")


class OrdersHoldEnd(Document):
    """The end of a hold that no order knew when it was heard of: its order may hear of the hold itself only later."""

    meta = {  # noqa: RUF012
        "collection": "hold_ends",
        "auto_create_index": False,
        "indexes": [{"fields": ["heard_at"], "expireAfterSeconds": HOLD_END_S}],
    }

    id = StringField(primary_key=True)
    state = StringField(required=True)
    heard_at = DateTimeField(required=True)


DOCUMENTS = (OrdersOrder, OrdersCheckout, OrdersHoldEnd, OrdersProduct, OrdersMerchant)

_LISTS: dict[str, tuple[type[EmbeddedDocument], type[Any]]] = {
    "lines": (OrdersLine, Line),
    "payments": (OrdersPayment, Payment),
    "refunds": (OrdersRefund, Refund),
    "holds": (OrdersHold, Hold),
    "credits": (OrdersCredit, Credit),
    "stops": (OrdersStop, Stop),
    "steps": (OrdersStep, Step),
    "history": (OrdersHappened, Happened),
}
_ENUMS: dict[tuple[type[Any], str], type[Enum]] = {
    (Hold, "state"): HoldState,
    (Step, "kind"): Kind,
    (Happened, "state"): State,
    (Order, "state"): State,
    (Order, "stock"): Stock,
    (Order, "pay"): Pay,
    (Order, "fulfilment"): Fulfilment,
}


def to_order(document: OrdersOrder) -> Order:
    """The order that a document holds."""
    if document.state is None:
        _from_before(document)
    held: dict[str, Any] = {}
    for one in fields(Order):
        stored = getattr(document, one.name)
        if one.name in _LISTS:
            held[one.name] = tuple(_plain(_LISTS[one.name][1], part) for part in stored)
        elif one.name == "returns":
            held[one.name] = tuple(stored)
        elif one.name == "deliver_to":
            held[one.name] = decrypt(ADDRESS_FIELD, bytes(stored), document.id) if stored else ""
        else:
            held[one.name] = _read(Order, one.name, stored)
    return Order(**held)


def put_order(document: OrdersOrder, order: Order, before: Order | None = None) -> None:
    """Brings a document up to `order`; `before`: what it holds."""
    for one in fields(Order):
        value = getattr(order, one.name)
        if one.name == "id":  # setting it makes mongoengine think that it is stored
            continue
        if before is not None and value == getattr(before, one.name):
            continue
        if one.name in _LISTS:
            kind = _LISTS[one.name][0]
            setattr(document, one.name, [kind(**_stored(part)) for part in value])
        elif one.name == "deliver_to":
            document.deliver_to = encrypt(ADDRESS_FIELD, value, order.id) if value else None
        else:
            setattr(document, one.name, list(value) if one.name == "returns" else _write(value))
    document.total, document.next_at = order.total, order.next_at
    if order.stuck and document.stuck_at is None:
        document.stuck_at = order.history[-1].at
    elif not order.stuck:
        document.stuck_at = None


def read_line(stored: OrdersLine) -> Line:
    """A line that a document holds."""
    line: Line = _plain(Line, stored)
    return line


def stored_line(line: Line) -> OrdersLine:
    """The reverse."""
    return OrdersLine(**_stored(line))


def sealed(address: str) -> bytes | None:
    """An address as a plan keeps it."""
    return encrypt(PLAN_FIELD, address) if address else None


def unsealed(stored: bytes | None) -> str:
    """The reverse; "" for none."""
    return decrypt(PLAN_FIELD, bytes(stored)) if stored else ""


def _plain(kind: type[Any], stored: EmbeddedDocument) -> Any:
    return kind(**{one.name: _read(kind, one.name, getattr(stored, one.name)) for one in fields(kind)})


def _stored(part: Any) -> dict[str, Any]:
    return {one.name: _write(getattr(part, one.name)) for one in fields(part)}


def _read(kind: type[Any], name: str, value: Any) -> Any:
    enum = _ENUMS.get((kind, name))
    return enum(value) if enum else value


def _write(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _from_before(document: OrdersOrder) -> None:
    """An order of before orders had lives: paid is over, and what was not paid never will be."""
    payments = [_plain(Payment, one) for one in document.payments]
    refunds = [_plain(Refund, one) for one in document.refunds]
    state = State.EXPIRED if not payments else State.PICKED_UP if paid(payments, refunds) > 0 else State.REFUNDED
    at: datetime = document.placed_at
    # Nothing was set aside for it, so nothing is to be sold or released.
    document.state, document.stock = state.value, Stock.SOLD.value
    document.pay_by = document.reserved_until = at
