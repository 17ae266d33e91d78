"""Catalog's worker: hears of merchants, publishes what products have to tell."""

from __future__ import annotations

from typing import Any

from cho.events.v1 import events_pb2
from nameko.extensions import DependencyProvider
from nameko.timer import timer

from kit.streams import clients
from kit.streams.event import Event
from kit.streams.group import stream_handler
from kit.streams.lease import Lease
from kit.streams.relay import Relay
from kit.streams.trim import trim_stream
from services.catalog import growers, markets, store
from services.catalog.day.worker import MarketDayWorker
from services.catalog.market import market_of
from services.catalog.sheets import work
from services.catalog.stock import deliveries, expiry

_MERCHANT_EVENTS = {"merchant.activated", "merchant.suspended", "merchant.reinstated"}
_GROWER_EVENTS = {"enterprise.registered", "relation.started", "relation.ended"}
_MARKET_EVENTS = {"market.created", "market.changed", "market.closed"}


class Sheets(DependencyProvider):
    """The clerk of this process; one of all processes works at a time."""

    def setup(self) -> None:
        self._clerk = work.Clerk(Lease(clients.streams(), work.LEASE))

    def get_dependency(self, worker_ctx: Any) -> work.Clerk:
        return self._clerk


class CatalogWorker:
    name = "catalog"

    products = Relay(store.CatalogProduct, stream=store.STREAM)
    sheets = Sheets()

    @timer(interval=1)
    def apply_sheets(self) -> None:
        """Carries out sheets of products that were checked."""
        self.sheets.tick()

    @stream_handler("onboarding:events", group="catalog.merchants", types=_MERCHANT_EVENTS)
    def on_merchant(self, event: Event) -> None:
        store.apply_merchant(event.type, events_pb2.MerchantChanged.FromString(event.data))

    @stream_handler("onboarding:events", group="catalog.markets", types=_MARKET_EVENTS)
    def on_market(self, event: Event) -> None:
        markets.apply_market(market_of(events_pb2.MarketChanged.FromString(event.data)))

    @stream_handler("onboarding:events", group="catalog.growers", types=_GROWER_EVENTS)
    def on_grower(self, event: Event) -> None:
        if event.type.startswith("enterprise."):
            growers.apply_grower(events_pb2.EnterpriseChanged.FromString(event.data))
        else:
            deliveries.hear_relation(events_pb2.RelationChanged.FromString(event.data))

    @timer(interval=1)
    def end_due(self) -> None:
        """Gives back what was set aside for orders whose time is over."""
        expiry.tick()

    @timer(interval=60)
    def trim(self) -> None:
        trim_stream(store.STREAM)


SERVICES = [CatalogWorker, MarketDayWorker]
