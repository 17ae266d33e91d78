"""Envoy's own replies in the one shape that every error has: google.rpc.Status JSON with one ErrorInfo.

Which reply it is can be told from `response.code_details`, a stable word that Envoy writes for each (its page
"response code details"). The first rule that fits wins; the last ones fit every error. What services say
passes untouched, and a native gRPC client gets plain words in `grpc-message`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.rpc import code_pb2

from gateway.admission import NOT_ADMITTED
from gateway.cors import readable_headers
from gateway.typed import typed
from kit.errors import DOMAIN

# Set by the transcoder alone (a client's x-envoy-* is stripped): without it, a gRPC call came as gRPC.
_NATIVE = (
    "request.headers['content-type'].startsWith('application/grpc') && !('x-envoy-original-path' in request.headers)"
)
# Reads change nothing, so that their outcome is of no concern.
_READ = "request.headers['x-envoy-original-method'] == 'GET'"
# Envoy's own text: what is wrong with the JSON.
_ENVOYS_TEXT = "%LOCAL_REPLY_BODY%"
_PLAIN = {"body_format_override": {"text_format_source": {"inline_string": _ENVOYS_TEXT}}}
_AGAIN = "it may have been done: send the same key again to find out"


@dataclass(frozen=True)
class Rule:
    """What a local reply becomes. `when` is CEL over Envoy's attributes."""

    when: str
    code: int
    reason: str
    message: str
    # Replaces Envoy's HTTP status where clients should see another one.
    status: int = 0
    retry_after_s: int = 0
    # The CORS filter has not seen the call: what lets a page read the reply is written with it.
    early: bool = False


def _details(*beginnings: str) -> str:
    return " || ".join(f"response.code_details.startsWith('{b}')" for b in beginnings)


def _reset(*reasons: str) -> tuple[str, ...]:
    return tuple(f"upstream_reset_before_response_started{{{r}" for r in reasons)


# The request has not left the gateway: too many are in flight (circuit breakers), or the gateway itself has too much.
_TOO_MANY = _details(*_reset("overflow"), "overload")
# Nor has it where nobody could be reached.
_NOT_SENT = _details(
    *_reset("remote_connection_failure", "local_connection_failure", "connection_timeout"),
    *_reset("remote_refused_stream_reset", "local_refused_stream_reset"),
    "no_healthy_upstream",
    "fault_filter_abort",
    "cluster_not_found",
)

_OVERLOADED = Rule(
    _TOO_MANY,
    code_pb2.UNAVAILABLE,
    "OVERLOADED",
    "Too many calls at once; nothing was done: send the same request again in a second.",
    status=503,
    retry_after_s=1,
)

RULES = (
    _OVERLOADED,
    # Tokens.
    Rule(
        _details("jwt_authn_access_denied{Jwks_remote_fetch_is_failed}"),
        code_pb2.UNAVAILABLE,
        "UNAVAILABLE",
        "Tokens cannot be checked at the moment; nothing was done.",
        status=503,
        retry_after_s=1,
    ),
    Rule(
        _details("jwt_authn_access_denied{Jwt_is_missing}"),
        code_pb2.UNAUTHENTICATED,
        "UNAUTHENTICATED",
        "Sign in first.",
    ),
    Rule(
        _details("jwt_authn_access_denied"),
        code_pb2.UNAUTHENTICATED,
        "TOKEN_INVALID",
        "The token is expired, malformed or not from here.",
        # Envoy says 403 for another audience.
        status=401,
    ),
    # Routes.
    Rule(
        _details("route_not_found"),
        code_pb2.NOT_FOUND,
        "ROUTE_NOT_FOUND",
        "There is nothing at this path.",
        early=True,
    ),
    Rule(
        "response.code == 405",
        code_pb2.UNIMPLEMENTED,
        "METHOD_NOT_ALLOWED",
        "Not with this HTTP method; see the Allow header.",
        early=True,
    ),
    # Too much.
    Rule(
        _details("local_rate_limited"),
        code_pb2.RESOURCE_EXHAUSTED,
        "RATE_LIMITED",
        "Too many requests; nothing was done.",
    ),
    Rule(
        _details("request_payload_too_large"),
        code_pb2.INVALID_ARGUMENT,
        "BODY_TOO_LARGE",
        "The body is over 64 KiB.",
        early=True,
    ),
    Rule(
        "response.code == 431",
        code_pb2.INVALID_ARGUMENT,
        "HEADERS_TOO_LARGE",
        "The headers are too large.",
    ),
    # What the transcoder cannot read: in the body, and in the path or query.
    Rule(_details("grpc_json_transcode_failure"), code_pb2.INVALID_ARGUMENT, "INVALID_JSON", _ENVOYS_TEXT),
    Rule(
        _details("early_grpc_json_transcode_failure"),
        code_pb2.INVALID_ARGUMENT,
        "INVALID_ARGUMENT",
        _ENVOYS_TEXT,
        early=True,
    ),
    # Services.
    Rule(
        "response.code == 504",
        code_pb2.DEADLINE_EXCEEDED,
        "DEADLINE_EXCEEDED",
        f"No answer in time; {_AGAIN}.",
    ),
    Rule(
        _NOT_SENT,
        code_pb2.UNAVAILABLE,
        "UNAVAILABLE",
        "Not reachable; nothing was done.",
        status=503,
        retry_after_s=1,
    ),
    Rule(
        f"({_details('upstream_reset_')}) && !({_READ})",
        code_pb2.UNAVAILABLE,
        "OUTCOME_UNKNOWN",
        f"The connection broke; {_AGAIN}.",
        status=503,
        retry_after_s=1,
    ),
    Rule(
        f"response.code == 503 || {_details('upstream_reset_')}",
        code_pb2.UNAVAILABLE,
        "UNAVAILABLE",
        "Not reachable.",
        status=503,
        retry_after_s=1,
    ),
    # Everything else.
    Rule("response.code == 408", code_pb2.DEADLINE_EXCEEDED, "REQUEST_TIMEOUT", "The request came too slowly."),
    Rule(
        "response.code >= 400 && response.code < 500",
        code_pb2.INVALID_ARGUMENT,
        "BAD_REQUEST",
        "Not a valid HTTP request.",
    ),
    Rule("response.code >= 500", code_pb2.INTERNAL, "INTERNAL", "Something went wrong in the gateway."),
)


def local_reply_config(headers: list[dict[str, Any]], origins: list[dict[str, Any]]) -> dict[str, Any]:
    """The rules as Envoy reads them. `headers` go on every error: some never reach a filter. `origins`: matchers of
    those whose pages may call."""
    native = {"filter": _cel(_NATIVE), **_PLAIN}
    ours = [mapper for rule in RULES for mapper in (*_to_pages(rule, headers, origins), _mapper(rule, headers))]
    return {"mappers": [*_not_admitted(origins), native, *ours]}


def _to_pages(rule: Rule, headers: list[dict[str, Any]], origins: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rule for calls of pages that the CORS filter will not answer for, one for each matcher of their origins."""
    if not rule.early:
        return []
    mapper = _mapper(rule, [*headers, *readable_headers()])
    return [mapper | {"filter": _both(mapper["filter"], _header("origin", origin))} for origin in origins]


def _not_admitted(origins: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What admission refuses, told by a status that nobody else gives, and first: beyond capacity it is most of what
    the gateway does, and to ask CEL who it was took a seventh of it. The careful headers are the header filter's; those
    for pages are written here, because the CORS filter has not seen the call (gateway/filters.py).
    """
    refused = {
        "status_code_filter": {"comparison": {"op": "EQ", "value": {"default_value": NOT_ADMITTED, "runtime_key": "-"}}}
    }

    def with_header(name: str, match: dict[str, Any]) -> dict[str, Any]:
        return {"filter": _both(refused, _header(name, match))}

    return [
        with_header("content-type", {"prefix": "application/grpc"}) | {"status_code": 503, **_PLAIN},
        *(_mapper(_OVERLOADED, readable_headers()) | with_header("origin", origin) for origin in origins),
        _mapper(_OVERLOADED, []) | {"filter": refused},
    ]


def _header(name: str, match: dict[str, Any]) -> dict[str, Any]:
    return {"header_filter": {"header": {"name": name, "string_match": match}}}


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {"and_filter": {"filters": [one, other]}}


def _mapper(rule: Rule, headers: list[dict[str, Any]]) -> dict[str, Any]:
    mapper: dict[str, Any] = {
        "filter": _cel(rule.when),
        "body_format_override": {"json_format": _status(rule)},
        "headers_to_add": headers,
    }
    if rule.status:
        mapper["status_code"] = rule.status
    if rule.retry_after_s:
        again = {"header": {"key": "retry-after", "value": str(rule.retry_after_s)}}
        mapper["headers_to_add"] = [*headers, again]
    return mapper


def _status(rule: Rule) -> dict[str, Any]:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": rule.reason,
        "domain": DOMAIN,
        "metadata": {},
    }
    again = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retry_delay": f"{rule.retry_after_s}s"}
    return {"code": rule.code, "message": rule.message, "details": [info, *([again] if rule.retry_after_s else [])]}


def _cel(expression: str) -> dict[str, Any]:
    return {
        "extension_filter": {
            "name": "cel",
            "typed_config": typed("extensions.access_loggers.filters.cel.v3.ExpressionFilter", expression=expression),
        }
    }
