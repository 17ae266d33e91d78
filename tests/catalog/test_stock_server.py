"""Stock's server through a real gRPC channel: another service may, people may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from cho.catalog.v1 import stock_pb2 as pb
from cho.catalog.v1 import stock_pb2_grpc
from cho.events.v1 import events_pb2
from google.rpc import error_details_pb2, status_pb2

from kit import clock
from kit.config import settings
from kit.ids import new_key
from kit.rpc.call import service_metadata
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.catalog import store
from services.catalog.product import Offer
from services.catalog.stock import ties
from services.catalog.stock.server import stock_servicers

pytestmark = pytest.mark.usefixtures("database")
ORDERS = service_metadata("orders")


@pytest.fixture(scope="module")
def stub() -> Iterator[Any]:
    running = Server("127.0.0.1:0", stock_servicers())
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield stock_pb2_grpc.StockServiceStub(channel)
    running.stop()


@pytest.fixture
def tea_id(merchant_changed: Callable[..., events_pb2.MerchantChanged], tea: Offer) -> str:
    """60 kg of it."""
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    return store.create(store.merchant(changed.merchant_id), tea, changed.owner_id, new_key()).id


def asked(order_id: str, *lines: tuple[str, int], minutes: int = 15) -> pb.ReserveRequest:
    request = pb.ReserveRequest(order_id=order_id, lines=stock_lines(*lines))
    request.expires_at.FromDatetime(clock.now() + timedelta(minutes=minutes))
    return request


def stock_lines(*lines: tuple[str, int]) -> list[pb.StockLine]:
    return [pb.StockLine(product_id=product_id, quantity=quantity) for product_id, quantity in lines]


def refused(code: str, rpc: Callable[..., Any], request: Any, metadata: Any = ORDERS) -> dict[str, str]:
    """The refusal's details."""
    with pytest.raises(grpc.RpcError) as raised:
        rpc(request, metadata=metadata)
    assert error_code(raised.value) == code
    trailing: Any = dict(raised.value.trailing_metadata())
    info = error_details_pb2.ErrorInfo()
    status_pb2.Status.FromString(trailing["grpc-status-details-bin"]).details[0].Unpack(info)
    return dict(info.metadata)


def test_an_order_reserves_extends_and_buys_by_the_gram(stub: Any, tea_id: str) -> None:
    wanted = asked("ord_1", (tea_id, 1_500))
    made = stub.Reserve(wanted, metadata=ORDERS).reservation
    assert stub.Reserve(wanted, metadata=ORDERS).reservation == made
    assert made.state == pb.RESERVATION_STATE_HELD
    assert made.expires_at.ToMilliseconds() == wanted.expires_at.ToMilliseconds()
    (line,) = made.lines
    assert (line.product_id, line.quantity, line.price, line.unit) == (tea_id, 1_500, 450_000, "kg")
    assert line.grams_per_unit == 1_000
    assert [take.quantity for take in line.lots] == [1_500]
    later = pb.ExtendRequest(order_id="ord_1")
    later.expires_at.FromDatetime(clock.now() + timedelta(hours=1))
    longer = stub.Extend(later, metadata=ORDERS).reservation
    assert longer.expires_at.ToMilliseconds() == later.expires_at.ToMilliseconds()
    sold = stub.Sell(pb.SellRequest(order_id="ord_1", lines=stock_lines((tea_id, 1_420))), metadata=ORDERS).reservation
    assert (sold.state, sold.lines[0].quantity) == (pb.RESERVATION_STATE_SOLD, 1_420)
    assert stub.GetReservation(pb.GetReservationRequest(order_id="ord_1"), metadata=ORDERS).reservation == sold
    assert store.product(tea_id).available == 60_000 - 1_420


def test_it_says_how_much_is_left_and_of_what(stub: Any, tea_id: str) -> None:
    details = refused("OUT_OF_STOCK", stub.Reserve, asked("ord_1", (tea_id, 60_001)))
    assert details == {"product_id": tea_id, "left": "60000"}
    found = stub.GetReservation(pb.GetReservationRequest(order_id="ord_1"), metadata=ORDERS).reservation
    assert found.state == pb.RESERVATION_STATE_REFUSED


def test_what_is_released_is_nobodys_and_what_never_was_stays_nothing(stub: Any, tea_id: str) -> None:
    stub.Reserve(asked("ord_1", (tea_id, 5)), metadata=ORDERS)
    released = stub.Release(pb.ReleaseRequest(order_id="ord_1"), metadata=ORDERS).reservation
    assert released.state == pb.RESERVATION_STATE_RELEASED
    assert not stub.Release(pb.ReleaseRequest(order_id="ord_2"), metadata=ORDERS).HasField("reservation")
    refused("WRONG_STATE", stub.Reserve, asked("ord_2", (tea_id, 5)))
    refused("IDEMPOTENCY_CONFLICT", stub.Reserve, asked("ord_1", (tea_id, 6)))


def test_what_cannot_be_is_refused(stub: Any, tea_id: str) -> None:
    details = refused("PRODUCT_NOT_FOR_SALE", stub.Reserve, asked("ord_1", ("prd_unknown", 1)))
    assert details == {"product_id": "prd_unknown"}
    refused("INVALID_ARGUMENT", stub.Reserve, asked("ord_3", (tea_id, 1), minutes=-1))
    never = pb.ReserveRequest(order_id="ord_3", lines=stock_lines((tea_id, 1)))
    never.expires_at.seconds = 2**60
    refused("INVALID_ARGUMENT", stub.Reserve, never)
    refused("INVALID_ARGUMENT", stub.Sell, pb.SellRequest(order_id="ord_1", lines=stock_lines((tea_id, -1))))
    refused("INVALID_ARGUMENT", stub.Release, pb.ReleaseRequest())
    refused("INVALID_ARGUMENT", stub.GetReservation, pb.GetReservationRequest())
    for rpc, request in (
        (stub.Sell, pb.SellRequest(order_id="ord_3", lines=stock_lines((tea_id, 1)))),
        (stub.GetReservation, pb.GetReservationRequest(order_id="ord_3")),
    ):
        refused("NOT_FOUND", rpc, request)


@pytest.mark.parametrize("role", ["shopper", "vendor", "operator", "auditor"])
def test_neither_people_nor_other_services_reserve_sell_or_look(stub: Any, role: str) -> None:
    person = (("x-cho-edge", settings().edge_secret), ("x-cho-sub", "usr_1"), ("x-cho-roles", role))
    calls = (
        (stub.Reserve, pb.ReserveRequest()),
        (stub.Release, pb.ReleaseRequest()),
        (stub.Extend, pb.ExtendRequest()),
        (stub.Sell, pb.SellRequest()),
        (stub.Restock, pb.RestockRequest()),
        (stub.GetReservation, pb.GetReservationRequest()),
    )
    for rpc, request in calls:
        refused("PERMISSION_DENIED", rpc, request, person)
        refused("PERMISSION_DENIED", rpc, request, service_metadata("settlement"))


def test_the_audit_sees_stock_that_went_missing(tea_id: str) -> None:
    assert ties.look() == ties.Looked(1, 0, {})
    store.CatalogProduct.objects(id=tea_id).update(set__lots__0__on_hand=59_000)
    ((product_id, (finding,)),) = ties.look().wrong.items()
    assert product_id == tea_id
    assert finding.startswith("lot ")


def test_a_product_from_before_there_were_lots_has_one(tea_id: str) -> None:
    gone = {"unset__lots": True, "unset__holds": True, "unset__grams_per_unit": True, "set__stock": 3}
    store.CatalogProduct.objects(id=tea_id).update(**gone)
    assert store.product(tea_id).available == 3_000
    assert ties.look() == ties.Looked(1, 0, {})
    (lot,) = store.update(store.product(tea_id), {"stock": 2}).shelf.lots
    assert (lot.received, lot.on_hand, lot.written_off) == (3_000, 2_000, 1_000)
    assert store.product(tea_id).shelf.lots == (lot,)
