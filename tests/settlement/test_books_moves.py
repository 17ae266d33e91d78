"""The books on holds, cards, debts and transfers between telecoms: what they follow, and what they find wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.clock import month_of
from services.payments import transfer
from services.payments.transfer import Leg
from services.settlement import fold, positions
from tests.settlement.conftest import Scribe

A, B = "VIETTEL", "VNPT"


class Teller(Scribe):
    """Writes holds and what ends them, as the ledger does: pending totals change with the version."""

    def hold(self, wallet: str, payee: str, amount: int) -> str:
        hold_id = f"hld_{len(self.events)}"
        legs = [Leg("p", amount, wallet), Leg("q", amount, payee)]
        self.write("hold", legs, transfer_id=hold_id, amount=str(amount), change="pay,,0,,99", body_hash="h")
        return hold_id

    def free(self, account: str, place: int, amount: int) -> None:
        self._totals[account][2 + place] -= amount

    def capture(self, hold: str, wallet: str, merchant: str, held: int, amount: int) -> str:
        self.free(wallet, 0, held)
        self.free(merchant, 1, held)
        legs = transfer.pay(wallet, merchant, A, amount, 0)
        capture_id = f"pay_{len(self.events)}"
        self.write(
            "capture", legs, transfer_id=capture_id, related=hold, amount=str(amount), change=",,0,,0", body_hash="h"
        )
        return capture_id

    def end(self, op: str, hold: str, wallet: str, merchant: str, held: int) -> None:
        self.free(wallet, 0, held)
        self.free(merchant, 1, held)
        legs = [Leg("-", 0, wallet), Leg("-", 0, merchant)]
        self.write(op, legs, transfer_id=hold, amount=str(held))


@pytest.fixture
def teller() -> Teller:
    return Teller()


def books_of(teller: Scribe) -> fold.Books:
    books = fold.replay(teller.events)
    assert books.findings == []
    assert fold.balance_findings(books.accounts) == []
    return books


def test_a_hold_that_is_taken_in_part_gives_the_rest_back_to_the_month(teller: Teller) -> None:
    wallet, merchant = teller.wallet(100_000), teller.merchant("mer_1")
    hold = teller.hold(wallet, merchant, 40_000)
    month = month_of(teller.at_ms)
    held = books_of(teller)
    assert held.accounts[wallet].debits_pending == held.accounts[merchant].credits_pending == 40_000
    assert held.used[(wallet, month)]["pay"] == 40_000
    assert held.payments == {}
    paid = teller.capture(hold, wallet, merchant, 40_000, 30_000)
    books = books_of(teller)
    assert books.accounts[wallet].debits_pending == books.accounts[merchant].credits_pending == 0
    assert (books.accounts[wallet].debits, books.accounts[merchant].credits) == (30_000, 30_000)
    assert books.used[(wallet, month)]["pay"] == 30_000
    assert books.payments == {paid: (30_000, 0)}
    assert (books.holds[hold].state, books.holds[hold].amount) == ("captured", 40_000)


@pytest.mark.parametrize(("op", "state"), [("void", "voided"), ("expire", "expired")])
def test_a_hold_that_ends_untaken_moves_nothing(teller: Teller, op: str, state: str) -> None:
    wallet, merchant = teller.wallet(100_000), teller.merchant("mer_1")
    transfers = books_of(teller).transfers
    hold = teller.hold(wallet, merchant, 40_000)
    teller.end(op, hold, wallet, merchant, 40_000)
    books = books_of(teller)
    assert (books.holds[hold].state, books.transfers) == (state, transfers + 1)
    assert books.used[(wallet, month_of(teller.at_ms))]["pay"] == 0
    assert books.accounts[wallet].debits == 0


def test_a_hold_that_ends_in_another_month_gives_nothing_back(teller: Teller) -> None:
    wallet, merchant = teller.wallet(100_000), teller.merchant("mer_1")
    hold, month = teller.hold(wallet, merchant, 40_000), month_of(teller.at_ms)
    teller.at_ms += 40 * 86_400_000
    teller.end("expire", hold, wallet, merchant, 40_000)
    assert books_of(teller).used[(wallet, month)]["pay"] == 40_000


def test_held_money_cannot_be_spent_beside(teller: Teller) -> None:
    wallet, merchant = teller.wallet(100_000), teller.merchant("mer_1")
    teller.hold(wallet, merchant, 60_000)
    teller.pay(wallet, merchant, 40_001)
    assert any(f"{wallet} is negative" in finding for finding in fold.replay(teller.events).findings)


@pytest.mark.parametrize("how", ["twice", "unknown", "too much"])
def test_a_capture_of_what_is_not_held_is_found(teller: Teller, how: str) -> None:
    wallet, merchant = teller.wallet(100_000), teller.merchant("mer_1")
    hold = teller.hold(wallet, merchant, 40_000)
    if how == "too much":
        teller.capture(hold, wallet, merchant, 40_000, 40_001)
    elif how == "unknown":
        teller.capture("hld_none", wallet, merchant, 0, 1_000)
    else:
        teller.capture(hold, wallet, merchant, 40_000, 40_000)
        teller.capture(hold, wallet, merchant, 0, 1_000)
    words = f"takes more than {hold} holds" if how == "too much" else "is not held"
    assert any(words in finding for finding in fold.replay(teller.events).findings)


def test_pending_totals_that_do_not_add_up_are_found(teller: Teller) -> None:
    wallet, merchant = teller.wallet(100_000), teller.merchant("mer_1")
    teller.hold(wallet, merchant, 40_000)
    event = teller.events[-1]
    for number, field in ((0, "debits_pending"), (1, "credits_pending")):
        legs = list(event.legs)
        legs[number] = replace(legs[number], **{field: 39_999})
        wrong = [*teller.events[:-1], replace(event, legs=tuple(legs))]
        assert any("has other totals" in finding for finding in fold.replay(wrong).findings)


def test_money_between_telecoms_is_covered_by_the_receivers_own_money_or_found(teller: Teller) -> None:
    sender, receiver = teller.wallet(100_000, A), teller.wallet(1_000, B)
    teller.transfer("fund", 50_000, transfer.fund(B, transfer.reserve(B), 50_000))
    teller.transfer("transfer", 50_000, transfer.send(sender, receiver, A, B, 50_000))
    books = books_of(teller)
    assert books.accounts["clearing:VNPT"].debits == 50_000
    totals = positions.total(teller.events, {})
    assert {name: line.net for name, line in totals.lines.items()} == {A: -50_000, B: 50_000}
    positions.check(totals)
    teller.transfer("transfer", 1, transfer.send(sender, receiver, A, B, 1))
    books = fold.replay(teller.events)
    assert any("guarantee of VNPT does not cover" in finding for finding in books.findings)
    assert any("trust:VNPT holds 51000 and its wallets 51001" in f for f in fold.balance_findings(books.accounts))


def test_cards_and_debts_tie_and_their_positions_sum_to_zero(teller: Teller) -> None:
    wallet, merchant = teller.wallet(10_000), teller.merchant("mer_1")
    teller.open("psp:STRIPE", "psp", "", "STRIPE")
    debt = teller.open("rcv_1", "receivable", "", "usr_w")
    teller.transfer("fund", 90_000, transfer.fund(A, transfer.reserve(A), 90_000))
    topped = teller.transfer("top_up", 80_000, transfer.top_up("STRIPE", wallet, A, 80_000))
    teller.pay(wallet, merchant, 70_000)
    legs = transfer.chargeback(wallet, debt, "STRIPE", A, 80_000, 60_000)
    teller.transfer("chargeback", 80_000, legs, fee=60_000, related=topped)
    assert books_of(teller).accounts[debt].debits == 60_000
    teller.transfer("recover", 15_000, transfer.recover(merchant, debt, "", 15_000))
    books_of(teller)
    totals = positions.total(teller.events, {merchant: "970436"})
    positions.check(totals)
    nets = {name: line.net for name, line in totals.lines.items()}
    assert nets == {A: -10_000, "970436": 55_000, "STRIPE": 0, positions.PLATFORM: -45_000}
    assert (totals.payments, totals.refunds, totals.value) == (1, 0, 70_000)


def test_a_debt_paid_back_beyond_itself_is_found(teller: Teller) -> None:
    merchant, debt = teller.merchant("mer_1"), teller.open("rcv_1", "receivable", "", "usr_v")
    teller.pay(teller.wallet(100_000), merchant, 50_000)
    teller.transfer("recover", 1, transfer.recover(merchant, debt, "", 1))
    assert any("rcv_1 is negative" in finding for finding in fold.replay(teller.events).findings)


def test_a_reversed_payment_cannot_be_refunded_any_more(teller: Teller) -> None:
    wallet, merchant = teller.wallet(100_000), teller.merchant("mer_1")
    paid = teller.pay(wallet, merchant, 50_000, 100)
    legs = transfer.reverse(transfer.pay(wallet, merchant, A, 50_000, 100), A)
    teller.transfer("reverse", 50_000, legs, 100, related=paid)
    books = books_of(teller)
    assert books.payments == {paid: (50_000, 50_000)}
    teller.refund(paid, wallet, merchant, 1)
    assert any(f"refunds of {paid} exceed it" in finding for finding in fold.replay(teller.events).findings)


def test_an_exempt_wallet_is_above_no_month_rule_until_it_is_exempt_no_longer(teller: Teller) -> None:
    wallet, merchant = teller.wallet(400_000_000), teller.merchant("mer_1")
    teller.write("exempt", [Leg("-", 0, wallet)], transfer_id=wallet, change="1")
    teller.pay(wallet, merchant, 100_000_001)
    books_of(teller)
    teller.write("exempt", [Leg("-", 0, wallet)], transfer_id=wallet, change="0")
    teller.pay(wallet, merchant, 1)
    assert any("above rule month-368" in finding for finding in fold.replay(teller.events).findings)


@pytest.mark.parametrize(
    ("account", "institution"),
    [
        ("settlement:VNPT", "VNPT"), ("psp:STRIPE", "STRIPE"), ("fee:PLATFORM", "PLATFORM"), ("rcv_1", "PLATFORM"),
        ("mer_1", "970436"), ("wal_1", None), ("agt_1", None), ("org_1", None), ("trust:VNPT", None),
        ("clearing:VNPT", None), ("reserve:VNPT", None),
    ],
)  # fmt: skip
def test_who_settles_an_account(account: str, institution: str | None) -> None:
    assert positions.institution_of(account, {"mer_1": "970436"}) == institution
