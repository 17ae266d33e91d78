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

class PersonalField(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERSONAL_FIELD_UNSPECIFIED: _ClassVar[PersonalField]
    PERSONAL_FIELD_PHONE: _ClassVar[PersonalField]
    PERSONAL_FIELD_CITIZEN_ID: _ClassVar[PersonalField]
PERSONAL_FIELD_UNSPECIFIED: PersonalField
PERSONAL_FIELD_PHONE: PersonalField
PERSONAL_FIELD_CITIZEN_ID: PersonalField

class RevealFieldRequest(_message.Message):
    __slots__ = ("user_id", "field", "reason")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    field: PersonalField
    reason: str
    def __init__(self, user_id: _Optional[str] = ..., field: _Optional[_Union[PersonalField, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class RevealFieldResponse(_message.Message):
    __slots__ = ("value", "access_id")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_ID_FIELD_NUMBER: _ClassVar[int]
    value: str
    access_id: str
    def __init__(self, value: _Optional[str] = ..., access_id: _Optional[str] = ...) -> None: ...

class Access(_message.Message):
    __slots__ = ("access_id", "at", "actor_id", "user_id", "field", "reason")
    ACCESS_ID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    access_id: str
    at: _timestamp_pb2.Timestamp
    actor_id: str
    user_id: str
    field: str
    reason: str
    def __init__(self, access_id: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor_id: _Optional[str] = ..., user_id: _Optional[str] = ..., field: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ListAccessesRequest(_message.Message):
    __slots__ = ("user_id", "actor_id", "page_size", "page_token")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    actor_id: str
    page_size: int
    page_token: str
    def __init__(self, user_id: _Optional[str] = ..., actor_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccessesResponse(_message.Message):
    __slots__ = ("accesses", "next_page_token")
    ACCESSES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accesses: _containers.RepeatedCompositeFieldContainer[Access]
    next_page_token: str
    def __init__(self, accesses: _Optional[_Iterable[_Union[Access, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListAccessesToMeRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccessesToMeResponse(_message.Message):
    __slots__ = ("accesses", "next_page_token")
    ACCESSES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accesses: _containers.RepeatedCompositeFieldContainer[Access]
    next_page_token: str
    def __init__(self, accesses: _Optional[_Iterable[_Union[Access, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ExportMyDataRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EraseMeRequest(_message.Message):
    __slots__ = ("money_withdrawn",)
    MONEY_WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    money_withdrawn: bool
    def __init__(self, money_withdrawn: _Optional[bool] = ...) -> None: ...

class EraseMeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
