"""The room of live sales as a server's process has it: wired once, started and stopped with the server."""

from __future__ import annotations

from collections.abc import Callable

import redis

from kit.streams.lease import Lease
from services.orders.live import store
from services.orders.live.claims import Lots
from services.orders.live.keeper import Keeper
from services.orders.live.pool import Pool
from services.orders.live.server import LiveSaleServicer
from services.orders.live.watch import Hub
from services.orders.order import Order
from services.orders.ports import Stock


class LiveRoom:
    """Sales, their keeper and their listeners."""

    def __init__(self, client: Callable[[], redis.Redis], stock: Stock, lease: Lease | None = None) -> None:
        """`client`: the streams' Valkey; `stock`: the catalog's; `lease`: None where nobody else keeps sales."""
        self.pool = Pool(client)
        self.keeper = Keeper(self.pool, stock, lease)
        self.hub = Hub(self.pool, store.sale)
        self.servicer = LiveSaleServicer(self.pool, self.hub)

    def lots_of(self, order: Order) -> Stock:
        """The stock of an order that came of a sale."""
        return Lots(self.pool, order)
