"""What payments cost and what agents earn, as dated rules. Pure. Our own tariff, not law.

A plan names the categories that it is for (ISO 18245; none: all that no other plan names), and holds [from, until). The
plan in force at the moment of the call decides; what was charged stands in the event and is given back in proportion.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kit.clock import VIETNAM
from kit.money import share

FOR_EVER_MS = 253_402_300_799_000  # the end of year 9999


def day_ms(text: str) -> int:
    """Midnight in Vietnam that begins an ISO date, ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=VIETNAM).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Plan:
    """Hundredths of a per cent of the amount, rounded down, `most` đồng at the most."""

    from_ms: int
    until_ms: int
    basis_points: int
    most: int
    categories: frozenset[str] = frozenset()

    def of(self, amount: int) -> int:
        """Đồng on `amount`; always less than it."""
        return min(share(amount, self.basis_points, 10_000), self.most)


# Groceries, markets and other food: the platform lives on larger trade, not on vegetables.
FOOD = frozenset({"5411", "5422", "5441", "5451", "5462", "5499"})

# Taken from what the merchant receives.
PAYMENT = (
    Plan(0, FOR_EVER_MS, 0, 0, FOOD),
    Plan(0, FOR_EVER_MS, 20, 1_000_000),
)
# What the telecom gives the agent, in float, out of its own reserve.
CASH_IN = (Plan(day_ms("2026-01-01"), FOR_EVER_MS, 20, 20_000),)
CASH_OUT = (Plan(day_ms("2026-01-01"), FOR_EVER_MS, 30, 30_000),)


def plan_for(plans: Iterable[Plan], at_ms: int, category: str = "") -> Plan | None:
    """The plan in force: one that names the category before one that names none; None where there is none."""
    usual = None
    for plan in plans:
        if plan.from_ms <= at_ms < plan.until_ms:
            if category in plan.categories:
                return plan
            if not plan.categories and usual is None:
                usual = plan
    return usual


def payment_fee(amount: int, category: str, at_ms: int) -> int:
    """The fee on a payment of `amount` đồng to a merchant of this category."""
    plan = plan_for(PAYMENT, at_ms, category)
    return plan.of(amount) if plan else 0


def commission(op: str, amount: int, at_ms: int) -> int:
    """What an agent earns with "cash_in" or "cash_out" of `amount` đồng."""
    plan = plan_for({"cash_in": CASH_IN, "cash_out": CASH_OUT}[op], at_ms)
    return plan.of(amount) if plan else 0
