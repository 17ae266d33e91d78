"""A real Envoy with real gRPC servers behind it, and what a test asks of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from gateway import limits
from gateway.bootstrap import bootstrap, write
from gateway.cors import CorsSettings
from gateway.envoy import envoy_binary
from kit import tls
from kit.config import Settings
from tests.gateway.gateway_upstreams import PATIENCE_S, Upstream

READY_S_MAX = 60
# Long enough for a reply on a busy machine, short enough to wait for.
UNARY_MS_MAX = int(PATIENCE_S * 1000 * 3 / 4)
# Fewer than the upstream has threads.
CALLS_MAX = 4


@dataclass
class Edge:
    """A running gateway, and the key that its identity service signs with."""

    settings: Settings
    upstream: Upstream
    key: ECKey
    # The bootstrap that it runs on.
    config: Path
    http: httpx.Client

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.settings.gateway_port}"

    def token(self, key: ECKey | None = None, **claims: Any) -> str:
        """A token as identity makes them; `claims` override, None leaves one out."""
        now = int(time.time())
        payload = {
            "iss": "cho",
            "aud": "cho-gateway",
            "sub": "usr_1",
            "roles": "shopper,vendor",
            "exp": now + 600,
        }
        payload = {k: v for k, v in (payload | {"iat": now} | claims).items() if v is not None}
        signer = key or self.key
        return jwt.encode({"alg": "ES256", "kid": signer.kid}, payload, signer)

    def signed_in(self, **claims: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(**claims)}"}

    def stat(self, name: str) -> int:
        url = f"http://127.0.0.1:{self.settings.gateway_admin_port}/stats"
        reply = httpx.get(url, params={"filter": name}, verify=tls.context())
        return sum(int(line.rpartition(":")[2]) for line in reply.text.splitlines())


def wait_until_ready(edge: Edge, envoy: subprocess.Popen[bytes], log: Path) -> None:
    """As a supervisor does: Envoy serves, and has the keys."""
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline:
        assert envoy.poll() is None, log.read_text()
        try:
            url = f"http://127.0.0.1:{edge.settings.gateway_admin_port}/ready"
            ready = httpx.get(url, verify=tls.context()).status_code == 200
            if ready and edge.stat("jwks_fetch_success"):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError(log.read_text())


@contextmanager
def gateway_of(settings: Settings, upstream: Upstream, key: ECKey, home: Path) -> Iterator[Edge]:
    """An Envoy of these settings, ready, until the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "UNARY_MS_MAX", UNARY_MS_MAX)
        patch.setattr(limits, "UPSTREAM_CALLS_MAX", CALLS_MAX)
        patch.setattr(limits, "UNARY_UPSTREAM_MS_MAX", UNARY_MS_MAX + 1_000)
        config = bootstrap(settings, CorsSettings(_env_file=None, cors_origins="https://cho.example.vn"))
    write(config, home / "envoy.json")
    with (home / "envoy.log").open("wb") as log:
        envoy = subprocess.Popen(
            [
                envoy_binary(),
                "-c",
                home / "envoy.json",
                "--disable-hot-restart",
                "--concurrency",
                "1",
                "-l",
                "warn",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{settings.gateway_port}", timeout=10) as http:
            running = Edge(settings, upstream, key, home / "envoy.json", http)
            wait_until_ready(running, envoy, home / "envoy.log")
            yield running
    finally:
        envoy.terminate()
        envoy.wait(timeout=10)
