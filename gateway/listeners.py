"""Where Envoy listens: the edge for everybody, and loopback for the signing keys."""

from __future__ import annotations

from typing import Any

from gateway import limits
from gateway.clusters import ADMIN, socket
from gateway.cors import CorsSettings, allowed_origins, cors_policy
from gateway.docs import PAGE_BYTES_MAX, docs_routes
from gateway.errors import local_reply_config
from gateway.filters import edge_filters, jwks_filters, router, safe_headers
from gateway.matching import tree
from gateway.methods import Method
from gateway.routes import method_route, preflight_route, wrong_verb_routes
from gateway.tracing import early_mutation, tracing
from gateway.typed import duration, typed
from gateway.web import web_routes
from kit.config import Settings

_HCM = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


def edge_listener(settings: Settings, methods: list[Method], cors: CorsSettings) -> dict[str, Any]:
    """The port that phones, browsers and native gRPC clients use."""
    manager = typed(
        _HCM,
        stat_prefix="edge",
        route_config=_edge_route_config(settings, methods, cors),
        http_filters=edge_filters(settings, methods),
        local_reply_config=local_reply_config(safe_headers(), allowed_origins(settings.env, cors)),
        # The peer is the client; what it says in x-forwarded-for is not believed.
        use_remote_address=True,
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        generate_request_id=True,
        always_set_request_id_in_response=True,
        server_name="cho",
        common_http_protocol_options={
            "idle_timeout": duration(limits.CONNECTION_IDLE_MS_MAX),
            # "x_cho_sub" would be another header here and the same one in some library.
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        http2_protocol_options={
            "max_concurrent_streams": limits.CLIENT_STREAMS_MAX,
            "initial_stream_window_size": 65_536,
            "initial_connection_window_size": limits.CONNECTION_BUFFER_BYTES_MAX,
        },
        max_request_headers_kb=limits.HEADERS_KIB_MAX,
        stream_idle_timeout=duration(limits.REQUEST_MS_MAX),
        request_headers_timeout=duration(limits.HEADERS_MS_MAX),
        request_timeout=duration(limits.REQUEST_MS_MAX),
        **({"tracing": tracing(settings), **early_mutation()} if settings.traces_url else {}),
    )
    return _listener("edge", settings.gateway_host, settings.gateway_port, manager)


def jwks_listener(settings: Settings, jwks: Method) -> dict[str, Any]:
    """Loopback only: `GET /.well-known/jwks.json` for the JWT filter, which speaks no gRPC."""
    route = {
        "match": {"path": jwks.path, "grpc": {}},
        "route": {"cluster": jwks.service, "timeout": "2s"},
    }
    manager = typed(
        _HCM,
        stat_prefix="jwks",
        route_config=_route_config(settings, "jwks", {"routes": [route]}),
        http_filters=jwks_filters([jwks]),
    )
    return _listener("jwks", "127.0.0.1", settings.gateway_jwks_port, manager)


def metrics_listener(settings: Settings) -> dict[str, Any]:
    """For Prometheus in a cluster: `GET /metrics` is Envoy's statistics; nothing else of its admin port is shown."""
    route = {
        "match": {"path": "/metrics", "headers": [{"name": ":method", "string_match": {"exact": "GET"}}]},
        "route": {"cluster": ADMIN, "prefix_rewrite": "/stats/prometheus", "timeout": "10s"},
    }
    manager = typed(
        _HCM,
        stat_prefix="metrics",
        route_config={
            "name": "metrics",
            "virtual_hosts": [{"name": "metrics", "domains": ["*"], "routes": [route]}],
        },
        http_filters=[router()],
        request_headers_timeout=duration(limits.HEADERS_MS_MAX),
        request_timeout=duration(limits.REQUEST_MS_MAX),
    )
    return _listener("metrics", settings.metrics_host, settings.metrics_port, manager)


def edge_routes(settings: Settings, methods: list[Method], cors: CorsSettings) -> list[dict[str, Any]]:
    """Every route of the edge; the first that matches counts."""
    return [
        *(method_route(m) for m in methods),
        *([preflight_route()] if allowed_origins(settings.env, cors) else []),
        *docs_routes(),
        *web_routes(),
        *wrong_verb_routes(methods),
    ]


def _edge_route_config(settings: Settings, methods: list[Method], cors: CorsSettings) -> dict[str, Any]:
    config = _route_config(settings, "edge", {"matcher": tree(edge_routes(settings, methods, cors))})
    config["max_direct_response_body_size_bytes"] = PAGE_BYTES_MAX
    if origins := allowed_origins(settings.env, cors):
        config["typed_per_filter_config"] = {"envoy.filters.http.cors": cors_policy(origins)}
    return config


def _route_config(settings: Settings, name: str, routes: dict[str, Any]) -> dict[str, Any]:
    """Routes (a list, or a tree of them) whose requests carry the proof that they came through the gateway."""
    return {
        "name": name,
        "virtual_hosts": [{"name": name, "domains": ["*"], **routes}],
        "request_headers_to_add": [
            {
                "header": {"key": "x-cho-edge", "value": settings.edge_secret},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }


def _listener(name: str, host: str, port: int, manager: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "address": socket(host, port),
        # Otherwise a second gateway on the same port would start, and quietly take half of the calls.
        "enable_reuse_port": False,
        # A few busy connections, as load tests and gRPC clients have, would else crowd on one worker thread.
        "connection_balance_config": {"exact_balance": {}},
        "per_connection_buffer_limit_bytes": limits.CONNECTION_BUFFER_BYTES_MAX,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
