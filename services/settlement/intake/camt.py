"""camt.052, .053 and .054, versions .02 to .14, by local names: reports, statements and notifications in a stream.

One entry may hold many transactions (a payout file booked in one sum): each becomes an entry of its own where their
amounts add up to it. Written from the official message definitions (ISO 20022 Bank-to-Customer Cash Management).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from services.settlement import xml_in
from services.settlement.intake import camt_head, refusals
from services.settlement.intake.camt_entry import Detail, Header
from services.settlement.intake.camt_stream import Item, Stream
from services.settlement.intake.refusals import FIELD_MAX, refused
from services.settlement.intake.statement import Statement, Tally
from services.settlement.intake.values import day, field, latest, minor_units, moved, prose, too_early
from services.settlement.records import StatementEntry, StatementHead

# The message's root child, and the element of one statement in it.
MESSAGES = frozenset({"BkToCstmrAcctRpt", "BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn"})
KINDS = {"Rpt": "camt.052", "Stmt": "camt.053", "Ntfctn": "camt.054"}
_SIDES = {"CRDT": "C", "DBIT": "D"}
_STATUSES = {"BOOK": "booked", "PDNG": "pending", "FUTR": "pending", "INFO": "info"}
_NONE = "NOTPROVIDED"
_BOOKINGS_KEPT = 1_000
_NOTHING = Detail()
_TRUTHS = {"true": True, "1": True, "false": False, "0": False, "": False}


def statements(path: Path, today: date) -> Iterator[Statement]:
    """The file's statements, one after the other. Raises FileRefused."""
    stream = Stream(path, frozenset({"GrpHdr", *KINDS}))
    items = stream.items()
    message: etree._Element | None = None
    read = given = 0
    for item in items:
        if item.name == "GrpHdr":
            message = item.element
        elif item.element is not None:
            # The first of a statement: nothing of it had a shape to be known by.
            reading = _Reading(message, _statement_of(item.element), stream.skipped_lines, today, given)
            statement = Statement(reading.head, iter(()))
            statement.entries = reading.entries(chain((item,), items), statement)
            yield statement
            read += 1
            given += reading.tally.given
    if not read:
        raise refused("FIELD_MISSING", "no statement in it: send one")


def _statement_of(element: etree._Element) -> etree._Element:
    """The statement that an entry is in, or that it is."""
    here: etree._Element | None = element
    while here is not None:
        if xml_in.local_name(here) in KINDS:
            return here
        here = here.getparent()
    raise refused("FIELD_MISSING", "an entry that is in no statement: correct the file", element.sourceline or 0)


class _Booking(NamedTuple):
    """What an entry's side, reversal, status and dates say."""

    side: str
    status: str
    booked_on: date
    value_on: date | None
    reversal: bool


class _Reading:
    """One statement while its entries are read."""

    def __init__(
        self, message: etree._Element | None, element: etree._Element, lines_before: int, today: date, before: int
    ) -> None:
        self.message = message
        self.element = element
        self.kind = KINDS[xml_in.local_name(element)]
        self.lines_before = lines_before
        self.head: StatementHead = camt_head.read(self.kind, message, element, lines_before)[0]
        self.latest = latest(today)
        self.tally = Tally(self.head.currency, before)
        self.number = 0
        # By an entry's texts from `side` to `value`.
        self.bookings: dict[tuple[str | int, ...], _Booking] = {}

    def entries(self, items: Iterator[Item], statement: Statement) -> Iterator[StatementEntry]:
        """Reads up to the statement's end, and checks there what it declares."""
        details: list[Detail] = []
        for name, _, entry, transaction in items:
            if transaction is not None:
                details.append(transaction)
                if len(details) > refusals.BATCH_MAX:
                    most = refusals.BATCH_MAX
                    raise refused(
                        "BATCH_MAX", f"over {most} transactions in one entry: ask for parts", transaction.line
                    )
            if entry is not None:
                # Of a million entries most have these five texts alike.
                booking = self.bookings.get(entry[2:7]) or self._booking(entry)
                amount = moved(entry.amount, entry.currency, entry.line)
                parts = _parts(booking, amount, entry.currency, details) if len(details) > 1 else []
                self.tally.add(
                    booking.side, amount, entry.currency, booking.status == "booked", entry.line, len(parts) or 1
                )
                for side, part, one in parts:
                    yield self._given(entry, booking, side, part, one, one.line)
                if not parts:
                    one = _alike(details) if details else _NOTHING
                    yield self._given(entry, booking, booking.side, amount, one, entry.line)
                details.clear()
            elif name in KINDS:
                break
        # Again, for those who write balances and totals behind the entries.
        statement.head, declared = camt_head.read(
            self.kind, self.message, self.element, self.lines_before, self.head.currency
        )
        self.tally.check(declared)
        statement.ended = True

    def _booking(self, entry: Header) -> _Booking:
        """What is the same for all transactions of an entry. Raises FileRefused."""
        line = entry.line
        status = _STATUSES.get(entry.status) or self._status_refused(entry.status, line)
        on = entry.booked or entry.value
        if not on:
            raise refused("FIELD_MISSING", "an entry without booking and value date: correct the file", line)
        booked_on = day(on, line)
        if booked_on > self.latest and status == "booked":
            raise too_early(booked_on, line)
        reversal = _TRUTHS.get(entry.reversal)
        if reversal is None:
            raise refused("FIELD_UNKNOWN", f"RvslInd {entry.reversal[:20]!r}: write true or false", line)
        booking = _Booking(
            _SIDES.get(entry.side) or _side_refused(entry.side, line), status, booked_on,
            day(entry.value, line) if entry.value else None, reversal,
        )  # fmt: skip
        if len(self.bookings) < _BOOKINGS_KEPT:
            self.bookings[entry[2:7]] = booking
        return booking

    def _given(
        self, entry: Header, booking: _Booking, side: str, amount: int, one: Detail, line: int
    ) -> StatementEntry:
        """One entry as it is given on."""
        self.number += 1
        counterparty, account = self._other_side(one, debtor_first=(side == "C") is not booking.reversal)
        reference = one.end_to_end if one.end_to_end != _NONE else ""
        group = one.message or one.batch or entry.message or entry.batch
        if group == _NONE:
            group = ""
        bank_reference = one.servicer_ref or entry.servicer_ref
        # One look at all of them: they are nearly never too long.
        if len(reference) + len(group) + len(bank_reference) + len(account) > FIELD_MAX:
            for text in (reference, group, bank_reference, account):
                field(text, "a reference or account", line)
        text = prose(one.text)
        return StatementEntry(
            self.number, line, side, amount, entry.currency, booking.booked_on, booking.value_on, reference, group,
            bank_reference, counterparty, account, text or prose((entry.text,)), booking.status, booking.reversal,
        )  # fmt: skip

    def _other_side(self, one: Detail, debtor_first: bool) -> tuple[str, str]:
        """Who paid, of a credit, or was paid, of a debit; of a reversal, as in the payment that it takes back.

        The other party where that one is not said, or is this account itself (as some banks write returns).
        """
        own = self.head.account
        debtor, creditor = (one.debtor, one.debtor_account), (one.creditor, one.creditor_account)
        for name, account in (debtor, creditor) if debtor_first else (creditor, debtor):
            if (name or account) and account != own:
                return name[:FIELD_MAX], account
        return "", ""

    def _status_refused(self, status: str, line: int) -> str:
        if not status and self.kind == "camt.053":
            # A statement is of what is booked.
            return "booked"
        raise refused("FIELD_UNKNOWN", f"status {status[:20]!r}, not BOOK, PDNG, FUTR or INFO: correct the file", line)


def _side_refused(side: str, line: int) -> str:
    if not side:
        raise refused("FIELD_MISSING", "an entry without CdtDbtInd: correct the file", line)
    raise refused("FIELD_UNKNOWN", f"CdtDbtInd {side[:20]!r}, neither CRDT nor DBIT: correct the file", line)


def _parts(booking: _Booking, whole: int, currency: str, details: list[Detail]) -> list[tuple[str, int, Detail]]:
    """Side, amount and transaction of each of an entry's transactions; empty where they do not add up to it."""
    parts: list[tuple[str, int, Detail]] = []
    total = 0
    for one in details:
        side = booking.side if not one.side else _SIDES.get(one.side) or _side_refused(one.side, one.line)
        amount = minor_units(one.amount, currency, one.line) if one.amount and one.currency == currency else 0
        if not amount:
            return []
        total += amount if side == booking.side else -amount
        parts.append((side, amount, one))
    return parts if total == whole else []


def _alike(details: list[Detail]) -> Detail:
    """What all of an entry's transactions say alike: nothing of one is taken for all."""
    if len(details) == 1:
        return details[0]
    said = [set(values) for values in zip(*details, strict=True)]
    return Detail._make(
        values.pop() if len(values) == 1 else nothing for values, nothing in zip(said, _NOTHING, strict=True)
    )
