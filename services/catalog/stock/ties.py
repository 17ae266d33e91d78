"""Do products and reservations say the same? What `cho audit` asks of the catalog's documents. Reads only.

    received = on hand + reserved + sold + written off      of every lot, those that have made room included
    sold     = what orders' reservations say they took      of every lot
    reserved = what orders that are open have set aside

Exact beside traffic: a product is read before the reservations and once more after them, and one that has changed in
between is not compared. A reservation is SOLD only after its last product was written, and SELLING before the first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kit import clock
from kit.ids import id_time
from services.catalog.stock import shelf as shelves
from services.catalog.stock.documents import CatalogReservation, CatalogSpentLot, lot_of
from services.catalog.stock.reservation import ENDED, State
from services.catalog.stock.shelf import Lot, Shelf
from services.catalog.stock.store import KEPT
from services.catalog.store import shelves_of

# An order that has ended holds nothing any more; the worker looks every second.
LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Looked:
    """`wrong`: what does not hold, by product. `moving`: products that changed meanwhile, and were not compared."""

    products: int
    moving: int
    wrong: Mapping[str, list[str]]


@dataclass(slots=True)
class _Taken:
    """What reservations say of lots: base units that are sold, and those that are just being sold; orders that are
    over, and those that are sold."""

    sold: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    selling: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    over: set[str] = field(default_factory=set)


def look() -> Looked:
    """Compares all of it. Raises pymongo's errors."""
    before = {product_id: (version, shelf) for product_id, version, shelf in shelves_of()}
    spent: dict[str, dict[str, Lot]] = defaultdict(dict)
    for document in CatalogSpentLot.objects.no_cache():
        spent[document.product_id][document.id] = lot_of(document.lot)
    orders = _taken({hold.order_id for _, shelf in before.values() for hold in shelf.holds if not hold.sold})
    after = {product_id: version for product_id, version, _ in shelves_of()}
    now, wrong, moving = clock.now(), {}, 0
    for product_id, (version, shelf) in before.items():
        if after.get(product_id) != version:
            moving += 1
            continue
        # Cut off while it made room, a lot is in both: the product's counts.
        lots = {**spent.get(product_id, {}), **{lot.id: lot for lot in shelf.lots}}
        found = [*shelves.findings(Shelf(tuple(lots.values()), shelf.holds)), *_holds(shelf, orders, now)]
        complete = _complete(product_id, now)
        for lot in lots.values():
            found += _lot(lot, orders.sold[lot.id], orders.selling[lot.id], complete=complete)
        if found:
            wrong[product_id] = found
    return Looked(len(before), moving, wrong)


def taken(ids: Iterable[str] | None = None) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Every reservation, or those of these orders: the order's id, its state, and what was sold, base units by
    product. Reads only."""
    found = CatalogReservation.objects if ids is None else CatalogReservation.objects(id__in=list(ids))
    for one in found.only("state", "sale").no_cache():
        yield one.id, one.state, {line.product_id: line.quantity for line in one.sale}


def _taken(holding: set[str]) -> _Taken:
    taken = _Taken()
    for one in CatalogReservation.objects.only("state", "reserved").no_cache():
        state = State(one.state)
        if one.id in holding and (state in ENDED or state is State.SOLD):
            taken.over.add(one.id)
        if state in (State.SOLD, State.SELLING):
            counted = taken.sold if state is State.SOLD else taken.selling
            for reserved in one.reserved:
                for take in reserved.takes:
                    counted[take.lot_id] += take.quantity
    return taken


def _complete(product_id: str, now: datetime) -> bool:
    """Whether every reservation that it ever had is still there."""
    made = id_time(product_id)
    return made is not None and now - made < KEPT


def _lot(lot: Lot, sold: int, selling: int, *, complete: bool) -> list[str]:
    """`complete`: whether reservations that are gone may have sold of it, too."""
    if sold <= lot.sold <= sold + selling or (lot.sold > sold and not complete):
        return []
    return [f"lot {lot.id}: {lot.sold} are sold, and orders took {sold}"]


def _holds(shelf: Shelf, taken: _Taken, now: datetime) -> list[str]:
    return [
        f"{hold.quantity} are set aside for {hold.order_id}, which is over"
        for hold in shelf.holds
        if not hold.sold and hold.order_id in taken.over and hold.due_at + LATE < now
    ]
