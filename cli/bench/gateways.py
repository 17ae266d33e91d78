"""`cho bench gateways`: the same payment service behind Envoy and behind FastAPI, on the same stack in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import typer
from rich.console import Console

from cli.bench import own, record
from cli.bench import payments as bench
from cli.load import Outcome, run
from cli.stack import Stack
from kit import ports

NEEDED = ("fastapi", "uvicorn", "uvloop", "httptools")
START_S_MAX = 30.0
ENVOY, FASTAPI = "gateway", "fastapi"


def gateways(
    connections: int = typer.Option(64, min=1, max=256),
    seconds: float = typer.Option(4.0, min=1, max=60, help="Of each slice."),
    rounds: int = typer.Option(3, min=1, max=10, help="Slices of each, taken in turn."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Payments and echoes a second through Envoy and through FastAPI on uvicorn, and the CPU of each gateway."""
    console = Console(stderr=True)
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        console.print(
            f"Not installed: {', '.join(missing)}. They are no part of the platform; for this bench alone: "
            "uv pip install --require-hashes -r bench.txt (with the environment that runs `cho`)"
        )
        raise typer.Exit(2)
    kept = record.begin("gateways", out, connections=connections, seconds=seconds, rounds=rounds)
    with own.stack(console) as stack, _fastapi(stack) as (pid, port):
        report = _measure(stack, (pid, port), connections, seconds, rounds, console)
    kept.end(report, as_json, record.lines(report))
    raise typer.Exit(0 if report["balanced"] and not report["failed"] else 1)


@contextmanager
def _fastapi(stack: Stack) -> Iterator[tuple[int, int]]:
    """The other gateway before the stack's services: its process id and port."""
    port = ports.take_any()
    argv = [sys.executable, "-P", "-m", "cli.bench.fastapi_gateway", str(port)]
    with subprocess.Popen(argv, env=os.environ | stack.env) as running:
        try:
            _until_answers(running, port)
            yield running.pid, port
        finally:
            running.terminate()


def _until_answers(running: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        with suppress(httpx.TransportError):
            httpx.post(f"http://{ports.LOOPBACK}:{port}/v1/echo", timeout=5)
            return
        if running.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the FastAPI gateway did not start")
        time.sleep(0.05)


def _measure(
    stack: Stack, fastapi: tuple[int, int], connections: int, seconds: float, rounds: int, console: Console
) -> dict[str, Any]:
    merchant_id, payers, _ = bench.people_of(stack, console)
    where = {ENVOY: stack.settings().gateway_port, FASTAPI: fastapi[1]}
    makers = {
        name: [bench.maker(path, payers[i % len(payers)], [merchant_id]) for i in range(connections)]
        for name, path in (("echo", "/v1/echo"), ("payment", "/v1/payments"))
    }
    host = stack.settings().gateway_host
    warm = [run(host, port, makers[what], bench.WARM_UP_S) for port in where.values() for what in makers]
    keys = [(gateway, what) for what in makers for gateway in where]
    found = {key: Outcome() for key in keys}
    used: dict[tuple[str, str], dict[str, float]] = {key: {} for key in keys}
    for number in range(rounds):
        console.print(f"Round {number + 1} of {rounds} ...")
        for key in keys if number % 2 else reversed(keys):
            gateway, what = key
            bench.drain(stack)
            measured = lambda g=gateway, w=what: run(host, where[g], makers[w], seconds)  # noqa: E731
            before = bench.process_cpu_s(fastapi[0])
            found[key].add(bench.with_cpu(stack, used[key], measured))
            more = bench.process_cpu_s(fastapi[0]) - before
            used[key][FASTAPI] = used[key].get(FASTAPI, 0.0) + more
    bench.drain(stack)
    report: dict[str, Any] = {}
    for what in makers:
        envoy, other = found[ENVOY, what], found[FASTAPI, what]
        report[what] = {
            "envoy_per_s": round(envoy.per_s, 1),
            "fastapi_per_s": round(other.per_s, 1),
            "ratio": round(envoy.per_s / other.per_s, 3),
            "envoy_p99_ms": round(envoy.percentile_ms(99), 2),
            "fastapi_p99_ms": round(other.percentile_ms(99), 2),
            "envoy_cpu_us": round(used[ENVOY, what][ENVOY] * 1e6 / max(1, len(envoy.latencies_ms))),
            "fastapi_cpu_us": round(used[FASTAPI, what][FASTAPI] * 1e6 / max(1, len(other.latencies_ms))),
        }
    return report | {
        "failed": own.failed(*warm, *found.values()),
        "balanced": own.audited(stack).balanced,
    }
