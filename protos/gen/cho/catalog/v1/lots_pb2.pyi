import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Certificate(_message.Message):
    __slots__ = ("name", "number", "issuer", "valid_from", "valid_to")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_TO_FIELD_NUMBER: _ClassVar[int]
    name: str
    number: str
    issuer: str
    valid_from: str
    valid_to: str
    def __init__(self, name: _Optional[str] = ..., number: _Optional[str] = ..., issuer: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_to: _Optional[str] = ...) -> None: ...

class LotFacts(_message.Message):
    __slots__ = ("grower_id", "area_code", "harvest_day", "ocop_stars", "sell_by", "certificates")
    GROWER_ID_FIELD_NUMBER: _ClassVar[int]
    AREA_CODE_FIELD_NUMBER: _ClassVar[int]
    HARVEST_DAY_FIELD_NUMBER: _ClassVar[int]
    OCOP_STARS_FIELD_NUMBER: _ClassVar[int]
    SELL_BY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    grower_id: str
    area_code: str
    harvest_day: str
    ocop_stars: int
    sell_by: str
    certificates: _containers.RepeatedCompositeFieldContainer[Certificate]
    def __init__(self, grower_id: _Optional[str] = ..., area_code: _Optional[str] = ..., harvest_day: _Optional[str] = ..., ocop_stars: _Optional[int] = ..., sell_by: _Optional[str] = ..., certificates: _Optional[_Iterable[_Union[Certificate, _Mapping]]] = ...) -> None: ...

class Lot(_message.Message):
    __slots__ = ("lot_id", "facts", "received", "on_hand", "reserved", "sold", "written_off", "for_sale", "sold_until", "losses", "recalled")
    LOT_ID_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    ON_HAND_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    SOLD_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_OFF_FIELD_NUMBER: _ClassVar[int]
    FOR_SALE_FIELD_NUMBER: _ClassVar[int]
    SOLD_UNTIL_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    RECALLED_FIELD_NUMBER: _ClassVar[int]
    lot_id: str
    facts: LotFacts
    received: int
    on_hand: int
    reserved: int
    sold: int
    written_off: int
    for_sale: bool
    sold_until: str
    losses: _containers.RepeatedCompositeFieldContainer[Loss]
    recalled: bool
    def __init__(self, lot_id: _Optional[str] = ..., facts: _Optional[_Union[LotFacts, _Mapping]] = ..., received: _Optional[int] = ..., on_hand: _Optional[int] = ..., reserved: _Optional[int] = ..., sold: _Optional[int] = ..., written_off: _Optional[int] = ..., for_sale: _Optional[bool] = ..., sold_until: _Optional[str] = ..., losses: _Optional[_Iterable[_Union[Loss, _Mapping]]] = ..., recalled: _Optional[bool] = ...) -> None: ...

class Loss(_message.Message):
    __slots__ = ("quantity", "reason", "by", "at")
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    quantity: int
    reason: str
    by: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, quantity: _Optional[int] = ..., reason: _Optional[str] = ..., by: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AddLotRequest(_message.Message):
    __slots__ = ("request_id", "product_id", "quantity", "facts")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    product_id: str
    quantity: int
    facts: LotFacts
    def __init__(self, request_id: _Optional[str] = ..., product_id: _Optional[str] = ..., quantity: _Optional[int] = ..., facts: _Optional[_Union[LotFacts, _Mapping]] = ...) -> None: ...

class AddLotResponse(_message.Message):
    __slots__ = ("lot",)
    LOT_FIELD_NUMBER: _ClassVar[int]
    lot: Lot
    def __init__(self, lot: _Optional[_Union[Lot, _Mapping]] = ...) -> None: ...

class WriteOffRequest(_message.Message):
    __slots__ = ("request_id", "product_id", "lot_id", "quantity", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    LOT_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    product_id: str
    lot_id: str
    quantity: int
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., product_id: _Optional[str] = ..., lot_id: _Optional[str] = ..., quantity: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class WriteOffResponse(_message.Message):
    __slots__ = ("lot",)
    LOT_FIELD_NUMBER: _ClassVar[int]
    lot: Lot
    def __init__(self, lot: _Optional[_Union[Lot, _Mapping]] = ...) -> None: ...

class ListLotsRequest(_message.Message):
    __slots__ = ("product_id",)
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    def __init__(self, product_id: _Optional[str] = ...) -> None: ...

class ListLotsResponse(_message.Message):
    __slots__ = ("lots",)
    LOTS_FIELD_NUMBER: _ClassVar[int]
    lots: _containers.RepeatedCompositeFieldContainer[Lot]
    def __init__(self, lots: _Optional[_Iterable[_Union[Lot, _Mapping]]] = ...) -> None: ...
