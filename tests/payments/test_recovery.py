"""Debts are paid off from what debtors have received: never more than is owed, whoever asks how often."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from kit.errors import LedgerFenced, OutcomeUnknown
from kit.ids import new_id
from services.payments import recovery
from services.payments.store.ledger import Order, Posted
from services.payments.store.sync import SyncLedger
from tests.payments import acts
from tests.payments.conftest import Bench

pytestmark = pytest.mark.anyio


@pytest.fixture
def ledger(bench: Bench) -> Iterator[SyncLedger]:
    with redis.Redis.from_url(bench.url, protocol=2) as client:
        yield SyncLedger(client, bench.keys)


async def debtor(bench: Bench, owed: int) -> tuple[str, str, str]:
    """Somebody whose card took back what was spent: (their id, wallet, receivable)."""
    await acts.deposit(bench, owed)
    owner = new_id("usr")
    wallet, shop = await bench.wallet(owner=owner), await bench.merchant()
    top = await acts.top_up(bench, wallet, owed)
    await bench.pay(wallet, shop, owed)
    debt = await acts.receivable(bench, owner)
    await acts.chargeback(bench, top, wallet, debt, owed, owed)
    return owner, wallet, debt


async def test_a_vendors_next_payout_pays_before_the_wallet_does(bench: Bench, ledger: SyncLedger) -> None:
    owner, wallet, debt = await debtor(bench, 100_000)
    stall = await bench.merchant(owner=owner)
    payer = await bench.wallet(balance=500_000)
    await bench.pay(payer, stall, 70_000)
    await acts.send(bench, payer, wallet, 200_000)
    assert recovery.recover(ledger, bench.keys.debts, 1) == 100_000
    assert [await bench.balance(one) for one in (stall, wallet, debt)] == [0, 170_000, 0]
    assert await bench.ledger.debts() == []
    assert recovery.recover(ledger, bench.keys.debts, 2) == 0


async def test_what_a_stall_owes_beyond_a_windows_sales_is_carried_over_to_its_next_ones(
    bench: Bench, ledger: SyncLedger
) -> None:
    owner, _, debt = await debtor(bench, 100_000)
    stall, payer = await bench.merchant(owner=owner), await bench.wallet(balance=500_000)
    left_to_pay_out, owed = [], []
    for window, sold in enumerate((40_000, 0, 40_000, 50_000, 30_000), 1):
        if sold:
            await bench.pay(payer, stall, sold)
        recovery.recover(ledger, bench.keys.debts, window)
        left_to_pay_out.append(await bench.balance(stall))  # what a payout takes (GetAvailable)
        owed.append(-await bench.balance(debt))
    assert owed == [60_000, 60_000, 20_000, 0, 0]
    assert left_to_pay_out == [0, 0, 0, 30_000, 60_000]


async def test_what_is_there_is_taken_and_the_rest_stays_owed(bench: Bench, ledger: SyncLedger) -> None:
    _, wallet, debt = await debtor(bench, 100_000)
    stranger = await bench.wallet(balance=500_000)
    assert recovery.recover(ledger, bench.keys.debts, 1) == 0
    await acts.send(bench, stranger, wallet, 30_000)
    assert recovery.recover(ledger, bench.keys.debts, 2) == 30_000
    assert [await bench.balance(one) for one in (wallet, debt)] == [0, -70_000]
    assert await bench.ledger.debts() == [debt]
    assert await bench.balance(stranger) == 470_000, "another's money pays nobody's debt"


async def test_asked_again_after_a_lost_answer_no_more_is_taken_than_is_owed(bench: Bench, ledger: SyncLedger) -> None:
    _, wallet, debt = await debtor(bench, 100_000)
    payer = await bench.wallet(balance=500_000)
    await acts.send(bench, payer, wallet, 300_000)

    class Lossy(SyncLedger):
        def post(self, order: Order) -> Posted:
            super().post(order)
            raise OutcomeUnknown("the answer was lost")

    with pytest.raises(OutcomeUnknown):
        recovery.recover(Lossy(ledger._client, bench.keys), bench.keys.debts, 1)
    assert recovery.recover(ledger, bench.keys.debts, 1) == 0
    assert [await bench.balance(one) for one in (wallet, debt)] == [200_000, 0]


async def test_two_who_recover_at_once_take_it_once(bench: Bench, ledger: SyncLedger) -> None:
    _, wallet, debt = await debtor(bench, 100_000)
    payer = await bench.wallet(balance=500_000)
    await acts.send(bench, payer, wallet, 300_000)

    class Slow(SyncLedger):
        """Looks, and is overtaken before it acts."""

        def post(self, order: Order) -> Posted:
            recovery.recover(ledger, bench.keys.debts, 1)
            return super().post(order)

    assert recovery.recover(Slow(ledger._client, bench.keys), bench.keys.debts, 1) == 0
    assert [await bench.balance(one) for one in (wallet, debt)] == [200_000, 0]


async def test_a_fenced_ledger_is_asked_again_later(bench: Bench, ledger: SyncLedger) -> None:
    _, wallet, _ = await debtor(bench, 100_000)
    await acts.send(bench, await bench.wallet(balance=50_000), wallet, 50_000)
    with bench.redis() as client:
        client.hset(bench.keys.meta, "gate", "another run")
    with pytest.raises(LedgerFenced):
        recovery.recover(ledger, bench.keys.debts, 1)


async def test_of_more_debtors_than_a_window_takes_each_has_a_turn(
    bench: Bench, ledger: SyncLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "DEBTS_MAX", 2)
    payer = await bench.wallet(balance=500_000)
    for _ in range(5):
        _, wallet, _ = await debtor(bench, 10_000)
        await acts.send(bench, payer, wallet, 10_000)
    assert sum(recovery.recover(ledger, bench.keys.debts, window) for window in range(1, 6)) == 50_000
