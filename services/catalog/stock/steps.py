"""Reserving, releasing, extending and selling, over an order's document and those of its products.

The order's document decides: it is written before anything is taken, and changed to its next state before that is
carried out, on the condition that nobody was faster. So whoever comes later, a second call or the worker after a crash,
reads from it what is left to do, and nothing is done twice. What is set aside is given back only once the order's
document says that it has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from kit import clock
from kit.errors import Contention, DomainError, IdempotencyConflict, NotFound, OutOfStock, ProductNotForSale, WrongState
from services.catalog.stock import reservation as rules
from services.catalog.stock import store
from services.catalog.stock.reservation import ENDED, LATE_LIFE, Line, Refusal, Reservation, Reserved, State
from services.catalog.stock.shelf import Hold, planned

# Each further one means that another call or the worker has moved the same order on.
ATTEMPTS_MAX = 5
# What is final for an order; all else that goes wrong passes.
_REFUSALS = (OutOfStock, ProductNotForSale)


def reserve(order_id: str, lines: Sequence[Line], expires_at: datetime) -> Reservation:
    """Sets all of the lines aside, or nothing. The same again is answered alike.

    Raises InvalidArgument, IdempotencyConflict, OutOfStock, ProductNotForSale, WrongState (it has ended); and
    TooManyOpen, Contention or Overloaded, after which the same call goes on where it was left.
    """
    rules.check_order_id(order_id)
    wanted = rules.check_lines(lines)
    known = store.reservation(order_id)
    if known is None:
        known = store.begin(order_id, wanted, rules.check_expiry(expires_at, clock.now()))
    for _ in range(ATTEMPTS_MAX):
        if known.state is State.RELEASED and not known.lines:
            raise _over(known)
        if known.lines != wanted:
            raise IdempotencyConflict("the order has other lines reserved")
        if known.state in (State.SELLING, State.SOLD) or (known.complete and not known.over(clock.now())):
            return known
        if known.refusal:
            _give_back(known)
            raise known.refusal.error()
        if known.over(clock.now()):
            raise _over(known)
        try:
            reserved = _set_aside(known, known.lines)
        except _REFUSALS as refusal:
            if refused := store.move(known, replace(known, state=State.REFUSED, refusal=_told(refusal))):
                _give_back(refused)
                raise
        else:
            if done := store.move(known, replace(known, complete=True, reserved=reserved)):
                return done
        known = _again(order_id)
        if known.state in ENDED:
            # What was set aside meanwhile came after the end.
            _give_back(known)
    raise Contention("the reservation keeps changing; try again")


def release(order_id: str) -> Reservation | None:
    """Gives back what the order holds; None where it never held anything, and now never will.

    Raises InvalidArgument, WrongState (it is sold), Contention, Overloaded.
    """
    rules.check_order_id(order_id)
    for _ in range(ATTEMPTS_MAX):
        known = store.reservation(order_id)
        if known is None:
            # So that a call to reserve which is still under way finds that it is too late.
            known = store.begin(order_id, (), clock.now(), State.RELEASED)
        if known.state in (State.SELLING, State.SOLD):
            raise WrongState("the order is sold")
        if known.state is State.OPEN:
            after = store.move(known, replace(known, state=State.RELEASED))
            if after is None:
                continue
            known = after
        _give_back(known)
        return known if known.lines else None
    raise Contention("the reservation keeps changing; try again")


def extend(order_id: str, expires_at: datetime) -> Reservation:
    """Raises InvalidArgument, NotFound, WrongState (it has ended, or was never complete), Contention, Overloaded."""
    rules.check_expiry(expires_at, clock.now())
    for _ in range(ATTEMPTS_MAX):
        known = _again(order_id)
        if known.over(clock.now()) or not known.complete:
            raise _over(known)
        if after := store.move(known, replace(known, expires_at=expires_at)):
            if expires_at < known.expires_at:
                # The worker would look at the old time; cut off here, it still does.
                for line in known.lines:
                    store.look_again(order_id, known.turn, line.product_id, expires_at)
            return after
    raise Contention("the reservation keeps changing; try again")


def sell(order_id: str, lines: Sequence[Line]) -> Reservation:
    """Sells final quantities, all of them or nothing. The same again is answered alike.

    Raises InvalidArgument, NotFound, IdempotencyConflict, OutOfStock, ProductNotForSale, WrongState (it was refused);
    and TooManyOpen, Contention or Overloaded, after which the same call goes on where it was left.
    """
    for _ in range(ATTEMPTS_MAX):
        known = _again(order_id)
        sale = rules.check_sale(known, lines)
        if known.state in (State.SELLING, State.SOLD):
            if known.sale != sale:
                raise IdempotencyConflict("the order is sold with other quantities")
            return finish(known)
        if known.state is State.REFUSED:
            raise WrongState("nothing was set aside for the order: it was refused")
        late = known.over(clock.now())
        if late:
            # Ended, it is opened anew; what the end gives back meanwhile is not this turn's.
            opened = replace(
                known, state=State.OPEN, turn=known.turn + 1, complete=True, expires_at=clock.now() + LATE_LIFE
            )
            reopened = store.move(known, opened)
            if reopened is None:
                continue
            known = reopened
        try:
            held = _set_aside(known, sale)
        except _REFUSALS:
            if late and (ended := store.move(known, replace(known, state=State.EXPIRED))):
                _give_back(ended)
            raise
        sold = tuple(_sold(one, line.quantity) for one, line in zip(held, sale, strict=True))
        if selling := store.move(known, replace(known, state=State.SELLING, sale=sale, reserved=sold)):
            return finish(selling)
    raise Contention("the reservation keeps changing; try again")


def finish(selling: Reservation) -> Reservation:
    """Carries out a sale that was decided. Raises Contention, Overloaded."""
    if selling.state is State.SOLD:
        return selling
    quantities = {line.product_id: line.quantity for line in selling.sale}
    sold = {
        line.product_id: store.sell(selling.order_id, line.product_id, quantities.get(line.product_id, 0))
        for line in selling.lines
    }
    # Less than was decided, or of another lot, where one was recalled in between.
    reserved = tuple(
        one if (takes := sold[one.product_id]) is None else replace(one, takes=takes) for one in selling.reserved
    )
    # None where another one was faster, with the same.
    return store.move(selling, replace(selling, state=State.SOLD, reserved=reserved)) or _again(selling.order_id)


def look_at(hold: Hold, product_id: str, now: datetime) -> None:
    """What the worker does where something set aside is due: ends it, gives it back, goes on with it, or waits longer.

    Raises Contention, Overloaded: the next tick tries again.
    """
    known = store.reservation(hold.order_id)
    if known is None:  # long over
        store.give_back(hold.order_id, hold.turn, product_id)
    elif known.state is State.SELLING:
        finish(known)
    elif not known.over(now):
        store.look_again(hold.order_id, hold.turn, product_id, known.expires_at)
    elif known.state is State.OPEN:
        if expired := store.move(known, replace(known, state=State.EXPIRED)):
            _give_back(expired)
    else:
        # After a crash, or set aside after the end by a call that came late.
        store.give_back(hold.order_id, known.turn, product_id, expired=known.state is State.EXPIRED)


def _set_aside(reservation: Reservation, lines: Iterable[Line]) -> tuple[Reserved, ...]:
    return tuple(store.set_aside(reservation, line) for line in lines)


def _give_back(ended: Reservation) -> None:
    for line in ended.lines:
        store.give_back(ended.order_id, ended.turn, line.product_id, expired=ended.state is State.EXPIRED)


def _sold(held: Reserved, quantity: int) -> Reserved:
    hold = Hold("", 0, clock.now(), held.price, held.takes)
    return replace(held, takes=planned(hold, quantity))


def _told(refusal: DomainError) -> Refusal:
    return Refusal(refusal.code, refusal.message, refusal.details)


def _again(order_id: str) -> Reservation:
    known = store.reservation(order_id)
    if known is None or not known.lines:
        raise NotFound("nothing was reserved for this order")
    return known


def _over(known: Reservation) -> DomainError:
    return WrongState(f"the reservation is {known.state if known.state in ENDED else 'expired'}")
