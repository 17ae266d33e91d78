"""Once-only effects: a document keeps the ids of the events it has taken, written together with what they
did.

For handlers whose effect is on one document and adds up (stock goes down, a paid amount goes up). Where an
event carries state and a version, compare versions instead; that needs no list:

    Merchant.objects(id=event.subject, version__lt=changed.version).update_one(set__name=changed.name, ...)
"""

from __future__ import annotations

from typing import Any

from mongoengine import ListField, StringField

from kit.errors import NotFound

# Ids a document remembers. More events than this between two deliveries of one would apply it twice: retries
# take minutes, and as long as an engine is away that the handler needs afterwards, so a document that takes more
# in that time needs versions.
SEEN_MAX = 100


class OnceMixin:
    """For a mongoengine Document that takes events."""

    seen_events = ListField(StringField())


def apply_once(document: type[Any], id: str, event_id: str, update: dict[str, Any]) -> bool:
    """Applies a raw MongoDB `update` and remembers `event_id`, in one write; False where it was applied
    before.

    `update` must not touch `seen_events`, and has no `$push` of its own. Raises NotFound where there is no
    document.
    """
    assert "$push" not in update, "the id is pushed beside it"
    remember = {"$push": {"seen_events": {"$each": [event_id], "$slice": -SEEN_MAX}}}
    collection = document._get_collection()
    result = collection.update_one({"_id": id, "seen_events": {"$ne": event_id}}, {**update, **remember})
    if result.matched_count:
        return True
    if collection.find_one({"_id": id}, {"_id": 1}) is None:
        raise NotFound(f"there is no {document.__name__} {id}")
    return False
