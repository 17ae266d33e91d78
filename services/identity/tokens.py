"""Tokens: a short-lived ES256 JWT that says who you are, and a refresh token that is traded once."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from kit.crypto import blind_index
from services.identity.user import User

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=30)
# How long a token that was traded may be sent once more: its answer may have been lost on a weak network.
REFRESH_GRACE = timedelta(minutes=2)
ISSUER = "cho"
AUDIENCE = "cho-gateway"

_ALGORITHMS = ["ES256"]
# The session's id, 256 random bits in base64url, and our mark on both, which tokens of before it lack.
_REFRESH = re.compile(r"((ses_[0-9a-f]{32})\.[A-Za-z0-9_-]{43})(?:\.([0-9a-f]{32}))?")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a session's access tokens say of it (UTC).

    `pin_at` is when the PIN was last entered in it: at sign-in or step-up, never by refreshing. `device_at` is when the
    device was first seen with this person; a session without a device is its own, new when it began.
    """

    session_id: str
    pin_at: datetime
    device_id: str
    device_at: datetime


def claims(user: User, signed_in: SignedIn, now: datetime) -> dict[str, Any]:
    """What an access token says. `roles` is one string: the gateway passes array claims on as base64 JSON."""
    issued_s = int(now.timestamp())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user.user_id,
        "roles": ",".join(user.roles),
        "ins": user.institution,
        "sid": signed_in.session_id,
        "pin_at": int(signed_in.pin_at.timestamp()),
        "dev": signed_in.device_id,
        "dev_at": int(signed_in.device_at.timestamp()),
        "iat": issued_s,
        "exp": issued_s + int(ACCESS_LIFE.total_seconds()),
    }


def sign(said: dict[str, Any], kid: str, pair: ECKey) -> str:
    """The claims as a compact JWT."""
    return jwt.encode({"alg": "ES256", "kid": kid}, said, pair, algorithms=_ALGORITHMS)


def session_of(access_token: str, public: KeySet) -> str:
    """The session of a token that one of our keys signed, expired or not; "" of any other.

    For signing out, where an old proof of who you are is good enough.
    """
    try:
        # Checks the signature, not the times.
        return str(jwt.decode(access_token, public, algorithms=_ALGORITHMS).claims["sid"])
    except (JoseError, ValueError, KeyError):
        return ""


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token that was presented. `ours`: we made it, whether it is still good or spent; a session's id alone,
    which is no secret, does not do to make one."""

    session_id: str
    digest: str
    ours: bool


def new_refresh(session_id: str) -> tuple[str, str]:
    """A refresh token of this session, and the digest to keep of it."""
    return _refresh(session_id, secrets.token_bytes(32))


def following_refresh(session_id: str, token: str, seed: bytes) -> tuple[str, str]:
    """As `new_refresh`, the one that `token` is traded for: the same again from the same `seed` (32 random bytes), and
    nobody's to know who lacks either."""
    return _refresh(session_id, hmac.digest(seed, token.encode(), "sha256"))


def _refresh(session_id: str, secret: bytes) -> tuple[str, str]:
    text = f"{session_id}.{urlsafe_b64encode(secret).rstrip(b'=').decode()}"
    token = f"{text}.{_mark(text)}"
    return token, _digest(token)


def read_refresh(token: str) -> Refresh | None:
    """What a refresh token says; None where it is none."""
    match = _REFRESH.fullmatch(token)
    if match is None:
        return None
    return Refresh(match[2], _digest(token), hmac.compare_digest(match[3] or "", _mark(match[1])))


def _mark(text: str) -> str:
    return blind_index("sessions.refresh", text)


def _digest(token: str) -> str:
    # 256 random bits cannot be guessed from their hash: no salt, no stretching.
    return hashlib.sha256(token.encode()).hexdigest()
