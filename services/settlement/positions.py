"""Net positions of a window: what each institution owes or is owed, and that it sums to zero. Pure.

A payment makes the payer's telecom owe what the merchant's bank and the platform are owed; a refund the reverse. The
legs on `settlement:<telecom>` accounts are the telecoms' side, those on merchant, fee, card and debt accounts the
other: in every movement they balance without what happens inside a telecom.
Multilateral: each institution has one figure against all others together (Mojaloop's deferred net settlement).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kit.ledger_event import LedgerEvent
from services.settlement.moves import Move, from_events

PLATFORM = "PLATFORM"
# The version of what is counted here. Since netting-2 a payment that an operator undid is given back.
RULES = "netting-2"
_WITHOUT_UNDONE = "netting-1"
# Accounts whose institution is remembered: those of a busy window's merchants.
ACCOUNTS_KEPT = 1 << 16
# How the accounts begin that somebody owes on, or is owed on.
_STARTS = frozenset({"sett", "psp:", "fee:", "rcv_", "mer_"})

# A leg on an institution's side: whose, account, side, đồng; and a movement with those it has.
Part = tuple[str, str, str, int]
Attributed = tuple[Move, list[Part]]


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
    # Paid less refunded, đồng; below zero where more of earlier windows was given back than was paid in this one.
    value: int = 0
    # The platform's fees by the payers' telecom, less what refunds gave back: what its share is of. Đồng.
    fees: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # Whether payments that an operator undid count as refunds.
    with_undone: bool = True


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


def attribute(moves: Iterable[Move], banks: Mapping[str, str]) -> Iterator[Attributed]:
    """Each movement with its legs on institutions' sides: several readers share one look. Raises KeyError as above."""
    whose: dict[str, str] = {}
    for move in moves:
        parts = []
        for account_id, side, amount in move.legs:
            if account_id[:4] not in _STARTS:
                continue
            institution = whose.get(account_id)
            if institution is None:
                institution = institution_of(account_id, banks)
                if institution is None:
                    continue
                if len(whose) < ACCOUNTS_KEPT:
                    whose[account_id] = institution
            parts.append((institution, account_id, side, amount))
        yield move, parts


def nothing_yet(rules: str) -> WindowTotals:
    """Of a window begun to be netted by `rules`: part of its files may be sealed already, and the rest has to agree."""
    return WindowTotals(with_undone=_WITHOUT_UNDONE not in rules.split(";"))


def total(events: Iterable[LedgerEvent], banks: Mapping[str, str]) -> WindowTotals:
    """Folds a window's events. `banks`: merchant id to bank BIN."""
    totals = WindowTotals()
    add_all(totals, attribute(from_events(events), banks))
    return totals


def add(totals: WindowTotals, move: Move, banks: Mapping[str, str]) -> None:
    """Adds one movement of the window."""
    add_all(totals, attribute((move,), banks))


def add_all(totals: WindowTotals, found: Iterable[Attributed]) -> None:
    """Adds movements of the window."""
    lines = totals.lines
    for move, parts in found:
        if move.op in ("pay", "capture"):
            totals.payments += 1
            totals.value += move.legs[0][2]
        elif move.op == "refund":
            totals.refunds += 1
            totals.value -= move.legs[1][2]
        elif move.op == "reverse" and totals.with_undone and _of_merchant(move):
            totals.refunds += 1
            totals.value -= move.legs[0][2]
        telecom, fee = "", 0
        for institution, account_id, side, amount in parts:
            line = lines.get(institution)
            if line is None:
                line = lines[institution] = Line(institution)
            line.transfers += 1
            # Our claim on a telecom (an asset, debited) is what it owes.
            if side == "d":
                line.debits += amount
            else:
                line.credits += amount
            if institution == PLATFORM and account_id.startswith("fee:"):
                fee = -amount if side == "d" else amount
            elif account_id.startswith("settlement:"):
                telecom = institution
        if fee and telecom and move.op != "interchange":
            totals.fees[telecom] += fee


def _of_merchant(undone: Move) -> bool:
    """Whether it was a payment that was undone, and not a transfer, cash or a disbursement. Its legs: the payer has all
    of it back, the merchant gives what it got."""
    account_id, side, _ = undone.legs[1]
    return side == "d" and account_id.startswith("mer_")


def check(totals: WindowTotals) -> None:
    """Raises AssertionError where the positions do not sum to zero: then nothing may be settled."""
    difference = sum(line.net for line in totals.lines.values())
    assert difference == 0, f"net positions differ from zero by {difference} đồng"
