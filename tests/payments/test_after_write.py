"""What was done is never said to be undone, though the ledger or the documents go away right after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from cho.payments.v1 import desk_pb2 as dk
from cho.payments.v1 import disbursements_pb2 as ds
from cho.payments.v1 import holds_pb2 as hd
from cho.payments.v1 import organisations_pb2 as og
from cho.payments.v1 import payments_pb2 as pb
from cho.payments.v1 import requests_pb2 as rq
from cho.payments.v1 import scheme_pb2 as sc
from cho.payments.v1 import webhooks_pb2 as wh
from google.protobuf.message import Message
from mongoengine.connection import ConnectionFailure
from pymongo.errors import AutoReconnect, OperationFailure

from kit.errors import DomainError, LedgerFenced, OutcomeUnknown, Overloaded, Unavailable, WrongState
from kit.ids import new_id, new_key
from services.payments import disbursement as rules
from services.payments.server.documents import Documents
from services.payments.store import disbursements, webhooks
from services.payments.store.ledger import after_write
from tests.payments.api import OFFICER, OPERATOR, VIETTEL, Api, Person, person
from tests.payments.test_desk_server import _send, propose
from tests.payments.test_disbursements import FILE, Village
from tests.payments.test_holds_server import REFUSE, decide, hold, in_review
from tests.payments.test_requests_server import ask, asked

pytestmark = pytest.mark.anyio

# Who asks for what.
Asked = tuple[Person, str, Message]


async def _hold_payment(api: Api) -> Asked:
    (shopper, wallet), (_, merchant) = await api.shopper(100_000), await api.vendor()
    return shopper, "HoldPayment", hold(wallet, merchant)


async def _void_hold(api: Api) -> Asked:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    held = (await api(shopper, "HoldPayment", hold(wallet, merchant))).hold
    return vendor, "VoidHold", hd.VoidHoldRequest(hold_id=held.transfer_id)


async def _refuse(api: Api) -> Asked:
    return OPERATOR, "DecideReview", decide((await in_review(api))[-1].transfer_id, REFUSE)


async def _request(api: Api) -> Asked:
    vendor, merchant = await api.vendor()
    return vendor, "RequestPayment", ask(merchant, reference="BILL-1")


async def _withdraw(api: Api) -> Asked:
    vendor, merchant = await api.vendor()
    await asked(api, vendor, merchant, reference="BILL-1")
    return vendor, "WithdrawRequest", rq.WithdrawRequestRequest(merchant_id=merchant, reference="BILL-1")


async def _open_wallet(api: Api) -> Asked:
    return api.identified(person("shopper")), "OpenWallet", pb.OpenWalletRequest(telecom=VIETTEL)


async def _open_agent(_: Api) -> Asked:
    return OFFICER, "OpenAgent", pb.OpenAgentRequest(owner_id=new_id("usr"))


async def _open_organisation(_: Api) -> Asked:
    return OFFICER, "OpenOrganisation", og.OpenOrganisationRequest(owner_id=new_id("usr"), name="Hợp tác xã")


async def _freeze(api: Api) -> Asked:
    _, wallet = await api.shopper()
    request = pb.SetAccountStateRequest(account_id=wallet, state=pb.ACCOUNT_STATE_FROZEN, reason="mất máy")
    return OPERATOR, "SetAccountState", request


async def _propose(api: Api) -> Asked:
    request = dk.ProposeReversalRequest(transfer_id=await _send(api), request_id=new_key(), reason="nhầm người")
    return OPERATOR, "ProposeReversal", request


async def _reject(api: Api) -> Asked:
    made = await propose(api, await _send(api))
    return OPERATOR, "RejectReversal", dk.RejectReversalRequest(proposal_id=made.proposal_id, reason="đúng người")


async def _deposit(_: Api) -> Asked:
    request = sc.MoveLiquidityRequest(telecom="VIETTEL", amount=1_000, reference="UNC-1", idempotency_key=new_key())
    return OPERATOR, "MoveLiquidity", request


async def _cap(_: Api) -> Asked:
    return OPERATOR, "SetNetDebitCap", sc.SetNetDebitCapRequest(telecom="VIETTEL", uncapped=True)


WRITES: dict[str, tuple[Callable[[Api], Awaitable[Asked]], ...]] = {
    "transfer_v3": (_hold_payment, _deposit),
    "release_v3": (_void_hold, _refuse),
    "request_v3": (_request,),
    "withdraw_v3": (_withdraw,),
    "open_v3": (_open_wallet, _open_agent, _open_organisation),
    "state_v3": (_freeze,),
    "propose_v3": (_propose,),
    "decline_v3": (_reject,),
    "cap_v3": (_cap,),
}


def gone_after(api: Api, monkeypatch: pytest.MonkeyPatch, function: str, error: type[DomainError]) -> None:
    """The ledger carries `function` out, and takes nothing more."""
    send, gone = api.bench.client.send, False

    def sent(*command: Any) -> Any:
        nonlocal gone
        if gone:
            raise error("nothing was done")
        gone = command[:2] == ("FCALL", function)
        return send(*command)

    monkeypatch.setattr(api.bench.client, "send", sent)


@pytest.mark.parametrize(("function", "prepared"), [(name, one) for name, of in WRITES.items() for one in of])
async def test_a_ledger_that_goes_away_after_a_write_leaves_the_outcome_unknown_and_the_same_request_tells_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, function: str, prepared: Callable[[Api], Awaitable[Asked]]
) -> None:
    who, method, request = await prepared(api)
    with monkeypatch.context() as patch:
        gone_after(api, patch, function, Unavailable)
        assert await api.code(who, method, request) == "OUTCOME_UNKNOWN"
    await api(who, method, request)


async def test_a_hold_that_was_made_is_once_however_often_its_answer_is_lost(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    shopper, method, request = await _hold_payment(api)
    for error in (Unavailable, Overloaded):
        with monkeypatch.context() as patch:
            gone_after(api, patch, "transfer_v3", error)
            assert await api.code(shopper, method, request) == "OUTCOME_UNKNOWN"
    assert (await api(shopper, method, request)).balance == 50_000


@pytest.mark.parametrize("error", [Unavailable, Overloaded, LedgerFenced])
def test_what_says_that_nothing_was_done_is_not_said_after_a_write(error: type[DomainError]) -> None:
    with pytest.raises(OutcomeUnknown), after_write():
        raise error("nothing was done")
    with pytest.raises(WrongState), after_write():
        raise WrongState("that is something else")


# Documents


@pytest.mark.parametrize(
    ("error", "told"),
    [(AutoReconnect, OutcomeUnknown), (OperationFailure, Unavailable), (ConnectionFailure, Unavailable)],
)
async def test_documents_lost_in_the_middle_of_a_call_leave_its_outcome_unknown(
    error: type[Exception], told: type[DomainError]
) -> None:
    def cut_off() -> None:
        raise error("connection closed")

    opened = asyncio.Event()
    with pytest.raises(Unavailable):
        await Documents(opened)(cut_off)
    opened.set()
    with pytest.raises(DomainError) as heard:
        await Documents(opened)(cut_off)
    assert type(heard.value) is told


async def test_a_webhook_that_was_paused_and_a_file_that_was_taken_are_not_said_to_be_as_before(
    api: Api, documents: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documents are written, and then the ledger is away."""
    send, gone = api.bench.client.send, False

    def sent(*command: Any) -> Any:
        if gone:
            raise Unavailable("nothing was done")
        return send(*command)

    def last(write: Callable[..., Any]) -> Callable[..., Any]:
        def written(*args: Any) -> Any:
            nonlocal gone
            done, gone = write(*args), True
            return done

        return written

    vendor, merchant = await api.vendor()
    hook = webhooks.create(api.bench.redis(), merchant, vendor.sub, "https://cho.example/")
    village = await Village(api).found(1_000_000)
    create = ds.CreateDisbursementRequest(organisation_id=village.org, title="Trợ cấp", request_id=new_key())
    draft = (await api(village.owner, "CreateDisbursement", create)).disbursement
    part = ds.UploadPartRequest(disbursement_id=draft.disbursement_id, number=1, content=FILE.encode())
    await api(village.owner, "UploadPart", part)
    monkeypatch.setattr(api.bench.client, "send", sent)
    monkeypatch.setattr(webhooks, "pause", last(webhooks.pause))
    monkeypatch.setattr(disbursements, "save", last(disbursements.save))
    pause = wh.SetWebhookStateRequest(webhook_id=hook.id, state=wh.WEBHOOK_STATE_PAUSED)
    submit = ds.SubmitDisbursementRequest(
        disbursement_id=draft.disbursement_id, parts=1, sha256=rules.sha256_of(FILE.encode())
    )
    for who, method, request in ((vendor, "SetWebhookState", pause), (village.owner, "SubmitDisbursement", submit)):
        assert await api.code(who, method, request) == "OUTCOME_UNKNOWN"
        gone = False
    assert (await api(village.owner, "SubmitDisbursement", submit)).disbursement.state == ds.DISBURSEMENT_STATE_CHECKED
