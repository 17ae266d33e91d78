"""A recall, as those see it whom it concerns: the buyer, the stall, and who watches over it."""

from __future__ import annotations

from typing import Any

import pytest

from cli import people
from cli.api import Api, ApiError
from kit.ids import new_key
from tests.system.web.conftest import WAIT_MS_MAX, violations
from tests.system.web.test_web_stories import SHOPPER, money
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
__all__ = ["money"]

VENDOR = list(people.vendors().values())[7]
PRICE, REASON = 30_000, "Dư lượng thuốc trừ sâu vượt mức"
WALL = {"width": 1280, "height": 1600}


def ordered(shopper: Api, stall: str, product: str) -> dict[str, Any]:
    """Two of a product, once orders has heard of it."""
    wanted = [{"product_id": product, "quantity": 2}]

    def placed() -> dict[str, Any]:
        try:
            return dict(shopper.post("/v1/orders", request_id=new_key(), merchant_id=stall, items=wanted)["order"])
        except ApiError as error:
            if error.code != "NOT_FOUND":
                raise
            return {}

    return dict(until(placed, WAIT_MS_MAX / 1000))


@pytest.fixture
def bought(api: Api, money: str) -> dict[str, Any]:
    """An order of a lot, paid; and one of it that nobody paid."""
    vendor, shopper = api.sign_in(VENDOR.phone, people.PIN), api.sign_in(SHOPPER.phone, people.PIN)
    stall = vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    product = vendor.post(
        "/v1/products", request_id=new_key(), merchant_id=stall, name="Rau ngót Bản Cái", description="", unit="bó",
        price=PRICE, stock=20,
    )["product"]["product_id"]  # fmt: skip
    paid, open_ = ordered(shopper, stall, product), ordered(shopper, stall, product)
    shopper.post(
        "/v1/payments", idempotency_key=new_key(), wallet_id=money, merchant_id=stall, amount=paid["total"],
        reference=paid["code"],
    )  # fmt: skip
    (lot,) = vendor.get(f"/v1/products/{product}/lots")["lots"]
    return {"product": product, "lot": lot["lot_id"], "paid": paid, "open": open_}


def test_a_recall_is_told_to_the_buyer_the_stall_and_the_operations_centre_and_the_money_comes_back(
    phones: Any, api: Api, people_: dict[str, Api], bought: dict[str, Any]
) -> None:
    order = bought["paid"]["order_id"]
    shopper, vendor = phones("shopper", SHOPPER.phone, bypass_csp=True), phones("vendor", VENDOR.phone, bypass_csp=True)
    centre = phones("ioc", people.AUDITOR.phone, bypass_csp=True, viewport=WALL)
    shopper.page.goto(f"/shopper/#/orders/{order}")
    shopper.page.locator("#order-state", has_text="đã trả").wait_for()
    assert shopper.page.locator("#recall").count() == 0

    opened = people_["operator"].post(
        "/v1/recalls", request_id=new_key(), product_id=bought["product"], lot_id=bought["lot"], reason=REASON
    )["recall"]["recall_id"]
    # Whoever has the order open sees it without doing anything.
    notice = shopper.page.locator("#recall")
    notice.get_by_text("ĐỪNG ĂN: Rau ngót Bản Cái").wait_for()
    assert REASON in notice.inner_text()
    assert "sau khi người thứ hai duyệt" in notice.inner_text()
    assert not violations(shopper)
    shopper.page.goto(f"/shopper/#/orders/{bought['open']['order_id']}")
    shopper.page.locator("#recall").get_by_text("Đừng trả tiền đơn này").wait_for()
    shopper.page.goto("/shopper/#/orders")
    shopper.page.locator("ul.rows li", has_text="bị thu hồi").nth(1).wait_for()
    shopper.page.goto(f"/shopper/?product={bought['product']}")
    shopper.page.locator("#recall").get_by_text("Một lô của món này đang bị thu hồi").wait_for()

    vendor.tap("Hàng bán")
    vendor.page.get_by_role("button", name="Sửa Rau ngót Bản Cái").click()
    lot = vendor.page.locator(f'[data-lot="{bought["lot"]}"]')
    lot.get_by_text("LÔ NÀY ĐANG BỊ THU HỒI").wait_for()
    assert not violations(vendor)
    lot.get_by_role("button", name="Đơn có món này").click()
    vendor.page.locator("#recalled li", has_text=bought["paid"]["code"]).get_by_role("button").click()
    vendor.page.locator("#recall").get_by_text("KHÔNG GIAO: Rau ngót Bản Cái").wait_for()

    row = centre.page.locator(f'[data-recall="{opened}"]')
    row.get_by_text("chờ người thứ hai duyệt · 2 đơn").wait_for()
    assert not violations(centre)
    api.sign_in(people.CHECKER.phone, people.PIN).post(f"/v1/recalls/{opened}/release")
    row.get_by_text("2/2 đơn đã xong").wait_for()
    row.get_by_text("đã hoàn 60.000 đ").wait_for()
    with centre.page.expect_download() as report:
        row.get_by_role("link").click()
    assert report.value.suggested_filename == f"{opened}.csv"
    shopper.page.goto(f"/shopper/#/orders/{order}")
    shopper.page.locator("#recall").get_by_text("Tiền của món này đã được hoàn vào ví của bạn.").wait_for()
