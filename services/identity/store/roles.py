"""Roles, given by two, taken by one: a change is one write of the person, with its line of the trail and its event."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from kit.errors import AlreadyExists, Contention, FourEyes, NotFound, WrongState
from kit.ids import new_id
from services.identity import user as users
from services.identity.store.people import (
    FIRST_VERSION,
    Person,
    RoleChange,
    RoleProposal,
    are_one,
    person,
    roles_of,
    user_changed,
)

DECIDED_WITHIN = timedelta(days=7)
LISTED_MAX = 100
# Lines of a person's trail; past them nothing is given or refused any more, so that none is lost. Taking away goes on,
# which ends by itself: whoever fills a trail makes nobody irrevocable.
CHANGES_MAX = 200
_BEFORE_ALL, _AFTER_ALL = datetime(1970, 1, 1), datetime(9000, 1, 1)


def propose_roles(
    user_id: str, roles: Collection[str], institution: str, reason: str, made_by: str, now: datetime
) -> tuple[Person, RoleProposal]:
    """Asks for these roles in place of those there are.

    Raises NotFound, InvalidArgument, FourEyes (one's own), AlreadyExists where a proposal waits, Contention.
    """
    _not_oneself(user_id, made_by)
    found, checked = person(user_id), users.check_roles(roles, institution)
    waiting = found.proposal
    if waiting is not None and waiting.made_at > now - DECIDED_WITHIN:
        raise AlreadyExists("a proposal for this person waits: decide on it first", proposal_id=waiting.id)
    made = RoleProposal(
        id=new_id("rol"), roles=list(checked), institution=institution, reason=reason, made_by=made_by, made_at=now
    )
    unchanged = Person.objects(id=user_id, proposal__id=waiting.id if waiting else None, erased_at=None)
    changed = unchanged.modify(new=True, set__proposal=made)
    if changed is None:
        raise Contention("somebody else proposed at the same time")
    return changed, made


def decide_roles(user_id: str, proposal_id: str, decided_by: str, approve: bool, now: datetime) -> RoleChange:
    """Approves or refuses. Raises NotFound, FourEyes (one's own proposal, or about oneself), WrongState, Contention."""
    _not_oneself(user_id, decided_by)
    found = person(user_id)
    proposal = found.proposal
    if proposal is None or proposal.id != proposal_id:
        raise NotFound("proposal_id: no proposal of this person that waits")
    if approve and are_one(proposal.made_by, decided_by):
        raise FourEyes("you proposed it: another operator has to approve")
    if approve and proposal.made_at <= now - DECIDED_WITHIN:
        raise WrongState(f"older than {DECIDED_WITHIN.days} days: propose it again")
    if approve and "operator" not in roles_of(proposal.made_by):
        raise WrongState("who proposed it is no operator any more: refuse it, and propose it again where it is right")
    change = RoleChange(
        kind="granted" if approve else "refused", at=now, roles_before=found.roles, roles=proposal.roles,
        institution=proposal.institution, reason=proposal.reason, made_by=proposal.made_by, decided_by=decided_by,
    )  # fmt: skip
    new = {"roles": proposal.roles, "institution": proposal.institution} if approve else {}
    return _change(found, change, new)


def revoke_roles(user_id: str, roles: Collection[str], reason: str, made_by: str, now: datetime) -> RoleChange:
    """Takes roles away at once. Raises NotFound, FourEyes (one's own), WrongState where there is nothing to take.

    Whoever keeps none is a shopper, as anybody may be.
    """
    _not_oneself(user_id, made_by)
    found = person(user_id)
    left = [role for role in found.roles if role not in roles] or ["shopper"]
    if left == list(found.roles):
        raise WrongState(f"nothing of this can be taken from who is {', '.join(found.roles)}")
    institution = found.institution if users.may_work_for_one(left) else ""
    change = RoleChange(
        kind="revoked", at=now, roles_before=found.roles, roles=left, institution=institution or "", reason=reason,
        made_by=made_by,
    )  # fmt: skip
    return _change(found, change, {"roles": left, "institution": institution or ""})


def role_proposals() -> list[Person]:
    """People about whom a proposal waits, the newest first, LISTED_MAX at most."""
    found = Person.objects(proposal__made_at__gt=_BEFORE_ALL, proposal__made_at__lt=_AFTER_ALL)
    return list(found.order_by("-proposal.made_at").limit(LISTED_MAX))


def _change(found: Person, change: RoleChange, new: dict[str, Any]) -> RoleChange:
    """Writes a change down and does it. What waits for a decision is over by it: it was asked for of another person."""
    if len(found.role_changes) >= CHANGES_MAX and change.kind != "revoked":
        raise WrongState(f"{CHANGES_MAX} changes are kept of a person, and none is ever dropped: only take away")
    read, update = found.version, {f"set__{name}": value for name, value in new.items()}
    if new:
        found.roles, found.institution = new["roles"], new["institution"]
        found.version = (read or FIRST_VERSION) + 1
        update |= {"set__version": found.version, "push__outbox": user_changed(found)}
    waiting = found.proposal
    unchanged = Person.objects(id=found.id, version=read, erased_at=None, proposal__id=waiting.id if waiting else None)
    if not unchanged.update_one(push__role_changes=change, unset__proposal=1, **update):
        raise Contention("somebody else changed this person at the same time")
    return change


def _not_oneself(user_id: str, actor: str) -> None:
    if are_one(user_id, actor):
        raise FourEyes("nobody decides on their own roles")
