"""An order's life: one table of who may do what, when, and what it becomes. Pure.

docs/orders.md shows the table to people; a test keeps the two alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from kit.errors import InvalidArgument, LimitExceeded, PermissionDenied, WrongState
from services.orders.order import HISTORY_MAX, Fulfilment, Happened, Order, State

REASON_MAX = 140

# How long an order may be unpaid, and how long what was paid short waits for the rest.
PAY_WITHIN, SHORT_WITHIN = timedelta(minutes=15), timedelta(minutes=30)
# How long a stall may take to have it ready, and to hand it over or be visited; how long a carrier may be on the way.
PREPARE_WITHIN, READY_WITHIN, CARRY_WITHIN = timedelta(hours=24), timedelta(days=3), timedelta(days=10)
# How long a buyer may ask to return it, and how long the stall may take to decide. All of these together are well below
# the 30 days after which a payment cannot be refunded.
RETURN_WITHIN, DECIDE_WITHIN = timedelta(days=3), timedelta(days=3)


class Who(str, Enum):
    """Who does something: a person in a part, or nobody in person."""

    BUYER = "buyer"
    SELLER = "seller"
    OPERATOR = "operator"
    CLOCK = "clock"
    LEDGER = "ledger"
    STOCK = "stock"


@dataclass(frozen=True, slots=True)
class Actor:
    """`id`: the person's; "" for nobody in person."""

    who: Who
    id: str = ""


CLOCK, LEDGER, STOCK = Actor(Who.CLOCK), Actor(Who.LEDGER), Actor(Who.STOCK)


class Act(str, Enum):
    """What can happen to an order that changes its state."""

    PAY = "pay"
    PAY_SHORT = "pay_short"
    HOLD = "hold"
    EXPIRE = "expire"
    GIVE_UP = "give_up"
    SELL_LATE = "sell_late"
    LACK = "lack"
    LOSE_MONEY = "lose_money"
    GIVE_BACK = "give_back"
    PREPARE = "prepare"
    READY = "ready"
    PICK_UP = "pick_up"
    HAND_OVER = "hand_over"
    DELIVER = "deliver"
    CANCEL = "cancel"
    ASK_RETURN = "ask_return"
    ACCEPT_RETURN = "accept_return"
    REFUSE_RETURN = "refuse_return"


@dataclass(frozen=True, slots=True)
class Rule:
    """From which states, by whom, to which state (None: back to where it was), told as which event; whether it needs a
    reason, and how it has to reach the buyer (None: either way)."""

    act: Act
    sources: frozenset[State]
    who: frozenset[Who]
    target: State | None
    event: str
    reason: bool = False
    fulfilment: Fulfilment | None = None


def _rule(
    act: Act,
    sources: str,
    who: str,
    target: State | None,
    event: str,
    *,
    reason: bool = False,
    fulfilment: Fulfilment | None = None,
) -> Rule:
    named = frozenset(State(name) for name in sources.split())
    return Rule(act, named, frozenset(Who(name) for name in who.split()), target, event, reason, fulfilment)


_PICKUP, _DELIVERY = Fulfilment.PICKUP, Fulfilment.DELIVERY

TABLE = (
    _rule(Act.PAY, "placed underpaid", "ledger", State.PAID, "paid"),
    _rule(Act.PAY_SHORT, "placed", "ledger", State.UNDERPAID, "underpaid"),
    _rule(Act.HOLD, "placed", "ledger", State.HELD, "held"),
    _rule(Act.EXPIRE, "placed", "clock", State.EXPIRED, "expired"),
    _rule(Act.GIVE_UP, "underpaid held paid preparing ready", "clock", State.CANCELLED, "cancelled"),
    _rule(Act.SELL_LATE, "expired", "stock", State.PAID, "paid"),
    _rule(Act.LACK, "held paid preparing", "stock", State.CANCELLED, "cancelled", reason=True),
    _rule(Act.LOSE_MONEY, "held preparing", "ledger", State.CANCELLED, "cancelled", reason=True),
    _rule(
        Act.GIVE_BACK,
        "placed underpaid held paid preparing ready handed_over picked_up delivered return_asked",
        "ledger",
        State.REFUNDED,
        "refunded",
    ),
    _rule(Act.PREPARE, "held paid", "seller", State.PREPARING, "preparing"),
    _rule(Act.READY, "paid preparing", "seller", State.READY, "ready"),
    _rule(Act.PICK_UP, "ready", "seller buyer clock", State.PICKED_UP, "picked_up", fulfilment=_PICKUP),
    # The stall never said a word, and has the money: the buyer came, or asks for it back.
    _rule(Act.PICK_UP, "paid preparing", "clock", State.PICKED_UP, "picked_up", fulfilment=_PICKUP),
    _rule(Act.HAND_OVER, "ready", "seller", State.HANDED_OVER, "handed_over", fulfilment=_DELIVERY),
    _rule(Act.DELIVER, "handed_over", "seller buyer clock", State.DELIVERED, "delivered", fulfilment=_DELIVERY),
    _rule(Act.CANCEL, "placed underpaid held paid", "buyer", State.CANCELLED, "cancelled", reason=True),
    _rule(
        Act.CANCEL,
        "placed underpaid held paid preparing ready handed_over",
        "seller operator",
        State.CANCELLED,
        "cancelled",
        reason=True,
    ),
    _rule(Act.ASK_RETURN, "picked_up delivered", "buyer", State.RETURN_ASKED, "return_asked", reason=True),
    _rule(Act.ACCEPT_RETURN, "return_asked", "seller operator clock", State.RETURNED, "returned"),
    _rule(Act.REFUSE_RETURN, "return_asked", "seller operator", None, "return_refused", reason=True),
)

_WITHIN = {
    State.UNDERPAID: SHORT_WITHIN,
    State.HELD: PREPARE_WITHIN,
    State.PAID: PREPARE_WITHIN,
    State.PREPARING: PREPARE_WITHIN,
    State.READY: READY_WITHIN,
    State.HANDED_OVER: CARRY_WITHIN,
    State.RETURN_ASKED: DECIDE_WITHIN,
}


def move(order: Order, act: Act, actor: Actor, now: datetime, reason: str = "") -> Order:
    """The order after `act`, with its history.

    Raises WrongState (not from here), PermissionDenied (not by this actor), InvalidArgument (no reason, or too long a
    one), LimitExceeded.
    """
    rules = [rule for rule in TABLE if rule.act is act and rule.fulfilment in (None, order.fulfilment)]
    from_here = [rule for rule in rules if order.state in rule.sources]
    if not from_here:
        raise WrongState(f"not possible for an order that is {order.state.value}", state=order.state.value)
    rule = next((rule for rule in from_here if actor.who in rule.who), None)
    if rule is None:
        raise PermissionDenied(f"not for the {actor.who.value} of an order that is {order.state.value}")
    reason = check_reason(reason, needed=rule.reason)
    target = rule.target or _before(order)
    within = _WITHIN.get(target)
    moved = replace(order, state=target, deadline=now + within if within else None)
    return note(moved, rule.event, actor, now, reason)


def note(order: Order, event: str, actor: Actor, now: datetime, reason: str = "") -> Order:
    """The order with one more thing that happened. Raises LimitExceeded; never what nobody in person does."""
    if len(order.history) >= HISTORY_MAX and actor.id:
        raise LimitExceeded(f"an order keeps at most {HISTORY_MAX} things that happened")
    happened = Happened(event, order.state, actor.who.value, actor.id, reason, now)
    return replace(order, history=(*order.history, happened))


def check_reason(reason: str, needed: bool = False) -> str:
    """Raises InvalidArgument."""
    tidy = " ".join(reason.split())
    if needed and not tidy:
        raise InvalidArgument("a reason is needed: the other side will read it")
    if len(tidy) > REASON_MAX or not tidy.isprintable():
        raise InvalidArgument(f"reason: at most {REASON_MAX} characters that can be seen")
    return tidy


def _before(order: Order) -> State:
    """What it was before a return was asked for."""
    return State.DELIVERED if order.fulfilment is Fulfilment.DELIVERY else State.PICKED_UP
