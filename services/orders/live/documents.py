"""Live sales' documents, and a sale to and from its document."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

from mongoengine import (
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

from kit.outbox import OutboxMixin
from services.orders.live.sale import ENDED, Happened, Line, Sale, State


class OrdersSaleLine(EmbeddedDocument):
    product_id = StringField(required=True)
    name = StringField(required=True)
    unit = StringField(required=True)
    lots = LongField(required=True)
    lot_size = LongField(required=True)
    price = LongField(required=True)
    cap = LongField(required=True)
    sold = LongField(default=0)


class OrdersSaleHappened(EmbeddedDocument):
    event = StringField(required=True)
    state = StringField(required=True)
    who = StringField(required=True)
    by = StringField(default="")
    reason = StringField(default="")
    at = DateTimeField(required=True)


class OrdersSale(OutboxMixin, Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "live_sales",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["owner_id", "request_id"], "unique": True},
            # Those that have not ended, by when there is something to do for them.
            {"fields": ["running", "begins_at"]},
            {"fields": ["merchant_id", "running"]},
        ],
    }

    id = StringField(primary_key=True)
    merchant_id = StringField(required=True)
    merchant_name = StringField(required=True)
    owner_id = StringField(required=True)
    request_id = StringField(required=True)
    # What that request asked for.
    fingerprint = StringField(required=True)
    title = StringField(required=True)
    opens_at = DateTimeField(required=True)
    closes_at = DateTimeField(required=True)
    pay_within_s = IntField(required=True)
    lines = EmbeddedDocumentListField(OrdersSaleLine)
    state = StringField(required=True)
    set_aside = BooleanField(default=False)
    sealed = BooleanField(default=False)
    trouble = StringField(default="")
    history = EmbeddedDocumentListField(OrdersSaleHappened)
    version = LongField(required=True)
    running = BooleanField(required=True)
    begins_at = DateTimeField(required=True)


class OrdersSaleSold(Document):
    """Which orders a sale has sold lots to, from when it is sealed."""

    meta = {"collection": "live_sold", "auto_create_index": False}  # noqa: RUF012

    # The sale's.
    id = StringField(primary_key=True)
    order_ids = ListField(StringField())


DOCUMENTS = (OrdersSale, OrdersSaleSold)

_PLAIN = (
    "id", "merchant_id", "merchant_name", "owner_id", "title", "opens_at", "closes_at", "set_aside", "sealed",
    "trouble", "version",
)  # fmt: skip


def to_sale(document: OrdersSale) -> Sale:
    """The sale that a document holds."""
    held: dict[str, Any] = {name: getattr(document, name) for name in _PLAIN}
    return Sale(
        **held,
        pay_within=timedelta(seconds=document.pay_within_s),
        lines=tuple(Line(**_fields(Line, one)) for one in document.lines),
        state=State(document.state),
        history=tuple(
            Happened(**{**_fields(Happened, one), "state": State(one.state)}) for one in document.history
        ),
    )  # fmt: skip


def put_sale(document: OrdersSale, sale: Sale) -> None:
    """Brings a document up to `sale`."""
    for name in _PLAIN:
        if name != "id" and getattr(document, name) != getattr(sale, name):
            setattr(document, name, getattr(sale, name))
    document.pay_within_s = int(sale.pay_within.total_seconds())
    document.lines = [OrdersSaleLine(**_fields(Line, one)) for one in sale.lines]
    document.state = sale.state.value
    document.history = [
        OrdersSaleHappened(**{**_fields(Happened, one), "state": one.state.value}) for one in sale.history
    ]
    document.running, document.begins_at = sale.state not in ENDED, sale.begins_at


def _fields(kind: Any, held: Any) -> dict[str, Any]:
    return {one.name: getattr(held, one.name) for one in fields(kind)}
