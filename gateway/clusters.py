"""Where Envoy connects to: a cluster for each service, and one for its own listener of signing keys."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from gateway import limits
from gateway.typed import duration, typed
from kit.config import Settings

JWKS = "jwks"
ADMIN = "admin"
TRACES = "traces"
# The routing priority of streams.
STREAMS = "HIGH"


def service_cluster(settings: Settings, service: str) -> dict[str, Any]:
    """A service's gRPC server, by its address in the settings: an IP, or a name that may have many."""
    cluster = _cluster(service, *_host_port(settings.addr(service)))
    cluster["typed_extension_protocol_options"] = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
            "extensions.upstreams.http.v3.HttpProtocolOptions",
            explicit_http_config={
                "http2_protocol_options": {
                    # A window of 64 KiB would stall a report at every round trip.
                    "initial_stream_window_size": limits.CONNECTION_BUFFER_BYTES_MAX,
                    "initial_connection_window_size": 4 * limits.CONNECTION_BUFFER_BYTES_MAX,
                }
            },
        )
    }
    return cluster


def jwks_cluster(settings: Settings) -> dict[str, Any]:
    """Envoy's own loopback listener, which asks identity for the keys."""
    return _cluster(JWKS, "127.0.0.1", settings.gateway_jwks_port)


def admin_cluster(settings: Settings) -> dict[str, Any]:
    """Envoy's own admin port, of which the metrics listener shows the statistics."""
    return _cluster(ADMIN, "127.0.0.1", settings.gateway_admin_port)


def traces_cluster(settings: Settings) -> dict[str, Any]:
    """The collector of spans (CHO_TRACES_URL)."""
    url = urlsplit(settings.traces_url)
    host = url.hostname or ""
    cluster = _cluster(TRACES, host, url.port or (443 if url.scheme == "https" else 80))
    if url.scheme == "https":
        cluster["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": typed(
                "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                sni=host,
                # The system's own authorities; without a context nobody's certificate would be looked at.
                common_tls_context={
                    "validation_context": {
                        "trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"},
                        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": host}}],
                    }
                },
            ),
        }
    return cluster


def _cluster(name: str, host: str, port: int) -> dict[str, Any]:
    return {
        "name": name,
        # Every address of a name is used (a headless service in k8s); an IP is not looked up.
        "type": "STATIC" if _is_ip(host) else "STRICT_DNS",
        "lb_policy": "LEAST_REQUEST",
        "connect_timeout": duration(limits.CONNECT_MS_MAX),
        "per_connection_buffer_limit_bytes": limits.CONNECTION_BUFFER_BYTES_MAX,
        "circuit_breakers": {
            "thresholds": [
                _in_flight("DEFAULT", limits.UPSTREAM_CALLS_MAX),
                _in_flight(STREAMS, limits.UPSTREAM_STREAMS_MAX),
            ]
        },
        # Not HTTP/2 pings: a gRPC server ends a connection that pings more often than it likes.
        "upstream_connection_options": {"tcp_keepalive": {"keepalive_time": 30}},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(host, port)}}]}],
        },
    }


def _in_flight(priority: str, most: int) -> dict[str, Any]:
    """Calls of a routing priority: Envoy counts each by itself, which is all that we use priorities for."""
    return {
        "priority": priority,
        "max_connections": limits.UPSTREAM_CONNECTIONS_MAX,
        "max_pending_requests": most,
        "max_requests": most,
        "max_retries": limits.UPSTREAM_RETRIES_MAX,
    }


def socket(host: str, port: int) -> dict[str, Any]:
    """A TCP address."""
    return {"socket_address": {"address": host, "port_value": port}}


def _host_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
