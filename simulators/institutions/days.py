"""The bank's day end: one camt.053 of an account, with whatever is to be shown wrongly in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from simulators.institutions import iso_camt
from simulators.institutions.book import Book, Customer
from simulators.institutions.desk import Desk
from simulators.institutions.faults import LINE_KINDS
from simulators.institutions.iso_camt import Account, Balances, Entry, Totals
from simulators.institutions.lines import Line, Plan, plan


def close_day(desk: Desk, book: Book, account: Customer, day: str, now: datetime) -> str:
    """Closes a day for an account and owes its statement; the file's name. Nothing is booked on that day any more.

    The statement agrees with itself whatever it shows wrongly, and with the one before it: only "wrong_total" does not.
    """
    message_id = f"{book.bank}-D{day.replace('-', '')}"
    name = f"camt.053.{message_id}.xml"
    lines = book.lines(account.account, day)
    # The first of a reference: what came back has two lines.
    where = {lines[index].reference: index for index in reversed(range(len(lines)))}

    def find(references: Sequence[str]) -> Mapping[str, int]:
        return {reference: where[reference] for reference in references if reference in where}

    def lines_at(indexes: Iterable[int]) -> Mapping[int, Line]:
        return {index: lines[index] for index in indexes}

    faults = desk.faults_left(LINE_KINDS, name)
    made, truths = plan(faults, book.used(desk.institution), len(lines), find, lines_at)
    desk.note_faults(truths, name, now)
    before = book.last_closing(account.account)
    opening = account.balance if before is None else before
    closing = opening + _moved(book.totals(account.account, day=day), made)
    number = book.number(f"statement {account.account}")
    book.add_statement(account.account, day, closing)
    body = {
        "message_id": message_id, "number": number, "at": desk.at(now), "account": account.account, "day": day,
        "opening": opening, "plan": made.as_json(),
    }  # fmt: skip
    desk.owe(name, "statement", body, now)
    return name


def statement(book: Book, account: Account, body: Mapping[str, Any]) -> Iterator[bytes]:
    """The statement's file, from what was owed."""
    made, day = Plan.from_json(body["plan"]), body["day"]
    true = book.totals(account.number, day=day)
    balances = Balances(day, body["opening"], body["opening"] + _moved(true, made))
    entries = _shown(book.entries(account.number, day=day), made, day)
    return iso_camt.statement(
        body["message_id"], body["number"], body["at"], account, balances, _declared(true, made), entries
    )


def _moved(true: Totals, made: Plan) -> int:
    """What the entries that are shown move on the account, đồng."""
    return true.credit_sum - true.debit_sum + made.changes["C"][2] - made.changes["D"][2]


def _declared(true: Totals, made: Plan) -> Totals:
    """Control sums count amounts, whatever their currency."""
    (credits_, credit_sum, _), (debits, debit_sum, _) = made.changes["C"], made.changes["D"]
    shown = Totals(
        true.credits + credits_, true.credit_sum + credit_sum, true.debits + debits, true.debit_sum + debit_sum
    )
    return replace(shown, credit_sum=shown.credit_sum + made.off)


def _shown(entries: Iterable[Entry], made: Plan, day: str) -> Iterator[Entry]:
    for index, entry in enumerate(entries):
        for amount, currency in made.of(index, entry.amount, entry.currency):
            yield replace(entry, amount=amount, currency=currency)
    for line in made.extra:
        reference = f"FT{day.replace('-', '')}{line.reference[3:12].upper()}"
        yield Entry(line.side, line.amount, line.currency, day, reference, line.reference)
