"""`cho bench live-sale`: 2,000 buyers for 500 lots in the first second of a live sale, while others browse.

Every buyer is somebody else, signed in, and has a phone that is connected before the sale opens. A phone that is told
OVERLOADED asks again, as an app does: after `retry-after` and a bit, with the same request_id. What counts is when a
buyer first asked, and when the answer that holds came: a claim, or that it is sold out. Ends in counting orders where
they are kept, and in an audit.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import re
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
from pymongo import MongoClient
from rich.console import Console

from cli import people
from cli.api import Api
from cli.bench import own, record
from cli.bench.payments import cpu_s
from cli.load import http_post
from cli.stack import Stack
from kit import clock, mongo
from kit.config import settings
from kit.ids import new_id, new_key

GOAL_S = 10.0
# An app that was refused waits what it is told, and up to so much longer, so that not everybody is back at once, s.
JITTER_S = 1.0
TRIES_MAX = 30
# To connect everybody before it opens, s; and until every claim is an order.
CONNECT_S, ORDERS_S_MAX = 15.0, 60.0
BROWSE_PER_S, BROWSE_CONNECTIONS, BEFORE_S, DURING_S = 20.0, 8, 5.0, 8.0
SEARCHES = ("/v1/products?query=che", "/v1/products?query=rau", "/v1/products?query=mat+ong", "/v1/products?query=thit")
PRICE_VND = 50_000

_Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Seen:
    """What buyers and those who browse saw. Seconds."""

    answers_s: list[float] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    asked: Counter[int] = field(default_factory=Counter)
    orders: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    browse_before_s: list[float] = field(default_factory=list)
    browse_during_s: list[float] = field(default_factory=list)
    browse_failed: int = 0
    heard: list[list[tuple[float, int]]] = field(default_factory=list)


def live_sale(
    buyers: int = typer.Option(2_000, min=10, max=5_000),
    lots: int = typer.Option(500, min=1, max=5_000),
    within: float = typer.Option(1.0, min=0, max=10, help="All of them tap within so many seconds of the opening."),
    listeners: int = typer.Option(100, min=0, max=2_000, help="Phones that listen to the counter besides."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """A live sale's first seconds. The goal: exactly as many orders as lots, everybody answered within 10 s."""
    console = Console(stderr=True)
    kept = record.begin("live-sale", out, buyers=buyers, lots=lots, within=within, listeners=listeners)
    with own.stack(console) as stack:
        report = _measure(stack, buyers, lots, within, listeners, console)
    kept.end(report, as_json, record.lines(report))
    raise typer.Exit(0 if report["goal_held"] and report["balanced"] else 1)


def _measure(
    stack: Stack, buyers: int, lots: int, within: float, listeners: int, console: Console
) -> dict[str, Any]:  # fmt: skip
    console.print(f"Signing {buyers} buyers in ...")
    tokens = tokens_of(stack, buyers)
    with Api(stack.gateway_url) as api:
        vendor = api.sign_in(next(iter(people.vendors().values())).phone, people.PIN)
        sale, product_id, opens_at = _schedule(vendor, lots)
        console.print(f"{lots} lots, from {opens_at:%H:%M:%S} UTC on, for {buyers} buyers within {within} s ...")
        before = cpu_s(stack)
        seen = asyncio.run(_burst(stack, sale, product_id, opens_at, tokens, within, listeners))
        used = {name: after - before.get(name, 0.0) for name, after in cpu_s(stack).items()}
        orders_s, orders = _orders(stack, sale, min(lots, buyers), opens_at)
        left = vendor.get(f"/v1/live-sales/{sale}")["sale"]["lines"][0].get("left")
    outcome = own.audited(stack)
    placed = {one["_id"] for one in orders}
    claimed, sold = seen.codes["OK"], sum(line["quantity"] for one in orders for line in one["lines"])
    answered = claimed + seen.codes["SOLD_OUT"]
    slowest = max(seen.answers_s, default=0.0)
    exact = claimed == len(orders) == sold == min(lots, buyers) and placed == set(seen.orders)
    return {
        "buyers": buyers, "lots": lots, "orders": len(orders), "oversold": max(0, sold - lots), "left": int(left or 0),
        "distinct_buyers": len({one["buyer_id"] for one in orders}),
        "answers": dict(seen.codes), "unanswered": buyers - answered,
        "numbered_as_they_came": sorted(seen.numbers) == list(range(1, claimed + 1)),
        "answer_ms": _percentiles(seen.answers_s),
        "asked_more_than_once": sum(n for times, n in seen.asked.items() if times > 1), "asked_most_times":
        max(seen.asked, default=0), "last_order_after_opening_s": round(orders_s, 2),
        "browse_before_ms": _percentiles(seen.browse_before_s),
        "browse_during_ms": _percentiles(seen.browse_during_s), "browse_failed": seen.browse_failed,
        "listeners": listeners, "listeners_who_heard_the_end": sum(_heard_end(one, left) for one in seen.heard),
        "counter_told_per_listener": round(sum(map(len, seen.heard)) / max(1, len(seen.heard)), 1),
        "cpu_ms_a_buyer": {
            name: round(spent * 1e3 / buyers, 2)
            for name, spent in sorted(used.items(), key=lambda one: -one[1])[:8]
        },
        "exact": exact, "goal_held": exact and answered == buyers and slowest < GOAL_S and not seen.browse_failed,
        "balanced": outcome.balanced,
    }  # fmt: skip


def tokens_of(stack: Stack, count: int) -> list[str]:
    """Tokens of so many people, as identity signs them: it would take minutes to enter 2,000 PINs here.

    From here on this process's settings are the stack's.
    """
    from services.identity import keys, tokens
    from services.identity.store import keyring

    os.environ.update(stack.env)
    settings.cache_clear()
    mongo.connect("identity")
    try:
        now = clock.now()
        key = keys.signing(keyring.load_ring(), now)
        at_s = int(now.timestamp())
        said = {
            "iss": tokens.ISSUER, "aud": tokens.AUDIENCE, "roles": "shopper", "ins": "", "sid": "bench",
            "pin_at": at_s, "dev": "bench", "dev_at": at_s, "iat": at_s, "exp": at_s + 900,
        }  # fmt: skip
        return [tokens.sign({**said, "sub": new_id("usr")}, key.kid, key.pair) for _ in range(count)]
    finally:
        mongo.disconnect()


def _schedule(vendor: Api, lots: int) -> tuple[str, str, datetime]:
    """A sale of a new product, and when it opens."""
    merchant_id = vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    product_id = vendor.post(
        "/v1/products", request_id=new_key(), merchant_id=merchant_id, name="Chè đinh đầu xuân", description="",
        unit="gói", price=2 * PRICE_VND, stock=lots + 100,
    )["product"]["product_id"]  # fmt: skip
    for _ in range(100):
        opens_at = datetime.now(UTC) + timedelta(seconds=CONNECT_S + BEFORE_S)
        closes_at = opens_at + timedelta(minutes=10)
        reply = vendor.http.post(
            "/v1/live-sales",
            json={
                "request_id": new_key(), "merchant_id": merchant_id, "title": "Phiên chợ trực tiếp",
                "opens_at": opens_at.isoformat(), "closes_at": closes_at.isoformat(), "pay_within_s": 600,
                "lines": [{"product_id": product_id, "lots": lots, "price": PRICE_VND, "cap": 1}],
            },
        )  # fmt: skip
        if reply.is_success:
            return reply.json()["sale"]["sale_id"], product_id, opens_at
        time.sleep(0.2)  # orders has not heard of the product yet
    raise RuntimeError(f"the sale could not be scheduled: {reply.text}")


async def _burst(
    stack: Stack, sale: str, product_id: str, opens_at: datetime, tokens: list[str], within: float, listeners: int
) -> Seen:
    host, port = stack.settings().gateway_host, stack.settings().gateway_port
    if host != "127.0.0.1":
        raise ValueError("load goes to loopback only")
    seen, dice = Seen(), random.Random(7)  # noqa: S311 - when people tap
    opens = time.perf_counter() + (opens_at - datetime.now(UTC)).total_seconds()
    pipes = [await asyncio.open_connection(host, port) for _ in tokens]
    seen.heard = [[] for _ in range(listeners)]
    # An address may open so many streams a minute (gateway/limits.py); those who are signed in, each for themselves.
    ears = [
        asyncio.create_task(_listen(host, port, sale, product_id, token, heard))
        for token, heard in zip(tokens, seen.heard, strict=False)
    ]
    if time.perf_counter() > opens - BEFORE_S:
        raise RuntimeError(f"{len(tokens)} phones could not be connected in time")
    phones = [
        asyncio.create_task(_buy(pipe, sale, product_id, token, opens + dice.random() * within, seen))
        for pipe, token in zip(pipes, tokens, strict=True)
    ]
    # By a process of its own, so that it is not this one's 2,000 phones that it waits for.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as others:
        browsing = asyncio.get_running_loop().run_in_executor(others, browse, host, port, opens_at)
        await asyncio.gather(*phones)
        seen.browse_before_s, seen.browse_during_s, seen.browse_failed = await browsing
    await asyncio.sleep(1.0)  # the counter's last word
    for ear in ears:
        ear.cancel()
    await asyncio.gather(*ears, return_exceptions=True)
    return seen


async def _buy(pipe: _Pipe, sale: str, product_id: str, token: str, due: float, seen: Seen) -> None:
    """One buyer, until an answer holds."""
    reader, writer = pipe
    body = json.dumps({"request_id": new_key(), "product_id": product_id, "lots": 1}).encode()
    request = http_post("localhost", f"/v1/live-sales/{sale}/claims", token, body)
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    code, tried = "", 0
    while tried < TRIES_MAX:
        tried += 1
        if writer.is_closing() or reader.at_eof():  # the gateway ends a connection whose call it refuses early
            reader, writer = await asyncio.open_connection("127.0.0.1", writer.get_extra_info("peername")[1])
        writer.write(request)
        head, answer = await _answer(reader)
        code = "OK" if head[9:12] == b"200" else _code(answer)
        if code == "OK":
            claim = json.loads(answer)["claim"]
            seen.orders.append(claim["order_id"])
            seen.numbers.append(int(claim["number"]))
        if code not in ("OVERLOADED", "UNAVAILABLE", "OUTCOME_UNKNOWN", "NOT_OPEN"):
            break
        told = re.findall(rb"retry-after: (\d+)", head)
        await asyncio.sleep((float(told[0]) if told else 0.5) + random.random() * JITTER_S)  # noqa: S311
    seen.answers_s.append(time.perf_counter() - due)
    seen.codes[code] += 1
    seen.asked[tried] += 1
    writer.close()


def browse(host: str, port: int, opens_at: datetime) -> tuple[list[float], list[float], int]:
    """People who search, in an open loop: latencies before the sale opens and after, s; how many were refused."""
    return asyncio.run(_browse(host, port, opens_at.timestamp()))


async def _browse(host: str, port: int, opens: float) -> tuple[list[float], list[float], int]:
    free: asyncio.Queue[_Pipe] = asyncio.Queue()
    for _ in range(BROWSE_CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(host, port))
    dice, due = random.Random(8), max(time.time(), opens - BEFORE_S)  # noqa: S311
    before: list[float] = []
    during: list[float] = []
    calls = []
    while due < opens + DURING_S:
        await asyncio.sleep(max(0.0, due - time.time()))
        calls.append(asyncio.create_task(_search(free, dice.choice(SEARCHES), due, during if due > opens else before)))
        due += dice.expovariate(BROWSE_PER_S)
    failed = sum(await asyncio.gather(*calls))
    while not free.empty():
        free.get_nowait()[1].close()
    return before, during, failed


async def _search(free: asyncio.Queue[_Pipe], path: str, due: float, found_s: list[float]) -> bool:
    reader, writer = await free.get()
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    head, _ = await _answer(reader)
    found_s.append(time.time() - due)
    free.put_nowait((reader, writer))
    return head[9:12] != b"200"


async def _listen(
    host: str, port: int, sale: str, product_id: str, token: str, heard: list[tuple[float, int]]
) -> None:  # fmt: skip
    """A phone that listens to the counter: when it heard that how many are left."""
    reader, writer = await asyncio.open_connection(host, port)
    head = f"GET /v1/live-sales/{sale}/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    try:
        while line := await reader.readline():
            if line.startswith(b"data: "):
                left = json.loads(line[6:]).get("left")
                if left is not None:
                    heard.append((time.perf_counter(), int(left[product_id])))
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    return head, await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))


def _code(answer: bytes) -> str:
    details = json.loads(answer).get("details", ())
    return next((str(one["reason"]) for one in details if one.get("@type", "").endswith("ErrorInfo")), "UNKNOWN")


def _orders(stack: Stack, sale: str, wanted: int, opens_at: datetime) -> tuple[float, list[dict[str, Any]]]:
    """Orders of the sale where they are kept, once there are as many as there should be, and how long after it opened
    that was, s; a second more is waited for what should not be."""
    with MongoClient[dict[str, Any]](stack.settings().mongodb_uri, tz_aware=True) as client:
        found = client[stack.settings().mongo_database("orders")]["orders"]
        by_sale = {"placed_at": {"$gte": opens_at}, "checkout_id": sale}
        deadline = time.monotonic() + ORDERS_S_MAX
        while len(orders := list(found.find(by_sale))) < wanted and time.monotonic() < deadline:
            time.sleep(0.2)
        after_s = (datetime.now(UTC) - opens_at).total_seconds()
        time.sleep(1.0)
        return after_s, list(found.find(by_sale)) if len(orders) >= wanted else orders


def _heard_end(heard: list[tuple[float, int]], left: Any) -> bool:
    return bool(heard) and heard[-1][1] == int(left or 0)


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds) or [0.0]
    return {
        f"p{percent:g}": round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000, 1)
        for percent in (50, 95, 99)
    } | {"max": round(ordered[-1] * 1000, 1)}
