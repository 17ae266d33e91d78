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

class TopUpState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOP_UP_STATE_UNSPECIFIED: _ClassVar[TopUpState]
    TOP_UP_STATE_CREATED: _ClassVar[TopUpState]
    TOP_UP_STATE_PENDING: _ClassVar[TopUpState]
    TOP_UP_STATE_REQUIRES_ACTION: _ClassVar[TopUpState]
    TOP_UP_STATE_UNKNOWN: _ClassVar[TopUpState]
    TOP_UP_STATE_PAID: _ClassVar[TopUpState]
    TOP_UP_STATE_UNPOSTED: _ClassVar[TopUpState]
    TOP_UP_STATE_DONE: _ClassVar[TopUpState]
    TOP_UP_STATE_DECLINED: _ClassVar[TopUpState]
    TOP_UP_STATE_CANCELLED: _ClassVar[TopUpState]
    TOP_UP_STATE_RETURNING: _ClassVar[TopUpState]
    TOP_UP_STATE_RETURNED: _ClassVar[TopUpState]
    TOP_UP_STATE_ESCALATED: _ClassVar[TopUpState]
    TOP_UP_STATE_CLOSED: _ClassVar[TopUpState]

class CardRefundState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_REFUND_STATE_UNSPECIFIED: _ClassVar[CardRefundState]
    CARD_REFUND_STATE_PENDING: _ClassVar[CardRefundState]
    CARD_REFUND_STATE_DONE: _ClassVar[CardRefundState]
    CARD_REFUND_STATE_REFUSED: _ClassVar[CardRefundState]
    CARD_REFUND_STATE_CAME_BACK: _ClassVar[CardRefundState]
    CARD_REFUND_STATE_ESCALATED: _ClassVar[CardRefundState]
    CARD_REFUND_STATE_CLOSED: _ClassVar[CardRefundState]

class CardDisputeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CARD_DISPUTE_STATE_UNSPECIFIED: _ClassVar[CardDisputeState]
    CARD_DISPUTE_STATE_OPEN: _ClassVar[CardDisputeState]
    CARD_DISPUTE_STATE_TAKEN: _ClassVar[CardDisputeState]
    CARD_DISPUTE_STATE_WON: _ClassVar[CardDisputeState]
    CARD_DISPUTE_STATE_LOST: _ClassVar[CardDisputeState]
    CARD_DISPUTE_STATE_ESCALATED: _ClassVar[CardDisputeState]
    CARD_DISPUTE_STATE_CLOSED: _ClassVar[CardDisputeState]
TOP_UP_STATE_UNSPECIFIED: TopUpState
TOP_UP_STATE_CREATED: TopUpState
TOP_UP_STATE_PENDING: TopUpState
TOP_UP_STATE_REQUIRES_ACTION: TopUpState
TOP_UP_STATE_UNKNOWN: TopUpState
TOP_UP_STATE_PAID: TopUpState
TOP_UP_STATE_UNPOSTED: TopUpState
TOP_UP_STATE_DONE: TopUpState
TOP_UP_STATE_DECLINED: TopUpState
TOP_UP_STATE_CANCELLED: TopUpState
TOP_UP_STATE_RETURNING: TopUpState
TOP_UP_STATE_RETURNED: TopUpState
TOP_UP_STATE_ESCALATED: TopUpState
TOP_UP_STATE_CLOSED: TopUpState
CARD_REFUND_STATE_UNSPECIFIED: CardRefundState
CARD_REFUND_STATE_PENDING: CardRefundState
CARD_REFUND_STATE_DONE: CardRefundState
CARD_REFUND_STATE_REFUSED: CardRefundState
CARD_REFUND_STATE_CAME_BACK: CardRefundState
CARD_REFUND_STATE_ESCALATED: CardRefundState
CARD_REFUND_STATE_CLOSED: CardRefundState
CARD_DISPUTE_STATE_UNSPECIFIED: CardDisputeState
CARD_DISPUTE_STATE_OPEN: CardDisputeState
CARD_DISPUTE_STATE_TAKEN: CardDisputeState
CARD_DISPUTE_STATE_WON: CardDisputeState
CARD_DISPUTE_STATE_LOST: CardDisputeState
CARD_DISPUTE_STATE_ESCALATED: CardDisputeState
CARD_DISPUTE_STATE_CLOSED: CardDisputeState

class CardRefund(_message.Message):
    __slots__ = ("refund_id", "top_up_id", "amount", "state", "created_at", "code")
    REFUND_ID_FIELD_NUMBER: _ClassVar[int]
    TOP_UP_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    refund_id: str
    top_up_id: str
    amount: int
    state: CardRefundState
    created_at: _timestamp_pb2.Timestamp
    code: str
    def __init__(self, refund_id: _Optional[str] = ..., top_up_id: _Optional[str] = ..., amount: _Optional[int] = ..., state: _Optional[_Union[CardRefundState, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., code: _Optional[str] = ...) -> None: ...

class CardDispute(_message.Message):
    __slots__ = ("dispute_id", "top_up_id", "amount", "state", "created_at")
    DISPUTE_ID_FIELD_NUMBER: _ClassVar[int]
    TOP_UP_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    dispute_id: str
    top_up_id: str
    amount: int
    state: CardDisputeState
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, dispute_id: _Optional[str] = ..., top_up_id: _Optional[str] = ..., amount: _Optional[int] = ..., state: _Optional[_Union[CardDisputeState, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CardTopUp(_message.Message):
    __slots__ = ("top_up_id", "wallet_id", "amount", "state", "created_at", "redirect_url", "decline_code", "decline_message", "transfer_id", "code", "refunds", "disputes")
    TOP_UP_ID_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URL_FIELD_NUMBER: _ClassVar[int]
    DECLINE_CODE_FIELD_NUMBER: _ClassVar[int]
    DECLINE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REFUNDS_FIELD_NUMBER: _ClassVar[int]
    DISPUTES_FIELD_NUMBER: _ClassVar[int]
    top_up_id: str
    wallet_id: str
    amount: int
    state: TopUpState
    created_at: _timestamp_pb2.Timestamp
    redirect_url: str
    decline_code: str
    decline_message: str
    transfer_id: str
    code: str
    refunds: _containers.RepeatedCompositeFieldContainer[CardRefund]
    disputes: _containers.RepeatedCompositeFieldContainer[CardDispute]
    def __init__(self, top_up_id: _Optional[str] = ..., wallet_id: _Optional[str] = ..., amount: _Optional[int] = ..., state: _Optional[_Union[TopUpState, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., redirect_url: _Optional[str] = ..., decline_code: _Optional[str] = ..., decline_message: _Optional[str] = ..., transfer_id: _Optional[str] = ..., code: _Optional[str] = ..., refunds: _Optional[_Iterable[_Union[CardRefund, _Mapping]]] = ..., disputes: _Optional[_Iterable[_Union[CardDispute, _Mapping]]] = ...) -> None: ...

class TopUpRequest(_message.Message):
    __slots__ = ("idempotency_key", "wallet_id", "amount", "payment_method", "return_url")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    WALLET_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_METHOD_FIELD_NUMBER: _ClassVar[int]
    RETURN_URL_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    wallet_id: str
    amount: int
    payment_method: str
    return_url: str
    def __init__(self, idempotency_key: _Optional[str] = ..., wallet_id: _Optional[str] = ..., amount: _Optional[int] = ..., payment_method: _Optional[str] = ..., return_url: _Optional[str] = ...) -> None: ...

class TopUpResponse(_message.Message):
    __slots__ = ("top_up",)
    TOP_UP_FIELD_NUMBER: _ClassVar[int]
    top_up: CardTopUp
    def __init__(self, top_up: _Optional[_Union[CardTopUp, _Mapping]] = ...) -> None: ...

class GetTopUpRequest(_message.Message):
    __slots__ = ("top_up_id",)
    TOP_UP_ID_FIELD_NUMBER: _ClassVar[int]
    top_up_id: str
    def __init__(self, top_up_id: _Optional[str] = ...) -> None: ...

class GetTopUpResponse(_message.Message):
    __slots__ = ("top_up",)
    TOP_UP_FIELD_NUMBER: _ClassVar[int]
    top_up: CardTopUp
    def __init__(self, top_up: _Optional[_Union[CardTopUp, _Mapping]] = ...) -> None: ...

class ListTopUpsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTopUpsResponse(_message.Message):
    __slots__ = ("top_ups", "next_page_token")
    TOP_UPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    top_ups: _containers.RepeatedCompositeFieldContainer[CardTopUp]
    next_page_token: str
    def __init__(self, top_ups: _Optional[_Iterable[_Union[CardTopUp, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelTopUpRequest(_message.Message):
    __slots__ = ("top_up_id",)
    TOP_UP_ID_FIELD_NUMBER: _ClassVar[int]
    top_up_id: str
    def __init__(self, top_up_id: _Optional[str] = ...) -> None: ...

class CancelTopUpResponse(_message.Message):
    __slots__ = ("top_up",)
    TOP_UP_FIELD_NUMBER: _ClassVar[int]
    top_up: CardTopUp
    def __init__(self, top_up: _Optional[_Union[CardTopUp, _Mapping]] = ...) -> None: ...

class RefundToCardRequest(_message.Message):
    __slots__ = ("idempotency_key", "top_up_id", "amount")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TOP_UP_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    top_up_id: str
    amount: int
    def __init__(self, idempotency_key: _Optional[str] = ..., top_up_id: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class RefundToCardResponse(_message.Message):
    __slots__ = ("refund",)
    REFUND_FIELD_NUMBER: _ClassVar[int]
    refund: CardRefund
    def __init__(self, refund: _Optional[_Union[CardRefund, _Mapping]] = ...) -> None: ...

class ReceiveCardEventResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EscalatedItem(_message.Message):
    __slots__ = ("item_id", "code", "stopped_in", "created_at", "escalated_at", "top_up", "refund", "dispute", "intent_id")
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STOPPED_IN_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ESCALATED_AT_FIELD_NUMBER: _ClassVar[int]
    TOP_UP_FIELD_NUMBER: _ClassVar[int]
    REFUND_FIELD_NUMBER: _ClassVar[int]
    DISPUTE_FIELD_NUMBER: _ClassVar[int]
    INTENT_ID_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    code: str
    stopped_in: str
    created_at: _timestamp_pb2.Timestamp
    escalated_at: _timestamp_pb2.Timestamp
    top_up: CardTopUp
    refund: CardRefund
    dispute: CardDispute
    intent_id: str
    def __init__(self, item_id: _Optional[str] = ..., code: _Optional[str] = ..., stopped_in: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., escalated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., top_up: _Optional[_Union[CardTopUp, _Mapping]] = ..., refund: _Optional[_Union[CardRefund, _Mapping]] = ..., dispute: _Optional[_Union[CardDispute, _Mapping]] = ..., intent_id: _Optional[str] = ...) -> None: ...

class ListEscalatedRequest(_message.Message):
    __slots__ = ("page_size",)
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    def __init__(self, page_size: _Optional[int] = ...) -> None: ...

class ListEscalatedResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[EscalatedItem]
    def __init__(self, items: _Optional[_Iterable[_Union[EscalatedItem, _Mapping]]] = ...) -> None: ...

class ResolveEscalatedRequest(_message.Message):
    __slots__ = ("item_id", "decision", "reason")
    class Decision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DECISION_UNSPECIFIED: _ClassVar[ResolveEscalatedRequest.Decision]
        DECISION_RETRY: _ClassVar[ResolveEscalatedRequest.Decision]
        DECISION_RETURN: _ClassVar[ResolveEscalatedRequest.Decision]
        DECISION_CLOSE: _ClassVar[ResolveEscalatedRequest.Decision]
    DECISION_UNSPECIFIED: ResolveEscalatedRequest.Decision
    DECISION_RETRY: ResolveEscalatedRequest.Decision
    DECISION_RETURN: ResolveEscalatedRequest.Decision
    DECISION_CLOSE: ResolveEscalatedRequest.Decision
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    item_id: str
    decision: ResolveEscalatedRequest.Decision
    reason: str
    def __init__(self, item_id: _Optional[str] = ..., decision: _Optional[_Union[ResolveEscalatedRequest.Decision, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class ResolveEscalatedResponse(_message.Message):
    __slots__ = ("item",)
    ITEM_FIELD_NUMBER: _ClassVar[int]
    item: EscalatedItem
    def __init__(self, item: _Optional[_Union[EscalatedItem, _Mapping]] = ...) -> None: ...
