"""A live sale in two shoppers' browsers and at its stall: the counter goes down for everybody, the last is had once."""

from __future__ import annotations

from typing import Any

import pytest

from cli import people
from cli.api import Api
from tests.system.web.conftest import Phone
from tests.system.web.test_web_stories import SHOPPER, balance, money

pytestmark = pytest.mark.system
__all__ = ["money"]

VENDOR = people.vendors()["banh-chung-bo-dau"]
OTHER = people.SHOPPERS[2]
# The soonest that a sale may be scheduled from its page is the minute that begins next; s.
OPENS_S_MAX = 150_000


def left(phone: Phone, lots: str) -> None:
    phone.page.locator("[data-left]", has_text=lots).wait_for(timeout=OPENS_S_MAX)


def test_two_see_the_counter_go_down_and_only_one_has_the_last(phones: Any, api: Api, money: str) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.page.goto("/vendor/#/live/new")
    vendor.page.fill("#title", "Bánh chưng nóng")
    next_minute = "new Date(Date.now() + 60_000 + 7 * 3_600_000).toISOString().slice(0, 16)"
    vendor.page.fill("#opens", vendor.page.evaluate(next_minute))
    vendor.page.fill("#minutes", "10")
    vendor.page.fill("#lots", "2")
    vendor.page.fill("#price", "20000")
    vendor.tap("Hẹn giờ")
    vendor.waits_for("Bánh chưng nóng")
    one, two = phones("shopper", SHOPPER.phone), phones("shopper", OTHER.phone)
    for phone in (one, two):
        phone.page.goto("/shopper/#/live")
        phone.page.locator("li", has_text="Bánh chưng nóng").get_by_role("button").click()
        left(phone, "2")
    before = balance(api, money)
    claim = one.page.get_by_role("button", name="Giữ cho tôi")
    claim.wait_for(timeout=OPENS_S_MAX)
    claim.click()
    one.page.locator("#order-state", has_text="chưa trả").wait_for()
    left(two, "1")
    two.tap("Giữ cho tôi")
    two.page.locator("#order-state", has_text="chưa trả").wait_for()
    one.tap("Trả tiền đơn này")
    one.page.wait_for_selector("#payee")
    one.page.get_by_role("button", name="Trả 20.000 đ").click()
    one.page.wait_for_selector("#receipt")
    assert balance(api, money) == before - 20_000
    one.page.goto("/shopper/#/live")
    one.page.locator("li", has_text="Bánh chưng nóng").get_by_role("button").click()
    left(one, "0")
    assert one.page.get_by_role("button", name="Giữ cho tôi").count() == 0, "what is gone is not offered"
    vendor.page.locator("[data-sale]", has_text="còn 0/2").wait_for()
