"""CSV statements by a mapping, row by row: what a telecom's record is, and what a bank's web page exports.

A file is one statement. Its last row may declare its number and sums of entries; a column of balances is followed from
row to row, whichever way the rows go.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from kit.clock import VIETNAM
from services.settlement.intake.lines import lines_of
from services.settlement.intake.mapping import Mapping, folded
from services.settlement.intake.refusals import FIELD_MAX, refused
from services.settlement.intake.statement import Declared, Statement, Tally
from services.settlement.intake.values import day, field, latest, minor_units, our_id_in, point, prose, too_early
from services.settlement.records import StatementEntry, StatementHead

# What a spreadsheet runs when somebody opens the file: a sign may begin a number or a sentence, but no call or link.
_FORMULA = re.compile(r"\s*(?:[=@]|[+-](?=.*(?:\||!\w|\w\()))|[\t\r]", re.DOTALL)


def statements(path: Path, today: date, mapping: Mapping) -> Iterator[Statement]:
    """The file's one statement. Raises FileRefused."""
    # A file is named for what it holds: CSV itself has no message id.
    head = StatementHead(
        "csv", mapping.message_id or path.stem, "", field(mapping.account, "account", 0), mapping.currency, None, None,
        None, None, None, None, None, None,
    )  # fmt: skip
    statement = Statement(head, iter(()))
    statement.entries = _Rows(mapping, today, statement).entries(path)
    yield statement


class _Rows:
    """One file while it is read."""

    def __init__(self, mapping: Mapping, today: date, statement: Statement) -> None:
        self.mapping = mapping
        self.statement = statement
        self.latest = latest(today)
        self.tally = Tally(mapping.currency, 0)
        self.declared = Declared()
        self.balances = _Balances()
        self.columns: dict[str, int] = {}
        self.width = 0
        self.sides = {folded(word): side for word, side in mapping.sides.items()}
        mark = re.escape(mapping.thousands)
        whole = rf"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]+" if mark else "[0-9]+"
        self.amount = re.compile(rf"([+-]?)({whole})(?:{re.escape(mapping.decimal)}([0-9]*))?", re.ASCII)
        self.days: dict[str, date] = {}

    def entries(self, path: Path) -> Iterator[StatementEntry]:
        number, footed = 0, False
        for line, row in _rows(path, self.mapping):
            if not any(row):
                continue
            if not self.width:
                self._head(row, line)
                continue
            if footed:
                raise refused("COLUMNS", "a row behind the last: correct the file", line)
            if self._is_footer(row, line):
                footed = True
                continue
            if len(row) != self.width:
                raise refused("COLUMNS", f"{len(row)} columns, the header has {self.width}: correct the file", line)
            number += 1
            yield self._entry(number, line, row)
        if not self.width:
            raise refused("COLUMNS", f"no header with {', '.join(self.mapping.columns.values())}: see its mapping")
        if self.mapping.footer and self.mapping.footer.required and not footed:
            raise refused("FIELD_MISSING", f"no last row {self.mapping.footer.words[0]!r}: send the whole file", line)
        self._end()

    def _head(self, row: list[str], line: int) -> None:
        found = self.mapping.positions(row)
        if found is not None:
            self.columns, self.width = found, len(row)
        elif line >= self.mapping.header_within:
            missing = [name for name in self.mapping.columns.values() if folded(name) not in set(map(folded, row))]
            raise refused("COLUMNS", f"the header has no {', '.join(missing)}: use the mapping that fits", line)

    def _is_footer(self, row: list[str], line: int) -> bool:
        footer = self.mapping.footer
        if footer is None or folded(row[0]) not in map(folded, footer.words):
            return False
        places = [place for place in (footer.entries, footer.debits, footer.credits) if place is not None]
        if len(row) <= max(places, default=0):
            raise refused("COLUMNS", f"a last row of {len(row)} columns: correct the file", line)
        self.declared.line = line
        if footer.entries is not None:
            self.declared.entries = self._money(row[footer.entries], "VND", line)
        if footer.debits is not None:
            self.declared.debits = self._money(row[footer.debits], self.mapping.currency, line)
        if footer.credits is not None:
            self.declared.credits = self._money(row[footer.credits], self.mapping.currency, line)
        return True

    def _entry(self, number: int, line: int, row: list[str]) -> StatementEntry:
        for cell in row:
            if _FORMULA.match(cell):
                raise refused("FORMULA", f"{cell[:40]!r} is a formula: send plain text", line)
        columns = self.columns
        said = {name: row[index].strip() for name, index in columns.items()}
        currency = said.get("currency") or self.mapping.currency
        side, amount = self._movement(said, currency, line)
        booked_on = self._day(said["booked_on"], line)
        if booked_on > self.latest:
            raise too_early(booked_on, line)
        self.tally.add(side, amount, currency, True, line)
        if "balance" in said:
            balance = self._money(said["balance"], currency, line, signed=True)
            self.balances.follow(amount if side == "C" else -amount, balance, line)
        text = prose([said.get("text", "")])
        reference = said.get("reference", "")
        if not reference and self.mapping.reference_in_text:
            reference = our_id_in(text)
        return StatementEntry(
            number, line, side, amount, currency, booked_on,
            self._day(said["value_on"], line) if said.get("value_on") else None,
            field(reference, "reference", line), field(said.get("group", ""), "group", line),
            field(said.get("bank_reference", ""), "bank reference", line), said.get("counterparty", "")[:FIELD_MAX],
            field(said.get("counterparty_account", ""), "account", line), text,
        )  # fmt: skip

    def _movement(self, said: dict[str, str], currency: str, line: int) -> tuple[str, int]:
        """Side and amount of a row."""
        if "debit" in said:
            debit = self._money(said["debit"] or "0", currency, line)
            credit = self._money(said["credit"] or "0", currency, line)
            if bool(debit) == bool(credit):
                raise refused("AMOUNT", "a row has a debit or a credit, and not both: correct the file", line)
            return ("D", debit) if debit else ("C", credit)
        amount = self._money(said["amount"], currency, line, signed="side" not in said)
        if not amount:
            raise refused("AMOUNT", "an entry of 0 moves nothing: take it out or correct it", line)
        if "side" not in said:
            return ("C", amount) if amount > 0 else ("D", -amount)
        side = self.sides.get(folded(said["side"]))
        if side is None:
            raise refused("FIELD_UNKNOWN", f"side {said['side'][:20]!r}: write {', '.join(self.mapping.sides)}", line)
        return side, amount

    def _money(self, cell: str, currency: str, line: int, signed: bool = False) -> int:
        """Minor units of a cell."""
        match = self.amount.fullmatch(cell.strip())
        if not match or (match[1] and not signed):
            raise refused("AMOUNT", f"{cell[:40]!r} is no amount: correct the file", line)
        whole = match[2].replace(self.mapping.thousands, "") if self.mapping.thousands else match[2]
        amount = minor_units(point(f"{whole}.{match[3]}", currency, line) if match[3] else whole, currency, line)
        return -amount if match[1] == "-" else amount

    def _day(self, cell: str, line: int) -> date:
        """Vietnam's day of a cell."""
        found = self.days.get(cell)
        if found is None:
            found = self._parse_day(cell, line)
            if len(self.days) < 4_096:
                self.days[cell] = found
        return found

    def _parse_day(self, cell: str, line: int) -> date:
        for form in self.mapping.dates:
            if form == "iso":
                return day(cell, line)
            try:
                moment = datetime.strptime(cell, form)
            except ValueError:
                continue
            return (moment if moment.tzinfo is None else moment.astimezone(VIETNAM)).date()
        raise refused("DATE", f"{cell[:40]!r} is no date: write it as {' or '.join(self.mapping.dates)}", line)

    def _end(self) -> None:
        declared, statement = self.declared, self.statement
        declared.opening, declared.closing = self.balances.edges()
        self.tally.check(declared)
        head = statement.head
        statement.head = StatementHead(
            head.kind, head.message_id, head.statement_id, head.account, head.currency, None, None, None,
            declared.opening, declared.closing, declared.entries, declared.credits, declared.debits,
        )  # fmt: skip
        statement.ended = True


class _Balances:
    """Follows a column of balances, oldest row first or newest first: the rows tell."""

    def __init__(self) -> None:
        self.first: tuple[int, int] | None = None
        self.last = (0, 0)
        self.down = self.up = True

    def follow(self, moved: int, balance: int, line: int) -> None:
        """One row more. Raises FileRefused BALANCE where it follows from the row before in neither way."""
        if self.first is None:
            self.first = (moved, balance)
        else:
            before_moved, before = self.last
            self.down = self.down and before + moved == balance
            self.up = self.up and balance + before_moved == before
            if not self.down and not self.up:
                raise refused("BALANCE", f"balance {balance} does not follow from {before}: ask for it anew", line)
        self.last = (moved, balance)

    def edges(self) -> tuple[int | None, int | None]:
        """Opening and closing balance."""
        if self.first is None:
            return None, None
        oldest, newest = (self.first, self.last) if self.down else (self.last, self.first)
        return oldest[1] - oldest[0], newest[1]


def _rows(path: Path, mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row."""
    with path.open("r", encoding=mapping.encoding, newline="") as source:
        reader = csv.reader(lines_of(source), delimiter=mapping.delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise refused("CSV_BROKEN", f"{error}: correct the quotes", line) from error
            yield line, row
