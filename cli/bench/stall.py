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
from cli.bench import own, record, turns
from cli.bench import payments as bench
from cli.load import Outcome, run
from cli.stack import Stack

CONNECTIONS = 128
HOT_PERCENT = 70


def stall(
    seconds: float = typer.Option(2.0, min=1, max=60, help="Of each slice."),
    rounds: int = typer.Option(16, min=1, max=30, help="Slices of each, taken in turn."),
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
    warm = run(host, port, even, bench.WARM_UP_S)
    spread, hot_one = list[Outcome](), list[Outcome]()
    for number in range(rounds):
        console.print(f"Round {number + 1} of {rounds} ...")
        both = ((spread, even), (hot_one, skewed))
        for slices, makers in both if number % 2 else reversed(both):
            bench.drain(stack)
            slices.append(run(host, port, makers, seconds))
    bench.drain(stack)
    evenly, hotly = turns.total(spread), turns.total(hot_one)
    return {
        "stalls": len(others) + 1,
        "even_per_s": round(evenly.per_s, 1),
        "hot_per_s": round(hotly.per_s, 1),
        "ratio": round(hotly.per_s / evenly.per_s, 3),
        "ratio_of_one_turn": turns.ratios(hot_one, spread),
        "failed": own.failed(warm, evenly, hotly),
        "balanced": own.audited(stack).balanced,
    }


def _merchants(stack: Stack) -> list[str]:
    api, found = Api(stack.gateway_url), []
    for person in people.vendors().values():
        with api.sign_in(person.phone, people.PIN) as vendor:
            found += [m["merchant_id"] for m in vendor.get("/v1/me/merchants")["merchants"]]
    return found
