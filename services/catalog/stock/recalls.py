"""Lots that are recalled, and who took from them.

The product's document decides: from the write that recalls its lot on, nothing is taken of it. What was set aside until
then is noted in the same write, and what was sold stands in the orders' reservations; together they are all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial

from kit.errors import NotFound, WrongState
from services.catalog import store
from services.catalog.stock import restock
from services.catalog.stock import shelf as shelves
from services.catalog.stock import store as reservations
from services.catalog.stock.documents import CatalogReservation
from services.catalog.stock.reservation import ENDED, Reservation, State
from services.catalog.stock.shelf import Lot, Shelf, TakenBack
from services.catalog.store import Product

TAKERS_A_PAGE = 1_000
# Set aside and given back before the lot was recalled, or refused: nothing of it ever left the stall.
_TOOK = frozenset(State) - ENDED


def recall(product_id: str, lot_id: str, recall_id: str) -> None:
    """Raises NotFound, WrongState (recalled by another one), Contention, Overloaded."""
    for one in _with_what_came_back(product_id, lot_id):
        # What came back may be another recall's already: it is out of sale, and lists who took from it.
        with suppress(WrongState) if one != lot_id else nullcontext():
            _change(product_id, one, partial(shelves.recall, lot_id=one, recall_id=recall_id))


def reinstate(product_id: str, lot_id: str, recall_id: str) -> None:
    """Raises NotFound, Contention, Overloaded."""
    for one in _with_what_came_back(product_id, lot_id):
        _change(product_id, one, partial(shelves.reinstate, lot_id=one, recall_id=recall_id))


def takers(product_id: str, lot_id: str, after: str) -> tuple[list[TakenBack], bool]:
    """Orders that took from a lot, those whose id comes after `after`, a page of them, and whether there are more.

    Raises NotFound.
    """
    found: dict[str, int] = {}
    for lot in _with_what_came_back(product_id, lot_id):
        of_lot = {one.order_id: one.quantity for one in _lot(product_id, lot).taken_back}
        for known in _takers(lot):
            of_lot[known.order_id] = sum(
                take.quantity for one in known.reserved for take in one.takes if take.lot_id == lot
            )
        for order_id, quantity in of_lot.items():
            found[order_id] = found.get(order_id, 0) + quantity
    later = sorted(order_id for order_id in found if order_id > after)
    page = [TakenBack(order_id, found[order_id]) for order_id in later[:TAKERS_A_PAGE]]
    return page, len(later) > len(page)


def _takers(lot_id: str) -> Iterator[Reservation]:
    for document in CatalogReservation.objects(reserved__takes__lot_id=lot_id).no_cache():
        known = reservations.read(document)
        if known.state in _TOOK:
            yield known


def _with_what_came_back(product_id: str, lot_id: str) -> Iterator[str]:
    """The lot; then those that came back of it, and of these. A lot is given before what came back of it is looked for:
    once it is recalled, nothing more comes back of it."""
    waiting = [lot_id]
    while waiting:
        lot = waiting.pop()
        yield lot
        back = [restock.lot_id_of(known, lot) for known in _takers(lot) if known.state is State.SOLD]
        shelf = store.product(product_id).shelf
        waiting += [one for one in back if shelf.lot(one) or store.spent_lot(one)]


def _change(product_id: str, lot_id: str, rule: Callable[[Shelf], Shelf]) -> None:
    """Changes a lot where it is: in its product's document, or where lots are that have made room for others."""

    def changed(found: Product) -> Product:
        return replace(found, shelf=rule(found.shelf))

    if store.product(product_id).shelf.lot(lot_id) is not None:
        # Not found any more, it has just made room.
        with suppress(NotFound):
            store.change(product_id, changed)
            return
    spent = _spent(product_id, lot_id)
    after = rule(Shelf((spent,))).lot(lot_id)
    assert after is not None
    if after != spent:
        store.keep_spent(product_id, after)


def _lot(product_id: str, lot_id: str) -> Lot:
    return store.product(product_id).shelf.lot(lot_id) or _spent(product_id, lot_id)


def _spent(product_id: str, lot_id: str) -> Lot:
    found = store.spent_lot(lot_id)
    if found is None or found[0] != product_id:
        raise NotFound("the product has no such lot")
    return found[1]
