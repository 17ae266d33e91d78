"""Lots that come in, what is written off of them, and lots whose grower lets the stall sell no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cho.events.v1 import events_pb2

from kit import clock
from kit.errors import IdempotencyConflict, InvalidArgument, MerchantNotFound, NotFound, WrongState
from kit.ids import derived_key, key_time_ms
from services.catalog import growers, store
from services.catalog.product import State
from services.catalog.stock import facts as lot_facts
from services.catalog.stock import shelf as shelves
from services.catalog.stock.facts import Facts, Loss
from services.catalog.stock.reservation import LINE_QUANTITY_MAX
from services.catalog.stock.shelf import Lot, Shelf
from services.catalog.store import CatalogProduct, Product


def add_lot(product: Product, request_id: str, quantity: int, facts: Facts, sell_by: date | None) -> Lot:
    """A lot of `quantity` base units came in. The same request again is answered alike.

    Raises InvalidArgument, LotExpired, NoRelation, IdempotencyConflict, LimitExceeded, WrongState (withdrawn),
    Contention, Overloaded.
    """
    lot_id = _lot_id(product.id, request_id)
    if not 1 <= quantity <= LINE_QUANTITY_MAX:
        raise InvalidArgument(f"quantity must be from 1 to {LINE_QUANTITY_MAX}, not {quantity}")
    if known := store.product(product.id).shelf.lot(lot_id) or _spent(product.id, lot_id):
        # What was true on the day when it came in need not be so today.
        if (known.received, known.sell_by, known.facts) != (quantity, sell_by, lot_facts.tidy(facts)):
            raise IdempotencyConflict("request_id was used for another lot")
        return known
    today = clock.today()
    checked = lot_facts.check_facts(facts, sell_by, today)
    until = growers.last_day(product.merchant, facts.grower_id, today) if facts.grower_id else None
    lot = Lot(lot_id, quantity, quantity, sell_by=sell_by, until=until, facts=checked)

    def received(found: Product) -> Product:
        if found.state is State.WITHDRAWN:
            raise WrongState("the product is withdrawn", state=found.state)
        return replace(found, shelf=shelves.receive(found.shelf, lot))

    store.change(product.id, received)
    if facts.grower_id:
        # The relation may have ended while this was written.
        bound(product.id, facts.grower_id)
    stored = store.product(product.id).shelf.lot(lot_id)
    return stored or lot


def write_off(product: Product, request_id: str, lot_id: str, quantity: int, reason: str, by: str) -> Lot:
    """Takes `quantity` base units of a lot out of stock. The same request again changes nothing.

    Raises InvalidArgument, NotFound, OutOfStock, IdempotencyConflict, LimitExceeded, Contention, Overloaded.
    """
    if key_time_ms(request_id) is None:
        raise InvalidArgument("request_id must be a UUIDv7")
    loss = Loss(request_id, quantity, lot_facts.check_reason(reason), by, clock.now())

    def lost(found: Product) -> Product:
        return replace(found, shelf=shelves.write_off(found.shelf, lot_id, loss))

    try:
        shelf = store.change(product.id, lost).shelf
    except NotFound:
        # With nothing left of it, it has made room for another one; what was written off of it is known all the same.
        spent = _spent(product.id, lot_id)
        if spent is None:
            raise
        shelf = shelves.write_off(Shelf((spent,)), lot_id, loss)
    lot = shelf.lot(lot_id)
    assert lot is not None
    return lot


def hear_relation(told: events_pb2.RelationChanged) -> None:
    """Remembers a relation, and until when the stall sells the grower's lots. Raises Contention, Overloaded."""
    growers.apply_relation(told)
    found = CatalogProduct.objects(merchant_id=told.merchant_id, lots__grower_id=told.grower_id).only("id")
    for document in found:
        bound(document.id, told.grower_id)


def bound(product_id: str, grower_id: str) -> None:
    """Its lots of a grower are for sale as long as the grower lets the stall. Raises Contention, Overloaded."""

    def bounded(found: Product) -> Product:
        until = growers.ended_day(found.merchant, grower_id, clock.today())
        return replace(found, shelf=shelves.sold_until(found.shelf, grower_id, until))

    try:
        store.change(product_id, bounded)
    except MerchantNotFound:  # told before the merchant is: it has no products
        return


def _spent(product_id: str, lot_id: str) -> Lot | None:
    found = store.spent_lot(lot_id)
    return found[1] if found and found[0] == product_id else None


def _lot_id(product_id: str, request_id: str) -> str:
    """The same for the same request; none that somebody else has chosen, or chooses, for a lot of another product."""
    at_ms = key_time_ms(request_id)
    if at_ms is None:
        raise InvalidArgument("request_id must be a UUIDv7")
    return f"lot_{derived_key(at_ms, 'lot', product_id, request_id).replace('-', '')}"
