"""Net positions of a window: what each institution owes or is owed, and that it sums to zero. Pure.

A payment makes the payer's telecom owe what the merchant's bank and the platform are owed; a refund the reverse. The
legs on `settlement:<telecom>` accounts are the telecoms' side, those on merchant, fee, card and debt accounts the
other: in every movement they balance without what happens inside a telecom.
Multilateral: each institution has one figure against all others together (Mojaloop's deferred net settlement).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kit.ledger_event import LedgerEvent

PLATFORM = "PLATFORM"


@dataclass(slots=True)
class Line:
    """One institution's side of a window, đồng. `net` > 0: it is owed; < 0: it owes."""

    institution: str
    debits: int = 0
    credits: int = 0
    transfers: int = 0

    @property
    def net(self) -> int:
        return self.credits - self.debits


@dataclass(slots=True)
class WindowTotals:
    """What happened in a window, from its events."""

    lines: dict[str, Line] = field(default_factory=dict)
    payments: int = 0
    refunds: int = 0
    # Paid less refunded, đồng.
    value: int = 0


def institution_of(account_id: str, banks: Mapping[str, str]) -> str | None:
    """Who settles an account: a telecom for its settlement account, the bank for a merchant, the card provider for card
    money, the platform for its fees and for what people owe it.

    None for accounts inside one telecom (wallets, floats, trust, clearing): nothing is owed between institutions.
    Raises KeyError for a merchant without a known bank.
    """
    if account_id.startswith("settlement:"):
        return account_id.split(":", 1)[1]
    if account_id.startswith("psp:"):
        return account_id.split(":", 1)[1]
    if account_id.startswith(("fee:", "rcv_")):
        return PLATFORM
    if account_id.startswith("mer_"):
        return banks[account_id]
    return None


def total(events: Iterable[LedgerEvent], banks: Mapping[str, str]) -> WindowTotals:
    """Folds a window's events. `banks`: merchant id to bank BIN."""
    totals = WindowTotals()
    for event in events:
        if not event.moved:
            continue
        amount = int(event.amount)
        if event.op in ("pay", "capture"):
            totals.payments += 1
            totals.value += amount
        elif event.op == "refund":
            totals.refunds += 1
            totals.value -= amount
        for leg in event.legs:
            institution = institution_of(leg.account_id, banks)
            if institution is None:
                continue
            line = totals.lines.setdefault(institution, Line(institution))
            line.transfers += 1
            # Our claim on a telecom (an asset, debited) is what it owes.
            if leg.side == "d":
                line.debits += leg.amount
            else:
                line.credits += leg.amount
    return totals


def check(totals: WindowTotals) -> None:
    """Raises AssertionError where the positions do not sum to zero: then nothing may be settled."""
    difference = sum(line.net for line in totals.lines.values())
    assert difference == 0, f"net positions differ from zero by {difference} đồng"
