"""`cho bench checkout`: how many checkouts of one stall a second the platform places, against the goal of 300.

Each is a buyer's own, of one product of one stall, to be paid by code: the cart is written down, stock is set aside in
the catalog, the order is placed. All servers and the load generator share the machine, and every write is journaled.
Ends in counting orders where they are kept and stock where it is set aside, and in an audit: a fast wrong run is no
figure.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from pymongo import MongoClient
from rich.console import Console

from cli import people
from cli.api import Api, ApiError
from cli.bench import own, record
from cli.bench.live_sale import tokens_of
from cli.bench.payments import WARM_UP_S, per_call, percentiles, with_cpu
from cli.load import Outcome, http_post, run
from cli.stack import Stack
from kit.ids import new_key

GOAL_PER_S = 300.0
# A product is set aside for 500 orders at once; so many hold what a run of a minute at twice the goal places.
PRODUCTS, STOCK, PRICE_VND = 100, 1_000_000, 10_000
KNOWN_S_MAX = 60.0

# A product's merchant, and its id.
_Product = tuple[str, str]


def checkout(
    connections: int = typer.Option(64, min=1, max=256),
    seconds: float = typer.Option(5.0, min=1, max=30, help="Of each slice."),
    rounds: int = typer.Option(2, min=1, max=3, help="Slices, one after another."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Checkouts a second through gateway, orders and catalog. The goal: 300. Exits 1 where one does not tie, or was
    neither placed nor told to come back."""
    console = Console(stderr=True)
    kept = record.begin("checkout", out, connections=connections, seconds=seconds, rounds=rounds)
    with own.stack(console) as stack:
        report = _measure(stack, connections, seconds, rounds, console)
    kept.end(report, as_json, record.lines(report))
    raise typer.Exit(0 if held(report) else 1)


def held(report: dict[str, Any]) -> bool:
    """Whether orders, stock and money tie, something was placed, and whoever was refused was told to come back."""
    return bool(report["balanced"] and report["tied"] and report["checkouts"] and not report["broken"])


def _measure(stack: Stack, connections: int, seconds: float, rounds: int, console: Console) -> dict[str, Any]:
    console.print(f"Listing {PRODUCTS} products, signing {connections} buyers in ...")
    products = _list(stack)
    buyers = tokens_of(stack, connections)
    _known(stack, buyers[0], products)
    host, port = stack.settings().gateway_host, stack.settings().gateway_port
    makers = [_maker(token, products, number) for number, token in enumerate(buyers)]
    since = datetime.now(UTC)
    warm, placed, cpu = run(host, port, makers, WARM_UP_S), Outcome(), dict[str, float]()
    for number in range(rounds):
        console.print(f"Round {number + 1} of {rounds} ...")
        placed.add(with_cpu(stack, cpu, lambda: run(host, port, makers, seconds)))
    console.print("Counting and auditing ...")
    counted = _counted(stack, since, [product_id for _, product_id in products])
    answered = len(placed.latencies_ms) + len(warm.latencies_ms)
    failed = own.failed(warm, placed)
    orders, reserved = counted
    return {
        "checkouts_per_s": round(placed.per_s, 1),
        "goal_per_s": GOAL_PER_S,
        "ratio_to_goal": round(placed.per_s / GOAL_PER_S, 3),
        "connections": connections,
        "checkouts": len(placed.latencies_ms),
        "failed": failed,
        "broken": own.broken(warm, placed),
        "answers": {str(status): n for status, n in sorted((warm.statuses + placed.statuses).items())},
        "checkout_ms": percentiles(placed),
        "cpu_us_per_checkout": per_call(cpu, len(placed.latencies_ms)),
        # What was refused or given up may have been placed all the same; what was answered has to be there.
        "tied": answered <= orders <= answered + failed and reserved == orders,
        "goal_held": placed.per_s >= GOAL_PER_S,
        "balanced": own.audited(stack).balanced,
    }


def _list(stack: Stack) -> list[_Product]:
    """New products, spread over the seeded stalls."""
    found: list[_Product] = []
    vendors = list(people.vendors().values())
    with Api(stack.gateway_url) as api:
        for place, person in enumerate(vendors):
            with api.sign_in(person.phone, people.PIN) as vendor:
                merchant_id = vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
                for number in range(place, PRODUCTS, len(vendors)):
                    product = vendor.post(
                        "/v1/products", request_id=new_key(), merchant_id=merchant_id, name=f"Hàng đo {number}",
                        description="", unit="gói", price=PRICE_VND, stock=STOCK,
                    )["product"]  # fmt: skip
                    found.append((merchant_id, product["product_id"]))
    return found


def _known(stack: Stack, token: str, products: list[_Product]) -> None:
    """Waits until orders has heard of each product: each is ordered once. Raises ApiError, RuntimeError."""
    deadline = time.monotonic() + KNOWN_S_MAX
    with Api(stack.gateway_url) as api:
        api.http.headers["authorization"] = f"Bearer {token}"
        for product in products:
            while True:
                try:
                    api.post("/v1/checkouts", **_cart(product))
                    break
                except ApiError as error:
                    if error.code not in ("NOT_FOUND", "MERCHANT_NOT_FOUND"):
                        raise
                if time.monotonic() > deadline:
                    raise RuntimeError("orders does not hear of the catalog's products")
                time.sleep(0.1)


def _maker(token: str, products: list[_Product], number: int) -> Callable[[], bytes]:
    """Makes one buyer's checkouts, each with a key of its own, of a product at random."""
    dice = random.Random(number)  # noqa: S311 - what is bought, not a secret

    def make() -> bytes:
        return http_post("localhost", "/v1/checkouts", token, json.dumps(_cart(dice.choice(products))).encode())

    return make


def _cart(product: _Product) -> dict[str, Any]:
    merchant_id, product_id = product
    items = [{"product_id": product_id, "quantity": 1}]
    stall = {"merchant_id": merchant_id, "items": items, "fulfilment": "FULFILMENT_PICKUP"}
    return {"request_id": new_key(), "stalls": [stall], "pay": "PAY_BY_QR"}


def _counted(stack: Stack, since: datetime, products: list[str]) -> tuple[int, int]:
    """Orders placed since then, and pieces set aside for others than those who ordered each product once before."""
    known = stack.settings()
    with MongoClient[dict[str, Any]](known.mongodb_uri, tz_aware=True) as client:
        orders = client[known.mongo_database("orders")]["orders"]
        placed = sum(1 for _ in orders.find({"placed_at": {"$gte": since}}, {"_id": 1}))
        stored = client[known.mongo_database("catalog")]["products"].find({"_id": {"$in": products}}, {"lots": 1})
        return placed, sum(lot["reserved"] for one in stored for lot in one["lots"]) - len(products)
