"""kill -9 of any one process during payments: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import httpx
import pytest

from cli.api import Api
from cli.stack import Stack
from kit.ids import new_key

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

PAYERS = 6
AMOUNT_VND = 100
# Every process of a stack; the parents of the forked ones last.
VICTIMS = (
    "valkey",
    "payments.serve",
    "gateway",
    "settlement.work",
    "payments.work",
    "secantusdb",
    "identity.serve",
    "settlement.serve",
    "onboarding.serve",
    "catalog.serve",
    "orders.serve",
    "orders.work",
    "identity.work",
    "onboarding.work",
    "catalog.work",
    "work",
    "serve",
)


class Payer(threading.Thread):
    """Pays again and again; repeats each payment with its key until it knows the end, as a phone would."""

    def __init__(self, url: str, token: str, wallet: str, merchant_id: str) -> None:
        super().__init__(daemon=True)
        self.acknowledged: dict[str, str] = {}
        self.failure: BaseException | None = None
        self._http = httpx.Client(base_url=url, headers={"authorization": token}, timeout=8)
        self._wallet, self._merchant_id = wallet, merchant_id
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                key = new_key()
                self.acknowledged[key] = self._pay(key)
        except BaseException as error:
            self.failure = error  # told by the test
        finally:
            self._http.close()

    def _pay(self, key: str) -> str:
        body = {"idempotency_key": key, "wallet_id": self._wallet, "merchant_id": self._merchant_id}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                reply = self._http.post("/v1/payments", json=body | {"amount": AMOUNT_VND})
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if reply.status_code == 200:
                return str(reply.json()["payment"]["transfer_id"])
            assert reply.status_code in (500, 502, 503, 504), reply.text
            time.sleep(0.05)
        raise AssertionError(f"no answer for {key} within 60 s")


class Listener(threading.Thread):
    """The vendor's phone: hears payments, and comes back with the last id that it heard, as an EventSource does."""

    def __init__(self, url: str, token: str, merchant_id: str) -> None:
        super().__init__(daemon=True)
        self.heard: list[str] = []
        self.connections = 0
        self.stopping, self.listening = threading.Event(), threading.Event()
        self._url, self._token = f"{url}/v1/merchants/{merchant_id}/announcements", token
        self._last = ""

    def run(self) -> None:
        while not self.stopping.is_set():
            headers = {"authorization": self._token} | ({"last-event-id": self._last} if self._last else {})
            try:
                with httpx.stream("GET", self._url, headers=headers, timeout=httpx.Timeout(5, read=20)) as reply:
                    self._follow(reply)
            except httpx.TransportError:
                pass
            time.sleep(0.1)

    def _follow(self, reply: httpx.Response) -> None:
        self.connections += reply.status_code == 200
        last, heard = self._last, []
        for line in reply.iter_lines():
            if line.startswith("id: "):
                last = line[4:]
            elif line.startswith("data: ") and "transfer_id" in line:
                heard.append(json.loads(line[6:])["transfer_id"])
            elif not line:
                # Only a whole event counts, and its id with it: a line cut off in the middle is heard again.
                self.heard += heard
                self._last, heard = last, []
                self.listening.set()
            if self.stopping.is_set():
                return


def test_kill_9_of_any_one_process_loses_nothing_and_doubles_nothing(
    stack: Stack, people_: dict[str, Api], wallet: str, merchant: dict[str, Any], audited: Any
) -> None:
    assert set(VICTIMS) == {process["name"] for process in stack.processes() if process["pid"]}
    vendor = people_["vendor"]
    merchant_id = merchant["merchant_id"]
    token = people_["shopper"].http.headers["authorization"]
    before = vendor.get(f"/v1/accounts/{merchant_id}")["account"]
    payers = [Payer(stack.gateway_url, token, wallet, merchant_id) for _ in range(PAYERS)]
    listener = Listener(stack.gateway_url, vendor.http.headers["authorization"], merchant_id)
    listener.start()
    assert listener.listening.wait(20)
    for payer in payers:
        payer.start()
    for victim in VICTIMS:
        paid = sum(len(p.acknowledged) for p in payers)
        stack.kill(victim)
        stack.wait_ready()
        deadline = time.monotonic() + 40
        while sum(len(p.acknowledged) for p in payers) < paid + 2 * PAYERS:
            assert time.monotonic() < deadline, f"no payment after {victim} was killed"
            assert not any(p.failure for p in payers), [p.failure for p in payers]
            time.sleep(0.05)
    for payer in payers:
        payer.stopping.set()
    for payer in payers:
        payer.join(70)
        assert payer.failure is None
    answers = [transfer_id for payer in payers for transfer_id in payer.acknowledged.values()]
    assert len(set(answers)) == len(answers), "two keys were answered with one payment"
    after = vendor.get(f"/v1/accounts/{merchant_id}")["account"]
    received = int(after["balance"]) - int(before["balance"])
    assert received == len(answers) * AMOUNT_VND
    outcome = audited()
    assert outcome.moving == 0
    deadline = time.monotonic() + 30
    while len(listener.heard) < len(answers) and time.monotonic() < deadline:
        time.sleep(0.05)
    listener.stopping.set()
    assert sorted(listener.heard) == sorted(answers), "the vendor did not hear each payment once"
    assert listener.connections > 1
