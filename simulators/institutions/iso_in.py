"""Reads the payments that the bank is given: pain.001.001.09, pacs.008.001.08 and pacs.009.001.09, one by one.

    reading = read(path)
    for transfer in reading.transfers: ...        # as they come; the head is there before the first
    reading.count, reading.total                  # what there was

No entities, DTDs or network, and limits on everything. The bank's own reader, of which the services know nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from lxml import etree

BYTES_MAX = 256 << 20
TRANSFERS_MAX = 200_000
ID_LENGTH_MAX = 35

# What is read, and where a transfer has its amount.
KINDS = {
    "pain.001.001.09": "Amt/InstdAmt",
    "pacs.008.001.08": "IntrBkSttlmAmt",
    "pacs.009.001.09": "IntrBkSttlmAmt",
}
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
_LOOKED_AT = ("Document", "GrpHdr", "PmtInfId", "Dbtr", "DbtrAcct", "DbtrAgt", "CdtTrfTxInf")
_MEMBER = "FinInstnId/ClrSysMmbId/MmbId"


class Unreadable(ValueError):
    """Not a message that the bank reads: nothing of it was executed. Send it again, corrected."""


@dataclass(frozen=True, slots=True)
class Head:
    """A message's group header. `count` and `total` are what it declares, None where it does not."""

    kind: str
    message_id: str
    created_at: str
    count: int
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class Side:
    """Who pays or is paid. `agent`: who keeps the account; `member`: who it is, where it is an institution."""

    name: str
    account: str
    agent: str
    member: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One instruction, as it was given. `payment_id`: the PmtInf that it is in ("" in pacs)."""

    payment_id: str
    instruction_id: str
    end_to_end_id: str
    transaction_id: str
    amount: Decimal
    currency: str
    debtor: Side
    creditor: Side
    text: str


class Reading:
    """A message that is being read. `head` is set once `transfers` has begun."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.head: Head | None = None
        self.count = 0
        self.total = Decimal(0)
        self._ns = ""
        self._debtor = Side("", "", "")
        self._payment_id = ""

    def transfers(self) -> Iterator[Transfer]:
        """Raises Unreadable, OSError."""
        if self._path.stat().st_size > BYTES_MAX:
            raise Unreadable(f"more than {BYTES_MAX} bytes: send it in parts")
        try:
            with self._path.open("rb") as file:
                yield from self._parse(file)
        except etree.XMLSyntaxError as error:
            raise Unreadable(f"line {error.lineno}: not whole, well-formed XML ({error.msg})") from error
        if self.head is None or not self.count:
            raise Unreadable("a message without a group header or transfers")

    def _parse(self, file: object) -> Iterator[Transfer]:
        # Only these elements are looked at, each when it is whole; the root when it begins.
        events = etree.iterparse(
            file, events=("start", "end"), tag=[f"{{*}}{name}" for name in _LOOKED_AT], resolve_entities=False,
            no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True,
        )  # fmt: skip
        kind = ""
        for event, element in events:
            if event == "start":
                kind = kind or self._open(element.getroottree().getroot())
                continue
            name = element.tag.rpartition("}")[2]
            if name == "GrpHdr":
                self.head = self._head(kind, element)
            elif name == "PmtInfId":
                self._payment_id = _limited(element.text or "", "PmtInfId")
            elif name in ("DbtrAcct", "DbtrAgt", "Dbtr") and element.getparent().tag.endswith("}PmtInf"):
                self._debtor = self._side(element.getparent(), "Dbtr")
            elif name == "CdtTrfTxInf":
                if self.head is None:
                    raise Unreadable(f"line {element.sourceline}: a transfer before the group header")
                transfer = self._transfer(kind, element)
                self.count += 1
                self.total += transfer.amount
                if self.count > TRANSFERS_MAX:
                    raise Unreadable(f"more than {TRANSFERS_MAX} transfers: send them in parts")
                yield transfer
                _forget(element)

    def _open(self, root: etree._Element) -> str:
        if root.getroottree().docinfo.doctype:
            raise Unreadable("it declares a document type: send it without one")
        namespace, _, name = str(root.tag)[1:].rpartition("}")
        kind = namespace.removeprefix(_NAMESPACE)
        if name != "Document" or kind not in KINDS:
            raise Unreadable(f"a {name} of {namespace[:80]!r}: we read {', '.join(KINDS)}")
        self._ns = "{" + namespace + "}"
        return kind

    def _head(self, kind: str, element: etree._Element) -> Head:
        count, total = self._text(element, "NbOfTxs"), self._text(element, "CtrlSum")
        message_id = _limited(self._text(element, "MsgId"), "MsgId")
        if not message_id or not count.isdecimal() or len(count) > 15:
            raise Unreadable("a group header without MsgId or NbOfTxs")
        return Head(kind, message_id, self._text(element, "CreDtTm"), int(count), _decimal(total) if total else None)

    def _transfer(self, kind: str, element: etree._Element) -> Transfer:
        amount = self._find(element, KINDS[kind])
        if amount is None:
            raise Unreadable(f"line {element.sourceline}: a transfer without an amount")
        in_pain = kind.startswith("pain.")
        return Transfer(
            self._payment_id,
            _limited(self._text(element, "PmtId/InstrId"), "InstrId"),
            _limited(self._text(element, "PmtId/EndToEndId"), "EndToEndId"),
            _limited(self._text(element, "PmtId/TxId"), "TxId"),
            _decimal(amount.text or ""),
            amount.get("Ccy", ""),
            self._debtor if in_pain else self._side(element, "Dbtr"),
            self._side(element, "Cdtr"),
            self._text(element, "RmtInf/Ustrd")[:140],
        )

    def _side(self, element: etree._Element, who: str) -> Side:
        account = self._text(element, f"{who}Acct/Id/Othr/Id") or self._text(element, f"{who}Acct/Id/IBAN")
        return Side(
            self._text(element, f"{who}/Nm")[:140] or self._text(element, f"{who}/FinInstnId/Nm")[:140],
            account[:ID_LENGTH_MAX],
            self._text(element, f"{who}Agt/{_MEMBER}")[:ID_LENGTH_MAX],
            self._text(element, f"{who}/{_MEMBER}")[:ID_LENGTH_MAX],
        )

    def _find(self, element: etree._Element, path: str) -> etree._Element | None:
        return element.find(self._ns + path.replace("/", f"/{self._ns}"))

    def _text(self, element: etree._Element, path: str) -> str:
        found = self._find(element, path)
        return (found.text or "").strip() if found is not None else ""


def _limited(text: str, what: str) -> str:
    if len(text.strip()) > ID_LENGTH_MAX:
        raise Unreadable(f"{what} of more than {ID_LENGTH_MAX} characters")
    return text.strip()


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise Unreadable(f"{text[:40]!r} is no amount") from error
    # ISO 20022: 18 digits, 5 of them behind the point.
    if not value.is_finite() or value < 0 or len(value.as_tuple().digits) > 18 or abs(value.adjusted()) > 18:
        raise Unreadable(f"{text[:40]!r} is no amount")
    return value


def _forget(element: etree._Element) -> None:
    """Gives a transfer's memory back, and that of the transfers before it; its PmtInf's head stays."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    while (before := element.getprevious()) is not None and before.tag == element.tag:
        parent.remove(before)
