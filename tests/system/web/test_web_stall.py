"""A stall's paperwork on its vendor's phone: goods by a sheet, drafts, lots, the day's end, how far an order is."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

from cli import people
from cli.api import Api
from kit import clock
from kit.ids import new_key
from tests.system.web.conftest import Phone, drawn, violations
from tests.system.web.test_web_stories import SHOPPER, money, said

pytestmark = pytest.mark.system
__all__ = ["money"]

VENDOR = list(people.vendors().values())[3]
TITLE, NAME, UNIT, PRICE, STOCK = 0, "Tên mặt hàng", "Đơn vị tính", "Giá (đồng)", "Tồn kho"
SMALL = {"width": 320, "height": 568}


@pytest.fixture(scope="module")
def own(api: Api) -> Api:
    return api.sign_in(VENDOR.phone, people.PIN)


@pytest.fixture(scope="module")
def stall(own: Api) -> dict[str, Any]:
    return dict(own.get("/v1/me/merchants")["merchants"][0])


def goods(own: Api, stall: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = own.get(f"/v1/merchants/{stall['merchant_id']}/products", page_size=100)["products"]
    return {one["name"]: one for one in found}


def money_of(text: str) -> int:
    """ "75.000 đ" in đồng."""
    return int(re.sub(r"\D", "", text))


def send(vendor: Phone, rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    file = {"name": "mat-hang.csv", "mimeType": "text/csv", "buffer": text.getvalue().encode()}
    vendor.page.set_input_files("#sheet", file)


def test_a_sheet_says_row_by_row_what_it_would_do_and_does_it_only_when_told(
    phones: Any, own: Api, stall: dict[str, Any]
) -> None:
    vendor = phones("vendor", VENDOR.phone)
    before = goods(own, stall)
    vendor.tap("Hàng bán")
    vendor.tap("Sửa nhiều món bằng bảng tính")
    with vendor.page.expect_download() as download:
        vendor.page.get_by_role("link", name="Tải CSV").click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    titles, first, second = rows[TITLE], rows[1], rows[2]
    column = {title: titles.index(title) for title in (NAME, UNIT, PRICE, STOCK)}
    dearer = int(first[column[PRICE]]) + 1_000
    first[column[PRICE]], second[column[PRICE]] = str(dearer), "mười nghìn"
    new = [""] * len(titles)
    for title, text in ((NAME, "Măng khô Na Hang"), (UNIT, "kg"), (PRICE, "210000"), (STOCK, "7")):
        new[column[title]] = text
    send(vendor, [titles, first, second, new])

    vendor.page.locator("#sheet-would").wait_for()
    would = vendor.text("#sheet-would")
    for line in ("1 món mới", "1 món đổi", "0 món giữ nguyên", "1 dòng sai", "Chưa có gì thay đổi"):
        assert line in would
    assert "Giá (đồng)" in vendor.text('[data-row="3"]'), "which cell is wrong is said"
    changed = vendor.page.locator('[data-row="2"]')
    assert (
        changed.locator("del")
        .inner_text()
        .startswith(f"{int(before[first[column[NAME]]]['price']):,}".replace(",", "."))
    )
    assert goods(own, stall) == before, "a dry run changes nothing"

    vendor.page.reload()  # the phone was put away meanwhile
    vendor.tap("Áp dụng 2 dòng")
    vendor.page.locator("#sheet-done", has_text="Đã áp dụng 2 dòng").wait_for()
    after = goods(own, stall)
    assert int(after[first[column[NAME]]]["price"]) == dearer
    assert (after["Măng khô Na Hang"]["price"], after["Măng khô Na Hang"]["stock"]) == ("210000", "7")
    assert after[second[column[NAME]]] == before[second[column[NAME]]], "what was wrong is left as it was"
    assert vendor.page.locator("#sheet-rows [aria-label='đã áp dụng']").count() == 2


def test_a_file_that_is_no_sheet_or_too_large_is_refused_in_words(phones: Any, stall: dict[str, Any]) -> None:
    vendor = phones("vendor", VENDOR.phone)
    vendor.page.goto("/vendor/#/sheet")
    for content in (b"\x00\x01 nothing of use", b"x" * (700 * 1024 + 1)):
        vendor.page.set_input_files("#sheet", {"name": "x.xlsx", "mimeType": "text/csv", "buffer": content})
        vendor.page.locator(".banner.refused").wait_for()
        vendor.page.reload()
        vendor.page.locator("#how").wait_for()


def test_a_draft_is_seen_by_nobody_until_it_is_published_and_its_lot_says_where_it_comes_from(
    phones: Any, api: Api, own: Api, stall: dict[str, Any]
) -> None:
    vendor, today = phones("vendor", VENDOR.phone), clock.today().isoformat()
    vendor.page.goto("/vendor/#/products/new")
    vendor.page.fill("#name", "Mật mía Phú Lương")
    vendor.page.fill("#price", "64000")
    vendor.page.fill("#stock", "0")
    vendor.tap("Lưu nháp, chưa đăng")
    row = vendor.page.locator("#products li", has_text="Mật mía Phú Lương")
    row.get_by_text("bản nháp").wait_for()
    product_id = goods(own, stall)["Mật mía Phú Lương"]["product_id"]
    assert api.http.get(f"/v1/products/{product_id}").status_code == 404

    row.get_by_role("button").click()
    vendor.tap("Đăng bán")
    row.get_by_text("Hết hàng").wait_for()
    row.get_by_role("button").click()
    vendor.tap("Nhập lô hàng")
    vendor.page.fill("#lot-quantity", "2,5")
    vendor.page.fill("#lot-harvested", today)
    vendor.page.fill("#lot-area", "TNN-PL-03")
    vendor.page.select_option("#lot-stars", "3")
    vendor.page.locator("form.card button.main").click()
    lot = vendor.page.locator("[data-lot]", has_text="TNN-PL-03")
    lot.wait_for()
    [seen] = api.get(f"/v1/products/{product_id}/lots")["lots"]
    assert (seen["facts"]["harvest_day"], seen["facts"]["ocop_stars"]) == (today, 3)
    assert api.get(f"/v1/products/{product_id}")["product"]["available"] == "2500"

    lot.get_by_role("button", name="Ghi hao hụt").click()
    lot.get_by_label("Mất bao nhiêu (kg)").fill("9")
    lot.get_by_label("Lý do").fill("chảy")
    lot.locator("button.danger").click()
    vendor.page.locator(".banner.refused").wait_for()  # more than there is
    lot.get_by_label("Mất bao nhiêu (kg)").fill("0,4")
    lot.locator("button.danger").click()
    lot.locator("form").wait_for(state="detached")
    assert api.get(f"/v1/products/{product_id}")["product"]["available"] == "2100"


def test_the_days_end_adds_up_to_what_the_ledger_says_and_is_said_aloud(
    phones: Any, api: Api, own: Api, stall: dict[str, Any], money: str
) -> None:
    shopper = api.sign_in(SHOPPER.phone, people.PIN)
    path = f"/v1/accounts/{stall['merchant_id']}/statement"
    for amount in (33_000, 47_000):
        body = {"wallet_id": money, "merchant_id": stall["merchant_id"], "amount": amount}
        shopper.post("/v1/payments", idempotency_key=new_key(), **body)
    paid = shopper.get(f"/v1/accounts/{money}/transfers")["transfers"][0]["transfer_id"]
    own.post(f"/v1/payments/{paid}/refunds", idempotency_key=new_key(), amount=7_000, reason="cân thiếu")
    vendor = phones("vendor", VENDOR.phone)
    vendor.tap("Sổ hôm nay")
    vendor.tap("Tổng kết cuối ngày")
    while True:  # again where midnight came between the two
        vendor.page.reload()
        day = clock.today()
        vendor.page.locator("#evening-received").wait_for()
        lines = own.get(path, **{"from": f"{day}T00:00:00+07:00", "page_size": 200})["lines"]
        if clock.today() == day:
            break
    came = [int(one["amount"]) for one in lines if one["operation"] == "pay"]
    back = [int(one["amount"]) for one in lines if one["operation"] == "refund"]
    assert money_of(vendor.text("#evening-received")) == sum(came)
    assert f"{len(came)} lần nhận" in vendor.text("#page")
    assert f"{sum(back):,} đ".replace(",", ".") in vendor.text("dl.facts")
    bars = vendor.page.locator("#hours li").all_inner_texts()
    assert sum(money_of(bar.split("h", 1)[1]) for bar in bars) == sum(came)
    vendor.tap("Đọc to")
    assert said(vendor)[-1].startswith(f"Hôm nay nhận {len(came)} khoản, tổng cộng ")


def test_how_far_an_order_is_on_its_way_is_seen_at_a_glance(
    phones: Any, api: Api, own: Api, stall: dict[str, Any], money: str
) -> None:
    buyer = api.sign_in(SHOPPER.phone, people.PIN)
    # Seeded, so that the orders service has long heard of it.
    made = next(iter(goods(own, stall).values()))
    item = {"product_id": made["product_id"], "quantity": int(made["grams_per_unit"]) or 1}
    asked = {"merchant_id": stall["merchant_id"], "items": [item], "fulfilment": "FULFILMENT_PICKUP"}
    [order] = buyer.post("/v1/checkouts", request_id=new_key(), pay="PAY_BY_QR", stalls=[asked])["orders"]
    shopper = phones("shopper", SHOPPER.phone)
    shopper.page.goto(f"/shopper/#/orders/{order['order_id']}")
    now = shopper.page.locator("#steps [aria-current=step]")
    shopper.page.locator("#steps").wait_for()
    assert now.inner_text() == "Đặt"
    body = {"wallet_id": money, "qr_payload": order["qr_payload"], "amount": int(order["total"])}
    buyer.post("/v1/payments", idempotency_key=new_key(), **body)
    shopper.page.locator("#steps [aria-current=step]", has_text="Trả tiền").wait_for()
    own.post(f"/v1/orders/{order['order_id']}/advance", to="ORDER_STATE_PREPARING")
    shopper.page.locator("#steps [aria-current=step]", has_text="Soạn").wait_for()
    assert shopper.page.locator("#steps li.past").all_inner_texts() == ["Đặt", "Trả tiền"]


@pytest.mark.parametrize("screen", ["sheet", "evening"])
def test_every_screen_can_be_used_by_who_cannot_see_or_point_on_the_smallest_phone(phones: Any, screen: str) -> None:
    vendor = phones("vendor", VENDOR.phone, bypass_csp=True, viewport=SMALL)
    vendor.page.goto(f"/vendor/#/{screen}")
    drawn(vendor)
    assert vendor.page.evaluate("document.documentElement.scrollWidth") == SMALL["width"]
    assert not violations(vendor)
