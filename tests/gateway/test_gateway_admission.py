"""Payments are let in by how long they take; whoever is not, hears it before anything is looked at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from cho.payments.v1 import payments_pb2, payments_pb2_grpc
from joserfc.jwk import ECKey

from gateway import admission, limits
from gateway.methods import api
from kit.config import Settings
from tests.gateway.gateway_edge import Edge, gateway_of
from tests.gateway.gateway_upstreams import Upstream, free_port

_ACCOUNT = "/v1/accounts/acc_1"
_LIMIT = "http.edge.adaptive_concurrency.gradient_controller.concurrency_limit"
_REFUSED = "http.edge.adaptive_concurrency.gradient_controller.rq_blocked"


@contextmanager
def _edge(settings: Settings, home: Path, least: int, most: int) -> Iterator[Edge]:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    upstream = Upstream(key)
    ports = {name: free_port() for name in ("gateway_port", "gateway_admin_port", "gateway_jwks_port")}
    addresses = dict.fromkeys(("identity_addr", "payments_addr"), f"127.0.0.1:{upstream.port}")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits, "PAYMENTS_CALLS_MIN", least)
            patch.setattr(limits, "PAYMENTS_CALLS_MAX", most)
            with gateway_of(settings.model_copy(update=ports | addresses), upstream, key, home) as running:
                yield running
    finally:
        upstream.stop()


@pytest.fixture(scope="module")
def full(local_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """A gateway that lets in two payments' calls, and has them: they last until the deadline."""
    with _edge(local_settings, tmp_path_factory.mktemp("full"), 2, 2) as edge, ThreadPoolExecutor(2) as herd:
        url, headers = f"http://{edge.address}/v1/accounts/slow", edge.signed_in(sub="usr_herd")
        slow = [herd.submit(httpx.get, url, headers=headers, timeout=10) for _ in range(2)]
        while len(edge.upstream.seen) < 2:
            assert not any(call.done() for call in slow)
            time.sleep(0.005)
        yield edge


def test_beyond_the_limit_a_payment_is_refused_as_overloaded_and_streams_and_other_services_are_not(full: Edge) -> None:
    before = full.stat(_REFUSED)
    refused = full.http.get(_ACCOUNT, headers=full.signed_in(sub="usr_beside"))
    # Not even its token was looked at: that is what makes it cheap.
    stranger = full.http.post("/v1/payments", json={}, headers={"authorization": "Bearer nonsense"})
    signed_in = full.http.post("/v1/sign-in", json={"phone": "0912345678"})
    with full.http.stream("GET", "/v1/merchants/mer_1/announcements", headers=full.signed_in()) as stream:
        listening = stream.status_code

    for reply in (refused, stranger):
        assert reply.status_code == 503, reply.text
        assert '"OVERLOADED"' in reply.text
        assert "nothing was done" in reply.text
        assert reply.headers["retry-after"] == "1"
        assert "connection" not in reply.headers  # a phone keeps its connection for the next try
        assert (reply.headers["cache-control"], reply.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert (signed_in.status_code, listening) == (200, 200)
    assert full.stat(_REFUSED) - before == 2
    assert "usr_beside" not in [seen.get("x-cho-sub") for seen in full.upstream.seen]


def test_a_native_client_beyond_the_limit_hears_unavailable(full: Edge) -> None:
    with grpc.insecure_channel(full.address) as channel:
        stub: Any = payments_pb2_grpc.PaymentsServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.Pay(payments_pb2.PayRequest(), timeout=10)

    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_while_payments_are_not_let_in_calls_that_wait_for_the_card_provider_or_documents_reach_their_service(
    full: Edge,
) -> None:
    headers = full.signed_in(sub="usr_cards")
    assert full.http.get(_ACCOUNT, headers=headers).status_code == 503
    for verb, path in (
        ("POST", "/v1/top-ups"), ("GET", "/v1/top-ups/top_1"), ("POST", "/v1/top-ups/top_1/cancel"),
        ("POST", "/v1/top-ups/top_1/refunds"), ("GET", "/v1/disbursements/dsb_1"), ("DELETE", "/v1/webhooks/whk_1"),
    ):  # fmt: skip
        reply = full.http.request(verb, path, json={} if verb == "POST" else None, headers=headers)
        assert reply.status_code == 501, (path, reply.text)  # this upstream has none of them


def test_every_payments_call_is_bounded_by_how_long_it_takes_but_streams_and_those_that_wait_for_others() -> None:
    bounded = {method.service_name for method in api().public if admission.per_route([method])}
    unbounded = {method.service_name for method in api().public if not admission.per_route([method])}
    services = {method.service_name for method in api().public if method.service == admission.SERVICE}
    assert bounded == services - admission.WAITING
    assert services >= admission.WAITING
    assert unbounded & bounded == {"cho.payments.v1.PaymentsService"}  # its streams


def test_a_page_of_a_configured_origin_reads_that_it_was_not_let_in_and_another_origins_does_not(full: Edge) -> None:
    for origin, allowed in (("https://cho.example.vn", "https://cho.example.vn"), ("https://evil.example", None)):
        refused = full.http.get(_ACCOUNT, headers={"origin": origin})

        assert refused.status_code == 503
        assert '"OVERLOADED"' in refused.text
        assert refused.headers.get("access-control-allow-origin") == allowed
        assert refused.headers.get("access-control-allow-credentials") == ("true" if allowed else None)
        assert ("retry-after" in refused.headers.get("access-control-expose-headers", "")) == bool(allowed)
        assert (refused.headers["retry-after"], refused.headers["cache-control"]) == ("1", "no-store")


def test_quick_answers_let_in_more_by_themselves(local_settings: Settings, tmp_path: Path) -> None:
    with _edge(local_settings, tmp_path, 1, 8) as edge:
        headers, until = edge.signed_in(), time.monotonic() + 20
        while edge.stat(_LIMIT) < 8:
            assert edge.http.get(_ACCOUNT, headers=headers).status_code in (200, 429)
            assert time.monotonic() < until, edge.stat(_LIMIT)


def test_a_gateway_that_is_told_so_lets_in_all(local_settings: Settings, tmp_path: Path) -> None:
    with _edge(local_settings.model_copy(update={"answered_soon_ms": 0}), tmp_path, 1, 1) as edge:
        headers = edge.signed_in(sub="usr_herd")
        with ThreadPoolExecutor(2) as herd:
            url = f"http://{edge.address}/v1/accounts/slow"
            slow = [herd.submit(httpx.get, url, headers=headers, timeout=15) for _ in range(2)]
            assert edge.http.get(_ACCOUNT, headers=edge.signed_in(sub="usr_beside")).status_code == 200
            assert {call.result().status_code for call in slow} == {504}
