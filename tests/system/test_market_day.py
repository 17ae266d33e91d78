"""Search, a day of a market and a feed through the front door of a whole stack: a change is seen everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from cli.api import Api
from kit import clock
from kit.ids import new_key
from tests.waiting import until

pytestmark = pytest.mark.system
# The 21st of a lunar month, and the day after it.
HELD, NOT_HELD = "2026-11-29", "2026-11-30"


def test_what_a_stall_asks_is_found_compared_and_told_to_others(
    people_: dict[str, Api], api: Api, merchant: dict[str, Any]
) -> None:
    vendor, operator, market = people_["vendor"], people_["operator"], merchant["market_id"]
    asked = {
        "request_id": new_key(), "merchant_id": merchant["merchant_id"], "name": "Hạt dổi rừng Võ Nhai", "unit": "lạng",
        "price": 90_000, "stock": 5,
    }  # fmt: skip
    product_id = vendor.post("/v1/products", **asked)["product"]["product_id"]

    def found(**narrowed: Any) -> list[str]:
        reply = api.get("/v1/products", query="hat doi rung", market_id=market, **narrowed)
        return [product["product_id"] for product in reply["products"]]

    until(lambda: product_id in found(in_stock="true", order="SEARCH_ORDER_CHEAPEST"))
    assert "Hạt dổi rừng Võ Nhai" in api.get("/v1/products/suggest", prefix="hat do")["names"]
    assert found(within_km=1, near_latitude="10.5", near_longitude="106.5") == []

    def change(days: dict[str, Any]) -> None:
        version = operator.get(f"/v1/markets/{market}")["market"]["version"]
        operator.post(f"/v1/markets/{market}/change", version=version, market_days=days)

    change({"rule": "MARKET_DAY_RULE_LUNAR", "days": [1, 11, 21]})
    try:
        until(lambda: product_id in found(market_day=HELD))
        assert found(market_day=NOT_HELD) == []
        until(lambda: market in {one["market_id"] for one in api.get("/v1/market-days", day=HELD)["markets"]})
        assert market not in {one["market_id"] for one in api.get("/v1/market-days", day=NOT_HELD)["markets"]}
    finally:
        change({"rule": "MARKET_DAY_RULE_UNKNOWN"})

    def row() -> dict[str, Any] | None:
        rows = api.get(f"/v1/markets/{market}/prices", page_size=200)["rows"]
        return next((one for one in rows if one["cheapest_product_id"] == product_id), None)

    seen = until(row)
    assert (seen["unit"], seen["cheapest"], seen["stalls"]) == ("kg", "900000", 1)
    printed = operator.http.get(f"/v1/markets/{market}/prices.pdf", params={"day": clock.today().isoformat()})
    assert (printed.headers["content-type"], printed.content[:5]) == ("application/pdf", b"%PDF-")

    whole = api.http.get("/v1/feeds/voso.csv")
    assert int(whole.headers["x-cho-bytes"]) == len(whole.content)
    assert product_id not in whole.text  # it has no photo
    (problem,) = [
        one
        for one in vendor.get("/v1/feeds/voso.csv/problems", merchant_id=merchant["merchant_id"])["products"]
        if one["product_id"] == product_id
    ]
    assert problem["problems"] == ["NO_PHOTO", "NO_DESCRIPTION"]
    since = whole.headers["x-cho-next-since"]
    assert vendor.http.patch(f"/v1/products/{product_id}", json={"price": "80000"}).is_success
    until(lambda: (found := row()) and found["cheapest"] == "800000")
    # What is not for the world is told as gone, by its id.
    until(lambda: product_id in api.http.get("/v1/feeds/voso.csv", params={"since": since}).text)
