"""A live sale through the front door of a whole stack: scheduled, claimed by many, heard, paid, given back, settled."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest

from cli import people
from cli.api import Api, ApiError
from cli.stack import Stack
from kit import clock
from kit.ids import new_key
from tests.system.test_orders import refused
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
PRICE = 40_000


class Counter:
    """A phone that listens: what was left, as it heard it, and when it was over."""

    def __init__(self, stack: Stack, sale_id: str, product_id: str) -> None:
        self.left: list[int] = []
        self.over = threading.Event()
        self._url = f"{stack.gateway_url}/v1/live-sales/{sale_id}/events"
        self._product = product_id
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        event = ""
        # Cut off where its test has failed and the next one kills servers: that is not the next one's fault.
        with suppress(httpx.TransportError), httpx.stream("GET", self._url, timeout=120) as reply:
            for line in reply.iter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                if line.startswith("data: ") and event == "counter":
                    self.left.append(int(json.loads(line.removeprefix("data: "))["left"][self._product]))
        if event == "over":
            self.over.set()


@pytest.fixture(scope="module")
def vendor(api: Api) -> Api:
    return api.sign_in(next(iter(people.vendors().values())).phone, people.PIN)


def schedule(vendor: Api, lots: int, cap: int) -> tuple[dict[str, Any], str]:
    """A sale that opens in a few seconds, and its product."""
    merchant_id = vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    product_id = vendor.post(
        "/v1/products", request_id=new_key(), merchant_id=merchant_id, name="Măng ớt", description="", unit="lọ",
        price=60_000, stock=lots + 10,
    )["product"]["product_id"]  # fmt: skip
    key = new_key()
    lines = [{"product_id": product_id, "lots": lots, "price": PRICE, "cap": cap}]

    def scheduled() -> Any:
        opens = clock.now() + timedelta(seconds=4)
        try:
            return vendor.post(
                "/v1/live-sales", request_id=key, merchant_id=merchant_id, title="Phiên măng ớt", lines=lines,
                opens_at=opens.isoformat(), closes_at=(opens + timedelta(minutes=30)).isoformat(), pay_within_s=300,
            )["sale"]  # fmt: skip
        except ApiError as error:
            if error.code != "NOT_FOUND":
                raise
            return None  # orders has not heard of the product yet

    return until(scheduled), product_id


def test_a_live_sale_from_its_schedule_to_its_last_lot(
    stack: Stack, vendor: Api, people_: dict[str, Api], wallet: str, audited: Any
) -> None:
    shopper, stranger = people_["shopper"], people_["stranger"]
    sale, product_id = schedule(vendor, lots=5, cap=2)
    path = f"/v1/live-sales/{sale['sale_id']}"
    listener = Counter(stack, sale["sale_id"], product_id)
    assert refused(lambda: shopper.post(f"{path}/claims", request_id=new_key(), product_id=product_id)) == "NOT_OPEN"
    until(lambda: shopper.get(path)["sale"]["state"] == "SALE_STATE_OPEN")
    assert int(vendor.get(f"/v1/products/{product_id}")["product"]["available"]) == 10, "five are set aside"

    def claim(who: Api, key: str) -> str:
        try:
            return str(who.post(f"{path}/claims", request_id=key, product_id=product_id)["claim"]["order_id"])
        except ApiError as error:
            return error.code

    buyers = [shopper] * 12 + [stranger] * 12
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda who: claim(who, new_key()), buyers))
    got = [one for one in answers if one.startswith("ord_")]
    assert (len(got), answers.count("CAP_REACHED")) == (4, 20)
    last = new_key()
    fifth = claim(vendor, last)
    assert claim(vendor, last) == fifth, "sent again, it is the same claim"
    assert claim(vendor, new_key()) == "SOLD_OUT"
    assert shopper.get(path)["sale"]["lines"][0]["left"] == "0"
    until(lambda: listener.left and listener.left[-1] == 0)

    # A claim is an order a moment later: one is paid by its code, one is called off and somebody else's at once.
    mine = [one for one in answers[:12] if one.startswith("ord_")]
    order = until(lambda: _order(shopper, mine[0]))
    assert (order["total"], order["checkout_id"], order["lines"][0]["quantity"]) == (str(PRICE), sale["sale_id"], "1")
    seen = lambda: shopper.post("/v1/qr/inspect", payload=order["qr_payload"])  # noqa: E731
    until(lambda: seen()["request_state"] == "REQUEST_STATE_OPEN")
    shopper.post("/v1/payments", idempotency_key=new_key(), wallet_id=wallet, qr_payload=order["qr_payload"])
    until(lambda: _order(shopper, mine[0])["state"] == "ORDER_STATE_PAID")
    until(lambda: _order(shopper, mine[1]))
    shopper.post(f"/v1/orders/{mine[1]}/cancel", reason="đổi ý")
    until(lambda: listener.left[-1] == 1)
    assert claim(vendor, new_key()).startswith("ord_")

    # Closed by its stall: who has not paid yet gives back; what is paid is sold, and the rest is the stall's again.
    vendor.post(f"{path}/close", reason="đã hết buổi")
    assert claim(stranger, new_key()) == "NOT_OPEN"
    for who in (stranger, vendor):
        # Both of their claims: a claim is an order a moment later.
        for one in until(lambda who=who: len(found := _claimed(who, sale["sale_id"])) == 2 and found):
            who.post(f"/v1/orders/{one}/cancel", reason="không lấy nữa")
    settled = until(lambda: _settled(shopper, path))
    assert (settled["lines"][0]["sold"], settled["history"][-1]["event"]) == ("1", "settled")
    assert listener.over.wait(30)
    assert int(vendor.get(f"/v1/products/{product_id}")["product"]["available"]) == 14
    for to in ("PREPARING", "READY", "PICKED_UP"):
        vendor.post(f"/v1/orders/{mine[0]}/advance", to=f"ORDER_STATE_{to}")
    audited()


def _order(who: Api, order_id: str) -> Any:
    try:
        return who.get(f"/v1/orders/{order_id}")["order"]
    except ApiError as error:
        if error.code != "NOT_FOUND":
            raise
        return None


def _claimed(who: Api, sale_id: str) -> list[str]:
    """Orders of the sale that this buyer has not paid."""
    mine, me = who.get("/v1/me/orders")["orders"], who.user["user_id"]
    ours = [one for one in mine if one["checkout_id"] == sale_id and one["buyer_id"] == me]
    return [one["order_id"] for one in ours if one["state"] == "ORDER_STATE_PLACED"]


def _settled(who: Api, path: str) -> Any:
    sale = who.get(path)["sale"]
    return sale if sale["state"] == "SALE_STATE_SETTLED" else None
