"""How sheets look in MongoDB."""

from __future__ import annotations

from mongoengine import DateTimeField, Document, EmbeddedDocument, EmbeddedDocumentListField, IntField, StringField


class CatalogSheetRow(EmbeddedDocument):
    """A row as JSON; `{}` of nothing."""

    number = IntField(required=True)
    action = StringField(required=True)
    product_id = StringField()
    name = StringField()
    values = StringField(default="{}")
    before = StringField(default="{}")
    problems = StringField(default="[]")
    done = IntField(default=0)


class CatalogSheet(Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "sheets",
        "auto_create_index": False,
        "indexes": [{"fields": ["gone_at"], "expireAfterSeconds": 0}, {"fields": ["state", "created_at"]}],
    }

    id = StringField(primary_key=True)
    merchant_id = StringField(required=True)
    made_by = StringField(required=True)
    fingerprint = StringField(required=True)
    state = StringField(required=True)
    rows = EmbeddedDocumentListField(CatalogSheetRow)
    # Rows looked at so far while it is carried out.
    at = IntField(required=True)
    created_at = DateTimeField(required=True)
    gone_at = DateTimeField(required=True)
