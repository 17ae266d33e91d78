"""The edge's route table: exact gRPC paths, behind the transcoder.

Policy cannot differ from the method called, and native gRPC clients take the same routes. An RPC without a
route annotation has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from gateway import admission, limits, not_modified
from gateway.clusters import STREAMS
from gateway.methods import Method
from gateway.typed import duration, typed

JWT_FILTER = "envoy.filters.http.jwt_authn"
HEADER_FILTER = "envoy.filters.http.header_mutation"
BUFFER_FILTER = "envoy.filters.http.buffer"
# Route metadata: what the rate limiter counts by, and when to try again.
METADATA = "cho"
PERSON, ADDRESS = "person", "address"
SIGNED_IN = "signed_in"
KNOWN_OR_NOT = "known_or_not"


def method_route(method: Method) -> dict[str, Any]:
    """The route of one RPC: who may pass, how often, how long."""
    return {
        "name": method.full_name,
        # gRPC only: what the transcoder made, or a native client sent. Anything else on this path is a 404.
        "match": {"path": method.path, "grpc": {}},
        "metadata": {"filter_metadata": {METADATA: _rate_metadata(method)}},
        "route": {
            "cluster": method.service,
            **(_stream_limits() if method.streaming else _unary_limits()),
        },
        "typed_per_filter_config": {
            JWT_FILTER: _jwt(method),
            **_larger_body([method]),
            **not_modified.per_route(method),
            **admission.per_route([method]),
        },
        "request_headers_to_remove": _headers_kept_here(method),
        **({} if method.streaming else {"request_headers_to_add": [_deadline()]}),
    }


def _unary_limits() -> dict[str, Any]:
    return {
        # The stream's life and not `timeout`: a native client then hears DEADLINE_EXCEEDED, not UNAVAILABLE.
        "timeout": "0s",
        "max_stream_duration": {
            "max_stream_duration": duration(limits.UNARY_MS_MAX),
            "grpc_timeout_header_max": duration(limits.UNARY_MS_MAX),
        },
        # Only where the request has certainly not been carried out.
        "retry_policy": {"retry_on": "connect-failure,refused-stream", "num_retries": 1},
    }


def _stream_limits() -> dict[str, Any]:
    return {
        "timeout": "0s",
        "priority": STREAMS,
        "idle_timeout": duration(limits.STREAM_IDLE_MS_MAX),
        "max_stream_duration": {"max_stream_duration": duration(limits.STREAM_MS_MAX)},
    }


def _headers_kept_here(method: Method) -> list[str]:
    """Tokens stay at the edge. Identity alone sees cookies: it sets them."""
    return ["authorization"] if method.service == "identity" else ["authorization", "cookie"]


def _deadline() -> dict[str, Any]:
    """So that a servicer stops working when nobody waits any more.

    It replaces what Envoy or a native client wrote: with the gateway's own deadline the servicer would give up at
    the same moment, and every few times its bare status would be the reply. Envoy cancels earlier.
    """
    return {
        "header": {"key": "grpc-timeout", "value": f"{limits.UNARY_UPSTREAM_MS_MAX}m"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }


def _rate_metadata(method: Method) -> dict[str, str]:
    """The class, under who is counted: the person, or the address where nobody has signed in."""
    counted = ADDRESS if method.anyone else PERSON
    return {counted: method.rate, "retry_after_s": str(limits.RATES[method.rate].retry_after_s)}


def _jwt(method: Method) -> dict[str, Any]:
    """Where anyone may call, a stale token must not stop its owner from signing in again: it counts for nothing. What
    anyone may read tells more to whom it belongs to: there a good token counts."""
    if not method.anyone:
        asks: dict[str, Any] = {"requirement_name": SIGNED_IN}
    elif all(route.verb == "GET" for route in method.routes):
        asks = {"requirement_name": KNOWN_OR_NOT}
    else:
        asks = {"disabled": True}
    return typed("extensions.filters.http.jwt_authn.v3.PerRouteConfig", **asks)


def _no_grpc_headers() -> dict[str, Any]:
    """A native client's `grpc-encoding` means something; beside JSON it would make a call that no server can read."""
    mutations = {"request_mutations": [{"remove_on_match": {"key_matcher": {"prefix": "grpc-"}}}]}
    return typed("extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute", mutations=mutations)


def _larger_body(methods: Iterable[Method]) -> dict[str, Any]:
    """What the buffer filter, which stands before the transcoder, is told where a body may be larger than elsewhere."""
    most = max(method.body_bytes for method in methods)
    if most == limits.BODY_BYTES_MAX:
        return {}
    buffer = {"max_request_bytes": most}
    return {BUFFER_FILTER: typed("extensions.filters.http.buffer.v3.BufferPerRoute", buffer=buffer)}


def wrong_verb_routes(methods: Iterable[Method]) -> list[dict[str, Any]]:
    """405 for a known path with another verb: the transcoder left such a request as it came.

    A request with the right verb is matched here, too, until its body is there and the transcoder has made gRPC of it.
    """
    verbs: dict[str, set[str]] = defaultdict(set)
    of: dict[str, list[Method]] = defaultdict(list)
    for method in methods:
        for route in method.routes:
            verbs[route.regex].add(route.verb)
            of[route.regex].append(method)
    return [
        {
            "match": {"safe_regex": {"regex": regex}},
            "direct_response": {"status": 405},
            "typed_per_filter_config": {
                HEADER_FILTER: _no_grpc_headers(),
                **_larger_body(of[regex]),
                **admission.per_route(of[regex]),
            },
            "response_headers_to_add": [{"header": {"key": "allow", "value": ", ".join(sorted(allowed))}}],
        }
        for regex, allowed in sorted(verbs.items())
    ]


def preflight_route() -> dict[str, Any]:
    """Where CORS preflights go: the filter answers them, but only on a real route."""
    return {
        "match": {
            "prefix": "/",
            "headers": [
                {"name": ":method", "string_match": {"exact": "OPTIONS"}},
                {"name": "access-control-request-method", "present_match": True},
            ],
        },
        "route": {"cluster": "identity"},
    }
