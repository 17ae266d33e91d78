"""A shopper: scans a stall's code, pays, and knows to the đồng what must be left."""

from __future__ import annotations

import random
from typing import Any

import gevent
from locust import task
from locust.exception import StopUser

from kit.ids import new_key
from loadtests import skew
from loadtests.config import Person as Who
from loadtests.record import DONE, PAY, Asked, now_ms
from loadtests.users.base import DAY, RECORD, Person, Places, Reply

# Đồng: mostly vegetables, sometimes the week's meat.
PRICES = (5_000, 8_000, 12_000, 15_000, 20_000, 35_000, 60_000)
# Between two things that the average shopper does, s; others wait in proportion (skew.SHOPPERS).
THINK_S = (0.1, 0.6)
RETRIES, RETRY_S = 3, 1.0
# Above ten million the PIN is asked for first, where it was entered more than five minutes ago.
TOO_MUCH = "INSUFFICIENT_FUNDS|STEP_UP_NEEDED"

PLACES = Places("shopper", DAY.shoppers)
STALLS = skew.Pick(skew.STALLS, len(DAY.stalls))
PAYEES = {stall.qr_payload: stall.merchant_id for stall in DAY.stalls}


class Payer(Person):
    """Makes payments of other people's making, and writes down what was asked and told."""

    abstract = True
    places = PLACES

    def judged(self, reply: Reply, refusal: str) -> str:
        """What is wrong with an answer, or ""; `refusal` names the codes that it may have, "|" between them."""
        held = reply.code in refusal.split("|") and 400 <= reply.status < 500 if refusal else reply.status == 200
        return "" if held else f"{reply.status} {reply.code}, not {refusal or '200'}"

    def basket_of(self, who: Who, amount: int = 0) -> dict[str, Any]:
        """A payment to be made, under a key of its own."""
        stall = DAY.stalls[STALLS.one(random)]  # type: ignore[arg-type]
        return {
            "idempotency_key": new_key(),
            "wallet_id": who.account_id,
            "qr_payload": stall.qr_payload,
            "amount": str(amount or random.choice(PRICES)),
        }

    def write_down(self, who: Who, body: dict[str, Any], due_ms: float, via: str) -> None:
        """Before it is sent."""
        payee, amount = PAYEES[body["qr_payload"]], int(body["amount"])
        RECORD.sent(Asked(body["idempotency_key"], PAY, who.phone, who.account_id, payee, amount, due_ms, via))

    def told(self, body: dict[str, Any], reply: Reply) -> None:
        """After a definite answer."""
        paid = reply.body.get("payment", {})
        outcome = DONE if reply.status == 200 else reply.code
        RECORD.told(body["idempotency_key"], outcome, paid.get("transfer_id", ""))


class Shopper(Payer):
    """The only one who pays from this wallet. `resend_share`: of payments that are sent again with the same key, and
    whether one without an answer is sent again.
    """

    weight = 8
    resend_share = 0.0

    def wait_time(self) -> float:
        """Who buys more, waits less."""
        return random.uniform(*THINK_S) * self.pace

    def on_start(self) -> None:
        """Signs in and looks into the wallet."""
        self.pace = 1.0
        super().on_start()
        self.pace = skew.pace(skew.SHOPPERS, self.number, len(DAY.shoppers))
        self.balance = int(self.wallet()["balance"])
        self.last: dict[str, Any] = {}

    def wallet(self) -> dict[str, Any]:
        """The wallet as the platform says it is."""
        reply = self.ask("GET", f"/v1/accounts/{self.who.account_id}", name="/v1/accounts/{wallet}")
        account: dict[str, Any] = reply.body["account"]
        return account

    @task(20)
    def buy(self) -> None:
        """Pays a stall by its code; a retrying one's phone now and then sends it twice."""
        body = self.basket()
        if int(body["amount"]) > self.balance:
            self.pay(body, refusal="INSUFFICIENT_FUNDS")
            return
        reply = self.pay(body)
        self.received(body, reply)
        if random.random() < self.resend_share:
            again = self.pay(body, name="/v1/payments (same key)")
            self.must(again.body == reply.body, "the same key was answered with another payment")

    @task(1)
    def overspend(self) -> None:
        """Tries to pay one đồng more than there is."""
        self.pay(self.basket(self.balance + 1), name="/v1/payments (too much)", refusal=TOO_MUCH)

    @task(1)
    def reuse_a_key(self) -> None:
        """Sends another amount under a key that has paid."""
        if self.last:
            changed = {**self.last, "amount": str(int(self.last["amount"]) + 1)}
            name = "/v1/payments (other body)"
            self.ask("POST", "/v1/payments", name=name, refusal="IDEMPOTENCY_CONFLICT", json=changed)

    @task(4)
    def scan(self) -> None:
        """Looks whom a code would pay, before paying."""
        stall = DAY.stalls[STALLS.one(random)]  # type: ignore[arg-type]
        seen = self.ask("POST", "/v1/qr/inspect", json={"payload": stall.qr_payload}).body
        self.must(seen["merchant_id"] == stall.merchant_id and seen["payable"], "a code names somebody else")

    @task(3)
    def look(self) -> None:
        """The wallet holds what the receipts say."""
        self.must(int(self.wallet()["balance"]) == self.balance, "the wallet does not hold what the receipts say")

    def basket(self, amount: int = 0) -> dict[str, Any]:
        """A payment to be made, under a key of its own."""
        return self.basket_of(self.who, amount)

    def pay(self, body: dict[str, Any], *, name: str = "/v1/payments", refusal: str = "") -> Reply:
        """Sends it, and writes down what was asked and what was told. Without an answer, the retrying send it again."""
        self.write_down(self.who, body, now_ms(), "http")
        for attempt in range(RETRIES + 1):
            reply = self.send("POST", "/v1/payments", lambda r: self.judged(r, refusal), name=name, json=body)
            if reply.definite:
                break
            if not self.resend_share or attempt == RETRIES:
                raise StopUser
            gevent.sleep(RETRY_S)
        self.told(body, reply)
        if self.judged(reply, refusal):
            raise StopUser
        return reply

    def received(self, body: dict[str, Any], reply: Reply) -> None:
        """Checks a receipt, line by line."""
        paid, amount = reply.body["payment"], int(body["amount"])
        self.must(int(paid["amount"]) == amount, "another amount was paid than asked")
        self.must(paid["from_account_id"] == self.who.account_id, "another wallet paid")
        self.must(paid["to_account_id"] == PAYEES[body["qr_payload"]], "another merchant was paid")
        self.must(len(paid["code"]) == 3, "the receipt has no spoken code")
        self.balance -= amount
        self.must(int(reply.body["balance"]) == self.balance, "the balance did not fall by the amount")
        self.last = body
