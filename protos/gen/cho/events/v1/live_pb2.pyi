from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LiveSaleChanged(_message.Message):
    __slots__ = ("sale_id", "merchant_id", "title", "opens_at_ms", "closes_at_ms", "actor", "reason", "version", "lines")
    class Line(_message.Message):
        __slots__ = ("product_id", "lots", "lot_size", "price", "sold")
        PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
        LOTS_FIELD_NUMBER: _ClassVar[int]
        LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
        PRICE_FIELD_NUMBER: _ClassVar[int]
        SOLD_FIELD_NUMBER: _ClassVar[int]
        product_id: str
        lots: int
        lot_size: int
        price: int
        sold: int
        def __init__(self, product_id: _Optional[str] = ..., lots: _Optional[int] = ..., lot_size: _Optional[int] = ..., price: _Optional[int] = ..., sold: _Optional[int] = ...) -> None: ...
    SALE_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    OPENS_AT_MS_FIELD_NUMBER: _ClassVar[int]
    CLOSES_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    sale_id: str
    merchant_id: str
    title: str
    opens_at_ms: int
    closes_at_ms: int
    actor: str
    reason: str
    version: int
    lines: _containers.RepeatedCompositeFieldContainer[LiveSaleChanged.Line]
    def __init__(self, sale_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., title: _Optional[str] = ..., opens_at_ms: _Optional[int] = ..., closes_at_ms: _Optional[int] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., version: _Optional[int] = ..., lines: _Optional[_Iterable[_Union[LiveSaleChanged.Line, _Mapping]]] = ...) -> None: ...
