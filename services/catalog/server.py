"""gRPC server of catalog: proto in, proto out; beside it a thread feeds this process's search index."""

from __future__ import annotations

from cho.catalog.v1 import catalog_pb2 as pb
from cho.events.v1 import events_pb2

from kit import log
from kit.config import settings
from kit.errors import InvalidArgument
from kit.ids import key_time_ms
from kit.rpc.call import Call
from kit.rpc.threads import Servicers, serve
from kit.streams import clients
from services.catalog import product as rules
from services.catalog import store
from services.catalog.search.feed import Feed
from services.catalog.search.index import Index

PAGE_SIZE_MAX = 100
PAGE_SIZE_DEFAULT = 20
# Who may keep every merchant's products, besides its owner.
_KEEPERS = ("team", "operator")


class CatalogServicer:
    """The RPCs of cho.catalog.v1.CatalogService; roles are enforced before they are called."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def CreateProduct(self, request: pb.CreateProductRequest, call: Call) -> pb.CreateProductResponse:
        if key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7")
        offer = rules.offer(request.name, request.description, request.unit, request.price, request.stock)
        merchant = store.merchant(request.merchant_id)
        call.require_owner(merchant.owner_id, *_KEEPERS)
        created = store.create(merchant, offer, call.caller.sub, request.request_id)
        return pb.CreateProductResponse(product=_product(store.fact(created)))

    def UpdateProduct(self, request: pb.UpdateProductRequest, call: Call) -> pb.UpdateProductResponse:
        changes = rules.changes(
            price=request.price if request.HasField("price") else None,
            stock=request.stock if request.HasField("stock") else None,
            hidden=request.hidden if request.HasField("hidden") else None,
        )
        product = store.product(request.product_id)
        call.require_owner(product.merchant.owner_id, *_KEEPERS)
        return pb.UpdateProductResponse(product=_product(store.fact(store.update(product, changes))))

    def GetProduct(self, request: pb.GetProductRequest, call: Call) -> pb.GetProductResponse:
        product = store.product(request.product_id)
        if product.hidden or not product.merchant.active:
            call.require_owner(product.merchant.owner_id, *_KEEPERS)
        return pb.GetProductResponse(product=_product(store.fact(product)))

    def SearchProducts(self, request: pb.SearchProductsRequest, call: Call) -> pb.SearchProductsResponse:
        if not 0 <= request.page_size <= PAGE_SIZE_MAX:
            raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}")
        page_size = request.page_size or PAGE_SIZE_DEFAULT
        page = self._index.search(request.query, request.market_id, page_size, request.page_token)
        return pb.SearchProductsResponse(
            products=[_product(found) for found in page.products], next_page_token=page.next_token
        )


def _product(fact: events_pb2.ProductChanged) -> pb.Product:
    return pb.Product(
        product_id=fact.product_id,
        merchant_id=fact.merchant_id,
        merchant_name=fact.merchant_name,
        market_id=fact.market_id,
        name=fact.name,
        description=fact.description,
        unit=fact.unit,
        price=fact.price,
        stock=fact.stock,
        hidden=fact.hidden,
        updated_at=fact.updated_at,
        version=fact.version,
    )


def servicers(index: Index) -> Servicers:
    """What this process serves, by service descriptor."""
    return [(pb.DESCRIPTOR.services_by_name["CatalogService"], CatalogServicer(index))]


def main() -> None:
    """Serves until stopped."""
    log.set_up(f"{store.SERVICE}.serve")
    store.open_store()
    index = Index(settings().home / "catalog-search.sqlite3")
    feed = Feed(index, clients.streams(), store.everything)
    feed.start()
    try:
        serve(store.SERVICE, servicers(index))
    finally:
        feed.stop()
        index.close()
