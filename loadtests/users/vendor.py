"""A vendor, who keeps looking whether the money has come."""

from __future__ import annotations

from locust import between, task

from loadtests.users.person import DAY, Person


class Vendor(Person):
    """Nobody refunds during the run, so the account only grows."""

    wait_time = between(0.5, 1.5)
    fixed_count = len(DAY.vendors)
    comers = iter(DAY.vendors)

    def on_start(self) -> None:
        """Signs in."""
        super().on_start()
        self.balance = 0

    @task(2)
    def look(self) -> None:
        """The account grows."""
        path = f"/v1/accounts/{self.who.account_id}"
        balance = int(self.ask("GET", path, name="/v1/accounts/{merchant}").body["account"]["balance"])
        self.must(balance >= self.balance, "a merchant's account shrank")
        self.balance = balance

    @task(1)
    def read_the_list(self) -> None:
        """The newest payments, newest first, all of them to this stall."""
        path = f"/v1/accounts/{self.who.account_id}/transfers"
        transfers = self.ask("GET", path, name="/v1/accounts/{merchant}/transfers").body.get("transfers", [])
        order = [int(transfer["seq"]) for transfer in transfers]
        self.must(order == sorted(order, reverse=True), "a list is out of order")
        self.must({t["to_account_id"] for t in transfers} <= {self.who.account_id}, "a stranger's payment is listed")
