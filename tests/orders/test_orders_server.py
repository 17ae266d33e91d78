"""Orders' server through a real gRPC channel, with metadata as the gateway sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from cho.events.v1 import events_pb2
from cho.orders.v1 import orders_pb2 as pb
from cho.orders.v1 import orders_pb2_grpc

from kit import qr
from kit.config import settings
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.orders import server, store

pytestmark = pytest.mark.usefixtures("database")
Caller = tuple[tuple[str, str], ...]
Sell = Callable[..., str]
BUYER = new_id("usr")


def caller(sub: str, *roles: str) -> Caller:
    return (("x-cho-edge", settings().edge_secret), ("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)))


SHOPPER = caller(BUYER, "shopper")


@pytest.fixture(scope="module")
def stub() -> Iterator[Any]:
    running = Server("127.0.0.1:0", server.servicers())
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield orders_pb2_grpc.OrdersServiceStub(channel)
    running.stop()


def refused(code: str, rpc: Callable[..., Any], request: Any, metadata: Caller = ()) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        rpc(request, metadata=metadata)
    assert error_code(raised.value) == code


def request(merchant: events_pb2.MerchantChanged, items: dict[str, int], **fields: Any) -> pb.PlaceOrderRequest:
    wanted = [pb.PlaceOrderRequest.Item(product_id=product_id, quantity=items[product_id]) for product_id in items]
    return pb.PlaceOrderRequest(
        **{"request_id": new_key(), "merchant_id": merchant.merchant_id, "items": wanted, **fields}
    )


def test_an_order_is_placed_with_a_code_that_pays_it(stub: Any, merchant: Any, sell: Sell) -> None:
    placed = stub.PlaceOrder(request(merchant, {sell(): 2}), metadata=SHOPPER).order
    assert (placed.total, placed.paid, placed.state) == (900_000, 0, pb.ORDER_STATE_PLACED)
    assert (placed.buyer_id, placed.merchant_name) == (BUYER, merchant.name)
    assert [(line.quantity, line.price, line.total) for line in placed.lines] == [(2, 450_000, 900_000)]
    code = qr.decode(placed.qr_payload)
    assert (code.static, code.merchant_id, code.amount) == (False, merchant.merchant_id, 900_000)
    assert (code.bill_number, code.lang_name) == (placed.code, merchant.name)

    payment = events_pb2.PaymentMoved(
        transfer_id=new_id("pay"), merchant_id=merchant.merchant_id, amount=code.amount, reference=code.bill_number
    )
    store.apply_payment(payment)
    paid = stub.GetOrder(pb.GetOrderRequest(order_id=placed.order_id), metadata=SHOPPER).order
    assert (paid.state, paid.paid, list(paid.payment_ids)) == (pb.ORDER_STATE_PAID, 900_000, [payment.transfer_id])


def test_the_same_request_is_answered_alike_and_another_body_conflicts(stub: Any, merchant: Any, sell: Sell) -> None:
    asked = request(merchant, {sell(): 2})
    first = stub.PlaceOrder(asked, metadata=SHOPPER)
    assert stub.PlaceOrder(asked, metadata=SHOPPER) == first
    asked.items[0].quantity = 3
    refused("IDEMPOTENCY_CONFLICT", stub.PlaceOrder, asked, SHOPPER)


def test_what_an_order_may_not_be_is_refused(stub: Any, merchant: Any, sell: Sell) -> None:
    tea, gold, hidden = sell(), sell(price=10**12), sell(hidden=True)
    for asked, code in [
        (request(merchant, {tea: 1}, request_id="x"), "INVALID_ARGUMENT"),
        (request(merchant, {}), "INVALID_ARGUMENT"),
        (request(merchant, {tea: 0}), "INVALID_ARGUMENT"),
        (request(merchant, {tea: 10**6 + 1}), "INVALID_ARGUMENT"),
        (request(merchant, {sell(): 1 for _ in range(51)}), "INVALID_ARGUMENT"),
        (request(merchant, {gold: 2}), "AMOUNT_INVALID"),
        (request(merchant, {hidden: 1}), "NOT_FOUND"),
        (request(merchant, {tea: 1}, merchant_id=new_id("mer")), "MERCHANT_NOT_FOUND"),
    ]:
        refused(code, stub.PlaceOrder, asked, SHOPPER)
    refused("UNAUTHENTICATED", stub.PlaceOrder, request(merchant, {tea: 1}))
    refused("PERMISSION_DENIED", stub.PlaceOrder, request(merchant, {tea: 1}), caller(BUYER, "auditor"))


def test_buyer_seller_operators_and_auditors_see_an_order_and_nobody_else(stub: Any, merchant: Any, sell: Sell) -> None:
    placed = stub.PlaceOrder(request(merchant, {sell(): 1}), metadata=SHOPPER).order
    get = pb.GetOrderRequest(order_id=placed.order_id)
    for somebody in (
        SHOPPER,
        caller(merchant.owner_id, "vendor"),
        caller(new_id("usr"), "operator"),
        caller(new_id("usr"), "auditor"),
    ):
        assert stub.GetOrder(get, metadata=somebody).order == placed
    for stranger in (caller(new_id("usr"), "shopper"), caller(new_id("usr"), "vendor")):
        refused("NOT_FOUND", stub.GetOrder, get, stranger)
    refused("NOT_FOUND", stub.GetOrder, pb.GetOrderRequest(order_id="x"), SHOPPER)


def test_everybody_lists_the_own_orders(stub: Any, merchant: Any, sell: Sell) -> None:
    tea = sell()
    orders = [stub.PlaceOrder(request(merchant, {tea: n}), metadata=SHOPPER).order for n in (1, 2)]
    newest_first = [orders[1], orders[0]]
    for somebody in (SHOPPER, caller(merchant.owner_id, "vendor")):
        assert list(stub.ListMyOrders(pb.ListMyOrdersRequest(), metadata=somebody).orders) == newest_first
    stranger = caller(new_id("usr"), "shopper")
    assert not stub.ListMyOrders(pb.ListMyOrdersRequest(), metadata=stranger).orders
