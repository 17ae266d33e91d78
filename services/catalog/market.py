"""What catalog has to know of a market, and when it is held. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cho.events.v1 import events_pb2

from kit.marketrule import UNKNOWN, MarketDays, Rule, checked


@dataclass(frozen=True, slots=True)
class Market:
    """As onboarding last told; `version` counts its changes. A closed market is held on no day.

    Degrees, WGS 84, of its commune's middle; 0, 0 where that is not known.
    """

    id: str
    name: str
    ward_name: str
    province_name: str
    days: MarketDays
    closed: bool
    version: int
    latitude: float = 0.0
    longitude: float = 0.0

    @property
    def held(self) -> MarketDays:
        """When it is held; nobody says so of a closed market."""
        return UNKNOWN if self.closed else self.days


def market_of(fact: events_pb2.MarketChanged) -> Market:
    """A market as it was told. Raises ValueError or InvalidArgument for a rule that is none."""
    return Market(
        id=fact.market_id,
        name=fact.name,
        ward_name=fact.ward_name,
        province_name=fact.province_name,
        days=checked(
            MarketDays(
                Rule(fact.day_rule or Rule.UNKNOWN),
                fact.every_days,
                date.fromisoformat(fact.anchor) if fact.anchor else None,
                tuple(fact.days),
            )
        ),
        closed=fact.closed,
        version=fact.version,
        latitude=fact.latitude,
        longitude=fact.longitude,
    )
