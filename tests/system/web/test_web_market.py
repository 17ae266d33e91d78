"""The market as shoppers see it: a product by its link, where it comes from, what narrows a search, the basket."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from cli import people
from cli.api import Api
from kit import clock
from kit.ids import new_key
from tests.system.web.conftest import Phone, violations
from tests.system.web.test_web_stories import SHOPPER
from tests.waiting import until

pytestmark = pytest.mark.system

VENDOR = list(people.vendors().values())[2]
NAME, WORDS = "Trám đen Định Hóa", "tram den dinh hoa"
SMALL = {"width": 320, "height": 568}


@pytest.fixture(scope="module")
def vendor(api: Api) -> Api:
    return api.sign_in(VENDOR.phone, people.PIN)


@pytest.fixture(scope="module")
def stall(vendor: Api) -> dict[str, Any]:
    return dict(vendor.get("/v1/me/merchants")["merchants"][0])


@pytest.fixture(scope="module")
def product(api: Api, vendor: Api, stall: dict[str, Any]) -> dict[str, Any]:
    """Of one lot that says where it comes from, with a photo, and found by the search."""
    made = vendor.post(
        "/v1/products", request_id=new_key(), merchant_id=stall["merchant_id"], name=NAME, unit="kg", price=87_000,
        category="fruit",
    )["product"]  # fmt: skip
    path, today = f"/v1/products/{made['product_id']}", clock.today().isoformat()
    certificate = {
        "name": "VietGAP", "number": "VG-2026-19", "issuer": "", "valid_from": "2026-01-01", "valid_to": "2099-12-31",
    }  # fmt: skip
    facts = {"area_code": "TNN-DH-19", "harvest_day": today, "ocop_stars": 4, "certificates": [certificate]}
    vendor.post(f"{path}/lots", request_id=new_key(), quantity=9_000, facts=facts)
    picture = io.BytesIO()
    Image.new("RGB", (320, 240), (30, 20, 60)).save(picture, "JPEG")
    vendor.post(f"{path}/photos", content=base64.b64encode(picture.getvalue()).decode())
    until(lambda: any(one["photos"] and one["ocop_stars"] == 4 for one in found_by_api(api)))
    return {**made, "harvested": today}


def found_by_api(api: Api) -> list[dict[str, Any]]:
    return list(api.get("/v1/products", query=WORDS)["products"])


def cards(shopper: Phone) -> Any:
    return shopper.page.locator("section.card", has_text=NAME).filter(has=shopper.page.get_by_role("link"))


def look(shopper: Phone) -> None:
    """Searches for it, and waits until it is there alone."""
    shopper.page.goto("/shopper/#/market")
    shopper.page.fill("#words", WORDS)
    shopper.page.locator("#found", has_text=re.compile(r"^1 món$")).wait_for()  # and not 41
    cards(shopper).wait_for()


def test_whoever_has_a_products_link_sees_where_it_comes_from_and_signs_in_to_order_it(
    phones: Any, product: dict[str, Any]
) -> None:
    shopper = phones("shopper")
    shopper.page.goto(f"/shopper/?product={product['product_id']}")
    assert shopper.text("#product") == NAME
    shown = shopper.text("#page")
    harvested = "/".join(reversed(product["harvested"].split("-")))
    for told in ("87.000 đ/kg", "Còn 9 kg", "Trái cây", "TNN-DH-19", harvested, "4★", "VietGAP VG-2026-19"):
        assert told in shown
    shopper.page.locator("img.photo").wait_for()
    shopper.tap("Thêm vào giỏ")
    shopper.tap("Xem giỏ và chợ")
    shopper.tap("Đăng nhập để đặt hàng")
    shopper.sign_in(SHOPPER.phone)
    shopper.page.locator("#cart", has_text=NAME).wait_for()
    assert shopper.text("#cart-total") == "87.000 đ"
    shopper.page.get_by_role("button", name="Đặt hàng").wait_for()


def test_a_link_to_what_is_not_sold_any_more_leads_to_the_market(phones: Any, product: dict[str, Any]) -> None:
    shopper = phones("shopper")
    shopper.page.goto("/shopper/?product=prd_019700000000700080000000000fffff")
    shopper.waits_for("Món này không còn bán")
    shopper.tap("Đi chợ")
    shopper.page.locator("#found").wait_for()


def test_a_search_is_narrowed_by_price_stars_category_and_stock_and_says_how_many_are_left(
    phones: Any, product: dict[str, Any]
) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    look(shopper)
    shopper.page.locator("summary", has_text="Lọc và sắp xếp").click()
    shopper.page.locator("#stars option", has_text="Từ 4 sao (1)").wait_for(state="attached")
    assert "50.000 – 99.999 đ (1)" in shopper.text("#price")
    assert "Trái cây (1)" in shopper.text("#category")
    shopper.page.fill("#words", "")
    for choice, value in (("#stars", "4"), ("#category", "fruit"), ("#price", "50000-99999")):
        with shopper.page.expect_response(lambda reply: "facets=true" in reply.url):
            shopper.page.select_option(choice, value)
        cards(shopper).wait_for()
    with shopper.page.expect_response(lambda reply: "in_stock=true" in reply.url):
        shopper.page.check("#stock")
    shopper.page.locator("summary", has_text="4 điều kiện").wait_for()
    cards(shopper).wait_for()
    # Back from the product, what was chosen is as it was.
    cards(shopper).get_by_role("link").click()
    shopper.page.locator("#product").wait_for()
    shopper.page.go_back()
    cards(shopper).wait_for()
    assert shopper.page.input_value("#stars") == "4"
    shopper.page.fill("#words", "khong co mon nay dau")
    shopper.page.locator("#none").wait_for()
    shopper.tap("Bỏ lọc")
    shopper.page.locator("summary", has_text="điều kiện").wait_for(state="detached")


@pytest.fixture
def held_every_day(api: Api, people_: dict[str, Api], stall: dict[str, Any]) -> Iterator[None]:
    """The stall's market is held on each day of the moon."""
    operator, path = people_["operator"], f"/v1/markets/{stall['market_id']}"

    def change(days: dict[str, Any]) -> None:
        operator.post(f"{path}/change", version=operator.get(path)["market"]["version"], market_days=days)

    change({"rule": "MARKET_DAY_RULE_LUNAR", "days": list(range(1, 31))})
    today = clock.today().isoformat()
    until(lambda: api.get("/v1/products", query=WORDS, market_day=today)["products"])
    yield
    change({"rule": "MARKET_DAY_RULE_UNKNOWN"})


def test_the_market_of_the_day_is_one_choice_with_its_lunar_date(
    phones: Any, product: dict[str, Any], held_every_day: None
) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    look(shopper)
    assert "âm lịch" in shopper.text("#day")
    with shopper.page.expect_response(lambda reply: "market_day=" in reply.url) as asked:
        shopper.page.select_option("#day", index=1)
    assert asked.value.ok
    cards(shopper).wait_for()


def test_what_became_dearer_while_it_was_in_the_basket_is_said_before_it_is_ordered(
    phones: Any, vendor: Api, product: dict[str, Any]
) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    shopper.page.goto(f"/shopper/#/product/{product['product_id']}")
    shopper.tap("Thêm vào giỏ")
    shopper.waits_for("Đã thêm vào giỏ")
    path = f"/v1/products/{product['product_id']}"
    assert vendor.http.patch(path, json={"price": 91_000}).is_success
    try:
        shopper.page.goto("/shopper/#/market")
        shopper.waits_for(f"Đã lên giá: {NAME}")
        assert shopper.text("#cart-total") == "91.000 đ"
    finally:
        assert vendor.http.patch(path, json={"price": 87_000}).is_success


def test_before_anything_is_paid_the_stalls_goods_are_in_sight(
    phones: Any, vendor: Api, stall: dict[str, Any], product: dict[str, Any]
) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    payload = vendor.download(f"/v1/merchants/{stall['merchant_id']}/qr", format="payload").decode()
    shopper.page.goto("/shopper/#/scan")
    shopper.page.fill("#pasted", payload)
    shopper.tap("Dùng mã này")
    shopper.page.locator("#sells", has_text=NAME).wait_for()
    shopper.page.get_by_role("img", name=NAME).wait_for()
    assert stall["market_name"] in shopper.text(".card")


def test_an_address_that_leads_nowhere_says_so_and_how_to_go_on(phones: Any) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    for address in ("khong-co", "%zz", "constructor"):
        shopper.page.goto(f"/shopper/#/{address}")
        shopper.page.locator("#nowhere", has_text="Không có trang này").wait_for()
    shopper.tap("Trang chính")
    shopper.page.get_by_role("button", name="Quét mã QR").wait_for()


def test_the_product_and_404_screens_can_be_used_by_everybody_on_the_smallest_phone(
    phones: Any, product: dict[str, Any]
) -> None:
    shopper = phones("shopper", bypass_csp=True, viewport=SMALL)
    for address, shown in (
        (f"product/{product['product_id']}", "#product"),
        ("market", "#found"),
        ("product/x", "#gone"),
    ):
        shopper.page.goto(f"/shopper/#/{address}")
        shopper.page.locator(shown).wait_for()
        assert shopper.page.evaluate("document.documentElement.scrollWidth") == SMALL["width"]
        assert not violations(shopper)
