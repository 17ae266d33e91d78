"""Orders in two people's browsers: from the basket to what is fetched, by code and by the scales, and called off."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cli import people
from cli.api import Api
from kit.ids import new_key
from tests.system.web.conftest import Phone
from tests.system.web.test_web_stories import SHOPPER, balance, money
from tests.waiting import until

pytestmark = pytest.mark.system
__all__ = ["money"]

TEA, NOODLES = people.vendors()["che-tan-cuong"], people.vendors()["mien-viet-cuong"]


def add(shopper: Phone, words: str, name: str) -> None:
    shopper.page.fill("#words", words)
    card = shopper.page.locator("section.card", has_text=name).filter(has=shopper.page.get_by_role("button"))
    card.get_by_role("button", name="Thêm vào giỏ").first.click()
    shopper.page.locator("#cart", has_text=name).wait_for()


def state(phone: Phone, words: str) -> None:
    phone.page.locator("#order-state", has_text=words).wait_for()


def fetched(own: Api, seller: Api, wallet_id: str, bags: int) -> dict[str, Any]:
    """An order of bags of noodles that is paid and in its buyer's hands."""
    stall = seller.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    goods = seller.get(f"/v1/merchants/{stall}/products", page_size=100)["products"]
    noodles = next(one for one in goods if one["name"] == "Miến dong Việt Cường túi 500 g")
    wanted = [{"product_id": noodles["product_id"], "quantity": bags}]
    made = own.post("/v1/orders", request_id=new_key(), merchant_id=stall, items=wanted)["order"]
    own.post(
        "/v1/payments", idempotency_key=new_key(), wallet_id=wallet_id, merchant_id=stall, amount=made["total"],
        reference=made["code"],
    )  # fmt: skip
    path = f"/v1/orders/{made['order_id']}"
    until(lambda: own.get(path)["order"]["state"] == "ORDER_STATE_PAID")
    for step in ("PREPARING", "READY", "PICKED_UP"):
        seller.post(f"{path}/advance", to=f"ORDER_STATE_{step}")
    found: dict[str, Any] = own.get(path)["order"]
    return found


def of_the_stall(vendor: Phone, order_id: str) -> None:
    """The stall sees it among what is to be done, and opens it."""
    vendor.page.goto("/vendor/#/orders")
    row = vendor.page.locator(f'[data-order="{order_id}"]')
    row.get_by_role("button").click()


def test_an_order_is_paid_by_its_code_prepared_and_fetched(phones: Any, api: Api, money: str) -> None:
    shopper, vendor, before = phones("shopper", SHOPPER.phone), phones("vendor", NOODLES.phone), balance(api, money)
    shopper.tap("Đi chợ")
    add(shopper, "mien viet cuong", "Miến dong Việt Cường túi 500 g")
    assert shopper.text("#cart-total") == "40.000 đ"
    shopper.tap("Đặt hàng")
    state(shopper, "chưa trả")
    order_id = shopper.page.url.rpartition("/")[2]
    shopper.tap("Trả tiền đơn này")
    shopper.page.wait_for_selector("#payee")
    shopper.page.get_by_role("button", name="Trả 40.000 đ").click()
    shopper.page.wait_for_selector("#receipt")
    assert balance(api, money) == before - 40_000
    of_the_stall(vendor, order_id)
    state(vendor, "đã trả")
    vendor.tap("Bắt đầu soạn hàng")
    vendor.tap("Đã soạn xong")
    state(vendor, "sẵn sàng")
    shopper.page.goto(f"/shopper/#/orders/{order_id}")
    shopper.waits_for("Hàng đã sẵn sàng ở quầy")
    shopper.tap("Tôi đã nhận hàng")
    state(shopper, "đã lấy hàng")
    assert "Soạn xong (quầy)" in shopper.text("#happened")


def test_what_is_weighed_costs_what_the_scales_say_and_the_rest_is_free_again(
    phones: Any, api: Api, money: str
) -> None:
    shopper, vendor, before = phones("shopper", SHOPPER.phone), phones("vendor", TEA.phone), balance(api, money)
    shopper.tap("Đi chợ")
    add(shopper, "che moc cau", "Chè Tân Cương móc câu")
    shopper.page.get_by_role("button", name="− Chè Tân Cương móc câu").click()
    shopper.page.get_by_role("button", name="− Chè Tân Cương móc câu").click()
    assert "0,5 kg" in shopper.text("#cart")
    assert shopper.text("#cart-total") == "225.000 đ"
    assert shopper.page.is_checked("#hold"), "what is weighed is set aside for"
    shopper.tap("Đặt hàng")
    state(shopper, "chưa trả")
    order_id = shopper.page.url.rpartition("/")[2]
    shopper.page.get_by_role("button", name="Giữ 248.000 đ").click()
    state(shopper, "đã giữ tiền")
    assert balance(api, money) == before - 248_000
    of_the_stall(vendor, order_id)
    vendor.tap("Bắt đầu soạn hàng")
    state(vendor, "đang soạn hàng")
    scales = vendor.page.get_by_label("cân được (gam)")
    assert scales.input_value() == "", "nobody is charged for what was ordered because nobody typed"
    scales.fill("480")
    vendor.page.wait_for_timeout(6_000)
    assert scales.input_value() == "480", "asking anew does not draw over what is typed"
    vendor.tap("Cân xong, tính tiền")
    vendor.waits_for("0,5 kg, cân được 0,48 kg")
    vendor.tap("Đã soạn xong")
    vendor.tap("Khách đã lấy hàng")
    state(shopper, "đã lấy hàng")
    until(lambda: balance(api, money) == before - 216_000)


def test_one_basket_of_two_stalls_is_two_orders_and_one_that_is_cancelled_says_why(
    phones: Any, api: Api, money: str
) -> None:
    shopper, vendor = phones("shopper", SHOPPER.phone), phones("vendor", NOODLES.phone)
    shopper.tap("Đi chợ")
    add(shopper, "mien viet cuong", "Miến dong Việt Cường túi 500 g")
    add(shopper, "che non tom", "Chè nõn tôm Tân Cương")
    shopper.tap("Đặt hàng")
    rows = shopper.page.locator(".rows li", has_text="chưa trả")
    rows.nth(1).wait_for()
    noodles = shopper.page.locator(".rows li", has_text=re.compile("Việt Cường.*chưa trả")).first
    noodles.get_by_role("button").click()
    state(shopper, "chưa trả")
    order_id = shopper.page.url.rpartition("/")[2]
    shopper.tap("Hủy đơn")
    shopper.page.fill("#reason-cancel", "mua nhầm")
    shopper.page.locator("form button.danger").click()
    state(shopper, "đã hủy")
    assert "mua nhầm" in shopper.text("#happened")
    vendor.page.goto(f"/vendor/#/orders/{order_id}")
    state(vendor, "đã hủy")
    assert "mua nhầm" in vendor.text("#happened")


def test_what_was_fetched_and_comes_back_is_taken_back_with_its_money_or_refused_with_a_reason(
    phones: Any, api: Api, money: str
) -> None:
    shopper, vendor, before = phones("shopper", SHOPPER.phone), phones("vendor", NOODLES.phone), balance(api, money)
    own, seller = api.sign_in(SHOPPER.phone, people.PIN), api.sign_in(NOODLES.phone, people.PIN)

    def asked_to_return() -> dict[str, Any]:
        order = fetched(own, seller, money, 1)
        shopper.page.goto(f"/shopper/#/orders/{order['order_id']}")
        state(shopper, "đã lấy hàng")
        shopper.tap("Xin trả hàng")
        shopper.page.fill("#reason-return", "túi bị rách")
        shopper.page.locator("form button.danger").click()
        state(shopper, "khách xin trả hàng")
        of_the_stall(vendor, order["order_id"])
        state(vendor, "khách xin trả hàng")
        assert "túi bị rách" in vendor.text("#happened")
        return order

    asked_to_return()
    vendor.tap("Nhận lại hàng và hoàn tiền")
    state(vendor, "đã trả hàng")
    state(shopper, "đã trả hàng")
    shopper.page.locator("#happened", has_text="Đã trả hàng").wait_for()
    until(lambda: balance(api, money) == before)

    kept = asked_to_return()
    vendor.tap("Không nhận lại")
    vendor.page.locator("form input").fill("hàng còn nguyên")
    vendor.page.locator("form button.danger").click()
    shopper.page.locator("#happened", has_text="hàng còn nguyên").wait_for()
    assert balance(api, money) == before - int(kept["total"])
