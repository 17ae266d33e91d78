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

class DisbursementState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISBURSEMENT_STATE_UNSPECIFIED: _ClassVar[DisbursementState]
    DISBURSEMENT_STATE_DRAFT: _ClassVar[DisbursementState]
    DISBURSEMENT_STATE_CHECKED: _ClassVar[DisbursementState]
    DISBURSEMENT_STATE_RUNNING: _ClassVar[DisbursementState]
    DISBURSEMENT_STATE_PAUSED: _ClassVar[DisbursementState]
    DISBURSEMENT_STATE_DONE: _ClassVar[DisbursementState]
    DISBURSEMENT_STATE_CANCELLED: _ClassVar[DisbursementState]

class LineState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINE_STATE_UNSPECIFIED: _ClassVar[LineState]
    LINE_STATE_BAD: _ClassVar[LineState]
    LINE_STATE_WAITING: _ClassVar[LineState]
    LINE_STATE_PAID: _ClassVar[LineState]
    LINE_STATE_REFUSED: _ClassVar[LineState]
DISBURSEMENT_STATE_UNSPECIFIED: DisbursementState
DISBURSEMENT_STATE_DRAFT: DisbursementState
DISBURSEMENT_STATE_CHECKED: DisbursementState
DISBURSEMENT_STATE_RUNNING: DisbursementState
DISBURSEMENT_STATE_PAUSED: DisbursementState
DISBURSEMENT_STATE_DONE: DisbursementState
DISBURSEMENT_STATE_CANCELLED: DisbursementState
LINE_STATE_UNSPECIFIED: LineState
LINE_STATE_BAD: LineState
LINE_STATE_WAITING: LineState
LINE_STATE_PAID: LineState
LINE_STATE_REFUSED: LineState

class Disbursement(_message.Message):
    __slots__ = ("disbursement_id", "organisation_id", "title", "state", "lines", "bad", "total", "paid", "paid_amount", "refused", "code", "covered", "made_by", "approved_by", "created_at", "approved_at", "ended_at", "sha256")
    DISBURSEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    BAD_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    PAID_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    APPROVED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    disbursement_id: str
    organisation_id: str
    title: str
    state: DisbursementState
    lines: int
    bad: int
    total: int
    paid: int
    paid_amount: int
    refused: int
    code: str
    covered: bool
    made_by: str
    approved_by: str
    created_at: _timestamp_pb2.Timestamp
    approved_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    sha256: str
    def __init__(self, disbursement_id: _Optional[str] = ..., organisation_id: _Optional[str] = ..., title: _Optional[str] = ..., state: _Optional[_Union[DisbursementState, str]] = ..., lines: _Optional[int] = ..., bad: _Optional[int] = ..., total: _Optional[int] = ..., paid: _Optional[int] = ..., paid_amount: _Optional[int] = ..., refused: _Optional[int] = ..., code: _Optional[str] = ..., covered: _Optional[bool] = ..., made_by: _Optional[str] = ..., approved_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., approved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sha256: _Optional[str] = ...) -> None: ...

class DisbursementLine(_message.Message):
    __slots__ = ("number", "state", "shown", "amount", "reference", "note", "code", "message", "transfer_id")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    number: int
    state: LineState
    shown: str
    amount: int
    reference: str
    note: str
    code: str
    message: str
    transfer_id: str
    def __init__(self, number: _Optional[int] = ..., state: _Optional[_Union[LineState, str]] = ..., shown: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., transfer_id: _Optional[str] = ...) -> None: ...

class CreateDisbursementRequest(_message.Message):
    __slots__ = ("organisation_id", "request_id", "title")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    request_id: str
    title: str
    def __init__(self, organisation_id: _Optional[str] = ..., request_id: _Optional[str] = ..., title: _Optional[str] = ...) -> None: ...

class CreateDisbursementResponse(_message.Message):
    __slots__ = ("disbursement",)
    DISBURSEMENT_FIELD_NUMBER: _ClassVar[int]
    disbursement: Disbursement
    def __init__(self, disbursement: _Optional[_Union[Disbursement, _Mapping]] = ...) -> None: ...

class UploadPartRequest(_message.Message):
    __slots__ = ("disbursement_id", "number", "content")
    DISBURSEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    disbursement_id: str
    number: int
    content: bytes
    def __init__(self, disbursement_id: _Optional[str] = ..., number: _Optional[int] = ..., content: _Optional[bytes] = ...) -> None: ...

class UploadPartResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SubmitDisbursementRequest(_message.Message):
    __slots__ = ("disbursement_id", "parts", "sha256", "again")
    DISBURSEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    disbursement_id: str
    parts: int
    sha256: str
    again: bool
    def __init__(self, disbursement_id: _Optional[str] = ..., parts: _Optional[int] = ..., sha256: _Optional[str] = ..., again: _Optional[bool] = ...) -> None: ...

class SubmitDisbursementResponse(_message.Message):
    __slots__ = ("disbursement",)
    DISBURSEMENT_FIELD_NUMBER: _ClassVar[int]
    disbursement: Disbursement
    def __init__(self, disbursement: _Optional[_Union[Disbursement, _Mapping]] = ...) -> None: ...

class ApproveDisbursementRequest(_message.Message):
    __slots__ = ("disbursement_id", "sha256")
    DISBURSEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    disbursement_id: str
    sha256: str
    def __init__(self, disbursement_id: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class ApproveDisbursementResponse(_message.Message):
    __slots__ = ("disbursement",)
    DISBURSEMENT_FIELD_NUMBER: _ClassVar[int]
    disbursement: Disbursement
    def __init__(self, disbursement: _Optional[_Union[Disbursement, _Mapping]] = ...) -> None: ...

class CancelDisbursementRequest(_message.Message):
    __slots__ = ("disbursement_id",)
    DISBURSEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    disbursement_id: str
    def __init__(self, disbursement_id: _Optional[str] = ...) -> None: ...

class CancelDisbursementResponse(_message.Message):
    __slots__ = ("disbursement",)
    DISBURSEMENT_FIELD_NUMBER: _ClassVar[int]
    disbursement: Disbursement
    def __init__(self, disbursement: _Optional[_Union[Disbursement, _Mapping]] = ...) -> None: ...

class ResumeDisbursementRequest(_message.Message):
    __slots__ = ("disbursement_id",)
    DISBURSEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    disbursement_id: str
    def __init__(self, disbursement_id: _Optional[str] = ...) -> None: ...

class ResumeDisbursementResponse(_message.Message):
    __slots__ = ("disbursement",)
    DISBURSEMENT_FIELD_NUMBER: _ClassVar[int]
    disbursement: Disbursement
    def __init__(self, disbursement: _Optional[_Union[Disbursement, _Mapping]] = ...) -> None: ...

class GetDisbursementRequest(_message.Message):
    __slots__ = ("disbursement_id",)
    DISBURSEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    disbursement_id: str
    def __init__(self, disbursement_id: _Optional[str] = ...) -> None: ...

class GetDisbursementResponse(_message.Message):
    __slots__ = ("disbursement",)
    DISBURSEMENT_FIELD_NUMBER: _ClassVar[int]
    disbursement: Disbursement
    def __init__(self, disbursement: _Optional[_Union[Disbursement, _Mapping]] = ...) -> None: ...

class ListDisbursementsRequest(_message.Message):
    __slots__ = ("organisation_id", "limit")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    limit: int
    def __init__(self, organisation_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListDisbursementsResponse(_message.Message):
    __slots__ = ("disbursements",)
    DISBURSEMENTS_FIELD_NUMBER: _ClassVar[int]
    disbursements: _containers.RepeatedCompositeFieldContainer[Disbursement]
    def __init__(self, disbursements: _Optional[_Iterable[_Union[Disbursement, _Mapping]]] = ...) -> None: ...

class ListDisbursementLinesRequest(_message.Message):
    __slots__ = ("disbursement_id", "state", "after", "limit")
    DISBURSEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    disbursement_id: str
    state: LineState
    after: int
    limit: int
    def __init__(self, disbursement_id: _Optional[str] = ..., state: _Optional[_Union[LineState, str]] = ..., after: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class ListDisbursementLinesResponse(_message.Message):
    __slots__ = ("lines", "more")
    LINES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[DisbursementLine]
    more: bool
    def __init__(self, lines: _Optional[_Iterable[_Union[DisbursementLine, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class DownloadDisbursementResultRequest(_message.Message):
    __slots__ = ("disbursement_id",)
    DISBURSEMENT_ID_FIELD_NUMBER: _ClassVar[int]
    disbursement_id: str
    def __init__(self, disbursement_id: _Optional[str] = ...) -> None: ...
