"""An open loop: payments come when the shape says, whatever the answers do, and their latency counts from then.

A closed loop's shoppers wait for an answer before they do anything else, so a platform that stalls is asked less and
looks better than it is (coordinated omission). Here one user a process holds many wallets and spends from whichever is
free; a payment that finds no free wallet or connection waits, and its waiting counts.
"""

from __future__ import annotations

import random
from collections import deque
from contextlib import suppress
from typing import Any

import gevent
from locust import events, task
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_RUNNING

from loadtests import skew
from loadtests.config import Person as Who
from loadtests.record import RecordFull, now_ms
from loadtests.shapes.curves import arrivals
from loadtests.users.base import CONFIG, DAY, RECORD
from loadtests.users.shopper import PLACES, Payer

NAME = "/v1/payments (open loop, since due)"
CONNECTIONS = 128
# Payments under way or waiting; above it this is no open loop any more, and the run fails by saying so.
WAITING_MAX = 5_000
FINISH_S_MAX = 10

_started_ms = 0.0


@events.test_start.add_listener
def _start(**_: Any) -> None:
    global _started_ms
    _started_ms = now_ms()


class Wallet:
    """One shopper's, spent from by one payment at a time; đồng."""

    def __init__(self, who: Who, balance: int) -> None:
        self.who, self.balance = who, balance
        self.headers = {"authorization": f"Bearer {who.token}"}


class Arrivals(Payer):
    """Brings this process's part of the payments."""

    fixed_count = CONFIG.workers
    concurrency = CONNECTIONS

    def on_start(self) -> None:
        """Takes wallets, and looks into them."""
        self.headers, self.stopping, self.under_way = {}, False, 0
        self.waiting = deque[float]()
        mine = [PLACES.take()[1] for _ in range(len(DAY.shoppers) // CONFIG.workers)]
        self.wallets = [Wallet(who, self.look(who)) for who in mine]
        self.free = set(range(len(self.wallets)))
        self.pick = skew.Pick(skew.SHOPPERS, len(self.wallets))

    def look(self, who: Who) -> int:
        """What a wallet holds, đồng."""
        headers = {"authorization": f"Bearer {who.token}"}
        reply = self.ask("GET", f"/v1/accounts/{who.account_id}", name="/v1/accounts/{wallet}", headers=headers)
        return int(reply.body["account"]["balance"])

    def on_stop(self) -> None:
        """Sends what was due before the end, for a while, and lets what is under way end; the rest was never sent, or
        never answered: neither would be in any percentile.
        """
        with gevent.Timeout(FINISH_S_MAX, False):
            while self.under_way or (self.waiting and not self.stopping):
                gevent.sleep(0.05)
        self.stopping = True
        with suppress(RecordFull):  # says so itself
            if self.waiting:
                RECORD.unsent(len(self.waiting))
            if self.under_way:
                RECORD.unanswered(self.under_way)

    @task
    def market(self) -> None:
        """The whole day, once, in what is left of the time when this process is ready."""
        # Dice of its own: two on one process would bring their payments in pairs.
        ready_ms, dice = now_ms(), random.Random()
        left_s = CONFIG.seconds - (ready_ms - _started_ms) / 1000
        self.must(left_s > 0, "the wallets were not looked into before the day was over")
        for at in arrivals(CONFIG.shape, CONFIG.day, max(0.0, left_s), CONFIG.rate / CONFIG.workers, dice):
            due_ms = ready_ms + at * 1000
            wait_s = (due_ms - now_ms()) / 1000
            if wait_s > 0 and not self.trades():  # it has closed, and everything that was due before is on its way
                return
            gevent.sleep(max(0.0, wait_s))
            if len(self.waiting) + self.under_way >= WAITING_MAX:
                self.must(False, f"{WAITING_MAX} payments wait: the rate is more than this carries")
                raise StopUser
            self.waiting.append(due_ms)
            self.serve()
        while self.trades():  # until the shape ends the run
            gevent.sleep(0.1)

    def trades(self) -> bool:
        """Whether the run goes on: Locust lets a task end by itself."""
        return bool(self._state == LOCUST_STATE_RUNNING)

    def serve(self) -> None:
        """Starts what waits, as far as wallets are free."""
        while self.waiting and self.free and not self.stopping:
            wanted = self.pick.one(random)  # type: ignore[arg-type]
            chosen = wanted if wanted in self.free else min(self.free, key=lambda rank: abs(rank - wanted))
            self.free.remove(chosen)
            self.under_way += 1
            gevent.spawn(self.spend, chosen, self.waiting.popleft())

    def spend(self, index: int, due_ms: float) -> None:
        """One payment from one wallet, which is free again after a definite answer: else nobody knows what it holds."""
        wallet = self.wallets[index]
        body = self.basket_of(wallet.who)
        amount = int(body["amount"])
        refusal = "INSUFFICIENT_FUNDS" if amount > wallet.balance else ""
        try:
            self.write_down(wallet.who, body, due_ms, "open loop")
            reply = self.send(
                "POST", "/v1/payments", lambda r: self.judged(r, refusal), name=NAME, json=body,
                headers=wallet.headers, since_ms=due_ms,
            )  # fmt: skip
            if reply.definite:
                self.told(body, reply)
                if reply.status == 200:
                    wallet.balance -= amount
                    held = int(reply.body["balance"]) == wallet.balance
                    self.must(held, "the balance did not fall by the amount")
                self.free.add(index)
        except RecordFull as full:
            self.must(False, str(full))
            self.stopping = True
        except Exception as error:
            self.broke(error)
        finally:
            self.under_way -= 1
            self.serve()
