import datetime

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

class OrderState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATE_UNSPECIFIED: _ClassVar[OrderState]
    ORDER_STATE_PLACED: _ClassVar[OrderState]
    ORDER_STATE_PAID: _ClassVar[OrderState]
    ORDER_STATE_UNDERPAID: _ClassVar[OrderState]
    ORDER_STATE_REFUNDED: _ClassVar[OrderState]
    ORDER_STATE_OVERPAID: _ClassVar[OrderState]
    ORDER_STATE_HELD: _ClassVar[OrderState]
    ORDER_STATE_PREPARING: _ClassVar[OrderState]
    ORDER_STATE_READY: _ClassVar[OrderState]
    ORDER_STATE_HANDED_OVER: _ClassVar[OrderState]
    ORDER_STATE_PICKED_UP: _ClassVar[OrderState]
    ORDER_STATE_DELIVERED: _ClassVar[OrderState]
    ORDER_STATE_RETURN_ASKED: _ClassVar[OrderState]
    ORDER_STATE_RETURNED: _ClassVar[OrderState]
    ORDER_STATE_EXPIRED: _ClassVar[OrderState]
    ORDER_STATE_CANCELLED: _ClassVar[OrderState]

class PayBy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAY_BY_UNSPECIFIED: _ClassVar[PayBy]
    PAY_BY_QR: _ClassVar[PayBy]
    PAY_BY_HOLD: _ClassVar[PayBy]

class Fulfilment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FULFILMENT_UNSPECIFIED: _ClassVar[Fulfilment]
    FULFILMENT_PICKUP: _ClassVar[Fulfilment]
    FULFILMENT_DELIVERY: _ClassVar[Fulfilment]
ORDER_STATE_UNSPECIFIED: OrderState
ORDER_STATE_PLACED: OrderState
ORDER_STATE_PAID: OrderState
ORDER_STATE_UNDERPAID: OrderState
ORDER_STATE_REFUNDED: OrderState
ORDER_STATE_OVERPAID: OrderState
ORDER_STATE_HELD: OrderState
ORDER_STATE_PREPARING: OrderState
ORDER_STATE_READY: OrderState
ORDER_STATE_HANDED_OVER: OrderState
ORDER_STATE_PICKED_UP: OrderState
ORDER_STATE_DELIVERED: OrderState
ORDER_STATE_RETURN_ASKED: OrderState
ORDER_STATE_RETURNED: OrderState
ORDER_STATE_EXPIRED: OrderState
ORDER_STATE_CANCELLED: OrderState
PAY_BY_UNSPECIFIED: PayBy
PAY_BY_QR: PayBy
PAY_BY_HOLD: PayBy
FULFILMENT_UNSPECIFIED: Fulfilment
FULFILMENT_PICKUP: Fulfilment
FULFILMENT_DELIVERY: Fulfilment

class OrderLine(_message.Message):
    __slots__ = ("product_id", "name", "unit", "quantity", "price", "total", "grams", "grams_per_unit", "final_grams", "given_back", "recalled")
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    GRAMS_FIELD_NUMBER: _ClassVar[int]
    GRAMS_PER_UNIT_FIELD_NUMBER: _ClassVar[int]
    FINAL_GRAMS_FIELD_NUMBER: _ClassVar[int]
    GIVEN_BACK_FIELD_NUMBER: _ClassVar[int]
    RECALLED_FIELD_NUMBER: _ClassVar[int]
    product_id: str
    name: str
    unit: str
    quantity: int
    price: int
    total: int
    grams: int
    grams_per_unit: int
    final_grams: int
    given_back: int
    recalled: bool
    def __init__(self, product_id: _Optional[str] = ..., name: _Optional[str] = ..., unit: _Optional[str] = ..., quantity: _Optional[int] = ..., price: _Optional[int] = ..., total: _Optional[int] = ..., grams: _Optional[int] = ..., grams_per_unit: _Optional[int] = ..., final_grams: _Optional[int] = ..., given_back: _Optional[int] = ..., recalled: _Optional[bool] = ...) -> None: ...

class OrderHappened(_message.Message):
    __slots__ = ("event", "state", "who", "reason", "at")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    event: str
    state: OrderState
    who: str
    reason: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, event: _Optional[str] = ..., state: _Optional[_Union[OrderState, str]] = ..., who: _Optional[str] = ..., reason: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("order_id", "code", "buyer_id", "merchant_id", "merchant_name", "lines", "total", "state", "payment_ids", "paid", "qr_payload", "placed_at", "checkout_id", "pay", "fulfilment", "deliver_to", "pay_by", "deadline", "due", "refunding", "held", "carrier", "tracking_code", "history", "return_product_ids", "stuck", "stopped_product_ids", "ratable", "rated_points")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    BUYER_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_NAME_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAYMENT_IDS_FIELD_NUMBER: _ClassVar[int]
    PAID_FIELD_NUMBER: _ClassVar[int]
    QR_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PLACED_AT_FIELD_NUMBER: _ClassVar[int]
    CHECKOUT_ID_FIELD_NUMBER: _ClassVar[int]
    PAY_FIELD_NUMBER: _ClassVar[int]
    FULFILMENT_FIELD_NUMBER: _ClassVar[int]
    DELIVER_TO_FIELD_NUMBER: _ClassVar[int]
    PAY_BY_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    DUE_FIELD_NUMBER: _ClassVar[int]
    REFUNDING_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    TRACKING_CODE_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    RETURN_PRODUCT_IDS_FIELD_NUMBER: _ClassVar[int]
    STUCK_FIELD_NUMBER: _ClassVar[int]
    STOPPED_PRODUCT_IDS_FIELD_NUMBER: _ClassVar[int]
    RATABLE_FIELD_NUMBER: _ClassVar[int]
    RATED_POINTS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    code: str
    buyer_id: str
    merchant_id: str
    merchant_name: str
    lines: _containers.RepeatedCompositeFieldContainer[OrderLine]
    total: int
    state: OrderState
    payment_ids: _containers.RepeatedScalarFieldContainer[str]
    paid: int
    qr_payload: str
    placed_at: _timestamp_pb2.Timestamp
    checkout_id: str
    pay: PayBy
    fulfilment: Fulfilment
    deliver_to: str
    pay_by: _timestamp_pb2.Timestamp
    deadline: _timestamp_pb2.Timestamp
    due: int
    refunding: int
    held: int
    carrier: str
    tracking_code: str
    history: _containers.RepeatedCompositeFieldContainer[OrderHappened]
    return_product_ids: _containers.RepeatedScalarFieldContainer[str]
    stuck: _containers.RepeatedScalarFieldContainer[str]
    stopped_product_ids: _containers.RepeatedScalarFieldContainer[str]
    ratable: bool
    rated_points: int
    def __init__(self, order_id: _Optional[str] = ..., code: _Optional[str] = ..., buyer_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., merchant_name: _Optional[str] = ..., lines: _Optional[_Iterable[_Union[OrderLine, _Mapping]]] = ..., total: _Optional[int] = ..., state: _Optional[_Union[OrderState, str]] = ..., payment_ids: _Optional[_Iterable[str]] = ..., paid: _Optional[int] = ..., qr_payload: _Optional[str] = ..., placed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., checkout_id: _Optional[str] = ..., pay: _Optional[_Union[PayBy, str]] = ..., fulfilment: _Optional[_Union[Fulfilment, str]] = ..., deliver_to: _Optional[str] = ..., pay_by: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deadline: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due: _Optional[int] = ..., refunding: _Optional[int] = ..., held: _Optional[int] = ..., carrier: _Optional[str] = ..., tracking_code: _Optional[str] = ..., history: _Optional[_Iterable[_Union[OrderHappened, _Mapping]]] = ..., return_product_ids: _Optional[_Iterable[str]] = ..., stuck: _Optional[_Iterable[str]] = ..., stopped_product_ids: _Optional[_Iterable[str]] = ..., ratable: _Optional[bool] = ..., rated_points: _Optional[int] = ...) -> None: ...

class PlaceOrderRequest(_message.Message):
    __slots__ = ("request_id", "merchant_id", "items")
    class Item(_message.Message):
        __slots__ = ("product_id", "quantity")
        PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
        QUANTITY_FIELD_NUMBER: _ClassVar[int]
        product_id: str
        quantity: int
        def __init__(self, product_id: _Optional[str] = ..., quantity: _Optional[int] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    merchant_id: str
    items: _containers.RepeatedCompositeFieldContainer[PlaceOrderRequest.Item]
    def __init__(self, request_id: _Optional[str] = ..., merchant_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[PlaceOrderRequest.Item, _Mapping]]] = ...) -> None: ...

class PlaceOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class CheckoutRequest(_message.Message):
    __slots__ = ("request_id", "stalls", "pay")
    class Stall(_message.Message):
        __slots__ = ("merchant_id", "items", "fulfilment", "deliver_to")
        MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
        ITEMS_FIELD_NUMBER: _ClassVar[int]
        FULFILMENT_FIELD_NUMBER: _ClassVar[int]
        DELIVER_TO_FIELD_NUMBER: _ClassVar[int]
        merchant_id: str
        items: _containers.RepeatedCompositeFieldContainer[CheckoutRequest.Item]
        fulfilment: Fulfilment
        deliver_to: str
        def __init__(self, merchant_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[CheckoutRequest.Item, _Mapping]]] = ..., fulfilment: _Optional[_Union[Fulfilment, str]] = ..., deliver_to: _Optional[str] = ...) -> None: ...
    class Item(_message.Message):
        __slots__ = ("product_id", "quantity", "price")
        PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
        QUANTITY_FIELD_NUMBER: _ClassVar[int]
        PRICE_FIELD_NUMBER: _ClassVar[int]
        product_id: str
        quantity: int
        price: int
        def __init__(self, product_id: _Optional[str] = ..., quantity: _Optional[int] = ..., price: _Optional[int] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STALLS_FIELD_NUMBER: _ClassVar[int]
    PAY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    stalls: _containers.RepeatedCompositeFieldContainer[CheckoutRequest.Stall]
    pay: PayBy
    def __init__(self, request_id: _Optional[str] = ..., stalls: _Optional[_Iterable[_Union[CheckoutRequest.Stall, _Mapping]]] = ..., pay: _Optional[_Union[PayBy, str]] = ...) -> None: ...

class CheckoutResponse(_message.Message):
    __slots__ = ("checkout_id", "orders")
    CHECKOUT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    checkout_id: str
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    def __init__(self, checkout_id: _Optional[str] = ..., orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ...) -> None: ...

class GetCheckoutRequest(_message.Message):
    __slots__ = ("checkout_id",)
    CHECKOUT_ID_FIELD_NUMBER: _ClassVar[int]
    checkout_id: str
    def __init__(self, checkout_id: _Optional[str] = ...) -> None: ...

class GetCheckoutResponse(_message.Message):
    __slots__ = ("orders", "refused")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    refused: str
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., refused: _Optional[str] = ...) -> None: ...

class GetOrderRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class GetOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class ListMyOrdersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListMyOrdersResponse(_message.Message):
    __slots__ = ("orders",)
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ...) -> None: ...

class ListStallOrdersRequest(_message.Message):
    __slots__ = ("merchant_id", "state", "page_size", "page_token")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    state: OrderState
    page_size: int
    page_token: str
    def __init__(self, merchant_id: _Optional[str] = ..., state: _Optional[_Union[OrderState, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListStallOrdersResponse(_message.Message):
    __slots__ = ("orders", "next_page_token")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    next_page_token: str
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AdvanceOrderRequest(_message.Message):
    __slots__ = ("order_id", "to", "carrier", "tracking_code")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    TRACKING_CODE_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    to: OrderState
    carrier: str
    tracking_code: str
    def __init__(self, order_id: _Optional[str] = ..., to: _Optional[_Union[OrderState, str]] = ..., carrier: _Optional[str] = ..., tracking_code: _Optional[str] = ...) -> None: ...

class AdvanceOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class TrackOrderRequest(_message.Message):
    __slots__ = ("order_id", "text")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    text: str
    def __init__(self, order_id: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class TrackOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class WeighOrderRequest(_message.Message):
    __slots__ = ("order_id", "weights")
    class Weight(_message.Message):
        __slots__ = ("product_id", "grams")
        PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
        GRAMS_FIELD_NUMBER: _ClassVar[int]
        product_id: str
        grams: int
        def __init__(self, product_id: _Optional[str] = ..., grams: _Optional[int] = ...) -> None: ...
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    weights: _containers.RepeatedCompositeFieldContainer[WeighOrderRequest.Weight]
    def __init__(self, order_id: _Optional[str] = ..., weights: _Optional[_Iterable[_Union[WeighOrderRequest.Weight, _Mapping]]] = ...) -> None: ...

class WeighOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("order_id", "reason")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    reason: str
    def __init__(self, order_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class RequestReturnRequest(_message.Message):
    __slots__ = ("order_id", "product_ids", "reason")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    product_ids: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    def __init__(self, order_id: _Optional[str] = ..., product_ids: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ...) -> None: ...

class RequestReturnResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class DecideReturnRequest(_message.Message):
    __slots__ = ("order_id", "decision", "reason", "restock")
    class Decision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DECISION_UNSPECIFIED: _ClassVar[DecideReturnRequest.Decision]
        DECISION_ACCEPT: _ClassVar[DecideReturnRequest.Decision]
        DECISION_REFUSE: _ClassVar[DecideReturnRequest.Decision]
    DECISION_UNSPECIFIED: DecideReturnRequest.Decision
    DECISION_ACCEPT: DecideReturnRequest.Decision
    DECISION_REFUSE: DecideReturnRequest.Decision
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESTOCK_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    decision: DecideReturnRequest.Decision
    reason: str
    restock: bool
    def __init__(self, order_id: _Optional[str] = ..., decision: _Optional[_Union[DecideReturnRequest.Decision, str]] = ..., reason: _Optional[str] = ..., restock: _Optional[bool] = ...) -> None: ...

class DecideReturnResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class RefundOrderRequest(_message.Message):
    __slots__ = ("order_id", "request_id", "product_id", "amount", "reason")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    request_id: str
    product_id: str
    amount: int
    reason: str
    def __init__(self, order_id: _Optional[str] = ..., request_id: _Optional[str] = ..., product_id: _Optional[str] = ..., amount: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class RefundOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class ListStuckOrdersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListStuckOrdersResponse(_message.Message):
    __slots__ = ("orders",)
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ...) -> None: ...

class RetryOrderRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    def __init__(self, order_id: _Optional[str] = ...) -> None: ...

class RetryOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...
