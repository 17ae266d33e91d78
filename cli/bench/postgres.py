"""PostgreSQL on this machine, with the same payment as a function (postgres.sql): what the ledger is compared with."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from rich.console import Console

from cli.bench.alone import AMOUNT_VND, FEE_VND, MERCHANTS, WALLETS
from kit import ports

PROGRAMS = ("initdb", "pg_ctl", "psql", "pgbench")
CONNECTIONS_MAX = 300


class Postgres:
    """A server of our own, with the function loaded."""

    def __init__(self, port: int, folder: Path, version: str) -> None:
        self.version = version
        self._port, self._folder = port, folder

    def per_s(self, in_flight: int, seconds: float, *, strict: bool) -> float:
        """Payments a second from `in_flight` connections, one call each."""
        script = self._folder / f"pay-{strict}.sql"
        script.write_text(
            f"\\set w random(1, {WALLETS})\n\\set m random(1, {MERCHANTS})\n"
            f"SELECT pay({strict}, 'run', 'usr|pay|' || gen_random_uuid(), '0123456789abcdef0123456789abcdef', "
            f"'wal_' || :w, 'mer_' || :m, 'usr_' || :w, {AMOUNT_VND}, {FEE_VND}, '\\x{'00' * 60}'::bytea);\n"
        )
        said = self._client(
            "pgbench", "-n", "-M", "prepared", "-c", str(in_flight), "-j", "2", "-T", str(round(seconds)),
            "-f", str(script), "bench",
        )  # fmt: skip
        if "number of failed transactions: 0 " not in said:
            raise RuntimeError(said)
        found = re.search(r"tps = ([0-9.]+)", said)
        if not found:
            raise RuntimeError(f"pgbench told no rate: repeat with longer slices (--seconds). It said: {said}")
        return float(found[1])

    def load(self, text: str) -> None:
        """Creates the database and what is in `text`."""
        self._client("psql", "-q", "-d", "postgres", "-c", "CREATE DATABASE bench")
        file = self._folder / "schema.sql"
        file.write_text(text)
        self._client("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "bench", "-f", str(file))

    def _client(self, program: str, *args: str) -> str:
        where = ["-h", str(self._folder), "-p", str(self._port), "-U", "cho"]
        done = subprocess.run([program, *where, *args], capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout


@contextmanager
def server(folder: Path, console: Console) -> Iterator[Postgres | None]:
    """None where it is not installed. It refuses to run as root: then it runs as the user `postgres` or `nobody`."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        console.print(
            f"PostgreSQL is not installed ({', '.join(missing)} not on PATH): the comparison is skipped. "
            "Debian's package is `postgresql`; its programs are in /usr/lib/postgresql/VERSION/bin."
        )
        yield None
        return
    folder.mkdir()
    user = None
    if os.geteuid() == 0:
        user = next(name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})
        shutil.chown(folder, user)
    port, data = ports.take_any(), folder / "data"

    def run(*argv: str) -> None:
        subprocess.run(argv, check=True, capture_output=True, user=user, cwd=folder, timeout=120)

    run("initdb", "-D", str(data), "-U", "cho", "-A", "trust", "--no-sync")
    options = f"-p {port} -c listen_addresses= -c unix_socket_directories={folder} -c max_connections={CONNECTIONS_MAX}"
    options += (
        " -c fsync=on -c synchronous_commit=on -c full_page_writes=on -c shared_buffers=512MB -c max_wal_size=4GB"
    )
    run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        version = subprocess.run(["psql", "--version"], capture_output=True, text=True, check=True).stdout.strip()
        server = Postgres(port, folder, version)
        server.load(files("cli.bench").joinpath("postgres.sql").read_text(encoding="utf-8"))
        yield server
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
