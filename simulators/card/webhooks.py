"""Delivers events to the webhook: signed, at least once, tried a bounded number of times ever less often."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from dataclasses import replace

import httpx

from kit import log
from kit.clock import now_ms
from simulators.card.http import dump
from simulators.card.store import Delivery, Store

ATTEMPTS_MAX = 16
RETRY_MS_MIN, RETRY_MS_MAX = 200, 60_000
AT_ONCE_MAX = 8
ANSWER_S_MAX = 10.0
IDLE_S_MAX = 60.0

_log = log.logger(__name__)


def signature(payload: bytes, secret: str, at_s: int) -> str:
    """The header `Stripe-Signature`: HMAC-SHA-256 over "<t>.<payload>" under the webhook's secret."""
    signed = hmac.new(secret.encode(), b"%d.%s" % (at_s, payload), hashlib.sha256).hexdigest()
    return f"t={at_s},v1={signed}"


def retry_ms(attempts: int) -> int:
    """How long to wait after so many attempts: doubling, up to a minute."""
    return min(RETRY_MS_MIN * 2 ** (attempts - 1), RETRY_MS_MAX)


def tried(delivery: Delivery, accepted: bool, result: str, at_ms: int) -> Delivery:
    """A delivery after one more attempt."""
    attempts = delivery.attempts + 1
    if accepted:
        return replace(delivery, state="delivered", attempts=attempts, result=result)
    if attempts >= ATTEMPTS_MAX:
        return replace(delivery, state="failed", attempts=attempts, result=result)
    return replace(delivery, attempts=attempts, result=result, due_ms=at_ms + retry_ms(attempts))


class Courier:
    """Takes what is due to `url`, several at once, so that order is nobody's promise (it is not Stripe's either)."""

    def __init__(self, store: Store, url: str, secret: str) -> None:
        self._store = store
        self._url = url
        self._secret = secret
        self._in_hand: set[int] = set()
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """There may be something new to deliver."""
        self._changed.set()

    async def run(self) -> None:
        """Until it is cancelled. What was not recorded as delivered by then is delivered again."""
        timeout = httpx.Timeout(ANSWER_S_MAX)
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as client, asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                free = AT_ONCE_MAX - len(self._in_hand)
                for delivery in self._store.due(now_ms(), free, self._in_hand) if free else ():
                    self._in_hand.add(delivery.delivery_id)
                    tasks.create_task(self._deliver(client, delivery))
                await self._rest()

    async def _rest(self) -> None:
        """Until something changes or is due."""
        due_ms = self._store.next_due_ms() if len(self._in_hand) < AT_ONCE_MAX else None
        rest_s = IDLE_S_MAX if due_ms is None else min(max(due_ms - now_ms(), RETRY_MS_MIN) / 1000, IDLE_S_MAX)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                await self._changed.wait()

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        event = self._store.find("event", delivery.event_id)
        assert event, "events are kept as long as their deliveries"
        payload = dump(event)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, self._secret, now_ms() // 1000),
            "User-Agent": "Stripe/1.0 (simulated)",
        }
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                async with client.stream("POST", self._url, content=payload, headers=headers) as response:
                    accepted, result = response.is_success, str(response.status_code)
        except (httpx.HTTPError, TimeoutError) as error:
            accepted, result = False, type(error).__name__
        with self._store.transaction():
            self._store.delivered(tried(delivery, accepted, result, now_ms()))
        if not accepted:
            _log.info("webhook not delivered", event_id=delivery.event_id, result=result)
        self._in_hand.discard(delivery.delivery_id)
        self.wake()
