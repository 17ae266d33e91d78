from cho.options.v1 import options_pb2 as _options_pb2
from cho.payments.v1 import payments_pb2 as _payments_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OpenOrganisationRequest(_message.Message):
    __slots__ = ("owner_id", "name")
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    owner_id: str
    name: str
    def __init__(self, owner_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class OpenOrganisationResponse(_message.Message):
    __slots__ = ("organisation",)
    ORGANISATION_FIELD_NUMBER: _ClassVar[int]
    organisation: _payments_pb2.Account
    def __init__(self, organisation: _Optional[_Union[_payments_pb2.Account, _Mapping]] = ...) -> None: ...

class FundOrganisationRequest(_message.Message):
    __slots__ = ("organisation_id", "idempotency_key", "amount", "reference")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    idempotency_key: str
    amount: int
    reference: str
    def __init__(self, organisation_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ...) -> None: ...

class FundOrganisationResponse(_message.Message):
    __slots__ = ("transfer", "balance")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    transfer: _payments_pb2.Transfer
    balance: int
    def __init__(self, transfer: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ..., balance: _Optional[int] = ...) -> None: ...

class DefundRequest(_message.Message):
    __slots__ = ("account_id", "idempotency_key", "amount", "reference")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    idempotency_key: str
    amount: int
    reference: str
    def __init__(self, account_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ...) -> None: ...

class DefundResponse(_message.Message):
    __slots__ = ("transfer", "balance")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    transfer: _payments_pb2.Transfer
    balance: int
    def __init__(self, transfer: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ..., balance: _Optional[int] = ...) -> None: ...
