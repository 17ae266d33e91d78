"""Feeds the price sheets' lines from the catalog's own events, and builds them where they are missing."""

from __future__ import annotations

from cho.events.v1 import events_pb2
from nameko.timer import timer

from kit.log import logger
from kit.streams import clients
from kit.streams.event import Event
from kit.streams.group import stream_handler
from kit.streams.lease import Lease
from services.catalog import store
from services.catalog.day import build
from services.catalog.day import store as days
from services.catalog.merchant import Merchant, is_active

LEASE = "catalog:day-lines:builder"
# Two builders at once do no harm, only work; one that died keeps nobody waiting for long.
LEASE_MS = 120_000
_PRODUCT_EVENTS = {"product.listed", "product.changed"}
_MERCHANT_EVENTS = {"merchant.activated", "merchant.suspended", "merchant.reinstated"}

_log = logger(__name__)


class MarketDayWorker:
    name = "catalog.days"

    @stream_handler(store.STREAM, group="catalog.days", types=_PRODUCT_EVENTS)
    def on_product(self, event: Event) -> None:
        fact = events_pb2.ProductChanged.FromString(event.data)
        days.apply_product(fact, store.merchant(fact.merchant_id))

    @stream_handler("onboarding:events", group="catalog.day_merchants", types=_MERCHANT_EVENTS)
    def on_merchant(self, event: Event) -> None:
        told = events_pb2.MerchantChanged.FromString(event.data)
        merchant = Merchant(
            id=told.merchant_id, name=told.name, owner_id=told.owner_id, market_id=told.market_id,
            active=is_active(event.type), version=told.version,
        )  # fmt: skip
        days.apply_merchant(merchant, days.day_of(event.time))

    @timer(interval=10, eager=True)
    def build(self) -> None:
        """Builds the lines where they are missing; one worker at a time."""
        if days.is_built():
            return
        lease = Lease(clients.streams(), LEASE, LEASE_MS)
        if not lease.acquire():
            return
        try:
            count = days.rebuilt(build.lines)
            _log.info("price sheets were built from the products", lines=count)
        finally:
            lease.release()
