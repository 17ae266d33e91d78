"""What the server remembers of merchants is forgotten when it changes: told by the worker, once the ledger knows it.

A stream and not a broadcast: a server that was cut off reads what it missed. What is longer ago than KEPT changes a
server's memory has forgotten by itself (server/directory.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import redis
import redis.asyncio

from kit import log

STREAM = "payments:directory"
KEPT = 1000
BLOCK_MS = 2000
RECONNECT_S = 0.5

_logger = log.logger(__name__)


def tell(client: redis.Redis, merchant_id: str, account_index: str) -> None:
    """A merchant changed in the ledger. Raises redis.RedisError."""
    client.xadd(STREAM, {"merchant": merchant_id, "index": account_index}, maxlen=KEPT, approximate=True)


class Changes:
    """Calls `heard(merchant_id, account_index)` for every change from its start on."""

    def __init__(self, url: str, heard: Callable[[str, str], None]) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, protocol=2, decode_responses=True)
        self._heard = heard
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Begins to listen."""
        last: Any = await self._redis.xrevrange(STREAM, count=1)
        self._task = asyncio.create_task(self._listen(last[0][0] if last else "0-0"))

    async def stop(self) -> None:
        """Ends listening."""
        self._stopping = True  # redis-py swallows a cancellation that comes with an answer
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._redis.aclose()

    async def _listen(self, last: str) -> None:
        while not self._stopping:
            try:
                reply: Any = await self._redis.xread({STREAM: last}, count=100, block=BLOCK_MS)
            except Exception as error:  # whatever it was: a suspension would never be heard again
                _logger.warning("merchants' changes wait", error=repr(error))
                await asyncio.sleep(RECONNECT_S)
                continue
            for _, entries in reply or ():
                for entry_id, fields in entries:
                    self._heard(fields["merchant"], fields["index"])
                    last = entry_id
