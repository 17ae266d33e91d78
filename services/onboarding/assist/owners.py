"""Whose account a phone is, as identity tells it, so that a merchant finds its owner however the two meet.

A merchant may be handed in before its vendor has an account (a market brought in from a sheet), or after. Identity's
events name people by the blind index of their phone, which is the same in every service: no RPC between workers, and no
phone on a stream. Whoever comes second binds: the event writes the person and then looks for merchants; who hands a
merchant in writes it and then looks for the person. Whichever write is later sees the other.
"""

from __future__ import annotations

from collections.abc import Collection

from mongoengine.errors import NotUniqueError

from services.onboarding import store as merchants
from services.onboarding.assist.store import OwnerDocument


def heard(user_id: str, phone_index: str, version: int) -> int:
    """A person, as identity tells of them, and what was handed in for their phone is theirs: how many merchants.

    An older version than what is known changes nothing of the person; twice changes nothing.
    """
    known = OwnerDocument.objects(id=user_id, version__lt=version)
    if not known.update_one(set__phone_index=phone_index, set__version=version):
        try:
            OwnerDocument(id=user_id, phone_index=phone_index, version=version).save(force_insert=True)
        except NotUniqueError:
            stored = OwnerDocument.objects(id=user_id).get()
            if stored.version > version:
                return 0
    return merchants.bind_owner(phone_index, user_id)


def erased(user_id: str, version: int) -> None:
    """A person who asked to be forgotten: that phone finds nobody any more, and what is told late of them is old."""
    OwnerDocument.objects(id=user_id).update_one(set__phone_index="", set__version=version, upsert=True)


def bind_known(phone_indexes: Collection[str]) -> int:
    """Binds what was just handed in for these phones to who has an account; how many merchants."""
    people = OwnerDocument.objects(phone_index__in=list(phone_indexes))
    return sum(merchants.bind_owner(person.phone_index, person.id) for person in people)
