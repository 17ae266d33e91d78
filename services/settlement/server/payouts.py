"""Payouts: what merchants are paid, the files they go out in, and payouts that a merchant asks for."""

from __future__ import annotations

from cho.payments.v1 import scheme_pb2
from cho.settlement.v1 import payouts_pb2 as pb

from kit.clock import now, now_ms
from kit.errors import IdempotencyConflict, InsufficientFunds, InvalidArgument, NotFound
from kit.ids import is_id, key_time_ms
from kit.rpc.call import Call
from services.settlement.clerk import wake
from services.settlement.payouts import plans, rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import BatchDocument, PayoutDocument
from services.settlement.server.behind import ask, scheme
from services.settlement.statements import queries
from services.settlement.statements.model import Model

PAGE_MAX, PAGE_USUAL = 200, 50
STEP_UP_S = 300
_STATES = {
    rules.PENDING: pb.PAYOUT_STATE_PENDING, rules.READY: pb.PAYOUT_STATE_READY, rules.SENT: pb.PAYOUT_STATE_SENT,
    rules.PAID: pb.PAYOUT_STATE_PAID, rules.FAILED: pb.PAYOUT_STATE_FAILED,
    rules.RETURNED: pb.PAYOUT_STATE_RETURNED, rules.CARRIED: pb.PAYOUT_STATE_CARRIED,
}  # fmt: skip
_PLANS = {pb.PAYOUT_PLAN_WINDOW: plans.WINDOW, pb.PAYOUT_PLAN_DAILY: plans.DAILY}
_BATCH_STATES = {
    "waiting": pb.BATCH_STATE_WAITING, "released": pb.BATCH_STATE_RELEASED, "sent": pb.BATCH_STATE_SENT,
    "done": pb.BATCH_STATE_DONE,
}  # fmt: skip


class PayoutServicer:
    """See protos/cho/settlement/v1/payouts.proto. `model`: knows whose account is whose."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def ListPayouts(self, request: pb.ListPayoutsRequest, call: Call) -> pb.ListPayoutsResponse:
        size = request.page_size or PAGE_USUAL
        if not 1 <= size <= PAGE_MAX:
            raise InvalidArgument(f"page_size must be from 1 to {PAGE_MAX}")
        if request.merchant_id:
            self._check_owner(request.merchant_id, call)
            found = payouts.page("payee", request.merchant_id, request.page_token, size + 1)
        elif request.window > 0 and call.has("operator", "auditor", "officer"):
            found = payouts.page("window", request.window, request.page_token, size + 1)
        else:
            raise InvalidArgument("name your merchant_id, or a window")
        following = found[size - 1].order if len(found) > size else ""
        found = found[:size]
        if not request.merchant_id and not call.has("operator", "auditor"):
            found = [one for one in found if one.bank_bin == call.caller.institution]
        return pb.ListPayoutsResponse(payouts=[_payout(one) for one in found], next_page_token=following)

    def ListBatches(self, request: pb.ListBatchesRequest, call: Call) -> pb.ListBatchesResponse:
        found = payouts.batches(**({"window": request.window} if request.window else {"state": "waiting"}))
        return pb.ListBatchesResponse(batches=[_batch(one) for one in sorted(found, key=lambda one: one.id)])

    def ReleaseBatch(self, request: pb.ReleaseBatchRequest, call: Call) -> pb.ReleaseBatchResponse:
        call.require_fresh_pin(now_ms() // 1000, STEP_UP_S)
        done = payouts.release(request.batch_id, call.caller.sub)
        wake.clerk()
        return pb.ReleaseBatchResponse(batch=_batch(done))

    def RequestPayout(self, request: pb.RequestPayoutRequest, call: Call) -> pb.RequestPayoutResponse:
        if key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7, lower case, made by the client")
        self._check_owner(request.merchant_id, call)
        payout_id = rules.on_demand_id(request.request_id)
        if known := _asked_for(payout_id, request):
            return pb.RequestPayoutResponse(payout=_payout(known))
        asked = scheme_pb2.GetAvailableRequest(account_ids=[request.merchant_id])
        (available,) = ask(scheme().GetAvailable, asked, call).available
        amount = request.amount or available
        if amount < rules.LEAST_VND:
            raise InvalidArgument(f"a payout is at least {rules.LEAST_VND} đồng", least=str(rules.LEAST_VND))
        if amount > available:
            raise InsufficientFunds(f"{available} đồng can be paid out now")
        wake.ask_for(payout_id, request.merchant_id, amount, now(), request.amount)
        wake.clerk()
        # Of two at once under one id, one was noted.
        made = _asked_for(payout_id, request)
        assert made is not None
        return pb.RequestPayoutResponse(payout=_payout(made))

    def SetPayoutPlan(self, request: pb.SetPayoutPlanRequest, call: Call) -> pb.SetPayoutPlanResponse:
        self._check_owner(request.merchant_id, call)
        plans.choose(request.merchant_id, _PLANS.get(request.plan, ""))
        return pb.SetPayoutPlanResponse(plan=request.plan)

    def GetPayoutPlan(self, request: pb.GetPayoutPlanRequest, call: Call) -> pb.GetPayoutPlanResponse:
        self._check_owner(request.merchant_id, call)
        daily = plans.chosen(request.merchant_id) == plans.DAILY
        return pb.GetPayoutPlanResponse(plan=pb.PAYOUT_PLAN_DAILY if daily else pb.PAYOUT_PLAN_WINDOW)

    def _check_owner(self, merchant_id: str, call: Call) -> None:
        """Raises NotFound for what is not a merchant of the caller's."""
        found = None
        if is_id(merchant_id, "mer"):
            with self._model.reader() as connection:
                found = queries.account(connection, merchant_id)
        if found is None or not (found.owner == call.caller.sub != "" or call.has("operator", "auditor")):
            raise NotFound("there is no such merchant, or it is not yours")


def _asked_for(payout_id: str, request: pb.RequestPayoutRequest) -> PayoutDocument | None:
    """What was noted under this id. Raises IdempotencyConflict where that was another request."""
    known = payouts.by_ids([payout_id]).get(payout_id)
    if known and (known.payee != request.merchant_id or known.asked not in (None, request.amount)):
        raise IdempotencyConflict("request_id was used for another merchant or amount: make a new one")
    return known


def _payout(one: PayoutDocument) -> pb.Payout:
    view = pb.Payout(
        payout_id=one.id, window=one.window, merchant_id="" if one.payee == rules.PLATFORM else one.payee,
        bank_bin="" if one.bank_bin == "-" else one.bank_bin, account_masked=payouts.masked_account(one),
        amount=one.amount, fee=one.fee, state=_STATES[one.state], reason=one.reason, batch_id=one.batch,
        transfer_id=one.transfer_id,
    )  # fmt: skip
    view.decided_at.FromDatetime(one.decided_at)
    if one.ended_at:
        view.ended_at.FromDatetime(one.ended_at)
    return view


def _batch(one: BatchDocument) -> pb.Batch:
    view = pb.Batch(
        batch_id=one.id, window=one.window, state=_BATCH_STATES[one.state], payouts=len(one.payouts), total=one.total,
        released_by=one.released_by, releases_needed=one.releases_needed,
    )  # fmt: skip
    view.made_at.FromDatetime(one.made_at)
    if one.sent_at:
        view.sent_at.FromDatetime(one.sent_at)
    return view
