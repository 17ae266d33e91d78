"""Money between telecoms, card money, debts, commissions: and that each telecom's guarantee covers its wallets."""

from __future__ import annotations

import asyncio

import pytest

from kit.errors import (
    AccountClosed,
    AccountFrozen,
    Contention,
    DomainError,
    GuaranteeShort,
    InsufficientFunds,
    PaymentNotFound,
    RefundExceedsPayment,
    WrongTelecom,
)  # fmt: skip
from kit.ids import new_key
from services.payments import transfer
from services.payments.store.ledger import Posted
from services.payments.transfer import Leg
from services.settlement import fold
from tests.payments import acts
from tests.payments.acts import CARDS, card_hold, chargeback, deposit, recover, reverse, send, top_up, unload
from tests.payments.conftest import OPERATOR, Bench
from tests.payments.test_ledger_rules import stream

pytestmark = pytest.mark.anyio

BOTH = ("VIETTEL", "VNPT")


def books_close(b: Bench) -> fold.Books:
    books = fold.replay(stream(b.url))
    assert books.findings == []
    assert fold.balance_findings(books.accounts) == []
    return books


async def own(b: Bench, telecom: str) -> int:
    """A telecom's own money and position together: what covers its wallets beyond what they hold."""
    return await b.balance(transfer.reserve(telecom)) + await b.balance(transfer.clearing(telecom))


# Between wallets -------------------------------------------------------------------------------------------------


async def test_money_between_telecoms_needs_the_receivers_own_money_as_cover(bench: Bench) -> None:
    source, target = await bench.wallet(balance=90_000), await bench.wallet("VNPT")
    with pytest.raises(GuaranteeShort) as refused:
        await send(bench, source, target, 1, BOTH)
    assert refused.value.details == {"telecom": "VNPT"}
    await deposit(bench, 50_000, "VNPT")
    sent = await send(bench, source, target, 50_000, BOTH)
    assert (sent.first_balance, sent.second_balance) == (40_000, 50_000)
    assert (await own(bench, "VIETTEL"), await own(bench, "VNPT")) == (50_000, 0)
    with pytest.raises(GuaranteeShort):
        await send(bench, source, target, 1, BOTH)
    await send(bench, target, source, 10_000, BOTH[::-1])  # what comes back covers as much again
    await send(bench, source, target, 10_000, BOTH)
    books_close(bench)


async def test_concurrent_transfers_never_take_a_guarantee_below_its_wallets(bench: Bench) -> None:
    sources = [await bench.wallet(balance=9_000) for _ in range(8)]
    target = await bench.wallet("VNPT")
    await deposit(bench, 20_500, "VNPT")
    ends = await asyncio.gather(
        *(send(bench, source, target, 1_000, BOTH) for source in sources for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(end, Posted) for end in ends) == 20
    assert sum(isinstance(end, GuaranteeShort) for end in ends) == 44
    assert await own(bench, "VNPT") == 500
    books_close(bench)


async def test_a_transfers_legs_name_each_side_of_it_and_nobody_else(bench: Bench) -> None:
    source, target, near = await bench.wallet(balance=90_000), await bench.wallet("VNPT"), await bench.wallet()
    for telecom in ("VIETTEL", "VNPT", "MOBIFONE"):
        await deposit(bench, 90_000, telecom)
    before = bench.dump()
    wrong = [
        transfer.send(source, target, "VNPT", "VIETTEL", 100),  # the sides confused
        transfer.send(source, target, "VIETTEL", "MOBIFONE", 100),  # a third telecom
        transfer.send(source, target, "MOBIFONE", "VNPT", 100),
        transfer.send(source, target, "VIETTEL", "VIETTEL", 100),  # as if it were one
        transfer.send(source, near, "VIETTEL", "VNPT", 100),  # as if they were two
    ]
    witness = transfer.send(source, target, *BOTH, 100)
    wrong.append([*witness[:-1], Leg("=", 0, "reserve:VIETTEL")])  # cover of the wrong telecom
    for legs in wrong:
        with pytest.raises(WrongTelecom):
            await bench.post("transfer", 100, legs)
    for legs in (
        witness[:-1],  # nobody looks at the cover
        [*witness, Leg("=", 0, "reserve:MOBIFONE")],
        [*witness[:-1], Leg("=", 0, "trust:VNPT")],
        [*witness[:-1], Leg("c", 100, "reserve:VNPT")],
    ):
        with pytest.raises(DomainError):
            await bench.post("transfer", 100, legs)
    with pytest.raises(DomainError):  # a witness where none belongs
        await bench.post("transfer", 100, [*transfer.send(source, near, *BOTH[:1] * 2, 100), witness[-1]])
    with pytest.raises(DomainError) as same:  # read once as a party, once as a witness
        await bench.post("transfer", 100, [*witness[:-1], Leg("=", 0, target)])
    assert same.value.code == "SAME_ACCOUNT"
    assert bench.dump() == before


async def test_an_organisation_gives_out_at_its_telecom_and_at_others(bench: Bench) -> None:
    org, near, far = await acts.organisation(bench, 90_000), await bench.wallet(), await bench.wallet("VNPT")
    await send(bench, org, near, 40_000)
    with pytest.raises(GuaranteeShort):
        await send(bench, org, far, 40_000, BOTH)
    await deposit(bench, 40_000, "VNPT")
    await send(bench, org, far, 40_000, BOTH)
    with pytest.raises(InsufficientFunds):
        await send(bench, org, near, 10_001)
    await bench.post("defund", 10_000, transfer.defund("VIETTEL", org, 10_000))
    books_close(bench)


async def test_frozen_wallets_neither_send_nor_receive(bench: Bench) -> None:
    one, two = await bench.wallet(balance=90_000), await bench.wallet()
    await bench.ledger.set_state(two, "frozen", OPERATOR)
    with pytest.raises(AccountFrozen):
        await send(bench, one, two, 1)
    await bench.ledger.set_state(two, "closed", OPERATOR)
    with pytest.raises(AccountClosed):
        await send(bench, one, two, 1)


@pytest.mark.parametrize("what", ["near", "far", "given near", "given far", "fund", "cash in", "cash out", "capture"])
async def test_two_people_undo_any_of_these_and_everything_is_as_before(bench: Bench, what: str) -> None:
    wallet, near, far = await bench.wallet(balance=90_000), await bench.wallet(), await bench.wallet("VNPT")
    org, agent, merchant = await acts.organisation(bench, 90_000), await bench.agent(balance=90_000), None
    merchant = await bench.merchant()
    for telecom in BOTH:
        await deposit(bench, 50_000, telecom)
    held = await acts.hold(bench, wallet, merchant, 10_000)
    op, legs, cover, fee, more = {
        "near": ("transfer", transfer.send(wallet, near, *BOTH[:1] * 2, 10_000), "", 0, {}),
        "far": ("transfer", transfer.send(wallet, far, *BOTH, 10_000), "VIETTEL", 0, {}),
        "given near": ("disburse", transfer.send(org, near, *BOTH[:1] * 2, 10_000), "", 0, {}),
        "given far": ("disburse", transfer.send(org, far, *BOTH, 10_000), "VIETTEL", 0, {}),
        "fund": ("fund", transfer.fund("VIETTEL", agent, 10_000), "", 0, {}),
        "cash in": ("cash_in", transfer.cash_in(agent, wallet, 10_000, "VIETTEL", 20), "", 20, {}),
        "cash out": ("cash_out", transfer.cash_out(wallet, agent, 10_000, "VIETTEL", 30), "", 30, {}),
        "capture": (
            "capture", transfer.pay(wallet, merchant, "VIETTEL", 10_000, 20), "VIETTEL", 20,
            {"related": held.transfer_id},
        ),
    }[what]  # fmt: skip
    balances = {leg.account_id: await bench.balance(leg.account_id) for leg in legs}
    posted = await bench.post(op, 10_000, legs, fee, **more)
    # A hold's money is the payer's again: it was not available while it was held.
    freed = {wallet: 10_000} if what == "capture" else {}
    await reverse(bench, posted, legs, 10_000, fee, cover)
    after = {leg.account_id: await bench.balance(leg.account_id) - freed.get(leg.account_id, 0) for leg in legs}
    assert after == balances
    books_close(bench)


async def test_undoing_a_transfer_needs_cover_where_the_money_comes_back(bench: Bench) -> None:
    source, target = await bench.wallet(balance=90_000), await bench.wallet("VNPT")
    await deposit(bench, 50_000, "VNPT")
    legs = transfer.send(source, target, *BOTH, 50_000)
    sent = await bench.post("transfer", 50_000, legs)
    # The sender's telecom was owed nothing else, so what it owes now is just what goes back.
    await send(bench, target, await bench.wallet(), 30_000, BOTH[::-1])
    with pytest.raises(InsufficientFunds):  # the receiver has spent it
        await reverse(bench, sent, legs, 50_000, cover="VIETTEL")
    agent = await bench.agent("VNPT", 90_000)
    await bench.post("cash_in", 30_000, transfer.cash_in(agent, target, 30_000))
    with pytest.raises(GuaranteeShort) as refused:
        await reverse(bench, sent, legs, 50_000, cover="VIETTEL")
    assert refused.value.details == {"telecom": "VIETTEL"}
    books_close(bench)


# Commissions and the telecom's own money -------------------------------------------------------------------------


async def test_commissions_come_out_of_the_telecoms_own_money_and_not_out_of_what_covers_its_wallets(
    bench: Bench,
) -> None:
    agent, wallet = await bench.agent(balance=90_000), await bench.wallet(balance=50_000)
    with pytest.raises(GuaranteeShort) as refused:
        await bench.post("cash_in", 10_000, transfer.cash_in(agent, wallet, 10_000, "VIETTEL", 20), 20)
    assert refused.value.details == {"telecom": "VIETTEL"}
    await deposit(bench, 50)
    made = await bench.post("cash_in", 10_000, transfer.cash_in(agent, wallet, 10_000, "VIETTEL", 20), 20)
    assert (made.first_balance, made.second_balance, made.fee) == (80_020, 60_000, 20)
    out = await bench.post("cash_out", 10_000, transfer.cash_out(wallet, agent, 10_000, "VIETTEL", 30), 30)
    assert (out.first_balance, out.second_balance, await own(bench, "VIETTEL")) == (50_000, 90_050, 0)
    with pytest.raises(GuaranteeShort):
        await bench.post("cash_out", 10_000, transfer.cash_out(wallet, agent, 10_000, "VIETTEL", 1), 1)
    books_close(bench)


async def test_own_money_that_covers_wallets_is_neither_given_away_nor_taken_out(bench: Bench) -> None:
    """The reserve is there, but it stands for what the telecom is still owed (its position is negative)."""
    source, target = await bench.wallet(balance=90_000), await bench.wallet("VNPT")
    agent = await bench.agent("VNPT", 50_000)
    await deposit(bench, 50_000, "VNPT")
    await send(bench, source, target, 49_990, BOTH)
    for refused in (
        bench.post("cash_in", 10_000, transfer.cash_in(agent, target, 10_000, "VNPT", 11), 11),
        bench.post("cash_out", 10_000, transfer.cash_out(target, agent, 10_000, "VNPT", 11), 11),
        bench.post("defund", 11, transfer.defund("VNPT", transfer.reserve("VNPT"), 11)),
        top_up(bench, target, 11, "VNPT"),
    ):
        with pytest.raises(GuaranteeShort) as told:
            await refused
        assert told.value.details == {"telecom": "VNPT"}
    await bench.post("defund", 10, transfer.defund("VNPT", transfer.reserve("VNPT"), 10))
    with pytest.raises(GuaranteeShort):
        await bench.post("defund", 50_000, transfer.defund("VNPT", transfer.reserve("VNPT"), 50_000))
    books_close(bench)


async def test_a_refund_needs_the_telecoms_cover_too(bench: Bench) -> None:
    """What the telecom owed for the payment is settled by what it was sent: giving it back would leave it owed."""
    wallet, merchant = await bench.wallet(balance=90_000), await bench.merchant()
    other = await bench.wallet("VNPT", 90_000)
    await deposit(bench, 40_000)
    paid = await bench.pay(wallet, merchant, 50_000)
    await send(bench, other, wallet, 90_000, BOTH[::-1])
    with pytest.raises(GuaranteeShort):
        await bench.refund(paid, wallet, merchant, 1)
    await deposit(bench, 50_000)
    await bench.refund(paid, wallet, merchant, 50_000)
    with pytest.raises(DomainError):
        await bench.refund(paid, wallet, merchant, 1, refunded_before=50_000)
    books_close(bench)


async def test_a_fee_where_the_operation_has_none_moves_nothing(bench: Bench) -> None:
    wallet, other, agent = await bench.wallet(balance=90_000), await bench.wallet(), await bench.agent(balance=9_000)
    merchant = await bench.merchant()
    before = bench.dump()
    for op, legs in (
        ("fund", transfer.fund("VIETTEL", agent, 1_000)),
        ("cash_in", transfer.cash_in(agent, wallet, 1_000)),
        ("transfer", transfer.send(wallet, other, *BOTH[:1] * 2, 1_000)),
        ("hold", transfer.hold(wallet, merchant, 1_000)),
        ("pay", transfer.pay(wallet, merchant, "VIETTEL", 1_000, 0)),
    ):
        with pytest.raises(DomainError):
            await bench.post(op, 1_000, legs, 7)
    assert bench.dump() == before


# Cards and debts -------------------------------------------------------------------------------------------------


@pytest.fixture
async def card(bench: Bench) -> tuple[Posted, str]:
    """A wallet that was topped up with 80,000."""
    await deposit(bench, 200_000)
    wallet = await bench.wallet(owner="usr_w")
    return await top_up(bench, wallet, 80_000), wallet


async def test_card_money_comes_in_and_goes_back_in_parts_and_never_more_than_came(
    bench: Bench, card: tuple[Posted, str]
) -> None:
    top, wallet = card
    assert (top.second_balance, await bench.balance(transfer.psp(CARDS))) == (80_000, -80_000)
    one, two = await card_hold(bench, top, wallet, 30_000), await card_hold(bench, top, wallet, 40_000)
    with pytest.raises(RefundExceedsPayment):
        await card_hold(bench, top, wallet, 10_001)
    assert await acts.release(bench, "void", two.transfer_id) == 50_000
    assert await acts.release(bench, "void", two.transfer_id) == 50_000
    back = await unload(bench, one, wallet, 30_000)
    assert (back.first_balance, await bench.balance(transfer.psp(CARDS))) == (50_000, -50_000)
    with pytest.raises(DomainError) as refused:
        await unload(bench, one, wallet, 30_000)
    assert refused.value.code == "HOLD_CAPTURED"
    three = await card_hold(bench, top, wallet, 50_000)
    await bench.ledger.set_state(wallet, "frozen", OPERATOR)
    await unload(bench, three, wallet, 50_000)  # a frozen wallet's money may go where it came from
    movement = await bench.ledger.transfer(top.transfer_id)
    assert movement is not None
    assert movement.refunded == 80_000
    books_close(bench)


async def test_what_is_held_for_a_card_goes_back_whole_or_not_at_all(bench: Bench, card: tuple[Posted, str]) -> None:
    """Else the rest could never go back: it would be free in the wallet and still count as gone from the top-up."""
    top, wallet = card
    held = await card_hold(bench, top, wallet, 30_000)
    before = bench.dump()
    with pytest.raises(DomainError, match="malformed"):
        await unload(bench, held, wallet, 29_999)
    assert bench.dump() == before


async def test_only_the_wallet_that_was_topped_up_sends_money_back(bench: Bench, card: tuple[Posted, str]) -> None:
    top, _ = card
    other = await bench.wallet(balance=90_000)
    with pytest.raises(DomainError, match="malformed"):
        await card_hold(bench, top, other, 1)
    paid = await bench.pay(other, await bench.merchant(), 1_000)
    with pytest.raises(PaymentNotFound):
        await card_hold(bench, paid, other, 1)


@pytest.mark.parametrize(("left", "short"), [(80_000, 0), (30_000, 50_000), (0, 80_000)])
async def test_a_chargeback_takes_what_the_wallet_holds_and_the_rest_is_owed_until_it_is_paid_off(
    bench: Bench, card: tuple[Posted, str], left: int, short: int
) -> None:
    top, wallet = card
    merchant, debt = await bench.merchant(owner="usr_w"), await acts.receivable(bench, "usr_w")
    if left < 80_000:
        await bench.pay(wallet, merchant, 80_000 - left)
    await bench.ledger.set_state(wallet, "frozen", OPERATOR)
    back = await chargeback(bench, top, wallet, debt, 80_000, short)
    assert back.fee == short
    assert (await bench.balance(wallet), await bench.balance(transfer.psp(CARDS))) == (0, 0)
    owed = await bench.ledger.account(debt)
    assert owed is not None
    assert owed.debits - owed.credits == short
    assert await bench.ledger.debts() == ([debt] if short else [])
    if not short:
        return
    with pytest.raises(Contention):  # more than is owed: somebody else recovered some of it meanwhile
        await recover(bench, merchant, debt, short + 1)
    await recover(bench, merchant, debt, short - 1)
    assert await bench.ledger.debts() == [debt]
    agent = await bench.agent(balance=10)
    await bench.ledger.set_state(wallet, "open", OPERATOR)
    await bench.post("cash_in", 10, transfer.cash_in(agent, wallet, 10))
    with pytest.raises(Contention):  # more than there is
        await recover(bench, wallet, debt, 11, "VIETTEL")
    await recover(bench, wallet, debt, 1, "VIETTEL")
    assert await bench.ledger.debts() == []
    books_close(bench)


async def test_a_chargeback_that_the_wallet_no_longer_holds_is_split_anew_and_answers_nothing_for_good(
    bench: Bench, card: tuple[Posted, str]
) -> None:
    top, wallet = card
    debt, key = await acts.receivable(bench, "usr_w"), new_key()
    await bench.pay(wallet, await bench.merchant(), 1)
    with pytest.raises(Contention):
        await chargeback(bench, top, wallet, debt, 80_000, 0, key=key)
    await chargeback(bench, top, wallet, debt, 80_000, 1, key=key)
    assert await bench.ledger.debts() == [debt]


@pytest.mark.parametrize("short", [1, 80_000])
async def test_a_chargeback_makes_nobody_owe_but_the_wallets_holder(
    bench: Bench, card: tuple[Posted, str], short: int
) -> None:
    top, wallet = card
    await bench.pay(wallet, await bench.merchant(), short)
    stranger, other = await acts.receivable(bench, "usr_x"), await bench.wallet(owner="usr_x")
    before = bench.dump()
    with pytest.raises(DomainError, match="malformed"):
        await chargeback(bench, top, wallet, stranger, 80_000, short)
    with pytest.raises(DomainError, match="malformed"):  # nor for a top-up of another wallet
        await chargeback(bench, top, other, stranger, 80_000, 80_000)
    assert bench.dump() == before


async def test_a_debt_is_paid_off_by_its_debtor_only(bench: Bench, card: tuple[Posted, str]) -> None:
    top, wallet = card
    debt, merchant = await acts.receivable(bench, "usr_w"), await bench.merchant(owner="usr_x")
    await bench.pay(wallet, merchant, 80_000)
    await chargeback(bench, top, wallet, debt, 80_000, 80_000)
    other = await bench.wallet(balance=90_000, owner="usr_x")
    before = bench.dump()
    with pytest.raises(DomainError, match="malformed"):
        await recover(bench, merchant, debt, 1)
    with pytest.raises(DomainError, match="malformed"):
        await recover(bench, other, debt, 1, "VIETTEL")
    with pytest.raises(DomainError, match="malformed"):  # and nobody forgets to note that somebody owes
        await bench.post("recover", 1, transfer.recover(merchant, debt, "", 1))
    assert bench.dump() == before


async def test_a_debtors_closed_wallet_does_not_hide_a_debt(bench: Bench, card: tuple[Posted, str]) -> None:
    top, wallet = card
    debt = await acts.receivable(bench, "usr_w")
    await bench.pay(wallet, await bench.merchant(), 80_000)
    await bench.ledger.set_state(wallet, "closed", OPERATOR)
    await chargeback(bench, top, wallet, debt, 80_000, 80_000)
    assert await bench.ledger.debts() == [debt]
    books_close(bench)
