import datetime

from cho.onboarding.v1 import onboarding_pb2 as _onboarding_pb2
from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountChangeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_CHANGE_STATE_UNSPECIFIED: _ClassVar[AccountChangeState]
    ACCOUNT_CHANGE_STATE_PROPOSED: _ClassVar[AccountChangeState]
    ACCOUNT_CHANGE_STATE_COOLING: _ClassVar[AccountChangeState]
ACCOUNT_CHANGE_STATE_UNSPECIFIED: AccountChangeState
ACCOUNT_CHANGE_STATE_PROPOSED: AccountChangeState
ACCOUNT_CHANGE_STATE_COOLING: AccountChangeState

class AccountChange(_message.Message):
    __slots__ = ("change_id", "account", "state", "proposed_by", "proposed_at", "approved_by", "in_force_at", "name_check")
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_AT_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    IN_FORCE_AT_FIELD_NUMBER: _ClassVar[int]
    NAME_CHECK_FIELD_NUMBER: _ClassVar[int]
    change_id: str
    account: _onboarding_pb2.SettlementAccount
    state: AccountChangeState
    proposed_by: str
    proposed_at: _timestamp_pb2.Timestamp
    approved_by: str
    in_force_at: _timestamp_pb2.Timestamp
    name_check: str
    def __init__(self, change_id: _Optional[str] = ..., account: _Optional[_Union[_onboarding_pb2.SettlementAccount, _Mapping]] = ..., state: _Optional[_Union[AccountChangeState, str]] = ..., proposed_by: _Optional[str] = ..., proposed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., approved_by: _Optional[str] = ..., in_force_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., name_check: _Optional[str] = ...) -> None: ...

class ProposeAccountRequest(_message.Message):
    __slots__ = ("merchant_id", "request_id", "account")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    request_id: str
    account: _onboarding_pb2.SettlementAccount
    def __init__(self, merchant_id: _Optional[str] = ..., request_id: _Optional[str] = ..., account: _Optional[_Union[_onboarding_pb2.SettlementAccount, _Mapping]] = ...) -> None: ...

class ProposeAccountResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: AccountChange
    def __init__(self, change: _Optional[_Union[AccountChange, _Mapping]] = ...) -> None: ...

class ApproveAccountRequest(_message.Message):
    __slots__ = ("merchant_id", "change_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    change_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., change_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ApproveAccountResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: AccountChange
    def __init__(self, change: _Optional[_Union[AccountChange, _Mapping]] = ...) -> None: ...

class CancelAccountRequest(_message.Message):
    __slots__ = ("merchant_id", "change_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    change_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., change_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelAccountResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAccountRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class GetAccountResponse(_message.Message):
    __slots__ = ("in_force", "change")
    IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    in_force: _onboarding_pb2.SettlementAccount
    change: AccountChange
    def __init__(self, in_force: _Optional[_Union[_onboarding_pb2.SettlementAccount, _Mapping]] = ..., change: _Optional[_Union[AccountChange, _Mapping]] = ...) -> None: ...
