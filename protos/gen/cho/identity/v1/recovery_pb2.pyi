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

class VoucherState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VOUCHER_STATE_UNSPECIFIED: _ClassVar[VoucherState]
    VOUCHER_STATE_OPEN: _ClassVar[VoucherState]
    VOUCHER_STATE_APPROVED: _ClassVar[VoucherState]
    VOUCHER_STATE_REFUSED: _ClassVar[VoucherState]
    VOUCHER_STATE_USED: _ClassVar[VoucherState]
VOUCHER_STATE_UNSPECIFIED: VoucherState
VOUCHER_STATE_OPEN: VoucherState
VOUCHER_STATE_APPROVED: VoucherState
VOUCHER_STATE_REFUSED: VoucherState
VOUCHER_STATE_USED: VoucherState

class StartPinResetRequest(_message.Message):
    __slots__ = ("phone",)
    PHONE_FIELD_NUMBER: _ClassVar[int]
    phone: str
    def __init__(self, phone: _Optional[str] = ...) -> None: ...

class StartPinResetResponse(_message.Message):
    __slots__ = ("expires_in_s",)
    EXPIRES_IN_S_FIELD_NUMBER: _ClassVar[int]
    expires_in_s: int
    def __init__(self, expires_in_s: _Optional[int] = ...) -> None: ...

class FinishPinResetRequest(_message.Message):
    __slots__ = ("phone", "code", "new_pin", "device_id")
    PHONE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    NEW_PIN_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    phone: str
    code: str
    new_pin: str
    device_id: str
    def __init__(self, phone: _Optional[str] = ..., code: _Optional[str] = ..., new_pin: _Optional[str] = ..., device_id: _Optional[str] = ...) -> None: ...

class FinishPinResetResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Voucher(_message.Message):
    __slots__ = ("voucher_id", "user_id", "state", "reason", "made_by", "made_at", "decided_by", "decided_at")
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    voucher_id: str
    user_id: str
    state: VoucherState
    reason: str
    made_by: str
    made_at: _timestamp_pb2.Timestamp
    decided_by: str
    decided_at: _timestamp_pb2.Timestamp
    def __init__(self, voucher_id: _Optional[str] = ..., user_id: _Optional[str] = ..., state: _Optional[_Union[VoucherState, str]] = ..., reason: _Optional[str] = ..., made_by: _Optional[str] = ..., made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decided_by: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class VouchForPinResetRequest(_message.Message):
    __slots__ = ("phone", "reason")
    PHONE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    phone: str
    reason: str
    def __init__(self, phone: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class VouchForPinResetResponse(_message.Message):
    __slots__ = ("voucher",)
    VOUCHER_FIELD_NUMBER: _ClassVar[int]
    voucher: Voucher
    def __init__(self, voucher: _Optional[_Union[Voucher, _Mapping]] = ...) -> None: ...

class DecideVoucherRequest(_message.Message):
    __slots__ = ("voucher_id", "approve")
    VOUCHER_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    voucher_id: str
    approve: bool
    def __init__(self, voucher_id: _Optional[str] = ..., approve: _Optional[bool] = ...) -> None: ...

class DecideVoucherResponse(_message.Message):
    __slots__ = ("voucher",)
    VOUCHER_FIELD_NUMBER: _ClassVar[int]
    voucher: Voucher
    def __init__(self, voucher: _Optional[_Union[Voucher, _Mapping]] = ...) -> None: ...

class ListVouchersRequest(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: VoucherState
    def __init__(self, state: _Optional[_Union[VoucherState, str]] = ...) -> None: ...

class ListVouchersResponse(_message.Message):
    __slots__ = ("vouchers",)
    VOUCHERS_FIELD_NUMBER: _ClassVar[int]
    vouchers: _containers.RepeatedCompositeFieldContainer[Voucher]
    def __init__(self, vouchers: _Optional[_Iterable[_Union[Voucher, _Mapping]]] = ...) -> None: ...
