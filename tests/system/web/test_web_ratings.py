"""A rating in three people's browsers: given by who paid and has the goods, answered by the stall, read by anybody."""

from __future__ import annotations

from typing import Any

import pytest

from cli import people
from cli.api import Api
from tests.system.web.conftest import Phone, drawn, violations
from tests.system.web.test_web_orders import NOODLES, add, of_the_stall, state
from tests.system.web.test_web_stories import SHOPPER, money

pytestmark = pytest.mark.system
__all__ = ["money"]

SMALL = {"width": 320, "height": 568}


def rating(phone: Phone, words: str) -> Any:
    return phone.page.locator("[data-rating]", has_text=words)


def test_who_paid_and_has_the_goods_rates_the_stall_answers_and_anybody_reads_both(
    phones: Any, api: Api, money: str
) -> None:
    shopper = phones("shopper", SHOPPER.phone, bypass_csp=True, viewport=SMALL)
    vendor = phones("vendor", NOODLES.phone, bypass_csp=True, viewport=SMALL)
    shopper.tap("Đi chợ")
    add(shopper, "mien viet cuong", "Miến dong Việt Cường túi 500 g")
    shopper.tap("Đặt hàng")
    state(shopper, "chưa trả")
    order_id = shopper.page.url.rpartition("/")[2]
    assert shopper.page.locator("#rate").count() == 0, "what is not paid is not rated"
    shopper.tap("Trả tiền đơn này")
    shopper.page.wait_for_selector("#payee")
    shopper.page.get_by_role("button", name="Trả 40.000 đ").click()
    shopper.page.wait_for_selector("#receipt")
    of_the_stall(vendor, order_id)
    vendor.tap("Bắt đầu soạn hàng")
    vendor.tap("Đã soạn xong")
    state(vendor, "sẵn sàng")
    shopper.page.goto(f"/shopper/#/orders/{order_id}")
    state(shopper, "sẵn sàng")
    assert shopper.page.locator("#rate").count() == 0, "nor what is still at the stall"
    shopper.tap("Tôi đã nhận hàng")

    form = shopper.page.locator("#rate")
    form.get_by_role("radio", name="Tạm được").wait_for()
    form.get_by_label("Vài lời").fill("Gọi tôi 0912 345 678")
    form.get_by_role("radio", name="Rất tốt").focus()
    for key in ("Space", "ArrowDown"):  # the keyboard goes through the choices
        shopper.page.keyboard.press(key)
    assert form.get_by_role("radio", name="Tốt", exact=True).is_checked()
    shopper.tap("Gửi đánh giá")
    shopper.page.locator("#rate .banner.refused", has_text="số điện thoại").wait_for()
    form.get_by_label("Vài lời").fill("Miến dai, gói kỹ")
    assert violations(shopper) == []
    shopper.tap("Gửi đánh giá")
    shopper.page.locator("#mine", has_text="Miến dai, gói kỹ").wait_for()
    shopper.tap("Sửa đánh giá")
    form.get_by_role("radio", name="Rất tốt").check()
    shopper.tap("Gửi đánh giá")
    shopper.page.locator("#mine [aria-label='5 trên 5 điểm']").wait_for()

    vendor.page.goto("/vendor/#/ratings")
    seen = rating(vendor, "Miến dai, gói kỹ")
    seen.get_by_role("button", name="Trả lời").click()
    seen.get_by_label("Câu trả lời").fill("Cảm ơn chị, mời chị ghé lại")
    assert violations(vendor) == []
    seen.get_by_role("button", name="Gửi câu trả lời").click()
    seen.get_by_role("button", name="Sửa câu trả lời").wait_for()

    order = api.sign_in(SHOPPER.phone, people.PIN).get(f"/v1/orders/{order_id}")["order"]
    anybody = phones("shopper", bypass_csp=True, viewport=SMALL)
    anybody.page.goto(f"/shopper/#/product/{order['lines'][0]['product_id']}")
    read = rating(anybody, "Miến dai, gói kỹ")
    read.get_by_text("Cảm ơn chị, mời chị ghé lại").wait_for()
    anybody.tap("Xem quầy và mọi đánh giá")
    anybody.page.locator("#stall", has_text=order["merchant_name"]).wait_for()
    read.get_by_text("Cảm ơn chị, mời chị ghé lại").wait_for()
    assert "★" in anybody.text("#rated")
    shown = anybody.page.content()
    assert SHOPPER.name not in shown
    assert order_id not in shown
    assert violations(anybody) == []

    shopper.tap("Rút lại đánh giá")
    shopper.page.locator("#rating form button.danger").click()
    shopper.page.locator("#rate").wait_for()
    anybody.page.reload()
    anybody.page.locator("#stall").wait_for()
    assert rating(anybody, "Miến dai, gói kỹ").count() == 0, "what is taken back is read by nobody"


def test_a_stall_that_nobody_rated_says_so(phones: Any, api: Api) -> None:
    vendor = list(people.vendors().values())[5]
    merchant = api.sign_in(vendor.phone, people.PIN).get("/v1/me/merchants")["merchants"][0]
    anybody = phones("shopper", bypass_csp=True)
    anybody.page.goto(f"/shopper/#/stall/{merchant['merchant_id']}")
    drawn(anybody)
    anybody.page.locator("#unrated").wait_for()
    assert violations(anybody) == []
