"""An institution's officer, who pulls the reports of a closed window while the market trades."""

from __future__ import annotations

import hashlib
import random

from locust import between, task

from loadtests.users.base import DAY, Person, Places, Reply

FILES = ("report.csv", "workbook.xlsx", "statement.pdf", "camt.054.xml", "manifest.json")


class Officer(Person):
    """What was sealed stays as it is: pulled again, it is the same to the byte."""

    wait_time = between(1.0, 3.0)
    fixed_count = min(1, len(DAY.officers))
    places = Places("officer", DAY.officers)

    def on_start(self) -> None:
        """Signs in."""
        super().on_start()
        self.seen: dict[str, str] = {}

    @task(3)
    def pull(self) -> None:
        """A file of the pack."""
        name = random.choice(FILES)
        path = f"/v1/windows/{DAY.closed_window}/files/{self.who.institution}/{name}"
        digest = ""
        with self.client.request(
            "GET", path, name=f"/v1/windows/*/files/*/{name}", headers=self.headers, catch_response=True
        ) as response:
            # An institution that had no part in it has no pack.
            if response.status_code == 200:
                digest = hashlib.sha256(response.content).hexdigest()
                response.success()
            else:
                response.failure(f"{response.status_code} for a file of a closed window")
        if digest:
            self.must(self.seen.setdefault(name, digest) == digest, "a file of a closed window has changed")

    @task(1)
    def windows(self) -> None:
        """The newest windows."""
        found = self.ask("GET", "/v1/windows?limit=5", name="/v1/windows").body["windows"]
        numbers = [int(one["window"]) for one in found]
        self.must(numbers == sorted(numbers, reverse=True), "windows are out of order")

    @task(1)
    def spy(self) -> None:
        """Another institution's file is none of this officer's business."""
        path = f"/v1/windows/{DAY.closed_window}/files/970436/report.csv"
        self.send("GET", path, lambda r: _coded(r), name="/v1/windows/*/files/(another's)")


def _coded(reply: Reply) -> str:
    return "" if (reply.status, reply.code) == (404, "NOT_FOUND") else f"{reply.status} {reply.code}, not NOT_FOUND"
