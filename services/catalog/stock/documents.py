"""How stock and reservations look in MongoDB. Quantities are in base units, prices in đồng a unit."""

from __future__ import annotations

from datetime import date

from mongoengine import (
    BooleanField,
    DateTimeField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    LongField,
    StringField,
)

from services.catalog.stock.facts import Certificate, Facts, Loss
from services.catalog.stock.shelf import Hold, Lot, Take, TakenBack


class CatalogCertificate(EmbeddedDocument):
    name = StringField(required=True)
    number = StringField(required=True)
    issuer = StringField()
    valid_from = StringField(required=True)
    valid_to = StringField(required=True)


class CatalogLoss(EmbeddedDocument):
    id = StringField(required=True)
    quantity = LongField(required=True)
    reason = StringField(required=True)
    by = StringField(required=True)
    at = DateTimeField(required=True)


class CatalogTakenBack(EmbeddedDocument):
    order_id = StringField(required=True)
    quantity = LongField(required=True)


class CatalogLot(EmbeddedDocument):
    """Days are Vietnam's, "2026-03-01"."""

    id = StringField(required=True)
    received = LongField(required=True)
    on_hand = LongField(required=True)
    reserved = LongField(required=True)
    sold = LongField(required=True)
    written_off = LongField(required=True)
    sell_by = StringField()
    until = StringField()
    grower_id = StringField()
    area_code = StringField()
    harvest_day = StringField()
    ocop_stars = IntField()
    certificates = EmbeddedDocumentListField(CatalogCertificate)
    losses = EmbeddedDocumentListField(CatalogLoss)
    recall_id = StringField()
    taken_back = EmbeddedDocumentListField(CatalogTakenBack)


class CatalogTake(EmbeddedDocument):
    lot_id = StringField(required=True)
    quantity = LongField(required=True)


class CatalogHold(EmbeddedDocument):
    order_id = StringField(required=True)
    turn = IntField(required=True)
    due_at = DateTimeField(required=True)
    price = LongField(required=True)
    takes = EmbeddedDocumentListField(CatalogTake)
    sold = BooleanField()


class CatalogLine(EmbeddedDocument):
    product_id = StringField(required=True)
    quantity = LongField(required=True)


class CatalogReserved(EmbeddedDocument):
    product_id = StringField(required=True)
    price = LongField(required=True)
    unit = StringField(required=True)
    grams_per_unit = LongField(required=True)
    takes = EmbeddedDocumentListField(CatalogTake)


class CatalogRefusal(EmbeddedDocument):
    code = StringField(required=True)
    message = StringField()
    details = DictField()


class CatalogReservation(Document):
    """By order id."""

    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "reservations",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["gone_at"], "expireAfterSeconds": 0},
            # Who took from a lot, should it be recalled.
            {"fields": ["reserved.takes.lot_id"], "sparse": True},
        ],
    }

    id = StringField(primary_key=True)
    lines = EmbeddedDocumentListField(CatalogLine)
    expires_at = DateTimeField(required=True)
    state = StringField(required=True)
    turn = IntField(required=True)
    complete = BooleanField(required=True)
    reserved = EmbeddedDocumentListField(CatalogReserved)
    sale = EmbeddedDocumentListField(CatalogLine)
    refusal = EmbeddedDocumentField(CatalogRefusal)
    version = LongField(required=True)
    gone_at = DateTimeField(required=True)


class CatalogSpentLot(Document):
    """A lot that nothing is left of, and that has made room for another one in its product's document."""

    meta = {"collection": "spent_lots", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    product_id = StringField(required=True)
    lot = EmbeddedDocumentField(CatalogLot, required=True)


# --- between rules and documents


def lot_of(lot: CatalogLot) -> Lot:
    """A stored lot as the rules know it."""
    facts = Facts(
        grower_id=lot.grower_id or "",
        area_code=lot.area_code or "",
        harvest_day=_day(lot.harvest_day),
        ocop_stars=lot.ocop_stars or 0,
        certificates=tuple(
            Certificate(one.name, one.number, one.issuer or "", date.fromisoformat(one.valid_from),
                        date.fromisoformat(one.valid_to))
            for one in lot.certificates
        ),
    )  # fmt: skip
    losses = tuple(Loss(one.id, one.quantity, one.reason, one.by, one.at) for one in lot.losses)
    return Lot(
        lot.id, lot.received, lot.on_hand, lot.reserved, lot.sold, lot.written_off,
        _day(lot.sell_by), _day(lot.until), facts, losses, lot.recall_id or "",
        tuple(TakenBack(one.order_id, one.quantity) for one in lot.taken_back),
    )  # fmt: skip


def stored_lot(lot: Lot) -> CatalogLot:
    """A lot as it is stored."""
    facts = lot.facts
    return CatalogLot(
        id=lot.id, received=lot.received, on_hand=lot.on_hand, reserved=lot.reserved, sold=lot.sold,
        written_off=lot.written_off, sell_by=_text(lot.sell_by), until=_text(lot.until),
        grower_id=facts.grower_id or None, area_code=facts.area_code or None, harvest_day=_text(facts.harvest_day),
        ocop_stars=facts.ocop_stars or None,
        certificates=[
            CatalogCertificate(name=one.name, number=one.number, issuer=one.issuer or None,
                               valid_from=one.valid_from.isoformat(), valid_to=one.valid_to.isoformat())
            for one in facts.certificates
        ],
        losses=[
            CatalogLoss(id=one.id, quantity=one.quantity, reason=one.reason, by=one.by, at=one.at)
            for one in lot.losses
        ],
        recall_id=lot.recall_id or None,
        taken_back=[CatalogTakenBack(order_id=one.order_id, quantity=one.quantity) for one in lot.taken_back],
    )  # fmt: skip


def hold_of(hold: CatalogHold) -> Hold:
    """What a stored product has set aside for an order, as the rules know it."""
    takes = tuple(Take(take.lot_id, take.quantity) for take in hold.takes)
    return Hold(hold.order_id, hold.turn, hold.due_at, hold.price, takes, bool(hold.sold))


def stored_hold(hold: Hold) -> CatalogHold:
    """What is set aside, as it is stored."""
    return CatalogHold(
        order_id=hold.order_id, turn=hold.turn, due_at=hold.due_at, price=hold.price,
        takes=[CatalogTake(lot_id=take.lot_id, quantity=take.quantity) for take in hold.takes],
        sold=hold.sold or None,
    )  # fmt: skip


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
