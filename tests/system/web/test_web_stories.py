"""What people do with the pages, end to end, in real browsers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cli import people
from cli.api import Api
from cli.wallets import identify, open_wallet
from kit import qr
from kit.ids import new_key
from kit.qr import image as qr_image
from tests.scanner import scan
from tests.system.web.conftest import WAIT_MS_MAX, Phone, answer_lost

pytestmark = pytest.mark.system

SHOPPER, VENDOR = people.SHOPPERS[1], next(iter(people.vendors().values()))


@pytest.fixture(scope="module")
def money(api: Api, people_: dict[str, Api]) -> str:
    """The shopper's wallet, with enough for all of these tests."""
    shopper = api.sign_in(SHOPPER.phone, people.PIN)
    wallet = next(one for one in shopper.get("/v1/me/accounts")["accounts"] if one["kind"] == "ACCOUNT_KIND_WALLET")
    telecom = wallet["telecom"].removeprefix("TELECOM_")
    agent = next(agent for agent in people.AGENTS if agent.institution == telecom)
    cash_in = {"wallet_id": wallet["account_id"], "amount": 5_000_000}
    api.sign_in(agent.phone, people.PIN).post("/v1/cash-in", idempotency_key=new_key(), **cash_in)
    return str(wallet["account_id"])


@pytest.fixture(scope="module")
def sticker(people_: dict[str, Api], merchant: dict[str, Any]) -> str:
    """What the stall's static code holds."""
    return str(people_["vendor"].download(f"/v1/merchants/{merchant['merchant_id']}/qr", format="payload").decode())


def paste(phone: Phone, payload: str) -> None:
    phone.tap("Quét mã QR")
    phone.page.fill("#pasted", payload)
    phone.tap("Dùng mã này")
    phone.page.wait_for_selector("#payee")


def pay(phone: Phone, payload: str, amount: int) -> str:
    """The three digits of the receipt."""
    paste(phone, payload)
    phone.page.fill("#amount", str(amount))
    phone.page.get_by_role("button", name=re.compile("^Trả ")).click()
    phone.page.wait_for_selector("#receipt")
    return phone.text("#receipt .huge")


def until(phone: Phone, true: str) -> None:
    """Waits until the expression holds (Playwright's own waiting evaluates text, which the pages' policy forbids)."""
    for _ in range(WAIT_MS_MAX // 50):
        if phone.page.evaluate(true):
            return
        phone.page.wait_for_timeout(50)
    pytest.fail(f"never: {true}")


def listening(phone: Phone) -> None:
    phone.waits_for("Đang nghe tiền về")


def said(phone: Phone) -> list[str]:
    return list(phone.page.evaluate("globalThis.said"))


def balance(api: Api, wallet: str) -> int:
    return int(api.sign_in(SHOPPER.phone, people.PIN).get(f"/v1/accounts/{wallet}")["account"]["balance"])


def received(phone: Phone) -> int:
    return int(re.sub(r"\D", "", phone.text(".card .big")))


def test_a_shopper_pays_by_the_stalls_code_and_the_vendor_hears_it_with_the_same_three_digits(
    phones: Any, money: str, sticker: str
) -> None:
    vendor, shopper = phones("vendor", VENDOR.phone), phones("shopper", SHOPPER.phone)
    listening(vendor)
    vendor.tap("Bật loa báo tiền")
    before = received(vendor)
    code = pay(shopper, sticker, 75_000)
    row = vendor.page.locator(f'[data-id="{shopper.page.locator("#receipt").get_attribute("data-id")}"]')
    row.wait_for()
    assert "75.000 đ" in row.inner_text()
    assert code in row.inner_text()
    assert "Đã nhận bảy mươi lăm nghìn đồng" in said(vendor)
    assert before < received(vendor) <= before + 75_000  # the fee is not the vendor's
    shopper.tap("Xong")
    shopper.page.locator(".rows li").first.wait_for()
    assert "75.000" in shopper.text(".rows li:first-child")


def test_what_is_asked_for_is_scanned_from_the_vendors_screen_and_said_to_be_paid_in_full(
    phones: Any, money: str, tmp_path: Path
) -> None:
    vendor, shopper = phones("vendor", VENDOR.phone), phones("shopper", SHOPPER.phone)
    listening(vendor)
    vendor.tap("Bật loa báo tiền")
    vendor.tap("Yêu cầu tiền")
    vendor.page.fill("#amount", "50000")
    assert vendor.text("form .hint") == "năm mươi nghìn đồng"
    vendor.tap("Hiện mã cho khách quét")
    code = vendor.page.locator("img.qr")
    code.wait_for()
    until(vendor, "document.querySelector('img.qr').naturalWidth > 0")
    picture = tmp_path / "screen.png"
    vendor.page.screenshot(path=picture)
    read = scan(Image.open(picture))
    assert read.text == code.get_attribute("data-payload")
    assert qr.decode(read.text).amount == 50_000

    # From a picture of the screen, by jsQR: this browser has no reader of its own.
    shopper.tap("Quét mã QR")
    shopper.page.set_input_files("#picture", picture)
    shopper.page.wait_for_selector("#payee")
    assert shopper.page.locator("#amount").get_attribute("readonly") is not None
    shopper.page.get_by_role("button", name="Trả 50.000 đ").click()
    shopper.page.wait_for_selector("#receipt")
    vendor.waits_for("Khách đã trả đủ")
    vendor.tap("Xong")
    row = vendor.page.locator(".rows li").first
    row.get_by_text("50.000 đ").wait_for()


def test_two_taps_pay_once(phones: Any, api: Api, money: str, sticker: str) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    paste(shopper, sticker)
    shopper.page.fill("#amount", "11000")
    shopper.page.get_by_role("button", name="Trả 11.000 đ").dblclick()
    shopper.page.wait_for_selector("#receipt")
    assert balance(api, money) == before - 11_000


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key_and_paid_once(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    with answer_lost(shopper.page, "/v1/payments") as sent:
        pay(shopper, sticker, 12_000)
    assert len({json.loads(body)["idempotency_key"] for body in sent}) == 1
    assert len(sent) == 2
    assert balance(api, money) == before - 12_000


def die_while_paying(shopper: Phone, sticker: str, amount: str, *, arrives: bool) -> None:
    """The phone dies after it sent a payment, which arrives or does not; then its page is opened again."""

    def handle(route: Any) -> None:
        if arrives:
            route.fetch()
        shopper.page.goto("about:blank")

    paste(shopper, sticker)
    shopper.page.route("**/v1/payments", handle)
    shopper.page.fill("#amount", amount)
    shopper.page.locator("form button.main").click()
    shopper.page.wait_for_url("about:blank")
    shopper.page.unroute("**/v1/payments")
    shopper.page.goto("/shopper/")
    shopper.waits_for("Có khoản chưa rõ kết quả")
    shopper.tap("Hỏi lại kết quả")


def test_a_page_that_was_closed_before_the_answer_finds_out_at_its_next_start(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    die_while_paying(shopper, sticker, "13000", arrives=True)
    shopper.waits_for("Đã thực hiện xong")
    assert balance(api, money) == before - 13_000


def test_what_never_arrived_is_not_paid_later_because_somebody_asks_how_it_ended(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    die_while_paying(shopper, sticker, "13500", arrives=False)
    shopper.waits_for("Chưa có gì bị trừ")
    shopper.tap("Xong")
    shopper.page.get_by_text("Có khoản chưa rõ kết quả").wait_for(state="detached")
    assert balance(api, money) == before


def test_what_was_refused_can_be_paid_once_there_is_money(phones: Any, api: Api, sticker: str) -> None:
    phone, pin = "0987650011", "730594"
    newcomer = api.sign_in(people.OPERATOR.phone, people.PIN)
    newcomer.post("/v1/users", phone=phone, pin=pin, name="Nông Văn Hết", roles=["shopper"])
    identify(newcomer, phone, "Nông Văn Hết")
    own = api.sign_in(phone, pin)
    wallet = open_wallet(own, "VIETTEL")["account_id"]
    shopper = phones("shopper")
    shopper.page.fill("#phone", phone)
    shopper.page.fill("#pin", pin)
    shopper.page.click("button.main")
    shopper.page.get_by_role("button", name="Quét mã QR").wait_for()
    paste(shopper, sticker)
    shopper.page.fill("#amount", "7000")
    submit = shopper.page.locator("form button.main")
    submit.click()
    shopper.waits_for("Không đủ tiền trong ví")
    agent = api.sign_in(people.AGENTS[0].phone, people.PIN)
    agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=wallet, amount=50_000)
    submit.click()  # the same again: the ledger's word for the first key was no for ever
    shopper.page.wait_for_selector("#receipt")
    assert int(own.get(f"/v1/accounts/{wallet}")["account"]["balance"]) == 43_000


def test_who_signs_in_next_at_a_phone_sees_nothing_of_what_another_person_left_open(
    phones: Any, money: str, sticker: str
) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    paste(shopper, sticker)
    shopper.page.route("**/v1/payments", lambda route: shopper.page.goto("about:blank"))
    shopper.page.fill("#amount", "16000")
    shopper.page.locator("form button.main").click()
    shopper.page.wait_for_url("about:blank")
    shopper.page.unroute("**/v1/payments")
    shopper.context.clear_cookies()
    shopper.page.goto("/shopper/")
    shopper.page.wait_for_selector("#phone")
    shopper.sign_in(people.SHOPPERS[2].phone)
    shopper.page.get_by_role("button", name="Quét mã QR").wait_for()
    shopper.page.locator("h2", has_text="Lịch sử").wait_for()  # the last thing that is drawn
    assert shopper.page.get_by_text("Có khoản chưa rõ kết quả").count() == 0


def test_a_vendor_without_a_network_is_told_so_and_catches_up_without_loss_or_repetition(
    phones: Any, money: str, sticker: str
) -> None:
    vendor, shopper = phones("vendor", VENDOR.phone), phones("shopper", SHOPPER.phone)
    amounts, shown = (21_117, 22_117, 23_117), ("21.117 đ", "22.117 đ", "23.117 đ")

    def heard() -> list[int]:
        """How often each of the three stands in the list."""
        return [vendor.page.locator("#payments").get_by_text(amount).count() for amount in shown]

    listening(vendor)
    vendor.context.set_offline(True)
    vendor.waits_for("Mất mạng từ")
    for amount in amounts:
        pay(shopper, sticker, amount)
        shopper.tap("Xong")
        shopper.page.get_by_role("button", name="Quét mã QR").wait_for()
    assert heard() == [0, 0, 0]
    vendor.context.set_offline(False)
    listening(vendor)
    for amount_shown in shown:
        vendor.page.locator("#payments").get_by_text(amount_shown).wait_for()
    assert heard() == [1, 1, 1]
    total = received(vendor)
    vendor.page.reload()
    listening(vendor)
    until(vendor, f"document.querySelector('.card .big').textContent.replace(/\\D/g, '') === '{total}'")
    assert heard() == [1, 1, 1]


def test_a_payer_shows_a_one_time_code_and_the_vendor_takes_the_money_by_it(phones: Any, api: Api, money: str) -> None:
    vendor, shopper, before = phones("vendor", VENDOR.phone), phones("shopper", SHOPPER.phone), balance(api, money)
    shopper.tap("Mã thanh toán")
    shopper.tap("Tạo mã")
    digits = re.sub(r"\D", "", shopper.text("#digits"))
    vendor.tap("Quét mã của khách")
    vendor.page.fill("#amount", "31000")
    vendor.page.fill("#code", digits)
    vendor.tap("Thu 31.000 đ")
    vendor.page.locator(".card .huge").wait_for()
    shopper.waits_for("Mã đã dùng")
    assert balance(api, money) == before - 31_000
    vendor.tap("Xong")
    vendor.tap("Quét mã của khách")
    vendor.page.fill("#amount", "31000")
    vendor.page.fill("#code", digits)
    vendor.tap("Thu 31.000 đ")
    vendor.waits_for("Mã này đã dùng hoặc đã hủy")
    assert balance(api, money) == before - 31_000


def test_a_part_of_a_payment_is_given_back_from_the_vendors_page(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    vendor, shopper = phones("vendor", VENDOR.phone), phones("shopper", SHOPPER.phone)
    pay(shopper, sticker, 41_000)
    before, paid = balance(api, money), shopper.page.locator("#receipt").get_attribute("data-id")
    vendor.page.locator(f'[data-id="{paid}"]').get_by_role("button", name="Hoàn tiền").click()
    vendor.page.fill("#amount", "42000")
    vendor.tap("Hoàn lại 42.000 đ")
    vendor.waits_for("Hoàn nhiều hơn số còn lại")
    vendor.page.fill("#amount", "1000")
    vendor.tap("Hoàn lại 1.000 đ")
    vendor.waits_for("Đã hoàn lại 1.000 đ")
    assert balance(api, money) == before + 1_000


def test_a_session_that_ends_in_the_middle_asks_to_sign_in_and_pays_nothing_meanwhile(
    phones: Any, api: Api, money: str, sticker: str
) -> None:
    shopper, before = phones("shopper", SHOPPER.phone), balance(api, money)
    paste(shopper, sticker)
    shopper.context.clear_cookies()
    shopper.page.fill("#amount", "14000")
    shopper.page.get_by_role("button", name="Trả 14.000 đ").click()
    shopper.waits_for("Phiên đã hết. Đăng nhập lại.")
    assert balance(api, money) == before
    shopper.sign_in(SHOPPER.phone)
    # Back where they were, with the payee in sight.
    shopper.page.wait_for_selector("#payee")
    shopper.page.goto("/shopper/#/")
    shopper.page.get_by_role("button", name="Quét mã QR").wait_for()
    assert shopper.page.get_by_text("Có khoản chưa rõ kết quả").count() == 0, "the gateway let nothing through"
    assert balance(api, money) == before


def test_a_code_that_is_not_ours_is_refused_in_words_that_say_what_to_do(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    shopper.tap("Quét mã QR")
    shopper.page.fill("#pasted", "https://example.com/pay?to=me")
    shopper.tap("Dùng mã này")
    shopper.waits_for("Quét lại mã ở quầy")


def test_a_camera_that_is_refused_leaves_picture_and_paste(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone, permissions=[])
    shopper.tap("Quét mã QR")
    shopper.waits_for("Không mở được máy ảnh")
    shopper.page.set_input_files("#picture", {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"})
    shopper.waits_for("Không thấy mã QR trong ảnh")


def test_who_has_another_role_is_told_so(phones: Any, stack: Any) -> None:
    phone = phones("vendor")
    phone.sign_in(people.SHOPPERS[0].phone)
    phone.waits_for("Số này không có quyền dùng trang này")


def test_the_morning_scan_tells_the_own_sticker_from_one_that_was_stuck_over_it(
    phones: Any, sticker: str, tmp_path: Path
) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.tap("Mã QR của quầy")
    for name, payload, verdict in (
        ("own", sticker, "STICKER_VERDICT_OK"),
        ("foreign", qr.encode(qr.QrCode(static=True, bin="970436", account="0123456789")), "STICKER_VERDICT_FOREIGN"),
    ):
        picture = tmp_path / f"{name}.png"
        picture.write_bytes(qr_image.png(payload))
        vendor.page.set_input_files("#picture", picture)
        vendor.page.locator(f'[data-verdict="{verdict}"]').wait_for()


def test_signing_out_leaves_nothing_of_the_person_on_the_phone(phones: Any, money: str, sticker: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    pay(shopper, sticker, 15_000)
    shopper.tap("Xong")
    shopper.tap("Đăng xuất")
    shopper.page.wait_for_selector("#phone")
    assert set(shopper.page.evaluate("Object.keys(localStorage)")) <= {"cho.device", "cho.language"}
    assert {cookie["name"] for cookie in shopper.context.cookies()} == set()
