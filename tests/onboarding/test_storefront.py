"""What anybody may know of who sells and who grows, through a real gRPC channel."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import grpc
import pytest
from PIL import Image

from kit.config import settings
from kit.ids import new_id, new_key
from services.onboarding import store
from services.onboarding.form import Form
from services.onboarding.storefront.store import StallPhotoDocument
from tests.onboarding.calls import Caller, active

pytestmark = pytest.mark.usefixtures("home")

DESCRIPTION = 270  # EXIF's ImageDescription


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: None) -> None:
    StallPhotoDocument.objects.delete()
    monkeypatch.setattr(settings(), "home", tmp_path)


@pytest.fixture
def anybody(channel: grpc.Channel) -> Caller:
    return Caller(channel)


def picture(colour: str = "green", size: tuple[int, int] = (400, 300)) -> bytes:
    exif = Image.Exif()
    exif[DESCRIPTION] = "xóm Soi Vàng"
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_anybody_sees_the_newest_photo_of_a_stall_and_nothing_that_the_phone_wrote_into_it(
    vendor: Caller, anybody: Caller, registration: Form
) -> None:
    merchant = active(registration)
    assert anybody.refused("GetStallPhoto", merchant_id=merchant) == "NOT_FOUND"
    vendor("PutStallPhoto", merchant_id=merchant, content=picture())
    put = vendor("PutStallPhoto", merchant_id=merchant, content=picture("blue", (3_000, 1_500)))
    assert (put.width, put.height) == (640, 320)
    seen = anybody("GetStallPhoto", merchant_id=merchant)
    assert seen.content_type == "image/jpeg"
    with Image.open(io.BytesIO(seen.data)) as image:
        assert image.size == (640, 320)
        assert not image.getexif()
        assert image.getpixel((10, 10)) == pytest.approx((0, 0, 255), abs=8), "the newest one"
    [told] = store.data_of(registration.owner_id)["merchants"]
    assert told["stall_photo"] == put.sha256


def test_only_who_keeps_a_stall_photographs_it_and_only_one_that_can_be_paid(
    channel: grpc.Channel, vendor: Caller, operator: Caller, anybody: Caller, registration: Form
) -> None:
    merchant = active(registration)
    stranger = Caller(channel, new_id("usr"), "vendor")
    assert stranger.refused("PutStallPhoto", merchant_id=merchant, content=picture()) == "NOT_FOUND"
    assert anybody.refused("PutStallPhoto", merchant_id=merchant, content=picture()) == "UNAUTHENTICATED"
    assert vendor.refused("PutStallPhoto", merchant_id=merchant, content=b"no photo") == "DOCUMENT_REFUSED"
    assert anybody.refused("GetStallPhoto", merchant_id=merchant) == "NOT_FOUND"
    Caller(channel, new_id("usr"), "team")("PutStallPhoto", merchant_id=merchant, content=picture())
    operator("SuspendMerchant", merchant_id=merchant, reason="khiếu nại")
    assert vendor.refused("PutStallPhoto", merchant_id=merchant, content=picture()) == "WRONG_STATE"
    assert anybody.refused("GetStallPhoto", merchant_id=merchant) == "NOT_FOUND"


def registered(channel: grpc.Channel, **changes: Any) -> str:
    wanted = {
        "request_id": new_key(), "kind": "ENTERPRISE_KIND_COOPERATIVE", "name": "HTX Chè La Bằng",
        "tax_code": "0100109106", "representative_id": new_id("usr"), "grows": True, "sells": True,
        "ward_code": "05488",
    } | changes  # fmt: skip
    made = Caller(channel, new_id("usr"), "team")("RegisterEnterprise", **wanted)
    return str(made.enterprise.enterprise_id)


def test_a_growers_name_and_commune_are_public_and_nothing_else_of_it(channel: grpc.Channel, anybody: Caller) -> None:
    grower = anybody("GetGrower", enterprise_id=registered(channel)).grower
    assert (grower.name, grower.ward_name, grower.province_name) == ("HTX Chè La Bằng", "Xã Đại Phúc", "Thái Nguyên")
    assert {one.name for one, _ in grower.ListFields()} == {
        "enterprise_id", "kind", "name", "ward_name", "province_name",
    }  # fmt: skip
    nowhere = anybody("GetGrower", enterprise_id=registered(channel, kind=1, tax_code="", ward_code="99999")).grower
    assert (nowhere.ward_name, nowhere.province_name) == ("", "")


def test_who_only_sells_is_no_grower_to_anybody(channel: grpc.Channel, anybody: Caller) -> None:
    assert anybody.refused("GetGrower", enterprise_id=registered(channel, grows=False)) == "NOT_FOUND"
    assert anybody.refused("GetGrower", enterprise_id="ent_nobody") == "NOT_FOUND"
