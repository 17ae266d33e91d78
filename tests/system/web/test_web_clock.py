"""A phone whose clock is a day wrong: its days are the server's, and what is paid now is said now. A page that is left
open over midnight: its days end with everybody's."""

from __future__ import annotations

from typing import Any

import pytest

from cli.api import Api
from tests.system.web.conftest import Phone
from tests.system.web.test_web_stories import SHOPPER, VENDOR, listening, money, pay, received, said, sticker, until
from tests.system.web.test_web_trouble import receives_what_the_ledger_says, wrong_by

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


# It is yesterday, by the phone and by every answer that it hears, until `late` is 0.
YESTERDAY = """
globalThis.late = 24 * 3_600_000;
const Right = Date;
globalThis.Date = class extends Right {
  constructor(...of) { if (of.length) super(...of); else super(Right.now() - globalThis.late); }
  static now() { return Right.now() - globalThis.late; }
};
const read = Headers.prototype.get;
Headers.prototype.get = function get(name) {
  const value = read.call(this, name);
  return name === "date" && value ? new Right(Right.parse(value) - globalThis.late).toUTCString() : value;
};
"""


@pytest.fixture
def open_since_yesterday(phones: Any) -> Phone:
    """The vendor's page, on which 250.000 đ were received when it was opened."""
    vendor: Phone = phones("vendor")
    vendor.context.add_init_script(YESTERDAY)

    def of_yesterday(route: Any) -> None:
        statement = route.fetch()
        route.fulfill(response=statement, json={**statement.json(), "total_in": "250000"})

    vendor.page.route("**/statement?*", of_yesterday)
    vendor.page.reload()
    vendor.sign_in(VENDOR.phone)
    listening(vendor)
    assert received(vendor) == 250_000
    vendor.page.unroute("**/statement?*", of_yesterday)
    vendor.page.evaluate("globalThis.late = 0")
    return vendor


def test_what_was_received_today_begins_anew_with_the_first_payment_after_midnight(
    phones: Any, api: Api, money: str, sticker: str, open_since_yesterday: Phone
) -> None:
    vendor, shopper = open_since_yesterday, phones("shopper", SHOPPER.phone)
    vendor.tap("Bật loa báo tiền")
    pay(shopper, sticker, 10_000)
    row = vendor.page.locator(f'[data-id="{shopper.page.locator("#receipt").get_attribute("data-id")}"]')
    row.wait_for()
    receives_what_the_ledger_says(vendor, api)
    assert row.count() == 1
    assert said(vendor) == ["Đã nhận mười nghìn đồng"]


def test_who_takes_their_phone_out_in_the_morning_sees_nothing_of_what_was_received_yesterday(
    api: Api, open_since_yesterday: Phone
) -> None:
    vendor = open_since_yesterday
    vendor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(vendor, "!document.querySelector('.card .big').textContent.includes('250.000')")
    receives_what_the_ledger_says(vendor, api)
