"""What catalog has to know of a merchant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Merchant:
    """As onboarding last told; `version` counts its changes. Only an active merchant's products are sold."""

    id: str
    name: str
    owner_id: str
    market_id: str
    active: bool
    version: int


def is_active(event_type: str) -> bool:
    """What merchant.activated, merchant.suspended or merchant.reinstated makes of a merchant."""
    return event_type != "merchant.suspended"
