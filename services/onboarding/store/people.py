"""Enterprises and relations in MongoDB."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

from cho.events.v1 import events_pb2
from mongoengine import BinaryField, BooleanField, DateTimeField, Document, IntField, StringField
from mongoengine.errors import NotUniqueError

from kit import clock, crypto
from kit.errors import AlreadyExists, IdempotencyConflict, InvalidArgument, LimitExceeded, NotFound
from kit.identifiers import tax
from kit.outbox import OutboxMixin
from services.onboarding import people as rules
from services.onboarding.merchant import reason_of
from services.onboarding.people import Enterprise, Kind, Relation
from services.onboarding.store.document import sort_key
from services.onboarding.store.merchants import document_of

ENTERPRISES_PER_PERSON_MAX = 100
# Of one grower or one stall, those that ended included: what is listed at once.
RELATIONS_MAX = 200

TAX_FIELD = "enterprises.tax_code"
_BEFORE_ALL, _AFTER_ALL = "/", ":"


class EnterpriseDocument(OutboxMixin, Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "enterprises",
        "auto_create_index": False,
        "indexes": [
            ("representative_id", "recency"),
            # A household without a tax code has none.
            {"fields": ["tax_index"], "unique": True, "sparse": True},
        ],
    }

    id = StringField(primary_key=True)
    fingerprint = StringField(required=True)
    kind = StringField(required=True)
    name = StringField(required=True)
    tax_code = BinaryField(required=True)
    tax_index = StringField()
    representative_id = StringField(required=True)
    grows = BooleanField(required=True)
    sells = BooleanField(required=True)
    ward_code = StringField(required=True)
    registered_at = DateTimeField(required=True)
    registered_by = StringField(required=True)
    recency = StringField(required=True)
    version = IntField(required=True)


class RelationDocument(OutboxMixin, Document):
    meta = {  # noqa: RUF012
        "collection": "relations",
        "auto_create_index": False,
        "indexes": [("grower_id", "recency"), ("merchant_id", "recency")],
    }

    id = StringField(primary_key=True)
    grower_id = StringField(required=True)
    merchant_id = StringField(required=True)
    from_day = StringField(required=True)
    to_day = StringField(default="")
    started_by = StringField(required=True)
    ended_by = StringField(default="")
    reason = StringField(default="")
    version = IntField(required=True)
    made_at = DateTimeField(required=True)
    recency = StringField(required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """An enterprise as it may be shown: `tax_code` is masked where it is a person's. Times are UTC."""

    enterprise_id: str
    enterprise: Enterprise
    tax_code: str
    registered_at: datetime
    registered_by: str
    version: int


# --- enterprises


def register_enterprise(enterprise: Enterprise, by: str, traceparent: str = "") -> Registered:
    """Stores an enterprise with its event, or finds it stored by the same request.

    Raises InvalidArgument, AlreadyExists (the tax code is another's), IdempotencyConflict.
    """
    enterprise = rules.checked(enterprise)
    now, enterprise_id = clock.now(), f"ent_{enterprise.request_id.replace('-', '')}"
    body = json.dumps({**asdict(enterprise), "by": by}, sort_keys=True)
    document = EnterpriseDocument(
        id=enterprise_id,
        fingerprint=crypto.blind_index("enterprises.fingerprint", body),
        kind=enterprise.kind.value,
        name=enterprise.name,
        tax_code=crypto.encrypt(TAX_FIELD, enterprise.tax_code, enterprise_id),
        tax_index=crypto.blind_index("enterprises.tax", enterprise.tax_code) if enterprise.tax_code else None,
        representative_id=enterprise.representative_id,
        grows=enterprise.grows,
        sells=enterprise.sells,
        ward_code=enterprise.ward_code,
        registered_at=now,
        registered_by=by,
        recency=sort_key(now, enterprise_id),
        version=1,
    )
    told = events_pb2.EnterpriseChanged(
        enterprise_id=enterprise_id,
        kind=enterprise.kind.value,
        representative_id=enterprise.representative_id,
        grows=enterprise.grows,
        sells=enterprise.sells,
        ward_code=enterprise.ward_code,
        version=1,
    )
    document.add_event("enterprise.registered", enterprise_id, told, traceparent)
    try:
        document.save()
    except NotUniqueError as error:
        stored = EnterpriseDocument.objects(id=enterprise_id).first()
        if stored is None:
            raise AlreadyExists("another enterprise has this tax code") from error
        if stored.fingerprint != document.fingerprint:
            raise IdempotencyConflict("request_id was used for another enterprise") from error
        return _registered(stored)
    return _registered(document)


def enterprise(enterprise_id: str) -> Registered:
    """Raises NotFound."""
    found = EnterpriseDocument.objects(id=enterprise_id).first()
    if found is None:
        raise NotFound("there is no such thing, or it is not yours")
    return _registered(found)


def enterprises_of(representative_id: str) -> list[Registered]:
    """Newest first, at most ENTERPRISES_PER_PERSON_MAX."""
    found = EnterpriseDocument.objects(
        representative_id=representative_id, recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL
    )
    return [_registered(one) for one in found.order_by("-recency").limit(ENTERPRISES_PER_PERSON_MAX)]


def _registered(document: EnterpriseDocument) -> Registered:
    code = crypto.decrypt(TAX_FIELD, document.tax_code, document.id)
    return Registered(
        enterprise_id=document.id,
        enterprise=Enterprise(
            request_id="",
            kind=Kind(document.kind),
            name=document.name,
            representative_id=document.representative_id,
            grows=document.grows,
            sells=document.sells,
            ward_code=document.ward_code,
        ),
        tax_code=crypto.mask(code, 3) if tax.is_personal(code) else code,
        registered_at=document.registered_at,
        registered_by=document.registered_by,
        version=document.version,
    )


# --- relations


def start_relation(relation: Relation, traceparent: str = "") -> Relation:
    """Stores a relation with its event, or finds it stored by the same request.

    Raises NotFound (the grower or the stall), InvalidArgument (it does not grow), AlreadyExists (the two have one in
    force in that time), LimitExceeded, IdempotencyConflict.
    """
    stored = RelationDocument.objects(id=relation.relation_id).first()
    if stored is None:
        if not enterprise(relation.grower_id).enterprise.grows:
            raise InvalidArgument("the enterprise is no grower", vi="Hộ, hợp tác xã này không phải người trồng.")
        document_of(relation.merchant_id)
        with_both = relations_of(merchant_id=relation.merchant_id)
        if len(with_both) >= RELATIONS_MAX:
            raise LimitExceeded(f"at most {RELATIONS_MAX} relations of one stall")
        if any(one.grower_id == relation.grower_id and _overlap(one, relation) for one in with_both):
            raise AlreadyExists("the stall sells for this grower in that time already")
        document = RelationDocument(
            id=relation.relation_id,
            recency=sort_key(relation.made_at, relation.relation_id),
            **{name: value for name, value in asdict(relation).items() if name != "relation_id"},
        )
        document.add_event("relation.started", relation.relation_id, _fact(relation), traceparent)
        try:
            document.save()
        except NotUniqueError:  # the same request, twice at once
            stored = RelationDocument.objects(id=relation.relation_id).get()
        else:
            return relation
    found = _relation(stored)
    if replace(relation, made_at=found.made_at) != found and found.version == 1:
        raise IdempotencyConflict("request_id was used for another relation")
    return found


def end_relation(
    relation_id: str, to_day: str, by: str, reason: str, today: date, traceparent: str = ""
) -> Relation:  # fmt: skip
    """Ends a relation with its event. Raises NotFound, InvalidArgument, WrongState, Contention, Overloaded."""
    stored = RelationDocument.objects(id=relation_id).first()
    if stored is None:
        raise NotFound("there is no such thing, or it is not yours")
    ended = rules.end(_relation(stored), to_day, by, reason_of(reason), today)
    for name in ("to_day", "ended_by", "reason", "version"):
        stored[name] = getattr(ended, name)
    stored.add_event("relation.ended", relation_id, _fact(ended), traceparent)
    stored.save(save_condition={"version": ended.version - 1})
    return ended


def relation(relation_id: str) -> Relation:
    """Raises NotFound."""
    stored = RelationDocument.objects(id=relation_id).first()
    if stored is None:
        raise NotFound("there is no such thing, or it is not yours")
    return _relation(stored)


def relations_of(*, grower_id: str = "", merchant_id: str = "") -> list[Relation]:
    """Newest first, at most RELATIONS_MAX, those that ended included. Raises InvalidArgument."""
    if bool(grower_id) == bool(merchant_id):
        raise InvalidArgument("one of grower_id and merchant_id")
    whose = {"grower_id": grower_id} if grower_id else {"merchant_id": merchant_id}
    found = RelationDocument.objects(recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL, **whose)
    return [_relation(one) for one in found.order_by("-recency").limit(RELATIONS_MAX)]


def _overlap(one: Relation, other: Relation) -> bool:
    late = "9999-12-31"
    return one.from_day <= (other.to_day or late) and other.from_day <= (one.to_day or late)


def _relation(document: RelationDocument) -> Relation:
    names = ("grower_id", "merchant_id", "from_day", "to_day", "started_by", "ended_by", "reason", "version", "made_at")
    return Relation(relation_id=document.id, **{name: document[name] for name in names})


def _fact(relation: Relation) -> events_pb2.RelationChanged:
    return events_pb2.RelationChanged(
        relation_id=relation.relation_id,
        grower_id=relation.grower_id,
        merchant_id=relation.merchant_id,
        from_day=relation.from_day,
        to_day=relation.to_day,
        version=relation.version,
    )
