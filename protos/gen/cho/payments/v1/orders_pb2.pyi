from cho.options.v1 import options_pb2 as _options_pb2
from cho.payments.v1 import payments_pb2 as _payments_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CaptureForOrderRequest(_message.Message):
    __slots__ = ("hold_id", "merchant_id", "reference", "idempotency_key", "amount", "cause", "note")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    merchant_id: str
    reference: str
    idempotency_key: str
    amount: int
    cause: str
    note: str
    def __init__(self, hold_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., reference: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ..., cause: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class CaptureForOrderResponse(_message.Message):
    __slots__ = ("payment",)
    PAYMENT_FIELD_NUMBER: _ClassVar[int]
    payment: _payments_pb2.Transfer
    def __init__(self, payment: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...

class ReleaseForOrderRequest(_message.Message):
    __slots__ = ("hold_id", "merchant_id", "reference", "reason")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    merchant_id: str
    reference: str
    reason: str
    def __init__(self, hold_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., reference: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReleaseForOrderResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RefundForOrderRequest(_message.Message):
    __slots__ = ("payment_id", "merchant_id", "reference", "idempotency_key", "amount", "refunded_before", "cause", "reason")
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    payment_id: str
    merchant_id: str
    reference: str
    idempotency_key: str
    amount: int
    refunded_before: int
    cause: str
    reason: str
    def __init__(self, payment_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., reference: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ..., refunded_before: _Optional[int] = ..., cause: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RefundForOrderResponse(_message.Message):
    __slots__ = ("refund",)
    REFUND_FIELD_NUMBER: _ClassVar[int]
    refund: _payments_pb2.Transfer
    def __init__(self, refund: _Optional[_Union[_payments_pb2.Transfer, _Mapping]] = ...) -> None: ...
