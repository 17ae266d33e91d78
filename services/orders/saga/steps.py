"""What an order has to ask of other services, from how it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.orders.life import LEDGER, Act, move
from services.orders.order import (
    AT_STALL,
    GONE,
    NO_SALE,
    STOCK_KINDS,
    HoldState,
    Kind,
    Order,
    Payment,
    State,
    Step,
    Stock,
)  # fmt: skip

# Stock stays aside for so long after the order could have used it: payments are heard of late.
GRACE = timedelta(minutes=10)
# Asked again after a second, two, four ... at most as often as these.
WAIT_S_MAX, REFUND_WAIT_S_MAX = 60, 3600
_NONE: Mapping[str, tuple[int, str]] = {}
# States out of which an order goes whose money has all gone back.
_GIVEN_BACK = AT_STALL | GONE - {State.RETURNED}


def settle(order: Order, now: datetime) -> Order:
    """The order with what follows from how it stands: its state by what was paid, and the steps that are to be done.

    Settled again, it stays the same.
    """
    order = _follow_money(order, now)
    order = _want_stock(order, now)
    order = _want_holds(order, now)
    return want_refunds(order, now)


def wait_s(tries: int, most: int = WAIT_S_MAX) -> int:
    """Seconds until something that led nowhere `tries` times is tried again."""
    return min(1 << min(tries, 20), most)


def without(order: Order, step: Step) -> Order:
    """The order, with one step less to do."""
    return replace(order, steps=tuple(one for one in order.steps if one.id != step.id))


def with_hold(order: Order, hold_id: str, state: HoldState) -> Order:
    """The order, one of whose holds is known to be so."""
    holds = tuple(replace(one, state=state) if one.id == hold_id else one for one in order.holds)
    return replace(order, holds=holds)


def covered(order: Order) -> bool:
    """Whether what was paid, and is not on its way back, is all that is due."""
    return order.paid - order.refunding >= order.due


def _follow_money(order: Order, now: datetime) -> Order:
    if not order.payments:
        return order
    if order.state in (State.PLACED, State.UNDERPAID):
        if order.paid <= 0:
            return move(order, Act.GIVE_BACK, LEDGER, now)
        if order.paid >= order.total:
            return move(order, Act.PAY, LEDGER, now)
        return move(order, Act.PAY_SHORT, LEDGER, now) if order.state is State.PLACED else order
    if order.state in _GIVEN_BACK and order.paid <= 0 and order.hold is None:
        return move(order, Act.GIVE_BACK, LEDGER, now)
    return order


def _want_stock(order: Order, now: datetime) -> Order:
    waiting = [step for step in order.steps if step.kind in STOCK_KINDS]
    if order.state in NO_SALE or order.state in GONE:
        # What would hold it longer is of no use any more. Whether it came through or not, what follows ends it.
        for step in [step for step in waiting if step.kind is Kind.EXTEND]:
            order = without(order, step)
            waiting.remove(step)
    if not waiting and order.restock and order.stock in (Stock.SOLD, Stock.SHORT):
        # What the catalog could not sell is not in its books: the stall counts it.
        return _add(order, Kind.RESTOCK, now) if order.stock is Stock.SOLD else replace(order, restock=False)
    if waiting or order.stock in (Stock.SOLD, Stock.SHORT):
        return order
    if _late(order):
        return _add(order, Kind.SELL, now)
    if order.stock is Stock.RELEASED:
        return order
    if order.state in NO_SALE:
        return _add(order, Kind.RELEASE, now)
    if order.state in GONE or (order.state in AT_STALL and order.stock is Stock.LOST):
        return _add(order, Kind.SELL, now)
    if order.stock is Stock.RESERVED and order.deadline and order.reserved_until < order.deadline:
        return _add(order, Kind.EXTEND, now, until=order.deadline + GRACE)
    return order


def _want_holds(order: Order, now: datetime) -> Order:
    for hold in order.holds:
        if hold.state is not HoldState.LIVE:
            continue
        about = {step.kind: step for step in order.steps if step.about == hold.id}
        wanted = hold.id == order.hold_id and order.state in (State.HELD, State.PREPARING) and order.paid < order.due
        if wanted:
            if order.state is State.PREPARING and order.weighed and not about:
                order = _add(order, Kind.CAPTURE, now, about=hold.id, amount=order.due - order.paid)
        elif Kind.VOID not in about:
            if Kind.CAPTURE in about:  # the ledger knows whether it came through: then giving it up is refused
                order = without(order, about[Kind.CAPTURE])
            order = _add(order, Kind.VOID, now, about=hold.id)
    return order


def want_refunds(order: Order, now: datetime, tries: Mapping[str, tuple[int, str]] = _NONE) -> Order:
    """The order with a step for whatever is to be given back, of the newest payments first.

    `tries`: how often that led nowhere so far, and with which code the last time, by payment.
    """
    excess = excess_of(order)
    for payment in sorted(order.payments, key=lambda one: one.seq, reverse=True):
        if excess <= 0:
            break
        if any(step.about == payment.transfer_id for step in order.steps):
            continue  # one at a time, so that each knows what was given back before it
        before = _refunded(order, payment)
        amount = min(excess, payment.amount - before)
        if amount > 0:
            tried, code = tries.get(payment.transfer_id, (0, ""))
            due_at = now + timedelta(seconds=wait_s(tried, REFUND_WAIT_S_MAX)) if tried else now
            order = _add(
                order, Kind.REFUND, now, about=payment.transfer_id, amount=amount, refunded_before=before,
                tries=tried, due_at=due_at, code=code,
            )  # fmt: skip
            excess -= amount
    return order


def excess_of(order: Order) -> int:
    """Đồng that were paid, may not stay, and are not on their way back yet."""
    return order.paid - order.refunding - _kept(order)


def _kept(order: Order) -> int:
    """Đồng of what was paid that may stay where they are."""
    if order.state in (State.PLACED, State.UNDERPAID):
        return order.total
    return order.due if _late(order) or order.state not in NO_SALE else 0


def _late(order: Order) -> bool:
    """Whether all of it was paid after its time, and its stock is still to be tried for."""
    tried = order.stock in (Stock.SOLD, Stock.SHORT)
    return order.state is State.EXPIRED and not tried and order.paid > 0 and order.due > 0 and covered(order)


def _refunded(order: Order, payment: Payment) -> int:
    return sum(one.amount for one in order.refunds if one.payment_id == payment.transfer_id)


def _add(order: Order, kind: Kind, now: datetime, **fields: Any) -> Order:
    serial = order.serial + 1
    step = Step(id=f"{kind.value}-{serial}", kind=kind, at=now, **{"due_at": now, **fields})
    return replace(order, serial=serial, steps=(*order.steps, step))
