"""Reconciliations and breaks as MongoDB keeps them, with the indexes that their queries go by."""

from __future__ import annotations

from mongoengine import BinaryField, BooleanField, DictField, Document, LongField, StringField

PAGE_MAX = 200
# `recency` begins with 15 digits of ms, so these lie outside of every one.
BEFORE_ALL, AFTER_ALL = "/", ":"


class ReconciliationDocument(Document):
    """A file and what became of it."""

    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "reconciliations",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["stream", "kind", "message_id", "statement_id"], "unique": True},
            ("institution", "recency"),
        ],
    }

    id = StringField(primary_key=True)
    institution = StringField(required=True)
    stream = StringField(required=True)
    scope = StringField(required=True)
    kind = StringField(required=True)
    message_id = StringField(required=True)
    statement_id = StringField()
    name = StringField()
    sha256 = StringField(required=True)
    rules = StringField(required=True)
    rules_json = StringField(required=True)
    state = StringField(required=True)
    as_of = StringField()
    totals = DictField()
    by_rule = DictField()
    by_type = DictField()
    breaks = LongField()
    at_risk = LongField()
    made_by = StringField(required=True)
    made_ms = LongField(required=True)
    run_by = StringField()
    run_ms = LongField()
    recency = StringField(required=True)


class BreakDocument(Document):
    """A break (services/settlement/matching/breaks.py). `life` holds its proposal and history."""

    meta = {  # noqa: RUF012
        "collection": "breaks",
        "auto_create_index": False,
        "indexes": [
            ("institution", "state", "recency"),
            ("stream", "active", "recency"),
            ("reconciliation_id", "recency"),
        ],
    }

    id = StringField(primary_key=True)
    institution = StringField(required=True)
    stream = StringField(required=True)
    scope = StringField(required=True)
    reconciliation_id = StringField(required=True)
    state = StringField(required=True)
    # Whether somebody still has to do something.
    active = BooleanField(required=True)
    type = StringField(required=True)
    detail = StringField()
    severity = StringField(required=True)
    reference = StringField()
    due_on = StringField(required=True)
    at_risk = LongField(required=True)
    difference = LongField(required=True)
    # Encrypted.
    facts = BinaryField(required=True)
    opened_ms = LongField(required=True)
    owner = StringField()
    approved_by = StringField()
    transfer_id = StringField()
    life = StringField(required=True)
    version = LongField(required=True)
    recency = StringField(required=True)


DOCUMENTS = (ReconciliationDocument, BreakDocument)
