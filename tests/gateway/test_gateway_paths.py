"""Paths that could be read two ways, through a real Envoy: a word of ours is not taken for somebody's id."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from cho.catalog.v1 import catalog_pb2, search_pb2
from joserfc.jwk import ECKey

from kit.config import Settings
from tests.gateway.gateway_edge import Edge, gateway_of
from tests.gateway.gateway_upstreams import Upstream, free_port


@pytest.fixture(scope="module")
def edge(local_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """A gateway whose catalog answers with the name of what was called."""
    server = grpc.server(ThreadPoolExecutor(2), options=(("grpc.so_reuseport", 0),))
    replies = {
        "CatalogService/GetProduct": (
            catalog_pb2.GetProductRequest,
            lambda request: catalog_pb2.GetProductResponse(product=catalog_pb2.Product(product_id=request.product_id)),
        ),
        "SearchService/SuggestProducts": (
            search_pb2.SuggestProductsRequest,
            lambda request: search_pb2.SuggestProductsResponse(names=[request.prefix]),
        ),
    }
    for name, (request, answer) in replies.items():
        service, _, method = name.partition("/")
        handler = grpc.unary_unary_rpc_method_handler(
            lambda message, _context, answer=answer: answer(message),
            request.FromString,
            lambda reply: reply.SerializeToString(),
        )
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(f"cho.catalog.v1.{service}", {method: handler}),)
        )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    upstream, home = Upstream(key), Path(tmp_path_factory.mktemp("paths"))
    ports = {name: free_port() for name in ("gateway_port", "gateway_admin_port", "gateway_jwks_port")}
    addresses = {"catalog_addr": f"127.0.0.1:{port}", "identity_addr": f"127.0.0.1:{upstream.port}"}
    try:
        with gateway_of(local_settings.model_copy(update=ports | addresses), upstream, key, home) as running:
            yield running
    finally:
        upstream.stop()
        server.stop(grace=None).wait(timeout=60)


def test_suggest_is_the_search_for_names_and_no_product(edge: Edge) -> None:
    reply = edge.http.get("/v1/products/suggest", params={"prefix": "cà ch"})
    assert (reply.status_code, reply.json()) == (200, {"names": ["cà ch"]})


def test_what_only_begins_so_is_a_product(edge: Edge) -> None:
    for product_id in ("prd_1", "suggestion", "Suggest"):
        reply = edge.http.get(f"/v1/products/{product_id}")
        assert reply.json()["product"]["product_id"] == product_id
