"""A shopper's money beyond the stall: from a card, to a phone number, behind a PIN, within the law's limit; and what is
read by the camera itself."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Playwright

from cli import people
from cli.api import Api
from cli.wallets import identify, open_wallet
from kit.ids import new_key
from kit.qr import image as qr_image
from tests.system.test_cards import Provider
from tests.system.web.conftest import CHROMIUM, FLAGS, SCREEN, WAIT_MS_MAX, Phone, answer_lost
from tests.system.web.test_web_stories import SHOPPER, balance, money, paste, sticker

pytestmark = pytest.mark.system
__all__ = ["money", "sticker"]

LARGE = 11_000_000  # more than a session without a fresh PIN may move


def top_up(phone: Phone, card: str, amount: int) -> None:
    phone.tap("Nạp tiền")
    phone.page.fill("#amount", str(amount))
    phone.page.select_option("#card", label=card)
    phone.page.locator("form button.main").click()


def test_a_card_that_wants_its_holders_word_waits_for_it_and_pays_once(phones: Any, api: Api, money: str) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    top_up(shopper, "Visa 3184 (3-D Secure)", 120_000)
    shopper.page.get_by_role("link", name="Xác nhận với ngân hàng của thẻ").wait_for()
    followed = shopper.page.url
    assert balance(api, money) == before
    shopper.page.get_by_role("link", name="Xác nhận với ngân hàng của thẻ").click()
    shopper.waits_for("Thanh toán 120.000")
    # The bank's button leads back to the shopper's page by https, which there is none of here: pressed by hand.
    assert httpx.post(shopper.page.url, data={"outcome": "pass"}).is_redirect
    shopper.page.goto(followed)
    shopper.waits_for("Đã nạp 120.000 đ")
    assert balance(api, money) == before + 120_000


def test_a_card_that_its_bank_refuses_says_why_and_nothing_comes(phones: Any, api: Api, money: str) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    top_up(shopper, "Visa 0002 (từ chối)", 50_000)
    shopper.page.locator(".banner.refused").wait_for()
    assert "thẻ" in shopper.text(".banner.refused").lower()
    assert balance(api, money) == before


def test_a_card_whose_provider_does_not_answer_is_shown_as_waiting_until_it_is_known(
    phones: Any, api: Api, money: str, stack: Any
) -> None:
    shopper, provider, before = phones("shopper", SHOPPER.phone), Provider(stack), balance(api, money)
    with provider.fault("cut_before", "*", times=1_000):
        top_up(shopper, "Visa 4242", 70_000)
        shopper.page.locator(".banner.away").wait_for()
        assert balance(api, money) == before
    shopper.waits_for("Đã nạp 70.000 đ")
    assert balance(api, money) == before + 70_000


def test_money_is_sent_to_a_phone_number_once_its_owner_has_been_seen(phones: Any, api: Api, money: str) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    other = api.sign_in(people.SHOPPERS[0].phone, people.PIN)

    def theirs() -> int:
        return sum(int(one["balance"]) for one in other.get("/v1/me/accounts")["accounts"])

    had = theirs()
    shopper.tap("Chuyển tiền")
    shopper.page.fill("#to", "0999 999 999")
    shopper.page.locator("form button.main").click()
    shopper.page.get_by_role("alert").get_by_text("Số này chưa có ví").wait_for()
    shopper.page.fill("#to", people.SHOPPERS[0].phone)
    shopper.page.locator("form button.main").click()
    shopper.page.locator(".name").wait_for()
    assert shopper.text(".name") == "Nguyễn T** H**", "enough to know them by, and no more"
    shopper.page.fill("#amount", "25000")
    with answer_lost(shopper.page, "/v1/transfers") as sent:
        shopper.page.get_by_role("button", name="Chuyển 25.000 đ").click()
        shopper.waits_for("✓")
    assert len(sent) == 2
    assert (balance(api, money), theirs()) == (before - 25_000, had + 25_000)


def signed_in_without_a_pin(phone: Phone, stack: Any, citizen: str) -> None:
    """By the outside provider: the owner links the account first, with a PIN, as it has to be."""
    browser, url = phone.context.request, stack.gateway_url

    def come_back(path: str) -> dict[str, str]:
        started = browser.post(f"{url}{path}", data={}).json()
        there = httpx.get(f"{started['authorization_url']}&login_hint={citizen}")
        return dict(parse_qsl(urlsplit(there.headers["location"]).query))

    assert browser.post(f"{url}/v1/me/external/link/finish", data=come_back("/v1/me/external/link")).ok
    phone.tap("Đăng xuất")
    phone.page.wait_for_selector("#phone")
    assert browser.post(f"{url}/v1/external/sign-in/finish", data=come_back("/v1/external/sign-in")).ok
    phone.page.evaluate("localStorage.setItem('cho.signed-in', 'yes')")
    phone.page.reload()
    phone.page.get_by_role("button", name="Quét mã QR").wait_for()


@pytest.fixture
def unlinked(api: Api) -> Iterator[None]:
    yield
    api.sign_in(SHOPPER.phone, people.PIN).post("/v1/me/external/unlink")


def test_so_much_money_asks_for_the_pin_a_wrong_one_says_how_many_tries_are_left_and_the_right_one_pays_once(
    phones: Any, api: Api, money: str, sticker: str, stack: Any, unlinked: None
) -> None:
    agent = api.sign_in(people.AGENTS[1].phone, people.PIN)
    agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=money, amount=2 * LARGE)
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    signed_in_without_a_pin(shopper, stack, "cccd-0002")
    paste(shopper, sticker)
    shopper.page.fill("#amount", str(LARGE))
    shopper.page.get_by_role("button", name=re.compile("^Trả ")).click()
    shopper.page.fill("#pin", "901846")
    shopper.tap("Xong")
    shopper.waits_for("Còn 4 lần thử")
    shopper.page.fill("#pin", "901847")
    shopper.tap("Xong")
    shopper.waits_for("Còn 3 lần thử")
    assert balance(api, money) == before
    shopper.page.fill("#pin", people.PIN)
    shopper.tap("Xong")
    shopper.page.wait_for_selector("#receipt")
    assert balance(api, money) == before - LARGE


def test_how_much_the_law_leaves_this_month_is_on_the_first_screen_and_falls_with_what_is_paid(
    phones: Any, api: Api, sticker: str
) -> None:
    phone, pin, name = "0987650022", "730594", "Nông Thị Hạn"
    operator = api.sign_in(people.OPERATOR.phone, people.PIN)
    operator.post("/v1/users", phone=phone, pin=pin, name=name, roles=["shopper"])
    identify(operator, phone, name)
    wallet = open_wallet(api.sign_in(phone, pin), "VIETTEL")["account_id"]
    agent = api.sign_in(people.AGENTS[0].phone, people.PIN)
    agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=wallet, amount=50_000)
    shopper = phones("shopper")
    shopper.page.fill("#phone", phone)
    shopper.page.fill("#pin", pin)
    shopper.page.click("button.main")
    shopper.waits_for("Tháng này còn dùng được 100.000.000 đ")
    paste(shopper, sticker)
    shopper.page.fill("#amount", "7000")
    shopper.page.get_by_role("button", name="Trả 7.000 đ").click()
    shopper.page.wait_for_selector("#receipt")
    shopper.tap("Xong")
    shopper.waits_for("Tháng này còn dùng được 99.993.000 đ")


@pytest.fixture
def looking_at_the_sticker(playwright: Playwright, sticker: str, tmp_path: Path) -> Iterator[Browser]:
    """A browser whose camera sees the stall's sticker: a film of two pictures, again and again."""
    film = tmp_path / "sticker.y4m"
    code = Image.open(io.BytesIO(qr_image.png(sticker))).convert("L")
    picture = Image.new("L", (640, 480), 255)
    picture.paste(code.resize((420, 420), Image.Resampling.LANCZOS), (110, 30))
    # Grey: brightness for each of its points, and no colour for every four.
    frame = b"FRAME\n" + picture.tobytes() + b"\x80" * (640 * 480 // 2)
    film.write_bytes(b"YUV4MPEG2 W640 H480 F5:1 Ip A1:1 C420jpeg\n" + 2 * frame)
    seen = playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[*FLAGS, "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film}"],
    )
    yield seen
    seen.close()


def test_the_camera_reads_the_sticker_by_itself(
    looking_at_the_sticker: Browser, stack: Any, merchant: dict[str, Any], money: str
) -> None:
    context = looking_at_the_sticker.new_context(base_url=stack.gateway_url, locale="vi-VN", viewport=SCREEN)
    context.grant_permissions(["camera"])
    context.set_default_timeout(WAIT_MS_MAX)
    shopper = Phone(context, context.new_page())
    shopper.page.goto("/shopper/")
    shopper.sign_in(SHOPPER.phone)
    shopper.tap("Quét mã QR")
    # Nobody touches anything: who is paid is shown because the camera saw it.
    shopper.page.wait_for_selector("#payee")
    assert merchant["name"] in shopper.text("#payee")
    context.close()
