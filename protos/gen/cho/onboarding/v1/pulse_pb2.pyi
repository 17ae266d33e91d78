import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetPulseRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetPulseResponse(_message.Message):
    __slots__ = ("as_of", "day", "whole", "markets")
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    as_of: _timestamp_pb2.Timestamp
    day: str
    whole: bool
    markets: _containers.RepeatedCompositeFieldContainer[MarketPulse]
    def __init__(self, as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., day: _Optional[str] = ..., whole: _Optional[bool] = ..., markets: _Optional[_Iterable[_Union[MarketPulse, _Mapping]]] = ...) -> None: ...

class MarketPulse(_message.Message):
    __slots__ = ("market_id", "name", "ward_code", "ward_name", "today", "merchants_paid", "payments_by_minute", "amount_by_minute", "before", "before_day", "latitude", "longitude")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    WARD_NAME_FIELD_NUMBER: _ClassVar[int]
    TODAY_FIELD_NUMBER: _ClassVar[int]
    MERCHANTS_PAID_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_BY_MINUTE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_BY_MINUTE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_DAY_FIELD_NUMBER: _ClassVar[int]
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    name: str
    ward_code: str
    ward_name: str
    today: Totals
    merchants_paid: int
    payments_by_minute: _containers.RepeatedScalarFieldContainer[int]
    amount_by_minute: _containers.RepeatedScalarFieldContainer[int]
    before: Totals
    before_day: str
    latitude: float
    longitude: float
    def __init__(self, market_id: _Optional[str] = ..., name: _Optional[str] = ..., ward_code: _Optional[str] = ..., ward_name: _Optional[str] = ..., today: _Optional[_Union[Totals, _Mapping]] = ..., merchants_paid: _Optional[int] = ..., payments_by_minute: _Optional[_Iterable[int]] = ..., amount_by_minute: _Optional[_Iterable[int]] = ..., before: _Optional[_Union[Totals, _Mapping]] = ..., before_day: _Optional[str] = ..., latitude: _Optional[float] = ..., longitude: _Optional[float] = ...) -> None: ...

class Totals(_message.Message):
    __slots__ = ("payments", "amount")
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    payments: int
    amount: int
    def __init__(self, payments: _Optional[int] = ..., amount: _Optional[int] = ...) -> None: ...

class GetPulseCsvRequest(_message.Message):
    __slots__ = ("to",)
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    to: str
    def __init__(self, to: _Optional[str] = ..., **kwargs) -> None: ...
