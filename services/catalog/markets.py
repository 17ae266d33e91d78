"""Copies of markets in MongoDB: when each is held, and what it is called."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mongoengine import BooleanField, Document, FloatField, IntField, ListField, LongField, StringField
from mongoengine.errors import NotUniqueError

from kit.errors import NotFound
from kit.marketrule import MarketDays, Rule
from services.catalog.market import Market

# As many as onboarding has at most.
MARKETS_MAX = 1_000


class CatalogMarket(Document):
    """What catalog has to know of a market, as onboarding last told."""

    meta = {"collection": "markets", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    id = StringField(primary_key=True)
    name = StringField(required=True)
    ward_name = StringField(default="")
    province_name = StringField(default="")
    day_rule = StringField(required=True)
    every_days = IntField(required=True)
    # "2026-11-29"; "" where the rule has none.
    anchor = StringField(default="")
    days = ListField(IntField())
    closed = BooleanField(required=True)
    latitude = FloatField(default=0.0)
    longitude = FloatField(default=0.0)
    version = LongField(required=True)


def apply_market(market: Market) -> None:
    """Remembers a market, unless more is known already; a version again, too: seeds change markets so."""
    days = market.days
    try:
        CatalogMarket.objects(id=market.id, version__lte=market.version).update_one(
            upsert=True,
            set__name=market.name,
            set__ward_name=market.ward_name,
            set__province_name=market.province_name,
            set__day_rule=days.rule.value,
            set__every_days=days.every_days,
            set__anchor=days.anchor.isoformat() if days.anchor else "",
            set__days=list(days.days),
            set__closed=market.closed,
            set__latitude=market.latitude,
            set__longitude=market.longitude,
            set__version=market.version,
        )
    except NotUniqueError:
        return  # the filter found nothing to change, because a newer version is there


def market(market_id: str) -> Market:
    """Raises NotFound."""
    document = CatalogMarket.objects(id=market_id).first()
    if document is None:
        raise NotFound(f"catalog knows no market {market_id}: see GET /v1/markets")
    return _market(document)


def markets() -> Iterator[Market]:
    """All of them, in no order; at most MARKETS_MAX."""
    for document in CatalogMarket.objects.limit(MARKETS_MAX).no_cache():
        yield _market(document)


def _market(document: CatalogMarket) -> Market:
    return Market(
        id=document.id,
        name=document.name,
        ward_name=document.ward_name,
        province_name=document.province_name,
        days=MarketDays(
            Rule(document.day_rule),
            document.every_days,
            date.fromisoformat(document.anchor) if document.anchor else None,
            tuple(document.days),
        ),
        closed=document.closed,
        version=document.version,
        latitude=document.latitude,
        longitude=document.longitude,
    )
