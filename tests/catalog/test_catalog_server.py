"""Catalog's server through a real gRPC channel, with metadata as the gateway sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cho.catalog.v1 import catalog_pb2 as pb
from cho.catalog.v1 import catalog_pb2_grpc
from cho.events.v1 import events_pb2

from kit.config import settings
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.catalog import server, store
from services.catalog.search.index import Cursor, Index
from services.catalog.store import everything

pytestmark = pytest.mark.usefixtures("database")
Caller = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    opened = Index(tmp_path_factory.mktemp("search") / "search.sqlite3")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def stub(index: Index) -> Iterator[Any]:
    running = Server("127.0.0.1:0", server.servicers(index))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield catalog_pb2_grpc.CatalogServiceStub(channel)
    running.stop()


def caller(sub: str, *roles: str) -> Caller:
    return (("x-cho-edge", settings().edge_secret), ("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)))


def reindex(index: Index) -> None:
    """What the feed does after a change, without streams."""
    with index.write() as batch:
        batch.clear()
        for fact in everything():
            batch.put_product(fact) if isinstance(fact, events_pb2.ProductChanged) else batch.put_merchant(fact)
        batch.put_cursors([("catalog:events", Cursor("0-0", 0))])


def refused(code: str, rpc: Callable[..., Any], request: Any, metadata: Caller = ()) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        rpc(request, metadata=metadata)
    assert error_code(raised.value) == code


@pytest.fixture
def merchant(merchant_changed: Callable[..., events_pb2.MerchantChanged]) -> events_pb2.MerchantChanged:
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    return changed


@pytest.fixture
def vendor(merchant: events_pb2.MerchantChanged) -> Caller:
    return caller(merchant.owner_id, "vendor")


def request(merchant: events_pb2.MerchantChanged, **fields: Any) -> pb.CreateProductRequest:
    return pb.CreateProductRequest(
        **{
            "request_id": new_key(),
            "merchant_id": merchant.merchant_id,
            "name": "Chè Tân Cương",
            "unit": "kg",
            "price": 450_000,
            "stock": 60,
            **fields,
        }
    )


def suspend(merchant: events_pb2.MerchantChanged) -> None:
    merchant.version += 1
    store.apply_merchant("merchant.suspended", merchant)


def test_a_vendor_lists_changes_and_shows_a_product(stub: Any, merchant: Any, vendor: Caller) -> None:
    created = stub.CreateProduct(request(merchant), metadata=vendor).product
    assert created.product_id.startswith("prd_")
    assert (created.merchant_name, created.market_id) == (merchant.name, merchant.market_id)
    assert (created.price, created.stock, created.hidden, created.version) == (450_000, 60, False, 1)
    change = pb.UpdateProductRequest(product_id=created.product_id, stock=0)
    updated = stub.UpdateProduct(change, metadata=vendor).product
    assert (updated.price, updated.stock, updated.version) == (450_000, 0, 2)
    assert stub.GetProduct(pb.GetProductRequest(product_id=created.product_id)).product == updated


def test_the_same_request_is_answered_alike_and_another_body_conflicts(
    stub: Any, merchant: Any, vendor: Caller
) -> None:
    asked = request(merchant)
    first = stub.CreateProduct(asked, metadata=vendor)
    assert stub.CreateProduct(asked, metadata=vendor) == first
    asked.price += 1
    refused("IDEMPOTENCY_CONFLICT", stub.CreateProduct, asked, vendor)


@pytest.mark.parametrize(
    "request_id", ["", "1", "0190163d-8694-4e08-8f2c-000000000000", "0190163D-8694-7E08-8F2C-000000000000"]
)
def test_a_request_id_has_to_be_a_uuid_of_version_7(stub: Any, merchant: Any, vendor: Caller, request_id: str) -> None:
    refused("INVALID_ARGUMENT", stub.CreateProduct, request(merchant, request_id=request_id), vendor)


def test_a_vendor_lists_at_the_own_stall_only_and_the_team_at_every_one(
    stub: Any, merchant: Any, vendor: Caller
) -> None:
    stranger = caller(new_id("usr"), "vendor")
    refused("NOT_FOUND", stub.CreateProduct, request(merchant), stranger)
    for role in ("team", "operator"):
        created = stub.CreateProduct(request(merchant), metadata=caller(new_id("usr"), role)).product
    refused("NOT_FOUND", stub.UpdateProduct, pb.UpdateProductRequest(product_id=created.product_id, price=1), stranger)
    refused("PERMISSION_DENIED", stub.CreateProduct, request(merchant), caller(merchant.owner_id, "shopper"))
    refused("UNAUTHENTICATED", stub.CreateProduct, request(merchant))


def test_a_merchant_that_is_unknown_or_suspended_lists_nothing(stub: Any, merchant: Any, vendor: Caller) -> None:
    refused("MERCHANT_NOT_FOUND", stub.CreateProduct, request(merchant, merchant_id=new_id("mer")), vendor)
    suspend(merchant)
    refused("MERCHANT_NOT_PAYABLE", stub.CreateProduct, request(merchant), vendor)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": ""}, "INVALID_ARGUMENT"),
        ({"unit": ""}, "INVALID_ARGUMENT"),
        ({"price": 0}, "AMOUNT_INVALID"),
        ({"price": -(2**63)}, "AMOUNT_INVALID"),
        ({"stock": -1}, "INVALID_ARGUMENT"),
        ({"stock": 2**63 - 1}, "INVALID_ARGUMENT"),
    ],
)
def test_what_an_offer_may_not_be_is_refused(stub: Any, merchant: Any, vendor: Caller, wrong: Any, code: str) -> None:
    refused(code, stub.CreateProduct, request(merchant, **wrong), vendor)


def test_an_update_that_names_nothing_is_refused(stub: Any, merchant: Any, vendor: Caller) -> None:
    created = stub.CreateProduct(request(merchant), metadata=vendor).product
    refused("INVALID_ARGUMENT", stub.UpdateProduct, pb.UpdateProductRequest(product_id=created.product_id), vendor)


def test_a_hidden_or_suspended_product_is_shown_to_those_only_who_keep_it(
    stub: Any, merchant: Any, vendor: Caller
) -> None:
    created = stub.CreateProduct(request(merchant), metadata=vendor).product
    get = pb.GetProductRequest(product_id=created.product_id)
    stub.UpdateProduct(pb.UpdateProductRequest(product_id=created.product_id, hidden=True), metadata=vendor)
    for somebody in ((), caller(new_id("usr"), "vendor")):
        refused("NOT_FOUND", stub.GetProduct, get, somebody)
    for keeper in (vendor, caller(new_id("usr"), "team")):
        assert stub.GetProduct(get, metadata=keeper).product.hidden
    stub.UpdateProduct(pb.UpdateProductRequest(product_id=created.product_id, hidden=False), metadata=vendor)
    assert not stub.GetProduct(get).product.hidden
    suspend(merchant)
    refused("NOT_FOUND", stub.GetProduct, get)
    assert stub.GetProduct(get, metadata=vendor).product.product_id == created.product_id


def test_search_pages_through_a_market_without_signing_in(
    stub: Any, index: Index, merchant: Any, vendor: Caller
) -> None:
    for number in range(5):
        stub.CreateProduct(request(merchant, name=f"Chè số {number}"), metadata=vendor)
    reindex(index)
    search = pb.SearchProductsRequest(query="che", market_id=merchant.market_id, page_size=2)
    found = []
    while True:
        reply = stub.SearchProducts(search)
        found += reply.products
        search.page_token = reply.next_page_token
        if not search.page_token:
            break
    assert sorted(product.name for product in found) == [f"Chè số {number}" for number in range(5)]
    assert {product.market_id for product in found} == {merchant.market_id}
    assert found[0] == stub.GetProduct(pb.GetProductRequest(product_id=found[0].product_id)).product
    assert not stub.SearchProducts(pb.SearchProductsRequest(query="che", market_id=new_id("mkt"))).products


def test_search_returns_twenty_products_unless_asked_and_a_hundred_at_most(
    stub: Any, index: Index, merchant: Any, vendor: Caller
) -> None:
    for number in range(21):
        stub.CreateProduct(request(merchant, name=f"Chè số {number}"), metadata=vendor)
    reindex(index)
    assert len(stub.SearchProducts(pb.SearchProductsRequest()).products) == 20
    for size in (-1, 101):
        refused("INVALID_ARGUMENT", stub.SearchProducts, pb.SearchProductsRequest(page_size=size))
    refused("INVALID_ARGUMENT", stub.SearchProducts, pb.SearchProductsRequest(query="x" * 201))
    refused("INVALID_ARGUMENT", stub.SearchProducts, pb.SearchProductsRequest(page_token="x"))


def test_search_says_that_it_is_not_ready_before_the_index_was_built(tmp_path: Path) -> None:
    empty = Index(tmp_path / "search.sqlite3")
    running = Server("127.0.0.1:0", server.servicers(empty))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        search = catalog_pb2_grpc.CatalogServiceStub(channel).SearchProducts
        refused("UNAVAILABLE", search, pb.SearchProductsRequest(query="che"))
    running.stop()
    empty.close()
