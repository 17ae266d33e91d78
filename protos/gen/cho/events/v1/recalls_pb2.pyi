from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class RecallChanged(_message.Message):
    __slots__ = ("recall_id", "product_id", "lot_id", "reason", "state", "lines", "refunded", "version")
    RECALL_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    LOT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    recall_id: str
    product_id: str
    lot_id: str
    reason: str
    state: str
    lines: int
    refunded: int
    version: int
    def __init__(self, recall_id: _Optional[str] = ..., product_id: _Optional[str] = ..., lot_id: _Optional[str] = ..., reason: _Optional[str] = ..., state: _Optional[str] = ..., lines: _Optional[int] = ..., refunded: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...
