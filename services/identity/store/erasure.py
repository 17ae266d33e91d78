"""Forgetting a person, as far as accounting law lets (docs/privacy.md).

The person's own document is pseudonymised in one write, with its event: from then on nobody can sign in, find or name
them. What belonged to them is deleted after that; where this process dies in between, the worker finishes it. Kept: the
id, when the account was made and erased, and the trail of roles and looks, which name ids only.
"""

from __future__ import annotations

from datetime import datetime

from cho.events.v1 import events_pb2

from kit import clock, crypto
from kit.errors import Contention, WrongState
from kit.outbox import outbox_event
from services.identity.store.codes import forget_codes
from services.identity.store.devices import forget_devices
from services.identity.store.guesses import forget_guesses, guess_keys_of
from services.identity.store.holders import leave
from services.identity.store.links import ExternalAttempt, unlink
from services.identity.store.people import FIRST_VERSION, PHONE_FIELD, Person, person
from services.identity.store.sessions import end_sessions_of
from services.identity.store.vouchers import Voucher

NAME = "(đã xóa)"
_BATCH = 100


def erase(user_id: str, now: datetime) -> None:
    """Forgets somebody who is a shopper only. Raises NotFound, WrongState, Contention."""
    found = person(user_id)
    if list(found.roles) != ["shopper"]:
        raise WrongState(f"still {', '.join(found.roles)}: close the business or give the office up first")
    version = (found.version or FIRST_VERSION) + 1
    event = outbox_event(
        "user.erased",
        user_id,
        events_pb2.UserErased(user_id=user_id, phone_index=found.phone_index, version=version),
    )
    erased = Person.objects(
        id=user_id, version=found.version, pin_version=found.pin_version, erased_at=None
    ).update_one(
        set__name=NAME,
        set__phone=crypto.encrypt(PHONE_FIELD, "", user_id),
        # Unique, and nobody's phone: the number can be registered anew by whoever has it then.
        set__phone_index=crypto.blind_index("users.erased", user_id),
        set__pin_hash="",
        inc__pin_version=1,
        set__version=version,
        set__erased_at=now,
        set__erasing=True,
        unset__proposal=1,
        unset__citizen=1,
        unset__person_id=1,
        unset__identified_at=1,
        unset__identified_by=1,
        push__outbox=event,
    )
    if not erased:
        raise Contention("something else changed this account at the same time")
    _forget_belongings(user_id)


def finish_erasures() -> int:
    """Deletes what was left of people whose erasure was cut short; how many people."""
    found = list(Person.objects(erasing=True).only("id").limit(_BATCH))
    for one in found:
        _forget_belongings(one.id)
    return len(found)


def _forget_belongings(user_id: str) -> None:
    forget_guesses(*guess_keys_of(user_id))
    forget_devices(user_id)
    end_sessions_of(user_id)
    forget_codes(f"pin-reset:{user_id}")
    unlink(user_id)
    leave(user_id, clock.now())
    ExternalAttempt.objects(user_id=user_id).delete()
    Voucher.objects(user_id=user_id).update(set__reason=NAME)
    Person.objects(id=user_id).update_one(unset__erasing=1)
