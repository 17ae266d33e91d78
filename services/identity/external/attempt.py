"""One attempt at an outside sign-in: what is sent along, and what has to come back.

`state` finds the attempt again and is used once. `secret` stays with whoever started it, so that a link in somebody
else's hands, or planted in somebody else's browser, finishes nothing. `nonce` ties the ID token to the attempt,
`code_verifier` (RFC 7636) the code.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

LIFE = timedelta(minutes=10)
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Attempt:
    """Four independent secrets of 256 bits."""

    state: str = field(repr=False)
    secret: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)

    @property
    def state_digest(self) -> str:
        """What the attempt is kept under."""
        return digest(self.state)

    @property
    def secret_digest(self) -> str:
        """What the secret is recognised by."""
        return digest(self.secret)

    @property
    def challenge(self) -> str:
        """S256 of the code verifier (RFC 7636, 4.2)."""
        hashed = hashlib.sha256(self.code_verifier.encode()).digest()
        return urlsafe_b64encode(hashed).rstrip(b"=").decode()


def new_attempt() -> Attempt:
    """A new one."""
    return Attempt(*(secrets.token_urlsafe(_BYTES) for _ in range(4)))


def digest(secret: str) -> str:
    """SHA-256, hex: of 256 random bits no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def authorization_url(endpoint: str, client_id: str, redirect_uri: str, attempt: Attempt) -> str:
    """Where the browser goes. Nothing in it is the caller's to choose: `redirect_uri` is the configured one."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
    )
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"
