import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StickerVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STICKER_VERDICT_UNSPECIFIED: _ClassVar[StickerVerdict]
    STICKER_VERDICT_OK: _ClassVar[StickerVerdict]
    STICKER_VERDICT_OLD_ISSUE: _ClassVar[StickerVerdict]
    STICKER_VERDICT_FOREIGN: _ClassVar[StickerVerdict]
    STICKER_VERDICT_UNREADABLE: _ClassVar[StickerVerdict]

class AlarmKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALARM_KIND_UNSPECIFIED: _ClassVar[AlarmKind]
    ALARM_KIND_FOREIGN_CODE: _ClassVar[AlarmKind]
    ALARM_KIND_QUIET: _ClassVar[AlarmKind]

class AlarmState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALARM_STATE_UNSPECIFIED: _ClassVar[AlarmState]
    ALARM_STATE_OPEN: _ClassVar[AlarmState]
    ALARM_STATE_SEEN: _ClassVar[AlarmState]
    ALARM_STATE_RESOLVED: _ClassVar[AlarmState]
STICKER_VERDICT_UNSPECIFIED: StickerVerdict
STICKER_VERDICT_OK: StickerVerdict
STICKER_VERDICT_OLD_ISSUE: StickerVerdict
STICKER_VERDICT_FOREIGN: StickerVerdict
STICKER_VERDICT_UNREADABLE: StickerVerdict
ALARM_KIND_UNSPECIFIED: AlarmKind
ALARM_KIND_FOREIGN_CODE: AlarmKind
ALARM_KIND_QUIET: AlarmKind
ALARM_STATE_UNSPECIFIED: AlarmState
ALARM_STATE_OPEN: AlarmState
ALARM_STATE_SEEN: AlarmState
ALARM_STATE_RESOLVED: AlarmState

class CheckStickerRequest(_message.Message):
    __slots__ = ("merchant_id", "payload")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    payload: str
    def __init__(self, merchant_id: _Optional[str] = ..., payload: _Optional[str] = ...) -> None: ...

class CheckStickerResponse(_message.Message):
    __slots__ = ("verdict", "message", "alarm_id")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ALARM_ID_FIELD_NUMBER: _ClassVar[int]
    verdict: StickerVerdict
    message: str
    alarm_id: str
    def __init__(self, verdict: _Optional[_Union[StickerVerdict, str]] = ..., message: _Optional[str] = ..., alarm_id: _Optional[str] = ...) -> None: ...

class Alarm(_message.Message):
    __slots__ = ("alarm_id", "kind", "state", "merchant_id", "merchant_name", "market_id", "stall", "raised_at", "detail", "times", "seen_at", "seen_by", "resolved_at", "resolved_by", "note")
    ALARM_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_NAME_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    STALL_FIELD_NUMBER: _ClassVar[int]
    RAISED_AT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    SEEN_AT_FIELD_NUMBER: _ClassVar[int]
    SEEN_BY_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_AT_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_BY_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    alarm_id: str
    kind: AlarmKind
    state: AlarmState
    merchant_id: str
    merchant_name: str
    market_id: str
    stall: str
    raised_at: _timestamp_pb2.Timestamp
    detail: str
    times: int
    seen_at: _timestamp_pb2.Timestamp
    seen_by: str
    resolved_at: _timestamp_pb2.Timestamp
    resolved_by: str
    note: str
    def __init__(self, alarm_id: _Optional[str] = ..., kind: _Optional[_Union[AlarmKind, str]] = ..., state: _Optional[_Union[AlarmState, str]] = ..., merchant_id: _Optional[str] = ..., merchant_name: _Optional[str] = ..., market_id: _Optional[str] = ..., stall: _Optional[str] = ..., raised_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., detail: _Optional[str] = ..., times: _Optional[int] = ..., seen_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seen_by: _Optional[str] = ..., resolved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., resolved_by: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class ListAlarmsRequest(_message.Message):
    __slots__ = ("market_id", "state", "page_size", "page_token")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    state: AlarmState
    page_size: int
    page_token: str
    def __init__(self, market_id: _Optional[str] = ..., state: _Optional[_Union[AlarmState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAlarmsResponse(_message.Message):
    __slots__ = ("alarms", "next_page_token")
    ALARMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    alarms: _containers.RepeatedCompositeFieldContainer[Alarm]
    next_page_token: str
    def __init__(self, alarms: _Optional[_Iterable[_Union[Alarm, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class SeeAlarmRequest(_message.Message):
    __slots__ = ("alarm_id",)
    ALARM_ID_FIELD_NUMBER: _ClassVar[int]
    alarm_id: str
    def __init__(self, alarm_id: _Optional[str] = ...) -> None: ...

class SeeAlarmResponse(_message.Message):
    __slots__ = ("alarm",)
    ALARM_FIELD_NUMBER: _ClassVar[int]
    alarm: Alarm
    def __init__(self, alarm: _Optional[_Union[Alarm, _Mapping]] = ...) -> None: ...

class ResolveAlarmRequest(_message.Message):
    __slots__ = ("alarm_id", "note")
    ALARM_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    alarm_id: str
    note: str
    def __init__(self, alarm_id: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class ResolveAlarmResponse(_message.Message):
    __slots__ = ("alarm",)
    ALARM_FIELD_NUMBER: _ClassVar[int]
    alarm: Alarm
    def __init__(self, alarm: _Optional[_Union[Alarm, _Mapping]] = ...) -> None: ...
