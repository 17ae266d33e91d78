"""MT940 and MT942, field by field in a stream.

Read here and not by the library mt-940, which takes a whole statement into memory (a busy account's day is one
statement), does not say on which line something is, and passes over lines that it does not know; the tests read the
same files with it and compare. Written from SWIFT's field formats: `:61:` is 6!n[4!n]2a[1!a]15d1!a3!c16x[//16x][34x].
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from kit.clock import VIETNAM
from services.settlement.intake.lines import lines_of
from services.settlement.intake.mt_details import Details, read_details
from services.settlement.intake.refusals import refused
from services.settlement.intake.statement import Declared, Statement, Tally
from services.settlement.intake.values import field, latest, minor_units, moved, point, too_early
from services.settlement.records import VND, StatementEntry, StatementHead

_FIELD = re.compile(r":([0-9]{2}[A-Z]?):(.*)", re.ASCII)
# An amount ends where no more of a number follows: "1.000,00" or 16 digits are none, and not their first part.
_LINE = re.compile(
    r"(\d{6})(\d{4}|\s{4})?(R?[CD]|E[CD])([A-Z])?\s?(\d{1,15}(?:[,.]\d{0,14})?)(?![\d,.])([A-Z][A-Z0-9 ]{3})?(.*)",
    re.ASCII,
)
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})(\d{1,15}(?:[,.]\d{0,14})?)\s*", re.ASCII)
_SUM = re.compile(r"(\d{1,15})([A-Z]{3})(\d{1,15}(?:[,.]\d{0,14})?)\s*", re.ASCII)
_FLOOR = re.compile(r"([A-Z]{3})[CD ]?[0-9,.]+\s*", re.ASCII)
_MADE_AT = re.compile(r"(\d{10})(?:([+-])(\d\d)(\d\d))?\s*", re.ASCII)
# Dates of booking and value that are this far apart are on two sides of a new year.
_HALF_A_YEAR = 183
# Lines of one field: :86: has 6 by the standard, banks write more.
FIELD_LINES_MAX = 60


class Field(NamedTuple):
    """A tag with its lines; the tag "" ends a statement."""

    tag: str
    lines: list[str]
    line: int


def statements(path: Path, today: date) -> Iterator[Statement]:
    """The file's statements, one after the other. Raises FileRefused."""
    fields = _fields(path)
    given = read = 0
    for first in fields:
        if first.tag != "20":
            if first.tag:
                raise refused("MT_BROKEN", f":{first.tag}: before :20: correct the file", first.line)
            continue
        reading = _Reading(first, today, given)
        if not reading.read_head(fields):
            raise refused("FIELD_MISSING", "it ends in a statement's head: send the whole file", first.line)
        statement = Statement(reading.head(), iter(()))
        statement.entries = reading.entries(fields, statement)
        yield statement
        read += 1
        given += reading.tally.given
    if not read:
        raise refused("FIELD_MISSING", "no statement in it: send one")


def _fields(path: Path) -> Iterator[Field]:
    """The file's fields, with an end mark where a statement ends. SWIFT's outer blocks are passed over."""
    with path.open("r", encoding=_encoding(path), newline="") as source:
        current: Field | None = None
        number = 0
        for number, raw in enumerate(lines_of(source), 1):
            line = raw.rstrip("\r\n")
            match = _FIELD.match(line)
            if match:
                if current is not None:
                    yield current
                    if match[1] == "20":
                        yield Field("", [], number)
                current = Field(match[1], [match[2]], number)
            elif line in ("-", "-}") or line.startswith(("-}", "{1:")):
                if current is not None:
                    yield current
                    yield Field("", [], number)
                current = None
            elif current is None:
                # Before the first field: a bank's own first lines, and blocks.
                continue
            elif line.strip() or current.tag == "86":
                if len(current.lines) >= FIELD_LINES_MAX:
                    raise refused("MT_BROKEN", f":{current.tag}: has over {FIELD_LINES_MAX} lines: correct it", number)
                current.lines.append(line)
        if current is not None:
            yield current
            yield Field("", [], number)


def _encoding(path: Path) -> str:
    with path.open("rb") as source:
        return "utf-16" if source.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


class _Reading:
    """One statement while it is read."""

    def __init__(self, first: Field, today: date, before: int) -> None:
        self.line = first.line
        self.message_id = field(first.lines[0].strip(), ":20:", first.line)
        self.latest = latest(today)
        self.before = before
        self.account = self.number = self.currency = self.kind = ""
        self.created: datetime | None = None
        self.days: list[date] = []
        self.declared = Declared(line=first.line)
        self.closed = False
        # The first field behind the head.
        self.next: Field | None = None

    def read_head(self, fields: Iterator[Field]) -> bool:
        """Reads up to the first entry, or to the end of a statement without one. False: the file is cut off."""
        for one in fields:
            if one.tag in ("61", "86", "", "62F", "62M", "90D", "90C"):
                self.next = one
                break
            self._take(one)
        if self.next is None or not (self.kind or self.next.tag):
            return False
        if not self.account:
            raise refused("FIELD_MISSING", "no account (:25:): correct the file", self.line)
        if self.next.tag in ("62F", "62M", "90D", "90C") and not self.currency:
            self._take(self.next)
        self.kind = self.kind or "mt942"
        self.currency = self.currency or VND
        self.tally = Tally(self.currency, self.before)
        return True

    def _take(self, one: Field) -> None:
        """A field of the head, or of the end."""
        tag, text, line = one.tag, one.lines[0].strip(), one.line
        if tag in ("25", "25P"):
            # [bank/]account; what follows on a second line is the bank.
            self.account = field(text.rpartition("/")[2], ":25:", line)
        elif tag in ("28", "28C"):
            self.number = field(text, ":28C:", line)
        elif tag in ("60F", "60M"):
            self.kind = "mt940"
            self.declared.opening = self._balance(text, line)
        elif tag in ("62F", "62M"):
            self.kind = "mt940"
            self.declared.closing = self._balance(text, line)
            self.declared.line = line
            self.closed = True
        elif tag in ("34F", "13D", "13"):
            self.kind = self.kind or "mt942"
            if tag == "34F":
                match = _FLOOR.fullmatch(text)
                self.currency = self.currency or (match[1] if match else "")
            else:
                self.created = _made_at(text, line)
        elif tag in ("90D", "90C"):
            self._sum(tag, text, line)

    def _balance(self, text: str, line: int) -> int:
        match = _BALANCE.fullmatch(text)
        if not match:
            raise refused("MT_BROKEN", f"balance {text[:40]!r}: write D or C, YYMMDD, currency, amount", line)
        if self.currency and self.currency != match[3]:
            raise refused("MT_BROKEN", f"a balance in {match[3]} of an account in {self.currency}: correct it", line)
        self.currency = match[3]
        self.days.append(_day(match[2], line))
        amount = minor_units(point(match[4], match[3], line), match[3], line, "balance")
        return amount if match[1] == "C" else -amount

    def _sum(self, tag: str, text: str, line: int) -> None:
        match = _SUM.fullmatch(text)
        if not match:
            raise refused("MT_BROKEN", f":{tag}: {text[:40]!r}: write number, currency, amount", line)
        self.currency = self.currency or match[2]
        amount = minor_units(point(match[3], match[2], line), match[2], line, "sum")
        self.declared.line = line
        if tag == "90D":
            self.declared.debit_entries, self.declared.debits = int(match[1]), amount
        else:
            self.declared.credit_entries, self.declared.credits = int(match[1]), amount

    def head(self) -> StatementHead:
        """What is known so far."""
        said = self.declared
        return StatementHead(
            self.kind, self.message_id, self.number, self.account, self.currency, self.created,
            min(self.days, default=None), max(self.days, default=None), said.opening, said.closing,
            said.entries_of_both, said.credits, said.debits,
        )  # fmt: skip

    def entries(self, fields: Iterator[Field], statement: Statement) -> Iterator[StatementEntry]:
        """Reads up to the statement's end, and checks there what it declares."""
        booking: Field | None = None
        number, one = 0, self.next
        while one is not None:
            details = one if one.tag == "86" and booking is not None and not self.closed else None
            if booking is not None:
                number += 1
                yield self._entry(number, booking, read_details(details.lines if details else []))
                booking = None
            if one.tag == "61":
                if self.closed:
                    raise refused("MT_BROKEN", ":61: behind the closing balance: correct the file", one.line)
                booking = one
            elif not one.tag:
                break
            elif details is None:
                self._take(one)
            one = next(fields, None)
        if self.kind == "mt940" and not self.closed:
            raise refused("FIELD_MISSING", "no closing balance (:62F:): send the whole file", one.line if one else 0)
        statement.head = self.head()
        self.tally.check(self.declared)
        statement.ended = True

    def _entry(self, number: int, booking: Field, details: Details) -> StatementEntry:
        line = booking.line
        match = _LINE.fullmatch(booking.lines[0].strip())
        if not match:
            raise refused("MT_BROKEN", f":61:{booking.lines[0][:60]} is no statement line: correct the file", line)
        valued, booked, mark, _, amount, _, references = match.groups()
        value_on = _day(valued, line)
        booked_on = _booked(booked, value_on, line) if booked and booked.strip() else value_on
        reversal, pending = mark[0] == "R", mark[0] == "E"
        # A reversed credit leaves the account.
        side = {"C": "D", "D": "C"}[mark[1]] if reversal else mark[-1]
        if not pending and booked_on > self.latest:
            raise too_early(booked_on, line)
        money = moved(point(amount, self.currency, line), self.currency, line)
        self.tally.add(side, money, self.currency, not pending, line)
        own, _, bank_reference = (part.strip() for part in references.partition("//"))
        own = "" if own == "NONREF" else own
        # :61: has room for 16 characters of it.
        reference = details.reference or own
        group = details.group or (own if own and not reference.startswith(own) else "")
        text = details.text or " ".join(extra.strip() for extra in booking.lines[1:])
        return StatementEntry(
            number, line, side, money, self.currency, booked_on, value_on, field(reference, "reference", line),
            field(group, "reference", line), field(bank_reference, "bank reference", line), details.name,
            field(details.account, "account", line), text, "pending" if pending else "booked", reversal,
        )  # fmt: skip


def _day(text: str, line: int) -> date:
    """YYMMDD, of this century."""
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise refused("DATE", f"{text!r} is no date: correct the file", line) from None


def _booked(text: str, value_on: date, line: int) -> date:
    """MMDD in the year that is nearest to the value date."""
    for year in (value_on.year, value_on.year - 1, value_on.year + 1):
        try:
            found = date(year, int(text[:2]), int(text[2:]))
        except ValueError:
            continue
        if abs((found - value_on).days) <= _HALF_A_YEAR:
            return found
    raise refused("DATE", f"{text!r} is no booking date beside {value_on}: correct the file", line)


def _made_at(text: str, line: int) -> datetime:
    """:13D:, YYMMDDhhmm with an offset; without, Vietnam's time."""
    match = _MADE_AT.fullmatch(text)
    try:
        made_at = datetime.strptime("20" + match[1], "%Y%m%d%H%M") if match else None
    except ValueError:
        made_at = None
    if match is None or made_at is None or int(match[3] or 0) > 14 or int(match[4] or 0) > 59:
        raise refused("DATE", f":13D: {text[:40]!r} is no date and time: correct the file", line)
    if not match[2]:
        return made_at.replace(tzinfo=VIETNAM)
    offset = timedelta(hours=int(match[3]), minutes=int(match[4]))
    return made_at.replace(tzinfo=timezone(-offset if match[2] == "-" else offset))
