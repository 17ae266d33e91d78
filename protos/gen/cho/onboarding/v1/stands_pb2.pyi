import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Stand(_message.Message):
    __slots__ = ("merchant_id", "issue", "reissued_at", "reissued_by", "reason", "proven_at")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUE_FIELD_NUMBER: _ClassVar[int]
    REISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    REISSUED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PROVEN_AT_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    issue: int
    reissued_at: _timestamp_pb2.Timestamp
    reissued_by: str
    reason: str
    proven_at: _timestamp_pb2.Timestamp
    def __init__(self, merchant_id: _Optional[str] = ..., issue: _Optional[int] = ..., reissued_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reissued_by: _Optional[str] = ..., reason: _Optional[str] = ..., proven_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetStandRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class GetStandResponse(_message.Message):
    __slots__ = ("stand",)
    STAND_FIELD_NUMBER: _ClassVar[int]
    stand: Stand
    def __init__(self, stand: _Optional[_Union[Stand, _Mapping]] = ...) -> None: ...

class PrintStandRequest(_message.Message):
    __slots__ = ("merchant_id", "format", "marks")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    format: str
    marks: bool
    def __init__(self, merchant_id: _Optional[str] = ..., format: _Optional[str] = ..., marks: _Optional[bool] = ...) -> None: ...

class PrintMarketStandsRequest(_message.Message):
    __slots__ = ("market_id", "format", "marks", "section")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    SECTION_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    format: str
    marks: bool
    section: str
    def __init__(self, market_id: _Optional[str] = ..., format: _Optional[str] = ..., marks: _Optional[bool] = ..., section: _Optional[str] = ...) -> None: ...

class ReissueStandRequest(_message.Message):
    __slots__ = ("request_id", "merchant_id", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    merchant_id: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReissueStandResponse(_message.Message):
    __slots__ = ("stand",)
    STAND_FIELD_NUMBER: _ClassVar[int]
    stand: Stand
    def __init__(self, stand: _Optional[_Union[Stand, _Mapping]] = ...) -> None: ...
