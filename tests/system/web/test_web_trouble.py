"""What goes wrong in people's hands: back, two tabs, a wrong clock, a weak signal, a stall that was stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cli import people
from cli.api import Api
from tests.system.web.conftest import Phone, drawn
from tests.system.web.test_web_pages import PERSON, SCREENS
from tests.system.web.test_web_stories import SHOPPER, VENDOR, balance, listening, money, paste, pay, received, sticker

pytestmark = pytest.mark.system
__all__ = ["money", "sticker"]

# 400 ms there and back, 400 kbit/s.
WEAK = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
SMALLEST = {"width": 320, "height": 568}


def wrong_by(hours: int) -> str:
    """A phone's clock, for all that its pages can see."""
    return f"""
const Right = Date;
globalThis.Date = class extends Right {{
  constructor(...of) {{ if (of.length) super(...of); else super(Right.now() + {hours * 3_600_000}); }}
  static now() {{ return Right.now() + {hours * 3_600_000}; }}
}};
"""


def test_who_goes_back_after_a_receipt_pays_nothing_again(phones: Any, api: Api, money: str, sticker: str) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    pay(shopper, sticker, 21_000)
    shopper.page.go_back()
    shopper.page.go_forward()
    shopper.page.wait_for_selector("#payee")
    assert shopper.page.input_value("#amount") == "", "nothing is left to be sent by one tap"
    assert shopper.page.get_by_text("Có khoản chưa rõ kết quả").count() == 0
    assert balance(api, money) == before - 21_000


@contextmanager
def held_back(phone: Phone, path: str) -> Iterator[list[Any]]:
    """Requests to `path` wait on their way until somebody lets them go on."""
    waiting: list[Any] = []

    def wait(route: Any) -> None:
        waiting.append(route)

    phone.page.route(f"**{path}", wait)
    yield waiting
    phone.page.unroute(f"**{path}", wait)


def test_what_one_tab_has_on_its_way_another_gives_up_and_it_is_paid_by_neither(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    paste(shopper, sticker)
    shopper.page.fill("#amount", "22000")
    with held_back(shopper, "/v1/payments") as waiting:
        shopper.page.get_by_role("button", name="Trả 22.000 đ").click()
        while not waiting:
            shopper.page.wait_for_timeout(50)
        other = Phone(shopper.context, shopper.context.new_page())
        other.page.goto("/shopper/")
        other.waits_for("Có khoản chưa rõ kết quả")
        other.tap("Hỏi lại kết quả")
        other.waits_for("Chưa có gì bị trừ")
        waiting[0].continue_()
        shopper.waits_for("Giao dịch này đã bị hủy")
    assert balance(api, money) == before
    shopper.page.get_by_role("button", name="Trả 22.000 đ").click()  # anew: another intention
    shopper.page.wait_for_selector("#receipt")
    assert balance(api, money) == before - 22_000


def test_who_signs_out_in_one_tab_has_left_the_other_too(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    shopper.page.locator("h2", has_text="Lịch sử").wait_for()
    other = Phone(shopper.context, shopper.context.new_page())
    other.page.goto("/shopper/")
    other.page.get_by_role("button", name="Đăng xuất").click()
    other.page.wait_for_selector("#phone")
    shopper.page.wait_for_selector("#phone")  # untouched
    assert shopper.page.locator("h2", has_text="Lịch sử").count() == 0


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_wrong_by_an_hour_neither_stops_a_payment_nor_dates_it(
    phones: Any, api: Api, money: str, sticker: str, hours: int
) -> None:
    vendor, shopper = phones("vendor"), phones("shopper")
    for phone, person in ((vendor, VENDOR), (shopper, SHOPPER)):
        phone.context.add_init_script(wrong_by(hours))
        phone.page.reload()
        phone.sign_in(person.phone)
        phone.page.get_by_role("button", name="Đăng xuất").wait_for()
    listening(vendor)
    before, had = balance(api, money), received(vendor)
    code = pay(shopper, sticker, 23_000)
    row = vendor.page.locator(f'[data-id="{shopper.page.locator("#receipt").get_attribute("data-id")}"]')
    row.wait_for()
    assert code in row.inner_text()
    assert received(vendor) > had
    assert balance(api, money) == before - 23_000
    [told] = re.findall(r"\d\d:\d\d", shopper.text("#receipt"))
    heard = re.findall(r"\d\d:\d\d", row.inner_text())
    newest = api.sign_in(SHOPPER.phone, people.PIN).get(f"/v1/accounts/{money}/transfers")["transfers"][0]
    right = shopper.page.evaluate(
        "at => new Intl.DateTimeFormat('vi-VN', {hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Ho_Chi_Minh'})"
        ".format(Date.parse(at))",
        newest["at"],
    )
    assert told == right, "a receipt's time is the ledger's"
    assert not heard or heard == [right]


def test_a_stall_that_was_stopped_says_so_before_anything_is_sent(
    phones: Any, api: Api, people_: dict[str, Api], money: str
) -> None:
    person = list(people.vendors().values())[-1]
    own = api.sign_in(person.phone, people.PIN)
    merchant = own.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    code = own.download(f"/v1/merchants/{merchant}/qr", format="payload").decode()
    operator = api.sign_in(people.OPERATOR.phone, people.PIN)
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    paste(shopper, code)
    shopper.page.fill("#amount", "24000")
    operator.post(f"/v1/merchants/{merchant}/suspend", reason="khiếu nại")
    try:
        while api.sign_in(SHOPPER.phone, people.PIN).post("/v1/qr/inspect", payload=code)["payable"]:
            shopper.page.wait_for_timeout(100)
        shopper.page.get_by_role("button", name="Trả 24.000 đ").click()
        shopper.waits_for("Quầy này chưa nhận được tiền")
        shopper.page.goto("/shopper/#/")
        paste(shopper, code)
        shopper.waits_for("Quầy này chưa nhận được tiền. Hỏi người bán hoặc trả cách khác.")
        assert shopper.page.locator("form button.main").count() == 0
    finally:
        operator.post(f"/v1/merchants/{merchant}/reinstate", reason="đã giải quyết")
    assert balance(api, money) == before


def test_over_a_weak_signal_a_payment_takes_long_and_is_made_once(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    session = shopper.context.new_cdp_session(shopper.page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", WEAK)
    paste(shopper, sticker)
    shopper.page.fill("#amount", "25000")
    submit = shopper.page.locator("form button.main")
    submit.click()
    assert submit.is_disabled()
    shopper.waits_for("Đang")
    shopper.page.wait_for_selector("#receipt")
    assert balance(api, money) == before - 25_000


@pytest.mark.parametrize("page", list(SCREENS))
def test_on_the_smallest_screen_nothing_stands_outside_it(phones: Any, page: str) -> None:
    phone = phones(page, PERSON[page], viewport=SMALLEST)
    wider = {}
    for screen in SCREENS[page]:
        phone.page.goto(f"/{page}/#/{screen}")
        phone.page.locator("header h1").wait_for()
        drawn(phone)
        if (width := phone.page.evaluate("document.documentElement.scrollWidth")) > SMALLEST["width"]:
            wider[screen] = width
    assert wider == {}
