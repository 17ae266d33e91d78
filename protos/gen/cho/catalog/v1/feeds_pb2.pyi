from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetFeedRequest(_message.Message):
    __slots__ = ("format", "merchant_id", "market_id", "since")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    format: str
    merchant_id: str
    market_id: str
    since: int
    def __init__(self, format: _Optional[str] = ..., merchant_id: _Optional[str] = ..., market_id: _Optional[str] = ..., since: _Optional[int] = ...) -> None: ...

class ListFeedProblemsRequest(_message.Message):
    __slots__ = ("format", "merchant_id")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    format: str
    merchant_id: str
    def __init__(self, format: _Optional[str] = ..., merchant_id: _Optional[str] = ...) -> None: ...

class FeedProblem(_message.Message):
    __slots__ = ("product_id", "name", "problems")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    name: str
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, product_id: _Optional[str] = ..., name: _Optional[str] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...

class ListFeedProblemsResponse(_message.Message):
    __slots__ = ("products", "good")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    GOOD_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[FeedProblem]
    good: int
    def __init__(self, products: _Optional[_Iterable[_Union[FeedProblem, _Mapping]]] = ..., good: _Optional[int] = ...) -> None: ...
