"""Events inside the document (DESIGN D4): one write stores the new state and what there is to tell about it.

    class Merchant(OutboxMixin, Document):
        id = StringField(primary_key=True)
        version = IntField(required=True)

    merchant.state, merchant.version = "active", merchant.version + 1
    merchant.add_event("merchant.activated", merchant.id, MerchantChanged(...))
    merchant.save(save_condition={"version": merchant.version - 1})

or, without reading the document first:

    Merchant.objects(id=id, version=3).update_one(
        set__state="active", inc__version=1, push__outbox=outbox_event("merchant.activated", id,
        MerchantChanged(...))
    )

A worker's `kit.streams.relay.Relay` publishes them and clears them. This half knows neither eventlet nor
nameko.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from google.protobuf.message import Message
from mongoengine import BinaryField, DateTimeField, EmbeddedDocument, EmbeddedDocumentListField, StringField
from mongoengine.errors import SaveConditionError

from kit.clock import now
from kit.errors import Contention, Overloaded
from kit.ids import new_id
from kit.streams.event import Event

# Events that may wait in one document. The relay clears them within a second; at the limit it has been down
# for long, and the document takes no more changes that have to be told.
WAITING_MAX = 64

# Finds the documents with waiting events, by their index.
WAITING = {"outbox.id": {"$gte": "evt_"}}


class OutboxEvent(EmbeddedDocument):
    """A fact that waits to be published. Its source is the stream's service, which the relay knows."""

    id = StringField(required=True)
    type = StringField(required=True)
    subject = StringField(required=True)
    time = DateTimeField(required=True)
    traceparent = StringField(default="")
    data = BinaryField(required=True)


def outbox_event(type: str, subject: str, message: Message, traceparent: str = "") -> OutboxEvent:
    """A new event, now. `type` is a fact in the past tense, `message` one of cho/events/v1."""
    return OutboxEvent(
        id=new_id("evt"),
        type=type,
        subject=subject,
        time=now(),
        traceparent=traceparent,
        data=message.SerializeToString(),
    )


class OutboxMixin:
    """For a mongoengine Document that tells others of its changes."""

    # Documents without waiting events are not in it, so finding the others costs the same however many there
    # are.
    meta: ClassVar[dict[str, Any]] = {"indexes": [{"fields": ["outbox.id"], "sparse": True}]}
    outbox = EmbeddedDocumentListField(OutboxEvent)

    def add_event(self, type: str, subject: str, message: Message, traceparent: str = "") -> OutboxEvent:
        """Told when the document is saved. Raises Overloaded where WAITING_MAX events wait already."""
        if len(self.outbox) >= WAITING_MAX:
            raise Overloaded(f"{WAITING_MAX} events of {subject} wait to be published")
        event = outbox_event(type, subject, message, traceparent)
        self.outbox.append(event)
        return event

    def save(self, *args: Any, **kwargs: Any) -> Any:
        """mongoengine's, so that no event is lost or told of a state that was never stored.

        A stored document with a new event is saved on a condition that fails if another writer was faster,
        `save_condition={"version": ...}`: raises Contention where it fails, ValueError where there is none. A new
        document never takes the place of a stored one: raises NotUniqueError.
        """
        if self._created:  # type: ignore[attr-defined]
            kwargs["force_insert"] = True
        elif self._new_events() and not kwargs.get("save_condition"):
            raise ValueError("a stored document with a new event is saved on a condition (save_condition)")
        try:
            saved = super().save(*args, **kwargs)  # type: ignore[misc]
        except SaveConditionError as error:
            raise Contention(f"{self.pk} was changed by another writer") from error  # type: ignore[attr-defined]
        for event in self.outbox:
            event._created = False
        return saved

    def _get_update_doc(self) -> dict[str, Any]:
        """mongoengine's, which would write the whole list as this process knows it, and bring back what the relay has
        published and cleared in the meantime."""
        update = super()._get_update_doc()  # type: ignore[misc]
        if new := self._new_events():
            update["$set"].pop("outbox")
            update["$push"] = {"outbox": {"$each": [event.to_mongo() for event in new]}}
        return {operator: changes for operator, changes in update.items() if changes}

    def _new_events(self) -> list[OutboxEvent]:
        return [event for event in self.outbox if event._created]


def stored_events(document: dict[str, Any], source: str) -> Iterator[Event]:
    """The waiting events of a document as MongoDB gives it, in the order in which they were added."""
    for stored in document["outbox"]:
        yield Event(
            id=stored["id"],
            type=stored["type"],
            source=source,
            subject=stored["subject"],
            time=stored["time"],
            traceparent=stored.get("traceparent", ""),
            data=bytes(stored["data"]),
        )
