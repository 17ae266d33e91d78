"""What `cho audit` finds wrong with stock: each way in which it can come apart, made and found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import clock
from kit.ids import new_key
from services.catalog import store
from services.catalog.product import Offer
from services.catalog.stock import steps, ties
from services.catalog.stock import store as reservations
from services.catalog.stock.documents import CatalogReservation
from services.catalog.stock.reservation import Line
from services.catalog.stock.shelf import Lot

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def tea_id(merchant_changed: Callable[..., events_pb2.MerchantChanged], tea: Offer) -> str:
    """60 kg of it: 500 g are sold, 300 g set aside, 200 g were given back."""
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    product_id = store.create(store.merchant(changed.merchant_id), tea, changed.owner_id, new_key()).id
    for order_id, grams in (("ord_sold", 600), ("ord_open", 300), ("ord_over", 200)):
        steps.reserve(order_id, [Line(product_id, grams)], soon())
    steps.sell("ord_sold", [Line(product_id, 500)])
    steps.release("ord_over")
    assert ties.look() == ties.Looked(1, 0, {})
    return product_id


def soon() -> datetime:
    return clock.now() + timedelta(minutes=15)


def product(product_id: str, **fields: Any) -> None:
    assert store.CatalogProduct.objects(id=product_id).update_one(**fields) == 1


def found(product_id: str) -> str:
    ((wrong, (finding,)),) = ties.look().wrong.items()
    assert wrong == product_id
    return finding


def test_stock_that_went_missing_from_a_lot_is_found(tea_id: str) -> None:
    product(tea_id, inc__lots__0__on_hand=-1)
    assert "received 60000, but on hand" in found(tea_id)


def test_stock_that_is_set_aside_for_nobody_is_found(tea_id: str) -> None:
    product(tea_id, inc__lots__0__reserved=1, inc__lots__0__on_hand=-1)
    assert "reserved 301" in found(tea_id)


def test_a_sale_that_no_order_made_is_found(tea_id: str) -> None:
    product(tea_id, inc__lots__0__sold=1, inc__lots__0__on_hand=-1)
    assert found(tea_id).endswith("501 are sold, and orders took 500")


def test_a_sale_that_a_lot_lost_is_found(tea_id: str) -> None:
    product(tea_id, inc__lots__0__sold=-500, inc__lots__0__on_hand=500)
    assert found(tea_id).endswith("0 are sold, and orders took 500")


def test_a_sale_that_a_lot_lost_is_found_after_its_lot_has_made_room(tea_id: str) -> None:
    store.keep_spent(tea_id, Lot("lot_gone", 10, 0, sold=9, written_off=0))
    assert ties.look().wrong[tea_id] == [
        "lot lot_gone: received 10, but on hand, reserved, sold, written off are (0, 0, 9, 0)",
        "lot lot_gone: 9 are sold, and orders took 0",
    ]


def test_what_an_order_still_holds_that_is_long_over_is_found(tea_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    CatalogReservation.objects(id="ord_open").update_one(set__state="released")
    assert ties.look().wrong == {}, "the worker is about to give it back"
    later = clock.now() + timedelta(minutes=15) + 2 * ties.LATE
    monkeypatch.setattr(clock, "now", lambda: later)
    assert found(tea_id) == "300 are set aside for ord_open, which is over"


def test_a_sale_that_is_under_way_may_be_in_its_lot_or_not_yet(tea_id: str) -> None:
    steps.reserve("ord_now", [Line(tea_id, 100)], soon())
    before = reservations.reservation("ord_now")
    assert before is not None
    CatalogReservation.objects(id="ord_now").update_one(set__state="selling")
    assert ties.look().wrong == {}
    reservations.sell("ord_now", tea_id, 100)
    assert ties.look().wrong == {}


def test_sales_of_orders_that_are_kept_no_longer_are_not_missed(tea_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    CatalogReservation.objects(id="ord_sold").delete()
    assert found(tea_id).endswith("500 are sold, and orders took 0")
    later = clock.now() + reservations.KEPT
    monkeypatch.setattr(clock, "now", lambda: later)
    assert ties.look().wrong == {}


def test_a_product_that_changes_meanwhile_is_counted_and_not_compared(
    tea_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = ties._taken

    def sold_meanwhile(holding: set[str]) -> Any:
        steps.sell("ord_open", [Line(tea_id, 300)])
        return really(holding)

    monkeypatch.setattr(ties, "_taken", sold_meanwhile)
    assert ties.look() == ties.Looked(1, 1, {})
