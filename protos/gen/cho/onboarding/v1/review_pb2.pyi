import datetime

from cho.onboarding.v1 import onboarding_pb2 as _onboarding_pb2
from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListReviewsRequest(_message.Message):
    __slots__ = ("market_id", "ward_code", "state", "page_size", "page_token")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    ward_code: str
    state: _onboarding_pb2.MerchantState
    page_size: int
    page_token: str
    def __init__(self, market_id: _Optional[str] = ..., ward_code: _Optional[str] = ..., state: _Optional[_Union[_onboarding_pb2.MerchantState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListReviewsResponse(_message.Message):
    __slots__ = ("reviews", "next_page_token")
    REVIEWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    reviews: _containers.RepeatedCompositeFieldContainer[Review]
    next_page_token: str
    def __init__(self, reviews: _Optional[_Iterable[_Union[Review, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Review(_message.Message):
    __slots__ = ("merchant", "submitted_at", "age_s", "open_findings")
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_FIELD_NUMBER: _ClassVar[int]
    AGE_S_FIELD_NUMBER: _ClassVar[int]
    OPEN_FINDINGS_FIELD_NUMBER: _ClassVar[int]
    merchant: _onboarding_pb2.Merchant
    submitted_at: _timestamp_pb2.Timestamp
    age_s: int
    open_findings: int
    def __init__(self, merchant: _Optional[_Union[_onboarding_pb2.Merchant, _Mapping]] = ..., submitted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., age_s: _Optional[int] = ..., open_findings: _Optional[int] = ...) -> None: ...

class ClaimReviewRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class ClaimReviewResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: _onboarding_pb2.Merchant
    def __init__(self, merchant: _Optional[_Union[_onboarding_pb2.Merchant, _Mapping]] = ...) -> None: ...

class ReleaseReviewRequest(_message.Message):
    __slots__ = ("merchant_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReleaseReviewResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: _onboarding_pb2.Merchant
    def __init__(self, merchant: _Optional[_Union[_onboarding_pb2.Merchant, _Mapping]] = ...) -> None: ...

class ReturnMerchantRequest(_message.Message):
    __slots__ = ("merchant_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReturnMerchantResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: _onboarding_pb2.Merchant
    def __init__(self, merchant: _Optional[_Union[_onboarding_pb2.Merchant, _Mapping]] = ...) -> None: ...

class RefuseMerchantRequest(_message.Message):
    __slots__ = ("merchant_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RefuseMerchantResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: _onboarding_pb2.Merchant
    def __init__(self, merchant: _Optional[_Union[_onboarding_pb2.Merchant, _Mapping]] = ...) -> None: ...

class CloseMerchantRequest(_message.Message):
    __slots__ = ("merchant_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CloseMerchantResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: _onboarding_pb2.Merchant
    def __init__(self, merchant: _Optional[_Union[_onboarding_pb2.Merchant, _Mapping]] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("finding_id", "code", "other_merchant_id", "vi", "en", "found_at", "accepted_by", "reason", "accepted_at")
    FINDING_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    OTHER_MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    VI_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    FOUND_AT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    finding_id: str
    code: str
    other_merchant_id: str
    vi: str
    en: str
    found_at: _timestamp_pb2.Timestamp
    accepted_by: str
    reason: str
    accepted_at: _timestamp_pb2.Timestamp
    def __init__(self, finding_id: _Optional[str] = ..., code: _Optional[str] = ..., other_merchant_id: _Optional[str] = ..., vi: _Optional[str] = ..., en: _Optional[str] = ..., found_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., accepted_by: _Optional[str] = ..., reason: _Optional[str] = ..., accepted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListFindingsRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class ListFindingsResponse(_message.Message):
    __slots__ = ("findings",)
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    def __init__(self, findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ...) -> None: ...

class AcceptFindingRequest(_message.Message):
    __slots__ = ("merchant_id", "finding_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    FINDING_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    finding_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., finding_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class AcceptFindingResponse(_message.Message):
    __slots__ = ("finding",)
    FINDING_FIELD_NUMBER: _ClassVar[int]
    finding: Finding
    def __init__(self, finding: _Optional[_Union[Finding, _Mapping]] = ...) -> None: ...

class GetHistoryRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class HistoryEntry(_message.Message):
    __slots__ = ("action", "actor", "at", "reason", "state", "version")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    action: str
    actor: str
    at: _timestamp_pb2.Timestamp
    reason: str
    state: _onboarding_pb2.MerchantState
    version: int
    def __init__(self, action: _Optional[str] = ..., actor: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., state: _Optional[_Union[_onboarding_pb2.MerchantState, str]] = ..., version: _Optional[int] = ...) -> None: ...

class GetHistoryResponse(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[HistoryEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[HistoryEntry, _Mapping]]] = ...) -> None: ...

class RevealFieldRequest(_message.Message):
    __slots__ = ("merchant_id", "field", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    field: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., field: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RevealFieldResponse(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: str
    def __init__(self, value: _Optional[str] = ...) -> None: ...

class RevealDocumentRequest(_message.Message):
    __slots__ = ("merchant_id", "kind", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    kind: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., kind: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RevealDocumentResponse(_message.Message):
    __slots__ = ("content", "content_type")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    content_type: str
    def __init__(self, content: _Optional[bytes] = ..., content_type: _Optional[str] = ...) -> None: ...

class ListRevealsRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class Reveal(_message.Message):
    __slots__ = ("field", "actor", "reason", "at")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    field: str
    actor: str
    reason: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, field: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListRevealsResponse(_message.Message):
    __slots__ = ("reveals",)
    REVEALS_FIELD_NUMBER: _ClassVar[int]
    reveals: _containers.RepeatedCompositeFieldContainer[Reveal]
    def __init__(self, reveals: _Optional[_Iterable[_Union[Reveal, _Mapping]]] = ...) -> None: ...
