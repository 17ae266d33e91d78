"""One real Envoy for the module, with real gRPC servers behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from joserfc.jwk import ECKey

from kit.config import Settings
from tests.gateway.gateway_edge import Edge, gateway_of
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
        gateway_faults=True,  # does nothing until it is asked to
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
    try:
        with gateway_of(settings, upstream, key, tmp_path_factory.mktemp("gateway")) as running:
            yield running
    finally:
        upstream.stop()
        hangman.stop()
