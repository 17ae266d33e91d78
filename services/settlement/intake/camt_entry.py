"""One entry of a camt message, and one transaction of it, out of XML. Pure.

Which text goes where follows from the elements alone, and from which of them are blank: camt_shapes.py relies on it.
"""

from __future__ import annotations

from typing import NamedTuple

from lxml import etree

# Tags seen, with their namespaces, to names without. Strangers choose tags: the table is bounded.
_TAGS_KEPT = 2_000


class _Names(dict[str, str]):
    def __missing__(self, tag: str) -> str:
        if len(self) >= _TAGS_KEPT:
            self.clear()
        name = self[tag] = tag.rpartition("}")[2]
        return name


NAMES = _Names()


class Detail(NamedTuple):
    """A transaction (TxDtls) as it is written; "" for what it does not say. Names and accounts by party."""

    message: str = ""
    batch: str = ""
    end_to_end: str = ""
    servicer_ref: str = ""
    amount: str = ""
    currency: str = ""
    side: str = ""
    debtor: str = ""
    debtor_account: str = ""
    creditor: str = ""
    creditor_account: str = ""
    text: tuple[str, ...] = ()
    line: int = 0


class Header(NamedTuple):
    """An entry (Ntry) as it is written, without its transactions."""

    amount: str = ""
    currency: str = ""
    side: str = ""
    reversal: str = ""
    status: str = ""
    booked: str = ""
    value: str = ""
    servicer_ref: str = ""
    message: str = ""
    batch: str = ""
    text: str = ""
    line: int = 0


def header(entry: etree._Element, line: int) -> Header:
    """Reads an Ntry."""
    amount = currency = side = reversal = status = booked = value = own = servicer_ref = ""
    message = batch = text = ""
    for child in entry:
        name = NAMES[child.tag]
        if name == "Amt":
            amount, currency = _text(child), child.get("Ccy", "")
        elif name == "CdtDbtInd":
            side = _text(child)
        elif name == "Sts":
            status = _text(child[0] if len(child) else child)
        elif name == "BookgDt":
            booked = _text(child[0] if len(child) else child)
        elif name == "ValDt":
            value = _text(child[0] if len(child) else child)
        elif name == "AcctSvcrRef":
            servicer_ref = _text(child)
        elif name == "NtryDtls":
            if not message and len(child) and NAMES[child[0].tag] == "Btch":
                message, batch = _under(child[0], "MsgId"), _under(child[0], "PmtInfId")
        elif name == "NtryRef":
            own = _text(child)
        elif name == "RvslInd":
            reversal = _text(child)
        elif name == "AddtlNtryInf":
            text = _text(child)
    return Header(
        amount, currency, side, reversal, status, booked, value, servicer_ref or own, message, batch, text,
        line,
    )  # fmt: skip


def detail(transaction: etree._Element, line: int) -> Detail:
    """Reads a TxDtls. Its amount is what it says of itself, else of the transaction, else as instructed."""
    message = batch = end_to_end = servicer_ref = amount = currency = side = more = ""
    debtor = debtor_account = creditor = creditor_account = ""
    amounts: etree._Element | None = None
    agents: etree._Element | None = None
    text: list[str] = []
    for child in transaction:
        name = NAMES[child.tag]
        if name == "Refs":
            for ref in child:
                kind = NAMES[ref.tag]
                if kind == "EndToEndId":
                    end_to_end = _text(ref)
                elif kind == "MsgId":
                    message = _text(ref)
                elif kind == "PmtInfId":
                    batch = _text(ref)
                elif kind == "AcctSvcrRef":
                    servicer_ref = _text(ref)
        elif name == "Amt":
            amount, currency = _text(child), child.get("Ccy", "")
        elif name == "CdtDbtInd":
            side = _text(child)
        elif name == "AmtDtls":
            amounts = child
        elif name == "RltdPties":
            for party in child:
                kind = NAMES[party.tag]
                if kind == "Cdtr":
                    creditor = _name(party)
                elif kind == "CdtrAcct":
                    creditor_account = account_id(party)
                elif kind == "Dbtr":
                    debtor = _name(party)
                elif kind == "DbtrAcct":
                    debtor_account = account_id(party)
        elif name == "RltdAgts":
            agents = child
        elif name == "RmtInf":
            for information in child:
                if NAMES[information.tag] == "Ustrd":
                    text.append(_text(information))
                else:
                    text.append(_under(information, "CdtrRefInf", "Ref"))
        elif name == "AddtlTxInf":
            more = _text(child)
    if not amount and amounts is not None:
        amount, currency = _of_details(amounts)
    if agents is not None and not creditor and not debtor:
        # Between institutions the parties may be said as agents only.
        creditor, debtor = _name(_child(agents, "CdtrAgt")), _name(_child(agents, "DbtrAgt"))
    return Detail(
        message, batch, end_to_end, servicer_ref, amount, currency, side, debtor, debtor_account, creditor,
        creditor_account, tuple(text) if any(text) else (more,), line,
    )  # fmt: skip


def account_id(account: etree._Element | None) -> str:
    """An account's IBAN or other identification; "" where it has none."""
    return _under(account, "Id", "IBAN") or _under(account, "Id", "Othr", "Id")


def _of_details(amounts: etree._Element) -> tuple[str, str]:
    """Amount and currency of an AmtDtls (version .02 has no other in a transaction)."""
    for kind in ("TxAmt", "InstdAmt"):
        found = _child(_child(amounts, kind), "Amt")
        if found is not None:
            return _text(found), found.get("Ccy", "")
    return "", ""


def _name(party: etree._Element | None) -> str:
    """A party's name, or an agent's name or member id; to .07 it is the party's child, later its Pty's or Agt's."""
    if party is None:
        return ""
    for child in party:
        name = NAMES[child.tag]
        if name == "Nm":
            return _text(child)
        if name == "Pty":
            return _name(child)
        if name == "Agt":
            return _name(child)
        if name == "FinInstnId":
            return _under(child, "Nm") or _under(child, "ClrSysMmbId", "MmbId") or _under(child, "BICFI")
    return ""


def _child(element: etree._Element | None, name: str) -> etree._Element | None:
    if element is not None:
        for child in element:
            if NAMES[child.tag] == name:
                return child
    return None


def _under(element: etree._Element | None, *path: str) -> str:
    for name in path:
        element = _child(element, name)
    return "" if element is None else _text(element)


def _text(element: etree._Element) -> str:
    text = element.text
    return text.strip() if text else ""
