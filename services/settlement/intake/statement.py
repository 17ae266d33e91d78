"""A statement as it is read, and whether it holds what it declares. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.settlement.intake import refusals
from services.settlement.intake.refusals import refused
from services.settlement.intake.values import MINOR_MAX, unit_of
from services.settlement.records import StatementEntry, StatementHead


class Statement:
    """One statement of a file. Read `entries` to their end before you ask for the next statement.

    `head` is what is known before the entries; what a format says only after them (MT's and CSV's closing balance and
    totals) is in it once they have run out, and only then is the statement proven.
    """

    __slots__ = ("ended", "entries", "head")

    def __init__(self, head: StatementHead, entries: Iterator[StatementEntry]) -> None:
        self.head = head
        self.entries = entries
        self.ended = False


@dataclass(slots=True)
class Declared:
    """What a statement says that its entries are: numbers and sums by side, `total` of both, and signed balances.

    Sums and balances in minor units of the account's currency. `lines`: where they stand, for refusals.
    """

    entries: int | None = None
    credit_entries: int | None = None
    debit_entries: int | None = None
    total: int | None = None
    credits: int | None = None
    debits: int | None = None
    opening: int | None = None
    closing: int | None = None
    # Whether closing must follow from opening and these entries (an interim balance of a day's later report need not).
    balanced: bool = True
    line: int = 0

    @property
    def entries_of_both(self) -> int | None:
        """The number of entries, said or as the sum of both sides."""
        if self.entries is not None or self.credit_entries is None or self.debit_entries is None:
            return self.entries
        return self.credit_entries + self.debit_entries


class Tally:
    """Counts and sums a statement's entries. `before`: entries of the file's earlier statements."""

    __slots__ = ("before", "booked", "counts", "currency", "face", "foreign", "given", "sums")

    def __init__(self, currency: str, before: int) -> None:
        self.currency = currency
        self.before = before
        self.given = 0
        self.counts = {"C": 0, "D": 0}
        self.sums = {"C": 0, "D": 0}
        # Credits less debits of what is booked: pending entries are in no balance.
        self.booked = 0
        self.foreign: set[str] = set()
        # Other currencies' amounts at face value, in ten-thousandths of a unit: control sums of some banks are of the
        # numbers that stand there, whatever they are of.
        self.face = {"C": 0, "D": 0}

    def add(self, side: str, amount: int, currency: str, booked: bool, line: int, given: int = 1) -> None:
        """One entry of the statement, given on as `given` entries. Raises FileRefused ENTRIES_MAX."""
        self.given += given
        if self.before + self.given > refusals.ENTRIES_MAX:
            raise refused("ENTRIES_MAX", f"more than {refusals.ENTRIES_MAX} entries: send it in parts", line)
        self.counts[side] += 1
        if currency != self.currency:
            self.foreign.add(currency)
            self.face[side] += amount * unit_of(currency)
            return
        self.sums[side] += amount
        if booked:
            self.booked += amount if side == "C" else -amount

    def check(self, declared: Declared) -> None:
        """Raises FileRefused COUNT, TOTALS or BALANCE where the entries are not what was declared, AMOUNT beyond what
        can be kept.

        Entries in another currency than the account's are no part of its sums, or stand in all of them at face value;
        what is wrong about them, who compares the statement with our books finds.
        """
        line = declared.line
        if max(self.sums.values()) > MINOR_MAX:
            raise refused("AMOUNT", "its entries come to more than can be kept: correct the file", line)
        credit, debit = self.counts["C"], self.counts["D"]
        for what, said, found in (
            ("entries", declared.entries, credit + debit),
            ("credit entries", declared.credit_entries, credit),
            ("debit entries", declared.debit_entries, debit),
        ):
            if said is not None and said != found:
                raise refused("COUNT", f"it declares {said} {what} and has {found}: ask for the whole file", line)
        note = f" (entries in {', '.join(sorted(self.foreign))} are not in it)" if self.foreign else ""
        if not (self.foreign and self._at_face(declared)):
            self._check_sums(declared, note)
        self._check_balance(declared, note)

    def _at_face(self, declared: Declared) -> bool:
        """Whether the declared sums are of the numbers that stand there, whatever currency they are in."""
        unit = unit_of(self.currency)
        credits_, debits = (self.sums[side] * unit + self.face[side] for side in "CD")
        pairs = ((declared.credits, credits_), (declared.debits, debits), (declared.total, credits_ + debits))
        return all(said is None or said * unit == found for said, found in pairs)

    def _check_sums(self, declared: Declared, note: str) -> None:
        for what, said, found in (
            ("credits", declared.credits, self.sums["C"]),
            ("debits", declared.debits, self.sums["D"]),
            ("entries", declared.total, self.sums["C"] + self.sums["D"]),
        ):
            if said is not None and said != found:
                raise refused(
                    "TOTALS", f"it declares {said} as the sum of {what} and has {found}{note}: ask for it anew",
                    declared.line,
                )  # fmt: skip

    def _check_balance(self, declared: Declared, note: str) -> None:
        """Balances are of the account's currency: what others were worth in it nobody has said."""
        if declared.opening is None or declared.closing is None or not declared.balanced:
            return
        led_to = declared.opening + self.booked
        if led_to != declared.closing:
            told = f"opening {declared.opening} and entries of {self.booked} make {led_to}"
            raise refused("BALANCE", f"{told}, but closing is {declared.closing}{note}: ask for it anew", declared.line)
