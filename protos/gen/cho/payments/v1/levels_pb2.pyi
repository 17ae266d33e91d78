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

class GetServiceLevelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServiceLevelsResponse(_message.Message):
    __slots__ = ("minutes", "hour", "ledger_seq", "readers")
    MINUTES_FIELD_NUMBER: _ClassVar[int]
    HOUR_FIELD_NUMBER: _ClassVar[int]
    LEDGER_SEQ_FIELD_NUMBER: _ClassVar[int]
    READERS_FIELD_NUMBER: _ClassVar[int]
    minutes: _containers.RepeatedCompositeFieldContainer[MinuteLevel]
    hour: MinuteLevel
    ledger_seq: int
    readers: _containers.RepeatedCompositeFieldContainer[ReaderLag]
    def __init__(self, minutes: _Optional[_Iterable[_Union[MinuteLevel, _Mapping]]] = ..., hour: _Optional[_Union[MinuteLevel, _Mapping]] = ..., ledger_seq: _Optional[int] = ..., readers: _Optional[_Iterable[_Union[ReaderLag, _Mapping]]] = ...) -> None: ...

class MinuteLevel(_message.Message):
    __slots__ = ("at", "done", "refused", "failed", "p50_ms", "p99_ms")
    AT_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    P50_MS_FIELD_NUMBER: _ClassVar[int]
    P99_MS_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    done: int
    refused: int
    failed: int
    p50_ms: int
    p99_ms: int
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., done: _Optional[int] = ..., refused: _Optional[int] = ..., failed: _Optional[int] = ..., p50_ms: _Optional[int] = ..., p99_ms: _Optional[int] = ...) -> None: ...

class ReaderLag(_message.Message):
    __slots__ = ("purpose", "behind")
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    BEHIND_FIELD_NUMBER: _ClassVar[int]
    purpose: str
    behind: int
    def __init__(self, purpose: _Optional[str] = ..., behind: _Optional[int] = ...) -> None: ...
