"""Sessions: one a sign-in, with one refresh token at a time.

A session is a family of refresh tokens, each traded once for the next. Whoever presents any but the newest is
a thief or was robbed: the session ends. One that was traded a moment ago, for a token that nobody has used yet, is sent
again by a phone that never heard the answer: it gets the same answer. Only SHA-256 of tokens are kept, in one small
document. A session opened with a device lives no longer than we know the device.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from mongoengine import BinaryField, DateTimeField, Document, IntField, StringField

from kit import clock, log
from kit.errors import SessionEnded
from kit.ids import new_id
from services.identity import tokens
from services.identity.device import Device
from services.identity.store.devices import is_known
from services.identity.store.people import Account, account_by_id
from services.identity.tokens import SignedIn

# Signing in on one more device drops the oldest session.
SESSIONS_MAX = 10
# When the PIN was entered in a session that was opened without one.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_logger = log.logger(__name__)


class Session(Document):
    """`token_hash` is of the newest refresh token; `pin_version` the PIN it is good for. Ids sort by time.

    `spent_hash` is of the token before it, traded at `spent_at`; `seed` makes the newest of it once more.

    Those of before there were devices lack `pin_at` and `device_at`: their PIN was entered when they were opened.
    """

    id = StringField(primary_key=True)
    user_id = StringField(required=True)
    token_hash = StringField(required=True)
    pin_version = IntField(required=True)
    expires_at = DateTimeField(required=True)
    spent_hash = StringField()
    spent_at = DateTimeField()
    seed = BinaryField()
    pin_at = DateTimeField()
    device_id = StringField()
    device_at = DateTimeField()

    meta: ClassVar = {
        "collection": "sessions",
        "auto_create_index": False,
        "indexes": ["user_id", {"fields": ["expires_at"], "expireAfterSeconds": 0}],
    }


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its owner sees it: where, since when, until when (UTC)."""

    session_id: str
    device_id: str
    opened_at: datetime
    expires_at: datetime


def open_session(
    account: Account, device: Device | None, now: datetime, *, by_pin: bool = True
) -> tuple[SignedIn, str]:
    """A new session and its first refresh token. Its PIN was entered `now` (UTC), or never where not `by_pin`.

    After a reset of the PIN every device is as new as the reset, whoever held it before.
    """
    known_since = device.first_seen_at if device else now
    session_id = new_id("ses")
    token, token_hash = tokens.new_refresh(session_id)
    session = Session(
        id=session_id,
        user_id=account.user.user_id,
        token_hash=token_hash,
        pin_version=account.pin_version,
        expires_at=now + tokens.REFRESH_LIFE,
        pin_at=now if by_pin else NEVER,
        device_id=device.device_id if device else "",
        device_at=max(known_since, account.pin_reset_at or known_since),
    )
    session.save(force_insert=True)
    _drop_oldest(account.user.user_id)
    return _signed_in(session), token


def refresh_session(token: str, now: datetime) -> tuple[Account, SignedIn, str]:
    """Trades a refresh token: whose it is, the session, the next token. Raises SessionEnded.

    Of two concurrent calls with one token one wins the findAndModify; the other is told the same next token.
    """
    read = tokens.read_refresh(token)
    if read is None:
        raise SessionEnded("not a refresh token; sign in")
    seed = secrets.token_bytes(32)
    following, following_hash = tokens.following_refresh(read.session_id, token, seed)
    session = Session.objects(id=read.session_id, token_hash=read.digest, expires_at__gt=now).modify(
        set__token_hash=following_hash, set__expires_at=now + tokens.REFRESH_LIFE,
        set__spent_hash=read.digest, set__spent_at=now, set__seed=seed,
    )  # fmt: skip
    if session is None and (session := _traded_just_now(read, now)):
        following, _ = tokens.following_refresh(read.session_id, token, session.seed)
    account = account_by_id(session.user_id) if session else None
    if session is None or account is None or not _alive(session, account):
        if (session or read.ours) and end_session(read.session_id):
            _logger.warning("session ended: spent token, PIN changed, or device removed", session=read.session_id)
        raise SessionEnded("this session has ended; sign in")
    return account, _signed_in(session), following


def _traded_just_now(read: tokens.Refresh, now: datetime) -> Session | None:
    """The session in which this token was the last to be traded, where its answer may still be on its way."""
    since = now - tokens.REFRESH_GRACE
    traded = Session.objects(id=read.session_id, spent_hash=read.digest, spent_at__gt=since, expires_at__gt=now)
    found: Session | None = traded.first()
    return found


def step_up(account: Account, session_id: str, now: datetime) -> SignedIn:
    """Notes that the PIN of `account` was entered `now` (UTC) in this session of theirs. Raises SessionEnded."""
    session = Session.objects(id=session_id, user_id=account.user.user_id, expires_at__gt=now).modify(
        new=True, set__pin_at=now
    )
    if session is None or not _alive(session, account):
        raise SessionEnded("this session has ended; sign in")
    return _signed_in(session)


def keep_session(session_id: str, account: Account) -> None:
    """Lets one session of this person outlive a change of the PIN; of the others none is shown as open any more."""
    own = Session.objects(user_id=account.user.user_id)
    own.filter(id=session_id).update_one(set__pin_version=account.pin_version)
    # They could not be used any more in any case.
    own.filter(pin_version__lt=account.pin_version).delete()


def end_session(session_id: str) -> bool:
    """Ends a session. Whether there was one."""
    return bool(Session.objects(id=session_id).delete())


def end_session_with(token: str) -> str:
    """Ends the session of a refresh token, spent ones too; its id, "" where there was none."""
    read = tokens.read_refresh(token)
    if read is None:
        return ""
    found = Session.objects(id=read.session_id)
    return read.session_id if (found if read.ours else found.filter(token_hash=read.digest)).delete() else ""


def sessions_of(user_id: str, now: datetime) -> list[OpenSession]:
    """This person's sessions, the newest first."""
    found = [
        OpenSession(session.id, session.device_id or "", _opened_at(session), session.expires_at)
        for session in Session.objects(user_id=user_id)
        if session.expires_at > now
    ]
    return sorted(found, key=lambda session: session.session_id, reverse=True)


def end_session_of(user_id: str, session_id: str) -> bool:
    """Ends a session of this person's. Whether there was one."""
    return bool(Session.objects(id=session_id, user_id=user_id).delete())


def end_sessions_of(user_id: str) -> int:
    """Ends all sessions of a person; how many."""
    return int(Session.objects(user_id=user_id).delete())


def end_sessions_with(user_id: str, device_id: str) -> None:
    """Ends this person's sessions that were opened with a device."""
    Session.objects(user_id=user_id, device_id=device_id).delete()


def _alive(session: Session, account: Account) -> bool:
    """Whether it is of the PIN as it is now, and of a device that was not removed."""
    return session.pin_version == account.pin_version and (
        not session.device_id or is_known(session.user_id, session.device_id)
    )


def _opened_at(session: Session) -> datetime:
    # The first 12 digits of a UUIDv7 are the ms in which it was made.
    return clock.from_ms(int(session.id.removeprefix("ses_")[:12], 16))


def _signed_in(session: Session) -> SignedIn:
    opened_at = _opened_at(session)
    return SignedIn(session.id, session.pin_at or opened_at, session.device_id or "", session.device_at or opened_at)


def _drop_oldest(user_id: str) -> None:
    ids = sorted(session.id for session in Session.objects(user_id=user_id).only("id"))
    if len(ids) > SESSIONS_MAX:
        Session.objects(id__in=ids[:-SESSIONS_MAX]).delete()
