from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetMarketDayRequest(_message.Message):
    __slots__ = ("day",)
    DAY_FIELD_NUMBER: _ClassVar[int]
    day: str
    def __init__(self, day: _Optional[str] = ...) -> None: ...

class CalendarDay(_message.Message):
    __slots__ = ("day", "lunar_day", "lunar_month", "lunar_leap_month", "occasions")
    DAY_FIELD_NUMBER: _ClassVar[int]
    LUNAR_DAY_FIELD_NUMBER: _ClassVar[int]
    LUNAR_MONTH_FIELD_NUMBER: _ClassVar[int]
    LUNAR_LEAP_MONTH_FIELD_NUMBER: _ClassVar[int]
    OCCASIONS_FIELD_NUMBER: _ClassVar[int]
    day: str
    lunar_day: int
    lunar_month: int
    lunar_leap_month: bool
    occasions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, day: _Optional[str] = ..., lunar_day: _Optional[int] = ..., lunar_month: _Optional[int] = ..., lunar_leap_month: _Optional[bool] = ..., occasions: _Optional[_Iterable[str]] = ...) -> None: ...

class HeldMarket(_message.Message):
    __slots__ = ("market_id", "name", "ward_name", "province_name")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WARD_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVINCE_NAME_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    name: str
    ward_name: str
    province_name: str
    def __init__(self, market_id: _Optional[str] = ..., name: _Optional[str] = ..., ward_name: _Optional[str] = ..., province_name: _Optional[str] = ...) -> None: ...

class GetMarketDayResponse(_message.Message):
    __slots__ = ("day", "markets", "unknown")
    DAY_FIELD_NUMBER: _ClassVar[int]
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    day: CalendarDay
    markets: _containers.RepeatedCompositeFieldContainer[HeldMarket]
    unknown: int
    def __init__(self, day: _Optional[_Union[CalendarDay, _Mapping]] = ..., markets: _Optional[_Iterable[_Union[HeldMarket, _Mapping]]] = ..., unknown: _Optional[int] = ...) -> None: ...

class GetPriceSheetRequest(_message.Message):
    __slots__ = ("market_id", "day", "page_size", "page_token")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    day: str
    page_size: int
    page_token: str
    def __init__(self, market_id: _Optional[str] = ..., day: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetPriceSheetResponse(_message.Message):
    __slots__ = ("market_id", "market_name", "day", "held", "last_day", "rows", "next_page_token", "complete")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_NAME_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    LAST_DAY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    market_name: str
    day: CalendarDay
    held: bool
    last_day: str
    rows: _containers.RepeatedCompositeFieldContainer[PriceRow]
    next_page_token: str
    complete: bool
    def __init__(self, market_id: _Optional[str] = ..., market_name: _Optional[str] = ..., day: _Optional[_Union[CalendarDay, _Mapping]] = ..., held: _Optional[bool] = ..., last_day: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[PriceRow, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., complete: _Optional[bool] = ...) -> None: ...

class PriceRow(_message.Message):
    __slots__ = ("name", "unit", "cheapest", "cheapest_product_id", "cheapest_merchant_id", "cheapest_merchant_name", "median", "stalls", "offers", "median_before", "change", "change_permille")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    CHEAPEST_FIELD_NUMBER: _ClassVar[int]
    CHEAPEST_PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    CHEAPEST_MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    CHEAPEST_MERCHANT_NAME_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    STALLS_FIELD_NUMBER: _ClassVar[int]
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_BEFORE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_PERMILLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    unit: str
    cheapest: int
    cheapest_product_id: str
    cheapest_merchant_id: str
    cheapest_merchant_name: str
    median: int
    stalls: int
    offers: int
    median_before: int
    change: int
    change_permille: int
    def __init__(self, name: _Optional[str] = ..., unit: _Optional[str] = ..., cheapest: _Optional[int] = ..., cheapest_product_id: _Optional[str] = ..., cheapest_merchant_id: _Optional[str] = ..., cheapest_merchant_name: _Optional[str] = ..., median: _Optional[int] = ..., stalls: _Optional[int] = ..., offers: _Optional[int] = ..., median_before: _Optional[int] = ..., change: _Optional[int] = ..., change_permille: _Optional[int] = ...) -> None: ...

class PrintPriceSheetRequest(_message.Message):
    __slots__ = ("market_id", "day")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    day: str
    def __init__(self, market_id: _Optional[str] = ..., day: _Optional[str] = ...) -> None: ...
