"""Keeps live sales going: sets stock aside before them, makes orders of claims, sells what was sold when they are over.

Runs in the server, beside the calls: a thread of one replica at a time, by a lease. It decides no claim; whatever it is
late with, nobody gets a lot more or less. Each thing that it does is written down or can be done again, so that it may
die anywhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from prometheus_client import Gauge

from kit import clock, log
from kit.errors import DomainError
from kit.streams.lease import Lease
from services.orders.carrier import OUT_OF_REACH
from services.orders.life import Actor, Who
from services.orders.live import claims, store
from services.orders.live import sale as rules
from services.orders.live.pool import Counter, Pool
from services.orders.live.sale import Sale, State
from services.orders.ports import Stock
from services.orders.saga.answers import PASSING

LEASE = "orders:live:lease"
# Orders made in one write; between rounds; what the catalog refuses is tried again; what a fault of ours breaks, too.
BATCH, EVERY_S, AGAIN_S, BROKEN_S = 50, 0.25, 30.0, 5.0
# After each write it rests as long as that took, and not for longer: who claims is answered by the same process.
REST_S_MAX = 0.5

WAITING = Gauge("cho_orders_live_claims_waiting", f"Claims of live sales that are no orders yet, {BATCH} at most.")

_CLOCK, _STOCK = Actor(Who.CLOCK), Actor(Who.STOCK)
SUSPENDED, TOO_LATE = "sạp đang bị tạm ngừng", "không mở kịp giờ"
_logger = log.logger(__name__)


class Keeper:
    """`tick` does what there is to do now."""

    def __init__(self, pool: Pool, stock: Stock, lease: Lease | None = None) -> None:
        """`lease`: None where nobody else keeps."""
        self._pool, self._stock, self._lease = pool, stock, lease
        self._again: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orders-live")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the round in hand has ended."""
        self._stopping.set()
        self._thread.join()

    def tick(self) -> None:
        """One look at every sale that runs. Raises redis.RedisError, pymongo's errors."""
        if self._lease is not None and not self._lease.acquire():
            return
        running = store.due(clock.now())
        counters: list[Counter | None] = [None] * len(running)
        try:
            counters = self._pool.counters([one.id for one in running]) if running else []
            for sale, counter in zip(running, counters, strict=True):
                if not self._may_go_on():
                    return
                self._guarded(sale, counter)
        except DomainError as error:
            _logger.info("sales wait", reason=error.code)

    def _guarded(self, sale: Sale, counter: Counter | None) -> None:
        if time.monotonic() < self._again.get(sale.id, 0.0):
            return
        try:
            self._see_to(sale, counter)
        except DomainError as error:  # Valkey or catalog not reachable, many changes at once: at the next round
            _logger.info("a sale waits", sale=sale.id, reason=error.code)
        except OUT_OF_REACH:
            raise
        except Exception:  # a fault of ours, in one sale: the others go on
            _logger.exception("a sale broke off", sale=sale.id)
            self._again[sale.id] = time.monotonic() + BROKEN_S

    def _see_to(self, sale: Sale, counter: Counter | None) -> None:
        now = clock.now()
        if sale.state is State.SCHEDULED and not sale.set_aside:
            sale = self._set_aside(sale, now)
        if sale.counting:
            if counter is None:
                sale = self._count(sale)
            if sale.counting:
                self._make_orders(sale)
        if sale.state is State.SCHEDULED and sale.set_aside and now >= sale.opens_at:
            sale = store.change(sale.id, rules.open_)
        if sale.state is State.OPEN:
            sale = self._close_in_time(sale, now)
        if sale.state is State.CLOSED and not sale.sealed:
            sale = self._seal(sale)
        if sale.state is State.CLOSED and sale.sealed:
            self._settle(sale)

    def _set_aside(self, sale: Sale, now: datetime) -> Sale:
        """The stock, for a short while: nobody has to give it back where the sale was cancelled meanwhile."""
        if not store.paying(sale.merchant_id):
            return store.change(sale.id, _cancelled(_CLOCK, SUSPENDED))
        if now >= sale.closes_at:
            return store.change(sale.id, _cancelled(_CLOCK, TOO_LATE))
        try:
            until = max(sale.opens_at, now) + rules.STOCK_WAITS
            self._stock.reserve(sale.id, rules.quantities(sale), until)
        except DomainError as refused:
            if refused.code in PASSING:
                raise
            return store.change(sale.id, _cancelled(_STOCK, refused.code))
        return store.change(sale.id, lambda found, _: rules.aside(found))

    def _count(self, sale: Sale) -> Sale:
        """Makes a counter that is not there: the first one, or from the orders, where it was lost."""
        if sale.state is State.SCHEDULED:
            try:
                self._stock.extend(sale.id, sale.closes_at + rules.STOCK_STAYS)
            except DomainError as refused:
                if refused.code in PASSING:
                    raise
                return store.change(sale.id, _cancelled(_STOCK, refused.code))
        if self._pool.load(sale, claims.of_orders(sale)):
            _logger.info("a sale is counted", sale=sale.id, state=sale.state.value)
        return sale

    def _make_orders(self, sale: Sale) -> None:
        while found := self._pool.waiting(sale.id, BATCH):
            WAITING.set(len(found))
            began = time.monotonic()
            claims.make(sale, [(wish, claim) for _, wish, claim in found])
            self._pool.made(sale.id, [token for token, _, _ in found])
            if self._stopping.wait(min(time.monotonic() - began, REST_S_MAX)) or not self._may_go_on():
                return
        WAITING.set(0)

    def _close_in_time(self, sale: Sale, now: datetime) -> Sale:
        suspended = not store.paying(sale.merchant_id)
        if now < sale.closes_at and not suspended:
            return sale
        reason = SUSPENDED if suspended else ""
        return store.change(sale.id, lambda found, at: rules.close(found, _CLOCK, reason, at))

    def _seal(self, sale: Sale) -> Sale:
        self._pool.close(sale.id)
        kept = self._pool.seal(sale.id)
        if kept is None:
            return sale
        sold: dict[str, int] = {}
        for one in kept:
            sold[one.product_id] = sold.get(one.product_id, 0) + one.lots
        store.put_sold(sale.id, [one.order_id for one in kept])
        return store.change(sale.id, lambda found, _: rules.seal(found, sold))

    def _settle(self, sale: Sale) -> None:
        try:
            if final := rules.quantities(sale, sold=True):
                self._stock.sell(sale.id, final)
            else:
                self._stock.release(sale.id)
        except DomainError as refused:
            self._again[sale.id] = time.monotonic() + (1.0 if refused.code in PASSING else AGAIN_S)
            if refused.code not in PASSING:
                code = refused.code
                _logger.warning("what a sale sold is not sold in the catalog", sale=sale.id, code=code)
                store.change(sale.id, lambda found, _: rules.troubled(found, code))
            return
        self._pool.drop(sale.id)
        store.change(sale.id, rules.settle)
        self._again.pop(sale.id, None)

    def _may_go_on(self) -> bool:
        return self._lease is None or self._lease.renew()

    def _run(self) -> None:
        trouble = ""
        while not self._stopping.wait(EVERY_S):
            try:
                self.tick()
                trouble = ""
            except OUT_OF_REACH as error:
                if trouble != str(error):
                    _logger.warning("sales wait", reason=f"{type(error).__name__}: {error}")
                trouble = str(error)
            except Exception:
                _logger.exception("a round broke off")


def _cancelled(actor: Actor, reason: str) -> Callable[[Sale, datetime], Sale]:
    return lambda sale, now: rules.cancel(sale, actor, reason, now)
