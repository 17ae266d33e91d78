"""Who issues invoices, and the invoices, in MongoDB. Reads are by id, by equality on an index, or equality and a range.

**Numbers.** An invoice takes its number by being stored: `_id` says whose slot of which order it is, and a unique index
on (seller, ordinal) lets one document have an ordinal. A seller's head only says where to try first; it follows behind,
by whoever comes next where its writer died. So a number that was taken is on an invoice, none is taken twice, and none
is left out. What an invoice says is stored with it, sealed: it is never written anew by later code.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

from cho.events.v1.events_pb2 import MarketChanged, MerchantChanged
from mongoengine import (
    BinaryField,
    BooleanField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    LongField,
    MapField,
    StringField,
)
from mongoengine.errors import NotUniqueError

from kit import clock, crypto
from kit.config import settings
from kit.errors import AlreadyExists, Contention, LimitExceeded, MerchantNotFound, NotFound, WrongState
from kit.identifiers import tax
from kit.ids import derived_key, key_time_ms
from services.orders.invoices import invoice as rules
from services.orders.invoices import xml
from services.orders.invoices.delivery import Delivery
from services.orders.invoices.invoice import Buyer, Draft, Invoicing, Issued, Kind, Line, Nature, Seller

TAX_FIELD = "invoices.tax_code"
BUYER_FIELD = "invoices.buyer"
XML_FIELD = "invoices.xml"
# Each try that fails means that another invoice of this seller got through.
ATTEMPTS_MAX = 100
# Changes of a seller's codes that are kept.
HISTORY_MAX = 50
PAGE_MAX = 100
# 80 bits, in letters and digits that can be typed off paper.
LOOKUP_CHARACTERS = 16
# What the tax authority does not have, as far as we know.
UNDELIVERED = (Delivery.PENDING, Delivery.SENT, Delivery.FAILED)
# Above every time.
_NEVER_MS = 1 << 52
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")


class InvoiceStall(Document):
    """A merchant as it stands on an invoice. `_id` is the merchant's."""

    meta = {"collection": "invoice_stalls", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    id = StringField(primary_key=True)
    name = StringField(required=True)
    owner_id = StringField(required=True)
    market_id = StringField(default="")
    market_name = StringField(default="")
    stall = StringField(default="")
    # Blind index: the seller's id here.
    tax_index = StringField()
    tax_code = BinaryField()
    version = LongField(required=True)


class InvoiceMarket(Document):
    """Where a market is. `_id` is the market's."""

    meta = {"collection": "invoice_markets", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    ward_name = StringField(default="")
    province_name = StringField(default="")
    version = LongField(required=True)


class InvoicingChange(EmbeddedDocument):
    """What a seller issued under from a time on, and who said so."""

    at = DateTimeField(required=True)
    by = StringField(required=True)
    authority_code = StringField(required=True)
    suffix = StringField(required=True)
    active = BooleanField(required=True)


class InvoiceSeller(Document):
    """A tax code that issues invoices, and how far its numbers are. `_id` is the blind index of the tax code."""

    meta = {  # noqa: RUF012
        "collection": "invoice_sellers",
        "auto_create_index": False,
        # The tax authority gives each to one seller.
        "indexes": [{"fields": ["authority_code"], "unique": True}],
    }

    id = StringField(primary_key=True)
    authority_code = StringField(required=True)
    suffix = StringField(required=True)
    active = BooleanField(required=True)
    since = DateTimeField(required=True)
    history = EmbeddedDocumentListField(InvoicingChange)
    version = LongField(required=True)
    # The last invoice: its ordinal, its time, and the last number of each symbol.
    ordinal = LongField(required=True)
    last_at = DateTimeField()
    numbers = MapField(LongField())


class InvoiceLine(EmbeddedDocument):
    product_id = StringField(default="")
    name = StringField(required=True)
    unit = StringField(required=True)
    quantity = StringField(required=True)
    price = LongField(required=True)
    amount = LongField(required=True)
    nature = StringField(required=True)


class OrdersInvoice(Document):
    """An issued invoice: nothing of it changes but how far it is on its way to the tax authority."""

    meta = {  # noqa: RUF012
        "collection": "invoices",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["seller", "ordinal"], "unique": True},
            {"fields": ["seller", "symbol", "number"], "unique": True},
            {"fields": ["lookup_code"], "unique": True},
            {"fields": ["order_id"]},
            {"fields": ["merchant_id", "ordinal"]},
            {"fields": ["delivery", "due_ms"]},
        ],
    }

    id = StringField(primary_key=True)
    order_id = StringField(required=True)
    order_code = StringField(required=True)
    slot = IntField(required=True)
    buyer_id = StringField(required=True)
    merchant_id = StringField(required=True)
    seller = StringField(required=True)
    ordinal = LongField(required=True)
    kind = StringField(required=True)
    symbol = StringField(required=True)
    number = LongField(required=True)
    authority_code = StringField(required=True)
    issued_at = DateTimeField(required=True)
    seller_name = StringField(required=True)
    seller_address = StringField(required=True)
    tax_code = BinaryField(required=True)
    # JSON of Buyer; absent where nobody asked.
    buyer = BinaryField()
    lines = EmbeddedDocumentListField(InvoiceLine)
    amount = LongField(required=True)
    related_id = StringField(default="")
    reason = StringField(default="")
    request_id = StringField(default="")
    fingerprint = StringField(default="")
    lookup_code = StringField(required=True)
    xml = BinaryField(required=True)
    # Delivery.
    delivery = StringField(required=True)
    due_ms = LongField(required=True)
    attempts = IntField(required=True)
    delivery_reason = StringField(default="")
    answered_at = DateTimeField()


DOCUMENTS = (InvoiceStall, InvoiceMarket, InvoiceSeller, OrdersInvoice)


@dataclass(frozen=True, slots=True)
class Stall:
    """A merchant that may issue. `seller` is "" where no tax code is known."""

    merchant_id: str
    owner_id: str
    seller: str
    # Masked where it is a person's.
    tax_code: str


@dataclass(frozen=True, slots=True)
class Registered:
    """What a tax code issues under. `issued` counts its invoices."""

    invoicing: Invoicing
    active: bool
    since: datetime
    issued: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An invoice, whole: who may see what of it is the server's to say."""

    issued: Issued
    order_id: str
    order_code: str
    buyer_id: str
    merchant_id: str
    ordinal: int
    authority_code: str
    seller: Seller
    buyer: Buyer
    reason: str
    lookup_code: str
    delivery: Delivery
    delivery_reason: str
    attempts: int

    @property
    def paper(self) -> xml.Paper:
        """What it says, for printing. `related` is left to who knows the other invoice."""
        one = self.issued
        return xml.Paper(
            one.invoice_id, one.kind, one.symbol, one.number, self.authority_code, one.issued_at, self.seller,
            self.buyer, one.lines, self.order_code, self.lookup_code, lookup_url(self.lookup_code), None, self.reason,
        )  # fmt: skip


# Facts of others ---------------------------------------------------------------------------------------------------


def put_stall(told: MerchantChanged) -> None:
    """Remembers merchant.* events, unless as much or more is known already."""
    changes: dict[str, object] = {
        "set__name": told.name or told.merchant_id, "set__owner_id": told.owner_id or "-",
        "set__market_id": told.market_id, "set__market_name": told.market_name, "set__stall": told.stall,
        "set__version": told.version,
    }  # fmt: skip
    # An event of before the code was told takes nothing away.
    if told.tax_index:
        code = crypto.open_tax(told.tax_sealed, told.merchant_id)
        changes |= {
            "set__tax_index": told.tax_index,
            "set__tax_code": crypto.encrypt(TAX_FIELD, code, told.merchant_id),
        }
    with suppress(NotUniqueError):  # the filter found nothing to change: a version at least as new is there
        InvoiceStall.objects(id=told.merchant_id, version__lt=told.version).update_one(upsert=True, **changes)


def put_market(told: MarketChanged) -> None:
    """Remembers market.* events, unless as much or more is known already."""
    with suppress(NotUniqueError):
        InvoiceMarket.objects(id=told.market_id, version__lt=told.version).update_one(
            upsert=True, set__ward_name=told.ward_name, set__province_name=told.province_name,
            set__version=told.version,
        )  # fmt: skip


def stall(merchant_id: str) -> Stall:
    """Raises MerchantNotFound."""
    found = InvoiceStall.objects(id=merchant_id).first()
    if found is None:
        raise MerchantNotFound("there is no such merchant, or it is not yours")
    return Stall(found.id, found.owner_id, found.tax_index or "", masked_code(_code(found)))


# Who issues ----------------------------------------------------------------------------------------------------


def put_invoicing(merchant_id: str, wanted: Invoicing, *, active: bool, by: str) -> Registered:
    """Says under what the merchant's tax code issues. The same again changes nothing.

    Raises MerchantNotFound, WrongState (no tax code is known), AlreadyExists (the code is another seller's),
    LimitExceeded, Contention.
    """
    seller = stall(merchant_id).seller
    if not seller:
        raise WrongState("no tax code of this merchant is known", vi="Chưa có mã số thuế của người bán này.")
    found, now = InvoiceSeller.objects(id=seller).first(), clock.now()
    change = InvoicingChange(
        at=now, by=by, authority_code=wanted.authority_code, suffix=wanted.suffix, active=active
    )  # fmt: skip
    fields = {"authority_code": wanted.authority_code, "suffix": wanted.suffix, "active": active}
    try:
        if found is None:
            InvoiceSeller(
                id=seller, since=now, history=[change], version=1, ordinal=0, numbers={}, **fields
            ).save(force_insert=True)  # fmt: skip
        elif any(getattr(found, name) != value for name, value in fields.items()):
            if len(found.history) >= HISTORY_MAX:
                raise LimitExceeded(f"a seller's codes change at most {HISTORY_MAX} times")
            begins = {"set__since": now} if active and not found.active else {}
            changed = InvoiceSeller.objects(id=seller, version=found.version).update_one(
                inc__version=1, push__history=change, **{f"set__{name}": value for name, value in fields.items()},
                **begins,
            )  # fmt: skip
            if changed != 1:
                raise Contention("somebody else changed it")
    except NotUniqueError as error:
        if found is None and InvoiceSeller.objects(id=seller).first() is not None:
            raise Contention("somebody else said so at this moment") from error
        raise AlreadyExists(
            "the tax authority gave this code to another seller", vi="Mã này là của người bán khác."
        ) from error
    return invoicing(merchant_id)


def invoicing(merchant_id: str) -> Registered:
    """Raises MerchantNotFound, NotFound (it issues none)."""
    seller = stall(merchant_id).seller
    found = InvoiceSeller.objects(id=seller).first() if seller else None
    if found is None:
        raise NotFound("this merchant issues no invoices yet")
    return Registered(
        Invoicing(found.authority_code, found.suffix), found.active, found.since, _caught_up(found).ordinal
    )  # fmt: skip


def issues(merchant_id: str, placed_at: datetime) -> bool:
    """Whether an order of this merchant that was placed then gets an invoice once it is paid."""
    known = InvoiceStall.objects(id=merchant_id).first()
    seller = InvoiceSeller.objects(id=known.tax_index).first() if known is not None and known.tax_index else None
    return seller is not None and bool(seller.active) and bool(placed_at >= seller.since)


# Issuing -------------------------------------------------------------------------------------------------------


def of_order(order_id: str) -> list[Issued]:
    """An order's invoices, by their slots."""
    found = OrdersInvoice.objects(order_id=order_id).limit(rules.INVOICES_MAX + 1)
    return sorted((_issued(one) for one in found), key=lambda one: one.slot)


def issue(draft: Draft, point: Callable[[str], None] = lambda _: None) -> Issued | None:
    """Issues an invoice under the seller's next number; None where the order's slot was taken meanwhile.

    `point` is told of every step ("headed", "stored", "counted"): the tests die there.
    Raises MerchantNotFound, WrongState (the merchant issues none), LimitExceeded, NotValid, Contention.
    """
    known = InvoiceStall.objects(id=draft.merchant_id).first()
    if known is None or not known.tax_index:
        raise WrongState("no tax code of this merchant is known")
    for _ in range(ATTEMPTS_MAX):
        head = InvoiceSeller.objects(id=known.tax_index).first()
        if head is None:
            raise WrongState("this merchant issues no invoices")
        document = _document(draft, known, head)
        point("headed")
        try:
            document.save(force_insert=True)
        except NotUniqueError:
            if OrdersInvoice.objects(id=document.id).first() is not None:
                return None
            # The ordinal is taken, and its invoice not counted yet: or it is being counted right now.
            _caught_up(head)
            continue
        point("stored")
        _count(document)
        point("counted")
        return _issued(document)
    raise Contention("other invoices of this seller keep being faster")


def _document(draft: Draft, known: InvoiceStall, head: InvoiceSeller) -> OrdersInvoice:
    """The invoice with the number that follows the head's."""
    # Numbers and days go up together, whatever clocks of other machines say.
    at = max(clock.now(), head.last_at) if head.last_at else clock.now()
    ordinal, symbol = head.ordinal + 1, rules.symbol_of(rules.day_of(at), head.suffix)
    number = head.numbers.get(symbol, 0) + 1
    if number > rules.NUMBER_MAX:
        raise LimitExceeded(f"a series has {rules.NUMBER_MAX} numbers: choose another symbol")
    invoice_id = invoice_id_of(draft.order_id, draft.slot)
    code, lookup = _code(known), new_lookup_code()
    paper = xml.Paper(
        invoice_id, draft.kind, symbol, number,
        rules.authority_number(rules.day_of(at), head.authority_code, ordinal), at,
        Seller(known.name, _address(known), code), draft.buyer, draft.lines, draft.order_code, lookup,
        lookup_url(lookup), draft.related, draft.reason,
    )  # fmt: skip
    said = xml.written(paper)
    told = draft.buyer != Buyer()
    return OrdersInvoice(
        id=invoice_id, order_id=draft.order_id, order_code=draft.order_code, slot=draft.slot, buyer_id=draft.buyer_id,
        merchant_id=draft.merchant_id, seller=head.id, ordinal=ordinal, kind=draft.kind.value, symbol=symbol,
        number=number, authority_code=paper.authority_code, issued_at=at, seller_name=paper.seller.name,
        seller_address=paper.seller.address, tax_code=crypto.encrypt(TAX_FIELD, code, invoice_id),
        buyer=crypto.encrypt(BUYER_FIELD, _written_buyer(draft.buyer), invoice_id) if told else None,
        lines=[InvoiceLine(**asdict(line) | {"nature": line.nature.value}) for line in draft.lines],
        amount=draft.amount, related_id=draft.related.invoice_id if draft.related else "", reason=draft.reason,
        request_id=draft.request_id, fingerprint=draft.fingerprint, lookup_code=lookup,
        xml=crypto.encrypt(XML_FIELD, said.decode(), invoice_id), delivery=Delivery.PENDING.value,
        due_ms=0, attempts=0,
    )  # fmt: skip


def _count(document: OrdersInvoice) -> bool:
    """Moves the seller's head onto this invoice, if it stands right before it."""
    changed: int = InvoiceSeller.objects(id=document.seller, ordinal=document.ordinal - 1).update_one(
        set__ordinal=document.ordinal, set__last_at=document.issued_at,
        **{f"set__numbers__{document.symbol}": document.number},
    )  # fmt: skip
    return changed == 1


def _caught_up(head: InvoiceSeller) -> InvoiceSeller:
    """The head with the invoice behind it counted, where there is one that its writer did not count."""
    beyond = OrdersInvoice.objects(seller=head.id, ordinal=head.ordinal + 1).first()
    if beyond is None:
        return head
    _count(beyond)
    found: InvoiceSeller = InvoiceSeller.objects(id=head.id).first()
    return found


def invoice_id_of(order_id: str, slot: int) -> str:
    """Whoever issues an order's n-th invoice issues the same."""
    digits = order_id.partition("_")[2]
    at_ms = key_time_ms("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))) or 0
    return "inv_" + derived_key(at_ms, "invoice", order_id, str(slot)).replace("-", "")


def new_lookup_code() -> str:
    """A new one; nobody guesses it."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LOOKUP_CHARACTERS))


def lookup_url(code: str) -> str:
    """Where the QR code of an invoice leads."""
    known = settings()
    base = known.public_url or f"http://{known.gateway_host}:{known.gateway_port}"
    return f"{base.rstrip('/')}/v1/invoice-lookup/{code}/invoice.pdf"


# Reading -------------------------------------------------------------------------------------------------------


def get(invoice_id: str) -> Shown:
    """Raises NotFound."""
    found = OrdersInvoice.objects(id=invoice_id).first()
    if found is None:
        raise NotFound("there is no such thing, or it is not yours")
    return _shown(found)


def look_up(text: str) -> Shown:
    """By the code that somebody typed or scanned. Raises NotFound."""
    code = text.strip().upper().replace("-", "").translate(_MISREAD)
    found = OrdersInvoice.objects(lookup_code=code).first() if len(code) == LOOKUP_CHARACTERS else None
    if found is None:
        raise NotFound("no invoice has this code")
    return _shown(found)


def page(merchant_id: str, before: int, most: int) -> list[Shown]:
    """A merchant's invoices below an ordinal, newest first."""
    found = OrdersInvoice.objects(merchant_id=merchant_id, ordinal__gt=0, ordinal__lt=before)
    return [_shown(one) for one in found.order_by("-ordinal").limit(most)]


def shown_of_order(order_id: str) -> list[Shown]:
    """An order's invoices, by their slots."""
    found = OrdersInvoice.objects(order_id=order_id).limit(rules.INVOICES_MAX + 1)
    return sorted((_shown(one) for one in found), key=lambda one: one.issued.slot)


def xml_of(invoice_id: str) -> bytes:
    """The XML as it was issued. Raises NotFound."""
    return content(invoice_id)[1]


# Delivery ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """An invoice that is to be sent."""

    invoice_id: str
    attempts: int
    delivery: Delivery


def due(now_ms: int, most: int) -> Iterator[Due]:
    """Invoices that are to be sent or sent again, at most `most` of each state."""
    for state in (Delivery.PENDING, Delivery.SENT):
        # In no order: sorting would read them all, however many wait.
        found = OrdersInvoice.objects(delivery=state.value, due_ms__gte=0, due_ms__lte=now_ms)
        for one in found.only("id", "attempts").limit(most):
            yield Due(one.id, one.attempts, state)


def waiting(state: Delivery, most: int) -> int:
    """How many invoices are in one of UNDELIVERED, counted up to `most`."""
    found = OrdersInvoice.objects(delivery=state.value, due_ms__gte=0, due_ms__lte=_NEVER_MS)
    return len(list(found.only("id").limit(most)))


def content(invoice_id: str) -> tuple[str, bytes]:
    """The seller's tax code and the XML as it was issued. Raises NotFound, InvalidTag (its key is missing)."""
    found = OrdersInvoice.objects(id=invoice_id).first()
    if found is None:
        raise NotFound("there is no such thing, or it is not yours")
    code = crypto.decrypt(TAX_FIELD, found.tax_code, found.id)
    return code, crypto.decrypt(XML_FIELD, found.xml, found.id).encode()


def mark(one: Due, to: Delivery, due_ms: int, reason: str) -> bool:
    """Where an attempt has led; False where somebody else was faster."""
    changed: int = OrdersInvoice.objects(
        id=one.invoice_id, delivery=one.delivery.value, attempts=one.attempts
    ).update_one(set__delivery=to.value, set__due_ms=due_ms, inc__attempts=1, set__delivery_reason=reason)  # fmt: skip
    return changed == 1


def answered(invoice_id: str, accepted: bool, reason: str) -> bool:
    """The tax authority's answer; False where there is no such invoice, or it was answered otherwise before.

    The first answer stays: what is told twice changes nothing.
    """
    to = Delivery.ACCEPTED if accepted else Delivery.REFUSED
    # Also one that was given up, or whose sending was not marked any more: the authority has it.
    changed: int = OrdersInvoice.objects(
        id=invoice_id, delivery__in=[Delivery.PENDING.value, Delivery.SENT.value, Delivery.FAILED.value]
    ).update_one(set__delivery=to.value, set__delivery_reason=reason, set__answered_at=clock.now())
    return changed == 1 or OrdersInvoice.objects(id=invoice_id, delivery=to.value).first() is not None


def send_again(invoice_id: str) -> None:
    """One that was given up is sent anew. Raises NotFound, WrongState."""
    changed = OrdersInvoice.objects(id=invoice_id, delivery=Delivery.FAILED.value).update_one(
        set__delivery=Delivery.PENDING.value, set__attempts=0, set__due_ms=0, set__delivery_reason=""
    )
    if changed != 1:
        get(invoice_id)
        raise WrongState("only an invoice whose delivery was given up is sent again")


# Helpers -------------------------------------------------------------------------------------------------------


def masked_code(code: str) -> str:
    """A tax code as others see it: a person's is masked."""
    return crypto.mask(code, 3) if code and tax.is_personal(code) else code


def _code(known: InvoiceStall) -> str:
    return crypto.decrypt(TAX_FIELD, known.tax_code, known.id) if known.tax_code else ""


def _address(known: InvoiceStall) -> str:
    """Where the stall is: its number, its market, and the commune and province as far as they are known."""
    market = InvoiceMarket.objects(id=known.market_id).first() if known.market_id else None
    parts = [f"Sạp {known.stall}" if known.stall else "", known.market_name]
    parts += [market.ward_name, market.province_name] if market is not None else []
    return ", ".join(filter(None, parts)) or "-"


def _written_buyer(buyer: Buyer) -> str:
    return json.dumps(asdict(buyer), ensure_ascii=False)


def _buyer(document: OrdersInvoice) -> Buyer:
    if not document.buyer:
        return Buyer()
    return Buyer(**json.loads(crypto.decrypt(BUYER_FIELD, document.buyer, document.id)))


def _lines(document: OrdersInvoice) -> tuple[Line, ...]:
    return tuple(
        Line(x.product_id or "", x.name, x.unit, x.quantity, x.price, x.amount, Nature(x.nature))
        for x in document.lines
    )  # fmt: skip


def _issued(document: OrdersInvoice) -> Issued:
    return Issued(
        document.id, document.slot, Kind(document.kind), rules.FORM, document.symbol, document.number,
        document.issued_at, _lines(document), document.related_id or "", document.request_id or "",
        document.fingerprint or "",
    )  # fmt: skip


def _shown(document: OrdersInvoice) -> Shown:
    return Shown(
        _issued(document), document.order_id, document.order_code, document.buyer_id, document.merchant_id,
        document.ordinal, document.authority_code,
        Seller(document.seller_name, document.seller_address,
               crypto.decrypt(TAX_FIELD, document.tax_code, document.id)),
        _buyer(document), document.reason or "", document.lookup_code, Delivery(document.delivery),
        document.delivery_reason or "", document.attempts,
    )  # fmt: skip
