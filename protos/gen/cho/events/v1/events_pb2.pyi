import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MerchantChanged(_message.Message):
    __slots__ = ("merchant_id", "name", "owner_id", "market_id", "market_name", "stall", "category_code", "bank_bin", "account_index", "version", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_NAME_FIELD_NUMBER: _ClassVar[int]
    STALL_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_CODE_FIELD_NUMBER: _ClassVar[int]
    BANK_BIN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_INDEX_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    name: str
    owner_id: str
    market_id: str
    market_name: str
    stall: str
    category_code: str
    bank_bin: str
    account_index: str
    version: int
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., name: _Optional[str] = ..., owner_id: _Optional[str] = ..., market_id: _Optional[str] = ..., market_name: _Optional[str] = ..., stall: _Optional[str] = ..., category_code: _Optional[str] = ..., bank_bin: _Optional[str] = ..., account_index: _Optional[str] = ..., version: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class ProductChanged(_message.Message):
    __slots__ = ("product_id", "merchant_id", "merchant_name", "market_id", "name", "description", "unit", "price", "stock", "hidden", "version", "updated_at")
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
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
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
    version: int
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, product_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., merchant_name: _Optional[str] = ..., market_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., unit: _Optional[str] = ..., price: _Optional[int] = ..., stock: _Optional[int] = ..., hidden: _Optional[bool] = ..., version: _Optional[int] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OrderChanged(_message.Message):
    __slots__ = ("order_id", "code", "buyer_id", "merchant_id", "total", "paid", "version")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    BUYER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    code: str
    buyer_id: str
    merchant_id: str
    total: int
    paid: int
    version: int
    def __init__(self, order_id: _Optional[str] = ..., code: _Optional[str] = ..., buyer_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., total: _Optional[int] = ..., paid: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...

class PaymentMoved(_message.Message):
    __slots__ = ("transfer_id", "payment_id", "merchant_id", "wallet_id", "amount", "fee", "reference", "note", "seq", "merchant_version", "window", "at_ms", "code", "verdict", "asked")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_VERSION_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    transfer_id: str
    payment_id: str
    merchant_id: str
    wallet_id: str
    amount: int
    fee: int
    reference: str
    note: str
    seq: int
    merchant_version: int
    window: int
    at_ms: int
    code: str
    verdict: str
    asked: int
    def __init__(self, transfer_id: _Optional[str] = ..., payment_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., wallet_id: _Optional[str] = ..., amount: _Optional[int] = ..., fee: _Optional[int] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., seq: _Optional[int] = ..., merchant_version: _Optional[int] = ..., window: _Optional[int] = ..., at_ms: _Optional[int] = ..., code: _Optional[str] = ..., verdict: _Optional[str] = ..., asked: _Optional[int] = ...) -> None: ...

class WindowClosed(_message.Message):
    __slots__ = ("window", "first_seq", "last_seq", "chain_head")
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    CHAIN_HEAD_FIELD_NUMBER: _ClassVar[int]
    window: int
    first_seq: int
    last_seq: int
    chain_head: str
    def __init__(self, window: _Optional[int] = ..., first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ..., chain_head: _Optional[str] = ...) -> None: ...

class UserCreated(_message.Message):
    __slots__ = ("user_id", "roles", "institution", "phone_index", "display_name", "version")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    PHONE_INDEX_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    institution: str
    phone_index: str
    display_name: str
    version: int
    def __init__(self, user_id: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., institution: _Optional[str] = ..., phone_index: _Optional[str] = ..., display_name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class UserChanged(_message.Message):
    __slots__ = ("user_id", "roles", "institution", "phone_index", "display_name", "version")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    PHONE_INDEX_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    institution: str
    phone_index: str
    display_name: str
    version: int
    def __init__(self, user_id: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., institution: _Optional[str] = ..., phone_index: _Optional[str] = ..., display_name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...
