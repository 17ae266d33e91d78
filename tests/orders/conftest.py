"""Orders' store on a real MongoDB-wire server, and facts as other services tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit.ids import new_id
from services.orders import store
from tests.conftest import opened


@pytest.fixture(scope="module")
def _database(mongo_uri: str) -> Iterator[None]:
    with opened(store.open_store, mongo_uri):
        yield


@pytest.fixture
def database(_database: None) -> None:
    """Connected, indexed, empty."""
    for document in (store.OrdersOrder, store.OrdersProduct, store.OrdersMerchant):
        document.objects.delete()


@pytest.fixture
def merchant(database: None) -> events_pb2.MerchantChanged:
    """An active merchant that orders knows of."""
    changed = events_pb2.MerchantChanged(
        merchant_id=new_id("mer"),
        name="Chè Tân Cương Cô Hạnh",
        owner_id=new_id("usr"),
        market_id=new_id("mkt"),
        market_name="Chợ Đồng Quang",
        stall="A-01",
        category_code="5499",
        version=2,
    )
    store.apply_merchant("merchant.activated", changed)
    return changed


@pytest.fixture
def sell(merchant: events_pb2.MerchantChanged) -> Callable[..., str]:
    """A product that orders knows of; its id."""

    def sold(**fields: Any) -> str:
        changed = events_pb2.ProductChanged(
            **{
                "product_id": new_id("prd"),
                "merchant_id": merchant.merchant_id,
                "name": "Chè móc câu",
                "unit": "kg",
                "price": 450_000,
                "version": 1,
                **fields,
            }
        )
        store.apply_product(changed)
        return changed.product_id

    return sold
