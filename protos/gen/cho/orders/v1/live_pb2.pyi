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

class SaleState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SALE_STATE_UNSPECIFIED: _ClassVar[SaleState]
    SALE_STATE_SCHEDULED: _ClassVar[SaleState]
    SALE_STATE_OPEN: _ClassVar[SaleState]
    SALE_STATE_CLOSED: _ClassVar[SaleState]
    SALE_STATE_SETTLED: _ClassVar[SaleState]
    SALE_STATE_CANCELLED: _ClassVar[SaleState]

class ClaimState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLAIM_STATE_UNSPECIFIED: _ClassVar[ClaimState]
    CLAIM_STATE_HELD: _ClassVar[ClaimState]
    CLAIM_STATE_KEPT: _ClassVar[ClaimState]
    CLAIM_STATE_GIVEN_BACK: _ClassVar[ClaimState]
SALE_STATE_UNSPECIFIED: SaleState
SALE_STATE_SCHEDULED: SaleState
SALE_STATE_OPEN: SaleState
SALE_STATE_CLOSED: SaleState
SALE_STATE_SETTLED: SaleState
SALE_STATE_CANCELLED: SaleState
CLAIM_STATE_UNSPECIFIED: ClaimState
CLAIM_STATE_HELD: ClaimState
CLAIM_STATE_KEPT: ClaimState
CLAIM_STATE_GIVEN_BACK: ClaimState

class SaleLine(_message.Message):
    __slots__ = ("product_id", "name", "unit", "lots", "lot_size", "price", "cap", "left", "sold")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    LOTS_FIELD_NUMBER: _ClassVar[int]
    LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CAP_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    SOLD_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    name: str
    unit: str
    lots: int
    lot_size: int
    price: int
    cap: int
    left: int
    sold: int
    def __init__(self, product_id: _Optional[str] = ..., name: _Optional[str] = ..., unit: _Optional[str] = ..., lots: _Optional[int] = ..., lot_size: _Optional[int] = ..., price: _Optional[int] = ..., cap: _Optional[int] = ..., left: _Optional[int] = ..., sold: _Optional[int] = ...) -> None: ...

class SaleHappened(_message.Message):
    __slots__ = ("event", "who", "reason", "at")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    event: str
    who: str
    reason: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, event: _Optional[str] = ..., who: _Optional[str] = ..., reason: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Sale(_message.Message):
    __slots__ = ("sale_id", "merchant_id", "merchant_name", "title", "opens_at", "closes_at", "pay_within_s", "state", "lines", "history")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_NAME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    OPENS_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSES_AT_FIELD_NUMBER: _ClassVar[int]
    PAY_WITHIN_S_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    merchant_id: str
    merchant_name: str
    title: str
    opens_at: _timestamp_pb2.Timestamp
    closes_at: _timestamp_pb2.Timestamp
    pay_within_s: int
    state: SaleState
    lines: _containers.RepeatedCompositeFieldContainer[SaleLine]
    history: _containers.RepeatedCompositeFieldContainer[SaleHappened]
    def __init__(self, sale_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., merchant_name: _Optional[str] = ..., title: _Optional[str] = ..., opens_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closes_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pay_within_s: _Optional[int] = ..., state: _Optional[_Union[SaleState, str]] = ..., lines: _Optional[_Iterable[_Union[SaleLine, _Mapping]]] = ..., history: _Optional[_Iterable[_Union[SaleHappened, _Mapping]]] = ...) -> None: ...

class Claim(_message.Message):
    __slots__ = ("order_id", "state", "number", "product_id", "lots", "pay_by")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    LOTS_FIELD_NUMBER: _ClassVar[int]
    PAY_BY_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    state: ClaimState
    number: int
    product_id: str
    lots: int
    pay_by: _timestamp_pb2.Timestamp
    def __init__(self, order_id: _Optional[str] = ..., state: _Optional[_Union[ClaimState, str]] = ..., number: _Optional[int] = ..., product_id: _Optional[str] = ..., lots: _Optional[int] = ..., pay_by: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ScheduleSaleRequest(_message.Message):
    __slots__ = ("request_id", "merchant_id", "title", "opens_at", "closes_at", "pay_within_s", "lines")
    class Line(_message.Message):
        __slots__ = ("product_id", "lots", "lot_size", "price", "cap")
        PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
        LOTS_FIELD_NUMBER: _ClassVar[int]
        LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
        PRICE_FIELD_NUMBER: _ClassVar[int]
        CAP_FIELD_NUMBER: _ClassVar[int]
        product_id: str
        lots: int
        lot_size: int
        price: int
        cap: int
        def __init__(self, product_id: _Optional[str] = ..., lots: _Optional[int] = ..., lot_size: _Optional[int] = ..., price: _Optional[int] = ..., cap: _Optional[int] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    OPENS_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSES_AT_FIELD_NUMBER: _ClassVar[int]
    PAY_WITHIN_S_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    merchant_id: str
    title: str
    opens_at: _timestamp_pb2.Timestamp
    closes_at: _timestamp_pb2.Timestamp
    pay_within_s: int
    lines: _containers.RepeatedCompositeFieldContainer[ScheduleSaleRequest.Line]
    def __init__(self, request_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., title: _Optional[str] = ..., opens_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closes_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pay_within_s: _Optional[int] = ..., lines: _Optional[_Iterable[_Union[ScheduleSaleRequest.Line, _Mapping]]] = ...) -> None: ...

class ScheduleSaleResponse(_message.Message):
    __slots__ = ("sale",)
    SALE_FIELD_NUMBER: _ClassVar[int]
    sale: Sale
    def __init__(self, sale: _Optional[_Union[Sale, _Mapping]] = ...) -> None: ...

class ListSalesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSalesResponse(_message.Message):
    __slots__ = ("sales",)
    SALES_FIELD_NUMBER: _ClassVar[int]
    sales: _containers.RepeatedCompositeFieldContainer[Sale]
    def __init__(self, sales: _Optional[_Iterable[_Union[Sale, _Mapping]]] = ...) -> None: ...

class GetSaleRequest(_message.Message):
    __slots__ = ("sale_id",)
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    def __init__(self, sale_id: _Optional[str] = ...) -> None: ...

class GetSaleResponse(_message.Message):
    __slots__ = ("sale",)
    SALE_FIELD_NUMBER: _ClassVar[int]
    sale: Sale
    def __init__(self, sale: _Optional[_Union[Sale, _Mapping]] = ...) -> None: ...

class WatchSaleRequest(_message.Message):
    __slots__ = ("sale_id",)
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    def __init__(self, sale_id: _Optional[str] = ...) -> None: ...

class CancelSaleRequest(_message.Message):
    __slots__ = ("sale_id", "reason")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    reason: str
    def __init__(self, sale_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelSaleResponse(_message.Message):
    __slots__ = ("sale",)
    SALE_FIELD_NUMBER: _ClassVar[int]
    sale: Sale
    def __init__(self, sale: _Optional[_Union[Sale, _Mapping]] = ...) -> None: ...

class CloseSaleRequest(_message.Message):
    __slots__ = ("sale_id", "reason")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    reason: str
    def __init__(self, sale_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CloseSaleResponse(_message.Message):
    __slots__ = ("sale",)
    SALE_FIELD_NUMBER: _ClassVar[int]
    sale: Sale
    def __init__(self, sale: _Optional[_Union[Sale, _Mapping]] = ...) -> None: ...

class ClaimLotsRequest(_message.Message):
    __slots__ = ("sale_id", "request_id", "product_id", "lots", "delivery")
    class Delivery(_message.Message):
        __slots__ = ("deliver_to",)
        DELIVER_TO_FIELD_NUMBER: _ClassVar[int]
        deliver_to: str
        def __init__(self, deliver_to: _Optional[str] = ...) -> None: ...
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    LOTS_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    request_id: str
    product_id: str
    lots: int
    delivery: ClaimLotsRequest.Delivery
    def __init__(self, sale_id: _Optional[str] = ..., request_id: _Optional[str] = ..., product_id: _Optional[str] = ..., lots: _Optional[int] = ..., delivery: _Optional[_Union[ClaimLotsRequest.Delivery, _Mapping]] = ...) -> None: ...

class ClaimLotsResponse(_message.Message):
    __slots__ = ("claim",)
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ...) -> None: ...

class GetClaimRequest(_message.Message):
    __slots__ = ("sale_id", "request_id")
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    request_id: str
    def __init__(self, sale_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetClaimResponse(_message.Message):
    __slots__ = ("claim",)
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    claim: Claim
    def __init__(self, claim: _Optional[_Union[Claim, _Mapping]] = ...) -> None: ...
