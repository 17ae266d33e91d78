"""A stall's goods through the front door of a whole stack: lots, a photo, a spreadsheet, and what the audit says."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from cli.api import Api, ApiError
from kit import clock
from kit.ids import new_key
from tests.waiting import until

pytestmark = pytest.mark.system
Audited = Callable[[], Any]


def test_a_stalls_morning(people_: dict[str, Api], api: Api, merchant: dict[str, Any], audited: Audited) -> None:
    vendor, stall = people_["vendor"], f"/v1/merchants/{merchant['merchant_id']}"
    units = {unit["unit"]: unit["grams"] for unit in api.get("/v1/catalog/vocabulary")["units"]}
    assert units["lạng"] == "100"
    product = vendor.post(
        "/v1/products", request_id=new_key(), merchant_id=merchant["merchant_id"], name="Mơ rừng Chợ Mới", unit="lạng",
        price=4_000, category="fruit", draft=True,
    )["product"]  # fmt: skip
    path = f"/v1/products/{product['product_id']}"
    with pytest.raises(ApiError) as unseen:
        api.get(path)
    assert unseen.value.code == "NOT_FOUND"

    today = clock.today().isoformat()
    lot = vendor.post(
        f"{path}/lots", request_id=new_key(), quantity=12_000,
        facts={"area_code": "TNN-07", "harvest_day": today, "ocop_stars": 3, "sell_by": today},
    )["lot"]  # fmt: skip
    vendor.post(f"{path}/lots/{lot['lot_id']}/write-off", request_id=new_key(), quantity=2_000, reason="dập")
    picture = io.BytesIO()
    Image.new("RGB", (400, 300), (200, 160, 20)).save(picture, "PNG")
    photo = vendor.post(f"{path}/photos", content=base64.b64encode(picture.getvalue()).decode())
    reply = vendor.http.patch(path, json={"state": "PRODUCT_STATE_PUBLISHED"})
    assert reply.is_success

    seen = api.get(path)["product"]
    assert (seen["available"], seen["stock"], seen["price_per_kg"], seen["ocop_stars"]) == ("10000", "100", "40000", 3)
    assert seen["photos"] == [photo["address"]]
    shown = api.http.get(photo["address"])
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["cache-control"].startswith("public")
    with Image.open(io.BytesIO(shown.content)) as image:
        assert image.size == (400, 300)
    (sold,) = api.get(f"{path}/lots")["lots"]
    assert (sold["facts"]["area_code"], sold["received"]) == ("TNN-07", "0")
    until(
        lambda: any(
            p["product_id"] == product["product_id"] for p in api.get("/v1/products", query="mo rung")["products"]
        )
    )

    rows = list(csv.reader(io.StringIO(vendor.download(f"{stall}/product-sheet", format="csv").decode("utf-8-sig"))))
    place = {name: number for number, name in enumerate(rows[0])}
    for row in rows[1:]:
        if row[0] == product["product_id"]:
            row[place["Giá (đồng)"]] = "5.000"
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    content = base64.b64encode(out.getvalue().encode()).decode()
    sheet = vendor.post(f"{stall}/product-sheets", request_id=new_key(), content=content)["sheet"]
    wanted = [row for row in sheet["rows"] if row["action"] != "SHEET_ACTION_NOTHING"]
    assert [(row["action"], row["values"]) for row in wanted] == [("SHEET_ACTION_CHANGE", {"price": "5000"})]
    vendor.post(f"/v1/product-sheets/{sheet['sheet_id']}/apply")
    until(lambda: vendor.get(f"/v1/product-sheets/{sheet['sheet_id']}")["sheet"]["state"] == "SHEET_STATE_DONE")
    assert [one["price"] for one in api.get(f"{path}/prices")["prices"]] == ["4000", "5000"]

    assert vendor.http.delete(photo["address"]).is_success
    assert api.http.get(photo["address"]).status_code == 404
    assert any("of every lot" in check.name for check in audited().checks)
