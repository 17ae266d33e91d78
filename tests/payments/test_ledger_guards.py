"""Requests, one-time codes, proposals: what a transfer depends on besides its accounts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from kit import errors
from kit.clock import now_ms
from kit.errors import (
    AccountFrozen,
    AccountNotFound,
    AlreadyExists,
    AmountInvalid,
    AmountMismatch,
    CodeCeiling,
    CodeExpired,
    CodeInvalid,
    CodeUsed,
    Contention,
    DomainError,
    FourEyes,
    InsufficientFunds,
    MerchantNotFound,
    MerchantNotPayable,
    PaymentNotFound,
    RequestCancelled,
    RequestExpired,
    RequestNotFound,
    RequestPaid,
    TooLate,
    WrongState,
)  # fmt: skip
from kit.ids import new_key
from services.payments import transfer
from services.payments.store import ledger as typed
from services.payments.store import library
from services.payments.store.ledger import Posted, Request
from tests.payments import acts
from tests.payments.acts import DAY_MS, MINUTE_MS, ask, make_code, pay_request, propose, redeem, reverse
from tests.payments.conftest import OPERATOR, Bench
from tests.payments.test_ledger_rules import Hand, key_made_at, stream, watched_bench

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hand(valkey: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hand]:
    async with watched_bench(valkey) as bench:
        yield Hand(bench, monkeypatch)


# Requests --------------------------------------------------------------------------------------------------------


async def request_of(b: Bench, merchant: str, reference: str = "R1") -> Request:
    found = await b.ledger.request(merchant, reference)
    assert found is not None
    return found


async def test_a_payer_hears_how_the_amount_compares_with_what_was_asked(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=900_000), await bench.merchant()
    await ask(bench, merchant, 200_000)
    for amount, verdict, state in (
        (200, "SHORT", "open"),
        (199_799, "SHORT", "open"),
        (1, "FULL", "paid"),
        (1, "OVER", "paid"),
    ):
        paid = await pay_request(bench, wallet, merchant, amount)
        assert (paid.verdict, paid.asked) == (verdict, 200_000)
        assert (await request_of(bench, merchant)).state == state
    assert (await request_of(bench, merchant)).paid == 200_001
    assert [e.facts.verdict for e in stream(bench.url) if e.op == "pay"] == ["SHORT", "SHORT", "FULL", "OVER"]


async def test_a_scanned_request_is_paid_to_the_dong_and_once(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=900_000), await bench.merchant(), new_key()
    await ask(bench, merchant, 200_000)
    for wrong in (199_999, 200_001):
        with pytest.raises(AmountMismatch) as refused:
            await pay_request(bench, wallet, merchant, wrong, way="exact")
        assert refused.value.details == {"asked": "200000"}
    ends = await asyncio.gather(
        *(pay_request(bench, wallet, merchant, 200_000, way="exact") for _ in range(16)), return_exceptions=True
    )
    assert sum(isinstance(end, Posted) for end in ends) == 1
    assert sum(isinstance(end, RequestPaid) for end in ends) == 15
    with pytest.raises(RequestPaid):
        await pay_request(bench, wallet, merchant, 200_000, way="exact", key=key)
    assert await bench.balance(merchant) == 200_000


async def test_a_payment_that_is_refused_pays_no_request(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=100), await bench.merchant()
    await ask(bench, merchant, 200_000)
    with pytest.raises(InsufficientFunds):
        await pay_request(bench, wallet, merchant, 200_000, way="exact")
    assert (await request_of(bench, merchant)).paid == 0


async def test_a_request_asked_again_is_the_same_and_with_another_amount_another(bench: Bench) -> None:
    merchant = await bench.merchant()
    await ask(bench, merchant, 5_000)
    made = await request_of(bench, merchant)
    before = bench.dump()
    await ask(bench, merchant, 5_000, life_ms=2 * DAY_MS)
    with pytest.raises(AlreadyExists):
        await ask(bench, merchant, 5_001)
    assert bench.dump() == before
    assert await request_of(bench, merchant) == made


async def test_a_withdrawn_request_is_not_paid_by_its_code_and_a_paid_one_not_withdrawn(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=900_000), await bench.merchant()
    for reference in ("R1", "R2"):
        await ask(bench, merchant, 5_000, reference)
        await pay_request(bench, wallet, merchant, 1_000, reference)
    for _ in range(2):
        await bench.ledger.withdraw(merchant, "usr_v", "R1", OPERATOR)
    with pytest.raises(RequestCancelled):
        await pay_request(bench, wallet, merchant, 4_000, way="exact")
    # Who typed the reference pays the merchant all the same, and hears how it compares with what was asked.
    assert (await pay_request(bench, wallet, merchant, 4_000)).verdict == "FULL"
    assert (await request_of(bench, merchant)).state == "cancelled"
    await pay_request(bench, wallet, merchant, 4_000, "R2", "exact")
    with pytest.raises(RequestPaid):
        await bench.ledger.withdraw(merchant, "usr_v", "R2", OPERATOR)
    with pytest.raises(RequestNotFound):
        await bench.ledger.withdraw(merchant, "usr_v", "R3", OPERATOR)
    for other in (merchant, wallet):
        with pytest.raises(MerchantNotFound):
            await bench.ledger.withdraw(other, "usr_x", "R1", OPERATOR)


async def test_a_request_is_a_merchants_own_and_of_a_plain_amount_and_life(bench: Bench) -> None:
    merchant, wallet = await bench.merchant(), await bench.wallet(owner="usr_v")
    before = bench.dump()
    for account, owner, amount, life_ms, error in (
        (merchant, "usr_x", 1, DAY_MS, MerchantNotFound),
        (wallet, "usr_v", 1, DAY_MS, MerchantNotFound),
        (merchant, "usr_v", 0, DAY_MS, AmountInvalid),
        (merchant, "usr_v", 10**12 + 1, DAY_MS, AmountInvalid),
        (merchant, "usr_v", 1, -1, TooLate),
        (merchant, "usr_v", 1, 90 * DAY_MS + MINUTE_MS, TooLate),
    ):
        with pytest.raises(error):
            await bench.ledger.ask(account, owner, "R1", amount, now_ms() + life_ms, OPERATOR)
    assert bench.dump() == before
    await bench.merchant("frozen", 2, merchant)
    with pytest.raises(MerchantNotPayable):
        await ask(bench, merchant, 1)


async def test_a_request_is_paid_by_its_code_until_its_last_millisecond(hand: Hand) -> None:
    b = hand.bench
    wallet, merchant, start = await b.wallet(balance=90_000), await b.merchant(), now_ms() + 60_000
    hand.set(start)
    for reference in ("R1", "R2"):
        await b.ledger.ask(merchant, "", reference, 1_000, start + MINUTE_MS, OPERATOR)
    hand.set(start + MINUTE_MS - 1)
    await pay_request(b, wallet, merchant, 1_000, "R1", "exact", key=key_made_at(hand.ms))
    hand.set(start + MINUTE_MS)
    with pytest.raises(RequestExpired):
        await pay_request(b, wallet, merchant, 1_000, "R2", "exact", key=key_made_at(hand.ms))
    assert (await pay_request(b, wallet, merchant, 1_000, "R2", key=key_made_at(hand.ms))).verdict == "FULL"


async def test_a_reference_that_nobody_asked_under_is_just_a_reference(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=900_000), await bench.merchant()
    for way in ("open", "exact"):
        paid = await pay_request(bench, wallet, merchant, 1_000, "R9", way)
        assert (paid.verdict, paid.asked) == ("", 0)


# One-time codes --------------------------------------------------------------------------------------------------


async def test_a_code_pays_once_below_its_ceiling_and_only_from_its_wallet(bench: Bench) -> None:
    wallet, other = await bench.wallet(balance=900_000, owner="usr_w"), await bench.wallet(balance=900_000)
    merchant = await bench.merchant()
    await make_code(bench, wallet, "usr_w", 50_000)
    found = await bench.ledger.code("d1")
    assert found is not None
    assert (found.state, found.wallet_id) == ("active", wallet)
    with pytest.raises(CodeInvalid):
        await redeem(bench, other, merchant, 1_000)
    with pytest.raises(CodeInvalid):
        await redeem(bench, wallet, merchant, 1_000, "d2")
    with pytest.raises(CodeCeiling):
        await redeem(bench, wallet, merchant, 50_001)
    with pytest.raises(AccountNotFound):  # who redeems it is the merchant, not the payer
        await redeem(bench, wallet, merchant, 50_000, owner="usr_w")
    ends = await asyncio.gather(
        *(redeem(bench, wallet, merchant, 50_000, owner="usr_v") for _ in range(16)), return_exceptions=True
    )
    assert sum(isinstance(end, Posted) for end in ends) == 1
    assert sum(isinstance(end, CodeUsed) for end in ends) == 15
    assert await bench.balance(wallet) == 850_000


async def test_a_code_taken_back_pays_nothing(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=900_000, owner="usr_w"), await bench.merchant()
    await make_code(bench, wallet, "usr_w", 50_000)
    with pytest.raises(CodeInvalid):
        await bench.ledger.cancel_code("d1", wallet, "usr_x", OPERATOR)
    with pytest.raises(CodeInvalid):
        await bench.ledger.cancel_code("d2", wallet, "usr_w", OPERATOR)
    for _ in range(2):
        await bench.ledger.cancel_code("d1", wallet, "usr_w", OPERATOR)
    with pytest.raises(CodeUsed):
        await redeem(bench, wallet, merchant, 1_000)
    await make_code(bench, wallet, "usr_w", 50_000, "d2")
    await redeem(bench, wallet, merchant, 1_000, "d2")
    with pytest.raises(CodeUsed):
        await bench.ledger.cancel_code("d2", wallet, "usr_w", OPERATOR)


async def test_a_code_is_made_by_its_wallets_holder_for_ten_minutes_at_most(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=900_000, owner="usr_w"), await bench.merchant(owner="usr_w")
    await make_code(bench, wallet, "usr_w", 50_000, "taken")
    before = bench.dump()
    for account, owner, ceiling, digest, life_ms, error in (
        (wallet, "usr_x", 1, "d1", MINUTE_MS, AccountNotFound),
        (merchant, "usr_w", 1, "d1", MINUTE_MS, AccountNotFound),
        (wallet, "usr_w", 0, "d1", MINUTE_MS, AmountInvalid),
        (wallet, "usr_w", 1, "d1", -1, TooLate),
        (wallet, "usr_w", 1, "d1", 11 * MINUTE_MS, TooLate),
        (wallet, "usr_w", 1, "taken", MINUTE_MS, Contention),
    ):
        with pytest.raises(error):
            await make_code(bench, account, owner, ceiling, digest, life_ms)
    assert bench.dump() == before
    await bench.ledger.set_state(wallet, "frozen", OPERATOR)
    with pytest.raises(AccountFrozen):
        await make_code(bench, wallet, "usr_w", 1)


async def test_a_code_is_good_until_its_last_millisecond(hand: Hand) -> None:
    b = hand.bench
    wallet, merchant, start = await b.wallet(balance=90_000, owner="usr_w"), await b.merchant(), now_ms() + 60_000
    hand.set(start)
    for digest in ("d1", "d2"):
        await b.ledger.put_code(digest, wallet, "usr_w", 1_000, start + MINUTE_MS, OPERATOR)
    hand.set(start + MINUTE_MS - 1)
    await redeem(b, wallet, merchant, 1_000, "d1", key=key_made_at(hand.ms))
    hand.set(start + MINUTE_MS)
    with pytest.raises(CodeExpired):
        await redeem(b, wallet, merchant, 1_000, "d2", key=key_made_at(hand.ms))


# Proposals and reversals -----------------------------------------------------------------------------------------


async def test_a_payment_is_undone_by_two_people_and_once(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=90_000), await bench.merchant()
    paid, legs = await bench.pay(wallet, merchant, 50_000, 100), transfer.pay(wallet, merchant, "VIETTEL", 50_000, 100)
    proposal = await propose(bench, paid.transfer_id)
    with pytest.raises(FourEyes):
        await reverse(bench, paid, legs, 50_000, 100, "VIETTEL", who="usr_one", proposal_id=proposal)
    with pytest.raises(FourEyes):  # approved by nobody
        await reverse(bench, paid, legs, 50_000, 100, "VIETTEL", who="", proposal_id=proposal)
    with pytest.raises(FourEyes):  # without a proposal
        await reverse(bench, paid, legs, 50_000, 100, "VIETTEL", proposal_id=proposal, guard="")
    assert [p.proposal_id for p in await bench.ledger.open_proposals(10)] == [proposal]
    undone = await reverse(bench, paid, legs, 50_000, 100, "VIETTEL", proposal_id=proposal)
    assert (undone.first_balance, undone.second_balance) == (90_000, 0)
    assert await bench.balance(transfer.PLATFORM_FEE) == 0
    found = await bench.ledger.proposal(proposal)
    assert found is not None
    assert (found.state, found.decided_by, await bench.ledger.open_proposals(10)) == ("approved", "usr_two", [])
    with pytest.raises(WrongState):
        await reverse(bench, paid, legs, 50_000, 100, "VIETTEL", proposal_id=proposal)
    with pytest.raises(WrongState):  # by another proposal neither
        await reverse(bench, paid, legs, 50_000, 100, "VIETTEL")
    with pytest.raises(DomainError):
        await bench.refund(paid, wallet, merchant, 1, refunded_before=50_000)
    movement = await bench.ledger.transfer(paid.transfer_id)
    assert movement is not None
    assert (movement.state, movement.refunded) == ("reversed", 50_000)


async def test_a_proposal_is_for_one_operation_on_one_transfer(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=90_000), await bench.merchant()
    one, two = await bench.pay(wallet, merchant, 1_000), await bench.pay(wallet, merchant, 1_000)
    legs = transfer.pay(wallet, merchant, "VIETTEL", 1_000, 0)
    for_refund = await propose(bench, one.transfer_id, op="refund")
    for_two = await propose(bench, two.transfer_id)
    for wrong in (for_refund, for_two, "prp_none"):
        with pytest.raises(WrongState):
            await reverse(bench, one, legs, 1_000, cover="VIETTEL", proposal_id=wrong)
    # A hold's own place among what is due is not a proposal's.
    for_pay = await propose(bench, "", op="pay")
    with pytest.raises(DomainError, match="malformed"):
        await bench.pay(
            wallet, merchant, 1, guard="proposal", guard_key=bench.ledger.proposal_key(for_pay), guard_value="usr_two"
        )


async def test_what_was_refunded_in_part_or_is_not_the_whole_is_not_undone(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=90_000), await bench.merchant()
    paid = await bench.pay(wallet, merchant, 50_000, 100)
    less = transfer.pay(wallet, merchant, "VIETTEL", 49_999, 100)
    with pytest.raises(WrongState):
        await reverse(bench, paid, less, 49_999, 100, "VIETTEL")
    less = transfer.pay(wallet, merchant, "VIETTEL", 50_000, 99)
    with pytest.raises(WrongState):
        await reverse(bench, paid, less, 50_000, 99, "VIETTEL")
    refund = await bench.refund(paid, wallet, merchant, 1)
    legs = transfer.pay(wallet, merchant, "VIETTEL", 50_000, 100)
    with pytest.raises(WrongState):
        await reverse(bench, paid, legs, 50_000, 100, "VIETTEL")
    with pytest.raises(WrongState):  # a refund is not undone, nor is a reversal
        await reverse(bench, refund, transfer.refund(merchant, wallet, "VIETTEL", 1, 0), 1)
    with pytest.raises(PaymentNotFound):
        await bench.post("reverse", 1, transfer.reverse(legs), guard="proposal", guard_key="{c01}:p:x")


async def test_a_proposal_is_made_once_and_declined_once(bench: Bench) -> None:
    proposal = await propose(bench, "pay_x")
    before = bench.dump()
    await bench.ledger.propose(proposal, "reverse", "pay_x", "usr_one", now_ms() + DAY_MS, "why", OPERATOR)
    for op, target, who in (("refund", "pay_x", "usr_one"), ("reverse", "pay_y", "usr_one"), ("reverse", "pay_x", "b")):
        with pytest.raises(AlreadyExists):
            await bench.ledger.propose(proposal, op, target, who, now_ms() + DAY_MS, "why", OPERATOR)
    for life_ms in (-1, 7 * DAY_MS + MINUTE_MS):
        with pytest.raises(TooLate):
            await propose(bench, "pay_x", life_ms=life_ms)
    with pytest.raises(WrongState):
        await bench.ledger.decline(proposal, "expired", "clock", OPERATOR)
    with pytest.raises(PaymentNotFound):
        await bench.ledger.decline("prp_none", "rejected", "usr_two", OPERATOR)
    with pytest.raises(DomainError, match="malformed"):
        await bench.ledger.decline(proposal, "approved", "usr_two", OPERATOR)
    with pytest.raises(FourEyes):  # proposed by nobody
        await propose(bench, "pay_x", who="")
    assert bench.dump() == before
    for _ in range(2):
        await bench.ledger.decline(proposal, "rejected", "usr_two", OPERATOR)
    found = await bench.ledger.proposal(proposal)
    assert found is not None
    assert (found.state, found.decided_by, await bench.ledger.open_proposals(10)) == ("rejected", "usr_two", [])
    with pytest.raises(WrongState):
        await bench.ledger.decline(proposal, "expired", "clock", OPERATOR)


async def test_a_proposal_expires_and_is_then_not_approved(hand: Hand) -> None:
    b = hand.bench
    wallet, merchant, start = await b.wallet(balance=90_000), await b.merchant(), now_ms() + 60_000
    hand.set(start)
    paid = await hand.pay(wallet, merchant, 1_000)
    await b.ledger.propose("prp_1", "reverse", paid.transfer_id, "usr_one", start + DAY_MS, "", OPERATOR)
    assert await b.ledger.due(10) == ([], [])
    hand.set(start + DAY_MS)
    legs = transfer.pay(wallet, merchant, "VIETTEL", 1_000, 0)
    with pytest.raises(WrongState):
        await reverse(b, paid, legs, 1_000, cover="VIETTEL", proposal_id="prp_1", key=key_made_at(hand.ms))
    assert await b.ledger.due(10) == ([], ["prp_1"])
    await b.ledger.decline("prp_1", "expired", "clock", OPERATOR)
    assert await b.ledger.due(10) == ([], [])


async def test_an_open_proposal_is_seen_however_many_holds_are_open(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=90_000), await bench.merchant()
    proposal = await propose(bench, "pay_x")
    for _ in range(25):
        await acts.hold(bench, wallet, merchant, 1, life_ms=MINUTE_MS)
    assert [p.proposal_id for p in await bench.ledger.open_proposals(2)] == [proposal]


# The typed side knows everything the functions can say -----------------------------------------------------------


def test_every_refusal_of_the_functions_is_an_error_with_a_message() -> None:
    source = library.source()
    said = {word for word in re.findall(r"'([A-Z]+_[A-Z_]+)'", source) if not word.endswith("_")}
    said |= {f"HOLD_{state}" for state in ("CAPTURED", "VOIDED", "EXPIRED")}
    not_told = {"BAD_TRANSFER", "NO_GENESIS", "WRONG_GENESIS", "WRONG_LAYOUT"}
    assert not_told < said
    for code in said - not_told:
        assert code in errors.BY_CODE, code
        assert code in typed._MESSAGES, code
    assert len(said) > 40
