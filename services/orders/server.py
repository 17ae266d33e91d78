"""gRPC server of orders: proto in, proto out."""

from __future__ import annotations

from cho.orders.v1 import orders_pb2 as pb

from kit.errors import InvalidArgument
from kit.ids import key_time_ms
from kit.rpc.call import Call
from kit.rpc.threads import Servicers, serve
from services.orders import store
from services.orders.order import Item, Order, State

_STATES = {state: getattr(pb, f"ORDER_STATE_{state.name}") for state in State}


class OrdersServicer:
    """The RPCs of cho.orders.v1.OrdersService; roles are enforced before they are called."""

    def PlaceOrder(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        if key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7")
        items = [Item(item.product_id, item.quantity) for item in request.items]
        placed = store.place(call.caller.sub, request.request_id, request.merchant_id, items)
        return pb.PlaceOrderResponse(order=_order(placed))

    def GetOrder(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        order = store.order(request.order_id)
        if call.caller.sub != order.seller_id:
            call.require_owner(order.buyer_id, "operator", "auditor")
        return pb.GetOrderResponse(order=_order(order))

    def ListMyOrders(self, request: pb.ListMyOrdersRequest, call: Call) -> pb.ListMyOrdersResponse:
        return pb.ListMyOrdersResponse(orders=[_order(order) for order in store.recent(call.caller.sub)])


def _order(order: Order) -> pb.Order:
    reply = pb.Order(
        order_id=order.id,
        code=order.code,
        buyer_id=order.buyer_id,
        merchant_id=order.merchant_id,
        merchant_name=order.merchant_name,
        lines=[
            pb.OrderLine(
                product_id=line.product_id,
                name=line.name,
                unit=line.unit,
                quantity=line.quantity,
                price=line.price,
                total=line.total,
            )
            for line in order.lines
        ],
        total=order.total,
        state=_STATES[order.state],
        payment_ids=[payment.transfer_id for payment in order.payments],
        paid=order.paid,
        qr_payload=order.qr_payload,
    )
    reply.placed_at.FromDatetime(order.placed_at)
    return reply


def servicers() -> Servicers:
    """What this process serves, by service descriptor."""
    return [(pb.DESCRIPTOR.services_by_name["OrdersService"], OrdersServicer())]


def main() -> None:
    """Serves until stopped."""
    store.open_store()
    serve(store.SERVICE, servicers())
