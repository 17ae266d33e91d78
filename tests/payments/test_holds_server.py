"""Holds over a real channel, and payments that wait for an operator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import holds_pb2 as hd
from cho.payments.v1 import payments_pb2 as pb

from kit.clock import now_ms
from kit.ids import new_key
from kit.ledger_event import from_fields
from services.payments import announce
from tests.payments.api import OPERATOR, Api, Person, person

pytestmark = pytest.mark.anyio

AUDITOR = person("auditor")


def hold(wallet: str, merchant: str, amount: int = 50_000, **more: Any) -> hd.HoldPaymentRequest:
    more.setdefault("idempotency_key", new_key())
    return hd.HoldPaymentRequest(wallet_id=wallet, merchant_id=merchant, amount=amount, **more)


def capture(hold_id: str, amount: int = 0, **more: Any) -> hd.CaptureHoldRequest:
    more.setdefault("idempotency_key", new_key())
    return hd.CaptureHoldRequest(hold_id=hold_id, amount=amount, **more)


def events(api: Api) -> list[Any]:
    with api.bench.redis() as client:
        client.connection_pool.connection_kwargs["decode_responses"] = False
        rows: Any = client.xrange(api.bench.keys.stream)
    return [from_fields(int(entry_id.partition(b"-")[0]), fields) for entry_id, fields in rows]


async def people(api: Api) -> tuple[Person, str, Person, str]:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    return shopper, wallet, vendor, merchant


async def test_what_is_held_is_taken_in_part_once_and_the_rest_is_the_payers_again(api: Api) -> None:
    shopper, wallet, vendor, merchant = await people(api)
    request = hold(wallet, merchant, reference="DH-1", note="cân sau")
    held = await api(shopper, "HoldPayment", request)
    assert await api(shopper, "HoldPayment", request) == held
    assert (held.balance, held.hold.state, held.hold.reference) == (50_000, pb.TRANSFER_STATE_HELD, "DH-1")
    hold_id = held.hold.transfer_id
    taking = capture(hold_id, 42_000, note="0,84 kg")
    taken = await api(vendor, "CaptureHold", taking)
    assert await api(vendor, "CaptureHold", taking) == taken
    assert (taken.payment.kind, taken.payment.amount, taken.payment.payment_id, taken.payment.reference) == (
        pb.TRANSFER_KIND_CAPTURE, 42_000, hold_id, "DH-1",
    )  # fmt: skip
    assert taken.payment.code == held.hold.code, "vendor and payer see the same three digits"
    assert (await api.bench.balance(wallet), await api.bench.balance(merchant)) == (58_000, 42_000)
    seen = (await api(shopper, "GetHold", hd.GetHoldRequest(hold_id=hold_id))).hold
    assert (seen.state, seen.refunded) == (pb.TRANSFER_STATE_CAPTURED, 42_000)
    assert await api.code(vendor, "CaptureHold", capture(hold_id, 1)) == "HOLD_CAPTURED"
    assert await api.code(vendor, "VoidHold", hd.VoidHoldRequest(hold_id=hold_id)) == "HOLD_CAPTURED"
    told = announce.moved(events(api)[-2])
    assert told is not None
    assert (told.transfer_id, told.code) == (taken.payment.transfer_id, held.hold.code)


async def test_a_hold_is_taken_in_whole_where_no_amount_is_named_and_never_above_it(api: Api) -> None:
    shopper, wallet, vendor, merchant = await people(api)
    hold_id = (await api(shopper, "HoldPayment", hold(wallet, merchant))).hold.transfer_id
    assert await api.code(vendor, "CaptureHold", capture(hold_id, 50_001)) == "CAPTURE_EXCEEDS_HOLD"
    assert (await api(vendor, "CaptureHold", capture(hold_id))).payment.amount == 50_000


async def test_capture_and_void_at_once_end_a_hold_one_way(api: Api) -> None:
    shopper, wallet, vendor, merchant = await people(api)
    for _ in range(5):
        hold_id = (await api(shopper, "HoldPayment", hold(wallet, merchant, 1_000))).hold.transfer_id
        replies = await asyncio.gather(
            api(vendor, "CaptureHold", capture(hold_id)),
            api(vendor, "VoidHold", hd.VoidHoldRequest(hold_id=hold_id)),
            api(vendor, "CaptureHold", capture(hold_id)),
            return_exceptions=True,
        )
        assert sum(not isinstance(reply, Exception) for reply in replies) == 1
    account = await api.bench.ledger.account(wallet)
    assert account is not None
    assert account.debits_pending == 0
    assert await api.bench.balance(wallet) + await api.bench.balance(merchant) == 100_000


async def test_only_the_merchant_takes_a_hold_and_only_the_merchant_or_an_operator_gives_it_up(api: Api) -> None:
    shopper, wallet, vendor, merchant = await people(api)
    stranger, _ = await api.vendor()
    hold_id = (await api(shopper, "HoldPayment", hold(wallet, merchant))).hold.transfer_id
    void = hd.VoidHoldRequest(hold_id=hold_id, reason="đổi ý")
    assert await api.code(stranger, "CaptureHold", capture(hold_id)) == "PAYMENT_NOT_FOUND"
    assert await api.code(Person(shopper.sub, ("vendor",)), "CaptureHold", capture(hold_id)) == "PAYMENT_NOT_FOUND"
    assert await api.code(stranger, "VoidHold", void) == "PAYMENT_NOT_FOUND"
    assert await api.code(stranger, "GetHold", hd.GetHoldRequest(hold_id=hold_id)) == "PAYMENT_NOT_FOUND"
    assert (await api(AUDITOR, "GetHold", hd.GetHoldRequest(hold_id=hold_id))).hold.amount == 50_000
    for _ in range(2):
        assert (await api(OPERATOR, "VoidHold", void)).hold.state == pb.TRANSFER_STATE_VOIDED
    assert await api.bench.balance(wallet) == 100_000
    assert await api.code(vendor, "CaptureHold", capture(hold_id)) == "HOLD_VOIDED"


async def test_after_its_time_nothing_is_taken_from_a_hold(api: Api) -> None:
    shopper, wallet, vendor, merchant = await people(api)
    hold_id = (await api(shopper, "HoldPayment", hold(wallet, merchant))).hold.transfer_id
    with api.bench.redis() as client:
        client.hset(api.bench.keys.transfer(hold_id), "e", now_ms() - 1)
    assert await api.code(vendor, "CaptureHold", capture(hold_id)) == "HOLD_EXPIRED"
    assert await api.bench.balance(merchant) == 0


async def test_a_hold_that_makes_no_sense_is_refused_before_its_key_is_spent(api: Api) -> None:
    shopper, wallet, vendor, merchant = await people(api)
    before = api.bench.dump()
    for life in (59, 30 * 86_400 + 1, -1):
        assert await api.code(shopper, "HoldPayment", hold(wallet, merchant, expires_in_s=life)) == "INVALID_ARGUMENT"
    assert await api.code(shopper, "HoldPayment", hold(wallet, merchant, 0)) == "AMOUNT_INVALID"
    assert await api.code(shopper, "HoldPayment", hold(wallet, wallet)) == "MERCHANT_NOT_FOUND"
    assert await api.code(vendor, "HoldPayment", hold(wallet, merchant)) == "ACCOUNT_NOT_FOUND"
    old = str(int(time.time()) - 3_600)
    high = hold(wallet, merchant, 10_000_001)
    assert await api.code(shopper, "HoldPayment", high, x_cho_pin_at=old) == "STEP_UP_NEEDED"
    assert await api.code(vendor, "CaptureHold", capture("hld_0")) == "PAYMENT_NOT_FOUND"
    assert api.bench.dump() == before
    longest = await api(shopper, "HoldPayment", hold(wallet, merchant, 1_000, expires_in_s=30 * 86_400))
    assert longest.hold.expires_at.ToMilliseconds() > now_ms() + 29 * 86_400_000


# Payments in review ----------------------------------------------------------------------------------------------


async def in_review(api: Api) -> tuple[Person, str, Person, str, pb.Transfer]:
    """A payment of 6 million from a device that is new."""
    (shopper, wallet), (vendor, merchant) = await api.shopper(8_000_000), await api.vendor()
    request = pb.PayRequest(wallet_id=wallet, merchant_id=merchant, amount=6_000_000, idempotency_key=new_key())
    paid = (await api(shopper, "Pay", request, x_cho_dev_at=str(int(time.time())))).payment
    assert (paid.in_review, paid.held_by, paid.state) == (True, "velocity-device", pb.TRANSFER_STATE_HELD)
    return shopper, wallet, vendor, merchant, paid


def decide(payment: str, decision: Any, reason: str = "hỏi người mua") -> hd.DecideReviewRequest:
    return hd.DecideReviewRequest(
        payment_id=payment, decision=decision, reason=reason, idempotency_key=new_key()
    )  # fmt: skip


PASS, REFUSE = hd.DecideReviewRequest.DECISION_PASS, hd.DecideReviewRequest.DECISION_REFUSE


async def test_a_payment_in_review_is_listed_and_an_operator_lets_it_through(api: Api) -> None:
    shopper, wallet, _, merchant, paid = await in_review(api)
    await api(shopper, "HoldPayment", hold(wallet, merchant, 1_000))  # not in review
    listed = await api(OPERATOR, "ListReviews", hd.ListReviewsRequest())
    assert [one.transfer_id for one in listed.payments] == [paid.transfer_id]
    seen = (await api(shopper, "GetPayment", pb.GetPaymentRequest(payment_id=paid.transfer_id))).payment
    assert (seen.state, seen.in_review) == (pb.TRANSFER_STATE_HELD, True)
    request = decide(paid.transfer_id, PASS)
    through = await api(OPERATOR, "DecideReview", request)
    assert await api(OPERATOR, "DecideReview", request) == through
    assert (through.payment.amount, through.payment.payment_id, through.payment.code) == (
        6_000_000, paid.transfer_id, paid.code,
    )  # fmt: skip
    assert await api.bench.balance(merchant) == 6_000_000
    assert (await api(OPERATOR, "ListReviews", hd.ListReviewsRequest())).payments == []
    taken = next(event for event in events(api) if event.op == "capture")
    intent = Intent.FromString(taken.intent)
    assert (intent.caller_id, intent.reason) == (OPERATOR.sub, "hỏi người mua")


async def test_a_payment_that_an_operator_refuses_is_the_payers_again(api: Api) -> None:
    _, wallet, _, merchant, paid = await in_review(api)
    for _ in range(2):
        over = await api(OPERATOR, "DecideReview", decide(paid.transfer_id, REFUSE))
        assert over.payment.state == pb.TRANSFER_STATE_VOIDED
    assert (await api.bench.balance(wallet), await api.bench.balance(merchant)) == (8_000_000, 0)
    assert await api.code(OPERATOR, "DecideReview", decide(paid.transfer_id, PASS)) == "HOLD_VOIDED"


async def pass_it(api: Api, held: str) -> None:
    await api(OPERATOR, "DecideReview", decide(held, PASS))


async def refuse_it(api: Api, held: str) -> None:
    await api(OPERATOR, "DecideReview", decide(held, REFUSE))


async def nobody_looks(api: Api, held: str) -> None:
    """Its day is over, and the worker sees it."""
    with api.bench.redis() as client:
        client.hset(api.bench.keys.transfer(held), "e", now_ms() - 1)
    found = await api.bench.ledger.transfer(held)
    assert found is not None
    await api.bench.ledger.release("expire", found, "", Intent(caller_id="service:payments"))


@pytest.mark.parametrize(
    ("decided", "outcome", "code", "left"),
    [
        (pass_it, pb.ResolveResponse.OUTCOME_DONE, "", 2_000_000),
        (refuse_it, pb.ResolveResponse.OUTCOME_REFUSED, "HOLD_VOIDED", 8_000_000),
        (nobody_looks, pb.ResolveResponse.OUTCOME_REFUSED, "HOLD_EXPIRED", 8_000_000),
    ],
)
async def test_who_asks_how_a_payment_in_review_ended_hears_that_it_waits_and_then_what_became_of_it(
    api: Api, decided: Callable[[Api, str], Awaitable[None]], outcome: Any, code: str, left: int
) -> None:
    """Told "refused" while it waits, the payer would pay again, and both payments could go through."""
    (shopper, wallet), (_, merchant) = await api.shopper(8_000_000), await api.vendor()
    request = pb.PayRequest(wallet_id=wallet, merchant_id=merchant, amount=6_000_000, idempotency_key=new_key())
    paid = (await api(shopper, "Pay", request, x_cho_dev_at=str(int(time.time()) - 3_600))).payment
    assert paid.in_review
    resolve = pb.ResolveRequest(kind=pb.TRANSFER_KIND_PAYMENT, idempotency_key=request.idempotency_key)
    named = {"transfer_id": paid.transfer_id, "seq": paid.seq}
    for _ in range(2):
        waits = await api(shopper, "Resolve", resolve)
        assert waits == pb.ResolveResponse(outcome=pb.ResolveResponse.OUTCOME_DONE, code="HELD", **named)
    await decided(api, paid.transfer_id)
    for _ in range(2):
        assert await api(shopper, "Resolve", resolve) == pb.ResolveResponse(outcome=outcome, code=code, **named)
    assert await api.bench.balance(wallet) == left
    # The key goes on answering what it answered, and pays nothing more.
    assert (await api(shopper, "Pay", request)).payment == paid
    assert await api.bench.balance(wallet) == left


async def test_nobody_but_an_operator_decides_and_never_without_a_reason(api: Api) -> None:
    shopper, wallet, vendor, merchant, paid = await in_review(api)
    for who in (shopper, vendor, AUDITOR):
        assert await api.code(who, "DecideReview", decide(paid.transfer_id, PASS)) == "PERMISSION_DENIED"
    assert await api.code(vendor, "CaptureHold", capture(paid.transfer_id)) == "PAYMENT_NOT_FOUND"
    assert await api.code(OPERATOR, "VoidHold", hd.VoidHoldRequest(hold_id=paid.transfer_id)) == "PAYMENT_NOT_FOUND"
    assert await api.code(OPERATOR, "DecideReview", decide(paid.transfer_id, PASS, "")) == "INVALID_ARGUMENT"
    assert await api.code(OPERATOR, "DecideReview", decide(paid.transfer_id, 0)) == "INVALID_ARGUMENT"
    refund = pb.RefundRequest(payment_id=paid.transfer_id, amount=1, idempotency_key=new_key())
    assert await api.code(vendor, "Refund", refund) == "PAYMENT_NOT_FOUND"
    other = pb.PayRequest(wallet_id=wallet, merchant_id=merchant, amount=1_000, idempotency_key=new_key())
    done = (await api(shopper, "Pay", other)).payment
    assert await api.code(OPERATOR, "DecideReview", decide(done.transfer_id, PASS)) == "WRONG_STATE"
    for limit in (-1, 101):
        assert await api.code(OPERATOR, "ListReviews", hd.ListReviewsRequest(limit=limit)) == "INVALID_ARGUMENT"
