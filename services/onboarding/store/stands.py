"""Printed codes in MongoDB: one document a merchant whose code was reissued or scanned, its whole story in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cho.events.v1 import events_pb2
from mongoengine import (
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    StringField,
)
from mongoengine.errors import NotUniqueError

from kit import clock
from kit.errors import Contention
from kit.outbox import OutboxMixin
from services.onboarding.stands import issue as rules
from services.onboarding.stands.issue import Reissue, Stand


class ReissueEntry(EmbeddedDocument):
    request_id = StringField(required=True)
    issue = IntField(required=True)
    at = DateTimeField(required=True)
    by = StringField(required=True)
    reason = StringField(required=True)


class StandDocument(OutboxMixin, Document):
    meta = {"collection": "stands", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    # The merchant's.
    id = StringField(primary_key=True)
    issue = IntField(required=True)
    reissues = EmbeddedDocumentListField(ReissueEntry)
    # When a scan of what sticks at the stall last proved that it pays this merchant.
    proven_at = DateTimeField()


def stand(merchant_id: str) -> Stand:
    """Of a merchant whose code was never reissued, the first issue."""
    document = StandDocument.objects(id=merchant_id).first()
    return _stand(document) if document is not None else Stand(merchant_id)


def issues(merchant_ids: Sequence[str]) -> dict[str, int]:
    """Issues in force of those merchants whose code was reissued; the others' is 1."""
    found = StandDocument.objects(id__in=list(merchant_ids)).only("issue")
    return {document.id: document.issue for document in found}


def reissue(merchant_id: str, *, request_id: str, by: str, reason: str, traceparent: str = "") -> Stand:
    """Begins the next issue, with its event in the same write; what is there where the same request began it already.

    Raises what `rules.reissued` raises, Contention, and Overloaded where its events have not been published for long.
    """
    document = StandDocument.objects(id=merchant_id).first()
    stored = _stand(document) if document is not None else Stand(merchant_id)
    changed = rules.reissued(stored, request_id=request_id, at=clock.now(), by=by, reason=reason)
    if changed == stored:
        return stored
    known = document is not None
    if document is None:
        document = StandDocument(id=merchant_id)
    new = changed.reissues[-1]
    document.issue = new.issue
    document.reissues.append(
        ReissueEntry(request_id=new.request_id, issue=new.issue, at=new.at, by=new.by, reason=new.reason)
    )
    told = events_pb2.StandReissued(merchant_id=merchant_id, issue=new.issue)
    document.add_event("stand.reissued", merchant_id, told, traceparent)
    try:
        document.save(save_condition={"issue": stored.issue} if known else None)
    except NotUniqueError:
        raise Contention("somebody else reissued this code at the same time: look before you repeat it") from None
    return changed


def proven(merchant_id: str, at: datetime) -> None:
    """A scan proved that the sticker pays this merchant. `at` is UTC."""
    StandDocument.objects(id=merchant_id).update_one(upsert=True, set__proven_at=at, set_on_insert__issue=1)


def proven_at(merchant_id: str) -> datetime | None:
    """When that was last, UTC; None for never."""
    document = StandDocument.objects(id=merchant_id).only("proven_at").first()
    return document.proven_at if document is not None else None


def _stand(document: StandDocument) -> Stand:
    return Stand(
        document.id,
        tuple(Reissue(one.request_id, one.issue, one.at, one.by, one.reason) for one in document.reissues),
    )
