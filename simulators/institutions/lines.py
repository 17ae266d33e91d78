"""Which lines of a statement or record are shown wrongly, by the faults and their seeds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulators.institutions.faults import LINE_KINDS, Fault

# What a line shows: (amount, currency), a copy of the line each.
Shown = list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is in truth. `side`: "C" or "D"; amounts in đồng."""

    reference: str
    side: str
    amount: int
    currency: str = "VND"


@dataclass(slots=True)
class Plan:
    """What a file shows instead of the truth. `shown` by line from 0; `extra` comes after the last line; `off` is added
    to the declared totals."""

    shown: dict[int, Shown] = field(default_factory=dict)
    extra: list[Line] = field(default_factory=list)
    off: int = 0
    # What this changes in the totals by side: lines, control sum, đồng in VND.
    changes: dict[str, list[int]] = field(default_factory=lambda: {"C": [0, 0, 0], "D": [0, 0, 0]})

    def of(self, index: int, amount: int, currency: str) -> Shown:
        """What is shown of a line."""
        return self.shown.get(index) or ([] if index in self.shown else [(amount, currency)])

    def show(self, index: int, line: Line, shown: Shown) -> None:
        """Has a line shown otherwise."""
        self.shown[index] = shown
        self._change(line.side, -1, line.amount, line.currency)
        for amount, currency in shown:
            self._change(line.side, 1, amount, currency)

    def add(self, line: Line) -> None:
        """Adds a line that is not there in truth."""
        self.extra.append(line)
        self._change(line.side, 1, line.amount, line.currency)

    def as_json(self) -> dict[str, Any]:
        extra = [[line.reference, line.side, line.amount, line.currency] for line in self.extra]
        return {"shown": list(self.shown.items()), "extra": extra, "off": self.off, "changes": self.changes}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Plan:
        shown = {index: [(amount, currency) for amount, currency in copies] for index, copies in said["shown"]}
        return cls(shown, [Line(*line) for line in said["extra"]], said["off"], said["changes"])

    def _change(self, side: str, lines: int, amount: int, currency: str) -> None:
        change = self.changes[side]
        change[0] += lines
        change[1] += lines * amount
        change[2] += lines * amount * (currency == "VND")


@dataclass(frozen=True, slots=True)
class Truth:
    """What a fault did: for `faults-done.jsonl`. `true` is None where nothing is there in truth."""

    fault: Fault
    references: tuple[str, ...]
    true: int | None
    shown: tuple[int, ...]

    def as_json(self, institution: str, file: str, at: str) -> dict[str, Any]:
        return {
            "at": at, "institution": institution, "kind": self.fault.kind, "fault": self.fault.id, "file": file,
            "references": list(self.references), "amounts": {"true": self.true, "shown": list(self.shown)},
        }  # fmt: skip


def plan(
    faults: Iterable[Fault],
    used: Mapping[str, int],
    count: int,
    find: Callable[[Sequence[str]], Mapping[str, int]],
    lines_at: Callable[[Iterable[int]], Mapping[int, Line]],
) -> tuple[Plan, list[Truth]]:
    """What a file of `count` lines shows. `find`: where references are; `lines_at`: lines by their index.

    A line is struck once. Faults that name a reference choose first.
    """
    left = [fault for fault in faults if fault.kind in LINE_KINDS and used.get(fault.id, 0) < fault.times]
    named = [fault for fault in left if fault.reference]
    where = find([fault.reference for fault in named]) if named else {}
    struck: dict[int, Fault] = {}
    for fault in named:
        if fault.reference in where:
            struck.setdefault(where[fault.reference], fault)
    for fault in left:
        if fault.reference or fault.kind in ("extra_line", "wrong_total"):
            continue
        for index in _choose(fault, fault.times - used.get(fault.id, 0), count, struck):
            struck[index] = fault
    made, truths = Plan(), []
    lines = lines_at(struck.keys()) if struck else {}
    for index in sorted(struck):
        fault, line = struck[index], lines[index]
        shown = _shown(fault, line)
        made.show(index, line, shown)
        truths.append(Truth(fault, (line.reference,), line.amount, tuple(amount for amount, _ in shown)))
    for fault in left:
        if fault.kind == "extra_line":
            for number in range(used.get(fault.id, 0), fault.times):
                line = extra_line(fault, number)
                made.add(line)
                truths.append(Truth(fault, (line.reference,), None, (line.amount,)))
        elif fault.kind == "wrong_total":
            off = fault.amount or fault.random().randint(1, 1000) * 1000
            made.off += off
            truths.append(Truth(fault, (), 0, (off,)))
    return made, truths


def extra_line(fault: Fault, number: int) -> Line:
    """A line that nobody ordered."""
    random = fault.random(str(number))
    amount = abs(fault.amount) or random.randint(1, 1000) * 1000
    return Line(f"EX-{random.getrandbits(64):016x}", random.choice("CD"), amount)


def _shown(fault: Fault, line: Line) -> Shown:
    true = (line.amount, line.currency)
    match fault.kind:
        case "duplicated":
            return [true, true]
        case "missing_line":
            return []
        case "wrong_currency":
            return [(line.amount, fault.currency)]
        case "wrong_amount":
            more = fault.amount or fault.random(line.reference).randint(1, 1000)
            return [(max(1, line.amount + more), line.currency)]
    raise AssertionError(f"{fault.kind} is no fault of a line")


def _choose(fault: Fault, times: int, count: int, struck: Mapping[int, Fault]) -> list[int]:
    drawn = fault.random().sample(range(count), min(count, times + len(struck)))
    return [index for index in drawn if index not in struck][:times]
