"""What settles: movements that settlement asks for, corrections of two people, and telecoms' net debit caps."""

from __future__ import annotations

import asyncio

from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import scheme_pb2 as pb

from kit.clock import now_ms
from kit.errors import DomainError, InvalidArgument, NotFound
from kit.ids import is_id
from kit.rpc.call import Call
from services.payments import limits, transfer
from services.payments.server.common import NOTE_MAX, REFERENCE_MAX, body_hash, intent_of, text
from services.payments.store.ledger import Ledger, Order, after_write

MOVEMENTS_MAX = 500
CAP_MAX = 1 << 52


class SchemeServicer:
    """See protos/cho/payments/v1/scheme.proto."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def Move(self, request: pb.MoveRequest, call: Call) -> pb.MoveResponse:
        if not 1 <= len(request.movements) <= MOVEMENTS_MAX:
            raise InvalidArgument(f"1 to {MOVEMENTS_MAX} movements at once")
        outcomes = await asyncio.gather(*(self._move(movement, call) for movement in request.movements))
        return pb.MoveResponse(outcomes=outcomes)

    async def ProposeCorrection(self, request: pb.ProposeCorrectionRequest, call: Call) -> pb.ProposeCorrectionResponse:
        if not is_id(request.proposal_id, "prp") or not request.break_id or not request.proposed_by:
            raise InvalidArgument("proposal_id, break_id and proposed_by are needed")
        reason = text(request.reason, "reason", NOTE_MAX)
        await self._ledger.propose(
            request.proposal_id, "correct", request.break_id, request.proposed_by, request.expires_ms, reason,
            Intent(caller_id=request.proposed_by, reason=reason, request_id=call.request_id),
        )  # fmt: skip
        return pb.ProposeCorrectionResponse()

    async def GetAvailable(self, request: pb.GetAvailableRequest, call: Call) -> pb.GetAvailableResponse:
        if not 1 <= len(request.account_ids) <= MOVEMENTS_MAX:
            raise InvalidArgument(f"1 to {MOVEMENTS_MAX} accounts at once")
        accounts = await self._ledger.accounts(request.account_ids)
        return pb.GetAvailableResponse(
            available=[max(0, one.balance) if one and one.state == "open" else 0 for one in accounts]
        )

    async def GetLiquidity(self, request: pb.GetLiquidityRequest, call: Call) -> pb.GetLiquidityResponse:
        if not call.has("operator", "auditor") and request.telecom != call.caller.institution:
            raise NotFound("there is no such telecom, or it is not yours")
        return pb.GetLiquidityResponse(liquidity=await self._liquidity(request.telecom))

    async def MoveLiquidity(self, request: pb.MoveLiquidityRequest, call: Call) -> pb.MoveLiquidityResponse:
        call.require_fresh_pin(_now_s(), limits.STEP_UP_WITHIN_S)
        telecom, amount = _telecom(request.telecom), request.amount
        if amount == 0:
            raise InvalidArgument("amount: what was deposited, or less than nothing for what was taken back")
        into = amount > 0
        posted = await self._ledger.post(
            Order(
                op="liquidity_in" if into else "liquidity_out", caller=call.caller.sub, key=request.idempotency_key,
                body_hash=body_hash(request), amount=abs(amount), fee=0,
                legs=(transfer.liquidity_in if into else transfer.liquidity_out)(telecom, abs(amount)),
                intent=intent_of(call, reference=text(request.reference, "reference", REFERENCE_MAX)),
            )
        )  # fmt: skip
        with after_write():
            return pb.MoveLiquidityResponse(transfer_id=posted.transfer_id, liquidity=await self._liquidity(telecom))

    async def SetNetDebitCap(self, request: pb.SetNetDebitCapRequest, call: Call) -> pb.SetNetDebitCapResponse:
        call.require_fresh_pin(_now_s(), limits.STEP_UP_WITHIN_S)
        telecom = _telecom(request.telecom)
        if not 0 <= request.net_debit_cap <= CAP_MAX or (request.uncapped and request.net_debit_cap):
            raise InvalidArgument("net_debit_cap is 0 or more đồng, or uncapped")
        await self._ledger.set_cap(telecom, None if request.uncapped else request.net_debit_cap, intent_of(call))
        with after_write():
            return pb.SetNetDebitCapResponse(liquidity=await self._liquidity(telecom))

    async def _move(self, movement: pb.Movement, call: Call) -> pb.MoveOutcome:
        try:
            posted = await self._ledger.post(self._order(movement, call))
        except DomainError as refused:
            return pb.MoveOutcome(code=refused.code, message=refused.message)
        return pb.MoveOutcome(transfer_id=posted.transfer_id, seq=posted.seq, at_ms=posted.at_ms)

    def _order(self, m: pb.Movement, call: Call) -> Order:
        """A movement as the ledger's order. Raises InvalidArgument where it is none."""
        correction = m.operation == "correct"
        guard = "proposal" if correction else ""
        return Order(
            op=m.operation, caller=call.caller.sub, key=m.idempotency_key, body_hash=body_hash(m),
            amount=abs(m.amount), fee=m.fee, legs=_legs(m), related=m.related_id, guard=guard,
            guard_key=self._ledger.proposal_key(m.proposal_id) if guard else "",
            guard_value=m.decided_by if guard else "",
            intent=Intent(
                caller_id=m.decided_by or call.caller.sub, request_id=call.request_id,
                reference=text(m.reference, "reference", REFERENCE_MAX), note=text(m.note, "note", NOTE_MAX),
            ),
        )  # fmt: skip

    async def _liquidity(self, telecom: str) -> pb.Liquidity:
        ids = (transfer.liquidity(_telecom(telecom)), transfer.settlement(telecom))
        deposit, position = await self._ledger.accounts(ids)
        cap = await self._ledger.cap(telecom)
        return pb.Liquidity(
            telecom=telecom, deposited=deposit.balance if deposit else 0, position=-position.balance if position else 0,
            net_debit_cap=cap or 0, uncapped=cap is None,
        )  # fmt: skip


def _legs(m: pb.Movement) -> list[transfer.Leg]:
    """Raises InvalidArgument."""
    if m.amount == 0 or m.fee < 0 or (m.amount < 0 and m.operation != "net"):
        raise InvalidArgument("amount and fee are whole đồng")
    if m.fee and not m.fee < m.amount:
        raise InvalidArgument("the fee is less than the amount")
    match m.operation:
        case "payout":
            return transfer.payout(m.account_id, m.amount, m.fee)
        case "paid":
            return transfer.paid(m.amount)
        case "unpaid":
            return transfer.unpaid(m.account_id, m.amount, m.fee)
        case "returned":
            return transfer.returned(m.account_id, m.amount)
        case "net":
            return transfer.net(m.institution, m.amount)
        case "interchange":
            return transfer.interchange(_telecom(m.institution), m.amount)
        case "correct" if transfer.SUSPENSE in (m.account_id, m.other_account_id):
            return transfer.correct(m.account_id, m.other_account_id, m.amount)
    raise InvalidArgument(f"{m.operation} is none of settlement's movements, or its accounts are not")


def _telecom(name: str) -> str:
    if name not in transfer.TELECOMS:
        raise NotFound("there is no such telecom")
    return name


def _now_s() -> int:
    return now_ms() // 1000
