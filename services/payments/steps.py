"""What top-ups, refunds to cards and disputes have in common: work that is done a step at a time. Pure.

    step = work.step(now_ms)                            # the one thing to do next
    came = ...                                          # done by whoever has the connections
    work, go_on = work.after(step, came, now_ms)        # stored, on the condition that nobody was faster

Whoever does a step may die before it, after it, or after storing what came of it, and two may be at it at once: so each
step can be repeated from what is stored (the same key, or only looking), and every state leads on to another, by what
came or by time. What cannot be found out is escalated to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, ClassVar, Self

from kit.errors import DomainError
from kit.ids import derived_key
from services.payments.card import calls
from services.payments.card.calls import Call, Listing
from services.payments.card.failures import Invalid, KeyMisused, NotThere
from services.payments.card.objects import Refund, RefundStatus
from services.payments.transfer import Leg

# The provider in the names of the ledger's accounts (store/ledger.py, CARDS).
PROVIDER = "STRIPE"
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1_000, 60_000, 3_600_000, 86_400_000
# Due then: never.
NEVER_MS = 1 << 52
# Whoever began goes on for so long before somebody else begins too.
TURN_MS = 15 * SECOND_MS
# Looked at again after a second, two, four ... at most as often as this.
WAIT_MS_MIN, WAIT_MS_MAX = SECOND_MS, 10 * MINUTE_MS
FLIPS_MAX = 3
# What is not known after so long in one state needs a person.
STUCK_MS_MAX = DAY_MS
# The provider keeps a key's answer for 24 hours (card/calls.py): sent under it only this long, looked for after it.
KEY_MS_MAX = 20 * HOUR_MS
# A call may be executed so long after it was sent.
LATE_MS_MAX = HOUR_MS

# Refusals of the ledger after which the same key is tried again: nothing is known, or nothing was spent.
PASSING = frozenset({"OUTCOME_UNKNOWN", "UNAVAILABLE", "LEDGER_FENCED", "OVERLOADED", "CLOCK_SKEW", "CONTENTION"})
# Refusals for good of this key, which another one may not meet.
REFUSED = frozenset({"ACCOUNT_FROZEN", "ACCOUNT_CLOSED", "GUARANTEE_SHORT", "BALANCE_TOO_LARGE", "TOO_MANY_OPEN"})
# Answers that tell nothing about an earlier use of the key, and a fault of ours.
DOUBTFUL = frozenset({"KEY_EXPIRED", "KEY_SPENT", "IDEMPOTENCY_CONFLICT", "INTERNAL"})
# A key that was answered so is of no use any more.
UNUSABLE = REFUSED | DOUBTFUL - {"INTERNAL"}
# Codes of our own for what is escalated: too long in one state; the provider says what cannot be, knows our key from
# another call, or does not know what it told us of.
STUCK, DIFFERS, MISUSED, GONE = "STUCK", "PROVIDER_DIFFERS", "KEY_MISUSED", "NOT_AT_PROVIDER"


class State(str, Enum):
    """Where a work stands; which of them a kind has, its module says."""

    CREATED = "created"
    # Top-ups: what was made of it at the provider was not answered, and is looked for.
    LOST = "lost"
    # The provider's payment is there, and not known to be confirmed.
    OPENED = "opened"
    UNKNOWN = "unknown"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    CANCELLING = "cancelling"
    PAID = "paid"
    UNPOSTED = "unposted"
    RETURNING = "returning"
    RETURNED = "returned"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    # Refunds: held in the wallet and sent; given back by the provider; the hold ended before that; to be set free.
    HELD = "held"
    GIVEN = "given"
    OVERDUE = "overdue"
    RELEASING = "releasing"
    REFUSED = "refused"
    # Refunds and disputes: the money is ours again, and put back into the wallet.
    BACK = "back"
    CAME_BACK = "came_back"
    # Disputes: the bank asks; the money is gone and taken from the wallet; taken.
    OPEN = "open"
    TAKING = "taking"
    TAKEN = "taken"
    WON = "won"
    LOST_CASE = "lost_case"
    # All.
    DONE = "done"
    ESCALATED = "escalated"
    CLOSED = "closed"


class Decision(str, Enum):
    """What a person may decide on what was escalated."""

    RETRY = "retry"
    RETURN = "return"
    CLOSE = "close"


# ---------------------------------------------------------------- steps


@dataclass(frozen=True, slots=True)
class Ask:
    """A call to the card provider. Brings its result, or a CardFailure."""

    call: Call[Any]


@dataclass(frozen=True, slots=True)
class Look:
    """A list of the card provider's, in whole. Brings a list, or a CardFailure."""

    listing: Listing[Any]


@dataclass(frozen=True, slots=True)
class Post:
    """A transfer in the ledger, by nobody's hand but ours. Brings Posted, or a DomainError."""

    op: str
    key: str
    about: str
    amount: int
    legs: Sequence[Leg]
    note: str
    related: str = ""
    owner: str = ""
    expires_ms: int = 0


@dataclass(frozen=True, slots=True)
class Void:
    """Ends a hold between a wallet and the card provider. Brings a balance, or a DomainError."""

    hold_id: str
    wallet_id: str
    amount: int
    related: str
    about: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A chargeback: from the wallet what it holds, the rest as its owner's debt. Brings Posted, or a DomainError."""

    key: str
    about: str
    wallet_id: str
    telecom: str
    owner_id: str
    amount: int
    related: str
    note: str


@dataclass(frozen=True, slots=True)
class Become:
    """Nothing to do outside: time alone leads on. As `Work.after` returns it."""

    work: Work
    go_on: bool


Step = Ask | Look | Post | Void | TakeBack | Become


# ---------------------------------------------------------------- work


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """`version` counts what was stored. Times in ms: `since_ms` in this state, `due_ms` when to look at it again.

    `tries`: steps in this state that led nowhere. `code`: why it is as it is. `stopped_in`: the state before it was
    escalated. `post_n`, `post_ms`: number and time of the ledger's present key; one that was refused gets a successor.
    `sent_ms`: since when money may have been sent back to the card, under the provider's present key; `looking`: it
    answered unclearly, and only looking tells. `resolved_by`, `resolution`: a person's decision and its reason.
    """

    id: str
    owner_id: str
    wallet_id: str
    telecom: str
    amount: int
    state: State
    created_ms: int
    since_ms: int
    due_ms: int
    version: int = 0
    tries: int = 0
    code: str = ""
    stopped_in: State | None = None
    post_n: int = 0
    post_ms: int = 0
    intent_id: str = ""
    refund_id: str = ""
    sent_ms: int = 0
    looking: bool = False
    resolved_by: str = ""
    resolution: str = ""

    # States that nothing leads out of.
    FINAL: ClassVar[frozenset[State]] = frozenset({State.CLOSED})

    def step(self, now_ms: int) -> Step | None:
        """What to do next; None where nothing is to be done any more, or a person has to."""
        raise NotImplementedError

    def after(self, step: Step, came: Any, now_ms: int) -> tuple[Self, bool]:
        """What it is now that `came` of `step`, and whether there is a next step at once."""
        raise NotImplementedError

    @property
    def over(self) -> bool:
        return self.state in self.FINAL

    def stuck(self, now_ms: int) -> bool:
        """Whether it has been in its state for longer than it may."""
        return now_ms >= self.since_ms + STUCK_MS_MAX

    # What may become of it

    def go(self, state: State, now_ms: int, **changes: Any) -> tuple[Self, bool]:
        """On to another state, and to its step."""
        due = NEVER_MS if state in self.FINAL else now_ms + TURN_MS
        reset: dict[str, Any] = {"since_ms": now_ms, "tries": 0, "looking": False, "due_ms": due}
        return replace(self, state=state, **(reset | changes)), state not in self.FINAL

    def wait(
        self, now_ms: int, state: State | None = None, most_ms: int = WAIT_MS_MAX, **changes: Any
    ) -> tuple[Self, bool]:
        """Looked at again later, each time later; in `state` where that is another."""
        moved = replace(self, state=state, since_ms=now_ms, tries=0) if state and state is not self.state else self
        wait_ms = min(WAIT_MS_MIN << min(moved.tries, 30), most_ms)
        return replace(moved, tries=moved.tries + 1, due_ms=now_ms + wait_ms, **changes), False

    def flip(self, state: State, now_ms: int) -> tuple[Self, bool]:
        """Back and forth between two states that are one for its times: a few times at once, then later."""
        moved = replace(self, state=state)
        if self.tries >= FLIPS_MAX:
            return moved.wait(now_ms)
        return replace(moved, tries=self.tries + 1, due_ms=now_ms + TURN_MS), True

    def escalate(self, now_ms: int, code: str) -> tuple[Self, bool]:
        """A person has to decide."""
        stopped: dict[str, Any] = {"stopped_in": self.state, "code": code, "since_ms": now_ms, "due_ms": NEVER_MS}
        return replace(self, state=State.ESCALATED, **stopped), False

    def resolve(self, decision: Decision, who: str, reason: str, now_ms: int) -> Self | None:
        """A person's decision, as far as it can be taken here; None where it cannot."""
        decided = replace(self, resolved_by=who, resolution=reason)
        if decision is Decision.CLOSE:
            return replace(decided, state=State.CLOSED, since_ms=now_ms, due_ms=NEVER_MS)
        if decision is not Decision.RETRY or not self.stopped_in:
            return None
        moved, _ = decided.go(self.stopped_in, now_ms, stopped_in=None, code="")
        return moved.next_key(now_ms) if self.code in UNUSABLE else moved

    def next_key(self, now_ms: int) -> Self:
        """With a new key for the ledger: only once the present one is known to be refused for good."""
        return replace(self, post_n=self.post_n + 1, post_ms=now_ms)

    def ledger_key(self, purpose: str) -> str:
        """The present key of one of its postings: whoever makes it makes the same."""
        return derived_key(self.post_ms or self.created_ms, self.id, purpose, str(self.post_n))


def code_of(came: Any) -> str:
    """The ledger's code of what came; "" where it was done."""
    return came.code if isinstance(came, DomainError) else ""


# ---------------------------------------------------------------- money back to a card


class Given(Enum):
    """How money that is given back to a card stands at the provider."""

    DONE = "done"
    # On its way: banks may take days.
    WAITS = "waits"
    # It was on its way, and came back to us.
    FAILED = "failed"
    # The provider will never do it.
    REFUSED = "refused"
    # Nothing of it is there, and nothing can come of it any more.
    ABSENT = "absent"
    # Looked for and not found, while it may still come.
    NOT_YET = "not_yet"
    UNCLEAR = "unclear"
    # The provider says what cannot be.
    WRONG = "wrong"


def give_back(work: Work, name: str, now_ms: int) -> Step:
    """The step that sends a work's amount back to its card, or looks how that went; marked as `name` of its id.

    Sent under one key for as long as the provider knows it; after an unclear answer, and after that time, only looked
    for: a stored 500 hides what happened.
    """
    if work.refund_id:
        return Ask(calls.retrieve_refund(work.refund_id))
    if work.looking or now_ms >= work.sent_ms + KEY_MS_MAX:
        return Look(calls.list_refunds(work.intent_id))
    key = f"{work.id}-{name}-{work.sent_ms}"
    return Ask(calls.create_refund(work.intent_id, work.amount, key, {name: work.id}))


def given(work: Work, name: str, came: Any, now_ms: int) -> tuple[Given, str]:
    """What came of `give_back`, and the provider's id of it ("" where it has none)."""
    if isinstance(came, list):
        found = [refund for refund in came if refund.metadata.get(name) == work.id]
        if not found:
            late = now_ms >= work.sent_ms + KEY_MS_MAX + LATE_MS_MAX
            return (Given.ABSENT if late else Given.NOT_YET), ""
        came = found[0]
    if isinstance(came, Refund):
        if came.amount != work.amount:
            return Given.WRONG, came.refund_id
        return _GIVEN[came.status], came.refund_id
    if gone(came):
        return Given.WRONG, ""
    return (Given.REFUSED if isinstance(came, Invalid) else Given.UNCLEAR), ""


_GIVEN = {
    RefundStatus.SUCCEEDED: Given.DONE,
    RefundStatus.PENDING: Given.WAITS,
    RefundStatus.REQUIRES_ACTION: Given.WAITS,
    RefundStatus.FAILED: Given.FAILED,
    RefundStatus.CANCELED: Given.FAILED,
}


def gone(came: Any) -> str:
    """Why a person has to look at what the provider answered; "" where trying again may help."""
    if isinstance(came, KeyMisused):
        return MISUSED
    return GONE if isinstance(came, NotThere) else ""
