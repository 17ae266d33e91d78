"""A recall: who opened it, who released it, how far it is. Pure rules, no I/O, no clock.

Amounts are whole đồng.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from kit.errors import BY_CODE, DomainError, FourEyes, WrongState
from services.orders.life import check_reason
from services.orders.saga.recalled import Outcome

# An order that took from the lot and was never placed: so long after the recall, no checkout goes on any more.
PLACED_WITHIN = timedelta(minutes=30)


class State(StrEnum):
    # The lot is being taken out of sale, and its orders are listed.
    OPENED = "opened"
    # Waits for a second person.
    LISTED = "listed"
    # The money goes back.
    RELEASED = "released"
    FINISHED = "finished"
    # The lot is being put back on sale, and its orders go on.
    WITHDRAWN = "withdrawn"
    LIFTED = "lifted"
    # There is no such lot, or it is recalled already.
    REFUSED = "refused"


# There is something to be done.
RUNNING = (State.OPENED, State.LISTED, State.RELEASED, State.WITHDRAWN)


class LineState(StrEnum):
    """Where an order of a recall stands."""

    # Nothing was done to the order yet.
    NEW = "new"
    # It is being placed, or never will be.
    UNPLACED = "unplaced"
    # It leaves the stall for nobody.
    STOPPED = "stopped"
    OPEN = "open"
    REFUNDED = "refunded"
    ALREADY = "already"
    UNPAID = "unpaid"
    # The recall was withdrawn.
    LIFTED = "lifted"


STATE_OF = {
    Outcome.OPEN: LineState.OPEN,
    Outcome.REFUNDED: LineState.REFUNDED,
    Outcome.ALREADY: LineState.ALREADY,
    Outcome.UNPAID: LineState.UNPAID,
}
# What is still to be done of a recall in this state, by lines' states.
TODO: Mapping[State, tuple[LineState, ...]] = MappingProxyType(
    {
        State.OPENED: (LineState.NEW,),
        State.LISTED: (LineState.NEW, LineState.UNPLACED),
        State.RELEASED: (LineState.NEW, LineState.UNPLACED, LineState.STOPPED, LineState.OPEN),
        State.WITHDRAWN: (LineState.NEW, LineState.UNPLACED, LineState.STOPPED),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """An order that took `quantity` base units of the lot. `amount`: đồng that go or went back because of the recall;
    `code`: why they did not yet."""

    recall_id: str
    order_id: str
    quantity: int
    state: LineState = LineState.NEW
    amount: int = 0
    code: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Lines in one state, and đồng of them."""

    lines: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """`sales`: live sales that took from the lot and may still become orders; `refused`: with which code."""

    id: str
    product_id: str
    lot_id: str
    reason: str
    opened_by: str
    opened_at: datetime
    state: State = State.OPENED
    sales: tuple[str, ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None
    ended_at: datetime | None = None
    withdrawn_for: str = ""
    refused: str = ""
    tallies: Mapping[LineState, Tally] = field(default_factory=dict)
    version: int = 1

    @property
    def refusal(self) -> DomainError | None:
        """Why nothing of it was done."""
        return BY_CODE[self.refused]("the product has no such lot, or it is recalled already") if self.refused else None

    @property
    def lines(self) -> int:
        """Orders that it lists."""
        return sum(one.lines for one in self.tallies.values())


def listed(recall: Recall) -> Recall:
    """Every order that took from the lot is known, and stopped."""
    return replace(recall, state=State.LISTED) if recall.state is State.OPENED else recall


def refuse(recall: Recall, code: str, now: datetime) -> Recall:
    """There is nothing to recall."""
    assert recall.state is State.OPENED, "a lot that is out of sale is recalled"
    return replace(recall, state=State.REFUSED, refused=code, ended_at=now)


def release(recall: Recall, by: str, now: datetime) -> Recall:
    """A second person lets the money go back. Again by the same one, nothing changes. Raises WrongState, FourEyes."""
    if recall.state in (State.RELEASED, State.FINISHED) and recall.decided_by == by:
        return recall
    if recall.state is not State.LISTED:
        raise WrongState(f"it waits for nobody: {recall.state}", state=recall.state)
    if recall.opened_by == by:
        raise FourEyes("you opened it: a second person has to release it")
    return replace(recall, state=State.RELEASED, decided_by=by, decided_at=now)


def withdraw(recall: Recall, by: str, reason: str, now: datetime) -> Recall:
    """Nothing is wrong with the lot: until the money goes back. Raises WrongState, InvalidArgument."""
    reason = check_reason(reason, needed=True)
    if recall.state in (State.WITHDRAWN, State.LIFTED):
        return recall
    if recall.state is not State.LISTED:
        raise WrongState(f"not any more, or not yet: {recall.state}", state=recall.state)
    return replace(recall, state=State.WITHDRAWN, decided_by=by, decided_at=now, withdrawn_for=reason)


def ended(recall: Recall, now: datetime) -> Recall:
    """Nothing is left to be done of it."""
    after = {State.RELEASED: State.FINISHED, State.WITHDRAWN: State.LIFTED}
    return replace(recall, state=after[recall.state], ended_at=now) if recall.state in after else recall
