"""One real Envoy for the module, with real gRPC servers behind it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import httpx
import pytest
from joserfc.jwk import ECKey

from gateway import limits
from gateway.bootstrap import bootstrap, write
from gateway.cors import CorsSettings
from gateway.envoy import envoy_binary
from kit.config import Settings
from tests.gateway.gateway_edge import UNARY_MS_MAX, Edge, wait_until_ready
from tests.gateway.gateway_upstreams import Hangman, Upstream, free_port


@pytest.fixture(scope="session")
def local_settings() -> Settings:
    """Settings without the surroundings' `.env`, on free ports."""
    return Settings(
        _env_file=None,
        env="local",
        gateway_port=free_port(),
        gateway_admin_port=free_port(),
        gateway_jwks_port=free_port(),
        edge_secret="the-edge-of-this-test",
        catalog_addr=f"127.0.0.1:{free_port()}",
    )


@pytest.fixture(scope="session")
def edge(local_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    upstream, hangman = Upstream(key), Hangman()
    settings = local_settings.model_copy(
        update={
            "identity_addr": f"127.0.0.1:{upstream.port}",
            "payments_addr": f"127.0.0.1:{upstream.port}",
            "orders_addr": f"127.0.0.1:{hangman.port}",
        }
    )
    home = tmp_path_factory.mktemp("gateway")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "UNARY_MS_MAX", UNARY_MS_MAX)
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
        upstream.stop()
        hangman.stop()
