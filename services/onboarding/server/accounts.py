"""Changes of settlement accounts: proto in, proto out."""

from __future__ import annotations

from cho.onboarding.v1 import accounts_pb2 as pb

from kit import clock, crypto
from kit.rpc.call import Call
from services.onboarding import account, store
from services.onboarding.account import Account, Change
from services.onboarding.server.views import account_view

_SEE_ALL = ("market_manager", "operator", "auditor")


class AccountServicer:
    """The RPCs of cho.onboarding.v1.AccountService; roles are enforced before they are called."""

    def ProposeAccount(self, request: pb.ProposeAccountRequest, call: Call) -> pb.ProposeAccountResponse:
        call.require_owner(store.merchant(request.merchant_id).owner_id)
        require_fresh_pin(call)
        asked = Account(
            bank_bin=request.account.bank_bin,
            number=request.account.account_number,
            name=request.account.account_name,
        )
        by = call.caller.sub
        change = store.propose_account(request.merchant_id, request.request_id, asked, by, call.traceparent)
        return pb.ProposeAccountResponse(change=_change(change))

    def ApproveAccount(self, request: pb.ApproveAccountRequest, call: Call) -> pb.ApproveAccountResponse:
        require_fresh_pin(call)
        change = store.approve_account(
            request.merchant_id, request.change_id, call.caller.sub, request.reason, call.traceparent
        )
        return pb.ApproveAccountResponse(change=_change(change))

    def CancelAccount(self, request: pb.CancelAccountRequest, call: Call) -> pb.CancelAccountResponse:
        call.require_owner(store.merchant(request.merchant_id).owner_id, "market_manager", "operator")
        by = call.caller.sub
        store.cancel_account(request.merchant_id, request.change_id, by, request.reason, call.traceparent)
        return pb.CancelAccountResponse()

    def GetAccount(self, request: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        call.require_owner(store.merchant(request.merchant_id).owner_id, *_SEE_ALL)
        current, change = store.account_of(request.merchant_id)
        return pb.GetAccountResponse(
            in_force=account_view(current.bank_bin, crypto.mask(current.number), current.name),
            change=_change(change) if change is not None else None,
        )


def require_fresh_pin(call: Call) -> None:
    """For what a thief of a token would like most. Raises StepUpNeeded."""
    call.require_fresh_pin(clock.now_ms() // 1000, account.rules().fresh_pin_s)


def _change(change: Change) -> pb.AccountChange:
    approved = change.in_force_at is not None
    view = pb.AccountChange(
        change_id=change.change_id,
        account=account_view(change.bank_bin, change.account_masked, change.account_name),
        state=pb.ACCOUNT_CHANGE_STATE_COOLING if approved else pb.ACCOUNT_CHANGE_STATE_PROPOSED,
        proposed_by=change.proposed_by,
        approved_by=change.approved_by,
        name_check=change.name_check.value,
    )
    view.proposed_at.FromDatetime(change.proposed_at)
    if change.in_force_at is not None:
        view.in_force_at.FromDatetime(change.in_force_at)
    return view
