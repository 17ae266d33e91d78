"""Orders' store on a real MongoDB-wire server, facts as other services tell them, and catalog and payments as fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import clock
from kit.ids import new_id, new_key
from services.orders import checkout, store
from services.orders.carrier import Carrier
from services.orders.cart import Basket, Cart, Item
from services.orders.order import Fulfilment, Order, Pay
from services.orders.ports import Taken
from services.orders.ratings.documents import DOCUMENTS as RATINGS
from tests.conftest import opened
from tests.orders.world import Clock, Purse, Shelf, Told

Merchant = events_pb2.MerchantChanged


@pytest.fixture(scope="module")
def _database(mongo_uri: str) -> Iterator[None]:
    with opened(store.open_store, mongo_uri):
        yield


@pytest.fixture
def database(_database: None) -> None:
    """Connected, indexed, empty."""
    for document in (*store.DOCUMENTS, *RATINGS):
        document.objects.delete()


@dataclass
class Market:
    """A market's time, stock and money, and who carries its orders on."""

    clock: Clock
    shelf: Shelf
    purse: Purse
    carrier: Carrier

    def merchant(self, **fields: Any) -> Merchant:
        """An active merchant that orders knows of."""
        changed = Merchant(
            **{
                "merchant_id": new_id("mer"), "name": "Chè Tân Cương Cô Hạnh", "owner_id": new_id("usr"),
                "market_id": new_id("mkt"), "market_name": "Chợ Đồng Quang", "stall": "A-01", "category_code": "5499",
                "version": 2, **fields,
            }
        )  # fmt: skip
        store.apply_merchant("merchant.activated", changed)
        return changed

    def product(self, merchant: Merchant, left: int = 1_000_000, **fields: Any) -> str:
        """A product that orders knows of, and catalog has `left` base units of; its id."""
        changed = events_pb2.ProductChanged(
            **{
                "product_id": new_id("prd"), "merchant_id": merchant.merchant_id, "name": "Chè móc câu",
                "unit": "gói", "price": 100_000, "version": 1, **fields,
            }
        )  # fmt: skip
        store.apply_product(changed)
        self.shelf.left.setdefault(changed.product_id, left)
        self.shelf.taken[changed.product_id] = Taken(changed.price, changed.unit, changed.grams_per_unit)
        return changed.product_id

    def buy(self, *baskets: Basket, buyer: str = "", pay: Pay = Pay.QR, key: str = "") -> list[Order]:
        cart = Cart(baskets, pay)
        return checkout.place(buyer or new_id("usr"), key or new_key(), cart, self.shelf)

    def order(self, quantity: int = 2, pay: Pay = Pay.QR, buyer: str = "", **product: Any) -> Order:
        """An order of one product of a new stall."""
        merchant = self.merchant()
        item = Item(self.product(merchant, **product), quantity)
        (placed,) = self.buy(Basket(merchant.merchant_id, (item,)), pay=pay, buyer=buyer)
        return placed

    def hear(self, order: Order) -> None:
        """Tells orders everything that the ledger told, and nobody heard yet."""
        while self.purse.events:
            tell(self.purse.events.pop(0), order.merchant_id)

    def settle(self, order: Order) -> Order:
        """Until there is nothing to hear and nothing to do."""
        for _ in range(20):
            self.hear(order)
            if not self.carrier.tick() and not self.purse.events:
                break
        return store.order(order.id)


def tell(told: Told, merchant_id: str) -> None:
    """As payments' announcer tells it."""
    if told.kind.startswith("h"):
        kind = {"held": "hold.placed", "hold_captured": "hold.captured", "hold_ended": "hold.voided"}[told.kind]
        expires_ms = int(told.expires_at.timestamp() * 1000)
        moved = events_pb2.HoldMoved(
            hold_id=told.id, merchant_id=merchant_id, amount=told.amount, reference=told.reference,
            expires_ms=expires_ms,
        )  # fmt: skip
        store.apply_hold(kind, moved)
        return
    store.apply_payment(
        events_pb2.PaymentMoved(
            transfer_id=told.id, payment_id=told.payment_id, merchant_id=merchant_id, amount=told.amount,
            reference=told.reference, cause=told.cause, seq=told.seq,
        )
    )  # fmt: skip


@pytest.fixture
def market(database: None, monkeypatch: pytest.MonkeyPatch) -> Market:
    """Its clock stands still until it is moved."""
    stopped = Clock(clock.now())
    monkeypatch.setattr(clock, "now", lambda: stopped.now)
    shelf, purse = Shelf(stopped), Purse(stopped)
    return Market(stopped, shelf, purse, Carrier(shelf, purse))


@pytest.fixture
def merchant(market: Market) -> Merchant:
    return market.merchant()


@pytest.fixture
def sell(market: Market, merchant: Merchant) -> Callable[..., str]:
    """A product of `merchant`; its id."""
    return lambda **fields: market.product(merchant, **fields)


def pickup(merchant: Merchant, items: dict[str, int]) -> Basket:
    """A basket of these base units by product."""
    return Basket(merchant.merchant_id, tuple(Item(product, items[product]) for product in items), Fulfilment.PICKUP)
