"""Carries orders on: does the steps that stand in their documents, and what checkouts left undone.

Runs in the server, beside the calls: a thread of one replica at a time, by a lease. Calls that somebody waits for do
their order's steps at once, too (`carry`); both may be at one order, since each step can be done again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import redis
from prometheus_client import Gauge
from pymongo.errors import PyMongoError

from kit import clock, log
from kit.errors import DomainError
from kit.streams.lease import Lease
from services.orders import checkout, store
from services.orders.order import Order
from services.orders.ports import Money, Stock, do
from services.orders.saga import answers
from services.orders.saga.answers import Answer, Refused
from services.orders.store import checkouts

LEASE = "orders:carrier:lease"
# Of each kind in a round; steps of an order in a row; time after which a round begins no other order; between rounds.
BATCH, STEPS_MAX, ROUND_S_MAX, EVERY_S = 100, 12, 5.0, 0.5
# An order that cannot be changed now, or that a fault of ours breaks, is left alone so long.
LATER, BROKEN = timedelta(seconds=5), timedelta(minutes=5)
# Engines that restart: what was to be done is done at a later round.
OUT_OF_REACH = (redis.RedisError, PyMongoError)

LATEST = Gauge("cho_orders_due_seconds", "How long the order's step that waits longest has been due, seconds.")

_logger = log.logger(__name__)


def _taking(step_id: str, answer: Answer) -> store.Rule:
    return lambda order, now: answers.take(order, step_id, answer, now)


class Carrier:
    """`tick` does a bounded part of what is due."""

    def __init__(
        self, stock: Stock, money: Money, lease: Lease | None = None, lots_of: Callable[[Order], Stock] | None = None
    ) -> None:
        """`lease`: None where nobody else carries. `lots_of`: the stock of an order of a live sale."""
        self.stock, self._money, self._lease, self._lots_of = stock, money, lease, lots_of
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orders-carrier")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the round in hand has ended."""
        self._stopping.set()
        self._thread.join()
        if self._lease is not None and self._lease.taken:
            with suppress(redis.RedisError):  # then the next one waits until it expires
                self._lease.release()

    def carry(self, order: Order) -> Order:
        """Does an order's steps that are due, and what they lead to; the order then."""
        for _ in range(STEPS_MAX):
            step = next((one for one in order.steps if not one.stuck and one.due_at <= clock.now()), None)
            if step is None:
                break
            order = store.change(order.id, _taking(step.id, self._done(order, step.id)))
        return order

    def tick(self) -> int:
        """Carries on what is due; how many orders and checkouts. Raises redis.RedisError, pymongo's errors."""
        if self._lease is not None and not self._lease.acquire():
            return 0
        began, now = time.monotonic(), clock.now()
        due = store.due(now, BATCH)
        done, latest = 0, now
        for order_id in due:
            if time.monotonic() > began + ROUND_S_MAX or not self._may_go_on():
                break
            try:
                order = store.order(order_id)
                latest = min(latest, order.next_at or now)
                self.carry(order)
                done += 1
            except OUT_OF_REACH:
                raise
            except DomainError as error:  # many changes at once, or events that cannot leave
                _logger.info("not carried on now", order=order_id, reason=error.code)
                store.put_off(order_id, now + LATER)
            except Exception:  # a fault of ours, in one order: the others go on
                _logger.exception("an order broke off", order=order_id)
                store.put_off(order_id, now + BROKEN)
        LATEST.set((now - latest).total_seconds())
        return done + self._checkouts()

    def _done(self, order: Order, step_id: str) -> Answer:
        step = next(one for one in order.steps if one.id == step_id)
        try:
            stock = self._lots_of(order) if self._lots_of and order.of_live_sale else self.stock
            answer = do(order, step, stock, self._money)
        except Exception:  # a fault of ours: tried again later, and less and less often
            _logger.exception("a step broke off", order=order.id, step=step.id)
            return Refused("INTERNAL")
        if isinstance(answer, Refused):
            _logger.info("a step was refused", order=order.id, step=step.id, code=answer.code, tries=step.tries)
        return answer

    def _checkouts(self) -> int:
        found, through = checkouts.unfinished(clock.now(), BATCH), []
        for one in found:
            if not self._may_go_on():
                break
            try:
                checkout.go_on(one, self.stock)
            except DomainError as refused:
                if refused.code in answers.PASSING:
                    checkouts.put_off(one, clock.now() + LATER)
                    continue
            except OUT_OF_REACH:
                raise
            except Exception:
                _logger.exception("a checkout broke off", checkout=one.id)
                checkouts.put_off(one, clock.now() + BROKEN)
                continue
            through.append(one.id)
        if through:
            checkouts.finish(through)
        return len(found)

    def _may_go_on(self) -> bool:
        return self._lease is None or self._lease.renew()

    def _run(self) -> None:
        trouble = ""
        while not self._stopping.wait(EVERY_S):
            try:
                while self.tick() and not self._stopping.is_set():
                    pass
                trouble = ""
            except OUT_OF_REACH as error:
                if trouble != str(error):
                    _logger.warning("orders wait", reason=f"{type(error).__name__}: {error}")
                trouble = str(error)
            except Exception:
                _logger.exception("a round broke off")
