"""A stall is known by its photo, and a lot by who grew it: put on the vendor's phone, seen on the shopper's."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from cli import people
from cli.api import Api, ApiError
from kit import clock
from kit.ids import new_key
from tests.system.web.test_web_stories import SHOPPER, paste
from tests.waiting import until

pytestmark = pytest.mark.system
VENDOR = list(people.vendors().values())[4]
WAIT_S_MAX = 120


def test_a_payer_sees_the_photo_that_the_vendor_took_of_the_stall(phones: Any, api: Api) -> None:
    vendor, shopper = phones("vendor", VENDOR.phone), phones("shopper", SHOPPER.phone)
    own = api.sign_in(VENDOR.phone, people.PIN)
    merchant = own.get("/v1/me/merchants")["merchants"][0]
    payload = own.download(f"/v1/merchants/{merchant['merchant_id']}/qr", format="payload").decode()
    picture = io.BytesIO()
    Image.new("RGB", (800, 600), (170, 30, 30)).save(picture, "JPEG")
    vendor.tap("Mã QR của quầy")
    vendor.page.set_input_files("#stall-photo", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"})
    vendor.page.locator(".banner.refused").wait_for()
    vendor.page.set_input_files(
        "#stall-photo", {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
    )
    vendor.waits_for("Khách đã thấy ảnh này")
    paste(shopper, payload)
    photo = shopper.page.get_by_role("img", name=f"Ảnh quầy {merchant['name']}")
    photo.wait_for()
    assert photo.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [640, 480]


def taken(own: Api, product: str, grower: str) -> bool:
    """Whether a lot of the grower came in: once the catalog has heard from onboarding that the stall may sell it."""
    try:
        own.post(f"/v1/products/{product}/lots", request_id=new_key(), quantity=1_000, facts={"grower_id": grower})
    except ApiError as error:
        if error.code != "NO_RELATION":
            raise
        return False
    return True


def test_a_lot_is_told_to_shoppers_with_its_growers_name_and_commune(
    phones: Any, api: Api, people_: dict[str, Api]
) -> None:
    own = api.sign_in(VENDOR.phone, people.PIN)
    merchant, me = own.get("/v1/me/merchants")["merchants"][0], own.get("/v1/me")["user"]["user_id"]
    grower = people_["team"].post(
        "/v1/enterprises", request_id=new_key(), kind="ENTERPRISE_KIND_HOUSEHOLD", name="Vườn ông Lường",
        representative_id=me, grows=True, sells=True, ward_code="05488",
    )["enterprise"]  # fmt: skip
    parties = {"grower_id": grower["enterprise_id"], "merchant_id": merchant["merchant_id"]}
    people_["team"].post("/v1/relations", request_id=new_key(), from_day=clock.today().isoformat(), **parties)
    product = own.get(f"/v1/merchants/{merchant['merchant_id']}/products")["products"][0]["product_id"]
    until(lambda: taken(own, product, grower["enterprise_id"]), WAIT_S_MAX)  # the catalog has heard of the grower
    vendor, shopper = phones("vendor", VENDOR.phone), phones("shopper")
    vendor.page.goto(f"/vendor/#/products/{product}")
    vendor.tap("Nhập lô hàng")
    vendor.page.select_option("#lot-grower", grower["enterprise_id"])
    vendor.page.fill("#lot-quantity", "3")
    lots = vendor.page.locator("[data-lot]", has_text="Vườn ông Lường")
    vendor.page.locator("form.card button.main").click()
    lots.nth(1).wait_for()
    shopper.page.goto(f"/shopper/#/product/{product}")
    shopper.page.locator("#lots", has_text="Vườn ông Lường · Xã Đại Phúc, Thái Nguyên").first.wait_for()
