"""What an order hears of the ledger and of the clock. Pure. Whoever stores it settles it first (steps.settle)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from kit.errors import LimitExceeded
from services.orders.life import CLOCK, LEDGER, Act, move, note
from services.orders.order import (
    MOVES_MAX,
    Fulfilment,
    Hold,
    HoldState,
    Kind,
    Order,
    Payment,
    Refund,
    State,
    Step,
)  # fmt: skip
from services.orders.saga.answers import captured
from services.orders.saga.commands import give_returns_back
from services.orders.saga.steps import covered, with_hold, without

# Unpaid for too long, in words for the other side.
SHORT, UNATTENDED, LOST_HOLD = "phần còn thiếu không đến kịp", "sạp không chuẩn bị kịp", "khoản tạm giữ đã kết thúc"

# How often an order that is recalled, and not decided on, is looked at once its time is over.
RECALL_WAITS = timedelta(hours=1)


def cause_of(order_id: str, step_id: str) -> str:
    """How a step of an order is named to payments; it comes back with what is told of it."""
    return f"{order_id}/{step_id}"


def payment(order: Order, payment: Payment, cause: str, now: datetime) -> Order:
    """The order with a payment taken in; the same one where it was taken before. Raises LimitExceeded."""
    if any(one.transfer_id == payment.transfer_id for one in order.payments):
        return order
    _check_room(order)
    if step := _caused(order, cause):
        return captured(order, step, payment, now)
    order = replace(order, payments=(*order.payments, payment))
    # Its stall took the hold itself, or the buyer paid besides.
    return note(order, "paid", LEDGER, now) if order.state in (State.HELD, State.PREPARING) else order


def refund(order: Order, refund: Refund, cause: str) -> Order:
    """The order with a refund taken in; the same one where it was taken before. Raises LimitExceeded."""
    if step := _caused(order, cause):
        order = without(order, step)
    if any(one.transfer_id == refund.transfer_id for one in order.refunds):
        return order
    _check_room(order)
    return replace(order, refunds=(*order.refunds, refund))


def hold(order: Order, hold: Hold, now: datetime) -> Order:
    """The order with money that was set aside for it; the same one where it was known. Too little is given up.

    One that has ended already is only noted. Raises LimitExceeded.
    """
    if any(one.id == hold.id for one in order.holds):
        return order
    _check_room(order)
    order = replace(order, holds=(*order.holds, hold))
    if order.state is State.PLACED and hold.state is HoldState.LIVE and hold.amount >= order.total:
        return move(replace(order, hold_id=hold.id), Act.HOLD, LEDGER, now)
    return order


def hold_ended(order: Order, hold_id: str, state: HoldState, now: datetime) -> Order:
    """The order, one of whose holds was captured, given up, or over."""
    if not any(one.id == hold_id and one.state is HoldState.LIVE for one in order.holds):
        return order
    order = with_hold(order, hold_id, state)
    if state is HoldState.CAPTURED:
        return order  # by whom, the payment tells
    for step in [one for one in order.steps if one.about == hold_id]:
        order = without(order, step)
    if hold_id == order.hold_id and order.state in (State.HELD, State.PREPARING) and not covered(order):
        return move(order, Act.LOSE_MONEY, LEDGER, now, LOST_HOLD)
    return order


def clock(order: Order, now: datetime, unheard: datetime | None = None) -> Order:
    """The order, once its deadline is over.

    `unheard`: when the oldest was of what the ledger told and nobody has heard yet. Who may have paid in time is waited
    for, as long as the stock stays aside.
    """
    if order.deadline is None or now < order.deadline:
        return order
    unpaid = order.state in (State.PLACED, State.UNDERPAID)
    if unpaid and unheard is not None and unheard <= order.deadline and now < order.reserved_until:
        return order
    pickup = order.fulfilment is Fulfilment.PICKUP
    match order.state:
        case State.PLACED:
            return move(order, Act.EXPIRE, CLOCK, now)
        case State.UNDERPAID:
            return move(order, Act.GIVE_UP, CLOCK, now, SHORT)
        case State.PAID | State.PREPARING | State.READY if pickup and covered(order) and order.stopped:
            return replace(order, deadline=now + RECALL_WAITS)  # nobody may fetch it: whoever recalls it decides
        case State.PAID | State.PREPARING | State.READY if pickup and covered(order):
            return move(order, Act.PICK_UP, CLOCK, now)
        case State.HELD | State.PAID | State.PREPARING | State.READY:
            return move(order, Act.GIVE_UP, CLOCK, now, UNATTENDED)
        case State.HANDED_OVER:
            return move(order, Act.DELIVER, CLOCK, now)
        case State.RETURN_ASKED:
            return give_returns_back(move(order, Act.ACCEPT_RETURN, CLOCK, now))
    return replace(order, deadline=None)


def _caused(order: Order, cause: str) -> Step | None:
    kinds = (Kind.CAPTURE, Kind.REFUND)
    return next((one for one in order.steps if one.kind in kinds and cause == cause_of(order.id, one.id)), None)


def _check_room(order: Order) -> None:
    if len(order.payments) + len(order.refunds) + len(order.holds) >= MOVES_MAX:
        raise LimitExceeded(f"an order keeps at most {MOVES_MAX} payments, refunds and holds")
