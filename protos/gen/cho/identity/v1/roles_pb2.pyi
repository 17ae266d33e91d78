import datetime

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

class RoleChangeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_CHANGE_KIND_UNSPECIFIED: _ClassVar[RoleChangeKind]
    ROLE_CHANGE_KIND_GRANTED: _ClassVar[RoleChangeKind]
    ROLE_CHANGE_KIND_REFUSED: _ClassVar[RoleChangeKind]
    ROLE_CHANGE_KIND_REVOKED: _ClassVar[RoleChangeKind]
ROLE_CHANGE_KIND_UNSPECIFIED: RoleChangeKind
ROLE_CHANGE_KIND_GRANTED: RoleChangeKind
ROLE_CHANGE_KIND_REFUSED: RoleChangeKind
ROLE_CHANGE_KIND_REVOKED: RoleChangeKind

class RoleProposal(_message.Message):
    __slots__ = ("proposal_id", "user_id", "roles_before", "roles", "institution", "reason", "made_by", "made_at")
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    proposal_id: str
    user_id: str
    roles_before: _containers.RepeatedScalarFieldContainer[str]
    roles: _containers.RepeatedScalarFieldContainer[str]
    institution: str
    reason: str
    made_by: str
    made_at: _timestamp_pb2.Timestamp
    def __init__(self, proposal_id: _Optional[str] = ..., user_id: _Optional[str] = ..., roles_before: _Optional[_Iterable[str]] = ..., roles: _Optional[_Iterable[str]] = ..., institution: _Optional[str] = ..., reason: _Optional[str] = ..., made_by: _Optional[str] = ..., made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ProposeRolesRequest(_message.Message):
    __slots__ = ("user_id", "roles", "institution", "reason")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    institution: str
    reason: str
    def __init__(self, user_id: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., institution: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ProposeRolesResponse(_message.Message):
    __slots__ = ("proposal",)
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    proposal: RoleProposal
    def __init__(self, proposal: _Optional[_Union[RoleProposal, _Mapping]] = ...) -> None: ...

class DecideRolesRequest(_message.Message):
    __slots__ = ("user_id", "proposal_id", "approve")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    proposal_id: str
    approve: bool
    def __init__(self, user_id: _Optional[str] = ..., proposal_id: _Optional[str] = ..., approve: _Optional[bool] = ...) -> None: ...

class DecideRolesResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: RoleChange
    def __init__(self, change: _Optional[_Union[RoleChange, _Mapping]] = ...) -> None: ...

class RevokeRolesRequest(_message.Message):
    __slots__ = ("user_id", "roles", "reason")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    def __init__(self, user_id: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ...) -> None: ...

class RevokeRolesResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: RoleChange
    def __init__(self, change: _Optional[_Union[RoleChange, _Mapping]] = ...) -> None: ...

class ListRoleProposalsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRoleProposalsResponse(_message.Message):
    __slots__ = ("proposals",)
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    proposals: _containers.RepeatedCompositeFieldContainer[RoleProposal]
    def __init__(self, proposals: _Optional[_Iterable[_Union[RoleProposal, _Mapping]]] = ...) -> None: ...

class RoleChange(_message.Message):
    __slots__ = ("kind", "at", "roles_before", "roles", "institution", "reason", "made_by", "decided_by")
    KIND_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    ROLES_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    kind: RoleChangeKind
    at: _timestamp_pb2.Timestamp
    roles_before: _containers.RepeatedScalarFieldContainer[str]
    roles: _containers.RepeatedScalarFieldContainer[str]
    institution: str
    reason: str
    made_by: str
    decided_by: str
    def __init__(self, kind: _Optional[_Union[RoleChangeKind, str]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., roles_before: _Optional[_Iterable[str]] = ..., roles: _Optional[_Iterable[str]] = ..., institution: _Optional[str] = ..., reason: _Optional[str] = ..., made_by: _Optional[str] = ..., decided_by: _Optional[str] = ...) -> None: ...

class GetRoleHistoryRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class GetRoleHistoryResponse(_message.Message):
    __slots__ = ("roles", "institution", "changes")
    ROLES_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedScalarFieldContainer[str]
    institution: str
    changes: _containers.RepeatedCompositeFieldContainer[RoleChange]
    def __init__(self, roles: _Optional[_Iterable[str]] = ..., institution: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[RoleChange, _Mapping]]] = ...) -> None: ...
