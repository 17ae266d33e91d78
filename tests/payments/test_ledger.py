"""The ledger's operations and the rules of DESIGN section 4 that they touch."""

from __future__ import annotations

import asyncio

import pytest

from kit.clock import now_ms
from kit.errors import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    AmountInvalid,
    ClockSkew,
    Contention,
    DomainError,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidArgument,
    KeyExpired,
    KeySpent,
    LimitExceeded,
    MerchantNotFound,
    MerchantNotPayable,
    RefundExceedsPayment,
    TooLate,
    WindowNotOpen,
    WrongTelecom,
)  # fmt: skip
from kit.ids import new_id, new_key
from services.payments import limits, transfer
from tests.payments.conftest import OPERATOR, Bench, open_gate

pytestmark = pytest.mark.anyio


def old_key(age_ms: int) -> str:
    """A UUIDv7 made `age_ms` ago."""
    head = f"{now_ms() - age_ms:012x}"
    return f"{head[:8]}-{head[8:]}{new_key()[13:]}"


async def test_a_payment_moves_money_from_wallet_to_merchant_less_the_fee(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=100_000), await bench.merchant()
    paid = await bench.pay(wallet, merchant, 50_000, fee=100)
    assert (paid.first_balance, paid.second_balance, paid.fee) == (50_000, 49_900, 100)
    assert await bench.balance(wallet) == 50_000
    assert await bench.balance(merchant) == 49_900
    assert await bench.balance(transfer.PLATFORM_FEE) == 100
    assert await bench.balance("clearing:VIETTEL") == 50_000
    assert await bench.balance("settlement:VIETTEL") == -50_000  # an asset: the telecom owes it


async def test_the_same_key_and_body_get_the_same_answer_and_move_money_once(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=100_000), await bench.merchant(), new_key()
    first = await bench.pay(wallet, merchant, 40_000, key=key)
    await bench.pay(wallet, merchant, 10_000)
    assert await bench.pay(wallet, merchant, 40_000, key=key) == first
    assert await bench.balance(wallet) == 50_000


async def test_the_same_key_with_another_body_is_a_conflict(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=100_000), await bench.merchant(), new_key()
    await bench.pay(wallet, merchant, 40_000, key=key, body_hash="one")
    with pytest.raises(IdempotencyConflict):
        await bench.pay(wallet, merchant, 50_000, key=key, body_hash="two")
    assert await bench.balance(wallet) == 60_000


async def test_the_same_key_of_another_caller_or_operation_is_another_key(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=100_000), await bench.merchant(), new_key()
    one = await bench.pay(wallet, merchant, 10_000, key=key, caller="a")
    two = await bench.pay(wallet, merchant, 10_000, key=key, caller="b")
    assert one.transfer_id != two.transfer_id


async def test_a_refusal_is_the_keys_answer_even_when_money_arrives_later(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(), await bench.merchant(), new_key()
    with pytest.raises(InsufficientFunds):
        await bench.pay(wallet, merchant, 10_000, key=key)
    agent = await bench.agent(balance=50_000)
    await bench.post("cash_in", 50_000, transfer.cash_in(agent, wallet, 50_000))
    with pytest.raises(InsufficientFunds):
        await bench.pay(wallet, merchant, 10_000, key=key)
    assert await bench.balance(wallet) == 50_000


async def test_64_concurrent_requests_with_one_key_are_one_payment(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=100_000), await bench.merchant(), new_key()
    answers = await asyncio.gather(*(bench.pay(wallet, merchant, 1_000, key=key) for _ in range(64)))
    assert len(set(answers)) == 1
    assert await bench.balance(wallet) == 99_000


async def test_64_concurrent_payments_never_make_a_wallet_negative(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=10_000), await bench.merchant()
    ends = await asyncio.gather(*(bench.pay(wallet, merchant, 1_000) for _ in range(64)), return_exceptions=True)
    assert sum(not isinstance(e, BaseException) for e in ends) == 10
    assert all(isinstance(e, InsufficientFunds) for e in ends if isinstance(e, BaseException))
    assert await bench.balance(wallet) == 0


@pytest.mark.parametrize(
    "amount",
    ["0", "-1", "nan", "inf", "0x10", "1e2", " 5 ", "5.0", "1_000", "01", "", "1000000000001", "99999999999999999999"],
)
async def test_an_amount_that_is_not_a_plain_positive_number_moves_nothing(bench: Bench, amount: str) -> None:
    wallet, merchant = await bench.wallet(balance=100_000), await bench.merchant()
    before = bench.dump()
    legs = [transfer.Leg(s, amount, a) for s, a in (("d", wallet), ("c", merchant))]  # type: ignore[arg-type]
    with pytest.raises(DomainError):
        await bench.post("pay", amount, legs)  # type: ignore[arg-type]
    assert bench.dump() == before


@pytest.mark.parametrize("amount", [0, -5, 10**12 + 1])
def test_the_rules_refuse_an_amount_before_the_ledger_sees_it(amount: int) -> None:
    with pytest.raises(AmountInvalid):
        transfer.cash_in("agt", "wal", amount)


async def test_legs_that_do_not_balance_or_do_not_fit_the_operation_move_nothing(bench: Bench) -> None:
    wallet, merchant, other = await bench.wallet(balance=100_000), await bench.merchant(), await bench.wallet()
    before = bench.dump()
    leg = transfer.Leg
    good = transfer.pay(wallet, merchant, "VIETTEL", 1_000, 0)
    bad = [
        [leg("d", 1_000, wallet), leg("c", 999, merchant)],
        [leg("d", 1_000, wallet), leg("c", 1_000, other)],  # a transfer that no operation allows
        [leg("c", 1_000, wallet), leg("d", 1_000, merchant)],
        [*good, leg("c", 1, transfer.PLATFORM_FEE)],
        [good[0], good[1], good[2], good[2]],
        good * 5,
    ]
    for legs in bad:
        with pytest.raises(DomainError):
            await bench.post("pay", 1_000, legs)
    with pytest.raises(DomainError):  # balanced and of the right shape, but not the amount that was asked for
        await bench.post("pay", 2_000, good)
    assert bench.dump() == before


async def test_unknown_wallet_and_unknown_merchant_are_told_apart_and_spend_no_key(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=5_000), new_id("mer"), new_key()
    with pytest.raises(AccountNotFound):
        await bench.pay(new_id("wal"), await bench.merchant(), 1_000)
    with pytest.raises(MerchantNotFound):
        await bench.pay(wallet, merchant, 1_000, key=key)
    await bench.merchant(merchant_id=merchant)
    assert (await bench.pay(wallet, merchant, 1_000, key=key)).first_balance == 4_000


async def test_another_persons_wallet_is_not_found(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=5_000, owner="usr_a"), await bench.merchant()
    with pytest.raises(AccountNotFound):
        await bench.pay(wallet, merchant, 1_000, owner="usr_b")
    assert (await bench.pay(wallet, merchant, 1_000, owner="usr_a")).first_balance == 4_000


async def test_frozen_and_closed_wallets_pay_nothing(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=5_000), await bench.merchant()
    await bench.ledger.set_state(wallet, "frozen", OPERATOR)
    with pytest.raises(AccountFrozen):
        await bench.pay(wallet, merchant, 1_000)
    with pytest.raises(AccountNotEmpty):
        await bench.ledger.set_state(wallet, "closed", OPERATOR)
    await bench.ledger.set_state(wallet, "open", OPERATOR)
    await bench.pay(wallet, merchant, 5_000)
    await bench.ledger.set_state(wallet, "closed", OPERATOR)
    with pytest.raises(AccountClosed):
        await bench.pay(wallet, merchant, 1_000)
    with pytest.raises(AccountClosed):
        await bench.ledger.set_state(wallet, "open", OPERATOR)


async def test_a_suspended_merchant_cannot_be_paid_but_can_refund(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=5_000), await bench.merchant()
    paid = await bench.pay(wallet, merchant, 2_000)
    await bench.merchant(state="frozen", version=2, merchant_id=merchant)
    with pytest.raises(MerchantNotPayable):
        await bench.pay(wallet, merchant, 1_000)
    await bench.refund(paid, wallet, merchant, 2_000)
    assert await bench.balance(wallet) == 5_000


async def test_an_older_merchant_event_changes_nothing(bench: Bench) -> None:
    merchant = await bench.merchant(version=3, state="frozen")
    await bench.merchant(version=2, state="open", merchant_id=merchant)
    account = await bench.ledger.account(merchant)
    assert account is not None
    assert account.state == "frozen"


async def test_refunds_in_parts_never_exceed_the_payment(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=10_000), await bench.merchant()
    paid = await bench.pay(wallet, merchant, 10_000, fee=20)
    await bench.refund(paid, wallet, merchant, 4_000, fee=8)
    with pytest.raises(Contention):  # the caller computed the fee from what it no longer is
        await bench.refund(paid, wallet, merchant, 6_000, fee=12, refunded_before=0)
    with pytest.raises(RefundExceedsPayment):
        await bench.refund(paid, wallet, merchant, 6_001, fee=12, refunded_before=4_000)
    last = await bench.refund(paid, wallet, merchant, 6_000, fee=12, refunded_before=4_000)
    assert last.refunded == 10_000
    assert await bench.balance(wallet) == 10_000
    assert await bench.balance(merchant) == 0
    assert await bench.balance(transfer.PLATFORM_FEE) == 0


async def test_a_refund_names_a_payment_of_these_two_parties(bench: Bench) -> None:
    wallet, merchant, other = await bench.wallet(balance=5_000), await bench.merchant(), await bench.wallet()
    paid = await bench.pay(wallet, merchant, 5_000)
    with pytest.raises(DomainError):
        await bench.refund(paid, other, merchant, 1_000)
    assert await bench.balance(other) == 0


async def test_a_merchant_without_money_cannot_refund(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=5_000), await bench.merchant()
    paid = await bench.pay(wallet, merchant, 5_000)
    with bench.redis() as client:  # as if it had been settled
        client.hincrby(bench.keys.account(merchant), "dp", 5_000)
        client.hincrby(bench.keys.account("settlement:VIETTEL"), "cp", 5_000)
    with pytest.raises(InsufficientFunds):
        await bench.refund(paid, wallet, merchant, 1_000)


async def test_cash_out_gives_the_agent_float_and_needs_the_same_telecom(bench: Bench) -> None:
    wallet, agent, stranger = await bench.wallet(balance=9_000), await bench.agent(), await bench.agent("VNPT")
    out = await bench.post("cash_out", 4_000, transfer.cash_out(wallet, agent, 4_000))
    assert (out.first_balance, out.second_balance) == (5_000, 4_000)
    with pytest.raises(WrongTelecom):
        await bench.post("cash_out", 1_000, transfer.cash_out(wallet, stranger, 1_000))


async def test_an_agent_cannot_give_more_than_its_float(bench: Bench) -> None:
    agent, wallet = await bench.agent(balance=1_000), await bench.wallet()
    with pytest.raises(InsufficientFunds):
        await bench.post("cash_in", 1_001, transfer.cash_in(agent, wallet, 1_001))


async def test_the_monthly_limit_is_the_law_of_the_month_to_the_last_dong(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=200_000_000), await bench.merchant()
    await bench.pay(wallet, merchant, 99_999_000)
    with pytest.raises(LimitExceeded) as refused:
        await bench.pay(wallet, merchant, 1_001)
    assert refused.value.details == {"rule": "month-368"}
    await bench.pay(wallet, merchant, 1_000)
    with pytest.raises(LimitExceeded):
        await bench.pay(wallet, merchant, 1)


async def test_a_refused_payment_uses_nothing_of_the_limit(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=1_000), await bench.merchant()
    with pytest.raises(InsufficientFunds):
        await bench.pay(wallet, merchant, 90_000_000)
    account = await bench.ledger.account(wallet)
    assert account is not None
    assert account.month_used == 0


async def test_a_merchants_own_wallet_is_exempt_from_the_limit(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=200_000_000, exempt=True), await bench.merchant()
    assert (await bench.pay(wallet, merchant, 150_000_000)).first_balance == 50_000_000


async def test_cash_out_counts_under_the_pilots_rule_and_per_day_and_per_transaction_rules_hold(bench: Bench) -> None:
    rule = limits.LimitRule
    year = 365 * 86_400_000
    table = [
        rule("pilot", 0, now_ms() + year, "month", ("pay", "cash_out"), 10_000, "as Decision 316 had it"),
        rule("day", 0, now_ms() + year, "day", ("pay",), 6_000, ""),
        rule("tx", 0, now_ms() + year, "tx", ("pay",), 5_000, ""),
        rule("gone", 0, now_ms() - 1, "tx", ("pay",), 1, "no longer in force"),
        rule("later", now_ms() + year, now_ms() + 2 * year, "tx", ("pay",), 1, "not yet in force"),
    ]
    await bench.ledger.found([], limits.encode(table))
    wallet, merchant, agent = await bench.wallet(balance=100_000), await bench.merchant(), await bench.agent()
    for amount, broken in ((5_001, "tx"), (5_000, ""), (1_001, "day"), (1_000, "")):
        if not broken:
            await bench.pay(wallet, merchant, amount)
            continue
        with pytest.raises(LimitExceeded) as refused:
            await bench.pay(wallet, merchant, amount)
        assert refused.value.details["rule"] == broken
    await bench.post("cash_out", 4_000, transfer.cash_out(wallet, agent, 4_000))
    with pytest.raises(LimitExceeded):
        await bench.post("cash_out", 1, transfer.cash_out(wallet, agent, 1))


async def test_a_total_past_2_to_the_53_is_refused(bench: Bench) -> None:
    agent = await bench.agent()
    with bench.redis() as client:
        for account in (agent, "trust:VIETTEL"):
            client.hset(bench.keys.account(account), mapping={"dp": 2**53 - 1 - 500, "cp": 2**53 - 1 - 500})
    await bench.post("fund", 500, transfer.fund("VIETTEL", agent, 500))
    with pytest.raises(DomainError) as refused:
        await bench.post("fund", 1, transfer.fund("VIETTEL", agent, 1))
    assert refused.value.code == "BALANCE_TOO_LARGE"
    assert (await bench.ledger.account(agent)).debits == 2**53 - 1 - 500  # type: ignore[union-attr]
    assert (await bench.ledger.account("trust:VIETTEL")).debits == 2**53 - 1  # type: ignore[union-attr]


async def test_large_numbers_keep_every_digit(bench: Bench) -> None:
    agent = await bench.agent()
    for _ in range(3):
        await bench.post("fund", 999_999_999_999, transfer.fund("VIETTEL", agent, 999_999_999_999))
    with bench.redis() as client:
        client.hset(bench.keys.account("trust:VIETTEL"), mapping={"dp": 123_456_789_012_345, "cp": 120_456_789_012_348})
        assert client.hget(bench.keys.account(agent), "cp") == "2999999999997"
    await bench.post("fund", 7, transfer.fund("VIETTEL", agent, 7))
    with bench.redis() as client:
        assert client.hget(bench.keys.account("trust:VIETTEL"), "dp") == "123456789012352"


async def test_a_wrong_clock_is_refused_and_spends_no_key(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    wallet, merchant, key = await bench.wallet(balance=5_000), await bench.merchant(), new_key()
    with monkeypatch.context() as patched:
        patched.setattr("services.payments.store.ledger.now_ms", lambda: now_ms() - 6_000)
        with pytest.raises(ClockSkew):
            await bench.pay(wallet, merchant, 1_000, key=key)
    assert (await bench.pay(wallet, merchant, 1_000, key=key)).first_balance == 4_000


async def test_after_not_after_nothing_happens_and_the_key_is_free(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=5_000), await bench.merchant(), new_key()
    with pytest.raises(TooLate):
        await bench.pay(wallet, merchant, 1_000, key=key, not_after_ms=now_ms() - 1)
    await bench.pay(wallet, merchant, 1_000, key=key, not_after_ms=now_ms() + 60_000)


async def test_keys_are_uuid7_and_not_older_than_they_are_kept(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=5_000), await bench.merchant()
    for bad in ("", "abc", "550e8400-e29b-41d4-a716-446655440000", new_key().upper(), new_key() + "\n"):
        with pytest.raises(InvalidArgument):
            await bench.pay(wallet, merchant, 1_000, key=bad)
    with pytest.raises(KeyExpired):
        await bench.pay(wallet, merchant, 1_000, key=old_key(8 * 86_400_000))
    with pytest.raises(ClockSkew):  # from the far future: it would outlive its own record
        await bench.pay(wallet, merchant, 1_000, key=old_key(-2 * 86_400_000))
    await bench.pay(wallet, merchant, 1_000, key=old_key(6 * 86_400_000))


async def test_a_key_is_remembered_for_longer_than_it_is_accepted(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=5_000), await bench.merchant()
    for age_ms in (6 * 86_400_000, 0, -80_000_000):
        key = old_key(age_ms)
        await bench.pay(wallet, merchant, 1_000, key=key)
        with bench.redis() as client:
            left_ms = client.pttl(bench.keys.idempotency(f"usr_test|pay|{key}"))
        accepted_ms = 7 * 86_400_000 - age_ms
        assert left_ms > accepted_ms


async def test_resolve_makes_not_found_final(bench: Bench) -> None:
    wallet, merchant, key = await bench.wallet(balance=5_000), await bench.merchant(), new_key()
    assert (await bench.ledger.resolve("usr_test", "pay", key))[0] == "KEY_SPENT"
    with pytest.raises(KeySpent):
        await bench.pay(wallet, merchant, 1_000, key=key)
    assert await bench.balance(wallet) == 5_000
    done, refused = new_key(), new_key()
    paid = await bench.pay(wallet, merchant, 1_000, key=done)
    with pytest.raises(InsufficientFunds):
        await bench.pay(wallet, merchant, 100_000, key=refused)
    assert await bench.ledger.resolve("usr_test", "pay", done) == ("OK", paid.transfer_id, paid.seq)
    assert (await bench.ledger.resolve("usr_test", "pay", refused))[0] == "INSUFFICIENT_FUNDS"


async def test_resolve_and_payment_racing_end_one_way_for_both(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=64_000), await bench.merchant()
    for _ in range(20):
        key = new_key()
        asked, paid = await asyncio.gather(
            bench.ledger.resolve("usr_test", "pay", key),
            bench.pay(wallet, merchant, 1_000, key=key),
            return_exceptions=True,
        )
        assert (asked[0] == "OK") == (not isinstance(paid, KeySpent))  # type: ignore[index]


async def test_a_directory_entry_that_moved_is_noticed_inside_the_payment(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=5_000), await bench.merchant()
    index = "idx" + merchant
    await bench.pay(wallet, merchant, 1_000, directory_index=index, merchant_id=merchant)
    with pytest.raises(Contention):
        await bench.pay(wallet, merchant, 1_000, directory_index=index, merchant_id=new_id("mer"))


async def test_one_wallet_for_a_person_and_telecom(bench: Bench) -> None:
    one = await bench.wallet(owner="usr_a")
    assert await bench.wallet(owner="usr_a") == one
    assert await bench.wallet("VNPT", owner="usr_a") != one
    assert len(await bench.ledger.accounts_of("usr_a")) == 2


async def test_a_window_is_cut_once_however_often_it_is_asked(bench: Bench) -> None:
    seq, now_open = await bench.ledger.cut(1, "op")
    assert (await bench.ledger.cut(1, "op")) == (seq, now_open)
    assert now_open == 2
    for wrong in (0, 3, 17):
        with pytest.raises(WindowNotOpen):
            await bench.ledger.cut(wrong, "op")


async def test_history_is_newest_first_and_bounded(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=100_000), await bench.merchant()
    for amount in range(1, 131):
        await bench.pay(wallet, merchant, amount)
    history = await bench.ledger.history(merchant, 50)
    assert [m.amount for m in history] == list(range(130, 80, -1))
    with bench.redis() as client:
        assert client.llen(bench.keys.history(merchant)) <= 101


async def test_no_wallet_without_an_open_gate(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=5_000), await bench.merchant()
    with bench.redis() as client:
        client.hset(bench.keys.meta, "gate", "another run of the server")
    before = bench.dump()
    with pytest.raises(DomainError) as refused:
        await bench.pay(wallet, merchant, 1_000)
    assert refused.value.code == "LEDGER_FENCED"
    assert bench.dump() == before
    with bench.redis() as client:
        client.hset(bench.keys.meta, "gate", bench.client.run)


async def test_the_gate_founds_a_cell_once_and_knows_its_genesis(bench: Bench) -> None:
    assert open_gate(bench.url, "cell-test")[0] == "OK"
    assert open_gate(bench.url, "another cell")[0] == "WRONG_GENESIS"
    with bench.redis() as client:
        client.delete(bench.keys.meta)
    assert open_gate(bench.url, "cell-test", may_found=False)[0] == "NO_GENESIS"
    assert open_gate(bench.url, "cell-test", may_found=True)[0] == "NO_GENESIS"  # a stream without a head
