"""Reservations in MongoDB, one document an order, and what they do to products' documents, one write each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from cho.events.v1 import events_pb2
from mongoengine.errors import NotUniqueError

from kit import clock
from kit.errors import Contention, NotFound, OutOfStock, ProductNotForSale
from kit.outbox import outbox_event
from services.catalog import store
from services.catalog.stock import shelf as shelves
from services.catalog.stock.documents import (
    CatalogLine,
    CatalogRefusal,
    CatalogReservation,
    CatalogReserved,
    CatalogTake,
)
from services.catalog.stock.reservation import Line, Refusal, Reservation, Reserved, State
from services.catalog.stock.shelf import Hold, Take
from services.catalog.store import Product

# An order that is as old is over; what comes of it then is not found, and so moves nothing.
KEPT = timedelta(days=90)


# --- the order's document


def reservation(order_id: str) -> Reservation | None:
    """None for an order that nobody has reserved for, or that is long over."""
    document = CatalogReservation.objects(id=order_id).first()
    return read(document) if document else None


def begin(order_id: str, lines: Sequence[Line], expires_at: datetime, state: State = State.OPEN) -> Reservation:
    """A new reservation, or the one that is there."""
    document = CatalogReservation(
        id=order_id,
        lines=_lines(lines),
        expires_at=expires_at,
        state=state,
        turn=1,
        complete=False,
        version=1,
        gone_at=expires_at + KEPT,
    )
    try:
        document.save(force_insert=True)
    except NotUniqueError:
        document = CatalogReservation.objects(id=order_id).get()
    return read(document)


def move(before: Reservation, after: Reservation) -> Reservation | None:
    """Writes `after` where nobody has changed `before`; None where somebody has."""
    after = replace(after, version=before.version + 1)
    found = CatalogReservation.objects(id=before.order_id, version=before.version).update_one(
        set__expires_at=after.expires_at,
        set__gone_at=after.expires_at + KEPT,
        set__state=after.state,
        set__turn=after.turn,
        set__complete=after.complete,
        set__reserved=[
            CatalogReserved(
                product_id=one.product_id,
                price=one.price,
                unit=one.unit,
                grams_per_unit=one.grams_per_unit,
                takes=[CatalogTake(lot_id=take.lot_id, quantity=take.quantity) for take in one.takes],
            )
            for one in after.reserved
        ],
        set__sale=_lines(after.sale),
        set__version=after.version,
        **({"set__refusal": _refusal(after.refusal)} if after.refusal else {}),
    )
    return after if found else None


def _refusal(refusal: Refusal) -> CatalogRefusal:
    return CatalogRefusal(code=refusal.code, message=refusal.message, details=refusal.details)


def _lines(lines: Sequence[Line]) -> list[CatalogLine]:
    return [CatalogLine(product_id=line.product_id, quantity=line.quantity) for line in lines]


def read(document: CatalogReservation) -> Reservation:
    """A stored reservation as the rules know it."""
    refusal = document.refusal
    return Reservation(
        order_id=document.id,
        lines=_read_lines(document.lines),
        expires_at=document.expires_at,
        state=State(document.state),
        turn=document.turn,
        complete=document.complete,
        reserved=tuple(
            Reserved(
                one.product_id, one.price, one.unit, one.grams_per_unit,
                tuple(Take(take.lot_id, take.quantity) for take in one.takes),
            )
            for one in document.reserved
        ),
        sale=_read_lines(document.sale),
        refusal=Refusal(refusal.code, refusal.message, dict(refusal.details)) if refusal else None,
        version=document.version,
    )  # fmt: skip


def _read_lines(lines: Sequence[CatalogLine]) -> tuple[Line, ...]:
    return tuple(Line(line.product_id, line.quantity) for line in lines)


# --- products' documents


def set_aside(reservation: Reservation, line: Line) -> Reserved:
    """Sets a line aside, or finds that it is.

    Raises OutOfStock, ProductNotForSale, TooManyOpen, Contention, Overloaded.
    """

    def rule(found: Product) -> Product:
        known = found.shelf.hold(reservation.order_id)
        more = known is None or (not known.sold and known.quantity < line.quantity)
        if more and not found.for_sale:
            raise ProductNotForSale("the product is not on sale", product_id=line.product_id)
        wanted = Hold(reservation.order_id, reservation.turn, reservation.expires_at, found.offer.price, ())
        return replace(found, shelf=shelves.set_aside(found.shelf, wanted, line.quantity, clock.today()))

    try:
        product = store.change(line.product_id, rule)
    except NotFound as error:
        raise ProductNotForSale("there is no such product", product_id=line.product_id) from error
    except OutOfStock as error:
        raise OutOfStock(error.message, product_id=line.product_id, **error.details) from error
    hold = product.shelf.hold(reservation.order_id)
    if hold is None or hold.sold or hold.turn > reservation.turn:
        raise Contention("another call has moved the order on; try again")
    return Reserved(product.id, hold.price, product.offer.unit, product.grams_per_unit, hold.takes)


def give_back(order_id: str, turn: int, product_id: str, *, expired: bool = False) -> None:
    """Gives back what attempt `turn` or an earlier one has set aside of a product; `expired`: and tells so.

    Raises Contention, Overloaded.
    """
    told = []
    if expired:
        fact = events_pb2.StockReservationExpired(
            order_id=order_id, product_id=product_id, expired_at_ms=clock.now_ms()
        )
        told = [outbox_event("stock.reservation_expired", order_id, fact)]
    with suppress(NotFound):  # nothing was taken of a product that there never was
        store.change(
            product_id, lambda found: replace(found, shelf=shelves.give_back(found.shelf, order_id, turn)), *told
        )


def sell(order_id: str, product_id: str, quantity: int) -> tuple[Take, ...] | None:
    """Sells so much of what is set aside for the order, and gives the rest back; what was sold, None where that was too
    long ago to be remembered. Raises Contention, Overloaded."""
    product = store.change(
        product_id, lambda found: replace(found, shelf=shelves.sell(found.shelf, order_id, quantity, clock.now()))
    )
    hold = product.shelf.hold(order_id)
    return hold.takes if hold and hold.sold else None


def look_again(order_id: str, turn: int, product_id: str, due_at: datetime) -> None:
    """The worker looks at what the order holds at `due_at` only. Raises Contention, Overloaded."""
    store.change(
        product_id, lambda found: replace(found, shelf=shelves.look_again(found.shelf, order_id, turn, due_at))
    )
