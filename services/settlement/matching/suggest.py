"""What a MISSING and an EXTRA may have to do with each other: scored guesses for people, never matches. Pure.

Bounded: candidates come from a few indexes, a few neighbours each, for the largest amounts first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from services.settlement.matching.model import Suggestion
from services.settlement.records import Expected, StatementEntry

# Items that get suggestions at all, the largest amounts first; suggestions an item; candidates an index gives.
ITEMS_MAX = 10_000
EACH_MAX = 3
_FROM_INDEX = 12
_NEIGHBOURS = 4
SCORE_MIN = 40
# References longer than this are compared for being equal or transposed only.
_REFERENCE_MAX = 64
_LETTERS_NEAR = 2


def score(ours: Expected, theirs: StatementEntry) -> tuple[int, tuple[str, ...]]:
    """0 to 100, and why: the weightiest code first. 0 for other sides or currencies."""
    if ours.side != theirs.side or theirs.currency != "VND":
        return 0, ()
    parts: list[tuple[int, str]] = []
    difference = abs(ours.amount - theirs.amount)
    if not difference:
        parts.append((40, "AMOUNT_EQUAL"))
    elif difference * 100 <= ours.amount:
        parts.append((20, "AMOUNT_CLOSE"))
    elif sorted(str(ours.amount)) == sorted(str(theirs.amount)):
        parts.append((20, "AMOUNT_TRANSPOSED"))
    parts.append(_of_references(ours.reference, theirs))
    if ours.counterparty_account and ours.counterparty_account == theirs.counterparty_account:
        parts.append((20, "ACCOUNT_EQUAL"))
    apart = abs((theirs.booked_on - ours.on).days)
    if apart <= 5:
        parts.append((10 - 2 * apart, "DATE_EQUAL" if not apart else "DATE_CLOSE"))
    found = sorted((part for part in parts if part[0] > 0), key=lambda part: (-part[0], part[1]))
    return sum(points for points, _ in found), tuple(why for _, why in found)


def _of_references(reference: str, theirs: StatementEntry) -> tuple[int, str]:
    if not reference:
        return 0, ""
    if reference in theirs.text or reference in (theirs.reference, theirs.bank_reference):
        return 30, "REFERENCE_IN_TEXT"
    if not theirs.reference or abs(len(reference) - len(theirs.reference)) > _LETTERS_NEAR:
        return 0, ""
    if sorted(reference) == sorted(theirs.reference):
        apart = sum(a != b for a, b in zip(reference, theirs.reference, strict=True))
        if apart <= 4:
            return 30 if apart == 2 else 25, "REFERENCE_TRANSPOSED"
        return 0, ""
    if max(len(reference), len(theirs.reference)) <= _REFERENCE_MAX and _near(reference, theirs.reference):
        return 25, "REFERENCE_CLOSE"
    return 0, ""


def _near(a: str, b: str) -> bool:
    """Whether up to _LETTERS_NEAR letters were changed, lost or added: what is between the common ends is so short."""
    start = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    a, b = a[start:], b[start:]
    end = next((n for n, (x, y) in enumerate(zip(reversed(a), reversed(b), strict=False)) if x != y),
               min(len(a), len(b)))  # fmt: skip
    return max(len(a), len(b)) - end <= _LETTERS_NEAR


@dataclass(slots=True)
class _Index:
    """Positions of one side's items by what they may have in common with the other's."""

    by: defaultdict[Hashable, list[int]] = field(default_factory=lambda: defaultdict(list))
    amounts: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, position: int, side: str, amount: int, account: str, reference: str) -> None:
        for key in _keys(side, amount, account, reference):
            if len(self.by[key]) < _FROM_INDEX:
                self.by[key].append(position)
        self.amounts.append((side, amount, position))

    def near(self, side: str, amount: int, account: str, reference: str) -> set[int]:
        found = {p for key in _keys(side, amount, account, reference) for p in self.by.get(key, ())}
        at = bisect_left(self.amounts, (side, amount, 0))
        return found | {p for _, _, p in self.amounts[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS]}


def _keys(side: str, amount: int, account: str, reference: str) -> Iterable[Hashable]:
    yield "amount", side, amount
    yield "amount and account", side, amount, account
    if account:
        yield "account", side, account
    if reference:
        # The same for transposed digits; the ends for what was cut or mistyped.
        yield "letters", side, "".join(sorted(reference))
        yield "start", side, reference[: len(reference) * 2 // 3]
        yield "end", side, reference[len(reference) // 3 :]


def suggest(
    missing: Sequence[Expected], extra: Sequence[StatementEntry], also: Sequence[Expected] = ()
) -> tuple[list[tuple[Suggestion, ...]], list[tuple[Suggestion, ...]]]:
    """Suggestions for each of `missing` and of `extra`, best first. `also`: what is still open, for the extra ones."""
    ours, theirs = _Index(), _Index()
    expected = [*missing, *also]
    for position, x in enumerate(expected):
        ours.add(position, x.side, x.amount, x.counterparty_account, x.reference)
    for position, y in enumerate(extra):
        theirs.add(position, y.side, y.amount, y.counterparty_account, y.reference)
    ours.amounts.sort()
    theirs.amounts.sort()
    for_missing: list[tuple[Suggestion, ...]] = [()] * len(missing)
    for_extra: list[tuple[Suggestion, ...]] = [()] * len(extra)
    for position in _largest([x.amount for x in missing]):
        x = missing[position]
        near = theirs.near(x.side, x.amount, x.counterparty_account, x.reference)
        for_missing[position] = _best((x, extra[p], False) for p in near)
    for position in _largest([y.amount for y in extra]):
        y = extra[position]
        near = ours.near(y.side, y.amount, y.counterparty_account, y.reference)
        for_extra[position] = _best((expected[p], y, True) for p in near)
    return for_missing, for_extra


def _largest(amounts: Sequence[int]) -> list[int]:
    return sorted(range(len(amounts)), key=lambda n: (-amounts[n], n))[:ITEMS_MAX]


def _best(candidates: Iterable[tuple[Expected, StatementEntry, bool]]) -> tuple[Suggestion, ...]:
    found = []
    for x, y, for_extra in candidates:
        points, why = score(x, y)
        if points >= SCORE_MIN:
            reference, amount = (x.reference, x.amount) if for_extra else (y.reference, y.amount)
            entry = 0 if for_extra else y.number
            found.append(Suggestion(points, reference, entry, amount, y.amount - x.amount, why))
    return tuple(sorted(set(found), key=lambda s: (-s.score, abs(s.difference), s.reference, s.entry))[:EACH_MAX])
