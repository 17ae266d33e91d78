"""What an ID token has to be before it is believed (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kit.errors import ExternalRefused

# Asymmetric ones only: with HS256 a published public key would do for a secret, and "none" is no signature.
ALGORITHMS = ["ES256", "RS256"]
# How far the provider's clock may be off.
SKEW_S = 60
# Since it was issued; it is fetched by us within the second.
AGE_S_MAX = 600
SUBJECT_LENGTH_MAX = 255


def key_id(id_token: str) -> str:
    """Which key signed it, by its own word. Raises ExternalRefused for what is no token, or of another algorithm."""
    try:
        header = jws.extract_compact(id_token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise ExternalRefused("the provider's ID token cannot be read") from error
    if header.get("alg") not in ALGORITHMS:
        raise ExternalRefused("the provider's ID token is not signed by one of its keys")
    return str(header.get("kid", ""))


def subject(id_token: str, keys: KeySet, issuer: str, client_id: str, nonce: str, now: datetime) -> str:
    """Who it is about, by the provider's word. Raises ExternalRefused."""
    try:
        said = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError) as error:
        raise ExternalRefused("the provider's ID token is not signed by one of its keys") from error
    _check(said.get("iss") == issuer, "is of another issuer")
    _check(_is_for(said, client_id), "is for somebody else")
    _check(_time(said, "exp") > now.timestamp() - SKEW_S, "is too old")
    _check(-SKEW_S <= now.timestamp() - _time(said, "iat") <= AGE_S_MAX, "is too old, or of tomorrow")
    _check(hmac.compare_digest(str(said.get("nonce", "")).encode(), nonce.encode()), "is of another sign-in")
    who = said.get("sub")
    _check(isinstance(who, str) and 0 < len(who) <= SUBJECT_LENGTH_MAX, "says not whose it is")
    return str(who)


def _is_for(said: dict[str, Any], client_id: str) -> bool:
    audience = said.get("aud")
    if isinstance(audience, list) and len(audience) > 1:
        return client_id in audience and said.get("azp") == client_id
    return audience in (client_id, [client_id]) and said.get("azp", client_id) == client_id


def _time(said: dict[str, Any], name: str) -> float:
    value = said.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("-inf")


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise ExternalRefused(f"the provider's ID token {what}")
