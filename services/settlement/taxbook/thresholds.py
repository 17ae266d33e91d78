"""The law's thresholds of a year's revenue: dated rules, in data (`data/thresholds.json`), and where a seller stands.

Each rule says where it comes from and how sure that is: law changes, and what is not certain is not made to look so.
Pure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

# Ours, not law's: from this part of a threshold on a seller is told that it is near.
NEAR_PERCENT = 80
BELOW, NEAR, REACHED = "below", "near", "reached"
CERTAINTIES = ("confirmed", "stated", "assumed")
KINDS = ("household", "cooperative", "company")

_FILE = Path(__file__).parent / "data" / "thresholds.json"


@dataclass(frozen=True, slots=True)
class Threshold:
    """`amount`: đồng of revenue a calendar year from which the rule applies. `kinds`: of which enterprises.

    Days are Vietnam's, both included; None for no such end.
    """

    rule: str
    name_vi: str
    amount: int
    from_day: date | None
    until_day: date | None
    kinds: frozenset[str]
    source: str
    source_vi: str
    certainty: str
    note: str

    def on(self, day: date) -> bool:
        """Whether it is in force on that day."""
        return (self.from_day or date.min) <= day <= (self.until_day or date.max)


@dataclass(frozen=True, slots=True)
class Standing:
    """`left`: đồng that are missing until it is reached; 0 where it is."""

    threshold: Threshold
    standing: str
    left: int


def read(text: str) -> tuple[Threshold, ...]:
    """Rules as JSON has them. Raises ValueError naming what is wrong: no table is read by half."""
    rules = tuple(_threshold(entry) for entry in json.loads(text))
    for one in rules:
        for other in rules:
            same = one is not other and one.rule == other.rule and one.kinds & other.kinds
            # Of two that overlap one begins within the other.
            if same and other.on(one.from_day or date.min):
                raise ValueError(f"two thresholds of {one.rule} are of one day")
    return rules


@cache
def shipped() -> tuple[Threshold, ...]:
    """Those of the data file."""
    return read(_FILE.read_text(encoding="utf-8"))


def standings(rules: Sequence[Threshold], kind: str, year: int, revenue: int, today: date) -> tuple[Standing, ...]:
    """Where a seller of this kind ("" is a household) stands with a year's revenue (đồng).

    By the rules that are in force on the year's last day, or today where it is not over.
    """
    day = min(date(year, 12, 31), max(today, date(year, 1, 1)))
    return tuple(
        _standing(rule, revenue) for rule in rules if (kind or KINDS[0]) in rule.kinds and rule.on(day)
    )  # fmt: skip


def _standing(rule: Threshold, revenue: int) -> Standing:
    left = max(0, rule.amount - revenue)
    near = revenue * 100 >= rule.amount * NEAR_PERCENT
    return Standing(rule, NEAR if near and left else BELOW if left else REACHED, left)


def _threshold(entry: dict[str, object]) -> Threshold:
    rule = Threshold(
        rule=str(entry["rule"]), name_vi=str(entry["name_vi"]), amount=int(str(entry["amount"])),
        from_day=_day(str(entry["from_day"])), until_day=_day(str(entry["until_day"])),
        kinds=frozenset(str(kind) for kind in entry["kinds"]),  # type: ignore[attr-defined]
        source=str(entry["source"]), source_vi=str(entry["source_vi"]), certainty=str(entry["certainty"]),
        note=str(entry["note"]),
    )  # fmt: skip
    if rule.amount < 1:
        raise ValueError(f"{rule.rule}: amount is above 0")
    if rule.certainty not in CERTAINTIES:
        raise ValueError(f"{rule.rule}: certainty is one of {', '.join(CERTAINTIES)}")
    if not rule.kinds or not rule.kinds <= set(KINDS):
        raise ValueError(f"{rule.rule}: kinds are of {', '.join(KINDS)}")
    if rule.from_day and rule.until_day and rule.from_day > rule.until_day:
        raise ValueError(f"{rule.rule}: it ends before it begins")
    if not rule.source or not rule.source_vi:
        raise ValueError(f"{rule.rule}: say where it comes from")
    return rule


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
