import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Reconciliation(_message.Message):
    __slots__ = ("reconciliation_id", "institution", "what", "file", "made_at", "expected", "entries", "matched", "breaks", "open", "at_risk", "match_rate", "state")
    RECONCILIATION_ID_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    BREAKS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    AT_RISK_FIELD_NUMBER: _ClassVar[int]
    MATCH_RATE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    reconciliation_id: str
    institution: str
    what: str
    file: str
    made_at: _timestamp_pb2.Timestamp
    expected: int
    entries: int
    matched: int
    breaks: int
    open: int
    at_risk: int
    match_rate: int
    state: str
    def __init__(self, reconciliation_id: _Optional[str] = ..., institution: _Optional[str] = ..., what: _Optional[str] = ..., file: _Optional[str] = ..., made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expected: _Optional[int] = ..., entries: _Optional[int] = ..., matched: _Optional[int] = ..., breaks: _Optional[int] = ..., open: _Optional[int] = ..., at_risk: _Optional[int] = ..., match_rate: _Optional[int] = ..., state: _Optional[str] = ...) -> None: ...

class ListReconciliationsRequest(_message.Message):
    __slots__ = ("institution", "limit")
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    institution: str
    limit: int
    def __init__(self, institution: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListReconciliationsResponse(_message.Message):
    __slots__ = ("reconciliations",)
    RECONCILIATIONS_FIELD_NUMBER: _ClassVar[int]
    reconciliations: _containers.RepeatedCompositeFieldContainer[Reconciliation]
    def __init__(self, reconciliations: _Optional[_Iterable[_Union[Reconciliation, _Mapping]]] = ...) -> None: ...

class GetReconciliationReportRequest(_message.Message):
    __slots__ = ("institution",)
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    institution: str
    def __init__(self, institution: _Optional[str] = ...) -> None: ...

class BreakAge(_message.Message):
    __slots__ = ("age", "breaks")
    AGE_FIELD_NUMBER: _ClassVar[int]
    BREAKS_FIELD_NUMBER: _ClassVar[int]
    age: str
    breaks: int
    def __init__(self, age: _Optional[str] = ..., breaks: _Optional[int] = ...) -> None: ...

class BreakGroup(_message.Message):
    __slots__ = ("institution", "type", "breaks", "at_risk", "overdue", "oldest_days", "ages")
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    BREAKS_FIELD_NUMBER: _ClassVar[int]
    AT_RISK_FIELD_NUMBER: _ClassVar[int]
    OVERDUE_FIELD_NUMBER: _ClassVar[int]
    OLDEST_DAYS_FIELD_NUMBER: _ClassVar[int]
    AGES_FIELD_NUMBER: _ClassVar[int]
    institution: str
    type: str
    breaks: int
    at_risk: int
    overdue: int
    oldest_days: int
    ages: _containers.RepeatedCompositeFieldContainer[BreakAge]
    def __init__(self, institution: _Optional[str] = ..., type: _Optional[str] = ..., breaks: _Optional[int] = ..., at_risk: _Optional[int] = ..., overdue: _Optional[int] = ..., oldest_days: _Optional[int] = ..., ages: _Optional[_Iterable[_Union[BreakAge, _Mapping]]] = ...) -> None: ...

class GetReconciliationReportResponse(_message.Message):
    __slots__ = ("groups", "match_rate", "files", "more")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    MATCH_RATE_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[BreakGroup]
    match_rate: int
    files: int
    more: bool
    def __init__(self, groups: _Optional[_Iterable[_Union[BreakGroup, _Mapping]]] = ..., match_rate: _Optional[int] = ..., files: _Optional[int] = ..., more: _Optional[bool] = ...) -> None: ...

class Correction(_message.Message):
    __slots__ = ("debited", "credited", "amount")
    DEBITED_FIELD_NUMBER: _ClassVar[int]
    CREDITED_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    debited: str
    credited: str
    amount: int
    def __init__(self, debited: _Optional[str] = ..., credited: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class BreakComment(_message.Message):
    __slots__ = ("by", "at", "text", "what")
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    by: str
    at: _timestamp_pb2.Timestamp
    text: str
    what: str
    def __init__(self, by: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., text: _Optional[str] = ..., what: _Optional[str] = ...) -> None: ...

class Break(_message.Message):
    __slots__ = ("break_id", "institution", "type", "state", "owner", "reference", "difference", "detail", "at_risk", "found_at", "age_days", "resolution", "correction", "proposed_by", "stream", "decided_by", "comments", "reconciliation_id", "version", "severity", "due_on", "facts", "transfer_id")
    BREAK_ID_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    AT_RISK_FIELD_NUMBER: _ClassVar[int]
    FOUND_AT_FIELD_NUMBER: _ClassVar[int]
    AGE_DAYS_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    COMMENTS_FIELD_NUMBER: _ClassVar[int]
    RECONCILIATION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    DUE_ON_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    break_id: str
    institution: str
    type: str
    state: str
    owner: str
    reference: str
    difference: int
    detail: str
    at_risk: int
    found_at: _timestamp_pb2.Timestamp
    age_days: int
    resolution: str
    correction: Correction
    proposed_by: str
    stream: str
    decided_by: str
    comments: _containers.RepeatedCompositeFieldContainer[BreakComment]
    reconciliation_id: str
    version: int
    severity: str
    due_on: str
    facts: str
    transfer_id: str
    def __init__(self, break_id: _Optional[str] = ..., institution: _Optional[str] = ..., type: _Optional[str] = ..., state: _Optional[str] = ..., owner: _Optional[str] = ..., reference: _Optional[str] = ..., difference: _Optional[int] = ..., detail: _Optional[str] = ..., at_risk: _Optional[int] = ..., found_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., age_days: _Optional[int] = ..., resolution: _Optional[str] = ..., correction: _Optional[_Union[Correction, _Mapping]] = ..., proposed_by: _Optional[str] = ..., stream: _Optional[str] = ..., decided_by: _Optional[str] = ..., comments: _Optional[_Iterable[_Union[BreakComment, _Mapping]]] = ..., reconciliation_id: _Optional[str] = ..., version: _Optional[int] = ..., severity: _Optional[str] = ..., due_on: _Optional[str] = ..., facts: _Optional[str] = ..., transfer_id: _Optional[str] = ...) -> None: ...

class ListBreaksRequest(_message.Message):
    __slots__ = ("institution", "state", "page_size", "page_token")
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    institution: str
    state: str
    page_size: int
    page_token: str
    def __init__(self, institution: _Optional[str] = ..., state: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListBreaksResponse(_message.Message):
    __slots__ = ("breaks", "next_page_token")
    BREAKS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    breaks: _containers.RepeatedCompositeFieldContainer[Break]
    next_page_token: str
    def __init__(self, breaks: _Optional[_Iterable[_Union[Break, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetBreakRequest(_message.Message):
    __slots__ = ("break_id",)
    BREAK_ID_FIELD_NUMBER: _ClassVar[int]
    break_id: str
    def __init__(self, break_id: _Optional[str] = ...) -> None: ...

class GetBreakResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Break
    def __init__(self, case: _Optional[_Union[Break, _Mapping]] = ...) -> None: ...

class AssignBreakRequest(_message.Message):
    __slots__ = ("break_id", "owner", "version")
    BREAK_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    break_id: str
    owner: str
    version: int
    def __init__(self, break_id: _Optional[str] = ..., owner: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class AssignBreakResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Break
    def __init__(self, case: _Optional[_Union[Break, _Mapping]] = ...) -> None: ...

class CommentBreakRequest(_message.Message):
    __slots__ = ("break_id", "text")
    BREAK_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    break_id: str
    text: str
    def __init__(self, break_id: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class CommentBreakResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Break
    def __init__(self, case: _Optional[_Union[Break, _Mapping]] = ...) -> None: ...

class ProposeResolutionRequest(_message.Message):
    __slots__ = ("break_id", "version", "resolution", "correction")
    BREAK_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RESOLUTION_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    break_id: str
    version: int
    resolution: str
    correction: Correction
    def __init__(self, break_id: _Optional[str] = ..., version: _Optional[int] = ..., resolution: _Optional[str] = ..., correction: _Optional[_Union[Correction, _Mapping]] = ...) -> None: ...

class ProposeResolutionResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Break
    def __init__(self, case: _Optional[_Union[Break, _Mapping]] = ...) -> None: ...

class DecideResolutionRequest(_message.Message):
    __slots__ = ("break_id", "approve", "reason", "version")
    BREAK_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    break_id: str
    approve: bool
    reason: str
    version: int
    def __init__(self, break_id: _Optional[str] = ..., approve: _Optional[bool] = ..., reason: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class DecideResolutionResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Break
    def __init__(self, case: _Optional[_Union[Break, _Mapping]] = ...) -> None: ...
