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

class MerchantState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MERCHANT_STATE_UNSPECIFIED: _ClassVar[MerchantState]
    MERCHANT_STATE_SUBMITTED: _ClassVar[MerchantState]
    MERCHANT_STATE_ACTIVE: _ClassVar[MerchantState]
    MERCHANT_STATE_SUSPENDED: _ClassVar[MerchantState]
    MERCHANT_STATE_DRAFT: _ClassVar[MerchantState]
    MERCHANT_STATE_IN_REVIEW: _ClassVar[MerchantState]
    MERCHANT_STATE_CLOSED: _ClassVar[MerchantState]
MERCHANT_STATE_UNSPECIFIED: MerchantState
MERCHANT_STATE_SUBMITTED: MerchantState
MERCHANT_STATE_ACTIVE: MerchantState
MERCHANT_STATE_SUSPENDED: MerchantState
MERCHANT_STATE_DRAFT: MerchantState
MERCHANT_STATE_IN_REVIEW: MerchantState
MERCHANT_STATE_CLOSED: MerchantState

class Market(_message.Message):
    __slots__ = ("market_id", "name", "ward_code", "ward_name", "province_name")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WARD_CODE_FIELD_NUMBER: _ClassVar[int]
    WARD_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVINCE_NAME_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    name: str
    ward_code: str
    ward_name: str
    province_name: str
    def __init__(self, market_id: _Optional[str] = ..., name: _Optional[str] = ..., ward_code: _Optional[str] = ..., ward_name: _Optional[str] = ..., province_name: _Optional[str] = ...) -> None: ...

class SettlementAccount(_message.Message):
    __slots__ = ("bank_bin", "account_number", "account_name", "account_masked", "bank_name")
    BANK_BIN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_MASKED_FIELD_NUMBER: _ClassVar[int]
    BANK_NAME_FIELD_NUMBER: _ClassVar[int]
    bank_bin: str
    account_number: str
    account_name: str
    account_masked: str
    bank_name: str
    def __init__(self, bank_bin: _Optional[str] = ..., account_number: _Optional[str] = ..., account_name: _Optional[str] = ..., account_masked: _Optional[str] = ..., bank_name: _Optional[str] = ...) -> None: ...

class Merchant(_message.Message):
    __slots__ = ("merchant_id", "name", "market_id", "market_name", "stall", "owner_id", "category_code", "settlement_account", "state", "registered_at", "registered_by", "decided_at", "decided_by", "reason", "version", "assigned_to", "phone_masked", "citizen_id_masked", "person_name")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_NAME_FIELD_NUMBER: _ClassVar[int]
    STALL_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_CODE_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_TO_FIELD_NUMBER: _ClassVar[int]
    PHONE_MASKED_FIELD_NUMBER: _ClassVar[int]
    CITIZEN_ID_MASKED_FIELD_NUMBER: _ClassVar[int]
    PERSON_NAME_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    name: str
    market_id: str
    market_name: str
    stall: str
    owner_id: str
    category_code: str
    settlement_account: SettlementAccount
    state: MerchantState
    registered_at: _timestamp_pb2.Timestamp
    registered_by: str
    decided_at: _timestamp_pb2.Timestamp
    decided_by: str
    reason: str
    version: int
    assigned_to: str
    phone_masked: str
    citizen_id_masked: str
    person_name: str
    def __init__(self, merchant_id: _Optional[str] = ..., name: _Optional[str] = ..., market_id: _Optional[str] = ..., market_name: _Optional[str] = ..., stall: _Optional[str] = ..., owner_id: _Optional[str] = ..., category_code: _Optional[str] = ..., settlement_account: _Optional[_Union[SettlementAccount, _Mapping]] = ..., state: _Optional[_Union[MerchantState, str]] = ..., registered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., registered_by: _Optional[str] = ..., decided_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decided_by: _Optional[str] = ..., reason: _Optional[str] = ..., version: _Optional[int] = ..., assigned_to: _Optional[str] = ..., phone_masked: _Optional[str] = ..., citizen_id_masked: _Optional[str] = ..., person_name: _Optional[str] = ...) -> None: ...

class ListMarketsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMarketsResponse(_message.Message):
    __slots__ = ("markets",)
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    markets: _containers.RepeatedCompositeFieldContainer[Market]
    def __init__(self, markets: _Optional[_Iterable[_Union[Market, _Mapping]]] = ...) -> None: ...

class RegisterMerchantRequest(_message.Message):
    __slots__ = ("request_id", "name", "market_id", "stall", "owner_id", "category_code", "settlement_account", "phone", "person_name", "birth_date", "sex", "address", "citizen_id", "citizen_issued", "citizen_expires", "tax_code", "enterprise_kind")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    STALL_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_CODE_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    PERSON_NAME_FIELD_NUMBER: _ClassVar[int]
    BIRTH_DATE_FIELD_NUMBER: _ClassVar[int]
    SEX_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CITIZEN_ID_FIELD_NUMBER: _ClassVar[int]
    CITIZEN_ISSUED_FIELD_NUMBER: _ClassVar[int]
    CITIZEN_EXPIRES_FIELD_NUMBER: _ClassVar[int]
    TAX_CODE_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_KIND_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    market_id: str
    stall: str
    owner_id: str
    category_code: str
    settlement_account: SettlementAccount
    phone: str
    person_name: str
    birth_date: str
    sex: str
    address: str
    citizen_id: str
    citizen_issued: str
    citizen_expires: str
    tax_code: str
    enterprise_kind: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., market_id: _Optional[str] = ..., stall: _Optional[str] = ..., owner_id: _Optional[str] = ..., category_code: _Optional[str] = ..., settlement_account: _Optional[_Union[SettlementAccount, _Mapping]] = ..., phone: _Optional[str] = ..., person_name: _Optional[str] = ..., birth_date: _Optional[str] = ..., sex: _Optional[str] = ..., address: _Optional[str] = ..., citizen_id: _Optional[str] = ..., citizen_issued: _Optional[str] = ..., citizen_expires: _Optional[str] = ..., tax_code: _Optional[str] = ..., enterprise_kind: _Optional[str] = ...) -> None: ...

class RegisterMerchantResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: Merchant
    def __init__(self, merchant: _Optional[_Union[Merchant, _Mapping]] = ...) -> None: ...

class ApproveMerchantRequest(_message.Message):
    __slots__ = ("merchant_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ApproveMerchantResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: Merchant
    def __init__(self, merchant: _Optional[_Union[Merchant, _Mapping]] = ...) -> None: ...

class SuspendMerchantRequest(_message.Message):
    __slots__ = ("merchant_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SuspendMerchantResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: Merchant
    def __init__(self, merchant: _Optional[_Union[Merchant, _Mapping]] = ...) -> None: ...

class ReinstateMerchantRequest(_message.Message):
    __slots__ = ("merchant_id", "reason")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    reason: str
    def __init__(self, merchant_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ReinstateMerchantResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: Merchant
    def __init__(self, merchant: _Optional[_Union[Merchant, _Mapping]] = ...) -> None: ...

class GetMerchantRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class GetMerchantResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: Merchant
    def __init__(self, merchant: _Optional[_Union[Merchant, _Mapping]] = ...) -> None: ...

class ListMerchantsRequest(_message.Message):
    __slots__ = ("market_id", "state", "page_size", "page_token")
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    market_id: str
    state: MerchantState
    page_size: int
    page_token: str
    def __init__(self, market_id: _Optional[str] = ..., state: _Optional[_Union[MerchantState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMerchantsResponse(_message.Message):
    __slots__ = ("merchants", "next_page_token")
    MERCHANTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    merchants: _containers.RepeatedCompositeFieldContainer[Merchant]
    next_page_token: str
    def __init__(self, merchants: _Optional[_Iterable[_Union[Merchant, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListMyMerchantsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMyMerchantsResponse(_message.Message):
    __slots__ = ("merchants",)
    MERCHANTS_FIELD_NUMBER: _ClassVar[int]
    merchants: _containers.RepeatedCompositeFieldContainer[Merchant]
    def __init__(self, merchants: _Optional[_Iterable[_Union[Merchant, _Mapping]]] = ...) -> None: ...

class GetMerchantQrRequest(_message.Message):
    __slots__ = ("merchant_id", "format", "amount", "reference", "purpose")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    format: str
    amount: int
    reference: str
    purpose: str
    def __init__(self, merchant_id: _Optional[str] = ..., format: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., purpose: _Optional[str] = ...) -> None: ...

class GetSettlementAccountsRequest(_message.Message):
    __slots__ = ("merchant_ids",)
    MERCHANT_IDS_FIELD_NUMBER: _ClassVar[int]
    merchant_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, merchant_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class PayoutAccount(_message.Message):
    __slots__ = ("merchant_id", "bank_bin", "account_number", "account_name")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    BANK_BIN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    bank_bin: str
    account_number: str
    account_name: str
    def __init__(self, merchant_id: _Optional[str] = ..., bank_bin: _Optional[str] = ..., account_number: _Optional[str] = ..., account_name: _Optional[str] = ...) -> None: ...

class GetSettlementAccountsResponse(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[PayoutAccount]
    def __init__(self, accounts: _Optional[_Iterable[_Union[PayoutAccount, _Mapping]]] = ...) -> None: ...
