"""Payments' API over a real gRPC channel: what each caller may do, and the stable code of every refusal."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import grpc
import pytest
import redis
from cho.events.v1.events_pb2 import UserChanged
from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import payments_pb2 as pb
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import qr
from kit.clock import now
from kit.crypto import phone_index
from kit.ids import new_id, new_key
from kit.ledger_event import from_fields
from kit.rpc import admission, aio
from kit.rpc.status import error_code
from kit.streams.event import Event
from services.payments import announce, transfer
from services.payments.server.common import KIND_OF
from services.payments.server.directory import Directory
from services.payments.store import changes, library, live
from services.payments.store.live import STREAM, Followers, live_key
from services.payments.store.people import People, put_person
from services.payments.store.stickers import Stickers
from tests.payments.api import (
    ACCOUNT,
    BANK,
    OFFICER,
    OPERATOR,
    OTHER_OFFICER,
    SERVICE,
    VIETTEL,
    VNPT,
    WAIT_S_MAX,
    Api,
    Person,
    fund,
    person,
    serve,
)
from tests.payments.conftest import Bench

pytestmark = pytest.mark.anyio


def pay(wallet: str, merchant: str = "", amount: int = 1_000, **more: Any) -> pb.PayRequest:
    more.setdefault("idempotency_key", new_key())
    return pb.PayRequest(wallet_id=wallet, merchant_id=merchant, amount=amount, **more)


def refund(payment: str, amount: int, **more: Any) -> pb.RefundRequest:
    more.setdefault("idempotency_key", new_key())
    return pb.RefundRequest(payment_id=payment, amount=amount, **more)


def stall_code(merchant: str, amount: int = 0, **more: Any) -> str:
    named = {"mcc": "5499", "merchant_name": "BA LAN", "merchant_city": "THAI NGUYEN"}
    return qr.encode(qr.QrCode(static=not amount, merchant_id=merchant, amount=amount or None, **named, **more))


def bank_code(account: str = ACCOUNT, amount: int = 0) -> str:
    return qr.encode(qr.QrCode(static=not amount, bin=BANK, account=account, amount=amount or None))


async def balance(api: Api, account: str) -> int:
    return await api.bench.balance(account)


# Who may do what -----------------------------------------------------------------------------------------------

EVERYTHING: dict[str, tuple[Message, set[str]]] = {
    "OpenWallet": (pb.OpenWalletRequest(telecom=VIETTEL), {"shopper", "vendor", "agent", "operator"}),
    "OpenAgent": (pb.OpenAgentRequest(owner_id=new_id("usr"), telecom=VNPT), {"officer", "operator"}),
    "FundAgent": (fund(new_id("agt"), 1), {"officer"}),
    "FundReserve": (pb.FundReserveRequest(), {"officer"}),
    "CashIn": (pb.CashInRequest(), {"agent"}),
    "CashOut": (pb.CashOutRequest(), {"shopper", "vendor"}),
    "InspectQr": (pb.InspectQrRequest(), {"shopper", "vendor", "agent", "team", "operator"}),
    "Pay": (pb.PayRequest(), {"shopper", "vendor"}),
    "InspectPhone": (pb.InspectPhoneRequest(), {"shopper", "vendor"}),
    "Send": (pb.SendRequest(), {"shopper", "vendor"}),
    "GetPayment": (pb.GetPaymentRequest(), {"shopper", "vendor", "operator", "auditor"}),
    "Refund": (pb.RefundRequest(), {"vendor", "operator"}),
    "Resolve": (pb.ResolveRequest(), {"shopper", "vendor", "agent", "officer", "operator"}),
    "ListMyAccounts": (pb.ListMyAccountsRequest(), {"shopper", "vendor", "agent"}),
    "GetAccount": (pb.GetAccountRequest(), {"shopper", "vendor", "agent", "officer", "operator", "auditor"}),
    "ListTransfers": (pb.ListTransfersRequest(), {"shopper", "vendor", "agent", "officer", "operator", "auditor"}),
    "SetAccountState": (pb.SetAccountStateRequest(), {"operator", "officer"}),
    "GetLedgerHead": (pb.GetLedgerHeadRequest(), {"service"}),
    "GetAccountVersion": (pb.GetAccountVersionRequest(), {"service"}),
    "CutWindow": (pb.CutWindowRequest(), {"service"}),
    "Echo": (pb.EchoRequest(), {"shopper", "vendor"}),
}
ROLES = (
    "shopper", "vendor", "agent", "team", "market_manager", "operator", "officer", "auditor", "service", "anyone", "",
)  # fmt: skip


async def test_each_method_is_for_its_roles_and_for_nobody_without_the_gateways_secret(api: Api) -> None:
    assert set(EVERYTHING) | {"WatchMerchant"} == {
        m.name for m in pb.DESCRIPTOR.services_by_name["PaymentsService"].methods
    }
    before = api.bench.dump()
    for method, (request, allowed) in EVERYTHING.items():
        for role in set(ROLES) - allowed:
            assert await api.code(person(role), method, request) == "PERMISSION_DENIED", (method, role)
        for wrong in ({"x_cho_edge": ""}, {"x_cho_edge": "a guess"}, {"x_cho_sub": ""}):
            assert await api.code(person(*allowed), method, request, **wrong) == "UNAUTHENTICATED", (method, wrong)
    assert api.bench.dump() == before


async def test_a_vendors_wallet_has_no_monthly_limit(api: Api) -> None:
    vendor, _ = await api.vendor()
    wallet = (await api(api.identified(vendor), "OpenWallet", pb.OpenWalletRequest(telecom=VNPT))).wallet
    assert wallet.month_limit == 0
    newcomer = api.identified(person("shopper"))
    shopper = (await api(newcomer, "OpenWallet", pb.OpenWalletRequest(telecom=VNPT))).wallet
    assert shopper.month_limit == 100_000_000


async def test_money_moves_only_out_of_the_callers_own_wallet(api: Api) -> None:
    (_, wallet), (stranger, own), (_, merchant) = await api.shopper(5_000), await api.shopper(), await api.vendor()
    _, agent = await api.agent()
    request = pb.CashOutRequest(wallet_id=wallet, agent_id=agent, amount=1_000, idempotency_key=new_key())
    assert await api.code(stranger, "Pay", pay(wallet, merchant)) == "ACCOUNT_NOT_FOUND"
    assert await api.code(stranger, "CashOut", request) == "ACCOUNT_NOT_FOUND"
    both = Person(stranger.sub, ("shopper", "vendor", "operator", "service"))
    assert await api.code(both, "Pay", pay(wallet, merchant)) == "ACCOUNT_NOT_FOUND"
    assert await balance(api, wallet) == 5_000
    assert own != wallet


async def test_a_wallet_is_opened_once_for_a_person_and_telecom_and_for_others_by_agents_only(api: Api) -> None:
    shopper, wallet = await api.shopper()
    again = await api(shopper, "OpenWallet", pb.OpenWalletRequest(telecom=VIETTEL))
    assert again.wallet.account_id == wallet
    assert (again.wallet.month_limit, again.wallet.month_used) == (100_000_000, 0)
    for_other = pb.OpenWalletRequest(telecom=VIETTEL, owner_id=shopper.sub)
    assert await api.code(person("shopper"), "OpenWallet", for_other) == "PERMISSION_DENIED"
    assert (await api(person("agent"), "OpenWallet", for_other)).wallet.account_id == wallet
    for bad in (pb.OpenWalletRequest(), pb.OpenWalletRequest(telecom=99)):  # type: ignore[arg-type]
        assert await api.code(shopper, "OpenWallet", bad) == "INVALID_ARGUMENT"
    odd = pb.OpenWalletRequest(telecom=VIETTEL, owner_id="somebody")
    assert await api.code(person("agent"), "OpenWallet", odd) == "INVALID_ARGUMENT"


async def test_nobody_has_a_wallet_before_somebody_has_seen_their_card(api: Api) -> None:
    newcomer = person("shopper")
    asked = pb.OpenWalletRequest(telecom=VIETTEL)
    assert await api.code(newcomer, "OpenWallet", asked) == "IDENTITY_NEEDED"
    for_them = pb.OpenWalletRequest(telecom=VIETTEL, owner_id=newcomer.sub)
    assert await api.code(person("agent"), "OpenWallet", for_them) == "IDENTITY_NEEDED"
    assert not (await api(newcomer, "ListMyAccounts", pb.ListMyAccountsRequest())).accounts
    assert (await api(api.identified(newcomer), "OpenWallet", asked)).wallet.account_id


async def test_a_person_with_two_phones_has_one_wallet_at_a_telecom(api: Api) -> None:
    one, other, them = person("shopper"), person("shopper"), new_id("prs")
    for phone in (one, other):
        api.identified(phone, them)
    asked = pb.OpenWalletRequest(telecom=VIETTEL)
    wallet = (await api(one, "OpenWallet", asked)).wallet.account_id
    assert await api.code(other, "OpenWallet", asked) == "WALLET_ELSEWHERE"
    for_other = pb.OpenWalletRequest(telecom=VIETTEL, owner_id=other.sub)
    assert await api.code(person("agent"), "OpenWallet", for_other) == "WALLET_ELSEWHERE"
    far = (await api(other, "OpenWallet", pb.OpenWalletRequest(telecom=VNPT))).wallet.account_id
    assert await api.code(one, "OpenWallet", pb.OpenWalletRequest(telecom=VNPT)) == "WALLET_ELSEWHERE"
    assert (await api(one, "OpenWallet", asked)).wallet.account_id == wallet
    assert (await api(other, "OpenWallet", pb.OpenWalletRequest(telecom=VNPT))).wallet.account_id == far
    assert await api.code(other, "GetAccount", pb.GetAccountRequest(account_id=wallet)) == "ACCOUNT_NOT_FOUND"


async def test_of_all_the_phones_of_one_person_at_one_moment_one_has_the_wallet(api: Api) -> None:
    them = new_id("prs")
    phones = [api.identified(person("shopper"), them) for _ in range(5)] * 4
    asked = pb.OpenWalletRequest(telecom=VIETTEL)

    async def opened(who: Person) -> str:
        try:
            return str((await api(who, "OpenWallet", asked)).wallet.account_id)
        except grpc.aio.AioRpcError as refused:
            return error_code(refused)

    outcomes = await asyncio.gather(*map(opened, phones))
    wallets = {outcome for outcome in outcomes if outcome.startswith("wal_")}
    assert len(wallets) == 1
    assert outcomes.count("WALLET_ELSEWHERE") == 16, "four of five phones, four times each"


async def test_a_wallet_of_before_cards_were_seen_stays_its_owners_only_one(api: Api) -> None:
    old = person("shopper")
    wallet = await api.bench.ledger.open(new_id("wal"), "wallet", "VIETTEL", old.sub, Intent(caller_id=old.sub))
    asked = pb.OpenWalletRequest(telecom=VIETTEL)
    assert (await api(old, "OpenWallet", asked)).wallet.account_id == wallet
    assert (await api(api.identified(old), "OpenWallet", asked)).wallet.account_id == wallet


async def test_officers_see_fund_and_freeze_at_their_own_telecom_only(api: Api) -> None:
    _, agent = await api.agent()
    _, wallet = await api.shopper()
    freeze = pb.SetAccountStateRequest(account_id=wallet, state=pb.ACCOUNT_STATE_FROZEN, reason="court order")
    for officer in (OTHER_OFFICER, person("officer"), person("officer", institution="970436")):
        assert await api.code(officer, "SetAccountState", freeze) == "ACCOUNT_NOT_FOUND"
        assert await api.code(officer, "GetAccount", pb.GetAccountRequest(account_id=wallet)) == "ACCOUNT_NOT_FOUND"
        assert await api.code(officer, "ListTransfers", pb.ListTransfersRequest(account_id=wallet))
    assert await api.code(OTHER_OFFICER, "FundAgent", fund(agent, 1_000)) == "WRONG_TELECOM"
    for nobody in (person("officer"), person("officer", institution="970436")):
        assert await api.code(nobody, "FundAgent", fund(agent, 1_000)) == "PERMISSION_DENIED"
        opening = pb.OpenAgentRequest(owner_id=new_id("usr"), telecom=VIETTEL)
        assert await api.code(nobody, "OpenAgent", opening) == "INVALID_ARGUMENT"
    other = await api(OFFICER, "OpenAgent", pb.OpenAgentRequest(owner_id=new_id("usr"), telecom=VNPT))
    assert other.agent.telecom == VIETTEL, "an officer opens at their own telecom, whatever they name"
    assert (await api(OFFICER, "SetAccountState", freeze)).account.state == pb.ACCOUNT_STATE_FROZEN


async def test_accounts_and_payments_are_shown_to_their_parties_only(api: Api) -> None:
    (shopper, wallet), (vendor, merchant), stranger = await api.shopper(5_000), await api.vendor(), person("shopper")
    payment = (await api(shopper, "Pay", pay(wallet, merchant))).payment
    asked = pb.GetPaymentRequest(payment_id=payment.transfer_id)
    for party in (shopper, vendor, OPERATOR, person("auditor")):
        assert (await api(party, "GetPayment", asked)).payment.amount == 1_000
    assert await api.code(stranger, "GetPayment", asked) == "PAYMENT_NOT_FOUND"
    for account, owner in ((wallet, shopper), (merchant, vendor)):
        seen, listed = pb.GetAccountRequest(account_id=account), pb.ListTransfersRequest(account_id=account)
        for reader in (owner, OPERATOR, person("auditor")):
            assert (await api(reader, "GetAccount", seen)).account.account_id == account
            assert (await api(reader, "ListTransfers", listed)).transfers[0].transfer_id == payment.transfer_id
        assert await api.code(stranger, "GetAccount", seen) == "ACCOUNT_NOT_FOUND"
        assert await api.code(stranger, "ListTransfers", listed) == "ACCOUNT_NOT_FOUND"
    mine = await api(shopper, "ListMyAccounts", pb.ListMyAccountsRequest())
    assert [(a.account_id, a.balance, a.month_used) for a in mine.accounts] == [(wallet, 4_000, 1_000)]
    trust = await api(OPERATOR, "GetAccount", pb.GetAccountRequest(account_id="trust:VIETTEL"))
    assert trust.account.balance > 0
    for unknown in ("clearing:VIETTEL", "fee:PLATFORM", "", "wal_0", "{c01}:meta", "\0"):
        assert await api.code(OPERATOR, "GetAccount", pb.GetAccountRequest(account_id=unknown)) == "ACCOUNT_NOT_FOUND"
    for unknown in ("", "pay_0", new_id("pay"), new_id("ref"), wallet):
        missing = pb.GetPaymentRequest(payment_id=unknown)
        assert await api.code(OPERATOR, "GetPayment", missing) == "PAYMENT_NOT_FOUND"
    for limit in (-1, 51, 2**31 - 1):
        request = pb.ListTransfersRequest(account_id=wallet, limit=limit)
        assert await api.code(shopper, "ListTransfers", request) == "INVALID_ARGUMENT"


async def test_who_had_a_merchant_before_sees_it_no_more(api: Api) -> None:
    vendor, merchant = await api.vendor()
    k, heir = api.bench.keys, person("vendor")
    keys = [k.meta, k.stream, k.account(merchant), k.bank_account("idx" + merchant), k.owner(heir.sub)]
    args = (merchant, heir.sub, "open", 2, BANK, "5499", "Bà Lan", "Chợ Thái", "A-1", "scope", b"")
    assert (await api.bench.ledger._call("merchant_v3", keys, *args))[0] == "OK"
    listed = {who: await api(who, "ListMyAccounts", pb.ListMyAccountsRequest()) for who in (vendor, heir)}
    assert [len(listed[who].accounts) for who in (vendor, heir)] == [0, 1]


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ([], pb.TRANSFER_STATE_SENT),
        (["paid"], pb.TRANSFER_STATE_PAID),
        (["unpaid"], pb.TRANSFER_STATE_UNPAID),
        (["paid", "returned"], pb.TRANSFER_STATE_RETURNED),
    ],
)
async def test_a_stall_sees_its_payout_and_what_became_of_it(api: Api, end: list[str], state: int) -> None:
    (vendor, merchant), (_, wallet) = await api.vendor(), await api.shopper(50_000)
    await api.bench.pay(wallet, merchant, 50_000)
    sent = await api.bench.post("payout", 50_000, transfer.payout(merchant, 50_000))
    legs = {
        "paid": transfer.paid(50_000),
        "unpaid": transfer.unpaid(merchant, 50_000),
        "returned": transfer.returned(merchant, 50_000),
    }
    for op in end:
        await api.bench.post(op, 50_000, legs[op], related=sent.transfer_id)
    listed = await api(vendor, "ListTransfers", pb.ListTransfersRequest(account_id=merchant))
    [payout] = [one for one in listed.transfers if one.kind == pb.TRANSFER_KIND_PAYOUT]
    assert (payout.amount, payout.from_account_id, payout.state) == (50_000, merchant, state)


def test_every_operation_of_the_ledger_has_a_name_in_the_api() -> None:
    source = library.source()
    shapes = source[source.index("local SHAPES") : source.index("local REVERSES")]
    operations = set(re.findall(r"^  (\w+) += ", shapes, re.MULTILINE)) | {"reverse"}
    assert len(operations) > 20
    assert operations == set(KIND_OF)


async def test_services_are_told_how_far_the_ledger_and_an_account_are(api: Api) -> None:
    _, wallet = await api.shopper(5_000)
    account = await api.bench.ledger.account(wallet)
    assert account is not None
    version = await api(SERVICE, "GetAccountVersion", pb.GetAccountVersionRequest(account_id=wallet))
    assert version.version == account.version > 1
    assert (await api(SERVICE, "GetAccountVersion", pb.GetAccountVersionRequest(account_id="x"))).version == 0
    head = await api(SERVICE, "GetLedgerHead", pb.GetLedgerHeadRequest())
    with api.bench.redis() as client:
        last = client.xrevrange(api.bench.keys.stream, count=1)[0]
    assert head.seq == int(last[0].split("-")[0])
    assert head.at.ToMilliseconds() >= int(last[1]["at"])


async def test_a_window_is_cut_by_services_only_and_once(api: Api) -> None:
    first = await api(SERVICE, "CutWindow", pb.CutWindowRequest(window=1))
    assert await api(SERVICE, "CutWindow", pb.CutWindowRequest(window=1)) == first
    assert first.open_window == 2
    for wrong in (0, -1, 3, 2**63 - 1, -(2**63)):
        assert await api.code(SERVICE, "CutWindow", pb.CutWindowRequest(window=wrong)) == "WINDOW_NOT_OPEN"


# Requests that make no sense ---------------------------------------------------------------------------------

GOOD_CODE = stall_code(new_id("mer"))
BAD_CODES = {
    "empty to the eye": " ",
    "garbage": "hello, I am not a payment code",
    "a link": "https://example.com/pay?to=me",
    "control characters": "\0\x01\x02",
    "truncated": GOOD_CODE[:-9],
    "cut in the checksum": GOOD_CODE[:-1],
    "wrong checksum": GOOD_CODE[:-4] + ("0000" if GOOD_CODE[-4:] != "0000" else "1111"),
    "one digit changed": GOOD_CODE.replace("5802VN", "5802VM"),
    "longer than a code may be": "0002010102126304" * 5_000,
    "something behind the checksum": GOOD_CODE + "6304AAAA",
}


@pytest.mark.parametrize("name", BAD_CODES)
async def test_a_code_that_cannot_be_read_pays_nobody_and_spends_no_key(api: Api, name: str) -> None:
    shopper, wallet = await api.shopper(5_000)
    before = api.bench.dump()
    request = pay(wallet, qr_payload=BAD_CODES[name])
    assert await api.code(shopper, "Pay", request) == "QR_INVALID"
    assert await api.code(shopper, "InspectQr", pb.InspectQrRequest(payload=BAD_CODES[name])) == "QR_INVALID"
    assert api.bench.dump() == before


async def test_a_code_in_another_currency_or_with_a_tip_is_refused(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(5_000), await api.vendor()
    body = stall_code(merchant)[:-4]
    for changed in (body.replace("5303704", "5303840"), body.replace("5802VN", "5502015802VN")):
        assert changed != body
        payload = changed + qr.emv.crc(changed)
        assert await api.code(shopper, "Pay", pay(wallet, qr_payload=payload)) == "QR_INVALID"


@pytest.mark.parametrize("amount", [0, -1, -(2**63), 10**12 + 1, 2**63 - 1])
async def test_an_amount_that_is_none_is_refused_everywhere(api: Api, amount: int) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(5_000), await api.vendor()
    agent, float_ = await api.agent(1_000)
    payment = (await api(shopper, "Pay", pay(wallet, merchant))).payment.transfer_id
    before, key = api.bench.dump(), new_key()
    calls: list[tuple[Person, str, Message]] = [
        (shopper, "Pay", pay(wallet, merchant, amount)),
        (shopper, "Pay", pay(wallet, amount=amount, qr_payload=stall_code(merchant))),
        (shopper, "CashOut", pb.CashOutRequest(wallet_id=wallet, agent_id=float_, amount=amount, idempotency_key=key)),
        (agent, "CashIn", pb.CashInRequest(wallet_id=wallet, amount=amount, idempotency_key=key)),
        (OFFICER, "FundAgent", fund(float_, amount)),
        (vendor, "Refund", refund(payment, amount)),
    ]
    for who, method, request in calls:
        assert await api.code(who, method, request) == "AMOUNT_INVALID", method
    assert api.bench.dump() == before


async def test_malformed_keys_ids_and_texts_are_refused_without_a_trace(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(5_000), await api.vendor()
    payment = (await api(shopper, "Pay", pay(wallet, merchant))).payment.transfer_id
    before = api.bench.dump()
    for key in ("", "1", "550e8400-e29b-41d4-a716-446655440000", new_key().upper(), new_key() + " ", "a|b|c"):
        assert await api.code(shopper, "Pay", pay(wallet, merchant, idempotency_key=key)) == "INVALID_ARGUMENT"
        assert await api.code(vendor, "Refund", refund(payment, 1, idempotency_key=key)) == "INVALID_ARGUMENT"
        resolve = pb.ResolveRequest(kind=pb.TRANSFER_KIND_PAYMENT, idempotency_key=key)
        assert await api.code(shopper, "Resolve", resolve) == "INVALID_ARGUMENT"
    for request, code in (
        (pay(wallet), "INVALID_ARGUMENT"),
        (pay(wallet, merchant, qr_payload=stall_code(merchant)), "INVALID_ARGUMENT"),
        (pay(wallet, merchant, note="x" * 141), "INVALID_ARGUMENT"),
        (pay(wallet, merchant, note="two\nlines"), "INVALID_ARGUMENT"),
        (pay(wallet, merchant, reference="x" * 26), "INVALID_ARGUMENT"),
        (pay(wallet, merchant, reference="\u202e"), "INVALID_ARGUMENT"),
        (pay("", merchant), "ACCOUNT_NOT_FOUND"),
        (pay(merchant, merchant), "ACCOUNT_NOT_FOUND"),
        (pay("trust:VIETTEL", merchant), "ACCOUNT_NOT_FOUND"),
        (pay(new_id("wal"), merchant), "ACCOUNT_NOT_FOUND"),
        (pay(wallet, wallet), "MERCHANT_NOT_FOUND"),
        (pay(wallet, "fee:PLATFORM"), "MERCHANT_NOT_FOUND"),
        (pay(wallet, new_id("mer")), "MERCHANT_NOT_FOUND"),
    ):
        assert await api.code(shopper, "Pay", request) == code
    for kind in (pb.TRANSFER_KIND_UNSPECIFIED, 99):
        resolve = pb.ResolveRequest(kind=kind, idempotency_key=new_key())  # type: ignore[arg-type]
        assert await api.code(shopper, "Resolve", resolve) == "INVALID_ARGUMENT"
    for state in (
        pb.SetAccountStateRequest(account_id=wallet, reason="no state"),
        pb.SetAccountStateRequest(account_id=wallet, state=pb.ACCOUNT_STATE_FROZEN),
        pb.SetAccountStateRequest(account_id=wallet, state=77, reason="unknown"),  # type: ignore[arg-type]
    ):
        assert await api.code(OPERATOR, "SetAccountState", state) == "INVALID_ARGUMENT"
    for account in (merchant, "trust:VIETTEL", "nobody"):
        state = pb.SetAccountStateRequest(account_id=account, state=pb.ACCOUNT_STATE_FROZEN, reason="r")
        assert await api.code(OPERATOR, "SetAccountState", state) == "ACCOUNT_NOT_FOUND"
    assert api.bench.dump() == before


async def test_a_clients_headers_are_kept_no_longer_than_they_can_be(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(5_000), await api.vendor()
    claims = {"x_request_id": "r" * 3_000, "traceparent": "t" * 3_000}
    await api(shopper, "Pay", pay(wallet, merchant), **claims)
    with redis.Redis.from_url(api.bench.url) as client:
        (_, fields), *_ = client.xrevrange("{c01}:ledger", count=1)
    kept = Intent.FromString(fields[b"i"])
    assert (kept.request_id, kept.traceparent) == ("r" * 64, "t" * 55)


async def test_after_not_after_nothing_happens_however_long_ago_it_was(api: Api) -> None:
    (shopper, wallet), (_, merchant), key = await api.shopper(5_000), await api.vendor(), new_key()
    for seconds in (int(time.time()) - 1, 1, 0, -1, -62_135_596_800):
        late = pay(wallet, merchant, idempotency_key=key, not_after={"seconds": seconds})
        assert await api.code(shopper, "Pay", late) == "TOO_LATE", seconds
    good = pay(wallet, merchant, idempotency_key=key, not_after={"seconds": int(time.time()) + 60})
    assert (await api(shopper, "Pay", good)).balance == 4_000
    moved = pay(wallet, merchant, idempotency_key=key, not_after={"seconds": int(time.time()) + 90})
    assert (await api(shopper, "Pay", moved)).balance == 4_000, "not_after is when, not what"


# Payments ------------------------------------------------------------------------------------------------------


async def test_a_stalls_code_says_who_and_how_much_and_is_paid(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(90_000), await api.vendor()
    payload = stall_code(merchant, 25_000, bill_number="HD-7")
    seen = await api(shopper, "InspectQr", pb.InspectQrRequest(payload=payload))
    assert (seen.merchant_id, seen.merchant_name, seen.payable, seen.amount) == (merchant, "Bà Lan", True, 25_000)
    assert (seen.reference, seen.market_name, seen.stall) == ("HD-7", "Chợ Thái", "A-1")
    for amount in (0, 25_000):
        answer = await api(shopper, "Pay", pay(wallet, amount=amount, qr_payload=payload))
        assert (answer.payment.amount, answer.payment.reference) == (25_000, "HD-7")
    for amount in (24_999, 25_001, 1, -25_000):
        assert await api.code(shopper, "Pay", pay(wallet, amount=amount, qr_payload=payload)) == "AMOUNT_MISMATCH"
    assert await api.code(shopper, "Pay", pay(wallet, amount=0, qr_payload=stall_code(merchant))) == "AMOUNT_INVALID"
    assert await balance(api, wallet) == 40_000


async def test_a_code_that_asks_the_payer_for_the_bill_leaves_the_payers_own_reference(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(9_000), await api.vendor()
    body = stall_code(merchant, bill_number="XYZ")[:-4].replace("0103XYZ", "0103***")
    request = pay(wallet, qr_payload=body + qr.emv.crc(body), reference="HD-9")
    assert (await api(shopper, "Pay", request)).payment.reference == "HD-9"


async def test_a_banks_code_pays_the_merchant_whose_account_it_names(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(90_000), await api.vendor(account=ACCOUNT)
    seen = await api(shopper, "InspectQr", pb.InspectQrRequest(payload=bank_code()))
    assert (seen.merchant_id, seen.payable) == (merchant, True)
    answer = await api(shopper, "Pay", pay(wallet, amount=0, qr_payload=bank_code(amount=30_000)))
    assert (answer.payment.to_account_id, answer.balance) == (merchant, 60_000)
    for payload in (bank_code("999999"), stall_code(new_id("mer"))):
        assert await api.code(shopper, "Pay", pay(wallet, qr_payload=payload)) == "MERCHANT_NOT_FOUND"
        assert await api.code(shopper, "InspectQr", pb.InspectQrRequest(payload=payload)) == "MERCHANT_NOT_FOUND"


async def test_merchants_that_are_not_approved_or_suspended_are_not_paid(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(9_000), await api.vendor(state="frozen")
    request = pay(wallet, merchant)
    assert await api.code(shopper, "Pay", request) == "MERCHANT_NOT_PAYABLE"
    assert await api.code(shopper, "Pay", pay(wallet, new_id("mer"))) == "MERCHANT_NOT_FOUND"
    seen = await api(shopper, "InspectQr", pb.InspectQrRequest(payload=stall_code(merchant)))
    assert not seen.payable
    await api.bench.merchant("open", 2, merchant)
    assert await api.code(shopper, "Pay", request) == "MERCHANT_NOT_PAYABLE", "the answer of this key, for good"
    assert (await api(shopper, "Pay", pay(wallet, merchant))).balance == 8_000


async def test_frozen_and_closed_wallets_neither_pay_nor_are_paid(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(9_000), await api.vendor()
    agent, float_ = await api.agent(5_000)

    async def set_state(state: int) -> None:
        request = pb.SetAccountStateRequest(account_id=wallet, state=state, reason="lost phone")  # type: ignore[arg-type]
        assert (await api(OPERATOR, "SetAccountState", request)).account.state == state

    async def codes() -> set[str]:
        cash_in = pb.CashInRequest(wallet_id=wallet, amount=1, idempotency_key=new_key())
        cash_out = pb.CashOutRequest(wallet_id=wallet, agent_id=float_, amount=1, idempotency_key=new_key())
        return {
            await api.code(shopper, "Pay", pay(wallet, merchant)),
            await api.code(agent, "CashIn", cash_in),
            await api.code(shopper, "CashOut", cash_out),
        }

    await set_state(pb.ACCOUNT_STATE_FROZEN)
    assert await codes() == {"ACCOUNT_FROZEN"}
    closing = pb.SetAccountStateRequest(account_id=wallet, state=pb.ACCOUNT_STATE_CLOSED, reason="r")
    assert await api.code(OPERATOR, "SetAccountState", closing) == "ACCOUNT_NOT_EMPTY"
    await set_state(pb.ACCOUNT_STATE_OPEN)
    await api(shopper, "Pay", pay(wallet, merchant, 9_000))
    await set_state(pb.ACCOUNT_STATE_CLOSED)
    assert await codes() == {"ACCOUNT_CLOSED"}


async def test_cash_goes_in_and_out_at_the_wallets_telecom(api: Api) -> None:
    agent, float_ = await api.agent(10_000)
    shopper, wallet = await api.shopper()
    _, elsewhere = await api.shopper(telecom=VNPT)
    first = pb.CashInRequest(wallet_id=wallet, amount=7_000, idempotency_key=new_key())
    assert await api.code(agent, "CashIn", first) == "GUARANTEE_SHORT"
    for officer in (OFFICER, OTHER_OFFICER):
        deposit = pb.FundReserveRequest(idempotency_key=new_key(), amount=30, reference="FT1")
        assert (await api(officer, "FundReserve", deposit)).balance == 30
    first.idempotency_key = new_key()
    given = await api(agent, "CashIn", first)
    assert (given.float_balance, given.transfer.fee) == (10_000 - 7_000 + 14, 14)
    taken = pb.CashOutRequest(wallet_id=wallet, agent_id=float_, amount=2_000, idempotency_key=new_key())
    assert (await api(shopper, "CashOut", taken)).balance == 5_000
    assert await balance(api, float_) == 3_014 + 2_000 + 6
    assert await balance(api, "reserve:VIETTEL") == 10

    def cash_in(wallet_id: str, amount: int) -> pb.CashInRequest:
        return pb.CashInRequest(wallet_id=wallet_id, amount=amount, idempotency_key=new_key())

    assert await api.code(agent, "CashIn", cash_in(wallet, 5_031)) == "INSUFFICIENT_FUNDS"
    assert await api.code(agent, "CashIn", cash_in(elsewhere, 1)) == "WRONG_TELECOM"
    assert await api.code(agent, "CashIn", cash_in(new_id("wal"), 1)) == "ACCOUNT_NOT_FOUND"
    assert await api.code(person("agent"), "CashIn", cash_in(wallet, 1)) == "ACCOUNT_NOT_FOUND"
    second = await api(OTHER_OFFICER, "OpenAgent", pb.OpenAgentRequest(owner_id=agent.sub))
    await api(OTHER_OFFICER, "FundAgent", fund(second.agent.account_id, 900))
    assert (await api(agent, "CashIn", cash_in(elsewhere, 400))).float_balance == 500  # too little for a commission


async def test_a_shopper_with_every_dong_pays_it_and_not_one_more(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(5_000), await api.vendor()
    assert await api.code(shopper, "Pay", pay(wallet, merchant, 5_001)) == "INSUFFICIENT_FUNDS"
    assert (await api(shopper, "Pay", pay(wallet, merchant, 5_000))).balance == 0
    assert await api.code(shopper, "Pay", pay(wallet, merchant, 1)) == "INSUFFICIENT_FUNDS"


async def test_the_law_limits_what_a_wallet_pays_in_a_month(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(200_000_000), await api.vendor()
    await api(shopper, "Pay", pay(wallet, merchant, 100_000_000))
    assert await api.code(shopper, "Pay", pay(wallet, merchant, 1)) == "LIMIT_EXCEEDED"


# Keys ----------------------------------------------------------------------------------------------------------


async def test_a_key_again_gets_the_same_answer_to_the_letter_and_another_body_a_conflict(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(90_000), await api.vendor("5999")
    request = pay(wallet, merchant, 50_000, note="chè", reference="HD-1")
    first = await api(shopper, "Pay", request)
    await api(shopper, "Pay", pay(wallet, merchant, 10_000))
    assert await api(shopper, "Pay", request) == first
    for name, value in (("amount", 50_001), ("note", "khác"), ("reference", ""), ("wallet_id", wallet)):
        other = pb.PayRequest()
        other.CopyFrom(request)
        setattr(other, name, value)
        if other == request:
            continue
        assert await api.code(shopper, "Pay", other) == "IDEMPOTENCY_CONFLICT", name
    other = pay(wallet, qr_payload=stall_code(merchant), amount=50_000, idempotency_key=request.idempotency_key)
    assert await api.code(shopper, "Pay", other) == "IDEMPOTENCY_CONFLICT"
    back = refund(first.payment.transfer_id, 20_000, idempotency_key=request.idempotency_key)
    given = await api(vendor, "Refund", back)  # another caller and operation: another key
    await api(vendor, "Refund", refund(first.payment.transfer_id, 30_000))
    assert await api(vendor, "Refund", back) == given
    assert await balance(api, wallet) == 80_000


async def test_64_concurrent_requests_with_one_key_are_one_payment(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(90_000), await api.vendor()
    request = pay(wallet, merchant)
    answers = await asyncio.gather(*(api(shopper, "Pay", request) for _ in range(64)))
    assert all(answer == answers[0] for answer in answers)
    assert await balance(api, wallet) == 89_000


async def test_64_concurrent_payments_beyond_the_balance_spend_it_exactly(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(10_500), await api.vendor()
    calls = (api(shopper, "Pay", pay(wallet, merchant)) for _ in range(64))
    ends = await asyncio.gather(*calls, return_exceptions=True)
    refused = [error_code(end) for end in ends if isinstance(end, grpc.RpcError)]
    assert refused == ["INSUFFICIENT_FUNDS"] * 54
    assert await balance(api, wallet) == 500
    assert await balance(api, merchant) == 10_000


async def test_resolve_tells_how_a_key_ended_and_makes_never_final(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(9_000), await api.vendor()
    done, refused, never = pay(wallet, merchant), pay(wallet, merchant, 10_000), pay(wallet, merchant)
    paid = await api(shopper, "Pay", done)
    assert await api.code(shopper, "Pay", refused) == "INSUFFICIENT_FUNDS"

    def resolve(request: pb.PayRequest) -> pb.ResolveRequest:
        return pb.ResolveRequest(kind=pb.TRANSFER_KIND_PAYMENT, idempotency_key=request.idempotency_key)

    outcome = pb.ResolveResponse
    found = await api(shopper, "Resolve", resolve(done))
    assert (found.outcome, found.transfer_id, found.seq) == (
        *(outcome.OUTCOME_DONE, paid.payment.transfer_id),
        paid.payment.seq,
    )
    found = await api(shopper, "Resolve", resolve(refused))
    assert (found.outcome, found.code) == (outcome.OUTCOME_REFUSED, "INSUFFICIENT_FUNDS")
    for _ in range(2):
        assert (await api(shopper, "Resolve", resolve(never))).outcome == outcome.OUTCOME_NOT_FOUND
    assert await api.code(shopper, "Pay", never) == "KEY_SPENT"
    theirs = await api(person("shopper"), "Resolve", resolve(done))
    assert theirs.outcome == outcome.OUTCOME_NOT_FOUND, "a key is its caller's: nobody learns of another's"
    assert await api(shopper, "Pay", done) == paid
    assert await balance(api, wallet) == 8_000


@pytest.mark.parametrize("kind", ["TRANSFER_KIND_TOP_UP", "TRANSFER_KIND_UNLOAD"])
async def test_resolve_does_not_say_that_what_a_card_may_have_paid_never_arrived(api: Api, kind: str) -> None:
    asked = pb.ResolveRequest(kind=pb.TransferKind.Value(kind), idempotency_key=new_key())
    assert await api.code(person("shopper"), "Resolve", asked) == "INVALID_ARGUMENT"


# Refunds -------------------------------------------------------------------------------------------------------


async def test_a_refund_goes_back_whole_or_in_parts_with_the_fee_in_proportion(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor("5999")
    payment = (await api(shopper, "Pay", pay(wallet, merchant, 100_000))).payment
    assert (payment.fee, await balance(api, merchant)) == (200, 99_800)
    for amount, fee, total in ((33_333, 66, 33_333), (1, 0, 33_334), (66_666, 134, 100_000)):
        given = await api(vendor, "Refund", refund(payment.transfer_id, amount, reason="hàng lỗi"))
        assert (given.refund.fee, given.refunded_total, given.refund.note) == (fee, total, "hàng lỗi")
    assert await api.code(vendor, "Refund", refund(payment.transfer_id, 1)) == "REFUND_EXCEEDS_PAYMENT"
    seen = (await api(shopper, "GetPayment", pb.GetPaymentRequest(payment_id=payment.transfer_id))).payment
    assert (seen.refunded, seen.amount) == (100_000, 100_000)
    assert [await balance(api, a) for a in (wallet, merchant, transfer.PLATFORM_FEE)] == [100_000, 0, 0]


async def test_only_the_merchants_owner_and_operators_refund(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(9_000), await api.vendor()
    other_vendor, _ = await api.vendor()
    payment = (await api(shopper, "Pay", pay(wallet, merchant, 9_000))).payment.transfer_id
    for who in (other_vendor, Person(shopper.sub, ("vendor",)), person("vendor")):
        assert await api.code(who, "Refund", refund(payment, 1_000)) == "PAYMENT_NOT_FOUND"
    for unknown in ("", new_id("pay"), "pay_x"):
        assert await api.code(vendor, "Refund", refund(unknown, 1_000)) == "PAYMENT_NOT_FOUND"
    given = await api(OPERATOR, "Refund", refund(payment, 4_000))
    assert await api.code(vendor, "Refund", refund(given.refund.transfer_id, 1)) == "PAYMENT_NOT_FOUND"
    assert await api.code(vendor, "Refund", refund(payment, 5_001)) == "REFUND_EXCEEDS_PAYMENT"
    assert await api.code(vendor, "Refund", refund(payment, 10**12)) == "REFUND_EXCEEDS_PAYMENT"
    assert (await api(vendor, "Refund", refund(payment, 5_000))).refunded_total == 9_000


async def test_a_frozen_payer_gets_a_refund_and_a_closed_one_does_not(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(9_000), await api.vendor()
    payment = (await api(shopper, "Pay", pay(wallet, merchant, 9_000))).payment.transfer_id

    def state(number: int) -> pb.SetAccountStateRequest:
        return pb.SetAccountStateRequest(account_id=wallet, state=number, reason="r")  # type: ignore[arg-type]

    await api(OPERATOR, "SetAccountState", state(pb.ACCOUNT_STATE_CLOSED))
    assert await api.code(vendor, "Refund", refund(payment, 1_000)) == "ACCOUNT_CLOSED"
    assert await api.code(OPERATOR, "SetAccountState", state(pb.ACCOUNT_STATE_OPEN)) == "ACCOUNT_CLOSED"


async def test_concurrent_refunds_never_exceed_the_payment_and_give_the_whole_fee_back(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor("5999")
    payment = (await api(shopper, "Pay", pay(wallet, merchant, 100_000))).payment
    for _ in range(20):
        calls = (api(vendor, "Refund", refund(payment.transfer_id, 15_000)) for _ in range(12))
        ends = await asyncio.gather(*calls, return_exceptions=True)
        codes = {error_code(end) for end in ends if isinstance(end, grpc.RpcError)}
        assert codes <= {"CONTENTION", "REFUND_EXCEEDS_PAYMENT"}
        if codes == {"REFUND_EXCEEDS_PAYMENT"} and all(isinstance(end, grpc.RpcError) for end in ends):
            break
    seen = (await api(shopper, "GetPayment", pb.GetPaymentRequest(payment_id=payment.transfer_id))).payment
    assert seen.refunded == 90_000
    assert (await api(vendor, "Refund", refund(payment.transfer_id, 10_000))).refunded_total == 100_000
    assert [await balance(api, a) for a in (wallet, merchant, transfer.PLATFORM_FEE)] == [100_000, 0, 0]


async def test_one_key_refunds_once_however_many_ask_at_once(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(9_000), await api.vendor()
    payment = (await api(shopper, "Pay", pay(wallet, merchant, 9_000))).payment.transfer_id
    request = refund(payment, 4_000)
    answers = await asyncio.gather(*(api(vendor, "Refund", request) for _ in range(16)))
    assert all(answer == answers[0] for answer in answers)
    assert await balance(api, wallet) == 4_000


# Between people ------------------------------------------------------------------------------------------------


def send(wallet: str, amount: int, to: str = "", **more: Any) -> pb.SendRequest:
    more.setdefault("idempotency_key", new_key())
    return pb.SendRequest(wallet_id=wallet, to_wallet_id=to, amount=amount, **more)


def known(url: str, user_id: str, phone: str, name: str = "Nguyễn T** L**", version: int = 1) -> None:
    """What payments' worker does with identity's events."""
    told = UserChanged(user_id=user_id, phone_index=phone_index(phone), display_name=name, version=version)
    with redis.Redis.from_url(url) as client:
        put_person(client, Event("evt", "user.changed", "identity", user_id, now(), "", told.SerializeToString()))


async def test_money_goes_from_wallet_to_wallet_at_one_telecom(api: Api) -> None:
    (sender, wallet), (_, other) = await api.shopper(9_000), await api.shopper()
    request = send(wallet, 4_000, other, note="tiền gạo")
    sent = await api(sender, "Send", request)
    assert (sent.balance, sent.transfer.kind, sent.transfer.note) == (5_000, pb.TRANSFER_KIND_TRANSFER, "tiền gạo")
    assert await api(sender, "Send", request) == sent
    assert await balance(api, other) == 4_000
    assert await api.code(sender, "Send", send(wallet, 5_001, other)) == "INSUFFICIENT_FUNDS"
    assert await api.code(sender, "Send", send(wallet, 1, wallet)) == "SAME_ACCOUNT"
    assert await api.code(sender, "Send", send(other, 1, wallet)) == "ACCOUNT_NOT_FOUND"
    assert await api.code(sender, "Send", send(wallet, 1, new_id("wal"))) == "ACCOUNT_NOT_FOUND"
    assert await api.code(sender, "Send", send(wallet, 1)) == "INVALID_ARGUMENT"


async def test_money_between_telecoms_needs_the_receiving_telecoms_own_money_as_cover(api: Api) -> None:
    (sender, wallet), (_, other) = await api.shopper(9_000), await api.shopper(telecom=VNPT)
    assert await api.code(sender, "Send", send(wallet, 4_000, other)) == "GUARANTEE_SHORT"
    deposit = pb.FundReserveRequest(idempotency_key=new_key(), amount=4_000, reference="FT2")
    await api(OTHER_OFFICER, "FundReserve", deposit)
    assert (await api(sender, "Send", send(wallet, 4_000, other))).balance == 5_000
    assert await api.code(sender, "Send", send(wallet, 1, other)) == "GUARANTEE_SHORT"
    assert await balance(api, "clearing:VIETTEL") == 4_000
    assert await balance(api, "clearing:VNPT") == -4_000


async def test_a_phone_number_reaches_a_wallet_and_a_stall(api: Api) -> None:
    (sender, wallet), (vendor, merchant) = await api.shopper(9_000), await api.vendor()
    api.identified(vendor)
    far = (await api(vendor, "OpenWallet", pb.OpenWalletRequest(telecom=VNPT))).wallet.account_id
    near = (await api(vendor, "OpenWallet", pb.OpenWalletRequest(telecom=VIETTEL))).wallet.account_id
    known(api.bench.url, vendor.sub, "0912345678")
    seen = await api(sender, "InspectPhone", pb.InspectPhoneRequest(phone="+84 912 345 678"))
    assert (seen.name, [s.merchant_id for s in seen.stalls]) == ("Nguyễn T** L**", [merchant])
    assert sorted(seen.telecoms) == sorted([VIETTEL, VNPT])
    await api(sender, "Send", send(wallet, 1_000, to_phone="0912 345 678"))
    assert (await balance(api, near), await balance(api, far)) == (1_000, 0)
    bought = pb.PayRequest(wallet_id=wallet, phone="0912.345.678", amount=2_000, idempotency_key=new_key())
    paid = await api(sender, "Pay", bought)
    assert (paid.payment.to_account_id, await balance(api, merchant)) == (merchant, 2_000)
    assert await api.code(sender, "Send", send(wallet, 1, to_phone="0912345679")) == "NOT_FOUND"
    assert await api.code(sender, "Send", send(wallet, 1, to_phone="12")) == "INVALID_ARGUMENT"
    both = send(wallet, 1, near, to_phone="0912345678")
    assert await api.code(sender, "Send", both) == "INVALID_ARGUMENT"


async def test_a_phone_of_somebody_without_stall_or_wallet_is_told_apart(api: Api) -> None:
    (sender, wallet), (somebody, _) = await api.shopper(9_000), await api.shopper()
    known(api.bench.url, somebody.sub, "0912345670")
    bought = pb.PayRequest(wallet_id=wallet, phone="0912345670", amount=2_000, idempotency_key=new_key())
    assert await api.code(sender, "Pay", bought) == "MERCHANT_NOT_FOUND"
    known(api.bench.url, new_id("usr"), "0912345671")
    assert await api.code(sender, "Send", send(wallet, 1, to_phone="0912345671")) == "ACCOUNT_NOT_FOUND"


async def test_an_older_event_does_not_take_a_phone_back(api: Api) -> None:
    (sender, _), (one, _) = await api.shopper(), await api.shopper()
    known(api.bench.url, one.sub, "0912345672", "Mới", 3)
    known(api.bench.url, one.sub, "0912345672", "Cũ", 2)
    assert (await api(sender, "InspectPhone", pb.InspectPhoneRequest(phone="0912345672"))).name == "Mới"


async def test_much_money_needs_a_pin_entered_a_moment_ago_and_spends_no_key_without(api: Api) -> None:
    (sender, wallet), (_, other), (_, merchant) = await api.shopper(50_000_000), await api.shopper(), await api.vendor()
    stale = str(int(time.time()) - 301)
    _, agent = await api.agent()
    asked = {
        "Pay": pay(wallet, merchant, 10_000_001),
        "Send": send(wallet, 10_000_001, other),
        "CashOut": pb.CashOutRequest(
            wallet_id=wallet, agent_id=agent, amount=10_000_001, idempotency_key=new_key()
        ),
    }  # fmt: skip
    await api(OFFICER, "FundReserve", pb.FundReserveRequest(idempotency_key=new_key(), amount=90_000, reference="FT"))
    for method, request in asked.items():
        assert await api.code(sender, method, request, x_cho_pin_at=stale) == "STEP_UP_NEEDED", method
        await api(sender, method, request)
    await api(sender, "Pay", pay(wallet, merchant, 10_000_000), x_cho_pin_at=stale)


async def test_much_money_from_a_new_device_waits_for_an_operator(api: Api) -> None:
    (sender, wallet), (_, merchant), (_, other) = await api.shopper(50_000_000), await api.vendor(), await api.shopper()
    new, known_long = str(int(time.time()) - 3_600), str(int(time.time()) - 90_000)
    request = pay(wallet, merchant, 6_000_000)
    held = await api(sender, "Pay", request, x_cho_dev_at=new)
    assert (held.payment.kind, held.payment.state) == (pb.TRANSFER_KIND_HOLD, pb.TRANSFER_STATE_HELD)
    assert (held.payment.in_review, held.payment.held_by, held.balance) == (True, "velocity-device", 44_000_000)
    assert await api(sender, "Pay", request, x_cho_dev_at=new) == held
    assert await balance(api, merchant) == 0
    assert await api.code(sender, "Send", send(wallet, 6_000_000, other), x_cho_dev_at=new) == "VELOCITY_EXCEEDED"
    for amount, since in ((5_000_000, new), (6_000_000, known_long)):
        paid = await api(sender, "Pay", pay(wallet, merchant, amount), x_cho_dev_at=since)
        assert paid.payment.state == pb.TRANSFER_STATE_DONE


# Announcements -------------------------------------------------------------------------------------------------


def tell(url: str, after: int = 0) -> int:
    """What the announcer does, for the events after `after`; the newest sequence number."""
    with redis.Redis.from_url(url, protocol=2) as client:
        for entry_id, fields in client.xrange("{c01}:ledger", f"({after}-0"):
            after = int(entry_id.split(b"-")[0])
            event = from_fields(after, fields)
            if (message := announce.moved(event)) is not None:
                type_, data, id_ = announce.TYPES[event.op], message.SerializeToString(), f"{after}-0"
                client.xadd(live_key(message.merchant_id), {"type": type_, "data": data}, id=id_)
                told = Event(f"evt_{after}", type_, "payments", message.merchant_id, now(), "", data)
                client.xadd(STREAM, told.fields(), id=id_)
    return after


class Watch:
    """A vendor's open page."""

    def __init__(self, api: Api, who: Person, merchant: str, last: str = "") -> None:
        claims = {"last_event_id": last} if last else {}
        self.call = api.stubs[0].WatchMerchant(
            pb.WatchMerchantRequest(merchant_id=merchant), metadata=who.claims(**claims), timeout=WAIT_S_MAX
        )
        self.id = ""
        self._text = ""

    async def opened(self) -> Watch:
        body = await self.call.read()
        assert body.content_type == "text/event-stream"
        assert body.data.startswith(b"retry: ")
        self.id = body.data.split(b"id: ")[1].split(b"\n")[0].decode()
        return self

    async def events(self, count: int) -> list[dict[str, Any]]:
        while self._text.count("data: ") < count or not self._text.endswith("\n\n"):
            body = await self.call.read()
            assert body is not grpc.aio.EOF, "the stream ended"
            self._text += body.data.decode()
        frames = [dict(line.split(": ", 1) for line in f.split("\n")) for f in self._text.split("\n\n") if "data" in f]
        self._text = ""
        assert all(frame["id"] == str(json.loads(frame["data"])["seq"]) for frame in frames)
        return [json.loads(frame["data"]) for frame in frames]


async def subscribed(api: Api, merchant: str) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not api.followers._queues.get(merchant):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_a_vendor_hears_of_each_payment_once_and_misses_none_while_away(api: Api) -> None:
    (shopper, wallet), (vendor, merchant), (_, other) = (
        await api.shopper(90_000),
        await api.vendor(),
        await api.vendor(),
    )

    async def buy(*amounts: int) -> None:
        for amount in amounts:
            await api(shopper, "Pay", pay(wallet, merchant, amount))
            await api(shopper, "Pay", pay(wallet, other, amount))

    page = await Watch(api, vendor, merchant).opened()
    await subscribed(api, merchant)
    await buy(101, 102)
    told = tell(api.bench.url)
    heard = await page.events(2)
    assert [e["amount"] for e in heard] == [101, 102]
    assert "wallet_id" not in heard[0]
    page.call.cancel()
    await buy(103)
    told = tell(api.bench.url, told)
    await buy(104)  # not announced yet when the page comes back
    back = await Watch(api, vendor, merchant, last=str(heard[0]["seq"])).opened()
    await subscribed(api, merchant)
    told = tell(api.bench.url, told)
    await buy(105)
    tell(api.bench.url, told)
    again = await back.events(4)
    assert [e["amount"] for e in again] == [102, 103, 104, 105]
    versions = [e["merchant_version"] for e in [heard[0], *again]]
    assert versions == list(range(versions[0], versions[0] + 5))
    back.call.cancel()
    assert await _idle(api)


async def test_a_listener_cut_off_before_its_first_payment_misses_none(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(9_000), await api.vendor()
    await api(shopper, "Pay", pay(wallet, merchant, 101))
    told = tell(api.bench.url)
    page = await Watch(api, vendor, merchant).opened()
    page.call.cancel()
    await api(shopper, "Pay", pay(wallet, merchant, 102))
    tell(api.bench.url, told)
    back = await Watch(api, vendor, merchant, last=page.id).opened()
    assert [e["amount"] for e in await back.events(1)] == [102]
    back.call.cancel()


async def _idle(api: Api) -> bool:
    deadline = time.monotonic() + WAIT_S_MAX
    while api.followers._listeners:
        assert time.monotonic() < deadline, "a listener that left is still counted"
        await asyncio.sleep(0.01)
    return not api.followers._queues


async def test_a_refund_is_announced_with_its_payment(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(9_000), await api.vendor()
    page = await Watch(api, vendor, merchant, last="0").opened()
    payment = (await api(shopper, "Pay", pay(wallet, merchant, 9_000, note="2 cân chè"))).payment
    await api(vendor, "Refund", refund(payment.transfer_id, 1_000))
    tell(api.bench.url)
    captured, refunded = await page.events(2)
    assert (captured["type"], captured["code"], captured["note"]) == ("payment.captured", payment.code, "2 cân chè")
    assert (refunded["type"], refunded["payment_id"]) == ("payment.refunded", payment.transfer_id)
    page.call.cancel()


async def test_announcements_are_the_merchants_owners_and_operators_alone(api: Api) -> None:
    vendor, merchant = await api.vendor()

    async def code(who: Person, asked: str, **claims: str) -> str:
        call = api.stubs[0].WatchMerchant(
            pb.WatchMerchantRequest(merchant_id=asked), metadata=who.claims(**claims), timeout=WAIT_S_MAX
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()
        return error_code(refused.value)

    assert await code(person("vendor"), merchant) == "NOT_FOUND"
    assert await code(vendor, new_id("mer")) == "NOT_FOUND"
    assert await code(vendor, "trust:VIETTEL") == "MERCHANT_NOT_FOUND"
    assert await code(Person(vendor.sub, ("shopper",)), merchant) == "PERMISSION_DENIED"
    assert await code(vendor, merchant, x_cho_edge="a guess") == "UNAUTHENTICATED"
    for odd in ("-1", "1-0", "abc", "9" * 17):
        assert await code(vendor, merchant, last_event_id=odd) == "INVALID_ARGUMENT", odd
    page = await Watch(api, OPERATOR, merchant).opened()
    page.call.cancel()


async def test_above_the_limit_of_listeners_the_next_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LISTENERS_MAX", 1)
    vendor, merchant = await api.vendor()
    first = await Watch(api, vendor, merchant).opened()
    await subscribed(api, merchant)
    second = await Watch(api, vendor, merchant).opened()
    told = await second.call.read()
    assert b"event: error" in told.data
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await second.call.read()
    assert error_code(refused.value) == "OVERLOADED"
    first.call.cancel()


def test_streams_alone_never_fill_the_server() -> None:
    assert aio.CONCURRENT_CALLS_MAX >= 1.5 * (live.LISTENERS_MAX + admission.FLIGHT_MAX)


async def test_with_all_listeners_that_there_may_be_payments_and_health_checks_are_answered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = 2048
    for module, name in ((aio, "CONCURRENT_CALLS_MAX"), (live, "LISTENERS_MAX")):
        monkeypatch.setattr(module, name, getattr(module, name) // small)
    async with serve(bench) as api:
        vendor, merchant = await api.vendor()
        pages = [await Watch(api, vendor, merchant).opened() for _ in range(live.LISTENERS_MAX)]
        deadline = time.monotonic() + WAIT_S_MAX
        while api.followers._listeners < live.LISTENERS_MAX:
            assert time.monotonic() < deadline, "not all of them listen"
            await asyncio.sleep(0.005)
        await api(vendor, "GetAccount", pb.GetAccountRequest(account_id=merchant))
        health = health_pb2_grpc.HealthStub(api.channel)
        answered = await health.Check(health_pb2.HealthCheckRequest(), timeout=WAIT_S_MAX)
        assert answered.status == health_pb2.HealthCheckResponse.SERVING
        for page in pages:
            page.call.cancel()


def _announced(url: str, merchant: str, *seqs: int, kept: int | None = None, now_too: bool = True) -> None:
    with redis.Redis.from_url(url, protocol=2) as client, client.pipeline(transaction=False) as pipe:
        for seq in seqs:
            data = announce.PaymentMoved(merchant_id=merchant, seq=seq, amount=seq).SerializeToString()
            told = Event(f"evt_{seq}", "payment.captured", "payments", merchant, now(), "", data)
            fields: Any = {"type": "payment.captured", "data": data}
            pipe.xadd(live_key(merchant), fields, id=f"{seq}-0", maxlen=kept)
            if now_too:
                pipe.xadd(STREAM, told.fields(), id=f"{seq}-0")
        pipe.execute()


async def heard_until(followers: Followers, merchant: str, after: int, last: int) -> list[int]:
    heard: list[int] = []
    async for batch in followers.follow(merchant, after):
        heard += [message.seq for _, message in batch]
        if heard and heard[-1] >= last:
            break
    return heard


async def test_a_listener_that_lags_is_cut_off_and_catches_up_without_gap_or_double(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BACKLOG_MAX", 4)
    url, merchant, heard = api.bench.url, new_id("mer"), []
    listener = api.followers.follow(merchant, 0)
    first = asyncio.ensure_future(anext(listener))
    await subscribed(api, merchant)
    (queue,) = api.followers._queues[merchant]
    _announced(url, merchant, 1)
    heard += [message.seq for _, message in await first]
    _announced(url, merchant, *range(2, 30))
    deadline = time.monotonic() + WAIT_S_MAX
    while queue.qsize() < 5:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    _announced(url, merchant, *range(30, 40))
    async for batch in listener:  # it is slow, and ends
        heard += [message.seq for _, message in batch]
    assert heard == list(range(1, len(heard) + 1))
    assert len(heard) < 39
    assert heard + await heard_until(api.followers, merchant, heard[-1], 39) == list(range(1, 40))


async def test_whatever_breaks_the_reader_of_announcements_listeners_hear_on(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant, xread, broken = new_id("mer"), api.followers._redis.xread, asyncio.Event()

    async def breaks_once(*args: Any, **options: Any) -> Any:
        if not broken.is_set():
            broken.set()
            raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
        return await xread(*args, **options)

    monkeypatch.setattr(api.followers._redis, "xread", breaks_once)
    listener = asyncio.ensure_future(heard_until(api.followers, merchant, 0, 2))
    await subscribed(api, merchant)
    await asyncio.wait_for(broken.wait(), WAIT_S_MAX)
    _announced(api.bench.url, merchant, 1, 2)
    assert await asyncio.wait_for(listener, WAIT_S_MAX) == [1, 2]


async def test_a_listener_that_was_away_for_more_than_is_kept_hears_all_that_is_left_in_order(api: Api) -> None:
    merchant = new_id("mer")
    _announced(api.bench.url, merchant, *range(1, 2_060), kept=live.KEPT, now_too=False)
    with redis.Redis.from_url(api.bench.url) as client:
        kept = [int(entry_id.split(b"-")[0]) for entry_id, _ in client.xrange(live_key(merchant))]
    assert len(kept) > live.KEPT, "by whole nodes: some more than KEPT are left"
    assert await asyncio.wait_for(heard_until(api.followers, merchant, 1, 2_059), WAIT_S_MAX) == kept


async def test_a_stall_that_sold_more_than_is_kept_while_nobody_listened_hears_of_every_payment(api: Api) -> None:
    merchant, other = new_id("mer"), new_id("mer")
    with redis.Redis.from_url(api.bench.url) as client, client.pipeline(transaction=False) as pipe:
        for seq in range(1, 3_001):
            subject = other if seq % 7 == 0 else merchant
            data = announce.PaymentMoved(merchant_id=subject, seq=seq).SerializeToString()
            pipe.xadd(live_key(subject), {"type": "payment.captured", "data": data}, f"{seq}-0", maxlen=live.KEPT)
            pipe.xadd(STREAM, {"type": "payment.captured", "subject": subject, "data": data}, f"{seq}-0")
        pipe.execute()
    wanted = [seq for seq in range(11, 3_001) if seq % 7]
    assert await asyncio.wait_for(heard_until(api.followers, merchant, 10, wanted[-1]), WAIT_S_MAX) == wanted


async def test_a_listener_that_catches_up_while_the_announcer_does_hears_what_is_trimmed_before_it_got_there(
    api: Api,
) -> None:
    merchant = new_id("mer")
    _announced(api.bench.url, merchant, *range(1, 601), kept=live.KEPT)
    listener = api.followers.follow(merchant, 100)
    heard = [message.seq for _, message in await anext(listener)]
    assert heard[-1] < 600, "one page"
    _announced(api.bench.url, merchant, *range(601, 2_601), kept=live.KEPT)
    async with asyncio.timeout(WAIT_S_MAX):
        while heard[-1] < 2_600:
            heard += [message.seq for _, message in await anext(listener)]
    await listener.aclose()
    assert heard == list(range(101, 2_601))


async def test_what_is_announced_twice_is_heard_once(api: Api) -> None:
    merchant = new_id("mer")
    _announced(api.bench.url, merchant, 1, 2, 3)
    hearing = asyncio.ensure_future(heard_until(api.followers, merchant, 1, 5))
    await subscribed(api, merchant)
    with redis.Redis.from_url(api.bench.url) as client:
        client.xtrim(STREAM, 0)
        with pytest.raises(redis.ResponseError, match="equal or smaller"):
            client.xadd(STREAM, {"type": "again"}, id="3-0")
    _announced(api.bench.url, merchant, 4, 5)
    assert await asyncio.wait_for(hearing, WAIT_S_MAX) == [2, 3, 4, 5]


async def test_listeners_are_told_that_the_line_is_alive_and_leave_when_the_service_stops(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.05)
    vendor, merchant = await api.vendor()
    page = await Watch(api, vendor, merchant).opened()
    assert (await page.call.read()).data == announce.HEARTBEAT
    await api.followers.stop()
    while (body := await page.call.read()) is not grpc.aio.EOF:
        assert body.data == announce.HEARTBEAT


# What the server remembers ---------------------------------------------------------------------------------------


async def test_a_merchants_new_category_counts_as_soon_as_the_ledger_has_it(bench: Bench) -> None:
    people, told = People(bench.url), asyncio.Event()
    stickers = Stickers(bench.url)
    directory = Directory(bench.ledger, people, stickers)

    def forget(merchant_id: str, index: str) -> None:
        directory.forget_merchant(merchant_id, index)
        told.set()

    changed = changes.Changes(bench.url, forget)
    await changed.start()
    merchant, k = await bench.merchant(), bench.keys
    assert await directory.category(merchant) == "5999"
    keys = [k.meta, k.stream, k.account(merchant), k.bank_account("idx" + merchant), k.owner("usr_v")]
    args = (merchant, "usr_v", "open", 2, BANK, "5812", "Bà Lan", "Chợ Thái", "A-1", "scope", b"")
    assert (await bench.ledger._call("merchant_v3", keys, *args))[0] == "OK"
    assert await directory.category(merchant) == "5999", "remembered, until it is told"
    with redis.Redis.from_url(bench.url) as client:
        changes.tell(client, merchant, "idx" + merchant)
    async with asyncio.timeout(WAIT_S_MAX):
        await told.wait()
    assert await directory.category(merchant) == "5812"
    await changed.stop()
    await people.close()
    await stickers.close()


async def test_changes_that_were_told_while_the_line_was_cut_are_heard_after_it(bench: Bench) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    changed = changes.Changes(bench.url, lambda merchant, _: heard.put_nowait(merchant))
    with redis.Redis.from_url(bench.url) as client:
        changes.tell(client, "mer_before", "i")
        await changed.start()
        changes.tell(client, "mer_1", "i")
        async with asyncio.timeout(WAIT_S_MAX):
            assert await heard.get() == "mer_1"
            client.client_kill_filter(_type="normal", skipme=True)
            changes.tell(client, "mer_2", "i")
            assert await heard.get() == "mer_2"
    await changed.stop()
