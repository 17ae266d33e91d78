"""Orders' server through a real gRPC channel, with metadata as the gateway sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import pytest
from cho.orders.v1 import orders_pb2 as pb
from cho.orders.v1 import orders_pb2_grpc

from kit import qr
from kit.config import settings
from kit.errors import Overloaded
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from kit.streams import clients
from services.orders import server, store
from services.orders.live.room import LiveRoom
from services.orders.order import Order
from services.orders.recalls.clerk import Clerk
from services.orders.saga import answers
from tests.orders.conftest import Market, Merchant
from tests.orders.world import ShelfLots

Caller = tuple[tuple[str, str], ...]
Sell = Callable[..., str]
BUYER = new_id("usr")


def caller(sub: str, *roles: str) -> Caller:
    return (("x-cho-edge", settings().edge_secret), ("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)))


SHOPPER, OPERATOR = caller(BUYER, "shopper"), caller(new_id("usr"), "operator")
# Somebody who sells, too, elsewhere.
VENDING_BUYER = caller(BUYER, "shopper", "vendor")
AUDITOR, STRANGER = caller(new_id("usr"), "auditor"), caller(new_id("usr"), "shopper", "vendor")


@pytest.fixture
def stub(market: Market) -> Iterator[Any]:
    room = LiveRoom(clients.streams, market.shelf)
    clerk = Clerk(ShelfLots(market.shelf), market.carrier, room.pool)
    running = Server("127.0.0.1:0", server.servicers(market.carrier, room, clerk))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield orders_pb2_grpc.OrdersServiceStub(channel)
    running.stop()


def refused(code: str, rpc: Callable[..., Any], request: Any, metadata: Caller = ()) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        rpc(request, metadata=metadata)
    assert error_code(raised.value) == code


def place(merchant: Merchant, items: dict[str, int], **fields: Any) -> pb.PlaceOrderRequest:
    wanted = [pb.PlaceOrderRequest.Item(product_id=product_id, quantity=items[product_id]) for product_id in items]
    return pb.PlaceOrderRequest(
        **{"request_id": new_key(), "merchant_id": merchant.merchant_id, "items": wanted, **fields}
    )


def stall(merchant: Merchant, items: dict[str, int], **fields: Any) -> pb.CheckoutRequest.Stall:
    wanted = [pb.CheckoutRequest.Item(product_id=product_id, quantity=items[product_id]) for product_id in items]
    fields = {"fulfilment": pb.FULFILMENT_PICKUP, **fields}
    return pb.CheckoutRequest.Stall(merchant_id=merchant.merchant_id, items=wanted, **fields)


def checkout(*stalls: pb.CheckoutRequest.Stall, **fields: Any) -> pb.CheckoutRequest:
    return pb.CheckoutRequest(**{"request_id": new_key(), "stalls": stalls, "pay": pb.PAY_BY_QR, **fields})


@dataclass
class Shop:
    """An order, and who does something with it."""

    stub: Any
    order_id: str
    vendor: Caller

    def __call__(self, method: str, who: Caller, **fields: Any) -> pb.Order:
        request = getattr(pb, f"{method}Request")(order_id=self.order_id, **fields)
        return getattr(self.stub, method)(request, metadata=who).order  # type: ignore[no-any-return]

    def refused(self, code: str, method: str, who: Caller, **fields: Any) -> None:
        request = getattr(pb, f"{method}Request")(order_id=self.order_id, **fields)
        refused(code, getattr(self.stub, method), request, who)

    def get(self, who: Caller = SHOPPER) -> pb.Order:
        return self("GetOrder", who)


@pytest.fixture
def shop(market: Market, stub: Any, merchant: Merchant, sell: Sell) -> Callable[..., Shop]:
    """An order of one product at one stall, of this buyer."""

    def shopping(quantity: int = 2, pay: int = pb.PAY_BY_QR, delivered: bool = False, **product: Any) -> Shop:
        fields = {"fulfilment": pb.FULFILMENT_DELIVERY, "deliver_to": "12 Bến Tượng"} if delivered else {}
        request = checkout(stall(merchant, {sell(**product): quantity}, **fields), pay=pay)
        (order,) = stub.Checkout(request, metadata=SHOPPER).orders
        return Shop(stub, order.order_id, caller(merchant.owner_id, "vendor"))

    return shopping


def paid(market: Market, shop: Shop, amount: int = 200_000) -> None:
    order = store.order(shop.order_id)
    market.purse.pay(amount, order.code)
    market.settle(order)


# --- buying


def test_an_order_is_placed_in_units_with_a_code_that_pays_it(
    market: Market, stub: Any, merchant: Merchant, sell: Sell
) -> None:
    tea = sell(unit="kg", price=450_000, grams_per_unit=1_000)
    asked = place(merchant, {tea: 2})
    placed = stub.PlaceOrder(asked, metadata=SHOPPER).order
    assert (placed.total, placed.paid, placed.state) == (900_000, 0, pb.ORDER_STATE_PLACED)
    assert (placed.buyer_id, placed.merchant_name) == (BUYER, merchant.name)
    (line,) = placed.lines
    assert (line.quantity, line.price, line.total, line.grams, line.HasField("final_grams")) == (
        2, 450_000, 900_000, 2_000, False,
    )  # fmt: skip
    code = qr.decode(placed.qr_payload)
    assert (code.static, code.merchant_id, code.amount) == (False, merchant.merchant_id, 900_000)
    assert (code.bill_number, code.lang_name) == (placed.code, merchant.name)
    assert stub.PlaceOrder(asked, metadata=SHOPPER).order == placed
    asked.items[0].quantity = 3
    refused("IDEMPOTENCY_CONFLICT", stub.PlaceOrder, asked, SHOPPER)


def test_a_cart_of_two_stalls_is_checked_out_and_looked_at(market: Market, stub: Any) -> None:
    one, other = market.merchant(), market.merchant()
    pork = market.product(other, unit="kg", price=130_000, grams_per_unit=1_000)
    request = checkout(
        stall(one, {market.product(one): 2}),
        stall(other, {pork: 1_250}, fulfilment=pb.FULFILMENT_DELIVERY, deliver_to="12 Bến Tượng"),
        pay=pb.PAY_BY_HOLD,
    )
    placed = stub.Checkout(request, metadata=SHOPPER)
    first, second = placed.orders
    assert (first.total, second.total, second.lines[0].quantity, second.lines[0].grams) == (200_000, 162_500, 0, 1_250)
    assert (second.deliver_to, second.pay, second.qr_payload) == ("12 Bến Tượng", pb.PAY_BY_HOLD, "")
    assert first.checkout_id == second.checkout_id == placed.checkout_id
    assert stub.Checkout(request, metadata=SHOPPER) == placed
    get = pb.GetCheckoutRequest(checkout_id=placed.checkout_id)
    assert list(stub.GetCheckout(get, metadata=SHOPPER).orders) == [first, second]
    assert stub.GetCheckout(get, metadata=OPERATOR).refused == ""
    refused("NOT_FOUND", stub.GetCheckout, get, STRANGER)
    refused("NOT_FOUND", stub.GetCheckout, pb.GetCheckoutRequest(checkout_id="x"), SHOPPER)


def test_what_an_order_may_not_be_is_refused(market: Market, stub: Any, merchant: Merchant, sell: Sell) -> None:
    tea, gold, hidden, few = sell(), sell(price=10**12), sell(hidden=True), sell(left=1)
    for asked, code in [
        (place(merchant, {tea: 1}, request_id="x"), "INVALID_ARGUMENT"),
        (place(merchant, {}), "INVALID_ARGUMENT"),
        (place(merchant, {tea: 0}), "INVALID_ARGUMENT"),
        (place(merchant, {tea: 10**6 + 1}), "INVALID_ARGUMENT"),
        (place(merchant, {gold: 2}), "AMOUNT_INVALID"),
        (place(merchant, {hidden: 1}), "PRODUCT_NOT_FOR_SALE"),
        (place(merchant, {few: 2}), "OUT_OF_STOCK"),
        (place(merchant, {new_id("prd"): 1}), "NOT_FOUND"),
        (place(merchant, {tea: 1}, merchant_id=new_id("mer")), "MERCHANT_NOT_FOUND"),
    ]:
        refused(code, stub.PlaceOrder, asked, SHOPPER)
    good = stall(merchant, {tea: 1})
    dear = pb.CheckoutRequest.Stall(
        merchant_id=merchant.merchant_id, fulfilment=pb.FULFILMENT_PICKUP,
        items=[pb.CheckoutRequest.Item(product_id=tea, quantity=1, price=1)],
    )  # fmt: skip
    for request, code in [
        (checkout(good, pay=0), "INVALID_ARGUMENT"),
        (checkout(good, pay=9), "INVALID_ARGUMENT"),
        (checkout(good, good), "INVALID_ARGUMENT"),
        (checkout(), "INVALID_ARGUMENT"),
        (checkout(stall(merchant, {tea: 1}, fulfilment=0)), "INVALID_ARGUMENT"),
        (checkout(stall(merchant, {tea: 1}, fulfilment=pb.FULFILMENT_DELIVERY)), "INVALID_ARGUMENT"),
        (checkout(dear), "PRICE_CHANGED"),
    ]:
        refused(code, stub.Checkout, request, SHOPPER)
    refused("UNAUTHENTICATED", stub.PlaceOrder, place(merchant, {tea: 1}))
    assert store.OrdersOrder.objects.count() == 0


# --- looking


def test_buyer_seller_operators_and_auditors_see_an_order_and_nobody_else(
    shop: Callable[..., Shop], merchant: Merchant
) -> None:
    order = shop(delivered=True)
    for somebody in (SHOPPER, order.vendor, OPERATOR):
        assert order.get(somebody).deliver_to == "12 Bến Tượng"
    assert order.get(AUDITOR).deliver_to == "", "an auditor looks at money"
    order.refused("NOT_FOUND", "GetOrder", STRANGER)
    order.order_id = "x"
    order.refused("NOT_FOUND", "GetOrder", SHOPPER)


def test_a_stall_that_changed_hands_is_the_new_owners(shop: Callable[..., Shop], merchant: Merchant) -> None:
    order, before = shop(), caller(merchant.owner_id, "vendor")
    merchant.owner_id, merchant.version = new_id("usr"), 3
    store.apply_merchant("merchant.reinstated", merchant)
    now = caller(merchant.owner_id, "vendor")
    assert order.get(now).order_id == order.get(before).order_id == order.order_id
    order.refused("NOT_FOUND", "CancelOrder", before, reason="x")
    assert order("CancelOrder", now, reason="hết hàng").state == pb.ORDER_STATE_CANCELLED


def test_everybody_lists_the_own_orders(market: Market, stub: Any, merchant: Merchant, sell: Sell) -> None:
    tea = sell()
    orders = []
    for n in (1, 2):
        market.clock.add(timedelta(seconds=1))
        orders.append(stub.PlaceOrder(place(merchant, {tea: n}), metadata=SHOPPER).order)
    for somebody in (SHOPPER, caller(merchant.owner_id, "vendor")):
        assert list(stub.ListMyOrders(pb.ListMyOrdersRequest(), metadata=somebody).orders) == orders[::-1]
    assert not stub.ListMyOrders(pb.ListMyOrdersRequest(), metadata=STRANGER).orders


def test_a_stall_lists_its_orders_by_state_page_by_page(
    market: Market, stub: Any, merchant: Merchant, sell: Sell
) -> None:
    tea, vendor = sell(), caller(merchant.owner_id, "vendor")
    # Of one moment, so that only their ids tell them apart.
    placed = [stub.PlaceOrder(place(merchant, {tea: 1}), metadata=SHOPPER).order.order_id for _ in range(5)]
    request = pb.ListStallOrdersRequest(merchant_id=merchant.merchant_id, state=pb.ORDER_STATE_PLACED, page_size=2)
    found = []
    for _ in range(3):
        page = stub.ListStallOrders(request, metadata=vendor)
        found += [order.order_id for order in page.orders]
        request.page_token = page.next_page_token
    assert found == sorted(placed, reverse=True)
    assert request.page_token == ""
    for state in (pb.ORDER_STATE_PAID, pb.ORDER_STATE_CANCELLED):
        request = pb.ListStallOrdersRequest(merchant_id=merchant.merchant_id, state=state)
        assert not stub.ListStallOrders(request, metadata=OPERATOR).orders
    for fields in ({"page_size": 51}, {"page_size": -1}, {"page_token": "x"}, {"state": 0}, {"state": 5}):
        request = pb.ListStallOrdersRequest(
            **{"merchant_id": merchant.merchant_id, "state": pb.ORDER_STATE_PLACED, **fields}
        )
        refused("INVALID_ARGUMENT", stub.ListStallOrders, request, vendor)
    request = pb.ListStallOrdersRequest(merchant_id=merchant.merchant_id, state=pb.ORDER_STATE_PLACED)
    refused("NOT_FOUND", stub.ListStallOrders, request, caller(new_id("usr"), "vendor"))
    refused("NOT_FOUND", stub.ListStallOrders, pb.ListStallOrdersRequest(merchant_id="x", state=1), vendor)


# --- doing


def test_an_order_goes_its_way_to_the_buyers_door_and_back(market: Market, shop: Callable[..., Shop]) -> None:
    order = shop(delivered=True)
    order.refused("WRONG_STATE", "AdvanceOrder", order.vendor, to=pb.ORDER_STATE_PREPARING)
    paid(market, order)
    order.refused("PERMISSION_DENIED", "AdvanceOrder", SHOPPER, to=pb.ORDER_STATE_PREPARING)
    order.refused("INVALID_ARGUMENT", "AdvanceOrder", order.vendor, to=pb.ORDER_STATE_PAID)
    order.refused("INVALID_ARGUMENT", "AdvanceOrder", order.vendor, to=0)
    order.refused("NOT_FOUND", "AdvanceOrder", STRANGER, to=pb.ORDER_STATE_PREPARING)
    for _ in range(2):
        assert order("AdvanceOrder", order.vendor, to=pb.ORDER_STATE_PREPARING).state == pb.ORDER_STATE_PREPARING
    order("AdvanceOrder", order.vendor, to=pb.ORDER_STATE_READY)
    order.refused("WRONG_STATE", "AdvanceOrder", order.vendor, to=pb.ORDER_STATE_PICKED_UP)
    order.refused("INVALID_ARGUMENT", "AdvanceOrder", order.vendor, to=pb.ORDER_STATE_HANDED_OVER)
    order.refused("WRONG_STATE", "TrackOrder", order.vendor, text="đã đến")
    on_its_way = order("AdvanceOrder", order.vendor, to=pb.ORDER_STATE_HANDED_OVER, carrier="GHN", tracking_code="G1")
    assert (on_its_way.carrier, on_its_way.tracking_code) == ("GHN", "G1")
    order.refused("NOT_FOUND", "TrackOrder", VENDING_BUYER, text="đã đến")
    assert order("TrackOrder", order.vendor, text="đã đến Sông Công").history[-1].reason == "đã đến Sông Công"
    assert order("AdvanceOrder", SHOPPER, to=pb.ORDER_STATE_DELIVERED).state == pb.ORDER_STATE_DELIVERED
    order.refused("INVALID_ARGUMENT", "RequestReturn", SHOPPER, reason="")
    order.refused("INVALID_ARGUMENT", "RequestReturn", SHOPPER, reason="héo", product_ids=["prd_x"])
    order.refused("PERMISSION_DENIED", "RequestReturn", order.vendor, reason="héo")
    assert order("RequestReturn", SHOPPER, reason="héo").return_product_ids
    order.refused("NOT_FOUND", "DecideReturn", VENDING_BUYER, decision=pb.DecideReturnRequest.DECISION_ACCEPT)
    order.refused("INVALID_ARGUMENT", "DecideReturn", order.vendor)
    order.refused("INVALID_ARGUMENT", "DecideReturn", order.vendor, decision=pb.DecideReturnRequest.DECISION_REFUSE)
    back = order("DecideReturn", order.vendor, decision=pb.DecideReturnRequest.DECISION_ACCEPT)
    assert (back.state, back.due, back.paid, market.purse.kept) == (pb.ORDER_STATE_RETURNED, 0, 0, 0)
    assert [(one.event, one.who) for one in back.history][-2:] == [("return_asked", "buyer"), ("returned", "seller")]


def test_who_says_another_carrier_afterwards_hears_that_it_is_not_taken(
    market: Market, shop: Callable[..., Shop]
) -> None:
    order = shop(delivered=True)
    paid(market, order)
    order("AdvanceOrder", order.vendor, to=pb.ORDER_STATE_READY)
    given = {"to": pb.ORDER_STATE_HANDED_OVER, "carrier": " Viettel  Post ", "tracking_code": "VTP123"}
    gone = order("AdvanceOrder", order.vendor, **given)
    assert order("AdvanceOrder", order.vendor, **given) == gone, "sent again"
    order.refused("WRONG_STATE", "AdvanceOrder", order.vendor, **{**given, "tracking_code": "VTP124"})


def test_weights_are_entered_and_what_they_cost_is_taken_in_the_same_call(
    market: Market, shop: Callable[..., Shop]
) -> None:
    order = shop(1_000, pb.PAY_BY_HOLD, unit="kg", price=130_000, grams_per_unit=1_000)
    pork = order.get().lines[0].product_id
    weights = [pb.WeighOrderRequest.Weight(product_id=pork, grams=1_080)]
    order.refused("WRONG_STATE", "WeighOrder", order.vendor, weights=weights)
    market.purse.hold(140_000, reference=order.get().code)
    market.settle(store.order(order.order_id))
    held = order.get()
    assert (held.state, held.held, held.paid) == (pb.ORDER_STATE_HELD, 140_000, 0)
    order.refused("FINAL_PRICE_TOO_HIGH", "WeighOrder", order.vendor, weights=weights)
    order.refused("INVALID_ARGUMENT", "WeighOrder", order.vendor, weights=weights * 2)
    order.refused("INVALID_ARGUMENT", "WeighOrder", order.vendor)
    order.refused("NOT_FOUND", "WeighOrder", VENDING_BUYER, weights=weights)
    for grams in (-1, 10**9 + 1, 0):
        wrong = [pb.WeighOrderRequest.Weight(product_id=pork, grams=grams)]
        order.refused("INVALID_ARGUMENT", "WeighOrder", order.vendor, weights=wrong)
    assert order.get() == held
    weights[0].grams = 1_040
    weighed = order("WeighOrder", order.vendor, weights=weights)
    assert (weighed.total, weighed.paid, weighed.held, weighed.lines[0].final_grams) == (135_200, 135_200, 0, 1_040)
    assert market.purse.kept == 135_200
    assert order("WeighOrder", order.vendor, weights=weights) == weighed
    assert order("AdvanceOrder", order.vendor, to=pb.ORDER_STATE_READY).state == pb.ORDER_STATE_READY


def test_nothing_is_ready_before_it_is_weighed_and_paid(market: Market, shop: Callable[..., Shop]) -> None:
    order = shop(1_000, pb.PAY_BY_HOLD, unit="kg", price=130_000, grams_per_unit=1_000)
    market.purse.hold(150_000, reference=order.get().code)
    market.settle(store.order(order.order_id))
    order("AdvanceOrder", order.vendor, to=pb.ORDER_STATE_PREPARING)
    order.refused("WRONG_STATE", "AdvanceOrder", order.vendor, to=pb.ORDER_STATE_READY)
    market.purse.fail = ["before"]
    weights = [pb.WeighOrderRequest.Weight(product_id=order.get().lines[0].product_id, grams=1_000)]
    assert order("WeighOrder", order.vendor, weights=weights).paid == 0, "payments did not answer"
    order.refused("WRONG_STATE", "AdvanceOrder", order.vendor, to=pb.ORDER_STATE_READY)


def test_who_cancels_says_why_and_what_was_paid_goes_back(market: Market, shop: Callable[..., Shop]) -> None:
    order = shop()
    paid(market, order)
    order.refused("INVALID_ARGUMENT", "CancelOrder", SHOPPER, reason=" ")
    order.refused("INVALID_ARGUMENT", "CancelOrder", SHOPPER, reason="x" * 141)
    order.refused("NOT_FOUND", "CancelOrder", STRANGER, reason="x")
    for _ in range(2):
        cancelled = order("CancelOrder", SHOPPER, reason="mua nhầm")
        assert (cancelled.state, cancelled.paid, cancelled.history[-1].reason) == (
            pb.ORDER_STATE_CANCELLED, 0, "mua nhầm",
        )  # fmt: skip
    assert (market.purse.kept, market.shelf.state(order.order_id)) == (0, "released")
    ready = shop()
    paid(market, ready)
    ready("AdvanceOrder", ready.vendor, to=pb.ORDER_STATE_READY)
    ready.refused("PERMISSION_DENIED", "CancelOrder", SHOPPER, reason="đổi ý")
    assert ready("CancelOrder", OPERATOR, reason="sạp đóng cửa").history[-1].who == "operator"


def test_what_was_done_is_told_as_done_though_what_follows_has_to_wait(
    market: Market, shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop()
    paid(market, order)
    carry = market.carrier.carry

    def broken_off(found: Order) -> Order:
        raise Overloaded("events wait to be published")

    monkeypatch.setattr(market.carrier, "carry", broken_off)
    assert order("CancelOrder", SHOPPER, reason="đổi ý").state == pb.ORDER_STATE_CANCELLED
    monkeypatch.setattr(market.carrier, "carry", carry)
    assert market.settle(store.order(order.order_id)).paid == 0


def test_who_buys_at_the_own_stall_acts_in_both(market: Market, stub: Any, merchant: Merchant, sell: Sell) -> None:
    own = caller(merchant.owner_id, "vendor")
    placed = stub.PlaceOrder(place(merchant, {sell(): 2}), metadata=own).order
    order = Shop(stub, placed.order_id, own)
    paid(market, order)
    order("AdvanceOrder", own, to=pb.ORDER_STATE_READY)
    order("AdvanceOrder", own, to=pb.ORDER_STATE_PICKED_UP)
    order("RequestReturn", own, reason="hỏng")
    assert order("DecideReturn", own, decision=pb.DecideReturnRequest.DECISION_ACCEPT).paid == 0


def test_the_stall_gives_money_back_under_a_request_of_its_own(market: Market, shop: Callable[..., Shop]) -> None:
    order = shop()
    tea = order.get().lines[0].product_id
    give = {"request_id": new_key(), "product_id": tea, "amount": 30_000, "reason": "dập"}
    order.refused("WRONG_STATE", "RefundOrder", order.vendor, **give)
    paid(market, order)
    for _ in range(2):
        given = order("RefundOrder", order.vendor, **give)
        assert (given.paid, given.due, given.lines[0].given_back) == (170_000, 170_000, 30_000)
    order.refused("IDEMPOTENCY_CONFLICT", "RefundOrder", order.vendor, **{**give, "amount": 1})
    for wrong, code in [
        ({"request_id": "x"}, "INVALID_ARGUMENT"),
        ({"request_id": new_key(), "amount": 170_001}, "REFUND_EXCEEDS_PAYMENT"),
        ({"request_id": new_key(), "amount": -1}, "INVALID_ARGUMENT"),
        ({"request_id": new_key(), "product_id": ""}, "INVALID_ARGUMENT"),
        ({"request_id": new_key(), "product_id": "prd_x"}, "INVALID_ARGUMENT"),
        ({"request_id": new_key(), "reason": ""}, "INVALID_ARGUMENT"),
    ]:
        order.refused(code, "RefundOrder", order.vendor, **{**give, **wrong})
    order.refused("NOT_FOUND", "RefundOrder", VENDING_BUYER, **give)
    all_of_it = order("RefundOrder", OPERATOR, request_id=new_key(), reason="khiếu nại")
    assert (all_of_it.state, all_of_it.paid, market.purse.kept) == (pb.ORDER_STATE_REFUNDED, 0, 0)
    # Whoever was not answered asks again, however late.
    assert order("RefundOrder", order.vendor, **give).state == pb.ORDER_STATE_REFUNDED
    order.refused("WRONG_STATE", "RefundOrder", order.vendor, **{**give, "request_id": new_key()})
    assert market.purse.kept == 0


def test_operators_see_what_is_stuck_and_have_it_tried_again(
    market: Market, stub: Any, shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop()
    with monkeypatch.context() as patch:
        patch.setattr(answers, "TRIES_MAX", 3)
        patch.setattr(market.purse, "refund", lambda *_: 1 // 0)  # a fault of ours
        market.purse.pay(300_000, order.get().code)
        market.hear(store.order(order.order_id))
        for _ in range(4):
            assert not order.get().stuck
            market.clock.add(timedelta(minutes=1))
            market.carrier.tick()
    assert list(order.get().stuck) == ["INTERNAL"]
    listed = stub.ListStuckOrders(pb.ListStuckOrdersRequest(), metadata=AUDITOR).orders
    assert [one.order_id for one in listed] == [order.order_id]
    tried = order("RetryOrder", OPERATOR)
    assert (tried.paid, list(tried.stuck), tried.history[-1].event) == (200_000, [], "retried")
    assert order("RetryOrder", OPERATOR) == tried
