"""What anybody may keep, through a real Envoy and a real server of ours: an ETag, and 304 for who has it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import grpc
import httpx
import pytest
from cho.catalog.v1 import catalog_pb2, catalog_pb2_grpc, feeds_pb2, photos_pb2
from google.api.httpbody_pb2 import HttpBody

from kit.config import Settings, settings
from kit.errors import NotFound
from kit.rpc.caching import unchanged
from kit.rpc.call import Call
from kit.rpc.threads import Server
from tests.gateway.gateway_edge import Edge

PRODUCT = "/v1/products/prd_1"
FEED = "/v1/feeds/google.tsv"


class Catalog:
    """Products, a photo and a feed, as the catalog's servicers hand them to kit's server."""

    def __init__(self) -> None:
        self.price = 20_000
        # Who asked for a product, newest last; "" for nobody in particular.
        self.callers: list[str] = []

    def GetProduct(self, request: catalog_pb2.GetProductRequest, call: Call) -> catalog_pb2.GetProductResponse:
        self.callers.append(call.caller.sub)
        if request.product_id == "prd_gone":
            raise NotFound("there is no such thing, or it is not yours")
        return catalog_pb2.GetProductResponse(product=catalog_pb2.Product(product_id="prd_1", price=self.price))

    def GetVocabulary(self, request: Any, call: Call) -> catalog_pb2.GetVocabularyResponse:
        return catalog_pb2.GetVocabularyResponse()

    def GetPhoto(self, request: photos_pb2.GetPhotoRequest, call: Call) -> HttpBody:
        call.set_header("x-content-type-options", "nosniff")
        return HttpBody(content_type="image/jpeg", data=b"\xff\xd8" + b"x" * 300_000)

    def GetFeed(self, request: feeds_pb2.GetFeedRequest, call: Call) -> Iterator[HttpBody]:
        call.set_header("x-cho-next-since", "1795940000000")
        if unchanged(call, '"feed-1"'):
            yield HttpBody(content_type="text/tab-separated-values")
        else:
            for _ in range(3):
                yield HttpBody(content_type="text/tab-separated-values", data=b"id\tprice\n" * 10_000)

    def __getattr__(self, name: str) -> Any:
        """What is not asked for here."""
        if name[0].isupper():
            return lambda request, call: None
        raise AttributeError(name)


@pytest.fixture
def catalog(local_settings: Settings, edge: Edge) -> Iterator[Catalog]:
    """At the address that the gateway knows, with the proof that it asks for."""
    servicer = Catalog()
    named = [
        (catalog_pb2.DESCRIPTOR, "CatalogService"), (photos_pb2.DESCRIPTOR, "PhotoService"),
        (feeds_pb2.DESCRIPTOR, "FeedService"),
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings(), "edge_secret", local_settings.edge_secret)
        server = Server(local_settings.catalog_addr, [(file.services_by_name[name], servicer) for file, name in named])
        try:
            yield servicer
        finally:
            server.stop()


def get(edge: Edge, path: str, **headers: str) -> httpx.Response:
    """Until Envoy has noticed that somebody listens there now: it waits a little longer after each attempt."""
    for _ in range(600):
        reply = edge.http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        if reply.status_code != 503:
            return reply
    raise AssertionError(reply.text)


def test_who_has_a_product_is_not_sent_it_again_until_it_changes(edge: Edge, catalog: Catalog) -> None:
    first = get(edge, PRODUCT)
    assert (first.status_code, first.json()["product"]["price"]) == (200, "20000")
    assert first.headers["cache-control"] == "public, no-cache"
    tag = first.headers["etag"]
    assert "x-cho-not-modified" not in first.headers

    again = get(edge, PRODUCT, if_none_match=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert (again.headers["etag"], again.headers["cache-control"]) == (tag, "public, no-cache")
    assert not {"content-type", "x-cho-not-modified"} & set(again.headers)
    assert again.headers["x-content-type-options"] == "nosniff"

    catalog.price = 21_000
    changed = get(edge, PRODUCT, if_none_match=tag)
    assert (changed.status_code, changed.json()["product"]["price"]) == (200, "21000")
    assert changed.headers["etag"] != tag


def test_who_keeps_a_stall_is_known_where_anyone_may_read_and_their_copy_is_nobody_elses(
    edge: Edge, catalog: Catalog
) -> None:
    for headers in (edge.signed_in(sub="usr_keeper"), {"cookie": f"cho_access={edge.token(sub='usr_keeper')}"}):
        own = get(edge, PRODUCT, **headers)
        assert (own.status_code, catalog.callers[-1]) == (200, "usr_keeper")
        assert ("etag" in own.headers, own.headers["cache-control"]) == (False, "no-store")


def test_a_token_that_is_over_or_none_counts_for_nothing_where_anyone_may_read(edge: Edge, catalog: Catalog) -> None:
    for token in (edge.token(exp=int(time.time()) - 3_600), "nonsense"):
        reply = get(edge, PRODUCT, authorization=f"Bearer {token}", x_cho_sub="usr_boss")
        assert (reply.status_code, catalog.callers[-1], "etag" in reply.headers) == (200, "", True)


@pytest.mark.parametrize("said", ['"other", {tag}', "W/{tag}", "*"])
def test_if_none_match_is_read_as_http_says(edge: Edge, catalog: Catalog, said: str) -> None:
    tag = get(edge, PRODUCT).headers["etag"]
    assert get(edge, PRODUCT, if_none_match=said.format(tag=tag)).status_code == 304
    assert get(edge, PRODUCT, if_none_match='"another"').status_code == 200


def test_a_photo_and_a_feed_are_not_sent_again_either(edge: Edge, catalog: Catalog) -> None:
    photo = get(edge, f"{PRODUCT}/photos/{'a' * 64}")
    assert (photo.headers["cache-control"], len(photo.content)) == ("public, max-age=86400", 300_002)
    feed = get(edge, FEED)
    assert (feed.headers["cache-control"], len(feed.content)) == ("public, max-age=5", 270_000)
    for path, whole in ((f"{PRODUCT}/photos/{'a' * 64}", photo), (FEED, feed)):
        again = get(edge, path, if_none_match=whole.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == whole.headers["etag"]
    assert again.headers["x-cho-next-since"] == "1795940000000", "what is said beside it is said again"


def test_a_connection_goes_on_after_a_304(edge: Edge, catalog: Catalog) -> None:
    tag = get(edge, PRODUCT).headers["etag"]
    host, _, port = edge.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        for said, status, empty in ((tag, 304, True), ('"another"', 200, False), (tag, 304, True)):
            request = f"GET {PRODUCT} HTTP/1.1\r\nhost: cho\r\nif-none-match: {said}\r\n\r\n"
            connection.sendall(request.encode())
            reply = HTTPResponse(connection)
            reply.begin()
            assert (reply.status, reply.read() == b"") == (status, empty)


def test_an_error_is_kept_by_nobody_and_never_a_304(edge: Edge, catalog: Catalog) -> None:
    for headers in ({}, {"if_none_match": "*"}):
        gone = get(edge, "/v1/products/prd_gone", **headers)
        assert (gone.status_code, gone.headers["cache-control"]) == (404, "no-store")
        assert "etag" not in gone.headers


def test_a_native_client_gets_the_reply_with_its_tag(edge: Edge, catalog: Catalog) -> None:
    get(edge, PRODUCT)
    with grpc.insecure_channel(edge.address) as channel:
        stub: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
        reply, call = stub.GetProduct.with_call(catalog_pb2.GetProductRequest(product_id="prd_1"), timeout=20)
    assert reply.product.price == 20_000
    assert dict(call.initial_metadata())["etag"]
