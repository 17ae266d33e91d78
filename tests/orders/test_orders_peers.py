"""What orders counts on of catalog's stock: of the fake that its rules are tried with, and of the real service alike.

What it counts on of payments: tests/payments/test_order_money.py, and tests/system/test_orders.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
import pytest
from cho.events.v1 import events_pb2

from kit import clock
from kit.config import settings
from kit.errors import (
    DomainError,
    IdempotencyConflict,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    TooLate,
    Unavailable,
    WrongState,
)  # fmt: skip
from kit.ids import new_id, new_key
from kit.rpc.threads import Server
from services.catalog import store
from services.catalog.product import offer
from services.catalog.stock.server import stock_servicers
from services.orders import peers
from services.orders.peers import CatalogLots, CatalogStock, PaymentsMoney
from services.orders.ports import Lots, Move, Stock, Taken, Taker
from tests.conftest import free_port, opened
from tests.orders.world import Clock, Shelf, ShelfLots, lot_of

SOON = timedelta(minutes=15)


@dataclass
class Backend:
    """10 bunches of greens and 5 kg of pork for sale; how much is left."""

    stock: Stock
    lots: Lots
    greens: str
    pork: str
    left: Any


@pytest.fixture(scope="module")
def _catalog(mongo_uri: str) -> Iterator[str]:
    """Address of the real service."""
    with opened(store.open_store, mongo_uri):
        running = Server("127.0.0.1:0", stock_servicers())
        yield f"127.0.0.1:{running.port}"
        running.stop()


def real(address: str, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setattr(settings(), "catalog_addr", address)
    peers._stock.cache_clear()
    changed = events_pb2.MerchantChanged(
        merchant_id=new_id("mer"), name="Rau sạch Cô Nga", owner_id=new_id("usr"), market_id=new_id("mkt"), version=2
    )
    store.apply_merchant("merchant.activated", changed)
    merchant = store.merchant(changed.merchant_id)
    greens = store.create(merchant, offer("Rau ngót", "", "bó", 8_000, 10), changed.owner_id, new_key()).id
    pork = store.create(merchant, offer("Thịt ba chỉ", "", "kg", 130_000, 5), changed.owner_id, new_key()).id
    return Backend(CatalogStock(), CatalogLots(), greens, pork, lambda product_id: store.product(product_id).available)


def fake() -> Backend:
    taken = {"prd_greens": Taken(8_000, "bó", 0), "prd_pork": Taken(130_000, "kg", 1_000)}
    shelf = Shelf(Clock(clock.now()), {"prd_greens": 10, "prd_pork": 5_000}, taken)
    return Backend(shelf, ShelfLots(shelf), "prd_greens", "prd_pork", shelf.left.__getitem__)


@pytest.fixture(params=["fake", "real"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Backend:
    if request.param == "fake":
        return fake()
    return real(request.getfixturevalue("_catalog"), monkeypatch)


@pytest.fixture
def order_id() -> str:
    return new_id("ord")


def refused(error: type[DomainError], call: Any, *args: Any) -> DomainError:
    with pytest.raises(error) as raised:
        call(*args)
    return raised.value


def test_nothing_of_a_recalled_lot_is_sold_and_it_knows_who_took_from_it(backend: Backend) -> None:
    sold, held, over, late = sorted(new_id("ord") for _ in range(4))
    until = clock.now() + SOON
    for order_id, quantity in ((sold, 3), (held, 2), (over, 1)):
        backend.stock.reserve(order_id, {backend.greens: quantity}, until)
    backend.stock.sell(sold, {backend.greens: 3})
    backend.stock.release(over)
    lot_id = lot_of(backend.greens)
    for _ in range(2):
        backend.lots.recall(backend.greens, lot_id, "rec_1")
    assert backend.left(backend.greens) == 0
    refused(OutOfStock, backend.stock.reserve, late, {backend.greens: 1}, until)
    refused(OutOfStock, backend.stock.sell, held, {backend.greens: 2})
    for _ in range(2):
        assert backend.lots.takers(backend.greens, lot_id) == [Taker(sold, 3), Taker(held, 2)]
        backend.stock.release(held)
    refused(WrongState, backend.lots.recall, backend.greens, lot_id, "rec_2")
    backend.lots.reinstate(backend.greens, lot_id, "rec_2")
    assert backend.left(backend.greens) == 0, "another recall's"
    for _ in range(2):
        backend.lots.reinstate(backend.greens, lot_id, "rec_1")
    assert backend.left(backend.greens) == 7


def test_a_lot_that_is_not_there_cannot_be_recalled(backend: Backend) -> None:
    refused(NotFound, backend.lots.recall, backend.greens, new_id("lot"), "rec_1")
    refused(NotFound, backend.lots.recall, backend.greens, lot_of(backend.pork), "rec_1")


def test_it_sets_all_aside_or_nothing_and_answers_the_same_again(backend: Backend, order_id: str) -> None:
    stock, until = backend.stock, clock.now() + SOON
    lines = {backend.greens: 4, backend.pork: 1_500}
    taken = stock.reserve(order_id, lines, until)
    assert taken == {backend.greens: Taken(8_000, "bó", 0), backend.pork: Taken(130_000, "kg", 1_000)}
    assert stock.reserve(order_id, lines, until) == taken
    assert (backend.left(backend.greens), backend.left(backend.pork)) == (6, 3_500)
    refused(IdempotencyConflict, stock.reserve, order_id, {backend.greens: 1}, until)
    other = new_id("ord")
    for _ in range(2):
        error = refused(OutOfStock, stock.reserve, other, {backend.greens: 1, backend.pork: 3_501}, until)
        assert error.details == {"product_id": backend.pork, "left": "3500"}
        stock.release(order_id)
    assert backend.left(backend.greens) == 10
    refused(OutOfStock, stock.reserve, other, {backend.greens: 1, backend.pork: 3_501}, until)


def test_what_is_given_back_once_is_not_set_aside_again(backend: Backend, order_id: str) -> None:
    stock, until = backend.stock, clock.now() + SOON
    never = new_id("ord")
    stock.release(never)
    refused(TooLate, stock.reserve, never, {backend.greens: 4}, until)  # it was sent before, and arrives after
    stock.reserve(order_id, {backend.greens: 4}, until)
    for _ in range(2):
        stock.release(order_id)
    assert backend.left(backend.greens) == 10
    refused(TooLate, stock.reserve, order_id, {backend.greens: 4}, until)
    refused(WrongState, stock.extend, order_id, until)


def test_what_was_sold_and_came_back_is_for_sale_again_once(backend: Backend, order_id: str) -> None:
    stock = backend.stock
    stock.reserve(order_id, {backend.greens: 4, backend.pork: 1_500}, clock.now() + SOON)
    refused(WrongState, stock.restock, order_id, [backend.greens])
    stock.sell(order_id, {backend.greens: 4, backend.pork: 1_400})
    for _ in range(2):
        stock.restock(order_id, [backend.pork])
    assert (backend.left(backend.greens), backend.left(backend.pork)) == (6, 5_000)


def test_it_sells_less_or_more_than_was_set_aside_once(backend: Backend, order_id: str) -> None:
    stock, until = backend.stock, clock.now() + SOON
    stock.reserve(order_id, {backend.greens: 4, backend.pork: 1_000}, until)
    stock.extend(order_id, until + SOON)
    refused(OutOfStock, stock.sell, order_id, {backend.greens: 4, backend.pork: 5_001})
    assert (backend.left(backend.greens), backend.left(backend.pork)) == (6, 4_000)
    final = {backend.greens: 3, backend.pork: 1_080}
    for _ in range(2):
        stock.sell(order_id, final)
    assert (backend.left(backend.greens), backend.left(backend.pork)) == (7, 3_920)
    refused(IdempotencyConflict, stock.sell, order_id, {backend.greens: 4, backend.pork: 1_080})
    refused(WrongState, stock.release, order_id)
    refused(WrongState, stock.extend, order_id, until)
    assert (backend.left(backend.greens), backend.left(backend.pork)) == (7, 3_920)


def test_what_was_given_back_is_sold_late_where_there_still_is_any(backend: Backend, order_id: str) -> None:
    stock, until = backend.stock, clock.now() + SOON
    stock.reserve(order_id, {backend.greens: 4}, until)
    stock.release(order_id)
    other = new_id("ord")
    stock.reserve(other, {backend.greens: 7}, until)
    refused(OutOfStock, stock.sell, order_id, {backend.greens: 4})
    stock.release(other)
    for _ in range(2):
        stock.sell(order_id, {backend.greens: 4})
    assert backend.left(backend.greens) == 6


def test_what_weighs_nothing_is_sold_as_if_it_were_not_there(backend: Backend, order_id: str) -> None:
    stock = backend.stock
    stock.reserve(order_id, {backend.greens: 4, backend.pork: 1_000}, clock.now() + SOON)
    for _ in range(2):
        stock.sell(order_id, {backend.greens: 4, backend.pork: 0})
    assert (backend.left(backend.greens), backend.left(backend.pork)) == (6, 5_000)


def test_a_peer_that_cannot_be_reached_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setattr(settings(), "catalog_addr", address)
    monkeypatch.setattr(settings(), "payments_addr", address)
    for found in (peers._stock, peers._money):
        found.cache_clear()
    monkeypatch.setattr(peers, "ANSWER_S_MAX", 0.5)
    refused(Unavailable, CatalogStock().release, "ord_1")
    move = Move("pay_1", "mer_1", "7HX2K9QD", new_key(), 1, "ord_1/refund-1", "")
    refused(Unavailable, PaymentsMoney().refund, move, 0)
    for found in (peers._stock, peers._money):
        found.cache_clear()


def test_where_nobody_says_what_came_of_it_nobody_knows() -> None:
    class Lost(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.DEADLINE_EXCEEDED

        def details(self) -> str:
            return ""

        def trailing_metadata(self) -> None:
            return None

    def lost(*_: Any, **__: Any) -> None:
        raise Lost

    refused(OutcomeUnknown, peers._ask, lost, None)
