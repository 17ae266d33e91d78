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

class SubmittedState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBMITTED_STATE_UNSPECIFIED: _ClassVar[SubmittedState]
    SUBMITTED_STATE_WAITING: _ClassVar[SubmittedState]
    SUBMITTED_STATE_TAKEN: _ClassVar[SubmittedState]
    SUBMITTED_STATE_REFUSED: _ClassVar[SubmittedState]
SUBMITTED_STATE_UNSPECIFIED: SubmittedState
SUBMITTED_STATE_WAITING: SubmittedState
SUBMITTED_STATE_TAKEN: SubmittedState
SUBMITTED_STATE_REFUSED: SubmittedState

class SubmittedFile(_message.Message):
    __slots__ = ("name", "bytes", "state", "at", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    bytes: int
    state: SubmittedState
    at: _timestamp_pb2.Timestamp
    reason: str
    def __init__(self, name: _Optional[str] = ..., bytes: _Optional[int] = ..., state: _Optional[_Union[SubmittedState, str]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class SubmitFileRequest(_message.Message):
    __slots__ = ("institution", "name", "content")
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    institution: str
    name: str
    content: bytes
    def __init__(self, institution: _Optional[str] = ..., name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class SubmitFileResponse(_message.Message):
    __slots__ = ("file", "sha256")
    FILE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    file: SubmittedFile
    sha256: str
    def __init__(self, file: _Optional[_Union[SubmittedFile, _Mapping]] = ..., sha256: _Optional[str] = ...) -> None: ...

class ListSubmittedRequest(_message.Message):
    __slots__ = ("institution",)
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    institution: str
    def __init__(self, institution: _Optional[str] = ...) -> None: ...

class ListSubmittedResponse(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[SubmittedFile]
    def __init__(self, files: _Optional[_Iterable[_Union[SubmittedFile, _Mapping]]] = ...) -> None: ...
