"""gRPC of finding products: proto in, proto out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date

from cho.catalog.v1 import catalog_pb2, search_pb2
from cho.events.v1 import events_pb2

from kit.errors import InvalidArgument
from kit.rpc.call import Call
from services.catalog.search.index import Facets, Index
from services.catalog.search.question import QUERY_LENGTH_MAX, Near, Order, Question, band_ends

PAGE_SIZE_MAX = 100
PAGE_SIZE_DEFAULT = 20
SUGGESTED_MAX = 20
SUGGESTED_DEFAULT = 8
FACET_MARKETS_MAX = 50

_ORDERS = {
    search_pb2.SEARCH_ORDER_UNSPECIFIED: Order.RELEVANCE,
    search_pb2.SEARCH_ORDER_CHEAPEST: Order.CHEAPEST,
    search_pb2.SEARCH_ORDER_DEAREST: Order.DEAREST,
}


class SearchServicer:
    """The RPCs of cho.catalog.v1.SearchService."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def SuggestProducts(
        self, request: search_pb2.SuggestProductsRequest, call: Call
    ) -> search_pb2.SuggestProductsResponse:
        if len(request.prefix) > QUERY_LENGTH_MAX:
            raise InvalidArgument(f"prefix has {len(request.prefix)} characters, the limit is {QUERY_LENGTH_MAX}")
        if not 0 <= request.limit <= SUGGESTED_MAX:
            raise InvalidArgument(f"limit must be 1 to {SUGGESTED_MAX}, or 0 for {SUGGESTED_DEFAULT}")
        names = self._index.suggest(request.prefix, request.market_id, request.limit or SUGGESTED_DEFAULT)
        return search_pb2.SuggestProductsResponse(names=names)


def search_products(
    index: Index,
    request: catalog_pb2.SearchProductsRequest,
    view: Callable[[events_pb2.ProductChanged], catalog_pb2.Product],
) -> catalog_pb2.SearchProductsResponse:
    """A page of what was asked for, each product by `view`. Raises InvalidArgument, Unavailable."""
    if not 0 <= request.page_size <= PAGE_SIZE_MAX:
        raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}")
    question = _question(request)
    page = index.search(question, request.page_size or PAGE_SIZE_DEFAULT, request.page_token)
    reply = catalog_pb2.SearchProductsResponse(
        products=[view(found) for found in page.products], next_page_token=page.next_token
    )
    if request.facets:
        reply.facets.CopyFrom(_facets(index.facets(question)))
    return reply


def _question(request: catalog_pb2.SearchProductsRequest) -> Question:
    if request.order not in _ORDERS:
        raise InvalidArgument("order is none that products are sorted by")
    return Question(
        query=request.query,
        market_id=request.market_id,
        merchant_id=request.merchant_id,
        in_stock=request.in_stock,
        price_min=request.price_min,
        price_max=request.price_max,
        order=_ORDERS[request.order],
        market_day=day_of(request.market_day, "market_day") if request.market_day else None,
        category=request.category,
        stars_min=request.stars_min,
        near=_near(request),
    )


def _near(request: catalog_pb2.SearchProductsRequest) -> Near | None:
    if not request.within_km:
        if request.near_latitude or request.near_longitude:
            raise InvalidArgument("near_latitude and near_longitude need within_km")
        return None
    return Near(request.near_latitude, request.near_longitude, request.within_km)


def day_of(text: str, what: str) -> date:
    """A day as "2026-11-29". Raises InvalidArgument."""
    with suppress(ValueError):
        day = date.fromisoformat(text)
        if day.isoformat() == text:  # Python 3.11 reads other forms, too
            return day
    raise InvalidArgument(f'{what} must be a day like "2026-11-29"')


def _facets(found: Facets) -> search_pb2.SearchFacets:
    reply = search_pb2.SearchFacets(complete=found.complete)
    for market_id, count in sorted(found.markets.items(), key=lambda item: (-item[1], item[0]))[:FACET_MARKETS_MAX]:
        reply.markets.add(
            market_id=market_id, market_name=found.names.get(market_id, ""), products=count,
            distance_m=found.metres.get(market_id),
        )  # fmt: skip
    for number, count in sorted(found.bands.items()):
        lowest, highest = band_ends(number)
        reply.prices.add(price_min=lowest, price_max=highest, products=count)
    for category, count in sorted(found.categories.items(), key=lambda item: (-item[1], item[0])):
        reply.categories.add(category=category, products=count)
    for stars, count in sorted(found.stars.items(), reverse=True):
        reply.stars.add(ocop_stars=stars, products=count)
    return reply
