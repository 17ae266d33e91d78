"""Every operation's legs, to the đồng and the account: the table of docs/ledger.md."""

from __future__ import annotations

import pytest

from services.payments import transfer
from services.payments.transfer import Leg

A, B = "VIETTEL", "VNPT"


def told(legs: list[Leg]) -> list[str]:
    return [f"{leg.side} {leg.amount} {leg.account_id}" for leg in legs]


CASES = {
    "fund": (transfer.fund(A, "agt", 50), ["d 50 trust:VIETTEL", "c 50 agt"]),
    "defund of a float": (transfer.defund(A, "agt", 50), ["d 50 agt", "c 50 trust:VIETTEL"]),
    "defund of a reserve": (
        transfer.defund(A, "reserve:VIETTEL", 50),
        ["d 50 reserve:VIETTEL", "c 50 trust:VIETTEL", "= 0 clearing:VIETTEL"],
    ),
    "cash in": (transfer.cash_in("agt", "wal", 1_000), ["d 1000 agt", "c 1000 wal"]),
    "cash in with a commission": (
        transfer.cash_in("agt", "wal", 1_000, A, 2),
        ["d 998 agt", "c 1000 wal", "d 2 reserve:VIETTEL", "= 0 clearing:VIETTEL"],
    ),
    "cash out": (transfer.cash_out("wal", "agt", 1_000), ["d 1000 wal", "c 1000 agt"]),
    "cash out with a commission": (
        transfer.cash_out("wal", "agt", 1_000, A, 3),
        ["d 1000 wal", "c 1003 agt", "d 3 reserve:VIETTEL", "= 0 clearing:VIETTEL"],
    ),
    "payment": (
        transfer.pay("wal", "mer", A, 1_000, 0),
        ["d 1000 wal", "c 1000 mer", "c 1000 clearing:VIETTEL", "d 1000 settlement:VIETTEL"],
    ),
    "payment with a fee": (
        transfer.pay("wal", "mer", A, 1_000, 2),
        ["d 1000 wal", "c 998 mer", "c 1000 clearing:VIETTEL", "d 1000 settlement:VIETTEL", "c 2 fee:PLATFORM"],
    ),
    "refund with its fee": (
        transfer.refund("mer", "wal", A, 1_000, 2),
        [
            *("d 998 mer", "c 1000 wal", "d 1000 clearing:VIETTEL", "c 1000 settlement:VIETTEL", "d 2 fee:PLATFORM"),
            "= 0 reserve:VIETTEL",
        ],
    ),
    "refund": (
        transfer.refund("mer", "wal", A, 1_000, 0),
        ["d 1000 mer", "c 1000 wal", "d 1000 clearing:VIETTEL", "c 1000 settlement:VIETTEL", "= 0 reserve:VIETTEL"],
    ),
    "hold": (transfer.hold("wal", "mer", 70), ["d 70 wal", "c 70 mer"]),
    "transfer": (transfer.send("wal", "wal2", A, A, 70), ["d 70 wal", "c 70 wal2"]),
    "transfer between telecoms": (
        transfer.send("wal", "wal2", A, B, 70),
        [
            *("d 70 wal", "c 70 wal2", "c 70 clearing:VIETTEL", "d 70 clearing:VNPT", "d 70 settlement:VIETTEL"),
            *("c 70 settlement:VNPT", "= 0 reserve:VNPT"),
        ],
    ),
    "top-up": (
        transfer.top_up("STRIPE", "wal", A, 70),
        ["d 70 psp:STRIPE", "c 70 wal", "d 70 clearing:VIETTEL", "c 70 settlement:VIETTEL", "= 0 reserve:VIETTEL"],
    ),
    "back to the card": (
        transfer.unload("wal", "STRIPE", A, 70),
        ["d 70 wal", "c 70 psp:STRIPE", "c 70 clearing:VIETTEL", "d 70 settlement:VIETTEL"],
    ),
    "chargeback that the wallet holds": (
        transfer.chargeback("wal", "rcv", "STRIPE", A, 70, 0),
        ["d 70 wal", "c 70 psp:STRIPE", "c 70 clearing:VIETTEL", "d 70 settlement:VIETTEL"],
    ),
    "chargeback that it holds in part": (
        transfer.chargeback("wal", "rcv", "STRIPE", A, 70, 20),
        ["d 50 wal", "c 70 psp:STRIPE", "c 50 clearing:VIETTEL", "d 50 settlement:VIETTEL", "d 20 rcv"],
    ),
    "chargeback that it does not hold": (
        transfer.chargeback("wal", "rcv", "STRIPE", A, 70, 70), ["d 70 rcv", "c 70 psp:STRIPE", "= 0 wal"],
    ),
    "recovery from a wallet": (
        transfer.recover("wal", "rcv", A, 20),
        ["d 20 wal", "c 20 rcv", "c 20 clearing:VIETTEL", "d 20 settlement:VIETTEL"],
    ),
    "recovery from a merchant": (transfer.recover("mer", "rcv", "", 20), ["d 20 mer", "c 20 rcv"]),
    "reversed payment": (
        transfer.reverse(transfer.pay("wal", "mer", A, 1_000, 2), A),
        [
            *("c 1000 wal", "d 998 mer", "d 1000 clearing:VIETTEL", "c 1000 settlement:VIETTEL", "d 2 fee:PLATFORM"),
            "= 0 reserve:VIETTEL",
        ],
    ),
    "reversed cash in": (
        transfer.reverse(transfer.cash_in("agt", "wal", 1_000, A, 2)),
        ["c 998 agt", "d 1000 wal", "c 2 reserve:VIETTEL"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_operations_legs_are_those_of_the_table(name: str) -> None:
    legs, expected = CASES[name]
    assert told(legs) == expected


@pytest.mark.parametrize("short", [-1, 71])
def test_no_more_of_a_chargeback_can_be_short_than_there_is(short: int) -> None:
    with pytest.raises(AssertionError):
        transfer.chargeback("wal", "rcv", "STRIPE", A, 70, short)


@pytest.mark.parametrize("fee", [-1, 70])
def test_a_fee_is_less_than_what_it_is_taken_from(fee: int) -> None:
    with pytest.raises(AssertionError):
        transfer.pay("wal", "mer", A, 70, fee)
    with pytest.raises(AssertionError):
        transfer.refund("mer", "wal", A, 70, fee)


def test_the_spoken_code_of_a_known_payment() -> None:
    assert transfer.spoken_code("pay_1") == "329"
    assert transfer.spoken_code("") == "610"
