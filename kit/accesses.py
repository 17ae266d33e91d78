"""Who looked at whose personal data in plain: written down before it is shown.

A service that shows a plain value calls `record` first, and shows nothing where that fails. A line is one document of
the service's own database (add both documents to its `mongo.open_store`). It is never changed, and holds no such value.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from mongoengine import DateTimeField, Document, IntField, StringField
from mongoengine.errors import NotUniqueError

from kit import clock
from kit.errors import InvalidArgument, VelocityExceeded
from kit.ids import new_id

REASON_LENGTH = (10, 200)
# What one person may look at in a day (Asia/Ho_Chi_Minh); more is refused, and somebody asks why.
A_DAY_MAX = 50
PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 50, 100

_BEFORE_ALL, _AFTER_ALL = "/", ":"
_RECENCY = re.compile(r"[0-9]{15}-acc_[0-9a-f]{32}")
_VIETNAM = timedelta(hours=7)


class Access(Document):
    """One look. `recency` sorts by time; `subject_id` is the person whose data it was."""

    id = StringField(primary_key=True)
    actor_id = StringField(required=True)
    subject_id = StringField(required=True)
    field = StringField(required=True)
    reason = StringField(required=True)
    at = DateTimeField(required=True)
    recency = StringField(required=True)

    meta: ClassVar = {
        "collection": "accesses",
        "auto_create_index": False,
        "indexes": [("subject_id", "recency"), ("actor_id", "recency")],
    }


class AccessCount(Document):
    """Looks of one person in one day, by "<actor>:<yyyymmdd>"."""

    id = StringField(primary_key=True)
    count = IntField(required=True)
    at = DateTimeField(required=True)

    meta: ClassVar = {
        "collection": "access_counts",
        "auto_create_index": False,
        "indexes": [{"fields": ["at"], "expireAfterSeconds": 2 * 86_400}],
    }


@dataclass(frozen=True, slots=True)
class Page:
    """`next_token` is "" on the last one."""

    accesses: list[Access]
    next_token: str


def check_reason(text: str) -> str:
    """`text` without blanks around it: 10 to 200 printable characters. Raises InvalidArgument."""
    reason = text.strip()
    least, most = REASON_LENGTH
    if not least <= len(reason) <= most or not reason.isprintable():
        raise InvalidArgument(f"reason: {least} to {most} printable characters, what it is for")
    return reason


def record(actor_id: str, subject_id: str, field: str, reason: str, now: datetime | None = None) -> str:
    """Writes one look down, and returns its id. Raises InvalidArgument, VelocityExceeded past A_DAY_MAX."""
    reason, at = check_reason(reason), now or clock.now()
    _count(f"{actor_id}:{at + _VIETNAM:%Y%m%d}", at)
    return note(actor_id, subject_id, field, reason, at)


def note(actor_id: str, subject_id: str, field: str, reason: str, at: datetime) -> str:
    """Writes down what is not a look, and so has no limit a day; returns the line's id. Raises InvalidArgument."""
    reason, access_id = check_reason(reason), new_id("acc")
    Access(
        id=access_id, actor_id=actor_id, subject_id=subject_id, field=field, reason=reason, at=at,
        recency=f"{round(at.timestamp() * 1000):015d}-{access_id}",
    ).save(force_insert=True)  # fmt: skip
    return access_id


def page(*, subject_id: str = "", actor_id: str = "", page_size: int = 0, page_token: str = "") -> Page:
    """Looks at one person's data, or by one person, the newest first. Raises InvalidArgument."""
    if bool(subject_id) == bool(actor_id):
        raise InvalidArgument("one of user_id and actor_id")
    if not 0 <= page_size <= PAGE_SIZE_MAX:
        raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}")
    size = page_size or PAGE_SIZE_DEFAULT
    whose = {"subject_id": subject_id} if subject_id else {"actor_id": actor_id}
    older_than = _read_token(page_token) if page_token else _AFTER_ALL
    found = list(
        Access.objects(recency__gt=_BEFORE_ALL, recency__lt=older_than, **whose).order_by("-recency").limit(size + 1)
    )
    more = len(found) > size
    return Page(found[:size], base64.urlsafe_b64encode(found[size - 1].recency.encode()).decode() if more else "")


def _count(key: str, at: datetime) -> None:
    if AccessCount.objects(id=key, count__lt=A_DAY_MAX).modify(inc__count=1) is not None:
        return
    try:
        AccessCount(id=key, count=1, at=at).save(force_insert=True)
    except NotUniqueError:
        # The first of the day raced another first one, or the day is full.
        if AccessCount.objects(id=key, count__lt=A_DAY_MAX).modify(inc__count=1) is None:
            raise VelocityExceeded(f"at most {A_DAY_MAX} looks at personal data a day; an auditor sees why") from None


def _read_token(token: str) -> str:
    try:
        recency = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        recency = ""
    if _RECENCY.fullmatch(recency) is None:
        raise InvalidArgument("page_token is not one of this list's")
    return recency
