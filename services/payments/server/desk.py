"""Reversals, which take two operators; and debts."""

from __future__ import annotations

from cho.payments.v1 import desk_pb2 as pb

from kit.clock import now_ms
from kit.errors import AccountNotFound, FourEyes, InvalidArgument, NotFound, PaymentNotFound, WrongState
from kit.ids import is_id
from kit.rpc.call import Call
from services.payments import transfer
from services.payments.server.common import (
    NOTE_MAX,
    body_hash,
    id_of,
    intent_of,
    page_limit,
    posted_view,
    text,
    transfer_view,
)  # fmt: skip
from services.payments.store.ledger import Ledger, Movement, Order, Proposal, after_write, key_time

REVERSE = "reverse"
# How long a second person has.
LIFE_MS = 3 * 86_400_000
_STATES = {
    "proposed": pb.PROPOSAL_STATE_PROPOSED, "approved": pb.PROPOSAL_STATE_APPROVED,
    "rejected": pb.PROPOSAL_STATE_REJECTED, "expired": pb.PROPOSAL_STATE_EXPIRED,
}  # fmt: skip
# How ids of transfers begin that can be undone.
_PREFIXES = ("pay", "trf")


class DeskServicer:
    """See protos/cho/payments/v1/desk.proto."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def ProposeReversal(self, request: pb.ProposeReversalRequest, call: Call) -> pb.ProposeReversalResponse:
        key_time(request.request_id)
        reason = text(request.reason, "reason", NOTE_MAX)
        if not reason:
            raise InvalidArgument("a reversal needs a reason")
        undone = await self._transfer(request.transfer_id)
        _check_reversible(undone)
        # From the client's id: sent again, it is the same proposal.
        proposal_id = f"prp_{request.request_id.replace('-', '')}"
        await self._ledger.propose(
            proposal_id, REVERSE, undone.transfer_id, call.caller.sub, now_ms() + LIFE_MS, reason,
            intent_of(call, reason=reason),
        )  # fmt: skip
        with after_write():
            proposal = await self._proposal(proposal_id)
        return pb.ProposeReversalResponse(reversal=_view(proposal), transfer=transfer_view(undone))

    async def ApproveReversal(self, request: pb.ApproveReversalRequest, call: Call) -> pb.ApproveReversalResponse:
        proposal = await self._proposal(request.proposal_id)
        if proposal.proposed_by == call.caller.sub:
            raise FourEyes("you proposed it: a second operator has to approve")
        undone = await self._transfer(proposal.target)
        parties = await self._ledger.accounts([undone.from_account, undone.to_account])
        source, target = (party.telecom if party else "" for party in parties)
        posted = await self._ledger.post(
            Order(
                op=REVERSE, caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=undone.amount, fee=undone.fee,
                legs=transfer.undo(
                    undone.op, undone.from_account, undone.to_account, undone.amount, undone.fee, source, target
                ),
                related=undone.transfer_id, guard="proposal",
                guard_key=self._ledger.proposal_key(proposal.proposal_id), guard_value=call.caller.sub,
                intent=intent_of(call, reference=undone.reference, reason=proposal.reason),
            )
        )  # fmt: skip
        made = posted_view(
            posted, REVERSE, undone.amount, undone.from_account, undone.to_account,
            reference=undone.reference, related=undone.transfer_id,
        )  # fmt: skip
        return pb.ApproveReversalResponse(transfer=made)

    async def RejectReversal(self, request: pb.RejectReversalRequest, call: Call) -> pb.RejectReversalResponse:
        proposal = await self._proposal(request.proposal_id)
        intent = intent_of(call, reason=text(request.reason, "reason", NOTE_MAX))
        await self._ledger.decline(proposal.proposal_id, "rejected", call.caller.sub, intent)
        with after_write():
            return pb.RejectReversalResponse(reversal=_view(await self._proposal(proposal.proposal_id)))

    async def GetReversal(self, request: pb.GetReversalRequest, call: Call) -> pb.GetReversalResponse:
        proposal = await self._proposal(request.proposal_id)
        undone = await self._ledger.transfer(proposal.target)
        return pb.GetReversalResponse(reversal=_view(proposal), transfer=transfer_view(undone) if undone else None)

    async def ListReversals(self, request: pb.ListReversalsRequest, call: Call) -> pb.ListReversalsResponse:
        waiting = await self._ledger.open_proposals(page_limit(request.limit), REVERSE)
        return pb.ListReversalsResponse(reversals=[_view(one) for one in waiting])

    async def ListDebts(self, request: pb.ListDebtsRequest, call: Call) -> pb.ListDebtsResponse:
        limit = page_limit(request.limit)
        accounts = await self._ledger.accounts(await self._ledger.debts())
        debts = [
            pb.Debt(account_id=account.account_id, owner_id=account.owner, owed=-account.balance)
            for account in accounts
            if account is not None and account.balance < 0
        ]
        debts.sort(key=lambda debt: (-debt.owed, debt.account_id))
        return pb.ListDebtsResponse(
            debts=debts[:limit], total=sum(debt.owed for debt in debts), debtors=len({d.owner_id for d in debts})
        )

    async def _transfer(self, transfer_id: str) -> Movement:
        if not any(is_id(transfer_id, prefix) for prefix in _PREFIXES):
            raise PaymentNotFound("there is no such transfer, or it is none that can be undone")
        found = await self._ledger.transfer(transfer_id)
        if found is None:
            raise PaymentNotFound("there is no such transfer, or it is older than the ledger keeps them")
        return found

    async def _proposal(self, proposal_id: str) -> Proposal:
        found = await self._ledger.proposal(id_of(proposal_id, "prp", "proposal_id", NotFound))
        if found is None or found.op != REVERSE:
            raise NotFound("there is no such proposal")
        return found


def _check_reversible(undone: Movement) -> None:
    """Says now what the ledger would refuse later. Raises WrongState, AccountNotFound."""
    if undone.op not in transfer.REVERSIBLE:
        raise WrongState(f"a transfer of this kind cannot be undone: {undone.op}")
    if undone.state == "reversed":
        raise WrongState("it was undone already")
    if undone.refunded:
        raise WrongState("a part of it was given back already: refund the rest")
    if undone.to_account.startswith("reserve:"):
        raise AccountNotFound("a telecom's own deposit is taken out again by its officer (Defund)")


def _view(proposal: Proposal) -> pb.Reversal:
    view = pb.Reversal(
        proposal_id=proposal.proposal_id, state=_STATES[proposal.state], transfer_id=proposal.target,
        proposed_by=proposal.proposed_by, decided_by=proposal.decided_by, reason=proposal.reason,
    )  # fmt: skip
    view.proposed_at.FromMilliseconds(proposal.made_ms)
    view.expires_at.FromMilliseconds(proposal.expires_ms)
    return view
