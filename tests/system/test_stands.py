"""A stall's sticker, from the printer to a payer's phone, through the gateway of a whole stack."""

from __future__ import annotations

from typing import Any

import pypdfium2
import pytest

from cli.api import Api, ApiError
from kit.ids import new_key
from tests.scanner import scan
from tests.waiting import until

pytestmark = pytest.mark.system


def code_of(payer: Api, wallet: str, payload: str) -> str:
    try:
        payer.post("/v1/payments", idempotency_key=new_key(), wallet_id=wallet, qr_payload=payload, amount=1_000)
    except ApiError as refused:
        return refused.code
    return ""


def printed(operator: Api, path: str) -> list[str]:
    read = []
    for page in pypdfium2.PdfDocument(operator.download(path)):
        read.append(scan(page.render(scale=2).to_pil()).text)
    return read


def elsewhere(operator: Api, merchant: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Another market than that of the stall where other tests buy, and its active merchants."""
    for market in operator.get("/v1/markets")["markets"]:
        market_id = market["market_id"]
        found = operator.get("/v1/merchants", market_id=market_id, state="MERCHANT_STATE_ACTIVE")["merchants"]
        if found and market_id != merchant["market_id"]:
            return market_id, found
    raise AssertionError("the seeds have merchants at several markets")


def test_a_reissued_sticker_is_refused_and_the_new_one_is_paid(
    people_: dict[str, Api], wallet: str, merchant: dict[str, Any], audited: Any
) -> None:
    operator, shopper = people_["operator"], people_["shopper"]
    market, listed = elsewhere(operator, merchant)
    stall = listed[0]["merchant_id"]
    (old,) = printed(operator, f"/v1/merchants/{stall}/stand.pdf")
    assert code_of(shopper, wallet, old) == ""
    assert operator.post(f"/v1/merchants/{stall}/sticker-check", payload=old)["verdict"] == "STICKER_VERDICT_OK"
    stand = operator.post(f"/v1/merchants/{stall}/stand/reissue", request_id=new_key(), reason="bị dán đè")["stand"]
    assert stand["issue"] == 2
    until(lambda: code_of(shopper, wallet, old) == "QR_REISSUED")
    with pytest.raises(ApiError, match="QR_REISSUED"):
        shopper.post("/v1/qr/inspect", payload=old)
    assert operator.post(f"/v1/merchants/{stall}/sticker-check", payload=old)["verdict"] == "STICKER_VERDICT_OLD_ISSUE"
    whole = printed(operator, f"/v1/markets/{market}/stands.pdf?format=a6")
    assert len(whole) == len(listed)
    (new,) = [payload for payload in whole if stall in payload]
    assert code_of(shopper, wallet, new) == ""
    audited()


def test_a_market_is_planned_by_its_manager_and_a_foreign_code_alarms(
    people_: dict[str, Api], api: Api, merchant: dict[str, Any]
) -> None:
    operator, market = people_["operator"], merchant["market_id"]
    (place, *_) = api.get("/v1/places", query="thi tran Hung Son", province_code="19")["places"]
    assert [ward["name"] for ward in place["now"]] == ["Xã Đại Phúc"]
    plan = operator.put(f"/v1/markets/{market}/sections", section={"code": "Z", "name": "Hàng khô"})["market"]
    assert "Z" in [section["code"] for section in plan["sections"]]
    stalls = [{"number": "Z-1", "position": {"x_cm": 100, "y_cm": 200}}]
    operator.post(f"/v1/markets/{market}/stalls", stalls=stalls)
    assert [one["number"] for one in operator.get(f"/v1/markets/{market}/stalls")["stalls"]] == ["Z-1"]
    held = {"rule": "MARKET_DAY_RULE_LUNAR", "days": [2, 7]}
    operator.post(f"/v1/markets/{market}/change", market_days=held, version=plan["version"])
    (first, *_) = api.get(f"/v1/markets/{market}/days", **{"from": "2026-02-17"})["dates"]
    assert (first["date"], first["lunar_day"]) == ("2026-02-18", 2)
    vendor, path = people_["vendor"], f"/v1/merchants/{merchant['merchant_id']}/sticker-check"
    _, (stranger, *_) = elsewhere(operator, merchant)
    payload = operator.download(f"/v1/merchants/{stranger['merchant_id']}/qr", format="payload").decode()
    said = vendor.post(path, payload=payload)
    assert said["verdict"] == "STICKER_VERDICT_FOREIGN"
    (alarm,) = operator.get(f"/v1/markets/{market}/alarms", state="ALARM_STATE_OPEN")["alarms"]
    assert (alarm["alarm_id"], alarm["detail"]) == (said["alarm_id"], stranger["merchant_id"])
    resolved = operator.post(f"/v1/alarms/{alarm['alarm_id']}/resolve", note="đã gỡ")["alarm"]
    assert resolved["state"] == "ALARM_STATE_RESOLVED"
