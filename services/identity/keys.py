"""Signing keys over time: which one signs, which are published, when the next is due.

A verifier may hold a copy of the JWKS that is minutes old. A key is therefore published LEAD before it signs,
and stays published until the last token that it signed has expired. Keys follow one another by `signs_at`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from joserfc.jwk import ECKey

from services.identity.tokens import ACCESS_LIFE

PERIOD = timedelta(days=30)
# Well above the gateway's cache of the JWKS (minutes) plus our own (RING_AGE_MAX_S).
LEAD = timedelta(minutes=30)
# Clocks of our machines and of the gateway may differ by this much.
SKEW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A P-256 key pair; `kid` is its RFC 7638 thumbprint, `signs_at` (UTC) when it takes over."""

    kid: str
    signs_at: datetime
    pair: ECKey = field(repr=False)

    def public_jwk(self) -> dict[str, str | list[str]]:
        """The public half as the JWKS shows it (RFC 7517)."""
        return {**self.pair.as_dict(private=False), "kid": self.kid, "alg": "ES256", "use": "sig"}


# Oldest first, never empty once the service has started.
Ring = tuple[SigningKey, ...]


def new_key(signs_at: datetime) -> SigningKey:
    """A random key pair that signs from `signs_at` (UTC)."""
    pair = ECKey.generate_key("P-256")
    return SigningKey(pair.thumbprint(), signs_at, pair)


def signing(ring: Ring, now: datetime) -> SigningKey:
    """The key that signs at `now`: the newest whose time has come.

    None may have, where the clock of who made the first is ahead: then that one.
    """
    return max((key for key in ring if key.signs_at <= now), key=lambda key: key.signs_at, default=ring[0])


def published(ring: Ring, now: datetime) -> Ring:
    """Keys that verifiers need at `now`: those to come, the one that signs, those with tokens still alive."""
    successors = (*(key.signs_at for key in ring[1:]), None)
    return tuple(
        key
        for key, replaced_at in zip(ring, successors, strict=True)
        if replaced_at is None or now < replaced_at + ACCESS_LIFE + SKEW
    )


def rotated(ring: Ring, now: datetime, make: Callable[[datetime], SigningKey] = new_key) -> Ring:
    """The ring as it should be at `now`; `ring` itself where nothing is due.

    The first key signs at once, since nobody can hold an older JWKS; any other LEAD after it is published.
    """
    if not ring:
        return (make(now),)
    kept = published(ring, now)
    if now + LEAD >= ring[-1].signs_at + PERIOD:
        return (*kept, make(now + LEAD))
    return kept
