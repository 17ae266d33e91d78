import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IdentifyPersonRequest(_message.Message):
    __slots__ = ("phone", "payload")
    PHONE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    phone: str
    payload: str
    def __init__(self, phone: _Optional[str] = ..., payload: _Optional[str] = ...) -> None: ...

class IdentifyPersonResponse(_message.Message):
    __slots__ = ("user_id", "identified_at")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    identified_at: _timestamp_pb2.Timestamp
    def __init__(self, user_id: _Optional[str] = ..., identified_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
