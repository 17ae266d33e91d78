"""A shopper: scans a stall's code, pays, and knows to the đồng what must be left."""

from __future__ import annotations

import random
from typing import Any

from locust import between, task

from kit.ids import new_key
from loadtests.record import Asked
from loadtests.users.person import DAY, RECORD, Person, Reply

# One stall in the hall has a third of the trade.
FAVOURITE_SHARE = 1 / 3
# Of payments are sent again with the same key, as phones with a bad connection do.
REPEAT_SHARE = 0.15
# Đồng: mostly vegetables, sometimes the week's meat.
PRICES = (5_000, 8_000, 12_000, 15_000, 20_000, 35_000, 60_000)


class Shopper(Person):
    """The only one who pays from this wallet."""

    wait_time = between(0.1, 0.6)
    comers = iter(DAY.shoppers)

    def on_start(self) -> None:
        """Signs in and looks into the wallet."""
        super().on_start()
        self.balance = int(self.wallet()["balance"])
        self.last: dict[str, Any] = {}

    def wallet(self) -> dict[str, Any]:
        """The wallet as the platform says it is."""
        reply = self.ask("GET", f"/v1/accounts/{self.who.account_id}", name="/v1/accounts/{wallet}")
        account: dict[str, Any] = reply.body["account"]
        return account

    @task(20)
    def buy(self) -> None:
        """Pays a stall by its code; now and then the phone sends it twice."""
        body = self.basket()
        if int(body["amount"]) > self.balance:
            self.pay(body, refusal="INSUFFICIENT_FUNDS")
            return
        reply = self.pay(body)
        self.received(body, reply)
        if random.random() < REPEAT_SHARE:
            again = self.pay(body, name="/v1/payments (same key)")
            self.must(again.body == reply.body, "the same key was answered with another payment")

    @task(2)
    def overspend(self) -> None:
        """Tries to pay one đồng more than there is."""
        self.pay(self.basket(self.balance + 1), name="/v1/payments (too much)", refusal="INSUFFICIENT_FUNDS")

    @task(2)
    def reuse_a_key(self) -> None:
        """Sends another amount under a key that has paid."""
        if self.last:
            changed = {**self.last, "amount": str(int(self.last["amount"]) + 1)}
            name = "/v1/payments (other body)"
            self.ask("POST", "/v1/payments", name=name, refusal="IDEMPOTENCY_CONFLICT", json=changed)

    @task(4)
    def scan(self) -> None:
        """Looks whom a code would pay, before paying."""
        stall = random.choice(DAY.stalls)
        seen = self.ask("POST", "/v1/qr/inspect", json={"payload": stall.qr_payload}).body
        self.must(seen["merchant_id"] == stall.merchant_id and seen["payable"], "a code names somebody else")

    @task(4)
    def look(self) -> None:
        """The wallet holds what the receipts say."""
        self.must(int(self.wallet()["balance"]) == self.balance, "the wallet does not hold what the receipts say")

    def basket(self, amount: int = 0) -> dict[str, Any]:
        """A payment to be made, under a key of its own."""
        favourite = random.random() < FAVOURITE_SHARE
        stall = DAY.stalls[0] if favourite else random.choice(DAY.stalls)
        return {
            "idempotency_key": new_key(),
            "wallet_id": self.who.account_id,
            "qr_payload": stall.qr_payload,
            "amount": str(amount or random.choice(PRICES)),
        }

    def pay(self, body: dict[str, Any], *, name: str = "/v1/payments", refusal: str = "") -> Reply:
        """Sends it, and writes down what was asked and what was told."""
        key, merchant_id = body["idempotency_key"], _PAYEES[body["qr_payload"]]
        RECORD.sent(Asked(key, self.who.phone, self.who.account_id, merchant_id, int(body["amount"])))
        reply = self.ask("POST", "/v1/payments", name=name, refusal=refusal, json=body)
        paid = reply.body.get("payment", {})
        RECORD.told(key, reply.code or "paid", paid.get("transfer_id", ""))
        return reply

    def received(self, body: dict[str, Any], reply: Reply) -> None:
        """Checks a receipt, line by line."""
        paid, amount = reply.body["payment"], int(body["amount"])
        self.must(int(paid["amount"]) == amount, "another amount was paid than asked")
        self.must(paid["from_account_id"] == self.who.account_id, "another wallet paid")
        self.must(paid["to_account_id"] == _PAYEES[body["qr_payload"]], "another merchant was paid")
        self.must(len(paid["code"]) == 3, "the receipt has no spoken code")
        self.balance -= amount
        self.must(int(reply.body["balance"]) == self.balance, "the balance did not fall by the amount")
        self.last = body


_PAYEES = {stall.qr_payload: stall.merchant_id for stall in DAY.stalls}
