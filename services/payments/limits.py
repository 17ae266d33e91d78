"""What wallets may pay and how refunds age, as dated rules. The ledger applies them inside the transfer
(store/functions/3_limits.lua).

Where the law is silent (per-day caps, Decree 368) there is no rule of law: the table can hold one the day there is.
Velocity rules are the platform's own; they refuse, or hold a payment until an operator has looked at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.payments.fees import FOR_EVER_MS, day_ms

# Merchant categories (ISO 18245) with a quota of their own: electricity, water and gas; telephone; tolls; public
# services, fines and taxes; schools; hospitals; insurance; bank debts. Decree 368/2025/NĐ-CP, article 15.
ESSENTIAL = (
    *("4900", "4814", "4784", "9399", "9222", "9311", "8211", "8220", "8241", "8062", "8011", "6300", "6012"),
)  # fmt: skip
# Decision 316 knew no essential services: then they counted like any payment.
PAYMENTS = ("pay", "bill", "transfer")
CLASSES = (*PAYMENTS, "cash_out")

_DAY_MS = 86_400_000
REFUND_DAYS_MAX = 30

# Above this a payment, transfer or cash-out needs a PIN entered within so many seconds.
STEP_UP_ABOVE_VND = 10_000_000
STEP_UP_WITHIN_S = 300


@dataclass(frozen=True, slots=True)
class LimitRule:
    """In force [from, until), for what `ops` counts ("pay", "bill" for essential services, "transfer", "cash_out").

    `scope`: "tx" đồng a transaction, "day" and "month" đồng (Asia/Ho_Chi_Minh); "minute" how many; "small" how many of
    at most `arg` đồng an hour; "device" đồng a transaction from a device known for less than `arg` ms; "age" (ops
    "refund") how old a payment may be, ms. `action`: "refuse", or "hold" for an operator's review (velocity only).
    """

    rule_id: str
    from_ms: int
    until_ms: int
    scope: str
    ops: tuple[str, ...]
    most: int
    source: str
    arg: int = 0
    action: str = "refuse"

    def encode(self) -> str:
        """As the ledger reads it."""
        ops = "+".join(self.ops)
        return f"{self.rule_id},{self.from_ms},{self.until_ms},{self.scope},{ops},{self.most},{self.arg},{self.action}"


IN_LAW = (
    LimitRule(
        "month-316", day_ms("2021-03-09"), day_ms("2026-01-01"), "month", CLASSES, 10_000_000,
        "Decision 316/QĐ-TTg, section III: withdrawals, transfers and payments together",
    ),
    LimitRule(
        "month-368", day_ms("2026-01-01"), FOR_EVER_MS, "month", ("pay", "transfer"), 100_000_000,
        "Decree 368/2025/NĐ-CP, article 15(1): transfers and payments, per customer and provider",
    ),
    LimitRule(
        "month-368-essential", day_ms("2026-01-01"), FOR_EVER_MS, "month", ("bill",), 100_000_000,
        "Decree 368/2025/NĐ-CP, article 15: the additional quota for essential services",
    ),
    LimitRule(
        "tx-napas", day_ms("2021-09-01"), FOR_EVER_MS, "tx", PAYMENTS, 499_999_999,
        "NAPAS VietQR format document v1.0 (09/2021), section 8.1.1: below 500 million a transaction",
    ),
)  # fmt: skip


def own(payments_a_minute: int) -> tuple[LimitRule, ...]:
    """The platform's own rules; `payments_a_minute` comes from the settings, since load tests pay like machines."""
    return (
        LimitRule(
            "refund-age", 0, FOR_EVER_MS, "age", ("refund",), REFUND_DAYS_MAX * _DAY_MS,
            "ours: refunds within 30 days, less than a payment stays hot (40 days)",
        ),
        LimitRule(
            "velocity-minute", 0, FOR_EVER_MS, "minute", PAYMENTS, payments_a_minute,
            "ours: a person does not pay every second; a stolen phone's script does",
        ),
        LimitRule(
            "velocity-small", 0, FOR_EVER_MS, "small", PAYMENTS, 10 * payments_a_minute,
            "ours: tests of a stolen wallet are many and small; this is how many of 10,000 đồng or less an hour",
            10_000,
        ),
        LimitRule(
            "velocity-device", 0, FOR_EVER_MS, "device", PAYMENTS, 5_000_000,
            "ours: more than 5 million from a device known for less than a day waits for an operator",
            _DAY_MS, "hold",
        ),
    )  # fmt: skip


def in_force(payments_a_minute: int) -> tuple[LimitRule, ...]:
    """All rules, of law and our own."""
    return (*IN_LAW, *own(payments_a_minute))


def encode(rules: Iterable[LimitRule], essential: Iterable[str] = ESSENTIAL) -> str:
    """The table as one string, for the ledger's `rules_v3`."""
    return ";".join([f"essential={'+'.join(essential)}", *(rule.encode() for rule in rules)])


def needs_older_device(amount: int, device_at_ms: int, at_ms: int, rules: Iterable[LimitRule]) -> bool:
    """Whether a payment of `amount` đồng at `at_ms` breaks a rule for new devices, as the ledger would judge it.

    `device_at_ms` is 0 where nobody says since when the device is known.
    """
    return device_at_ms > 0 and any(
        amount > rule.most and at_ms - device_at_ms < rule.arg
        for rule in rules
        if rule.scope == "device" and not {"pay", "bill"}.isdisjoint(rule.ops) and rule.from_ms <= at_ms < rule.until_ms
    )


def month_limit(at_ms: int, rules: Iterable[LimitRule] = IN_LAW) -> int:
    """What a wallet may pay in the calendar month of `at_ms`, đồng; 0 where no rule limits it."""
    found = [r.most for r in rules if r.scope == "month" and "pay" in r.ops and r.from_ms <= at_ms < r.until_ms]
    return min(found, default=0)
