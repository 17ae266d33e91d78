import datetime

from cho.onboarding.v1 import drafts_pb2 as _drafts_pb2
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

class SyncOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SYNC_OUTCOME_UNSPECIFIED: _ClassVar[SyncOutcome]
    SYNC_OUTCOME_SAVED: _ClassVar[SyncOutcome]
    SYNC_OUTCOME_CONFLICT: _ClassVar[SyncOutcome]
    SYNC_OUTCOME_REFUSED: _ClassVar[SyncOutcome]
SYNC_OUTCOME_UNSPECIFIED: SyncOutcome
SYNC_OUTCOME_SAVED: SyncOutcome
SYNC_OUTCOME_CONFLICT: SyncOutcome
SYNC_OUTCOME_REFUSED: SyncOutcome

class DraftToSync(_message.Message):
    __slots__ = ("form", "version", "take_over")
    FORM_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TAKE_OVER_FIELD_NUMBER: _ClassVar[int]
    form: _drafts_pb2.Form
    version: int
    take_over: bool
    def __init__(self, form: _Optional[_Union[_drafts_pb2.Form, _Mapping]] = ..., version: _Optional[int] = ..., take_over: _Optional[bool] = ...) -> None: ...

class SyncedDraft(_message.Message):
    __slots__ = ("request_id", "outcome", "merchant_id", "version", "code", "vi", "en", "by", "since", "problems")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    VI_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    outcome: SyncOutcome
    merchant_id: str
    version: int
    code: str
    vi: str
    en: str
    by: str
    since: _timestamp_pb2.Timestamp
    problems: _containers.RepeatedCompositeFieldContainer[_drafts_pb2.Problem]
    def __init__(self, request_id: _Optional[str] = ..., outcome: _Optional[_Union[SyncOutcome, str]] = ..., merchant_id: _Optional[str] = ..., version: _Optional[int] = ..., code: _Optional[str] = ..., vi: _Optional[str] = ..., en: _Optional[str] = ..., by: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., problems: _Optional[_Iterable[_Union[_drafts_pb2.Problem, _Mapping]]] = ...) -> None: ...

class SyncDraftsRequest(_message.Message):
    __slots__ = ("drafts",)
    DRAFTS_FIELD_NUMBER: _ClassVar[int]
    drafts: _containers.RepeatedCompositeFieldContainer[DraftToSync]
    def __init__(self, drafts: _Optional[_Iterable[_Union[DraftToSync, _Mapping]]] = ...) -> None: ...

class SyncDraftsResponse(_message.Message):
    __slots__ = ("drafts",)
    DRAFTS_FIELD_NUMBER: _ClassVar[int]
    drafts: _containers.RepeatedCompositeFieldContainer[SyncedDraft]
    def __init__(self, drafts: _Optional[_Iterable[_Union[SyncedDraft, _Mapping]]] = ...) -> None: ...

class Confirmation(_message.Message):
    __slots__ = ("merchant_id", "confirmed", "confirmed_at", "code_sent", "code_expires_at", "tries_left", "phone_masked")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_AT_FIELD_NUMBER: _ClassVar[int]
    CODE_SENT_FIELD_NUMBER: _ClassVar[int]
    CODE_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    TRIES_LEFT_FIELD_NUMBER: _ClassVar[int]
    PHONE_MASKED_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    confirmed: bool
    confirmed_at: _timestamp_pb2.Timestamp
    code_sent: bool
    code_expires_at: _timestamp_pb2.Timestamp
    tries_left: int
    phone_masked: str
    def __init__(self, merchant_id: _Optional[str] = ..., confirmed: _Optional[bool] = ..., confirmed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., code_sent: _Optional[bool] = ..., code_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tries_left: _Optional[int] = ..., phone_masked: _Optional[str] = ...) -> None: ...

class RequestConfirmationRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class RequestConfirmationResponse(_message.Message):
    __slots__ = ("confirmation",)
    CONFIRMATION_FIELD_NUMBER: _ClassVar[int]
    confirmation: Confirmation
    def __init__(self, confirmation: _Optional[_Union[Confirmation, _Mapping]] = ...) -> None: ...

class ConfirmDraftRequest(_message.Message):
    __slots__ = ("merchant_id", "code")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    code: str
    def __init__(self, merchant_id: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class ConfirmDraftResponse(_message.Message):
    __slots__ = ("confirmation",)
    CONFIRMATION_FIELD_NUMBER: _ClassVar[int]
    confirmation: Confirmation
    def __init__(self, confirmation: _Optional[_Union[Confirmation, _Mapping]] = ...) -> None: ...

class GetConfirmationRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class GetConfirmationResponse(_message.Message):
    __slots__ = ("confirmation",)
    CONFIRMATION_FIELD_NUMBER: _ClassVar[int]
    confirmation: Confirmation
    def __init__(self, confirmation: _Optional[_Union[Confirmation, _Mapping]] = ...) -> None: ...

class Team(_message.Message):
    __slots__ = ("team_id", "name", "ward_code", "members", "version")
    TEAM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    team_id: str
    name: str
    ward_code: str
    members: _containers.RepeatedScalarFieldContainer[str]
    version: int
    def __init__(self, team_id: _Optional[str] = ..., name: _Optional[str] = ..., ward_code: _Optional[str] = ..., members: _Optional[_Iterable[str]] = ..., version: _Optional[int] = ...) -> None: ...

class PutTeamRequest(_message.Message):
    __slots__ = ("team_id", "name", "ward_code", "members", "version")
    TEAM_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    team_id: str
    name: str
    ward_code: str
    members: _containers.RepeatedScalarFieldContainer[str]
    version: int
    def __init__(self, team_id: _Optional[str] = ..., name: _Optional[str] = ..., ward_code: _Optional[str] = ..., members: _Optional[_Iterable[str]] = ..., version: _Optional[int] = ...) -> None: ...

class PutTeamResponse(_message.Message):
    __slots__ = ("team",)
    TEAM_FIELD_NUMBER: _ClassVar[int]
    team: Team
    def __init__(self, team: _Optional[_Union[Team, _Mapping]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("draft", "submitted", "in_review", "active", "suspended", "closed", "returned")
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_FIELD_NUMBER: _ClassVar[int]
    IN_REVIEW_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    RETURNED_FIELD_NUMBER: _ClassVar[int]
    draft: int
    submitted: int
    in_review: int
    active: int
    suspended: int
    closed: int
    returned: int
    def __init__(self, draft: _Optional[int] = ..., submitted: _Optional[int] = ..., in_review: _Optional[int] = ..., active: _Optional[int] = ..., suspended: _Optional[int] = ..., closed: _Optional[int] = ..., returned: _Optional[int] = ...) -> None: ...

class MemberProgress(_message.Message):
    __slots__ = ("user_id", "progress")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    progress: Progress
    def __init__(self, user_id: _Optional[str] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ...) -> None: ...

class MarketProgress(_message.Message):
    __slots__ = ("market_id", "market_name", "progress")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_NAME_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    market_name: str
    progress: Progress
    def __init__(self, market_id: _Optional[str] = ..., market_name: _Optional[str] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ...) -> None: ...

class GetTeamProgressRequest(_message.Message):
    __slots__ = ("team_id",)
    TEAM_ID_FIELD_NUMBER: _ClassVar[int]
    team_id: str
    def __init__(self, team_id: _Optional[str] = ...) -> None: ...

class GetTeamProgressResponse(_message.Message):
    __slots__ = ("team", "total", "members")
    TEAM_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    team: Team
    total: Progress
    members: _containers.RepeatedCompositeFieldContainer[MemberProgress]
    def __init__(self, team: _Optional[_Union[Team, _Mapping]] = ..., total: _Optional[_Union[Progress, _Mapping]] = ..., members: _Optional[_Iterable[_Union[MemberProgress, _Mapping]]] = ...) -> None: ...

class GetCommuneProgressRequest(_message.Message):
    __slots__ = ("ward_code",)
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    ward_code: str
    def __init__(self, ward_code: _Optional[str] = ...) -> None: ...

class GetCommuneProgressResponse(_message.Message):
    __slots__ = ("total", "markets")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    total: Progress
    markets: _containers.RepeatedCompositeFieldContainer[MarketProgress]
    def __init__(self, total: _Optional[_Union[Progress, _Mapping]] = ..., markets: _Optional[_Iterable[_Union[MarketProgress, _Mapping]]] = ...) -> None: ...
