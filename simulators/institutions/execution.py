"""Executes a message's instructions at the bank, one by one: paid, or rejected with a reason.

Within one transaction of the caller's; a message is executed as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from kit.banks import lookup
from simulators.institutions.book import Book, Instruction
from simulators.institutions.faults import Fault
from simulators.institutions.lines import Truth

Account = tuple[str, str]

# ISO 20022 ExternalStatusReason1Code, and what our text adds.
REASONS = {
    "AC01": "the creditor's account number is not one",
    "AC02": "the debtor's account is not kept here",
    "AC04": "the account is closed",
    "AM01": "an amount of zero, or of a part of a đồng, or too large",
    "AM03": "accounts here are in VND",
    "AM04": "not enough money on the account",
    "AM05": "this end-to-end id was paid before",
    "BE04": "the creditor's name and address are missing or wrong",
    "RC01": "no bank has this BIN",
}


class Execution:
    """One message's. `notice` numbers the notification that its bookings go into; `day` is the bank's day."""

    def __init__(self, book: Book, message: int, notice: int, day: date, due_ms: int) -> None:
        self._book = book
        self._message = message
        self._notice = notice
        self._day = day
        self._due_ms = due_ms
        self._balances: dict[Account, int] = {}
        self._names: dict[Account, str] = {}
        # Both accounts of a pacs.009 are here.
        self._between_institutions = book.message_at(message).kind.startswith("pacs.009")

    def run(self, struck: Mapping[int, Fault]) -> list[Truth]:
        """Executes what is noted of the message. `struck`: faults by the instructions' numbers; what they did.

        An instruction that is rejected anyway is neither returned nor delayed.
        """
        truths = []
        for one in self._book.instructions(self._message):
            fault = struck.get(one.row)
            reason = self._rejected(one, fault)
            if fault is not None and (fault.kind == "rejected" or not reason):
                paid = (one.amount,) if not reason else ()
                truths.append(Truth(fault, (one.end_to_end_id,), one.amount, paid))
            if reason:
                self._book.set_outcome(one.row, "RJCT", reason, REASONS.get(reason, "rejected"), "")
            else:
                self._pay(one, fault)
        self._book.set_balances(self._balances, self._names)
        return truths

    def _rejected(self, one: Instruction, fault: Fault | None) -> str:
        """Why an instruction is not executed, "" where it is."""
        if fault is not None and fault.kind == "rejected":
            return fault.why(one.end_to_end_id)
        if one.currency != "VND":
            return "AM03"
        if one.amount <= 0:
            return "AM01"
        if not one.end_to_end_id or self._book.is_paid(one.end_to_end_id):
            return "AM05"
        debtor, creditor = self._debtor(one), self._creditor(one)
        if debtor is None:
            return "AC02"
        if isinstance(creditor, str):
            return creditor
        return "AM04" if self._balance(debtor) < one.amount else ""

    def _pay(self, one: Instruction, fault: Fault | None) -> None:
        debtor, creditor = self._debtor(one), self._creditor(one)
        assert debtor is not None, "what was not rejected has a debtor"
        assert not isinstance(creditor, str), "what was not rejected has a creditor"
        delayed = fault is not None and fault.kind == "delayed"
        day = self._day + timedelta(days=fault.days) if fault is not None and delayed else self._day
        # What is booked later is not in today's notification.
        notice = 0 if delayed else self._notice
        self._balances[debtor] = self._balance(debtor) - one.amount
        self._balances[creditor] = self._balance(creditor) + one.amount
        self._names.setdefault(creditor, one.creditor_name)
        reference = self._book.book(one.row, debtor, creditor, one.amount, day.isoformat(), notice)
        self._book.set_outcome(one.row, "ACSP" if delayed else "ACSC", "", "", reference)
        if fault is not None and fault.kind == "returned":
            self._book.db.execute(
                "INSERT INTO returns VALUES (?, ?, ?, 0)",
                (one.row, self._due_ms, fault.why(one.end_to_end_id)),
            )

    def _debtor(self, one: Instruction) -> Account | None:
        """An institution that gives no account of its own is known by its name."""
        own = (self._book.bank, one.debtor_account or self._book.account_of(one.debtor_member))
        return own if own in self._balances or self._book.account(*own) is not None else None

    def _creditor(self, one: Instruction) -> Account | str:
        """The account to be paid, or why there is none. Those at other banks are believed, as in life."""
        bank = self._book.bank
        if self._between_institutions:
            own = (bank, one.creditor_account or self._book.account_of(one.creditor_member))
            return own if own in self._balances or self._book.account(*own) is not None else "AC01"
        if not one.creditor_account.isalnum():
            return "AC01"
        return (one.creditor_agent, one.creditor_account) if lookup(one.creditor_agent) is not None else "RC01"

    def _balance(self, account: Account) -> int:
        if account not in self._balances:
            self._balances[account] = self._book.account(*account) or 0
        return self._balances[account]
