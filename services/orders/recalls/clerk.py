"""Carries recalls on: takes the lot out of sale, lists who took from it, and sees to each order.

Runs in the server, beside the calls: a thread of one replica at a time, by a lease. Whoever opens a recall takes the
lot out of sale at once. Everything that it does can be done again, and what is left to do stands in the recall and its
lines: so it may die anywhere. The money of an order is given back by its own steps (services/orders/carrier.py), each
under its own key.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from kit import clock, log
from kit.errors import DomainError, NotFound, Unavailable
from kit.streams.lease import Lease
from services.orders import store as orders
from services.orders.carrier import OUT_OF_REACH, Carrier
from services.orders.life import Actor, Who
from services.orders.live import claims
from services.orders.live import sale as sales
from services.orders.live import store as live
from services.orders.live.pool import Pool
from services.orders.live.sale import Sale
from services.orders.order import Order
from services.orders.ports import Lots, Taker
from services.orders.recalls import recall as rules
from services.orders.recalls import store
from services.orders.recalls.recall import Line, LineState, Recall, State
from services.orders.saga import recalled
from services.orders.saga.answers import PASSING

LEASE = "orders:recalls:lease"
# Lines of a recall in a round; between rounds; before a line whose money is on its way is looked at again, and a recall
# that a fault of ours breaks.
BATCH, EVERY_S, AGAIN, BROKEN_S = 50, 0.5, timedelta(seconds=2), 5.0
_STOCK = Actor(Who.STOCK)
_logger = log.logger(__name__)


class Clerk:
    """`tick` does a bounded part of what there is to do."""

    def __init__(self, lots: Lots, carrier: Carrier, pool: Pool, lease: Lease | None = None) -> None:
        """`pool`: live sales' counters; `lease`: None where nobody else is at it."""
        self._lots, self._carrier, self._pool, self._lease = lots, carrier, pool, lease
        self._again: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orders-recalls")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the round in hand has ended."""
        self._stopping.set()
        self._thread.join()

    def tick(self) -> int:
        """How many lines were seen to. Raises redis.RedisError, pymongo's errors."""
        if self._lease is not None and not self._lease.acquire():
            return 0
        seen = 0
        for one in store.running():
            if not self._may_go_on():
                break
            if time.monotonic() < self._again.get(one.id, 0.0):
                continue
            try:
                seen += self._see_to(one)
            except DomainError as error:  # catalog not reachable, many changes at once: at the next round
                _logger.info("a recall waits", recall=one.id, reason=error.code)
            except OUT_OF_REACH:
                raise
            except Exception:  # a fault of ours, in one recall: the others go on
                _logger.exception("a recall broke off", recall=one.id)
                self._again[one.id] = time.monotonic() + BROKEN_S
        return seen

    def begin(self, recall: Recall) -> Recall:
        """Takes the lot out of sale at once, where it can be; else, and with what follows, the rounds go on."""
        try:
            return self._take_out_of_sale(recall) if recall.state is State.OPENED else recall
        except DomainError as error:
            _logger.info("a recall waits", recall=recall.id, reason=error.code)
        return store.recall(recall.id)

    def _see_to(self, recall: Recall) -> int:
        if recall.state is State.OPENED:
            recall = self._take_out_of_sale(recall)
        if recall.state is State.WITHDRAWN:
            self._lots.reinstate(recall.product_id, recall.lot_id, recall.id)
        if recall.state not in rules.RUNNING:
            return 0
        recall = self._list_sales(recall)
        lines = store.todo(recall, clock.now() - AGAIN, BATCH)
        for line in lines:
            if not self._may_go_on():
                return len(lines)
            self._see_to_line(recall, line)
        return len(lines) + self._lead_on(recall)

    def _take_out_of_sale(self, recall: Recall) -> Recall:
        """The lot first: whoever took from it before that is listed, and nobody takes from it after."""
        try:
            self._lots.recall(recall.product_id, recall.lot_id, recall.id)
        except DomainError as refused:
            if refused.code in PASSING:
                raise
            code = refused.code
            return store.change(recall.id, lambda found, now: rules.refuse(found, code, now))
        takers = self._lots.takers(recall.product_id, recall.lot_id)
        of_sales = tuple(one.order_id for one in takers if one.order_id.startswith("liv_"))
        if not set(of_sales) <= set(recall.sales):
            recall = store.change(recall.id, lambda found, _: replace(found, sales=of_sales))
        store.put_takers(recall.id, (one for one in takers if one.order_id not in of_sales))
        return recall

    def _list_sales(self, recall: Recall) -> Recall:
        """Live sales of the lot are closed, and what was claimed of the product in them is listed, whatever its lot:
        nobody can tell which one a claim is of. A claim may become an order until its sale is sealed."""
        for sale_id in recall.sales:
            sale = self._end_sale(sale_id, recall.reason)
            over = sale.sealed or sale.state in sales.ENDED
            found = [one for one in claims.of_orders(sale) if one.product_id == recall.product_id]
            sizes = {one.product_id: one.lot_size for one in sale.lines}
            takers = [Taker(one.order_id, one.lots * sizes[one.product_id]) for one in found]
            store.put_takers(recall.id, takers)
            if over:
                recall = store.change(recall.id, _forgetting(sale_id))
        return recall

    def _end_sale(self, sale_id: str, reason: str) -> Sale:
        sale = live.change(sale_id, lambda found, now: _called_off(found, reason, now))
        with suppress(Unavailable):  # it has no counter: none yet, and gets none any more, or none any longer
            self._pool.close(sale_id)
        if sale.state is sales.State.CANCELLED:  # what is set aside for it would stay until long after it
            self._carrier.stock.release(sale_id)
        return sale

    def _see_to_line(self, recall: Recall, line: Line) -> None:
        try:
            self._change(recall, line)
        except NotFound:
            _not_placed(recall, line)
        except DomainError as error:  # this order cannot be changed now: the others are
            _logger.warning("an order of a recall waits", recall=recall.id, order=line.order_id, reason=error.code)
            store.put_line(replace(line, code=error.code))
        except OUT_OF_REACH:
            raise
        except Exception:  # a fault of ours, in one order
            _logger.exception("an order of a recall broke off", recall=recall.id, order=line.order_id)
            store.put_line(replace(line, code="INTERNAL"))

    def _change(self, recall: Recall, line: Line) -> None:
        order = orders.change(line.order_id, _rule(recall))
        if recall.state is not State.RELEASED:
            stopped = LineState.LIFTED if recall.state is State.WITHDRAWN else LineState.STOPPED
            store.put_line(replace(line, state=stopped))
            return
        came = recalled.came(self._carrier.carry(order), recall.id)
        store.put_line(replace(line, state=rules.STATE_OF[came.outcome], amount=came.amount, code=came.code))

    def _lead_on(self, recall: Recall) -> int:
        """Counts, and ends what is through; whether the recall has changed."""
        tallies = store.tallies(recall.id)
        left = sum(tallies[state].lines for state in rules.TODO[recall.state] if state in tallies)

        def rule(found: Recall, now: datetime) -> Recall:
            if found.state is not recall.state:
                return found
            found = replace(found, tallies=tallies)
            if left:
                return found
            if found.state is State.OPENED:
                return rules.listed(found)
            return found if found.sales else rules.ended(found, now)

        return int(store.change(recall.id, rule).version > recall.version)

    def _may_go_on(self) -> bool:
        return not self._stopping.is_set() and (self._lease is None or self._lease.renew())

    def _run(self) -> None:
        trouble = ""
        while not self._stopping.wait(EVERY_S):
            try:
                while self.tick() and not self._stopping.is_set():
                    pass
                trouble = ""
            except OUT_OF_REACH as error:
                if trouble != str(error):
                    _logger.warning("recalls wait", reason=f"{type(error).__name__}: {error}")
                trouble = str(error)
            except Exception:
                _logger.exception("a round broke off")


def _called_off(sale: Sale, reason: str, now: datetime) -> Sale:
    """Nothing of it is claimed any more."""
    match sale.state:
        case sales.State.SCHEDULED:
            return sales.cancel(sale, _STOCK, reason, now)
        case sales.State.OPEN:
            return sales.close(sale, _STOCK, reason, now)
    return sale


def _forgetting(sale_id: str) -> store.Rule:
    return lambda recall, _: replace(recall, sales=tuple(one for one in recall.sales if one != sale_id))


def _not_placed(recall: Recall, line: Line) -> None:
    """It is being placed, or never will be."""
    if clock.now() > recall.opened_at + rules.PLACED_WITHIN or recall.state is State.WITHDRAWN:
        store.drop_line(line)
    else:
        store.put_line(replace(line, state=LineState.UNPLACED))


def _rule(recall: Recall) -> Callable[[Order, datetime], Order]:
    """What a recall, as it stands, does to each of its orders."""
    match recall.state:
        case State.RELEASED:
            return lambda order, now: recalled.release(order, recall.id, recall.product_id, recall.reason, now)
        case State.WITHDRAWN:
            return lambda order, now: recalled.lift(order, recall.id, recall.withdrawn_for, now)
    return lambda order, now: recalled.stop(order, recall.id, recall.product_id, recall.reason, now)
