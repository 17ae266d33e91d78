"""Measures matching, memory and time included in what it takes to make the rows:

python -m tests.settlement.matching_measure [payouts] [blank]

A fault of each kind in turn hits every thousandth payout; "blank": no entry carries a reference.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.settlement.records import Expected, StatementEntry
from tests.settlement.matching_day import MONDAY, THURSDAY, run

FAULTS = ("MISSING", "EXTRA", "AMOUNT", "DUPLICATE", "LATE", "CURRENCY", "REVERSED", "STATUS")


def amount(n: int) -> int:
    return 10_000 + n % 977 * 100


def payouts(many: int) -> Iterator[Expected]:
    for n in range(many):
        yield Expected(f"PO-000012-{n:07d}-1", f"PO-W000012-{n // 500}", "D", amount(n), THURSDAY, f"trf_{n:032d}",
                       "payout", f"{n:014d}")  # fmt: skip


def entries(many: int, blank: bool) -> Iterator[StatementEntry]:
    number = count(1)

    def show(n: int, reference: str | None = None, **fields: Any) -> StatementEntry:
        k, known = next(number), f"PO-000012-{n:07d}-1"
        given: dict[str, Any] = {
            "side": "D", "amount": amount(n), "currency": "VND", "booked_on": THURSDAY, "value_on": THURSDAY,
            "reference": known if reference is None else reference, "group": "" if blank else f"PO-W000012-{n // 500}",
            "bank_reference": f"FT{k}", "counterparty": f"NGUYEN VAN {n}", "counterparty_account": f"{n:014d}",
            "text": f"CHO40 {known} thanh toán phiên chợ",
        }  # fmt: skip
        return StatementEntry(number=k, line=k * 20, **(given | fields))

    changed: dict[str, dict[str, Any]] = {
        "AMOUNT": {"amount": 1}, "LATE": {"booked_on": MONDAY}, "CURRENCY": {"currency": "USD"},
        "STATUS": {"status": "pending"},
    }  # fmt: skip
    for n in range(many):
        fault = FAULTS[n // 1000 % len(FAULTS)] if n % 1000 == 17 else ""
        if not fault:
            yield show(n, "" if blank else None)
        elif fault != "MISSING":
            yield show(n, **changed.get(fault, {}))
        if fault == "EXTRA":
            yield show(n, f"UNKNOWN-{n}")
        elif fault == "DUPLICATE":
            yield show(n)
        elif fault == "REVERSED":
            yield show(n, side="C", reversal=True)


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    many, blank = numbers[0] if numbers else 1_000_000, "blank" in sys.argv
    wall, cpu = time.monotonic(), time.process_time()
    with TemporaryDirectory() as folder:
        outcome = run(payouts(many), entries(many, blank), Path(folder), as_of=date(2026, 12, 1))
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{wall:.1f} s, {cpu:.1f} s CPU, peak {peak} MB")
    print(outcome.totals, outcome.by_rule, dict(Counter(one.type.value for one in outcome.breaks)))


if __name__ == "__main__":
    main()
