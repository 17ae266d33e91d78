from cho.onboarding.v1 import people_pb2 as _people_pb2
from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PutStallPhotoRequest(_message.Message):
    __slots__ = ("merchant_id", "content")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    content: bytes
    def __init__(self, merchant_id: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class PutStallPhotoResponse(_message.Message):
    __slots__ = ("sha256", "width", "height")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    width: int
    height: int
    def __init__(self, sha256: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class GetStallPhotoRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class Grower(_message.Message):
    __slots__ = ("enterprise_id", "kind", "name", "ward_name", "province_name")
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WARD_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVINCE_NAME_FIELD_NUMBER: _ClassVar[int]
    enterprise_id: str
    kind: _people_pb2.EnterpriseKind
    name: str
    ward_name: str
    province_name: str
    def __init__(self, enterprise_id: _Optional[str] = ..., kind: _Optional[_Union[_people_pb2.EnterpriseKind, str]] = ..., name: _Optional[str] = ..., ward_name: _Optional[str] = ..., province_name: _Optional[str] = ...) -> None: ...

class GetGrowerRequest(_message.Message):
    __slots__ = ("enterprise_id",)
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    enterprise_id: str
    def __init__(self, enterprise_id: _Optional[str] = ...) -> None: ...

class GetGrowerResponse(_message.Message):
    __slots__ = ("grower",)
    GROWER_FIELD_NUMBER: _ClassVar[int]
    grower: Grower
    def __init__(self, grower: _Optional[_Union[Grower, _Mapping]] = ...) -> None: ...
