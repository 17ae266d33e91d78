from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class UploadPhotoRequest(_message.Message):
    __slots__ = ("product_id", "content")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    content: bytes
    def __init__(self, product_id: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class UploadPhotoResponse(_message.Message):
    __slots__ = ("sha256", "address", "width", "height")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    address: str
    width: int
    height: int
    def __init__(self, sha256: _Optional[str] = ..., address: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class GetPhotoRequest(_message.Message):
    __slots__ = ("product_id", "sha256")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    sha256: str
    def __init__(self, product_id: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class RemovePhotoRequest(_message.Message):
    __slots__ = ("product_id", "sha256")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    sha256: str
    def __init__(self, product_id: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class RemovePhotoResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
