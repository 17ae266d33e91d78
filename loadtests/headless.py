"""`python -m loadtests.headless` (`make loadtest`): a market day on a stack of its own, Locust, then the money gate.

The exit status is 0 where no request failed, no check failed, and every đồng is where it must be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli import audit, crowd, people
from cli.api import Api
from cli.stack import Stack
from kit.money import format_vnd
from loadtests import gate, record
from loadtests.config import Config, MarketDay, Person, Stall, loopback

# Below the law's limit of a month: a shopper runs out of money before that.
WALLET_VND = 8_000_000
STALLS = 5
VENDORS = 2
# Users that appear a second, as a share of all.
SPAWN_SHARE = 0.34
# For requests under way when the time is up, s; and for Locust to start and end.
FINISH_S_MAX, LOCUST_S_MAX = 15, 60
LOCUSTFILE = Path(__file__).with_name("locustfile.py")

Users = Annotated[int, typer.Option(envvar="LOADTEST_USERS", min=1, max=500, help="Shoppers.")]
Seconds = Annotated[int, typer.Option(envvar="LOADTEST_SECONDS", min=3, max=600, help="How long they shop.")]


@dataclass
class Run:
    """What Locust said: its statistics, and its exit status (1 where a request or a check failed)."""

    stats: list[dict[str, Any]]
    status: int


def main(users: Users = 50, seconds: Seconds = 30) -> None:
    """A peak market day, checked to the đồng."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="cho-loadtest-") as folder:
        console.print("Starting a stack of its own ...")
        with (
            Stack(
                Path(folder) / "stack", seed=True, env={"CHO_RATE_SCALE": "10000", "CHO_PAYMENTS_A_MINUTE": "1000000"}
            ) as stack,
            Api(loopback(stack.gateway_url)) as api,
        ):
            run, verdict = play(stack, api, Path(folder), users, seconds, console)
    show(run, verdict, seconds, console)
    raise typer.Exit(0 if run.status == 0 and verdict.holds and verdict.payments else 1)


def play(stack: Stack, api: Api, folder: Path, users: int, seconds: int, console: Console) -> tuple[Run, gate.Verdict]:
    """Gathers the people, lets them shop, and checks. Raises ApiError, subprocess.TimeoutExpired."""
    console.print(f"Gathering {users} shoppers with {format_vnd(WALLET_VND)} each ...")
    day = market_day(api, users)
    config = Config(stack.gateway_url, folder / "day.json", folder / "record.jsonl")
    day.write(config.day)
    config.record.touch()
    before = gate.balances(api, [s.account_id for s in day.shoppers] + [s.merchant_id for s in day.stalls])
    console.print(f"The market is open for {seconds} s ...")
    run = locust(config, users + len(day.vendors), seconds, folder / "stats")
    console.print("Counting the money ...")
    return run, gate.check(stack, api, record.read(config.record), before)


def market_day(api: Api, users: int) -> MarketDay:
    """Shoppers, the first stalls of the seeded merchants with their codes, and some of their owners."""
    operator = api.sign_in(people.OPERATOR.phone, people.PIN)
    owners = list(people.vendors().values())[:STALLS]
    stalls, vendors = [], []
    for owner in owners:
        merchant_id = api.sign_in(owner.phone, people.PIN).get("/v1/me/merchants")["merchants"][0]["merchant_id"]
        payload = operator.download(f"/v1/merchants/{merchant_id}/qr", format="payload").decode()
        stalls.append(Stall(merchant_id, payload))
        vendors.append(Person(owner.phone, people.PIN, merchant_id))
    shoppers = [Person(s.phone, people.PIN, s.wallet_id) for s in crowd.gather(api, users, WALLET_VND)]
    return MarketDay(shoppers, vendors[:VENDORS], stalls)


def locust(config: Config, users: int, seconds: int, stats: Path) -> Run:
    """Runs Locust to its end; it prints what failed. Raises subprocess.TimeoutExpired."""
    spawned_a_s = max(1, round(users * SPAWN_SHARE))
    command = [
        *(sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--host", config.host),
        *("--users", str(users), "--spawn-rate", str(spawned_a_s), "--run-time", f"{seconds}s"),
        *("--stop-timeout", str(FINISH_S_MAX), "--only-summary", "--json-file", str(stats)),
    ]
    env = {**os.environ, **config.env()}
    ended = subprocess.run(command, env=env, timeout=seconds + FINISH_S_MAX + LOCUST_S_MAX)
    (written,) = stats.parent.glob(f"{stats.name}*")
    return Run(json.loads(written.read_text()), ended.returncode)


def show(run: Run, verdict: gate.Verdict, seconds: int, console: Console) -> None:
    """The summary for people."""
    requests = sum(row["num_requests"] for row in run.stats)
    failures = sum(row["num_failures"] for row in run.stats)
    table = Table("", "", show_header=False)
    table.add_row("requests", f"{requests}, {failures} failed")
    table.add_row("payments acknowledged", f"{verdict.payments} ({verdict.payments / seconds:.0f}/s)")
    table.add_row("paid", format_vnd(verdict.paid_vnd))
    table.add_row("refused, as they must be", _counts(verdict.refused))
    table.add_row("resolved afterwards", _counts(verdict.resolved))
    console.print(table)
    if verdict.audit:
        audit.show(verdict.audit, console)
    for finding in verdict.findings:
        console.print(f"[red]{finding}")
    if run.status:
        console.print(f"[red]Locust ended with status {run.status}: see its list of failures above")
    held = run.status == 0 and verdict.holds and verdict.payments
    console.print("[green]every đồng is where it must be" if held else "[red bold]THE LOAD TEST DID NOT HOLD")


def _counts(counter: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.items()) or "none"


if __name__ == "__main__":
    typer.run(main)
