"""`cho bench search`: how long people wait for a search of 100,000 products, at a steady rate.

Open loop, as `cho bench open`: searches are due at moments fixed beforehand, and their latency counts from when they
were due. The index is made by the code that makes it from the documents, in the file that the catalog then opens; the
products themselves are in no database, since a search asks none.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import typer
from rich.console import Console

from cli.api import Api
from cli.bench import goods, own, record
from cli.bench.payments import cpu_s
from cli.stack import Stack
from services.catalog.search.batch import Cursor
from services.catalog.search.feed import STREAMS
from services.catalog.search.index import Index

GOAL_P99_MS = 50.0
CONNECTIONS = 64
# Searches that wait for a free connection; above it the run is no open loop any more and says so.
WAITING_MAX = 5_000
WARM_UP = 100
SEARCH, SUGGEST = "/v1/products", "/v1/products/suggest"


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that people do, and of a hundred how many do it. `found`: whether something has to be found."""

    name: str
    share: int
    path: str
    query: dict[str, str]
    found: bool = True


def kinds(dice: random.Random) -> list[Kind]:
    """Searches of one draw of goods and places."""
    good = dice.choice(goods.GOODS)[0]
    bare = _bare(good)
    place = dice.choice(goods.PLACES[1:])
    market = {"market_id": goods.market_id(dice.randrange(goods.MARKETS))}
    day = {"market_day": f"2026-12-{dice.randrange(1, 29):02}"}
    return [
        Kind("without tones", 20, SEARCH, {"query": bare}),
        Kind("with tones", 12, SEARCH, {"query": good}),
        Kind("with a place", 10, SEARCH, {"query": f"{bare} {_bare(place)}"}),
        Kind("mistyped", 6, SEARCH, {"query": _mistyped(bare, dice)}, found=False),
        Kind("begun", 6, SEARCH, {"query": bare[: max(2, len(bare) - 2)]}),
        Kind("of a market", 8, SEARCH, {"query": bare, **market}, found=False),
        Kind("a market's newest", 5, SEARCH, market),
        Kind("cheapest in stock", 8, SEARCH, {"query": bare, "order": "SEARCH_ORDER_CHEAPEST", "in_stock": "true"}),
        Kind("priced, with facets", 4, SEARCH, {"query": bare, "price_max": "60000", "facets": "true"}, found=False),
        Kind("on a market day", 4, SEARCH, {"query": bare, **day}),
        Kind("two stalls' words", 2, SEARCH, {"query": f"{bare} {_bare(dice.choice(goods.NAMES))}"}, found=False),
        Kind("suggestions", 15, SUGGEST, {"prefix": bare[: dice.randrange(1, 6)]}),
    ]


@dataclass(slots=True)
class Answers:
    """What came of the searches: seconds from when each was due, by kind; and what was wrong."""

    latencies_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: int = 0
    empty: list[str] = field(default_factory=list)


def search(
    seconds: float = typer.Option(15.0, min=2, max=20),
    rate: float = typer.Option(100.0, min=1, max=500, help="Searches a second."),
    products: int = typer.Option(100_000, min=1_000, max=100_000),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Latency of searches and suggestions over many products, at a steady rate. The goal is a p99 below 50 ms."""
    console = Console(stderr=True)
    kept = record.begin("search", out, seconds=seconds, rate=rate, products=products)
    built: dict[str, Any] = {}

    def prepare(home: Path) -> None:
        console.print(f"An index of {products} products ...")
        built.update(build(home / "catalog-search.sqlite3", products))

    with own.stack(console, prepare) as stack:
        report = built | _measure(stack, seconds, rate, console)
    kept.end(report, as_json, record.lines(report))
    raise typer.Exit(0 if not report["failed"] and not report["found_nothing"] else 1)


def build(path: Path, products: int) -> dict[str, Any]:
    """An index of made-up goods, as a rebuild makes it, and what it took."""
    index, began, cpu = Index(path), time.perf_counter(), time.process_time()
    try:
        with index.write() as batch:
            batch.clear()
            for market in goods.markets():
                batch.put_market(market)
            for stall in goods.stalls():
                batch.put_merchant(stall)
            for fact in goods.products(products):
                batch.put_product(fact)
            batch.put_cursors([(stream, Cursor("0-0", 0)) for stream in STREAMS])
    finally:
        index.close()
    return {
        "products": products, "build_s": round(time.perf_counter() - began, 1),
        "build_cpu_s": round(time.process_time() - cpu, 1), "index_mb": round(path.stat().st_size / 1e6, 1),
    }  # fmt: skip


def _measure(stack: Stack, seconds: float, rate: float, console: Console) -> dict[str, Any]:
    host, port = stack.settings().gateway_host, stack.settings().gateway_port
    dice = random.Random(3)  # noqa: S311 - what is searched, not secrets
    with Api(stack.gateway_url) as api:
        deeper = _deeper(api, dice)
    asked = _mix(dice, deeper)
    console.print(f"{rate:.0f} searches a second for {seconds:.0f} s ...")
    warm = asyncio.run(_ask(host, port, [next(asked) for _ in range(WARM_UP)], rate))
    before = cpu_s(stack)
    answers = asyncio.run(_ask(host, port, [next(asked) for _ in range(int(rate * seconds))], rate))
    used = {name: after - before.get(name, 0.0) for name, after in cpu_s(stack).items()}
    everything = [latency for latencies in answers.latencies_s.values() for latency in latencies]
    all_ms = _percentiles(everything)
    return {
        "rate_per_s": rate, "searches": len(everything), "failed": warm.failed + answers.failed,
        "found_nothing": sorted(set(answers.empty)), "search_ms": all_ms, "goal_held": all_ms["p99"] < GOAL_P99_MS,
        "by_kind_ms": {name: _percentiles(found) for name, found in sorted(answers.latencies_s.items())},
        "cpu_us_each": {
            name: round(used[name] * 1e6 / max(1, len(everything)))
            for name in ("catalog.serve", "gateway", "load generator") if name in used
        },
    }  # fmt: skip


def _deeper(api: Api, dice: random.Random) -> list[Kind]:
    """Second pages: a token holds for the question that it came with."""
    found = []
    for good in dice.sample(goods.GOODS, 20):
        query = {"query": _bare(good[0])}
        token = api.get(SEARCH, **query).get("nextPageToken") or api.get(SEARCH, **query).get("next_page_token", "")
        if token:
            found.append(Kind("second page", 5, SEARCH, {**query, "page_token": token}))
    return found


def _mix(dice: random.Random, deeper: list[Kind]) -> Iterator[Kind]:
    """Searches without end, each kind as often as its share says."""
    while True:
        drawn = kinds(dice)
        drawn += [dice.choice(deeper)] if deeper else []
        yield dice.choices(drawn, [kind.share for kind in drawn])[0]


async def _ask(host: str, port: int, searches: list[Kind], rate: float) -> Answers:
    if host != "127.0.0.1":
        raise ValueError("load goes to loopback only")
    answers, free = Answers(), asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(host, port))
    calls: set[asyncio.Task[None]] = set()
    dice, due = random.Random(4), time.perf_counter() + 0.1  # noqa: S311 - arrivals
    for kind in searches:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        call = asyncio.create_task(_search(free, kind, due, answers))
        calls.add(call)
        call.add_done_callback(calls.discard)
        if len(calls) > WAITING_MAX:
            raise RuntimeError(f"{WAITING_MAX} searches wait: {rate:.0f} a second is more than this carries")
        due += dice.expovariate(rate)  # people do not come in step
    await asyncio.gather(*calls)
    while not free.empty():
        free.get_nowait()[1].close()
    return answers


async def _search(
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]], kind: Kind, due: float, answers: Answers
) -> None:
    reader, writer = await free.get()
    writer.write(f"GET {kind.path}?{urlencode(kind.query)} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
    now = time.perf_counter()
    free.put_nowait((reader, writer))
    if head[9:12] != b"200":
        answers.failed += 1
        return
    answers.latencies_s[kind.name].append(now - due)
    if kind.found and not (json.loads(body).get("products") or json.loads(body).get("names")):
        answers.empty.append(f"{kind.name}: {urlencode(kind.query)}")


def _bare(text: str) -> str:
    """As it is typed in a hurry: without diacritics, in lower case."""
    from services.catalog.search.spelling import folded

    return folded(text)


def _mistyped(words: str, dice: random.Random) -> str:
    """With two neighbours in the longest word changed places."""
    longest = max(words.split(), key=len)
    at = dice.randrange(max(1, len(longest) - 1))
    slip = longest[:at] + longest[at + 1 : at + 2] + longest[at : at + 1] + longest[at + 2 :]
    return words.replace(longest, slip, 1)


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"p{percent:g}": round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000, 2)
        for percent in (50, 95, 99)
    } | {"max": round(ordered[-1] * 1000, 2)}
