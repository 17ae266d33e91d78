"""An agent, who takes cash and gives wallet money for it, and counts the float."""

from __future__ import annotations

import random

from locust import between, task
from locust.exception import StopUser

from kit.ids import new_key
from loadtests.record import CASH_IN, DONE, Asked, now_ms
from loadtests.users.base import DAY, RECORD, Person, Places
from services.payments import fees

AMOUNTS = (50_000, 100_000, 200_000, 500_000)
# Of cash-ins that are sent again with the same key.
RESEND_SHARE = 0.2


class Agent(Person):
    """The only one who spends this float. The customers' wallets are nobody else's in the run."""

    wait_time = between(0.5, 1.5)
    fixed_count = len(DAY.agents)
    places = Places("agent", DAY.agents)

    def on_start(self) -> None:
        """Signs in and counts the float."""
        super().on_start()
        self.float = self.counted()

    def counted(self) -> int:
        """The float as the platform says it is."""
        reply = self.ask("GET", f"/v1/accounts/{self.who.account_id}", name="/v1/accounts/{agent}")
        return int(reply.body["account"]["balance"])

    @task(3)
    def cash_in(self) -> None:
        """Cash for wallet money; the commission comes back in float, so it falls by less."""
        amount, customer = random.choice(AMOUNTS), random.choice(self.who.customers)
        refusal = "INSUFFICIENT_FUNDS" if amount > self.float else ""
        body = {"idempotency_key": new_key(), "wallet_id": customer, "amount": str(amount)}
        key = body["idempotency_key"]
        RECORD.sent(Asked(key, CASH_IN, self.who.phone, self.who.account_id, customer, amount, now_ms()))
        reply = self.send(
            "POST", "/v1/cash-in",
            lambda r: "" if (r.code == refusal if refusal else r.status == 200) else f"{r.status} {r.code}", json=body,
        )  # fmt: skip
        if not reply.definite:
            raise StopUser
        if reply.status != 200:
            RECORD.told(key, reply.code)
            return
        made, left = reply.body["transfer"], int(reply.body["float_balance"])
        commission = left - (self.float - amount)
        RECORD.told(key, DONE, made["transfer_id"], commission)
        self.must(int(made["amount"]) == amount, "another amount was cashed in than asked")
        earned = fees.commission("cash_in", amount, round(now_ms()))
        self.must(commission == earned, "the commission is not the tariff's")
        self.float = left
        if random.random() < RESEND_SHARE:
            again = self.ask("POST", "/v1/cash-in", name="/v1/cash-in (same key)", json=body)
            self.must(again.body == reply.body, "the same key was answered with another cash-in")

    @task(1)
    def count(self) -> None:
        """The float is what the receipts say."""
        self.must(self.counted() == self.float, "the float is not what the receipts say")
