"""A lot that a live sale sells is recalled: the sale ends, and whoever claimed of the product gets the money back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kit import clock
from kit.errors import NotOpen
from services.orders import store as orders
from services.orders.live import sale as sales
from services.orders.live import store
from services.orders.order import State
from services.orders.recalls.clerk import Clerk
from services.orders.recalls.recall import State as RecallState
from services.orders.worker import end_overdue
from tests.orders.conftest import Market
from tests.orders.live_stall import Stall
from tests.orders.recall_office import Office, states

PRICE = 50_000


@pytest.fixture
def stall(market: Market, valkey: str) -> Stall:
    return Stall.of(market, valkey)


def office_of(stall: Stall) -> Office:
    office = Office.of(stall.market, stall.room.pool)
    office.merchant, office.greens = stall.merchant, stall.products[0]
    office.clerk = Clerk(office.lots, stall.market.carrier, stall.room.pool)
    return office


def test_a_live_sale_of_the_lot_is_closed_and_its_claims_are_listed_and_refunded(stall: Stall) -> None:
    sale = stall.opened(3, 3)
    paid, unpaid = stall.claim(sale), stall.claim(sale)
    other = stall.claim(sale, product=1)
    stall.room.keeper.tick()
    stall.market.purse.pay(PRICE, orders.order(paid.order_id).code)
    office = office_of(stall)
    office.hear()
    recall = office.work(office.opened())
    assert recall.state is RecallState.LISTED
    assert store.sale(sale.id).state is sales.State.CLOSED
    with pytest.raises(NotOpen):
        stall.claim(sale)
    assert states(recall) == {paid.order_id: ("stopped", 0, ""), unpaid.order_id: ("stopped", 0, "")}
    assert not orders.order(other.order_id).stops
    recall = office.released(recall)
    assert states(recall) == {paid.order_id: ("refunded", PRICE, ""), unpaid.order_id: ("unpaid", 0, "")}
    assert recall.state is RecallState.RELEASED, "a claim may become an order until the sale is sealed"
    assert orders.order(paid.order_id).state is State.CANCELLED
    stall.market.clock.add(timedelta(minutes=31))
    end_overdue()
    stall.market.settle(orders.order(other.order_id))
    stall.room.keeper.tick()
    recall = office.work(recall)
    assert (recall.state, recall.sales) == (RecallState.FINISHED, ())


def test_a_sale_that_is_not_open_yet_is_called_off(stall: Stall) -> None:
    sale = stall.schedule(3, opens_at=clock.now() + timedelta(hours=2), closes_at=clock.now() + timedelta(hours=3))
    stall.market.clock.now = sale.begins_at
    stall.room.keeper.tick()
    assert store.sale(sale.id).set_aside
    office = office_of(stall)
    recall = office.work(office.opened())
    assert (recall.state, recall.sales) == (RecallState.LISTED, ())
    assert store.sale(sale.id).state is sales.State.CANCELLED


def test_what_was_set_aside_for_a_sale_that_is_called_off_is_the_stalls_again(stall: Stall) -> None:
    sale = stall.schedule(3, 3, opens_at=clock.now() + timedelta(hours=2), closes_at=clock.now() + timedelta(hours=3))
    stall.market.clock.now = sale.begins_at
    stall.room.keeper.tick()
    other = stall.products[1]
    assert stall.market.shelf.left[other] == 997
    office = office_of(stall)
    recall = office.opened()
    stall.market.shelf.fail = ["before"]  # and is asked again
    for _ in range(2):
        office.work(recall)
    assert stall.market.shelf.left[other] == 1_000, "not only once it would have been over for two days"
    assert stall.market.shelf.left[office.greens] == 0, "what is recalled is for nobody"
