"""Catalog's worker between real streams and a real store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from cho.events.v1 import events_pb2

from kit import clock
from kit.clock import now, today
from kit.ids import new_id, new_key
from kit.marketrule import MarketDays, Rule
from kit.streams.event import Event, from_entry
from services.catalog import growers, markets, store
from services.catalog.day import store as days
from services.catalog.day.line import price_on
from services.catalog.day.worker import MarketDayWorker
from services.catalog.product import offer
from services.catalog.stock import deliveries, steps
from services.catalog.stock.facts import Facts
from services.catalog.stock.reservation import Line
from services.catalog.worker import SERVICES, CatalogWorker

pytestmark = [pytest.mark.worker, pytest.mark.usefixtures("database")]


def tell(client: redis.Redis, event_type: str, changed: events_pb2.MerchantChanged | events_pb2.MarketChanged) -> None:
    told = Event(new_id("evt"), event_type, "onboarding", "", now(), "", changed.SerializeToString())
    client.xadd("onboarding:events", told.fields())  # type: ignore[arg-type]


def test_it_hears_of_merchants_and_tells_of_products(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    store.CatalogProduct.ensure_indexes()
    merchant = events_pb2.MerchantChanged(
        merchant_id=new_id("mer"), name="Cô Hạnh", owner_id=new_id("usr"), market_id=new_id("mkt"), version=2
    )
    tell(client, "merchant.activated", merchant)
    tell(client, "merchant.activated", merchant)
    for service in SERVICES:
        start(service)
    known = until(lambda: store.CatalogMerchant.objects(id=merchant.merchant_id, active=True).first())
    assert known.owner_id == merchant.owner_id

    tea = offer("Chè Tân Cương", "", "kg", 450_000, 60)
    product = store.create(store.merchant(merchant.merchant_id), tea, merchant.owner_id, new_key())
    changed = store.update(product, {"price": 400_000})
    until(lambda: client.xlen("catalog:events") == 2)
    events = [from_entry(entry_id, fields) for entry_id, fields in client.xrange("catalog:events")]
    assert [(event.type, event.source, event.subject) for event in events] == [
        ("product.listed", "catalog", product.id),
        ("product.changed", "catalog", product.id),
    ]
    assert events_pb2.ProductChanged.FromString(events[1].data) == store.fact(changed)
    until(lambda: not store.CatalogProduct.objects(id=product.id).get().outbox)

    merchant.version = 3
    tell(client, "merchant.suspended", merchant)
    until(lambda: not store.merchant(merchant.merchant_id).active)
    until(lambda: client.xpending("onboarding:events", "catalog.merchants")["pending"] == 0)


def test_it_ends_what_was_set_aside_for_too_long(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    store.CatalogProduct.ensure_indexes()
    store.apply_merchant(
        "merchant.activated",
        events_pb2.MerchantChanged(merchant_id="mer_1", name="Cô Hạnh", owner_id="usr_1", market_id="mkt_1", version=2),
    )
    tea = offer("Chè Tân Cương", "", "kg", 450_000, 60)
    product = store.create(store.merchant("mer_1"), tea, "usr_1", new_key())
    steps.reserve("ord_1", [Line(product.id, 500)], now() + timedelta(seconds=1))
    assert store.product(product.id).available == 59_500
    for service in SERVICES:
        start(service)
    until(lambda: store.product(product.id).available == 60_000)

    def expired() -> list[Event]:
        events = [from_entry(entry_id, fields) for entry_id, fields in client.xrange("catalog:events")]
        return [event for event in events if event.type == "stock.reservation_expired"]

    (event,) = until(expired)
    fact = events_pb2.StockReservationExpired.FromString(event.data)
    assert (event.subject, fact.order_id, fact.product_id) == ("ord_1", "ord_1", product.id)


def test_prices_of_the_day_follow_what_is_told_and_are_built_where_they_are_missing(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    for documents in store.DOCUMENTS:
        documents.ensure_indexes()
    merchant = events_pb2.MerchantChanged(
        merchant_id=new_id("mer"), name="Cô Hạnh", owner_id=new_id("usr"), market_id=new_id("mkt"), version=2
    )
    store.apply_merchant("merchant.activated", merchant)
    tea = offer("Chè Tân Cương", "", "kg", 450_000, 60)
    product = store.create(store.merchant(merchant.merchant_id), tea, merchant.owner_id, new_key())
    store.CatalogProduct.objects.update(set__outbox=[])  # told long ago
    start(MarketDayWorker)

    def price() -> int | None:
        found = list(days.lines(merchant.market_id))
        return price_on(found[0], clock.today()) if found else None

    until(lambda: price() == 450_000)
    until(days.is_built)
    start(CatalogWorker)
    store.update(product, {"price": 400_000})
    until(lambda: price() == 400_000)
    merchant.version, merchant.name = 3, "Cô Hạnh mới"
    tell(client, "merchant.reinstated", merchant)
    until(lambda: next(days.lines(merchant.market_id)).merchant_name == "Cô Hạnh mới")
    until(lambda: client.xpending("catalog:events", "catalog.days")["pending"] == 0)


def test_it_hears_when_markets_are_held(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    markets.CatalogMarket.ensure_indexes()
    told = events_pb2.MarketChanged(market_id=new_id("mkt"), name="Chợ Thái", day_rule="lunar", days=[2, 7], version=1)
    tell(client, "market.created", told)
    start(CatalogWorker)
    until(lambda: markets.CatalogMarket.objects(id=told.market_id).first())
    assert markets.market(told.market_id).days == MarketDays(Rule.LUNAR, days=(2, 7))
    told.version, told.closed = 2, True
    tell(client, "market.closed", told)
    until(lambda: markets.market(told.market_id).closed)


def test_it_hears_of_growers_and_of_whom_they_let_sell_for_them(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    store.CatalogProduct.ensure_indexes()
    told = events_pb2.MerchantChanged(merchant_id="mer_1", name="Cô Hạnh", owner_id="usr_1", market_id="mkt", version=2)
    store.apply_merchant("merchant.activated", told)
    tea = offer("Chè Tân Cương", "", "kg", 450_000, 0)
    product = store.create(store.merchant("mer_1"), tea, "usr_1", new_key())
    own, other = new_id("ent"), new_id("ent")
    day = today().isoformat()

    def hear(event_type: str, message: Any) -> None:
        event = Event(new_id("evt"), event_type, "onboarding", "", now(), "", message.SerializeToString())
        client.xadd("onboarding:events", event.fields())  # type: ignore[arg-type]

    started = events_pb2.RelationChanged(
        relation_id="rel_1", grower_id=other, merchant_id="mer_1", from_day=day, version=1
    )
    hear("enterprise.registered", events_pb2.EnterpriseChanged(
        enterprise_id=own, representative_id="usr_1", grows=True, version=1))  # fmt: skip
    hear("relation.started", started)
    for service in SERVICES:
        start(service)
    until(lambda: growers.CatalogGrower.objects(id=own).first() and growers.CatalogRelation.objects(id="rel_1").first())
    for grower_id in (own, other):
        deliveries.add_lot(product, new_key(), 1_000, Facts(grower_id=grower_id), None)
    assert store.product(product.id).available == 2_000
    ended = events_pb2.RelationChanged(
        relation_id="rel_1", grower_id=other, merchant_id="mer_1", from_day="2020-01-01", to_day="2020-02-01", version=2
    )
    hear("relation.ended", ended)
    until(lambda: store.product(product.id).available == 1_000)
