"""gRPC server of orders: proto in, proto out; beside it a thread carries orders on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from cho.orders.v1 import invoices_pb2, live_pb2, ratings_pb2, recalls_pb2
from cho.orders.v1 import orders_pb2 as pb

from kit import clock, log
from kit.clock import from_ms
from kit.errors import DomainError, InvalidArgument, PermissionDenied
from kit.ids import key_time_ms
from kit.rpc.call import Call
from kit.rpc.threads import Servicers, serve
from kit.streams import clients
from kit.streams.lease import Lease
from services.orders import checkout, store
from services.orders.carrier import LEASE, Carrier
from services.orders.cart import Basket, Cart, Item
from services.orders.invoices.server import InvoiceServicer
from services.orders.life import Actor, Who
from services.orders.live import keeper
from services.orders.live.room import LiveRoom
from services.orders.order import Credit, Fulfilment, Order, Pay
from services.orders.peers import CatalogLots, CatalogStock, PaymentsMoney
from services.orders.ratings import store as ratings
from services.orders.ratings.rating import came_at, ratable
from services.orders.ratings.server import RatingServicer
from services.orders.recalls.clerk import LEASE as RECALLS_LEASE
from services.orders.recalls.clerk import Clerk
from services.orders.recalls.server import RecallServicer
from services.orders.saga import commands
from services.orders.shown import FULFILMENTS, STATE_OF, order_view
from services.orders.store import checkouts

PAGE_MAX, PAGE_USUAL = 50, 20
_PAYS = {pb.PAY_BY_QR: Pay.QR, pb.PAY_BY_HOLD: Pay.HOLD}
Rule = Callable[[Order, Actor, datetime], Order]


class OrdersServicer:
    """The RPCs of cho.orders.v1.OrdersService; roles are enforced before they are called."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    # Buying

    def PlaceOrder(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        items = tuple(Item(item.product_id, item.quantity) for item in request.items)
        cart = Cart((Basket(request.merchant_id, items),), in_units=True)
        (placed,) = self._placed(request.request_id, cart, call)
        return pb.PlaceOrderResponse(order=order_view(placed))

    def Checkout(self, request: pb.CheckoutRequest, call: Call) -> pb.CheckoutResponse:
        if request.pay not in _PAYS:
            raise InvalidArgument("pay: PAY_BY_QR or PAY_BY_HOLD")
        baskets = tuple(_basket(stall) for stall in request.stalls)
        placed = self._placed(request.request_id, Cart(baskets, _PAYS[request.pay]), call)
        return pb.CheckoutResponse(checkout_id=placed[0].checkout_id, orders=[order_view(one) for one in placed])

    def GetCheckout(self, request: pb.GetCheckoutRequest, call: Call) -> pb.GetCheckoutResponse:
        found = checkouts.checkout(request.checkout_id)
        call.require_owner(found.buyer_id, "operator")
        orders = [order_view(one) for one in checkouts.orders_of(found)]
        return pb.GetCheckoutResponse(orders=orders, refused=found.refused)

    # Looking

    def GetOrder(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        order = store.order(request.order_id)
        if call.caller.sub not in (order.seller_id, checkouts.owner_of(order.merchant_id)):
            call.require_owner(order.buyer_id, "operator", "auditor")
        view = order_view(order, address=not _only_auditor(order, call))
        return pb.GetOrderResponse(order=_with_rating([(order, view)], call)[0])

    def ListMyOrders(self, request: pb.ListMyOrdersRequest, call: Call) -> pb.ListMyOrdersResponse:
        found = [(order, order_view(order)) for order in store.recent(call.caller.sub)]
        return pb.ListMyOrdersResponse(orders=_with_rating(found, call))

    def ListStallOrders(self, request: pb.ListStallOrdersRequest, call: Call) -> pb.ListStallOrdersResponse:
        if not 0 <= request.page_size <= PAGE_MAX:
            raise InvalidArgument(f"page_size must be 1 to {PAGE_MAX}, or 0 for {PAGE_USUAL}")
        state = STATE_OF.get(request.state)
        if state is None:
            raise InvalidArgument("state names a state of orders")
        owner = checkouts.owner_of(request.merchant_id)
        call.require_owner(owner, "operator", "auditor")
        size, (until, after) = request.page_size or PAGE_USUAL, _read_token(request.page_token)
        # One more, so that a page knows whether another follows; and those of the token's own moment again.
        found = store.of_stall(request.merchant_id, state, until, PAGE_MAX + size + 1)
        rest = [one for one in found if not after or (one.placed_at, one.id) < (until, after)]
        page = rest[:size]
        token = _token(page[-1]) if len(rest) > size else ""
        shown = owner == call.caller.sub or call.has("operator")
        return pb.ListStallOrdersResponse(
            orders=[order_view(one, address=shown) for one in page], next_page_token=token
        )

    # Doing

    def AdvanceOrder(self, request: pb.AdvanceOrderRequest, call: Call) -> pb.AdvanceOrderResponse:
        target = STATE_OF.get(request.to)
        if target is None:
            raise InvalidArgument("to: PREPARING, READY, HANDED_OVER, PICKED_UP or DELIVERED")

        def rule(order: Order, actor: Actor, now: datetime) -> Order:
            return commands.advance(order, target, actor, now, request.carrier, request.tracking_code)

        return pb.AdvanceOrderResponse(order=self._changed(request.order_id, rule, call))

    def TrackOrder(self, request: pb.TrackOrderRequest, call: Call) -> pb.TrackOrderResponse:
        def rule(order: Order, actor: Actor, now: datetime) -> Order:
            return commands.track(order, request.text, actor, now)

        return pb.TrackOrderResponse(order=self._changed(request.order_id, rule, call, selling=True))

    def WeighOrder(self, request: pb.WeighOrderRequest, call: Call) -> pb.WeighOrderResponse:
        grams = {one.product_id: one.grams for one in request.weights}
        if len(grams) < len(request.weights):
            raise InvalidArgument("weights name a product twice")

        def rule(order: Order, actor: Actor, now: datetime) -> Order:
            return commands.weigh(order, grams, actor, now)

        return pb.WeighOrderResponse(order=self._changed(request.order_id, rule, call, selling=True))

    def CancelOrder(self, request: pb.CancelOrderRequest, call: Call) -> pb.CancelOrderResponse:
        def rule(order: Order, actor: Actor, now: datetime) -> Order:
            return commands.cancel(order, actor, request.reason, now)

        return pb.CancelOrderResponse(order=self._changed(request.order_id, rule, call))

    def RequestReturn(self, request: pb.RequestReturnRequest, call: Call) -> pb.RequestReturnResponse:
        def rule(order: Order, actor: Actor, now: datetime) -> Order:
            return commands.ask_return(order, request.product_ids, actor, request.reason, now)

        return pb.RequestReturnResponse(order=self._changed(request.order_id, rule, call))

    def DecideReturn(self, request: pb.DecideReturnRequest, call: Call) -> pb.DecideReturnResponse:
        accept = request.decision == pb.DecideReturnRequest.DECISION_ACCEPT
        if not accept and request.decision != pb.DecideReturnRequest.DECISION_REFUSE:
            raise InvalidArgument("decision: DECISION_ACCEPT or DECISION_REFUSE")

        def rule(order: Order, actor: Actor, now: datetime) -> Order:
            return commands.decide_return(order, accept, actor, request.reason, now, request.restock)

        return pb.DecideReturnResponse(order=self._changed(request.order_id, rule, call, selling=True))

    def RefundOrder(self, request: pb.RefundOrderRequest, call: Call) -> pb.RefundOrderResponse:
        credit = Credit(_key(request.request_id), request.product_id, request.amount)

        def rule(order: Order, actor: Actor, now: datetime) -> Order:
            return commands.give_back(order, credit, actor, request.reason, now)

        return pb.RefundOrderResponse(order=self._changed(request.order_id, rule, call, selling=True))

    # What only a person can help

    def ListStuckOrders(self, request: pb.ListStuckOrdersRequest, call: Call) -> pb.ListStuckOrdersResponse:
        shown = call.has("operator")
        return pb.ListStuckOrdersResponse(orders=[order_view(one, address=shown) for one in store.stuck(PAGE_MAX)])

    def RetryOrder(self, request: pb.RetryOrderRequest, call: Call) -> pb.RetryOrderResponse:
        def rule(order: Order, actor: Actor, now: datetime) -> Order:
            return commands.retry(order, actor, now)

        return pb.RetryOrderResponse(order=self._changed(request.order_id, rule, call))

    # Helpers

    def _placed(self, request_id: str, cart: Cart, call: Call) -> list[Order]:
        return checkout.place(call.caller.sub, _key(request_id), cart, self._carrier.stock, call.traceparent)

    def _changed(self, order_id: str, rule: Rule, call: Call, selling: bool = False) -> pb.Order:
        """An order after what somebody did with it and what followed at once. `selling`: nothing for its buyer."""
        actors = _actors(store.order(order_id), call, selling)

        def by_any(found: Order, now: datetime) -> Order:
            for actor in actors[:-1]:
                try:
                    return rule(found, actor, now)
                except PermissionDenied:
                    continue
            return rule(found, actors[-1], now)

        changed = store.change(order_id, by_any, call.traceparent)
        with suppress(DomainError):  # it is done and said; what follows is carried on by the carrier's thread
            changed = self._carrier.carry(changed)
        return _with_rating([(changed, order_view(changed))], call)[0]


def _actors(order: Order, call: Call, selling: bool) -> list[Actor]:
    """In which parts the caller may act: who buys at the own stall is both. Raises NotFound where in none."""
    parts = [
        (Who.BUYER, call.caller.sub == order.buyer_id and not selling),
        (Who.SELLER, call.caller.sub == checkouts.owner_of(order.merchant_id)),
        (Who.OPERATOR, call.has("operator")),
    ]
    actors = [Actor(who, call.caller.sub) for who, whether in parts if whether]
    if not actors:
        call.require_owner("")
    return actors


def _with_rating(found: list[tuple[Order, pb.Order]], call: Call) -> list[pb.Order]:
    """Orders as shown, each with what the caller, who bought it, said of it or may say."""
    own = [(order, view) for order, view in found if order.buyer_id == call.caller.sub and came_at(order)]
    known = ratings.of_orders(order.id for order, _ in own) if own else {}
    now = clock.now()
    for order, view in own:
        view.rated_points = known[order.id].points if order.id in known else 0
        view.ratable = not view.rated_points and order.seller_id != order.buyer_id and ratable(order, now)
    return [view for _, view in found]


def _only_auditor(order: Order, call: Call) -> bool:
    parties = (order.buyer_id, order.seller_id, checkouts.owner_of(order.merchant_id))
    return call.caller.sub not in parties and not call.has("operator")


def _basket(stall: pb.CheckoutRequest.Stall) -> Basket:
    fulfilment: Fulfilment | None = FULFILMENTS.get(stall.fulfilment)
    if fulfilment is None:
        raise InvalidArgument("fulfilment: FULFILMENT_PICKUP or FULFILMENT_DELIVERY")
    items = tuple(Item(item.product_id, item.quantity, item.price) for item in stall.items)
    return Basket(stall.merchant_id, items, fulfilment, stall.deliver_to)


def _key(request_id: str) -> str:
    if key_time_ms(request_id) is None:
        raise InvalidArgument("request_id must be a UUIDv7")
    return request_id


def _token(order: Order) -> str:
    return f"{int(order.placed_at.timestamp() * 1000)}-{order.id}"


def _read_token(token: str) -> tuple[datetime | None, str]:
    """Up to which moment, and after which order of it."""
    at_ms, _, order_id = token.partition("-")
    if not token:
        return None, ""
    if not (at_ms.isascii() and at_ms.isdigit() and len(at_ms) <= 14 and order_id):
        raise InvalidArgument("page_token is none of ours")
    return from_ms(int(at_ms)), order_id


def servicers(carrier: Carrier, live: LiveRoom, clerk: Clerk) -> Servicers:
    """What this process serves, by service descriptor."""
    return [
        (pb.DESCRIPTOR.services_by_name["OrdersService"], OrdersServicer(carrier)),
        (invoices_pb2.DESCRIPTOR.services_by_name["InvoiceService"], InvoiceServicer()),
        (live_pb2.DESCRIPTOR.services_by_name["LiveSaleService"], live.servicer),
        (ratings_pb2.DESCRIPTOR.services_by_name["RatingService"], RatingServicer()),
        (recalls_pb2.DESCRIPTOR.services_by_name["RecallService"], RecallServicer(clerk)),
    ]


def main() -> None:
    """Serves until stopped."""
    log.set_up(f"{store.SERVICE}.serve")
    store.open_store()
    stock = CatalogStock()
    live = LiveRoom(clients.streams, stock, Lease(clients.streams(), keeper.LEASE))
    carrier = Carrier(stock, PaymentsMoney(), Lease(clients.streams(), LEASE), live.lots_of)
    clerk = Clerk(CatalogLots(), carrier, live.pool, Lease(clients.streams(), RECALLS_LEASE))
    carrier.start()
    live.keeper.start()
    clerk.start()
    try:
        serve(store.SERVICE, servicers(carrier, live, clerk), before_stop=live.hub.stop)
    finally:
        clerk.stop()
        live.keeper.stop()
        carrier.stop()
