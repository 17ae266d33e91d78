"""Vendors' requests over a real channel: paying one twice, late or with another amount gets a clear answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from cho.payments.v1 import payments_pb2 as pb
from cho.payments.v1 import requests_pb2 as rq

from kit import qr
from kit.clock import now_ms
from kit.ids import new_key
from services.payments import requests
from tests.payments.api import OPERATOR, Api, Person, person

pytestmark = pytest.mark.anyio


def ask(merchant: str, amount: int = 25_000, **more: Any) -> rq.RequestPaymentRequest:
    more.setdefault("request_id", new_key())
    return rq.RequestPaymentRequest(merchant_id=merchant, amount=amount, **more)


def pay(wallet: str, payload: str = "", **more: Any) -> pb.PayRequest:
    return pb.PayRequest(wallet_id=wallet, qr_payload=payload, idempotency_key=new_key(), **more)


async def asked(api: Api, vendor: Person, merchant: str, amount: int = 25_000, **more: Any) -> rq.PaymentRequest:
    reply = await api(vendor, "RequestPayment", ask(merchant, amount, **more))
    return reply.request  # type: ignore[no-any-return]


def long_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's clock is past the end of what was asked for 30 s."""
    late_ms = now_ms() + 31_000
    monkeypatch.setattr("services.payments.server.payments.now_ms", lambda: late_ms)
    monkeypatch.setattr("services.payments.server.common.now_ms", lambda: late_ms)


async def test_a_requests_code_names_amount_and_reference_and_is_paid_in_full(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    request = await asked(api, vendor, merchant, reference="BILL-17", purpose="Rau và trứng")
    code = qr.decode(request.qr_payload)
    assert (code.merchant_id, code.amount, code.bill_number, code.purpose) == (
        merchant, 25_000, "BILL-17", "Rau va trung",
    )  # fmt: skip
    seen = await api(shopper, "InspectQr", pb.InspectQrRequest(payload=request.qr_payload))
    assert (seen.request_state, seen.expires_at) == (pb.REQUEST_STATE_OPEN, request.expires_at)
    paid = (await api(shopper, "Pay", pay(wallet, request.qr_payload))).payment
    assert (paid.amount, paid.reference, paid.verdict, paid.asked) == (25_000, "BILL-17", "FULL", 25_000)
    now = (await api(vendor, "GetRequest", rq.GetRequestRequest(merchant_id=merchant, reference="BILL-17"))).request
    assert (now.state, now.paid) == (pb.REQUEST_STATE_PAID, 25_000)
    assert now.qr_payload == (await asked(api, vendor, merchant, reference="BILL-17")).qr_payload
    seen = await api(shopper, "InspectQr", pb.InspectQrRequest(payload=request.qr_payload))
    assert seen.request_state == pb.REQUEST_STATE_PAID


async def test_a_request_paid_twice_is_refused_the_second_time_and_moves_nothing(api: Api) -> None:
    (one, wallet), (two, other), (vendor, merchant) = (
        await api.shopper(100_000), await api.shopper(100_000), await api.vendor(),
    )  # fmt: skip
    request = await asked(api, vendor, merchant)
    first = pay(wallet, request.qr_payload)
    answer = await api(one, "Pay", first)
    assert await api(one, "Pay", first) == answer
    assert await api.code(two, "Pay", pay(other, request.qr_payload)) == "REQUEST_PAID"
    assert await api.code(one, "Pay", pay(wallet, request.qr_payload)) == "REQUEST_PAID"
    assert await api.bench.balance(merchant) == 25_000


async def test_of_shoppers_who_scan_one_request_at_once_one_pays(api: Api) -> None:
    vendor, merchant = await api.vendor()
    request = await asked(api, vendor, merchant)
    shoppers = [await api.shopper(100_000) for _ in range(8)]
    replies = await asyncio.gather(
        *(api(shopper, "Pay", pay(wallet, request.qr_payload)) for shopper, wallet in shoppers), return_exceptions=True
    )
    assert sum(isinstance(reply, pb.PayResponse) for reply in replies) == 1
    assert await api.bench.balance(merchant) == 25_000


async def test_a_late_payer_is_told_so_for_ever(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    request = await asked(api, vendor, merchant, expires_in_s=30)
    long_after(monkeypatch)
    for forgotten in (False, True):
        if forgotten:  # a week later its record is gone
            with api.bench.redis() as client:
                assert client.delete(api.bench.keys.request(merchant, request.reference))
        assert await api.code(shopper, "Pay", pay(wallet, request.qr_payload)) == "REQUEST_EXPIRED"
        seen = await api(shopper, "InspectQr", pb.InspectQrRequest(payload=request.qr_payload))
        assert seen.request_state == pb.REQUEST_STATE_EXPIRED
    assert await api.bench.balance(merchant) == 0


async def test_a_payment_whose_answer_was_lost_is_told_again_after_the_requests_end(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    request = await asked(api, vendor, merchant, expires_in_s=30)
    made = pay(wallet, request.qr_payload)
    answer = await api(shopper, "Pay", made)
    long_after(monkeypatch)
    assert await api(shopper, "Pay", made) == answer
    assert await api.code(shopper, "Pay", pay(wallet, request.qr_payload)) == "REQUEST_EXPIRED"
    assert await api.bench.balance(wallet) == 75_000


async def test_who_was_told_that_a_requests_time_is_over_is_not_charged_by_an_earlier_try_that_comes_late(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    request = await asked(api, vendor, merchant, expires_in_s=30)
    late = pay(wallet, request.qr_payload)
    with monkeypatch.context() as patch:
        long_after(patch)
        for _ in range(2):  # the same again
            assert await api.code(shopper, "Pay", late) == "REQUEST_EXPIRED"
    # By a server whose clock still says that there is time.
    assert await api.code(shopper, "Pay", late) == "KEY_SPENT"
    assert await api.bench.balance(wallet) == 100_000


async def test_a_refusal_of_before_a_requests_end_is_the_one_that_is_told_after_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(1_000), await api.vendor()
    request = await asked(api, vendor, merchant, expires_in_s=30)
    refused = pay(wallet, request.qr_payload)
    assert await api.code(shopper, "Pay", refused) == "INSUFFICIENT_FUNDS"
    long_after(monkeypatch)
    assert await api.code(shopper, "Pay", refused) == "INSUFFICIENT_FUNDS"


async def test_another_amount_than_the_codes_is_refused(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    request = await asked(api, vendor, merchant)
    for amount in (24_999, 25_001):
        assert await api.code(shopper, "Pay", pay(wallet, request.qr_payload, amount=amount)) == "AMOUNT_MISMATCH"
    # Typed under the reference, a part is taken, and told as one.
    typed = await api(
        shopper, "Pay", pay(wallet, merchant_id=merchant, amount=10_000, reference=request.reference)
    )  # fmt: skip
    assert (typed.payment.verdict, typed.payment.asked) == ("SHORT", 25_000)
    assert await api.code(shopper, "Pay", pay(wallet, request.qr_payload)) == "AMOUNT_MISMATCH"
    rest = await api(shopper, "Pay", pay(wallet, merchant_id=merchant, amount=15_001, reference=request.reference))
    assert rest.payment.verdict == "OVER"


async def test_a_withdrawn_request_pays_nobody_and_a_paid_one_is_not_withdrawn(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    request = await asked(api, vendor, merchant, reference="B1")
    withdraw = rq.WithdrawRequestRequest(merchant_id=merchant, reference="B1")
    for _ in range(2):
        assert (await api(vendor, "WithdrawRequest", withdraw)).request.state == pb.REQUEST_STATE_CANCELLED
    assert await api.code(shopper, "Pay", pay(wallet, request.qr_payload)) == "REQUEST_CANCELLED"
    again = await asked(api, vendor, merchant, reference="B2")
    await api(shopper, "Pay", pay(wallet, again.qr_payload))
    withdraw.reference = "B2"
    assert await api.code(vendor, "WithdrawRequest", withdraw) == "REQUEST_PAID"
    withdraw.reference = "B3"
    assert await api.code(vendor, "WithdrawRequest", withdraw) == "REQUEST_NOT_FOUND"


async def test_the_same_request_is_one_request_and_another_amount_under_its_reference_a_conflict(api: Api) -> None:
    vendor, merchant = await api.vendor()
    request = ask(merchant)
    first, second = await api(vendor, "RequestPayment", request), await api(vendor, "RequestPayment", request)
    assert first == second
    assert first.request.reference == requests.made_reference(request.request_id)
    await asked(api, vendor, merchant, reference="B1")
    assert await api.code(vendor, "RequestPayment", ask(merchant, 25_001, reference="B1")) == "ALREADY_EXISTS"


async def test_only_the_merchants_owner_asks_and_sees(api: Api) -> None:
    (vendor, merchant), (stranger, _) = await api.vendor(), await api.vendor()
    request = await asked(api, vendor, merchant)
    seen = rq.GetRequestRequest(merchant_id=merchant, reference=request.reference)
    assert (await api(OPERATOR, "GetRequest", seen)).request == request
    assert await api.code(stranger, "GetRequest", seen) == "MERCHANT_NOT_FOUND"
    assert await api.code(stranger, "RequestPayment", ask(merchant)) == "MERCHANT_NOT_FOUND"
    withdraw = rq.WithdrawRequestRequest(merchant_id=merchant, reference=request.reference)
    assert await api.code(stranger, "WithdrawRequest", withdraw) == "MERCHANT_NOT_FOUND"
    assert await api.code(person("shopper"), "RequestPayment", ask(merchant)) == "PERMISSION_DENIED"
    _, suspended = (suspended_vendor := await api.vendor(state="frozen"))
    assert await api.code(suspended_vendor[0], "RequestPayment", ask(suspended)) == "MERCHANT_NOT_PAYABLE"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request_id", "x"), ("amount", 0), ("amount", -5), ("amount", 10**12 + 1), ("reference", "a/b"),
        ("reference", "a" * 26), ("reference", "đ"), ("expires_in_s", 29), ("expires_in_s", 90 * 86_400 + 1),
        ("expires_in_s", -1), ("purpose", "x" * 26), ("purpose", "🍅"),
    ],
)  # fmt: skip
async def test_a_request_that_makes_no_sense_is_refused_before_it_is_noted(api: Api, field: str, value: Any) -> None:
    vendor, merchant = await api.vendor()
    before, request = api.bench.dump(), ask(merchant)
    setattr(request, field, value)
    code = await api.code(vendor, "RequestPayment", request)
    assert code == ("AMOUNT_INVALID" if field == "amount" else "INVALID_ARGUMENT")
    assert api.bench.dump() == before
