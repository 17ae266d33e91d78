"""One-time codes sent to a phone: six digits, three tries, five minutes, once.

One document a person and purpose; a new code takes the place of the one before. A try is counted before it is
checked. Only a keyed hash is kept: whoever reads the database cannot read the code. Nobody's phone has a document too
(shared, as with guesses), so that sending costs the same.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from mongoengine import DateTimeField, Document, IntField, StringField
from mongoengine.errors import NotUniqueError

from kit import crypto
from kit.errors import InvalidArgument, TooManyAttempts, WrongCode

LIFE = timedelta(minutes=5)
TRIES_MAX = 3
# So 9 of 1,000,000 codes can be tried in an hour, besides the second factor.
SENT_MAX, SENT_IN = 3, timedelta(hours=1)
_DIGITS = 6


class OneTimeCode(Document):
    """`sent` codes since `since`. The newest has `tries` behind it and ends at `expires_at` (UTC); used, its digest is
    ""."""

    id = StringField(primary_key=True)
    digest = StringField()
    tries = IntField(required=True)
    expires_at = DateTimeField(required=True)
    sent = IntField(required=True)
    since = DateTimeField(required=True)

    meta: ClassVar = {
        "collection": "codes",
        "auto_create_index": False,
        "indexes": [{"fields": ["since"], "expireAfterSeconds": int(SENT_IN.total_seconds())}],
    }


def new_code(key: str, now: datetime) -> str:
    """A code for `key`, to be sent. Raises TooManyAttempts after SENT_MAX of them in SENT_IN."""
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    fresh = {"set__digest": _digest(key, code), "set__tries": 0, "set__expires_at": now + LIFE}
    if OneTimeCode.objects(id=key, since__gt=now - SENT_IN, sent__lt=SENT_MAX).update_one(inc__sent=1, **fresh):
        return code
    # The TTL index clears old documents too, but a minute or more late.
    OneTimeCode.objects(id=key, since__lte=now - SENT_IN).delete()
    try:
        OneTimeCode(
            id=key, digest=_digest(key, code), tries=0, expires_at=now + LIFE, sent=1, since=now
        ).save(force_insert=True)  # fmt: skip
    except NotUniqueError:
        known = OneTimeCode.objects(id=key).first()
        left_s = max(1, int((known.since + SENT_IN - now).total_seconds())) if known else 1
        raise TooManyAttempts(
            f"{SENT_MAX} codes an hour at most: the next in {left_s} s", retry_after_s=str(left_s)
        ) from None
    return code


def use_code(key: str, code: str, now: datetime) -> None:
    """Uses the code up. Raises WrongCode, the same for a wrong, a used, an expired one and where there is none;
    InvalidArgument for what is no code, which costs no try."""
    if len(code) != _DIGITS or not (code.isascii() and code.isdigit()):
        raise InvalidArgument(f"code: {_DIGITS} digits")
    tried = OneTimeCode.objects(id=key, tries__lt=TRIES_MAX, expires_at__gt=now).modify(new=True, inc__tries=1)
    digest = _digest(key, code)
    right = hmac.compare_digest((tried.digest or "") if tried else "", digest)
    # Of two who send the right code at once one uses it.
    if not right or not OneTimeCode.objects(id=key, digest=digest).update_one(set__digest=""):
        raise WrongCode(
            f"wrong, used or expired: a code is good for {int(LIFE.total_seconds())} s and {TRIES_MAX} tries"
        )


def forget_codes(*keys: str) -> None:
    """Where the person is gone."""
    OneTimeCode.objects(id__in=list(keys)).delete()


def _digest(key: str, code: str) -> str:
    return crypto.blind_index("codes.digest", f"{key}:{code}")
