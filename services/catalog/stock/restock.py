"""Goods that were sold, came back, and go on sale again.

Each comes in as a lot of its own, whose id follows from the order and the lot that it was sold from: put back again, it
is there already. So no lot's history is rewritten, and of every lot received stays what is on hand, reserved, sold and
written off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kit.errors import InvalidArgument, NotFound, WrongState
from kit.ids import derived_key
from services.catalog import store
from services.catalog.product import State as ProductState
from services.catalog.stock import deliveries, steps
from services.catalog.stock import reservation as rules
from services.catalog.stock import shelf as shelves
from services.catalog.stock import store as reservations
from services.catalog.stock.reservation import Reservation, Reserved, State
from services.catalog.stock.shelf import Lot, Take
from services.catalog.store import Product


def restock(order_id: str, product_ids: Sequence[str]) -> None:
    """Puts all that was sold of these products back on sale; again, nothing happens.

    Raises InvalidArgument, NotFound, WrongState (nothing was sold, a product is withdrawn, or a lot that it came of
    recalled), LimitExceeded (too many lots); and Contention or Overloaded, after which the same call goes on where it
    was left.
    """
    rules.check_order_id(order_id)
    known = reservations.reservation(order_id)
    if known is None:
        raise NotFound("nothing was reserved for this order")
    if known.state not in (State.SELLING, State.SOLD):
        raise WrongState("the order was not sold", state=known.state)
    # Cut off in the middle of it, the sale is finished first.
    sold = steps.finish(known)
    taken = {one.product_id: one for one in sold.reserved}
    if not product_ids or len(set(product_ids)) < len(product_ids) or not set(product_ids) <= set(taken):
        raise InvalidArgument("product_ids are products that the order was sold, each once")
    for product_id in product_ids:
        _put_back(sold, taken[product_id])


def lot_id_of(sold: Reservation, lot_id: str) -> str:
    """The lot that comes back of one that an order was sold from."""
    at_ms = int(sold.expires_at.timestamp() * 1000)
    return f"lot_{derived_key(at_ms, 'returned', sold.order_id, lot_id).replace('-', '')}"


def _put_back(sold: Reservation, line: Reserved) -> None:
    known = store.product(line.product_id)
    back = [(take.lot_id, _returned(known, sold, take)) for take in line.takes]
    store.change(line.product_id, lambda found: _with(found, back))
    for grower_id in {lot.facts.grower_id for _, lot in back} - {""}:
        # The relation may have ended while it was sold.
        deliveries.bound(line.product_id, grower_id)


def _returned(product: Product, sold: Reservation, take: Take) -> Lot:
    of = _lot(product, take.lot_id) or Lot(take.lot_id, 0, 0)
    return shelves.returned(of, lot_id_of(sold, take.lot_id), take.quantity)


def _lot(product: Product, lot_id: str) -> Lot | None:
    spent = store.spent_lot(lot_id)
    return product.shelf.lot(lot_id) or (spent[1] if spent else None)


def _with(found: Product, back: Sequence[tuple[str, Lot]]) -> Product:
    """The product with lots that come back of others: (of which, lot)."""
    # Put back before, it is there, or was sold since and has made room.
    new = [(of, lot) for of, lot in back if _lot(found, lot.id) is None]
    if new and found.state is ProductState.WITHDRAWN:
        raise WrongState("the product is withdrawn", state=found.state)
    shelf = found.shelf
    for of, lot in new:
        if source := _lot(found, of):
            shelves.check_not_recalled(source)
        shelf = shelves.receive(shelf, lot)
    return replace(found, shelf=shelf)
