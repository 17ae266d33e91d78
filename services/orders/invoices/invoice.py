"""What an invoice is: its symbols, codes and lines, and which one an order needs next. Pure. Amounts in đồng."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum

from kit.clock import VIETNAM
from kit.errors import InvalidArgument, LimitExceeded, WrongState
from kit.identifiers import citizen, names, tax
from kit.phones import normalise as normalise_phone
from kit.spoken import amount_in_words

# A sales invoice, as household businesses issue them; from a cash register.
FORM = "2"
TITLE = "Hóa đơn bán hàng khởi tạo từ máy tính tiền"
REGISTER = "M"
# SHDon has at most 8 digits, the tax authority's code 11.
NUMBER_MAX, ORDINAL_MAX = 10**8 - 1, 10**11 - 1
# Of one order, adjustments and replacements included.
INVOICES_MAX = 50
NAME_CHARACTERS_MAX, ADDRESS_CHARACTERS_MAX = 400, 400
LINE_CHARACTERS_MAX, REASON_CHARACTERS_MIN, REASON_CHARACTERS_MAX = 500, 5, 200

_AUTHORITY = re.compile(r"[0-9A-Z]{5}")
_SUFFIX = re.compile(r"[0-9A-Z]{2}")


class Kind(str, Enum):
    ORIGINAL = "original"
    # Changes another's amount by its own.
    ADJUSTING = "adjusting"
    # Stands in another's place.
    REPLACING = "replacing"


class Nature(str, Enum):
    """What a line is (TChat)."""

    GOODS = "goods"
    DISCOUNT = "discount"


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity` is a decimal number in `unit`; `price` đồng per unit; `amount` đồng, negative where it takes away."""

    product_id: str
    name: str
    unit: str
    quantity: str
    price: int
    amount: int
    nature: Nature = Nature.GOODS


@dataclass(frozen=True, slots=True)
class Sale:
    """An order as invoices see it: what its lines come to as it stands, and what of the money the seller keeps."""

    order_id: str
    code: str
    buyer_id: str
    merchant_id: str
    placed_at: datetime
    lines: tuple[Line, ...]
    kept: int
    # Whether it was paid in full and is a sale.
    complete: bool


@dataclass(frozen=True, slots=True)
class Seller:
    """As it stands on the invoice."""

    name: str
    address: str
    tax_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Buyer:
    """What a buyer asked for. Kept out of repr: these are a person's."""

    name: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    tax_code: str = field(default="", repr=False)
    personal_id: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Invoicing:
    """Under what a tax code issues: the five characters that the tax authority gave it, and two of its own choice."""

    authority_code: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Related:
    """The invoice that is adjusted or replaced."""

    invoice_id: str
    form: str
    symbol: str
    number: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice without its number. `slot` counts an order's invoices, from 1."""

    order_id: str
    order_code: str
    buyer_id: str
    merchant_id: str
    slot: int
    kind: Kind
    lines: tuple[Line, ...]
    related: Related | None = None
    reason: str = ""
    buyer: Buyer = Buyer()
    request_id: str = ""
    # What a request asked for, as a keyed hash; "" where no request did.
    fingerprint: str = ""

    @property
    def amount(self) -> int:
        """Đồng."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class Issued:
    """As much of an issued invoice as deciding about the next one takes."""

    invoice_id: str
    slot: int
    kind: Kind
    form: str
    symbol: str
    number: int
    issued_at: datetime
    lines: tuple[Line, ...]
    related_id: str
    request_id: str
    fingerprint: str

    @property
    def amount(self) -> int:
        """Đồng."""
        return sum(line.amount for line in self.lines)

    @property
    def as_related(self) -> Related:
        return Related(self.invoice_id, self.form, self.symbol, self.number, self.issued_at)


# Symbols ---------------------------------------------------------------------------------------------------------


def checked_invoicing(authority_code: str, suffix: str) -> Invoicing:
    """Raises InvalidArgument."""
    if _AUTHORITY.fullmatch(authority_code) is None:
        raise InvalidArgument(
            "authority_code is the five capital letters or digits that the tax authority gave",
            vi="Mã cơ quan thuế cấp gồm đúng 5 chữ in hoa hoặc số.",
        )
    if _SUFFIX.fullmatch(suffix) is None:
        raise InvalidArgument(
            "symbol_suffix is two capital letters or digits", vi="Hai ký tự cuối ký hiệu phải là chữ in hoa hoặc số."
        )
    return Invoicing(authority_code, suffix)


def symbol_of(on: date, suffix: str) -> str:
    """KHHDon: with the tax authority's code, the year, from a cash register, the seller's two characters: "C26MYY"."""
    return f"C{on.year % 100:02}{REGISTER}{suffix}"


def authority_number(on: date, authority_code: str, ordinal: int) -> str:
    """MCCQT: "M1-26-MNZLR-00000001968", 23 characters; `ordinal` only ever rises. Raises LimitExceeded."""
    if not 1 <= ordinal <= ORDINAL_MAX:
        raise LimitExceeded(f"the tax authority's code counts from 1 to {ORDINAL_MAX}")
    return f"M1-{on.year % 100:02}-{authority_code}-{ordinal:011}"


def day_of(at: datetime) -> date:
    """The calendar day in Vietnam on which something is issued."""
    return at.astimezone(VIETNAM).date()


# What an order needs ---------------------------------------------------------------------------------------------


def live(issued: Sequence[Issued]) -> list[Issued]:
    """Those that nothing stands in place of."""
    replaced = {one.related_id for one in issued if one.kind is Kind.REPLACING}
    return [one for one in issued if one.invoice_id not in replaced]


def total(issued: Sequence[Issued]) -> int:
    """What an order's invoices come to together, đồng."""
    return sum(one.amount for one in live(issued))


def main_of(issued: Sequence[Issued]) -> Issued | None:
    """The one that others adjust: the original, or what stands in its place."""
    return next((one for one in live(issued) if one.kind is not Kind.ADJUSTING), None)


def next_draft(sale: Sale, issued: Sequence[Issued]) -> Draft | None:
    """What has to be issued for the order as it stands; None where nothing has to. Raises LimitExceeded.

    The first once it is paid in full and is a sale; from then on an adjustment whenever what is kept differs from what
    its invoices come to.
    """
    main = main_of(issued)
    if main is None:
        if not sale.complete or sale.kept <= 0:
            return None
        lines = fitted(sale.lines, sale.kept)
        return Draft(sale.order_id, sale.code, sale.buyer_id, sale.merchant_id, len(issued) + 1, Kind.ORIGINAL, lines)
    difference = sale.kept - total(issued)
    if not difference:
        return None
    _room(issued)
    return Draft(
        sale.order_id, sale.code, sale.buyer_id, sale.merchant_id, len(issued) + 1, Kind.ADJUSTING,
        adjusting_lines(sale, issued, difference), main.as_related,
        "Điều chỉnh giảm theo tiền hoàn" if difference < 0 else "Điều chỉnh tăng theo tiền đã trả",
    )  # fmt: skip


def fitted(lines: Sequence[Line], kept: int) -> tuple[Line, ...]:
    """The lines at their prices, with a discount where less is kept than they come to. Raises WrongState where more is.

    What went back of a line before is part of the discount: price by quantity is what a line says.
    """
    lines = [replace(line, amount=max(line.amount, _priced(line))) for line in lines]
    rest = sum(line.amount for line in lines) - kept
    if rest < 0:
        raise WrongState(f"{-rest} đồng more are kept than the lines come to")
    if not rest:
        return tuple(lines)
    return (*lines, Line("", "Giảm giá", "lần", "1", -rest, -rest, Nature.DISCOUNT))


def _priced(line: Line) -> int:
    """Đồng, half a đồng and more rounded up, as orders do."""
    return int((Decimal(line.quantity) * line.price).quantize(Decimal(1), ROUND_HALF_UP))


def adjusting_lines(sale: Sale, issued: Sequence[Issued], difference: int) -> tuple[Line, ...]:
    """What changed, product by product as far as the order says so, and the rest in one line."""
    told: dict[str, int] = {}
    for one in live(issued):
        for line in one.lines:
            told[line.product_id] = told.get(line.product_id, 0) + line.amount
    stands = {line.product_id: line.amount for line in sale.lines} if sale.kept else {}
    named = {line.product_id: line.name for one in issued for line in one.lines}
    named |= {line.product_id: line.name for line in sale.lines}
    found = [
        _adjustment(product_id, named[product_id], stands.get(product_id, 0) - told.get(product_id, 0))
        for product_id in dict.fromkeys((*stands, *told)) if product_id
    ]  # fmt: skip
    found = [line for line in found if line.amount]
    rest = difference - sum(line.amount for line in found)
    if rest:
        found.append(_adjustment("", f"tiền hàng của đơn {sale.code}", rest))
    return tuple(found)


def _adjustment(product_id: str, name: str, amount: int) -> Line:
    way = "giảm" if amount < 0 else "tăng"
    return Line(product_id, f"Điều chỉnh {way}: {_bare(name)}"[:LINE_CHARACTERS_MAX], "lần", "1", amount, amount)


def _bare(name: str) -> str:
    """A name without what an earlier adjustment put in front of it."""
    return re.sub(r"^(Điều chỉnh (giảm|tăng): )+", "", name)


def replacement(
    main: Issued, issued: Sequence[Issued], *, buyer: Buyer, reason: str, request_id: str, fingerprint: str, sale: Sale
) -> Draft:
    """What stands in the invoice's place: the same lines, with the buyer's particulars.

    Raises WrongState where something stands in its place, adjusts it, or where it is an adjustment itself.
    """
    if main.kind is Kind.ADJUSTING or main not in live(issued):
        raise WrongState("only an invoice that is neither an adjustment nor replaced can be replaced")
    if any(one.kind is Kind.ADJUSTING for one in issued):
        raise WrongState("an invoice that was adjusted cannot be replaced: it can only be adjusted again")
    _room(issued)
    return Draft(
        sale.order_id, sale.code, sale.buyer_id, sale.merchant_id, len(issued) + 1, Kind.REPLACING, main.lines,
        main.as_related, reason, buyer, request_id, fingerprint,
    )  # fmt: skip


def _room(issued: Sequence[Issued]) -> None:
    if len(issued) >= INVOICES_MAX:
        raise LimitExceeded(f"an order has at most {INVOICES_MAX} invoices")


# Particulars -----------------------------------------------------------------------------------------------------


def checked_buyer(buyer: Buyer) -> Buyer:
    """The particulars tidied: a name, and a tax code, personal id or phone beside it. Raises InvalidArgument."""
    found = replace(
        buyer, name=names.tidy(buyer.name), address=names.tidy(buyer.address), tax_code=tax.normalise(buyer.tax_code),
        personal_id=buyer.personal_id.strip(), phone=buyer.phone.strip(),
    )  # fmt: skip
    if names.problem_of(found.name, NAME_CHARACTERS_MAX):
        raise InvalidArgument("buyer.name is missing or cannot be printed", vi="Hãy nhập tên người mua.")
    if found.address and names.problem_of(found.address, ADDRESS_CHARACTERS_MAX):
        raise InvalidArgument("buyer.address cannot be printed", vi="Địa chỉ người mua không hợp lệ.")
    if found.tax_code and tax.problem_of(found.tax_code):
        raise InvalidArgument("buyer.tax_code is none", vi="Mã số thuế người mua không đúng.")
    if found.personal_id and citizen.problem_of(found.personal_id):
        raise InvalidArgument("buyer.personal_id is none", vi="Số định danh người mua không đúng.")
    if found.phone:
        found = replace(found, phone=normalise_phone(found.phone))
    if not (found.tax_code or found.personal_id or found.phone):
        raise InvalidArgument(
            "the buyer's tax_code, personal_id or phone is needed",
            vi="Cần mã số thuế, số định danh hoặc số điện thoại của người mua.",
        )
    return found


def checked_reason(text: str) -> str:
    """Raises InvalidArgument."""
    reason = names.tidy(text)
    if len(reason) < REASON_CHARACTERS_MIN or names.problem_of(reason, REASON_CHARACTERS_MAX):
        raise InvalidArgument(
            f"reason has {REASON_CHARACTERS_MIN} to {REASON_CHARACTERS_MAX} characters", vi="Hãy ghi lý do rõ ràng."
        )
    return reason


def printable(text: str, most: int) -> str:
    """A text as it may stand in XML and on paper: composed, without what cannot be seen, at most `most` characters."""
    text = unicodedata.normalize("NFC", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]


def masked_name(name: str) -> str:
    """Initials and stars: Nguyễn Văn An is "N***** V** A*"."""
    return " ".join(word[:1] + "*" * (len(word) - 1) for word in name.split())


def in_words(amount: int) -> str:
    """TgTTTBChu."""
    return amount_in_words(amount)
