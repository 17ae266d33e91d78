"""Catalog's worker: hears of merchants, publishes what products have to tell."""

from __future__ import annotations

from cho.events.v1 import events_pb2
from nameko.timer import timer

from kit.streams.event import Event
from kit.streams.group import stream_handler
from kit.streams.relay import Relay
from kit.streams.trim import trim_stream
from services.catalog import store

_MERCHANT_EVENTS = {"merchant.activated", "merchant.suspended", "merchant.reinstated"}


class CatalogWorker:
    name = "catalog"

    products = Relay(store.CatalogProduct, stream=store.STREAM)

    @stream_handler("onboarding:events", group="catalog.merchants", types=_MERCHANT_EVENTS)
    def on_merchant(self, event: Event) -> None:
        store.apply_merchant(event.type, events_pb2.MerchantChanged.FromString(event.data))

    @timer(interval=60)
    def trim(self) -> None:
        trim_stream(store.STREAM)


SERVICES = [CatalogWorker]
