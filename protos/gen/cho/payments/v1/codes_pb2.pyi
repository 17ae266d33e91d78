import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from cho.payments.v1 import payments_pb2 as _payments_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CodeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CODE_STATE_UNSPECIFIED: _ClassVar[CodeState]
    CODE_STATE_ACTIVE: _ClassVar[CodeState]
    CODE_STATE_USED: _ClassVar[CodeState]
    CODE_STATE_CANCELLED: _ClassVar[CodeState]
    CODE_STATE_EXPIRED: _ClassVar[CodeState]
CODE_STATE_UNSPECIFIED: CodeState
CODE_STATE_ACTIVE: CodeState
CODE_STATE_USED: CodeState
CODE_STATE_CANCELLED: CodeState
CODE_STATE_EXPIRED: CodeState

class PresentCodeRequest(_message.Message):
    __slots__ = ("wallet_id", "ceiling", "lives_s")
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    CEILING_FIELD_NUMBER: _ClassVar[int]
    LIVES_S_FIELD_NUMBER: _ClassVar[int]
    wallet_id: str
    ceiling: int
    lives_s: int
    def __init__(self, wallet_id: _Optional[str] = ..., ceiling: _Optional[int] = ..., lives_s: _Optional[int] = ...) -> None: ...

class PresentCodeResponse(_message.Message):
    __slots__ = ("code", "ceiling", "expires_at")
    CODE_FIELD_NUMBER: _ClassVar[int]
    CEILING_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    code: str
    ceiling: int
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, code: _Optional[str] = ..., ceiling: _Optional[int] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CheckCodeRequest(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class CheckCodeResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: CodeState
    def __init__(self, state: _Optional[_Union[CodeState, str]] = ...) -> None: ...

class CancelCodeRequest(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class CancelCodeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RedeemCodeRequest(_message.Message):
    __slots__ = ("idempotency_key", "merchant_id", "code", "amount", "reference", "note", "not_after")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    merchant_id: str
    code: str
    amount: int
    reference: str
    note: str
    not_after: _timestamp_pb2.Timestamp
    def __init__(self, idempotency_key: _Optional[str] = ..., merchant_id: _Optional[str] = ..., code: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RedeemCodeResponse(_message.Message):
    __slots__ = ("payment",)
    PAYMENT_FIELD_NUMBER: _ClassVar[int]
    payment: _payments_pb2.Transfer
    def __init__(self, payment: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...
