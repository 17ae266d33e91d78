"""`cho audit` over what is sold, on a whole stack: sound after an order's life, and every break of it is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from pymongo import MongoClient

from cli import audit, people
from cli.api import Api, ApiError
from cli.audit_market import HELD, PAID, RATED, SOLD, STOCK
from cli.stack import Stack
from kit.config import settings
from kit.ids import new_key
from services.payments.store.keys import Keys
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
WAIT_S_MAX = 60


@pytest.fixture
def look(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, list[str]]]]:
    """The audit's findings by check. `settle_s`: how long what is on its way has to arrive."""

    def run(settle_s: float) -> dict[str, list[str]]:
        for name, value in stack.env.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        return {check.name: check.findings for check in audit.run(settle_s).checks if check.findings}

    yield run
    settings.cache_clear()


@pytest.fixture
def bought(api: Api, people_: dict[str, Api], wallet: str) -> dict[str, Any]:
    """An order whose money was set aside, weighed, taken; and picked up."""
    vendor = next(iter(people.vendors().values()))
    owner = api.sign_in(vendor.phone, people.PIN)
    merchant_id = owner.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    product_id = owner.post(
        "/v1/products", request_id=new_key(), merchant_id=merchant_id, name="Thịt nạc vai", description="", unit="kg",
        price=100_000, stock=5,
    )["product"]["product_id"]  # fmt: skip
    stall = {
        "merchant_id": merchant_id, "items": [{"product_id": product_id, "quantity": 1_000}],
        "fulfilment": "FULFILMENT_PICKUP",
    }  # fmt: skip

    def placed() -> Any:
        try:
            return people_["shopper"].post("/v1/checkouts", request_id=new_key(), stalls=[stall], pay="PAY_BY_HOLD")
        except ApiError as error:
            if error.code != "NOT_FOUND":  # orders has not heard of the product yet
                raise
            return None

    (order,) = until(placed)["orders"]
    hold = people_["shopper"].post(
        "/v1/holds", idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant_id, amount=120_000,
        reference=order["code"],
    )["hold"]  # fmt: skip
    path = f"/v1/orders/{order['order_id']}"
    until(lambda: people_["shopper"].get(path)["order"]["state"] == "ORDER_STATE_HELD")
    owner.post(f"{path}/weights", weights=[{"product_id": product_id, "grams": 1_100}])
    for to in ("READY", "PICKED_UP"):
        owner.post(f"{path}/advance", to=f"ORDER_STATE_{to}")
    (payment_id,) = until(lambda: people_["shopper"].get(path)["order"]["payment_ids"])
    return {
        "order": order["order_id"], "product": product_id, "hold": hold["transfer_id"], "payment": payment_id,
        "owner": owner,
    }  # fmt: skip


def test_whatever_is_changed_by_hand_behind_an_order_is_found_and_nothing_else_is(
    stack: Stack, look: Callable[..., dict[str, list[str]]], bought: dict[str, Any], people_: dict[str, Api]
) -> None:
    rated = people_["shopper"].post(
        f"/v1/orders/{bought['order']}/rating", request_id=new_key(), points=5, comment="Thịt tươi"
    )["rating"]["rating_id"]
    assert look(WAIT_S_MAX) == {}
    known = stack.settings()
    payment = Keys(known.cell).transfer(bought["payment"])
    with MongoClient(known.mongodb_uri) as client, redis.Redis.from_url(known.ledger_url) as ledger:
        orders = client[known.mongo_database("orders")]["orders"]
        catalog = client[known.mongo_database("catalog")]

        def broken(collection: Any, id_: str, by: dict[str, Any], back: dict[str, Any]) -> dict[str, list[str]]:
            """What is found of ours: what others left behind on this stack may be moving still."""
            assert collection.update_one({"_id": id_}, by).modified_count == 1
            try:
                ours = {name: [one for one in found if id_ in one] for name, found in look(0).items()}
                return {name: found for name, found in ours.items() if found}
            finally:
                assert collection.update_one({"_id": id_}, back).modified_count == 1

        found = broken(
            catalog["products"], bought["product"], {"$inc": {"lots.0.sold": -1}}, {"$inc": {"lots.0.sold": 1}}
        )
        assert list(found) == [STOCK]
        assert found[STOCK][0].startswith(f"{bought['product']}: lot ")

        found = broken(
            orders, bought["order"], {"$inc": {"payments.0.amount": -10}}, {"$inc": {"payments.0.amount": 10}}
        )
        assert list(found) == [PAID]
        assert f"payment {bought['payment']} is of 109990 đồng, in the ledger of 110000" in found[PAID][0]

        found = broken(
            orders, bought["order"], {"$set": {"holds.0.state": "ended"}}, {"$set": {"holds.0.state": "captured"}}
        )
        assert found == {HELD: [f"{bought['order']}: hold {bought['hold']} is ended, in the ledger captured"]}

        found = broken(orders, bought["order"], {"$set": {"stock": "released"}}, {"$set": {"stock": "sold"}})
        assert found == {SOLD: [f"{bought['order']}: its stock is released, and the catalog has sold it"]}

        buyer = orders.find_one({"_id": bought["order"]})["buyer_id"]
        ratings = client[known.mongo_database("orders")]["ratings"]
        found = broken(ratings, rated, {"$set": {"buyer_id": "usr_x"}}, {"$set": {"buyer_id": buyer}})
        assert found == {RATED: [f"{rated}: its writer did not buy order {bought['order']}"]}

        kept = orders.find_one({"_id": bought["order"]})["payments"]
        found = broken(orders, bought["order"], {"$set": {"payments": []}}, {"$set": {"payments": kept}})
        assert f"payment {bought['payment']} names it, and it does not know" in found[PAID][0]
        assert ledger.hget(payment, "rf"), "by the order's code, which the hot ledger has"
    assert look(WAIT_S_MAX) == {}, "all of it was put back"


def test_goods_that_come_back_are_on_sale_again_and_everything_ties(
    people_: dict[str, Api], look: Callable[..., dict[str, list[str]]], bought: dict[str, Any]
) -> None:
    path, product = f"/v1/orders/{bought['order']}", f"/v1/products/{bought['product']}"
    assert bought["owner"].get(product)["product"]["available"] == "3900"
    people_["shopper"].post(f"{path}/return", reason="nhầm loại")
    bought["owner"].post(f"{path}/return/decide", decision="DECISION_ACCEPT", restock=True)

    def done() -> bool:
        order = people_["shopper"].get(path)["order"]
        return order["paid"] == "0" and [one["event"] for one in order["history"]][-1] == "restocked"

    until(done)
    assert bought["owner"].get(product)["product"]["available"] == "5000"
    assert look(WAIT_S_MAX) == {}


def test_money_in_the_hot_ledger_that_no_event_put_there_is_found_also_where_its_account_claims_to_have_moved_on(
    stack: Stack, look: Callable[..., dict[str, list[str]]], bought: dict[str, Any], wallet: str
) -> None:
    known = Keys(stack.settings().cell)
    account, made_up = known.account(wallet), known.account("wal_made_up")
    payment = known.transfer(bought["payment"])
    check, payments = (
        "hot ledger and books agree, no account is negative",
        "an event's payment is in the ledger and the reverse",
    )
    assert look(WAIT_S_MAX) == {}
    with redis.Redis.from_url(stack.settings().ledger_url, decode_responses=True) as ledger:

        def found(key: str, **by: int) -> dict[str, list[str]]:
            for name, change in by.items():
                ledger.hincrby(key, name, change)
            try:
                return look(WAIT_S_MAX)
            finally:
                for name, change in by.items():
                    ledger.hincrby(key, name, -change)

        (said,) = found(account, cp=1_000_000, v=1)[check]
        assert said.startswith(f"{wallet}: ledger ")
        assert said.endswith("no event made it so")
        (said,) = found(account, cp=1_000_000)[check]
        assert ", books " in said
        ledger.copy(account, made_up)
        try:
            (said,) = look(WAIT_S_MAX)[check]
        finally:
            ledger.delete(made_up)
        assert said.startswith("wal_made_up: ")
        assert [bought["payment"] in said for said in found(payment, r=1)[payments]] == [True]
    assert look(WAIT_S_MAX) == {}, "all of it was put back"
