"""A vendor, who listens (server-sent events) and compares what was heard with what the account says."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust import between, task

from loadtests.record import Heard, now_ms
from loadtests.users.base import CONFIG, DAY, RECORD, Person, Places

HEARD_S_MAX = 60.0 if CONFIG.trouble else 10.0
# At the end: listens on until it was quiet so long, at most so long, s.
QUIET_S, LINGER_S_MAX = 1.0, 8.0
# Balances after each announcement that are remembered.
REMEMBERED_MAX = 20_000
RECONNECTS_MAX = 1_000 if CONFIG.trouble else 50
NAME = "/v1/merchants/{merchant}/announcements"


class Vendor(Person):
    """Nobody refunds during the run, so the account changes by payments alone."""

    wait_time = between(1.0, 3.0)
    fixed_count = len(DAY.vendors)
    # What the account held before the run; None until it is known.
    base: int | None = None
    heard_at = 0.0
    ear: gevent.Greenlet | None = None
    places = Places("vendor", DAY.vendors)

    def on_start(self) -> None:
        """Signs in and listens, from the last event before the run: nothing is missed, whoever comes first."""
        super().on_start()
        self.last_id = str(DAY.stalls[self.number].after)
        self.version = DAY.stalls[self.number].version
        self.known = {self.version: 0}
        self.heard_at, self.stopping = time.monotonic(), False
        self.ear = gevent.spawn(self.listen)

    def on_stop(self) -> None:
        """Listens on until it is quiet."""
        until = time.monotonic() + LINGER_S_MAX
        while time.monotonic() < min(until, self.heard_at + QUIET_S):
            gevent.sleep(0.05)
        self.stopping = True
        if self.ear:
            self.ear.kill()
        super().on_stop()

    @task(2)
    def compare(self) -> None:
        """What the account holds at a version is what was heard up to that version."""
        path = f"/v1/accounts/{self.who.account_id}"
        account = self.ask("GET", path, name="/v1/accounts/{merchant}").body["account"]
        version, balance = int(account["version"]), int(account["balance"])
        until = time.monotonic() + HEARD_S_MAX
        while self.version < version and time.monotonic() < until:
            gevent.sleep(0.02)
        self.must(self.version >= version, f"a payment was not announced within {HEARD_S_MAX:g} s")
        if version in self.known and self.base is None:
            self.base = balance - self.known[version]  # what it held before the run
        if version in self.known and self.base is not None:
            self.must(balance == self.base + self.known[version], "the account does not hold what was announced")

    @task(1)
    def read_the_list(self) -> None:
        """The newest payments, newest first, all of them to this stall."""
        path = f"/v1/accounts/{self.who.account_id}/transfers"
        transfers = self.ask("GET", path, name="/v1/accounts/{merchant}/transfers").body.get("transfers", [])
        order = [int(transfer["seq"]) for transfer in transfers]
        self.must(order == sorted(order, reverse=True), "a list is out of order")
        own = self.who.account_id
        ours = all(own in (t["from_account_id"], t["to_account_id"]) for t in transfers)  # yesterday's was paid out
        self.must(ours, "a stranger's payment is listed")

    def listen(self) -> None:
        """As an EventSource does: comes back with the last id when the line is cut."""
        for _ in range(RECONNECTS_MAX):
            try:
                self.listen_once()
            except (OSError, http.client.HTTPException) as cut:
                if not self.stopping:
                    RECORD.error(NAME, f"reconnects after {type(cut).__name__}: {cut}")
            gevent.sleep(0.2)

    def listen_once(self) -> None:
        """One connection's life. The standard library's client is a greenlet's here: Locust patches its sockets."""
        line = http.client.HTTPConnection(urlsplit(CONFIG.host).netloc, timeout=60)
        headers = {**self.headers, "accept": "text/event-stream", "last-event-id": self.last_id}
        line.request("GET", f"/v1/merchants/{self.who.account_id}/announcements", headers=headers)
        reply = line.getresponse()
        if CONFIG.trouble and reply.status == 503:
            raise ConnectionError("503")
        if reply.status != 200:
            self.fire("SSE", NAME, 0.0, ConnectionError(f"{reply.status} {reply.read(300)!r}"))
            return
        rest = b""
        while chunk := reply.read1(65_536):
            *frames, rest = (rest + chunk).split(b"\n\n")
            for frame in frames:
                self.frame(frame)

    def frame(self, frame: bytes) -> None:
        """One server-sent event."""
        fields: dict[bytes, bytes] = {}
        for line in frame.split(b"\n"):
            name, _, value = line.partition(b": ")
            fields[name] = value
        if b"id" in fields:
            self.last_id = fields[b"id"].decode()
        if fields.get(b"event") == b"error":
            raise ConnectionError(fields[b"data"].decode())
        if b"data" in fields:
            self.hear(json.loads(fields[b"data"]))

    def hear(self, said: dict[str, Any]) -> None:
        """Writes it down, and checks that none was left out: versions rise by one."""
        now, version = now_ms(), int(said["merchant_version"])
        self.heard_at = time.monotonic()
        at_ms = _ms(said["at"])
        one = Heard(
            said["merchant_id"], said["transfer_id"], said["type"], int(said["amount"]), int(said["fee"]),
            int(said["seq"]), version, at_ms, now,
        )  # fmt: skip
        RECORD.heard(one)
        self.must(one.merchant_id == self.who.account_id, "a stranger's payment was announced")
        self.must(version == self.version + 1, "an announcement was left out or came twice")
        came = one.amount - one.fee if one.type == "payment.captured" else one.fee - one.amount
        self.known[version] = self.known.get(self.version, 0) + came
        self.version = version
        if len(self.known) > REMEMBERED_MAX:
            del self.known[next(iter(self.known))]
        self.fire("SSE", f"{NAME}, since the ledger", max(0.0, now - at_ms))


def _ms(text: str) -> int:
    """RFC 3339 with ms, UTC, as Unix ms; datetime.fromisoformat costs the same and a time zone."""
    from datetime import datetime

    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
