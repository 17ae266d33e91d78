"""The provider itself: who may ask, what it gives out. No network, no clock of its own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey

CODE_LIFE_S = 60
TOKEN_LIFE_S = 300
# Codes that wait to be exchanged; one more pushes the oldest out.
CODES_MAX = 1_000
# Keys that are shown: the one that signs and the one before.
KEYS_MAX = 2
# Whom it knows, by subject.
CITIZENS = {"cccd-0001": "Nguyễn Thị Hoa", "cccd-0002": "Trần Văn Bình", "cccd-0003": "Lý Thị Mai"}


class Refused(Exception):
    """An OAuth error (RFC 6749, 5.2): its code and what a person reads."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Client:
    """Who may send people here, and where they are sent back to."""

    client_id: str
    secret: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class _Grant:
    subject: str
    nonce: str
    challenge: str
    expires_at_s: float


class Provider:
    """`now` is Unix seconds. Not for several threads."""

    def __init__(self, issuer: str, client: Client, now: Callable[[], float]) -> None:
        self.issuer, self.client, self._now = issuer, client, now
        self._keys = [_new_key()]
        self._grants: OrderedDict[str, _Grant] = OrderedDict()

    def rotate(self) -> None:
        """Signs with a new key from now on; the one before is shown a while longer."""
        self._keys = [_new_key(), *self._keys][:KEYS_MAX]

    def metadata(self) -> dict[str, Any]:
        """What Discovery shows."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks.json",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def jwks(self) -> dict[str, Any]:
        """Its public keys."""
        return {"keys": [{**key.as_dict(private=False), "alg": "ES256", "use": "sig"} for key in self._keys]}

    def check(self, query: Mapping[str, str]) -> None:
        """Whether somebody may be asked who they are. Raises Refused; nobody is sent anywhere then."""
        if query.get("client_id") != self.client.client_id or query.get("redirect_uri") != self.client.redirect_uri:
            raise Refused("invalid_request", "an unknown client, or an address that is not its own")
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            raise Refused("invalid_request", "response_type=code with code_challenge_method=S256 only")
        if not (query.get("code_challenge") and query.get("state") and query.get("nonce")):
            raise Refused("invalid_request", "code_challenge, state and nonce are needed")

    def authorize(self, query: Mapping[str, str], subject: str) -> str:
        """Where a citizen who said yes is sent back to. Raises Refused."""
        self.check(query)
        if subject not in CITIZENS:
            raise Refused("access_denied", "there is no such citizen")
        code = secrets.token_urlsafe(24)
        expires = self._now() + CODE_LIFE_S
        self._grants[code] = _Grant(subject, query["nonce"], query["code_challenge"], expires)
        if len(self._grants) > CODES_MAX:
            self._grants.popitem(last=False)
        return f"{self.client.redirect_uri}?" + urlencode({"code": code, "state": query["state"], "iss": self.issuer})

    def token(self, form: Mapping[str, str], authorization: str) -> dict[str, Any]:
        """What a code is exchanged for, once. Raises Refused."""
        self._authenticate(form, authorization)
        grant = self._grants.pop(form.get("code", ""), None)
        if grant is None or grant.expires_at_s < self._now():
            raise Refused("invalid_grant", "the code is unknown, used or expired")
        if form.get("redirect_uri") != self.client.redirect_uri:
            raise Refused("invalid_grant", "another redirect_uri")
        hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if not hmac.compare_digest(urlsafe_b64encode(hashed).rstrip(b"=").decode(), grant.challenge):
            raise Refused("invalid_grant", "another code_verifier")
        return {
            "access_token": secrets.token_urlsafe(24),
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE_S,
            "id_token": self.sign(self.claims(grant.subject, grant.nonce)),
        }

    def claims(self, subject: str, nonce: str) -> dict[str, Any]:
        """What an ID token says."""
        now = int(self._now())
        return {
            "iss": self.issuer,
            "sub": subject,
            "aud": self.client.client_id,
            "nonce": nonce,
            "iat": now,
            "exp": now + TOKEN_LIFE_S,
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """Under the newest key."""
        key = self._keys[0]
        return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=["ES256"])

    def _authenticate(self, form: Mapping[str, str], authorization: str) -> None:
        scheme, _, encoded = authorization.partition(" ")
        if scheme == "Basic":
            try:
                client_id, _, secret = b64decode(encoded, validate=True).decode().partition(":")
            except ValueError:
                client_id = secret = ""
        else:
            client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        right = hmac.compare_digest(unquote(secret).encode(), self.client.secret.encode())
        if unquote(client_id) != self.client.client_id or not right:
            raise Refused("invalid_client", "unknown client or wrong secret")
        if form.get("grant_type") != "authorization_code":
            raise Refused("unsupported_grant_type", "authorization_code only")


def _new_key() -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
