"""What a recall of a lot does to an order that took from it. Pure. Whoever stores it settles it first (steps.settle).

First the line is stopped: it leaves the stall for nobody. A second person releases the recall: the line costs nothing
any more, and what was paid for it goes back the way everything of an order does: never twice, and never more than was
paid. Or the recall is withdrawn, and the order goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kit.errors import LimitExceeded
from services.orders.life import Act, Actor, Who, move, note
from services.orders.order import AT_STALL, Kind, Order, State, Stop
from services.orders.saga.steps import excess_of

# Recalls that one order takes part in.
STOPS_MAX = 50
# Nobody in person: it is told however much has happened to the order.
RECALL = Actor(Who.OPERATOR)
# With nothing left of it, an order is over as long as its goods may still be had back.
_CANCELLABLE = AT_STALL | {State.HANDED_OVER}
# Its code names the old total: whoever has not paid yet orders anew.
_UNPAID = frozenset({State.PLACED, State.UNDERPAID})


class Outcome(StrEnum):
    """What became of the money of a line that is recalled."""

    # On its way back, or refused so far (`Came.code`) and tried again.
    OPEN = "open"
    REFUNDED = "refunded"
    # It went back before: the line was returned or refunded, its order cancelled.
    ALREADY = "already"
    # Nobody had paid for it. What is paid late goes back by itself, as for every order that is over.
    UNPAID = "unpaid"


@dataclass(frozen=True, slots=True)
class Came:
    """`amount`: đồng that go, or went, back because of the recall."""

    outcome: Outcome
    amount: int = 0
    code: str = ""


def stop(order: Order, recall_id: str, product_id: str, reason: str, now: datetime) -> Order:
    """The order, one of whose lines may leave the stall for nobody. Again, nothing changes. Raises LimitExceeded."""
    if _stop_of(order, recall_id) is not None:
        return order
    if len(order.stops) >= STOPS_MAX:
        raise LimitExceeded(f"an order takes part in at most {STOPS_MAX} recalls")
    stopped = replace(order, stops=(*order.stops, Stop(recall_id, product_id)))
    return note(stopped, "stopped", RECALL, now, reason)


def release(order: Order, recall_id: str, product_id: str, reason: str, now: datetime) -> Order:
    """The order, one of whose lines costs nothing any more. Again, nothing changes. Raises LimitExceeded."""
    order = stop(order, recall_id, product_id, reason, now)
    known = _stop_of(order, recall_id)
    assert known is not None
    if known.released:
        return order
    before = excess_of(order)
    lines = tuple(replace(one, recalled=True) if one.product_id == product_id else one for one in order.lines)
    order = note(replace(order, lines=lines), "recalled", RECALL, now, reason)
    if order.state in _UNPAID or (order.due <= 0 and order.state in _CANCELLABLE):
        order = move(order, Act.CANCEL, RECALL, now, reason)
    amount = max(0, excess_of(order) - max(0, before))
    done = replace(known, released=True, amount=amount, paid=bool(order.payments))
    return replace(order, stops=tuple(done if one is known else one for one in order.stops))


def lift(order: Order, recall_id: str, reason: str, now: datetime) -> Order:
    """The order, which goes on: the recall is withdrawn. Where it does not take part in it, nothing changes."""
    known = _stop_of(order, recall_id)
    if known is None or known.released:
        return order
    lifted = replace(order, stops=tuple(one for one in order.stops if one is not known))
    return note(lifted, "recall_withdrawn", RECALL, now, reason)


def came(order: Order, recall_id: str) -> Came:
    """How the money of a released recall stands in an order."""
    known = _stop_of(order, recall_id)
    assert known is not None
    assert known.released, "asked of a recall that was released"
    refunds = [step for step in order.steps if step.kind is Kind.REFUND]
    if refunds and known.amount:
        codes = [step.stuck or step.code for step in refunds]
        return Came(Outcome.OPEN, known.amount, next((code for code in codes if code), ""))
    if known.amount:
        return Came(Outcome.REFUNDED, known.amount)
    return Came(Outcome.ALREADY if known.paid else Outcome.UNPAID)


def _stop_of(order: Order, recall_id: str) -> Stop | None:
    return next((one for one in order.stops if one.recall_id == recall_id), None)
