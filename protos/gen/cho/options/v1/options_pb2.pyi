from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_ANYONE: _ClassVar[Role]
    ROLE_SHOPPER: _ClassVar[Role]
    ROLE_VENDOR: _ClassVar[Role]
    ROLE_AGENT: _ClassVar[Role]
    ROLE_TEAM: _ClassVar[Role]
    ROLE_MARKET_MANAGER: _ClassVar[Role]
    ROLE_OPERATOR: _ClassVar[Role]
    ROLE_OFFICER: _ClassVar[Role]
    ROLE_AUDITOR: _ClassVar[Role]
    ROLE_SERVICE: _ClassVar[Role]

class RateClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RATE_CLASS_UNSPECIFIED: _ClassVar[RateClass]
    RATE_CLASS_SIGN_IN: _ClassVar[RateClass]
    RATE_CLASS_READ: _ClassVar[RateClass]
    RATE_CLASS_WRITE: _ClassVar[RateClass]
    RATE_CLASS_MONEY: _ClassVar[RateClass]
    RATE_CLASS_STREAM: _ClassVar[RateClass]
ROLE_UNSPECIFIED: Role
ROLE_ANYONE: Role
ROLE_SHOPPER: Role
ROLE_VENDOR: Role
ROLE_AGENT: Role
ROLE_TEAM: Role
ROLE_MARKET_MANAGER: Role
ROLE_OPERATOR: Role
ROLE_OFFICER: Role
ROLE_AUDITOR: Role
ROLE_SERVICE: Role
RATE_CLASS_UNSPECIFIED: RateClass
RATE_CLASS_SIGN_IN: RateClass
RATE_CLASS_READ: RateClass
RATE_CLASS_WRITE: RateClass
RATE_CLASS_MONEY: RateClass
RATE_CLASS_STREAM: RateClass
POLICY_FIELD_NUMBER: _ClassVar[int]
policy: _descriptor.FieldDescriptor

class Cache(_message.Message):
    __slots__ = ("max_age_s",)
    MAX_AGE_S_FIELD_NUMBER: _ClassVar[int]
    max_age_s: int
    def __init__(self, max_age_s: _Optional[int] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("roles", "rate", "body_kib", "cache")
    ROLES_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    BODY_KIB_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedScalarFieldContainer[Role]
    rate: RateClass
    body_kib: int
    cache: Cache
    def __init__(self, roles: _Optional[_Iterable[_Union[Role, str]]] = ..., rate: _Optional[_Union[RateClass, str]] = ..., body_kib: _Optional[int] = ..., cache: _Optional[_Union[Cache, _Mapping]] = ...) -> None: ...
