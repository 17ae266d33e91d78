"""A real Envoy with real gRPC servers behind it: what a phone, a browser, a stranger and a gRPC client meet."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import Any

import grpc
import httpx
import pytest
from cho.payments.v1 import payments_pb2, payments_pb2_grpc
from joserfc.jwk import ECKey

from gateway import limits
from gateway.envoy import envoy_binary
from loadtests.faults.trouble import runtime
from tests.gateway.gateway_edge import CALLS_MAX, UNARY_MS_MAX, Edge
from tests.gateway.gateway_upstreams import BIG_REPLY_CHARACTERS

ACCOUNT = "/v1/accounts/acc_1"
ORIGIN = "https://cho.example.vn"


def expect_error(reply: httpx.Response, status: int, reason: str) -> dict[str, Any]:
    """The one shape, whoever made it."""
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json"), reply.text
    body = reply.json()
    (info,) = [d for d in body["details"] if d["@type"].endswith("google.rpc.ErrorInfo")]
    assert set(body) == {"code", "message", "details"}
    assert body["code"] > 0
    assert body["message"]
    assert info == {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "cho.vn",
        "metadata": {},
    }
    assert reply.headers["x-content-type-options"] == "nosniff"
    return body


# Who is calling


def test_claims_reach_the_service_and_the_token_does_not(edge: Edge) -> None:
    reply = edge.http.get(ACCOUNT, headers=edge.signed_in(ins="VIETTEL", sid="ses_1"))

    assert reply.json()["account"]["account_id"] == "acc_1"
    seen = edge.upstream.seen[-1]
    assert seen["x-cho-sub"] == "usr_1"
    assert seen["x-cho-roles"] == "shopper,vendor"
    assert seen["x-cho-ins"] == "VIETTEL"
    assert seen["x-cho-sid"] == "ses_1"
    assert [seen.get(name) for name in ("x-cho-pin-at", "x-cho-dev", "x-cho-dev-at")] == [None] * 3
    assert seen["x-cho-edge"] == edge.settings.edge_secret
    assert "authorization" not in seen


def test_times_in_claims_reach_the_service_as_whole_seconds(edge: Edge) -> None:
    edge.http.get(ACCOUNT, headers=edge.signed_in(pin_at=1_780_000_001, dev="dev_1", dev_at=2**31 + 1))

    seen = edge.upstream.seen[-1]
    assert (seen["x-cho-pin-at"], seen["x-cho-dev"], seen["x-cho-dev-at"]) == ("1780000001", "dev_1", "2147483649")


def test_a_forged_time_of_the_pin_does_not_stand_beside_the_tokens(edge: Edge) -> None:
    forged = {"x-cho-pin-at": "1999999999", "x-cho-dev": "dev_boss", "x-cho-dev-at": "1"}
    edge.http.get(ACCOUNT, headers=edge.signed_in(pin_at=1_780_000_001, dev="dev_1", dev_at=1_770_000_001) | forged)

    seen = edge.upstream.seen[-1]
    assert (seen["x-cho-pin-at"], seen["x-cho-dev"], seen["x-cho-dev-at"]) == ("1780000001", "dev_1", "1770000001")


@pytest.mark.parametrize("signed_in", [True, False])
def test_what_a_client_claims_about_itself_is_stripped(edge: Edge, signed_in: bool) -> None:
    forged = {
        "x-cho-sub": "usr_boss",
        "x-cho-roles": "operator",
        "x-cho-ins": "970436",
        "x-cho-edge": "guess",
        "x-cho-sid": "ses_boss",
        "x-cho-pin-at": "1999999999",
        "x-cho-dev": "dev_boss",
        "x-cho-dev-at": "1",
        "x-cho-other": "1",
        "X-Jwt-Payload": "e30",
        "x-envoy-upstream-rq-timeout-ms": "1",
        "x-request-id": "mine",
    }
    if signed_in:
        edge.http.get(ACCOUNT, headers=edge.signed_in() | forged)
    else:
        edge.http.post("/v1/sign-in", json={"phone": "0912345678"}, headers=forged)

    seen = edge.upstream.seen[-1]
    assert seen["x-cho-edge"] == edge.settings.edge_secret
    assert seen.get("x-cho-sub") == ("usr_1" if signed_in else None)
    assert seen.get("x-cho-roles") == ("shopper,vendor" if signed_in else None)
    assert seen["x-request-id"] != "mine"
    for name in (
        "x-cho-ins",
        "x-cho-sid",
        "x-cho-pin-at",
        "x-cho-dev",
        "x-cho-dev-at",
        "x-cho-other",
        "x-jwt-payload",
        "x-envoy-upstream-rq-timeout-ms",
    ):
        assert name not in seen


def test_a_header_that_looks_like_a_claim_to_some_library_is_refused(edge: Edge) -> None:
    expect_error(edge.http.get(ACCOUNT, headers=edge.signed_in() | {"x_cho_sub": "a"}), 400, "BAD_REQUEST")


def test_without_a_token_only_what_is_for_anyone_can_be_called(edge: Edge) -> None:
    expect_error(edge.http.get(ACCOUNT), 401, "UNAUTHENTICATED")
    expect_error(edge.http.get(ACCOUNT, headers={"authorization": "Basic YTpi"}), 401, "UNAUTHENTICATED")
    assert edge.http.post("/v1/sign-in", json={}).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - limits.JWT_CLOCK_SKEW_S - 1},
        {"exp": None},
        {"iss": "somebody"},
        {"aud": "something-else"},
        {"sub": None},
        {"sub": "usr_1\r\nx-cho-roles: operator"},
        {"nbf": int(time.time()) + 3600},  # made when tests are collected, minutes before they run
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_that_is_not_for_here_and_now_is_refused(edge: Edge, claims: dict[str, Any]) -> None:
    expect_error(edge.http.get(ACCOUNT, headers=edge.signed_in(**claims)), 401, "TOKEN_INVALID")


def test_a_token_of_a_strangers_key_is_refused_even_under_our_keys_name(edge: Edge) -> None:
    stranger = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256", "kid": edge.key.kid})

    for token in (edge.token(key=stranger), edge.token()[:-8] + "AAAAAAAA", "a.b.c", "nonsense"):
        reply = edge.http.get(ACCOUNT, headers={"authorization": f"Bearer {token}"})
        expect_error(reply, 401, "TOKEN_INVALID")


def test_an_unsigned_token_is_refused(edge: Edge) -> None:
    payload = edge.token().split(".")[1]
    none = f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}."

    expect_error(edge.http.get(ACCOUNT, headers={"authorization": f"Bearer {none}"}), 401, "TOKEN_INVALID")


def test_a_cookie_carries_the_token_and_stays_at_the_edge(edge: Edge) -> None:
    reply = edge.http.get(ACCOUNT, headers={"cookie": f"a=b; cho_access={edge.token(sub='usr_2')}"})

    assert reply.status_code == 200
    assert edge.upstream.seen[-1]["x-cho-sub"] == "usr_2"
    assert "cookie" not in edge.upstream.seen[-1]


def test_two_tokens_never_mix_their_claims(edge: Edge) -> None:
    cookie = {"cookie": f"cho_access={edge.token(sub='usr_officer', roles='officer', ins='970436')}"}

    edge.http.get(ACCOUNT, headers=cookie | edge.signed_in(sub="usr_3", roles="shopper"))

    seen = edge.upstream.seen[-1]
    assert (seen["x-cho-sub"], seen["x-cho-roles"], seen.get("x-cho-ins")) == ("usr_3", "shopper", None)


def test_a_stale_cookie_harms_no_good_token(edge: Edge) -> None:
    stale = {"cookie": f"cho_access={edge.token(exp=1)}"}

    assert edge.http.get(ACCOUNT, headers=stale | edge.signed_in()).status_code == 200
    expect_error(edge.http.get(ACCOUNT, headers=stale), 401, "TOKEN_INVALID")


def test_a_stale_token_does_not_keep_anybody_from_signing_in(edge: Edge) -> None:
    reply = edge.http.post("/v1/sign-in", json={"phone": "0912345678"}, headers=edge.signed_in(exp=1))

    assert reply.json()["user"]["name"] == "0912345678"
    assert "x-cho-sub" not in edge.upstream.seen[-1]


def test_a_token_seen_before_is_not_verified_again(edge: Edge) -> None:
    headers = edge.signed_in()
    edge.http.get(ACCOUNT, headers=headers)
    hits = edge.stat("jwt_cache_hit")

    edge.http.get(ACCOUNT, headers=headers)

    assert edge.stat("jwt_cache_hit") == hits + 1


# What can be called


def test_json_is_snake_case_whole_and_loses_no_digits(edge: Edge) -> None:
    account = edge.http.get(ACCOUNT, headers=edge.signed_in()).json()["account"]

    assert account["balance"] == str(2**53 - 1)
    assert account["month_used"] == "0"
    assert account["kind"] == "ACCOUNT_KIND_UNSPECIFIED"


@pytest.mark.parametrize("account_id", ["a:b", "a%20b", "%C4%91", "a-b.c~d"])
def test_ids_in_a_path_arrive_as_they_were_meant(edge: Edge, account_id: str) -> None:
    reply = edge.http.get(f"/v1/accounts/{account_id}", headers=edge.signed_in())

    assert reply.json()["account"]["account_id"] == httpx.URL(f"http://x/{account_id}").path[1:]


def test_bodies_may_use_either_spelling(edge: Edge) -> None:
    for body in ({"amount": 5, "note": "rau"}, {"amount": "5", "note": "rau", "idempotencyKey": "k"}):
        reply = edge.http.post("/v1/payments", json=body, headers=edge.signed_in())
        assert (reply.json()["payment"]["amount"], reply.json()["payment"]["note"]) == ("5", "rau")


def test_a_removal_carries_its_path_and_no_body(edge: Edge) -> None:
    reply = edge.http.delete("/v1/me/devices/dev_1", headers=edge.signed_in())

    assert (reply.status_code, reply.json()) == (200, {})
    assert edge.upstream.removed == ["dev_1"]


def test_an_unknown_path_is_no_route(edge: Edge) -> None:
    for path in ("/v1/nothing", "/v1/accounts/a/b/c", "/v1/accounts/", "/healthz", "/stats"):
        expect_error(edge.http.get(path, headers=edge.signed_in()), 404, "ROUTE_NOT_FOUND")


def test_a_known_path_with_another_verb_names_the_verbs_that_do(edge: Edge) -> None:
    reply = edge.http.delete("/v1/products/prd_1", headers=edge.signed_in())

    expect_error(reply, 405, "METHOD_NOT_ALLOWED")
    assert reply.headers["allow"] == "GET, PATCH"


def test_json_on_a_grpc_path_is_no_route(edge: Edge) -> None:
    for method in ("GetAccount", "CutWindow"):
        path = f"/cho.payments.v1.PaymentsService/{method}"
        expect_error(edge.http.post(path, json={}, headers=edge.signed_in()), 404, "ROUTE_NOT_FOUND")


def test_a_method_without_a_route_cannot_be_reached_natively_either(edge: Edge) -> None:
    before = len(edge.upstream.seen)
    metadata = _metadata(edge, roles="service,operator")
    with grpc.insecure_channel(edge.address) as channel:
        stub = payments_pb2_grpc.PaymentsServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.CutWindow(payments_pb2.CutWindowRequest(), metadata=metadata)

    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert len(edge.upstream.seen) == before


# What is refused


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{} {}",
        b"\xff",
        b'{"amount": 1.5}',
        b'{"amount": "9223372036854775808"}',
        b'{"not_after": "x"}',
    ],
)
def test_what_is_not_the_methods_json_is_refused(edge: Edge, body: bytes) -> None:
    reply = edge.http.post("/v1/payments", content=body, headers=edge.signed_in())

    expect_error(reply, 400, "INVALID_JSON")


def test_a_body_that_contradicts_the_path_is_refused(edge: Edge) -> None:
    body = {"payment_id": "pay_2"}

    expect_error(edge.http.post("/v1/payments/pay_1/refunds", json=body, headers=edge.signed_in()), 400, "INVALID_JSON")


def test_an_unknown_or_malformed_query_parameter_is_refused(edge: Edge) -> None:
    for path in (f"{ACCOUNT}?foo=1", f"{ACCOUNT}/transfers?limit=abc", "/v1/payments?foo=1"):
        verb = "POST" if path.startswith("/v1/payments") else "GET"
        expect_error(edge.http.request(verb, path, headers=edge.signed_in()), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_over_the_limit_is_refused_whatever_it_holds(edge: Edge, chunked: bool) -> None:
    kilobytes = limits.BODY_BYTES_MAX // 1024 + 1
    spaces: Iterator[bytes] | bytes = (b" " * 1024 for _ in range(kilobytes)) if chunked else b" " * kilobytes * 1024

    reply = edge.http.post("/v1/payments", content=spaces, headers=edge.signed_in())

    expect_error(reply, 413, "BODY_TOO_LARGE")


def test_a_body_up_to_the_limit_passes(edge: Edge) -> None:
    frame = b'{"note":""}'
    body = frame.replace(b'""', b'"%s"' % (b"x" * (limits.BODY_BYTES_MAX - len(frame))))
    assert len(body) == limits.BODY_BYTES_MAX

    assert edge.http.post("/v1/payments", content=body, headers=edge.signed_in()).status_code == 200


def test_a_large_reply_arrives_whole(edge: Edge) -> None:
    reply = edge.http.get("/v1/accounts/big", headers=edge.signed_in())

    assert len(reply.json()["account"]["owner_id"]) == BIG_REPLY_CHARACTERS


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"NONSENSE\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET /v1/me HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET /v1/me HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n", 400, "BAD_REQUEST"),
        (
            b"POST /v1/me HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
            400,
            "BAD_REQUEST",
        ),
        (b"GET /v1%2Fme HTTP/1.1\r\nhost: a\r\n\r\n", 400, "BAD_REQUEST"),
        (b"GET /v1/me HTTP/1.1\r\nhost: a\r\nx: " + b"x" * 70_000 + b"\r\n\r\n", 431, "HEADERS_TOO_LARGE"),
    ],
    ids=["no http", "no host", "no colon", "two lengths", "escaped slash", "headers"],
)
def test_broken_http_gets_the_same_shape(edge: Edge, request_bytes: bytes, status: int, reason: str) -> None:
    with (
        socket.create_connection(("127.0.0.1", edge.settings.gateway_port), timeout=5) as connection,
        HTTPResponse(connection) as raw,
    ):
        connection.sendall(request_bytes)
        raw.begin()
        reply = httpx.Response(raw.status, headers=dict(raw.headers), content=raw.read())

    expect_error(reply, status, reason)


@pytest.mark.parametrize(
    "header",
    [b"|-h.uqy*km: a", b"x-a-bin: !", b"grpc-encoding: snappy", b"grpc-internal-encoding-request: x",
     b"grpc-previous-rpc-attempts: x", b"grpc-tags-bin: !", b"grpc-timeout: soon", b"x: \xff", b"user-agent: \xff",
     b"traceparent: \xff", b"x: " + b"a" * 5_000],
)  # fmt: skip
def test_no_header_of_a_client_breaks_the_call_behind_the_gateway(edge: Edge, header: bytes) -> None:
    token = edge.signed_in()["authorization"].encode()
    request = b"GET %s HTTP/1.1\r\nhost: a\r\nauthorization: %s\r\n%s\r\n\r\n" % (ACCOUNT.encode(), token, header)
    with (
        socket.create_connection(("127.0.0.1", edge.settings.gateway_port), timeout=5) as connection,
        HTTPResponse(connection) as raw,
    ):
        connection.sendall(request)
        raw.begin()
        assert raw.status == 200, raw.read()


# What services say, and what happens when they do not


def test_a_services_refusal_keeps_its_reason(edge: Edge) -> None:
    headers = edge.signed_in()

    body = expect_error(edge.http.get("/v1/accounts/missing", headers=headers), 404, "ACCOUNT_NOT_FOUND")
    assert body["message"] == "There is none."
    expect_error(edge.http.get("/v1/merchants/missing/announcements", headers=headers), 404, "MERCHANT_NOT_FOUND")


def test_a_services_retry_after_becomes_a_header(edge: Edge) -> None:
    reply = edge.http.get("/v1/accounts/locked", headers=edge.signed_in())

    expect_error(reply, 429, "TOO_MANY_ATTEMPTS")
    assert reply.headers["retry-after"] == "900"


def test_a_service_that_is_down_has_done_nothing(edge: Edge) -> None:
    reply = edge.http.get("/v1/products")

    assert "nothing was done" in expect_error(reply, 503, "UNAVAILABLE")["message"]
    assert reply.headers["retry-after"] == "1"


def test_a_service_that_dies_over_a_request_may_have_done_it(edge: Edge) -> None:
    headers = edge.signed_in()

    expect_error(edge.http.post("/v1/orders", json={}, headers=headers), 503, "OUTCOME_UNKNOWN")
    expect_error(edge.http.get("/v1/me/orders", headers=headers), 503, "UNAVAILABLE")


def test_a_service_that_takes_too_long_may_have_done_it(edge: Edge) -> None:
    reply = edge.http.get("/v1/accounts/slow", headers=edge.signed_in())

    assert "same key" in expect_error(reply, 504, "DEADLINE_EXCEEDED")["message"]


def test_the_gateway_gives_up_before_the_service_and_so_has_the_last_word(edge: Edge) -> None:
    reply = edge.http.get("/v1/accounts/slow", headers=edge.signed_in() | {"grpc-timeout": "50m"})

    expect_error(reply, 504, "DEADLINE_EXCEEDED")
    assert edge.upstream.given_s[-1] > UNARY_MS_MAX / 1000


def test_a_second_gateway_on_the_same_ports_does_not_start(edge: Edge) -> None:
    second = subprocess.run(
        [envoy_binary(), "-c", edge.config, "--disable-hot-restart", "-l", "critical"],
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert second.returncode != 0
    assert "Address already in use" in second.stderr


# How often


def test_a_signed_in_person_who_calls_too_often_is_told_when_to_come_back(edge: Edge) -> None:
    burst = limits.RATES["READ"].burst
    hasty, calm = edge.signed_in(sub="usr_hasty"), edge.signed_in(sub="usr_calm")

    replies = [edge.http.get(ACCOUNT, headers=hasty) for _ in range(burst + 1)]
    while replies[-1].status_code == 200 and len(replies) < 5 * burst:
        replies.append(edge.http.get(ACCOUNT, headers=hasty))

    assert all(reply.status_code == 200 for reply in replies[:burst])
    expect_error(replies[-1], 429, "RATE_LIMITED")
    assert replies[-1].headers["retry-after"] == "1"
    assert edge.http.get(ACCOUNT, headers=calm).status_code == 200


def test_methods_of_one_class_share_a_persons_tokens_and_classes_do_not(edge: Edge) -> None:
    burst = limits.RATES["READ"].burst
    headers = edge.signed_in(sub="usr_reader")

    statuses = {edge.http.get(ACCOUNT, headers=headers).status_code for _ in range(3 * burst)}

    assert statuses == {200, 429}
    while (reply := edge.http.get(f"{ACCOUNT}/transfers", headers=headers)).status_code != 429:
        assert reply.status_code == 501
    assert edge.http.post("/v1/payments", json={}, headers=headers).status_code == 200


def test_guessing_pins_is_counted_by_address_and_before_the_service(edge: Edge) -> None:
    burst = limits.RATES["SIGN_IN"].burst
    before = len(edge.upstream.seen)

    replies = [edge.http.post("/v1/sign-in", json={}, headers=edge.signed_in(sub=f"usr_{i}")) for i in range(burst + 5)]

    expect_error(replies[-1], 429, "RATE_LIMITED")
    assert replies[-1].headers["retry-after"] == "3"
    assert len(edge.upstream.seen) - before <= burst + 1


# Too much


def test_calls_beyond_what_a_service_can_do_are_refused_at_once_and_streams_are_counted_apart(edge: Edge) -> None:
    headers = edge.signed_in(sub="usr_herd")
    with ThreadPoolExecutor(CALLS_MAX) as herd:
        slow = [herd.submit(httpx.get, f"http://{edge.address}/v1/accounts/slow", headers=headers, timeout=10)
                for _ in range(CALLS_MAX)]  # fmt: skip
        while edge.stat("cluster.payments.circuit_breakers.default.rq_open") == 0:
            assert not any(call.done() for call in slow)

        # Somebody else: of the herd's calls, those that wait in line go on arriving.
        beside = edge.signed_in(sub="usr_beside_the_herd")
        refused = edge.http.get(ACCOUNT, headers=beside)
        with edge.http.stream("GET", "/v1/merchants/mer_1/announcements", headers=beside) as stream:
            assert stream.status_code == 200

        body = expect_error(refused, 503, "OVERLOADED")
        assert "nothing was done" in body["message"]
        again = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retry_delay": "1s"}
        assert again in body["details"]
        assert refused.headers["retry-after"] == "1"
        assert [seen.get("x-cho-sub") for seen in edge.upstream.seen].count("usr_beside_the_herd") == 1
        assert {call.result().status_code for call in slow} == {504}
    assert edge.http.get(ACCOUNT, headers=headers).status_code == 200


# Trouble on purpose


def test_the_gateway_delays_and_refuses_on_demand_and_only_then(edge: Edge) -> None:
    headers, port = edge.signed_in(sub="usr_unlucky"), edge.settings.gateway_admin_port
    try:
        runtime(port, delay=100, delay_ms=120, refuse=0)
        delayed = edge.stat("http.edge.fault.delays_injected")
        assert edge.http.get(ACCOUNT, headers=headers).status_code == 200
        assert edge.stat("http.edge.fault.delays_injected") == delayed + 1
        runtime(port, delay=0, delay_ms=1, refuse=100)
        before = len(edge.upstream.seen)
        refused = expect_error(edge.http.get(ACCOUNT, headers=headers), 503, "UNAVAILABLE")
        assert "nothing was done" in refused["message"]
        assert len(edge.upstream.seen) == before
    finally:
        runtime(port, delay=0, delay_ms=1, refuse=0)
    assert edge.http.get(ACCOUNT, headers=headers).status_code == 200


# Streams


def test_events_arrive_one_by_one_while_the_stream_is_open(edge: Edge) -> None:
    with edge.http.stream("GET", "/v1/merchants/mer_1/announcements", headers=edge.signed_in()) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert _ids(stream, 3) == [1, 2, 3]


def test_a_stream_goes_on_after_the_last_event_id(edge: Edge) -> None:
    headers = edge.signed_in() | {"last-event-id": "41"}

    with edge.http.stream("GET", "/v1/merchants/mer_1/announcements", headers=headers) as stream:
        assert _ids(stream, 3) == [42, 43, 44]
    assert edge.upstream.seen[-1]["last-event-id"] == "41"


def test_a_stream_outlives_the_deadline_of_calls(edge: Edge) -> None:
    with edge.http.stream("GET", "/v1/merchants/patient/announcements", headers=edge.signed_in()) as stream:
        assert _ids(stream, 2) == [1, 2]


def test_a_stream_that_fails_midway_ends_as_if_it_were_whole(edge: Edge) -> None:
    """A limit of transcoding that services live with: their last event, or line, says that it is the last."""
    reply = edge.http.get("/v1/merchants/broken/announcements", headers=edge.signed_in())

    assert (reply.status_code, reply.text) == (200, "id: 1\n\n")


# gRPC clients


def test_a_grpc_client_shares_port_claims_and_reasons(edge: Edge) -> None:
    request = payments_pb2.GetAccountRequest(account_id="acc_1")
    with grpc.insecure_channel(edge.address) as channel:
        stub = payments_pb2_grpc.PaymentsServiceStub(channel)
        reply = stub.GetAccount(request, metadata=(*_metadata(edge), ("x-cho-roles", "operator")))
        assert reply.account.account_id == "acc_1"
        assert edge.upstream.seen[-1]["x-cho-roles"] == "shopper,vendor"

        with pytest.raises(grpc.RpcError) as refused:
            stub.GetAccount(request)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert refused.value.details() == "Jwt is missing"

        with pytest.raises(grpc.RpcError) as refused:
            stub.GetAccount(payments_pb2.GetAccountRequest(account_id="missing"), metadata=_metadata(edge))
        assert refused.value.code() == grpc.StatusCode.NOT_FOUND
        trailers = dict(refused.value.trailing_metadata())
        assert b"ACCOUNT_NOT_FOUND" in trailers["grpc-status-details-bin"]


def test_a_grpc_client_meets_the_same_limits(edge: Edge) -> None:
    with grpc.insecure_channel(edge.address) as channel:
        stub = payments_pb2_grpc.PaymentsServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetAccount(payments_pb2.GetAccountRequest(account_id="slow"), metadata=_metadata(edge), timeout=30)
        assert refused.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED

        metadata = _metadata(edge, sub="usr_native")
        calls = []
        for _ in range(4 * limits.RATES["READ"].burst):  # one after the other: at once, they would be too many
            calls.append(stub.GetAccount.future(payments_pb2.GetAccountRequest(), metadata=metadata))
            if calls[-1].code() != grpc.StatusCode.OK:
                break
        assert {call.code() for call in calls} == {
            grpc.StatusCode.OK,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
        }


# Browsers


def test_a_configured_origin_may_call_and_read_errors(edge: Edge) -> None:
    preflight = edge.http.options(ACCOUNT, headers={"origin": ORIGIN, "access-control-request-method": "GET"})
    refused = edge.http.get(ACCOUNT, headers={"origin": ORIGIN})
    answered = edge.http.get(ACCOUNT, headers={"origin": ORIGIN} | edge.signed_in())

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    for reply in (refused, answered):
        assert reply.headers["access-control-allow-origin"] == ORIGIN
        assert "retry-after" in reply.headers["access-control-expose-headers"]
    assert answered.status_code == 200
    expect_error(refused, 401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("GET", "/v1/nothing", b"", 404),
        ("PUT", ACCOUNT, b"", 405),
        ("POST", "/v1/payments", b"x" * (limits.BODY_BYTES_MAX + 1), 413),
        ("POST", "/v1/payments", b"{", 400),
        ("GET", f"{ACCOUNT}?misspelt=1", b"", 400),
    ],
)
def test_a_page_of_such_an_origin_reads_also_what_is_refused_before_its_route_is_known(
    edge: Edge, verb: str, path: str, body: bytes, status: int
) -> None:
    def asked(origin: str) -> httpx.Response:
        return edge.http.request(verb, path, content=body, headers={"origin": origin} | edge.signed_in())

    reply, foreign = asked(ORIGIN), asked("https://evil.example")
    assert (reply.status_code, foreign.status_code) == (status, status)
    assert reply.json()["details"][0]["reason"] == foreign.json()["details"][0]["reason"]
    assert reply.headers.get_list("access-control-allow-origin") == [ORIGIN]
    assert reply.headers.get_list("access-control-allow-credentials") == ["true"]
    assert "access-control-allow-origin" not in foreign.headers


def test_another_origin_may_not(edge: Edge) -> None:
    before = len(edge.upstream.seen)
    reply = edge.http.options(
        ACCOUNT, headers={"origin": "https://evil.example", "access-control-request-method": "GET"}
    )

    assert "access-control-allow-origin" not in reply.headers
    assert len(edge.upstream.seen) == before


def test_the_docs_come_from_the_gateway_itself_with_a_policy(edge: Edge) -> None:
    page = edge.http.get("/docs")
    local = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert local
    for path in local:
        assert path.startswith("/docs/")
        assert edge.http.get(path).status_code == 200, path
    assert edge.http.get("/openapi.json").json()["openapi"] == "3.1.0"
    assert "/docs" in edge.http.get("/").text


def _metadata(edge: Edge, **claims: Any) -> tuple[tuple[str, str], ...]:
    return tuple(edge.signed_in(**claims).items())


def _ids(stream: httpx.Response, count: int) -> list[int]:
    """The ids of the next events; the stream stays open behind them."""
    ids: list[int] = []
    for line in stream.iter_lines():
        if line.startswith("id: "):
            ids.append(int(line[4:]))
        if len(ids) == count:
            break
    return ids
