"""`cho demo`: a market day, end to end, on a stack of its own; the exit status says whether it held."""

from __future__ import annotations

import json
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import segno
import typer
from rich.console import Console

from cli import audit, people
from cli.api import Api, ApiError
from cli.evening import Evening
from cli.stack import Stack, StackFailed
from kit import qr
from kit.config import settings
from kit.ids import new_key
from kit.money import format_vnd
from services.onboarding.seed import made_up_person

BANK_BIN = "970436"
BANK_ACCOUNT = "00999000111"
# Both are moments, but where the machine does much else.
ANNOUNCED_S_MAX = HEARD_S_MAX = 60.0


class DemoFailed(Exception):
    """A step did not end as it must."""


def demo(
    keep: Path | None = typer.Option(
        None, help="Where to keep the stack's files and reports; a temporary folder otherwise."
    ),
) -> None:
    """Sign in, onboard a vendor, scan and pay, hear it announced, settle, be paid, reconcile, audit."""
    console, started = Console(highlight=False), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cho-demo-") as temporary:
        home = keep or Path(temporary)
        try:
            console.print("Starting a stack of its own on free ports ...")
            # Windows close when we say so, and not when the clock does.
            with Stack(home / "stack", seed=True, env={"CHO_SETTLEMENT_SCHEDULE": "off"}) as stack:
                console.print(f"  ready after {time.monotonic() - started:.1f} s at {stack.gateway_url}\n")
                with Api(stack.gateway_url) as api:
                    morning = Morning(api, console, home / "reports")
                    morning.run()
                    Evening(morning, stack.home).run()
                balanced = _audit(stack, console)
        except (DemoFailed, ApiError, StackFailed, httpx.HTTPError) as failure:
            console.print(f"\n[red bold]The demo did not hold: {failure}")
            raise typer.Exit(1) from failure
    console.print(f"\nThe whole day took {time.monotonic() - started:.1f} s.")
    raise typer.Exit(0 if balanced else 1)


def _audit(stack: Stack, console: Console) -> bool:
    os.environ.update(stack.env)
    settings.cache_clear()
    outcome = audit.run()
    audit.show(outcome, console)
    return outcome.balanced


class Morning:
    """The steps, in order; each shows what it did, and raises where that is not what must be."""

    def __init__(self, api: Api, console: Console, reports: Path) -> None:
        self.api, self.console, self.reports = api, console, reports
        self.vendor_phone = "0987000001"
        self.merchant_id = self.wallet_id = ""

    def run(self) -> None:
        self.sign_in()
        self.onboard()
        self.list_and_find()
        self.cash_in()
        with Listener(self.vendor, self.merchant_id) as announcements:
            payment = self.scan_and_pay(announcements)
            self.order_and_pay(announcements)
            self.pay_by_the_banks_code(announcements)
            self.ask_for_an_amount(announcements)
            self.show_a_code(announcements)
            self.refund(payment, announcements)
        self.read_the_statement()
        self.what_must_not_happen()

    def step(self, text: str) -> None:
        self.console.print(f"[bold]{text}")

    def say(self, text: str) -> None:
        self.console.print(f"  {text}")

    def must(self, holds: bool, what: str) -> None:
        if not holds:
            raise DemoFailed(what)

    # The steps

    def sign_in(self) -> None:
        self.step("1. Sign in")
        as_ = lambda person: self.api.sign_in(person.phone, people.PIN)  # noqa: E731
        self.team, self.operator = as_(people.TEAM), as_(people.OPERATOR)
        self.agent, self.shopper = as_(people.AGENTS[0]), as_(people.SHOPPERS[0])
        self.officer, self.auditor = as_(people.OFFICERS[0]), as_(people.AUDITOR)
        self.say(", ".join(f"{p.user['name']} ({p.user['roles'][0]})" for p in (self.team, self.agent, self.shopper)))

    def onboard(self) -> None:
        self.step("2. A team member brings a vendor in, an operator approves")
        name = "Bưởi Võ Nhai Bà Liên"
        owner = self.team.post(
            "/v1/users", phone=self.vendor_phone, pin=people.PIN, name="Nông Thị Liên", roles=["vendor"]
        )["user"]
        market = next(m for m in self.api.get("/v1/markets")["markets"] if m["name"] == "Chợ Thái")
        account = {"bank_bin": BANK_BIN, "account_number": BANK_ACCOUNT, "account_name": "NONG THI LIEN"}
        merchant = self.team.post(
            "/v1/merchants", request_id=new_key(), name=name, market_id=market["market_id"], stall="C-12",
            owner_id=owner["user_id"], category_code="5999", settlement_account=account,
            **made_up_person(900, "Nông Thị Liên", self.vendor_phone),
        )["merchant"]  # fmt: skip
        self.merchant_id = merchant["merchant_id"]
        try:
            self.team.post(f"/v1/merchants/{self.merchant_id}/approve")
            raise DemoFailed("the registrar approved their own merchant")
        except ApiError as refused:
            self.say(f"the team member may not approve: {refused.code}")
        self.operator.post(f"/v1/merchants/{self.merchant_id}/approve")
        self.vendor = self.api.sign_in(self.vendor_phone, people.PIN)
        self.payload = self.vendor.download(f"/v1/merchants/{self.merchant_id}/qr", format="payload").decode()
        self.wait(lambda: self.shopper.post("/v1/qr/inspect", payload=self.payload)["payable"])
        self.say(
            f"{name}, {market['name']} ({market['ward_name']}), "
            f"account {merchant['settlement_account']['account_masked']}"
        )

    def list_and_find(self) -> None:
        self.step("3. A product is listed, and found without diacritics")
        made = self.wait(lambda: self.vendor.post(
            "/v1/products", request_id=new_key(), merchant_id=self.merchant_id, name="Bưởi Diễn Võ Nhai", unit="quả",
            description="Bưởi vườn nhà, ngọt", price=25_000, stock=200,
        ))["product"]  # fmt: skip
        self.product_id = made["product_id"]
        found = self.wait(lambda: [
            p for p in self.api.get("/v1/products", query="buoi dien vo nhai")["products"]
            if p["product_id"] == self.product_id
        ])  # fmt: skip
        self.say(
            f"buoi dien vo nhai -> {found[0]['name']}, {format_vnd(int(found[0]['price']))} một {found[0]['unit']}"
        )

    def cash_in(self) -> None:
        self.step("4. Cash in at an agent")
        wallet = self.shopper.post("/v1/wallets", telecom="TELECOM_VIETTEL")["wallet"]
        self.wallet_id = wallet["account_id"]
        reply = self.agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=self.wallet_id, amount=500_000)
        self.say(f"{format_vnd(500_000)} in; the agent's float is {format_vnd(int(reply['float_balance']))}")

    def scan_and_pay(self, announcements: Listener) -> dict[str, Any]:
        self.step("5. The shopper scans the stall's code and pays")
        segno.make(self.payload, error="m").terminal(compact=True, border=1)
        seen = self.shopper.post("/v1/qr/inspect", payload=self.payload)
        self.say(f"the phone shows: {seen['merchant_name']}, {seen['market_name']}, {seen['stall']}")
        key = new_key()
        paid = self.pay(self.payload, 75_000, key=key, note="3 quả bưởi")
        again = self.pay(self.payload, 75_000, key=key, note="3 quả bưởi")
        self.must(paid == again, "the same key was answered twice differently")
        self.say("sent twice with one key: one payment")
        self.heard(announcements, paid["payment"])
        return paid["payment"]

    def order_and_pay(self, announcements: Listener) -> None:
        self.step("6. An order is placed and paid by its own code")
        order = self.wait(lambda: self.shopper.post(
            "/v1/orders", request_id=new_key(), merchant_id=self.merchant_id,
            items=[{"product_id": self.product_id, "quantity": 4}],
        ))["order"]  # fmt: skip
        paid = self.pay(order["qr_payload"])
        self.heard(announcements, paid["payment"])
        path = f"/v1/orders/{order['order_id']}"
        self.wait(lambda: self.shopper.get(path)["order"]["state"] == "ORDER_STATE_PAID")
        self.say(f"order {order['code']} of {format_vnd(int(order['total']))} is paid, says the ledger")

    def pay_by_the_banks_code(self, announcements: Listener) -> None:
        self.step("7. The vendor's old bank sticker (VietQR) pays the same stall")
        sticker = qr.encode(qr.QrCode(static=True, bin=BANK_BIN, account=BANK_ACCOUNT))
        paid = self.pay(sticker, 30_000)
        self.must(paid["payment"]["to_account_id"] == self.merchant_id, "the bank's code paid somebody else")
        self.heard(announcements, paid["payment"])

    def ask_for_an_amount(self, announcements: Listener) -> None:
        self.step("8. The vendor asks for an amount: its code is paid once")
        path = f"/v1/merchants/{self.merchant_id}/requests"
        asked = self.vendor.post(path, request_id=new_key(), amount=45_000, purpose="Bưởi")["request"]
        paid = self.pay(asked["qr_payload"])
        heard = self.heard(announcements, paid["payment"])
        self.must(heard["verdict"] == "FULL", f"asked for 45.000 and told {heard['verdict']}")
        self.say(
            f"request {asked['reference']}: {heard['verdict']}; a second time: {self.refused(asked['qr_payload'])}"
        )

    def show_a_code(self, announcements: Listener) -> None:
        self.step("9. The shopper shows a one-time code, the vendor scans it")
        code = self.shopper.post("/v1/codes", wallet_id=self.wallet_id, ceiling=20_000)["code"]
        paid = self.vendor.post(
            "/v1/codes/redeem", idempotency_key=new_key(), merchant_id=self.merchant_id, code=code, amount=18_000
        )
        self.heard(announcements, paid["payment"])

    def refund(self, payment: dict[str, Any], announcements: Listener) -> None:
        self.step("10. One of three pomelos was bad: a third goes back")
        path = f"/v1/payments/{payment['transfer_id']}/refunds"
        reply = self.vendor.post(path, idempotency_key=new_key(), amount=25_000, reason="một quả hỏng")
        self.heard(announcements, reply["refund"])

    def read_the_statement(self) -> None:
        self.step("11. The shopper's statement has all of it, and ties")
        seen = self.shopper.get(f"/v1/accounts/{self.wallet_id}/statement")
        balance = int(self.shopper.get(f"/v1/accounts/{self.wallet_id}")["account"]["balance"])
        self.must(int(seen["closing_balance"]) == balance, "the statement's balance is not the wallet's")
        for line in seen["lines"][:4]:
            sign = "+" if line["direction"] == "DIRECTION_IN" else "-"
            amount, after = format_vnd(int(line["amount"])), format_vnd(int(line["balance"]))
            self.say(f"{line['operation']:<8} {sign}{amount:>12}   balance {after}")
        self.say(f"in all: +{format_vnd(int(seen['total_in']))}, -{format_vnd(int(seen['total_out']))}")

    def what_must_not_happen(self) -> None:
        self.step("12. What must not happen does not")
        spoiled = self.payload[:-1] + ("0" if self.payload[-1] != "0" else "1")
        stranger = self.api.sign_in(people.SHOPPERS[1].phone, people.PIN)
        refusals: list[tuple[str, str, Callable[[], Any]]] = [
            ("a code with a wrong check sum", "QR_INVALID", lambda: self.pay(spoiled, 1_000)),
            ("more than the wallet holds", "INSUFFICIENT_FUNDS", lambda: self.pay(self.payload, 90_000_000)),
            ("more than the law allows in a month", "LIMIT_EXCEEDED", lambda: self.pay(self.payload, 100_000_001)),
            ("nothing at all", "AMOUNT_INVALID", lambda: self.pay(self.payload, 0)),
            ("another person's wallet", "ACCOUNT_NOT_FOUND", lambda: self.pay(self.payload, 1_000, payer=stranger)),
            ("nobody signed in", "UNAUTHENTICATED", lambda: self.pay(self.payload, 1_000, payer=self.api)),
        ]  # fmt: skip
        for what, code, attempt in refusals:
            try:
                attempt()
            except ApiError as refused:
                self.must(refused.code == code, f"{what}: {refused.code}, not {code}")
                self.say(f"{what}: {refused.status} {refused.code}")
            else:
                raise DemoFailed(f"{what} went through")

    # Helpers

    def pay(self, payload: str, amount: int = 0, *, key: str = "", note: str = "", payer: Api | None = None) -> Any:
        return (payer or self.shopper).post(
            "/v1/payments", idempotency_key=key or new_key(), wallet_id=self.wallet_id, qr_payload=payload,
            amount=amount, note=note,
        )  # fmt: skip

    def refused(self, payload: str) -> str:
        """The code that paying `payload` is refused with. Raises DemoFailed where it is paid."""
        try:
            self.pay(payload)
        except ApiError as refused:
            return refused.code
        raise DemoFailed("a request was paid twice")

    def heard(self, announcements: Listener, transfer: dict[str, Any]) -> dict[str, Any]:
        """The vendor's stream announces just this transfer, next; what it says."""
        heard = announcements.next()
        self.must(heard["transfer_id"] == transfer["transfer_id"], f"announced {heard}, not {transfer}")
        self.must(str(heard["amount"]) == transfer["amount"] and heard["code"] == transfer["code"], "announced wrongly")
        verb = "Đã nhận" if heard["type"] == "payment.captured" else "Đã hoàn"
        self.say(f"the stall hears: «{verb} {format_vnd(heard['amount'])}, mã {heard['code']}»")
        return heard

    def wait(self, attempt: Callable[[], Any]) -> Any:
        """Until the services have heard of each other. Raises DemoFailed, with the last refusal."""
        deadline, last = time.monotonic() + HEARD_S_MAX, ""
        while time.monotonic() < deadline:
            try:
                if outcome := attempt():
                    return outcome
            except ApiError as refused:
                last = str(refused)
            time.sleep(0.1)
        raise DemoFailed(f"waited {HEARD_S_MAX} s in vain {last}")


class Listener:
    """The vendor's phone: follows the announcements in the background."""

    def __init__(self, vendor: Api, merchant_id: str) -> None:
        self._vendor, self._path = vendor, f"/v1/merchants/{merchant_id}/announcements"
        self._heard: queue.Queue[dict[str, Any]] = queue.Queue(1000)
        self._listening, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        if not self._listening.wait(ANNOUNCED_S_MAX):
            raise DemoFailed("the announcements cannot be followed")
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._vendor.http.close()
        self._thread.join(5)

    def next(self) -> dict[str, Any]:
        """The next announcement. Raises DemoFailed after ANNOUNCED_S_MAX without one."""
        try:
            return self._heard.get(timeout=ANNOUNCED_S_MAX)
        except queue.Empty:
            raise DemoFailed("no announcement came") from None

    def _listen(self) -> None:
        try:
            with self._vendor.http.stream("GET", self._path, timeout=httpx.Timeout(5, read=30)) as reply:
                for data in _events(reply.iter_lines(), self._listening):
                    self._heard.put(data)
        except (httpx.HTTPError, RuntimeError):
            if not self._closing.is_set():
                raise


def _events(lines: Iterator[str], listening: threading.Event) -> Iterator[dict[str, Any]]:
    for line in lines:
        listening.set()
        if line.startswith("data: "):
            yield json.loads(line[6:])
