"""Sessions: one a sign-in, with one refresh token at a time.

A session is a family of refresh tokens, each traded once for the next. Whoever presents any but the newest is
a thief or was robbed: the session ends. Only the newest token's SHA-256 is kept, in one small document.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from mongoengine import DateTimeField, Document, IntField, StringField

from kit import log
from kit.errors import SessionEnded
from kit.ids import new_id
from services.identity import tokens
from services.identity.store.people import Account, account_by_id

# Signing in on one more device drops the oldest session.
SESSIONS_MAX = 10

_logger = log.logger(__name__)


class Session(Document):
    """`token_hash` is of the newest refresh token; `pin_version` the PIN it is good for. Ids sort by time."""

    id = StringField(primary_key=True)
    user_id = StringField(required=True)
    token_hash = StringField(required=True)
    pin_version = IntField(required=True)
    expires_at = DateTimeField(required=True)

    meta: ClassVar = {
        "collection": "sessions",
        "auto_create_index": False,
        "indexes": ["user_id", {"fields": ["expires_at"], "expireAfterSeconds": 0}],
    }


def open_session(account: Account, now: datetime) -> tuple[str, str]:
    """A new session's id and first refresh token."""
    session_id = new_id("ses")
    token, token_hash = tokens.new_refresh(session_id)
    Session(
        id=session_id,
        user_id=account.user.user_id,
        token_hash=token_hash,
        pin_version=account.pin_version,
        expires_at=now + tokens.REFRESH_LIFE,
    ).save(force_insert=True)
    _drop_oldest(account.user.user_id)
    return session_id, token


def refresh_session(token: str, now: datetime) -> tuple[Account, str, str]:
    """Trades a refresh token: whose it is, the session's id, the next token. Raises SessionEnded.

    Of two concurrent calls with one token one wins the findAndModify; the other ends the session.
    """
    read = tokens.read_refresh(token)
    if read is None:
        raise SessionEnded("not a refresh token; sign in")
    session_id, token_hash = read
    following, following_hash = tokens.new_refresh(session_id)
    session = Session.objects(id=session_id, token_hash=token_hash, expires_at__gt=now).modify(
        set__token_hash=following_hash, set__expires_at=now + tokens.REFRESH_LIFE
    )
    account = account_by_id(session.user_id) if session else None
    if session is None or account is None or session.pin_version != account.pin_version:
        if end_session(session_id):
            _logger.warning("session ended: spent token, or PIN changed", session=session_id)
        raise SessionEnded("this session has ended; sign in")
    return account, session_id, following


def keep_session(session_id: str, account: Account) -> None:
    """Lets one session of this person outlive a change of the PIN."""
    Session.objects(id=session_id, user_id=account.user.user_id).update_one(set__pin_version=account.pin_version)


def end_session(session_id: str) -> bool:
    """Ends a session. Whether there was one."""
    return bool(Session.objects(id=session_id).delete())


def _drop_oldest(user_id: str) -> None:
    ids = sorted(session.id for session in Session.objects(user_id=user_id).only("id"))
    if len(ids) > SESSIONS_MAX:
        Session.objects(id__in=ids[:-SESSIONS_MAX]).delete()
