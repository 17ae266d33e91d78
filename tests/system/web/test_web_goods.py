"""A stall's goods on its vendor's page, and on the shopper's market page."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from cli import people
from tests.system.web.conftest import Phone
from tests.system.web.test_web_stories import SHOPPER

pytestmark = pytest.mark.system

VENDOR = list(people.vendors().values())[1]
GOODS = "Mắc khén rừng"


def search(shopper: Phone, words: str, wanted: int) -> Any:
    """The cards of what is found, once there are so many: the search follows the catalog's events."""
    found = shopper.page.locator("section.card", has_text=GOODS)
    for _ in range(60):
        shopper.page.goto("/shopper/#/market")
        shopper.page.reload()
        with shopper.page.expect_response(lambda answer: "query=mac" in answer.url):
            shopper.page.fill("#words", words)
        shopper.page.wait_for_timeout(300)
        # None are found once the page says so: before it has drawn the answer, none are in sight either.
        if found.count() == wanted and (wanted or shopper.page.locator("#none").count()):
            return found
    pytest.fail(f"{found.count()} found, not {wanted}")


def test_a_vendor_puts_goods_on_sale_that_a_shopper_finds_without_diacritics_until_they_are_hidden(phones: Any) -> None:
    vendor, shopper = phones("vendor", VENDOR.phone), phones("shopper", SHOPPER.phone)
    vendor.tap("Hàng bán")
    vendor.tap("Thêm hàng")
    vendor.page.fill("#name", GOODS)
    vendor.page.fill("#price", "320000")
    assert vendor.page.input_value("#price") == "320.000"
    vendor.page.fill("#stock", "12")
    vendor.page.get_by_role("button", name="Đăng bán").dblclick()
    row = vendor.page.locator("#products li", has_text=GOODS)
    row.wait_for()
    assert row.count() == 1, "two taps list it once"
    found = search(shopper, "mac khen rung", 1)
    assert "320.000 đ/kg" in found.inner_text()
    assert "Còn 12 kg" in found.inner_text()

    row.get_by_role("button").click()
    vendor.page.fill("#price", "300000")
    vendor.page.fill("#stock", "0")
    vendor.tap("Lưu")
    row.get_by_text("300.000 đ/kg").wait_for()
    row.get_by_text("Hết hàng").wait_for()

    row.get_by_role("button").click()
    vendor.tap("Tạm ẩn")
    row.get_by_text("đang ẩn").wait_for()
    search(shopper, "mac khen rung", 0)

    row.get_by_role("button").click()
    vendor.tap("Thôi bán món này")
    vendor.waits_for("Thôi bán thì không đăng lại được nữa")
    vendor.tap("Thôi bán hẳn")
    row.get_by_text("đã thôi bán").wait_for()


def test_a_photo_is_shown_and_a_file_that_is_none_is_refused_in_words(phones: Any) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.tap("Hàng bán")
    vendor.page.locator("#products li button").first.click()
    photo = io.BytesIO()
    Image.new("RGB", (320, 240), (40, 120, 60)).save(photo, "JPEG")
    vendor.page.set_input_files("#photo", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": photo.getvalue()})
    shown = vendor.page.locator(".photos img")
    shown.wait_for()
    vendor.page.set_input_files("#photo", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"})
    vendor.page.locator(".banner.refused").wait_for()
    vendor.tap("Bỏ ảnh")
    shown.wait_for(state="detached")
