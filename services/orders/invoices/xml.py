"""An invoice as XML in the structure of the tax authority's rules, and the message that carries it. Pure.

What is written is checked against our own schema (data/hdon.xsd) before anybody is given it: docs/tax.md says what the
structure is known from. The same input gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from lxml import etree

from kit.clock import VIETNAM
from services.orders.invoices import invoice as rules
from services.orders.invoices.invoice import Buyer, Kind, Line, Nature, Related, Seller

# Versions as messages in the wild say them.
VERSION = "2.1.0"
RECEIVER, CASH_REGISTER = "TCT", "206"
# By wallet: "transfer" comes nearest among the codes that are known (docs/tax.md).
PAID_BY = "2"
# What stands where the buyer did not ask for their name on it.
NOBODY = "Khách lẻ"
_NATURES = {Nature.GOODS: "1", Nature.DISCOUNT: "3"}
_RELATIONS = {Kind.REPLACING: "1", Kind.ADJUSTING: "2"}
_SCHEMA = Path(__file__).parent / "data" / "hdon.xsd"


class NotValid(Exception):
    """What was written is not in the structure: it is not issued."""


@dataclass(frozen=True, slots=True)
class Paper:
    """All that an invoice says, numbers and codes included."""

    invoice_id: str
    kind: Kind
    symbol: str
    number: int
    authority_code: str
    issued_at: datetime
    seller: Seller
    buyer: Buyer
    lines: tuple[Line, ...]
    order_code: str
    lookup_code: str
    # What the QR code leads to.
    lookup_url: str
    related: Related | None = None
    reason: str = ""

    @property
    def amount(self) -> int:
        """Đồng."""
        return sum(line.amount for line in self.lines)


def written(paper: Paper) -> bytes:
    """The HDon document. Raises NotValid."""
    root = etree.Element("HDon")
    data = etree.SubElement(root, "DLHDon", Id=paper.invoice_id)
    _head(etree.SubElement(data, "TTChung"), paper)
    _content(etree.SubElement(data, "NDHDon"), paper)
    _texts(root, DLQRCode=paper.lookup_url, MCCQT=paper.authority_code)
    etree.SubElement(etree.SubElement(root, "DSCKS"), "NBan")
    check(root)
    return _bytes(root)


def message(document: bytes, *, sender: str, message_id: str, tax_code: str) -> bytes:
    """The message (TDiep) that brings one invoice to the tax authority. Raises NotValid."""
    root = etree.Element("TDiep")
    _texts(
        etree.SubElement(root, "TTChung"), PBan=VERSION, MNGui=sender, MNNhan=RECEIVER, MLTDiep=CASH_REGISTER,
        MTDiep=message_id, MST=tax_code, SLuong="1",
    )  # fmt: skip
    try:
        etree.SubElement(root, "DLieu").append(etree.fromstring(document, _parser()))
    except etree.XMLSyntaxError as error:
        raise NotValid("what is kept of the invoice is no whole document") from error
    check(root)
    return _bytes(root)


def check(root: etree._Element) -> None:
    """Raises NotValid, naming elements and never what they hold."""
    schema = _schema()
    if not schema.validate(root):
        where = ", ".join(sorted({entry.path or "?" for entry in schema.error_log}))
        raise NotValid(f"not in the structure of an invoice: {where}")


def _head(head: etree._Element, paper: Paper) -> None:
    _texts(
        head, PBan=VERSION, THDon=rules.TITLE, KHMSHDon=rules.FORM, KHHDon=paper.symbol, SHDon=str(paper.number),
        NLap=rules.day_of(paper.issued_at).isoformat(), DVTTe="VND", HTTToan=PAID_BY,
    )  # fmt: skip
    if paper.related is not None:
        _texts(
            etree.SubElement(head, "TTHDLQuan"), TCHDon=_RELATIONS[paper.kind], LHDCLQuan="1",
            KHMSHDCLQuan=paper.related.form, KHHDCLQuan=paper.related.symbol, SHDCLQuan=str(paper.related.number),
            NLHDCLQuan=rules.day_of(paper.related.issued_at).isoformat(),
            GChu=rules.printable(paper.reason, 255),
        )  # fmt: skip
    more = etree.SubElement(head, "TTKhac")
    at = paper.issued_at.astimezone(VIETNAM).isoformat(timespec="seconds")
    for name, value in (("Thời điểm lập", at), ("Mã đơn hàng", paper.order_code), ("Mã tra cứu", paper.lookup_code)):
        _texts(etree.SubElement(more, "TTin"), TTruong=name, KDLieu="string", DLieu=value)


def _content(content: etree._Element, paper: Paper) -> None:
    seller, buyer = paper.seller, paper.buyer
    _texts(
        etree.SubElement(content, "NBan"), Ten=rules.printable(seller.name, rules.NAME_CHARACTERS_MAX),
        MST=seller.tax_code, DChi=rules.printable(seller.address, rules.ADDRESS_CHARACTERS_MAX),
    )  # fmt: skip
    _texts(
        etree.SubElement(content, "NMua"), Ten=rules.printable(buyer.name, rules.NAME_CHARACTERS_MAX) or NOBODY,
        MST=buyer.tax_code, DChi=rules.printable(buyer.address, rules.ADDRESS_CHARACTERS_MAX), SDThoai=buyer.phone,
        CCCDan=buyer.personal_id,
    )  # fmt: skip
    lines = etree.SubElement(content, "DSHHDVu")
    for place, line in enumerate(paper.lines, start=1):
        _texts(
            etree.SubElement(lines, "HHDVu"), TChat=_NATURES[line.nature], STT=str(place), MHHDVu=line.product_id,
            THHDVu=rules.printable(line.name, rules.LINE_CHARACTERS_MAX),
            DVTinh=rules.printable(line.unit, 50) or "-", SLuong=line.quantity, DGia=str(line.price),
            ThTien=str(line.amount),
        )  # fmt: skip
    discount = -sum(line.amount for line in paper.lines if line.nature is Nature.DISCOUNT)
    _texts(
        etree.SubElement(content, "TToan"), TTCKTMai=str(discount) if discount else "", TgTTTBSo=str(paper.amount),
        TgTTTBChu=rules.in_words(paper.amount),
    )  # fmt: skip


def _texts(parent: etree._Element, **values: str) -> None:
    """Elements in this order; those without a value are left out."""
    for name, value in values.items():
        if value:
            etree.SubElement(parent, name).text = value


def _bytes(root: etree._Element) -> bytes:
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return data


def _parser() -> etree.XMLParser:
    """Ours are read again; nothing outside of the file is."""
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(_SCHEMA), _parser()))
