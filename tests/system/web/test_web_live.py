"""A live sale in two shoppers' browsers and at its stall: the counter goes down for everybody, the last is had once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page

from cli import people
from cli.api import Api
from kit.clock import VIETNAM, now
from kit.streams.event import rfc3339
from tests.system.web.conftest import Phone
from tests.system.web.test_web_stories import SHOPPER, balance, money

pytestmark = pytest.mark.system
__all__ = ["money"]

VENDOR = people.vendors()["banh-chung-bo-dau"]
OTHER = people.SHOPPERS[2]
# The request has to arrive before; meanwhile two shoppers come and see a sale that is not open yet.
OPENS_IN = timedelta(seconds=10)
OPENS_MS_MAX = 60_000


def left(phone: Phone, lots: str) -> None:
    phone.page.locator("[data-left]", has_text=lots).wait_for(timeout=OPENS_MS_MAX)


@contextmanager
def sooner(page: Page) -> Iterator[list[str]]:
    """What the page schedules opens soon: nobody waits here for the minute that begins next, the soonest that can be
    typed. Yields the times that the page asked for.
    """
    asked: list[str] = []

    def handle(route: Any) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        plan = route.request.post_data_json
        asked.append(plan["opens_at"])
        opens = now() + OPENS_IN
        lasts = datetime.fromisoformat(plan["closes_at"]) - datetime.fromisoformat(plan["opens_at"])
        route.continue_(post_data={**plan, "opens_at": rfc3339(opens), "closes_at": rfc3339(opens + lasts)})

    page.route("**/v1/live-sales", handle)
    yield asked
    page.unroute("**/v1/live-sales", handle)


def test_two_see_the_counter_go_down_and_only_one_has_the_last(phones: Any, api: Api, money: str) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.page.goto("/vendor/#/live/new")
    vendor.page.fill("#title", "Bánh chưng nóng")
    typed = (now() + timedelta(minutes=2)).astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M")
    vendor.page.fill("#opens", typed)
    vendor.page.fill("#minutes", "10")
    vendor.page.fill("#lots", "2")
    vendor.page.fill("#price", "20000")
    with sooner(vendor.page) as asked:
        vendor.tap("Hẹn giờ")
        vendor.waits_for("Bánh chưng nóng")
    assert [datetime.fromisoformat(one) for one in asked] == [datetime.fromisoformat(f"{typed}:00+07:00")]
    one, two = phones("shopper", SHOPPER.phone), phones("shopper", OTHER.phone)
    for phone in (one, two):
        phone.page.goto("/shopper/#/live")
        phone.page.locator("li", has_text="Bánh chưng nóng").get_by_role("button").click()
        left(phone, "2")
    before = balance(api, money)
    claim = one.page.get_by_role("button", name="Giữ cho tôi")
    claim.wait_for(timeout=OPENS_MS_MAX)
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
