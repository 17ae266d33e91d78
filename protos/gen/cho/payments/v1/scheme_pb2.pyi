from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Movement(_message.Message):
    __slots__ = ("operation", "idempotency_key", "account_id", "other_account_id", "institution", "amount", "fee", "related_id", "reference", "note", "proposal_id", "decided_by")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    RELATED_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    operation: str
    idempotency_key: str
    account_id: str
    other_account_id: str
    institution: str
    amount: int
    fee: int
    related_id: str
    reference: str
    note: str
    proposal_id: str
    decided_by: str
    def __init__(self, operation: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., account_id: _Optional[str] = ..., other_account_id: _Optional[str] = ..., institution: _Optional[str] = ..., amount: _Optional[int] = ..., fee: _Optional[int] = ..., related_id: _Optional[str] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., proposal_id: _Optional[str] = ..., decided_by: _Optional[str] = ...) -> None: ...

class MoveRequest(_message.Message):
    __slots__ = ("movements",)
    MOVEMENTS_FIELD_NUMBER: _ClassVar[int]
    movements: _containers.RepeatedCompositeFieldContainer[Movement]
    def __init__(self, movements: _Optional[_Iterable[_Union[Movement, _Mapping]]] = ...) -> None: ...

class MoveOutcome(_message.Message):
    __slots__ = ("code", "message", "transfer_id", "seq", "at_ms")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    transfer_id: str
    seq: int
    at_ms: int
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., transfer_id: _Optional[str] = ..., seq: _Optional[int] = ..., at_ms: _Optional[int] = ...) -> None: ...

class MoveResponse(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[MoveOutcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[MoveOutcome, _Mapping]]] = ...) -> None: ...

class ProposeCorrectionRequest(_message.Message):
    __slots__ = ("proposal_id", "break_id", "proposed_by", "reason", "expires_ms")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    BREAK_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_MS_FIELD_NUMBER: _ClassVar[int]
    proposal_id: str
    break_id: str
    proposed_by: str
    reason: str
    expires_ms: int
    def __init__(self, proposal_id: _Optional[str] = ..., break_id: _Optional[str] = ..., proposed_by: _Optional[str] = ..., reason: _Optional[str] = ..., expires_ms: _Optional[int] = ...) -> None: ...

class ProposeCorrectionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAvailableRequest(_message.Message):
    __slots__ = ("account_ids",)
    ACCOUNT_IDS_FIELD_NUMBER: _ClassVar[int]
    account_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, account_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetAvailableResponse(_message.Message):
    __slots__ = ("available",)
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    available: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, available: _Optional[_Iterable[int]] = ...) -> None: ...

class GetLiquidityRequest(_message.Message):
    __slots__ = ("telecom",)
    TELECOM_FIELD_NUMBER: _ClassVar[int]
    telecom: str
    def __init__(self, telecom: _Optional[str] = ...) -> None: ...

class Liquidity(_message.Message):
    __slots__ = ("telecom", "deposited", "position", "net_debit_cap", "uncapped")
    TELECOM_FIELD_NUMBER: _ClassVar[int]
    DEPOSITED_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    NET_DEBIT_CAP_FIELD_NUMBER: _ClassVar[int]
    UNCAPPED_FIELD_NUMBER: _ClassVar[int]
    telecom: str
    deposited: int
    position: int
    net_debit_cap: int
    uncapped: bool
    def __init__(self, telecom: _Optional[str] = ..., deposited: _Optional[int] = ..., position: _Optional[int] = ..., net_debit_cap: _Optional[int] = ..., uncapped: _Optional[bool] = ...) -> None: ...

class GetLiquidityResponse(_message.Message):
    __slots__ = ("liquidity",)
    LIQUIDITY_FIELD_NUMBER: _ClassVar[int]
    liquidity: Liquidity
    def __init__(self, liquidity: _Optional[_Union[Liquidity, _Mapping]] = ...) -> None: ...

class MoveLiquidityRequest(_message.Message):
    __slots__ = ("telecom", "idempotency_key", "amount", "reference")
    TELECOM_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    telecom: str
    idempotency_key: str
    amount: int
    reference: str
    def __init__(self, telecom: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ...) -> None: ...

class MoveLiquidityResponse(_message.Message):
    __slots__ = ("transfer_id", "liquidity")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    LIQUIDITY_FIELD_NUMBER: _ClassVar[int]
    transfer_id: str
    liquidity: Liquidity
    def __init__(self, transfer_id: _Optional[str] = ..., liquidity: _Optional[_Union[Liquidity, _Mapping]] = ...) -> None: ...

class SetNetDebitCapRequest(_message.Message):
    __slots__ = ("telecom", "net_debit_cap", "uncapped")
    TELECOM_FIELD_NUMBER: _ClassVar[int]
    NET_DEBIT_CAP_FIELD_NUMBER: _ClassVar[int]
    UNCAPPED_FIELD_NUMBER: _ClassVar[int]
    telecom: str
    net_debit_cap: int
    uncapped: bool
    def __init__(self, telecom: _Optional[str] = ..., net_debit_cap: _Optional[int] = ..., uncapped: _Optional[bool] = ...) -> None: ...

class SetNetDebitCapResponse(_message.Message):
    __slots__ = ("liquidity",)
    LIQUIDITY_FIELD_NUMBER: _ClassVar[int]
    liquidity: Liquidity
    def __init__(self, liquidity: _Optional[_Union[Liquidity, _Mapping]] = ...) -> None: ...
