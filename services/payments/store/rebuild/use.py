"""What a wallet has used of its limits, counted as functions/3_limits.lua counts it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kit.clock import month_of

CLASSES = ("pay", "bill", "transfer", "cash_out")
MINUTE_MS, HOUR_MS, DAY_MS, VIETNAM_MS = 60_000, 3_600_000, 86_400_000, 7 * 3_600_000


class Small(NamedTuple):
    """A rule that counts small payments an hour: in force [from, until), at most `most_vnd` each."""

    from_ms: int
    until_ms: int
    ops: frozenset[str]
    most_vnd: int


def small_rules(text: str) -> tuple[Small, ...]:
    """Of the rules as they were put in force, those that count small payments: no other changes what is counted."""
    parts = [part.split(",") for part in text.split(";") if part and not part.startswith("essential=")]
    return tuple(
        Small(int(start), int(end), frozenset(ops.split("+")), int(arg))
        for _, start, end, scope, ops, _, arg, _ in parts
        if scope == "small"
    )


@dataclass(slots=True)
class Use:
    """Đồng by class in a month and a day of Vietnam; how many in a minute; how many small ones in an hour."""

    month: int = 0
    in_month: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    day: int = 0
    in_day: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    minute: int = 0
    count: int = 0
    hour: int = 0
    small: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Use:
        """As an account's field `u` has it; nothing used where it has none."""
        if not text:
            return cls()
        n = [int(part) for part in text.split("|")]
        return cls(n[0], n[1:5], n[5], n[6:10], *n[10:14])

    def __str__(self) -> str:
        numbers = (
            *(self.month, *self.in_month, self.day, *self.in_day),
            *(self.minute, self.count, self.hour, self.small),
        )
        return "|".join(map(str, numbers))

    def add(self, limited: str, amount: int, at_ms: int, rules: Sequence[Small]) -> None:
        """Counts `amount` đồng of a class. Raises ValueError for a class that is not known."""
        place = CLASSES.index(limited)
        self._roll(at_ms)
        self.in_month[place] += amount
        self.in_day[place] += amount
        self.count += 1
        self.small += any(r.from_ms <= at_ms < r.until_ms and limited in r.ops and amount <= r.most_vnd for r in rules)

    def give_back(self, limited: str, amount: int, then_ms: int, at_ms: int) -> None:
        """What a hold of `then_ms` used and did not take, as long as its month and day last."""
        place = CLASSES.index(limited)
        self._roll(at_ms)
        if self.month == month_of(then_ms):
            self.in_month[place] = max(0, self.in_month[place] - amount)
        if self.day == _day(then_ms):
            self.in_day[place] = max(0, self.in_day[place] - amount)

    def _roll(self, at_ms: int) -> None:
        month, day, minute, hour = month_of(at_ms), _day(at_ms), at_ms // MINUTE_MS, at_ms // HOUR_MS
        if self.month != month:
            self.month, self.in_month = month, [0, 0, 0, 0]
        if self.day != day:
            self.day, self.in_day = day, [0, 0, 0, 0]
        if self.minute != minute:
            self.minute, self.count = minute, 0
        if self.hour != hour:
            self.hour, self.small = hour, 0


def _day(at_ms: int) -> int:
    return (at_ms + VIETNAM_MS) // DAY_MS
