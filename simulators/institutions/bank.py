"""The settlement bank: reads payments, executes each once, answers, and tells what it booked.

    bank = Bank(home)
    bank.tick(now)                         # whatever waits, and what has become due
    bank.tick(now, day_end=date(...))      # and the statement of that day, and of days before it that are open

Its customers are CUSTOMERS, and those of `<home>/exchange/<BIN>/accounts.json`, a list of {"account", "owner", "name",
"balance"} which is read instead where it is there: an account is opened once, with that balance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kit.clock import VIETNAM
from simulators.institutions import iso_camt, iso_status, packs
from simulators.institutions.book import Book, Customer, Message
from simulators.institutions.days import close_day, statement
from simulators.institutions.desk import Desk, Did, ms_of
from simulators.institutions.exchange import Given, read_whole, sha256_of
from simulators.institutions.execution import Execution
from simulators.institutions.faults import INSTRUCTION_KINDS, Fault
from simulators.institutions.iso_in import Reading, Unreadable
from simulators.institutions.store import Outgoing

BANK = "970418"
SCHEME = "PLATFORM"
CUSTOMERS = (
    Customer("99990000000001", SCHEME, "Chợ 4.0", 5_000_000_000),
    Customer("99990000000101", "VIETTEL", "Viettel Money", 10_000_000_000_000),
    Customer("99990000000102", "VNPT", "VNPT Money", 10_000_000_000_000),
    Customer("99990000000103", "MOBIFONE", "MobiFone Money", 10_000_000_000_000),
    Customer("99990000000104", "STRIPE", "Stripe", 10_000_000_000_000),
)
_WANTED = re.compile(rf"(pain\.001|pacs\.008|pacs\.009)\.[A-Za-z0-9._-]+\.xml|{packs.MANIFEST}")
_CUSTOMERS = TypeAdapter(list[Customer])
_ACCOUNTS_BYTES_MAX = 1 << 20


class AccountsBroken(ValueError):
    """`accounts.json` is not what it should be: correct it."""


class Bank(Desk):
    """One bank on its exchange folder, with its book in `<home>/simulators/bank.sqlite3`."""

    usual_file = "camt.053.*"

    def __init__(self, home: Path, bin_: str = BANK) -> None:
        self.book = Book(home / "simulators" / "bank.sqlite3", bin_)
        super().__init__(home, bin_, self.book, _WANTED)
        # The day on which all days before it were found closed: nothing is booked on those any more.
        self._closed_before = ""

    # ---------------------------------------------------------------- what it does

    def work(self, now: datetime, day_end: date | None) -> Iterator[Did]:
        """Messages, then returns, then days that are over. Raises AccountsBroken, FaultsBroken."""
        if not self.book.has_accounts():
            self._open_accounts()
        yield from self.take_new(self._take, now)
        yield from self._returns(now)
        yield from self._days(now, day_end)

    def pieces(self, outgoing: Outgoing) -> Iterator[bytes]:
        """A file that is owed, from what is in the book."""
        body = outgoing.body
        if outgoing.kind == "status":
            return self._status(body)
        customer = self.book.customer(body["account"])
        account = iso_camt.Account(customer.account, customer.name, self.institution)
        if outgoing.kind == "statement":
            return statement(self.book, account, body)
        assert outgoing.kind == "notice", f"{outgoing.kind} is nothing that a bank owes"
        return iso_camt.notification(
            body["message_id"], body["number"], body["at"], account,
            self.book.totals(account.number, notice=body["number"]),
            self.book.entries(account.number, notice=body["number"]),
        )  # fmt: skip

    # ---------------------------------------------------------------- messages

    def _take(self, given: Given, now: datetime) -> Did:
        if given.name.startswith("manifest."):
            pack, reason = packs.take(given, self.folders, self.home, now, lambda ack: self.owe_ack(ack, now))
            return Did(self.institution, "refused" if pack is None else "acknowledged", given.name, reason)
        sha256 = sha256_of(given.path)
        self._open_accounts()
        # A message is taken whole or not at all: what is noted of one that turns out unreadable is taken back.
        self.book.db.execute("SAVEPOINT message")
        try:
            did, reason = self._execute(given, sha256, now), ""
        except Unreadable as error:
            self.book.db.execute("ROLLBACK TO message")
            did, reason = Did(self.institution, "refused", given.name, str(error)), f"FF01: {error}"
        self.book.db.execute("RELEASE message")
        self.owe_ack(packs.acknowledgement(given.name, sha256, now, reason), now)
        return did

    def _execute(self, given: Given, sha256: str, now: datetime) -> Did:
        reading, row = Reading(given.path), self.book.next_message()
        transfers = reading.transfers()
        first = next(transfers)
        head = reading.head
        assert head is not None, "the head comes before the transfers"
        before = self.book.message(head.kind, head.message_id)
        if before is not None:
            return self._again(given, before, sha256, now)
        self.book.add_instructions(row, (one for part in ((first,), transfers) for one in part))
        self.book.add_message(row, head, sha256, given.name, ms_of(now), reading.count)
        if reading.count != head.count:
            self.book.set_status(row, "RJCT", "AM18", f"it says {head.count} transfers and has {reading.count}")
        elif head.total is not None and reading.total != head.total:
            self.book.set_status(row, "RJCT", "AM10", f"it says {head.total} in all and has {reading.total}")
        else:
            self._pay(row, given.name, now)
        message = self.book.message_at(row)
        self._owe_status(message, now)
        counts = self.book.statuses(row)
        detail = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()) if status)
        return Did(self.institution, "executed" if detail else "rejected", given.name, detail or message.reason_text)

    def _again(self, given: Given, before: Message, sha256: str, now: datetime) -> Did:
        """Nothing is executed: the same message is answered as the first time, another body is rejected."""
        if before.sha256 == sha256:
            self._owe_status(before, now, note="a duplicate: nothing was executed again")
            return Did(self.institution, "duplicate", given.name, "answered again, not executed")
        self._owe_status(before, now, rejects="another message has this id: nothing of this one was executed")
        return Did(self.institution, "rejected", given.name, "AM05: another body under the same message id")

    def _pay(self, message: int, file: str, now: datetime) -> None:
        notice = self.book.number("notice")
        instructions = [(one.row, one.end_to_end_id) for one in self.book.instructions(message)]
        execution = Execution(self.book, message, notice, self._today(now), ms_of(now) + 1)
        self.note_faults(execution.run(self._struck(instructions, file)), file, now)
        counts = self.book.statuses(message)
        status = next(iter(counts)) if len(counts) == 1 else ("PART" if "RJCT" in counts else "ACSP")
        self.book.set_status(message, status)
        self._owe_notice(notice, now)

    def _struck(self, instructions: list[tuple[int, str]], file: str) -> dict[int, Fault]:
        """Faults by the instructions that they strike: each one once, those that name one first."""
        left = [fault for fault in self.faults_left(INSTRUCTION_KINDS) if fault.is_on(file, "*")]
        struck: dict[int, Fault] = {}
        for fault in sorted(left, key=lambda fault: not fault.reference):
            free = [row for row, name in instructions if row not in struck and fault.reference in ("", name)]
            chosen = (
                free[:1] if fault.reference else fault.random().sample(free, min(len(free), self.times_left(fault)))
            )
            struck |= dict.fromkeys(chosen, fault)
        return struck

    # ---------------------------------------------------------------- returns and days

    def _returns(self, now: datetime) -> Iterator[Did]:
        due = self.book.due_returns(ms_of(now))
        if not due:
            return
        with self.book.transaction():
            day, notice = self._today(now).isoformat(), self.book.number("notice")
            for instruction, reason in due:
                self.book.give_back(instruction, day, notice, reason)
            self._owe_notice(notice, now)
        yield Did(self.institution, "returned", "", f"{len(due)} payments came back")

    def _days(self, now: datetime, day_end: date | None) -> Iterator[Did]:
        """Days that are over and have bookings; and `day_end`, whatever it has."""
        today = now.astimezone(VIETNAM).date().isoformat()
        if day_end is None and self._closed_before == today:
            return
        days = {day for day in self.book.open_days(today) if day < today}
        if day_end is not None and day_end.isoformat() > self.book.closed_day():
            days |= {*self.book.open_days(day_end.isoformat()), day_end.isoformat()}
        account = self.book.customer(self.book.account_of(SCHEME))
        for day in sorted(days):
            with self.book.transaction():
                name = close_day(self, self.book, account, day, now)
            yield Did(self.institution, "closed", name, day)
        self._closed_before = today

    def _today(self, now: datetime) -> date:
        """The bank's day: Vietnam's, or the one after the last that has its statement."""
        today, closed = now.astimezone(VIETNAM).date(), self.book.closed_day()
        if closed and today <= date.fromisoformat(closed):
            return date.fromordinal(date.fromisoformat(closed).toordinal() + 1)
        return today

    # ---------------------------------------------------------------- answers

    def _owe_status(self, message: Message, now: datetime, note: str = "", rejects: str = "") -> None:
        number = self.book.number("status")
        answer_id = f"{self.institution}-S{number:08d}"
        body = {
            "message_id": answer_id, "message": message.row, "at": self.at(now), "note": note, "rejects": rejects,
        }  # fmt: skip
        self.owe(f"{iso_status.name_of(message.kind)}.{answer_id}.xml", "status", body, now)

    def _owe_notice(self, notice: int, now: datetime) -> None:
        account = self.book.account_of(SCHEME)
        if not self.book.totals(account, notice=notice).entries:
            return
        message_id = f"{self.institution}-N{notice:08d}"
        body = {"message_id": message_id, "number": notice, "account": account, "at": self.at(now)}
        self.owe(f"camt.054.{message_id}.xml", "notice", body, now)

    def _status(self, body: dict[str, Any]) -> Iterator[bytes]:
        message = self.book.message_at(body["message"])
        status, reason, text = message.status, message.reason, message.reason_text
        if body["rejects"]:
            status, reason, text = "RJCT", "AM05", body["rejects"]
        elif body["note"]:
            reason, text = reason or "AM05", body["note"]
        report = iso_status.Report(
            body["message_id"], body["at"], message.kind, message.message_id, message.count, status, reason, text
        )
        # A group that was rejected as a whole has no statuses of its transfers.
        whole = bool(body["rejects"]) or not any(self.book.statuses(message.row))
        return iso_status.pieces(report, iter(()) if whole else self._status_lines(message.row))

    def _status_lines(self, message: int) -> Iterator[iso_status.Line]:
        for one in self.book.instructions(message):
            yield iso_status.Line(
                one.payment_id, one.instruction_id, one.end_to_end_id, one.transaction_id, one.status, one.reason,
                one.reason_text, one.bank_reference,
            )  # fmt: skip

    # ---------------------------------------------------------------- accounts

    def _open_accounts(self) -> None:
        path = self.folders.root / "accounts.json"
        try:
            customers = _CUSTOMERS.validate_json(read_whole(path, _ACCOUNTS_BYTES_MAX))
        except FileNotFoundError:
            customers = [] if self.book.has_accounts() else list(CUSTOMERS)
        except ValueError as error:
            raise AccountsBroken(f"{path.name} of {self.institution}: {error}: correct it") from error
        self.book.open_accounts(customers)
