"""Trouble at the front door: every failure is one coded JSON error, and leaves the audit balanced."""

from __future__ import annotations

import concurrent.futures
import json
from typing import Any

import httpx
import pytest
import redis

from cli.api import Api, ApiError
from cli.stack import Stack
from cli.wallets import open_wallet
from kit.ids import new_key
from services.onboarding.seed import made_up_person
from tests.waiting import until

pytestmark = pytest.mark.system

People = dict[str, Api]


def pay(payer: Api, wallet: str, merchant: dict[str, Any], amount: Any, **more: Any) -> Any:
    body = {"idempotency_key": new_key(), "wallet_id": wallet, "merchant_id": merchant["merchant_id"], "amount": amount}
    return payer.post("/v1/payments", **(body | more))


def refused(reply: httpx.Response) -> tuple[int, str]:
    body = reply.json()
    assert set(body) <= {"code", "message", "details"}
    (info,) = [d for d in body["details"] if d["@type"].endswith("google.rpc.ErrorInfo")]
    assert info["domain"] == "cho.vn"
    return reply.status_code, info["reason"]


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, "AMOUNT_INVALID"),
        (-5, "AMOUNT_INVALID"),
        (10**12 + 1, "AMOUNT_INVALID"),
        (1.5, "INVALID_JSON"),
        (10**30, "INVALID_JSON"),
        ("abc", "INVALID_JSON"),
        ("NaN", "INVALID_JSON"),
        (90_000_000, "INSUFFICIENT_FUNDS"),
        (100_000_001, "LIMIT_EXCEEDED"),
    ],
)
def test_an_amount_that_cannot_be_paid_is_refused_with_its_code(
    people_: People, wallet: str, merchant: dict[str, Any], amount: Any, code: str, audited: Any
) -> None:
    with pytest.raises(ApiError) as refusal:
        pay(people_["shopper"], wallet, merchant, amount)
    assert refusal.value.code == code
    audited()


@pytest.mark.parametrize("spoil", [lambda p: "garbage", lambda p: p[:-7], lambda p: p[:-4] + "0000", lambda p: p * 9])
def test_a_spoiled_qr_code_pays_nobody(
    people_: People, wallet: str, merchant: dict[str, Any], spoil: Any, audited: Any
) -> None:
    payload = people_["vendor"].download(f"/v1/merchants/{merchant['merchant_id']}/qr", format="payload").decode()
    with pytest.raises(ApiError) as refusal:
        pay(people_["shopper"], wallet, {"merchant_id": ""}, 1_000, qr_payload=spoil(payload))
    assert refusal.value.code == "QR_INVALID"
    audited()


def test_nobody_a_stranger_and_a_forger_cannot_pay_from_a_wallet(
    stack: Stack, people_: People, wallet: str, merchant: dict[str, Any], audited: Any
) -> None:
    body = {"idempotency_key": new_key(), "wallet_id": wallet, "merchant_id": merchant["merchant_id"], "amount": 1}
    token = people_["shopper"].http.headers["authorization"]
    forged = token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB")
    foreign = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSIsInJvbGVzIjoic2hvcHBlciJ9."
    attempts = [({}, 401), ({"authorization": forged}, 401), ({"authorization": foreign}, 401)]
    attempts.append(({"x-cho-sub": "usr_1", "x-cho-roles": "operator", "x-cho-edge": "local-only"}, 401))
    attempts.append(({"authorization": people_["stranger"].http.headers["authorization"]}, 404))
    attempts.append(({"authorization": people_["team"].http.headers["authorization"]}, 403))
    for headers, status in attempts:
        reply = httpx.post(f"{stack.gateway_url}/v1/payments", json=body, headers=headers)
        assert reply.status_code == status, (headers, reply.text)
        refused(reply)
    audited()


def test_the_gateways_own_failures_have_the_same_shape(stack: Stack, people_: People) -> None:
    url, token = stack.gateway_url, {"authorization": people_["shopper"].http.headers["authorization"]}
    assert refused(httpx.post(f"{url}/v1/payments", content=b"{", headers=token))[0] == 400
    assert refused(httpx.get(f"{url}/v1/nothing", headers=token)) == (404, "ROUTE_NOT_FOUND")
    assert refused(httpx.delete(f"{url}/v1/payments", headers=token)) == (405, "METHOD_NOT_ALLOWED")
    big = json.dumps({"note": "x" * 70_000}).encode()
    assert refused(httpx.post(f"{url}/v1/payments", content=big, headers=token))[0] == 413
    assert httpx.post(f"{url}/cho.payments.v1.PaymentsService/CutWindow", headers=token).status_code == 404


def test_an_unapproved_and_a_suspended_merchant_cannot_be_paid(
    people_: People, wallet: str, merchant: dict[str, Any], audited: Any
) -> None:
    team, operator = people_["team"], people_["operator"]
    owner = team.post("/v1/users", phone="0987654321", pin="730594", name="Người bán mới", roles=["vendor"])["user"]
    draft = team.post(
        "/v1/merchants",
        request_id=new_key(),
        name="Gà đồi Phú Bình",
        market_id=merchant["market_id"],
        stall="D-01",
        owner_id=owner["user_id"],
        category_code="5499",
        settlement_account={"bank_bin": "970418", "account_number": "00077700011", "account_name": "NGUOI BAN"},
        **made_up_person(902, "Người bán mới", "0987654321"),
    )["merchant"]
    assert code_of(lambda: pay(people_["shopper"], wallet, draft, 1_000)) == "MERCHANT_NOT_FOUND"
    path = f"/v1/merchants/{draft['merchant_id']}"
    operator.post(f"{path}/approve")
    until(lambda: code_of(lambda: pay(people_["shopper"], wallet, draft, 1_000)) == "")
    operator.post(f"{path}/suspend", reason="khiếu nại")
    until(lambda: code_of(lambda: pay(people_["shopper"], wallet, draft, 1_000)) == "MERCHANT_NOT_PAYABLE")
    operator.post(f"{path}/reinstate", reason="đã giải quyết")
    until(lambda: code_of(lambda: pay(people_["shopper"], wallet, draft, 1_000)) == "")
    audited()


def test_a_frozen_wallet_pays_nothing_until_it_is_thawed(
    people_: People, wallet: str, merchant: dict[str, Any], audited: Any
) -> None:
    path = f"/v1/accounts/{wallet}/state"
    people_["officer"].post(path, state="ACCOUNT_STATE_FROZEN", reason="nghi ngờ gian lận")
    assert code_of(lambda: pay(people_["shopper"], wallet, merchant, 1_000)) == "ACCOUNT_FROZEN"
    people_["officer"].post(path, state="ACCOUNT_STATE_OPEN", reason="đã xác minh")
    assert code_of(lambda: pay(people_["shopper"], wallet, merchant, 1_000)) == ""
    audited()


def test_64_requests_with_one_key_are_one_payment_and_another_body_is_a_conflict(
    stack: Stack, people_: People, wallet: str, merchant: dict[str, Any], audited: Any
) -> None:
    before, key = balance(people_["shopper"], wallet), new_key()
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        replies = list(
            pool.map(
                lambda _: pay(people_["shopper"], wallet, merchant, 7_000, idempotency_key=key),
                range(64),
            )
        )
    assert all(reply == replies[0] for reply in replies)
    assert balance(people_["shopper"], wallet) == before - 7_000
    assert (
        code_of(lambda: pay(people_["shopper"], wallet, merchant, 7_001, idempotency_key=key)) == "IDEMPOTENCY_CONFLICT"
    )
    audited()


def test_64_payments_at_once_never_take_more_than_there_is(
    people_: People, merchant: dict[str, Any], audited: Any
) -> None:
    stranger = people_["stranger"]
    poor = open_wallet(stranger, "VIETTEL")["account_id"]
    people_["agent"].post("/v1/cash-in", idempotency_key=new_key(), wallet_id=poor, amount=10_000)
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        codes = list(pool.map(lambda _: code_of(lambda: pay(stranger, poor, merchant, 1_000)), range(64)))
    assert codes.count("") == 10
    assert codes.count("INSUFFICIENT_FUNDS") == 54
    assert balance(stranger, poor) == 0
    audited()


def test_an_officer_sees_their_own_institution_only(people_: People, wallet: str, merchant: dict[str, Any]) -> None:
    pay(people_["shopper"], wallet, merchant, 20_000)
    operator = people_["operator"]
    window = int(operator.get("/v1/windows", limit=1)["windows"][0]["window"])
    first = operator.post(f"/v1/windows/{window}/close")["window"]
    assert operator.post(f"/v1/windows/{window}/close")["window"] == first
    seen = {p["institution"] for p in people_["officer"].get(f"/v1/windows/{window}/positions")["positions"]}
    assert seen == {"VIETTEL"}
    everything = operator.get(f"/v1/windows/{window}/positions")["positions"]
    assert sum(int(p["net"]) for p in everything) == 0
    report = people_["officer"].download(f"/v1/windows/{window}/reports/VIETTEL").decode("utf-8-sig")
    assert report.splitlines()[-1].split(",")[-1] == next(p["net"] for p in everything if p["institution"] == "VIETTEL")
    assert code_of(lambda: people_["officer"].get(f"/v1/windows/{window}/reports/PLATFORM")) == "NOT_FOUND"


def test_the_payments_server_has_a_user_of_its_own_on_the_ledger(stack: Stack) -> None:
    with redis.Redis.from_url(stack.settings().ledger_url, decode_responses=True) as admin:
        users = [client["user"] for client in admin.client_list()]
    assert users.count("payments") == 1


def test_documentation_is_served(stack: Stack) -> None:
    document = httpx.get(f"{stack.gateway_url}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert "/v1/payments" in document["paths"]
    assert httpx.get(f"{stack.gateway_url}/docs").status_code == 200


def balance(owner: Api, account_id: str) -> int:
    return int(owner.get(f"/v1/accounts/{account_id}")["account"]["balance"])


def code_of(attempt: Any) -> str:
    """The code that an attempt is refused with; empty where it was not."""
    try:
        attempt()
    except ApiError as error:
        return error.code
    return ""


def test_a_payment_that_waits_for_an_operator_is_no_payment_of_the_books(
    people_: People, wallet: str, merchant: dict[str, Any], audited: Any
) -> None:
    held = pay(people_["shopper"], wallet, merchant, 5_000_001)["payment"]
    assert held["state"] == "TRANSFER_STATE_HELD"
    audited()
