"""Ratings' documents, and a rating to and from its document."""

from __future__ import annotations

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

from services.orders.ratings.rating import Event, Happened, Rating


class OrdersRatingHappened(EmbeddedDocument):
    event = StringField(required=True)
    by = StringField(required=True)
    points = IntField(required=True)
    reason = StringField(default="")
    at = DateTimeField(required=True)
    request_id = StringField(required=True)
    body = StringField(required=True)


class OrdersRating(Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "ratings",
        "auto_create_index": False,
        "indexes": [
            # One an order, whoever is at it at once.
            {"fields": ["order_id"], "unique": True},
            # Pages, newest first (an id sorts by its time), and what is counted.
            {"fields": ["merchant_id", "public", "id"]},
            {"fields": ["product_ids", "public", "id"]},
            {"fields": ["hidden", "id"]},
            {"fields": ["buyer_id"]},
        ],
    }

    id = StringField(primary_key=True)
    order_id = StringField(required=True)
    merchant_id = StringField(required=True)
    buyer_id = StringField(required=True)
    product_ids = ListField(StringField())
    points = IntField(required=True)
    comment = StringField(default="")
    answer = StringField(default="")
    hidden = BooleanField(required=True)
    public = BooleanField(required=True)
    history = EmbeddedDocumentListField(OrdersRatingHappened)
    version = LongField(required=True)


class OrdersPerson(Document):
    """What orders has to know of a person, as identity last told. `person_id`: the same for all accounts of one
    citizen; "" where nobody has seen the card. Both are empty of who is erased."""

    meta = {"collection": "people", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    # Masked, as a payer may see it.
    name = StringField(default="")
    person_id = StringField(default="")
    version = LongField(required=True)


DOCUMENTS = (OrdersRating, OrdersPerson)


def to_rating(document: OrdersRating) -> Rating:
    """The rating that a document holds."""
    return Rating(
        id=document.id, order_id=document.order_id, merchant_id=document.merchant_id, buyer_id=document.buyer_id,
        product_ids=tuple(document.product_ids), points=document.points, comment=document.comment,
        answer=document.answer, hidden=document.hidden, version=document.version,
        history=tuple(
            Happened(Event(one.event), one.by, one.points, one.reason, one.at, one.request_id, one.body)
            for one in document.history
        ),
    )  # fmt: skip


def put_rating(document: OrdersRating, rating: Rating) -> None:
    """Brings a document up to `rating`."""
    document.order_id, document.merchant_id, document.buyer_id = rating.order_id, rating.merchant_id, rating.buyer_id
    document.product_ids, document.points, document.comment = list(rating.product_ids), rating.points, rating.comment
    document.answer, document.hidden, document.public = rating.answer, rating.hidden, rating.public
    document.version = rating.version
    document.history = [
        OrdersRatingHappened(
            event=one.event.value, by=one.by, points=one.points, reason=one.reason, at=one.at,
            request_id=one.request_id, body=one.body,
        )
        for one in rating.history
    ]  # fmt: skip
