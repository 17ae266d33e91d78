import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InvoiceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INVOICE_KIND_UNSPECIFIED: _ClassVar[InvoiceKind]
    INVOICE_KIND_ORIGINAL: _ClassVar[InvoiceKind]
    INVOICE_KIND_ADJUSTING: _ClassVar[InvoiceKind]
    INVOICE_KIND_REPLACING: _ClassVar[InvoiceKind]

class InvoiceDelivery(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INVOICE_DELIVERY_UNSPECIFIED: _ClassVar[InvoiceDelivery]
    INVOICE_DELIVERY_PENDING: _ClassVar[InvoiceDelivery]
    INVOICE_DELIVERY_SENT: _ClassVar[InvoiceDelivery]
    INVOICE_DELIVERY_ACCEPTED: _ClassVar[InvoiceDelivery]
    INVOICE_DELIVERY_REFUSED: _ClassVar[InvoiceDelivery]
    INVOICE_DELIVERY_FAILED: _ClassVar[InvoiceDelivery]
INVOICE_KIND_UNSPECIFIED: InvoiceKind
INVOICE_KIND_ORIGINAL: InvoiceKind
INVOICE_KIND_ADJUSTING: InvoiceKind
INVOICE_KIND_REPLACING: InvoiceKind
INVOICE_DELIVERY_UNSPECIFIED: InvoiceDelivery
INVOICE_DELIVERY_PENDING: InvoiceDelivery
INVOICE_DELIVERY_SENT: InvoiceDelivery
INVOICE_DELIVERY_ACCEPTED: InvoiceDelivery
INVOICE_DELIVERY_REFUSED: InvoiceDelivery
INVOICE_DELIVERY_FAILED: InvoiceDelivery

class Invoicing(_message.Message):
    __slots__ = ("merchant_id", "authority_code", "symbol_suffix", "active", "since", "issued", "tax_code")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_CODE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_SUFFIX_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    TAX_CODE_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    authority_code: str
    symbol_suffix: str
    active: bool
    since: _timestamp_pb2.Timestamp
    issued: int
    tax_code: str
    def __init__(self, merchant_id: _Optional[str] = ..., authority_code: _Optional[str] = ..., symbol_suffix: _Optional[str] = ..., active: _Optional[bool] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., issued: _Optional[int] = ..., tax_code: _Optional[str] = ...) -> None: ...

class PutInvoicingRequest(_message.Message):
    __slots__ = ("merchant_id", "authority_code", "symbol_suffix", "active")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_CODE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_SUFFIX_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    authority_code: str
    symbol_suffix: str
    active: bool
    def __init__(self, merchant_id: _Optional[str] = ..., authority_code: _Optional[str] = ..., symbol_suffix: _Optional[str] = ..., active: _Optional[bool] = ...) -> None: ...

class PutInvoicingResponse(_message.Message):
    __slots__ = ("invoicing",)
    INVOICING_FIELD_NUMBER: _ClassVar[int]
    invoicing: Invoicing
    def __init__(self, invoicing: _Optional[_Union[Invoicing, _Mapping]] = ...) -> None: ...

class GetInvoicingRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class GetInvoicingResponse(_message.Message):
    __slots__ = ("invoicing",)
    INVOICING_FIELD_NUMBER: _ClassVar[int]
    invoicing: Invoicing
    def __init__(self, invoicing: _Optional[_Union[Invoicing, _Mapping]] = ...) -> None: ...

class InvoiceLine(_message.Message):
    __slots__ = ("name", "unit", "quantity", "price", "amount")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    unit: str
    quantity: str
    price: int
    amount: int
    def __init__(self, name: _Optional[str] = ..., unit: _Optional[str] = ..., quantity: _Optional[str] = ..., price: _Optional[int] = ..., amount: _Optional[int] = ...) -> None: ...

class Invoice(_message.Message):
    __slots__ = ("invoice_id", "order_id", "merchant_id", "kind", "form", "symbol", "number", "authority_code", "issued_at", "seller_name", "seller_address", "seller_tax_code", "buyer_name", "lines", "amount", "amount_in_words", "related_id", "replaced_by", "reason", "lookup_code", "delivery", "delivery_reason", "delivery_attempts")
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_CODE_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    SELLER_NAME_FIELD_NUMBER: _ClassVar[int]
    SELLER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SELLER_TAX_CODE_FIELD_NUMBER: _ClassVar[int]
    BUYER_NAME_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_IN_WORDS_FIELD_NUMBER: _ClassVar[int]
    RELATED_ID_FIELD_NUMBER: _ClassVar[int]
    REPLACED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_CODE_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_REASON_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    invoice_id: str
    order_id: str
    merchant_id: str
    kind: InvoiceKind
    form: str
    symbol: str
    number: int
    authority_code: str
    issued_at: _timestamp_pb2.Timestamp
    seller_name: str
    seller_address: str
    seller_tax_code: str
    buyer_name: str
    lines: _containers.RepeatedCompositeFieldContainer[InvoiceLine]
    amount: int
    amount_in_words: str
    related_id: str
    replaced_by: str
    reason: str
    lookup_code: str
    delivery: InvoiceDelivery
    delivery_reason: str
    delivery_attempts: int
    def __init__(self, invoice_id: _Optional[str] = ..., order_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., kind: _Optional[_Union[InvoiceKind, str]] = ..., form: _Optional[str] = ..., symbol: _Optional[str] = ..., number: _Optional[int] = ..., authority_code: _Optional[str] = ..., issued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seller_name: _Optional[str] = ..., seller_address: _Optional[str] = ..., seller_tax_code: _Optional[str] = ..., buyer_name: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[InvoiceLine, _Mapping]]] = ..., amount: _Optional[int] = ..., amount_in_words: _Optional[str] = ..., related_id: _Optional[str] = ..., replaced_by: _Optional[str] = ..., reason: _Optional[str] = ..., lookup_code: _Optional[str] = ..., delivery: _Optional[_Union[InvoiceDelivery, str]] = ..., delivery_reason: _Optional[str] = ..., delivery_attempts: _Optional[int] = ...) -> None: ...

class ListInvoicesRequest(_message.Message):
    __slots__ = ("merchant_id", "page_size", "page_token")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    page_size: int
    page_token: str
    def __init__(self, merchant_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListInvoicesResponse(_message.Message):
    __slots__ = ("invoices", "next_page_token")
    INVOICES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    invoices: _containers.RepeatedCompositeFieldContainer[Invoice]
    next_page_token: str
    def __init__(self, invoices: _Optional[_Iterable[_Union[Invoice, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListOrderInvoicesRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class ListOrderInvoicesResponse(_message.Message):
    __slots__ = ("invoices", "amount")
    INVOICES_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    invoices: _containers.RepeatedCompositeFieldContainer[Invoice]
    amount: int
    def __init__(self, invoices: _Optional[_Iterable[_Union[Invoice, _Mapping]]] = ..., amount: _Optional[int] = ...) -> None: ...

class GetInvoiceRequest(_message.Message):
    __slots__ = ("invoice_id",)
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    invoice_id: str
    def __init__(self, invoice_id: _Optional[str] = ...) -> None: ...

class GetInvoiceResponse(_message.Message):
    __slots__ = ("invoice",)
    INVOICE_FIELD_NUMBER: _ClassVar[int]
    invoice: Invoice
    def __init__(self, invoice: _Optional[_Union[Invoice, _Mapping]] = ...) -> None: ...

class DownloadInvoiceRequest(_message.Message):
    __slots__ = ("invoice_id", "format")
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    invoice_id: str
    format: str
    def __init__(self, invoice_id: _Optional[str] = ..., format: _Optional[str] = ...) -> None: ...

class InvoiceBuyer(_message.Message):
    __slots__ = ("name", "address", "tax_code", "personal_id", "phone")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    TAX_CODE_FIELD_NUMBER: _ClassVar[int]
    PERSONAL_ID_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    name: str
    address: str
    tax_code: str
    personal_id: str
    phone: str
    def __init__(self, name: _Optional[str] = ..., address: _Optional[str] = ..., tax_code: _Optional[str] = ..., personal_id: _Optional[str] = ..., phone: _Optional[str] = ...) -> None: ...

class ReplaceInvoiceRequest(_message.Message):
    __slots__ = ("invoice_id", "request_id", "buyer", "reason")
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    BUYER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    invoice_id: str
    request_id: str
    buyer: InvoiceBuyer
    reason: str
    def __init__(self, invoice_id: _Optional[str] = ..., request_id: _Optional[str] = ..., buyer: _Optional[_Union[InvoiceBuyer, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class ReplaceInvoiceResponse(_message.Message):
    __slots__ = ("invoice",)
    INVOICE_FIELD_NUMBER: _ClassVar[int]
    invoice: Invoice
    def __init__(self, invoice: _Optional[_Union[Invoice, _Mapping]] = ...) -> None: ...

class ResendInvoiceRequest(_message.Message):
    __slots__ = ("invoice_id",)
    INVOICE_ID_FIELD_NUMBER: _ClassVar[int]
    invoice_id: str
    def __init__(self, invoice_id: _Optional[str] = ...) -> None: ...

class ResendInvoiceResponse(_message.Message):
    __slots__ = ("invoice",)
    INVOICE_FIELD_NUMBER: _ClassVar[int]
    invoice: Invoice
    def __init__(self, invoice: _Optional[_Union[Invoice, _Mapping]] = ...) -> None: ...

class LookUpInvoiceRequest(_message.Message):
    __slots__ = ("lookup_code",)
    LOOKUP_CODE_FIELD_NUMBER: _ClassVar[int]
    lookup_code: str
    def __init__(self, lookup_code: _Optional[str] = ...) -> None: ...

class LookUpInvoiceResponse(_message.Message):
    __slots__ = ("invoice",)
    INVOICE_FIELD_NUMBER: _ClassVar[int]
    invoice: Invoice
    def __init__(self, invoice: _Optional[_Union[Invoice, _Mapping]] = ...) -> None: ...

class PrintLookedUpInvoiceRequest(_message.Message):
    __slots__ = ("lookup_code",)
    LOOKUP_CODE_FIELD_NUMBER: _ClassVar[int]
    lookup_code: str
    def __init__(self, lookup_code: _Optional[str] = ...) -> None: ...
