"""Counts and times every RPC."""

from __future__ import annotations

from prometheus_client import Counter, Histogram, start_http_server

from kit.config import settings

CALLS = Counter("cho_rpc_calls_total", "RPCs by method and outcome code.", ["method", "code"])
SECONDS = Histogram(
    "cho_rpc_seconds",
    "Time in the handler, seconds.",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def serve_metrics() -> None:
    """Serves /metrics on settings().metrics_host and metrics_port; port 0 serves nothing."""
    if port := settings().metrics_port:
        start_http_server(port, addr=settings().metrics_host)
