"""What nobody can ask after by its key, a top-up by card and a refund of an order: not answered, it is kept over a
reload, sent again as it was and done once, or let go by whoever has looked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli import people
from cli.api import Api
from kit.ids import new_key
from tests.system.web.conftest import Phone, violations
from tests.system.web.test_web_orders import NOODLES, fetched, state
from tests.system.web.test_web_stories import SHOPPER, balance, money
from tests.system.web.test_web_trouble import SMALLEST
from tests.waiting import until

pytestmark = pytest.mark.system
__all__ = ["money"]

TOP_UPS, AGAIN = "/v1/top-ups", "Gửi lại khoản này"


def gone_wrong(phone: Phone, path: str, send: Callable[[], None], *, arrives: bool) -> None:
    """What `send` sends to `path` is not answered, whether it `arrives` or not; then the phone opens its page anew."""
    sent: list[Any] = []

    def lose(route: Any) -> None:
        if arrives and not sent:
            route.fetch()
        sent.append(route)
        route.abort("connectionreset")

    phone.page.route(f"**{path}", lose)
    send()
    phone.waits_for("đang hỏi lại kết quả")
    phone.page.reload()
    phone.page.unroute(f"**{path}", lose)
    open_cards(phone).wait_for()


def open_cards(phone: Phone) -> Any:
    return phone.page.locator("[data-open]")


def sent_by(phone: Phone, path: str) -> list[Any]:
    """What the phone sends to `path` from now on, as it is sent."""
    bodies: list[Any] = []

    def note(request: Any) -> None:
        if request.method == "POST" and request.url.endswith(path):
            bodies.append(json.loads(request.post_data))

    phone.page.on("request", note)
    return bodies


def top_up(phone: Phone, amount: int, card: str = "Visa 4242") -> None:
    phone.page.fill("#amount", str(amount))
    phone.page.select_option("#card", label=card)
    phone.page.locator("form button.main").click()


def begun(api: Api) -> list[Any]:
    """The shopper's newest top-ups."""
    made: list[Any] = api.sign_in(SHOPPER.phone, people.PIN).get("/v1/me/top-ups", page_size=50)["top_ups"]
    return made


# Top-ups by card


@pytest.mark.parametrize("arrives", [True, False])
def test_a_top_up_that_was_not_answered_is_sent_again_under_its_key_and_its_card_charged_once(
    phones: Any, api: Api, money: str, arrives: bool
) -> None:
    shopper, before, had = phones("shopper", SHOPPER.phone), balance(api, money), len(begun(api))
    sent = sent_by(shopper, TOP_UPS)
    shopper.page.goto("/shopper/#/top-up")
    gone_wrong(shopper, TOP_UPS, lambda: top_up(shopper, 31_000), arrives=arrives)
    assert "31.000 đ" in open_cards(shopper).inner_text()
    top_up(shopper, 32_000)  # nothing else goes to a card meanwhile
    shopper.waits_for("Chưa gửi gì thêm")
    assert open_cards(shopper).count() == 1
    shopper.page.goto("/shopper/#/")
    open_cards(shopper).wait_for()
    shopper.tap(AGAIN)
    shopper.waits_for("Đã nạp 31.000 đ")
    assert sent[1:] == [sent[0]] * (len(sent) - 1), "the same key, and the same body"
    assert balance(api, money) == before + 31_000
    assert len(begun(api)) == had + 1
    shopper.page.goto("/shopper/#/top-up")
    shopper.page.locator("#top-ups li", has_text="31.000 đ").first.get_by_text("Đã vào ví").wait_for()
    assert open_cards(shopper).count() == 0
    top_up(shopper, 32_000)
    shopper.waits_for("Đã nạp 32.000 đ")
    assert balance(api, money) == before + 63_000


def test_a_lost_top_up_is_sent_again_from_the_form_too(phones: Any, api: Api, money: str) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    waits = (
        "globalThis.setTimeout = ((wait) => (work, ms, ...of) => wait(work, ms / 100, ...of))(globalThis.setTimeout);"
    )
    shopper.page.goto("/shopper/#/top-up")
    shopper.page.locator("#amount").wait_for()
    shopper.page.evaluate(waits)  # nobody has a minute
    shopper.page.route(f"**{TOP_UPS}", lambda route: route.abort("connectionreset"))
    top_up(shopper, 33_000)
    shopper.waits_for("Chưa biết kết quả")
    assert shopper.page.locator("form > button.main").is_disabled()
    shopper.page.unroute(f"**{TOP_UPS}")
    shopper.tap(AGAIN)
    shopper.waits_for("Đã nạp 33.000 đ")
    assert balance(api, money) == before + 33_000


def test_a_lost_top_up_that_its_bank_refused_says_so_and_nothing_was_charged(phones: Any, api: Api, money: str) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    shopper.page.goto("/shopper/#/top-up")
    gone_wrong(shopper, TOP_UPS, lambda: top_up(shopper, 34_000, "Visa 0002 (từ chối)"), arrives=True)
    shopper.tap(AGAIN)
    shopper.page.locator(".banner.refused").wait_for()
    assert "thẻ" in shopper.text(".banner.refused").lower()
    assert balance(api, money) == before


def test_a_lost_top_up_that_waits_for_its_holders_word_leads_to_the_bank(phones: Any, api: Api, money: str) -> None:
    shopper, had = phones("shopper", SHOPPER.phone), len(begun(api))
    shopper.page.goto("/shopper/#/top-up")
    gone_wrong(shopper, TOP_UPS, lambda: top_up(shopper, 35_000, "Visa 3184 (3-D Secure)"), arrives=True)
    shopper.tap(AGAIN)
    link = shopper.page.get_by_role("link", name="Xác nhận với ngân hàng của thẻ")
    link.wait_for()
    assert len(begun(api)) == had + 1
    # Whoever closes the page meanwhile finds it again.
    shopper.page.goto("/shopper/#/top-up")
    row = shopper.page.locator("#top-ups li", has_text="35.000 đ").first
    row.get_by_text("Chờ bạn xác nhận với ngân hàng").wait_for()
    row.get_by_role("button").click()
    link.wait_for()


def test_a_lost_top_up_that_is_not_wanted_any_more_is_let_go_once_its_shopper_has_looked(
    phones: Any, api: Api, money: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    shopper.page.goto("/shopper/#/top-up")
    gone_wrong(shopper, TOP_UPS, lambda: top_up(shopper, 36_000), arrives=False)
    sent = sent_by(shopper, TOP_UPS)
    shopper.tap("Không cần nữa")
    shopper.waits_for("Khoản này có thể đã được thực hiện")
    shopper.tap("Giữ lại")
    shopper.tap("Không cần nữa")
    shopper.tap("Đã xem lịch sử, bỏ khoản này")
    open_cards(shopper).wait_for(state="detached")
    assert sent == []
    shopper.page.reload()
    top_up(shopper, 37_000)
    shopper.waits_for("Đã nạp 37.000 đ")
    assert len(sent) == 1
    assert balance(api, money) == before + 37_000


def kept(phone: Phone, path: str, key: str, **body: Any) -> None:
    """The phone holds what was sent and never answered, as a page that died has written it down."""
    by = phone.page.evaluate("fetch('/v1/me').then((reply) => reply.json()).then(({ user }) => user.user_id)")
    one = {"path": path, "key": key, "about": {"amount": 90_000, "name": "Visa"}, "at": 0}
    if body:
        one["body"] = body
    phone.page.evaluate("([by, one]) => localStorage.setItem(`cho.pending.${by}`, JSON.stringify([one]))", [by, one])
    phone.page.reload()
    open_cards(phone).wait_for()


def ends(phone: Phone) -> None:
    """The card goes for good."""
    phone.tap("Xong")
    open_cards(phone).wait_for(state="detached")
    phone.page.reload()
    phone.page.get_by_role("button", name="Quét mã QR").wait_for()
    assert open_cards(phone).count() == 0


def old_key(days: int) -> str:
    """As a key that was made so many days ago."""
    at_ms = int(new_key().replace("-", "")[:12], 16) - days * 86_400_000
    return f"{at_ms:012x}"[:8] + "-" + f"{at_ms:012x}"[8:] + new_key()[13:]


def test_a_top_up_that_never_arrived_and_is_too_old_was_not_charged_and_never_will_be(
    phones: Any, api: Api, money: str
) -> None:
    shopper, had = phones("shopper", SHOPPER.phone), len(begun(api))
    kept(
        shopper, TOP_UPS, old_key(9), wallet_id=money, amount=90_000, payment_method="pm_card_visa",
        return_url="https://localhost/shopper/",
    )  # fmt: skip
    shopper.tap(AGAIN)
    shopper.waits_for("Chưa có gì bị trừ, và sẽ không bị trừ nữa")
    ends(shopper)
    assert len(begun(api)) == had


def test_a_payment_that_nobody_knows_any_more_is_said_to_be_too_old_and_stops_nothing(
    phones: Any, api: Api, money: str
) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    kept(shopper, "/v1/payments", old_key(9))
    shopper.tap("Hỏi lại kết quả")
    shopper.waits_for("Giao dịch đã quá cũ. Xem lịch sử")
    ends(shopper)


@pytest.mark.parametrize(("how", "says"), [("ESCALATED", "Có nhân viên đang kiểm tra"), ("RETURNED", "đã về lại thẻ")])
def test_how_a_top_up_stands_is_said_in_words_and_not_in_codes(phones: Any, money: str, how: str, says: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    one = {"top_up_id": "top_1", "amount": "90000", "state": f"TOP_UP_STATE_{how}", "code": "STUCK"}
    shopper.page.route(f"**{TOP_UPS}/*", lambda route: route.fulfill(json={"top_up": one}))
    shopper.page.goto("/shopper/#/top-up/top_1")
    shopper.waits_for(says)
    assert shopper.page.get_by_text("STUCK").count() == 0


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_card_of_what_was_not_answered_can_be_used_by_everybody(phones: Any, money: str, language: str) -> None:
    shopper = phones("shopper", SHOPPER.phone, bypass_csp=True, viewport=SMALLEST)
    shopper.page.evaluate("language => localStorage.setItem('cho.language', language)", language)
    kept(shopper, TOP_UPS, new_key(), wallet_id=money, amount=90_000, payment_method="pm_card_visa")
    assert violations(shopper) == []
    open_cards(shopper).locator("button.plain").click()
    open_cards(shopper).locator("button.danger").wait_for()
    assert violations(shopper) == []
    assert shopper.page.evaluate("document.documentElement.scrollWidth") == SMALLEST["width"]


# Refunds of orders


@pytest.fixture
def order(api: Api, money: str) -> dict[str, Any]:
    """An order of two bags that is paid and in its buyer's hands."""
    own, seller = api.sign_in(SHOPPER.phone, people.PIN), api.sign_in(NOODLES.phone, people.PIN)
    return fetched(own, seller, money, 2)


def opened(vendor: Phone, order: dict[str, Any]) -> None:
    vendor.page.goto(f"/vendor/#/orders/{order['order_id']}")
    state(vendor, "đã lấy hàng")


def give(vendor: Phone, amount: int) -> None:
    """Asks for a part of the noodles' price."""
    vendor.tap("Hoàn tiền")
    vendor.page.select_option("#line", label="Miến dong Việt Cường túi 500 g")
    vendor.page.fill("#amount", str(amount))
    vendor.page.fill("#reason", "túi rách")
    vendor.page.locator("form button.danger").click()


def given(api: Api, order: dict[str, Any]) -> int:
    """Đồng that the stall has given back of an order."""
    found = api.sign_in(NOODLES.phone, people.PIN).get(f"/v1/orders/{order['order_id']}")["order"]
    return int(found["total"]) - int(found["due"])


@pytest.mark.parametrize("arrives", [True, False])
def test_a_refund_of_an_order_that_was_not_answered_is_asked_again_under_its_key_and_given_once(
    phones: Any, api: Api, money: str, order: dict[str, Any], arrives: bool
) -> None:
    vendor, path = phones("vendor", NOODLES.phone), f"/v1/orders/{order['order_id']}/refunds"
    before, sent = balance(api, money), sent_by(vendor, path)
    opened(vendor, order)
    gone_wrong(vendor, path, lambda: give(vendor, 5_000), arrives=arrives)
    assert "5.000 đ" in open_cards(vendor).inner_text()
    give(vendor, 5_000)  # not again, until it is known how the first one ended
    vendor.waits_for("Chưa gửi gì thêm")
    assert open_cards(vendor).count() == 1
    vendor.tap(AGAIN)
    vendor.waits_for("Đã thực hiện xong")
    vendor.tap("Xong")
    open_cards(vendor).wait_for(state="detached")
    assert len({one["request_id"] for one in sent}) == 1
    assert given(api, order) == 5_000
    until(lambda: balance(api, money) == before + 5_000)
    vendor.waits_for("đã trả lại 5.000 đ")
    give(vendor, 2_000)  # told that it was given, they give more
    vendor.waits_for("đã trả lại 7.000 đ")
    assert given(api, order) == 7_000


def test_a_lost_refund_of_an_order_is_on_the_first_screen_and_can_be_let_go(
    phones: Any, api: Api, order: dict[str, Any]
) -> None:
    vendor, path = phones("vendor", NOODLES.phone), f"/v1/orders/{order['order_id']}/refunds"
    opened(vendor, order)
    gone_wrong(vendor, path, lambda: give(vendor, 5_000), arrives=False)
    vendor.page.goto("/vendor/#/")
    open_cards(vendor).wait_for()
    assert order["code"] in open_cards(vendor).inner_text()
    wide = vendor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, "nothing stands outside of the screen"
    vendor.tap("Không cần nữa")
    vendor.tap("Đã xem lịch sử, bỏ khoản này")
    open_cards(vendor).wait_for(state="detached")
    opened(vendor, order)
    give(vendor, 3_000)
    vendor.waits_for("đã trả lại 3.000 đ")
    assert given(api, order) == 3_000


def test_what_goes_back_of_an_order_stands_on_the_button_and_no_typed_amount_is_taken_for_all(
    phones: Any, api: Api, order: dict[str, Any]
) -> None:
    vendor = phones("vendor", NOODLES.phone)
    opened(vendor, order)
    vendor.tap("Hoàn tiền")
    submit = vendor.page.locator("form button.danger")
    assert submit.inner_text() == "Hoàn lại 80.000 đ"
    assert not vendor.page.locator("#amount").is_visible(), "of the whole order there is no part"
    vendor.page.select_option("#line", label="Miến dong Việt Cường túi 500 g")
    vendor.page.fill("#amount", "6000")
    assert submit.inner_text() == "Hoàn lại 6.000 đ"
    vendor.page.fill("#amount", "6 nghìn")
    vendor.page.fill("#reason", "túi rách")
    submit.click()
    assert not vendor.page.evaluate("document.querySelector('#amount').validity.valid")
    assert given(api, order) == 0
    vendor.page.fill("#amount", "6000")
    submit.click()
    vendor.waits_for("đã trả lại 6.000 đ")
    assert given(api, order) == 6_000
