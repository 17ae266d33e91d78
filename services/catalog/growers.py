"""Copies of growers, and of which stall sells for which of them until when, as onboarding tells of them."""

from __future__ import annotations

from datetime import date

from cho.events.v1 import events_pb2
from mongoengine import BooleanField, Document, LongField, StringField
from mongoengine.errors import NotUniqueError

from kit.errors import NoRelation
from services.catalog.merchant import Merchant


class CatalogGrower(Document):
    """An enterprise. `representative_id`: the person who speaks for it."""

    meta = {"collection": "growers", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    id = StringField(primary_key=True)
    representative_id = StringField(required=True)
    grows = BooleanField(required=True)
    version = LongField(required=True)


class CatalogRelation(Document):
    """A grower lets a stall sell for it from a day to a day, both included; no `to_day`: until somebody ends it."""

    meta = {  # noqa: RUF012
        "collection": "relations",
        "auto_create_index": False,
        "indexes": [{"fields": ["merchant_id", "grower_id"]}],
    }

    id = StringField(primary_key=True)
    grower_id = StringField(required=True)
    merchant_id = StringField(required=True)
    from_day = StringField(required=True)
    to_day = StringField(default="")
    version = LongField(required=True)


def apply_grower(told: events_pb2.EnterpriseChanged) -> None:
    """Remembers an enterprise, unless as much or more is known already."""
    try:
        CatalogGrower.objects(id=told.enterprise_id, version__lt=told.version).update_one(
            upsert=True,
            set__representative_id=told.representative_id,
            set__grows=told.grows,
            set__version=told.version,
        )
    except NotUniqueError:
        return  # a version at least as new is there


def apply_relation(told: events_pb2.RelationChanged) -> None:
    """Remembers a relation, unless as much or more is known already."""
    try:
        CatalogRelation.objects(id=told.relation_id, version__lt=told.version).update_one(
            upsert=True,
            set__grower_id=told.grower_id,
            set__merchant_id=told.merchant_id,
            set__from_day=told.from_day,
            set__to_day=told.to_day,
            set__version=told.version,
        )
    except NotUniqueError:
        return


def last_day(merchant: Merchant, grower_id: str, today: date) -> date | None:
    """The last day on which the stall sells for the grower; None where that has no end, as of what its owner grows.

    Raises NoRelation where it does not today.
    """
    grower = CatalogGrower.objects(id=grower_id).first()
    if grower is not None and grower.grows and grower.representative_id == merchant.owner_id:
        return None
    known = CatalogRelation.objects(merchant_id=merchant.id, grower_id=grower_id)
    begun = [one.to_day for one in known if one.from_day <= today.isoformat()]
    if "" in begun:
        return None
    if not begun or max(begun) < today.isoformat():
        raise NoRelation("the grower does not let this stall sell for it today", grower_id=grower_id)
    return date.fromisoformat(max(begun))


def ended_day(merchant: Merchant, grower_id: str, today: date) -> date | None:
    """As `last_day`, but the day that is over where the stall does not sell for the grower any more."""
    try:
        return last_day(merchant, grower_id, today)
    except NoRelation:
        begun = CatalogRelation.objects(merchant_id=merchant.id, grower_id=grower_id)
        ends = [one.to_day for one in begun if one.from_day <= today.isoformat()]
        return date.fromisoformat(max(ends)) if ends else date.min
