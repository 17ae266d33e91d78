"""Catalog's store on a real MongoDB-wire server, and facts as other services tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit.ids import new_id
from services.catalog import store
from services.catalog.product import Offer, offer
from tests.conftest import opened


@pytest.fixture(scope="module")
def _database(mongo_uri: str) -> Iterator[None]:
    with opened(store.open_store, mongo_uri):
        yield


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
