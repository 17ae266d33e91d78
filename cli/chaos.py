"""`cho chaos`: kill -9 at random moments under load, and an audit at the end.

Payers pay one stall again and again, each repeating a payment with its key until it knows how it ended, as a phone
would; the stall's vendor listens all the while. Whatever was killed, every payment that was answered must be there
once, and be heard once. A run is told by its seed.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import typer

from cli import audit, failover, people
from cli.api import Api
from cli.stack import Stack
from kit.config import settings
from kit.ids import new_key

PAYERS = 6
AMOUNT_VND = 100
# 300,000 payments: more than a run of days makes, and less than the law lets a wallet pay in a month.
CASH_IN_VND = 30_000_000
THINK_S_MAX = 0.05
# How long a payment may take to be known, and the vendor to hear of the last one.
KNOWN_S_MAX = 60
HEARD_S_MAX = 60
PROGRESS_S_MAX = 60
# Payments between two kills of a round, so that each hits a stack at work.
PAID_BETWEEN = PAYERS
BETWEEN_S_MAX = 0.5
TOLD_EVERY = 10
VICTIMS = ("payments.serve", "valkey")
REPLICA_VICTIMS = (*VICTIMS, "valkey-replica")
# Machines pay faster than people.
MACHINE = {"CHO_RATE_SCALE": "10000", "CHO_PAYMENTS_A_MINUTE": "1000000"}

Say = Callable[[str], None]


class Lost(AssertionError):
    """What must not happen happened."""


@dataclass(slots=True)
class Person:
    """Somebody who stays signed in: tokens are short, soaks are not."""

    url: str
    phone: str
    _token: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def token(self, stale: str = "") -> str:
        """A token that is not `stale`. Raises httpx.HTTPError, ApiError."""
        with self._lock:
            if self._token == stale:
                with Api(self.url) as api:
                    self._token = str(api.sign_in(self.phone, people.PIN).http.headers["authorization"])
            return self._token


class Payer(threading.Thread):
    """`known`: payment ids by key, of every payment that was answered."""

    def __init__(self, person: Person, wallet: str, merchant_id: str, dice: random.Random) -> None:
        super().__init__(daemon=True)
        self.known: dict[str, str] = {}
        self.failure: BaseException | None = None
        self.stopping = threading.Event()
        self._person, self._dice = person, dice
        self._body = {"wallet_id": wallet, "merchant_id": merchant_id, "amount": AMOUNT_VND}

    def run(self) -> None:
        try:
            token = self._person.token()
            with httpx.Client(base_url=self._person.url, timeout=8) as http:
                while not self.stopping.wait(self._dice.uniform(0, THINK_S_MAX)):
                    key = new_key()
                    self.known[key], token = self._pay(http, key, token)
        except BaseException as error:
            self.failure = error  # told by `Load`

    def _pay(self, http: httpx.Client, key: str, token: str) -> tuple[str, str]:
        deadline = time.monotonic() + KNOWN_S_MAX
        while time.monotonic() < deadline:
            try:
                reply = http.post(
                    "/v1/payments", json=self._body | {"idempotency_key": key}, headers={"authorization": token}
                )
                if reply.status_code == 401:
                    token = self._person.token(stale=token)
                    continue
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if reply.status_code == 200:
                return str(reply.json()["payment"]["transfer_id"]), token
            if reply.status_code < 500:
                raise Lost(f"payment {key} was answered {reply.status_code}: {reply.text}")
            time.sleep(0.05)
        raise Lost(f"nobody knows after {KNOWN_S_MAX} s how payment {key} ended")


class Listener(threading.Thread):
    """The vendor's phone: comes back with the last id that it heard, as an EventSource does."""

    def __init__(self, person: Person, merchant_id: str) -> None:
        super().__init__(daemon=True)
        self.heard: list[str] = []
        self.stopping, self.listening = threading.Event(), threading.Event()
        self._person, self._url = person, f"{person.url}/v1/merchants/{merchant_id}/announcements"
        self.last = ""

    def run(self) -> None:
        token = self._person.token()
        while not self.stopping.is_set():
            headers = {"authorization": token} | ({"last-event-id": self.last} if self.last else {})
            try:
                with httpx.stream("GET", self._url, headers=headers, timeout=httpx.Timeout(5, read=20)) as reply:
                    if reply.status_code == 401:
                        token = self._person.token(stale=token)
                    self._follow(reply)
            except httpx.TransportError:
                pass
            time.sleep(0.1)

    def _follow(self, reply: httpx.Response) -> None:
        last, heard = self.last, []
        for line in reply.iter_lines():
            if line.startswith("id: "):
                last = line[4:]
            elif line.startswith("data: ") and "transfer_id" in line:
                heard.append(json.loads(line[6:])["transfer_id"])
            elif not line:  # a whole event: one that was cut off in the middle is heard again
                self.heard += heard
                self.last, heard = last, []
                self.listening.set()
            if self.stopping.is_set():
                return


@dataclass(slots=True)
class Load:
    """Payers and a listening vendor at work."""

    payers: list[Payer]
    listener: Listener
    _vendor: Person
    _merchant_id: str
    _before: int

    @property
    def paid(self) -> int:
        """Payments that were answered so far."""
        return sum(len(payer.known) for payer in self.payers)

    def await_more(self, payments: int = PAID_BETWEEN) -> None:
        """Until so many more were answered. Raises Lost."""
        wanted, deadline = self.paid + payments, time.monotonic() + PROGRESS_S_MAX
        while self.paid < wanted:
            self._raise_failure()
            if time.monotonic() > deadline:
                raise Lost(f"nobody could pay for {PROGRESS_S_MAX} s")
            time.sleep(0.01)

    def end(self) -> list[str]:
        """Stops, and sees that every answered payment is there once and was heard once; their ids. Raises Lost."""
        for payer in self.payers:
            payer.stopping.set()
        for payer in self.payers:
            payer.join(KNOWN_S_MAX + 10)
        self._raise_failure()
        ids = [payment_id for payer in self.payers for payment_id in payer.known.values()]
        if len(set(ids)) != len(ids):
            raise Lost("two keys were answered with one payment")
        received = _balance(self._vendor, self._merchant_id) - self._before
        if received != len(ids) * AMOUNT_VND:
            raise Lost(f"{len(ids)} payments of {AMOUNT_VND} were answered, and the stall received {received}")
        deadline = time.monotonic() + HEARD_S_MAX
        while len(self.listener.heard) < len(ids) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.listener.stopping.set()
        heard = self.listener.heard
        if sorted(heard) != sorted(ids):
            unheard, gone = set(ids) - set(heard), set(heard) - set(ids)
            # Ids rise with time: whether it is the end that is missing, or something before it.
            before = sum(one < max(heard, default="") for one in unheard)
            raise Lost(
                f"of {len(ids)} payments the vendor heard {len(heard)}, lastly event {self.listener.last}: "
                f"{len(unheard)} never ({before} of them before the last that was heard, {sorted(unheard)[:3]} ...), "
                f"{len(gone)} that are none, {len(heard) - len(set(heard))} again"
            )
        return ids

    def _raise_failure(self) -> None:
        for payer in self.payers:
            if payer.failure:
                raise Lost(str(payer.failure)) from payer.failure


def _balance(vendor: Person, merchant_id: str) -> int:
    with Api(vendor.url) as api:
        signed_in = api.sign_in(vendor.phone, people.PIN)
        return int(signed_in.get(f"/v1/accounts/{merchant_id}")["account"]["balance"])


@contextmanager
def load(stack: Stack, seed: int) -> Iterator[Load]:
    """Payers at work on a seeded stack, until the block ends; `Load.end` sees whether all went well."""
    url = stack.gateway_url
    shopper, owner = people.SHOPPERS[0], next(iter(people.vendors().values()))
    with Api(url) as api:
        buyer = api.sign_in(shopper.phone, people.PIN)
        wallet = buyer.get("/v1/me/accounts")["accounts"][0]["account_id"]
        agent = api.sign_in(people.AGENTS[0].phone, people.PIN)
        agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=wallet, amount=CASH_IN_VND)
        vendor = api.sign_in(owner.phone, people.PIN)
        merchant_id = vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    payer, listens = Person(url, shopper.phone), Person(url, owner.phone)
    before = _balance(listens, merchant_id)
    dice = random.Random(seed)  # noqa: S311 - moments, not secrets
    payers = [Payer(payer, wallet, merchant_id, random.Random(dice.random())) for _ in range(PAYERS)]  # noqa: S311
    listener = Listener(listens, merchant_id)
    listener.start()
    if not listener.listening.wait(HEARD_S_MAX):
        raise Lost("the vendor cannot listen")
    for thread in payers:
        thread.start()
    try:
        yield Load(payers, listener, listens, merchant_id, before)
    finally:
        listener.stopping.set()
        for payer_thread in payers:
            payer_thread.stopping.set()


def soak(stack: Stack, kills: int, seed: int, say: Say, victims: tuple[str, ...] = VICTIMS) -> int:
    """Kills `victims` at random moments under load, so many times; payments answered. Raises Lost, StackFailed."""
    dice = random.Random(seed)  # noqa: S311
    with load(stack, seed) as people_pay:
        for number in range(1, kills + 1):
            victim = dice.choice(victims)
            if dice.random() < 0.8:  # else right after the last one, in the middle of coming back
                people_pay.await_more()
            time.sleep(dice.uniform(0, BETWEEN_S_MAX))
            stack.wait_ready(victim)
            stack.kill(victim)
            if number % TOLD_EVERY == 0 or number == kills:
                say(f"{number} of {kills} kills, {people_pay.paid} payments")
        stack.wait_ready()
        people_pay.await_more()
        return len(people_pay.end())


def fail_over(stack: Stack, rounds: int, seed: int, say: Say) -> int:
    """Kills the ledger's primary under load and promotes its copy, so many times; payments answered.

    Settings must point at the stack. Raises Lost, StackFailed, failover.Refused.
    """
    dice = random.Random(seed)  # noqa: S311
    with load(stack, seed) as people_pay:
        for number in range(1, rounds + 1):
            people_pay.await_more(5 * PAID_BETWEEN)
            time.sleep(dice.uniform(0, BETWEEN_S_MAX))
            done = failover.promote(stack.home, lambda _: None, kill=True)
            say(f"{number} of {rounds} failovers, {people_pay.paid} payments, refused for {done.refused_s:.1f} s")
            stack.wait_ready()
        people_pay.await_more()
        return len(people_pay.end())


def _with_stack(replicas: int, what: Callable[[Stack], int]) -> None:
    with tempfile.TemporaryDirectory(prefix="cho-chaos-") as home:
        env = MACHINE | {"CHO_LEDGER_REPLICAS": str(replicas)}
        with Stack(Path(home), seed=True, env=env) as stack:
            os.environ.update(stack.env)
            settings.cache_clear()
            payments = what(stack)
            outcome: Any = audit.run()
    if not outcome.balanced:
        raise Lost(f"{payments} payments, and the books do not balance: {json.dumps(outcome.as_dict())}")
    typer.secho(f"{payments} payments: none lost, none doubled, each heard once; balanced.", fg="green")


def chaos(
    kills: int = typer.Option(0, min=0, max=100_000, help="Of the payments server and the ledger's Valkey."),
    failovers: int = typer.Option(0, min=0, max=10_000, help="The primary is killed, and its copy promoted."),
    seed: int = typer.Option(0, min=0, help="Of an earlier run, to have its dice again; a new one otherwise."),
) -> None:
    """kill -9 at random moments under load on a stack of its own, ending in an audit; 100 kills and 5 failovers unless
    told otherwise."""
    if not kills and not failovers:
        kills, failovers = 100, 5
    seed = seed or random.randrange(1, 1 << 31)  # noqa: S311
    typer.echo(f"SEED={seed}")
    inherited = dict(os.environ)
    try:
        if kills:
            _with_stack(0, lambda stack: soak(stack, kills, seed, typer.echo))
        os.environ.clear()
        os.environ.update(inherited)
        settings.cache_clear()
        if failovers:
            _with_stack(1, lambda stack: fail_over(stack, failovers, seed, typer.echo))
    except (Lost, failover.Refused) as lost:
        typer.secho(f"SEED={seed}: {lost}", fg="red", bold=True, err=True)
        raise typer.Exit(1) from lost
