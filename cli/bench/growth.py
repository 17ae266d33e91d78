"""`cho bench growth`: what a payment costs the ledger as wallets, merchants, kept events and readers become more.

A ledger alone (alone.py), CPU microseconds of its server a payment, in turns with a plain one that stays as it is: on a
machine whose speed changed, a payment among 10^6 wallets cost 0.7 times one among 10^4 in one run, and 1.5 times in the
next. With wallets also their memory, and how long a payment waits while the server rewrites its log: payments come at a
steady rate then, and each counts from when it was due.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
import typer
from rich.console import Console

from cli.bench import alone, record

WALLETS = (10_000, 100_000, 1_000_000)
MERCHANTS = (50, 1_000, 10_000)
EVENTS = (0, 100_000, 1_000_000)
READERS = (0, 1, 2, 4, 8)
IN_FLIGHT = 64
# Slices of each measurement, one of the plain ledger after each.
TURNS = 6
RATE_PER_S = 500
USUAL_S = 6.0
REWRITE_S_MAX = 120.0
# A reader lets entries gather, as the platform's do (kit/streams/clients.py).
GATHER_S, READ_MAX = 0.05, 500

Cost = Callable[[alone.Alone], dict[str, Any]]


def growth(
    most: int = typer.Option(1_000_000, min=10_000, max=1_000_000, help="Wallets and events at most."),
    seconds: float = typer.Option(3.0, min=0.2, max=30, help="Of each measurement."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """CPU a payment with 10^4 to 10^6 wallets, merchants, kept events, readers; p99.9 around a log rewrite."""
    console = Console(stderr=True)
    kept = record.begin("growth", out, most=most, seconds=seconds)
    with alone.ledger(WALLETS[0]) as plain:

        def cost(ours: alone.Alone) -> dict[str, Any]:
            return in_turns(ours, plain, seconds)

        report = {
            "wallets": _wallets(most, cost, console),
            "merchants": _merchants(cost, console),
            "events_kept": _events(most, cost, console),
            "readers": _readers(cost, console),
        }
    lines = [f"{name} {size}: {found}" for name, sizes in report.items() for size, found in sizes.items()]
    kept.end(report, as_json, "\n".join(lines))


def _wallets(most: int, cost: Cost, console: Console) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with alone.ledger(wallets=1) as ours:
        empty = ours.used_bytes()
        for count in WALLETS:
            if count > most:
                break
            console.print(f"{count} wallets ...")
            ours.load_wallets(count)
            ours.trim()
            per_wallet = (ours.used_bytes() - empty) / count
            row: dict[str, Any] = {"bytes_per_wallet": round(per_wallet)} | cost(ours)
            found[str(count)] = row | around_rewrite(ours)
            # Payments of this step are no wallets of the next.
            ours.trim()
            empty = ours.used_bytes() - round(per_wallet * count)
    return found


def _merchants(cost: Cost, console: Console) -> dict[str, Any]:
    found = {}
    for count in MERCHANTS:
        console.print(f"{count} merchants ...")
        with alone.ledger(WALLETS[0], count) as ours:
            found[str(count)] = cost(ours)
    return found


def _events(most: int, cost: Cost, console: Console) -> dict[str, Any]:
    found = {}
    with alone.ledger(WALLETS[0]) as ours:
        ours.pay(1)
        for count in EVENTS:
            if count > most:
                break
            console.print(f"{count} events kept ...")
            there, before = int(ours.client.xlen(ours.stream)), ours.used_bytes()
            if count > there:
                ours.load_events(count - there)
            grown = {"bytes_per_event": round((ours.used_bytes() - before) / (count - there))} if count > there else {}
            found[str(count)] = grown | cost(ours)
    return found


def _readers(cost: Cost, console: Console) -> dict[str, Any]:
    found = {}
    with alone.ledger(WALLETS[0]) as ours:
        for count in READERS:
            console.print(f"{count} readers ...")
            with _reading(ours, count) as read:
                measured = cost(ours)
            found[str(count)] = measured | {"events_read": sum(read)}
            ours.trim()
    return found


def in_turns(ours: alone.Alone, plain: alone.Alone, seconds: float) -> dict[str, Any]:
    """What a payment costs `ours`, in CPU microseconds, and how many times what it cost `plain` in the same seconds."""
    both = (ours, plain)
    for one in both:
        one.per_s(IN_FLIGHT, seconds / 4)  # what was just loaded settles
    before = [(one.cpu_s(), one.paid) for one in both]
    per_s = 0.0
    for _ in range(TURNS):
        per_s += ours.per_s(IN_FLIGHT, seconds / TURNS) / TURNS
        plain.per_s(IN_FLIGHT, seconds / TURNS)
    us, plain_us = (
        (one.cpu_s() - cpu_s) * 1e6 / (one.paid - paid) for one, (cpu_s, paid) in zip(both, before, strict=True)
    )
    plain.trim()
    return {
        "cpu_us_per_payment": round(us, 1),
        "of_plain": round(us / plain_us, 3),
        "payments_per_s": round(per_s),
    }


def around_rewrite(ours: alone.Alone, usual_s: float = USUAL_S) -> dict[str, Any]:
    """Latency at RATE_PER_S, first as usual, then from when the server begins to rewrite its log until it is done."""
    usual = ours.at_rate(RATE_PER_S, usual_s)
    ours.client.bgrewriteaof()
    began, during = time.perf_counter(), list[float]()
    while not during or _rewrites(ours):
        if time.perf_counter() - began > REWRITE_S_MAX:
            raise RuntimeError(f"the server rewrote its log for more than {REWRITE_S_MAX:.0f} s")
        during += ours.at_rate(RATE_PER_S, 1.0)
    return {"usual_ms": _percentiles(usual), "around_rewrite_ms": _percentiles(during),
            "rewrite_s": round(time.perf_counter() - began, 1)}  # fmt: skip


def _rewrites(ours: alone.Alone) -> bool:
    about = ours.client.info("persistence")
    return bool(about["aof_rewrite_in_progress"] or about["aof_rewrite_scheduled"])


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    found = {f"p{p:g}": ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))] for p in (50, 99, 99.9)}
    return {name: round(value * 1000, 2) for name, value in (found | {"max": ordered[-1]}).items()}


@contextmanager
def _reading(ours: alone.Alone, count: int) -> Iterator[list[int]]:
    """So many readers of the ledger's stream, each from its own connection; what each has read, on leaving."""
    stop, read = threading.Event(), [0] * count
    threads = [threading.Thread(target=_follow, args=(ours, number, read, stop)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield read
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _follow(ours: alone.Alone, number: int, read: list[int], stop: threading.Event) -> None:
    at: Any = "$"
    with redis.Redis(port=ours.port) as client:
        while not stop.is_set():
            found: Any = client.xread({ours.stream: at}, count=READ_MAX, block=100)
            entries = found[0][1] if found else []
            if entries:
                at = entries[-1][0]
                read[number] += len(entries)
            if len(entries) < READ_MAX:
                stop.wait(GATHER_S)
