"""Catalog's server through a real gRPC channel, with metadata as the gateway sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cho.catalog.v1 import catalog_pb2 as pb
from cho.catalog.v1 import catalog_pb2_grpc, search_pb2, search_pb2_grpc
from cho.events.v1 import events_pb2

from kit.clock import now
from kit.config import settings
from kit.ids import new_id, new_key
from kit.marketrule import MarketDays, Rule
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.catalog import markets, server, store
from services.catalog import product as rules
from services.catalog.market import Market
from services.catalog.search.batch import Cursor
from services.catalog.search.feed import put
from services.catalog.search.index import Index
from services.catalog.stock import steps
from services.catalog.stock.reservation import Line

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


@pytest.fixture(scope="module")
def suggest(index: Index) -> Iterator[Any]:
    running = Server("127.0.0.1:0", server.servicers(index))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield search_pb2_grpc.SearchServiceStub(channel).SuggestProducts
    running.stop()


def caller(sub: str, *roles: str) -> Caller:
    return (("x-cho-edge", settings().edge_secret), ("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)))


def reindex(index: Index) -> None:
    """What the feed does after a change, without streams."""
    with index.write() as batch:
        batch.clear()
        for fact in server.everything():
            put(batch, fact)
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


def test_a_change_that_is_sent_again_under_its_request_brings_nothing_back(
    stub: Any, merchant: Any, vendor: Caller
) -> None:
    created = stub.CreateProduct(request(merchant, unit="con"), metadata=vendor).product
    counted = pb.UpdateProductRequest(product_id=created.product_id, stock=10, price=90_000, request_id=new_key())
    sure = pb.UpdateProductRequest(product_id=created.product_id, stock=10, request_id=new_key())
    for asked in (counted, sure):  # the second one changes nothing, and is done all the same
        assert stub.UpdateProduct(asked, metadata=vendor).product.stock == 10
    steps.reserve(new_id("ord"), [Line(created.product_id, 4)], now() + timedelta(hours=1))
    stub.UpdateProduct(pb.UpdateProductRequest(product_id=created.product_id, price=80_000), metadata=vendor)
    for asked in (counted, sure):
        again = stub.UpdateProduct(asked, metadata=vendor).product
        assert (again.stock, again.price) == (6, 80_000)
    other = pb.UpdateProductRequest(product_id=created.product_id, stock=11, request_id=counted.request_id)
    refused("IDEMPOTENCY_CONFLICT", stub.UpdateProduct, other, vendor)
    other.request_id = "again"
    refused("INVALID_ARGUMENT", stub.UpdateProduct, other, vendor)
    for price in range(1, rules.REQUESTS_MAX + 2):
        asked = pb.UpdateProductRequest(product_id=created.product_id, price=price, request_id=new_key())
        stub.UpdateProduct(asked, metadata=vendor)
    assert len(store.product(created.product_id).requests) == rules.REQUESTS_MAX


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


@pytest.fixture
def stalls_goods(stub: Any, index: Index, merchant: Any, vendor: Caller) -> list[str]:
    """Fish at three prices, the dearest sold out, at a market that is held on Sundays; ids by price."""
    sundays = MarketDays(Rule.WEEKDAYS, days=(7,))
    markets.apply_market(Market(merchant.market_id, "Chợ Thái", "", "", sundays, False, 1, 21.5942, 105.8482))
    goods = [("Cá mè", 9_000, 5), ("Cá chép", 70_000, 5), ("Cá lăng", 190_000, 0)]
    made = [request(merchant, name=name, price=price, stock=stock) for name, price, stock in goods]
    ids = [stub.CreateProduct(one, metadata=vendor).product.product_id for one in made]
    reindex(index)
    return ids


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        ({"order": search_pb2.SEARCH_ORDER_CHEAPEST}, [0, 1, 2]),
        ({"order": search_pb2.SEARCH_ORDER_DEAREST}, [2, 1, 0]),
        ({"in_stock": True, "order": search_pb2.SEARCH_ORDER_CHEAPEST}, [0, 1]),
        ({"price_min": 9_001, "price_max": 70_000}, [1]),
        ({"market_day": "2026-11-29", "order": search_pb2.SEARCH_ORDER_CHEAPEST}, [0, 1, 2]),
        ({"market_day": "2026-11-30"}, []),
        ({"category": "fish"}, []),
        ({"stars_min": 1}, []),
        ({"near_latitude": 21.59, "near_longitude": 105.85, "within_km": 2, "price_max": 9_000}, [0]),
        ({"near_latitude": 21.59, "near_longitude": 106.85, "within_km": 2}, []),
        ({"merchant_id": new_id("mer")}, []),
    ],
)
def test_a_search_is_narrowed_and_sorted_as_asked(
    stub: Any, stalls_goods: list[str], narrowed: dict[str, Any], expected: list[int]
) -> None:
    found = stub.SearchProducts(pb.SearchProductsRequest(query="ca", **narrowed)).products
    assert [product.product_id for product in found] == [stalls_goods[at] for at in expected]


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": 9}, {"price_min": -1}, {"price_min": 2, "price_max": 1}, {"market_day": "29/11/2026"},
        {"market_day": "20261129"}, {"market_day": "2026-02-30"}, {"market_day": "1901-01-01"},
        {"merchant_id": "x" * 65}, {"stars_min": 6}, {"category": "x"}, {"near_latitude": 21.5}, {"within_km": 501},
    ],
)  # fmt: skip
def test_what_a_search_cannot_be_narrowed_by_is_refused(stub: Any, stalls_goods: Any, wrong: dict[str, Any]) -> None:
    refused("INVALID_ARGUMENT", stub.SearchProducts, pb.SearchProductsRequest(query="ca", **wrong))


def test_what_matches_is_counted_where_asked(stub: Any, stalls_goods: Any, merchant: Any) -> None:
    assert not stub.SearchProducts(pb.SearchProductsRequest(query="ca")).HasField("facets")
    facets = stub.SearchProducts(pb.SearchProductsRequest(query="ca", page_size=1, facets=True)).facets
    assert [(one.market_id, one.market_name, one.products) for one in facets.markets] == [
        (merchant.market_id, "Chợ Thái", 3)
    ]
    assert [(one.price_min, one.price_max, one.products) for one in facets.prices] == [
        (0, 9_999, 1), (50_000, 99_999, 1), (100_000, 199_999, 1),
    ]  # fmt: skip
    assert facets.complete
    for band in facets.prices:
        again = pb.SearchProductsRequest(query="ca", price_min=band.price_min, price_max=band.price_max)
        assert len(stub.SearchProducts(again).products) == band.products


def test_names_are_suggested_while_somebody_types(suggest: Any, stalls_goods: Any, merchant: Any) -> None:
    def names(**asked: Any) -> list[str]:
        return list(suggest(search_pb2.SuggestProductsRequest(**asked)).names)

    assert set(names(prefix="cá")) == {"Cá mè", "Cá chép", "Cá lăng"}
    assert names(prefix="ca ch") == ["Cá chép"]
    assert len(names(prefix="ca", limit=2)) == 2
    assert names(prefix="ca", market_id=new_id("mkt")) == names(prefix="") == []
    for wrong in ({"prefix": "x" * 201}, {"prefix": "ca", "limit": 21}, {"limit": -1}, {"market_id": "x" * 65}):
        refused("INVALID_ARGUMENT", suggest, search_pb2.SuggestProductsRequest(**wrong))


def test_search_says_that_it_is_not_ready_before_the_index_was_built(tmp_path: Path) -> None:
    empty = Index(tmp_path / "search.sqlite3")
    running = Server("127.0.0.1:0", server.servicers(empty))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        search = catalog_pb2_grpc.CatalogServiceStub(channel).SearchProducts
        refused("UNAVAILABLE", search, pb.SearchProductsRequest(query="che"))
    running.stop()
    empty.close()


def test_a_draft_is_the_stalls_own_until_it_is_published_and_what_is_withdrawn_is_gone(
    stub: Any, merchant: Any, vendor: Caller
) -> None:
    asked = request(merchant, draft=True, category="tea", net_grams=0)
    draft = stub.CreateProduct(asked, metadata=vendor).product
    assert (draft.state, draft.hidden, draft.category) == (pb.PRODUCT_STATE_DRAFT, True, "tea")
    get = pb.GetProductRequest(product_id=draft.product_id)
    refused("NOT_FOUND", stub.GetProduct, get)
    asked.draft = False
    refused("IDEMPOTENCY_CONFLICT", stub.CreateProduct, asked, vendor)

    def to(state: int, **fields: Any) -> pb.UpdateProductRequest:
        return pb.UpdateProductRequest(product_id=draft.product_id, state=state, **fields)

    refused("WRONG_STATE", stub.UpdateProduct, to(pb.PRODUCT_STATE_HIDDEN), vendor)
    refused("INVALID_ARGUMENT", stub.UpdateProduct, to(77), vendor)
    stub.UpdateProduct(to(pb.PRODUCT_STATE_PUBLISHED), metadata=vendor)
    assert stub.GetProduct(get).product.state == pb.PRODUCT_STATE_PUBLISHED
    hidden = stub.UpdateProduct(to(pb.PRODUCT_STATE_HIDDEN, reason="hết vụ"), metadata=vendor).product
    assert hidden.state_reason == "hết vụ"
    stub.UpdateProduct(to(pb.PRODUCT_STATE_WITHDRAWN), metadata=vendor)
    refused("WRONG_STATE", stub.UpdateProduct, to(pb.PRODUCT_STATE_PUBLISHED), vendor)
    refused("WRONG_STATE", stub.UpdateProduct, pb.UpdateProductRequest(product_id=draft.product_id, price=1), vendor)
    refused("WRONG_STATE", stub.UpdateProduct, pb.UpdateProductRequest(product_id=draft.product_id, stock=1), vendor)
    refused("NOT_FOUND", stub.GetProduct, get)
    assert stub.GetProduct(get, metadata=vendor).product.state == pb.PRODUCT_STATE_WITHDRAWN


def test_what_is_said_about_a_product_changes_and_its_prices_are_remembered(
    stub: Any, merchant: Any, vendor: Caller
) -> None:
    created = stub.CreateProduct(request(merchant, unit="túi", net_grams=100, price=290_000), metadata=vendor).product
    assert (created.price_per_kg, created.grams_per_unit, created.available) == (2_900_000, 0, 60)
    change = pb.UpdateProductRequest(
        product_id=created.product_id, name="Chè đinh", description="Búp đầu vụ", category="tea", net_grams=200,
        price=300_000,
    )  # fmt: skip
    changed = stub.UpdateProduct(change, metadata=vendor).product
    assert (changed.name, changed.description, changed.category) == ("Chè đinh", "Búp đầu vụ", "tea")
    assert (changed.net_grams, changed.price_per_kg) == (200, 1_500_000)
    prices = stub.ListPrices(pb.ListPricesRequest(product_id=created.product_id)).prices
    assert [one.price for one in prices] == [290_000, 300_000]
    assert prices[0].since.ToMilliseconds() == created.updated_at.ToMilliseconds()
    assert prices[1].since.ToMilliseconds() == changed.updated_at.ToMilliseconds()
    weighed = stub.CreateProduct(request(merchant), metadata=vendor).product
    assert (weighed.grams_per_unit, weighed.available, weighed.stock) == (1_000, 60_000, 60)
    wrong = pb.UpdateProductRequest(product_id=weighed.product_id, net_grams=5)
    refused("INVALID_ARGUMENT", stub.UpdateProduct, wrong, vendor)


def test_a_stall_pages_through_its_own_products_in_every_state(stub: Any, merchant: Any, vendor: Caller) -> None:
    made = [stub.CreateProduct(request(merchant, draft=n == 1), metadata=vendor).product for n in range(5)]
    stub.UpdateProduct(pb.UpdateProductRequest(product_id=made[2].product_id, hidden=True), metadata=vendor)
    listed, token = [], ""
    for _ in range(3):
        asked = pb.ListStallProductsRequest(merchant_id=merchant.merchant_id, page_size=2, page_token=token)
        page = stub.ListStallProducts(asked, metadata=vendor)
        listed += [product.product_id for product in page.products]
        token = page.next_page_token
    assert listed == [product.product_id for product in made]
    assert not token
    everything = pb.ListStallProductsRequest(merchant_id=merchant.merchant_id)
    refused("NOT_FOUND", stub.ListStallProducts, everything, caller(new_id("usr"), "vendor"))
    refused("PERMISSION_DENIED", stub.ListStallProducts, everything, caller(merchant.owner_id, "shopper"))
    for wrong in ({"page_size": 101}, {"page_size": -1}, {"page_token": "x"}):
        asked = pb.ListStallProductsRequest(merchant_id=merchant.merchant_id, **wrong)
        refused("INVALID_ARGUMENT", stub.ListStallProducts, asked, vendor)


def test_the_vocabulary_says_what_a_product_may_be(stub: Any, merchant: Any, vendor: Caller) -> None:
    words = stub.GetVocabulary(pb.GetVocabularyRequest())
    assert {("kg", 1_000, 1), ("lạng", 100, 1), ("chục", 0, 10), ("bó", 0, 1)} <= {
        (unit.unit, unit.grams, unit.pieces) for unit in words.units
    }
    for category in words.categories[:2]:
        assert stub.CreateProduct(request(merchant, category=category.code), metadata=vendor).product.category
    refused("INVALID_ARGUMENT", stub.CreateProduct, request(merchant, category="xe máy"), vendor)
    refused("INVALID_ARGUMENT", stub.CreateProduct, request(merchant, unit="đống"), vendor)
