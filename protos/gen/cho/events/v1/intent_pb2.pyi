from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Intent(_message.Message):
    __slots__ = ("caller_id", "reference", "note", "qr_payload", "request_id", "traceparent", "name", "market_name", "stall", "bank_bin", "category_code", "event_id", "merchant_version", "account_index", "reason", "person_id")
    CALLER_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    QR_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MARKET_NAME_FIELD_NUMBER: _ClassVar[int]
    STALL_FIELD_NUMBER: _ClassVar[int]
    BANK_BIN_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_CODE_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_VERSION_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_INDEX_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    caller_id: str
    reference: str
    note: str
    qr_payload: str
    request_id: str
    traceparent: str
    name: str
    market_name: str
    stall: str
    bank_bin: str
    category_code: str
    event_id: str
    merchant_version: int
    account_index: str
    reason: str
    person_id: str
    def __init__(self, caller_id: _Optional[str] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., qr_payload: _Optional[str] = ..., request_id: _Optional[str] = ..., traceparent: _Optional[str] = ..., name: _Optional[str] = ..., market_name: _Optional[str] = ..., stall: _Optional[str] = ..., bank_bin: _Optional[str] = ..., category_code: _Optional[str] = ..., event_id: _Optional[str] = ..., merchant_version: _Optional[int] = ..., account_index: _Optional[str] = ..., reason: _Optional[str] = ..., person_id: _Optional[str] = ...) -> None: ...
