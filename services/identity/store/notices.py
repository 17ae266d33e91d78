"""Messages that were sent to people because of an event, so that one which is delivered again is not sent again."""

from __future__ import annotations

from datetime import datetime, timedelta

from mongoengine import DateTimeField, Document, StringField

# An event is delivered again within minutes.
KEPT = timedelta(days=7)


class Notice(Document):
    """By the event's id."""

    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "notices",
        "auto_create_index": False,
        "indexes": [{"fields": ["sent_at"], "expireAfterSeconds": int(KEPT.total_seconds())}],
    }

    id = StringField(primary_key=True)
    sent_at = DateTimeField(required=True)


def was_sent(event_id: str) -> bool:
    """Whether this event's message was sent."""
    return Notice.objects(id=event_id).only("id").first() is not None


def remember_sent(event_id: str, at: datetime) -> None:
    """It was; again, nothing changes."""
    Notice(id=event_id, sent_at=at).save()
