"""What the orders service may do with the money of orders, over a real channel."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from cho.payments.v1 import holds_pb2 as hd
from cho.payments.v1 import orders_pb2 as om
from cho.payments.v1 import payments_pb2 as pb

from kit.ids import new_key
from tests.payments.api import OPERATOR, SERVICE, Api, Person, person

pytestmark = pytest.mark.anyio

ORDERS = Person("service:orders", ("service",))
CODE = "7HX2K9QD"


async def held(api: Api, amount: int = 50_000) -> tuple[Person, str, Person, str, str]:
    """Shopper, wallet, vendor, merchant, and what is held for an order."""
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    request = hd.HoldPaymentRequest(
        idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant, amount=amount, reference=CODE
    )
    return shopper, wallet, vendor, merchant, (await api(shopper, "HoldPayment", request)).hold.transfer_id


async def paid(api: Api, amount: int = 50_000) -> tuple[str, str, str]:
    """Wallet, merchant, and a payment under an order's code."""
    (shopper, wallet), (_, merchant) = await api.shopper(100_000), await api.vendor()
    request = pb.PayRequest(
        idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant, amount=amount, reference=CODE
    )
    return wallet, merchant, (await api(shopper, "Pay", request)).payment.transfer_id


def capture(hold_id: str, merchant: str, amount: int, **more: Any) -> om.CaptureForOrderRequest:
    more = {"idempotency_key": new_key(), "reference": CODE, "cause": "capture-1", **more}
    return om.CaptureForOrderRequest(hold_id=hold_id, merchant_id=merchant, amount=amount, **more)


def refund(payment_id: str, merchant: str, amount: int, **more: Any) -> om.RefundForOrderRequest:
    more = {"idempotency_key": new_key(), "reference": CODE, "cause": "refund-1", **more}
    return om.RefundForOrderRequest(payment_id=payment_id, merchant_id=merchant, amount=amount, **more)


async def test_a_hold_of_an_order_is_taken_once_in_part_and_asked_again_answered_the_same(api: Api) -> None:
    _, wallet, _, merchant, hold_id = await held(api)
    asked = capture(hold_id, merchant, 42_000)
    first = await api(ORDERS, "CaptureForOrder", asked)
    assert await api(ORDERS, "CaptureForOrder", asked) == first
    assert (first.payment.amount, first.payment.reference, first.payment.payment_id) == (42_000, CODE, hold_id)
    assert (await api.bench.balance(wallet), await api.bench.balance(merchant)) == (58_000, 42_000)
    assert await api.code(ORDERS, "CaptureForOrder", capture(hold_id, merchant, 1)) == "HOLD_CAPTURED"
    asked.amount = 1
    assert await api.code(ORDERS, "CaptureForOrder", asked) == "IDEMPOTENCY_CONFLICT"


async def test_more_than_is_held_is_not_taken_and_what_is_given_up_never(api: Api) -> None:
    _, wallet, _, merchant, hold_id = await held(api)
    assert await api.code(ORDERS, "CaptureForOrder", capture(hold_id, merchant, 50_001)) == "CAPTURE_EXCEEDS_HOLD"
    release = om.ReleaseForOrderRequest(hold_id=hold_id, merchant_id=merchant, reference=CODE, reason="hết hàng")
    for _ in range(2):
        await api(ORDERS, "ReleaseForOrder", release)
    assert await api.bench.balance(wallet) == 100_000
    assert await api.code(ORDERS, "CaptureForOrder", capture(hold_id, merchant, 1)) == "HOLD_VOIDED"


async def test_a_refund_that_knows_too_little_gives_nothing_back_and_spends_no_key(api: Api) -> None:
    wallet, merchant, payment_id = await paid(api)
    by_hand = pb.RefundRequest(payment_id=payment_id, idempotency_key=new_key(), amount=10_000, reason="x")
    await api(OPERATOR, "Refund", by_hand)
    blind = refund(payment_id, merchant, 50_000)
    assert await api.code(ORDERS, "RefundForOrder", blind) == "CONTENTION"
    rest = refund(payment_id, merchant, 40_000, refunded_before=10_000)
    first = await api(ORDERS, "RefundForOrder", rest)
    assert await api(ORDERS, "RefundForOrder", rest) == first, "though it is refunded by now"
    assert await api.code(ORDERS, "RefundForOrder", blind) == "CONTENTION"
    too_much = refund(payment_id, merchant, 1, refunded_before=50_000)
    assert await api.code(ORDERS, "RefundForOrder", too_much) == "REFUND_EXCEEDS_PAYMENT"
    assert await api.code(ORDERS, "RefundForOrder", refund(payment_id, merchant, 1, refunded_before=50_001)) == (
        "INVALID_ARGUMENT"
    )
    assert (await api.bench.balance(wallet), await api.bench.balance(merchant)) == (100_000, 0)


async def test_many_refunds_at_once_that_know_the_same_give_one_back(api: Api) -> None:
    wallet, merchant, payment_id = await paid(api)
    replies = await asyncio.gather(
        *(api(ORDERS, "RefundForOrder", refund(payment_id, merchant, 10_000)) for _ in range(8)),
        return_exceptions=True,
    )
    assert sum(not isinstance(reply, Exception) for reply in replies) == 1
    assert await api.bench.balance(wallet) == 60_000


async def test_only_orders_may_and_only_what_was_paid_or_held_for_the_order_at_its_stall(api: Api) -> None:
    shopper, _, vendor, merchant, hold_id = await held(api)
    _, other = await api.vendor()
    asked = capture(hold_id, merchant, 1)
    for who in (shopper, vendor, SERVICE, OPERATOR, person("auditor")):
        assert await api.code(who, "CaptureForOrder", asked) == "PERMISSION_DENIED"
    for wrong in ({"reference": "OTHER"}, {"reference": ""}, {"merchant_id": other}):
        fields = {"merchant": merchant, **wrong}
        target = fields.pop("merchant_id", fields.pop("merchant"))
        assert await api.code(ORDERS, "CaptureForOrder", capture(hold_id, target, 1, **fields)) == "PAYMENT_NOT_FOUND"
        release = om.ReleaseForOrderRequest(
            hold_id=hold_id, merchant_id=target, reference=fields.get("reference", CODE)
        )
        assert await api.code(ORDERS, "ReleaseForOrder", release) == "PAYMENT_NOT_FOUND"
    _, merchant, payment_id = await paid(api)
    for who in (SERVICE, OPERATOR):
        assert await api.code(who, "RefundForOrder", refund(payment_id, merchant, 1)) == "PERMISSION_DENIED"
    assert await api.code(ORDERS, "RefundForOrder", refund(payment_id, other, 1)) == "PAYMENT_NOT_FOUND"
    assert await api.code(ORDERS, "RefundForOrder", refund(payment_id, merchant, 1, reference="OTHER")) == (
        "PAYMENT_NOT_FOUND"
    )
    assert await api.code(ORDERS, "RefundForOrder", refund(hold_id, merchant, 1)) == "PAYMENT_NOT_FOUND"
