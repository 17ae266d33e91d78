"""Carts over several stalls, through the front door of a whole stack: paid by code, by weight, late, twice, never."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from cli import people
from cli.api import Api, ApiError
from cli.stack import Stack
from kit import clock
from kit.ids import new_key
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def refused(attempt: Callable[[], Any]) -> str:
    with pytest.raises(ApiError) as error:
        attempt()
    return error.value.code


@dataclass
class Stall:
    """A merchant with its owner signed in."""

    owner: Api
    merchant_id: str

    def sells(self, name: str, unit: str, price: int, stock: int) -> str:
        """A new product; its id."""
        product = self.owner.post(
            "/v1/products", request_id=new_key(), merchant_id=self.merchant_id, name=name, description="", unit=unit,
            price=price, stock=stock,
        )["product"]  # fmt: skip
        return str(product["product_id"])

    def left(self, product_id: str) -> int:
        """Pieces or grams for sale."""
        return int(self.owner.get(f"/v1/products/{product_id}")["product"]["available"])

    def received(self) -> int:
        return int(self.owner.get(f"/v1/accounts/{self.merchant_id}")["account"]["balance"])


@dataclass
class Market:
    shopper: Api
    wallet: str
    meat: Stall
    tea: Stall
    orders: Any

    def checkout(self, pay: str, *stalls: dict[str, Any], key: str = "") -> list[dict[str, Any]]:
        reply = self.shopper.post("/v1/checkouts", request_id=key or new_key(), stalls=list(stalls), pay=pay)
        return reply["orders"]  # type: ignore[no-any-return]

    def until_known(self, pay: str, *stalls: dict[str, Any], key: str = "") -> list[dict[str, Any]]:
        """A checkout, once orders has heard of the products."""

        def placed() -> Any:
            try:
                return self.checkout(pay, *stalls, key=key)
            except ApiError as error:
                if error.code != "NOT_FOUND":
                    raise
                return None

        return until(placed)  # type: ignore[no-any-return]

    def order(self, placed: dict[str, Any]) -> dict[str, Any]:
        return self.shopper.get(f"/v1/orders/{placed['order_id']}")["order"]  # type: ignore[no-any-return]

    def becomes(self, placed: dict[str, Any], state: str, **fields: Any) -> dict[str, Any]:
        """The order, once it is so."""

        def so() -> Any:
            found = self.order(placed)
            return found if found["state"] == f"ORDER_STATE_{state}" and fields.items() <= found.items() else None

        return until(so)  # type: ignore[no-any-return]

    def pay(self, placed: dict[str, Any], amount: int) -> dict[str, Any]:
        """Typed under the order's code, as somebody does who has no code to scan."""
        return self.shopper.post(  # type: ignore[no-any-return]
            "/v1/payments", idempotency_key=new_key(), wallet_id=self.wallet, merchant_id=placed["merchant_id"],
            amount=amount, reference=placed["code"],
        )["payment"]  # fmt: skip

    def scan(self, placed: dict[str, Any]) -> Any:
        return self.shopper.post(
            "/v1/payments", idempotency_key=new_key(), wallet_id=self.wallet, qr_payload=placed["qr_payload"]
        )

    def balance(self) -> int:
        return int(self.shopper.get(f"/v1/accounts/{self.wallet}")["account"]["balance"])

    def time_is_over(self, placed: dict[str, Any]) -> None:
        """As if its quarter of an hour had passed."""
        over = {"$set": {"deadline": clock.now() - timedelta(seconds=1)}}
        assert self.orders.update_one({"_id": placed["order_id"]}, over).modified_count == 1


@pytest.fixture(scope="module")
def market(stack: Stack, api: Api, people_: dict[str, Api], wallet: str) -> Iterator[Market]:
    stalls = []
    for person in list(people.vendors().values())[:2]:
        owner = api.sign_in(person.phone, people.PIN)
        stalls.append(Stall(owner, owner.get("/v1/me/merchants")["merchants"][0]["merchant_id"]))
    with MongoClient(stack.settings().mongodb_uri) as client:
        yield Market(people_["shopper"], wallet, *stalls, client[stack.settings().mongo_database("orders")]["orders"])


def stall(of: Stall, product_id: str, quantity: int, **fields: Any) -> dict[str, Any]:
    items = [{"product_id": product_id, "quantity": quantity}]
    return {"merchant_id": of.merchant_id, "items": items, "fulfilment": "FULFILMENT_PICKUP", **fields}


def test_a_cart_over_two_stalls_is_paid_by_code_at_one_and_by_weight_at_the_other(market: Market, audited: Any) -> None:
    tea, pork = market.tea.sells("Chè đinh", "gói", 90_000, 20), market.meat.sells("Thịt ba chỉ", "kg", 130_000, 40)
    door = {"fulfilment": "FULFILMENT_DELIVERY", "deliver_to": "Tổ 5, phường Phan Đình Phùng"}
    (scanned,) = market.until_known("PAY_BY_QR", stall(market.tea, tea, 2, **door))
    before = market.balance()
    key = new_key()
    cart = (stall(market.tea, tea, 1), stall(market.meat, pork, 1_000))
    # Orders hears of the pork after the tea. What it has not heard of it has not begun: the key is good as it was.
    first, weighed = market.until_known("PAY_BY_HOLD", *cart, key=key)
    assert market.checkout("PAY_BY_HOLD", *cart, key=key) == [first, weighed], "sent again, it is one checkout"
    assert refused(lambda: market.checkout("PAY_BY_QR", *cart, key=key)) == "IDEMPOTENCY_CONFLICT"
    assert (market.tea.left(tea), market.meat.left(pork)) == (17, 39_000)

    # By code: prepared, carried, delivered.
    seen = lambda: market.shopper.post("/v1/qr/inspect", payload=scanned["qr_payload"])  # noqa: E731
    until(lambda: seen()["request_state"] == "REQUEST_STATE_OPEN")
    market.scan(scanned)
    assert refused(lambda: market.scan(scanned)) == "REQUEST_PAID"
    market.becomes(scanned, "PAID", paid="180000")
    path = f"/v1/orders/{scanned['order_id']}"
    for to in ("PREPARING", "READY"):
        market.tea.owner.post(f"{path}/advance", to=f"ORDER_STATE_{to}")
    market.tea.owner.post(f"{path}/advance", to="ORDER_STATE_HANDED_OVER", carrier="Viettel Post", tracking_code="VT1")
    market.tea.owner.post(f"{path}/tracking", text="đã rời chợ Thái")
    delivered = market.shopper.post(f"{path}/advance", to="ORDER_STATE_DELIVERED")["order"]
    assert [one["event"] for one in delivered["history"]] == [
        "paid", "preparing", "ready", "handed_over", "tracked", "delivered",
    ]  # fmt: skip

    # By weight: held, weighed a little heavier, taken as far as it costs, the rest free again.
    hold = market.shopper.post(
        "/v1/holds", idempotency_key=new_key(), wallet_id=market.wallet, merchant_id=weighed["merchant_id"],
        amount=143_000, reference=weighed["code"],
    )["hold"]  # fmt: skip
    market.becomes(weighed, "HELD", held="143000")
    path = f"/v1/orders/{weighed['order_id']}"
    weigh = lambda grams: market.meat.owner.post(  # noqa: E731
        f"{path}/weights", weights=[{"product_id": pork, "grams": grams}]
    )
    assert refused(lambda: weigh(1_101)) == "FINAL_PRICE_TOO_HIGH"
    order = weigh(1_040)["order"]
    assert (order["total"], order["paid"], order["held"]) == ("135200", "135200", "0")
    assert market.shopper.get(f"/v1/holds/{hold['transfer_id']}")["hold"]["refunded"] == "135200"
    for to in ("READY", "PICKED_UP"):
        market.meat.owner.post(f"{path}/advance", to=f"ORDER_STATE_{to}")

    # Never paid: its time is over, and what was set aside is for sale again.
    market.time_is_over(first)
    market.becomes(first, "EXPIRED")
    until(lambda: market.tea.left(tea) == 18)
    until(lambda: market.meat.left(pork) == 38_960)
    assert market.balance() == before - 180_000 - 135_200
    audited()


def test_what_is_paid_late_is_sold_where_there_is_any_and_else_goes_back_by_itself(
    market: Market, audited: Any
) -> None:
    rice = market.tea.sells("Gạo nếp vải", "túi", 60_000, 1)
    (late,) = market.until_known("PAY_BY_QR", stall(market.tea, rice, 1))
    assert refused(lambda: market.checkout("PAY_BY_QR", stall(market.tea, rice, 1))) == "OUT_OF_STOCK"
    before, received = market.balance(), market.tea.received()
    market.time_is_over(late)
    market.becomes(late, "EXPIRED")
    until(lambda: market.tea.left(rice) == 1)
    market.pay(late, 60_000)
    market.becomes(late, "PAID", paid="60000")
    assert market.tea.left(rice) == 0

    other = market.tea.sells("Gạo tẻ", "túi", 50_000, 1)
    (too_late,) = market.until_known("PAY_BY_QR", stall(market.tea, other, 1))
    market.time_is_over(too_late)
    market.becomes(too_late, "EXPIRED")
    until(lambda: market.tea.left(other) == 1)
    market.checkout("PAY_BY_QR", stall(market.tea, other, 1))  # somebody else has it by now
    payment = market.pay(too_late, 50_000)
    market.becomes(too_late, "EXPIRED", paid="0", payment_ids=[payment["transfer_id"]])
    assert market.balance() == before - 60_000
    assert market.tea.received() <= received + 60_000
    audited()


def test_what_is_paid_twice_while_orders_is_away_is_kept_once(stack: Stack, market: Market, audited: Any) -> None:
    honey = market.tea.sells("Mật ong", "chai", 150_000, 5)
    (order,) = market.until_known("PAY_BY_QR", stall(market.tea, honey, 1))
    before = market.balance()
    stack.hold("orders.serve", "killed by a test", kill=True)
    stack.kill("orders.work")
    for _ in range(2):
        market.pay(order, 150_000)
    stack.release("orders.serve")
    stack.wait_ready()
    market.becomes(order, "PAID", paid="150000", refunding="0")
    until(lambda: market.balance() == before - 150_000)
    assert len(market.order(order)["payment_ids"]) == 2
    cancelled = market.shopper.post(f"/v1/orders/{order['order_id']}/cancel", reason="mua nhầm")["order"]
    assert cancelled["state"] == "ORDER_STATE_CANCELLED"
    market.becomes(order, "CANCELLED", paid="0")
    assert market.balance() == before
    until(lambda: market.tea.left(honey) == 5)
    audited()


def test_carts_that_cannot_be_had_are_refused_and_nothing_is_set_aside(market: Market) -> None:
    fish, beans = market.meat.sells("Cá chép", "kg", 80_000, 10), market.tea.sells("Đỗ xanh", "túi", 40_000, 3)
    market.until_known("PAY_BY_QR", stall(market.tea, beans, 1))
    market.until_known("PAY_BY_QR", stall(market.meat, fish, 500))
    both = (stall(market.tea, beans, 1), stall(market.meat, fish, 500))
    withdrawn = {"state": "PRODUCT_STATE_WITHDRAWN", "reason": "hết mùa"}
    market.meat.owner.http.patch(f"/v1/products/{fish}", json=withdrawn).raise_for_status()
    assert refused(lambda: market.checkout("PAY_BY_QR", *both)) == "PRODUCT_NOT_FOR_SALE"
    few = market.meat.sells("Cá rô", "kg", 90_000, 1)
    market.until_known("PAY_BY_QR", stall(market.meat, few, 500))
    too_much = (stall(market.tea, beans, 1), stall(market.meat, few, 501))
    assert refused(lambda: market.checkout("PAY_BY_QR", *too_much)) == "OUT_OF_STOCK"
    assert (market.tea.left(beans), market.meat.left(few)) == (2, 500), "nothing half done"
    too_many = (stall(market.tea, beans, 1), stall(market.tea, beans, 1))
    assert refused(lambda: market.checkout("PAY_BY_QR", *too_many)) == "INVALID_ARGUMENT"
