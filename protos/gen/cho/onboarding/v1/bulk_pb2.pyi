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

class ImportState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMPORT_STATE_UNSPECIFIED: _ClassVar[ImportState]
    IMPORT_STATE_DRAFT: _ClassVar[ImportState]
    IMPORT_STATE_CHECKING: _ClassVar[ImportState]
    IMPORT_STATE_CHECKED: _ClassVar[ImportState]
    IMPORT_STATE_RUNNING: _ClassVar[ImportState]
    IMPORT_STATE_DONE: _ClassVar[ImportState]
    IMPORT_STATE_REFUSED: _ClassVar[ImportState]
    IMPORT_STATE_CANCELLED: _ClassVar[ImportState]

class RowState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROW_STATE_UNSPECIFIED: _ClassVar[RowState]
    ROW_STATE_GOOD: _ClassVar[RowState]
    ROW_STATE_BAD: _ClassVar[RowState]
    ROW_STATE_SUBMITTED: _ClassVar[RowState]
    ROW_STATE_EXISTING: _ClassVar[RowState]
    ROW_STATE_REFUSED: _ClassVar[RowState]
IMPORT_STATE_UNSPECIFIED: ImportState
IMPORT_STATE_DRAFT: ImportState
IMPORT_STATE_CHECKING: ImportState
IMPORT_STATE_CHECKED: ImportState
IMPORT_STATE_RUNNING: ImportState
IMPORT_STATE_DONE: ImportState
IMPORT_STATE_REFUSED: ImportState
IMPORT_STATE_CANCELLED: ImportState
ROW_STATE_UNSPECIFIED: RowState
ROW_STATE_GOOD: RowState
ROW_STATE_BAD: RowState
ROW_STATE_SUBMITTED: RowState
ROW_STATE_EXISTING: RowState
ROW_STATE_REFUSED: RowState

class Import(_message.Message):
    __slots__ = ("import_id", "file_name", "state", "rows", "done", "good", "bad", "submitted", "existing", "refused", "code", "message", "message_vi", "sha256", "same_as", "made_by", "created_at", "ended_at", "version")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    GOOD_FIELD_NUMBER: _ClassVar[int]
    BAD_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_FIELD_NUMBER: _ClassVar[int]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_VI_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SAME_AS_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    file_name: str
    state: ImportState
    rows: int
    done: int
    good: int
    bad: int
    submitted: int
    existing: int
    refused: int
    code: str
    message: str
    message_vi: str
    sha256: str
    same_as: str
    made_by: str
    created_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    version: int
    def __init__(self, import_id: _Optional[str] = ..., file_name: _Optional[str] = ..., state: _Optional[_Union[ImportState, str]] = ..., rows: _Optional[int] = ..., done: _Optional[int] = ..., good: _Optional[int] = ..., bad: _Optional[int] = ..., submitted: _Optional[int] = ..., existing: _Optional[int] = ..., refused: _Optional[int] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., message_vi: _Optional[str] = ..., sha256: _Optional[str] = ..., same_as: _Optional[str] = ..., made_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class RowProblem(_message.Message):
    __slots__ = ("column", "field", "code", "vi", "en", "note")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    VI_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    column: str
    field: str
    code: str
    vi: str
    en: str
    note: bool
    def __init__(self, column: _Optional[str] = ..., field: _Optional[str] = ..., code: _Optional[str] = ..., vi: _Optional[str] = ..., en: _Optional[str] = ..., note: _Optional[bool] = ...) -> None: ...

class ImportRow(_message.Message):
    __slots__ = ("number", "state", "merchant_id", "problems")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    number: int
    state: RowState
    merchant_id: str
    problems: _containers.RepeatedCompositeFieldContainer[RowProblem]
    def __init__(self, number: _Optional[int] = ..., state: _Optional[_Union[RowState, str]] = ..., merchant_id: _Optional[str] = ..., problems: _Optional[_Iterable[_Union[RowProblem, _Mapping]]] = ...) -> None: ...

class GetImportTemplateRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateImportRequest(_message.Message):
    __slots__ = ("request_id", "file_name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    file_name: str
    def __init__(self, request_id: _Optional[str] = ..., file_name: _Optional[str] = ...) -> None: ...

class CreateImportResponse(_message.Message):
    __slots__ = ()
    IMPORT_FIELD_NUMBER: _ClassVar[int]
    def __init__(self, **kwargs) -> None: ...

class UploadImportPartRequest(_message.Message):
    __slots__ = ("import_id", "number", "content")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    number: int
    content: bytes
    def __init__(self, import_id: _Optional[str] = ..., number: _Optional[int] = ..., content: _Optional[bytes] = ...) -> None: ...

class UploadImportPartResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckImportRequest(_message.Message):
    __slots__ = ("import_id", "parts", "sha256")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    parts: int
    sha256: str
    def __init__(self, import_id: _Optional[str] = ..., parts: _Optional[int] = ..., sha256: _Optional[str] = ...) -> None: ...

class CheckImportResponse(_message.Message):
    __slots__ = ()
    IMPORT_FIELD_NUMBER: _ClassVar[int]
    def __init__(self, **kwargs) -> None: ...

class StartImportRequest(_message.Message):
    __slots__ = ("import_id",)
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    def __init__(self, import_id: _Optional[str] = ...) -> None: ...

class StartImportResponse(_message.Message):
    __slots__ = ()
    IMPORT_FIELD_NUMBER: _ClassVar[int]
    def __init__(self, **kwargs) -> None: ...

class CancelImportRequest(_message.Message):
    __slots__ = ("import_id",)
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    def __init__(self, import_id: _Optional[str] = ...) -> None: ...

class CancelImportResponse(_message.Message):
    __slots__ = ()
    IMPORT_FIELD_NUMBER: _ClassVar[int]
    def __init__(self, **kwargs) -> None: ...

class GetImportRequest(_message.Message):
    __slots__ = ("import_id",)
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    def __init__(self, import_id: _Optional[str] = ...) -> None: ...

class GetImportResponse(_message.Message):
    __slots__ = ()
    IMPORT_FIELD_NUMBER: _ClassVar[int]
    def __init__(self, **kwargs) -> None: ...

class WatchImportRequest(_message.Message):
    __slots__ = ("import_id",)
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    def __init__(self, import_id: _Optional[str] = ...) -> None: ...

class ListImportsRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class ListImportsResponse(_message.Message):
    __slots__ = ("imports",)
    IMPORTS_FIELD_NUMBER: _ClassVar[int]
    imports: _containers.RepeatedCompositeFieldContainer[Import]
    def __init__(self, imports: _Optional[_Iterable[_Union[Import, _Mapping]]] = ...) -> None: ...

class ListImportRowsRequest(_message.Message):
    __slots__ = ("import_id", "state", "after", "limit")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    state: RowState
    after: int
    limit: int
    def __init__(self, import_id: _Optional[str] = ..., state: _Optional[_Union[RowState, str]] = ..., after: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class ListImportRowsResponse(_message.Message):
    __slots__ = ("rows", "more")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[ImportRow]
    more: bool
    def __init__(self, rows: _Optional[_Iterable[_Union[ImportRow, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class DownloadImportResultRequest(_message.Message):
    __slots__ = ("import_id", "format")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    format: str
    def __init__(self, import_id: _Optional[str] = ..., format: _Optional[str] = ...) -> None: ...
