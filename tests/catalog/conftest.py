"""Catalog's store on a real MongoDB-wire server, and facts as other services tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import mongo
from kit.config import settings
from kit.ids import new_id
from services.catalog import store
from services.catalog.product import Offer, offer


@pytest.fixture(scope="module")
def _database(mongo_uri: str) -> Iterator[None]:
    before = settings().mongodb_uri
    settings().mongodb_uri = mongo_uri
    store.open_store()
    yield
    mongo.disconnect()
    settings().mongodb_uri = before


@pytest.fixture
def database(_database: None) -> None:
    """Connected, indexed, empty."""
    store.CatalogProduct.objects.delete()
    store.CatalogMerchant.objects.delete()


@pytest.fixture
def merchant_changed() -> Callable[..., events_pb2.MerchantChanged]:
    """A merchant as onboarding tells of it."""

    def made(**fields: Any) -> events_pb2.MerchantChanged:
        return events_pb2.MerchantChanged(
            **{
                "merchant_id": new_id("mer"),
                "name": "Rau sạch Cô Nga",
                "owner_id": new_id("usr"),
                "market_id": new_id("mkt"),
                "version": 2,
                **fields,
            }
        )

    return made


@pytest.fixture
def tea() -> Offer:
    return offer("Chè Tân Cương móc câu", "Chè xanh búp nhỏ", "kg", 450_000, 60)
