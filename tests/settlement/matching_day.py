"""Payouts, statement entries and whole days with known faults, for the tests of matching."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from services.settlement.matching import spool
from services.settlement.matching.engine import match
from services.settlement.matching.model import BreakType, Finding, Outcome
from services.settlement.matching.rules import BANK, RuleSet
from services.settlement.records import Expected, StatementEntry

THURSDAY, FRIDAY, MONDAY, TUESDAY = (date(2026, 11, day) for day in (26, 27, 30, 24))
NEXT_TUESDAY = date(2026, 12, 1)


def ours(reference: str, amount: int = 75_000, **fields: Any) -> Expected:
    given = {"group": "", "side": "D", "on": THURSDAY, "transfer_id": f"trf_{reference}", "what": "payout"}
    return Expected(reference=reference, amount=amount, **(given | fields))


def theirs(number: int, reference: str, amount: int = 75_000, **fields: Any) -> StatementEntry:
    given = {
        "line": number * 10, "side": "D", "currency": "VND", "booked_on": THURSDAY, "value_on": THURSDAY, "group": "",
        "bank_reference": "", "counterparty": "", "counterparty_account": "", "text": "",
    }  # fmt: skip
    return StatementEntry(number=number, reference=reference, amount=amount, **(given | fields))


def run(
    expected: Iterable[Expected],
    entries: Iterable[StatementEntry],
    folder: Path,
    rules: RuleSet = BANK,
    as_of: date = NEXT_TUESDAY,
    scope: str = "970418|99990000000001|payouts",
) -> Outcome:
    """A run as of a day when everything of THURSDAY is over."""
    return match(expected, entries, rules, folder, as_of, scope)


def kinds(outcome: Outcome) -> list[tuple[str, str]]:
    """Type and detail of each break."""
    return sorted((found.type.value, found.detail) for found in outcome.breaks)


def rows(outcome: Outcome) -> list[tuple[Any, ...]]:
    """The matches' rows."""
    return spool.read("FROM read_parquet($path)", path=str(outcome.matches))


def open_rows(outcome: Outcome) -> list[tuple[Any, ...]]:
    return spool.read("FROM read_parquet($path)", path=str(outcome.open_items))


@dataclass
class Day:
    """A day of payouts and its statement; `wrong`: what has to be found, by type and reference."""

    expected: list[Expected] = field(default_factory=list)
    entries: list[StatementEntry] = field(default_factory=list)
    wrong: set[tuple[str, str]] = field(default_factory=set)

    def show(self, reference: str, amount: int, **fields: Any) -> None:
        self.entries.append(theirs(len(self.entries) + 1, reference, amount, **fields))


FAULTS = (
    "MISSING",
    "EXTRA",
    "AMOUNT",
    "DUPLICATE",
    "LATE",
    "CURRENCY",
    "REVERSED",
    "STATUS",
    "BATCH TWICE",
    "BATCH SUM",
)


def day(payouts: int, faults: Iterable[str], seed: int) -> Day:
    """`payouts` in messages of 50; some are booked in parts, without their reference, or whole messages as one entry.

    Each fault hits a payout (or a message) of its own.
    """
    chance = random.Random(seed)
    made, faults = Day(), list(faults)
    made.expected = [
        ours(f"PO-000012-{n:06d}-1", chance.choice((20_000, 75_000, 75_000, 1_250_000, 12_000_000)) + n % 7 * 500,
             group=f"PO-W000012-{n // 50}", counterparty_account=f"{n:014d}")
        for n in range(payouts)
    ]  # fmt: skip
    messages = sorted({x.group for x in made.expected})
    of_batches = [fault for fault in faults if fault.startswith("BATCH")]
    as_one = dict(zip(chance.sample(messages, min(len(messages) // 2, len(of_batches) + 1)),
                      [*of_batches, ""], strict=False))  # fmt: skip
    single = [x for x in made.expected if x.group not in as_one]
    hit = dict(zip((x.reference for x in chance.sample(single, len(faults))),
                   (f for f in faults if not f.startswith("BATCH")), strict=False))  # fmt: skip
    for message, fault in as_one.items():
        _book_batch(made, message, fault)
    for x in single:
        if x.reference in hit:
            _book_wrong(made, x, hit[x.reference])
        else:
            _book_well(made, x, chance.random())
    return made


def _book_batch(made: Day, message: str, fault: str) -> None:
    total = sum(x.amount for x in made.expected if x.group == message)
    if fault:
        made.wrong.add(("DUPLICATE" if fault == "BATCH TWICE" else "AMOUNT", message))
    made.show("", total - (1 if fault == "BATCH SUM" else 0), group=message)
    if fault == "BATCH TWICE":
        made.show("NOTPROVIDED", total, group=message)


def _book_well(made: Day, x: Expected, chance: float) -> None:
    if chance < 0.02:  # in parts
        made.show(x.reference, x.amount - 7_000, group=x.group)
        made.show(x.reference, 7_000, group=x.group)
    elif chance < 0.04:  # without any reference
        made.show("NOTPROVIDED", x.amount, counterparty_account=x.counterparty_account)
    else:
        made.show(x.reference, x.amount, group=x.group, counterparty_account=x.counterparty_account)


def _book_wrong(made: Day, x: Expected, fault: str) -> None:
    made.wrong.add((fault, x.reference if fault != "EXTRA" else f"UNKNOWN-{x.reference}"))
    if fault in ("EXTRA", "DUPLICATE", "REVERSED"):
        made.show(x.reference, x.amount, group=x.group)
    if fault == "EXTRA":
        made.show(f"UNKNOWN-{x.reference}", x.amount)
    elif fault == "AMOUNT":
        made.show(x.reference, x.amount - 1, group=x.group)
    elif fault == "DUPLICATE":
        made.show(x.reference, x.amount, group=x.group)
    elif fault == "LATE":
        made.show(x.reference, x.amount, group=x.group, booked_on=MONDAY)
    elif fault == "CURRENCY":
        made.show(x.reference, 300, group=x.group, currency="USD")
    elif fault == "REVERSED":
        made.show(x.reference, x.amount, group=x.group, side="C", reversal=True)
    elif fault == "STATUS":
        made.show(x.reference, x.amount, group=x.group, status="pending")


def found(outcome: Outcome) -> set[tuple[str, str]]:
    """Breaks by type and reference, or the message of a batch; each must be told once."""
    told = [(one.type.value, name(one)) for one in outcome.breaks]
    assert len(told) == len(set(told))
    return set(told)


def name(one: Finding) -> str:
    if one.type is BreakType.EXTRA or (one.entries and not one.entries[0].reference):
        return one.entries[0].reference or one.entries[0].group
    return one.expected[0].reference


def shuffled(made: Day, seed: int) -> Day:
    """The same in another order; the entries keep their numbers."""
    chance = random.Random(seed)
    return replace(
        made,
        expected=chance.sample(made.expected, len(made.expected)),
        entries=chance.sample(made.entries, len(made.entries)),
    )
