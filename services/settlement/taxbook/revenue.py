"""What a movement of the ledger is to a merchant's revenue. Pure. Amounts in đồng."""

from __future__ import annotations

from typing import NamedTuple

# What buyers paid, and what was given back to them; `reverse` is an operator's undoing of a payment.
SALES = frozenset({"pay", "capture"})
REFUNDS = frozenset({"refund", "reverse"})


class Turn(NamedTuple):
    """One movement on a merchant's account: a sale, a refund, or something `other` (payouts, corrections, debts).

    `fees`: the platform's part of a sale, negative where a refund gives it back. What the account changed by is
    `sales - refunds - fees + other`.
    """

    sales: int = 0
    refunds: int = 0
    fees: int = 0
    other: int = 0

    @property
    def change(self) -> int:
        return self.sales - self.refunds - self.fees + self.other


def turn(op: str, side: str, whole: int, posted: int) -> Turn:
    """What a merchant's posting (`side` "d" or "c") is: `whole` is what the buyer paid or got back, `posted` what the
    account moved by."""
    if op in SALES and side == "c":
        return Turn(sales=whole, fees=whole - posted)
    if op in REFUNDS and side == "d":
        return Turn(refunds=whole, fees=posted - whole)
    return Turn(other=posted if side == "c" else -posted)
