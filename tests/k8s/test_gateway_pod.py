"""The gateway pod's probes and drain, asked of a real Envoy that runs by the manifest's own command line."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from gateway.bootstrap import bootstrap, write
from gateway.envoy import envoy_binary
from kit import ports, tls
from kit.config import Settings
from tests.k8s.k8s_files import K8S, built, containers

START_S_MAX = 60


@pytest.fixture
def settings() -> Settings:
    """Of a gateway whose services are not there."""
    names = ("gateway_port", "gateway_admin_port", "gateway_jwks_port")
    return Settings(_env_file=None, env="local", **{name: ports.take_any() for name in names})  # type: ignore[arg-type]


@pytest.fixture
def lifecycle(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("CHO_GATEWAY_ADMIN_PORT", str(settings.gateway_admin_port))
    spec = importlib.util.spec_from_file_location("lifecycle", K8S / "base" / "gateway" / "lifecycle.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HEARD_S", 0)
    return module


@pytest.fixture
def front_page(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """URL of what the readiness probe asks for."""
    write(bootstrap(settings), tmp_path / "envoy.json")
    container = dict(containers(built("base")))["gateway/main"]
    command = [word.replace("/run/envoy", str(tmp_path)) for word in container["command"]]
    process = subprocess.Popen([str(envoy_binary()), *command[1:]], stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{settings.gateway_port}{container['readinessProbe']['httpGet']['path']}"
    deadline = time.monotonic() + START_S_MAX
    while True:
        try:
            httpx.get(url, verify=tls.context())
            break
        except httpx.TransportError:
            assert process.poll() is None, "Envoy does not start with these arguments"
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield url
    process.kill()
    process.wait()


def test_it_is_not_ready_before_it_listens(lifecycle: ModuleType) -> None:
    assert asyncio.run(lifecycle.ready()) is False


def test_it_is_not_ready_without_the_keys_that_it_checks_tokens_with(lifecycle: ModuleType, front_page: str) -> None:
    assert httpx.get(front_page, verify=tls.context()).status_code == 200
    assert asyncio.run(lifecycle.ready()) is False


def test_draining_answers_everybody_and_asks_them_to_go(lifecycle: ModuleType, front_page: str) -> None:
    assert httpx.get(front_page, verify=tls.context()).headers.get("connection") != "close"
    asyncio.run(lifecycle.drain())
    reply = httpx.get(front_page, verify=tls.context())
    assert reply.status_code == 200
    assert reply.headers["connection"] == "close"
