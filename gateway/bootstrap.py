"""Envoy's bootstrap, made from the settings and the descriptors."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gateway import limits
from gateway.clusters import admin_cluster, jwks_cluster, service_cluster, socket, traces_cluster
from gateway.cors import CorsSettings
from gateway.listeners import edge_listener, jwks_listener, metrics_listener
from gateway.methods import api
from gateway.typed import typed
from kit.config import Settings


def bootstrap(settings: Settings, cors: CorsSettings | None = None) -> dict[str, Any]:
    """The whole configuration. It holds the edge secret: write it with `write`, and log nothing of it.

    Raises ValueError where a method declares no roles, or CORS names no origins.
    """
    methods = api().public
    jwks = next(m for m in methods if m.full_name == "cho.identity.v1.IdentityService.GetJwks")
    return {
        "node": {"id": "gateway", "cluster": "cho"},
        "admin": {"address": socket("127.0.0.1", settings.gateway_admin_port)},
        "static_resources": {
            "listeners": [
                edge_listener(settings, methods, cors or CorsSettings()),
                jwks_listener(settings, jwks),
                *([metrics_listener(settings)] if settings.metrics_port else []),
            ],
            "clusters": [
                *(service_cluster(settings, s) for s in sorted({m.service for m in methods})),
                jwks_cluster(settings),
                *([admin_cluster(settings)] if settings.metrics_port else []),
                *([traces_cluster(settings)] if settings.traces_url else []),
            ],
        },
        "overload_manager": {"resource_monitors": [_connections_max()]},
        # What the admin port may change: the fault filter's figures, where there is one.
        **({"layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]}} if settings.gateway_faults else {}),
    }


def write(config: dict[str, Any], path: Path) -> None:
    """Writes the bootstrap where only its owner can read it, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(config, file)
    partial.replace(path)


def _connections_max() -> dict[str, Any]:
    return {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": typed(
            "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            max_active_downstream_connections=limits.CLIENT_CONNECTIONS_MAX,
        ),
    }
