import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecallState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECALL_STATE_UNSPECIFIED: _ClassVar[RecallState]
    RECALL_STATE_OPENED: _ClassVar[RecallState]
    RECALL_STATE_LISTED: _ClassVar[RecallState]
    RECALL_STATE_RELEASED: _ClassVar[RecallState]
    RECALL_STATE_FINISHED: _ClassVar[RecallState]
    RECALL_STATE_WITHDRAWN: _ClassVar[RecallState]
    RECALL_STATE_LIFTED: _ClassVar[RecallState]
    RECALL_STATE_REFUSED: _ClassVar[RecallState]

class RecallLineState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECALL_LINE_STATE_UNSPECIFIED: _ClassVar[RecallLineState]
    RECALL_LINE_STATE_NEW: _ClassVar[RecallLineState]
    RECALL_LINE_STATE_UNPLACED: _ClassVar[RecallLineState]
    RECALL_LINE_STATE_STOPPED: _ClassVar[RecallLineState]
    RECALL_LINE_STATE_OPEN: _ClassVar[RecallLineState]
    RECALL_LINE_STATE_REFUNDED: _ClassVar[RecallLineState]
    RECALL_LINE_STATE_ALREADY: _ClassVar[RecallLineState]
    RECALL_LINE_STATE_UNPAID: _ClassVar[RecallLineState]
    RECALL_LINE_STATE_LIFTED: _ClassVar[RecallLineState]
RECALL_STATE_UNSPECIFIED: RecallState
RECALL_STATE_OPENED: RecallState
RECALL_STATE_LISTED: RecallState
RECALL_STATE_RELEASED: RecallState
RECALL_STATE_FINISHED: RecallState
RECALL_STATE_WITHDRAWN: RecallState
RECALL_STATE_LIFTED: RecallState
RECALL_STATE_REFUSED: RecallState
RECALL_LINE_STATE_UNSPECIFIED: RecallLineState
RECALL_LINE_STATE_NEW: RecallLineState
RECALL_LINE_STATE_UNPLACED: RecallLineState
RECALL_LINE_STATE_STOPPED: RecallLineState
RECALL_LINE_STATE_OPEN: RecallLineState
RECALL_LINE_STATE_REFUNDED: RecallLineState
RECALL_LINE_STATE_ALREADY: RecallLineState
RECALL_LINE_STATE_UNPAID: RecallLineState
RECALL_LINE_STATE_LIFTED: RecallLineState

class RecallTally(_message.Message):
    __slots__ = ("state", "lines", "amount")
    STATE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    state: RecallLineState
    lines: int
    amount: int
    def __init__(self, state: _Optional[_Union[RecallLineState, str]] = ..., lines: _Optional[int] = ..., amount: _Optional[int] = ...) -> None: ...

class Recall(_message.Message):
    __slots__ = ("recall_id", "product_id", "product_name", "lot_id", "reason", "state", "opened_by", "opened_at", "decided_by", "decided_at", "withdrawn_for", "ended_at", "lines", "done", "tallies")
    RECALL_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_NAME_FIELD_NUMBER: _ClassVar[int]
    LOT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OPENED_BY_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FOR_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TALLIES_FIELD_NUMBER: _ClassVar[int]
    recall_id: str
    product_id: str
    product_name: str
    lot_id: str
    reason: str
    state: RecallState
    opened_by: str
    opened_at: _timestamp_pb2.Timestamp
    decided_by: str
    decided_at: _timestamp_pb2.Timestamp
    withdrawn_for: str
    ended_at: _timestamp_pb2.Timestamp
    lines: int
    done: int
    tallies: _containers.RepeatedCompositeFieldContainer[RecallTally]
    def __init__(self, recall_id: _Optional[str] = ..., product_id: _Optional[str] = ..., product_name: _Optional[str] = ..., lot_id: _Optional[str] = ..., reason: _Optional[str] = ..., state: _Optional[_Union[RecallState, str]] = ..., opened_by: _Optional[str] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decided_by: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., withdrawn_for: _Optional[str] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lines: _Optional[int] = ..., done: _Optional[int] = ..., tallies: _Optional[_Iterable[_Union[RecallTally, _Mapping]]] = ...) -> None: ...

class RecallLine(_message.Message):
    __slots__ = ("order_id", "code", "buyer_id", "merchant_id", "quantity", "state", "amount", "refused_code", "payment_ids", "refund_ids", "line_total")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    BUYER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUSED_CODE_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    REFUND_IDS_FIELD_NUMBER: _ClassVar[int]
    LINE_TOTAL_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    code: str
    buyer_id: str
    merchant_id: str
    quantity: int
    state: RecallLineState
    amount: int
    refused_code: str
    payment_ids: _containers.RepeatedScalarFieldContainer[str]
    refund_ids: _containers.RepeatedScalarFieldContainer[str]
    line_total: int
    def __init__(self, order_id: _Optional[str] = ..., code: _Optional[str] = ..., buyer_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., quantity: _Optional[int] = ..., state: _Optional[_Union[RecallLineState, str]] = ..., amount: _Optional[int] = ..., refused_code: _Optional[str] = ..., payment_ids: _Optional[_Iterable[str]] = ..., refund_ids: _Optional[_Iterable[str]] = ..., line_total: _Optional[int] = ...) -> None: ...

class OpenRecallRequest(_message.Message):
    __slots__ = ("request_id", "product_id", "lot_id", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    LOT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    product_id: str
    lot_id: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., product_id: _Optional[str] = ..., lot_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class OpenRecallResponse(_message.Message):
    __slots__ = ("recall",)
    RECALL_FIELD_NUMBER: _ClassVar[int]
    recall: Recall
    def __init__(self, recall: _Optional[_Union[Recall, _Mapping]] = ...) -> None: ...

class ReleaseRecallRequest(_message.Message):
    __slots__ = ("recall_id",)
    RECALL_ID_FIELD_NUMBER: _ClassVar[int]
    recall_id: str
    def __init__(self, recall_id: _Optional[str] = ...) -> None: ...

class ReleaseRecallResponse(_message.Message):
    __slots__ = ("recall",)
    RECALL_FIELD_NUMBER: _ClassVar[int]
    recall: Recall
    def __init__(self, recall: _Optional[_Union[Recall, _Mapping]] = ...) -> None: ...

class WithdrawRecallRequest(_message.Message):
    __slots__ = ("recall_id", "reason")
    RECALL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    recall_id: str
    reason: str
    def __init__(self, recall_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class WithdrawRecallResponse(_message.Message):
    __slots__ = ("recall",)
    RECALL_FIELD_NUMBER: _ClassVar[int]
    recall: Recall
    def __init__(self, recall: _Optional[_Union[Recall, _Mapping]] = ...) -> None: ...

class GetRecallRequest(_message.Message):
    __slots__ = ("recall_id",)
    RECALL_ID_FIELD_NUMBER: _ClassVar[int]
    recall_id: str
    def __init__(self, recall_id: _Optional[str] = ...) -> None: ...

class GetRecallResponse(_message.Message):
    __slots__ = ("recall",)
    RECALL_FIELD_NUMBER: _ClassVar[int]
    recall: Recall
    def __init__(self, recall: _Optional[_Union[Recall, _Mapping]] = ...) -> None: ...

class ListRecallsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRecallsResponse(_message.Message):
    __slots__ = ("recalls",)
    RECALLS_FIELD_NUMBER: _ClassVar[int]
    recalls: _containers.RepeatedCompositeFieldContainer[Recall]
    def __init__(self, recalls: _Optional[_Iterable[_Union[Recall, _Mapping]]] = ...) -> None: ...

class ListRecallLinesRequest(_message.Message):
    __slots__ = ("recall_id", "after", "page_size")
    RECALL_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    recall_id: str
    after: str
    page_size: int
    def __init__(self, recall_id: _Optional[str] = ..., after: _Optional[str] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListRecallLinesResponse(_message.Message):
    __slots__ = ("lines", "more")
    LINES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[RecallLine]
    more: bool
    def __init__(self, lines: _Optional[_Iterable[_Union[RecallLine, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class DownloadRecallReportRequest(_message.Message):
    __slots__ = ("recall_id",)
    RECALL_ID_FIELD_NUMBER: _ClassVar[int]
    recall_id: str
    def __init__(self, recall_id: _Optional[str] = ...) -> None: ...
