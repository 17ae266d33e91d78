"""Vendors' requests for an amount, and the dynamic codes that they are paid by."""

from __future__ import annotations

from cho.payments.v1 import requests_pb2 as pb

from kit.clock import now_ms
from kit.errors import MerchantNotFound, RequestNotFound
from kit.money import check_amount
from kit.rpc.call import Call
from services.payments import requests
from services.payments.server.common import id_of, intent_of, request_state
from services.payments.store.ledger import Account, Ledger, Request, after_write, key_time


class RequestServicer:
    """See protos/cho/payments/v1/requests.proto."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def RequestPayment(self, request: pb.RequestPaymentRequest, call: Call) -> pb.RequestPaymentResponse:
        key_time(request.request_id)
        check_amount(request.amount)
        reference = (
            requests.check_reference(request.reference)
            if request.reference
            else requests.made_reference(request.request_id)
        )
        expires_ms = now_ms() + requests.check_life(request.expires_in_s)
        merchant = await self._own_merchant(request.merchant_id, call)
        # Before anything is asked: a request whose code cannot be made is of no use.
        _payload(merchant, reference, request.amount, expires_ms, request.purpose)
        asked = await self._ledger.ask(
            merchant.account_id, call.caller.sub, reference, request.amount, expires_ms, intent_of(call)
        )
        return pb.RequestPaymentResponse(request=_view(merchant, asked, request.purpose))

    async def GetRequest(self, request: pb.GetRequestRequest, call: Call) -> pb.GetRequestResponse:
        merchant = await self._own_merchant(request.merchant_id, call)
        return pb.GetRequestResponse(request=_view(merchant, await self._asked(merchant, request.reference)))

    async def WithdrawRequest(self, request: pb.WithdrawRequestRequest, call: Call) -> pb.WithdrawRequestResponse:
        merchant = await self._own_merchant(request.merchant_id, call)
        reference = requests.check_reference(request.reference)
        await self._ledger.withdraw(merchant.account_id, call.caller.sub, reference, intent_of(call))
        with after_write():
            return pb.WithdrawRequestResponse(request=_view(merchant, await self._asked(merchant, reference)))

    async def _asked(self, merchant: Account, reference: str) -> Request:
        found = await self._ledger.request(merchant.account_id, requests.check_reference(reference))
        if found is None:
            raise RequestNotFound("there is no such payment request")
        return found

    async def _own_merchant(self, merchant_id: str, call: Call) -> Account:
        """Raises MerchantNotFound, for another's too unless the caller is an operator."""
        found = await self._ledger.account(id_of(merchant_id, "mer", "merchant_id", MerchantNotFound))
        if found is None or (found.owner != call.caller.sub and not call.has("operator")):
            raise MerchantNotFound("there is no such merchant, or it is not yours")
        return found


def _view(merchant: Account, asked: Request, purpose: str = "") -> pb.PaymentRequest:
    view = pb.PaymentRequest(
        merchant_id=asked.merchant_id,
        reference=asked.reference,
        amount=asked.amount,
        paid=asked.paid,
        state=request_state(asked),
        qr_payload=_payload(merchant, asked.reference, asked.amount, asked.expires_ms, purpose),
    )
    view.asked_at.FromMilliseconds(asked.made_ms)
    view.expires_at.FromMilliseconds(asked.expires_ms)
    return view


def _payload(merchant: Account, reference: str, amount: int, expires_ms: int, purpose: str) -> str:
    return requests.payload(
        merchant_id=merchant.account_id, name=merchant.name, market=merchant.market, stall=merchant.stall,
        category=merchant.category, amount=amount, reference=reference, expires_ms=expires_ms, purpose=purpose,
    )  # fmt: skip
