"""A product's lots, and what is set aside of them for orders: pure rules, no I/O, no clock.

Quantities are whole base units: pieces, or grams of what is weighed. Of every lot, always:
received = on hand + reserved + sold + written off.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from kit.clock import VIETNAM
from kit.errors import (
    IdempotencyConflict,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    OutOfStock,
    TooManyOpen,
    WrongState,
)  # fmt: skip
from services.catalog.stock.facts import NOTHING, Facts, Loss

# A product's heap, in base units; a thousand tonnes.
QUANTITY_MAX = 10**12
LOTS_MAX = 100
# Times that something of a lot is written off.
LOSSES_MAX = 50
# Orders that a product is set aside for at once.
HOLDS_MAX = 500
# A sale is remembered for this long, so that a call of the same order that comes late sets nothing aside anew; calls
# end long before. Of so many sales at most.
REMEMBERED = timedelta(minutes=2)
REMEMBERED_MAX = 256


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was set aside of a lot for an order when the lot was recalled."""

    order_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Lot:
    """`on_hand` is free: neither set aside nor sold.

    For sale to the end of the day `sell_by` in Vietnam, and of the day `until`, the last on which its grower lets the
    stall sell; None: for ever. Nothing of it is sold while it is recalled: `recall_id` says by which recall, and
    `taken_back` what was set aside of it then, by order.
    """

    id: str
    received: int
    on_hand: int
    reserved: int = 0
    sold: int = 0
    written_off: int = 0
    sell_by: date | None = None
    until: date | None = None
    facts: Facts = NOTHING
    losses: tuple[Loss, ...] = ()
    recall_id: str = ""
    taken_back: tuple[TakenBack, ...] = ()

    @property
    def last_day(self) -> date:
        return min(self.sell_by or date.max, self.until or date.max)

    def sellable(self, today: date) -> bool:
        return not self.recall_id and today <= self.last_day

    @property
    def spent(self) -> bool:
        return self.on_hand == 0 and self.reserved == 0


@dataclass(frozen=True, slots=True)
class Take:
    """What comes from one lot."""

    lot_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Hold:
    """What is set aside for an order; `sold` where it remembers a sale, of which nothing is set aside any more.

    `turn` counts the attempts at the order's reservation: what an earlier one gives back is not a later one's. At
    `due_at` the worker looks whether it has ended. `price`: đồng a unit, as it was then.
    """

    order_id: str
    turn: int
    due_at: datetime
    price: int
    takes: tuple[Take, ...]
    sold: bool = False

    @property
    def quantity(self) -> int:
        return sum(take.quantity for take in self.takes)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A product's stock."""

    lots: tuple[Lot, ...] = ()
    holds: tuple[Hold, ...] = field(default=())

    def available(self, today: date) -> int:
        """What can be sold today."""
        return sum(lot.on_hand for lot in self.lots if lot.sellable(today))

    def lot(self, lot_id: str) -> Lot | None:
        return next((lot for lot in self.lots if lot.id == lot_id), None)

    def hold(self, order_id: str) -> Hold | None:
        """What is set aside for an order, or remembered of its sale."""
        return next((hold for hold in self.holds if hold.order_id == order_id), None)

    def due_at(self, today: date) -> datetime | None:
        """When the worker has to look at it next: something set aside may end, or a lot's last day is over."""
        ends = [hold.due_at for hold in self.holds if not hold.sold]
        days = [lot.last_day for lot in self.lots if lot.on_hand and lot.sellable(today)]
        return min([*ends, *(day_ends(day) for day in days if day < date.max)], default=None)

    def stars(self, today: date) -> int:
        """The fewest OCOP stars among the lots for sale."""
        return min((lot.facts.ocop_stars for lot in self.lots if lot.on_hand and lot.sellable(today)), default=0)


def day_ends(day: date) -> datetime:
    """The first moment after `day` in Vietnam."""
    return datetime.combine(day + timedelta(days=1), time(), VIETNAM)


def set_aside(shelf: Shelf, wanted: Hold, quantity: int, today: date) -> Shelf:
    """At least `quantity` is set aside as `wanted` says, from lots in `wanted`'s turn: soonest sell-by first.

    What is set aside already counts, whatever its lots. Nothing changes where the order was sold to, or where a later
    turn has set aside. Raises OutOfStock, TooManyOpen; then nothing is taken.
    """
    known = shelf.hold(wanted.order_id)
    if known is not None and (known.sold or known.turn > wanted.turn):
        return shelf
    if known is None and sum(not hold.sold for hold in shelf.holds) >= HOLDS_MAX:
        raise TooManyOpen(f"{HOLDS_MAX} orders have this product set aside")
    missing = quantity - (known.quantity if known else 0)
    left = shelf.available(today)
    if missing > left:
        raise OutOfStock(f"{left} are left", left=str(left))
    takes = list(known.takes) if known else []
    lots = {lot.id: lot for lot in shelf.lots}
    for lot in _soonest_first(shelf.lots, today):
        if missing <= 0:
            break
        taken = min(missing, lot.on_hand)
        missing -= taken
        lots[lot.id] = replace(lot, on_hand=lot.on_hand - taken, reserved=lot.reserved + taken)
        _add(takes, Take(lot.id, taken))
    if known is None:
        return Shelf(tuple(lots.values()), (*shelf.holds, replace(wanted, takes=tuple(takes))))
    made = replace(wanted, price=known.price, takes=tuple(takes))
    return Shelf(tuple(lots.values()), tuple(made if hold is known else hold for hold in shelf.holds))


def give_back(shelf: Shelf, order_id: str, turn: int) -> Shelf:
    """Nothing is set aside for the order any more, unless by a later turn; what is sold stays sold."""
    known = shelf.hold(order_id)
    if known is None or known.sold or known.turn > turn:
        return shelf
    lots = _back(shelf.lots, known.takes)
    return Shelf(lots, tuple(hold for hold in shelf.holds if hold is not known))


def planned(hold: Hold, quantity: int) -> tuple[Take, ...]:
    """What a sale of `quantity` takes of what is set aside."""
    assert 0 <= quantity <= hold.quantity
    takes, left = [], quantity
    for take in hold.takes:
        if left:
            takes.append(Take(take.lot_id, min(left, take.quantity)))
            left -= takes[-1].quantity
    return tuple(takes)


def sell(shelf: Shelf, order_id: str, quantity: int, now: datetime) -> Shelf:
    """Sells `quantity` of what is set aside for the order and gives the rest back. Sold before, nothing happens."""
    known = shelf.hold(order_id)
    if known is None or known.sold:
        return shelf
    # Less than was decided, where a lot was recalled in between: it is told whoever the recall lists.
    takes = planned(known, min(quantity, known.quantity))
    sold = {take.lot_id: take.quantity for take in takes}
    lots = tuple(
        replace(
            lot, on_hand=lot.on_hand - sold.get(lot.id, 0), sold=lot.sold + sold.get(lot.id, 0)
        )
        for lot in _back(shelf.lots, known.takes)
    )  # fmt: skip
    others = [hold for hold in shelf.holds if hold is not known]
    memory = replace(known, takes=takes, sold=True, due_at=now + REMEMBERED)
    return Shelf(lots, _remembered([*others, memory], now))


def look_again(shelf: Shelf, order_id: str, turn: int, due_at: datetime) -> Shelf:
    """The worker looks at what the order holds at `due_at` only."""
    return replace(
        shelf,
        holds=tuple(
            replace(hold, due_at=due_at) if hold.order_id == order_id and hold.turn <= turn and not hold.sold else hold
            for hold in shelf.holds
        ),
    )


def receive(shelf: Shelf, lot: Lot) -> Shelf:
    """A new lot; the oldest spent one of too many goes (`oldest_spent` says which).

    Raises IdempotencyConflict where the lot is there and was said to be another, LimitExceeded where none is spent.
    """
    known = shelf.lot(lot.id)
    if known is not None:
        if (known.received, known.sell_by, known.facts) != (lot.received, lot.sell_by, lot.facts):
            raise IdempotencyConflict("request_id was used for another lot")
        return shelf
    lots = shelf.lots
    if len(lots) >= LOTS_MAX:
        gone = oldest_spent(shelf)
        if gone is None:
            raise LimitExceeded(f"a product has at most {LOTS_MAX} lots with something left of them")
        lots = tuple(one for one in lots if one is not gone)
    return replace(shelf, lots=(*lots, lot))


def returned(of: Lot, lot_id: str, quantity: int) -> Lot:
    """What was sold of a lot and came back: a lot of its own, as good and for as long. What was sold stays sold."""
    return Lot(lot_id, quantity, quantity, sell_by=of.sell_by, until=of.until, facts=of.facts)


def oldest_spent(shelf: Shelf) -> Lot | None:
    """The lot that makes room for a new one; None where there is room, or no lot is spent."""
    if len(shelf.lots) < LOTS_MAX:
        return None
    return next((lot for lot in shelf.lots if lot.spent), None)


def gone(before: Shelf, after: Shelf) -> list[Lot]:
    """Lots that have made room for others."""
    if before.lots is after.lots:
        return []
    there = {lot.id for lot in after.lots}
    return [lot for lot in before.lots if lot.id not in there]


def write_off(shelf: Shelf, lot_id: str, loss: Loss) -> Shelf:
    """Takes what is lost of a lot's on hand out of stock; the same loss again changes nothing.

    Raises NotFound, InvalidArgument, OutOfStock, IdempotencyConflict, LimitExceeded.
    """
    lot = shelf.lot(lot_id)
    if lot is None:
        raise NotFound("the product has no such lot")
    for known in lot.losses:
        if known.id == loss.id:
            if (known.quantity, known.reason) != (loss.quantity, loss.reason):
                raise IdempotencyConflict("request_id was used for another loss")
            return shelf
    if len(lot.losses) >= LOSSES_MAX:
        raise LimitExceeded(f"of a lot, something is written off at most {LOSSES_MAX} times")
    return _replaced(shelf, replace(_lost(lot, loss.quantity), losses=(*lot.losses, loss)))


def _lost(lot: Lot, quantity: int) -> Lot:
    if quantity < 1:
        raise InvalidArgument(f"quantity must be from 1, not {quantity}")
    if quantity > lot.on_hand:
        raise OutOfStock(f"{lot.on_hand} of the lot are on hand", left=str(lot.on_hand))
    return replace(lot, on_hand=lot.on_hand - quantity, written_off=lot.written_off + quantity)


def recall(shelf: Shelf, lot_id: str, recall_id: str) -> Shelf:
    """Nothing of the lot is sold any more, and what was set aside of it is set aside no longer.

    Recalled by the same recall before, nothing changes. Raises NotFound, WrongState (recalled by another one).
    """
    lot = shelf.lot(lot_id)
    if lot is None:
        raise NotFound("the product has no such lot")
    if lot.recall_id == recall_id:
        return shelf
    check_not_recalled(lot)
    taken = tuple(
        TakenBack(hold.order_id, take.quantity)
        for hold in shelf.holds
        if not hold.sold
        for take in hold.takes
        if take.lot_id == lot_id
    )
    recalled = replace(
        lot, on_hand=lot.on_hand + lot.reserved, reserved=0, recall_id=recall_id, taken_back=(*lot.taken_back, *taken)
    )
    return _replaced(replace(shelf, holds=tuple(_without(hold, lot_id) for hold in shelf.holds)), recalled)


def reinstate(shelf: Shelf, lot_id: str, recall_id: str) -> Shelf:
    """The lot may be sold again; nothing happens where that recall does not hold it. Raises NotFound."""
    lot = shelf.lot(lot_id)
    if lot is None:
        raise NotFound("the product has no such lot")
    return _replaced(shelf, replace(lot, recall_id="", taken_back=())) if lot.recall_id == recall_id else shelf


def check_not_recalled(lot: Lot) -> None:
    """Raises WrongState."""
    if lot.recall_id:
        raise WrongState("the lot is recalled already", recall_id=lot.recall_id)


def _without(hold: Hold, lot_id: str) -> Hold:
    """What is set aside, less what comes from a lot; a sale stays as it was."""
    return hold if hold.sold else replace(hold, takes=tuple(take for take in hold.takes if take.lot_id != lot_id))


def sold_until(shelf: Shelf, grower_id: str, until: date | None) -> Shelf:
    """The grower's lots are for sale to the end of that day at most; None: for ever."""
    lots = (replace(lot, until=until) if lot.facts.grower_id == grower_id else lot for lot in shelf.lots)
    return replace(shelf, lots=tuple(lots))


def counted(shelf: Shelf, quantity: int, today: date, lot_id: str) -> Shelf:
    """The stall has counted `quantity` that can be sold: less is written off, soonest sell-by first; more came in.

    What came in is of the lot `lot_id`, which has no sell-by and is not recalled. Raises LimitExceeded where there is
    no place for it.
    """
    difference = quantity - shelf.available(today)
    for lot in _soonest_first(shelf.lots, today):
        if difference < 0 and lot.on_hand:
            gone = min(-difference, lot.on_hand)
            shelf, difference = _replaced(shelf, _lost(lot, gone)), difference + gone
    if difference <= 0:
        return shelf
    lot_there = shelf.lot(lot_id)
    if lot_there is None:
        return receive(shelf, Lot(lot_id, difference, difference))
    more = replace(lot_there, received=lot_there.received + difference, on_hand=lot_there.on_hand + difference)
    return _replaced(shelf, more)


def findings(shelf: Shelf) -> list[str]:
    """What does not hold of a product's stock; nothing where all is right."""
    found = []
    held: dict[str, int] = {}
    for hold in shelf.holds:
        for take in hold.takes if not hold.sold else ():
            held[take.lot_id] = held.get(take.lot_id, 0) + take.quantity
    for lot in shelf.lots:
        parts = (lot.on_hand, lot.reserved, lot.sold, lot.written_off)
        if lot.received != sum(parts) or min(parts) < 0:
            found.append(f"lot {lot.id}: received {lot.received}, but on hand, reserved, sold, written off are {parts}")
        if lot.reserved != held.pop(lot.id, 0):
            found.append(f"lot {lot.id}: reserved {lot.reserved}, but orders hold something else")
    found += [f"lot {lot_id}: {quantity} are held of no lot" for lot_id, quantity in held.items()]
    if len({hold.order_id for hold in shelf.holds}) < len(shelf.holds):
        found.append("an order holds twice")
    return found


def _soonest_first(lots: Iterable[Lot], today: date) -> list[Lot]:
    """The sellable ones; those without a last day go last, and among equals the one that came first."""
    return sorted((lot for lot in lots if lot.sellable(today)), key=lambda lot: lot.last_day)


def _back(lots: Iterable[Lot], takes: Iterable[Take]) -> tuple[Lot, ...]:
    back = {take.lot_id: take.quantity for take in takes}
    return tuple(
        replace(lot, on_hand=lot.on_hand + back.get(lot.id, 0), reserved=lot.reserved - back.get(lot.id, 0))
        for lot in lots
    )


def _add(takes: list[Take], take: Take) -> None:
    """A lot has one take at most."""
    for number, known in enumerate(takes):
        if known.lot_id == take.lot_id:
            takes[number] = replace(known, quantity=known.quantity + take.quantity)
            return
    if take.quantity:
        takes.append(take)


def _replaced(shelf: Shelf, changed: Lot) -> Shelf:
    return replace(shelf, lots=tuple(changed if lot.id == changed.id else lot for lot in shelf.lots))


def _remembered(holds: list[Hold], now: datetime) -> tuple[Hold, ...]:
    """Sales that are old are forgotten, and the oldest of too many."""
    sales = [hold for hold in holds if hold.sold and hold.due_at > now][-REMEMBERED_MAX:]
    return tuple(hold for hold in holds if not hold.sold or hold in sales)
