"""What a merchant is, and who may move it from state to state. Pure.

draft -> submitted <-> in review -> active <-> suspended -> closed

A reviewer may send a submitted merchant back (draft again) or refuse it (closed); a draft that nobody wants is closed.
Who filled it in, handed it in or owns it does not review it, and does not lift its suspension.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from kit.errors import FourEyes, InvalidArgument, WrongState
from kit.identifiers import names

REASON_CHARACTERS_MAX = 200


class State(str, Enum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Action(str, Enum):
    SUBMIT = "submit"
    CLAIM = "claim"
    RELEASE = "release"
    RETURN = "return"
    REFUSE = "refuse"
    APPROVE = "approve"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class _Transition:
    """`event` is what the others are told; `reason` whether one has to be given, `usual` the one where none is;
    `second` whether it takes somebody who neither made nor owns it; `reviewers` whether, once in review, only the
    reviewer may."""

    sources: tuple[State, ...]
    target: State
    event: str
    reason: bool = False
    second: bool = False
    reviewers: bool = False
    usual: str = ""


_WAITING = (State.SUBMITTED, State.IN_REVIEW)
_TRANSITIONS = {
    Action.SUBMIT: _Transition((State.DRAFT,), State.SUBMITTED, "merchant.submitted", usual="hồ sơ đã đủ"),
    Action.CLAIM: _Transition(
        (State.SUBMITTED,), State.IN_REVIEW, "merchant.claimed", second=True, usual="nhận thẩm định"
    ),
    Action.RELEASE: _Transition((State.IN_REVIEW,), State.SUBMITTED, "merchant.released", reason=True, reviewers=True),
    Action.RETURN: _Transition(
        _WAITING, State.DRAFT, "merchant.returned", reason=True, second=True, reviewers=True
    ),
    Action.REFUSE: _Transition(
        _WAITING, State.CLOSED, "merchant.refused", reason=True, second=True, reviewers=True
    ),
    Action.APPROVE: _Transition(
        _WAITING, State.ACTIVE, "merchant.activated", second=True, reviewers=True, usual="đạt yêu cầu"
    ),
    Action.SUSPEND: _Transition((State.ACTIVE,), State.SUSPENDED, "merchant.suspended", reason=True),
    Action.REINSTATE: _Transition((State.SUSPENDED,), State.ACTIVE, "merchant.reinstated", reason=True, second=True),
    Action.CLOSE: _Transition((State.DRAFT, State.SUSPENDED), State.CLOSED, "merchant.closed", reason=True),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A merchant as it may be shown: what is personal is masked. Times are UTC."""

    merchant_id: str
    name: str
    market_id: str
    market_name: str
    province_name: str
    stall: str
    # Empty until the vendor has an account.
    owner_id: str
    category_code: str
    bank_bin: str
    account_masked: str
    account_name: str
    person_name: str
    phone_masked: str
    citizen_id_masked: str
    state: State
    # Counts changes; 1 when first saved.
    version: int
    registered_at: datetime
    registered_by: str
    # Who has it in review; empty where nobody has.
    assigned_to: str = ""
    submitted_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an action makes of a merchant, and the event that tells of it."""

    action: Action
    state: State
    version: int
    reason: str
    event: str


def merchant_id_of(request_id: str) -> str:
    """The form's UUIDv7 is the merchant's id: one form, one merchant; seeding anew keeps QR codes."""
    return f"mer_{request_id.replace('-', '')}"


def decide(
    *,
    state: State,
    version: int,
    makers: Collection[str],
    assigned_to: str,
    action: Action,
    actor: str,
    reason: str = "",
    supervises: bool = False,
) -> Decision:
    """What `action` by `actor` leads to. `makers` filled it in, handed it in or own it; who `supervises` may also put
    back what another reviewer has in hand.

    Raises WrongState, FourEyes, InvalidArgument (no reason).
    """
    rule = _TRANSITIONS[action]
    if state not in rule.sources:
        raise WrongState(f"cannot {action.value} a merchant that is {state.value}")
    if rule.second and actor in makers:
        raise FourEyes("who filled in, handed in or owns a merchant neither reviews nor reinstates it")
    others = rule.reviewers and state is State.IN_REVIEW and actor != assigned_to
    if others and not (supervises and action is Action.RELEASE):
        raise FourEyes("another reviewer has this merchant in hand: an operator can release it")
    reason = names.tidy(reason)
    if rule.reason or reason:
        reason = reason_of(reason)
    return Decision(action, rule.target, version + 1, reason or rule.usual, rule.event)


def usual_reason(action: Action) -> str:
    """Why it is done, where nobody says anything else; "" where somebody has to."""
    return _TRANSITIONS[action].usual


def reason_of(text: str) -> str:
    """The reason, trimmed. Raises InvalidArgument where there is none, or none that can be shown."""
    if problem := names.problem_of(text, REASON_CHARACTERS_MAX):
        raise InvalidArgument(
            f"reason must be 1 to {REASON_CHARACTERS_MAX} visible characters",
            vi=f"Hãy ghi lý do, tối đa {REASON_CHARACTERS_MAX} ký tự.",
            field="reason",
            problem=problem,
        )
    return names.tidy(text)
