"""One-time codes that payers show and vendors redeem."""

from __future__ import annotations

from cho.payments.v1 import codes_pb2 as pb

from kit.clock import now_ms
from kit.config import settings
from kit.errors import AccountNotFound, CodeInvalid, MerchantNotFound, VelocityExceeded
from kit.money import check_amount
from kit.rpc.call import Call
from services.payments import codes, fees, limits, transfer
from services.payments.server.common import (
    NOTE_MAX,
    REFERENCE_MAX,
    body_hash,
    check_pin,
    id_of,
    intent_of,
    not_after_ms,
    posted_view,
    text,
)  # fmt: skip
from services.payments.server.directory import Directory
from services.payments.store.ledger import Code, Ledger, Order

_STATES = {"active": pb.CODE_STATE_ACTIVE, "used": pb.CODE_STATE_USED, "cancelled": pb.CODE_STATE_CANCELLED}


class CodeServicer:
    """See protos/cho/payments/v1/codes.proto."""

    def __init__(self, ledger: Ledger, directory: Directory) -> None:
        self._ledger = ledger
        self._directory = directory

    async def PresentCode(self, request: pb.PresentCodeRequest, call: Call) -> pb.PresentCodeResponse:
        wallet_id = id_of(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        check_amount(request.ceiling)
        check_pin(call, request.ceiling)
        _check_device(call, request.ceiling)
        code, expires_ms = codes.new_code(), now_ms() + codes.check_life(request.lives_s)
        digest = codes.digest_of(code)
        await self._ledger.put_code(digest, wallet_id, call.caller.sub, request.ceiling, expires_ms, intent_of(call))
        made = pb.PresentCodeResponse(code=code, ceiling=request.ceiling)
        made.expires_at.FromMilliseconds(expires_ms)
        return made

    async def CheckCode(self, request: pb.CheckCodeRequest, call: Call) -> pb.CheckCodeResponse:
        found = await self._own(codes.digest_of(request.code), call)
        expired = found.state == "active" and found.expires_ms <= now_ms()
        return pb.CheckCodeResponse(state=pb.CODE_STATE_EXPIRED if expired else _STATES[found.state])

    async def CancelCode(self, request: pb.CancelCodeRequest, call: Call) -> pb.CancelCodeResponse:
        digest = codes.digest_of(request.code)
        found = await self._own(digest, call)
        await self._ledger.cancel_code(digest, found.wallet_id, call.caller.sub, intent_of(call))
        return pb.CancelCodeResponse()

    async def RedeemCode(self, request: pb.RedeemCodeRequest, call: Call) -> pb.RedeemCodeResponse:
        merchant_id = id_of(request.merchant_id, "mer", "merchant_id", MerchantNotFound)
        check_amount(request.amount)
        reference = text(request.reference, "reference", REFERENCE_MAX)
        note = text(request.note, "note", NOTE_MAX)
        digest = codes.digest_of(request.code)
        found = await self._ledger.code(digest)
        if found is None:
            raise CodeInvalid("there is no such one-time code: have a new one shown")
        telecom = await self._directory.telecom(found.wallet_id)
        fee = fees.payment_fee(request.amount, await self._directory.category(merchant_id), now_ms())
        order = Order(
            op="pay", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
            amount=request.amount, fee=fee,
            legs=transfer.pay(found.wallet_id, merchant_id, telecom, request.amount, fee),
            owner=call.caller.sub, not_after_ms=not_after_ms(request),
            guard="code", guard_key=self._ledger.code_key(digest),
            intent=intent_of(call, reference=reference, note=note),
        )  # fmt: skip
        try:
            posted = await self._ledger.post(order)
        except AccountNotFound as error:
            raise MerchantNotFound("there is no such merchant, or it is not yours") from error
        payment = posted_view(
            posted, "pay", request.amount, found.wallet_id, merchant_id, reference=reference, note=note
        )
        return pb.RedeemCodeResponse(payment=payment)

    async def _own(self, digest: str, call: Call) -> Code:
        """Raises CodeInvalid, for another's too."""
        found = await self._ledger.code(digest)
        wallet = await self._ledger.account(found.wallet_id) if found else None
        if found is None or wallet is None or wallet.owner != call.caller.sub:
            raise CodeInvalid("there is no such one-time code, or it is not yours")
        return found


def _check_device(call: Call, ceiling: int) -> None:
    """Raises VelocityExceeded where the payer's device is too new for this much.

    Whoever redeems a code is at another device, and a code is over before an operator could review its payment: so it
    is the making that is refused, by the rules that are put in force in the ledger.
    """
    device_at_ms, rules = call.caller.device_at_s * 1000, limits.in_force(settings().payments_a_minute)
    if limits.needs_older_device(ceiling, device_at_ms, now_ms(), rules):
        raise VelocityExceeded("so much is too much from a new device: a lower ceiling, or pay by the stall's code")
