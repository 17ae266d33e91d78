"""`cho bench stall`: one stall that takes 70 % of all payments, against payments spread evenly.

A hot account must not slow the others down.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from cli import people
from cli.api import Api
from cli.bench import own, record
from cli.bench import payments as bench
from cli.load import Outcome, run
from cli.stack import Stack

CONNECTIONS = 128
HOT_PERCENT = 70


def stall(
    seconds: float = typer.Option(4.0, min=1, max=60, help="Of each slice."),
    rounds: int = typer.Option(4, min=1, max=10, help="Slices of each, taken in turn."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Payments a second with 70 % of them going to one stall, against an even spread."""
    console = Console(stderr=True)
    kept = record.begin("stall", out, seconds=seconds, rounds=rounds)
    with own.stack(console) as stack:
        report = _measure(stack, seconds, rounds, console)
    kept.end(report, as_json, record.lines(report))
    raise typer.Exit(0 if report["balanced"] and not report["failed"] else 1)


def _measure(stack: Stack, seconds: float, rounds: int, console: Console) -> dict[str, Any]:
    hot, payers, _ = bench.people_of(stack, console)
    others = [merchant for merchant in _merchants(stack) if merchant != hot]
    # As many tickets for the hot stall as make its share of a draw.
    tickets = round(len(others) * HOT_PERCENT / (100 - HOT_PERCENT))
    even, skewed = (
        [bench.maker("/v1/payments", payers[i % len(payers)], merchants) for i in range(CONNECTIONS)]
        for merchants in ([hot, *others], [hot] * tickets + others)
    )
    host, port = stack.settings().gateway_host, stack.settings().gateway_port
    run(host, port, even, bench.WARM_UP_S)
    spread, hot_one = Outcome(), Outcome()
    for number in range(rounds):
        console.print(f"Round {number + 1} of {rounds} ...")
        for outcome, makers in (
            ((spread, even), (hot_one, skewed)) if number % 2 else ((hot_one, skewed), (spread, even))
        ):
            bench.drain(stack)
            outcome.add(run(host, port, makers, seconds))
    bench.drain(stack)
    return {
        "stalls": len(others) + 1,
        "even_per_s": round(spread.per_s, 1),
        "hot_per_s": round(hot_one.per_s, 1),
        "ratio": round(hot_one.per_s / spread.per_s, 3),
        "failed": own.failed(spread, hot_one),
        "balanced": own.audited(stack).balanced,
    }


def _merchants(stack: Stack) -> list[str]:
    api, found = Api(stack.gateway_url), []
    for person in people.vendors().values():
        with api.sign_in(person.phone, people.PIN) as vendor:
            found += [m["merchant_id"] for m in vendor.get("/v1/me/merchants")["merchants"]]
    return found
