"""`cho bench ledger`: the ledger's function against the same payment as a PostgreSQL function; `cho bench memory`.

Both on this machine, both fsync what they acknowledge, the same number of calls in flight, in turn. The generators are
lean (commands packed beforehand; pgbench), so that what is measured is the servers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import typer
from rich.console import Console

from cli.bench import alone, postgres, record

IN_FLIGHT = (16, 64, 256)


def ledger(
    seconds: float = typer.Option(3.0, min=1, max=30, help="Of each slice."),
    rounds: int = typer.Option(3, min=1, max=10, help="Slices of each, taken in turn."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """The ledger function against the same payment in PostgreSQL, at 16, 64 and 256 calls in flight."""
    console = Console(stderr=True)
    kept = record.begin("ledger", out, seconds=seconds, rounds=rounds)
    with tempfile.TemporaryDirectory(prefix="cho-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL may have to run as somebody else
        with alone.ledger() as ours, postgres.server(Path(folder, "postgres"), console) as theirs:
            report = _compare(ours, theirs, seconds, rounds, console)
    kept.end(report, as_json, record.lines(report))


def memory(
    wallets: int = typer.Option(20_000, min=1000, max=1_000_000),
    payments: int = typer.Option(50_000, min=1000, max=1_000_000),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Bytes in Valkey per wallet, per payment that stays hot, and per event in the stream until it is trimmed."""
    kept = record.begin("memory", out, wallets=wallets, payments=payments)
    with alone.ledger(wallets=1) as ours:
        client, keys = ours.client, ours.keys
        ours.trim()
        empty = ours.used_bytes()
        ours.load_wallets(wallets)
        loaded = ours.used_bytes()
        ours.pay(payments)
        paid = ours.used_bytes()
        ours.trim()
        trimmed = ours.used_bytes()
        key = next(client.scan_iter(keys.idempotency("*"), count=1000))
        transfer = next(client.scan_iter(keys.transfer("*"), count=1000))
        sizes = {"key": client.memory_usage(key), "transfer": client.memory_usage(transfer)}
    report = {
        "bytes_per_wallet": round((loaded - empty) / wallets),
        "bytes_per_payment_hot": round((trimmed - loaded) / payments),
        "bytes_per_event_untrimmed": round((paid - trimmed) / payments),
        "bytes_of_its_key_7_days": sizes["key"],
        "bytes_of_its_record_40_days": sizes["transfer"],
    }
    kept.end(report, as_json, record.lines(report))


def _compare(
    ours: alone.Alone, theirs: postgres.Postgres | None, seconds: float, rounds: int, console: Console
) -> dict[str, Any]:
    report: dict[str, Any] = {"postgres": theirs.version if theirs else "not installed: skipped"}
    for in_flight in IN_FLIGHT:
        rates: dict[str, list[float]] = {"ledger": [], "postgres": [], "postgres_loose": []}
        for number in range(rounds):
            console.print(f"{in_flight} in flight, round {number + 1} of {rounds} ...")
            rates["ledger"].append(ours.per_s(in_flight, seconds))
            if theirs:
                rates["postgres"].append(theirs.per_s(in_flight, seconds, strict=True))
                rates["postgres_loose"].append(theirs.per_s(in_flight, seconds, strict=False))
        row: dict[str, Any] = {f"{name}_per_s": round(median(found)) for name, found in rates.items() if found}
        if theirs:
            row["ratio"] = round(median(rates["ledger"]) / median(rates["postgres"]), 2)
            row["ratio_loose"] = round(median(rates["ledger"]) / median(rates["postgres_loose"]), 2)
        report[f"{in_flight} in flight"] = row
    return report
