"""Cards, through the gateway against the simulated provider: whatever goes wrong, one effect, and it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from cli import people
from cli.api import Api, ApiError
from cli.stack import Stack
from kit.config import Settings
from kit.ids import new_key
from tests.waiting import until

pytestmark = pytest.mark.system

AMOUNT = 50_000
OVER = {f"TOP_UP_STATE_{name}" for name in ("DONE", "DECLINED", "CANCELLED", "RETURNED", "ESCALATED", "CLOSED")}


class Provider:
    """The simulator's control."""

    def __init__(self, stack: Stack) -> None:
        self.url = stack.env["STRIPE_API_BASE"]
        self._secret = {"authorization": f"Bearer {Settings.model_fields['card_control_secret'].default}"}

    def ask(self, method: str, path: str, **body: object) -> Any:
        reply = httpx.request(method, f"{self.url}/control/{path}", json=body or None, headers=self._secret)
        reply.raise_for_status()
        return reply.json()

    def intents(self, top_up_id: str) -> list[dict[str, Any]]:
        key = Settings.model_fields["stripe_secret_key"].default
        reply = httpx.get(f"{self.url}/v1/payment_intents?limit=100", headers={"authorization": f"Bearer {key}"})
        return [intent for intent in reply.json()["data"] if intent["metadata"].get("top_up") == top_up_id]

    @contextmanager
    def fault(self, kind: str, on: str, **more: object) -> Iterator[None]:
        self.ask("POST", "faults", kind=kind, on=on, **more)
        try:
            yield
        finally:
            self.ask("DELETE", "faults")


class Shopper:
    """Somebody with a wallet and a card."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.wallet = str(api.get("/v1/me/accounts")["accounts"][0]["account_id"])

    def balance(self) -> int:
        return int(self.api.get(f"/v1/accounts/{self.wallet}")["account"]["balance"])

    def top_up(self, card: str = "pm_card_visa", key: str = "", amount: int = AMOUNT) -> dict[str, Any]:
        reply = self.api.post(
            "/v1/top-ups", idempotency_key=key or new_key(), wallet_id=self.wallet, amount=amount, payment_method=card,
            return_url="https://cho.example/back",
        )  # fmt: skip
        return dict(reply["top_up"])

    def topped_up(self) -> dict[str, Any]:
        """One whose money is in the wallet: where that takes long, its request is answered before."""
        ended = self.ended(self.top_up())
        assert ended["state"] == "TOP_UP_STATE_DONE"
        return ended

    def look(self, top_up: dict[str, Any]) -> dict[str, Any]:
        return dict(self.api.get(f"/v1/top-ups/{top_up['top_up_id']}")["top_up"])

    def ended(self, top_up: dict[str, Any]) -> dict[str, Any]:
        """Without asking for it: by webhook or janitor alone. Read from the list, which asks nobody."""

        def found() -> dict[str, Any] | None:
            mine = self.api.get("/v1/me/top-ups")["top_ups"]
            one = next(one for one in mine if one["top_up_id"] == top_up["top_up_id"])
            return dict(one) if one["state"] in OVER else None

        return dict(until(found))


@pytest.fixture
def provider(stack: Stack) -> Provider:
    return Provider(stack)


@pytest.fixture
def shopper(people_: dict[str, Api]) -> Shopper:
    return Shopper(people_["stranger"])


@pytest.fixture(autouse=True)
def _balanced(audited: Any) -> Iterator[None]:
    yield
    audited()


def test_a_card_that_is_charged_puts_its_money_into_the_wallet_once_however_often_it_is_asked(shopper: Shopper) -> None:
    before, key = shopper.balance(), new_key()
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda _: shopper.top_up(key=key), range(8)))
    assert len({one["top_up_id"] for one in asked}) == 1
    assert shopper.ended(asked[0])["state"] == "TOP_UP_STATE_DONE"
    assert shopper.balance() == before + AMOUNT
    with pytest.raises(ApiError, match="IDEMPOTENCY_CONFLICT"):
        shopper.top_up(key=key, amount=AMOUNT + 1)


def test_a_card_that_its_bank_refuses_says_why_in_vietnamese_and_leaves_nothing_to_be_charged_later(
    shopper: Shopper, provider: Provider
) -> None:
    before = shopper.balance()
    declined = shopper.ended(shopper.top_up("pm_card_chargeDeclinedInsufficientFunds"))
    assert (declined["state"], declined["decline_code"]) == ("TOP_UP_STATE_DECLINED", "insufficient_funds")
    assert declined["decline_message"] == "Thẻ không đủ tiền."
    assert [intent["status"] for intent in provider.intents(declined["top_up_id"])] == ["canceled"]
    assert shopper.balance() == before


@pytest.mark.parametrize(("outcome", "state"), [("pass", "DONE"), ("fail", "DECLINED")])
def test_a_customer_is_sent_to_their_bank_and_what_it_says_counts(shopper: Shopper, outcome: str, state: str) -> None:
    before = shopper.balance()
    waits = shopper.top_up("pm_card_authenticationRequired")
    assert waits["state"] == "TOP_UP_STATE_REQUIRES_ACTION"
    assert shopper.balance() == before
    page = httpx.post(waits["redirect_url"], data={"outcome": outcome})
    assert page.headers["location"].startswith("https://cho.example/back")
    assert shopper.ended(waits)["state"] == f"TOP_UP_STATE_{state}"
    assert shopper.balance() == before + (AMOUNT if outcome == "pass" else 0)


def test_a_customer_who_changes_their_mind_is_not_charged(shopper: Shopper, provider: Provider) -> None:
    waits = shopper.top_up("pm_card_authenticationRequired")
    cancelled = shopper.api.post(f"/v1/top-ups/{waits['top_up_id']}/cancel")["top_up"]
    assert cancelled["state"] == "TOP_UP_STATE_CANCELLED"
    assert [intent["status"] for intent in provider.intents(waits["top_up_id"])] == ["canceled"]


@pytest.mark.parametrize(
    ("fault", "call"),
    [
        ("cut_after", "POST /v1/payment_intents/*/confirm"),
        ("cut_before", "POST /v1/payment_intents/*/confirm"),
        ("error_stored", "POST /v1/payment_intents/*/confirm"),
        ("error_after", "POST /v1/payment_intents/*/confirm"),
        ("cut_after", "POST /v1/payment_intents"),
        ("error_stored", "POST /v1/payment_intents"),
        ("rate_limited", "POST /v1/payment_intents"),
    ],
)
def test_an_answer_that_never_comes_is_found_out_and_the_card_charged_once(
    shopper: Shopper, provider: Provider, fault: str, call: str
) -> None:
    before = shopper.balance()
    with provider.fault(fault, call, times=3), provider.fault("webhook_drop", "*", times=100):
        begun = shopper.top_up()
    ended = shopper.ended(begun)
    assert ended["state"] == "TOP_UP_STATE_DONE"
    charged = [intent for intent in provider.intents(begun["top_up_id"]) if intent["status"] == "succeeded"]
    assert len(charged) == 1
    assert shopper.balance() == before + AMOUNT


@pytest.mark.parametrize(
    ("fault", "more"),
    [("webhook_repeat", {"copies": 5}), ("webhook_swap", {}), ("webhook_drop", {}), ("webhook_delay", {"ms": 2000})],
)
def test_webhooks_five_times_out_of_order_late_or_never_and_a_poll_beside_them_are_one_effect(
    shopper: Shopper, provider: Provider, fault: str, more: dict[str, int]
) -> None:
    before = shopper.balance()
    with provider.fault(fault, "*", times=20, **more):
        waits = shopper.top_up("pm_card_authenticationRequired")
        httpx.post(waits["redirect_url"], data={"outcome": "pass"})
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: shopper.look(waits), range(8)))
        until(lambda: shopper.look(waits)["state"] == "TOP_UP_STATE_DONE")
        time.sleep(0.5)
    assert shopper.balance() == before + AMOUNT


def test_a_webhook_that_is_not_signed_is_refused(stack: Stack) -> None:
    reply = httpx.post(
        f"{stack.gateway_url}/v1/cards/webhook", content=b'{"id":"evt_1"}', headers={"stripe-signature": "t=1,v1=00"}
    )
    assert reply.status_code == 401


def test_money_goes_back_to_the_card_and_not_more_than_was_charged(shopper: Shopper, provider: Provider) -> None:
    top_up = shopper.topped_up()
    before = shopper.balance()
    path = f"/v1/top-ups/{top_up['top_up_id']}/refunds"
    key = new_key()
    refund = shopper.api.post(path, idempotency_key=key, amount=20_000)["refund"]
    until(lambda: [one["state"] for one in shopper.look(top_up)["refunds"]] == ["CARD_REFUND_STATE_DONE"])
    assert shopper.api.post(path, idempotency_key=key, amount=20_000)["refund"]["refund_id"] == refund["refund_id"]
    with pytest.raises(ApiError, match="REFUND_EXCEEDS_PAYMENT"):
        shopper.api.post(path, idempotency_key=new_key(), amount=30_001)
    assert shopper.balance() == before - 20_000
    assert provider.intents(top_up["top_up_id"])[0]["amount_received"] == AMOUNT


@pytest.mark.parametrize("fault", ["cut_after", "error_stored"])
def test_a_refund_whose_answer_never_comes_is_given_once(shopper: Shopper, provider: Provider, fault: str) -> None:
    top_up = shopper.topped_up()
    before = shopper.balance()
    with provider.fault(fault, "POST /v1/refunds", times=3):
        shopper.api.post(f"/v1/top-ups/{top_up['top_up_id']}/refunds", idempotency_key=new_key(), amount=AMOUNT)
    until(lambda: shopper.look(top_up)["refunds"][0]["state"] == "CARD_REFUND_STATE_DONE")
    assert shopper.balance() == before - AMOUNT


def test_a_chargeback_takes_what_the_wallet_holds_and_the_rest_is_its_holders_debt(
    stack: Stack, provider: Provider
) -> None:
    with Api(stack.gateway_url) as nobody:
        poor = Shopper(nobody.sign_in(people.SHOPPERS[2].phone, people.PIN))
        agent = nobody.sign_in(people.AGENTS[2].phone, people.PIN).get("/v1/me/accounts")["accounts"][0]
        top_up = poor.topped_up()
        poor.api.post(
            "/v1/cash-out", idempotency_key=new_key(), wallet_id=poor.wallet, agent_id=agent["account_id"],
            amount=poor.balance() - 10_000,
        )  # fmt: skip
        dispute = provider.ask("POST", "disputes", payment_intent=provider.intents(top_up["top_up_id"])[0]["id"])
        until(lambda: [one["state"] for one in poor.look(top_up)["disputes"]] == ["CARD_DISPUTE_STATE_TAKEN"])
        assert poor.balance() == 0
        provider.ask("POST", f"disputes/{dispute['id']}/close", status="won")
        until(lambda: poor.look(top_up)["disputes"][0]["state"] == "CARD_DISPUTE_STATE_WON")
        assert poor.balance() == AMOUNT


def test_without_the_card_provider_everybody_still_pays_and_a_card_waits_for_it(
    stack: Stack, people_: dict[str, Api], shopper: Shopper, merchant: dict[str, Any]
) -> None:
    stack.kill("card-simulator")
    before = shopper.balance()
    begun = shopper.top_up()
    people_["stranger"].post(
        "/v1/payments", idempotency_key=new_key(), wallet_id=shopper.wallet, merchant_id=merchant["merchant_id"],
        amount=1_000,
    )  # fmt: skip
    stack.wait_ready("card-simulator")
    assert shopper.ended(begun)["state"] == "TOP_UP_STATE_DONE"
    assert shopper.balance() == before - 1_000 + AMOUNT
