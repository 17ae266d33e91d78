import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MerchantChanged(_message.Message):
    __slots__ = ("merchant_id", "name", "owner_id", "market_id", "market_name", "stall", "category_code", "bank_bin", "account_index", "version", "reason", "state", "tax_index", "tax_sealed", "enterprise_kind")
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
    STATE_FIELD_NUMBER: _ClassVar[int]
    TAX_INDEX_FIELD_NUMBER: _ClassVar[int]
    TAX_SEALED_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_KIND_FIELD_NUMBER: _ClassVar[int]
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
    state: str
    tax_index: str
    tax_sealed: bytes
    enterprise_kind: str
    def __init__(self, merchant_id: _Optional[str] = ..., name: _Optional[str] = ..., owner_id: _Optional[str] = ..., market_id: _Optional[str] = ..., market_name: _Optional[str] = ..., stall: _Optional[str] = ..., category_code: _Optional[str] = ..., bank_bin: _Optional[str] = ..., account_index: _Optional[str] = ..., version: _Optional[int] = ..., reason: _Optional[str] = ..., state: _Optional[str] = ..., tax_index: _Optional[str] = ..., tax_sealed: _Optional[bytes] = ..., enterprise_kind: _Optional[str] = ...) -> None: ...

class AccountChangeTold(_message.Message):
    __slots__ = ("merchant_id", "owner_id", "change_id", "bank_bin", "actor", "in_force_at_ms", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    BANK_BIN_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    IN_FORCE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    owner_id: str
    change_id: str
    bank_bin: str
    actor: str
    in_force_at_ms: int
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., owner_id: _Optional[str] = ..., change_id: _Optional[str] = ..., bank_bin: _Optional[str] = ..., actor: _Optional[str] = ..., in_force_at_ms: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class RelationChanged(_message.Message):
    __slots__ = ("relation_id", "grower_id", "merchant_id", "from_day", "to_day", "version")
    RELATION_ID_FIELD_NUMBER: _ClassVar[int]
    GROWER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_DAY_FIELD_NUMBER: _ClassVar[int]
    TO_DAY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    relation_id: str
    grower_id: str
    merchant_id: str
    from_day: str
    to_day: str
    version: int
    def __init__(self, relation_id: _Optional[str] = ..., grower_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., from_day: _Optional[str] = ..., to_day: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class EnterpriseChanged(_message.Message):
    __slots__ = ("enterprise_id", "kind", "representative_id", "grows", "sells", "ward_code", "version")
    ENTERPRISE_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REPRESENTATIVE_ID_FIELD_NUMBER: _ClassVar[int]
    GROWS_FIELD_NUMBER: _ClassVar[int]
    SELLS_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    enterprise_id: str
    kind: str
    representative_id: str
    grows: bool
    sells: bool
    ward_code: str
    version: int
    def __init__(self, enterprise_id: _Optional[str] = ..., kind: _Optional[str] = ..., representative_id: _Optional[str] = ..., grows: _Optional[bool] = ..., sells: _Optional[bool] = ..., ward_code: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class MarketChanged(_message.Message):
    __slots__ = ("market_id", "name", "ward_code", "ward_name", "province_name", "closed", "version", "day_rule", "every_days", "anchor", "days", "latitude", "longitude")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    WARD_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVINCE_NAME_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DAY_RULE_FIELD_NUMBER: _ClassVar[int]
    EVERY_DAYS_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    name: str
    ward_code: str
    ward_name: str
    province_name: str
    closed: bool
    version: int
    day_rule: str
    every_days: int
    anchor: str
    days: _containers.RepeatedScalarFieldContainer[int]
    latitude: float
    longitude: float
    def __init__(self, market_id: _Optional[str] = ..., name: _Optional[str] = ..., ward_code: _Optional[str] = ..., ward_name: _Optional[str] = ..., province_name: _Optional[str] = ..., closed: _Optional[bool] = ..., version: _Optional[int] = ..., day_rule: _Optional[str] = ..., every_days: _Optional[int] = ..., anchor: _Optional[str] = ..., days: _Optional[_Iterable[int]] = ..., latitude: _Optional[float] = ..., longitude: _Optional[float] = ...) -> None: ...

class StallChanged(_message.Message):
    __slots__ = ("stall_id", "market_id", "number", "x_cm", "y_cm", "closed", "version")
    STALL_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    X_CM_FIELD_NUMBER: _ClassVar[int]
    Y_CM_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    stall_id: str
    market_id: str
    number: str
    x_cm: int
    y_cm: int
    closed: bool
    version: int
    def __init__(self, stall_id: _Optional[str] = ..., market_id: _Optional[str] = ..., number: _Optional[str] = ..., x_cm: _Optional[int] = ..., y_cm: _Optional[int] = ..., closed: _Optional[bool] = ..., version: _Optional[int] = ...) -> None: ...

class StandReissued(_message.Message):
    __slots__ = ("merchant_id", "issue")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    ISSUE_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    issue: int
    def __init__(self, merchant_id: _Optional[str] = ..., issue: _Optional[int] = ...) -> None: ...

class SentinelAlarm(_message.Message):
    __slots__ = ("alarm_id", "kind", "state", "merchant_id", "market_id", "stall")
    ALARM_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    STALL_FIELD_NUMBER: _ClassVar[int]
    alarm_id: str
    kind: str
    state: str
    merchant_id: str
    market_id: str
    stall: str
    def __init__(self, alarm_id: _Optional[str] = ..., kind: _Optional[str] = ..., state: _Optional[str] = ..., merchant_id: _Optional[str] = ..., market_id: _Optional[str] = ..., stall: _Optional[str] = ...) -> None: ...

class ProductChanged(_message.Message):
    __slots__ = ("product_id", "merchant_id", "merchant_name", "market_id", "name", "description", "unit", "price", "stock", "hidden", "version", "updated_at", "grams_per_unit", "available", "state", "category", "net_grams", "price_per_kg", "ocop_stars", "photos", "recalled_lots")
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
    GRAMS_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    NET_GRAMS_FIELD_NUMBER: _ClassVar[int]
    PRICE_PER_KG_FIELD_NUMBER: _ClassVar[int]
    OCOP_STARS_FIELD_NUMBER: _ClassVar[int]
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    RECALLED_LOTS_FIELD_NUMBER: _ClassVar[int]
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
    grams_per_unit: int
    available: int
    state: str
    category: str
    net_grams: int
    price_per_kg: int
    ocop_stars: int
    photos: _containers.RepeatedScalarFieldContainer[str]
    recalled_lots: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, product_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., merchant_name: _Optional[str] = ..., market_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., unit: _Optional[str] = ..., price: _Optional[int] = ..., stock: _Optional[int] = ..., hidden: _Optional[bool] = ..., version: _Optional[int] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., grams_per_unit: _Optional[int] = ..., available: _Optional[int] = ..., state: _Optional[str] = ..., category: _Optional[str] = ..., net_grams: _Optional[int] = ..., price_per_kg: _Optional[int] = ..., ocop_stars: _Optional[int] = ..., photos: _Optional[_Iterable[str]] = ..., recalled_lots: _Optional[_Iterable[str]] = ...) -> None: ...

class StockReservationExpired(_message.Message):
    __slots__ = ("order_id", "product_id", "expired_at_ms")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    product_id: str
    expired_at_ms: int
    def __init__(self, order_id: _Optional[str] = ..., product_id: _Optional[str] = ..., expired_at_ms: _Optional[int] = ...) -> None: ...

class OrderChanged(_message.Message):
    __slots__ = ("order_id", "code", "buyer_id", "merchant_id", "total", "paid", "version", "state", "checkout_id", "by_hold", "pay_by_ms", "actor", "reason")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    BUYER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CHECKOUT_ID_FIELD_NUMBER: _ClassVar[int]
    BY_HOLD_FIELD_NUMBER: _ClassVar[int]
    PAY_BY_MS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    code: str
    buyer_id: str
    merchant_id: str
    total: int
    paid: int
    version: int
    state: str
    checkout_id: str
    by_hold: bool
    pay_by_ms: int
    actor: str
    reason: str
    def __init__(self, order_id: _Optional[str] = ..., code: _Optional[str] = ..., buyer_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., total: _Optional[int] = ..., paid: _Optional[int] = ..., version: _Optional[int] = ..., state: _Optional[str] = ..., checkout_id: _Optional[str] = ..., by_hold: _Optional[bool] = ..., pay_by_ms: _Optional[int] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PaymentMoved(_message.Message):
    __slots__ = ("transfer_id", "payment_id", "merchant_id", "wallet_id", "amount", "fee", "reference", "note", "seq", "merchant_version", "window", "at_ms", "code", "verdict", "asked", "cause")
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
    CAUSE_FIELD_NUMBER: _ClassVar[int]
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
    cause: str
    def __init__(self, transfer_id: _Optional[str] = ..., payment_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., wallet_id: _Optional[str] = ..., amount: _Optional[int] = ..., fee: _Optional[int] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., seq: _Optional[int] = ..., merchant_version: _Optional[int] = ..., window: _Optional[int] = ..., at_ms: _Optional[int] = ..., code: _Optional[str] = ..., verdict: _Optional[str] = ..., asked: _Optional[int] = ..., cause: _Optional[str] = ...) -> None: ...

class HoldMoved(_message.Message):
    __slots__ = ("hold_id", "merchant_id", "wallet_id", "amount", "reference", "expires_ms", "payment_id", "seq", "at_ms")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_MS_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    merchant_id: str
    wallet_id: str
    amount: int
    reference: str
    expires_ms: int
    payment_id: str
    seq: int
    at_ms: int
    def __init__(self, hold_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., wallet_id: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., expires_ms: _Optional[int] = ..., payment_id: _Optional[str] = ..., seq: _Optional[int] = ..., at_ms: _Optional[int] = ...) -> None: ...

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

class LiquidityChanged(_message.Message):
    __slots__ = ("telecom", "level", "position", "cap")
    TELECOM_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    CAP_FIELD_NUMBER: _ClassVar[int]
    telecom: str
    level: str
    position: int
    cap: int
    def __init__(self, telecom: _Optional[str] = ..., level: _Optional[str] = ..., position: _Optional[int] = ..., cap: _Optional[int] = ...) -> None: ...

class UserCreated(_message.Message):
    __slots__ = ("user_id", "roles", "institution", "phone_index", "display_name", "version", "person_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    PHONE_INDEX_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    institution: str
    phone_index: str
    display_name: str
    version: int
    person_id: str
    def __init__(self, user_id: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., institution: _Optional[str] = ..., phone_index: _Optional[str] = ..., display_name: _Optional[str] = ..., version: _Optional[int] = ..., person_id: _Optional[str] = ...) -> None: ...

class UserChanged(_message.Message):
    __slots__ = ("user_id", "roles", "institution", "phone_index", "display_name", "version", "person_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    INSTITUTION_FIELD_NUMBER: _ClassVar[int]
    PHONE_INDEX_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    institution: str
    phone_index: str
    display_name: str
    version: int
    person_id: str
    def __init__(self, user_id: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., institution: _Optional[str] = ..., phone_index: _Optional[str] = ..., display_name: _Optional[str] = ..., version: _Optional[int] = ..., person_id: _Optional[str] = ...) -> None: ...

class UserErased(_message.Message):
    __slots__ = ("user_id", "phone_index", "version")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PHONE_INDEX_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    phone_index: str
    version: int
    def __init__(self, user_id: _Optional[str] = ..., phone_index: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...
