import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from cho.payments.v1 import payments_pb2 as _payments_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PaymentRequest(_message.Message):
    __slots__ = ("merchant_id", "reference", "amount", "paid", "state", "asked_at", "expires_at", "qr_payload")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ASKED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    QR_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reference: str
    amount: int
    paid: int
    state: _payments_pb2.RequestState
    asked_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    qr_payload: str
    def __init__(self, merchant_id: _Optional[str] = ..., reference: _Optional[str] = ..., amount: _Optional[int] = ..., paid: _Optional[int] = ..., state: _Optional[_Union[_payments_pb2.RequestState, str]] = ..., asked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., qr_payload: _Optional[str] = ...) -> None: ...

class RequestPaymentRequest(_message.Message):
    __slots__ = ("merchant_id", "request_id", "amount", "reference", "expires_in_s", "purpose")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_IN_S_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    request_id: str
    amount: int
    reference: str
    expires_in_s: int
    purpose: str
    def __init__(self, merchant_id: _Optional[str] = ..., request_id: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., expires_in_s: _Optional[int] = ..., purpose: _Optional[str] = ...) -> None: ...

class RequestPaymentResponse(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: PaymentRequest
    def __init__(self, request: _Optional[_Union[PaymentRequest, _Mapping]] = ...) -> None: ...

class GetRequestRequest(_message.Message):
    __slots__ = ("merchant_id", "reference")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reference: str
    def __init__(self, merchant_id: _Optional[str] = ..., reference: _Optional[str] = ...) -> None: ...

class GetRequestResponse(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: PaymentRequest
    def __init__(self, request: _Optional[_Union[PaymentRequest, _Mapping]] = ...) -> None: ...

class WithdrawRequestRequest(_message.Message):
    __slots__ = ("merchant_id", "reference")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reference: str
    def __init__(self, merchant_id: _Optional[str] = ..., reference: _Optional[str] = ...) -> None: ...

class WithdrawRequestResponse(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: PaymentRequest
    def __init__(self, request: _Optional[_Union[PaymentRequest, _Mapping]] = ...) -> None: ...
