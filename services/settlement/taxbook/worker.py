"""Hears of merchants and their tax codes."""

from __future__ import annotations

from cho.events.v1.events_pb2 import MerchantChanged

from kit.streams.event import Event
from kit.streams.group import stream_handler
from services.settlement.taxbook import sellers

# A merchant that was never active sold nothing; one that is closed keeps its books.
_EVENTS = {"merchant.activated", "merchant.suspended", "merchant.reinstated", "merchant.closed"}


class Sellers:
    name = "settlement.sellers"

    @stream_handler("onboarding:events", group="settlement.sellers", types=_EVENTS)
    def on_merchant(self, event: Event) -> None:
        """Which tax code a merchant sells under."""
        sellers.put(MerchantChanged.FromString(event.data))


SERVICES = [Sellers]
