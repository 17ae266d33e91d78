"""The life of a break: found, given to somebody, a correction proposed, approved by a second person, posted. Pure.

    open -> assigned -> proposed -> approved -> resolved
                 ^          |  \\-> resolved, where nothing has to be posted
                 |- rejected /         |
                 \\- refused by the ledger

A run that no longer finds it closes it as gone; one that finds it again opens it again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import takewhile

from kit.clock import VIETNAM
from kit.errors import FourEyes, InvalidArgument, WrongState
from services.settlement.matching import days
from services.settlement.matching.model import BreakType, Severity

TEXT_MAX = 2000
NAME_MAX = 200
AMOUNT_MAX = 10**12
# How long a second person has where an entry is to be posted: the ledger takes its proposal no longer.
DECIDE = timedelta(days=3)
# From so many entries on a break takes no more comments; decisions always fit.
COMMENTS_MAX = 200
HISTORY_MAX = 1000


class State(str, Enum):
    OPEN = "open"
    ASSIGNED = "assigned"
    PROPOSED = "proposed"
    APPROVED = "approved"
    RESOLVED = "resolved"
    GONE = "gone"


# Somebody still has to do something. What is approved is decided, and only not posted yet.
UNDECIDED = (State.OPEN, State.ASSIGNED, State.PROPOSED)
ACTIVE = (*UNDECIDED, State.APPROVED)
# Breaks over a movement of ours that was not shown as booked: any later statement that shows it ends them.
OF_OURS = (BreakType.MISSING, BreakType.STATUS)


@dataclass(frozen=True, slots=True)
class Correction:
    """A correcting entry: đồng from one of the ledger's accounts to another, and why."""

    from_account: str
    to_account: str
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a break is to be resolved, in words, and the entry that corrects the books; None: nothing is to be posted."""

    resolution: str
    correction: Correction | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """What somebody did to a break; `text` in their words."""

    at: datetime
    by: str
    what: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    """A break as it is kept; đồng, UTC. `stream`: "institution|account|what"; `scope`: with the dates of the run;
    `reconciliation_id`: the last run that found it. `facts`: both sides' movements and the suggestions, as JSON.
    `version` counts its changes.
    """

    id: str
    institution: str
    stream: str
    scope: str
    reconciliation_id: str
    type: BreakType
    detail: str
    severity: Severity
    reference: str
    due_on: date
    at_risk: int
    difference: int
    facts: str
    opened_at: datetime
    state: State = State.OPEN
    owner: str = ""
    proposal: Proposal | None = None
    approved_by: str = ""
    transfer_id: str = ""
    history: tuple[Event, ...] = ()
    version: int = 1


def assign(found: Break, owner: str, by: str, at: datetime) -> Break:
    """Somebody is to look after it. Raises WrongState once a resolution is proposed."""
    _in(found, State.OPEN, State.ASSIGNED)
    _text("owner", owner, NAME_MAX)
    return _with(replace(found, state=State.ASSIGNED, owner=owner), at, by, "assigned", owner)


def comment(found: Break, text: str, by: str, at: datetime) -> Break:
    """Words, in any state."""
    _text("comment", text)
    if len(found.history) >= COMMENTS_MAX:
        raise InvalidArgument(f"it has {COMMENTS_MAX} entries: comment where it is discussed, and name that place here")
    return _with(found, at, by, "commented", text)


def propose(found: Break, resolution: str, correction: Correction | None, by: str, at: datetime) -> Break:
    """A resolution for a second person to approve; who proposes looks after it if nobody did."""
    _in(found, State.OPEN, State.ASSIGNED)
    _text("resolution", resolution)
    if correction is not None:
        for name in ("from_account", "to_account"):
            _text(name, getattr(correction, name), NAME_MAX)
        _text("reason", correction.reason)
        if correction.from_account == correction.to_account:
            raise InvalidArgument("from_account and to_account are one account")
        if not 1 <= correction.amount <= AMOUNT_MAX:
            raise InvalidArgument(f"amount: 1 to {AMOUNT_MAX} đồng")
    proposal = Proposal(resolution, correction, by, at)
    changed = replace(found, state=State.PROPOSED, owner=found.owner or by, proposal=proposal)
    return _with(changed, at, by, "proposed", f"{resolution}{_words(correction)}")


def approve(found: Break, by: str, at: datetime) -> Break:
    """Somebody else than who proposed it agrees: its correction may be posted now, and without one it is resolved.

    Raises FourEyes for who proposed it, and WrongState where its entry can be posted no more.
    """
    proposal = _proposal(found)
    if proposal.by == by:
        raise FourEyes("who proposed a resolution does not approve it: a second person has to")
    if proposal.correction and at >= proposal.at + DECIDE:
        raise WrongState(f"its entry had to be approved within {DECIDE.days} days: reject it and propose anew")
    state = State.APPROVED if proposal.correction else State.RESOLVED
    return _with(replace(found, state=state, approved_by=by), at, by, "approved", proposal.resolution)


def reject(found: Break, why: str, by: str, at: datetime) -> Break:
    """Back to its owner, without the proposal. Who proposed may take it back the same way."""
    proposal = _proposal(found)
    _text("why", why)
    changed = replace(found, state=State.ASSIGNED, proposal=None)
    return _with(changed, at, by, "withdrawn" if proposal.by == by else "rejected", why)


def resolve(found: Break, transfer_id: str, by: str, at: datetime) -> Break:
    """The approved correction was posted by this transfer. Where a run has found another amount since it was approved,
    the break is opened again: that one nobody has decided on."""
    _in(found, State.APPROVED)
    _text("transfer_id", transfer_id, NAME_MAX)
    if _found_otherwise(found):
        reopened = replace(found, state=_back(found), proposal=None, approved_by="", transfer_id=transfer_id)
        return _with(reopened, at, by, "reopened", f"{transfer_id} is of another amount than is at stake now")
    changed = replace(found, state=State.RESOLVED, transfer_id=transfer_id)
    return _with(changed, at, by, "resolved", transfer_id)


def refused(found: Break, why: str, by: str, at: datetime) -> Break:
    """Back to its owner: the ledger never posted the approved correction, and never will."""
    _in(found, State.APPROVED)
    changed = replace(found, state=State.ASSIGNED, proposal=None, approved_by="")
    return _with(changed, at, by, "refused", why)


def gone(found: Break, reconciliation_id: str, by: str, at: datetime) -> Break:
    """A run no longer finds it. What is decided stays decided."""
    _in(found, *UNDECIDED)
    changed = replace(found, state=State.GONE, proposal=None)
    return _with(changed, at, by, "gone", reconciliation_id)


def found_again(kept: Break, now: Break, by: str, at: datetime) -> Break:
    """`kept` with what a run has found of it now.

    It is opened again where it was gone, and where it was resolved but another amount is at stake; a proposal made for
    another amount goes back. The same facts change nothing.
    """
    same = (kept.reconciliation_id, kept.facts) == (now.reconciliation_id, now.facts)
    if same and kept.state is not State.GONE:
        return kept
    other = (kept.at_risk, kept.difference) != (now.at_risk, now.difference)
    changed = replace(
        kept, scope=now.scope, reconciliation_id=now.reconciliation_id, detail=now.detail, severity=now.severity,
        at_risk=now.at_risk, difference=now.difference, facts=now.facts,
    )  # fmt: skip
    back = _back(kept)
    if kept.state is State.GONE or (kept.state is State.RESOLVED and other):
        reopened = replace(changed, state=back, proposal=None, approved_by="", transfer_id="", due_on=now.due_on)
        return _with(reopened, at, by, "reopened", now.reconciliation_id)
    if kept.state is State.PROPOSED and other:
        return _with(replace(changed, state=back, proposal=None), at, by, "rejected", "another amount is at stake now")
    return (
        _with(changed, at, by, "found", now.reconciliation_id) if other else replace(changed, version=kept.version + 1)
    )


def age(found: Break, today: date, holidays: Collection[date] = ()) -> int:
    """Business days since it was opened, Vietnam's days."""
    return days.between(found.opened_at.astimezone(VIETNAM).date(), today, holidays)


def _back(found: Break) -> State:
    """Where it is again once nothing is decided on it."""
    return State.ASSIGNED if found.owner else State.OPEN


def _found_otherwise(approved: Break) -> bool:
    """Whether a run has found another amount since the last approval."""
    since = takewhile(lambda event: event.what != "approved", reversed(approved.history))
    return any(event.what == "found" for event in since)


def _proposal(found: Break) -> Proposal:
    _in(found, State.PROPOSED)
    assert found.proposal is not None, f"{found.id} is proposed, and nothing is"
    return found.proposal


def _with(changed: Break, at: datetime, by: str, what: str, text: str) -> Break:
    _text("by", by, NAME_MAX)
    if len(changed.history) >= HISTORY_MAX:
        raise WrongState(f"{HISTORY_MAX} things were done to this break: open a case outside, and resolve it by hand")
    return replace(changed, history=(*changed.history, Event(at, by, what, text)), version=changed.version + 1)


def _in(found: Break, *states: State) -> None:
    if found.state not in states:
        wanted = " or ".join(state.value for state in states)
        raise WrongState(f"the break is {found.state.value}, and this needs one that is {wanted}")


def _text(name: str, text: str, most: int = TEXT_MAX) -> None:
    if not text.strip() or len(text) > most:
        raise InvalidArgument(f"{name}: 1 to {most} characters")


def _words(correction: Correction | None) -> str:
    if correction is None:
        return ""
    c = correction
    return f" [{c.amount} đồng, {c.from_account} -> {c.to_account}: {c.reason}]"
