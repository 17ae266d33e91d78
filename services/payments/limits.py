"""What the law lets a wallet pay, as dated rules. The ledger applies them inside the payment (store/ledger.lua).

Where the law is silent (per-day caps, Decree 368) there is no rule: the table can hold one the day there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kit.clock import VIETNAM

_FOR_EVER_MS = 253_402_300_799_000  # the end of year 9999


@dataclass(frozen=True, slots=True)
class LimitRule:
    """`scope`: "tx", "day" or "month" (Asia/Ho_Chi_Minh); `ops`: what counts; đồng; in force [from, until)."""

    rule_id: str
    from_ms: int
    until_ms: int
    scope: str
    ops: tuple[str, ...]
    max_vnd: int
    source: str

    def encode(self) -> str:
        """As the ledger reads it."""
        return f"{self.rule_id},{self.from_ms},{self.until_ms},{self.scope},{'+'.join(self.ops)},{self.max_vnd}"


def _day(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=VIETNAM).timestamp() * 1000)


IN_LAW = (
    LimitRule(
        "month-316", _day("2021-03-09"), _day("2026-01-01"), "month", ("pay", "cash_out"), 10_000_000,
        "Decision 316/QĐ-TTg, section III: withdrawals, transfers and payments together",
    ),
    LimitRule(
        "month-368", _day("2026-01-01"), _FOR_EVER_MS, "month", ("pay",), 100_000_000,
        "Decree 368/2025/NĐ-CP, article 15(1): transfers and payments, per customer and provider",
    ),
    LimitRule(
        "tx-napas", _day("2021-09-01"), _FOR_EVER_MS, "tx", ("pay",), 499_999_999,
        "NAPAS VietQR format document v1.0 (09/2021), section 8.1.1: below 500 million a transaction",
    ),
)  # fmt: skip


def encode(rules: Iterable[LimitRule]) -> str:
    """The table as one string, for the ledger's `rules_v1`."""
    return ";".join(rule.encode() for rule in rules)


def month_limit(at_ms: int, rules: Iterable[LimitRule] = IN_LAW) -> int:
    """What a wallet may pay in the calendar month of `at_ms`, đồng; 0 where no rule limits it."""
    found = [r.max_vnd for r in rules if r.scope == "month" and "pay" in r.ops and r.from_ms <= at_ms < r.until_ms]
    return min(found, default=0)
