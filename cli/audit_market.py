"""`cho audit`, of what is sold: products, orders, ratings and live sales, by their own documents and by the ledger's.

Nobody else has all of them at once: the catalog knows stock, orders what was agreed, the ledger what was paid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import redis

from cli.audit_check import FINDINGS_MAX, Check, lasting
from cli.audit_hot import Payment
from kit import clock
from kit.config import settings
from kit.mongo import connect, disconnect
from services.catalog.stock import ties
from services.catalog.stock.store import KEPT
from services.orders import checks
from services.orders.checks import Goods, Money
from services.orders.live import checks as sale_checks
from services.orders.live.documents import OrdersSale, OrdersSaleSold, to_sale
from services.orders.live.pool import Pool
from services.orders.live.sale import Sale, State
from services.orders.order import Order, read_code
from services.orders.ratings import checks as rating_checks
from services.orders.ratings.documents import OrdersRating, to_rating
from services.orders.store import OrdersOrder, to_order
from services.payments.store.keys import Keys
from services.settlement.fold import Books

# Orders hear of payments, and carry what follows on, in a second or so; a machine with too much to do takes longer.
SETTLE_S_MAX = 60
BATCH = 500

STOCK = "of every lot: received is on hand, reserved, sold and written off, and orders took what is sold"
PAID = "every paid order has its payments in the ledger, and they tie"
HELD = "no hold outlives its order"
SOLD = "what an order says of its stock is what the catalog says"
RATED = "every rating is of a paid order of its writer, and no order has two"
SALES = "every lot of a live sale is left, claimed, sold or given back"


@dataclass(slots=True)
class Ledger:
    """What the ledger says of payments and holds: the books, and the hot ledger where something moved since.

    `named`: hot payments by (merchant, reference), as the hot ledger's rows have them.
    """

    hot: redis.Redis
    keys: Keys
    books: Books
    named: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def of(self, order: Order, *, now: bool) -> Money:
        """As far as it is about an order. `now`: asks the hot ledger, which may be ahead of the books."""
        payments = {one.transfer_id: self.books.payments.get(one.transfer_id) for one in order.payments}
        holds = {one.id: self._hold(one.id) for one in order.holds}
        if now:
            payments |= {key: (int(row[0]), int(row[1])) for key, row in self._rows(payments, "a", "r")}
            holds |= {key: (int(row[0]), row[1]) for key, row in self._rows(holds, "a", "s")}
        return Money(
            {key: one for key, one in payments.items() if one},
            {key: one for key, one in holds.items() if one},
            self.named.get((order.merchant_id, order.code), frozenset()),
        )

    def _hold(self, hold_id: str) -> tuple[int, str] | None:
        known = self.books.holds.get(hold_id)
        return (known.amount, known.state) if known else None

    def _rows(self, ids: Iterable[str], *names: str) -> Iterator[tuple[str, Any]]:
        wanted = list(ids)
        with self.hot.pipeline(transaction=False) as pipe:
            for one in wanted:
                pipe.hmget(self.keys.transfer(one), *names)
            rows = pipe.execute()
        return ((one, row) for one, row in zip(wanted, rows, strict=True) if row[0] is not None)


def named_payments(hot: Mapping[str, Payment]) -> dict[tuple[str, str], frozenset[str]]:
    """Payments by the merchant that has them and the order's code that they name."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for payment_id, one in hot.items():
        code = read_code(one.reference)
        if code and one.merchant_id:
            found[one.merchant_id, code].add(payment_id)
    return {one: frozenset(ids) for one, ids in found.items()}


def market_checks(ledger: Ledger, within_s: float = SETTLE_S_MAX) -> list[Check]:
    """All of them; what does not tie at first has `within_s` seconds to. Raises pymongo's and redis' errors."""
    with _database("catalog"):
        stock = _stock(within_s)
    with _database("orders"):
        rated = _ratings()
    return [stock, *_orders(ledger, within_s), _sales(within_s), rated]


def _stock(within_s: float) -> Check:
    last = ties.Looked(0, 0, {})

    def look(_: Collection[str] | None) -> Mapping[str, str]:
        nonlocal last
        last = ties.look()
        return {product_id: "; ".join(wrong) for product_id, wrong in last.wrong.items()}

    found = lasting(look, within_s)
    moving = f", {last.moving} of them moved meanwhile" if last.moving else ""
    return Check(STOCK, f"{last.products} products{moving}", _told(found))


# Orders -------------------------------------------------------------------------------------------------


def _orders(ledger: Ledger, within_s: float) -> list[Check]:
    counts: dict[str, int] = {}

    def look(only: Collection[tuple[str, str]] | None) -> Mapping[tuple[str, str], str]:
        ids = None if only is None else sorted({order_id for _, order_id in only})
        with _database("catalog"):
            goods = dict(_goods(ids))
        with _database("orders"):
            found: dict[tuple[str, str], str] = {}
            orders = holds = waiting = 0
            for order in _every_order(ids):
                orders, holds, waiting = orders + 1, holds + len(order.holds), waiting + bool(order.steps)
                found |= _wrong(order, ledger.of(order, now=only is not None), goods.get(order.id))
        if only is None:
            counts.update(orders=orders, holds=holds, waiting=waiting)
        return found

    found = lasting(look, within_s)
    over = f"{counts['orders']} orders" + (f", {counts['waiting']} under way" if counts["waiting"] else "")
    return [
        Check(name, over, _told({order_id: text for (of, order_id), text in found.items() if of == name}))
        for name, over in ((PAID, over), (HELD, f"{counts['holds']} holds"), (SOLD, over))
    ]


def _wrong(order: Order, money: Money, goods: Goods | None) -> dict[tuple[str, str], str]:
    said = {PAID: checks.money_findings(order, money), HELD: checks.hold_findings(order, money)}
    if not order.of_live_sale and (goods or _remembered(order)):
        said[SOLD] = checks.goods_findings(order, goods)
    return {(name, order.id): "; ".join(findings) for name, findings in said.items() if findings}


def _remembered(order: Order) -> bool:
    """Whether the catalog has to know its reservation: not of orders of before there were any, nor for ever."""
    return order.reserved_until > order.placed_at and order.placed_at + KEPT > clock.now()


def _every_order(ids: Collection[str] | None) -> Iterator[Order]:
    """Without where they were delivered to: that is nobody's business here."""
    if ids is None:
        yield from map(to_order, OrdersOrder.objects.exclude("deliver_to", "outbox").no_cache())
        return
    for some in _batches(ids):
        yield from map(to_order, OrdersOrder.objects(id__in=some).exclude("deliver_to", "outbox"))


def _goods(ids: Collection[str] | None) -> Iterator[tuple[str, Goods]]:
    for some in [None] if ids is None else _batches(ids):
        for order_id, state, sold in ties.taken(some):
            yield order_id, Goods(state, sold)


# Live sales ---------------------------------------------------------------------------------------------


def _sales(within_s: float) -> Check:
    counted = 0
    client = redis.Redis.from_url(settings().redis_url)
    pool = Pool(lambda: client)

    def look(only: Collection[str] | None) -> Mapping[str, str]:
        nonlocal counted
        with _database("orders"):
            sales = [to_sale(one) for one in _sale_documents(only)]
            found = {sale.id: [*_counted(sale, pool), *_settled(sale)] for sale in sales}
        with _database("catalog"):
            goods = dict(_goods([sale.id for sale in sales]))
        for sale in sales:
            if sale.id in goods or sale.closes_at + KEPT > clock.now():
                found[sale.id] += sale_checks.goods_findings(sale, goods.get(sale.id))
        if only is None:
            counted = len(sales)
        return {sale_id: "; ".join(wrong) for sale_id, wrong in found.items() if wrong}

    try:
        found = lasting(look, within_s)
    finally:
        client.close()
    return Check(SALES, f"{counted} live sales", _told(found))


def _sale_documents(only: Collection[str] | None) -> Iterable[OrdersSale]:
    documents: Iterable[OrdersSale] = OrdersSale.objects if only is None else OrdersSale.objects(id__in=list(only))
    return documents


def _counted(sale: Sale, pool: Pool) -> list[str]:
    """While it counts. The counter first: a claim that waits no longer is an order."""
    if not sale.counting:
        return []
    census = pool.census(sale.id)
    if census is None:
        return ["its counter is not there"]
    made: set[str] = set()
    for some in _batches([claim.order_id for claim in census.claims]):
        made |= {one.id for one in OrdersOrder.objects(id__in=some).only("id")}
    return [*sale_checks.counter_findings(sale, census), *sale_checks.orders_findings(census, made)]


def _settled(sale: Sale) -> list[str]:
    if not sale.sealed:
        return []
    kept = OrdersSaleSold.objects(id=sale.id).first()
    if kept is None:
        return ["it is settled, and nobody knows what it sold"] if sale.state is State.SETTLED else []
    orders = {order.id: order for order in _every_order(list(kept.order_ids))}
    return sale_checks.settled_findings(sale, list(kept.order_ids), orders)


# Ratings ------------------------------------------------------------------------------------------------


def _ratings() -> Check:
    """Looked at once: an order is paid and fetched before it is rated, and stays so."""
    found: dict[str, str] = {}
    rated: set[str] = set()
    many = 0
    # A generator ends once; a query that is asked on after its end begins anew.
    every = (to_rating(one) for one in OrdersRating.objects.exclude("comment", "answer").no_cache())
    while ratings := list(islice(every, BATCH)):
        orders = {order.id: order for order in _every_order([one.order_id for one in ratings])}
        for rating in ratings:
            wrong = list(rating_checks.findings(rating, orders.get(rating.order_id)))
            if rating.order_id in rated:
                wrong.append(f"order {rating.order_id} has another one")
            if wrong:
                found[rating.id] = "; ".join(wrong)
            rated.add(rating.order_id)
        many += len(ratings)
    return Check(RATED, f"{many} ratings", _told(found))


@contextmanager
def _database(service: str) -> Iterator[None]:
    connect(service)
    try:
        yield
    finally:
        disconnect()


def _batches(ids: Collection[str]) -> Iterator[list[str]]:
    listed = list(ids)
    for start in range(0, len(listed), BATCH):
        yield listed[start : start + BATCH]


def _told(found: Mapping[str, str]) -> list[str]:
    return [f"{subject}: {text}" for subject, text in sorted(found.items())][:FINDINGS_MAX]
