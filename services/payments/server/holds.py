"""Money set aside for merchants, and payments that wait for an operator."""

from __future__ import annotations

from dataclasses import dataclass

from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import holds_pb2 as pb
from cho.payments.v1.payments_pb2 import Transfer

from kit.clock import now_ms
from kit.errors import (
    AccountNotFound,
    InvalidArgument,
    MerchantNotFound,
    PaymentNotFound,
    WrongState,
)  # fmt: skip
from kit.money import check_amount
from kit.rpc.call import Call
from services.payments import fees, transfer
from services.payments.server.common import (
    NOTE_MAX,
    REFERENCE_MAX,
    body_hash,
    check_pin,
    id_of,
    intent_of,
    not_after_ms,
    page_limit,
    posted_view,
    text,
    transfer_view,
)  # fmt: skip
from services.payments.server.directory import Directory
from services.payments.store.ledger import Ledger, Movement, Order, after_write

DEFAULT_LIFE_S, LIFE_S_MIN, LIFE_S_MAX = 86_400, 60, 30 * 86_400
# The ledger's own limit is 30 days on its clock, which may be behind ours a little.
_CLOCKS_MS = 5_000


class HoldServicer:
    """See protos/cho/payments/v1/holds.proto."""

    def __init__(self, ledger: Ledger, directory: Directory) -> None:
        self._ledger = ledger
        self._directory = directory

    async def HoldPayment(self, request: pb.HoldPaymentRequest, call: Call) -> pb.HoldPaymentResponse:
        wallet_id = id_of(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        merchant_id = id_of(request.merchant_id, "mer", "merchant_id", MerchantNotFound)
        check_amount(request.amount)
        check_pin(call, request.amount)
        reference = text(request.reference, "reference", REFERENCE_MAX)
        note = text(request.note, "note", NOTE_MAX)
        expires_ms = _expiry(request)
        await self._directory.category(merchant_id)  # that there is one
        posted = await self._ledger.post(
            Order(
                op="hold", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=0, legs=transfer.hold(wallet_id, merchant_id, request.amount),
                owner=call.caller.sub, not_after_ms=not_after_ms(request), expires_ms=expires_ms,
                device_at_ms=call.caller.device_at_s * 1000, intent=intent_of(call, reference=reference, note=note),
            )
        )  # fmt: skip
        # Sent again it is the same hold, with the end that it was given first.
        with after_write():
            held = await self._ledger.transfer(posted.transfer_id)
        hold = posted_view(
            posted, "hold", request.amount, wallet_id, merchant_id, reference=reference, note=note,
            expires_ms=held.expires_ms if held else expires_ms,
        )  # fmt: skip
        return pb.HoldPaymentResponse(hold=hold, balance=posted.first_balance)

    async def CaptureHold(self, request: pb.CaptureHoldRequest, call: Call) -> pb.CaptureHoldResponse:
        held = await self._directory.hold(request.hold_id)
        intent = intent_of(call, reference=held.reference, note=text(request.note, "note", NOTE_MAX))
        taken = _Taken(request.amount or held.amount, request.idempotency_key, body_hash(request), call.caller.sub)
        return pb.CaptureHoldResponse(payment=await self._capture(held, taken, intent))

    async def VoidHold(self, request: pb.VoidHoldRequest, call: Call) -> pb.VoidHoldResponse:
        held = await self._directory.hold(request.hold_id)
        intent = intent_of(call, reference=held.reference, note=text(request.reason, "reason", NOTE_MAX))
        owner = "" if call.has("operator") else call.caller.sub
        await self._ledger.release("void", held, owner, intent)
        return pb.VoidHoldResponse(hold=await self._now(held))

    async def GetHold(self, request: pb.GetHoldRequest, call: Call) -> pb.GetHoldResponse:
        held = await self._directory.hold(request.hold_id)
        await self._directory.require_party(held, call)
        return pb.GetHoldResponse(hold=transfer_view(held))

    # Payments that a velocity rule held

    async def ListReviews(self, request: pb.ListReviewsRequest, call: Call) -> pb.ListReviewsResponse:
        waiting = await self._ledger.in_review(page_limit(request.limit))
        return pb.ListReviewsResponse(payments=[transfer_view(held) for held in waiting])

    async def DecideReview(self, request: pb.DecideReviewRequest, call: Call) -> pb.DecideReviewResponse:
        reason = text(request.reason, "reason", NOTE_MAX)
        if not reason or request.decision not in (
            pb.DecideReviewRequest.DECISION_PASS,
            pb.DecideReviewRequest.DECISION_REFUSE,
        ):
            raise InvalidArgument("decision and reason are needed")
        held = await self._directory.payment(request.payment_id, held_too=True)
        if not held.in_review:
            raise WrongState("this payment waits for nobody")
        intent = intent_of(call, reference=held.reference, note=held.note, reason=reason)
        if request.decision == pb.DecideReviewRequest.DECISION_REFUSE:
            await self._ledger.release("void", held, "", intent)
            return pb.DecideReviewResponse(payment=await self._now(held))
        taken = _Taken(held.amount, request.idempotency_key, body_hash(request), "")
        return pb.DecideReviewResponse(payment=await self._capture(held, taken, intent))

    # Helpers

    async def _capture(self, held: Movement, taken: _Taken, intent: Intent) -> Transfer:
        """Pays what was held. `taken.owner` must own the merchant ("" for an operator)."""
        check_amount(taken.amount)
        telecom = await self._directory.telecom(held.from_account)
        fee = fees.payment_fee(taken.amount, await self._directory.category(held.to_account), now_ms())
        order = Order(
            op="capture", caller=intent.caller_id, key=taken.key, body_hash=taken.body_hash, amount=taken.amount,
            fee=fee, legs=transfer.pay(held.from_account, held.to_account, telecom, taken.amount, fee),
            owner=taken.owner, related=held.transfer_id, intent=intent,
        )  # fmt: skip
        try:
            posted = await self._ledger.post(order)
        except AccountNotFound as error:
            raise PaymentNotFound("there is no such hold, or it is not yours") from error
        return posted_view(
            posted, "capture", taken.amount, held.from_account, held.to_account,
            reference=held.reference, note=intent.note, related=held.transfer_id,
        )  # fmt: skip

    async def _now(self, held: Movement) -> Transfer:
        """What became of it. Raises OutcomeUnknown."""
        with after_write():
            found = await self._ledger.transfer(held.transfer_id)
        assert found is not None, "what was held stays for weeks"
        return transfer_view(found)


@dataclass(frozen=True, slots=True)
class _Taken:
    """How much of a hold is taken, under which key, and who must own the merchant."""

    amount: int
    key: str
    body_hash: str
    owner: str


def _expiry(request: pb.HoldPaymentRequest) -> int:
    """Until when it is asked to be held, ms. Raises InvalidArgument."""
    life_s = request.expires_in_s or DEFAULT_LIFE_S
    if not LIFE_S_MIN <= life_s <= LIFE_S_MAX:
        raise InvalidArgument(f"expires_in_s must be from {LIFE_S_MIN} to {LIFE_S_MAX}, or 0 for {DEFAULT_LIFE_S}")
    return now_ms() + life_s * 1000 - (_CLOCKS_MS if life_s == LIFE_S_MAX else 0)
