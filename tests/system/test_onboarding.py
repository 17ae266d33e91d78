"""A merchant through a whole stack: paid from its approval, refused from its suspension, and seen by whom it may be."""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from cli import people
from cli.api import Api, ApiError
from kit.ids import new_key
from services.onboarding.seed import made_up_person

pytestmark = pytest.mark.system

People = dict[str, Api]
HEARD_S_MAX = 60


def code_of(call: Callable[[], object]) -> str:
    """The stable code that a call fails with; "" where it does not."""
    try:
        call()
    except ApiError as refused:
        return refused.code
    return ""


def seconds_until(call: Callable[[], object], code: str) -> float:
    """How long it takes until a call ends so, asking again and again."""
    began = time.monotonic()
    while code_of(call) != code:
        assert time.monotonic() - began < HEARD_S_MAX, f"{code or 'success'} never came"
    return time.monotonic() - began


@pytest.fixture(scope="module")
def checker(api: Api) -> Api:
    """The second operator."""
    return api.sign_in(people.CHECKER.phone, people.PIN)


@pytest.fixture(scope="module")
def shop(people_: People, merchant: dict[str, Any]) -> dict[str, Any]:
    """A merchant that was filled in, corrected, handed in and waits for its reviewer."""
    team = people_["team"]
    owner = team.post("/v1/users", phone="0987654999", pin="730594", name="Nguyễn Thị Chín", roles=["vendor"])["user"]
    form = {
        "request_id": new_key(), "market_id": merchant["market_id"], "stall": "E-09", "name": "Măng rừng Cô Chín",
        "category_code": "5499", "owner_id": owner["user_id"],
        "settlement_account": {
            "bank_bin": "970418", "account_number": "00077799909", "account_name": "NGUYEN THI CHIN",
        },
        **made_up_person(909, "Nguyễn Thị Chín", "0987654999"),
    }  # fmt: skip
    begun = team.post("/v1/drafts", form={"request_id": form["request_id"], "stall": "E-09"})
    assert {problem["code"] for problem in begun["problems"]} >= {"TEXT_MISSING", "CARD_DATES_MISSING"}
    whole = team.post("/v1/drafts", form=form, version=begun["merchant"]["version"])
    assert not whole.get("problems")
    # A team member needs the vendor's one-time code; an operator has the vendor before them.
    merchant_id = whole["merchant"]["merchant_id"]
    assert code_of(lambda: team.post(f"/v1/merchants/{merchant_id}/submit")) != ""
    return people_["operator"].post(f"/v1/merchants/{merchant_id}/submit")["merchant"]  # type: ignore[no-any-return]


def test_a_merchant_is_paid_from_its_approval_until_its_suspension_and_its_history_stays(
    people_: People, checker: Api, wallet: str, shop: dict[str, Any], audited: Any
) -> None:
    operator, path = people_["operator"], f"/v1/merchants/{shop['merchant_id']}"

    def pay() -> None:
        people_["shopper"].post(
            "/v1/payments", idempotency_key=new_key(), wallet_id=wallet, merchant_id=shop["merchant_id"], amount=1_000
        )

    assert code_of(lambda: operator.post(f"{path}/approve")) == "FOUR_EYES"
    checker.post(f"{path}/claim")
    checker.post(f"{path}/approve", reason="đã gặp tại chợ")
    paid_s = seconds_until(pay, "")
    operator.post(f"{path}/suspend", reason="khiếu nại")
    stopped_s = seconds_until(pay, "MERCHANT_NOT_PAYABLE")
    print(f"\napproval to first payment: {paid_s:.2f} s; suspension to first refusal: {stopped_s:.2f} s")
    told = people_["auditor"].get(f"{path}/history")["entries"]
    assert [entry["action"] for entry in told] == ["draft", "draft", "submit", "claim", "approve", "suspend"]
    assert code_of(lambda: operator.post(f"{path}/close", reason="nghỉ bán")) == "ACCOUNT_NOT_EMPTY"
    audited()


def test_personal_values_are_masked_and_shown_only_for_a_reason(people_: People, shop: dict[str, Any]) -> None:
    operator, path = people_["operator"], f"/v1/merchants/{shop['merchant_id']}"
    number = made_up_person(909, "", "")["citizen_id"]
    assert number not in str(operator.get(path))
    assert operator.post(f"{path}/reveal", field="citizen_id", reason="đối chiếu giấy tờ")["value"] == number
    (look, *_) = people_["auditor"].get(f"{path}/reveals")["reveals"]
    assert look["field"] == "citizen_id"
    assert code_of(lambda: people_["team"].post(f"{path}/reveal", field="phone", reason="xem thử cho biết")) == (
        "PERMISSION_DENIED"
    )


def test_a_refusal_says_in_vietnamese_what_to_do(people_: People) -> None:
    reply = people_["team"].http.post("/v1/citizen-cards/read", json={"payload": "không phải thẻ"})
    sentence = [one for one in reply.json()["details"] if one["@type"].endswith("LocalizedMessage")]
    assert (reply.status_code, sentence[0]["locale"]) == (400, "vi-VN")


def test_a_photo_of_a_few_hundred_kilobytes_passes_the_gateway_and_a_larger_one_does_not(people_: People) -> None:
    team = people_["team"]
    draft = team.post("/v1/drafts", form={"request_id": new_key()})["merchant"]
    out = io.BytesIO()
    Image.frombytes("RGB", (800, 600), os.urandom(800 * 600 * 3)).save(out, "JPEG")
    assert 200_000 < len(out.getvalue()) < 700 * 1024
    path = f"/v1/merchants/{draft['merchant_id']}/documents"
    kept = team.post(path, kind="stall", content=base64.b64encode(out.getvalue()).decode())
    assert (kept["width"], kept["height"]) == (800, 600)
    assert code_of(lambda: team.post(path, kind="stall", content="A" * 1_100_000)) == "BODY_TOO_LARGE"
