"""A stall with a live sale: the real rules, store, Valkey and keeper; the catalog and payments as orders' tests have
them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kit import clock
from kit.ids import new_id, new_key
from kit.streams.clients import connect
from services.orders import store as orders
from services.orders.carrier import Carrier
from services.orders.live import claims, store
from services.orders.live.documents import DOCUMENTS
from services.orders.live.pool import Claim
from services.orders.live.room import LiveRoom
from services.orders.live.sale import Asked, Plan, Sale
from services.orders.order import Order
from services.orders.saga import hearing
from tests.orders.conftest import Market, Merchant

HOUR = timedelta(hours=1)


@dataclass
class Stall:
    """Sales are scheduled an hour ago by `market`'s clock, so that they are open by Valkey's at once."""

    market: Market
    room: LiveRoom
    merchant: Merchant
    products: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, market: Market, valkey: str) -> Stall:
        for document in DOCUMENTS:
            document.objects.delete()
        client = connect(valkey)
        room = LiveRoom(lambda: client, market.shelf)
        market.carrier = Carrier(market.shelf, market.purse, lots_of=room.lots_of)
        return cls(market, room, market.merchant())

    def plan(self, *lots: int, cap: int = 1, price: int = 50_000, **fields: Any) -> Plan:
        """A sale of so many lots of so many products, that opens in a minute."""
        now = clock.now()
        self.products = [self.market.product(self.merchant, left=1_000) for _ in lots]
        asked = tuple(Asked(one, n, price, cap=cap) for one, n in zip(self.products, lots, strict=True))
        return Plan(
            **{
                "merchant_id": self.merchant.merchant_id, "title": "Phiên chợ chè xuân", "lines": asked,
                "opens_at": now + timedelta(minutes=1), "closes_at": now + 3 * HOUR, **fields,
            }
        )  # fmt: skip

    def schedule(self, *lots: int, **fields: Any) -> Sale:
        return store.schedule(self.merchant.owner_id, new_key(), self.plan(*lots, **fields))

    def opened(self, *lots: int, **fields: Any) -> Sale:
        """A sale that is open, by everybody's clock."""
        self.market.clock.now = clock.from_ms(clock.now_ms()) - HOUR
        sale = self.schedule(*lots, **fields)
        self.market.clock.now = clock.from_ms(clock.now_ms())
        self.room.keeper.tick()
        sale = store.sale(sale.id)
        assert sale.state.value == "open", sale
        return sale

    def claim(
        self, sale: Sale, buyer: str = "", lots: int = 1, key: str = "", product: int = 0, deliver_to: str = ""
    ) -> Claim:
        key, buyer = key or new_key(), buyer or new_id("usr")
        product_id, order_id = self.products[product], claims.order_id(sale.id, buyer, key)
        return self.room.pool.claim(
            sale.id, buyer, (product_id, lots), claims.fingerprint(product_id, lots, deliver_to),
            claims.wish(order_id, key, deliver_to, ""),
        )  # fmt: skip

    def left(self, sale: Sale, product: int = 0) -> int:
        (counter,) = self.room.pool.counters([sale.id])
        assert counter is not None
        return counter.left[self.products[product]]

    def pay(self, order: Order, amount: int = 0) -> Order:
        self.market.purse.pay(amount or order.total, order.code)
        return self.market.settle(order)

    def let_expire(self) -> None:
        """Whatever is not paid by now: its time is over."""
        self.market.clock.add(HOUR)
        for order_id in orders.overdue(clock.now(), 100):
            orders.change(order_id, hearing.clock)
        while self.market.carrier.tick():
            pass

    def close(self, sale: Sale) -> Sale:
        """Its end by the clock, and what the keeper does then."""
        self.market.clock.now = max(self.market.clock.now, sale.closes_at)
        for _ in range(3):
            self.room.keeper.tick()
        return store.sale(sale.id)
