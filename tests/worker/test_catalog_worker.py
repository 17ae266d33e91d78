"""Catalog's worker between real streams and a real store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from cho.events.v1 import events_pb2

from kit.clock import now
from kit.ids import new_id, new_key
from kit.streams.event import Event, from_entry
from services.catalog import store
from services.catalog.product import offer
from services.catalog.worker import SERVICES

pytestmark = [pytest.mark.worker, pytest.mark.usefixtures("database")]


def tell(client: redis.Redis, event_type: str, changed: events_pb2.MerchantChanged) -> None:
    told = Event(new_id("evt"), event_type, "onboarding", changed.merchant_id, now(), "", changed.SerializeToString())
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
