"""What goes wrong in people's hands: back, two tabs, a wrong clock, a weak signal, a stall that was stopped."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cli import people
from cli.api import Api
from kit import clock
from tests.system.web.conftest import WAIT_MS_MAX, Phone, drawn
from tests.system.web.test_web_pages import PERSON, SCREENS
from tests.system.web.test_web_stories import (
    SHOPPER,
    VENDOR,
    balance,
    listening,
    money,
    paste,
    pay,
    received,
    said,
    sticker,
)

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


def send_and_open_anew(phone: Phone, path: str, button: str) -> None:
    """What the button sends to `path` arrives, its answer does not; then the phone opens the same page anew."""
    sent: list[Any] = []

    def lose(route: Any) -> None:
        if not sent:
            route.fetch()
        sent.append(route)
        route.abort("connectionreset")

    phone.page.route(f"**{path}", lose)
    phone.tap(button)
    phone.waits_for("đang hỏi lại kết quả")
    phone.page.reload()
    phone.page.unroute(f"**{path}", lose)


def sent_by(phone: Phone, path: str) -> list[str]:
    """The keys of what the phone sends to `path` from now on, as they are sent."""
    keys: list[str] = []

    def note(request: Any) -> None:
        if request.method == "POST" and request.url.endswith(path):
            keys.append(json.loads(request.post_data)["idempotency_key"])

    phone.page.on("request", note)
    return keys


def open_cards(phone: Phone) -> Any:
    return phone.page.locator(".card", has_text="Có khoản chưa rõ kết quả")


def finds_out_that_it_was_done(phone: Phone) -> None:
    phone.tap("Hỏi lại kết quả")
    phone.waits_for("Đã thực hiện xong")
    phone.tap("Xong")
    open_cards(phone).wait_for(state="detached")


@pytest.mark.parametrize("again", ["opened anew", "scanned again"])
def test_a_payment_that_was_not_answered_is_shown_where_it_could_be_paid_again_and_nothing_is_until_it_is_known(
    phones: Any, api: Api, money: str, sticker: str, again: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    paste(shopper, sticker)
    shopper.page.fill("#amount", "17000")
    send_and_open_anew(shopper, "/v1/payments", "Trả 17.000 đ")
    assert "#/pay/" in shopper.page.url
    if again == "scanned again":
        shopper.page.goto("/shopper/#/")
        paste(shopper, sticker)
    sent = sent_by(shopper, "/v1/payments")
    open_cards(shopper).wait_for()
    assert "17.000 đ" in open_cards(shopper).inner_text()
    shopper.page.fill("#amount", "17000")
    shopper.tap("Trả 17.000 đ")
    open_cards(shopper).wait_for()
    assert open_cards(shopper).count() == 1, "the same one, not one more"
    assert sent == []
    finds_out_that_it_was_done(shopper)
    assert balance(api, money) == before - 17_000
    shopper.tap("Trả 17.000 đ")  # told that it was paid, they pay another
    shopper.page.wait_for_selector("#receipt")
    assert len(sent) == 1
    assert balance(api, money) == before - 34_000


def test_a_payment_that_is_answered_after_its_payer_left_is_not_paid_again_from_a_screen_that_calls_it_open(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    sent = sent_by(shopper, "/v1/payments")
    paste(shopper, sticker)
    shopper.page.fill("#amount", "18000")
    with held_back(shopper, "/v1/payments") as waiting:
        shopper.tap("Trả 18.000 đ")
        while not waiting:
            shopper.page.wait_for_timeout(50)
        shopper.page.goto("/shopper/#/")
        paste(shopper, sticker)
        open_cards(shopper).wait_for()
        with shopper.page.expect_response("**/v1/payments"):
            waiting[0].continue_()
    shopper.page.fill("#amount", "18000")
    shopper.tap("Trả 18.000 đ")
    finds_out_that_it_was_done(shopper)
    assert len(sent) == 1
    assert balance(api, money) == before - 18_000


def test_money_to_a_phone_number_that_was_not_answered_is_not_sent_again_until_it_is_known(
    phones: Any, api: Api, money: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)

    def to_them() -> None:
        shopper.page.fill("#to", people.SHOPPERS[0].phone)
        shopper.page.locator("form button.main").click()
        shopper.page.fill("#amount", "19000")

    shopper.tap("Chuyển tiền")
    to_them()
    send_and_open_anew(shopper, "/v1/transfers", "Chuyển 19.000 đ")
    sent = sent_by(shopper, "/v1/transfers")
    open_cards(shopper).wait_for()
    to_them()
    open_cards(shopper).wait_for()
    shopper.tap("Chuyển 19.000 đ")
    finds_out_that_it_was_done(shopper)
    assert sent == []
    assert balance(api, money) == before - 19_000


def test_a_refund_that_was_not_answered_is_shown_to_its_vendor_and_given_once(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    vendor, shopper = phones("vendor", VENDOR.phone), phones("shopper", SHOPPER.phone)
    pay(shopper, sticker, 43_000)
    before, paid = balance(api, money), shopper.page.locator("#receipt").get_attribute("data-id")
    vendor.page.locator(f'[data-id="{paid}"]').get_by_role("button", name="Hoàn tiền").click()
    vendor.page.fill("#amount", "1000")
    send_and_open_anew(vendor, f"/v1/payments/{paid}/refunds", "Hoàn lại 1.000 đ")
    sent = sent_by(vendor, f"/v1/payments/{paid}/refunds")
    open_cards(vendor).wait_for()
    vendor.page.goto("/vendor/#/")
    listening(vendor)
    open_cards(vendor).wait_for()
    vendor.page.goto(f"/vendor/#/refund/{paid}")
    vendor.page.fill("#amount", "1000")
    vendor.tap("Hoàn lại 1.000 đ")
    finds_out_that_it_was_done(vendor)
    vendor.waits_for("42.000 đ")  # what is left is asked for anew
    assert sent == []
    assert balance(api, money) == before + 1_000


def test_money_taken_by_a_code_that_was_not_answered_is_shown_to_its_vendor_and_taken_once(
    phones: Any, api: Api, money: str
) -> None:
    vendor, before = phones("vendor", VENDOR.phone), balance(api, money)
    own = api.sign_in(SHOPPER.phone, people.PIN)

    def take() -> None:
        vendor.page.fill("#amount", "20000")
        vendor.page.fill("#code", own.post("/v1/codes", wallet_id=money, ceiling=20_000)["code"])

    vendor.tap("Quét mã của khách")
    take()
    send_and_open_anew(vendor, "/v1/codes/redeem", "Thu 20.000 đ")
    sent = sent_by(vendor, "/v1/codes/redeem")
    open_cards(vendor).wait_for()
    take()
    vendor.tap("Thu 20.000 đ")
    finds_out_that_it_was_done(vendor)
    assert sent == []
    assert balance(api, money) == before - 20_000


@pytest.mark.parametrize("heard_before", [True, False])
def test_a_payment_that_comes_while_the_first_screen_is_fetched_is_counted_and_said_as_any_other(
    phones: Any, api: Api, money: str, sticker: str, heard_before: bool
) -> None:
    vendor, shopper = phones("vendor", VENDOR.phone), phones("shopper", SHOPPER.phone)
    listening(vendor)
    vendor.tap("Bật loa báo tiền")
    vendor.page.goto("/vendor/#/ask")
    vendor.page.wait_for_selector("#amount")
    if not heard_before:
        vendor.page.evaluate(
            "for (const k of Object.keys(localStorage)) if (k.startsWith('cho.heard.')) localStorage.removeItem(k)"
        )
    with held_back(vendor, "/transfers?*") as waiting:
        vendor.page.goto("/vendor/#/")
        while not waiting:
            vendor.page.wait_for_timeout(50)
        pay(shopper, sticker, 64_000)
        waiting[0].continue_()
        row = vendor.page.locator(f'[data-id="{shopper.page.locator("#receipt").get_attribute("data-id")}"]')
        row.wait_for()
        listening(vendor)
    receives_what_the_ledger_says(vendor, api)
    assert row.count() == 1
    assert said(vendor) == ["Đã nhận sáu mươi bốn nghìn đồng"]


def receives_what_the_ledger_says(vendor: Phone, api: Api) -> None:
    """Today's total on the screen is the statement's, as soon as both have heard everything."""
    own = api.sign_in(VENDOR.phone, people.PIN)
    merchant = own.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    deadline = time.monotonic() + WAIT_MS_MAX / 1000
    while True:
        midnight = f"{clock.today()}T00:00:00+07:00"
        said_so = int(own.get(f"/v1/accounts/{merchant}/statement", **{"from": midnight})["total_in"])
        if (shown := received(vendor)) == said_so:
            return
        assert time.monotonic() < deadline, f"{shown} is shown, {said_so} was received"
        vendor.page.wait_for_timeout(50)


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
        # Signed in once: each time more ends the oldest of somebody's sessions, and the phone has one.
        payer = api.sign_in(SHOPPER.phone, people.PIN)
        while payer.post("/v1/qr/inspect", payload=code)["payable"]:
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
    with held_back(shopper, "/v1/payments") as waiting:  # longer than whoever looks
        submit.click()
        while not waiting:
            shopper.page.wait_for_timeout(50)
        assert submit.is_disabled()
        shopper.waits_for("Đang trả")
        waiting[0].continue_()
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
