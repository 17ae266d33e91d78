"""Wrong PINs: five in a row lock a phone for fifteen minutes.

A guess is counted before it is checked, and forgotten when it was right: however many arrive at once, five
are checked. The count is of one document, found by id, changed by findAndModify.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from mongoengine import DateTimeField, Document, IntField, StringField
from mongoengine.errors import NotUniqueError

from kit.errors import Contention, DomainError, TooManyAttempts

GUESSES_MAX = 5
LOCK = timedelta(minutes=15)
# Each round ends or loses to another writer, who has counted a guess of his own or, with a right PIN, forgotten them
# all: then it starts over, and one person signing in everywhere at once may lose many times.
_ROUNDS_MAX = 50
# Hex digits of the blind index that unknown phones are counted by: 65,536 documents, whoever guesses.
_BUCKET_DIGITS = 4


class Guess(Document):
    """`count` guesses in a row, the last one `at` (UTC). No document, no guess."""

    id = StringField(primary_key=True)
    count = IntField(required=True)
    at = DateTimeField(required=True)

    meta: ClassVar = {
        "collection": "guesses",
        "auto_create_index": False,
        "indexes": [{"fields": ["at"], "expireAfterSeconds": int(LOCK.total_seconds())}],
    }


def guess_key(user_id: str, phone_index: str) -> str:
    """Where guesses are counted. Phones of nobody (`user_id` "") lock like others, and share documents."""
    return user_id or f"unknown:{phone_index[:_BUCKET_DIGITS]}"


def take_guess(key: str, now: datetime) -> None:
    """Counts one guess. Raises TooManyAttempts where five were taken, the last under 15 minutes ago."""
    for _ in range(_ROUNDS_MAX):
        if Guess.objects(id=key, count__lt=GUESSES_MAX).modify(inc__count=1, set__at=now) is not None:
            return
        # The TTL index clears old documents too, but a minute or more late.
        Guess.objects(id=key, at__lte=now - LOCK).delete()
        try:
            Guess(id=key, count=1, at=now).save(force_insert=True)
        except NotUniqueError:
            last = Guess.objects(id=key, count__gte=GUESSES_MAX).first()
            if last is not None:
                raise _locked(last.at + LOCK - now) from None
        else:
            return
    raise Contention("too many sign-ins with this phone at once")


def forget_guesses(key: str) -> None:
    """After a right PIN."""
    Guess.objects(id=key).delete()


def _locked(left: timedelta) -> DomainError:
    left_s = max(1, int(left.total_seconds()))
    return TooManyAttempts(f"locked after {GUESSES_MAX} wrong PINs", retry_after_s=str(left_s))
