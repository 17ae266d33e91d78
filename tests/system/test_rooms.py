"""Requests, codes, holds, reversals, disbursements, webhooks and statements through the front door of a whole stack."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli import disburse, people
from cli.api import Api, ApiError
from kit.ids import new_key
from services.payments.card import webhook
from services.settlement import trust
from tests.payments.test_webhooks import Receiver
from tests.waiting import until

pytestmark = pytest.mark.system
Audited = Callable[[], Any]


def refused(attempt: Callable[[], Any]) -> str:
    with pytest.raises(ApiError) as error:
        attempt()
    return error.value.code


@pytest.fixture(scope="module")
def checker(api: Api) -> Api:
    return api.sign_in(people.CHECKER.phone, people.PIN)


def test_an_amount_that_is_asked_for_is_paid_once(
    people_: dict[str, Api], wallet: str, merchant: dict[str, Any]
) -> None:
    vendor, shopper = people_["vendor"], people_["shopper"]
    path = f"/v1/merchants/{merchant['merchant_id']}/requests"
    asked = vendor.post(path, request_id=new_key(), amount=35_000, reference="HD-35")["request"]
    seen = shopper.post("/v1/qr/inspect", payload=asked["qr_payload"])
    assert (seen["request_state"], seen["amount"]) == ("REQUEST_STATE_OPEN", "35000")
    pay = lambda: shopper.post(  # noqa: E731
        "/v1/payments", idempotency_key=new_key(), wallet_id=wallet, qr_payload=asked["qr_payload"]
    )
    assert pay()["payment"]["verdict"] == "FULL"
    assert refused(pay) == "REQUEST_PAID"
    assert vendor.get(f"{path}/HD-35")["request"]["state"] == "REQUEST_STATE_PAID"


def test_an_orders_code_tells_what_was_asked(people_: dict[str, Api], wallet: str, merchant: dict[str, Any]) -> None:
    shopper, merchant_id = people_["shopper"], merchant["merchant_id"]
    product = people_["vendor"].post(
        "/v1/products", request_id=new_key(), merchant_id=merchant_id, name="Chè móc câu", unit="kg", price=250_000,
        description="", stock=50,
    )["product"]  # fmt: skip
    order = until(lambda: _order(shopper, merchant_id, product["product_id"]))
    until(lambda: shopper.post("/v1/qr/inspect", payload=order["qr_payload"])["request_state"] == "REQUEST_STATE_OPEN")
    paid = shopper.post(
        "/v1/payments", idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant_id, amount=200_000,
        reference=order["code"],
    )["payment"]  # fmt: skip
    assert (paid["verdict"], paid["asked"]) == ("SHORT", "250000")


def _order(shopper: Api, merchant_id: str, product_id: str) -> Any:
    try:
        items = [{"product_id": product_id, "quantity": 1}]
        return shopper.post("/v1/orders", request_id=new_key(), merchant_id=merchant_id, items=items)["order"]
    except ApiError:
        return None


def test_a_code_that_the_shopper_shows_and_a_hold_that_the_vendor_weighs(
    people_: dict[str, Api], wallet: str, merchant: dict[str, Any]
) -> None:
    vendor, shopper, merchant_id = people_["vendor"], people_["shopper"], merchant["merchant_id"]
    code = shopper.post("/v1/codes", wallet_id=wallet, ceiling=60_000)["code"]
    redeem = lambda: vendor.post(  # noqa: E731
        "/v1/codes/redeem", idempotency_key=new_key(), merchant_id=merchant_id, code=code, amount=58_000
    )
    assert redeem()["payment"]["amount"] == "58000"
    assert refused(redeem) == "CODE_USED"
    hold = shopper.post(
        "/v1/holds", idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant_id, amount=90_000
    )["hold"]
    taken = vendor.post(f"/v1/holds/{hold['transfer_id']}/capture", idempotency_key=new_key(), amount=81_000)
    assert taken["payment"]["code"] == hold["code"]
    assert shopper.get(f"/v1/holds/{hold['transfer_id']}")["hold"]["refunded"] == "81000"


def test_two_operators_undo_a_transfer(people_: dict[str, Api], wallet: str, checker: Api) -> None:
    shopper, operator = people_["shopper"], people_["operator"]
    other = people_["stranger"].get("/v1/me/accounts")["accounts"][0]["account_id"]
    sent = shopper.post(
        "/v1/transfers", idempotency_key=new_key(), wallet_id=wallet, to_wallet_id=other, amount=20_000
    )["transfer"]
    before = int(shopper.get(f"/v1/accounts/{wallet}")["account"]["balance"])
    proposed = operator.post(
        f"/v1/transfers/{sent['transfer_id']}/reversals", request_id=new_key(), reason="chuyển nhầm"
    )["reversal"]
    path = f"/v1/reversals/{proposed['proposal_id']}/approve"
    assert refused(lambda: operator.post(path, idempotency_key=new_key())) == "FOUR_EYES"
    checker.post(path, idempotency_key=new_key())
    assert int(shopper.get(f"/v1/accounts/{wallet}")["account"]["balance"]) == before + 20_000


def test_an_organisation_pays_many_from_a_file(
    api: Api, people_: dict[str, Api], checker: Api, tmp_path: Path, audited: Audited
) -> None:
    treasurer = api.sign_in(people.TREASURER.phone, people.PIN)
    rows = [f"{person.phone},{50_000 + n},TC{n},Trợ cấp" for n, person in enumerate(people.SHOPPERS)]
    file = tmp_path / "tro-cap.csv"
    file.write_text("\n".join(["Số điện thoại,Số tiền,Mã,Ghi chú", *rows, "0999999999,1,X,"]), encoding="utf-8")
    made = disburse.submit(treasurer, file, "Trợ cấp tháng 11")
    assert (made["lines"], made["bad"], made["total"]) == (4, 1, "150003")
    path = f"/v1/disbursements/{made['disbursement_id']}"
    checker.post(f"{path}/approve", sha256=made["sha256"])
    until(lambda: treasurer.get(path)["disbursement"]["state"] == "DISBURSEMENT_STATE_DONE")
    lines = treasurer.get(f"{path}/lines")["lines"]
    assert [line["state"] for line in lines] == ["LINE_STATE_PAID"] * 3 + ["LINE_STATE_BAD"]
    assert b"LINE" not in treasurer.download(f"{path}/result")
    audited()


def test_a_merchants_own_system_is_told_and_can_check_who_tells(
    people_: dict[str, Api], wallet: str, merchant: dict[str, Any]
) -> None:
    vendor, receiver = people_["vendor"], Receiver()
    receiver.answers = [500]
    made = vendor.post(f"/v1/merchants/{merchant['merchant_id']}/webhooks", url=receiver.url)
    paid = [
        people_["shopper"].post(
            "/v1/payments", idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant["merchant_id"],
            amount=amount,
        )["payment"]["transfer_id"]
        for amount in (11_000, 12_000)
    ]  # fmt: skip
    until(lambda: len(receiver.got) == 3)
    told = [json.loads(body)["transfer_id"] for _, body in receiver.got]
    assert told == [paid[0], paid[0], paid[1]], "the first was not taken at first"
    headers, body = receiver.got[0]
    webhook.verify(body, headers["cho-signature"], made["secret"], int(time.time()))
    path = f"/v1/webhooks/{made['webhook']['webhook_id']}"
    listed = until(lambda: _delivered(vendor, path))
    assert [one["attempts"] for one in listed] == [1, 2]
    vendor.http.delete(path).raise_for_status()
    receiver.close()


def test_a_merchants_own_system_is_told_of_its_goods(people_: dict[str, Api], merchant: dict[str, Any]) -> None:
    vendor, receiver, merchant_id = people_["vendor"], Receiver(), merchant["merchant_id"]
    made = vendor.post(f"/v1/merchants/{merchant_id}/webhooks", url=receiver.url, topics=["WEBHOOK_TOPIC_GOODS"])
    product = vendor.post(
        "/v1/products", request_id=new_key(), merchant_id=merchant_id, name="Chè", unit="kg", price=250_000, stock=20
    )["product"]["product_id"]
    of_it = lambda: [one for one in receiver.got if json.loads(one[1])["product_id"] == product]  # noqa: E731
    until(lambda: len(of_it()) == 1)
    vendor.http.patch(f"/v1/products/{product}", json={"price": 260_000}).raise_for_status()
    until(lambda: len(of_it()) == 2)
    first, dearer = (json.loads(body) for _, body in of_it())
    assert (first["state"], first["price"], first["available"]) == ("published", 250_000, 20_000)
    assert (dearer["price"], dearer["changed"]["price"], dearer["changed"]["state"]) == (260_000, 2, 1)
    headers, body = of_it()[1]
    webhook.verify(body, headers["cho-signature"], made["secret"], int(time.time()))
    hook = f"/v1/webhooks/{made['webhook']['webhook_id']}"
    assert {one["type"] for one in until(lambda: _delivered(vendor, hook))} == {"goods.changed"}
    vendor.http.delete(hook).raise_for_status()
    receiver.close()


def _delivered(vendor: Api, path: str) -> Any:
    found = vendor.get(f"{path}/deliveries")["deliveries"]
    return found if all(one["state"] == "DELIVERY_STATE_DELIVERED" for one in found) else None


def test_a_statement_has_what_was_just_paid_and_ties_with_the_balance(
    people_: dict[str, Api], wallet: str, merchant: dict[str, Any]
) -> None:
    shopper = people_["shopper"]
    for amount in (1_000, 2_000, 3_000):
        paid = shopper.post(
            "/v1/payments", idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant["merchant_id"],
            amount=amount,
        )  # fmt: skip
        seen = shopper.get(f"/v1/accounts/{wallet}/statement", page_size=1)
        assert seen["lines"][0]["transfer_id"] == paid["payment"]["transfer_id"]
        assert seen["closing_balance"] == seen["lines"][0]["balance"]
    account = shopper.get(f"/v1/accounts/{wallet}")["account"]
    assert int(seen["closing_balance"]) - int(seen["lines"][0]["held"]) == int(account["balance"])
    text = shopper.download(f"/v1/accounts/{wallet}/statement.csv").decode("utf-8-sig")
    assert text.splitlines()[-1].split(",")[5] == seen["closing_balance"]
    at = shopper.get(f"/v1/accounts/{wallet}/balance-at", at=seen["lines"][0]["at"])
    assert at["balance"] == seen["closing_balance"]


def test_a_trust_statement_of_an_open_day_is_refused_and_its_public_key_is_for_everybody(
    api: Api, people_: dict[str, Api]
) -> None:
    today = (datetime.now(UTC) + timedelta(hours=7)).date().isoformat()
    assert refused(lambda: people_["officer"].get(f"/v1/trust/VIETTEL/{today}")) == "WRONG_STATE"
    (key,) = httpx.get(f"{api.http.base_url}/v1/trust/keys").json()["keys"]
    assert (key["kty"], key["crv"], "d" in key) == ("OKP", "Ed25519", False)
    with pytest.raises(trust.NotTrusted):
        trust.verify("a.b.c", {"keys": [key]})
