"""Webhooks' documents and those of their deliveries."""

from __future__ import annotations

from mongoengine import (
    BinaryField,
    BooleanField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    ListField,
    LongField,
    StringField,
)

from services.payments.hooks import Topic


class LineDocument(EmbeddedDocument):
    cursor = LongField(required=True)
    tries = LongField(required=True)
    due_ms = LongField(required=True)
    failing_ms = LongField(required=True)


class WebhookDocument(Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "webhooks",
        "auto_create_index": False,
        "indexes": ["merchant_id"],
    }

    id = StringField(primary_key=True)
    merchant_id = StringField(required=True)
    url = StringField(required=True)
    state = StringField(required=True)
    secret = BinaryField(required=True)
    old_secret = BinaryField()
    old_until_ms = LongField(required=True)
    # None in documents from before there were goods.
    topics = ListField(StringField())
    goods = EmbeddedDocumentField(LineDocument)
    # The line of payments.
    cursor = LongField(required=True)
    tries = LongField(required=True)
    due_ms = LongField(required=True)
    failing_ms = LongField(required=True)
    last_ms = LongField(required=True)
    last_status = LongField(required=True)
    last_error = StringField()
    created_ms = LongField(required=True)
    # Who made it or went on with it: whoever has the merchant later is not told of by theirs.
    owner_id = StringField(required=True)
    woken = LongField(required=True)


class DeliveryDocument(Document):
    meta = {  # noqa: RUF012
        "collection": "webhook_deliveries",
        "auto_create_index": False,
        "indexes": [
            ("hook_id", "state", "seq"),
            ("hook_id", "seq"),
            ("hook_id", "again", "seq"),
            {"fields": ["gone_at"], "expireAfterSeconds": 0},
        ],
    }

    id = StringField(primary_key=True)
    # Its line's.
    hook_id = StringField(required=True)
    seq = LongField(required=True)
    type = StringField(required=True)
    body = BinaryField(required=True)
    state = StringField(required=True)
    attempts = LongField(required=True)
    last_status = LongField(required=True)
    last_error = StringField()
    created_ms = LongField(required=True)
    delivered_ms = LongField(required=True)
    again = BooleanField(required=True)
    # Of the request that moved the money; kept where it is traced.
    traceparent = StringField()
    gone_at = DateTimeField(required=True)


DOCUMENTS = (WebhookDocument, DeliveryDocument)


def topics_of(found: WebhookDocument) -> list[Topic]:
    """What the webhook of a document is told of, payments first."""
    named = found.topics or [Topic.PAYMENTS.value]
    return [topic for topic in Topic if topic.value in named]
