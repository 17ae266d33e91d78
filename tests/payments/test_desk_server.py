"""Reversals with four eyes, organisations and debts, over a real channel."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import desk_pb2 as dk
from cho.payments.v1 import organisations_pb2 as og
from cho.payments.v1 import payments_pb2 as pb

from kit.clock import now_ms
from kit.ids import new_id, new_key
from tests.payments import acts
from tests.payments.api import OFFICER, OPERATOR, OTHER_OFFICER, VIETTEL, VNPT, Api, person

pytestmark = pytest.mark.anyio

SECOND, AUDITOR = person("operator"), person("auditor")


async def propose(api: Api, transfer_id: str, **more: Any) -> dk.Reversal:
    request = dk.ProposeReversalRequest(
        **{"transfer_id": transfer_id, "request_id": new_key(), "reason": "nhầm người", **more}
    )
    return (await api(OPERATOR, "ProposeReversal", request)).reversal  # type: ignore[no-any-return]


def approve(proposal_id: str) -> dk.ApproveReversalRequest:
    return dk.ApproveReversalRequest(proposal_id=proposal_id, idempotency_key=new_key())


def balances(api: Api) -> dict[str, int]:
    return {account: credits - debits for account, (debits, credits) in api.bench.totals().items()}


# What is done, as (what it does to the api: the id of the transfer).
async def _fund(api: Api) -> str:
    _, agent = await api.agent()
    reply = await api(
        OFFICER, "FundAgent", pb.FundAgentRequest(agent_id=agent, amount=9_000, idempotency_key=new_key())
    )
    return str(reply.transfer.transfer_id)


async def _cash_in(api: Api) -> str:
    await acts.deposit(api.bench, 1_000_000)
    (agent, _), (_, wallet) = await api.agent(900_000), await api.shopper()
    request = pb.CashInRequest(wallet_id=wallet, amount=500_000, idempotency_key=new_key())
    return str((await api(agent, "CashIn", request)).transfer.transfer_id)


async def _cash_out(api: Api) -> str:
    await acts.deposit(api.bench, 1_000_000)
    (_, agent), (shopper, wallet) = await api.agent(900_000), await api.shopper(600_000)
    request = pb.CashOutRequest(wallet_id=wallet, agent_id=agent, amount=500_000, idempotency_key=new_key())
    return str((await api(shopper, "CashOut", request)).transfer.transfer_id)


async def _pay(api: Api) -> str:
    (shopper, wallet), (_, merchant) = await api.shopper(600_000), await api.vendor(category="5812")
    request = pb.PayRequest(wallet_id=wallet, merchant_id=merchant, amount=500_000, idempotency_key=new_key())
    return str((await api(shopper, "Pay", request)).payment.transfer_id)


async def _send(api: Api, telecom: int = VIETTEL) -> str:
    (shopper, wallet), (_, other) = await api.shopper(600_000), await api.shopper(telecom=telecom)
    request = pb.SendRequest(wallet_id=wallet, to_wallet_id=other, amount=500_000, idempotency_key=new_key())
    return str((await api(shopper, "Send", request)).transfer.transfer_id)


async def _send_between(api: Api) -> str:
    await acts.deposit(api.bench, 1_000_000, "VNPT")
    return await _send(api, VNPT)


async def _disburse(api: Api) -> str:
    org, (_, wallet) = await acts.organisation(api.bench, 600_000), await api.shopper()
    return (await acts.send(api.bench, org, wallet, 500_000)).transfer_id


DONE: dict[str, Callable[[Api], Awaitable[str]]] = {
    "fund": _fund, "cash_in": _cash_in, "cash_out": _cash_out, "pay": _pay, "transfer": _send,
    "transfer between telecoms": _send_between, "disburse": _disburse,
}  # fmt: skip


@pytest.mark.parametrize("op", DONE)
async def test_what_an_operator_undoes_leaves_every_balance_as_it_was_before(api: Api, op: str) -> None:
    before: dict[str, int] = {}
    original = api.bench.ledger.post

    async def noting(order: Any) -> Any:
        before.clear()
        before.update(balances(api))
        return await original(order)

    api.bench.ledger.post = noting  # type: ignore[method-assign]
    transfer_id = await DONE[op](api)
    api.bench.ledger.post = original  # type: ignore[method-assign]
    assert balances(api) != before
    proposal = await propose(api, transfer_id)
    request = approve(proposal.proposal_id)
    undone = await api(SECOND, "ApproveReversal", request)
    assert await api(SECOND, "ApproveReversal", request) == undone
    assert (undone.transfer.kind, undone.transfer.payment_id) == (pb.TRANSFER_KIND_REVERSAL, transfer_id)
    assert {k: v for k, v in balances(api).items() if v} == {k: v for k, v in before.items() if v}
    found = await api.bench.ledger.transfer(transfer_id)
    assert found is not None
    assert found.state == "reversed"
    seen = (await api(AUDITOR, "GetReversal", dk.GetReversalRequest(proposal_id=proposal.proposal_id))).reversal
    assert (seen.state, seen.decided_by, seen.reason) == (dk.PROPOSAL_STATE_APPROVED, SECOND.sub, "nhầm người")


async def test_a_capture_is_undone_like_a_payment(api: Api) -> None:
    (_, wallet), (_, merchant) = await api.shopper(600_000), await api.vendor()
    held = await acts.hold(api.bench, wallet, merchant, 400_000)
    taken = await acts.capture(api.bench, held, wallet, merchant, 300_000, 900)
    proposal = await propose(api, taken.transfer_id)
    await api(SECOND, "ApproveReversal", approve(proposal.proposal_id))
    assert (await api.bench.balance(wallet), await api.bench.balance(merchant)) == (600_000, 0)


async def test_who_proposes_does_not_approve_and_of_two_who_approve_at_once_one_undoes(api: Api) -> None:
    transfer_id = await _pay(api)
    proposal = await propose(api, transfer_id)
    before = balances(api)
    assert await api.code(OPERATOR, "ApproveReversal", approve(proposal.proposal_id)) == "FOUR_EYES"
    assert await api.code(person("officer"), "ApproveReversal", approve(proposal.proposal_id)) == "PERMISSION_DENIED"
    assert balances(api) == before
    replies = await asyncio.gather(
        *(api(person("operator"), "ApproveReversal", approve(proposal.proposal_id)) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(reply, dk.ApproveReversalResponse) for reply in replies) == 1


async def test_a_rejected_proposal_moves_nothing_and_is_over(api: Api) -> None:
    transfer_id = await _pay(api)
    proposal = await propose(api, transfer_id)
    waiting = await api(AUDITOR, "ListReversals", dk.ListReversalsRequest())
    assert [one.proposal_id for one in waiting.reversals] == [proposal.proposal_id]
    reject = dk.RejectReversalRequest(proposal_id=proposal.proposal_id, reason="đúng rồi")
    for _ in range(2):
        assert (await api(OPERATOR, "RejectReversal", reject)).reversal.state == dk.PROPOSAL_STATE_REJECTED
    assert await api.code(SECOND, "ApproveReversal", approve(proposal.proposal_id)) == "WRONG_STATE"
    assert (await api(AUDITOR, "ListReversals", dk.ListReversalsRequest())).reversals == []


async def test_what_is_proposed_for_breaks_hides_no_reversal(api: Api) -> None:
    """Corrections wait among the reversals, and expire sooner: a list of two is of two reversals all the same."""
    for n in range(5):
        soon, by = now_ms() + 60_000 + n, Intent(caller_id="usr_one")
        await api.bench.ledger.propose(new_id("prp"), "correct", f"brk_{n}", "usr_one", soon, "x", by)
    wanted = [(await propose(api, await _pay(api))).proposal_id for _ in range(3)]
    for most in (2, 3, 20):
        waiting = await api(AUDITOR, "ListReversals", dk.ListReversalsRequest(limit=most))
        assert [one.proposal_id for one in waiting.reversals] == wanted[:most]


async def test_the_same_proposal_sent_again_is_one_and_needs_a_reason(api: Api) -> None:
    transfer_id, request_id = await _pay(api), new_key()
    first = await propose(api, transfer_id, request_id=request_id)
    assert (await propose(api, transfer_id, request_id=request_id)) == first
    other = dk.ProposeReversalRequest(transfer_id=await _pay(api), request_id=request_id, reason="x")
    assert await api.code(OPERATOR, "ProposeReversal", other) == "ALREADY_EXISTS"
    for wrong in ({"reason": ""}, {"reason": "x" * 141}, {"request_id": "x"}):
        request = dk.ProposeReversalRequest(
            **{"transfer_id": transfer_id, "request_id": new_key(), "reason": "x", **wrong}
        )
        assert await api.code(OPERATOR, "ProposeReversal", request) == "INVALID_ARGUMENT"
    for unknown in (new_id("prp"), "prp_x", ""):
        assert await api.code(OPERATOR, "GetReversal", dk.GetReversalRequest(proposal_id=unknown)) == "NOT_FOUND"


async def test_what_cannot_be_undone_says_so_when_it_is_proposed(api: Api) -> None:
    async def code(transfer_id: str) -> str:
        request = dk.ProposeReversalRequest(transfer_id=transfer_id, request_id=new_key(), reason="x")
        return await api.code(OPERATOR, "ProposeReversal", request)

    (_, wallet), (_, merchant) = await api.shopper(600_000), await api.vendor()
    paid = await api.bench.pay(wallet, merchant, 50_000)
    await api.bench.refund(paid, wallet, merchant, 10_000)
    assert await code(paid.transfer_id) == "WRONG_STATE"
    done = await _pay(api)
    proposal = await propose(api, done)
    await api(SECOND, "ApproveReversal", approve(proposal.proposal_id))
    assert await code(done) == "WRONG_STATE"
    request = pb.FundReserveRequest(amount=1_000, idempotency_key=new_key())
    own = (await api(OFFICER, "FundReserve", request)).transfer.transfer_id
    assert await code(own) == "ACCOUNT_NOT_FOUND"
    for unknown in (new_id("pay"), new_id("hld"), "x", ""):
        assert await code(unknown) == "PAYMENT_NOT_FOUND"


async def test_money_that_was_spent_meanwhile_cannot_be_taken_back_and_nothing_moves(api: Api) -> None:
    (shopper, wallet), (other, second) = await api.shopper(600_000), await api.shopper()
    request = pb.SendRequest(wallet_id=wallet, to_wallet_id=second, amount=500_000, idempotency_key=new_key())
    sent = (await api(shopper, "Send", request)).transfer.transfer_id
    _, merchant = await api.vendor()
    spend = pb.PayRequest(wallet_id=second, merchant_id=merchant, amount=400_000, idempotency_key=new_key())
    await api(other, "Pay", spend)
    proposal, before = await propose(api, sent), balances(api)
    assert await api.code(SECOND, "ApproveReversal", approve(proposal.proposal_id)) == "INSUFFICIENT_FUNDS"
    assert balances(api) == before


# Organisations ---------------------------------------------------------------------------------------------------


async def test_an_organisation_is_opened_funded_and_emptied_by_its_telecoms_officer_only(api: Api) -> None:
    owner = person("shopper")
    opening = og.OpenOrganisationRequest(owner_id=owner.sub, name="UBND xã Võ Nhai")
    org = (await api(OFFICER, "OpenOrganisation", opening)).organisation
    assert (await api(OFFICER, "OpenOrganisation", opening)).organisation.account_id == org.account_id
    assert (org.kind, org.telecom, org.owner_id) == (pb.ACCOUNT_KIND_ORGANISATION, VIETTEL, owner.sub)

    def fund(amount: int) -> og.FundOrganisationRequest:
        return og.FundOrganisationRequest(
            organisation_id=org.account_id, amount=amount, reference="UNC-1", idempotency_key=new_key()
        )

    def defund(amount: int, account: str = org.account_id) -> og.DefundRequest:
        return og.DefundRequest(account_id=account, amount=amount, reference="UNC-2", idempotency_key=new_key())

    funding = fund(700_000)
    first = await api(OFFICER, "FundOrganisation", funding)
    assert await api(OFFICER, "FundOrganisation", funding) == first
    assert first.balance == 700_000
    assert await api.code(OTHER_OFFICER, "FundOrganisation", fund(1)) == "WRONG_TELECOM"
    assert await api.code(OTHER_OFFICER, "Defund", defund(1)) == "WRONG_TELECOM"
    bank = person("officer", institution="970436")
    for method, request in (("OpenOrganisation", opening), ("FundOrganisation", fund(1)), ("Defund", defund(1))):
        assert await api.code(bank, method, request) == "PERMISSION_DENIED"
    assert (await api(OFFICER, "Defund", defund(200_000))).balance == 500_000
    assert await api.code(OFFICER, "Defund", defund(500_001)) == "INSUFFICIENT_FUNDS"
    seen = await api(owner, "GetAccount", pb.GetAccountRequest(account_id=org.account_id))
    assert seen.account.balance == 500_000
    freeze = pb.SetAccountStateRequest(account_id=org.account_id, state=pb.ACCOUNT_STATE_FROZEN, reason="thanh tra")
    assert await api.code(OTHER_OFFICER, "SetAccountState", freeze) == "ACCOUNT_NOT_FOUND"
    assert (await api(OFFICER, "SetAccountState", freeze)).account.state == pb.ACCOUNT_STATE_FROZEN
    _, wallet = await api.shopper(1_000)
    for other in (wallet, "trust:VIETTEL", "reserve:VNPT", "", "fee:PLATFORM"):
        assert await api.code(OFFICER, "Defund", defund(1, other)) == "ACCOUNT_NOT_FOUND"


async def test_a_telecom_takes_out_no_money_that_covers_others(api: Api) -> None:
    await acts.deposit(api.bench, 500_000)
    (_, wallet), (_, sender) = await api.shopper(), await api.shopper(600_000, VNPT)
    await acts.send(api.bench, sender, wallet, 400_000, ("VNPT", "VIETTEL"))
    own = og.DefundRequest(account_id="reserve:VIETTEL", amount=100_001, idempotency_key=new_key())
    assert await api.code(OFFICER, "Defund", own) == "GUARANTEE_SHORT"
    own = og.DefundRequest(account_id="reserve:VIETTEL", amount=100_000, idempotency_key=new_key())
    assert (await api(OFFICER, "Defund", own)).balance == 400_000


async def test_debts_are_listed_the_largest_first(api: Api) -> None:
    await acts.deposit(api.bench, 2_000_000)
    (_, merchant) = await api.vendor()
    owed = {}
    for amount in (30_000, 90_000):
        owner = new_id("usr")
        wallet = await api.bench.wallet(owner=owner)
        top = await acts.top_up(api.bench, wallet, amount)
        await api.bench.pay(wallet, merchant, amount)
        debt = await acts.receivable(api.bench, owner)
        await acts.chargeback(api.bench, top, wallet, debt, amount, amount)
        owed[owner] = amount
    listed = await api(AUDITOR, "ListDebts", dk.ListDebtsRequest(limit=1))
    assert [(debt.owner_id, debt.owed) for debt in listed.debts] == [max(owed.items(), key=lambda one: one[1])]
    assert (listed.total, listed.debtors) == (120_000, 2)
    assert await api.code(OPERATOR, "ListDebts", dk.ListDebtsRequest(limit=101)) == "INVALID_ARGUMENT"
