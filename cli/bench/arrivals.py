"""`cho bench open`: how long people wait at a given arrival rate, and how long until the stall hears of it.

Open loop: payments are due at moments fixed beforehand, whatever the answers do, and their latency counts from when
they were due: a path that stalls shows it (a closed loop would just send less). What the same stack carried right
before, at as many connections as are let in in any case, is told beside it.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
import uvloop
from rich.console import Console

from cli.bench import own, record
from cli.bench import payments as bench
from cli.load import run
from cli.stack import Stack
from gateway import limits

CONNECTIONS = 128
MOST_S = 5.0
# Payments that wait for a free connection; above it the run is no open loop any more and says so.
WAITING_MAX = 10_000
HEARD_S_MAX = 10.0
_TRANSFER = re.compile(rb'"transfer_?[iI]d":\s?"(pay_[0-9a-f-]+)"')


@dataclass(slots=True)
class Arrivals:
    """What happened to payments that were due at fixed moments; seconds of one clock."""

    latencies_s: list[float] = field(default_factory=list)
    answered_at: dict[bytes, float] = field(default_factory=dict)
    heard_at: dict[bytes, float] = field(default_factory=dict)
    failed: int = 0


def open_loop(
    seconds: float = typer.Option(20.0, min=5, max=120),
    rate: float = typer.Option(500.0, min=1, max=5000, help="Payments a second."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Latency of payments at a steady rate, and from their answer to the vendor's announcement."""
    console = Console(stderr=True)
    kept = record.begin("open", out, seconds=seconds, rate=rate)
    with own.stack(console, patient=False) as stack:
        report = _measure(stack, seconds, rate, console)
    kept.end(report, as_json, record.lines(report))
    raise typer.Exit(0 if report["balanced"] and not report["failed"] and not report["unheard"] else 1)


def _measure(stack: Stack, seconds: float, rate: float, console: Console) -> dict[str, Any]:
    merchant_id, payers, vendor = bench.people_of(stack, console)
    makers = [bench.maker("/v1/payments", payers[i % len(payers)], [merchant_id]) for i in range(CONNECTIONS)]
    host, port = stack.settings().gateway_host, stack.settings().gateway_port
    warm = run(host, port, makers, bench.WARM_UP_S)
    most = run(host, port, makers[: limits.PAYMENTS_CALLS_MIN], MOST_S)
    bench.drain(stack)
    console.print(
        f"The most at {limits.PAYMENTS_CALLS_MIN} connections: {most.per_s:.0f} a second."
        f" {rate:.0f} a second for {seconds:.0f} s ..."
    )
    token = vendor.http.headers["authorization"].removeprefix("Bearer ")
    arrivals = uvloop.run(_arrive(host, port, makers, rate, seconds, merchant_id, token))
    told = [arrivals.heard_at[i] - at for i, at in arrivals.answered_at.items() if i in arrivals.heard_at]
    return {
        "most_per_s": round(most.per_s, 1),
        "rate_per_s": rate,
        "payments": len(arrivals.latencies_s),
        # While the most is looked for some may be told to come back; at the rate that was asked for, nobody.
        "failed": arrivals.failed + own.broken(warm, most),
        "unheard": len(arrivals.answered_at) - len(told),
        "payment_ms": _percentiles(arrivals.latencies_s),
        "answer_to_announcement_ms": _percentiles(told),
        "balanced": own.audited(stack).balanced,
    }


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"p{percent:g}": round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000, 2)
        for percent in (50, 95, 99, 99.9)
    } | {"max": round(ordered[-1] * 1000, 2)}


async def _arrive(
    host: str, port: int, makers: list[Callable[[], bytes]], rate: float, seconds: float, merchant_id: str, token: str
) -> Arrivals:
    arrivals, free = Arrivals(), asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(host, port))
    listening = asyncio.Event()
    listener = asyncio.create_task(_listen(host, port, merchant_id, token, arrivals, listening))
    await listening.wait()
    calls: set[asyncio.Task[None]] = set()
    dice, due = random.Random(4), time.perf_counter() + 0.1  # noqa: S311 - arrivals, not secrets
    end = due + seconds
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        call = asyncio.create_task(_pay(free, dice.choice(makers), due, arrivals))
        calls.add(call)
        call.add_done_callback(calls.discard)
        if len(calls) > WAITING_MAX:
            raise RuntimeError(f"{WAITING_MAX} payments wait: {rate:.0f} a second is more than this carries")
        due += dice.expovariate(rate)  # people do not come in step
    await asyncio.gather(*calls)
    until = time.perf_counter() + HEARD_S_MAX
    while arrivals.answered_at.keys() - arrivals.heard_at.keys() and time.perf_counter() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    while not free.empty():
        free.get_nowait()[1].close()
    return arrivals


async def _pay(
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    make: Callable[[], bytes],
    due: float,
    arrivals: Arrivals,
) -> None:
    reader, writer = await free.get()
    writer.write(make())
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(re.findall(rb"content-length: (\d+)", head)[0])
    body = await reader.readexactly(length)
    now = time.perf_counter()
    found = _TRANSFER.search(body)
    if head[9:12] == b"200" and found:
        arrivals.latencies_s.append(now - due)
        arrivals.answered_at[found[1]] = now
    else:
        arrivals.failed += 1
    free.put_nowait((reader, writer))


async def _listen(
    host: str, port: int, merchant_id: str, token: str, arrivals: Arrivals, listening: asyncio.Event
) -> None:
    """The vendor's phone."""
    reader, writer = await asyncio.open_connection(host, port)
    path = f"/v1/merchants/{merchant_id}/announcements"
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n".encode())
    rest = b""
    while chunk := await reader.read(1 << 16):
        now = time.perf_counter()
        listening.set()
        rest += chunk
        for found in _TRANSFER.finditer(rest):
            arrivals.heard_at.setdefault(found[1], now)
        rest = rest[-200:]
