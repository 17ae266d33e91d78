"""A tap and what may happen meanwhile: its answer is lost, its screen is left, somebody goes on typing, the network is
away."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from cli import people
from cli.api import Api
from kit.clock import now
from kit.ids import new_key
from kit.streams.event import rfc3339
from tests.system.web.conftest import Phone, answer_lost
from tests.system.web.test_web_orders import NOODLES, add, fetched
from tests.system.web.test_web_stories import SHOPPER, VENDOR, balance, listening, money, paste, sticker, until
from tests.system.web.test_web_trouble import held_back

pytestmark = pytest.mark.system
__all__ = ["money", "sticker"]

NO_NETWORK = "Không có mạng"
LIVE = people.vendors()["banh-chung-bo-dau"]
BAGS = "Miến dong Việt Cường túi 500 g"


def lost(phone: Phone, path: str) -> None:
    """Nothing comes through to `path`, until `unroute`."""
    phone.page.route(f"**{path}", lambda route: route.abort("connectionreset"))


def sent_by(phone: Phone, path: str) -> list[str]:
    """What the phone asks of addresses that end so, from now on."""
    asked: list[str] = []
    phone.page.on("request", lambda request: asked.append(request.method) if request.url.endswith(path) else None)
    return asked


def round_trip(phone: Phone) -> None:
    """What the phone has sent until now is known to the test."""
    phone.page.evaluate("fetch('/v1/me').then((reply) => reply.status)")


# What is given up


def is_given_up_once_that_is_heard(phone: Phone, path: str, button: str, shown: str) -> None:
    """What is shown stays while the request at `path` is lost, which is said, and goes with the next one."""
    lost(phone, path)
    phone.tap(button)
    phone.page.locator(".screen").get_by_text(NO_NETWORK).wait_for()
    assert phone.page.locator(shown).is_visible()
    phone.page.unroute(f"**{path}")
    phone.tap(button)
    phone.page.locator(shown).wait_for(state="detached")


def test_a_one_time_code_that_could_not_be_given_up_stays_in_sight(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    shopper.page.goto("/shopper/#/present")
    shopper.tap("Tạo mã")
    shopper.page.locator("#digits").wait_for()
    is_given_up_once_that_is_heard(shopper, "/v1/codes/cancel", "Hủy", "#digits")


@pytest.fixture
def asking(phones: Any) -> Phone:
    """A vendor's phone that shows a code for 50.000 đ."""
    vendor: Phone = phones("vendor", VENDOR.phone)
    vendor.page.goto("/vendor/#/ask")
    vendor.page.fill("#amount", "50000")
    vendor.tap("Hiện mã cho khách quét")
    vendor.page.locator("img.qr").wait_for()
    return vendor


def test_a_request_that_could_not_be_withdrawn_stays_in_sight(asking: Phone) -> None:
    is_given_up_once_that_is_heard(asking, "/withdraw", "Hủy yêu cầu", "img.qr")


def test_a_request_that_was_withdrawn_elsewhere_is_shown_to_nobody_any_more(asking: Phone, api: Api) -> None:
    own = api.sign_in(VENDOR.phone, people.PIN)
    merchant = own.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    reference = asking.text("p.center.soft").split(" · ")[0]
    own.post(f"/v1/merchants/{merchant}/requests/{reference}/withdraw")
    asking.waits_for("Yêu cầu đã hủy")
    assert asking.page.locator("img.qr").count() == 0


def test_who_asks_for_money_is_told_that_the_network_is_back(asking: Phone) -> None:
    lost(asking, "/requests/*")
    asking.page.locator(".screen").get_by_text(NO_NETWORK).wait_for()
    asking.page.unroute("**/requests/*")
    asking.waits_for("Chờ khách quét mã")


def test_a_code_that_comes_after_its_screen_was_left_is_not_asked_after(phones: Any) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.page.clock.install()
    vendor.page.goto("/vendor/#/ask")
    vendor.page.fill("#amount", "51000")
    asked: list[str] = []
    vendor.page.on("request", lambda request: asked.append(request.url) if "/requests/" in request.url else None)
    with held_back(vendor, "/requests") as waiting:
        vendor.tap("Hiện mã cho khách quét")
        until(vendor, "document.querySelector('form button').disabled")
        vendor.page.goto("/vendor/#/")
        vendor.page.locator("#payments").wait_for()
        with vendor.page.expect_response("**/requests"):
            waiting[0].continue_()
    round_trip(vendor)
    vendor.page.clock.fast_forward(10_000)
    round_trip(vendor)
    assert asked == []


# The basket


def noodles(shopper: Phone) -> None:
    shopper.page.goto("/shopper/#/market")
    add(shopper, "mien viet cuong", BAGS)


def test_how_an_order_is_fetched_and_paid_stays_as_chosen_while_its_goods_change(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    noodles(shopper)
    shopper.page.fill("#deliver", "12 Bến Oánh")
    shopper.page.check("#hold")
    shopper.tap(f"+ {BAGS}")
    shopper.page.locator("#cart-total", has_text="80.000 đ").wait_for()
    assert shopper.page.input_value("#deliver") == "12 Bến Oánh"
    assert shopper.page.is_checked("#hold")


@pytest.mark.parametrize(("tap", "total"), [("+", "120.000 đ"), ("−", "40.000 đ")])
def test_what_is_tapped_while_prices_are_asked_for_is_what_is_in_the_basket(
    phones: Any, money: str, tap: str, total: str
) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    noodles(shopper)
    shopper.tap(f"+ {BAGS}")
    shopper.page.goto("/shopper/#/")
    shopper.page.get_by_role("button", name="Đi chợ").wait_for()
    with held_back(shopper, "/v1/products/prd_*") as waiting:
        shopper.page.goto("/shopper/#/market")
        shopper.page.locator("#cart-total", has_text="80.000 đ").wait_for()
        while not waiting:
            shopper.page.wait_for_timeout(50)
        shopper.tap(f"{tap} {BAGS}")
        dearer = waiting[0].fetch().json()
        dearer["product"]["price"] = "41000"
        waiting[0].fulfill(json=dearer)
        shopper.waits_for("Đã lên giá")
    at_forty = str(41 * int(total[:-6]) // 40) + ".000 đ"
    assert shopper.text("#cart-total") == at_forty


def test_an_order_whose_answer_was_lost_is_the_same_one_after_the_page_was_loaded_anew(
    phones: Any, api: Api, money: str
) -> None:
    own = api.sign_in(SHOPPER.phone, people.PIN)
    had = {one["order_id"] for one in own.get("/v1/me/orders")["orders"]}
    shopper = phones("shopper", SHOPPER.phone)
    noodles(shopper)
    with answer_lost(shopper.page, "/v1/checkouts") as sent:
        shopper.tap("Đặt hàng")
        shopper.page.locator("#cart").get_by_text(NO_NETWORK).wait_for()
        shopper.page.reload()
        shopper.tap("Đặt hàng")
        shopper.page.locator("#order-state").wait_for()
    assert len(sent) == 2
    assert len({one["order_id"] for one in own.get("/v1/me/orders")["orders"]} - had) == 1


# What is typed and chosen


def test_a_digit_in_the_middle_of_an_amount_is_followed_by_the_next_one(phones: Any, money: str, sticker: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    paste(shopper, sticker)
    shopper.page.fill("#amount", "10000")
    assert shopper.page.input_value("#amount") == "10.000"
    shopper.page.evaluate("document.getElementById('amount').setSelectionRange(1, 1)")
    shopper.page.locator("#amount").press_sequentially("234")
    assert shopper.page.input_value("#amount") == "12.340.000"


@pytest.mark.parametrize("screen", ["products/new", "live/new"])
def test_half_a_piece_is_not_twenty_five(phones: Any, screen: str) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.page.goto(f"/vendor/#/{screen}")
    of = {"products/new": ["#stock"], "live/new": ["#minutes", "#lots", "#cap"]}[screen]
    for number in of:
        for typed, good in (("2,5", False), ("2.5", False), ("25", True), ("1.000", True)):
            vendor.page.locator(number).evaluate("(input, typed) => { input.value = typed; }", typed)
            assert vendor.page.locator(number).evaluate("input => input.validity.valid") == good, (number, typed)


def test_a_chooser_that_was_left_without_a_picture_checks_no_sticker(phones: Any, tmp_path: Any) -> None:
    vendor = phones("vendor", VENDOR.phone)
    checks = sent_by(vendor, "/sticker-check")
    vendor.page.route(
        "**/sticker-check",
        lambda route: route.fulfill(json={"verdict": "STICKER_VERDICT_UNREADABLE", "message": "Không đọc được"}),
    )
    vendor.page.goto("/vendor/#/qr")
    picture = tmp_path / "none.png"
    picture.write_bytes(b"no picture")
    vendor.page.set_input_files("#picture", picture)
    vendor.waits_for("Không đọc được")
    vendor.page.set_input_files("#picture", [])
    vendor.page.locator("#picture").dispatch_event("change")
    round_trip(vendor)
    vendor.page.set_input_files("#picture", picture)  # the same one, taken anew
    while len(checks) < 2:
        vendor.page.wait_for_timeout(50)
    round_trip(vendor)
    assert len(checks) == 2


CAMERA = """
globalThis.cameras = [];
navigator.mediaDevices.getUserMedia = async () => {
  const stream = document.createElement("canvas").captureStream();
  globalThis.cameras.push(...stream.getTracks());
  return stream;
};
"""


@pytest.mark.parametrize(("screen", "label"), [("redeem", "Quét mã QR"), ("qr", "Quét tem ở quầy")])
def test_a_camera_that_was_opened_twice_is_off_once_its_screen_is_left(phones: Any, screen: str, label: str) -> None:
    vendor = phones("vendor")
    vendor.context.add_init_script(CAMERA)
    vendor.page.reload()
    vendor.sign_in(VENDOR.phone)
    listening(vendor)
    vendor.page.goto(f"/vendor/#/{screen}")
    for opened in (1, 2):
        vendor.tap(label)
        until(vendor, f"globalThis.cameras.length === {opened}")
    vendor.page.goto("/vendor/#/")
    listening(vendor)
    until(vendor, "globalThis.cameras.every((one) => one.readyState === 'ended')")


# Sessions


def test_who_may_not_renew_a_token_just_now_is_not_signed_out(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    shopper.page.locator("h2", has_text="Lịch sử").wait_for()
    busy = {"code": 8, "message": "", "details": [{"reason": "RATE_LIMITED", "domain": "cho", "metadata": {}}]}
    shopper.page.route("**/v1/token/refresh", lambda route: route.fulfill(status=429, json=busy))
    shopper.context.clear_cookies(name="cho_access")
    shopper.page.goto("/shopper/#/orders")
    shopper.page.locator(".screen").get_by_text("Chờ vài giây rồi thử lại").wait_for()
    shopper.page.unroute("**/v1/token/refresh")
    shopper.tap("Thử lại")
    shopper.page.locator("h1", has_text="Đơn hàng").wait_for()
    assert shopper.page.locator("#phone").count() == 0


def test_a_phone_that_never_heard_of_its_new_token_stays_signed_in(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    shopper.page.locator("h2", has_text="Lịch sử").wait_for()
    [old] = [one for one in shopper.context.cookies() if one["name"] == "cho_refresh"]
    shopper.context.clear_cookies(name="cho_access")
    with answer_lost(shopper.page, "/v1/token/refresh") as sent:
        shopper.page.goto("/shopper/#/orders")
        shopper.page.locator(".screen").get_by_text(NO_NETWORK).wait_for()
        shopper.context.clear_cookies(name="cho_access")
        shopper.context.add_cookies([old])  # a real phone has not seen another one
        shopper.tap("Thử lại")
        shopper.page.locator("h1", has_text="Đơn hàng").wait_for()
    assert len(sent) == 2
    assert shopper.page.locator("#phone").count() == 0


def test_a_pin_that_is_typed_after_the_token_ran_out_is_taken(phones: Any, api: Api, money: str, sticker: str) -> None:
    shopper, before, asked = phones("shopper", SHOPPER.phone), balance(api, money), []
    needed = {"code": 7, "message": "", "details": [{"reason": "STEP_UP_NEEDED", "domain": "cho", "metadata": {}}]}

    def pin_first(route: Any) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.fulfill(status=403, json=needed)
        else:
            route.continue_()

    paste(shopper, sticker)
    shopper.page.route("**/v1/payments", pin_first)
    shopper.page.fill("#amount", "14000")
    shopper.tap("Trả 14.000 đ")
    shopper.page.fill("#pin", people.PIN)
    shopper.context.clear_cookies(name="cho_access")
    shopper.page.locator("form:has(#pin) button.main").click()
    shopper.page.wait_for_selector("#receipt")
    assert balance(api, money) == before - 14_000


def test_who_is_told_twice_that_the_session_is_over_goes_on_typing(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    shopper.page.locator("h2", has_text="Lịch sử").wait_for()
    over = "window.dispatchEvent(new Event('signed-out'))"
    shopper.page.evaluate(over)
    shopper.page.fill("#phone", SHOPPER.phone)
    shopper.page.evaluate(over)
    assert shopper.page.input_value("#phone") == SHOPPER.phone


# What is shown


def test_who_uses_keys_begins_at_the_title_of_a_new_screen(phones: Any) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.tap("Sổ hôm nay")
    until(vendor, "document.activeElement.textContent === 'Sổ hôm nay' && document.activeElement.tagName === 'H1'")
    vendor.page.goto("/vendor/#/ask")
    until(vendor, "document.activeElement.id === 'amount'")


def test_orders_that_are_more_than_were_counted_are_said_to_be_more(phones: Any) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.page.route("**/orders?*", lambda route: route.fulfill(json={"orders": [{}] * 50, "next_page_token": "x"}))
    vendor.page.goto("/vendor/#/evening")
    vendor.page.locator(".facts dd", has_text="200+").wait_for()


@pytest.mark.parametrize("page", ["shopper", "vendor"])
def test_a_statement_names_what_happened_in_words(phones: Any, api: Api, money: str, sticker: str, page: str) -> None:
    own = api.sign_in(SHOPPER.phone, people.PIN)
    own.post("/v1/payments", idempotency_key=new_key(), wallet_id=money, qr_payload=sticker, amount=10_000)
    phone = phones(page, SHOPPER.phone if page == "shopper" else VENDOR.phone)
    phone.page.goto(f"/{page}/#/{f'history/{money}' if page == 'shopper' else 'day'}")
    phone.page.locator(".rows .grow").first.wait_for()
    phone.page.locator(".rows .grow", has_text="Thanh toán").first.wait_for()
    named = phone.page.locator(".rows .grow").all_inner_texts()
    assert not [one for one in named if re.fullmatch("[a-z_]+", one)]


def test_the_way_to_a_cards_bank_stays_under_the_thumb_while_it_is_asked_after(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    one = {"top_up_id": "top_1", "amount": "90000", "state": "TOP_UP_STATE_REQUIRES_ACTION", "redirect_url": "/docs"}
    shopper.page.route("**/v1/top-ups/*", lambda route: route.fulfill(json={"top_up": one}))
    shopper.page.goto("/shopper/#/top-up/top_1")
    link = shopper.page.get_by_role("link", name="Xác nhận với ngân hàng của thẻ").element_handle()
    for _ in range(2):
        with shopper.page.expect_response("**/v1/top-ups/*"):
            pass
    round_trip(shopper)
    assert link.evaluate("link => link.isConnected")


def test_what_is_to_be_done_stays_in_sight_while_the_network_is_away(phones: Any, api: Api, money: str) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.page.goto("/vendor/#/orders")
    shown = vendor.page.locator("#orders, .card.soft").inner_text()
    lost(vendor, "/orders?*")
    vendor.page.locator(".screen").get_by_text(NO_NETWORK).wait_for()
    assert shown in vendor.text(".screen")
    vendor.page.unroute("**/orders?*")
    vendor.page.locator(".screen").get_by_text(NO_NETWORK).wait_for(state="detached")


def test_a_photo_that_the_phone_cannot_read_is_refused_in_words(phones: Any) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.page.goto("/vendor/#/qr")
    unreadable = {"name": "a.heic", "mimeType": "image/heic", "buffer": bytes(800_000)}
    vendor.page.set_input_files("#stall-photo", [unreadable])
    vendor.waits_for("Máy không đọc được ảnh này")


# Announcements


def test_a_stall_that_waits_for_an_answer_that_never_comes_asks_again(phones: Any) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.page.clock.install()
    with held_back(vendor, "/announcements") as waiting:
        vendor.page.reload()
        for asked in (1, 2):
            while len(waiting) < asked:
                vendor.page.wait_for_timeout(50)
            vendor.page.clock.fast_forward(45_000)


WAITS = """
globalThis.waits = [];
globalThis.setTimeout = ((wait) => (work, ms, ...of) => {
  globalThis.waits.push(ms);
  return wait(work, ms, ...of);
})(globalThis.setTimeout);
"""


def test_a_stall_that_is_cut_off_often_is_heard_again_as_soon_as_the_first_time(phones: Any) -> None:
    vendor = phones("vendor", VENDOR.phone)
    listening(vendor)
    vendor.page.evaluate(WAITS)
    for _ in range(5):
        vendor.page.evaluate("window.dispatchEvent(new Event('offline'))")
        vendor.waits_for("Mất mạng từ")
        vendor.page.evaluate("window.dispatchEvent(new Event('online'))")
        listening(vendor)
    assert not {2_000, 5_000, 10_000} & set(vendor.page.evaluate("globalThis.waits"))


def test_who_looks_at_a_live_sale_is_told_that_the_network_is_back_though_nothing_has_changed(
    phones: Any, api: Api, money: str
) -> None:
    own = api.sign_in(LIVE.phone, people.PIN)
    merchant = own.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    goods = own.get(f"/v1/merchants/{merchant}/products", page_size=100)["products"]
    product = next(one for one in goods if one["state"] == "PRODUCT_STATE_PUBLISHED")
    opens = now() + timedelta(hours=1)
    line = {"product_id": product["product_id"], "lots": 1, "price": 20_000, "cap": 1}
    sale = own.post(
        "/v1/live-sales", request_id=new_key(), merchant_id=merchant, title="Bánh chiều", lines=[line],
        opens_at=rfc3339(opens), closes_at=rfc3339(opens + timedelta(minutes=5)),
    )["sale"]  # fmt: skip
    shopper = phones("shopper", SHOPPER.phone)
    with shopper.page.expect_response("**/events"):
        shopper.page.goto(f"/shopper/#/live/{sale['sale_id']}")
    shopper.waits_for("Mở lúc")
    for _ in range(2):
        shopper.page.evaluate("window.dispatchEvent(new Event('offline'))")
        shopper.page.get_by_text("Mất kết nối").wait_for()
        shopper.page.evaluate("window.dispatchEvent(new Event('online'))")
        shopper.page.get_by_text("Mất kết nối").wait_for(state="detached")
    own.post(f"/v1/live-sales/{sale['sale_id']}/cancel", reason="hết bánh")


# What a phone shows later


def test_who_takes_their_phone_out_again_sees_what_is_in_the_wallet_now(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    own = api.sign_in(SHOPPER.phone, people.PIN)
    own.post("/v1/payments", idempotency_key=new_key(), wallet_id=money, qr_payload=sticker, amount=15_000)
    shopper.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    now_there = f"{balance(api, money):,} đ".replace(",", ".")
    shopper.page.locator(f'[data-wallet="{money}"]', has_text=now_there).wait_for()


@pytest.mark.parametrize("page", ["shopper", "vendor"])
def test_an_order_that_cannot_be_asked_after_says_so_until_it_can(phones: Any, api: Api, money: str, page: str) -> None:
    order = fetched(api.sign_in(SHOPPER.phone, people.PIN), api.sign_in(NOODLES.phone, people.PIN), money, 1)
    phone = phones(page, SHOPPER.phone if page == "shopper" else NOODLES.phone)
    phone.page.goto(f"/{page}/#/orders/{order['order_id']}")
    phone.page.locator("#order-state").wait_for()
    lost(phone, f"/v1/orders/{order['order_id']}")
    phone.page.locator(".screen").get_by_text(NO_NETWORK).wait_for()
    phone.page.unroute(f"**/v1/orders/{order['order_id']}")
    phone.page.locator(".screen").get_by_text(NO_NETWORK).wait_for(state="detached")


def test_who_has_no_wallet_is_told_how_to_come_by_one_wherever_money_is_moved(phones: Any, api: Api) -> None:
    phone = "0987650019"
    operator = api.sign_in(people.OPERATOR.phone, people.PIN)
    operator.post("/v1/users", phone=phone, pin=people.PIN, name="Lò Văn Mới", roles=["shopper"])
    shopper = phones("shopper", phone)
    for screen in ("present", "top-up"):
        shopper.page.goto(f"/shopper/#/{screen}")
        shopper.page.locator(".screen form").get_by_text("chưa có ví").wait_for()


def test_who_has_two_stalls_goes_to_the_other_without_signing_out(phones: Any) -> None:
    vendor = phones("vendor", VENDOR.phone)
    listening(vendor)

    def two(route: Any) -> None:
        reply = route.fetch()
        [one] = reply.json()["merchants"]
        other = {**one, "merchant_id": "mer_other", "name": "Quầy thứ hai", "state": "MERCHANT_STATE_SUSPENDED"}
        route.fulfill(response=reply, json={"merchants": [one, other]})

    vendor.page.route("**/v1/me/merchants", two)
    vendor.page.reload()
    vendor.page.get_by_role("button", name="Quầy thứ hai").click()
    vendor.page.locator("h1", has_text="Quầy thứ hai").wait_for()
    vendor.tap("Chọn quầy")
    vendor.page.locator(".stack button").first.click()
    listening(vendor)
