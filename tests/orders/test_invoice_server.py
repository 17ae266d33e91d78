"""Invoices over a real gRPC channel: who may see what of them, and the page that is printed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import pypdfium2
import pytest
from cho.orders.v1 import invoices_pb2 as pb
from cho.orders.v1.invoices_pb2_grpc import InvoiceServiceStub
from google.protobuf.message import Message
from lxml import etree

from kit import mongo
from kit.config import settings
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.rpc.threads import Server, Servicers
from services.orders.invoices import issuing, source, store
from services.orders.invoices.delivery import Delivery
from services.orders.invoices.server import InvoiceServicer
from tests import role_table
from tests.conftest import opened
from tests.orders.invoice_office import CITIZEN, Orders, open_stall, told
from tests.scanner import scan

TABLE = {
    "InvoiceService.PutInvoicing": {"vendor", "operator"},
    "InvoiceService.GetInvoicing": {"vendor", "operator", "auditor"},
    "InvoiceService.ListInvoices": {"vendor", "operator", "auditor"},
    "InvoiceService.ListOrderInvoices": {"shopper", "vendor", "operator", "auditor"},
    "InvoiceService.GetInvoice": {"shopper", "vendor", "operator", "auditor"},
    "InvoiceService.DownloadInvoice": {"shopper", "vendor"},
    "InvoiceService.ReplaceInvoice": {"vendor"},
    "InvoiceService.ResendInvoice": {"operator"},
    "InvoiceService.LookUpInvoice": {"anyone"},
    "InvoiceService.PrintLookedUpInvoice": {"anyone"},
}
BUYER = pb.InvoiceBuyer(name="Nguyễn Văn An", phone="0912345678", address="12 phố Cổ", tax_code="0100109106")
SHOPPER, VENDOR = ("usr_b", "shopper"), ("usr_v", "vendor")
OPERATOR, AUDITOR = ("usr_o", "operator"), ("usr_a", "auditor")
STRANGERS = (("usr_x", "shopper"), ("usr_x", "vendor"))
Who = tuple[str, ...]


def servicers() -> Servicers:
    return [(pb.DESCRIPTOR.services_by_name["InvoiceService"], InvoiceServicer())]


@pytest.fixture(scope="module")
def channel(mongo_uri: str) -> Iterator[grpc.Channel]:
    with opened(lambda: mongo.open_store("orders_invoices", store.DOCUMENTS), mongo_uri):
        running = Server("127.0.0.1:0", servicers())
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as connected:
            yield connected
        running.stop()


class Api:
    def __init__(self, channel: grpc.Channel) -> None:
        self.stub, self.orders = InvoiceServiceStub(channel), Orders()
        self.merchant = open_stall()

    def __call__(self, who: Who, method: str, request: Message) -> Any:
        sub, *roles = who or ("",)
        metadata = (
            ("x-cho-edge", settings().edge_secret), ("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)),
        )  # fmt: skip
        return getattr(self.stub, method)(request, metadata=metadata, timeout=30)

    def code(self, who: Who, method: str, request: Message) -> str:
        with pytest.raises(grpc.RpcError) as refused:
            self(who, method, request)
        return error_code(refused.value)

    def issue(self, **fields: Any) -> str:
        """A paid order's invoice; its id."""
        (made,) = issuing.settle(self.orders.place(self.merchant, **fields), self.orders.read)
        return made.invoice_id

    def get(self, who: Who, invoice: str) -> pb.Invoice:
        return self(who, "GetInvoice", pb.GetInvoiceRequest(invoice_id=invoice)).invoice


@pytest.fixture
def api(channel: grpc.Channel, monkeypatch: pytest.MonkeyPatch) -> Api:
    for document in store.DOCUMENTS:
        document.objects.delete()
    made = Api(channel)
    monkeypatch.setattr(source, "sale", made.orders.read)
    return made


def words(document: bytes) -> str:
    pages = pypdfium2.PdfDocument(document)
    return " ".join(page.get_textpage().get_text_bounded() for page in pages).replace("\r\n", " ")


def test_who_may_call_what_is_what_the_table_says(api: Api, channel: grpc.Channel) -> None:
    declared = {name: set(roles) for name, roles in role_table.declared("orders").items() if name in TABLE}
    assert declared == TABLE
    table = {name: frozenset(roles) for name, roles in TABLE.items()}
    for name, who, code in role_table.tried(servicers(), channel):
        expected = role_table.allowed(table, name, who)
        assert role_table.let_in(code) if expected == "in" else code == expected, (name, who, code)


def test_a_vendor_says_under_what_invoices_are_issued_and_sees_what_was(api: Api) -> None:
    merchant = new_id("mer")
    store.put_stall(told(merchant, code="019185000002"))
    put = pb.PutInvoicingRequest(merchant_id=merchant, authority_code="7FGBT", symbol_suffix="XY", active=True)
    assert api.code(VENDOR, "GetInvoicing", pb.GetInvoicingRequest(merchant_id=merchant)) == "NOT_FOUND"
    said = api(VENDOR, "PutInvoicing", put).invoicing
    assert (said.authority_code, said.symbol_suffix, said.active, said.issued) == ("7FGBT", "XY", True, 0)
    assert said.tax_code == "*" * 9 + "002"
    for who in (VENDOR, OPERATOR, AUDITOR):
        assert api(who, "GetInvoicing", pb.GetInvoicingRequest(merchant_id=merchant)).invoicing == said
    for stranger in (("usr_x", "vendor"),):
        assert api.code(stranger, "PutInvoicing", put) == "MERCHANT_NOT_FOUND"
        assert api.code(stranger, "GetInvoicing", pb.GetInvoicingRequest(merchant_id=merchant)) == "MERCHANT_NOT_FOUND"
    put.authority_code = "MNZLR"
    assert api.code(VENDOR, "PutInvoicing", put) == "ALREADY_EXISTS"
    put.authority_code = "mnzlr"
    assert api.code(VENDOR, "PutInvoicing", put) == "INVALID_ARGUMENT"
    put.merchant_id = new_id("mer")
    assert api.code(OPERATOR, "PutInvoicing", put) == "MERCHANT_NOT_FOUND"


def test_an_invoice_is_its_buyers_and_merchants_and_masked_for_all(api: Api) -> None:
    invoice = api.issue()
    for who in (SHOPPER, VENDOR, OPERATOR, AUDITOR):
        seen = api.get(who, invoice)
        assert (seen.number, seen.amount, seen.amount_in_words) == (1, 90_000, "Chín mươi nghìn đồng")
        assert (seen.kind, seen.delivery, seen.form) == (
            pb.INVOICE_KIND_ORIGINAL, pb.INVOICE_DELIVERY_PENDING, "2",
        )  # fmt: skip
        assert seen.seller_tax_code == "*" * 9 + "001"
        assert [(line.quantity, line.amount) for line in seen.lines] == [("0.2", 90_000)]
        assert CITIZEN.encode() not in seen.SerializeToString()
    for stranger in STRANGERS:
        assert api.code(stranger, "GetInvoice", pb.GetInvoiceRequest(invoice_id=invoice)) == "NOT_FOUND"
        assert api.code(stranger, "DownloadInvoice", pb.DownloadInvoiceRequest(invoice_id=invoice)) == "NOT_FOUND"
    assert api.code(AUDITOR, "GetInvoice", pb.GetInvoiceRequest(invoice_id="inv_none")) == "NOT_FOUND"


def test_a_merchants_invoices_are_listed_newest_first_in_pages(api: Api) -> None:
    made = [api.issue() for _ in range(5)][::-1]
    listed: list[str] = []
    asked = pb.ListInvoicesRequest(merchant_id=api.merchant, page_size=2)
    while True:
        reply = api(VENDOR, "ListInvoices", asked)
        listed += [one.invoice_id for one in reply.invoices]
        if not reply.next_page_token:
            break
        asked.page_token = reply.next_page_token
    assert listed == made
    for wrong in ({"page_size": 101}, {"page_size": -1}, {"page_token": "x"}):
        asked = pb.ListInvoicesRequest(merchant_id=api.merchant, **wrong)  # type: ignore[arg-type]
        assert api.code(VENDOR, "ListInvoices", asked) == "INVALID_ARGUMENT"
    asked = pb.ListInvoicesRequest(merchant_id=api.merchant)
    assert api.code(("usr_x", "vendor"), "ListInvoices", asked) == "MERCHANT_NOT_FOUND"


def test_an_orders_invoices_come_to_what_was_kept(api: Api) -> None:
    order = api.get(VENDOR, api.issue()).order_id
    api.orders.keep(order, 60_000)
    issuing.settle(order, api.orders.read)
    asked = pb.ListOrderInvoicesRequest(order_id=order)
    for who in (SHOPPER, VENDOR, AUDITOR):
        seen = api(who, "ListOrderInvoices", asked)
        assert (seen.amount, [one.amount for one in seen.invoices]) == (60_000, [90_000, -30_000])
        assert seen.invoices[1].related_id == seen.invoices[0].invoice_id
        assert seen.invoices[1].reason == "Điều chỉnh giảm theo tiền hoàn"
    for stranger in STRANGERS:
        assert not api(stranger, "ListOrderInvoices", asked).invoices


def replacing(invoice: str, **fields: Any) -> pb.ReplaceInvoiceRequest:
    asked = {"invoice_id": invoice, "request_id": new_key(), "buyer": BUYER, "reason": "khách cần tên", **fields}
    return pb.ReplaceInvoiceRequest(**asked)


def test_a_buyers_particulars_come_by_a_replacement_made_once(api: Api) -> None:
    first = api.issue()
    asked = replacing(first)
    made = api(VENDOR, "ReplaceInvoice", asked).invoice
    assert api(VENDOR, "ReplaceInvoice", asked).invoice == made
    assert (made.kind, made.number, made.buyer_name) == (pb.INVOICE_KIND_REPLACING, 2, "N***** V** A*")
    assert api.get(VENDOR, first).replaced_by == made.invoice_id
    asked.reason = "lý do khác hẳn"
    assert api.code(VENDOR, "ReplaceInvoice", asked) == "IDEMPOTENCY_CONFLICT"
    assert api.code(VENDOR, "ReplaceInvoice", replacing(first)) == "WRONG_STATE"
    for wrong in ({"request_id": "x"}, {"reason": ""}, {"buyer": pb.InvoiceBuyer(name="An")}, {"buyer": None}):
        assert api.code(VENDOR, "ReplaceInvoice", replacing(made.invoice_id, **wrong)) == "INVALID_ARGUMENT"
    assert api.code(("usr_x", "vendor"), "ReplaceInvoice", replacing(made.invoice_id)) == "NOT_FOUND"
    assert api.code(VENDOR, "ReplaceInvoice", replacing("inv_none")) == "NOT_FOUND"


def test_files_are_the_whole_truth_for_the_two_whose_it_is(api: Api) -> None:
    first = api.issue()
    made = api(VENDOR, "ReplaceInvoice", replacing(first)).invoice.invoice_id
    for who in (SHOPPER, VENDOR):
        said = api(who, "DownloadInvoice", pb.DownloadInvoiceRequest(invoice_id=made, format="xml"))
        assert said.content_type == "application/xml"
        root = etree.fromstring(said.data)
        assert root.findtext("DLHDon/NDHDon/NBan/MST") == CITIZEN
        assert root.findtext("DLHDon/NDHDon/NMua/MST") == BUYER.tax_code
        page = words(api(who, "DownloadInvoice", pb.DownloadInvoiceRequest(invoice_id=made)).data)
        for part in (
            CITIZEN, BUYER.name, "+84912345678", "HÓA ĐƠN BÁN HÀNG", "Chín mươi nghìn đồng", "Thay thế hóa đơn",
            "khách cần tên", "Sạp A-01", "0,2", "90.000", "MNZLR-00000000002",
        ):  # fmt: skip
            assert part in page, part
        old = words(api(who, "DownloadInvoice", pb.DownloadInvoiceRequest(invoice_id=first)).data)
        assert "ĐÃ BỊ THAY THẾ" in old
        assert "Khách lẻ" in old
    asked = pb.DownloadInvoiceRequest(invoice_id=made, format="doc")
    assert api.code(VENDOR, "DownloadInvoice", asked) == "INVALID_ARGUMENT"


def test_whoever_holds_the_paper_finds_it_by_its_code_and_sees_no_numbers_of_people(api: Api) -> None:
    first = api.issue()
    asked = replacing(first)
    asked.reason = f"{BUYER.name} cần tên trên hóa đơn"
    made = api(VENDOR, "ReplaceInvoice", asked).invoice
    seen = api((), "LookUpInvoice", pb.LookUpInvoiceRequest(lookup_code=made.lookup_code.lower())).invoice
    assert (seen.number, seen.amount, seen.seller_tax_code) == (2, 90_000, "*" * 9 + "001")
    assert (seen.order_id, seen.lookup_code, seen.buyer_name) == ("", "", "N***** V** A*")
    printed = api((), "PrintLookedUpInvoice", pb.PrintLookedUpInvoiceRequest(lookup_code=made.lookup_code)).data
    page = words(printed)
    for secret in (CITIZEN, BUYER.name, "912345678", BUYER.address):
        assert secret.encode() not in seen.SerializeToString()
        assert secret not in page
    assert "90.000" in page
    assert asked.reason in words(
        api(VENDOR, "DownloadInvoice", pb.DownloadInvoiceRequest(invoice_id=made.invoice_id)).data
    )
    old = api.get(VENDOR, first)
    page = words(api((), "PrintLookedUpInvoice", pb.PrintLookedUpInvoiceRequest(lookup_code=old.lookup_code)).data)
    assert "ĐÃ BỊ THAY THẾ" in page
    nothing = "A" * 16
    assert api.code((), "LookUpInvoice", pb.LookUpInvoiceRequest(lookup_code=nothing)) == "NOT_FOUND"
    assert api.code((), "PrintLookedUpInvoice", pb.PrintLookedUpInvoiceRequest(lookup_code=nothing)) == "NOT_FOUND"


def test_the_printed_code_leads_to_the_lookup(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "public_url", "https://cho.example.vn/")
    invoice = api.issue()
    document = pypdfium2.PdfDocument(
        io.BytesIO(api(VENDOR, "DownloadInvoice", pb.DownloadInvoiceRequest(invoice_id=invoice)).data)
    )
    found = scan(document[0].render(scale=4).to_pil())
    code = api.get(VENDOR, invoice).lookup_code
    assert found.text == f"https://cho.example.vn/v1/invoice-lookup/{code}/invoice.pdf"


def test_an_invoice_of_many_lines_turns_the_page(api: Api) -> None:
    order = api.orders.place(api.merchant)
    line = api.orders.sales[order].lines[0]
    lines = tuple(store.Line(f"prd_{n}", f"Hàng số {n} " + "x" * 80, "kg", "1", 1_000, 1_000) for n in range(50))
    assert line not in lines
    api.orders.sales[order] = source_sale(api, order, lines)
    (made,) = issuing.settle(order, api.orders.read)
    document = pypdfium2.PdfDocument(
        api(VENDOR, "DownloadInvoice", pb.DownloadInvoiceRequest(invoice_id=made.invoice_id)).data
    )
    assert len(document) > 1
    assert (
        "Hàng số 49"
        in document[len(document) - 1].get_textpage().get_text_bounded()
        + document[len(document) - 2].get_textpage().get_text_bounded()
    )


def source_sale(api: Api, order: str, lines: tuple[store.Line, ...]) -> Any:
    return replace(api.orders.sales[order], lines=lines, kept=sum(line.amount for line in lines))


def test_an_operator_sends_again_what_was_given_up(api: Api) -> None:
    invoice = api.issue()
    asked = pb.ResendInvoiceRequest(invoice_id=invoice)
    assert api.code(OPERATOR, "ResendInvoice", asked) == "WRONG_STATE"
    store.OrdersInvoice.objects(id=invoice).update(set__delivery=Delivery.FAILED.value, set__attempts=20)
    seen = api(OPERATOR, "ResendInvoice", asked).invoice
    assert (seen.delivery, seen.delivery_attempts) == (pb.INVOICE_DELIVERY_PENDING, 0)
    assert api.code(OPERATOR, "ResendInvoice", pb.ResendInvoiceRequest(invoice_id="inv_none")) == "NOT_FOUND"
