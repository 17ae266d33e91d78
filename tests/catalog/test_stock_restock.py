"""Goods that came back and go on sale again: once, as good as they were, and nothing is lost or made by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from cho.events.v1 import events_pb2

from kit import clock
from kit.errors import InvalidArgument, NotFound, WrongState
from kit.ids import new_key
from services.catalog import store
from services.catalog.product import Offer
from services.catalog.product import State as ProductState
from services.catalog.search.index import Index
from services.catalog.search.question import Question
from services.catalog.stock import deliveries, expiry, restock, steps, ties
from services.catalog.stock import shelf as shelves
from services.catalog.stock import store as reservations
from services.catalog.stock.documents import CatalogReservation
from services.catalog.stock.facts import Facts
from services.catalog.stock.reservation import Line, Reservation

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _everything_ties(database: None) -> Iterator[None]:
    yield
    assert ties.look().wrong == {}


@pytest.fixture
def tea_id(merchant_changed: Callable[..., events_pb2.MerchantChanged], tea: Offer) -> str:
    """60 kg of it that nobody says anything about, and 2 kg of four stars for a week."""
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    product = store.create(store.merchant(changed.merchant_id), tea, changed.owner_id, new_key())
    week = clock.today() + timedelta(days=7)
    deliveries.add_lot(product, new_key(), 2_000, Facts(ocop_stars=4), week)
    return product.id


@pytest.fixture
def sold(tea_id: str) -> Reservation:
    """2.5 kg: the 2 kg of four stars, and half a kilo of the others."""
    steps.reserve("ord_1", [Line(tea_id, 2_600)], clock.now() + timedelta(minutes=15))
    return steps.sell("ord_1", [Line(tea_id, 2_500)])


def test_what_came_back_is_for_sale_again_once_with_the_facts_that_it_had(tea_id: str, sold: Reservation) -> None:
    assert store.product(tea_id).available == 59_500
    for _ in range(3):
        restock.restock("ord_1", [tea_id])
    product = store.product(tea_id)
    assert product.available == 62_000
    starred, plain = sold.reserved[0].takes
    good, other = (product.shelf.lot(restock.lot_id_of(sold, take.lot_id)) for take in (starred, plain))
    assert good is not None
    assert other is not None
    of = product.shelf.lot(starred.lot_id)
    assert of is not None
    assert (good.received, good.on_hand, good.sell_by, good.facts) == (2_000, 2_000, of.sell_by, of.facts)
    assert (other.received, other.sell_by) == (500, None)
    assert (of.sold, of.on_hand) == (2_000, 0), "what was sold stays sold"
    document = store.CatalogProduct.objects(id=tea_id).get()
    told = events_pb2.ProductChanged.FromString(document.outbox[-1].data)
    assert (document.outbox[-1].type, told.available) == ("product.changed", 62_000)


def test_what_came_back_and_was_sold_again_does_not_come_back_a_second_time(
    tea_id: str, sold: Reservation, monkeypatch: pytest.MonkeyPatch
) -> None:
    restock.restock("ord_1", [tea_id])
    steps.reserve("ord_2", [Line(tea_id, 62_000)], clock.now() + timedelta(minutes=15))
    steps.sell("ord_2", [Line(tea_id, 62_000)])
    restock.restock("ord_1", [tea_id])
    assert store.product(tea_id).available == 0
    # Its lots make room one by one, and still it is known that they were there.
    monkeypatch.setattr(shelves, "LOTS_MAX", 4)
    for _ in range(4):
        deliveries.add_lot(store.product(tea_id), new_key(), 1, Facts(), None)
    restock.restock("ord_1", [tea_id])
    assert store.product(tea_id).available == 4


def test_cut_off_in_the_middle_of_the_sale_it_is_finished_first(tea_id: str) -> None:
    steps.reserve("ord_1", [Line(tea_id, 1_000)], clock.now() + timedelta(minutes=15))

    def dies(*_: object) -> None:
        raise ConnectionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reservations, "sell", dies)
        with pytest.raises(ConnectionError):
            steps.sell("ord_1", [Line(tea_id, 1_000)])
    restock.restock("ord_1", [tea_id])
    assert CatalogReservation.objects(id="ord_1").get().state == "sold"
    assert store.product(tea_id).available == 62_000


def test_what_was_not_sold_or_is_withdrawn_is_not_put_back(tea_id: str, sold: Reservation) -> None:
    with pytest.raises(NotFound):
        restock.restock("ord_unknown", [tea_id])
    steps.reserve("ord_2", [Line(tea_id, 1)], clock.now() + timedelta(minutes=15))
    with pytest.raises(WrongState):
        restock.restock("ord_2", [tea_id])
    for wrong in ([], ["prd_other"], [tea_id, tea_id]):
        with pytest.raises(InvalidArgument):
            restock.restock("ord_1", wrong)
    store.update(store.product(tea_id), {"state": ProductState.WITHDRAWN})
    with pytest.raises(WrongState):
        restock.restock("ord_1", [tea_id])


def test_search_shows_what_came_back_and_no_longer_what_is_over_since_midnight(
    tea_id: str, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_stock() -> bool:
        """By what the catalog has told."""
        document = store.CatalogProduct.objects(id=tea_id).get()
        with index.write() as batch:
            batch.put_merchant(store.product(tea_id).merchant)
            for event in document.outbox:
                batch.put_product(events_pb2.ProductChanged.FromString(event.data))
        return bool(index.search(Question("chè", in_stock=True), 10).products)

    def buy(order_id: str, grams: int) -> None:
        steps.reserve(order_id, [Line(tea_id, grams)], clock.now() + timedelta(minutes=15))
        steps.sell(order_id, [Line(tea_id, grams)])

    buy("ord_1", 1_500)  # of the lot that is for a week
    buy("ord_2", 60_500)
    assert not in_stock()
    restock.restock("ord_1", [tea_id])
    assert in_stock()
    eight_days_on = clock.now_ms() + 8 * 86_400_000
    monkeypatch.setattr(clock, "now_ms", lambda: eight_days_on)
    assert expiry.tick() == 1
    assert not in_stock()
