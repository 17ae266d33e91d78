"""Vouchers: one person of the platform saw somebody who forgot their PIN, another agreed.

A voucher that was approved is good for one reset within GOOD_FOR. It is used by the reset itself, which is one write of
the person (`pin_reset_at`): one that was decided on before the last reset counts no more, whatever its document says.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from mongoengine import DateTimeField, Document, StringField
from mongoengine.errors import NotUniqueError

from kit.errors import AlreadyExists, NotFound, WrongState
from kit.ids import new_id
from services.identity.store.people import Account

# From the vouching to the decision, and from the decision to the reset.
GOOD_FOR = timedelta(hours=24)
LISTED_MAX = 100
_BEFORE_ALL, _AFTER_ALL = datetime(1970, 1, 1), datetime(9000, 1, 1)


class State(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    USED = "used"


class Voucher(Document):
    """`open_for` is the person while it is open, so that there is one at a time."""

    id = StringField(primary_key=True)
    user_id = StringField(required=True)
    open_for = StringField()
    state = StringField(required=True)
    reason = StringField(required=True)
    made_by = StringField(required=True)
    made_at = DateTimeField(required=True)
    decided_by = StringField()
    decided_at = DateTimeField()

    meta: ClassVar = {
        "collection": "vouchers",
        "auto_create_index": False,
        "indexes": [
            ("user_id", "state"),
            ("state", "made_at"),
            {"fields": ["open_for"], "unique": True, "sparse": True},
        ],
    }


def vouch(user_id: str, reason: str, made_by: str, now: datetime) -> Voucher:
    """A voucher that waits for somebody else. Raises AlreadyExists where one waits already."""
    stale = Voucher.objects(open_for=user_id, made_at__lte=now - GOOD_FOR)
    stale.update_one(set__state=State.REFUSED, set__decided_by="time", set__decided_at=now, unset__open_for=1)
    made = Voucher(
        id=new_id("vch"), user_id=user_id, open_for=user_id, state=State.OPEN, reason=reason, made_by=made_by,
        made_at=now,
    )  # fmt: skip
    try:
        made.save(force_insert=True)
    except NotUniqueError:
        raise AlreadyExists("a voucher for this person waits already: GET /v1/pin-reset/vouchers") from None
    return made


def voucher(voucher_id: str) -> Voucher:
    """Raises NotFound."""
    found = Voucher.objects(id=voucher_id).first()
    if found is None:
        raise NotFound("voucher_id: there is no such voucher")
    return found


def decide(found: Voucher, decided_by: str, approve: bool, now: datetime) -> Voucher:
    """Approves or refuses. Raises WrongState where it is not open, or older than GOOD_FOR."""
    state = State.APPROVED if approve else State.REFUSED
    still_open = Voucher.objects(id=found.id, state=State.OPEN, made_at__gt=now - GOOD_FOR)
    decided = still_open.modify(
        new=True, set__state=state, set__decided_by=decided_by, set__decided_at=now, unset__open_for=1
    )
    if decided is None:
        raise WrongState("decided already, or older than a day: vouch again")
    return decided


def approved(account: Account, now: datetime) -> list[Voucher]:
    """Vouchers that this person may reset their PIN by now, if those who made them still may."""
    used_at = account.pin_reset_at
    return [
        one
        for one in Voucher.objects(user_id=account.user.user_id, state=State.APPROVED)
        if one.decided_at > now - GOOD_FOR and (used_at is None or one.decided_at > used_at)
    ]


def vouchers_for(user_id: str) -> list[Voucher]:
    """Those that were ever made for this person, the newest first, LISTED_MAX at most."""
    return list(Voucher.objects(user_id=user_id).order_by("-made_at").limit(LISTED_MAX))


def mark_used(found: Voucher) -> None:
    """For those who look at it; it counted no more before."""
    Voucher.objects(id=found.id, state=State.APPROVED).update_one(set__state=State.USED)


def vouchers(state: State) -> list[Voucher]:
    """The newest first, LISTED_MAX at most."""
    found = Voucher.objects(state=state, made_at__gt=_BEFORE_ALL, made_at__lt=_AFTER_ALL)
    return list(found.order_by("-made_at").limit(LISTED_MAX))
