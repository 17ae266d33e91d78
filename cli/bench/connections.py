"""`cho bench connections`: payments and echo with 1 to 256 connections, each of which waits for its answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from cli.bench import own, record
from cli.bench import payments as bench
from cli.load import Outcome, run
from cli.stack import Stack

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def connections(
    seconds: float = typer.Option(3.0, min=1, max=30, help="Of each slice."),
    rounds: int = typer.Option(2, min=1, max=10, help="Slices of each, taken in turn."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Payments and echoes a second, latency and CPU, with 1, 2, 4 ... 256 connections."""
    console = Console(stderr=True)
    kept = record.begin("connections", out, seconds=seconds, rounds=rounds)
    with own.stack(console) as stack:
        report = _measure(stack, seconds, rounds, console)
    kept.end(report, as_json, record.lines(report))
    raise typer.Exit(0 if report["balanced"] and not report["failed"] else 1)


def _measure(stack: Stack, seconds: float, rounds: int, console: Console) -> dict[str, Any]:
    merchant_id, payers, _ = bench.people_of(stack, console)
    host, port = stack.settings().gateway_host, stack.settings().gateway_port
    makers = {
        path: [bench.maker(path, payers[i % len(payers)], [merchant_id]) for i in range(CONNECTIONS[-1])]
        for path in ("/v1/echo", "/v1/payments")
    }
    warm = [run(host, port, requests[:16], bench.WARM_UP_S) for requests in makers.values()]
    bench.drain(stack)
    found = {(count, path): Outcome() for count in CONNECTIONS for path in makers}
    used: dict[tuple[int, str], dict[str, float]] = {key: {} for key in found}
    for number in range(rounds):
        console.print(f"Round {number + 1} of {rounds} ...")
        for key, outcome in found.items():
            count, path = key

            def measured(requests: list[Callable[[], bytes]] = makers[path][:count]) -> Outcome:
                seen = run(host, port, requests, seconds)
                bench.drain(stack)  # what a payment causes is its own, also when it comes later
                return seen

            outcome.add(bench.with_cpu(stack, used[key], measured))
    rows = {}
    for count in CONNECTIONS:
        echo, paid = found[count, "/v1/echo"], found[count, "/v1/payments"]
        rows[f"{count} connections"] = {
            "payments_per_s": round(paid.per_s, 1),
            "echo_per_s": round(echo.per_s, 1),
            "ratio": round(paid.per_s / echo.per_s, 3),
            "payment_p50_ms": round(paid.percentile_ms(50), 2),
            "payment_p99_ms": round(paid.percentile_ms(99), 2),
            "cpu_us_per_payment": bench.per_call(used[count, "/v1/payments"], len(paid.latencies_ms))["all"],
        }
    return rows | {
        "failed": own.failed(*warm, *found.values()),
        "balanced": own.audited(stack).balanced,
    }
