"""Every operation's legs, to the đồng and the account: the table of docs/ledger.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.errors import AmountInvalid
from services.payments import transfer
from services.payments.transfer import Leg

A, B = "VIETTEL", "VNPT"


def told(legs: list[Leg]) -> list[str]:
    return [f"{leg.side} {leg.amount} {leg.account_id}" for leg in legs]


# Made when they are asked for: mutation testing changes the rules after this module was imported.
CASES = {
    "fund": (lambda: transfer.fund(A, "agt", 50), ["d 50 trust:VIETTEL", "c 50 agt"]),
    "defund of a float": (lambda: transfer.defund(A, "agt", 50), ["d 50 agt", "c 50 trust:VIETTEL"]),
    "defund of a reserve": (
        lambda: transfer.defund(A, "reserve:VIETTEL", 50),
        ["d 50 reserve:VIETTEL", "c 50 trust:VIETTEL", "= 0 clearing:VIETTEL"],
    ),
    "cash in": (lambda: transfer.cash_in("agt", "wal", 1_000), ["d 1000 agt", "c 1000 wal"]),
    "cash in with a commission": (
        lambda: transfer.cash_in("agt", "wal", 1_000, A, 2),
        ["d 998 agt", "c 1000 wal", "d 2 reserve:VIETTEL", "= 0 clearing:VIETTEL"],
    ),
    "cash out": (lambda: transfer.cash_out("wal", "agt", 1_000), ["d 1000 wal", "c 1000 agt"]),
    "cash out with a commission": (
        lambda: transfer.cash_out("wal", "agt", 1_000, A, 3),
        ["d 1000 wal", "c 1003 agt", "d 3 reserve:VIETTEL", "= 0 clearing:VIETTEL"],
    ),
    "payment": (
        lambda: transfer.pay("wal", "mer", A, 1_000, 0),
        ["d 1000 wal", "c 1000 mer", "c 1000 clearing:VIETTEL", "d 1000 settlement:VIETTEL"],
    ),
    "payment with a fee": (
        lambda: transfer.pay("wal", "mer", A, 1_000, 2),
        ["d 1000 wal", "c 998 mer", "c 1000 clearing:VIETTEL", "d 1000 settlement:VIETTEL", "c 2 fee:PLATFORM"],
    ),
    "refund with its fee": (
        lambda: transfer.refund("mer", "wal", A, 1_000, 2),
        [
            *("d 998 mer", "c 1000 wal", "d 1000 clearing:VIETTEL", "c 1000 settlement:VIETTEL", "d 2 fee:PLATFORM"),
            "= 0 reserve:VIETTEL",
        ],
    ),
    "refund": (
        lambda: transfer.refund("mer", "wal", A, 1_000, 0),
        ["d 1000 mer", "c 1000 wal", "d 1000 clearing:VIETTEL", "c 1000 settlement:VIETTEL", "= 0 reserve:VIETTEL"],
    ),
    "hold": (lambda: transfer.hold("wal", "mer", 70), ["d 70 wal", "c 70 mer"]),
    "transfer": (lambda: transfer.send("wal", "wal2", A, A, 70), ["d 70 wal", "c 70 wal2"]),
    "transfer between telecoms": (
        lambda: transfer.send("wal", "wal2", A, B, 70),
        [
            *("d 70 wal", "c 70 wal2", "c 70 clearing:VIETTEL", "d 70 clearing:VNPT", "d 70 settlement:VIETTEL"),
            *("c 70 settlement:VNPT", "= 0 reserve:VNPT"),
        ],
    ),
    "top-up": (
        lambda: transfer.top_up("STRIPE", "wal", A, 70),
        ["d 70 psp:STRIPE", "c 70 wal", "d 70 clearing:VIETTEL", "c 70 settlement:VIETTEL", "= 0 reserve:VIETTEL"],
    ),
    "back to the card": (
        lambda: transfer.unload("wal", "STRIPE", A, 70),
        ["d 70 wal", "c 70 psp:STRIPE", "c 70 clearing:VIETTEL", "d 70 settlement:VIETTEL"],
    ),
    "chargeback that the wallet holds": (
        lambda: transfer.chargeback("wal", "rcv", "STRIPE", A, 70, 0),
        ["d 70 wal", "c 70 psp:STRIPE", "c 70 clearing:VIETTEL", "d 70 settlement:VIETTEL"],
    ),
    "chargeback that it holds in part": (
        lambda: transfer.chargeback("wal", "rcv", "STRIPE", A, 70, 20),
        ["d 50 wal", "c 70 psp:STRIPE", "c 50 clearing:VIETTEL", "d 50 settlement:VIETTEL", "d 20 rcv"],
    ),
    "chargeback that it does not hold": (
        lambda: transfer.chargeback("wal", "rcv", "STRIPE", A, 70, 70), ["d 70 rcv", "c 70 psp:STRIPE", "= 0 wal"],
    ),
    "recovery from a wallet": (
        lambda: transfer.recover("wal", "rcv", A, 20),
        ["d 20 wal", "c 20 rcv", "c 20 clearing:VIETTEL", "d 20 settlement:VIETTEL"],
    ),
    "recovery from a merchant": (lambda: transfer.recover("mer", "rcv", "", 20), ["d 20 mer", "c 20 rcv"]),
    "payout": (lambda: transfer.payout("mer", 500), ["d 500 mer", "c 500 transit:PAYOUTS"]),
    "payout that was asked for": (
        lambda: transfer.payout("mer", 500, 30), ["d 500 mer", "c 470 transit:PAYOUTS", "c 30 fee:PLATFORM"],
    ),
    "paid": (lambda: transfer.paid(470), ["d 470 transit:PAYOUTS", "c 470 nostro:SCHEME"]),
    "unpaid": (lambda: transfer.unpaid("mer", 500), ["d 500 transit:PAYOUTS", "c 500 mer"]),
    "unpaid with its fee": (
        lambda: transfer.unpaid("mer", 500, 30), ["d 470 transit:PAYOUTS", "c 500 mer", "d 30 fee:PLATFORM"],
    ),
    "returned": (lambda: transfer.returned("mer", 470), ["d 470 nostro:SCHEME", "c 470 mer"]),
    "net of a telecom that owed": (
        lambda: transfer.net(A, -90),
        [
            *("d 90 clearing:VIETTEL", "c 90 trust:VIETTEL", "d 90 nostro:SCHEME", "c 90 settlement:VIETTEL"),
            "= 0 reserve:VIETTEL",
        ],
    ),
    "net of a telecom that was owed": (
        lambda: transfer.net(A, 90),
        ["d 90 trust:VIETTEL", "c 90 clearing:VIETTEL", "d 90 settlement:VIETTEL", "c 90 nostro:SCHEME"],
    ),
    "net of the card provider": (lambda: transfer.net("STRIPE", -90), ["d 90 nostro:SCHEME", "c 90 psp:STRIPE"]),
    "net back to the card provider": (lambda: transfer.net("STRIPE", 90), ["d 90 psp:STRIPE", "c 90 nostro:SCHEME"]),
    "share of the fees": (
        lambda: transfer.interchange(A, 40),
        ["d 40 fee:PLATFORM", "c 40 settlement:VIETTEL", "d 40 clearing:VIETTEL", "c 40 reserve:VIETTEL"],
    ),
    "deposit": (lambda: transfer.liquidity_in(A, 40), ["d 40 nostro:SCHEME", "c 40 liquidity:VIETTEL"]),
    "deposit taken back": (
        lambda: transfer.liquidity_out(A, 40),
        ["d 40 liquidity:VIETTEL", "c 40 nostro:SCHEME", "= 0 settlement:VIETTEL"],
    ),
    "correction": (
        lambda: transfer.correct(transfer.NOSTRO, transfer.SUSPENSE, 7), ["d 7 nostro:SCHEME", "c 7 suspense:SCHEME"],
    ),
    "correction the other way": (
        lambda: transfer.correct(transfer.SUSPENSE, "mer", 7), ["d 7 suspense:SCHEME", "c 7 mer"],
    ),
    "reversed payment": (
        lambda: transfer.reverse(transfer.pay("wal", "mer", A, 1_000, 2), A),
        [
            *("c 1000 wal", "d 998 mer", "d 1000 clearing:VIETTEL", "c 1000 settlement:VIETTEL", "d 2 fee:PLATFORM"),
            "= 0 reserve:VIETTEL",
        ],
    ),
    "reversed cash in": (
        lambda: transfer.reverse(transfer.cash_in("agt", "wal", 1_000, A, 2)),
        ["c 998 agt", "d 1000 wal", "c 2 reserve:VIETTEL"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_operations_legs_are_those_of_the_table(name: str) -> None:
    legs, expected = CASES[name]
    assert told(legs()) == expected


@pytest.mark.parametrize("short", [-1, 71])
def test_no_more_of_a_chargeback_can_be_short_than_there_is(short: int) -> None:
    with pytest.raises(AssertionError):
        transfer.chargeback("wal", "rcv", "STRIPE", A, 70, short)


def test_a_correction_has_what_was_not_explained_on_one_side() -> None:
    with pytest.raises(AssertionError):
        transfer.correct(transfer.NOSTRO, "mer", 7)


@pytest.mark.parametrize("make", [
    lambda n: transfer.payout("mer", n), transfer.paid, lambda n: transfer.unpaid("mer", n),
    lambda n: transfer.returned("mer", n), lambda n: transfer.net(A, n), lambda n: transfer.net("STRIPE", n),
    lambda n: transfer.interchange(A, n), lambda n: transfer.liquidity_in(A, n), lambda n: transfer.liquidity_out(A, n),
    lambda n: transfer.correct(transfer.NOSTRO, transfer.SUSPENSE, n),
])  # fmt: skip
@pytest.mark.parametrize("amount", [0, 10**12 + 1])
def test_what_settles_is_an_amount_like_any_other(make: Callable[[int], list[Leg]], amount: int) -> None:
    with pytest.raises(AmountInvalid):
        make(amount)


@pytest.mark.parametrize("fee", [-1, 70])
def test_a_payouts_fee_is_less_than_the_payout(fee: int) -> None:
    with pytest.raises(AssertionError):
        transfer.payout("mer", 70, fee)
    with pytest.raises(AssertionError):
        transfer.unpaid("mer", 70, fee)


@pytest.mark.parametrize("fee", [-1, 70])
def test_a_fee_is_less_than_what_it_is_taken_from(fee: int) -> None:
    with pytest.raises(AssertionError):
        transfer.pay("wal", "mer", A, 70, fee)
    with pytest.raises(AssertionError):
        transfer.refund("mer", "wal", A, 70, fee)


def test_the_spoken_code_of_a_known_payment() -> None:
    assert transfer.spoken_code("pay", "pay_1") == "329"
    assert transfer.spoken_code("pay", "") == "610"


def test_what_was_held_is_announced_with_the_digits_that_the_payer_has_seen() -> None:
    assert transfer.spoken_code("capture", "pay_2", "pay_1") == transfer.spoken_code("pay", "pay_1") == "329"
    assert transfer.spoken_code("refund", "pay_1", "pay_2") == "329"


# Undone ----------------------------------------------------------------------------------------------------------

V, N = "VIETTEL", "VNPT"
PAYING = ["c 1000 wal_1", "d 990 mer_1", f"d 1000 clearing:{V}", f"c 1000 settlement:{V}", "d 10 fee:PLATFORM",
          f"= 0 reserve:{V}"]  # fmt: skip
UNDONE = [
    (("fund", f"trust:{V}", "agt_1", 9, 0, "", V), [f"c 9 trust:{V}", "d 9 agt_1"]),
    (("cash_in", "agt_1", "wal_1", 500, 3, V, V), ["c 497 agt_1", "d 500 wal_1", f"c 3 reserve:{V}"]),
    (("cash_in", "agt_1", "wal_1", 500, 0, V, V), ["c 500 agt_1", "d 500 wal_1"]),
    (("cash_out", "wal_1", "agt_1", 500, 3, V, V), ["c 500 wal_1", "d 503 agt_1", f"c 3 reserve:{V}"]),
    (("pay", "wal_1", "mer_1", 1_000, 10, V, ""), PAYING),
    (("capture", "wal_1", "mer_1", 1_000, 10, V, ""), PAYING),
    (("transfer", "wal_1", "wal_2", 5, 0, N, N), ["c 5 wal_1", "d 5 wal_2"]),
    (("disburse", "org_1", "wal_2", 5, 0, N, N), ["c 5 org_1", "d 5 wal_2"]),
    (("transfer", "wal_1", "wal_2", 5, 0, N, V), [
        "c 5 wal_1", "d 5 wal_2", f"d 5 clearing:{N}", f"c 5 clearing:{V}", f"c 5 settlement:{N}",
        f"d 5 settlement:{V}", f"= 0 reserve:{N}",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "legs"), UNDONE)
def test_to_undo_a_transfer_is_to_post_it_the_other_way_round(
    asked: tuple[str, str, str, int, int, str, str], legs: list[str]
) -> None:
    assert [f"{leg.side} {leg.amount} {leg.account_id}" for leg in transfer.undo(*asked)] == legs


@pytest.mark.parametrize("op", ["refund", "reverse", "hold", "top_up", "unload", "chargeback", "recover", "defund", ""])
def test_what_cannot_be_undone_has_no_legs_for_it(op: str) -> None:
    assert op not in transfer.REVERSIBLE
    with pytest.raises(AssertionError):
        transfer.undo(op, "wal_1", "mer_1", 5, 0, V, V)
