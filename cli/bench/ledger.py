"""`cho bench ledger`: the ledger's function against the same payment as a PostgreSQL function; `cho bench memory`.

Both on this machine, both fsync what they acknowledge, the same number of calls in flight, in turn. The generators are
lean (commands packed beforehand; pgbench), so that what is measured is the servers.
"""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import hiredis
import redis
import typer
from rich.console import Console

from kit import engines, ports, probes
from kit.ids import new_id, new_key
from services.payments import limits, transfer
from services.payments.store import library
from services.payments.store.keys import Keys
from services.payments.store.ledger import Order, transfer_call

IN_FLIGHT = (16, 64, 256)
WALLETS, MERCHANTS = 1000, 50
AMOUNT_VND, FEE_VND = 1_000, 2
TELECOM = "VIETTEL"
START_S_MAX = 20.0
POSTGRES_PROGRAMS = ("initdb", "pg_ctl", "psql", "pgbench")


def ledger(
    seconds: float = typer.Option(3.0, min=1, max=30, help="Of each slice."),
    rounds: int = typer.Option(3, min=1, max=10, help="Slices of each, taken in turn."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """The ledger function against the same payment in PostgreSQL, at 16, 64 and 256 calls in flight."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="cho-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL may have to run as somebody else
        with _valkey(Path(folder, "valkey")) as port, _postgres(Path(folder, "postgres"), console) as postgres:
            report = _compare(port, postgres, seconds, rounds, console)
    typer.echo(json.dumps(report, indent=2) if as_json else _lines(report))


def memory(
    wallets: int = typer.Option(20_000, min=1000, max=1_000_000),
    payments: int = typer.Option(50_000, min=1000, max=1_000_000),
) -> None:
    """Bytes in Valkey per wallet, per payment that stays hot, and per event in the stream until it is trimmed."""
    with (
        tempfile.TemporaryDirectory(prefix="cho-bench-") as folder,
        _valkey(Path(folder, "valkey")) as port,
        redis.Redis(port=port) as client,
    ):
        bench = _Bench(port, client)
        at = client.info("memory")["used_memory"]
        bench.open(wallets)
        client.xtrim(Keys("c01").stream, 0)
        per_wallet = (client.info("memory")["used_memory"] - at) / wallets
        at = client.info("memory")["used_memory"]
        bench.pay(payments)
        both = (client.info("memory")["used_memory"] - at) / payments
        client.xtrim(Keys("c01").stream, 0)
        hot = (client.info("memory")["used_memory"] - at) / payments
        key = next(client.scan_iter(Keys("c01").idempotency("*"), count=1000))
        record = next(client.scan_iter(Keys("c01").transfer("*"), count=1000))
        sizes = {"key": client.memory_usage(key), "transfer": client.memory_usage(record)}
    typer.echo(json.dumps({
        "bytes_per_wallet": round(per_wallet), "bytes_per_payment_hot": round(hot),
        "bytes_per_event_untrimmed": round(both - hot), "bytes_of_its_key_7_days": sizes["key"],
        "bytes_of_its_record_40_days": sizes["transfer"],
    }, indent=2))  # fmt: skip


def _compare(port: int, postgres: Postgres | None, seconds: float, rounds: int, console: Console) -> dict[str, Any]:
    report: dict[str, Any] = {"postgres": postgres.version if postgres else "not installed: skipped"}
    with redis.Redis(port=port) as client:
        bench = _Bench(port, client)
        for in_flight in IN_FLIGHT:
            rates: dict[str, list[float]] = {"ledger": [], "postgres": [], "postgres_loose": []}
            for number in range(rounds):
                console.print(f"{in_flight} in flight, round {number + 1} of {rounds} ...")
                rates["ledger"].append(bench.per_s(in_flight, seconds))
                if postgres:
                    rates["postgres"].append(postgres.per_s(in_flight, seconds, strict=True))
                    rates["postgres_loose"].append(postgres.per_s(in_flight, seconds, strict=False))
            row: dict[str, Any] = {f"{name}_per_s": round(_median(found)) for name, found in rates.items() if found}
            if postgres:
                row["ratio"] = round(_median(rates["ledger"]) / _median(rates["postgres"]), 2)
                row["ratio_loose"] = round(_median(rates["ledger"]) / _median(rates["postgres_loose"]), 2)
            report[str(in_flight)] = row
    return report


def _median(numbers: list[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]


# Valkey ----------------------------------------------------------------------------------------------------


@contextmanager
def _valkey(home: Path) -> Iterator[int]:
    """The ledger's server as a stack runs it, on a free port."""
    port = ports.take_any()
    process = engines.valkey(home, port)
    if process.prepare:
        process.prepare()
    with subprocess.Popen(process.argv, stdout=subprocess.DEVNULL) as server:
        try:
            _until_ready(port)
            yield port
        finally:
            server.terminate()


def _until_ready(port: int) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        with suppress(OSError):
            if asyncio.run(probes.redis_ready(port)):
                return
        if time.monotonic() > deadline:
            raise RuntimeError("the ledger's server did not start")
        time.sleep(0.05)


class _Bench:
    """A founded ledger with rich wallets and merchants, and payments between them at random."""

    def __init__(self, port: int, client: redis.Redis) -> None:
        self._port, self._keys = port, Keys("c01")
        library.load(client)
        self._run = client.info("server")["run_id"]
        k = self._keys
        call = client.fcall
        assert call("gate_v2", 2, k.meta, k.stream, self._run, "bench", "1", "0")[0] == b"OK"
        call("rules_v2", 3, k.meta, k.stream, k.rules, self._run, limits.encode(limits.in_force(1_000_000)), "s")
        accounts = [(transfer.PLATFORM_FEE, "fee", "", "")]
        accounts += [
            (f"{kind}:{TELECOM}", kind, TELECOM, "") for kind in ("trust", "reserve", "clearing", "settlement")
        ]
        self._wallets = [(f"wal_{n}", f"usr_{n}") for n in range(WALLETS)]
        accounts += [(wallet, "wallet", TELECOM, owner) for wallet, owner in self._wallets]
        self._merchants = [f"mer_{n}" for n in range(MERCHANTS)]
        accounts += [(merchant, "merchant", "", "usr_v") for merchant in self._merchants]
        self._client = client
        for account in accounts:
            self._open(*account)
        for wallet, _ in self._wallets:  # money from nowhere: this ledger is thrown away
            client.hset(k.account(wallet), "cp", 10**12)

    def _open(self, account: str, kind: str, telecom: str, owner: str) -> None:
        k = self._keys
        self._client.fcall(
            "open_v2", 5, k.meta, k.stream, k.account(account), k.unique(kind, telecom, account), k.owner(owner),
            self._run, account, kind, telecom, owner, "0", "s", b"",
        )  # fmt: skip

    def open(self, count: int) -> None:
        """Opens wallets of new people, with ids as long as real ones."""
        for _ in range(count):
            self._open(new_id("wal"), "wallet", TELECOM, new_id("usr"))

    def pay(self, count: int) -> None:
        """Makes so many payments."""
        connection = redis.Connection(port=self._port, protocol=2)
        connection.connect()
        for start in range(0, count, IN_FLIGHT[-1]):
            wave = [self._packed(start + n) for n in range(min(IN_FLIGHT[-1], count - start))]
            connection.send_packed_command(wave)
            for _ in wave:
                assert connection.read_response()[0] == b"OK"
        connection.disconnect()

    def per_s(self, in_flight: int, seconds: float) -> float:
        """Payments a second with `in_flight` always under way on one connection, as the service's client sends them."""
        connection = redis.Connection(port=self._port, protocol=2)
        connection.connect()
        done, turn, spent = 0, 0, 0.0
        while spent < seconds:
            # Packed outside the measured time: the service's share of the work is measured by `cho bench payments`.
            wave = [self._packed(turn + n) for n in range(in_flight)]
            turn += in_flight
            started = time.perf_counter()
            connection.send_packed_command(wave)
            for _ in wave:
                reply = connection.read_response()
                assert reply[0] == b"OK", reply
            spent += time.perf_counter() - started
            done += in_flight
        connection.disconnect()
        return done / spent

    def _packed(self, turn: int) -> bytes:
        wallet, owner = self._wallets[turn * 7919 % WALLETS]
        merchant = self._merchants[turn % MERCHANTS]
        order = Order(
            op="pay", caller=owner, key=new_key(), body_hash="0123456789abcdef0123456789abcdef", amount=AMOUNT_VND,
            fee=FEE_VND, legs=transfer.pay(wallet, merchant, TELECOM, AMOUNT_VND, FEE_VND), owner=owner,
        )  # fmt: skip
        keys, args = transfer_call(order, self._keys, new_id("pay"))
        return hiredis.pack_command(("FCALL", "transfer_v2", len(keys), *keys, self._run, *args))


# PostgreSQL ------------------------------------------------------------------------------------------------


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
        assert found
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
def _postgres(folder: Path, console: Console) -> Iterator[Postgres | None]:
    """None where it is not installed. It refuses to run as root: then it runs as the user `postgres` or `nobody`."""
    if missing := [name for name in POSTGRES_PROGRAMS if not shutil.which(name)]:
        console.print(f"PostgreSQL is not installed ({', '.join(missing)} not on PATH): the comparison is skipped.")
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
    options = f"-p {port} -c listen_addresses= -c unix_socket_directories={folder} -c max_connections=300"
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


def _lines(report: dict[str, Any]) -> str:
    lines = [f"PostgreSQL: {report['postgres']}"]
    for in_flight in map(str, IN_FLIGHT):
        lines.append(f"{in_flight:>4} in flight: " + ", ".join(f"{k} {v}" for k, v in report[in_flight].items()))
    return "\n".join(lines)
