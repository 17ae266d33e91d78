"""Answers added up by minute in the streams' Valkey, by every payments server: a hash a minute, gone after two hours.

Written behind, not on the path of a payment: what a server answered in its last two seconds is lost with it, and of the
ledger nothing is.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

import redis
import redis.asyncio

from kit import log
from kit.clock import now_ms
from kit.errors import Unavailable
from services.payments.levels import MINUTE_MS, MINUTES, Level, fields, level

EVERY_S = 2.0
KEPT_S = 2 * 3600
# Minutes that wait while the streams' Valkey is away; older ones are given up.
WAITING_MAX = 10

_logger = log.logger(__name__)


def key(minute: int) -> str:
    """Hash of one minute (Unix minutes)."""
    return f"payments:levels:{minute}"


class Levels:
    """Counts this server's answers, and reads everybody's."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, protocol=2, decode_responses=True)
        self._waiting: dict[int, Counter[str]] = {}
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to write what is counted."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Writes what is left, if it can be written."""
        self._stop.set()
        if self._task:
            await self._task
        await self._redis.aclose()

    def __call__(self, code: str, seconds: float) -> None:
        """A call ended with `code` after so many seconds."""
        minute = now_ms() // MINUTE_MS
        if (counts := self._waiting.get(minute)) is None:
            counts = self._waiting[minute] = Counter()
        for name in fields(code, seconds):
            counts[name] += 1

    async def hour(self) -> list[tuple[int, Level]]:
        """The last MINUTES minutes, the oldest first: Unix ms of their begin, and their level. Raises Unavailable."""
        running = now_ms() // MINUTE_MS
        minutes = range(running - MINUTES + 1, running + 1)
        try:
            async with self._redis.pipeline(transaction=False) as asked:
                for minute in minutes:
                    asked.hgetall(key(minute))
                found: list[dict[str, str]] = await asked.execute()
        except (redis.RedisError, OSError) as error:
            raise Unavailable("the service levels cannot be read now") from error
        return [(minute * MINUTE_MS, level(one)) for minute, one in zip(minutes, found, strict=True)]

    async def _run(self) -> None:
        stopping = False
        while not stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._stop.wait()
            stopping = self._stop.is_set()  # and once more is written
            try:
                await self._write()
            except Exception as error:  # whatever it was: nothing would be counted any more
                _logger.warning("service levels wait", error=repr(error))
                for minute in sorted(self._waiting)[:-WAITING_MAX]:
                    del self._waiting[minute]

    async def _write(self) -> None:
        """A minute is written whole or waits; one whose write got no answer may be counted twice, or not at all."""
        for minute in sorted(self._waiting):
            counts = self._waiting.pop(minute)
            async with self._redis.pipeline(transaction=True) as adding:
                for name, count in counts.items():
                    adding.hincrby(key(minute), name, count)
                adding.expire(key(minute), KEPT_S)
                try:
                    await adding.execute()
                except BaseException:
                    self._waiting[minute] = counts + self._waiting.get(minute, Counter())
                    raise
