"""gRPC server of catalog: proto in, proto out; beside it a thread feeds this process's search index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cho.catalog.v1 import catalog_pb2 as pb
from cho.catalog.v1 import search_pb2
from cho.events.v1 import events_pb2

from kit import log
from kit.config import settings
from kit.errors import InvalidArgument
from kit.ids import is_id, key_time_ms
from kit.rpc.call import Call
from kit.rpc.threads import Servicers, serve
from kit.streams import clients
from services.catalog import markets, store
from services.catalog import product as rules
from services.catalog.categories import CATEGORIES
from services.catalog.day.server import market_day_servicers
from services.catalog.feeds.server import feed_servicers
from services.catalog.photos import photo_servicers
from services.catalog.product import State
from services.catalog.search.feed import Fact, Feed
from services.catalog.search.index import Index
from services.catalog.search.server import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, SearchServicer, search_products
from services.catalog.sheets.server import sheet_servicers
from services.catalog.stock.lots import lot_servicers
from services.catalog.stock.server import stock_servicers
from services.catalog.store import Product
from services.catalog.units import UNITS
from services.catalog.visible import KEEPERS, kept, visible

_STATES = {state.value: getattr(pb, f"PRODUCT_STATE_{state.name}") for state in State}
_STATE_OF = {getattr(pb, f"PRODUCT_STATE_{state.name}"): state for state in State}
_OPTIONAL = ("name", "description", "category", "net_grams", "price", "stock", "hidden")
_VOCABULARY = pb.GetVocabularyResponse(
    categories=[
        pb.GetVocabularyResponse.Category(code=one.code, name_vi=one.name_vi, name_en=one.name_en) for one in CATEGORIES
    ],
    units=[pb.GetVocabularyResponse.Unit(unit=one.unit, grams=one.grams, pieces=one.pieces) for one in UNITS],
)


class CatalogServicer:
    """The RPCs of cho.catalog.v1.CatalogService; roles are enforced before they are called."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def CreateProduct(self, request: pb.CreateProductRequest, call: Call) -> pb.CreateProductResponse:
        if key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7")
        offer = rules.offer(
            request.name,
            request.description,
            request.unit,
            request.price,
            request.stock,
            request.category,
            request.net_grams,
        )
        merchant = store.merchant(request.merchant_id)
        call.require_owner(merchant.owner_id, *KEEPERS)
        created = store.create(merchant, offer, call.caller.sub, request.request_id, draft=request.draft)
        return pb.CreateProductResponse(product=_kept(created))

    def UpdateProduct(self, request: pb.UpdateProductRequest, call: Call) -> pb.UpdateProductResponse:
        if request.request_id and key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7")
        product = kept(request.product_id, call)
        named = {name: getattr(request, name) for name in _OPTIONAL if request.HasField(name)}
        if request.state:
            named["state"] = _known_state(request.state)
        if request.reason:
            named["reason"] = request.reason
        changed = store.update(product, rules.changes(named, product.offer.unit), request.request_id)
        return pb.UpdateProductResponse(product=_kept(changed))

    def GetProduct(self, request: pb.GetProductRequest, call: Call) -> pb.GetProductResponse:
        product = visible(request.product_id, call)
        return pb.GetProductResponse(product=_kept(product))

    def ListStallProducts(self, request: pb.ListStallProductsRequest, call: Call) -> pb.ListStallProductsResponse:
        if not 0 <= request.page_size <= PAGE_SIZE_MAX:
            raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}")
        if request.page_token and not is_id(request.page_token, "prd"):
            raise InvalidArgument("page_token is none of this list's")
        merchant = store.merchant(request.merchant_id)
        call.require_owner(merchant.owner_id, *KEEPERS)
        size = request.page_size or PAGE_SIZE_DEFAULT
        page = store.products_of(merchant, request.page_token, size + 1)
        token = page[size - 1].id if len(page) > size else ""
        return pb.ListStallProductsResponse(products=[_kept(product) for product in page[:size]], next_page_token=token)

    def ListPrices(self, request: pb.ListPricesRequest, call: Call) -> pb.ListPricesResponse:
        reply = pb.ListPricesResponse()
        for one in visible(request.product_id, call).prices:
            reply.prices.add(price=one.price).since.FromDatetime(one.since)
        return reply

    def GetVocabulary(self, request: pb.GetVocabularyRequest, call: Call) -> pb.GetVocabularyResponse:
        return _VOCABULARY

    def SearchProducts(self, request: pb.SearchProductsRequest, call: Call) -> pb.SearchProductsResponse:
        return search_products(self._index, request, _product)


def _known_state(state: int) -> State:
    found = _STATE_OF.get(state)
    if found is None:
        raise InvalidArgument("state is not one of a product's")
    return found


def _kept(product: Product) -> pb.Product:
    """As it is stored now, with why it was hidden or withdrawn: only those see it then who keep it."""
    return pb.Product(**_shown(store.fact(product)), state_reason=product.reason)


def _product(fact: events_pb2.ProductChanged) -> pb.Product:
    return pb.Product(**_shown(fact))


def _shown(fact: events_pb2.ProductChanged) -> dict[str, Any]:
    return {
        "product_id": fact.product_id,
        "merchant_id": fact.merchant_id,
        "merchant_name": fact.merchant_name,
        "market_id": fact.market_id,
        "name": fact.name,
        "description": fact.description,
        "unit": fact.unit,
        "price": fact.price,
        "stock": fact.stock,
        "hidden": fact.hidden,
        "updated_at": fact.updated_at,
        "version": fact.version,
        "grams_per_unit": fact.grams_per_unit,
        "available": fact.available,
        "state": _STATES.get(fact.state or ("hidden" if fact.hidden else "published")),
        "category": fact.category,
        "net_grams": fact.net_grams,
        "price_per_kg": fact.price_per_kg,
        "ocop_stars": fact.ocop_stars,
        "photos": [f"/v1/products/{fact.product_id}/photos/{sha256}" for sha256 in fact.photos],
    }


def servicers(index: Index) -> Servicers:
    """What this process serves, by service descriptor."""
    return [
        (pb.DESCRIPTOR.services_by_name["CatalogService"], CatalogServicer(index)),
        (search_pb2.DESCRIPTOR.services_by_name["SearchService"], SearchServicer(index)),
        *stock_servicers(),
        *lot_servicers(),
        *photo_servicers(),
        *sheet_servicers(),
        *market_day_servicers(),
        *feed_servicers(index),
    ]


def everything() -> Iterator[Fact]:
    """Every market, merchant and product, as the search index is built from them."""
    yield from markets.markets()
    yield from store.everything()


def main() -> None:
    """Serves until stopped."""
    log.set_up(f"{store.SERVICE}.serve")
    store.open_store()
    index = Index(settings().home / "catalog-search.sqlite3")
    feed = Feed(index, clients.streams(), everything)
    feed.start()
    try:
        serve(store.SERVICE, servicers(index))
    finally:
        feed.stop()
        index.close()
