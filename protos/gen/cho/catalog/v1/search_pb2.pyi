from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEARCH_ORDER_UNSPECIFIED: _ClassVar[SearchOrder]
    SEARCH_ORDER_CHEAPEST: _ClassVar[SearchOrder]
    SEARCH_ORDER_DEAREST: _ClassVar[SearchOrder]
SEARCH_ORDER_UNSPECIFIED: SearchOrder
SEARCH_ORDER_CHEAPEST: SearchOrder
SEARCH_ORDER_DEAREST: SearchOrder

class SearchFacets(_message.Message):
    __slots__ = ("markets", "prices", "complete", "categories", "stars")
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    STARS_FIELD_NUMBER: _ClassVar[int]
    markets: _containers.RepeatedCompositeFieldContainer[MarketCount]
    prices: _containers.RepeatedCompositeFieldContainer[PriceCount]
    complete: bool
    categories: _containers.RepeatedCompositeFieldContainer[CategoryCount]
    stars: _containers.RepeatedCompositeFieldContainer[StarCount]
    def __init__(self, markets: _Optional[_Iterable[_Union[MarketCount, _Mapping]]] = ..., prices: _Optional[_Iterable[_Union[PriceCount, _Mapping]]] = ..., complete: _Optional[bool] = ..., categories: _Optional[_Iterable[_Union[CategoryCount, _Mapping]]] = ..., stars: _Optional[_Iterable[_Union[StarCount, _Mapping]]] = ...) -> None: ...

class CategoryCount(_message.Message):
    __slots__ = ("category", "products")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    category: str
    products: int
    def __init__(self, category: _Optional[str] = ..., products: _Optional[int] = ...) -> None: ...

class StarCount(_message.Message):
    __slots__ = ("ocop_stars", "products")
    OCOP_STARS_FIELD_NUMBER: _ClassVar[int]
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    ocop_stars: int
    products: int
    def __init__(self, ocop_stars: _Optional[int] = ..., products: _Optional[int] = ...) -> None: ...

class MarketCount(_message.Message):
    __slots__ = ("market_id", "market_name", "products", "distance_m")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_NAME_FIELD_NUMBER: _ClassVar[int]
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_M_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    market_name: str
    products: int
    distance_m: int
    def __init__(self, market_id: _Optional[str] = ..., market_name: _Optional[str] = ..., products: _Optional[int] = ..., distance_m: _Optional[int] = ...) -> None: ...

class PriceCount(_message.Message):
    __slots__ = ("price_min", "price_max", "products")
    PRICE_MIN_FIELD_NUMBER: _ClassVar[int]
    PRICE_MAX_FIELD_NUMBER: _ClassVar[int]
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    price_min: int
    price_max: int
    products: int
    def __init__(self, price_min: _Optional[int] = ..., price_max: _Optional[int] = ..., products: _Optional[int] = ...) -> None: ...

class SuggestProductsRequest(_message.Message):
    __slots__ = ("prefix", "market_id", "limit")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    market_id: str
    limit: int
    def __init__(self, prefix: _Optional[str] = ..., market_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class SuggestProductsResponse(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...
