"""gRPC of invoices: proto in, proto out; and what of an invoice who may see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from types import ModuleType

from cho.orders.v1 import invoices_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit import crypto
from kit.errors import InvalidArgument, MerchantNotFound, NotFound
from kit.ids import key_time_ms
from kit.rpc.call import Call
from services.orders.invoices import invoice as rules
from services.orders.invoices import issuing, source, store
from services.orders.invoices.delivery import Delivery
from services.orders.invoices.invoice import Buyer, Kind
from services.orders.invoices.store import Shown

PAGE_USUAL = 50
_KINDS = {kind: getattr(pb, f"INVOICE_KIND_{kind.name}") for kind in Kind}
_DELIVERIES = {state: getattr(pb, f"INVOICE_DELIVERY_{state.name}") for state in Delivery}
_SEE_ALL = ("operator", "auditor")
_REPLACED = "HÓA ĐƠN NÀY ĐÃ BỊ THAY THẾ"
_COPY = "Bản tra cứu: thông tin cá nhân được che."


class InvoiceServicer:
    """The RPCs of cho.orders.v1.InvoiceService; roles are enforced before they are called."""

    def PutInvoicing(self, request: pb.PutInvoicingRequest, call: Call) -> pb.PutInvoicingResponse:
        stall = _stall(request.merchant_id, call, "operator")
        wanted = rules.checked_invoicing(request.authority_code, request.symbol_suffix)
        found = store.put_invoicing(stall.merchant_id, wanted, active=request.active, by=call.caller.sub)
        return pb.PutInvoicingResponse(invoicing=_invoicing(stall, found))

    def GetInvoicing(self, request: pb.GetInvoicingRequest, call: Call) -> pb.GetInvoicingResponse:
        stall = _stall(request.merchant_id, call, *_SEE_ALL)
        return pb.GetInvoicingResponse(invoicing=_invoicing(stall, store.invoicing(stall.merchant_id)))

    def ListInvoices(self, request: pb.ListInvoicesRequest, call: Call) -> pb.ListInvoicesResponse:
        stall = _stall(request.merchant_id, call, *_SEE_ALL)
        size = request.page_size or PAGE_USUAL
        if not 1 <= size <= store.PAGE_MAX:
            raise InvalidArgument(f"page_size must be from 1 to {store.PAGE_MAX}")
        found = store.page(stall.merchant_id, _before(request.page_token), size + 1)
        return pb.ListInvoicesResponse(
            invoices=[_view(one) for one in found[:size]],
            next_page_token=str(found[size - 1].ordinal) if len(found) > size else "",
        )

    def ListOrderInvoices(self, request: pb.ListOrderInvoicesRequest, call: Call) -> pb.ListOrderInvoicesResponse:
        found = [one for one in store.shown_of_order(request.order_id) if _is_of(one, call)]
        return pb.ListOrderInvoicesResponse(
            invoices=[_view(one, found) for one in found], amount=rules.total([one.issued for one in found])
        )

    def GetInvoice(self, request: pb.GetInvoiceRequest, call: Call) -> pb.GetInvoiceResponse:
        return pb.GetInvoiceResponse(invoice=_whole(_visible(request.invoice_id, call)))

    def DownloadInvoice(self, request: pb.DownloadInvoiceRequest, call: Call) -> HttpBody:
        chosen = request.format or "pdf"
        if chosen not in ("pdf", "xml"):
            raise InvalidArgument("format is pdf or xml")
        one = _visible(request.invoice_id, call)
        name = f"hoa-don-{one.issued.symbol}-{one.issued.number}.{chosen}"
        call.set_header("content-disposition", f'attachment; filename="{name}"')
        if chosen == "xml":
            return HttpBody(content_type="application/xml", data=store.xml_of(one.issued.invoice_id))
        others = store.shown_of_order(one.order_id)
        note = _REPLACED if _replaced_by(one, others) else ""
        return HttpBody(content_type="application/pdf", data=_pdf().printed(_paper(one, others), note=note))

    def ReplaceInvoice(self, request: pb.ReplaceInvoiceRequest, call: Call) -> pb.ReplaceInvoiceResponse:
        if key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7")
        one = store.get(request.invoice_id)
        if store.stall(one.merchant_id).owner_id != call.caller.sub:
            raise NotFound("there is no such thing, or it is not yours")
        buyer = rules.checked_buyer(
            Buyer(
                request.buyer.name, request.buyer.address, request.buyer.tax_code, request.buyer.personal_id,
                request.buyer.phone,
            )
        )  # fmt: skip
        reason = rules.checked_reason(request.reason)
        made = issuing.replace(
            request.invoice_id, source.sale, buyer=buyer, reason=reason, request_id=request.request_id,
            fingerprint=_fingerprint(buyer, reason),
        )  # fmt: skip
        return pb.ReplaceInvoiceResponse(invoice=_whole(store.get(made.invoice_id)))

    def ResendInvoice(self, request: pb.ResendInvoiceRequest, call: Call) -> pb.ResendInvoiceResponse:
        store.send_again(request.invoice_id)
        return pb.ResendInvoiceResponse(invoice=_whole(store.get(request.invoice_id)))

    def LookUpInvoice(self, request: pb.LookUpInvoiceRequest, call: Call) -> pb.LookUpInvoiceResponse:
        one = store.look_up(request.lookup_code)
        seen = _view(one, store.shown_of_order(one.order_id))
        # Who holds the paper has its code; what leads from it to the order is its buyer's and merchant's.
        for name in ("order_id", "lookup_code", "related_id", "delivery_reason", "delivery_attempts"):
            seen.ClearField(name)
        seen.reason = _public_reason(one)
        return pb.LookUpInvoiceResponse(invoice=seen)

    def PrintLookedUpInvoice(self, request: pb.PrintLookedUpInvoiceRequest, call: Call) -> HttpBody:
        one = store.look_up(request.lookup_code)
        others = store.shown_of_order(one.order_id)
        paper = _paper(one, others)
        paper = replace(
            paper,
            seller=replace(paper.seller, tax_code=store.masked_code(paper.seller.tax_code)),
            buyer=_masked(paper.buyer),
            reason=_public_reason(one),
        )
        note = f"{_REPLACED}. {_COPY}" if _replaced_by(one, others) else _COPY
        call.set_header("content-disposition", 'inline; filename="hoa-don.pdf"')
        return HttpBody(content_type="application/pdf", data=_pdf().printed(paper, note=note))


def _stall(merchant_id: str, call: Call, *who_may_too: str) -> store.Stall:
    """Raises MerchantNotFound, for strangers too."""
    stall = store.stall(merchant_id)
    if stall.owner_id != call.caller.sub and not call.has(*who_may_too):
        raise MerchantNotFound("there is no such merchant, or it is not yours")
    return stall


def _is_of(one: Shown, call: Call) -> bool:
    """Whether an invoice is the caller's: its buyer's, its merchant's, or anybody's who sees all."""
    if call.caller.sub == one.buyer_id or call.has(*_SEE_ALL):
        return True
    return store.stall(one.merchant_id).owner_id == call.caller.sub


def _visible(invoice_id: str, call: Call) -> Shown:
    """Raises NotFound."""
    one = store.get(invoice_id)
    if not _is_of(one, call):
        raise NotFound("there is no such thing, or it is not yours")
    return one


def _before(token: str) -> int:
    if not token:
        return rules.ORDINAL_MAX + 1
    if not (token.isascii() and token.isdigit() and len(token) <= 12):
        raise InvalidArgument("page_token is not one of this list's")
    return int(token)


def _fingerprint(buyer: Buyer, reason: str) -> str:
    """Tells the same request from another without holding what it said."""
    body = json.dumps([asdict(buyer), reason], sort_keys=True, ensure_ascii=False)
    return crypto.blind_index("invoices.replacement", hashlib.sha256(body.encode()).hexdigest())


def _invoicing(stall: store.Stall, found: store.Registered) -> pb.Invoicing:
    view = pb.Invoicing(
        merchant_id=stall.merchant_id, authority_code=found.invoicing.authority_code,
        symbol_suffix=found.invoicing.suffix, active=found.active, issued=found.issued, tax_code=stall.tax_code,
    )  # fmt: skip
    view.since.FromDatetime(found.since)
    return view


def _whole(one: Shown) -> pb.Invoice:
    return _view(one, store.shown_of_order(one.order_id))


def _view(one: Shown, others: Sequence[Shown] | None = None) -> pb.Invoice:
    """`others`: the order's invoices, where they are known: they say what stands in this one's place."""
    its = one.issued
    view = pb.Invoice(
        invoice_id=its.invoice_id, order_id=one.order_id, merchant_id=one.merchant_id, kind=_KINDS[its.kind],
        form=its.form, symbol=its.symbol, number=its.number, authority_code=one.authority_code,
        seller_name=one.seller.name, seller_address=one.seller.address,
        seller_tax_code=store.masked_code(one.seller.tax_code), buyer_name=rules.masked_name(one.buyer.name),
        lines=[
            pb.InvoiceLine(
                name=line.name, unit=line.unit, quantity=line.quantity, price=line.price, amount=line.amount
            )
            for line in its.lines
        ],
        amount=its.amount, amount_in_words=rules.in_words(its.amount), related_id=its.related_id,
        replaced_by=_replaced_by(one, store.shown_of_order(one.order_id) if others is None else others),
        reason=one.reason, lookup_code=one.lookup_code, delivery=_DELIVERIES[one.delivery],
        delivery_reason=one.delivery_reason, delivery_attempts=one.attempts,
    )  # fmt: skip
    view.issued_at.FromDatetime(its.issued_at)
    return view


def _replaced_by(one: Shown, others: Sequence[Shown]) -> str:
    """The invoice that stands in this one's place; "" for none."""
    return next(
        (
            other.issued.invoice_id for other in others
            if other.issued.kind is Kind.REPLACING and other.issued.related_id == one.issued.invoice_id
        ),
        "",
    )  # fmt: skip


def _paper(one: Shown, others: Sequence[Shown]) -> store.xml.Paper:
    """What is printed, with the invoice that it refers to."""
    related = next((other.issued for other in others if other.issued.invoice_id == one.issued.related_id), None)
    return replace(one.paper, related=related.as_related if related else None)


def _masked(buyer: Buyer) -> Buyer:
    return Buyer(
        rules.masked_name(buyer.name), "*" * 8 if buyer.address else "", store.masked_code(buyer.tax_code),
        crypto.mask(buyer.personal_id, 3), crypto.mask(buyer.phone, 3),
    )  # fmt: skip


def _public_reason(one: Shown) -> str:
    """What a seller wrote may name the buyer; what an adjustment says is ours."""
    return "" if one.issued.kind is Kind.REPLACING else one.reason


def _pdf() -> ModuleType:
    """Imported by the first print: in every process it would cost memory, and what it imports may start threads, which
    keep a process from being forked."""
    from services.orders.invoices import pdf

    return pdf
