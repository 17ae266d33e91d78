"""camt.053 (a statement of an account) and camt.054 (what moved on it, without balances).

camt.write_statement(path, head, entries, servicer="PLATFORM")      # head.kind says which
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from pathlib import Path

from lxml import etree

from kit.clock import VIETNAM
from services.settlement.iso import values
from services.settlement.iso.messages import WRITTEN
from services.settlement.iso.parts import account, agent, child, money, path, remittance
from services.settlement.iso.stream import Out, document, put
from services.settlement.records import VND, StatementEntry, StatementHead
from services.settlement.whole_file import whole

# Entries of one file.
ENTRIES_MAX = 1_000_000

_AROUND = {"camt.053": "Stmt", "camt.054": "Ntfctn"}
_SIDES = {"C": "CRDT", "D": "DBIT"}
_STATUSES = {"booked": "BOOK", "pending": "PDNG", "info": "INFO"}


def write_statement(target: Path, head: StatementHead, entries: Iterable[StatementEntry], servicer: str) -> None:
    """Writes a whole file, or none. `servicer`: who keeps the account (a BIN, "PLATFORM").

    A camt.053 needs opening and closing balance, both days, and booked entries only. What the head says (closing
    balance, numbers, sums) must follow from the entries. Raises ValueError where it does not, for what is not VND, and
    where an id, account or amount does not fit.
    """
    with whole(target) as out:
        write_statement_to(out, head, entries, servicer)


def write_statement_to(out: Out, head: StatementHead, entries: Iterable[StatementEntry], servicer: str) -> None:
    """As `write_statement`, for somebody who keeps the file whole: after a ValueError what was written is of no use."""
    if head.kind not in _AROUND:
        raise ValueError(f"{head.kind!r} is not written here: {', '.join(_AROUND)} are")
    if head.created_at is None:
        raise ValueError(f"{head.message_id}: created_at is needed")
    if head.currency != VND:
        raise ValueError(f"{head.message_id}: an account in {head.currency!r}; {VND} only")
    with document(out, WRITTEN[head.kind]) as xml:
        header = etree.Element("GrpHdr")
        child(header, "MsgId", values.identifier(head.message_id))
        child(header, "CreDtTm", values.moment(head.created_at))
        put(xml, header)
        with xml.element(_AROUND[head.kind]):
            xml.write("\n")
            for element in _before_entries(head, head.created_at, servicer):
                put(xml, element)
            for entry in _tallied(entries, head):
                put(xml, _entry(entry))


def _before_entries(head: StatementHead, created_at: datetime, servicer: str) -> Iterable[etree._Element]:
    """Whose account, what days, balances, and sums."""
    statement = etree.Element("Stmt")
    child(statement, "Id", values.identifier(head.statement_id))
    child(statement, "CreDtTm", values.moment(created_at))
    if head.from_on and head.until_on:
        days = child(statement, "FrToDt")
        child(days, "FrDtTm", values.moment(datetime.combine(head.from_on, time.min, VIETNAM)))
        child(days, "ToDtTm", values.moment(datetime.combine(head.until_on, time.max, VIETNAM)))
    account(statement, "Acct", head.account)
    child(statement[-1], "Ccy", VND)
    agent(statement[-1], "Svcr", servicer)
    if head.kind == "camt.053":
        if head.opening is None or head.closing is None or not head.from_on or not head.until_on:
            raise ValueError(f"{head.message_id}: a camt.053 needs opening, closing, from_on and until_on")
        _balance(statement, "OPBD", head.opening, head.from_on)
        _balance(statement, "CLBD", head.closing, head.until_on)
    _summary(statement, head)
    return list(statement)


def _balance(statement: etree._Element, code: str, signed: int, on: date) -> None:
    balance = child(statement, "Bal")
    path(balance, "Tp/CdOrPrtry/Cd", code)
    child(balance, "Amt", values.total(abs(signed))).set("Ccy", VND)
    child(balance, "CdtDbtInd", "DBIT" if signed < 0 else "CRDT")
    path(balance, "Dt/Dt", on.isoformat())


def _summary(statement: etree._Element, head: StatementHead) -> None:
    """TxsSummry, of what the head says."""
    summary = etree.Element("TxsSummry")
    known = head.credits is not None and head.debits is not None
    if head.entries is not None or known:
        of_all = child(summary, "TtlNtries")
        if head.entries is not None:
            child(of_all, "NbOfNtries", str(head.entries))
        if head.credits is not None and head.debits is not None:
            net = head.credits - head.debits
            child(of_all, "Sum", values.total(head.credits + head.debits))
            signed = child(of_all, "TtlNetNtry")
            child(signed, "Amt", values.total(abs(net)))
            child(signed, "CdtDbtInd", "DBIT" if net < 0 else "CRDT")
    for name, dong in (("TtlCdtNtries", head.credits), ("TtlDbtNtries", head.debits)):
        if dong is not None:
            path(summary, f"{name}/Sum", values.total(dong))
    if len(summary):
        statement.append(summary)


def _tallied(entries: Iterable[StatementEntry], head: StatementHead) -> Iterator[StatementEntry]:
    """The entries, one by one. Raises ValueError where the head does not follow from them."""
    count = 0
    sums = {"C": 0, "D": 0}
    for entry in entries:
        count += 1
        if count > ENTRIES_MAX:
            raise ValueError(f"{head.message_id}: more than {ENTRIES_MAX} entries: write several statements")
        if entry.currency != VND:
            raise ValueError(f"{head.message_id}: entry {entry.number} is in {entry.currency!r}; {VND} only")
        if head.kind == "camt.053" and entry.status != "booked":
            raise ValueError(f"{head.message_id}: entry {entry.number} is {entry.status}; a statement has booked ones")
        sums[entry.side] += entry.amount
        yield entry
    found = {"entries": count, "credits": sums["C"], "debits": sums["D"]}
    if head.kind == "camt.053" and head.opening is not None:
        found["closing"] = head.opening + sums["C"] - sums["D"]
    for name, value in found.items():
        said = getattr(head, name)
        if said is not None and said != value:
            raise ValueError(f"{head.message_id}: {name} is {value}, its head says {said}")


def _entry(entry: StatementEntry) -> etree._Element:
    element = etree.Element("Ntry")
    child(element, "NtryRef", str(entry.number))
    money(element, "Amt", entry.amount)
    child(element, "CdtDbtInd", _SIDES[entry.side])
    if entry.reversal:
        child(element, "RvslInd", "true")
    path(element, "Sts/Cd", _STATUSES[entry.status])
    path(element, "BookgDt/Dt", entry.booked_on.isoformat())
    if entry.value_on:
        path(element, "ValDt/Dt", entry.value_on.isoformat())
    if entry.bank_reference:
        child(element, "AcctSvcrRef", values.identifier(entry.bank_reference))
    # A code of our own: a transfer. ISO's families say in which scheme it was made, which we are not told.
    path(element, "BkTxCd/Prtry/Cd", "TRF")
    _details(child(child(element, "NtryDtls"), "TxDtls"), entry)
    return element


def _details(details: etree._Element, entry: StatementEntry) -> None:
    """The one transaction of an entry: ids, amount, who is on the other side, text."""
    refs = etree.Element("Refs")
    # The group is a message of one batch: both fields, as readers differ in which one they look at.
    for name, value in (
        ("MsgId", entry.group), ("AcctSvcrRef", entry.bank_reference), ("PmtInfId", entry.group),
        ("EndToEndId", entry.reference),
    ):  # fmt: skip
        if value:
            child(refs, name, values.identifier(value))
    if len(refs):
        details.append(refs)
    money(details, "Amt", entry.amount)
    child(details, "CdtDbtInd", _SIDES[entry.side])
    # Money that came has its debtor on the other side, money that left its creditor.
    other = "Dbtr" if entry.side == "C" else "Cdtr"
    parties = etree.Element("RltdPties")
    if name := values.clean(entry.counterparty, values.NAME_MAX):
        path(parties, f"{other}/Pty/Nm", name)
    if entry.counterparty_account:
        account(parties, f"{other}Acct", entry.counterparty_account)
    if len(parties):
        details.append(parties)
    remittance(details, entry.text)
