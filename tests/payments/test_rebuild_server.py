"""What people did through payments' server is rebuilt from its events to the letter, and they go on where they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import codes_pb2 as cd
from cho.payments.v1 import desk_pb2 as dk
from cho.payments.v1 import holds_pb2 as hd
from cho.payments.v1 import payments_pb2 as pb
from cho.payments.v1 import requests_pb2 as rq
from google.protobuf.message import Message

from kit.crypto import account_index
from kit.ids import new_id, new_key
from services.payments import transfer
from tests.payments import rebuilding
from tests.payments.api import ACCOUNT, BANK, OPERATOR, VNPT, Api, Person, person
from tests.payments.rebuilding import KEYS

pytestmark = pytest.mark.anyio

CHECKER = person("operator")


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rebuilding.server(tmp_path_factory.mktemp("beside")) as url:
        yield url


@dataclass
class Stall:
    """A shopper at a stall, and what they asked for: who, what, the request, its answer."""

    api: Api
    shopper: Person
    wallet: str
    vendor: Person
    merchant: str
    asked: list[tuple[Person, str, Message, Any]]

    async def ask(self, who: Person, method: str, request: Message, **claims: str) -> Any:
        answer = await self.api(who, method, request, **claims)
        if "idempotency_key" in request.DESCRIPTOR.fields_by_name:
            self.asked.append((who, method, request, answer))
        return answer

    async def pay(self, amount: int, **more: Any) -> Any:
        request = pb.PayRequest(wallet_id=self.wallet, amount=amount, idempotency_key=new_key(), **more)
        if not request.qr_payload:
            request.merchant_id = self.merchant
        return (await self.ask(self.shopper, "Pay", request)).payment

    async def refund(self, payment: Any, amount: int) -> Any:
        request = pb.RefundRequest(
            payment_id=payment.transfer_id, amount=amount, reason="cá ươn", idempotency_key=new_key()
        )
        return await self.ask(self.vendor, "Refund", request)

    async def redeem(self, code: str, amount: int) -> Any:
        request = cd.RedeemCodeRequest(merchant_id=self.merchant, code=code, amount=amount, idempotency_key=new_key())
        return await self.ask(self.vendor, "RedeemCode", request)

    async def hold(self, amount: int) -> Any:
        request = hd.HoldPaymentRequest(
            wallet_id=self.wallet, merchant_id=self.merchant, amount=amount, idempotency_key=new_key()
        )
        return (await self.ask(self.shopper, "HoldPayment", request)).hold

    async def capture(self, hold: Any, amount: int) -> Any:
        request = hd.CaptureHoldRequest(hold_id=hold.transfer_id, amount=amount, idempotency_key=new_key())
        return await self.ask(self.vendor, "CaptureHold", request)


async def stall(api: Api) -> Stall:
    shopper, wallet = await api.shopper(5_000_000)
    vendor, merchant = person("vendor"), new_id("mer")
    index, k = account_index(BANK, ACCOUNT), KEYS
    told = Intent(
        caller_id="service:onboarding", name="Bà Lan", market_name="Chợ Thái", stall="A-1", bank_bin=BANK,
        category_code="5812", merchant_version=1, account_index=index,
    )  # fmt: skip
    keys = [k.meta, k.stream, k.account(merchant), k.bank_account(index), k.owner(vendor.sub)]
    facts = (merchant, vendor.sub, "open", 1, BANK, "5812", "Bà Lan", "Chợ Thái", "A-1", "scope")
    call = api.bench.ledger._call(rebuilding.function("merchant"), keys, *facts, told.SerializeToString())
    assert (await call)[0] == "OK"
    return Stall(api, shopper, wallet, vendor, merchant, [])


async def a_morning(s: Stall) -> dict[str, Any]:
    """All kinds of things, some of them not over."""
    api = s.api
    paid = await s.pay(90_000)
    await s.refund(paid, 30_000)
    asking = rq.RequestPaymentRequest(merchant_id=s.merchant, request_id=new_key(), amount=40_000, reference="HD-1")
    asked = (await api(s.vendor, "RequestPayment", asking)).request
    await s.pay(0, qr_payload=asked.qr_payload)
    asking = rq.RequestPaymentRequest(merchant_id=s.merchant, request_id=new_key(), amount=50_000, reference="HD-2")
    await api(s.vendor, "RequestPayment", asking)
    await s.pay(20_000, reference="HD-2", note="một phần")
    codes = [
        (await api(s.shopper, "PresentCode", cd.PresentCodeRequest(wallet_id=s.wallet, ceiling=60_000))).code
        for _ in range(1)
    ]
    await s.redeem(codes[0], 55_000)
    taken, left = await s.hold(70_000), await s.hold(80_000)
    await s.capture(taken, 65_000)
    void = await s.hold(1_000)
    await api(s.vendor, "VoidHold", hd.VoidHoldRequest(hold_id=void.transfer_id, reason="hết hàng"))
    _, far = await api.shopper(0, VNPT)
    await api.bench.post("fund", 500_000, transfer.fund("VNPT", "reserve:VNPT", 500_000))
    sent = (
        await s.ask(
            s.shopper,
            "Send",
            pb.SendRequest(wallet_id=s.wallet, to_wallet_id=far, amount=15_000, idempotency_key=new_key()),
        )
    ).transfer
    proposal = (
        await api(
            OPERATOR,
            "ProposeReversal",
            dk.ProposeReversalRequest(transfer_id=sent.transfer_id, reason="nhầm", request_id=new_key()),
        )
    ).reversal
    approve = dk.ApproveReversalRequest(proposal_id=proposal.proposal_id, idempotency_key=new_key())
    await s.ask(CHECKER, "ApproveReversal", approve)
    unsure = await s.pay(10_000)
    open_ = dk.ProposeReversalRequest(transfer_id=unsure.transfer_id, reason="trả hai lần", request_id=new_key())
    waiting = (await api(OPERATOR, "ProposeReversal", open_)).reversal
    return {"paid": paid, "code": codes[0], "left": left, "waiting": waiting, "asked": asked}


async def test_after_a_rebuild_everybody_goes_on_where_they_were(api: Api, beside: str) -> None:
    s = await stall(api)
    was = await a_morning(s)
    poor = pb.PayRequest(wallet_id=s.wallet, merchant_id=s.merchant, amount=9_000_000, idempotency_key=new_key())
    assert await api.code(s.shopper, "Pay", poor) == "INSUFFICIENT_FUNDS"
    spent = pb.ResolveRequest(kind=pb.TRANSFER_KIND_PAYMENT, idempotency_key=new_key())
    assert (await api(s.shopper, "Resolve", spent)).outcome == pb.ResolveResponse.OUTCOME_NOT_FOUND

    rebuilding.rebuild(beside, rebuilding.events_of(api.bench.url))
    differ = rebuilding.compared(api.bench.url, beside)
    assert [one for one in differ if not one.untold] == []
    # What events do not tell: a refusal's detail, and a proposal's end to the millisecond.
    assert {one.key.partition("}:")[2][:2] for one in differ} <= {"i:", "p:", "pr"}

    events = rebuilding.events_of(api.bench.url)
    rebuilding.forget(api.bench.url)
    rebuilding.rebuild(api.bench.url, events, epoch=2)
    rebuilding.open_gate(api.bench.url)
    for who, method, request, answer in s.asked:
        assert await api(who, method, request) == answer, "the same key, the same answer"
    assert await api.code(s.shopper, "Pay", poor) == "INSUFFICIENT_FUNDS"
    assert (await api(s.shopper, "Resolve", spent)).outcome == pb.ResolveResponse.OUTCOME_NOT_FOUND

    assert (await s.refund(was["paid"], 60_000)).refunded_total == 90_000
    again = pb.RefundRequest(payment_id=was["paid"].transfer_id, amount=1, idempotency_key=new_key())
    assert await api.code(s.vendor, "Refund", again) == "REFUND_EXCEEDS_PAYMENT"
    redeem = cd.RedeemCodeRequest(merchant_id=s.merchant, code=was["code"], amount=1_000, idempotency_key=new_key())
    assert await api.code(s.vendor, "RedeemCode", redeem) == "CODE_USED"
    paid = pb.PayRequest(wallet_id=s.wallet, qr_payload=was["asked"].qr_payload, idempotency_key=new_key())
    assert await api.code(s.shopper, "Pay", paid) == "REQUEST_PAID"
    assert (await s.pay(30_000, reference="HD-2")).verdict == "FULL"
    assert (await s.capture(was["left"], 80_000)).payment.amount == 80_000
    approve = dk.ApproveReversalRequest(proposal_id=was["waiting"].proposal_id, idempotency_key=new_key())
    assert await api.code(OPERATOR, "ApproveReversal", approve) == "FOUR_EYES"
    await api(CHECKER, "ApproveReversal", approve)
