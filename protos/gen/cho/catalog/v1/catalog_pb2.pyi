import datetime

from cho.catalog.v1 import search_pb2 as _search_pb2
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

class ProductState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRODUCT_STATE_UNSPECIFIED: _ClassVar[ProductState]
    PRODUCT_STATE_DRAFT: _ClassVar[ProductState]
    PRODUCT_STATE_PUBLISHED: _ClassVar[ProductState]
    PRODUCT_STATE_HIDDEN: _ClassVar[ProductState]
    PRODUCT_STATE_WITHDRAWN: _ClassVar[ProductState]
PRODUCT_STATE_UNSPECIFIED: ProductState
PRODUCT_STATE_DRAFT: ProductState
PRODUCT_STATE_PUBLISHED: ProductState
PRODUCT_STATE_HIDDEN: ProductState
PRODUCT_STATE_WITHDRAWN: ProductState

class Product(_message.Message):
    __slots__ = ("product_id", "merchant_id", "merchant_name", "market_id", "name", "description", "unit", "price", "stock", "hidden", "updated_at", "version", "grams_per_unit", "available", "state", "state_reason", "category", "net_grams", "price_per_kg", "ocop_stars", "photos")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_NAME_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    GRAMS_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    NET_GRAMS_FIELD_NUMBER: _ClassVar[int]
    PRICE_PER_KG_FIELD_NUMBER: _ClassVar[int]
    OCOP_STARS_FIELD_NUMBER: _ClassVar[int]
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    merchant_id: str
    merchant_name: str
    market_id: str
    name: str
    description: str
    unit: str
    price: int
    stock: int
    hidden: bool
    updated_at: _timestamp_pb2.Timestamp
    version: int
    grams_per_unit: int
    available: int
    state: ProductState
    state_reason: str
    category: str
    net_grams: int
    price_per_kg: int
    ocop_stars: int
    photos: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, product_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., merchant_name: _Optional[str] = ..., market_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., unit: _Optional[str] = ..., price: _Optional[int] = ..., stock: _Optional[int] = ..., hidden: _Optional[bool] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., grams_per_unit: _Optional[int] = ..., available: _Optional[int] = ..., state: _Optional[_Union[ProductState, str]] = ..., state_reason: _Optional[str] = ..., category: _Optional[str] = ..., net_grams: _Optional[int] = ..., price_per_kg: _Optional[int] = ..., ocop_stars: _Optional[int] = ..., photos: _Optional[_Iterable[str]] = ...) -> None: ...

class CreateProductRequest(_message.Message):
    __slots__ = ("request_id", "merchant_id", "name", "description", "unit", "price", "stock", "category", "net_grams", "draft")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    NET_GRAMS_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    merchant_id: str
    name: str
    description: str
    unit: str
    price: int
    stock: int
    category: str
    net_grams: int
    draft: bool
    def __init__(self, request_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., unit: _Optional[str] = ..., price: _Optional[int] = ..., stock: _Optional[int] = ..., category: _Optional[str] = ..., net_grams: _Optional[int] = ..., draft: _Optional[bool] = ...) -> None: ...

class CreateProductResponse(_message.Message):
    __slots__ = ("product",)
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    product: Product
    def __init__(self, product: _Optional[_Union[Product, _Mapping]] = ...) -> None: ...

class UpdateProductRequest(_message.Message):
    __slots__ = ("product_id", "price", "stock", "hidden", "name", "description", "category", "net_grams", "state", "reason", "request_id")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    NET_GRAMS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    price: int
    stock: int
    hidden: bool
    name: str
    description: str
    category: str
    net_grams: int
    state: ProductState
    reason: str
    request_id: str
    def __init__(self, product_id: _Optional[str] = ..., price: _Optional[int] = ..., stock: _Optional[int] = ..., hidden: _Optional[bool] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., category: _Optional[str] = ..., net_grams: _Optional[int] = ..., state: _Optional[_Union[ProductState, str]] = ..., reason: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class UpdateProductResponse(_message.Message):
    __slots__ = ("product",)
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    product: Product
    def __init__(self, product: _Optional[_Union[Product, _Mapping]] = ...) -> None: ...

class GetProductRequest(_message.Message):
    __slots__ = ("product_id",)
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    def __init__(self, product_id: _Optional[str] = ...) -> None: ...

class GetProductResponse(_message.Message):
    __slots__ = ("product",)
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    product: Product
    def __init__(self, product: _Optional[_Union[Product, _Mapping]] = ...) -> None: ...

class ListStallProductsRequest(_message.Message):
    __slots__ = ("merchant_id", "page_size", "page_token")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    page_size: int
    page_token: str
    def __init__(self, merchant_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListStallProductsResponse(_message.Message):
    __slots__ = ("products", "next_page_token")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    next_page_token: str
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListPricesRequest(_message.Message):
    __slots__ = ("product_id",)
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    def __init__(self, product_id: _Optional[str] = ...) -> None: ...

class PriceSince(_message.Message):
    __slots__ = ("price", "since")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    price: int
    since: _timestamp_pb2.Timestamp
    def __init__(self, price: _Optional[int] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListPricesResponse(_message.Message):
    __slots__ = ("prices",)
    PRICES_FIELD_NUMBER: _ClassVar[int]
    prices: _containers.RepeatedCompositeFieldContainer[PriceSince]
    def __init__(self, prices: _Optional[_Iterable[_Union[PriceSince, _Mapping]]] = ...) -> None: ...

class GetVocabularyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetVocabularyResponse(_message.Message):
    __slots__ = ("categories", "units")
    class Category(_message.Message):
        __slots__ = ("code", "name_vi", "name_en")
        CODE_FIELD_NUMBER: _ClassVar[int]
        NAME_VI_FIELD_NUMBER: _ClassVar[int]
        NAME_EN_FIELD_NUMBER: _ClassVar[int]
        code: str
        name_vi: str
        name_en: str
        def __init__(self, code: _Optional[str] = ..., name_vi: _Optional[str] = ..., name_en: _Optional[str] = ...) -> None: ...
    class Unit(_message.Message):
        __slots__ = ("unit", "grams", "pieces")
        UNIT_FIELD_NUMBER: _ClassVar[int]
        GRAMS_FIELD_NUMBER: _ClassVar[int]
        PIECES_FIELD_NUMBER: _ClassVar[int]
        unit: str
        grams: int
        pieces: int
        def __init__(self, unit: _Optional[str] = ..., grams: _Optional[int] = ..., pieces: _Optional[int] = ...) -> None: ...
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedCompositeFieldContainer[GetVocabularyResponse.Category]
    units: _containers.RepeatedCompositeFieldContainer[GetVocabularyResponse.Unit]
    def __init__(self, categories: _Optional[_Iterable[_Union[GetVocabularyResponse.Category, _Mapping]]] = ..., units: _Optional[_Iterable[_Union[GetVocabularyResponse.Unit, _Mapping]]] = ...) -> None: ...

class SearchProductsRequest(_message.Message):
    __slots__ = ("query", "market_id", "page_size", "page_token", "merchant_id", "in_stock", "price_min", "price_max", "order", "market_day", "facets", "category", "stars_min", "within_km", "near_latitude", "near_longitude")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_FIELD_NUMBER: _ClassVar[int]
    PRICE_MIN_FIELD_NUMBER: _ClassVar[int]
    PRICE_MAX_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    MARKET_DAY_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    STARS_MIN_FIELD_NUMBER: _ClassVar[int]
    WITHIN_KM_FIELD_NUMBER: _ClassVar[int]
    NEAR_LATITUDE_FIELD_NUMBER: _ClassVar[int]
    NEAR_LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    query: str
    market_id: str
    page_size: int
    page_token: str
    merchant_id: str
    in_stock: bool
    price_min: int
    price_max: int
    order: _search_pb2.SearchOrder
    market_day: str
    facets: bool
    category: str
    stars_min: int
    within_km: int
    near_latitude: float
    near_longitude: float
    def __init__(self, query: _Optional[str] = ..., market_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., merchant_id: _Optional[str] = ..., in_stock: _Optional[bool] = ..., price_min: _Optional[int] = ..., price_max: _Optional[int] = ..., order: _Optional[_Union[_search_pb2.SearchOrder, str]] = ..., market_day: _Optional[str] = ..., facets: _Optional[bool] = ..., category: _Optional[str] = ..., stars_min: _Optional[int] = ..., within_km: _Optional[int] = ..., near_latitude: _Optional[float] = ..., near_longitude: _Optional[float] = ...) -> None: ...

class SearchProductsResponse(_message.Message):
    __slots__ = ("products", "next_page_token", "facets")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    next_page_token: str
    facets: _search_pb2.SearchFacets
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., facets: _Optional[_Union[_search_pb2.SearchFacets, _Mapping]] = ...) -> None: ...
