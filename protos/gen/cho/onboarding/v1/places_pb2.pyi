from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlaceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLACE_KIND_UNSPECIFIED: _ClassVar[PlaceKind]
    PLACE_KIND_PROVINCE: _ClassVar[PlaceKind]
    PLACE_KIND_WARD: _ClassVar[PlaceKind]
    PLACE_KIND_FORMER_PROVINCE: _ClassVar[PlaceKind]
    PLACE_KIND_FORMER_DISTRICT: _ClassVar[PlaceKind]
    PLACE_KIND_FORMER_COMMUNE: _ClassVar[PlaceKind]

class MarketDayRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MARKET_DAY_RULE_UNSPECIFIED: _ClassVar[MarketDayRule]
    MARKET_DAY_RULE_UNKNOWN: _ClassVar[MarketDayRule]
    MARKET_DAY_RULE_DAILY: _ClassVar[MarketDayRule]
    MARKET_DAY_RULE_EVERY_DAYS: _ClassVar[MarketDayRule]
    MARKET_DAY_RULE_LUNAR: _ClassVar[MarketDayRule]
    MARKET_DAY_RULE_WEEKDAYS: _ClassVar[MarketDayRule]

class StallState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STALL_STATE_UNSPECIFIED: _ClassVar[StallState]
    STALL_STATE_OPEN: _ClassVar[StallState]
    STALL_STATE_CLOSED: _ClassVar[StallState]
PLACE_KIND_UNSPECIFIED: PlaceKind
PLACE_KIND_PROVINCE: PlaceKind
PLACE_KIND_WARD: PlaceKind
PLACE_KIND_FORMER_PROVINCE: PlaceKind
PLACE_KIND_FORMER_DISTRICT: PlaceKind
PLACE_KIND_FORMER_COMMUNE: PlaceKind
MARKET_DAY_RULE_UNSPECIFIED: MarketDayRule
MARKET_DAY_RULE_UNKNOWN: MarketDayRule
MARKET_DAY_RULE_DAILY: MarketDayRule
MARKET_DAY_RULE_EVERY_DAYS: MarketDayRule
MARKET_DAY_RULE_LUNAR: MarketDayRule
MARKET_DAY_RULE_WEEKDAYS: MarketDayRule
STALL_STATE_UNSPECIFIED: StallState
STALL_STATE_OPEN: StallState
STALL_STATE_CLOSED: StallState

class Province(_message.Message):
    __slots__ = ("code", "name")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class Ward(_message.Message):
    __slots__ = ("code", "name", "province_code", "province_name", "latitude", "longitude")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVINCE_CODE_FIELD_NUMBER: _ClassVar[int]
    PROVINCE_NAME_FIELD_NUMBER: _ClassVar[int]
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    province_code: str
    province_name: str
    latitude: float
    longitude: float
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ..., province_code: _Optional[str] = ..., province_name: _Optional[str] = ..., latitude: _Optional[float] = ..., longitude: _Optional[float] = ...) -> None: ...

class Place(_message.Message):
    __slots__ = ("kind", "code", "name", "within", "now", "province")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WITHIN_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    PROVINCE_FIELD_NUMBER: _ClassVar[int]
    kind: PlaceKind
    code: str
    name: str
    within: str
    now: _containers.RepeatedCompositeFieldContainer[Ward]
    province: Province
    def __init__(self, kind: _Optional[_Union[PlaceKind, str]] = ..., code: _Optional[str] = ..., name: _Optional[str] = ..., within: _Optional[str] = ..., now: _Optional[_Iterable[_Union[Ward, _Mapping]]] = ..., province: _Optional[_Union[Province, _Mapping]] = ...) -> None: ...

class ListProvincesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListProvincesResponse(_message.Message):
    __slots__ = ("provinces",)
    PROVINCES_FIELD_NUMBER: _ClassVar[int]
    provinces: _containers.RepeatedCompositeFieldContainer[Province]
    def __init__(self, provinces: _Optional[_Iterable[_Union[Province, _Mapping]]] = ...) -> None: ...

class ListWardsRequest(_message.Message):
    __slots__ = ("province_code",)
    PROVINCE_CODE_FIELD_NUMBER: _ClassVar[int]
    province_code: str
    def __init__(self, province_code: _Optional[str] = ...) -> None: ...

class ListWardsResponse(_message.Message):
    __slots__ = ("wards",)
    WARDS_FIELD_NUMBER: _ClassVar[int]
    wards: _containers.RepeatedCompositeFieldContainer[Ward]
    def __init__(self, wards: _Optional[_Iterable[_Union[Ward, _Mapping]]] = ...) -> None: ...

class GetWardRequest(_message.Message):
    __slots__ = ("ward_code",)
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    ward_code: str
    def __init__(self, ward_code: _Optional[str] = ...) -> None: ...

class GetWardResponse(_message.Message):
    __slots__ = ("ward", "formed_from")
    WARD_FIELD_NUMBER: _ClassVar[int]
    FORMED_FROM_FIELD_NUMBER: _ClassVar[int]
    ward: Ward
    formed_from: _containers.RepeatedCompositeFieldContainer[Place]
    def __init__(self, ward: _Optional[_Union[Ward, _Mapping]] = ..., formed_from: _Optional[_Iterable[_Union[Place, _Mapping]]] = ...) -> None: ...

class SearchPlacesRequest(_message.Message):
    __slots__ = ("query", "province_code", "limit")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PROVINCE_CODE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    query: str
    province_code: str
    limit: int
    def __init__(self, query: _Optional[str] = ..., province_code: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class SearchPlacesResponse(_message.Message):
    __slots__ = ("places",)
    PLACES_FIELD_NUMBER: _ClassVar[int]
    places: _containers.RepeatedCompositeFieldContainer[Place]
    def __init__(self, places: _Optional[_Iterable[_Union[Place, _Mapping]]] = ...) -> None: ...

class MarketDays(_message.Message):
    __slots__ = ("rule", "every_days", "anchor", "days")
    RULE_FIELD_NUMBER: _ClassVar[int]
    EVERY_DAYS_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    rule: MarketDayRule
    every_days: int
    anchor: str
    days: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, rule: _Optional[_Union[MarketDayRule, str]] = ..., every_days: _Optional[int] = ..., anchor: _Optional[str] = ..., days: _Optional[_Iterable[int]] = ...) -> None: ...

class Section(_message.Message):
    __slots__ = ("code", "name", "closed")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    closed: bool
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ..., closed: _Optional[bool] = ...) -> None: ...

class MarketPlan(_message.Message):
    __slots__ = ("market_id", "name", "ward_code", "ward_name", "province_name", "market_days", "sections", "closed", "reason", "version")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    WARD_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVINCE_NAME_FIELD_NUMBER: _ClassVar[int]
    MARKET_DAYS_FIELD_NUMBER: _ClassVar[int]
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    name: str
    ward_code: str
    ward_name: str
    province_name: str
    market_days: MarketDays
    sections: _containers.RepeatedCompositeFieldContainer[Section]
    closed: bool
    reason: str
    version: int
    def __init__(self, market_id: _Optional[str] = ..., name: _Optional[str] = ..., ward_code: _Optional[str] = ..., ward_name: _Optional[str] = ..., province_name: _Optional[str] = ..., market_days: _Optional[_Union[MarketDays, _Mapping]] = ..., sections: _Optional[_Iterable[_Union[Section, _Mapping]]] = ..., closed: _Optional[bool] = ..., reason: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetMarketRequest(_message.Message):
    __slots__ = ("market_id",)
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    def __init__(self, market_id: _Optional[str] = ...) -> None: ...

class GetMarketResponse(_message.Message):
    __slots__ = ("market",)
    MARKET_FIELD_NUMBER: _ClassVar[int]
    market: MarketPlan
    def __init__(self, market: _Optional[_Union[MarketPlan, _Mapping]] = ...) -> None: ...

class ListMarketDaysRequest(_message.Message):
    __slots__ = ("market_id", "limit")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    limit: int
    def __init__(self, market_id: _Optional[str] = ..., limit: _Optional[int] = ..., **kwargs) -> None: ...

class MarketDate(_message.Message):
    __slots__ = ("date", "lunar_day", "lunar_month", "lunar_leap_month", "occasions")
    DATE_FIELD_NUMBER: _ClassVar[int]
    LUNAR_DAY_FIELD_NUMBER: _ClassVar[int]
    LUNAR_MONTH_FIELD_NUMBER: _ClassVar[int]
    LUNAR_LEAP_MONTH_FIELD_NUMBER: _ClassVar[int]
    OCCASIONS_FIELD_NUMBER: _ClassVar[int]
    date: str
    lunar_day: int
    lunar_month: int
    lunar_leap_month: bool
    occasions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, date: _Optional[str] = ..., lunar_day: _Optional[int] = ..., lunar_month: _Optional[int] = ..., lunar_leap_month: _Optional[bool] = ..., occasions: _Optional[_Iterable[str]] = ...) -> None: ...

class ListMarketDaysResponse(_message.Message):
    __slots__ = ("dates",)
    DATES_FIELD_NUMBER: _ClassVar[int]
    dates: _containers.RepeatedCompositeFieldContainer[MarketDate]
    def __init__(self, dates: _Optional[_Iterable[_Union[MarketDate, _Mapping]]] = ...) -> None: ...

class CreateMarketRequest(_message.Message):
    __slots__ = ("request_id", "name", "ward_code", "market_days")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    MARKET_DAYS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    ward_code: str
    market_days: MarketDays
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., ward_code: _Optional[str] = ..., market_days: _Optional[_Union[MarketDays, _Mapping]] = ...) -> None: ...

class CreateMarketResponse(_message.Message):
    __slots__ = ("market",)
    MARKET_FIELD_NUMBER: _ClassVar[int]
    market: MarketPlan
    def __init__(self, market: _Optional[_Union[MarketPlan, _Mapping]] = ...) -> None: ...

class ChangeMarketRequest(_message.Message):
    __slots__ = ("market_id", "name", "market_days", "version")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MARKET_DAYS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    name: str
    market_days: MarketDays
    version: int
    def __init__(self, market_id: _Optional[str] = ..., name: _Optional[str] = ..., market_days: _Optional[_Union[MarketDays, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class ChangeMarketResponse(_message.Message):
    __slots__ = ("market",)
    MARKET_FIELD_NUMBER: _ClassVar[int]
    market: MarketPlan
    def __init__(self, market: _Optional[_Union[MarketPlan, _Mapping]] = ...) -> None: ...

class CloseMarketRequest(_message.Message):
    __slots__ = ("market_id", "reason")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    reason: str
    def __init__(self, market_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CloseMarketResponse(_message.Message):
    __slots__ = ("market",)
    MARKET_FIELD_NUMBER: _ClassVar[int]
    market: MarketPlan
    def __init__(self, market: _Optional[_Union[MarketPlan, _Mapping]] = ...) -> None: ...

class PutSectionRequest(_message.Message):
    __slots__ = ("market_id", "section")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    SECTION_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    section: Section
    def __init__(self, market_id: _Optional[str] = ..., section: _Optional[_Union[Section, _Mapping]] = ...) -> None: ...

class PutSectionResponse(_message.Message):
    __slots__ = ("market",)
    MARKET_FIELD_NUMBER: _ClassVar[int]
    market: MarketPlan
    def __init__(self, market: _Optional[_Union[MarketPlan, _Mapping]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("x_cm", "y_cm")
    X_CM_FIELD_NUMBER: _ClassVar[int]
    Y_CM_FIELD_NUMBER: _ClassVar[int]
    x_cm: int
    y_cm: int
    def __init__(self, x_cm: _Optional[int] = ..., y_cm: _Optional[int] = ...) -> None: ...

class StallPlan(_message.Message):
    __slots__ = ("market_id", "number", "position", "state", "reason", "version")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    number: str
    position: Position
    state: StallState
    reason: str
    version: int
    def __init__(self, market_id: _Optional[str] = ..., number: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., state: _Optional[_Union[StallState, str]] = ..., reason: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class CreateStallsRequest(_message.Message):
    __slots__ = ("market_id", "stalls")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    STALLS_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    stalls: _containers.RepeatedCompositeFieldContainer[StallPlan]
    def __init__(self, market_id: _Optional[str] = ..., stalls: _Optional[_Iterable[_Union[StallPlan, _Mapping]]] = ...) -> None: ...

class CreateStallsResponse(_message.Message):
    __slots__ = ("stalls",)
    STALLS_FIELD_NUMBER: _ClassVar[int]
    stalls: _containers.RepeatedCompositeFieldContainer[StallPlan]
    def __init__(self, stalls: _Optional[_Iterable[_Union[StallPlan, _Mapping]]] = ...) -> None: ...

class ChangeStallRequest(_message.Message):
    __slots__ = ("market_id", "number", "new_number", "position", "version")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    NEW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    number: str
    new_number: str
    position: Position
    version: int
    def __init__(self, market_id: _Optional[str] = ..., number: _Optional[str] = ..., new_number: _Optional[str] = ..., position: _Optional[_Union[Position, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class ChangeStallResponse(_message.Message):
    __slots__ = ("stall",)
    STALL_FIELD_NUMBER: _ClassVar[int]
    stall: StallPlan
    def __init__(self, stall: _Optional[_Union[StallPlan, _Mapping]] = ...) -> None: ...

class CloseStallRequest(_message.Message):
    __slots__ = ("market_id", "number", "reason")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    number: str
    reason: str
    def __init__(self, market_id: _Optional[str] = ..., number: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CloseStallResponse(_message.Message):
    __slots__ = ("stall",)
    STALL_FIELD_NUMBER: _ClassVar[int]
    stall: StallPlan
    def __init__(self, stall: _Optional[_Union[StallPlan, _Mapping]] = ...) -> None: ...

class GetStallRequest(_message.Message):
    __slots__ = ("market_id", "number")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    number: str
    def __init__(self, market_id: _Optional[str] = ..., number: _Optional[str] = ...) -> None: ...

class GetStallResponse(_message.Message):
    __slots__ = ("stall", "merchant_id", "merchant_name")
    STALL_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_NAME_FIELD_NUMBER: _ClassVar[int]
    stall: StallPlan
    merchant_id: str
    merchant_name: str
    def __init__(self, stall: _Optional[_Union[StallPlan, _Mapping]] = ..., merchant_id: _Optional[str] = ..., merchant_name: _Optional[str] = ...) -> None: ...

class ListStallsRequest(_message.Message):
    __slots__ = ("market_id", "page_size", "page_token")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    page_size: int
    page_token: str
    def __init__(self, market_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListStallsResponse(_message.Message):
    __slots__ = ("stalls", "next_page_token")
    STALLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    stalls: _containers.RepeatedCompositeFieldContainer[StallPlan]
    next_page_token: str
    def __init__(self, stalls: _Optional[_Iterable[_Union[StallPlan, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
