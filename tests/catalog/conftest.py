"""Catalog's store on a real MongoDB-wire server, and facts as other services tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit.ids import new_id
from services.catalog import store
from services.catalog.merchant import Merchant
from services.catalog.product import Offer, offer
from services.catalog.search.batch import Cursor
from services.catalog.search.index import Index
from tests.catalog.stalls import BAY, NGA, Sell
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
    for document in store.DOCUMENTS[1:]:
        document.objects.delete()


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
def index(tmp_path: Path) -> Iterator[Index]:
    """A search index that knows two stalls."""
    opened = Index(tmp_path / "search.sqlite3")
    with opened.write() as batch:
        batch.put_merchant(NGA)
        batch.put_merchant(BAY)
        batch.put_cursors([("catalog:events", Cursor("0-0", 0))])
    yield opened
    opened.close()


@pytest.fixture
def sell(index: Index) -> Sell:
    """Lists a product, or tells of a later version of one; its id."""

    def sold(name: str, merchant: Merchant = NGA, price: int = 20_000, stock: int = 1, **fields: object) -> str:
        fact = events_pb2.ProductChanged(
            **{"product_id": new_id("prd"), "version": 1, **fields},  # type: ignore[arg-type]
            merchant_id=merchant.id, name=name, price=price, stock=stock,
        )  # fmt: skip
        with index.write() as batch:
            batch.put_product(fact)
        return fact.product_id

    return sold


@pytest.fixture
def tea() -> Offer:
    return offer("Chè Tân Cương móc câu", "Chè xanh búp nhỏ", "kg", 450_000, 60)
