"""Nothing about a card stays halfway: what is not over is looked at, and the provider asked.

Runs in the worker, one process at a time. What to do is decided by the works themselves (services/payments/steps.py);
the server carries on what a customer waits for (services/payments/server/carry.py), and both may be at it at once.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from typing import Any

import redis
from mongoengine.connection import ConnectionFailure
from prometheus_client import Gauge
from pymongo.errors import PyMongoError

from kit import log
from kit.clock import now_ms
from kit.config import settings
from kit.errors import Contention, DomainError
from kit.ids import new_id
from kit.streams import clients
from kit.streams.lease import Lease
from services.payments import postings, transfer
from services.payments.card import calls
from services.payments.card.client import Cards
from services.payments.card.failures import CardFailure
from services.payments.steps import MINUTE_MS, PROVIDER, Ask, Become, Look, Post, Step, TakeBack, Void, Work
from services.payments.store import topups as store
from services.payments.store.keys import keys
from services.payments.store.sync import SyncLedger

# Works of a kind in a tick, steps of a work in a row, and time after which a tick begins no other work.
BATCH, STEPS_MAX, TICK_S_MAX = 50, 16, 5.0
# A work that a fault of ours breaks is left alone so long.
BROKEN_MS = 5 * MINUTE_MS
# What no webhook told is read from the provider's own list this often, a part of the past at a time. The list is read
# up to a little ago, and again from a little before that: clocks differ, and events come late into it.
SWEEP_EVERY_S, SWEEP_S_MAX, SWEEP_BEHIND_S, SWEEP_AGAIN_S = 60, 3600, 60, 600
# Of what happens to money that was thought to be done with; all else is asked for by itself.
SWEPT = ("charge.dispute.created", "charge.dispute.closed", "refund.updated", "refund.failed")
LEASE = "payments:cards:lease"
# Engines that restart, or documents not opened: what was to be done is done at a later tick.
OUT_OF_REACH = (redis.RedisError, PyMongoError, ConnectionFailure)

LATEST = Gauge("cho_card_due_seconds", "How long the work that waits longest has been due, seconds.")

_logger = log.logger(__name__)


class Janitor:
    """`tick` does a bounded part of what is due."""

    def __init__(self, cards: Cards, ledger: SyncLedger, lease: Lease, debts_key: str) -> None:
        self._cards = cards
        self._ledger = ledger
        self._lease = lease
        self._debts_key = debts_key
        self._sweep_at = 0.0
        self._trouble = ""

    def tick(self) -> None:
        """Never raises for an engine or a provider out of reach: the next tick tries again."""
        try:
            if self._lease.acquire():
                self._settle_due()
                if time.monotonic() >= self._sweep_at:
                    self._sweep_at = time.monotonic() + SWEEP_EVERY_S
                    self.sweep(now_ms() // 1000 - SWEEP_BEHIND_S)
            trouble = ""
        except (*OUT_OF_REACH, CardFailure) as error:
            trouble = f"{type(error).__name__}: {error}"
        if trouble and trouble != self._trouble:
            _logger.warning("cards wait", reason=trouble)
        self._trouble = trouble

    def sweep(self, until_s: int) -> None:
        """Heeds what the provider's list of events tells up to `until_s`. Raises CardFailure."""
        swept_s = store.swept_until(until_s - SWEEP_S_MAX)
        until_s = min(until_s, swept_s + SWEEP_S_MAX)
        for event in reversed(self._cards.every(calls.list_events(SWEPT, swept_s - SWEEP_AGAIN_S, until_s))):
            if store.note(event):
                store.heed(event, now_ms())
                store.handled(event)
        store.set_swept(until_s)

    def _settle_due(self) -> None:
        began = time.monotonic()
        latest_ms = 0
        for kind in store.KINDS:
            for work in store.due(kind, now_ms(), BATCH):
                latest_ms = max(latest_ms, now_ms() - work.due_ms)
                if time.monotonic() > began + TICK_S_MAX or not self._lease.renew():
                    break
                self.settle(work)
        LATEST.set(latest_ms / 1000)

    def settle(self, work: Work) -> Work:
        """Carries a work on until it ends or rests."""
        try:
            for _ in range(STEPS_MAX):
                work, go_on = self._one_step(work)
                if not go_on:
                    break
        except OUT_OF_REACH:
            raise
        except Exception:
            _logger.exception("card work broke off", item=work.id)
            store.save(replace(work, due_ms=now_ms() + BROKEN_MS))
        return work

    def _one_step(self, work: Work) -> tuple[Work, bool]:
        step = work.step(now_ms())
        if step is None:
            return work, False
        moved, go_on = (
            (step.work, step.go_on) if isinstance(step, Become) else work.after(step, self._do(step), now_ms())
        )
        saved = store.save(moved)
        if saved is not None:
            return saved, go_on
        # Somebody was faster; what was done has its effect only once, so go on from what is stored.
        found = store.load(type(work), work.id)
        assert found is not None
        return found, True

    def _do(self, step: Step) -> Any:
        """What came of a step; refusals and failures are something that came."""
        try:
            match step:
                case Ask(call):
                    return self._cards.send(call)
                case Look(listing):
                    return self._cards.every(listing)
                case Post():
                    return self._ledger.post(postings.order_of(step))
                case TakeBack():
                    return self._take_back(step)
                case Void():
                    intent, psp = postings.intent_of(step.about), transfer.psp(PROVIDER)
                    return self._ledger.release("void", step.hold_id, step.wallet_id, psp, step.related, "", intent)
        except (CardFailure, DomainError) as failed:
            return failed
        raise AssertionError(step)

    def _take_back(self, step: TakeBack) -> Any:
        for _ in range(postings.TRIES_MAX):
            short = postings.shortfall(step.amount, *self._ledger.available(step.wallet_id))
            debt = ""
            if short:
                intent = postings.intent_of(step.about)
                debt = self._ledger.open(new_id("rcv"), "receivable", "", step.owner_id, intent)
            try:
                return self._ledger.post(postings.taking(step, short, debt, self._debts_key))
            except Contention:
                continue
        raise Contention("the wallet keeps changing; tried again later")


@cache
def of_this_process() -> Janitor:
    """The worker's own. Raises ValueError where the provider's settings are the local ones outside CHO_ENV=local."""
    ledger = SyncLedger(clients.ledger(), keys())
    return Janitor(Cards.of(settings()), ledger, Lease(clients.streams(), LEASE), keys().debts)
