"""What people do with an order. Pure. Whoever stores it settles it first (steps.settle).

Done already, it is answered with the order as it is: a phone asks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kit.errors import (
    FinalPriceTooHigh,
    IdempotencyConflict,
    InvalidArgument,
    LimitExceeded,
    RefundExceedsPayment,
    WrongState,
)
from services.orders.life import RETURN_WITHIN, Act, Actor, check_reason, move, note
from services.orders.order import AT_STALL, CREDITS_MAX, GONE, Credit, Fulfilment, Line, Order, State
from services.orders.saga.steps import covered

GRAMS_MAX = 10**9
TEXT_MAX = 60
# What a carrier says on the way, at most.
TRACKED_MAX = 50


def advance(
    order: Order, target: State, actor: Actor, now: datetime, carrier: str = "", tracking_code: str = ""
) -> Order:
    """On to PREPARING, READY, HANDED_OVER (who carries it), PICKED_UP or DELIVERED.

    Raises WrongState (also: READY before all is weighed and paid; handed over before, and differently),
    PermissionDenied, InvalidArgument.
    """
    act = _ADVANCE.get(target)
    if act is None:
        raise InvalidArgument("to: preparing, ready, handed over, picked up or delivered")
    if target is State.HANDED_OVER:
        carrier, tracking_code = _text("carrier", carrier, needed=True), _text("tracking_code", tracking_code)
    if order.state is target:
        if target is State.HANDED_OVER and (carrier, tracking_code) != (order.carrier, order.tracking_code):
            raise WrongState("it was handed over before, to another carrier or under another code")
        return order
    moved = move(order, act, actor, now)
    if order.stopped and order.state in AT_STALL and target is not State.PREPARING:
        raise WrongState("something of it is recalled: it stays at the stall until that is decided")
    if target is State.READY:
        if not order.weighed:
            raise WrongState("weigh what is sold by weight first")
        if not covered(order):
            raise WrongState("the money is not taken yet")
    if target is State.HANDED_OVER:
        return replace(moved, carrier=carrier, tracking_code=tracking_code)
    return moved


_ADVANCE = {
    State.PREPARING: Act.PREPARE,
    State.READY: Act.READY,
    State.HANDED_OVER: Act.HAND_OVER,
    State.PICKED_UP: Act.PICK_UP,
    State.DELIVERED: Act.DELIVER,
}


def track(order: Order, text: str, actor: Actor, now: datetime) -> Order:
    """What the carrier says. The last words again change nothing. Raises WrongState, InvalidArgument, LimitExceeded."""
    if order.state is not State.HANDED_OVER:
        raise WrongState("nothing is on its way", state=order.state.value)
    text = check_reason(text, needed=True)
    if order.history and (order.history[-1].event, order.history[-1].reason) == ("tracked", text):
        return order
    if sum(one.event == "tracked" for one in order.history) >= TRACKED_MAX:
        raise LimitExceeded(f"a carrier says at most {TRACKED_MAX} things on the way")
    return note(order, "tracked", actor, now, text)


def weigh(order: Order, grams: Mapping[str, int], actor: Actor, now: datetime) -> Order:
    """Final weights by product, each given once; its preparation has begun then.

    Raises WrongState (given before, and differently), InvalidArgument, FinalPriceTooHigh (more than was set aside or
    paid): nothing is changed.
    """
    lines = {line.product_id: line for line in order.lines}
    if not grams:
        raise InvalidArgument("weights are missing")
    for product_id, weight in grams.items():
        if product_id not in lines or not lines[product_id].weighed or lines[product_id].recalled:
            raise InvalidArgument("not sold by weight in this order", product_id=product_id)
        if not 0 <= weight <= GRAMS_MAX:
            raise InvalidArgument(f"grams are from 0 to {GRAMS_MAX}", product_id=product_id)
    if all(lines[product_id].final == weight for product_id, weight in grams.items()):
        return order
    if order.state not in (State.HELD, State.PAID, State.PREPARING):
        raise WrongState("weighed once it is paid or the money is set aside", state=order.state.value)
    if any(lines[product_id].final not in (None, weight) for product_id, weight in grams.items()):
        raise WrongState("it was weighed before: give the difference back instead")
    weighed = replace(order, lines=tuple(_weighed(line, grams) for line in order.lines))
    there = order.paid - order.refunding + (order.hold.amount if order.hold else 0)
    if weighed.due > there:
        raise FinalPriceTooHigh(
            f"{weighed.due} đồng are due, and {there} are there", due=str(weighed.due), there=str(there)
        )
    if weighed.due <= 0:
        raise InvalidArgument("nothing would be left of the order: cancel it instead")
    if order.state is not State.PREPARING:
        weighed = move(weighed, Act.PREPARE, actor, now)
    return note(weighed, "weighed", actor, now)


def _weighed(line: Line, grams: Mapping[str, int]) -> Line:
    return replace(line, final=grams[line.product_id]) if line.product_id in grams else line


def cancel(order: Order, actor: Actor, reason: str, now: datetime) -> Order:
    """Raises WrongState, PermissionDenied, InvalidArgument."""
    if order.state is State.CANCELLED:
        return order
    return move(order, Act.CANCEL, actor, now, reason)


def ask_return(order: Order, product_ids: Sequence[str], actor: Actor, reason: str, now: datetime) -> Order:
    """The buyer wants to return some lines, or all where none is named. Once, and within RETURN_WITHIN.

    Raises WrongState, PermissionDenied, InvalidArgument.
    """
    known = [line.product_id for line in order.lines]
    if len(set(product_ids)) < len(product_ids) or not set(product_ids) <= set(known):
        raise InvalidArgument("product_ids are products of this order, each once")
    wanted = tuple(sorted(product_ids or known))
    if order.state is State.RETURN_ASKED and order.returns == wanted:
        return order
    asked = move(order, Act.ASK_RETURN, actor, now, reason)
    if any(one.event == "return_refused" for one in order.history):
        raise WrongState("the stall has refused to take it back")
    since = next(one.at for one in reversed(order.history) if one.event in ("picked_up", "delivered"))
    if now > since + RETURN_WITHIN:
        raise WrongState(f"returned within {RETURN_WITHIN.days} days, or not at all")
    return replace(asked, returns=wanted)


def decide_return(
    order: Order, accept: bool, actor: Actor, reason: str, now: datetime, restock: bool = False
) -> Order:  # fmt: skip
    """`restock`: what is taken back goes on sale again. Raises WrongState, PermissionDenied, InvalidArgument."""
    if restock and not accept:
        raise InvalidArgument("restock: only what is taken back goes on sale again")
    if restock and order.of_live_sale:
        raise InvalidArgument("restock: lots of a live sale are counted by the stall")
    if accept:
        if order.state is State.RETURNED:
            return order
        return replace(give_returns_back(move(order, Act.ACCEPT_RETURN, actor, now, reason)), restock=restock)
    before = State.DELIVERED if order.fulfilment is Fulfilment.DELIVERY else State.PICKED_UP
    if order.state is before and any(one.event == "return_refused" for one in order.history):
        return order
    return move(order, Act.REFUSE_RETURN, actor, now, reason)


def give_returns_back(order: Order) -> Order:
    """The order, whose returned lines cost nothing any more."""
    back = set(order.returns)
    lines = (replace(one, given_back=one.total) if one.product_id in back else one for one in order.lines)
    return replace(order, lines=tuple(lines))


def give_back(order: Order, credit: Credit, actor: Actor, reason: str, now: datetime) -> Order:
    """The stall gives a part of a line back, the rest of it (amount 0), or the rest of all (no product).

    Raises IdempotencyConflict, InvalidArgument, WrongState, RefundExceedsPayment, LimitExceeded.
    """
    for earlier in order.credits:
        if earlier.request_id == credit.request_id:
            if earlier != credit:
                raise IdempotencyConflict("request_id was used to give something else back")
            return order
    if order.state not in AT_STALL | GONE or not covered(order):
        raise WrongState("nothing is paid that could be given back", state=order.state.value)
    if len(order.credits) >= CREDITS_MAX:
        raise LimitExceeded(f"an order's money is given back in at most {CREDITS_MAX} parts")
    chosen = [line for line in order.lines if credit.product_id in ("", line.product_id)]
    if not chosen or (credit.amount and not credit.product_id) or credit.amount < 0:
        raise InvalidArgument("a product of this order and an amount, 0 for all of it; or neither")
    parts = {line.product_id: credit.amount or line.left for line in chosen}
    if any(parts[one.product_id] > one.left for one in chosen) or not any(parts.values()):
        raise RefundExceedsPayment("more than is left of it")
    lines = tuple(replace(one, given_back=one.given_back + parts.get(one.product_id, 0)) for one in order.lines)
    given = replace(order, lines=lines, credits=(*order.credits, credit))
    return note(given, "credited", actor, now, check_reason(reason, needed=True))


def _text(name: str, text: str, needed: bool = False) -> str:
    tidy = " ".join(text.split())
    if (needed and not tidy) or len(tidy) > TEXT_MAX or not tidy.isprintable():
        raise InvalidArgument(f"{name}: {int(needed)} to {TEXT_MAX} characters that can be seen")
    return tidy


def retry(order: Order, actor: Actor, now: datetime) -> Order:
    """Steps that were stuck are decided anew: under new keys, and only as far as they are still needed."""
    stuck = [step for step in order.steps if step.stuck]
    if not stuck:
        return order
    order = replace(order, steps=tuple(step for step in order.steps if not step.stuck))
    return note(order, "retried", actor, now)
