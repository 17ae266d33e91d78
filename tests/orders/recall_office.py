"""A market with a recall: the real rules, store and clerk; the catalog and payments as orders' tests have them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.ids import new_key
from kit.streams import clients
from services.orders import store as orders
from services.orders.life import Actor, Who
from services.orders.live.pool import Pool
from services.orders.order import Order, Pay, State
from services.orders.recalls import recall as rules
from services.orders.recalls import store
from services.orders.recalls.clerk import Clerk
from services.orders.recalls.documents import DOCUMENTS, OrdersRecall
from services.orders.recalls.recall import Recall
from services.orders.saga import commands
from tests.orders.conftest import Market, Merchant, pickup, tell
from tests.orders.world import ShelfLots, lot_of

REASON = "Dư lượng thuốc trừ sâu vượt mức cho phép"
OPENER, SECOND = "usr_opener", "usr_second"
PRICE = 100_000


@dataclass
class Office:
    """A stall that sells greens of one lot, and tea besides; whoever recalls the greens."""

    market: Market
    lots: ShelfLots
    clerk: Clerk
    merchant: Merchant
    greens: str
    tea: str

    @classmethod
    def of(cls, market: Market, pool: Pool | None = None) -> Office:
        for document in DOCUMENTS:
            document.objects.delete()
        lots, merchant = ShelfLots(market.shelf), market.merchant()
        clerk = Clerk(lots, market.carrier, pool or Pool(clients.streams))
        greens = market.product(merchant, name="Rau ngót", unit="bó", price=PRICE)
        return cls(market, lots, clerk, merchant, greens, market.product(merchant, price=PRICE))

    # Buyers and the stall

    def placed(self, greens: int = 1, tea: int = 0, key: str = "") -> Order:
        items = {self.greens: greens, self.tea: tea}
        (order,) = self.market.buy(pickup(self.merchant, {one: items[one] for one in items if items[one]}), key=key)
        return order

    def placed_by_hold(self, greens: int = 1, tea: int = 0) -> Order:
        """Not weighed: the money is set aside, and taken once it is prepared."""
        items = {self.greens: greens, self.tea: tea}
        (order,) = self.market.buy(
            pickup(self.merchant, {one: items[one] for one in items if items[one]}), pay=Pay.HOLD
        )  # fmt: skip
        self.market.purse.hold(order.total, reference=order.code)
        return self.market.settle(order)

    def paid(self, greens: int = 1, tea: int = 0) -> Order:
        order = self.placed(greens, tea)
        self.market.purse.pay(order.total, order.code)
        return self.market.settle(order)

    def fetched(self, greens: int = 1, tea: int = 0) -> Order:
        order = self.paid(greens, tea)
        for target in (State.READY, State.PICKED_UP):
            orders.change(order.id, self.seller(target))
        return self.market.settle(order)

    def seller(self, target: State) -> orders.Rule:
        def rule(order: Order, now: datetime) -> Order:
            return commands.advance(order, target, Actor(Who.SELLER, self.merchant.owner_id), now)

        return rule

    # The recall

    def opened(self, key: str = "") -> Recall:
        """Out of sale; listed once the clerk was there."""
        recall = store.open_(OPENER, key or new_key(), self.greens, lot_of(self.greens), REASON)
        return self.clerk.begin(recall)

    def listed(self) -> Recall:
        return self.work(self.opened())

    def released(self, recall: Recall) -> Recall:
        store.change(recall.id, lambda found, now: rules.release(found, SECOND, now))
        return self.work(recall)

    def work(self, recall: Recall) -> Recall:
        """Until nothing is left to be done without time going by."""
        for _ in range(20):
            self.hear()
            self.market.clock.add(timedelta(seconds=3))
            if not self.clerk.tick() and not self.market.carrier.tick() and not self.market.purse.events:
                break
        return store.recall(recall.id)

    def hear(self) -> None:
        """Tells orders everything that the ledger told."""
        while self.market.purse.events:
            tell(self.market.purse.events.pop(0), self.merchant.merchant_id)


def states(recall: Recall) -> dict[str, tuple[str, int, str]]:
    """By order: how its line stands, đồng, code."""
    return {one.order_id: (one.state.value, one.amount, one.code) for one in store.lines(recall.id, "", 500)}


def told(recall: Recall) -> list[str]:
    return [one.type for one in OrdersRecall.objects(id=recall.id).get().outbox]


def events(order: Order) -> list[str]:
    return [one.event for one in orders.order(order.id).history]
