"""The rules of transfers: which legs an operation has, what it costs, what both sides see of it. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from kit.money import check_amount, share

PLATFORM_FEE = "fee:PLATFORM"

# The platform's fee on a payment, hundredths of a per cent, by the merchant's category; rounded down, so that
# small payments are free. Our choice, not law.
FEE_BASIS_POINTS = 20
# Groceries, markets and other food (ISO 18245): the platform lives on larger trade, not on vegetables.
FEE_FREE_CATEGORIES = frozenset({"5411", "5422", "5441", "5451", "5462", "5499"})


@dataclass(frozen=True, slots=True)
class Leg:
    """One posting: `side` "d" or "c", `amount` in đồng."""

    side: str
    amount: int
    account_id: str


def trust(telecom: str) -> str:
    """A telecom's guarantee account: the bank money behind its wallets (asset)."""
    return f"trust:{telecom}"


def clearing(telecom: str) -> str:
    """What a telecom owes the scheme for its wallets' payments (the telecom's side)."""
    return f"clearing:{telecom}"


def settlement(telecom: str) -> str:
    """The same debt as the scheme sees it (asset): what merchants and the platform are owed is covered by it."""
    return f"settlement:{telecom}"


def fee_of(amount: int, category_code: str) -> int:
    """The fee on a payment of `amount` đồng, taken from what the merchant receives."""
    if category_code in FEE_FREE_CATEGORIES:
        return 0
    return share(amount, FEE_BASIS_POINTS, 10_000)


def fund(telecom: str, agent_id: str, amount: int) -> list[Leg]:
    """An agent paid into the guarantee account and gets float for it."""
    check_amount(amount)
    return [Leg("d", amount, trust(telecom)), Leg("c", amount, agent_id)]


def cash_in(agent_id: str, wallet_id: str, amount: int) -> list[Leg]:
    """The agent took cash: float becomes wallet money."""
    check_amount(amount)
    return [Leg("d", amount, agent_id), Leg("c", amount, wallet_id)]


def cash_out(wallet_id: str, agent_id: str, amount: int) -> list[Leg]:
    """The agent hands out cash: wallet money becomes float."""
    check_amount(amount)
    return [Leg("d", amount, wallet_id), Leg("c", amount, agent_id)]


def pay(wallet_id: str, merchant_id: str, telecom: str, amount: int, fee: int) -> list[Leg]:
    """A payment: the wallet's money goes to the merchant less the fee, and the telecom now owes it to the scheme."""
    check_amount(amount)
    assert 0 <= fee < amount
    legs = [
        Leg("d", amount, wallet_id),
        Leg("c", amount - fee, merchant_id),
        Leg("c", amount, clearing(telecom)),
        Leg("d", amount, settlement(telecom)),
    ]
    return [*legs, Leg("c", fee, PLATFORM_FEE)] if fee else legs


def refund(merchant_id: str, wallet_id: str, telecom: str, amount: int, fee: int) -> list[Leg]:
    """A payment's reverse; `fee` is the part of its fee that goes back."""
    check_amount(amount)
    assert 0 <= fee < amount
    legs = [
        Leg("d", amount - fee, merchant_id),
        Leg("c", amount, wallet_id),
        Leg("d", amount, clearing(telecom)),
        Leg("c", amount, settlement(telecom)),
    ]
    return [*legs, Leg("d", fee, PLATFORM_FEE)] if fee else legs


def refund_fee(paid: int, fee: int, refunded_before: int, amount: int) -> int:
    """The part of `fee` that a refund of `amount` gives back, so that refunds in parts give back what one would.

    May be asked for more than is left of the payment: the ledger refuses that refund.
    """
    refunded = min(refunded_before + amount, paid)
    part = share(fee, refunded, paid) - share(fee, min(refunded_before, paid), paid)
    # Only a refund of a single đồng can be all fee; a merchant's leg of zero would be no posting, so there the
    # merchant bears it.
    return min(part, amount - 1)


def spoken_code(transfer_id: str) -> str:
    """Three digits that payer and vendor both see, to tell payments of one amount apart at the stall."""
    return f"{int(hashlib.sha256(transfer_id.encode()).hexdigest()[:8], 16) % 1000:03d}"
