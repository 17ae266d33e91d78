import datetime

from cho.identity.v1 import identity_pb2 as _identity_pb2
from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartExternalSignInRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StartExternalSignInResponse(_message.Message):
    __slots__ = ("authorization_url", "attempt_secret", "expires_in_s")
    AUTHORIZATION_URL_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_SECRET_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_S_FIELD_NUMBER: _ClassVar[int]
    authorization_url: str
    attempt_secret: str
    expires_in_s: int
    def __init__(self, authorization_url: _Optional[str] = ..., attempt_secret: _Optional[str] = ..., expires_in_s: _Optional[int] = ...) -> None: ...

class FinishExternalSignInRequest(_message.Message):
    __slots__ = ("state", "code", "iss", "attempt_secret", "device_id", "device_name")
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    ISS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_SECRET_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    state: str
    code: str
    iss: str
    attempt_secret: str
    device_id: str
    device_name: str
    def __init__(self, state: _Optional[str] = ..., code: _Optional[str] = ..., iss: _Optional[str] = ..., attempt_secret: _Optional[str] = ..., device_id: _Optional[str] = ..., device_name: _Optional[str] = ...) -> None: ...

class FinishExternalSignInResponse(_message.Message):
    __slots__ = ("tokens", "user")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    tokens: _identity_pb2.Tokens
    user: _identity_pb2.User
    def __init__(self, tokens: _Optional[_Union[_identity_pb2.Tokens, _Mapping]] = ..., user: _Optional[_Union[_identity_pb2.User, _Mapping]] = ...) -> None: ...

class StartExternalLinkRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StartExternalLinkResponse(_message.Message):
    __slots__ = ("authorization_url", "attempt_secret", "expires_in_s")
    AUTHORIZATION_URL_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_SECRET_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_S_FIELD_NUMBER: _ClassVar[int]
    authorization_url: str
    attempt_secret: str
    expires_in_s: int
    def __init__(self, authorization_url: _Optional[str] = ..., attempt_secret: _Optional[str] = ..., expires_in_s: _Optional[int] = ...) -> None: ...

class FinishExternalLinkRequest(_message.Message):
    __slots__ = ("state", "code", "iss", "attempt_secret")
    STATE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    ISS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_SECRET_FIELD_NUMBER: _ClassVar[int]
    state: str
    code: str
    iss: str
    attempt_secret: str
    def __init__(self, state: _Optional[str] = ..., code: _Optional[str] = ..., iss: _Optional[str] = ..., attempt_secret: _Optional[str] = ...) -> None: ...

class FinishExternalLinkResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetExternalLinkRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetExternalLinkResponse(_message.Message):
    __slots__ = ("issuer", "linked", "linked_at")
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    LINKED_FIELD_NUMBER: _ClassVar[int]
    LINKED_AT_FIELD_NUMBER: _ClassVar[int]
    issuer: str
    linked: bool
    linked_at: _timestamp_pb2.Timestamp
    def __init__(self, issuer: _Optional[str] = ..., linked: _Optional[bool] = ..., linked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class EndExternalLinkRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EndExternalLinkResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
