"""Lots that are recalled, on a real MongoDB-wire server: nothing of them is sold, and who took from them is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import clock
from kit.errors import NotFound, OutOfStock, WrongState
from kit.ids import new_id, new_key
from services.catalog import store
from services.catalog.merchant import Merchant
from services.catalog.product import offer
from services.catalog.stock import deliveries, recalls, restock, steps, ties
from services.catalog.stock import shelf as shelves
from services.catalog.stock import store as reservations
from services.catalog.stock.facts import NOTHING
from services.catalog.stock.reservation import Line, State
from services.catalog.stock.shelf import LOTS_MAX, Hold, Lot, Shelf, Take

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def merchant(merchant_changed: Callable[..., events_pb2.MerchantChanged]) -> Merchant:
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    return store.merchant(changed.merchant_id)


@pytest.fixture
def product_id(merchant: Merchant) -> str:
    """Ten bunches in the lot that was counted first."""
    return store.create(merchant, offer("Rau ngót", "", "bó", 8_000, 10), "usr", new_key()).id


@pytest.fixture(autouse=True)
def _everything_adds_up(database: None) -> Iterator[None]:
    yield
    for document in store.CatalogProduct.objects.only("id"):
        assert shelves.findings(store.product(document.id).shelf) == []


def reserve(order_id: str, product_id: str, quantity: int) -> None:
    steps.reserve(order_id, [Line(product_id, quantity)], clock.now() + timedelta(minutes=15))


def delivered(product_id: str, quantity: int) -> str:
    """Another lot, which came in later; its id."""
    return deliveries.add_lot(store.product(product_id), new_key(), quantity, NOTHING, None).id


def taken(product_id: str, lot_id: str) -> list[tuple[str, int]]:
    return [(one.order_id, one.quantity) for one in recalls.takers(product_id, lot_id, "")[0]]


def test_nothing_of_a_recalled_lot_is_sold_and_what_was_set_aside_is_set_aside_no_longer(product_id: str) -> None:
    lot_id = store.first_lot(product_id)
    reserve("ord_held", product_id, 3)
    recalls.recall(product_id, lot_id, "rec_1")
    product = store.product(product_id)
    assert (product.available, product.shelf.lot(lot_id).reserved, product.shelf.lot(lot_id).on_hand) == (0, 0, 10)  # type: ignore[union-attr]
    with pytest.raises(OutOfStock):
        reserve("ord_late", product_id, 1)
    with pytest.raises(OutOfStock):
        steps.sell("ord_held", [Line(product_id, 3)])
    told = store.CatalogProduct.objects(id=product_id).get().outbox[-1]
    said = events_pb2.ProductChanged.FromString(told.data)
    assert (told.type, said.available, said.recalled_lots) == ("product.changed", 0, [lot_id])


def test_whoever_was_sold_of_it_or_had_it_set_aside_is_listed_and_nobody_else(product_id: str) -> None:
    lot_id, later = store.first_lot(product_id), delivered(product_id, 20)
    for order_id, quantity in (("ord_sold", 2), ("ord_held", 3), ("ord_over", 1)):
        reserve(order_id, product_id, quantity)
    steps.sell("ord_sold", [Line(product_id, 2)])
    steps.release("ord_over")
    reserve("ord_both", product_id, 7)
    reserve("ord_other", product_id, 1)
    recalls.recall(product_id, lot_id, "rec_1")
    assert taken(product_id, lot_id) == [("ord_both", 5), ("ord_held", 3), ("ord_sold", 2)]
    reserve("ord_after", product_id, 1)
    steps.release("ord_held")
    assert taken(product_id, lot_id) == [("ord_both", 5), ("ord_held", 3), ("ord_sold", 2)], "whatever comes after"
    assert [one.lot_id for one in store.product(product_id).shelf.hold("ord_after").takes] == [later]  # type: ignore[union-attr]


def test_what_came_back_of_a_lot_is_recalled_with_it_and_nothing_more_comes_back(product_id: str) -> None:
    lot_id = store.first_lot(product_id)
    for order_id in ("ord_first", "ord_kept"):
        reserve(order_id, product_id, 5)
        steps.sell(order_id, [Line(product_id, 5)])
    restock.restock("ord_first", [product_id])
    reserve("ord_second", product_id, 2)
    steps.sell("ord_second", [Line(product_id, 2)])
    reserve("ord_held", product_id, 3)
    recalls.recall(product_id, lot_id, "rec_1")
    listed = [("ord_first", 5), ("ord_held", 3), ("ord_kept", 5), ("ord_second", 2)]
    assert (store.product(product_id).available, taken(product_id, lot_id)) == (0, listed)
    for order_id in ("ord_kept", "ord_second"):
        with pytest.raises(WrongState):
            restock.restock(order_id, [product_id])
    recalls.reinstate(product_id, lot_id, "rec_1")
    restock.restock("ord_second", [product_id])
    assert store.product(product_id).available == 5


def test_takers_come_in_pages(product_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recalls, "TAKERS_A_PAGE", 2)
    lot_id = store.first_lot(product_id)
    for number in range(3):
        reserve(f"ord_{number}", product_id, 1)
    recalls.recall(product_id, lot_id, "rec_1")
    page, more = recalls.takers(product_id, lot_id, "")
    assert ([one.order_id for one in page], more) == (["ord_0", "ord_1"], True)
    page, more = recalls.takers(product_id, lot_id, "ord_1")
    assert ([one.order_id for one in page], more) == (["ord_2"], False)


def test_a_recall_again_changes_nothing_and_another_one_is_refused(product_id: str) -> None:
    lot_id = store.first_lot(product_id)
    recalls.recall(product_id, lot_id, "rec_1")
    version = store.product(product_id).version
    recalls.recall(product_id, lot_id, "rec_1")
    assert store.product(product_id).version == version
    with pytest.raises(WrongState):
        recalls.recall(product_id, lot_id, "rec_2")
    with pytest.raises(NotFound):
        recalls.recall(product_id, new_id("lot"), "rec_1")


def test_a_lot_whose_recall_is_withdrawn_is_sold_again_and_only_by_that_recall(product_id: str) -> None:
    lot_id = store.first_lot(product_id)
    reserve("ord_held", product_id, 3)
    recalls.recall(product_id, lot_id, "rec_1")
    recalls.reinstate(product_id, lot_id, "rec_2")
    assert store.product(product_id).available == 0
    recalls.reinstate(product_id, lot_id, "rec_1")
    steps.sell("ord_held", [Line(product_id, 3)])
    assert store.product(product_id).available == 7


def test_what_is_counted_after_a_recall_is_a_lot_of_its_own_and_what_is_recalled_can_be_written_off(
    product_id: str,
) -> None:
    lot_id = store.first_lot(product_id)
    recalls.recall(product_id, lot_id, "rec_1")
    store.update(store.product(product_id), {"stock": 6})
    product = store.product(product_id)
    assert (product.available, product.shelf.lot(lot_id).on_hand) == (6, 10)  # type: ignore[union-attr]
    written = deliveries.write_off(product, new_key(), lot_id, 10, "tiêu hủy", "usr")
    assert (written.on_hand, written.written_off) == (0, 10)


def test_a_lot_that_has_made_room_is_recalled_where_it_is_kept(product_id: str) -> None:
    lot_id = store.first_lot(product_id)
    reserve("ord_sold", product_id, 10)
    steps.sell("ord_sold", [Line(product_id, 10)])
    for _ in range(LOTS_MAX):
        delivered(product_id, 1)
    assert store.product(product_id).shelf.lot(lot_id) is None
    recalls.recall(product_id, lot_id, "rec_1")
    assert store.spent_lot(lot_id)[1].recall_id == "rec_1"  # type: ignore[index]
    assert taken(product_id, lot_id) == [("ord_sold", 10)]
    recalls.reinstate(product_id, lot_id, "rec_1")
    assert store.spent_lot(lot_id)[1].recall_id == ""  # type: ignore[index]


def test_a_lot_that_makes_room_for_what_was_counted_is_kept_and_never_takes_anything_in_again(
    product_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "LOTS_MAX", 2)
    first = store.first_lot(product_id)
    reserve("ord_first", product_id, 10)
    steps.sell("ord_first", [Line(product_id, 10)])
    second, third = delivered(product_id, 5), delivered(product_id, 5)
    reserve("ord_second", product_id, 5)
    steps.sell("ord_second", [Line(product_id, 5)])
    # More is there than was known: a lot comes in, and the second one makes room for it.
    store.update(store.product(product_id), {"stock": 9})
    counted = [lot.id for lot in store.product(product_id).shelf.lots if lot.id != third]
    assert not {first, second} & set(counted)
    for lot_id, order_id in ((first, "ord_first"), (second, "ord_second")):
        recalls.recall(product_id, lot_id, "rec_1")
        assert [order for order, _ in taken(product_id, lot_id)] == [order_id]
    assert store.product(product_id).available == 9
    assert ties.look().wrong == {}


def test_a_lot_that_makes_room_while_it_is_recalled_is_recalled_where_it_is_kept(
    product_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "LOTS_MAX", 1)
    lot_id, change = store.first_lot(product_id), store.change
    reserve("ord_sold", product_id, 10)
    steps.sell("ord_sold", [Line(product_id, 10)])

    def makes_room(*args: Any) -> Any:
        monkeypatch.setattr(store, "change", change)
        delivered(product_id, 1)
        return change(*args)

    monkeypatch.setattr(store, "change", makes_room)
    recalls.recall(product_id, lot_id, "rec_1")
    assert store.spent_lot(lot_id)[1].recall_id == "rec_1"  # type: ignore[index]
    assert taken(product_id, lot_id) == [("ord_sold", 10)]


def test_a_sale_that_was_decided_before_the_recall_ends_and_is_listed(
    product_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot_id, later = store.first_lot(product_id), delivered(product_id, 5)
    reserve("ord_1", product_id, 12)
    really, recalled = reservations.sell, []

    def sell(*args: Any) -> Any:
        if not recalled:
            recalled.append(recalls.recall(product_id, lot_id, "rec_1"))
        return really(*args)

    monkeypatch.setattr(reservations, "sell", sell)
    sold = steps.sell("ord_1", [Line(product_id, 12)])
    # What stands in the reservation is what the stall handed out: it is what may come back.
    assert (sold.state, sold.reserved[0].takes) == (State.SOLD, (Take(later, 2),))
    assert taken(product_id, lot_id) == [("ord_1", 10)]
    assert ties.look().wrong == {}


def test_a_sale_that_is_remembered_stays_as_it_was() -> None:
    sold = Hold("ord_1", 1, clock.now(), 8_000, (Take("lot_1", 2),), sold=True)
    after = shelves.recall(Shelf((Lot("lot_1", 5, 3, sold=2),), (sold,)), "lot_1", "rec_1")
    assert after.holds == (sold,)
    assert after.lots[0].taken_back == ()
