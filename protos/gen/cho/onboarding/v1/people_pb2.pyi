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

class EnterpriseKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTERPRISE_KIND_UNSPECIFIED: _ClassVar[EnterpriseKind]
    ENTERPRISE_KIND_HOUSEHOLD: _ClassVar[EnterpriseKind]
    ENTERPRISE_KIND_COOPERATIVE: _ClassVar[EnterpriseKind]
    ENTERPRISE_KIND_COMPANY: _ClassVar[EnterpriseKind]
ENTERPRISE_KIND_UNSPECIFIED: EnterpriseKind
ENTERPRISE_KIND_HOUSEHOLD: EnterpriseKind
ENTERPRISE_KIND_COOPERATIVE: EnterpriseKind
ENTERPRISE_KIND_COMPANY: EnterpriseKind

class Enterprise(_message.Message):
    __slots__ = ("enterprise_id", "kind", "name", "tax_code", "representative_id", "grows", "sells", "ward_code", "registered_at", "registered_by", "version")
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAX_CODE_FIELD_NUMBER: _ClassVar[int]
    REPRESENTATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    GROWS_FIELD_NUMBER: _ClassVar[int]
    SELLS_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_BY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    enterprise_id: str
    kind: EnterpriseKind
    name: str
    tax_code: str
    representative_id: str
    grows: bool
    sells: bool
    ward_code: str
    registered_at: _timestamp_pb2.Timestamp
    registered_by: str
    version: int
    def __init__(self, enterprise_id: _Optional[str] = ..., kind: _Optional[_Union[EnterpriseKind, str]] = ..., name: _Optional[str] = ..., tax_code: _Optional[str] = ..., representative_id: _Optional[str] = ..., grows: _Optional[bool] = ..., sells: _Optional[bool] = ..., ward_code: _Optional[str] = ..., registered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., registered_by: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class RegisterEnterpriseRequest(_message.Message):
    __slots__ = ("request_id", "kind", "name", "tax_code", "representative_id", "grows", "sells", "ward_code")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAX_CODE_FIELD_NUMBER: _ClassVar[int]
    REPRESENTATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    GROWS_FIELD_NUMBER: _ClassVar[int]
    SELLS_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    kind: EnterpriseKind
    name: str
    tax_code: str
    representative_id: str
    grows: bool
    sells: bool
    ward_code: str
    def __init__(self, request_id: _Optional[str] = ..., kind: _Optional[_Union[EnterpriseKind, str]] = ..., name: _Optional[str] = ..., tax_code: _Optional[str] = ..., representative_id: _Optional[str] = ..., grows: _Optional[bool] = ..., sells: _Optional[bool] = ..., ward_code: _Optional[str] = ...) -> None: ...

class RegisterEnterpriseResponse(_message.Message):
    __slots__ = ("enterprise",)
    ENTERPRISE_FIELD_NUMBER: _ClassVar[int]
    enterprise: Enterprise
    def __init__(self, enterprise: _Optional[_Union[Enterprise, _Mapping]] = ...) -> None: ...

class GetEnterpriseRequest(_message.Message):
    __slots__ = ("enterprise_id",)
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    enterprise_id: str
    def __init__(self, enterprise_id: _Optional[str] = ...) -> None: ...

class GetEnterpriseResponse(_message.Message):
    __slots__ = ("enterprise",)
    ENTERPRISE_FIELD_NUMBER: _ClassVar[int]
    enterprise: Enterprise
    def __init__(self, enterprise: _Optional[_Union[Enterprise, _Mapping]] = ...) -> None: ...

class ListMyEnterprisesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMyEnterprisesResponse(_message.Message):
    __slots__ = ("enterprises",)
    ENTERPRISES_FIELD_NUMBER: _ClassVar[int]
    enterprises: _containers.RepeatedCompositeFieldContainer[Enterprise]
    def __init__(self, enterprises: _Optional[_Iterable[_Union[Enterprise, _Mapping]]] = ...) -> None: ...

class ExportMyBusinessRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Relation(_message.Message):
    __slots__ = ("relation_id", "grower_id", "merchant_id", "from_day", "to_day", "started_by", "ended_by", "reason", "version")
    RELATION_ID_FIELD_NUMBER: _ClassVar[int]
    GROWER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_DAY_FIELD_NUMBER: _ClassVar[int]
    TO_DAY_FIELD_NUMBER: _ClassVar[int]
    STARTED_BY_FIELD_NUMBER: _ClassVar[int]
    ENDED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    relation_id: str
    grower_id: str
    merchant_id: str
    from_day: str
    to_day: str
    started_by: str
    ended_by: str
    reason: str
    version: int
    def __init__(self, relation_id: _Optional[str] = ..., grower_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., from_day: _Optional[str] = ..., to_day: _Optional[str] = ..., started_by: _Optional[str] = ..., ended_by: _Optional[str] = ..., reason: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class StartRelationRequest(_message.Message):
    __slots__ = ("request_id", "grower_id", "merchant_id", "from_day", "to_day")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    GROWER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_DAY_FIELD_NUMBER: _ClassVar[int]
    TO_DAY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    grower_id: str
    merchant_id: str
    from_day: str
    to_day: str
    def __init__(self, request_id: _Optional[str] = ..., grower_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., from_day: _Optional[str] = ..., to_day: _Optional[str] = ...) -> None: ...

class StartRelationResponse(_message.Message):
    __slots__ = ("relation",)
    RELATION_FIELD_NUMBER: _ClassVar[int]
    relation: Relation
    def __init__(self, relation: _Optional[_Union[Relation, _Mapping]] = ...) -> None: ...

class EndRelationRequest(_message.Message):
    __slots__ = ("relation_id", "to_day", "reason")
    RELATION_ID_FIELD_NUMBER: _ClassVar[int]
    TO_DAY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    relation_id: str
    to_day: str
    reason: str
    def __init__(self, relation_id: _Optional[str] = ..., to_day: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class EndRelationResponse(_message.Message):
    __slots__ = ("relation",)
    RELATION_FIELD_NUMBER: _ClassVar[int]
    relation: Relation
    def __init__(self, relation: _Optional[_Union[Relation, _Mapping]] = ...) -> None: ...

class ListRelationsRequest(_message.Message):
    __slots__ = ("grower_id", "merchant_id")
    GROWER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    grower_id: str
    merchant_id: str
    def __init__(self, grower_id: _Optional[str] = ..., merchant_id: _Optional[str] = ...) -> None: ...

class ListRelationsResponse(_message.Message):
    __slots__ = ("relations",)
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    relations: _containers.RepeatedCompositeFieldContainer[Relation]
    def __init__(self, relations: _Optional[_Iterable[_Union[Relation, _Mapping]]] = ...) -> None: ...
