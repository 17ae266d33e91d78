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

class PayoutPlan(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYOUT_PLAN_UNSPECIFIED: _ClassVar[PayoutPlan]
    PAYOUT_PLAN_WINDOW: _ClassVar[PayoutPlan]
    PAYOUT_PLAN_DAILY: _ClassVar[PayoutPlan]

class PayoutState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYOUT_STATE_UNSPECIFIED: _ClassVar[PayoutState]
    PAYOUT_STATE_PENDING: _ClassVar[PayoutState]
    PAYOUT_STATE_READY: _ClassVar[PayoutState]
    PAYOUT_STATE_SENT: _ClassVar[PayoutState]
    PAYOUT_STATE_PAID: _ClassVar[PayoutState]
    PAYOUT_STATE_FAILED: _ClassVar[PayoutState]
    PAYOUT_STATE_RETURNED: _ClassVar[PayoutState]
    PAYOUT_STATE_CARRIED: _ClassVar[PayoutState]

class BatchState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BATCH_STATE_UNSPECIFIED: _ClassVar[BatchState]
    BATCH_STATE_MAKING: _ClassVar[BatchState]
    BATCH_STATE_WAITING: _ClassVar[BatchState]
    BATCH_STATE_RELEASED: _ClassVar[BatchState]
    BATCH_STATE_SENT: _ClassVar[BatchState]
    BATCH_STATE_DONE: _ClassVar[BatchState]
PAYOUT_PLAN_UNSPECIFIED: PayoutPlan
PAYOUT_PLAN_WINDOW: PayoutPlan
PAYOUT_PLAN_DAILY: PayoutPlan
PAYOUT_STATE_UNSPECIFIED: PayoutState
PAYOUT_STATE_PENDING: PayoutState
PAYOUT_STATE_READY: PayoutState
PAYOUT_STATE_SENT: PayoutState
PAYOUT_STATE_PAID: PayoutState
PAYOUT_STATE_FAILED: PayoutState
PAYOUT_STATE_RETURNED: PayoutState
PAYOUT_STATE_CARRIED: PayoutState
BATCH_STATE_UNSPECIFIED: BatchState
BATCH_STATE_MAKING: BatchState
BATCH_STATE_WAITING: BatchState
BATCH_STATE_RELEASED: BatchState
BATCH_STATE_SENT: BatchState
BATCH_STATE_DONE: BatchState

class Payout(_message.Message):
    __slots__ = ("payout_id", "window", "merchant_id", "bank_bin", "account_masked", "amount", "fee", "state", "reason", "batch_id", "transfer_id", "decided_at", "ended_at")
    PAYOUT_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    BANK_BIN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_MASKED_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    payout_id: str
    window: int
    merchant_id: str
    bank_bin: str
    account_masked: str
    amount: int
    fee: int
    state: PayoutState
    reason: str
    batch_id: str
    transfer_id: str
    decided_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    def __init__(self, payout_id: _Optional[str] = ..., window: _Optional[int] = ..., merchant_id: _Optional[str] = ..., bank_bin: _Optional[str] = ..., account_masked: _Optional[str] = ..., amount: _Optional[int] = ..., fee: _Optional[int] = ..., state: _Optional[_Union[PayoutState, str]] = ..., reason: _Optional[str] = ..., batch_id: _Optional[str] = ..., transfer_id: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListPayoutsRequest(_message.Message):
    __slots__ = ("window", "merchant_id", "page_size", "page_token")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    window: int
    merchant_id: str
    page_size: int
    page_token: str
    def __init__(self, window: _Optional[int] = ..., merchant_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPayoutsResponse(_message.Message):
    __slots__ = ("payouts", "next_page_token")
    PAYOUTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    payouts: _containers.RepeatedCompositeFieldContainer[Payout]
    next_page_token: str
    def __init__(self, payouts: _Optional[_Iterable[_Union[Payout, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("batch_id", "window", "state", "payouts", "total", "released_by", "releases_needed", "made_at", "sent_at")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAYOUTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    RELEASED_BY_FIELD_NUMBER: _ClassVar[int]
    RELEASES_NEEDED_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    window: int
    state: BatchState
    payouts: int
    total: int
    released_by: _containers.RepeatedScalarFieldContainer[str]
    releases_needed: int
    made_at: _timestamp_pb2.Timestamp
    sent_at: _timestamp_pb2.Timestamp
    def __init__(self, batch_id: _Optional[str] = ..., window: _Optional[int] = ..., state: _Optional[_Union[BatchState, str]] = ..., payouts: _Optional[int] = ..., total: _Optional[int] = ..., released_by: _Optional[_Iterable[str]] = ..., releases_needed: _Optional[int] = ..., made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListBatchesRequest(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: int
    def __init__(self, window: _Optional[int] = ...) -> None: ...

class ListBatchesResponse(_message.Message):
    __slots__ = ("batches",)
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    batches: _containers.RepeatedCompositeFieldContainer[Batch]
    def __init__(self, batches: _Optional[_Iterable[_Union[Batch, _Mapping]]] = ...) -> None: ...

class ReleaseBatchRequest(_message.Message):
    __slots__ = ("batch_id",)
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    batch_id: str
    def __init__(self, batch_id: _Optional[str] = ...) -> None: ...

class ReleaseBatchResponse(_message.Message):
    __slots__ = ("batch",)
    BATCH_FIELD_NUMBER: _ClassVar[int]
    batch: Batch
    def __init__(self, batch: _Optional[_Union[Batch, _Mapping]] = ...) -> None: ...

class SetPayoutPlanRequest(_message.Message):
    __slots__ = ("merchant_id", "plan")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    plan: PayoutPlan
    def __init__(self, merchant_id: _Optional[str] = ..., plan: _Optional[_Union[PayoutPlan, str]] = ...) -> None: ...

class SetPayoutPlanResponse(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: PayoutPlan
    def __init__(self, plan: _Optional[_Union[PayoutPlan, str]] = ...) -> None: ...

class GetPayoutPlanRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class GetPayoutPlanResponse(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: PayoutPlan
    def __init__(self, plan: _Optional[_Union[PayoutPlan, str]] = ...) -> None: ...

class RequestPayoutRequest(_message.Message):
    __slots__ = ("merchant_id", "request_id", "amount")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    request_id: str
    amount: int
    def __init__(self, merchant_id: _Optional[str] = ..., request_id: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class RequestPayoutResponse(_message.Message):
    __slots__ = ("payout",)
    PAYOUT_FIELD_NUMBER: _ClassVar[int]
    payout: Payout
    def __init__(self, payout: _Optional[_Union[Payout, _Mapping]] = ...) -> None: ...
