"""Holds: money set aside, taken, given up or out of time; and payments that a velocity rule holds for an operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from kit.clock import now_ms
from kit.errors import (
    AccountNotEmpty,
    AccountNotFound,
    CaptureExceedsHold,
    DomainError,
    HoldCaptured,
    HoldExpired,
    HoldInReview,
    HoldVoided,
    InsufficientFunds,
    LimitExceeded,
    MerchantNotPayable,
    PaymentNotFound,
    TooManyOpen,
    VelocityExceeded,
    WrongState,
)  # fmt: skip
from kit.ids import new_key
from services.payments import limits, transfer
from services.payments.store.ledger import Account, Movement, Posted
from tests.payments import acts
from tests.payments.acts import DAY_MS, MINUTE_MS, capture, hold, release
from tests.payments.conftest import OPERATOR, Bench
from tests.payments.test_ledger_rules import Hand, key_made_at, stream, watched, watched_bench

pytestmark = pytest.mark.anyio

NEW_PHONE = {"device_at_ms": now_ms() - 60_000}


async def pending(b: Bench, *accounts: str) -> list[tuple[int, int]]:
    """What is set aside on these accounts: debits, credits."""
    with b.redis() as client:
        return [tuple(map(int, client.hmget(b.keys.account(i), "dq", "cq"))) for i in accounts]  # type: ignore[misc]


async def movement(b: Bench, transfer_id: str) -> Movement:
    found = await b.ledger.transfer(transfer_id)
    assert found is not None
    return found


async def account(b: Bench, account_id: str) -> Account:
    found = await b.ledger.account(account_id)
    assert found is not None
    return found


@pytest.fixture
async def held(bench: Bench) -> tuple[Posted, str, str]:
    """60,000 of a wallet's 100,000 are set aside for a merchant."""
    wallet, merchant = await bench.wallet(balance=100_000, owner="usr_w"), await bench.merchant()
    return await hold(bench, wallet, merchant, 60_000), wallet, merchant


async def test_what_is_held_is_not_spent_and_not_received(bench: Bench, held: tuple[Posted, str, str]) -> None:
    made, wallet, merchant = held
    assert (made.first_balance, made.second_balance, made.held_by) == (40_000, 0, "")
    assert await pending(bench, wallet, merchant) == [(60_000, 0), (0, 60_000)]
    with pytest.raises(InsufficientFunds):
        await bench.pay(wallet, merchant, 40_001)
    await bench.pay(wallet, merchant, 40_000)
    found = await movement(bench, made.transfer_id)
    assert (found.op, found.state, found.in_review, found.refunded) == ("hold", "held", False, 0)
    for account_id in (wallet, merchant):
        with pytest.raises(AccountNotEmpty):
            await bench.ledger.set_state(account_id, "closed", OPERATOR)


@pytest.mark.parametrize(("taken", "fee"), [(60_000, 120), (1, 0), (59_999, 119)])
async def test_a_capture_takes_at_most_what_is_held_and_frees_the_rest(
    bench: Bench, held: tuple[Posted, str, str], taken: int, fee: int
) -> None:
    made, wallet, merchant = held
    paid = await capture(bench, made, wallet, merchant, taken, fee, owner="usr_v")
    assert (paid.first_balance, paid.second_balance) == (100_000 - taken, taken - fee)
    assert await pending(bench, wallet, merchant) == [(0, 0), (0, 0)]
    assert await bench.balance("clearing:VIETTEL") == taken
    found = await movement(bench, made.transfer_id)
    assert (found.state, found.refunded) == ("captured", taken)
    # What was captured is a payment: it can be refunded, and the hold cannot.
    await bench.refund(paid, wallet, merchant, 1)
    with pytest.raises(PaymentNotFound):
        await bench.refund(made, wallet, merchant, 1)


async def test_a_hold_ends_once(bench: Bench, held: tuple[Posted, str, str]) -> None:
    made, wallet, merchant = held
    with pytest.raises(CaptureExceedsHold):
        await capture(bench, made, wallet, merchant, 60_001)
    await capture(bench, made, wallet, merchant, 10_000)
    with pytest.raises(HoldCaptured):
        await capture(bench, made, wallet, merchant, 10_000)
    with pytest.raises(HoldCaptured):
        await release(bench, "void", made.transfer_id)
    other = await hold(bench, wallet, merchant, 60_000)
    assert await release(bench, "void", other.transfer_id, "usr_v") == 90_000
    assert await release(bench, "void", other.transfer_id, "usr_v") == 90_000  # asked again
    with pytest.raises(HoldVoided):
        await capture(bench, other, wallet, merchant, 10_000)
    with pytest.raises(HoldVoided):
        await release(bench, "expire", other.transfer_id)
    assert await pending(bench, wallet, merchant) == [(0, 0), (0, 0)]


async def test_only_the_payee_or_an_operator_takes_or_gives_up_what_is_held(
    bench: Bench, held: tuple[Posted, str, str]
) -> None:
    made, wallet, merchant = held
    stranger = await bench.merchant(owner="usr_x")
    before = bench.dump()
    for owner in ("usr_w", "usr_x"):
        with pytest.raises(AccountNotFound):
            await capture(bench, made, wallet, merchant, 1, owner=owner)
        with pytest.raises(PaymentNotFound):
            await release(bench, "void", made.transfer_id, owner)
    for owner in ("usr_x", ""):
        with pytest.raises(DomainError, match="malformed"):  # to another merchant than the hold names
            await capture(bench, made, wallet, stranger, 1, owner=owner)
    assert bench.dump() == before


async def test_a_hold_for_a_merchant_does_not_go_to_a_card_nor_a_cards_hold_to_a_merchant(
    bench: Bench, held: tuple[Posted, str, str]
) -> None:
    made, wallet, merchant = held
    await acts.deposit(bench, 50_000)
    top = await acts.top_up(bench, wallet, 50_000)
    back = await acts.card_hold(bench, top, wallet, 50_000)
    before = bench.dump()
    with pytest.raises(DomainError, match="malformed"):
        await acts.unload(bench, made, wallet, 60_000)
    with pytest.raises(DomainError, match="malformed"):
        await capture(bench, back, wallet, merchant, 50_000)
    with pytest.raises(PaymentNotFound):  # money for a card is held on a top-up only
        await hold(bench, wallet, transfer.psp(acts.CARDS), 1)
    with pytest.raises(PaymentNotFound):  # and a payment's hold refers to nothing
        await hold(bench, wallet, merchant, 1, related=made.transfer_id)
    assert bench.dump() == before


@pytest.mark.parametrize("life_ms", [-1, 0, 30 * DAY_MS + MINUTE_MS])
async def test_a_hold_lasts_from_now_to_thirty_days(bench: Bench, held: tuple[Posted, str, str], life_ms: int) -> None:
    _, wallet, merchant = held
    before = bench.dump()
    with pytest.raises(DomainError, match="malformed"):
        await hold(bench, wallet, merchant, 1, life_ms)
    assert bench.dump() == before


async def test_a_suspended_merchant_is_held_nothing_for_and_takes_nothing(
    bench: Bench, held: tuple[Posted, str, str]
) -> None:
    made, wallet, merchant = held
    await bench.merchant(state="frozen", version=2, merchant_id=merchant)
    with pytest.raises(MerchantNotPayable):
        await hold(bench, wallet, merchant, 1)
    with pytest.raises(MerchantNotPayable):
        await capture(bench, made, wallet, merchant, 1)
    assert await release(bench, "void", made.transfer_id, "usr_v") == 100_000


# Time ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def hand(valkey: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hand]:
    async with watched_bench(valkey) as bench:
        await bench.ledger.found([], limits.encode([MONTH, DAY, limits.own(1_000)[0]]))
        yield Hand(bench, monkeypatch)


MONTH = limits.LimitRule("month", 0, limits.FOR_EVER_MS, "month", ("pay",), 100_000, "")
DAY = limits.LimitRule("day", 0, limits.FOR_EVER_MS, "day", ("pay",), 80_000, "")
LAST_DAY_MS = 1_929_978_000_000  # 2031-02-28T00:00+07:00


def at(hand: Hand, ms: int) -> dict[str, str]:
    hand.set(ms)
    return {"key": key_made_at(ms)}


async def test_a_hold_is_taken_until_its_last_millisecond_and_expires_with_it(hand: Hand) -> None:
    b = hand.bench
    wallet, merchant = await b.wallet(balance=90_000), await b.merchant()
    end = LAST_DAY_MS + MINUTE_MS
    one = await hold(b, wallet, merchant, 20_000, **at(hand, LAST_DAY_MS), expires_ms=end)
    two = await hold(b, wallet, merchant, 30_000, **at(hand, LAST_DAY_MS), expires_ms=end)
    key = at(hand, end - 1)
    await capture(b, one, wallet, merchant, 20_000, **key)
    with pytest.raises(WrongState):
        await release(b, "expire", two.transfer_id)
    assert await b.ledger.due(10) == ([], [])
    key = at(hand, end)
    with pytest.raises(HoldExpired):
        await capture(b, two, wallet, merchant, 30_000, **key)
    assert await b.ledger.due(10) == ([two.transfer_id], [])
    assert await release(b, "expire", two.transfer_id) == 70_000
    assert await release(b, "expire", two.transfer_id) == 70_000
    assert await b.ledger.due(10) == ([], [])
    with pytest.raises(HoldExpired):
        await release(b, "void", two.transfer_id)


async def test_what_a_hold_used_of_the_month_comes_back_if_it_is_not_taken(hand: Hand) -> None:
    b = hand.bench
    wallet, merchant = await b.wallet(balance=900_000), await b.merchant()
    made = await hold(b, wallet, merchant, 80_000, **at(hand, LAST_DAY_MS), expires_ms=LAST_DAY_MS + MINUTE_MS)
    with pytest.raises(LimitExceeded):
        await hand.pay(wallet, merchant, 1)  # the day
    await capture(b, made, wallet, merchant, 50_000, key=key_made_at(hand.ms))
    assert (await account(b, wallet)).month_used == 50_000
    other = await hold(b, wallet, merchant, 30_000, **at(hand, LAST_DAY_MS + 1), expires_ms=LAST_DAY_MS + MINUTE_MS)
    assert (await account(b, wallet)).month_used == 80_000
    await release(b, "void", other.transfer_id)
    assert (await account(b, wallet)).month_used == 50_000
    await hand.pay(wallet, merchant, 30_000)
    with pytest.raises(LimitExceeded):
        await hand.pay(wallet, merchant, 1)


@pytest.mark.parametrize("how", ["capture", "void", "expire"])
async def test_a_hold_that_ends_in_another_month_gives_nothing_back_there(hand: Hand, how: str) -> None:
    b = hand.bench
    wallet, merchant = await b.wallet(balance=900_000), await b.merchant()
    made = await hold(b, wallet, merchant, 80_000, **at(hand, LAST_DAY_MS), expires_ms=LAST_DAY_MS + 10 * DAY_MS)
    next_month = LAST_DAY_MS + (DAY_MS if how != "expire" else 10 * DAY_MS)
    hand.set(next_month)
    await hand.pay(wallet, merchant, 10_000)
    if how == "capture":
        await capture(b, made, wallet, merchant, 1, key=key_made_at(hand.ms))
    else:
        await release(b, how, made.transfer_id)
    found = await account(b, wallet)
    assert (found.month, found.month_used) == (203103, 10_000)
    await hand.pay(wallet, merchant, 70_000)
    with pytest.raises(LimitExceeded):
        await hand.pay(wallet, merchant, 1)


async def test_a_refund_later_than_thirty_days_is_refused(hand: Hand) -> None:
    b = hand.bench
    wallet, merchant = await b.wallet(balance=900_000), await b.merchant()
    hand.set(LAST_DAY_MS)
    paid = await hand.pay(wallet, merchant, 10_000)
    await b.refund(paid, wallet, merchant, 1, **at(hand, LAST_DAY_MS + 30 * DAY_MS))
    with pytest.raises(DomainError) as refused:
        await b.refund(paid, wallet, merchant, 1, refunded_before=1, **at(hand, LAST_DAY_MS + 30 * DAY_MS + 1))
    assert refused.value.code == "REFUND_TOO_LATE"


async def test_records_stay_hot_longer_than_anything_that_needs_them(hand: Hand) -> None:
    b = hand.bench
    await acts.deposit(b, 90_000)
    wallet, merchant = await b.wallet(balance=90_000), await b.merchant()
    base = now_ms()  # the server's own clock judges when a key goes
    made = await hold(b, wallet, merchant, 1_000, **at(hand, base), expires_ms=base + 30 * DAY_MS)
    paid = await b.pay(wallet, merchant, 1_000, key=key_made_at(base))
    top = await acts.top_up(b, wallet, 1_000, key=key_made_at(base))
    proposal = await acts.propose(b, paid.transfer_id, life_ms=DAY_MS)

    def kept_days(key: str) -> float:
        with b.redis() as client:
            ms = client.pexpiretime(key)
        return float("inf") if ms == -1 else (ms - base) / DAY_MS

    transfer_key = b.keys.transfer
    assert kept_days(transfer_key(paid.transfer_id)) == 40
    assert limits.REFUND_DAYS_MAX < 40
    assert kept_days(transfer_key(top.transfer_id)) == 400
    # What is open stays until it ends, however long whoever ends it is away: else its money would stay set aside.
    assert kept_days(transfer_key(made.transfer_id)) == float("inf")
    assert kept_days(b.keys.proposal(proposal)) == float("inf")
    hand.set(base + 60 * DAY_MS)
    await release(b, "expire", made.transfer_id)
    assert kept_days(transfer_key(made.transfer_id)) == 100
    await b.ledger.decline(proposal, "expired", "clock", OPERATOR)
    assert kept_days(b.keys.proposal(proposal)) == 67
    hand.set(base)  # the ledger's own time does not go back
    other = await hold(b, wallet, merchant, 1_000, **at(hand, base + 60 * DAY_MS), expires_ms=base + 61 * DAY_MS)
    await capture(b, other, wallet, merchant, 1_000, key=key_made_at(base + 60 * DAY_MS))
    assert kept_days(transfer_key(other.transfer_id)) == 100


async def test_too_many_open_holds_refuse_a_new_one_and_spend_no_key(valkey: str) -> None:
    source = watched()
    assert source.count("local DUE_MAX = 1000000") == 1
    async with watched_bench(valkey) as b:
        with b.redis() as admin:
            admin.function_load(source.replace("local DUE_MAX = 1000000", "local DUE_MAX = 2"), replace=True)
        wallet, merchant, key = await b.wallet(balance=90_000), await b.merchant(), new_key()
        one = await hold(b, wallet, merchant, 1_000)
        await hold(b, wallet, merchant, 1_000)
        before = b.dump()
        with pytest.raises(TooManyOpen):
            await hold(b, wallet, merchant, 1_000, key=key)
        assert b.dump() == before
        await release(b, "void", one.transfer_id)
        assert (await hold(b, wallet, merchant, 1_000, key=key)).first_balance == 88_000


# Review ----------------------------------------------------------------------------------------------------------


async def test_a_large_payment_from_a_new_phone_waits_for_an_operator(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=9_000_000), await bench.merchant(), new_key()
    waits = await bench.pay(wallet, merchant, 5_000_001, fee=100, key=key, **NEW_PHONE)
    assert (waits.held_by, waits.fee, waits.verdict) == ("velocity-device", 0, "")
    assert (waits.first_balance, waits.second_balance) == (3_999_999, 0)
    assert await pending(bench, wallet, merchant) == [(5_000_001, 0), (0, 5_000_001)]
    assert await bench.balance("clearing:VIETTEL") == 0
    assert await bench.pay(wallet, merchant, 5_000_001, fee=100, key=key, **NEW_PHONE) == waits
    assert await bench.ledger.resolve("usr_test", "pay", key) == ("HELD", waits.transfer_id, waits.seq)
    found = await movement(bench, waits.transfer_id)
    assert (found.op, found.state, found.in_review) == ("hold", "held", True)
    with pytest.raises(HoldInReview):
        await capture(bench, waits, wallet, merchant, 5_000_001, owner="usr_v")
    with pytest.raises(HoldInReview):
        await release(bench, "void", waits.transfer_id, "usr_v")
    paid = await capture(bench, waits, wallet, merchant, 5_000_001, fee=100)
    assert (paid.first_balance, paid.second_balance) == (3_999_999, 4_999_901)
    # The payer's key goes on answering what it answered.
    assert await bench.pay(wallet, merchant, 5_000_001, fee=100, key=key, **NEW_PHONE) == waits
    assert (await account(bench, wallet)).month_used == 5_000_001
    (event,) = [e for e in stream(bench.url) if e.seq == waits.seq]
    assert (event.op, event.facts.held_by, event.facts.limited) == ("hold", "velocity-device", "pay")
    assert [leg.side for leg in event.legs] == ["p", "q"]
    assert not event.moved


async def test_a_review_that_an_operator_ends_gives_money_and_month_back(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=9_000_000), await bench.merchant()
    waits = await bench.pay(wallet, merchant, 6_000_000, **NEW_PHONE)
    assert await release(bench, "void", waits.transfer_id) == 9_000_000
    found = await account(bench, wallet)
    assert (found.month_used, found.debits) == (0, 0)


async def test_small_payments_and_known_phones_wait_for_nobody(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=50_000_000), await bench.merchant()
    day_old = now_ms() - DAY_MS - MINUTE_MS
    for amount, device_at_ms in ((5_000_000, now_ms()), (5_000_001, day_old), (5_000_001, 0)):
        paid = await bench.pay(wallet, merchant, amount, device_at_ms=device_at_ms)
        assert paid.held_by == ""


async def test_what_cannot_be_held_for_review_is_refused(bench: Bench) -> None:
    wallet, other = await bench.wallet(balance=9_000_000, owner="usr_w"), await bench.wallet()
    merchant = await bench.merchant()
    for refused in (
        acts.send(bench, wallet, other, 5_000_001, **NEW_PHONE),
        hold(bench, wallet, merchant, 5_000_001, **NEW_PHONE),
    ):
        with pytest.raises(VelocityExceeded) as told:
            await refused
        assert told.value.details == {"rule": "velocity-device"}
    await acts.make_code(bench, wallet, "usr_w", 9_000_000)
    with pytest.raises(VelocityExceeded):
        await acts.redeem(bench, wallet, merchant, 5_000_001, **NEW_PHONE)
    assert (await acts.redeem(bench, wallet, merchant, 5_000_000)).first_balance == 4_000_000  # the code is not used up


async def test_a_review_does_not_hide_that_the_money_is_not_there(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=5_000_000), await bench.merchant(), new_key()
    with pytest.raises(InsufficientFunds):
        await bench.pay(wallet, merchant, 5_000_001, key=key, **NEW_PHONE)
    event = stream(bench.url)[-1]
    assert (event.op, event.result, event.legs) == ("pay", "INSUFFICIENT_FUNDS", ())
    assert await bench.ledger.due(10) == ([], [])


async def test_a_payment_that_the_law_forbids_is_not_held_but_refused(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=200_000_000), await bench.merchant()
    with pytest.raises(LimitExceeded):
        await bench.pay(wallet, merchant, 100_000_001, **NEW_PHONE)


async def test_a_held_payment_leaves_its_request_open_until_the_operator_takes_it(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=9_000_000), await bench.merchant()
    await acts.ask(bench, merchant, 6_000_000)
    waits = await acts.pay_request(bench, wallet, merchant, 6_000_000, way="exact", **NEW_PHONE)
    request = await bench.ledger.request(merchant, "R1")
    assert request is not None
    assert (waits.held_by, request.state, request.paid) == ("velocity-device", "open", 0)
    taken = await capture(
        bench, waits, wallet, merchant, 6_000_000, guard="request",
        guard_key=bench.ledger.request_key(merchant, "R1"), guard_value="open",
    )  # fmt: skip
    request = await bench.ledger.request(merchant, "R1")
    assert request is not None
    assert (taken.verdict, request.state, request.paid) == ("FULL", "paid", 6_000_000)


# Velocity --------------------------------------------------------------------------------------------------------


async def test_velocity_counts_payments_a_minute_and_small_ones_an_hour(hand: Hand) -> None:
    b = hand.bench
    minute = limits.LimitRule("m", 0, limits.FOR_EVER_MS, "minute", limits.PAYMENTS, 3, "")
    small = limits.LimitRule("s", 0, limits.FOR_EVER_MS, "small", limits.PAYMENTS, 4, "", 100)
    await b.ledger.found([], limits.encode([minute, small]))
    wallet, other, merchant = await b.wallet(balance=90_000), await b.wallet(), await b.merchant()
    hour = LAST_DAY_MS
    hand.set(hour)
    for _ in range(3):
        await hand.pay(wallet, merchant, 101)
    with pytest.raises(VelocityExceeded) as refused:
        await hand.pay(wallet, merchant, 101)
    assert refused.value.details == {"rule": "m"}
    for number in range(1, 5):
        hand.set(hour + number * MINUTE_MS)
        await acts.send(b, wallet, other, 100, key=key_made_at(hand.ms))
    hand.set(hour + 59 * MINUTE_MS)
    with pytest.raises(VelocityExceeded) as refused:
        await hand.pay(wallet, merchant, 1)
    assert refused.value.details == {"rule": "s"}
    await hand.pay(wallet, merchant, 101)
    hand.set(hour + 60 * MINUTE_MS)
    await hand.pay(wallet, merchant, 1)


async def test_essential_services_have_a_quota_of_their_own(bench: Bench) -> None:
    wallet, stall, power = await bench.wallet(balance=400_000_000), await bench.merchant(), await bench.merchant()
    with bench.redis() as client:
        client.hset(bench.keys.account(power), "cc", "4900")
    await bench.pay(wallet, stall, 100_000_000)
    with pytest.raises(LimitExceeded) as refused:
        await acts.send(bench, wallet, await bench.wallet(), 1)
    assert refused.value.details == {"rule": "month-368"}
    await bench.pay(wallet, power, 100_000_000)
    with pytest.raises(LimitExceeded) as refused:
        await bench.pay(wallet, power, 1)
    assert refused.value.details == {"rule": "month-368-essential"}
    agent = await bench.agent()
    await bench.post("cash_out", 100_000_000, transfer.cash_out(wallet, agent, 100_000_000))  # no longer in the sum


async def test_the_pilots_limit_counted_essential_services_and_cash_too(hand: Hand) -> None:
    b = hand.bench
    pilot = replace(limits.IN_LAW[0], until_ms=limits.FOR_EVER_MS)
    await b.ledger.found([], limits.encode([pilot]))
    wallet, power, agent = await b.wallet(balance=50_000_000), await b.merchant(), await b.agent()
    with b.redis() as client:
        client.hset(b.keys.account(power), "cc", "4900")
    hand.set(LAST_DAY_MS)
    await hand.pay(wallet, power, 4_000_000)
    await acts.send(b, wallet, await b.wallet(), 3_000_000, key=key_made_at(hand.ms))
    out = transfer.cash_out(wallet, agent, 3_000_000)
    await b.post("cash_out", 3_000_000, out, key=key_made_at(hand.ms))
    with pytest.raises(LimitExceeded):
        await hand.pay(wallet, power, 1)


async def test_a_wallet_is_exempt_from_the_day_it_is_said_to_be_and_until_it_is_no_longer(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=900_000_000), await bench.merchant()
    await bench.ledger.set_exempt(wallet, True, OPERATOR)
    await bench.pay(wallet, merchant, 200_000_000)
    with pytest.raises(LimitExceeded) as refused:  # a transaction's limit is not the holder's
        await bench.pay(wallet, merchant, 500_000_000)
    assert refused.value.details == {"rule": "tx-napas"}
    await bench.ledger.set_exempt(wallet, False, OPERATOR)
    with pytest.raises(LimitExceeded):
        await bench.pay(wallet, merchant, 1)  # it was counted all the time
    with pytest.raises(AccountNotFound):
        await bench.ledger.set_exempt(merchant, True, OPERATOR)
