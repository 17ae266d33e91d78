"""`python -m loadtests.headless` (`make loadtest`): a market day on a stack of its own, Locust, then the money gate.

The exit status is 0 where no request failed, no check failed, every hostile request got its coded refusal, and every
đồng is where it must be. What it found is written to `--out`: certificate.json, .jws (signed), .txt, keys.json,
report.html.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli import layout
from cli.api import Api
from cli.stack import Stack
from kit.clock import now
from kit.marketday import market_day
from loadtests import record, stage
from loadtests.config import Config, MarketDay, day_of_peak, loopback
from loadtests.faults.proxy import Proxy
from loadtests.faults.trouble import KINDS, Trouble, wait_well
from loadtests.gate import collect
from loadtests.gate.watch import Watch, Watched, until
from loadtests.report import write
from loadtests.shapes.curves import SHAPES

# Neither the gateway's limits for people nor the velocity rules are tested here: all come from one address. Windows
# are closed by hand.
MACHINE = {"CHO_RATE_SCALE": "10000", "CHO_PAYMENTS_A_MINUTE": "1000000", "CHO_SETTLEMENT_SCHEDULE": "off"}
USERS_MAX, SECONDS_MAX, RATE_MAX, WORKERS_MAX = 500, 600, 3000, 8
# People beyond the peak, for processes that do not share exactly evenly.
SPARE = 4
# For requests under way when the time is up, s; and for Locust to start and end.
FINISH_S_MAX, LOCUST_S_MAX = 25, 60
LOCUSTFILE = Path(__file__).with_name("locustfile.py")
CLOSED = ("Shopper", "RetryingShopper", "RpcShopper", "Vendor", "Agent", "Officer", "Hostile")
OPEN = ("Arrivals", "Vendor", "Agent", "Officer", "Hostile")
# Who asks again until there is an answer.
PATIENT = ("Arrivals", "Shopper", "RetryingShopper", "Vendor", "Agent")

Shape = Annotated[str, typer.Option(envvar="LOADTEST_SHAPE", help=f"One of {', '.join(SHAPES)}.")]
Users = Annotated[int, typer.Option(envvar="LOADTEST_USERS", min=1, max=USERS_MAX, help="Shoppers at the peak.")]
Seconds = Annotated[int, typer.Option(envvar="LOADTEST_SECONDS", min=3, max=SECONDS_MAX, help="How long it is open.")]
Minutes = Annotated[float, typer.Option(min=0, max=SECONDS_MAX / 60, help="The same in minutes; before --seconds.")]
Rate = Annotated[
    float, typer.Option(envvar="LOADTEST_RATE", min=0, max=RATE_MAX, help="Open loop: payments a second at the peak.")
]
Workers = Annotated[int, typer.Option("--processes", envvar="LOADTEST_PROCESSES", min=1, max=WORKERS_MAX)]
Day = Annotated[str, typer.Option(envvar="LOADTEST_DAY", help="The calendar's day, YYYY-MM-DD; Tết's eve otherwise.")]
Faults = Annotated[
    str, typer.Option(envvar="LOADTEST_FAULTS", help=f"Trouble on purpose, commas between: {', '.join(KINDS)}; or all.")
]
Seed = Annotated[int, typer.Option(envvar="LOADTEST_SEED", min=0, help="Of an earlier run's trouble; new otherwise.")]
Out = Annotated[Path, typer.Option(envvar="LOADTEST_OUT", help="Where certificate and report go.")]


@dataclass
class Run:
    """Locust's exit status (1 where it knows of a request or a check that failed), and when it ran."""

    status: int
    started_at: datetime
    ended_at: datetime


@dataclass
class Played:
    """A day that was played and counted."""

    config: Config
    day: MarketDay
    run: Run
    told: record.Told
    watched: Watched
    verdict: collect.Verdict
    evidence: collect.Evidence
    before: dict[str, int]
    since: int
    # What was done to the platform on purpose, and how often; `troubled`: by which kinds and seed.
    faults: Counter[str] = field(default_factory=Counter)
    troubled: str = ""

    @property
    def holds(self) -> bool:
        """Whether it lasted, nothing failed, everything ties and the books became level."""
        return not self.unmet

    @property
    def unmet(self) -> list[str]:
        """What keeps it from holding, in words; empty where it holds."""
        failed, audited = record.requests(self.told)[1], self.verdict.audit
        short = {
            f"the load ended before its {self.config.seconds} s": not self.lasted,
            f"Locust ended with status {self.run.status}: its log says why": self.run.status != 0,
            f"{failed} requests or checks failed": failed > 0,
            f"{self.verdict.found} findings of the money gate": self.verdict.found > 0,
            "nobody paid": self.verdict.payments == 0,
            "the audit does not balance": audited is None or not audited.balanced,
            f"the books did not become level ({self.watched.failure or 'they lag'})": self.watched.drain_ms is None,
        }
        return [
            *(what for what, is_so in short.items() if is_so),
            *record.incomplete(self.told, self.config.workers),
        ]

    @property
    def lasted(self) -> bool:
        """Whether the load did not end early."""
        return (self.run.ended_at - self.run.started_at).total_seconds() >= self.config.seconds


def main(
    shape: Shape = "market-day", users: Users = 50, seconds: Seconds = 30, minutes: Minutes = 0, rate: Rate = 0,
    processes: Workers = 1, day: Day = "", faults: Faults = "", seed: Seed = 0, out: Out = Path("out/loadtest"),
) -> None:  # fmt: skip
    """A peak market day, checked to the đồng."""
    kinds = KINDS if faults == "all" else tuple(filter(None, faults.split(",")))
    if unknown := set(kinds) - set(KINDS):
        raise typer.BadParameter(f"--faults: no {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    if shape not in SHAPES:
        raise typer.BadParameter(f"--shape is one of {', '.join(SHAPES)}")
    try:
        on = date.fromisoformat(day) if day else day_of_peak(now().year + 1)
        market_day(on)
    except ValueError as error:
        raise typer.BadParameter(f"--day: {error}") from error
    console = Console(highlight=False)
    write.forget(out)
    with tempfile.TemporaryDirectory(prefix="cho-loadtest-") as folder:
        plan = Config(
            "", Path(folder) / "people.json", Path(folder) / "record", shape, round(minutes * 60) or seconds, users,
            rate, processes, on, trouble=bool(kinds),
        )  # fmt: skip
        console.print("Starting a stack of its own ...")
        with troubled_stack(Path(folder) / "stack", kinds) as (stack, ledger), Api(loopback(stack.gateway_url)) as api:
            played = play(stack, api, plan, console, Plan(kinds, seed or random.randrange(1, 1 << 31), ledger))
            said = write.everything(played, stack.settings().own_secret("settlement_signing_secret"), out)
    console.print("\n" + said, markup=False)
    console.print(f"Written to {out}: certificate.json, certificate.jws, certificate.txt, keys.json, report.html")
    raise typer.Exit(status(played))


def status(played: Played) -> int:
    """The exit status: 0 where it held; a run that is fast and wrong is 1."""
    return 0 if played.holds else 1


@dataclass(frozen=True)
class Plan:
    """The trouble of a run: which kinds, by whose dice, and the network between services and ledger."""

    kinds: tuple[str, ...] = ()
    seed: int = 0
    ledger: Proxy | None = None


@contextmanager
def troubled_stack(home: Path, kinds: tuple[str, ...]) -> Iterator[tuple[Stack, Proxy | None]]:
    """A seeded stack, ready; where the ledger's network is to be troubled, with a network of ours in front of it."""
    # A key of its own for its certificate: who has the source has the local stack's.
    secret = os.environ.get("CHO_SETTLEMENT_SIGNING_SECRET") or secrets.token_hex(32)
    env = MACHINE | {"CHO_SETTLEMENT_SIGNING_SECRET": secret}
    env |= {"CHO_GATEWAY_FAULTS": "true"} if "gateway" in kinds else {}
    if "ledger" not in kinds:
        with Stack(home, seed=True, env=env) as stack:
            yield stack, None
        return
    with Proxy(lambda: ledger_port(home)) as ledger:
        # Our network leads to one server: a ledger that is somebody else's has no copy here.
        env |= {"LEDGER_URL": f"redis://127.0.0.1:{ledger.port}/0", "CHO_LEDGER_REPLICAS": "0"}
        with Stack(home, seed=True, env=env) as stack:
            yield stack, ledger


def ledger_port(home: Path) -> int:
    """Where the embedded ledger of a stack listens. Raises OSError where it has not been started yet, or is being."""
    config = (layout.primary_home(home) / "valkey.conf").read_text()
    for line in config.splitlines():
        if line.startswith("port "):
            return int(line.split()[1])
    raise ConnectionRefusedError("the ledger's configuration is being written")


@contextmanager
def trouble(stack: Stack, plan: Plan, config: Config) -> Iterator[tuple[Config, Counter[str]]]:
    """The run's configuration, its people behind the bad network; and what was done. Raises StackFailed, Failed."""
    if not plan.kinds:
        yield config, Counter()
        return
    with Proxy(lambda: stack.settings().gateway_port) as phones:
        made = Trouble(stack, plan.kinds, plan.seed, phones, plan.ledger)
        with made:
            yield replace(config, host=f"http://127.0.0.1:{phones.port}"), made.done
    wait_well(stack)
    if made.failure:
        raise Failed(f"the trouble itself failed: {made.failure}")


class Failed(RuntimeError):
    """The trouble could not be made as planned."""


def play(stack: Stack, api: Api, plan: Config, console: Console, faults: Plan = Plan()) -> Played:
    """Gathers the people, lets them trade, and checks. Raises ApiError, NotSettled, subprocess.TimeoutExpired."""
    console.print(f"Gathering {plan.users} shoppers at three telecoms, agents, vendors, an officer and a thief ...")
    plan.folder.mkdir(mode=0o700)
    day = stage.gather(api, plan.users + SPARE * plan.workers)
    day, since = stage.yesterday(api, day)
    day = stage.signed_in(api, day)
    day.write(plan.people)
    config = replace(
        plan, host=stack.gateway_url, grpc=stack.settings().payments_addr, edge=stack.settings().edge_secret
    )
    before = collect.balances(api, collect.accounts_of(day))
    how = f"{plan.rate:g} payments a second at its peak" if plan.rate else f"{plan.users} shoppers at its peak"
    console.print(f"The market is open for {plan.seconds} s ({plan.shape}, {how}) ...")
    if faults.kinds:
        console.print(f"Trouble meanwhile: {', '.join(faults.kinds)} (--seed {faults.seed})")
    with Watch(stack.settings(), lambda: _processes(stack)) as watch:
        with trouble(stack, faults, config) as (behind, done):
            run = locust(behind, watch)
        console.print("Waiting until the books are level ...")
        watched = watch.drained()
    console.print("Counting the money ...")
    told = record.read(config.folder)
    verdict, evidence = collect.check(stack, api, day, told, before, since)
    troubled = f"{','.join(faults.kinds)} seed {faults.seed}" if faults.kinds else ""
    return Played(config, day, run, told, watched, verdict, evidence, before, since, done, troubled)


def _processes(stack: Stack) -> list[tuple[str, int]]:
    return [(one["name"], one["pid"]) for one in stack.processes() if one["pid"] is not None]


def locust(config: Config, watch: Watch) -> Run:
    """Runs Locust to its end; it prints what failed. Raises subprocess.TimeoutExpired, with nothing left running."""
    command = [
        *(sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--host", config.host),
        *("--stop-timeout", str(FINISH_S_MAX), "--only-summary", "--loglevel", "WARNING"),
        *("--master-bind-host", "127.0.0.1") * (config.workers > 1),
        *(("--processes", str(config.workers)) if config.workers > 1 else ()),
        *(name for name in (OPEN if config.rate else CLOSED) if name in PATIENT or not config.trouble),
    ]
    env, started_at = {**os.environ, **config.env()}, now()
    with subprocess.Popen(command, env=env, start_new_session=True) as process:
        watch.generator = process.pid
        try:
            process.wait(config.seconds + FINISH_S_MAX + LOCUST_S_MAX)
            ended = until(lambda: not _lives(process.pid), FINISH_S_MAX)  # a load process may outlive its parent
        except BaseException:
            _kill(process.pid)
            raise
        if not ended:
            _kill(process.pid)
    return Run(process.returncode, started_at, now())


def _lives(group: int) -> bool:
    """Whether a process of the group still runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _kill(group: int) -> None:
    """What it had sent is resolved by the gate."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    typer.run(main)
