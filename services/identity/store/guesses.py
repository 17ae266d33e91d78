"""Wrong PINs: five in a row lock, for fifteen minutes first and twice as long every time (`identity.lockout`).

A guess is counted before it is checked, and forgotten when it was right: however many arrive at once, five are checked.
The count is of one document, found by id, changed by findAndModify.

A device that its owner has signed in with counts for itself: who guesses from elsewhere locks everybody else out, but
not the owner's phone.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from mongoengine import DateTimeField, Document, IntField, StringField
from mongoengine.errors import NotUniqueError

from kit.errors import Contention, DomainError, TooManyAttempts
from services.identity.lockout import FORGOTTEN_AFTER, GUESSES_MAX, lock_of
from services.identity.store.devices import devices_of

# Each round ends or loses to another writer, who has counted a guess of his own or, with a right PIN, forgotten them
# all: then it starts over, and one person signing in everywhere at once may lose many times.
_ROUNDS_MAX = 50
# Hex digits of the blind index that unknown phones are counted by: 65,536 documents, whoever guesses.
_BUCKET_DIGITS = 4


class Guess(Document):
    """`count` guesses in a row, the last one `at` (UTC), after `locks` locks. No document, no guess."""

    id = StringField(primary_key=True)
    count = IntField(required=True)
    locks = IntField(required=True)
    at = DateTimeField(required=True)

    meta: ClassVar = {
        "collection": "pin_guesses",
        "auto_create_index": False,
        "indexes": [{"fields": ["at"], "expireAfterSeconds": int(FORGOTTEN_AFTER.total_seconds())}],
    }


def guess_key(user_id: str, phone_index: str, device_id: str = "") -> str:
    """Where guesses are counted: of a person, of a known device of theirs (`device_id`), or of nobody's phone
    (`user_id` ""), which locks like others and shares its document."""
    if user_id:
        return f"{user_id}:{device_id}" if device_id else user_id
    return f"unknown:{phone_index[:_BUCKET_DIGITS]}"


def guess_keys_of(user_id: str) -> list[str]:
    """All keys under which guesses of this person's PIN may be counted."""
    return [user_id, *(f"{user_id}:{device.device_id}" for device in devices_of(user_id))]


def take_guess(key: str, now: datetime) -> int:
    """Counts one guess; how many are left before it locks. Raises TooManyAttempts while it is locked."""
    for _ in range(_ROUNDS_MAX):
        fresh = Guess.objects(id=key, count__lt=GUESSES_MAX, at__gt=now - FORGOTTEN_AFTER)
        if counted := fresh.modify(new=True, inc__count=1, set__at=now):
            return GUESSES_MAX - int(counted.count)
        known = Guess.objects(id=key).first()
        if known is None:
            if _begin(key, now):
                return GUESSES_MAX - 1
        elif known.at <= now - FORGOTTEN_AFTER:
            # The TTL index clears it too, but a minute or more late.
            if _begin_again(known, now, locks=0):
                return GUESSES_MAX - 1
        elif known.count < GUESSES_MAX:
            continue  # forgotten and counted anew since
        elif (left := known.at + lock_of(known.locks) - now) > timedelta():
            raise _locked(left)
        elif _begin_again(known, now, known.locks + 1):
            return GUESSES_MAX - 1
    raise Contention("too many sign-ins with this phone at once")


def forget_guesses(*keys: str) -> None:
    """After a right PIN, or a new one."""
    Guess.objects(id__in=list(keys)).delete()


def _begin(key: str, now: datetime) -> bool:
    try:
        Guess(id=key, count=1, locks=0, at=now).save(force_insert=True)
    except NotUniqueError:
        return False
    return True


def _begin_again(known: Guess, now: datetime, locks: int) -> bool:
    """Counts from one, unless somebody else has counted since `known` was read."""
    unchanged = Guess.objects(id=known.id, count=known.count, locks=known.locks, at=known.at)
    return bool(unchanged.update_one(set__count=1, set__locks=locks, set__at=now))


def _locked(left: timedelta) -> DomainError:
    left_s = max(1, int(left.total_seconds()))
    return TooManyAttempts(
        f"locked for {left_s} s after {GUESSES_MAX} wrong PINs; a forgotten PIN is reset by POST /v1/pin-reset/start",
        retry_after_s=str(left_s),
    )
