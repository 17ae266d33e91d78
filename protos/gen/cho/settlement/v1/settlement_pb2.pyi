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

class WindowState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WINDOW_STATE_UNSPECIFIED: _ClassVar[WindowState]
    WINDOW_STATE_OPEN: _ClassVar[WindowState]
    WINDOW_STATE_CLOSED: _ClassVar[WindowState]
    WINDOW_STATE_CLOSING: _ClassVar[WindowState]
    WINDOW_STATE_SETTLING: _ClassVar[WindowState]
    WINDOW_STATE_SETTLED: _ClassVar[WindowState]
WINDOW_STATE_UNSPECIFIED: WindowState
WINDOW_STATE_OPEN: WindowState
WINDOW_STATE_CLOSED: WindowState
WINDOW_STATE_CLOSING: WindowState
WINDOW_STATE_SETTLING: WindowState
WINDOW_STATE_SETTLED: WindowState

class Window(_message.Message):
    __slots__ = ("window", "state", "opened_at", "closed_at", "first_seq", "last_seq", "payments", "refunds", "value", "payouts", "payouts_ended", "waits_for")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PAYOUTS_FIELD_NUMBER: _ClassVar[int]
    PAYOUTS_ENDED_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_FIELD_NUMBER: _ClassVar[int]
    window: int
    state: WindowState
    opened_at: _timestamp_pb2.Timestamp
    closed_at: _timestamp_pb2.Timestamp
    first_seq: int
    last_seq: int
    payments: int
    refunds: int
    value: int
    payouts: int
    payouts_ended: int
    waits_for: str
    def __init__(self, window: _Optional[int] = ..., state: _Optional[_Union[WindowState, str]] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ..., payments: _Optional[int] = ..., refunds: _Optional[int] = ..., value: _Optional[int] = ..., payouts: _Optional[int] = ..., payouts_ended: _Optional[int] = ..., waits_for: _Optional[str] = ...) -> None: ...

class Pair(_message.Message):
    __slots__ = ("to", "gross", "net")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    GROSS_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    to: str
    gross: int
    net: int
    def __init__(self, to: _Optional[str] = ..., gross: _Optional[int] = ..., net: _Optional[int] = ..., **kwargs) -> None: ...

class Position(_message.Message):
    __slots__ = ("institution", "name", "debits", "credits", "net", "transfers")
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEBITS_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    NET_FIELD_NUMBER: _ClassVar[int]
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    institution: str
    name: str
    debits: int
    credits: int
    net: int
    transfers: int
    def __init__(self, institution: _Optional[str] = ..., name: _Optional[str] = ..., debits: _Optional[int] = ..., credits: _Optional[int] = ..., net: _Optional[int] = ..., transfers: _Optional[int] = ...) -> None: ...

class ListWindowsRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class ListWindowsResponse(_message.Message):
    __slots__ = ("windows",)
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    windows: _containers.RepeatedCompositeFieldContainer[Window]
    def __init__(self, windows: _Optional[_Iterable[_Union[Window, _Mapping]]] = ...) -> None: ...

class CloseWindowRequest(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: int
    def __init__(self, window: _Optional[int] = ...) -> None: ...

class CloseWindowResponse(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: Window
    def __init__(self, window: _Optional[_Union[Window, _Mapping]] = ...) -> None: ...

class GetPositionsRequest(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: int
    def __init__(self, window: _Optional[int] = ...) -> None: ...

class GetPositionsResponse(_message.Message):
    __slots__ = ("window", "positions", "chain_head", "pairs", "sum", "findings")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    CHAIN_HEAD_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    window: Window
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    chain_head: str
    pairs: _containers.RepeatedCompositeFieldContainer[Pair]
    sum: int
    findings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, window: _Optional[_Union[Window, _Mapping]] = ..., positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., chain_head: _Optional[str] = ..., pairs: _Optional[_Iterable[_Union[Pair, _Mapping]]] = ..., sum: _Optional[int] = ..., findings: _Optional[_Iterable[str]] = ...) -> None: ...

class GetReportRequest(_message.Message):
    __slots__ = ("window", "institution")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    window: int
    institution: str
    def __init__(self, window: _Optional[int] = ..., institution: _Optional[str] = ...) -> None: ...

class GetBooksHeadRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetBooksHeadResponse(_message.Message):
    __slots__ = ("seq", "chain_head")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CHAIN_HEAD_FIELD_NUMBER: _ClassVar[int]
    seq: int
    chain_head: str
    def __init__(self, seq: _Optional[int] = ..., chain_head: _Optional[str] = ...) -> None: ...

class GetFileRequest(_message.Message):
    __slots__ = ("window", "institution", "name")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    window: int
    institution: str
    name: str
    def __init__(self, window: _Optional[int] = ..., institution: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetDayFileRequest(_message.Message):
    __slots__ = ("day", "institution", "name")
    DAY_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    day: str
    institution: str
    name: str
    def __init__(self, day: _Optional[str] = ..., institution: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class GetProofRequest(_message.Message):
    __slots__ = ("window", "institution", "line")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    window: int
    institution: str
    line: int
    def __init__(self, window: _Optional[int] = ..., institution: _Optional[str] = ..., line: _Optional[int] = ...) -> None: ...

class GetTrialBalanceRequest(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: int
    def __init__(self, window: _Optional[int] = ...) -> None: ...

class TrialLine(_message.Message):
    __slots__ = ("number", "name", "name_en", "debits", "credits", "balance", "unit")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_EN_FIELD_NUMBER: _ClassVar[int]
    DEBITS_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    number: str
    name: str
    name_en: str
    debits: int
    credits: int
    balance: int
    unit: str
    def __init__(self, number: _Optional[str] = ..., name: _Optional[str] = ..., name_en: _Optional[str] = ..., debits: _Optional[int] = ..., credits: _Optional[int] = ..., balance: _Optional[int] = ..., unit: _Optional[str] = ...) -> None: ...

class GetTrialBalanceResponse(_message.Message):
    __slots__ = ("lines", "debits", "credits", "seq", "findings")
    LINES_FIELD_NUMBER: _ClassVar[int]
    DEBITS_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[TrialLine]
    debits: int
    credits: int
    seq: int
    findings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lines: _Optional[_Iterable[_Union[TrialLine, _Mapping]]] = ..., debits: _Optional[int] = ..., credits: _Optional[int] = ..., seq: _Optional[int] = ..., findings: _Optional[_Iterable[str]] = ...) -> None: ...
