"""The edge's filters, in the order in which a request meets them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from gateway import limits
from gateway.admission import admission_filter
from gateway.clusters import JWKS
from gateway.methods import Method, transcoder_descriptors
from gateway.not_modified import lua_filter
from gateway.routes import ADDRESS, KNOWN_OR_NOT, METADATA, PERSON, SIGNED_IN
from gateway.typed import duration, typed
from kit.config import Settings

ISSUER = "cho"
AUDIENCE = "cho-gateway"
COOKIE = "cho_access"
_HTTP = "extensions.filters.http"
# What only the gateway may say: claims, proof of the edge, Envoy's own commands.
_STRIPPED = "(x-cho-|x-envoy-|x-jwt-payload).*"
# HTTP allows more characters in a header's name than gRPC does; to gRPC "-bin" promises base64; and what grpc's own
# retries say is between them. A server that cannot read one of these ends the call as a bug of its own.
_UNREADABLE = ".*[^0-9a-z_.:-].*|.*-bin|grpc-internal-.*|grpc-previous-rpc-attempts"
_REMOVED = f"{_STRIPPED}|{_UNREADABLE}"
_CLAIMS = {
    "x-cho-sub": "sub",
    "x-cho-roles": "roles",
    "x-cho-ins": "ins",
    "x-cho-sid": "sid",
    "x-cho-pin-at": "pin_at",
    "x-cho-dev": "dev",
    "x-cho-dev-at": "dev_at",
}
# On every reply, unless it says otherwise: the few pages have a policy of their own.
_SAFE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def edge_filters(settings: Settings, methods: list[Method]) -> list[dict[str, Any]]:
    """Buffer, let in, strip, 304, transcode, CORS, JWT, rate limit, route.

    CORS acts on real routes alone, and what comes as JSON has one only behind the transcoder (wrong_verb_routes).
    """
    return [
        _filter("buffer", _buffer()),
        admission_filter(settings.answered_soon_ms),
        _filter("header_mutation", _header_mutation()),
        lua_filter(),
        _filter("grpc_json_transcoder", transcoder(methods)),
        _filter("cors", typed(f"{_HTTP}.cors.v3.Cors")),
        _filter("jwt_authn", _jwt_authn(settings)),
        _filter("local_ratelimit", _local_ratelimit(settings.rate_scale)),
        *([_filter("fault", _fault())] if settings.gateway_faults else []),
        router(),
    ]


def jwks_filters(methods: list[Method]) -> list[dict[str, Any]]:
    """What the loopback listener of signing keys needs."""
    return [_filter("grpc_json_transcoder", transcoder(methods)), router()]


def _filter(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"envoy.filters.http.{name}", "typed_config": config}


def router() -> dict[str, Any]:
    """The last filter of every chain."""
    return _filter("router", typed(f"{_HTTP}.router.v3.Router", suppress_envoy_headers=True))


def safe_headers() -> list[dict[str, Any]]:
    """Headers that make a browser careful, each added where it is absent."""
    return [{"header": {"key": k, "value": v}, "append_action": "ADD_IF_ABSENT"} for k, v in _SAFE_HEADERS.items()]


def _header_mutation() -> dict[str, Any]:
    """Before everything that reads headers: routes without JWT would let a client's claims through otherwise.

    One regular expression, because each matcher looks at all headers.
    """
    return typed(
        f"{_HTTP}.header_mutation.v3.HeaderMutation",
        mutations={
            "request_mutations": [{"remove_on_match": {"key_matcher": {"safe_regex": {"regex": _REMOVED}}}}],
            "response_mutations": [{"append": header} for header in safe_headers()],
        },
    )


def _buffer() -> dict[str, Any]:
    """The whole body first: before the transcoder, so that the limit is on what was sent; before JWT and rate
    limits, because a reply to half a request closes the phone's connection.
    """
    return typed(f"{_HTTP}.buffer.v3.Buffer", max_request_bytes=limits.BODY_BYTES_MAX)


def transcoder(methods: list[Method]) -> dict[str, Any]:
    """JSON to gRPC by the routes that the protos declare, and by no other (no auto mapping)."""
    services = sorted({m.service_name for m in methods})
    return typed(
        f"{_HTTP}.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        proto_descriptor_bin=b64encode(transcoder_descriptors(services)).decode(),
        services=services,
        match_incoming_request_route=False,
        convert_grpc_status=True,
        print_options={"preserve_proto_field_names": True, "always_print_primitive_fields": True},
        # "a+b" in a query is "a b", as every browser writes it.
        query_param_unescape_plus=True,
        max_response_body_size=limits.RESPONSE_BYTES_MAX,
        # Without it, a misspelt parameter would look like an unknown path.
        request_validation_options={
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
    )


def _fault() -> dict[str, Any]:
    """Delays and refuses nothing until its runtime says so (`fault.http.*`, by the admin port): trouble on purpose.

    Last before the router, so that what it refuses has passed everything else, and no service has heard of it.
    """
    none = {"numerator": 0, "denominator": "HUNDRED"}
    return typed(
        f"{_HTTP}.fault.v3.HTTPFault",
        delay={"fixed_delay": "0.001s", "percentage": none},
        abort={"http_status": 503, "percentage": none},
    )


def _jwt_authn(settings: Settings) -> dict[str, Any]:
    """The header's token or else the cookie's: one token's claims, never some of each.

    Two providers for one issuer: a single one with two places verifies both tokens and mixes their claims.
    """
    places: dict[str, dict[str, Any]] = {
        "bearer": {"from_headers": [{"name": "authorization", "value_prefix": "Bearer "}]},
        "cookie": {"from_cookies": [COOKIE]},
    }
    signed_in: list[dict[str, Any]] = [{"provider_name": name} for name in places]
    return typed(
        f"{_HTTP}.jwt_authn.v3.JwtAuthentication",
        providers={name: place | _provider(settings) for name, place in places.items()},
        requirement_map={
            SIGNED_IN: {"requires_any": {"requirements": signed_in}},
            KNOWN_OR_NOT: {"requires_any": {"requirements": [*signed_in, {"allow_missing_or_failed": {}}]}},
        },
    )


def _provider(settings: Settings) -> dict[str, Any]:
    return {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        # Somebody in particular, who can be counted: a token without `sub` is no token.
        "subjects": {"safe_regex": {"regex": "[A-Za-z0-9_-]+"}},
        "require_expiration": True,
        "clock_skew_seconds": limits.JWT_CLOCK_SKEW_S,
        # Services get claims, never the token.
        "forward": False,
        "claim_to_headers": [{"header_name": h, "claim_name": c} for h, c in _CLAIMS.items()],
        # ECDSA once a token, not once a call. A key that must be revoked at once needs a restart of Envoy.
        "jwt_cache_config": {"jwt_cache_size": limits.JWT_CACHE_ENTRIES_MAX},
        "remote_jwks": {
            "http_uri": {
                "uri": f"http://127.0.0.1:{settings.gateway_jwks_port}/.well-known/jwks.json",
                "cluster": JWKS,
                "timeout": "2s",
            },
            "cache_duration": duration(limits.JWKS_CACHE_S * 1000),
            # Not `fast_listener: false`: the keys come through a listener, which would wait for itself.
            "async_fetch": {"fast_listener": True, "failed_refetch_duration": "0.2s"},
        },
    }


def _local_ratelimit(scale: float) -> dict[str, Any]:
    """A bucket for each class and caller. Routes name the class and who is counted in their metadata."""
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    person = {"request_headers": {"header_name": "x-cho-sub", "descriptor_key": "who"}}
    # One subscriber has a whole IPv6 /64.
    address = {"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}
    return typed(
        f"{_HTTP}.local_ratelimit.v3.LocalRateLimit",
        stat_prefix="rate",
        filter_enabled=always,
        filter_enforced=always,
        rate_limited_as_resource_exhausted=True,
        response_headers_to_add=[
            {"header": {"key": "retry-after", "value": f"%METADATA(ROUTE:{METADATA}:retry_after_s)%"}}
        ],
        max_dynamic_descriptors=limits.CALLERS_MAX,
        rate_limits=[
            {"actions": [_class_of_route(PERSON), person]},
            {"actions": [_class_of_route(ADDRESS), address]},
        ],
        descriptors=[
            {
                # An entry without a value is each value by itself.
                "entries": [{"key": counted, "value": name}, {"key": who}],
                "token_bucket": _bucket(rate.scaled(scale)),
            }
            for name, rate in limits.RATES.items()
            for counted, who in ((PERSON, "who"), (ADDRESS, "masked_remote_address"))
        ],
    )


def _class_of_route(counted: str) -> dict[str, Any]:
    key = {"key": METADATA, "path": [{"key": counted}]}
    return {"metadata": {"descriptor_key": counted, "metadata_key": key, "source": "ROUTE_ENTRY"}}


def _bucket(rate: limits.Rate) -> dict[str, Any]:
    return {
        "max_tokens": rate.burst,
        "tokens_per_fill": rate.tokens,
        "fill_interval": f"{rate.interval_s}s",
    }
