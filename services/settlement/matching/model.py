"""What a run of matching finds: breaks with both sides' facts, what is still open, and the totals that tie. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path

from services.settlement.records import Expected, StatementEntry

# How many of a break's movements on either side are kept with it; their count and sum are of all.
FACTS_MAX = 20


class BreakType(str, Enum):
    """What is wrong."""

    # We expect it, they do not show it, and its time is over.
    MISSING = "MISSING"
    # They show it, we do not know it.
    EXTRA = "EXTRA"
    # Both have it, with other sums.
    AMOUNT = "AMOUNT"
    # They show it once more than it was.
    DUPLICATE = "DUPLICATE"
    # Matched, but booked outside its window of dates.
    LATE = "LATE"
    # Shown in another currency.
    CURRENCY = "CURRENCY"
    # What was paid came back.
    REVERSED = "REVERSED"
    # Shown, but still not booked when its time was over.
    STATUS = "STATUS"
    # A file that was to come by now did not (cases.py, as the two below).
    NO_FILE = "NO_FILE"
    # An institution does not accept what we say it owes or is owed, or a bank what we sent.
    DISPUTED = "DISPUTED"
    # The ledger refused an entry of settlement's own.
    REFUSED = "REFUSED"


class Severity(str, Enum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


# Business days until somebody has to have decided.
ANSWER_DAYS = {Severity.LOW: 5, Severity.MEDIUM: 3, Severity.HIGH: 1, Severity.CRITICAL: 1}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a MISSING or EXTRA may belong to. `score`: 1 to 100; `why`: stable codes, the weightiest first.

    Of a MISSING it names the `entry`, of an EXTRA the expected `reference` (`entry` 0). `difference`: theirs less ours.
    """

    score: int
    reference: str
    entry: int
    amount: int
    difference: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A break as one run found it. Đồng; dates are Vietnam's.

    `detail`: a stable code that says more than the type, or "". `at_risk`: what may be lost if nobody looks.
    `difference`: theirs less ours where both are known, else 0. `expected`, `entries`: at most FACTS_MAX of each side,
    of `expected_count` and `entry_count`, whose sums are `expected_total` and `entry_total` (of another currency: in
    its minor units). `due_on`: until when somebody has to have decided.
    """

    id: str
    type: BreakType
    detail: str
    severity: Severity
    due_on: date
    at_risk: int
    difference: int
    expected: tuple[Expected, ...] = ()
    expected_count: int = 0
    expected_total: int = 0
    entries: tuple[StatementEntry, ...] = ()
    entry_count: int = 0
    entry_total: int = 0
    suggestions: tuple[Suggestion, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts and sums of a run; sums are đồng.

    Every expected movement is matched, open or in a break; every entry is matched, in a break or passed over.
    `passed_over`: pending or informational entries of what is matched, or still has time. `late`: matched, and in a
    break all the same.
    """

    expected: int
    expected_total: int
    entries: int
    matches: int
    matched_expected: int
    matched_total: int
    matched_entries: int
    # Sum of the matches' differences, each within its rule's tolerance.
    difference: int
    open: int
    open_total: int
    passed_over: int
    late: int

    @property
    def match_rate(self) -> int:
        """Matched of what is due, in parts of 10,000, rounded down: only all is 10,000."""
        due = self.expected - self.open
        return self.matched_expected * 10_000 // due if due else 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of both sides. `breaks` by id; `by_rule`: matches by the rule's name.

    `matches`, a Parquet file: match, rule, reference, transfer_id, entry, expected_amount, entry_amount, difference,
    one row for each expected movement or entry of a match, whichever are more, in a fixed order; `match` is the
    smallest entry number of the match; the match's difference stands in its first row, so that they sum up.
    `open_items`, a Parquet file: reference, group, side, amount, on, due_on, seen (shown, but not booked).
    """

    scope: str
    rules: str
    as_of: date
    totals: Totals
    by_rule: dict[str, int]
    breaks: tuple[Finding, ...]
    matches: Path
    open_items: Path


def digest(prefix: str, *parts: object) -> str:
    """An id that follows from what it names: `prefix` + "_" + 32 hex digits."""
    text = json.dumps([str(part) for part in parts], ensure_ascii=False)
    return f"{prefix}_{hashlib.sha256(text.encode('utf-8', 'backslashreplace')).hexdigest()[:32]}"
