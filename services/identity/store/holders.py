"""Who is one person: every account of one citizen number.

A `Holder` is named by the keyed hash of the number (the database alone does not say whose it is) and tells a random id,
"prs_...", which other services know the person by. An account joins it in two writes: first the holder's list, then the
account's own document with its event. Where the process dies in between the list names one account too many, which does
no harm, and the next try finishes.

When its last account is erased a holder is forgotten, by its number too: FORGOTTEN_FOR later, so that nobody gets a new
month's limits by being forgotten and coming back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from mongoengine import DateTimeField, Document, ListField, StringField
from mongoengine.errors import NotUniqueError

from kit import crypto
from kit.errors import AlreadyExists, Contention, DomainError, WrongState
from kit.ids import new_id
from services.identity.store.people import CITIZEN_FIELD, FIRST_VERSION, Person, citizen_id_of, user_changed

# Phones of one person. Wallets are bounded by the telecoms; this bounds what one card is shown for.
ACCOUNTS_MAX = 5
# Longer than a calendar month, in which limits are counted.
FORGOTTEN_FOR = timedelta(days=35)
# A round is lost to another account that joins or leaves at the same moment.
_ROUNDS_MAX = 20


class Holder(Document):
    """`accounts`: user ids. `forgotten_at` (UTC) when the last was erased."""

    id = StringField(primary_key=True)
    person_id = StringField(required=True)
    accounts = ListField(StringField())
    made_at = DateTimeField(required=True)
    forgotten_at = DateTimeField()

    meta: ClassVar = {
        "collection": "holders",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["person_id"], "unique": True},
            "accounts",
            {"fields": ["forgotten_at"], "expireAfterSeconds": int(FORGOTTEN_FOR.total_seconds())},
        ],
    }


def identify(found: Person, number: str, by: str, now: datetime) -> Person:
    """The account as one of the person with this citizen number, by the word of `by` (a user id), `now` (UTC).

    Again with the same number it is as it was. Raises AlreadyExists where it is another person's, WrongState where the
    number has too many accounts or was erased a short while ago, Contention.
    """
    if found.person_id:
        return _same(found, number)
    index = crypto.blind_index("users.citizen", number)
    person_id = _join(index, found.id, now)
    version = (found.version or FIRST_VERSION) + 1
    read = found.version
    found.person_id, found.version = person_id, version
    unchanged = Person.objects(id=found.id, version=read, person_id=None, erased_at=None)
    changed = unchanged.modify(
        new=True,
        set__person_id=person_id,
        set__citizen=crypto.encrypt(CITIZEN_FIELD, number, found.id),
        set__identified_at=now,
        set__identified_by=by,
        set__version=version,
        push__outbox=user_changed(found),
    )
    if changed is not None:
        return changed
    # Identified, changed or erased since it was read.
    stored = Person.objects(id=found.id).first()
    if stored is None or stored.erased_at is not None or stored.person_id not in (None, person_id):
        Holder.objects(id=index).update_one(pull__accounts=found.id)
        # Of a number that was never anybody's here nothing is kept.
        Holder.objects(id=index, accounts=[], forgotten_at=None).delete()
    if stored is not None and stored.person_id:
        return _same(stored, number)
    raise Contention("something else changed this account at the same time")


def leave(user_id: str, now: datetime) -> None:
    """An account is no more: a holder without any is forgotten, FORGOTTEN_FOR after `now` (UTC) by its number too."""
    for _ in range(_ROUNDS_MAX):
        holder = Holder.objects(accounts=user_id).first()
        if holder is None:
            return
        left = [account for account in holder.accounts if account != user_id]
        # One write, and on condition: who is the last to leave is forgotten wherever this process dies, and whoever
        # joins at this moment is in the list, or finds it forgotten.
        forgotten = {} if left else {"set__forgotten_at": now}
        Holder.objects(id=holder.id, accounts=holder.accounts).update_one(set__accounts=left, **forgotten)
    raise Contention("the accounts of this person changed again and again")


def _same(found: Person, number: str) -> Person:
    if citizen_id_of(found) != number:
        raise AlreadyExists("this account is bound to another citizen card already")
    return found


def _join(index: str, user_id: str, now: datetime) -> str:
    """The id of the person that the account is one of now."""
    # The TTL index clears these too, but a minute or more late.
    Holder.objects(id=index, forgotten_at__lte=now - FORGOTTEN_FOR).delete()
    person_id = new_id("prs")
    try:
        Holder(id=index, person_id=person_id, accounts=[user_id], made_at=now).save(force_insert=True)
    except NotUniqueError:
        pass
    else:
        return person_id
    has_room = {f"accounts__{ACCOUNTS_MAX - 1}__exists": False}
    Holder.objects(id=index, forgotten_at=None, **has_room).update_one(add_to_set__accounts=user_id)
    holder = Holder.objects(id=index).first()
    if holder is None:
        raise Contention("this person was forgotten at this moment; try again")
    if user_id not in holder.accounts:
        raise _refusal(holder)
    return str(holder.person_id)


def _refusal(holder: Holder) -> DomainError:
    if holder.forgotten_at is not None:
        until = holder.forgotten_at + FORGOTTEN_FOR
        return WrongState(f"this person asked to be forgotten: they can be identified again from {until:%Y-%m-%d}")
    return WrongState(f"this person has {ACCOUNTS_MAX} accounts already, and no more are bound to one card")
