"""Movements that settle: payouts, net positions, shares of fees, deposits and caps, corrections."""

from __future__ import annotations

import pytest
from cho.events.v1.intent_pb2 import Intent

from kit.clock import now_ms
from kit.errors import (
    DomainError,
    FourEyes,
    GuaranteeShort,
    InsufficientFunds,
    MerchantNotPayable,
    NetDebitCapExceeded,
    WrongState,
)
from kit.ids import new_id
from services.payments import transfer
from services.payments.store.ledger import Posted
from tests.payments.conftest import Bench

pytestmark = pytest.mark.anyio
SERVICE = Intent(caller_id="service:settlement")


async def _paid_merchant(bench: Bench, amount: int = 100_000, fee: int = 500) -> str:
    """A merchant who has `amount` less the fee."""
    wallet, merchant = await bench.wallet(balance=amount), await bench.merchant()
    await bench.pay(wallet, merchant, amount, fee)
    return merchant


async def _payout(bench: Bench, merchant: str, amount: int, fee: int = 0) -> Posted:
    return await bench.post("payout", amount, transfer.payout(merchant, amount, fee), fee)


async def test_a_payout_is_on_its_way_until_the_bank_says_that_it_paid(bench: Bench) -> None:
    merchant = await _paid_merchant(bench)
    sent = await _payout(bench, merchant, 99_500)
    assert await bench.balance(merchant) == 0
    assert await bench.balance(transfer.TRANSIT) == 99_500
    await bench.post("paid", 99_500, transfer.paid(99_500), related=sent.transfer_id)
    assert await bench.balance(transfer.TRANSIT) == 0
    assert await bench.balance(transfer.NOSTRO) == 99_500


async def test_a_payout_that_was_asked_for_costs_its_fee_and_gives_it_back_where_it_was_not_paid(bench: Bench) -> None:
    merchant = await _paid_merchant(bench)
    sent = await _payout(bench, merchant, 50_000, 3_300)
    assert await bench.balance(transfer.TRANSIT) == 46_700
    assert await bench.balance(transfer.PLATFORM_FEE) == 3_800
    await bench.post("unpaid", 50_000, transfer.unpaid(merchant, 50_000, 3_300), 3_300, related=sent.transfer_id)
    assert await bench.balance(merchant) == 99_500
    assert await bench.balance(transfer.PLATFORM_FEE) == 500


@pytest.mark.parametrize("second", ["paid", "unpaid"])
@pytest.mark.parametrize("first", ["paid", "unpaid"])
async def test_a_payout_ends_once_and_one_way(bench: Bench, first: str, second: str) -> None:
    merchant = await _paid_merchant(bench)
    sent = await _payout(bench, merchant, 60_000)
    legs = {"paid": transfer.paid(60_000), "unpaid": transfer.unpaid(merchant, 60_000)}
    await bench.post(first, 60_000, legs[first], related=sent.transfer_id)
    before = bench.totals()
    with pytest.raises(WrongState):
        await bench.post(second, 60_000, legs[second], related=sent.transfer_id)
    assert bench.totals() == before


async def test_what_comes_back_after_it_was_paid_is_the_merchants_again_once(bench: Bench) -> None:
    merchant = await _paid_merchant(bench)
    sent = await _payout(bench, merchant, 60_000)
    with pytest.raises(WrongState):  # not paid yet
        await bench.post("returned", 60_000, transfer.returned(merchant, 60_000), related=sent.transfer_id)
    await bench.post("paid", 60_000, transfer.paid(60_000), related=sent.transfer_id)
    await bench.post("returned", 60_000, transfer.returned(merchant, 60_000), related=sent.transfer_id)
    assert await bench.balance(merchant) == 99_500
    assert await bench.balance(transfer.NOSTRO) == 0
    with pytest.raises(WrongState):
        await bench.post("returned", 60_000, transfer.returned(merchant, 60_000), related=sent.transfer_id)


async def test_a_part_of_a_payout_is_no_end_of_it(bench: Bench) -> None:
    merchant = await _paid_merchant(bench)
    sent = await _payout(bench, merchant, 60_000)
    with pytest.raises(WrongState):
        await bench.post("paid", 59_999, transfer.paid(59_999), related=sent.transfer_id)


async def test_another_merchants_payout_cannot_come_back_to_this_one(bench: Bench) -> None:
    one, other = await _paid_merchant(bench), await _paid_merchant(bench)
    sent = await _payout(bench, one, 60_000)
    with pytest.raises(DomainError):
        await bench.post("unpaid", 60_000, transfer.unpaid(other, 60_000), related=sent.transfer_id)
    assert await bench.balance(other) == 99_500


async def test_no_more_is_paid_out_than_there_is_and_nothing_while_the_merchant_is_suspended(bench: Bench) -> None:
    merchant = await _paid_merchant(bench)
    with pytest.raises(InsufficientFunds):
        await _payout(bench, merchant, 99_501)
    await bench.merchant("frozen", version=2, merchant_id=merchant)
    with pytest.raises(MerchantNotPayable):
        await _payout(bench, merchant, 1_000)


async def test_what_was_on_its_way_when_a_merchant_was_suspended_still_ends(bench: Bench) -> None:
    merchant = await _paid_merchant(bench)
    sent = await _payout(bench, merchant, 1_000)
    await bench.merchant("frozen", version=2, merchant_id=merchant)
    await bench.post("unpaid", 1_000, transfer.unpaid(merchant, 1_000), related=sent.transfer_id)
    assert await bench.balance(merchant) == 99_500


async def test_the_platforms_fees_are_paid_out_too(bench: Bench) -> None:
    await _paid_merchant(bench, fee=500)
    sent = await _payout(bench, transfer.PLATFORM_FEE, 500)
    await bench.post("paid", 500, transfer.paid(500), related=sent.transfer_id)
    assert await bench.balance(transfer.PLATFORM_FEE) == 0


async def test_a_telecom_settles_what_it_owed_out_of_its_guarantee_account(bench: Bench) -> None:
    await _paid_merchant(bench)
    await bench.post("net", 100_000, transfer.net("VIETTEL", -100_000))
    for account in ("trust:VIETTEL", "clearing:VIETTEL", "settlement:VIETTEL"):
        assert await bench.balance(account) == 0
    assert await bench.balance(transfer.NOSTRO) == -100_000  # an asset


async def test_settling_never_takes_what_covers_wallets(bench: Bench) -> None:
    await bench.wallet(balance=70_000)  # nobody is owed anything of it
    with pytest.raises(GuaranteeShort):
        await bench.post("net", 1, transfer.net("VIETTEL", -1))


async def test_a_telecom_that_was_owed_gets_it(bench: Bench) -> None:
    await bench.post("fund", 30_000, transfer.fund("VIETTEL", "reserve:VIETTEL", 30_000))
    wallet = await bench.wallet()
    await bench.post("top_up", 20_000, transfer.top_up("STRIPE", wallet, "VIETTEL", 20_000))
    await bench.post("net", 20_000, transfer.net("VIETTEL", 20_000))
    assert await bench.balance("settlement:VIETTEL") == 0
    assert await bench.balance("trust:VIETTEL") == -50_000
    await bench.post("net", 20_000, transfer.net("STRIPE", -20_000))
    assert await bench.balance("psp:STRIPE") == 0
    assert await bench.balance(transfer.NOSTRO) == 0


async def test_the_payers_telecom_gets_its_share_of_the_fees_as_its_own_money(bench: Bench) -> None:
    await _paid_merchant(bench, fee=500)
    await bench.post("interchange", 100, transfer.interchange("VIETTEL", 100))
    assert await bench.balance("reserve:VIETTEL") == 100
    assert await bench.balance(transfer.PLATFORM_FEE) == 400
    assert await bench.balance("settlement:VIETTEL") == -99_900
    with pytest.raises(InsufficientFunds):
        await bench.post("interchange", 401, transfer.interchange("VIETTEL", 401))


async def test_a_net_debit_cap_stops_the_payment_that_would_pass_it_and_no_other(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=500_000), await bench.merchant()
    await bench.post("liquidity_in", 100_000, transfer.liquidity_in("VIETTEL", 100_000))
    await bench.ledger.set_cap("VIETTEL", 100_000, SERVICE)
    paid = await bench.pay(wallet, merchant, 100_000)
    with pytest.raises(NetDebitCapExceeded) as refused:
        await bench.pay(wallet, merchant, 1)
    assert refused.value.details == {"telecom": "VIETTEL"}
    await bench.refund(paid, wallet, merchant, 40_000)
    await bench.pay(wallet, merchant, 40_000)
    other = await bench.wallet("VNPT", balance=50_000)
    await bench.pay(other, merchant, 50_000, telecom="VNPT")
    # Settled, the telecom may owe again.
    await bench.post("net", 100_000, transfer.net("VIETTEL", -100_000))
    await bench.pay(wallet, merchant, 100_000)


async def test_a_cap_rests_on_the_deposit(bench: Bench) -> None:
    with pytest.raises(NetDebitCapExceeded):
        await bench.ledger.set_cap("VIETTEL", 1, SERVICE)
    await bench.post("liquidity_in", 100_000, transfer.liquidity_in("VIETTEL", 100_000))
    await bench.ledger.set_cap("VIETTEL", 80_000, SERVICE)
    assert await bench.ledger.cap("VIETTEL") == 80_000
    with pytest.raises(NetDebitCapExceeded):
        await bench.post("liquidity_out", 20_001, transfer.liquidity_out("VIETTEL", 20_001))
    await bench.post("liquidity_out", 20_000, transfer.liquidity_out("VIETTEL", 20_000))
    await bench.ledger.set_cap("VIETTEL", None, SERVICE)
    assert await bench.ledger.cap("VIETTEL") is None
    await bench.post("liquidity_out", 80_000, transfer.liquidity_out("VIETTEL", 80_000))


async def test_a_correction_takes_two_people_and_the_break_that_was_proposed(bench: Bench) -> None:
    proposal = new_id("prp")
    legs = transfer.correct(transfer.NOSTRO, transfer.SUSPENSE, 7_000)
    await bench.ledger.propose(proposal, "correct", "brk_1", "usr_a", now_ms() + 60_000, "extra credit", SERVICE)
    guard = {"guard": "proposal", "guard_key": bench.ledger.proposal_key(proposal)}
    with pytest.raises(FourEyes):
        await bench.post("correct", 7_000, legs, related="brk_1", guard_value="usr_a", **guard)
    with pytest.raises(FourEyes):
        await bench.post("correct", 7_000, legs, related="brk_1")
    with pytest.raises(WrongState):
        await bench.post("correct", 7_000, legs, related="brk_2", guard_value="usr_b", **guard)
    await bench.post("correct", 7_000, legs, related="brk_1", guard_value="usr_b", **guard)
    assert await bench.balance(transfer.SUSPENSE) == 7_000
    with pytest.raises(WrongState):
        await bench.post("correct", 7_000, legs, related="brk_1", guard_value="usr_b", **guard)
