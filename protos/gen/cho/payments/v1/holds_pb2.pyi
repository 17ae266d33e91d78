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

class HoldPaymentRequest(_message.Message):
    __slots__ = ("idempotency_key", "wallet_id", "merchant_id", "amount", "reference", "note", "expires_in_s", "not_after")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_S_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    wallet_id: str
    merchant_id: str
    amount: int
    reference: str
    note: str
    expires_in_s: int
    not_after: _timestamp_pb2.Timestamp
    def __init__(self, idempotency_key: _Optional[str] = ..., wallet_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., expires_in_s: _Optional[int] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class HoldPaymentResponse(_message.Message):
    __slots__ = ("hold", "balance")
    HOLD_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    hold: _payments_pb2.Transfer
    balance: int
    def __init__(self, hold: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ..., balance: _Optional[int] = ...) -> None: ...

class CaptureHoldRequest(_message.Message):
    __slots__ = ("hold_id", "idempotency_key", "amount", "note")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    idempotency_key: str
    amount: int
    note: str
    def __init__(self, hold_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ..., note: _Optional[str] = ...) -> None: ...

class CaptureHoldResponse(_message.Message):
    __slots__ = ("payment",)
    PAYMENT_FIELD_NUMBER: _ClassVar[int]
    payment: _payments_pb2.Transfer
    def __init__(self, payment: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...

class VoidHoldRequest(_message.Message):
    __slots__ = ("hold_id", "reason")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    reason: str
    def __init__(self, hold_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class VoidHoldResponse(_message.Message):
    __slots__ = ("hold",)
    HOLD_FIELD_NUMBER: _ClassVar[int]
    hold: _payments_pb2.Transfer
    def __init__(self, hold: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...

class GetHoldRequest(_message.Message):
    __slots__ = ("hold_id",)
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    def __init__(self, hold_id: _Optional[str] = ...) -> None: ...

class GetHoldResponse(_message.Message):
    __slots__ = ("hold",)
    HOLD_FIELD_NUMBER: _ClassVar[int]
    hold: _payments_pb2.Transfer
    def __init__(self, hold: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...

class ListReviewsRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class ListReviewsResponse(_message.Message):
    __slots__ = ("payments",)
    PAYMENTS_FIELD_NUMBER: _ClassVar[int]
    payments: _containers.RepeatedCompositeFieldContainer[_payments_pb2.Transfer]
    def __init__(self, payments: _Optional[_Iterable[_Union[_payments_pb2.Transfer, _Mapping]]] = ...) -> None: ...

class DecideReviewRequest(_message.Message):
    __slots__ = ("payment_id", "idempotency_key", "decision", "reason")
    class Decision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DECISION_UNSPECIFIED: _ClassVar[DecideReviewRequest.Decision]
        DECISION_PASS: _ClassVar[DecideReviewRequest.Decision]
        DECISION_REFUSE: _ClassVar[DecideReviewRequest.Decision]
    DECISION_UNSPECIFIED: DecideReviewRequest.Decision
    DECISION_PASS: DecideReviewRequest.Decision
    DECISION_REFUSE: DecideReviewRequest.Decision
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    payment_id: str
    idempotency_key: str
    decision: DecideReviewRequest.Decision
    reason: str
    def __init__(self, payment_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., decision: _Optional[_Union[DecideReviewRequest.Decision, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class DecideReviewResponse(_message.Message):
    __slots__ = ("payment",)
    PAYMENT_FIELD_NUMBER: _ClassVar[int]
    payment: _payments_pb2.Transfer
    def __init__(self, payment: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...
