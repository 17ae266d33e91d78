"""The books on what settles: payouts end once, caps are kept, shares of fees are positions of the next window."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.payments import transfer
from services.settlement import fold, interchange, positions
from tests.settlement.conftest import Scribe

A = "VIETTEL"


class Settler(Scribe):
    """Writes what settles, as the ledger does."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for account in (transfer.NOSTRO, transfer.TRANSIT, transfer.SUSPENSE, transfer.liquidity(A)):
            self.open(account, account.partition(":")[0], A if account.startswith("liquidity") else "")
        self.buyer, self.seller = self.wallet(1_000_000), self.merchant("mer_1")
        self.pay(self.buyer, self.seller, 100_000, 500)

    def settle(self, op: str, legs: list[transfer.Leg], amount: int, fee: int = 0, related: str = "") -> str:
        id_ = f"trf_{len(self.events)}"
        self.write(op, legs, transfer_id=id_, related=related, amount=str(amount), fee=str(fee), body_hash="h",
                   change=",,0,,0")  # fmt: skip
        return id_

    def payout(self, amount: int, fee: int = 0) -> str:
        return self.settle("payout", transfer.payout("mer_1", amount, fee), amount, fee)


@pytest.fixture
def settler() -> Settler:
    return Settler()


def findings(settler: Settler) -> list[str]:
    books = fold.replay(settler.events)
    return books.findings + fold.balance_findings(books.accounts)


def test_a_payout_that_is_paid_and_comes_back_leaves_balanced_books(settler: Settler) -> None:
    out = settler.payout(60_000)
    settler.settle("paid", transfer.paid(60_000), 60_000, related=out)
    settler.settle("returned", transfer.returned("mer_1", 60_000), 60_000, related=out)
    assert findings(settler) == []


def test_a_payout_with_a_fee_that_is_not_paid_leaves_balanced_books(settler: Settler) -> None:
    out = settler.payout(60_000, 3_000)
    settler.settle("unpaid", transfer.unpaid("mer_1", 60_000, 3_000), 60_000, 3_000, related=out)
    assert findings(settler) == []


@pytest.mark.parametrize(
    ("ops", "wrong"),
    [(("paid", "paid"), "which is paid"), (("unpaid", "paid"), "which is unpaid"), (("returned",), "which is sent")],
)
def test_a_payout_that_ends_twice_or_comes_back_unpaid_is_found(
    settler: Settler, ops: tuple[str, ...], wrong: str
) -> None:
    out = settler.payout(40_000)
    settler.payout(40_000)  # so that there is money on its way
    legs = {"paid": transfer.paid(40_000), "unpaid": transfer.unpaid("mer_1", 40_000),
            "returned": transfer.returned("mer_1", 40_000)}  # fmt: skip
    for op in ops:
        settler.settle(op, legs[op], 40_000, related=out)
    found = fold.replay(settler.events).findings
    assert len(found) == 1
    assert wrong in found[0]


def test_a_part_of_a_payout_and_an_unknown_one_are_found(settler: Settler) -> None:
    out = settler.payout(40_000)
    settler.settle("paid", transfer.paid(39_999), 39_999, related=out)
    settler.settle("paid", transfer.paid(1), 1, related="trf_never")
    first, second = fold.replay(settler.events).findings
    assert "40000 đồng" in first
    assert "which is unknown" in second


def test_what_a_bank_pays_first_and_what_is_not_explained_may_stand_on_either_side(settler: Settler) -> None:
    settler.settle("correct", transfer.correct(transfer.SUSPENSE, transfer.NOSTRO, 7_000), 7_000, related="brk_1")
    assert findings(settler) == []


def test_what_settles_changes_no_position_and_a_share_of_the_fees_does(settler: Settler) -> None:
    books = fold.replay(settler.events)
    before = positions.total(settler.events, books.banks)
    out = settler.payout(60_000)
    settler.settle("paid", transfer.paid(60_000), 60_000, related=out)
    settler.settle("net", transfer.net(A, -50_000), 50_000)
    settler.settle("liquidity_in", transfer.liquidity_in(A, 9), 9)
    assert positions.total(settler.events, books.banks) == before
    settler.settle("interchange", transfer.interchange(A, 100), 100)
    after = positions.total(settler.events, books.banks)
    positions.check(after)
    assert after.lines[A].net == before.lines[A].net + 100
    assert after.lines["PLATFORM"].net == before.lines["PLATFORM"].net - 100
    # A share of a share is not taken.
    assert after.fees == before.fees == {A: 500}
    assert findings(settler) == []


def test_a_refund_gives_back_the_telecoms_part_of_the_fee_too(settler: Settler) -> None:
    paid = settler.pay(settler.buyer, "mer_1", 50_000, 250)
    settler.refund(paid, settler.buyer, "mer_1", 50_000, 250)
    assert positions.total(settler.events, {"mer_1": "970436"}).fees == {A: 500}


def test_a_cap_is_an_accounts_and_can_be_taken_away(settler: Settler) -> None:
    name = f"settlement:{A}"
    totals = [transfer.Leg("-", 0, name)]
    settler.write("cap", totals, transfer_id=name, related="settlement", amount=A, change="9000")
    assert fold.replay(settler.events).accounts[name].cap == 9_000
    settler.write("cap", totals, transfer_id=name, related="settlement", amount=A, change="")
    books = fold.replay(settler.events)
    assert books.accounts[name].cap is None
    assert books.findings == []


@pytest.mark.parametrize(
    ("fees", "shares"),
    [({A: 500, "VNPT": 4}, {A: 100}), ({A: -5, "VNPT": 5}, {"VNPT": 1}), ({}, {}), ({A: 9}, {A: 1})],
)
def test_a_fifth_of_the_fees_is_the_telecoms_rounded_down(fees: dict[str, int], shares: dict[str, int]) -> None:
    assert interchange.shares(fees, datetime(2026, 11, 25, tzinfo=UTC)) == shares


def test_before_the_contract_there_is_no_share() -> None:
    assert interchange.shares({A: 500}, datetime(2025, 12, 31, 23, 59, tzinfo=UTC)) == {}
    assert interchange.shares({A: 500}, datetime(2026, 1, 1, tzinfo=UTC)) == {A: 100}
