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

class Telecom(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TELECOM_UNSPECIFIED: _ClassVar[Telecom]
    TELECOM_VIETTEL: _ClassVar[Telecom]
    TELECOM_VNPT: _ClassVar[Telecom]
    TELECOM_MOBIFONE: _ClassVar[Telecom]

class AccountKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_KIND_UNSPECIFIED: _ClassVar[AccountKind]
    ACCOUNT_KIND_WALLET: _ClassVar[AccountKind]
    ACCOUNT_KIND_AGENT: _ClassVar[AccountKind]
    ACCOUNT_KIND_MERCHANT: _ClassVar[AccountKind]
    ACCOUNT_KIND_ORGANISATION: _ClassVar[AccountKind]
    ACCOUNT_KIND_RESERVE: _ClassVar[AccountKind]
    ACCOUNT_KIND_TRUST: _ClassVar[AccountKind]
    ACCOUNT_KIND_RECEIVABLE: _ClassVar[AccountKind]

class AccountState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_STATE_UNSPECIFIED: _ClassVar[AccountState]
    ACCOUNT_STATE_OPEN: _ClassVar[AccountState]
    ACCOUNT_STATE_FROZEN: _ClassVar[AccountState]
    ACCOUNT_STATE_CLOSED: _ClassVar[AccountState]

class TransferKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSFER_KIND_UNSPECIFIED: _ClassVar[TransferKind]
    TRANSFER_KIND_FUND: _ClassVar[TransferKind]
    TRANSFER_KIND_CASH_IN: _ClassVar[TransferKind]
    TRANSFER_KIND_CASH_OUT: _ClassVar[TransferKind]
    TRANSFER_KIND_PAYMENT: _ClassVar[TransferKind]
    TRANSFER_KIND_REFUND: _ClassVar[TransferKind]
    TRANSFER_KIND_TRANSFER: _ClassVar[TransferKind]
    TRANSFER_KIND_HOLD: _ClassVar[TransferKind]
    TRANSFER_KIND_CAPTURE: _ClassVar[TransferKind]
    TRANSFER_KIND_REVERSAL: _ClassVar[TransferKind]
    TRANSFER_KIND_DISBURSEMENT: _ClassVar[TransferKind]
    TRANSFER_KIND_TOP_UP: _ClassVar[TransferKind]
    TRANSFER_KIND_UNLOAD: _ClassVar[TransferKind]
    TRANSFER_KIND_CHARGEBACK: _ClassVar[TransferKind]
    TRANSFER_KIND_RECOVERY: _ClassVar[TransferKind]
    TRANSFER_KIND_DEFUND: _ClassVar[TransferKind]
    TRANSFER_KIND_PAYOUT: _ClassVar[TransferKind]
    TRANSFER_KIND_PAYOUT_PAID: _ClassVar[TransferKind]
    TRANSFER_KIND_PAYOUT_UNPAID: _ClassVar[TransferKind]
    TRANSFER_KIND_PAYOUT_RETURNED: _ClassVar[TransferKind]
    TRANSFER_KIND_NET: _ClassVar[TransferKind]
    TRANSFER_KIND_INTERCHANGE: _ClassVar[TransferKind]
    TRANSFER_KIND_LIQUIDITY_IN: _ClassVar[TransferKind]
    TRANSFER_KIND_LIQUIDITY_OUT: _ClassVar[TransferKind]
    TRANSFER_KIND_CORRECTION: _ClassVar[TransferKind]

class TransferState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSFER_STATE_UNSPECIFIED: _ClassVar[TransferState]
    TRANSFER_STATE_DONE: _ClassVar[TransferState]
    TRANSFER_STATE_HELD: _ClassVar[TransferState]
    TRANSFER_STATE_CAPTURED: _ClassVar[TransferState]
    TRANSFER_STATE_VOIDED: _ClassVar[TransferState]
    TRANSFER_STATE_EXPIRED: _ClassVar[TransferState]
    TRANSFER_STATE_REVERSED: _ClassVar[TransferState]
    TRANSFER_STATE_SENT: _ClassVar[TransferState]
    TRANSFER_STATE_PAID: _ClassVar[TransferState]
    TRANSFER_STATE_UNPAID: _ClassVar[TransferState]
    TRANSFER_STATE_RETURNED: _ClassVar[TransferState]

class RequestState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REQUEST_STATE_UNSPECIFIED: _ClassVar[RequestState]
    REQUEST_STATE_OPEN: _ClassVar[RequestState]
    REQUEST_STATE_PAID: _ClassVar[RequestState]
    REQUEST_STATE_CANCELLED: _ClassVar[RequestState]
    REQUEST_STATE_EXPIRED: _ClassVar[RequestState]
TELECOM_UNSPECIFIED: Telecom
TELECOM_VIETTEL: Telecom
TELECOM_VNPT: Telecom
TELECOM_MOBIFONE: Telecom
ACCOUNT_KIND_UNSPECIFIED: AccountKind
ACCOUNT_KIND_WALLET: AccountKind
ACCOUNT_KIND_AGENT: AccountKind
ACCOUNT_KIND_MERCHANT: AccountKind
ACCOUNT_KIND_ORGANISATION: AccountKind
ACCOUNT_KIND_RESERVE: AccountKind
ACCOUNT_KIND_TRUST: AccountKind
ACCOUNT_KIND_RECEIVABLE: AccountKind
ACCOUNT_STATE_UNSPECIFIED: AccountState
ACCOUNT_STATE_OPEN: AccountState
ACCOUNT_STATE_FROZEN: AccountState
ACCOUNT_STATE_CLOSED: AccountState
TRANSFER_KIND_UNSPECIFIED: TransferKind
TRANSFER_KIND_FUND: TransferKind
TRANSFER_KIND_CASH_IN: TransferKind
TRANSFER_KIND_CASH_OUT: TransferKind
TRANSFER_KIND_PAYMENT: TransferKind
TRANSFER_KIND_REFUND: TransferKind
TRANSFER_KIND_TRANSFER: TransferKind
TRANSFER_KIND_HOLD: TransferKind
TRANSFER_KIND_CAPTURE: TransferKind
TRANSFER_KIND_REVERSAL: TransferKind
TRANSFER_KIND_DISBURSEMENT: TransferKind
TRANSFER_KIND_TOP_UP: TransferKind
TRANSFER_KIND_UNLOAD: TransferKind
TRANSFER_KIND_CHARGEBACK: TransferKind
TRANSFER_KIND_RECOVERY: TransferKind
TRANSFER_KIND_DEFUND: TransferKind
TRANSFER_KIND_PAYOUT: TransferKind
TRANSFER_KIND_PAYOUT_PAID: TransferKind
TRANSFER_KIND_PAYOUT_UNPAID: TransferKind
TRANSFER_KIND_PAYOUT_RETURNED: TransferKind
TRANSFER_KIND_NET: TransferKind
TRANSFER_KIND_INTERCHANGE: TransferKind
TRANSFER_KIND_LIQUIDITY_IN: TransferKind
TRANSFER_KIND_LIQUIDITY_OUT: TransferKind
TRANSFER_KIND_CORRECTION: TransferKind
TRANSFER_STATE_UNSPECIFIED: TransferState
TRANSFER_STATE_DONE: TransferState
TRANSFER_STATE_HELD: TransferState
TRANSFER_STATE_CAPTURED: TransferState
TRANSFER_STATE_VOIDED: TransferState
TRANSFER_STATE_EXPIRED: TransferState
TRANSFER_STATE_REVERSED: TransferState
TRANSFER_STATE_SENT: TransferState
TRANSFER_STATE_PAID: TransferState
TRANSFER_STATE_UNPAID: TransferState
TRANSFER_STATE_RETURNED: TransferState
REQUEST_STATE_UNSPECIFIED: RequestState
REQUEST_STATE_OPEN: RequestState
REQUEST_STATE_PAID: RequestState
REQUEST_STATE_CANCELLED: RequestState
REQUEST_STATE_EXPIRED: RequestState

class Account(_message.Message):
    __slots__ = ("account_id", "kind", "state", "telecom", "owner_id", "balance", "version", "month_used", "month_limit")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TELECOM_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MONTH_USED_FIELD_NUMBER: _ClassVar[int]
    MONTH_LIMIT_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    kind: AccountKind
    state: AccountState
    telecom: Telecom
    owner_id: str
    balance: int
    version: int
    month_used: int
    month_limit: int
    def __init__(self, account_id: _Optional[str] = ..., kind: _Optional[_Union[AccountKind, str]] = ..., state: _Optional[_Union[AccountState, str]] = ..., telecom: _Optional[_Union[Telecom, str]] = ..., owner_id: _Optional[str] = ..., balance: _Optional[int] = ..., version: _Optional[int] = ..., month_used: _Optional[int] = ..., month_limit: _Optional[int] = ...) -> None: ...

class Transfer(_message.Message):
    __slots__ = ("transfer_id", "kind", "amount", "fee", "from_account_id", "to_account_id", "at", "seq", "window", "refunded", "payment_id", "reference", "note", "code", "state", "expires_at", "in_review", "held_by", "verdict", "asked")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    FROM_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    TO_ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    IN_REVIEW_FIELD_NUMBER: _ClassVar[int]
    HELD_BY_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ASKED_FIELD_NUMBER: _ClassVar[int]
    transfer_id: str
    kind: TransferKind
    amount: int
    fee: int
    from_account_id: str
    to_account_id: str
    at: _timestamp_pb2.Timestamp
    seq: int
    window: int
    refunded: int
    payment_id: str
    reference: str
    note: str
    code: str
    state: TransferState
    expires_at: _timestamp_pb2.Timestamp
    in_review: bool
    held_by: str
    verdict: str
    asked: int
    def __init__(self, transfer_id: _Optional[str] = ..., kind: _Optional[_Union[TransferKind, str]] = ..., amount: _Optional[int] = ..., fee: _Optional[int] = ..., from_account_id: _Optional[str] = ..., to_account_id: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seq: _Optional[int] = ..., window: _Optional[int] = ..., refunded: _Optional[int] = ..., payment_id: _Optional[str] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., code: _Optional[str] = ..., state: _Optional[_Union[TransferState, str]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., in_review: _Optional[bool] = ..., held_by: _Optional[str] = ..., verdict: _Optional[str] = ..., asked: _Optional[int] = ...) -> None: ...

class OpenWalletRequest(_message.Message):
    __slots__ = ("telecom", "owner_id")
    TELECOM_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    telecom: Telecom
    owner_id: str
    def __init__(self, telecom: _Optional[_Union[Telecom, str]] = ..., owner_id: _Optional[str] = ...) -> None: ...

class OpenWalletResponse(_message.Message):
    __slots__ = ("wallet",)
    WALLET_FIELD_NUMBER: _ClassVar[int]
    wallet: Account
    def __init__(self, wallet: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class OpenAgentRequest(_message.Message):
    __slots__ = ("owner_id", "telecom")
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    TELECOM_FIELD_NUMBER: _ClassVar[int]
    owner_id: str
    telecom: Telecom
    def __init__(self, owner_id: _Optional[str] = ..., telecom: _Optional[_Union[Telecom, str]] = ...) -> None: ...

class OpenAgentResponse(_message.Message):
    __slots__ = ("agent",)
    AGENT_FIELD_NUMBER: _ClassVar[int]
    agent: Account
    def __init__(self, agent: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class FundAgentRequest(_message.Message):
    __slots__ = ("agent_id", "idempotency_key", "amount", "reference")
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    agent_id: str
    idempotency_key: str
    amount: int
    reference: str
    def __init__(self, agent_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ...) -> None: ...

class FundAgentResponse(_message.Message):
    __slots__ = ("transfer",)
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    transfer: Transfer
    def __init__(self, transfer: _Optional[_Union[Transfer, _Mapping]] = ...) -> None: ...

class FundReserveRequest(_message.Message):
    __slots__ = ("idempotency_key", "amount", "reference")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    amount: int
    reference: str
    def __init__(self, idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ...) -> None: ...

class FundReserveResponse(_message.Message):
    __slots__ = ("transfer", "balance")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    transfer: Transfer
    balance: int
    def __init__(self, transfer: _Optional[_Union[Transfer, _Mapping]] = ..., balance: _Optional[int] = ...) -> None: ...

class CashInRequest(_message.Message):
    __slots__ = ("idempotency_key", "wallet_id", "amount", "not_after")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    wallet_id: str
    amount: int
    not_after: _timestamp_pb2.Timestamp
    def __init__(self, idempotency_key: _Optional[str] = ..., wallet_id: _Optional[str] = ..., amount: _Optional[int] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CashInResponse(_message.Message):
    __slots__ = ("transfer", "float_balance")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    FLOAT_BALANCE_FIELD_NUMBER: _ClassVar[int]
    transfer: Transfer
    float_balance: int
    def __init__(self, transfer: _Optional[_Union[Transfer, _Mapping]] = ..., float_balance: _Optional[int] = ...) -> None: ...

class CashOutRequest(_message.Message):
    __slots__ = ("idempotency_key", "wallet_id", "agent_id", "amount", "not_after")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    wallet_id: str
    agent_id: str
    amount: int
    not_after: _timestamp_pb2.Timestamp
    def __init__(self, idempotency_key: _Optional[str] = ..., wallet_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., amount: _Optional[int] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CashOutResponse(_message.Message):
    __slots__ = ("transfer", "balance")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    transfer: Transfer
    balance: int
    def __init__(self, transfer: _Optional[_Union[Transfer, _Mapping]] = ..., balance: _Optional[int] = ...) -> None: ...

class InspectQrRequest(_message.Message):
    __slots__ = ("payload",)
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    payload: str
    def __init__(self, payload: _Optional[str] = ...) -> None: ...

class InspectQrResponse(_message.Message):
    __slots__ = ("merchant_id", "merchant_name", "payable", "amount", "reference", "purpose", "warnings", "market_name", "stall", "request_state", "expires_at")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_NAME_FIELD_NUMBER: _ClassVar[int]
    PAYABLE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    MARKET_NAME_FIELD_NUMBER: _ClassVar[int]
    STALL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_STATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    merchant_name: str
    payable: bool
    amount: int
    reference: str
    purpose: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    market_name: str
    stall: str
    request_state: RequestState
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, merchant_id: _Optional[str] = ..., merchant_name: _Optional[str] = ..., payable: _Optional[bool] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., purpose: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ..., market_name: _Optional[str] = ..., stall: _Optional[str] = ..., request_state: _Optional[_Union[RequestState, str]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PayRequest(_message.Message):
    __slots__ = ("idempotency_key", "wallet_id", "qr_payload", "merchant_id", "amount", "reference", "note", "not_after", "phone")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    QR_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    wallet_id: str
    qr_payload: str
    merchant_id: str
    amount: int
    reference: str
    note: str
    not_after: _timestamp_pb2.Timestamp
    phone: str
    def __init__(self, idempotency_key: _Optional[str] = ..., wallet_id: _Optional[str] = ..., qr_payload: _Optional[str] = ..., merchant_id: _Optional[str] = ..., amount: _Optional[int] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., phone: _Optional[str] = ...) -> None: ...

class PayResponse(_message.Message):
    __slots__ = ("payment", "balance")
    PAYMENT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    payment: Transfer
    balance: int
    def __init__(self, payment: _Optional[_Union[Transfer, _Mapping]] = ..., balance: _Optional[int] = ...) -> None: ...

class InspectPhoneRequest(_message.Message):
    __slots__ = ("phone",)
    PHONE_FIELD_NUMBER: _ClassVar[int]
    phone: str
    def __init__(self, phone: _Optional[str] = ...) -> None: ...

class InspectPhoneResponse(_message.Message):
    __slots__ = ("name", "stalls", "telecoms")
    class Stall(_message.Message):
        __slots__ = ("merchant_id", "name", "market_name", "stall")
        MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        MARKET_NAME_FIELD_NUMBER: _ClassVar[int]
        STALL_FIELD_NUMBER: _ClassVar[int]
        merchant_id: str
        name: str
        market_name: str
        stall: str
        def __init__(self, merchant_id: _Optional[str] = ..., name: _Optional[str] = ..., market_name: _Optional[str] = ..., stall: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    STALLS_FIELD_NUMBER: _ClassVar[int]
    TELECOMS_FIELD_NUMBER: _ClassVar[int]
    name: str
    stalls: _containers.RepeatedCompositeFieldContainer[InspectPhoneResponse.Stall]
    telecoms: _containers.RepeatedScalarFieldContainer[Telecom]
    def __init__(self, name: _Optional[str] = ..., stalls: _Optional[_Iterable[_Union[InspectPhoneResponse.Stall, _Mapping]]] = ..., telecoms: _Optional[_Iterable[_Union[Telecom, str]]] = ...) -> None: ...

class SendRequest(_message.Message):
    __slots__ = ("idempotency_key", "wallet_id", "to_wallet_id", "amount", "note", "not_after", "to_phone")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    TO_WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    TO_PHONE_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    wallet_id: str
    to_wallet_id: str
    amount: int
    note: str
    not_after: _timestamp_pb2.Timestamp
    to_phone: str
    def __init__(self, idempotency_key: _Optional[str] = ..., wallet_id: _Optional[str] = ..., to_wallet_id: _Optional[str] = ..., amount: _Optional[int] = ..., note: _Optional[str] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., to_phone: _Optional[str] = ...) -> None: ...

class SendResponse(_message.Message):
    __slots__ = ("transfer", "balance")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    transfer: Transfer
    balance: int
    def __init__(self, transfer: _Optional[_Union[Transfer, _Mapping]] = ..., balance: _Optional[int] = ...) -> None: ...

class GetPaymentRequest(_message.Message):
    __slots__ = ("payment_id",)
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    payment_id: str
    def __init__(self, payment_id: _Optional[str] = ...) -> None: ...

class GetPaymentResponse(_message.Message):
    __slots__ = ("payment",)
    PAYMENT_FIELD_NUMBER: _ClassVar[int]
    payment: Transfer
    def __init__(self, payment: _Optional[_Union[Transfer, _Mapping]] = ...) -> None: ...

class RefundRequest(_message.Message):
    __slots__ = ("payment_id", "idempotency_key", "amount", "reason")
    PAYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    payment_id: str
    idempotency_key: str
    amount: int
    reason: str
    def __init__(self, payment_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class RefundResponse(_message.Message):
    __slots__ = ("refund", "refunded_total")
    REFUND_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    refund: Transfer
    refunded_total: int
    def __init__(self, refund: _Optional[_Union[Transfer, _Mapping]] = ..., refunded_total: _Optional[int] = ...) -> None: ...

class ResolveRequest(_message.Message):
    __slots__ = ("kind", "idempotency_key")
    KIND_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    kind: TransferKind
    idempotency_key: str
    def __init__(self, kind: _Optional[_Union[TransferKind, str]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class ResolveResponse(_message.Message):
    __slots__ = ("outcome", "transfer_id", "code", "seq")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[ResolveResponse.Outcome]
        OUTCOME_DONE: _ClassVar[ResolveResponse.Outcome]
        OUTCOME_REFUSED: _ClassVar[ResolveResponse.Outcome]
        OUTCOME_NOT_FOUND: _ClassVar[ResolveResponse.Outcome]
    OUTCOME_UNSPECIFIED: ResolveResponse.Outcome
    OUTCOME_DONE: ResolveResponse.Outcome
    OUTCOME_REFUSED: ResolveResponse.Outcome
    OUTCOME_NOT_FOUND: ResolveResponse.Outcome
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    outcome: ResolveResponse.Outcome
    transfer_id: str
    code: str
    seq: int
    def __init__(self, outcome: _Optional[_Union[ResolveResponse.Outcome, str]] = ..., transfer_id: _Optional[str] = ..., code: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class ListMyAccountsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMyAccountsResponse(_message.Message):
    __slots__ = ("accounts",)
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[Account]
    def __init__(self, accounts: _Optional[_Iterable[_Union[Account, _Mapping]]] = ...) -> None: ...

class GetAccountRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class GetAccountResponse(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: Account
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class GetLedgerHeadRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetLedgerHeadResponse(_message.Message):
    __slots__ = ("seq", "at")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    seq: int
    at: _timestamp_pb2.Timestamp
    def __init__(self, seq: _Optional[int] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetAccountVersionRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class GetAccountVersionResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    def __init__(self, version: _Optional[int] = ...) -> None: ...

class ListTransfersRequest(_message.Message):
    __slots__ = ("account_id", "limit")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    limit: int
    def __init__(self, account_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListTransfersResponse(_message.Message):
    __slots__ = ("transfers",)
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    transfers: _containers.RepeatedCompositeFieldContainer[Transfer]
    def __init__(self, transfers: _Optional[_Iterable[_Union[Transfer, _Mapping]]] = ...) -> None: ...

class SetAccountStateRequest(_message.Message):
    __slots__ = ("account_id", "state", "reason")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    state: AccountState
    reason: str
    def __init__(self, account_id: _Optional[str] = ..., state: _Optional[_Union[AccountState, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class SetAccountStateResponse(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: Account
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ...) -> None: ...

class WatchMerchantRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class CutWindowRequest(_message.Message):
    __slots__ = ("window",)
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    window: int
    def __init__(self, window: _Optional[int] = ...) -> None: ...

class CutWindowResponse(_message.Message):
    __slots__ = ("seq", "open_window")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    OPEN_WINDOW_FIELD_NUMBER: _ClassVar[int]
    seq: int
    open_window: int
    def __init__(self, seq: _Optional[int] = ..., open_window: _Optional[int] = ...) -> None: ...

class EchoRequest(_message.Message):
    __slots__ = ("idempotency_key", "wallet_id", "qr_payload", "merchant_id", "amount")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    QR_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    wallet_id: str
    qr_payload: str
    merchant_id: str
    amount: int
    def __init__(self, idempotency_key: _Optional[str] = ..., wallet_id: _Optional[str] = ..., qr_payload: _Optional[str] = ..., merchant_id: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class EchoResponse(_message.Message):
    __slots__ = ("idempotency_key", "amount")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    amount: int
    def __init__(self, idempotency_key: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...
