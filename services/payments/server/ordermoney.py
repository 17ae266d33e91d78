"""What the orders service does with the money of its orders: takes, gives up, gives back."""

from __future__ import annotations

from typing import Any

from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import orders_pb2 as pb

from kit.clock import now_ms
from kit.errors import InvalidArgument, PaymentNotFound, PermissionDenied
from kit.money import check_amount
from kit.rpc.call import Call
from services.payments import fees, transfer
from services.payments.server.common import NOTE_MAX, body_hash, intent_of, posted_view, text
from services.payments.server.directory import Directory
from services.payments.store.ledger import Ledger, Movement, Order

# Who may: other services have no business with the money of an order.
ORDERS = "service:orders"
CAUSE_MAX = 64


class OrderMoneyServicer:
    """See protos/cho/payments/v1/orders.proto."""

    def __init__(self, ledger: Ledger, directory: Directory) -> None:
        self._ledger = ledger
        self._directory = directory

    async def CaptureForOrder(self, request: pb.CaptureForOrderRequest, call: Call) -> pb.CaptureForOrderResponse:
        _check_caller(call)
        check_amount(request.amount)
        held = _of_order(await self._directory.hold(request.hold_id), request)
        telecom = await self._directory.telecom(held.from_account)
        fee = fees.payment_fee(request.amount, await self._directory.category(held.to_account), now_ms())
        intent = _intent(call, request, held.reference, request.note)
        posted = await self._ledger.post(
            Order(
                op="capture", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=fee,
                legs=transfer.pay(held.from_account, held.to_account, telecom, request.amount, fee),
                related=held.transfer_id, intent=intent,
            )
        )  # fmt: skip
        payment = posted_view(
            posted, "capture", request.amount, held.from_account, held.to_account,
            reference=held.reference, note=intent.note, related=held.transfer_id,
        )  # fmt: skip
        return pb.CaptureForOrderResponse(payment=payment)

    async def ReleaseForOrder(self, request: pb.ReleaseForOrderRequest, call: Call) -> pb.ReleaseForOrderResponse:
        _check_caller(call)
        held = _of_order(await self._directory.hold(request.hold_id), request)
        note = text(request.reason, "reason", NOTE_MAX)
        await self._ledger.release("void", held, "", intent_of(call, reference=held.reference, note=note))
        return pb.ReleaseForOrderResponse()

    async def RefundForOrder(self, request: pb.RefundForOrderRequest, call: Call) -> pb.RefundForOrderResponse:
        _check_caller(call)
        check_amount(request.amount)
        paid = _of_order(await self._directory.payment(request.payment_id), request)
        before = request.refunded_before
        if not 0 <= before <= paid.amount:
            raise InvalidArgument("refunded_before is a part of the payment")
        # As far as the caller knows: the ledger compares (CONTENTION), after it has looked for the key.
        left = min(request.amount, paid.amount - before)
        fee = transfer.refund_fee(paid.amount, paid.fee, before, left) if left else 0
        telecom = await self._directory.telecom(paid.from_account)
        intent = _intent(call, request, paid.reference, request.reason)
        posted = await self._ledger.post(
            Order(
                op="refund", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=fee,
                legs=transfer.refund(paid.to_account, paid.from_account, telecom, request.amount, fee),
                related=paid.transfer_id, refunded_before=before, intent=intent,
            )
        )  # fmt: skip
        refund = posted_view(
            posted, "refund", request.amount, paid.to_account, paid.from_account,
            reference=paid.reference, note=intent.note, related=paid.transfer_id,
        )  # fmt: skip
        return pb.RefundForOrderResponse(refund=refund)


def _check_caller(call: Call) -> None:
    if call.caller.sub != ORDERS:
        raise PermissionDenied("only the orders service moves the money of orders")


def _of_order(found: Movement, request: Any) -> Movement:
    """`found`, where it was paid or held for this order at this stall. Raises PaymentNotFound."""
    if not request.reference or found.reference != request.reference or found.to_account != request.merchant_id:
        raise PaymentNotFound("there is no such payment of this order")
    return found


def _intent(call: Call, request: Any, reference: str, note: str) -> Intent:
    cause = text(request.cause, "cause", CAUSE_MAX)
    return intent_of(call, reference=reference, note=text(note, "note", NOTE_MAX), event_id=cause)
