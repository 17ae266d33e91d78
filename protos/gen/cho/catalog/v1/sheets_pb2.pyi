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

class SheetState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHEET_STATE_UNSPECIFIED: _ClassVar[SheetState]
    SHEET_STATE_CHECKED: _ClassVar[SheetState]
    SHEET_STATE_APPLYING: _ClassVar[SheetState]
    SHEET_STATE_DONE: _ClassVar[SheetState]

class SheetAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHEET_ACTION_UNSPECIFIED: _ClassVar[SheetAction]
    SHEET_ACTION_CREATE: _ClassVar[SheetAction]
    SHEET_ACTION_CHANGE: _ClassVar[SheetAction]
    SHEET_ACTION_NOTHING: _ClassVar[SheetAction]
    SHEET_ACTION_BAD: _ClassVar[SheetAction]
SHEET_STATE_UNSPECIFIED: SheetState
SHEET_STATE_CHECKED: SheetState
SHEET_STATE_APPLYING: SheetState
SHEET_STATE_DONE: SheetState
SHEET_ACTION_UNSPECIFIED: SheetAction
SHEET_ACTION_CREATE: SheetAction
SHEET_ACTION_CHANGE: SheetAction
SHEET_ACTION_NOTHING: SheetAction
SHEET_ACTION_BAD: SheetAction

class SheetProblem(_message.Message):
    __slots__ = ("column", "code", "vi", "en")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    VI_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    column: str
    code: str
    vi: str
    en: str
    def __init__(self, column: _Optional[str] = ..., code: _Optional[str] = ..., vi: _Optional[str] = ..., en: _Optional[str] = ...) -> None: ...

class SheetRow(_message.Message):
    __slots__ = ("number", "action", "product_id", "name", "values", "before", "problems", "done")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class BeforeEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    number: int
    action: SheetAction
    product_id: str
    name: str
    values: _containers.ScalarMap[str, str]
    before: _containers.ScalarMap[str, str]
    problems: _containers.RepeatedCompositeFieldContainer[SheetProblem]
    done: bool
    def __init__(self, number: _Optional[int] = ..., action: _Optional[_Union[SheetAction, str]] = ..., product_id: _Optional[str] = ..., name: _Optional[str] = ..., values: _Optional[_Mapping[str, str]] = ..., before: _Optional[_Mapping[str, str]] = ..., problems: _Optional[_Iterable[_Union[SheetProblem, _Mapping]]] = ..., done: _Optional[bool] = ...) -> None: ...

class Sheet(_message.Message):
    __slots__ = ("sheet_id", "merchant_id", "state", "rows", "tried", "wanted", "created_at")
    SHEET_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TRIED_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    sheet_id: str
    merchant_id: str
    state: SheetState
    rows: _containers.RepeatedCompositeFieldContainer[SheetRow]
    tried: int
    wanted: int
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, sheet_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., state: _Optional[_Union[SheetState, str]] = ..., rows: _Optional[_Iterable[_Union[SheetRow, _Mapping]]] = ..., tried: _Optional[int] = ..., wanted: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetProductSheetRequest(_message.Message):
    __slots__ = ("merchant_id", "format")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    format: str
    def __init__(self, merchant_id: _Optional[str] = ..., format: _Optional[str] = ...) -> None: ...

class CheckProductSheetRequest(_message.Message):
    __slots__ = ("request_id", "merchant_id", "content")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    merchant_id: str
    content: bytes
    def __init__(self, request_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class CheckProductSheetResponse(_message.Message):
    __slots__ = ("sheet",)
    SHEET_FIELD_NUMBER: _ClassVar[int]
    sheet: Sheet
    def __init__(self, sheet: _Optional[_Union[Sheet, _Mapping]] = ...) -> None: ...

class ApplySheetRequest(_message.Message):
    __slots__ = ("sheet_id",)
    SHEET_ID_FIELD_NUMBER: _ClassVar[int]
    sheet_id: str
    def __init__(self, sheet_id: _Optional[str] = ...) -> None: ...

class ApplySheetResponse(_message.Message):
    __slots__ = ("sheet",)
    SHEET_FIELD_NUMBER: _ClassVar[int]
    sheet: Sheet
    def __init__(self, sheet: _Optional[_Union[Sheet, _Mapping]] = ...) -> None: ...

class GetSheetRequest(_message.Message):
    __slots__ = ("sheet_id",)
    SHEET_ID_FIELD_NUMBER: _ClassVar[int]
    sheet_id: str
    def __init__(self, sheet_id: _Optional[str] = ...) -> None: ...

class GetSheetResponse(_message.Message):
    __slots__ = ("sheet",)
    SHEET_FIELD_NUMBER: _ClassVar[int]
    sheet: Sheet
    def __init__(self, sheet: _Optional[_Union[Sheet, _Mapping]] = ...) -> None: ...
