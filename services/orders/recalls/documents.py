"""Recalls' documents, and a recall to and from its document."""

from __future__ import annotations

from mongoengine import (
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    ListField,
    LongField,
    MapField,
    StringField,
)

from kit.outbox import OutboxMixin
from services.orders.recalls.recall import Line, LineState, Recall, State, Tally


class OrdersRecallTally(EmbeddedDocument):
    lines = LongField(required=True)
    amount = LongField(required=True)


class OrdersRecall(OutboxMixin, Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "recalls",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["opened_by", "request_id"], "unique": True},
            {"fields": ["state", "opened_at"]},
        ],
    }

    id = StringField(primary_key=True)
    product_id = StringField(required=True)
    lot_id = StringField(required=True)
    reason = StringField(required=True)
    opened_by = StringField(required=True)
    opened_at = DateTimeField(required=True)
    state = StringField(required=True)
    sales = ListField(StringField())
    decided_by = StringField(default="")
    decided_at = DateTimeField()
    ended_at = DateTimeField()
    withdrawn_for = StringField(default="")
    refused = StringField(default="")
    tallies = MapField(EmbeddedDocumentField(OrdersRecallTally))
    version = LongField(required=True)
    request_id = StringField(required=True)


class OrdersRecallLine(Document):
    """An order of a recall; its id is both of theirs."""

    meta = {  # noqa: RUF012
        "collection": "recall_lines",
        "auto_create_index": False,
        "indexes": [
            # Pages of a recall's lines, and what is left to be done, whatever was not looked at for longest first.
            {"fields": ["recall_id", "order_id"]},
            {"fields": ["recall_id", "state", "looked_at"]},
        ],
    }

    id = StringField(primary_key=True)
    recall_id = StringField(required=True)
    order_id = StringField(required=True)
    quantity = LongField(required=True)
    state = StringField(required=True)
    amount = LongField(default=0)
    code = StringField(default="")
    looked_at = DateTimeField(required=True)


DOCUMENTS = (OrdersRecall, OrdersRecallLine)


def to_recall(document: OrdersRecall) -> Recall:
    """The recall that a document holds."""
    return Recall(
        id=document.id, product_id=document.product_id, lot_id=document.lot_id, reason=document.reason,
        opened_by=document.opened_by, opened_at=document.opened_at, state=State(document.state),
        sales=tuple(document.sales), decided_by=document.decided_by, decided_at=document.decided_at,
        ended_at=document.ended_at, withdrawn_for=document.withdrawn_for, refused=document.refused,
        tallies={LineState(name): Tally(one.lines, one.amount) for name, one in document.tallies.items()},
        version=document.version,
    )  # fmt: skip


def put_recall(document: OrdersRecall, recall: Recall) -> None:
    """Brings a document up to `recall`."""
    document.product_id, document.lot_id, document.reason = recall.product_id, recall.lot_id, recall.reason
    document.opened_by, document.opened_at = recall.opened_by, recall.opened_at
    document.state, document.sales = recall.state.value, list(recall.sales)
    document.decided_by, document.decided_at, document.ended_at = recall.decided_by, recall.decided_at, recall.ended_at
    document.withdrawn_for, document.refused, document.version = recall.withdrawn_for, recall.refused, recall.version
    document.tallies = {
        state.value: OrdersRecallTally(lines=one.lines, amount=one.amount) for state, one in recall.tallies.items()
    }


def to_line(document: OrdersRecallLine) -> Line:
    """A recall's line that a document holds."""
    return Line(
        document.recall_id, document.order_id, document.quantity, LineState(document.state), document.amount,
        document.code,
    )  # fmt: skip
