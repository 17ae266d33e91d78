"""What a camt statement says of itself: whose account, when, balances and totals. Pure."""

from __future__ import annotations

from datetime import date

from lxml import etree

from services.settlement.intake.camt_entry import account_id
from services.settlement.intake.refusals import refused
from services.settlement.intake.statement import Declared
from services.settlement.intake.values import day, field, minor_units, moment
from services.settlement.records import VND, StatementHead
from services.settlement.xml_in import all_of, first, text

_SIGNS = {"CRDT": 1, "DBIT": -1}


def read(
    kind: str, message: etree._Element | None, statement: etree._Element, lines_before: int, currency: str = ""
) -> tuple[StatementHead, Declared]:
    """The head of a Stmt, Rpt or Ntfctn, and what it declares. `message`: the GrpHdr before it. `currency`: the
    account's, where it is known already. Raises FileRefused."""
    line = (statement.sourceline or 0) + lines_before
    message_id = text(message, "MsgId") if message is not None else ""
    statement_id = text(statement, "Id")
    if not message_id and not statement_id:
        raise refused("FIELD_MISSING", "neither MsgId nor the statement's Id: correct the file", line)
    account = account_id(first(statement, "Acct"))
    if not account:
        raise refused("FIELD_MISSING", "no account (Acct/Id): correct the file", line)
    currency = currency or _currency(statement)
    declared = _declared(kind, statement, currency)
    from_on, until_on = _edge(statement, "Fr", line), _edge(statement, "To", line)
    if from_on and until_on and until_on < from_on:
        raise refused("DATE", f"it ends on {until_on}, before it begins on {from_on}: correct the file", line)
    created = text(statement, "CreDtTm") or (text(message, "CreDtTm") if message is not None else "")
    head = StatementHead(
        kind, field(message_id, "MsgId", line), field(statement_id + _page(statement, message), "Id", line),
        field(account, "the account", line), currency,
        moment(created, line) if created else None, from_on, until_on,
        declared.opening, declared.closing, declared.entries_of_both, declared.credits, declared.debits,
    )  # fmt: skip
    return head, declared


def _page(statement: etree._Element, message: etree._Element | None) -> str:
    """ "/2" for the second page of a statement in several: each is a statement of its own."""
    pages = ((statement, "StmtPgntn"), (statement, "RptPgntn"), (statement, "NtfctnPgntn"), (message, "MsgPgntn"))
    for holder, name in pages:
        number = text(holder, name, "PgNb") if holder is not None else ""
        if number and (number != "1" or text(holder, name, "LastPgInd") in ("false", "0")):
            return f"/{number}"
    return ""


def _edge(statement: etree._Element, edge: str, line: int) -> date | None:
    """The first or last day of FrToDt (a day, or moment with time)."""
    written = text(statement, "FrToDt", f"{edge}DtTm") or text(statement, "FrToDt", f"{edge}Dt")
    return day(written, line) if written else None


def _currency(statement: etree._Element) -> str:
    """The account's currency: as it says, or its first balance or entry's."""
    said = text(statement, "Acct", "Ccy")
    if said:
        return said
    for name in ("Bal", "Ntry"):
        amount = first(statement, name, "Amt")
        if amount is not None:
            return amount.get("Ccy", VND)
    return VND


def _declared(kind: str, statement: etree._Element, currency: str) -> Declared:
    """Numbers and sums of TxsSummry, and the balances."""
    summary = first(statement, "TxsSummry")
    declared = Declared(line=statement.sourceline or 0)
    if summary is not None:
        declared.line = summary.sourceline or declared.line
        declared.entries, declared.total = _total(summary, "TtlNtries", currency)
        declared.credit_entries, declared.credits = _total(summary, "TtlCdtNtries", currency)
        declared.debit_entries, declared.debits = _total(summary, "TtlDbtNtries", currency)
    balances: dict[str, list[int]] = {}
    for balance in all_of(statement, "Bal"):
        code = text(balance, "Tp", "CdOrPrtry", "Cd") or text(balance, "Tp", "Cd")
        if code in ("OPBD", "PRCD", "CLBD", "ITBD"):
            amount = first(balance, "Amt")
            if amount is not None and amount.get("Ccy", currency) == currency:
                balances.setdefault(code, []).append(_signed(balance, currency))
    _settle(declared, kind, balances)
    return declared


def _settle(declared: Declared, kind: str, balances: dict[str, list[int]]) -> None:
    """Opening and closing out of booked balances: OPBD, else PRCD (the closing before); CLBD; an interim one (ITBD)
    stands in for what is missing. A day's report may have fewer entries than the day had: there, one interim balance
    need not follow from the day's opening."""
    interim = balances.get("ITBD", [])
    opening = balances.get("OPBD") or balances.get("PRCD")
    closing = balances.get("CLBD")
    declared.opening = opening[0] if opening else interim[0] if interim and (closing or len(interim) > 1) else None
    declared.closing = closing[-1] if closing else interim[-1] if interim else None
    declared.balanced = kind == "camt.053" or bool(closing) or (not opening and len(interim) > 1)


def _signed(balance: etree._Element, currency: str) -> int:
    line = balance.sourceline or 0
    sign = _SIGNS.get(text(balance, "CdtDbtInd"))
    if sign is None:
        raise refused("FIELD_MISSING", "a balance without CdtDbtInd CRDT or DBIT: correct the file", line)
    return sign * minor_units(text(balance, "Amt"), currency, line, "balance")


def _total(summary: etree._Element, name: str, currency: str) -> tuple[int | None, int | None]:
    """Number and sum of entries of one of TxsSummry's totals."""
    totals = first(summary, name)
    if totals is None:
        return None, None
    line = totals.sourceline or 0
    number, amount = text(totals, "NbOfNtries"), text(totals, "Sum")
    if number and not (number.isascii() and number.isdecimal() and len(number) <= 15):
        raise refused("COUNT", f"NbOfNtries {number[:20]!r} is no number: correct the file", line)
    return int(number) if number else None, minor_units(amount, currency, line, "sum") if amount else None
