"""Markets in MongoDB: one document a market, its days and sections in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from cho.events.v1 import events_pb2
from mongoengine import (
    BooleanField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    StringField,
)
from mongoengine.errors import NotUniqueError

from kit.errors import Contention, IdempotencyConflict, NotFound, Overloaded, WrongState
from kit.marketrule import MarketDays, Rule
from kit.outbox import WAITING_MAX, OutboxMixin, outbox_event
from services.onboarding import market as market_rules
from services.onboarding.market import Market
from services.onboarding.places import table
from services.onboarding.places.stall import Section

# All of them fit one answer: a province has about a hundred; above it, nothing is added.
MARKETS_MAX = 1_000


class SectionPart(EmbeddedDocument):
    code = StringField(required=True)
    name = StringField(required=True)
    closed = BooleanField(default=False)


class MarketDocument(OutboxMixin, Document):
    meta = {"collection": "markets", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    id = StringField(primary_key=True)
    name = StringField(required=True)
    ward_code = StringField(required=True)
    ward_name = StringField(required=True)
    province_name = StringField(required=True)
    day_rule = StringField(default=Rule.UNKNOWN.value)
    every_days = IntField(default=0)
    # "2026-11-29"; "" where the rule has none.
    anchor = StringField(default="")
    days = ListField(IntField())
    sections = EmbeddedDocumentListField(SectionPart)
    closed = BooleanField(default=False)
    reason = StringField(default="")
    version = IntField(default=1)


def ensure_market(market: Market) -> Market:
    """For seeds: the market as it is given, or as people have changed it since. Raises InvalidArgument.

    Either way it is told: who was not listening when it was made hears of it now.
    """
    market_rules.checked(market)
    stored = MarketDocument.objects(id=market.market_id).first()
    if stored is not None and stored.version > 1:
        found = _market(stored)
        if len(stored.outbox) < WAITING_MAX:
            event = outbox_event("market.changed", found.market_id, _fact(found))
            MarketDocument.objects(id=stored.id, version=stored.version).update_one(push__outbox=event)
        return found
    document = _document_of(market)
    if stored is not None:
        # The relay may be clearing events: what it owns is not written.
        fields = ("name", "ward_code", "ward_name", "province_name", "day_rule", "every_days", "anchor", "days")
        update: dict[str, Any] = {f"set__{name}": document[name] for name in fields}
        if len(stored.outbox) < WAITING_MAX:
            update["push__outbox"] = outbox_event("market.changed", market.market_id, _fact(market))
        MarketDocument.objects(id=document.id, version=1).update_one(**update)
    else:
        document.add_event("market.created", market.market_id, _fact(market))
        try:
            document.save()
        except NotUniqueError:  # seeded twice at once
            return ensure_market(market)
    return market


def create_market(market: Market, traceparent: str = "") -> Market:
    """Adds a market with its event, or finds it added by the same request.

    Raises InvalidArgument, Overloaded (MARKETS_MAX) and IdempotencyConflict (the request stands for another market).
    """
    market_rules.checked(market)
    stored = MarketDocument.objects(id=market.market_id).first()
    if stored is None:
        if len(list(MarketDocument.objects.only("id").limit(MARKETS_MAX))) >= MARKETS_MAX:
            raise Overloaded(f"there are {MARKETS_MAX} markets, as many as this platform lists")
        document = _document_of(market)
        document.add_event("market.created", market.market_id, _fact(market), traceparent)
        try:
            document.save()
        except NotUniqueError:  # the same request, twice at once
            stored = MarketDocument.objects(id=market.market_id).get()
        else:
            return market
    found = _market(stored)
    if found.version == 1 and found != market:
        raise IdempotencyConflict("request_id was used for another market")
    return found


def change_market(
    market_id: str, change: Callable[[Market], Market], *, version: int = 0, traceparent: str = ""
) -> Market:
    """What `change` makes of a market, with its event; the market itself where it makes nothing new of it.

    `version` is the one that the caller read, 0 for whatever is stored. Raises NotFound, Contention, Overloaded
    and what `change` raises.
    """
    document = _document(market_id)
    stored = _market(document)
    if version not in (0, stored.version):
        raise Contention(f"the market is at version {stored.version} now: read it again")
    changed = change(stored)
    if changed == stored:
        return stored
    changed = replace(changed, version=stored.version + 1)
    event = "market.closed" if changed.closed and not stored.closed else "market.changed"
    new = _document_of(changed)
    for name in ("name", "day_rule", "every_days", "anchor", "days", "sections", "closed", "reason", "version"):
        document[name] = new[name]
    document.add_event(event, market_id, _fact(changed), traceparent)
    document.save(save_condition={"version": stored.version})
    return changed


def market_by_id(market_id: str) -> Market:
    """Raises NotFound."""
    return _market(_document(market_id))


def open_market(market_id: str) -> Market:
    """A market where somebody may still be registered. Raises NotFound, WrongState."""
    found = market_by_id(market_id)
    if found.closed:
        raise WrongState(f"{found.name} is closed: choose another market")
    return found


def markets() -> list[Market]:
    """All markets, in no order; at most MARKETS_MAX."""
    return [_market(document) for document in MarketDocument.objects.limit(MARKETS_MAX)]


def _document(market_id: str) -> MarketDocument:
    document = MarketDocument.objects(id=market_id).first()
    if document is None:
        raise NotFound(f"there is no market {market_id}: see GET /v1/markets")
    return document


def _document_of(market: Market) -> MarketDocument:
    held = market.days
    return MarketDocument(
        id=market.market_id,
        name=market.name,
        ward_code=market.ward_code,
        ward_name=market.ward_name,
        province_name=market.province_name,
        day_rule=held.rule.value,
        every_days=held.every_days,
        anchor=held.anchor.isoformat() if held.anchor else "",
        days=list(held.days),
        sections=[SectionPart(code=one.code, name=one.name, closed=one.closed) for one in market.sections],
        closed=market.closed,
        reason=market.reason,
        version=market.version,
    )


def _market(document: MarketDocument) -> Market:
    return Market(
        market_id=document.id,
        name=document.name,
        ward_code=document.ward_code,
        ward_name=document.ward_name,
        province_name=document.province_name,
        days=MarketDays(
            Rule(document.day_rule),
            document.every_days,
            date.fromisoformat(document.anchor) if document.anchor else None,
            tuple(document.days),
        ),
        sections=tuple(Section(one.code, one.name, one.closed) for one in document.sections),
        closed=document.closed,
        reason=document.reason,
        version=document.version,
    )


def _fact(market: Market) -> events_pb2.MarketChanged:
    latitude, longitude = table.middle(market.ward_code)
    return events_pb2.MarketChanged(
        latitude=latitude,
        longitude=longitude,
        market_id=market.market_id,
        name=market.name,
        ward_code=market.ward_code,
        ward_name=market.ward_name,
        province_name=market.province_name,
        closed=market.closed,
        version=market.version,
        day_rule=market.days.rule.value,
        every_days=market.days.every_days,
        anchor=market.days.anchor.isoformat() if market.days.anchor else "",
        days=market.days.days,
    )
