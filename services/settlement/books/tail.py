"""Sums events up by account and by kind of account: what a checkpoint adds to the one before. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, KeysView
from dataclasses import dataclass, field
from typing import NamedTuple

from kit.ledger_bytes import Fields, fields, posted
from services.settlement import chain
from services.settlement.books.chart import unit_of


class Totals(NamedTuple):
    """An account's, or a line's, totals since the books began; đồng."""

    debits: int = 0
    credits: int = 0
    debits_pending: int = 0
    credits_pending: int = 0

    def plus(self, other: Totals) -> Totals:
        return Totals(self[0] + other[0], self[1] + other[1], self[2] + other[2], self[3] + other[3])

    def minus(self, other: Totals) -> Totals:
        return Totals(self[0] - other[0], self[1] - other[1], self[2] - other[2], self[3] - other[3])


NOTHING = Totals()


class Known(NamedTuple):
    """What an account is. `unit`: chart.unit_of."""

    kind: str
    unit: str


UNOPENED = Known("", "")


class Changes(NamedTuple):
    """What a tail adds to each kind and unit: totals, and how many accounts; each account's totals after it, in the
    order in which they came; and what is wrong, in words."""

    added: dict[Known, tuple[Totals, int]]
    after: dict[str, Totals]
    wrong: list[str]


# Events whose postings are taken apart together: a thousand at once cost half as much as one by one.
_TOGETHER = 1_000
_A_LEG = 8


@dataclass(slots=True)
class Tail:
    """Events behind a checkpoint, summed up. `seq`, `at_ms`, `head`: of the last one; `window` is open after it."""

    seq: int
    at_ms: int
    window: int
    head: bytes
    events: int = 0
    opened: dict[str, Known] = field(default_factory=dict)
    # (sequence number, merchant, its bank from there on).
    banks: list[tuple[int, str, str]] = field(default_factory=list)
    # Postings that are not taken apart yet, as the ledger wrote them.
    _waiting: list[bytes] = field(default_factory=list)
    # Each account's totals after its last posting, in the texts in which the ledger wrote them.
    _last: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)
    # What was posted on it, added up.
    _debits: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _credits: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, seq: int, raw: bytes) -> bool:
        """The next event; whether it closed a window. Raises KeyError or ValueError where `raw` is no event."""
        assert seq == self.seq + 1, f"entry {seq} does not follow {self.seq}"
        at, window, op, result, legs = posted(raw)
        self.head = chain.link(self.head, seq, raw)
        self.seq, self.at_ms, self.window = seq, int(at), int(window)
        self.events += 1
        if legs and result == b"OK":
            self._waiting.append(legs)
            if len(self._waiting) == _TOGETHER:
                self._take_apart()
            if op in (b"open", b"merchant"):
                self._open(seq, fields(raw))
        if op == b"cut":
            self.window += 1
        return op == b"cut"

    def _take_apart(self) -> None:
        """What waits, column by column. Raises ValueError where a posting is not whole."""
        parts = b";".join(self._waiting).decode().replace(";", ",").split(",") if self._waiting else []
        self._waiting.clear()
        if len(parts) % _A_LEG:
            raise ValueError(f"a posting before event {self.seq} is not whole: verify the books' chain")
        accounts, sides, amounts, debits, credits, debits_pending, credits_pending = (
            parts[column::_A_LEG] for column in range(_A_LEG - 1)
        )
        after = zip(debits, credits, debits_pending, credits_pending, strict=True)
        self._last.update(zip(accounts, after, strict=True))
        debited, credited = self._debits, self._credits
        for account_id, side, amount in zip(accounts, sides, map(int, amounts), strict=True):
            if side == "d":
                debited[account_id] += amount
            elif side == "c":
                credited[account_id] += amount

    def _open(self, seq: int, found: Fields) -> None:
        account_id = found.t.decode()
        if found.op == b"merchant":
            self.opened[account_id] = Known("merchant", "")
            self.banks.append((seq, account_id, found.z.decode().partition(",")[2]))
        else:
            self.opened[account_id] = Known(found.x.decode(), unit_of(account_id, found.a.decode()))

    @property
    def moved(self) -> KeysView[str]:
        """Accounts that it knows of, in the order in which they came. Raises ValueError as `take` does."""
        self._take_apart()
        return self._last.keys()

    def after(self, account_id: str) -> Totals:
        """An account's totals after its last posting. Raises KeyError where it has none."""
        self._take_apart()
        return Totals._make(map(int, self._last[account_id]))

    def changes(self, before: Callable[[str], tuple[Known, Totals] | None]) -> Changes:
        """What it adds to a checkpoint. `before`: what an account was there, None where it was not there yet."""
        self._take_apart()
        sums: dict[Known, list[int]] = {}
        after: dict[str, Totals] = {}
        wrong = []
        for account_id, texts in self._last.items():
            new = after[account_id] = Totals._make(map(int, texts))
            found = before(account_id)
            known, old = found or (self.opened.get(account_id, UNOPENED), NOTHING)
            if known == UNOPENED:
                wrong.append(f"{account_id} was never opened")
            debits, credits, debits_pending, credits_pending = new.minus(old)
            if debits != self._debits.get(account_id, 0) or credits != self._credits.get(account_id, 0):
                wrong.append(f"{account_id} has other totals at {self.seq} than its postings add up to")
            into = sums.get(known)
            if into is None:
                into = sums[known] = [0, 0, 0, 0, 0]
            into[0] += debits
            into[1] += credits
            into[2] += debits_pending
            into[3] += credits_pending
            into[4] += found is None
        return Changes({known: (Totals._make(into[:4]), into[4]) for known, into in sums.items()}, after, wrong)
