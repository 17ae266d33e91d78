"""A phone whose clock is a day wrong: its days are the server's, and what is paid now is said now."""

from __future__ import annotations

from typing import Any

import pytest

from cli.api import Api
from tests.system.web.test_web_stories import SHOPPER, VENDOR, listening, money, pay, received, said, sticker
from tests.system.web.test_web_trouble import wrong_by

pytestmark = pytest.mark.system
__all__ = ["money", "sticker"]


@pytest.mark.parametrize("hours", [26, -26])
def test_a_payment_counts_as_todays_and_is_said_aloud_on_a_phone_whose_clock_is_a_day_wrong(
    phones: Any, api: Api, money: str, sticker: str, hours: int
) -> None:
    vendor, shopper = phones("vendor"), phones("shopper", SHOPPER.phone)
    vendor.context.add_init_script(wrong_by(hours))
    vendor.page.reload()
    vendor.sign_in(VENDOR.phone)
    listening(vendor)
    vendor.tap("Bật loa báo tiền")
    had = received(vendor)
    code = pay(shopper, sticker, 61_000)
    row = vendor.page.locator(f'[data-id="{shopper.page.locator("#receipt").get_attribute("data-id")}"]')
    row.wait_for()
    assert code in row.inner_text()
    assert "/" not in row.locator(".small").first.inner_text(), "today's is shown without a date"
    assert had < received(vendor) <= had + 61_000
    assert said(vendor) == ["Đã nhận sáu mươi mốt nghìn đồng"]
