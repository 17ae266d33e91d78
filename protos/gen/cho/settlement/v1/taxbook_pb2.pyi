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

class Certainty(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CERTAINTY_UNSPECIFIED: _ClassVar[Certainty]
    CERTAINTY_CONFIRMED: _ClassVar[Certainty]
    CERTAINTY_STATED: _ClassVar[Certainty]
    CERTAINTY_ASSUMED: _ClassVar[Certainty]

class Standing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STANDING_UNSPECIFIED: _ClassVar[Standing]
    STANDING_BELOW: _ClassVar[Standing]
    STANDING_NEAR: _ClassVar[Standing]
    STANDING_REACHED: _ClassVar[Standing]
CERTAINTY_UNSPECIFIED: Certainty
CERTAINTY_CONFIRMED: Certainty
CERTAINTY_STATED: Certainty
CERTAINTY_ASSUMED: Certainty
STANDING_UNSPECIFIED: Standing
STANDING_BELOW: Standing
STANDING_NEAR: Standing
STANDING_REACHED: Standing

class TaxThreshold(_message.Message):
    __slots__ = ("rule", "name_vi", "amount", "from_day", "until_day", "source", "certainty", "note")
    RULE_FIELD_NUMBER: _ClassVar[int]
    NAME_VI_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FROM_DAY_FIELD_NUMBER: _ClassVar[int]
    UNTIL_DAY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CERTAINTY_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    rule: str
    name_vi: str
    amount: int
    from_day: str
    until_day: str
    source: str
    certainty: Certainty
    note: str
    def __init__(self, rule: _Optional[str] = ..., name_vi: _Optional[str] = ..., amount: _Optional[int] = ..., from_day: _Optional[str] = ..., until_day: _Optional[str] = ..., source: _Optional[str] = ..., certainty: _Optional[_Union[Certainty, str]] = ..., note: _Optional[str] = ...) -> None: ...

class ThresholdStanding(_message.Message):
    __slots__ = ("threshold", "standing", "left")
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    threshold: TaxThreshold
    standing: Standing
    left: int
    def __init__(self, threshold: _Optional[_Union[TaxThreshold, _Mapping]] = ..., standing: _Optional[_Union[Standing, str]] = ..., left: _Optional[int] = ...) -> None: ...

class SalesTotals(_message.Message):
    __slots__ = ("sales", "refunds", "revenue", "fees", "other", "sales_count", "refunds_count")
    SALES_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    REVENUE_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    SALES_COUNT_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_COUNT_FIELD_NUMBER: _ClassVar[int]
    sales: int
    refunds: int
    revenue: int
    fees: int
    other: int
    sales_count: int
    refunds_count: int
    def __init__(self, sales: _Optional[int] = ..., refunds: _Optional[int] = ..., revenue: _Optional[int] = ..., fees: _Optional[int] = ..., other: _Optional[int] = ..., sales_count: _Optional[int] = ..., refunds_count: _Optional[int] = ...) -> None: ...

class SalesMonth(_message.Message):
    __slots__ = ("month", "totals", "running_revenue")
    MONTH_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_REVENUE_FIELD_NUMBER: _ClassVar[int]
    month: int
    totals: SalesTotals
    running_revenue: int
    def __init__(self, month: _Optional[int] = ..., totals: _Optional[_Union[SalesTotals, _Mapping]] = ..., running_revenue: _Optional[int] = ...) -> None: ...

class GetSalesBookRequest(_message.Message):
    __slots__ = ("merchant_id", "year")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    YEAR_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    year: int
    def __init__(self, merchant_id: _Optional[str] = ..., year: _Optional[int] = ...) -> None: ...

class GetSalesBookResponse(_message.Message):
    __slots__ = ("year", "tax_code", "name", "enterprise_kind", "merchant_ids", "whole", "months", "totals", "opening_balance", "closing_balance", "thresholds", "as_of_seq", "as_of")
    YEAR_FIELD_NUMBER: _ClassVar[int]
    TAX_CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_KIND_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_IDS_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    MONTHS_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    OPENING_BALANCE_FIELD_NUMBER: _ClassVar[int]
    CLOSING_BALANCE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    year: int
    tax_code: str
    name: str
    enterprise_kind: str
    merchant_ids: _containers.RepeatedScalarFieldContainer[str]
    whole: bool
    months: _containers.RepeatedCompositeFieldContainer[SalesMonth]
    totals: SalesTotals
    opening_balance: int
    closing_balance: int
    thresholds: _containers.RepeatedCompositeFieldContainer[ThresholdStanding]
    as_of_seq: int
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, year: _Optional[int] = ..., tax_code: _Optional[str] = ..., name: _Optional[str] = ..., enterprise_kind: _Optional[str] = ..., merchant_ids: _Optional[_Iterable[str]] = ..., whole: _Optional[bool] = ..., months: _Optional[_Iterable[_Union[SalesMonth, _Mapping]]] = ..., totals: _Optional[_Union[SalesTotals, _Mapping]] = ..., opening_balance: _Optional[int] = ..., closing_balance: _Optional[int] = ..., thresholds: _Optional[_Iterable[_Union[ThresholdStanding, _Mapping]]] = ..., as_of_seq: _Optional[int] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DownloadSalesBookRequest(_message.Message):
    __slots__ = ("merchant_id", "year", "format")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    YEAR_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    year: int
    format: str
    def __init__(self, merchant_id: _Optional[str] = ..., year: _Optional[int] = ..., format: _Optional[str] = ...) -> None: ...

class ListNearThresholdsRequest(_message.Message):
    __slots__ = ("year",)
    YEAR_FIELD_NUMBER: _ClassVar[int]
    year: int
    def __init__(self, year: _Optional[int] = ...) -> None: ...

class NearThreshold(_message.Message):
    __slots__ = ("merchant_id", "name", "tax_code", "revenue", "thresholds")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAX_CODE_FIELD_NUMBER: _ClassVar[int]
    REVENUE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    name: str
    tax_code: str
    revenue: int
    thresholds: _containers.RepeatedCompositeFieldContainer[ThresholdStanding]
    def __init__(self, merchant_id: _Optional[str] = ..., name: _Optional[str] = ..., tax_code: _Optional[str] = ..., revenue: _Optional[int] = ..., thresholds: _Optional[_Iterable[_Union[ThresholdStanding, _Mapping]]] = ...) -> None: ...

class ListNearThresholdsResponse(_message.Message):
    __slots__ = ("sellers", "more", "as_of_seq")
    SELLERS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    sellers: _containers.RepeatedCompositeFieldContainer[NearThreshold]
    more: bool
    as_of_seq: int
    def __init__(self, sellers: _Optional[_Iterable[_Union[NearThreshold, _Mapping]]] = ..., more: _Optional[bool] = ..., as_of_seq: _Optional[int] = ...) -> None: ...

class ListTaxThresholdsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTaxThresholdsResponse(_message.Message):
    __slots__ = ("thresholds",)
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    thresholds: _containers.RepeatedCompositeFieldContainer[TaxThreshold]
    def __init__(self, thresholds: _Optional[_Iterable[_Union[TaxThreshold, _Mapping]]] = ...) -> None: ...
