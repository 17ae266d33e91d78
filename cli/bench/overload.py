"""`cho bench overload`: what happens when more is asked than can be done.

First the capacity: payments a second at 64 connections, closed loop: as many as are let in in any case. Then, open
loop, so many times that: payments are due at moments fixed beforehand, whatever the answers do, and their latency
counts from when they were due. Right after each, half the capacity goes on, until it is clear how long the trouble
outlasts its cause. Last, a hall signs in.

On few cores the gateway, which refuses, and the phones take the time from what accepts. `--apart` gives those two a
core of their own, and everything else the others: as where the gateway is another machine. `--busy N` has N processes
spin on those others: as where payments have a weaker machine than the gateway, which is how one would be provided that
has to refuse ten times what they carry.

Phones that are refused do not come back here: each would be one more arrival, and the load is given by the arrivals. A
phone whose request could not even be sent, because all connections are in use, gives up after GIVE_UP_S: it is counted
among the unsent, and nothing was done for it either.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import typer
import uvloop
from rich.console import Console

from cli import people
from cli.bench import own, record
from cli.bench import payments as bench
from cli.load import is_overloaded, run
from cli.stack import Stack
from gateway import limits

CONNECTIONS = 2048
CLOSED_CONNECTIONS = limits.PAYMENTS_CALLS_MIN
CAPACITY_S = 5.0
# Of the capacity, what goes on after the trouble, for how long, s.
CALM, CALM_S = 0.5, 5.0
GIVE_UP_S = 1.0
ANSWER_S_MAX = 20.0
REQUESTS_MAX = 1_000_000
# Phones that sign in at the same moment.
HERD = 200
# After the trouble, an answer later than this is still part of it, s.
RECOVERED_S = 0.1
TICK_S = 0.001
SPIN_S_MAX = 600


@dataclass(slots=True)
class Phase:
    """What happened to the payments of one phase; seconds. `late`: due times, from its begin, of those that were not
    accepted within RECOVERED_S.
    """

    asked_per_s: float
    seconds: float
    begin_s: float = 0.0
    offered: int = 0
    accepted_s: list[float] = field(default_factory=list)
    # Of these, how many were answered before the phase was over: what was carried while it lasted.
    accepted_in_time: int = 0
    # The same from when they were sent: without the wait for one of our own connections.
    sent_s: list[float] = field(default_factory=list)
    shed_s: list[float] = field(default_factory=list)
    unsent: int = 0
    # Anything else, by what it was.
    other: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)


class _Connection(asyncio.Protocol):
    """One phone's connection: a request, its answer, the next."""

    def __init__(self, arrivals: _Arrivals) -> None:
        self._arrivals, self._buffer = arrivals, b""
        self._asked: tuple[Phase, float, float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def send(self, phase: Phase, due_s: float, request: bytes) -> None:
        self._asked = phase, due_s, time.perf_counter()
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.find(b"content-length: ", 0, head)
        length = int(self._buffer[at + 16 : self._buffer.find(b"\r\n", at)])
        if len(self._buffer) < head + 4 + length:
            return
        reply, self._buffer = self._buffer, b""
        self._answered(int(reply[9:12]), reply)
        self._arrivals.is_free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asked:
            self._answered(0, b"")

    def _answered(self, status: int, reply: bytes) -> None:
        assert self._asked
        phase, due_s, sent_s = self._asked
        self._asked = None
        self._arrivals.answered(phase, due_s, sent_s, status, reply)


class _Arrivals:
    """Payments that are due, sent over whichever connection is free."""

    def __init__(self) -> None:
        self.free = deque[_Connection]()
        self.under_way = 0
        self._waiting: deque[tuple[Phase, float, bytes]] = deque()

    def comes(self, phase: Phase, due_s: float, request: bytes) -> None:
        phase.offered += 1
        if self.free:
            self._send(self.free.pop(), phase, due_s, request)
        else:
            self._waiting.append((phase, due_s, request))

    def is_free(self, connection: _Connection) -> None:
        self.give_up(time.perf_counter())
        if self._waiting:
            self._send(connection, *self._waiting.popleft())
        else:
            self.free.append(connection)

    def give_up(self, now_s: float) -> None:
        """Who has waited for a connection for too long."""
        while self._waiting and now_s - self._waiting[0][1] > GIVE_UP_S:
            phase, due_s, _ = self._waiting.popleft()
            phase.unsent += 1
            phase.late.append(due_s - phase.begin_s)

    def answered(self, phase: Phase, due_s: float, sent_s: float, status: int, reply: bytes) -> None:
        self.under_way -= 1
        now_s = time.perf_counter()
        took_s = now_s - due_s
        if status == 200:
            phase.accepted_s.append(took_s)
            phase.accepted_in_time += now_s <= phase.begin_s + phase.seconds
            phase.sent_s.append(now_s - sent_s)
        elif is_overloaded(status, reply):
            phase.shed_s.append(took_s)
        else:
            phase.other[f"{status} {reply[-300:].decode(errors='replace')}"] += 1
        if status != 200 or took_s > RECOVERED_S:
            phase.late.append(due_s - phase.begin_s)

    def _send(self, connection: _Connection, phase: Phase, due_s: float, request: bytes) -> None:
        self.under_way += 1
        connection.send(phase, due_s, request)


def overload(
    seconds: float = typer.Option(5.0, min=1, max=30, help="Of each overload."),
    factors: str = typer.Option("1,2,5,10", help="Times the capacity, commas between them; at most 10 times."),
    connections: int = typer.Option(CONNECTIONS, min=256, max=4096),
    apart: bool = typer.Option(False, "--apart", help="The gateway and the phones on a core of their own."),
    busy: int = typer.Option(0, min=0, max=16, help="With --apart: so many processes spin on the other cores."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Accepted, shed and how long people wait, at several times what can be carried."""
    try:
        wanted = [float(word) for word in factors.split(",")]
    except ValueError as error:
        raise typer.BadParameter(f"--factors: {error}") from error
    if not wanted or not all(0 < factor <= 10 for factor in wanted):
        raise typer.BadParameter("--factors are above 0, and at most 10")
    console = Console(stderr=True)
    if apart and len(os.sched_getaffinity(0)) < 2:
        raise typer.BadParameter("--apart needs two cores")
    if busy and not apart:
        raise typer.BadParameter("--busy goes with --apart")
    kept = record.begin(
        "overload", out, seconds=seconds, factors=factors, connections=connections, apart=apart, busy=busy
    )
    with own.stack(console, patient=False) as stack:
        report = _measure(stack, seconds, wanted, connections, console, _placed(stack, apart, busy))
    kept.end(report, as_json, _table(report))
    raise typer.Exit(0 if held(report) else 1)


def _set_apart(stack: Stack) -> list[int]:
    """The gateway and this process on the last core, everything else on those before it, which it returns."""
    *others, last = sorted(os.sched_getaffinity(0))
    for process in stack.processes():
        for thread in Path(f"/proc/{process['pid']}/task").iterdir() if process["pid"] else ():
            with suppress(ProcessLookupError):  # a thread that has just ended
                os.sched_setaffinity(int(thread.name), {last} if process["name"] == "gateway" else others)
    os.sched_setaffinity(0, {last})
    return others


@contextmanager
def _placed(stack: Stack, apart: bool, busy: int) -> Iterator[None]:
    """The processes where `--apart` and `--busy` want them. What spins ends with it; cores are kept."""
    with ExitStack() as spinning:
        if apart:
            others = _set_apart(stack)
            for _ in range(busy):
                spinning.enter_context(_spinning_on(others))
        yield


@contextmanager
def _spinning_on(cores: list[int]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing as fast as it can, in a session of its own: a kernel that schedules those as groups
    gives it as much as each of the stack's. It ends with us, and by itself after SPIN_S_MAX."""
    spin = f"import time\nend = time.monotonic() + {SPIN_S_MAX}\nwhile time.monotonic() < end: pass"
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", spin], start_new_session=True) as process:
        os.sched_setaffinity(process.pid, cores)
        try:
            yield process
            if process.poll() is not None:
                raise RuntimeError(f"the bench took more than {SPIN_S_MAX} s: nothing was busy any more")
        finally:
            process.kill()


def held(report: dict[str, Any]) -> bool:
    """Whether the money ties and every answer was an accepted payment or a coded refusal."""
    return bool(
        report["balanced"]
        and report["tied"]
        and not report["broken"]
        and not any(row["other"] for row in [*report["times"].values(), report["herd"]])
    )


def _measure(
    stack: Stack, seconds: float, factors: list[float], connections: int, console: Console,
    placed: AbstractContextManager[None],
) -> dict[str, Any]:  # fmt: skip
    merchant_id, payers, vendor = bench.people_of(stack, console)
    makers = [bench.maker("/v1/payments", payer, [merchant_id]) for payer in payers]
    host, port = stack.settings().gateway_host, stack.settings().gateway_port
    before, accepted = bench.received(vendor, merchant_id), 0
    closed = [makers[i % len(makers)] for i in range(CLOSED_CONNECTIONS)]
    with placed:
        warm = run(host, port, closed, bench.WARM_UP_S)
        measured = run(host, port, closed, CAPACITY_S)
        accepted += len(warm.latencies_ms) + len(measured.latencies_ms)
        capacity = measured.per_s
        bench.drain(stack)
        times = {}
        for factor in factors:
            asked = min(factor * capacity, REQUESTS_MAX / seconds)
            console.print(f"{factor:g} times {capacity:.0f} a second for {seconds:g} s, then {CALM:g} times ...")
            cpu_before = bench.cpu_s(stack)
            trouble, calm = uvloop.run(_arrive(host, port, makers, connections, asked, seconds, CALM * capacity))
            cpu = {name: after - cpu_before.get(name, 0.0) for name, after in bench.cpu_s(stack).items()}
            accepted += len(trouble.accepted_s) + len(calm.accepted_s)
            times[f"{factor:g}"] = _row(trouble, calm, cpu)
            bench.drain(stack)
    console.print(f"{HERD} shoppers sign in at once ...")
    herd = _herd(stack.gateway_url)
    console.print("Auditing ...")
    return {
        "capacity_per_s": round(capacity, 1),
        "capacity_ms": bench.percentiles(measured),
        # Of warm-up and capacity.
        "broken": own.broken(warm, measured),
        "connections": connections,
        "times": times,
        "herd": herd,
        "tied": bench.received(vendor, merchant_id) - before == accepted * bench.AMOUNT_VND,
        "balanced": own.audited(stack).balanced,
    }


def _herd(url: str) -> dict[str, Any]:
    """HERD phones sign in at the same moment, each once."""

    def one(number: int) -> tuple[str, float]:
        started = time.perf_counter()
        with httpx.Client(base_url=url, timeout=ANSWER_S_MAX) as phone:
            reply = phone.post("/v1/sign-in", json={"phone": f"0977{number % bench.SHOPPERS:06d}", "pin": people.PIN})
        coded = reply.status_code == 503 and reply.headers.get("retry-after") and '"OVERLOADED"' in reply.text
        told = "accepted" if reply.status_code == 200 else "shed" if coded else f"{reply.status_code} {reply.text}"
        return told, time.perf_counter() - started

    with ThreadPoolExecutor(HERD) as hall:
        told = list(hall.map(one, range(HERD)))
    return {
        "accepted": sum(what == "accepted" for what, _ in told),
        "shed": sum(what == "shed" for what, _ in told),
        "slowest_s": round(max(took_s for _, took_s in told), 2),
        "other": dict(Counter(what for what, _ in told if what not in ("accepted", "shed")).most_common(5)),
    }


async def _arrive(
    host: str, port: int, makers: list[Callable[[], bytes]], connections: int, rate: float, seconds: float, calm: float
) -> tuple[Phase, Phase]:
    """The overload, and right after it the calm."""
    loop, arrivals = asyncio.get_running_loop(), _Arrivals()
    phases = Phase(rate, seconds), Phase(calm, CALM_S)
    everyone: list[_Connection] = []
    for _ in range(connections):
        _, made = await loop.create_connection(lambda: _Connection(arrivals), host, port)
        everyone.append(made)
    arrivals.free.extend(everyone)
    dice, begin_s = random.Random(4), time.perf_counter() + 0.05  # noqa: S311 - arrivals, not secrets
    for phase in phases:
        phase.begin_s = begin_s
        due_s, end_s = begin_s + dice.expovariate(phase.asked_per_s), begin_s + phase.seconds
        while due_s < end_s:
            now_s = time.perf_counter()
            while due_s <= now_s and due_s < end_s:
                arrivals.comes(phase, due_s, dice.choice(makers)())
                due_s += dice.expovariate(phase.asked_per_s)
            arrivals.give_up(now_s)
            await asyncio.sleep(TICK_S)
        begin_s = end_s
    until_s = time.perf_counter() + ANSWER_S_MAX
    while arrivals.under_way and time.perf_counter() < until_s:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    if arrivals.under_way:
        phases[1].other["no answer"] += arrivals.under_way
    for connection in everyone:
        connection.close()
    return phases


def _row(trouble: Phase, calm: Phase, cpu_s: dict[str, float]) -> dict[str, Any]:
    return {
        "offered_per_s": round(trouble.offered / trouble.seconds, 1),
        "accepted_per_s": round(trouble.accepted_in_time / trouble.seconds, 1),
        "accepted_ms": _percentiles(trouble.accepted_s),
        "accepted_since_sent_ms": _percentiles(trouble.sent_s),
        "shed_share": round(len(trouble.shed_s) / max(1, trouble.offered), 3),
        "unsent_share": round(trouble.unsent / max(1, trouble.offered), 3),
        "shed_ms": _percentiles(trouble.shed_s),
        "recovered_after_s": round(max(calm.late, default=0.0), 2),
        "calm_ms": _percentiles(calm.accepted_s),
        "calm_refused": len(calm.shed_s) + calm.unsent,
        "cpu_us_per_request": bench.per_call(cpu_s, trouble.offered + calm.offered),
        "other": dict((trouble.other + calm.other).most_common(5)),
    }


def _percentiles(seconds: Iterable[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {
        f"p{percent:g}": round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000, 1)
        for percent in (50, 99)
    }


def _table(report: dict[str, Any]) -> str:
    lines = [
        f"capacity {report['capacity_per_s']:.0f} payments a second at {CLOSED_CONNECTIONS} connections,"
        f" p99 {report['capacity_ms']['p99']} ms; open loop over {report['connections']} connections",
        f"{'times':>6} {'offered/s':>10} {'accepted/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'sent p99':>9}"
        f" {'shed':>7} {'shed p99':>9} {'unsent':>7} {'recovered s':>12}",
    ]
    for factor, row in report["times"].items():
        ms, sent, shed = row["accepted_ms"], row["accepted_since_sent_ms"], row["shed_ms"]
        lines.append(
            f"{factor:>6} {row['offered_per_s']:>10.0f} {row['accepted_per_s']:>11.0f}"
            f" {ms.get('p50', 0):>8.1f} {ms.get('p99', 0):>8.1f} {sent.get('p99', 0):>9.1f}"
            f" {row['shed_share']:>7.1%} {shed.get('p99', 0):>9.1f} {row['unsent_share']:>7.1%}"
            f" {row['recovered_after_s']:>12.2f}"
        )
        lines += [f"       {count} times {what}" for what, count in row["other"].items()]
    if report["broken"]:
        lines.append(f"{report['broken']} answers of warm-up and capacity were neither a payment nor a coded refusal")
    herd = report["herd"]
    lines.append(
        f"{HERD} sign in at once: {herd['accepted']} accepted, {herd['shed']} shed, the slowest answer after"
        f" {herd['slowest_s']} s"
    )
    lines += [f"       {count} times {what}" for what, count in herd["other"].items()]
    lines.append(f"every đồng where it must be: {'yes' if report['balanced'] and report['tied'] else 'NO'}")
    return "\n".join(lines)
