"""`cho bench payments`: what a payment costs, as a ratio to an echo over the same path in the same run.

All servers and the load generator share the machine, payments are fsynced, and the books and the announcer follow live
with a vendor listening. Ends in an audit: a fast wrong run is no figure.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import redis
import typer
from rich.console import Console

from cli import crowd, people
from cli.api import Api
from cli.bench import alone, own, record, turns
from cli.load import Outcome, http_post, run
from cli.stack import Stack
from kit.ids import new_key

SHOPPERS = 64
WALLET_VND = 20_000_000
AMOUNT_VND = 1_000
WARM_UP_S = 2.0
DRAIN_S_MAX = 120.0
TICKS_S = os.sysconf("SC_CLK_TCK")


def payments(
    # The gateway lets as many calls in at once (gateway/limits.py) and refuses more: that is `cho bench overload`.
    connections: int = typer.Option(128, min=1, max=256),
    seconds: float = typer.Option(3.0, min=1, max=60, help="Of each slice."),
    rounds: int = typer.Option(10, min=1, max=30, help="Slices of echo and payments, taken in turn."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Payments a second through gateway, service and ledger, against an echo on the same path and the ledger alone."""
    console = Console(stderr=True)
    kept = record.begin("payments", out, connections=connections, seconds=seconds, rounds=rounds)
    started = time.perf_counter()
    with own.stack(console) as stack:
        _first_payment(stack)
        first_s = time.perf_counter() - started
        report = {"first_payment_s": round(first_s, 1)} | _measure(stack, connections, seconds, rounds, console)
    console.print("The ledger alone ...")
    report["ledger_alone_per_s"] = round(alone.per_s(min(connections, alone.IN_FLIGHT_MAX), seconds))
    report["ratio_to_ledger_alone"] = round(report["payments_per_s"] / report["ledger_alone_per_s"], 3)
    kept.end(report, as_json, record.lines(report))
    held = report["balanced"] and report["tied"] and not report["failed"]
    raise typer.Exit(0 if held and report["announced_to_the_listening_vendor"] == report["payments"] else 1)


def _measure(stack: Stack, connections: int, seconds: float, rounds: int, console: Console) -> dict[str, Any]:
    at_rest = _memory_mb(stack)
    merchant_id, payers, vendor = people_of(stack, console)
    host, port = stack.settings().gateway_host, stack.settings().gateway_port
    echo = [maker("/v1/echo", payers[i % len(payers)], [merchant_id]) for i in range(connections)]
    pay = [maker("/v1/payments", payers[i % len(payers)], [merchant_id]) for i in range(connections)]
    before = received(vendor, merchant_id)
    warm_echo, warm = run(host, port, echo, WARM_UP_S), run(host, port, pay, WARM_UP_S)
    drain(stack)
    echo_slices, pay_slices = list[Outcome](), list[Outcome]()
    echo_cpu: dict[str, float] = {}
    pay_cpu: dict[str, float] = {}
    lag, drain_s = 0, 0.0

    def pay_slice() -> Outcome:
        """With what it leaves behind: that is payments' to pay for, and not the next echo's."""
        nonlocal lag, drain_s
        found = run(host, port, pay, seconds)
        lag = max(lag, _lag(stack))
        drain_s = drain(stack)
        return found

    with _Listening(stack, vendor, merchant_id) as listening:
        for number in range(rounds):
            console.print(f"Round {number + 1} of {rounds} ...")
            echo_slices.append(with_cpu(stack, echo_cpu, lambda: run(host, port, echo, seconds)))
            pay_slices.append(with_cpu(stack, pay_cpu, pay_slice))
        echoes, paid = turns.total(echo_slices), turns.total(pay_slices)
        listening.wait_for(len(paid.latencies_ms))
    console.print("Auditing ...")
    outcome = own.audited(stack)
    captured = len(paid.latencies_ms)
    answered = captured + len(warm.latencies_ms)
    return {
        "payments_per_s": round(paid.per_s, 1),
        "echo_per_s": round(echoes.per_s, 1),
        "ratio": round(paid.per_s / echoes.per_s, 3),
        "ratio_of_one_turn": turns.ratios(pay_slices, echo_slices),
        "connections": connections,
        "payments": captured,
        "failed": own.failed(warm_echo, warm, paid, echoes),
        "payment_ms": percentiles(paid),
        "echo_ms": percentiles(echoes),
        "cpu_us_per_payment": per_call(pay_cpu, captured),
        "cpu_us_per_echo": per_call(echo_cpu, len(echoes.latencies_ms)),
        "tied": received(vendor, merchant_id) - before == answered * AMOUNT_VND,
        "announced_to_the_listening_vendor": listening.count,
        "lag_max_events": lag,
        "drain_s": round(drain_s, 2),
        "memory_at_rest_mb": round(sum(at_rest.values()), 1),
        "memory_at_rest_by_process_mb": at_rest,
        "memory_after_by_process_mb": _memory_mb(stack),
        "balanced": outcome.balanced,
        "audited_events": outcome.seq,
    }


def people_of(stack: Stack, console: Console) -> tuple[str, list[tuple[str, str]], Api]:
    """A merchant, (token, wallet) of the payers, and the vendor who listens."""
    console.print(f"Creating {SHOPPERS} shoppers with wallets ...")
    api = Api(stack.gateway_url)
    payers = []
    for shopper in crowd.gather(api, SHOPPERS, WALLET_VND):
        signed_in = api.sign_in(shopper.phone, people.PIN)
        payers.append((signed_in.http.headers["authorization"].removeprefix("Bearer "), shopper.wallet_id))
    person = next(iter(people.vendors().values()))
    vendor = api.sign_in(person.phone, people.PIN)
    merchant_id = vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    return merchant_id, payers, vendor


def _first_payment(stack: Stack) -> None:
    """A seeded shopper pays a seeded stall. Raises ApiError."""
    with Api(stack.gateway_url) as api:
        shopper = api.sign_in(people.SHOPPERS[0].phone, people.PIN)
        product = api.get("/v1/products", query="che", page_size=1)["products"][0]
        wallet = shopper.get("/v1/me/accounts")["accounts"][0]["account_id"]
        paid = {"wallet_id": wallet, "merchant_id": product["merchant_id"], "amount": AMOUNT_VND}
        shopper.post("/v1/payments", idempotency_key=new_key(), **paid)


def received(vendor: Api, merchant_id: str) -> int:
    """What the stall has, đồng; it sells food, so no fee is taken."""
    return int(vendor.get(f"/v1/accounts/{merchant_id}")["account"]["balance"])


def maker(path: str, payer: tuple[str, str], merchants: list[str]) -> Callable[[], bytes]:
    """Makes requests of one payer, each with a key of its own, to one of `merchants` at random."""
    token, wallet = payer
    dice = random.Random(wallet)  # noqa: S311 - who is paid, not a secret

    def make() -> bytes:
        merchant_id = dice.choice(merchants)
        body = (
            f'{{"idempotency_key":"{new_key()}","wallet_id":"{wallet}","merchant_id":"{merchant_id}",'
            f'"amount":"{AMOUNT_VND}"}}'
        )
        return http_post("localhost", path, token, body.encode())

    return make


class _Listening:
    """The vendor's phone during the run: counts announcements."""

    def __init__(self, stack: Stack, vendor: Api, merchant_id: str) -> None:
        self.count = 0
        self._url = f"{stack.gateway_url}/v1/merchants/{merchant_id}/announcements"
        self._headers = {"authorization": vendor.http.headers["authorization"]}
        self._open, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> _Listening:
        self._thread.start()
        self._open.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def wait_for(self, count: int) -> None:
        """Until so many announcements were heard, or DRAIN_S_MAX passed: the report shows the count."""
        deadline = time.monotonic() + DRAIN_S_MAX
        while self.count < count and time.monotonic() < deadline:
            time.sleep(0.02)

    def _listen(self) -> None:
        last = ""
        while not self._stop.is_set():
            headers = self._headers | ({"last-event-id": last} if last else {})
            try:
                with httpx.stream("GET", self._url, headers=headers, timeout=httpx.Timeout(5, read=20)) as reply:
                    self._open.set()
                    rest = b""
                    for chunk in reply.iter_raw():
                        *events, rest = (rest + chunk).split(b"\n\n")
                        for event in events:
                            if event.startswith(b"id: "):
                                last = event[4 : event.index(b"\n")].decode()
                                self.count += b"\nevent: payment.captured\n" in event
                        if self._stop.is_set():
                            return
            except httpx.HTTPError:
                time.sleep(0.2)


def _lag(stack: Stack) -> int:
    """How many events the slower of books and announcer is behind the ledger."""
    cell = "{" + stack.settings().cell + "}"
    with redis.Redis.from_url(stack.settings().ledger_url, decode_responses=True) as client:
        seq = int(client.hget(f"{cell}:meta", "seq") or 0)
        return seq - min(int(client.get(f"{cell}:cursor:{reader}") or 0) for reader in ("journal", "announcer"))


def drain(stack: Stack) -> float:
    """Seconds until everything is in the books and announced."""
    started = time.perf_counter()
    while _lag(stack) and time.perf_counter() - started < DRAIN_S_MAX:
        time.sleep(0.02)
    return time.perf_counter() - started


def with_cpu(stack: Stack, used: dict[str, float], measured: Callable[[], Outcome]) -> Outcome:
    """What was measured; the CPU seconds that each process took meanwhile are added to `used`."""
    before = cpu_s(stack)
    outcome = measured()
    for name, after in cpu_s(stack).items():
        used[name] = used.get(name, 0.0) + after - before.get(name, 0.0)
    return outcome


def cpu_s(stack: Stack) -> dict[str, float]:
    """CPU seconds of every process so far; ours is "load generator"."""
    pids = {p["name"]: p["pid"] for p in stack.processes() if p["pid"]} | {"load generator": os.getpid()}
    return {name: process_cpu_s(pid) for name, pid in pids.items()}


def process_cpu_s(pid: int) -> float:
    """CPU seconds of one process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


def per_call(used: dict[str, float], calls: int) -> dict[str, int]:
    """CPU microseconds a call by process, the largest first, and of all."""
    each = {name: round(s * 1e6 / max(1, calls)) for name, s in sorted(used.items(), key=lambda i: -i[1])}
    return {name: us for name, us in each.items() if us >= 1} | {"all": sum(each.values())}


def percentiles(outcome: Outcome) -> dict[str, float]:
    """The usual ones, ms."""
    return {f"p{p:g}": round(outcome.percentile_ms(p), 2) for p in (50, 95, 99, 99.9)}


def _memory_mb(stack: Stack) -> dict[str, float]:
    """Proportional set size of every process, the largest first."""
    from cli.stack import pss_bytes

    pids = {"supervisor": stack.supervisor_pid} | {p["name"]: p["pid"] for p in stack.processes() if p["pid"]}
    sizes = {name: (pss_bytes(pid) or 0) / 1e6 for name, pid in pids.items()}
    return {name: round(size, 1) for name, size in sorted(sizes.items(), key=lambda item: -item[1])}
