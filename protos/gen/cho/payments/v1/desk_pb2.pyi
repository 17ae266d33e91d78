import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from cho.payments.v1 import payments_pb2 as _payments_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProposalState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROPOSAL_STATE_UNSPECIFIED: _ClassVar[ProposalState]
    PROPOSAL_STATE_PROPOSED: _ClassVar[ProposalState]
    PROPOSAL_STATE_APPROVED: _ClassVar[ProposalState]
    PROPOSAL_STATE_REJECTED: _ClassVar[ProposalState]
    PROPOSAL_STATE_EXPIRED: _ClassVar[ProposalState]
PROPOSAL_STATE_UNSPECIFIED: ProposalState
PROPOSAL_STATE_PROPOSED: ProposalState
PROPOSAL_STATE_APPROVED: ProposalState
PROPOSAL_STATE_REJECTED: ProposalState
PROPOSAL_STATE_EXPIRED: ProposalState

class Reversal(_message.Message):
    __slots__ = ("proposal_id", "state", "transfer_id", "proposed_by", "decided_by", "reason", "proposed_at", "expires_at")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    proposal_id: str
    state: ProposalState
    transfer_id: str
    proposed_by: str
    decided_by: str
    reason: str
    proposed_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, proposal_id: _Optional[str] = ..., state: _Optional[_Union[ProposalState, str]] = ..., transfer_id: _Optional[str] = ..., proposed_by: _Optional[str] = ..., decided_by: _Optional[str] = ..., reason: _Optional[str] = ..., proposed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ProposeReversalRequest(_message.Message):
    __slots__ = ("transfer_id", "request_id", "reason")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    transfer_id: str
    request_id: str
    reason: str
    def __init__(self, transfer_id: _Optional[str] = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ProposeReversalResponse(_message.Message):
    __slots__ = ("reversal", "transfer")
    REVERSAL_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    reversal: Reversal
    transfer: _payments_pb2.Transfer
    def __init__(self, reversal: _Optional[_Union[Reversal, _Mapping]] = ..., transfer: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...

class ApproveReversalRequest(_message.Message):
    __slots__ = ("proposal_id", "idempotency_key")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    proposal_id: str
    idempotency_key: str
    def __init__(self, proposal_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class ApproveReversalResponse(_message.Message):
    __slots__ = ("transfer",)
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    transfer: _payments_pb2.Transfer
    def __init__(self, transfer: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...

class RejectReversalRequest(_message.Message):
    __slots__ = ("proposal_id", "reason")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    proposal_id: str
    reason: str
    def __init__(self, proposal_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RejectReversalResponse(_message.Message):
    __slots__ = ("reversal",)
    REVERSAL_FIELD_NUMBER: _ClassVar[int]
    reversal: Reversal
    def __init__(self, reversal: _Optional[_Union[Reversal, _Mapping]] = ...) -> None: ...

class GetReversalRequest(_message.Message):
    __slots__ = ("proposal_id",)
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    proposal_id: str
    def __init__(self, proposal_id: _Optional[str] = ...) -> None: ...

class GetReversalResponse(_message.Message):
    __slots__ = ("reversal", "transfer")
    REVERSAL_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    reversal: Reversal
    transfer: _payments_pb2.Transfer
    def __init__(self, reversal: _Optional[_Union[Reversal, _Mapping]] = ..., transfer: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...

class ListReversalsRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class ListReversalsResponse(_message.Message):
    __slots__ = ("reversals",)
    REVERSALS_FIELD_NUMBER: _ClassVar[int]
    reversals: _containers.RepeatedCompositeFieldContainer[Reversal]
    def __init__(self, reversals: _Optional[_Iterable[_Union[Reversal, _Mapping]]] = ...) -> None: ...

class ListDebtsRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class Debt(_message.Message):
    __slots__ = ("account_id", "owner_id", "owed")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    OWED_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    owner_id: str
    owed: int
    def __init__(self, account_id: _Optional[str] = ..., owner_id: _Optional[str] = ..., owed: _Optional[int] = ...) -> None: ...

class ListDebtsResponse(_message.Message):
    __slots__ = ("debts", "total", "debtors")
    DEBTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    DEBTORS_FIELD_NUMBER: _ClassVar[int]
    debts: _containers.RepeatedCompositeFieldContainer[Debt]
    total: int
    debtors: int
    def __init__(self, debts: _Optional[_Iterable[_Union[Debt, _Mapping]]] = ..., total: _Optional[int] = ..., debtors: _Optional[int] = ...) -> None: ...
