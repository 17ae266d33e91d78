"""Merchants' live announcements: written by the worker, followed by whoever listens.

Each merchant has a stream `payments:live:<merchant>` whose entry ids are the ledger's sequence numbers, `<seq>-0`: a
second write of the same announcement is refused by Valkey itself, so publishing twice is publishing once.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import redis
import redis.asyncio
from cho.events.v1.events_pb2 import PaymentMoved

from kit import log
from kit.errors import Overloaded

STREAM = "payments:events"
# Announcements kept per merchant for listeners that come back; the books keep all.
KEPT = 1000
# Announcements read at once by a listener that catches up.
PAGE = 250
# Entries of all merchants looked through at once for one whose own stream was trimmed.
SCAN_PAGE = 1000
# What a listener may lag behind before it is cut off: it reconnects and catches up from its last id.
BACKLOG_MAX = 512
LISTENERS_MAX = 4096
BLOCK_MS = 500
# Announcements gather for so long after each read: one by one they would cost as much as the payments.
GATHER_S = 0.02
RECONNECT_S = 0.2
# Silence after which a listener is told that the line is alive.
HEARTBEAT_S = 15

_logger = log.logger(__name__)

Announcement = tuple[str, PaymentMoved]


def live_key(merchant_id: str) -> str:
    """Stream of one merchant."""
    return f"payments:live:{merchant_id}"


class Followers:
    """One reader of `payments:events` for all listeners of this process."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, protocol=2)
        # As it comes: redis-py's own parsing of entries costs more than ours.
        self._redis.set_response_callback("XREAD", lambda reply, **_: reply)  # type: ignore[arg-type]
        self._queues: dict[str, set[asyncio.Queue[Announcement | None]]] = defaultdict(set)
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Starts reading; from what is written from now on."""
        last: Any = await self._redis.xrevrange(STREAM, count=1)
        self._task = asyncio.create_task(self._read(last[0][0].decode() if last else "0-0"))

    async def stop(self) -> None:
        """Ends every listener's stream."""
        self._stopping = True  # redis-py swallows a cancellation that comes with an answer
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for queues in self._queues.values():
            for queue in queues:
                _cut(queue)
        await self._redis.aclose()

    async def last_seq(self, merchant_id: str) -> int:
        """Ledger sequence number of the merchant's newest announcement; 0 before the first."""
        rows: Any = await self._redis.xrevrange(live_key(merchant_id), count=1)
        return _seq(rows[0]) if rows else 0

    async def follow(self, merchant_id: str, after_seq: int) -> AsyncIterator[list[Announcement]]:
        """Announcements after `after_seq`, in order, each once, those that wait together; none where nothing came for
        15 s.

        Ends where the listener lags too far behind. Raises Overloaded above LISTENERS_MAX listeners.
        """
        if self._listeners >= LISTENERS_MAX:
            raise Overloaded("too many listen already")
        queue: asyncio.Queue[Announcement | None] = asyncio.Queue(BACKLOG_MAX + 1)
        self._queues[merchant_id].add(queue)
        self._listeners += 1
        try:
            seen = after_seq
            async for missed in self._missed(merchant_id, after_seq):
                seen = missed[-1][1].seq
                yield missed
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        waiting = [await queue.get()]
                except TimeoutError:
                    yield []
                    continue
                while not queue.empty():
                    waiting.append(queue.get_nowait())
                # What was caught up with comes live too.
                if live := [a for a in waiting if a is not None and a[1].seq > seen]:
                    seen = live[-1][1].seq
                    yield live
                if None in waiting:
                    return
        finally:
            self._listeners -= 1
            self._queues[merchant_id].discard(queue)
            if not self._queues[merchant_id]:
                del self._queues[merchant_id]

    async def _missed(self, merchant_id: str, after_seq: int) -> AsyncIterator[list[Announcement]]:
        """All that is kept after `after_seq`: the merchant's newest KEPT and somewhat more, and before those what all
        merchants' stream still has (its newest 60,000 at least, kit/streams/trim.py).

        A stall that sold more than KEPT times while nobody announced would miss the rest of them else: the announcer
        catches up faster than a phone comes back. Looked at for each page, of one moment: where both caught up at the
        same time, what was trimmed between two pages was never heard (24 payments, a node of the stream).
        """
        last = after_seq
        while True:
            async with self._redis.pipeline() as page:
                page.xrange(live_key(merchant_id), count=1)
                page.xlen(live_key(merchant_id))
                page.xrange(live_key(merchant_id), f"({last}-0", "+", count=PAGE)
                oldest, kept, rows = await page.execute()
            if kept >= KEPT and (first := _seq(oldest[0])) > last + 1:
                async for missed in self._trimmed(merchant_id, last, first):
                    yield missed
            if rows:
                last = _seq(rows[-1])
                yield [_announcement(fields) for _, fields in rows]
            if len(rows) < PAGE:
                return

    async def _trimmed(self, merchant_id: str, last: int, until: int) -> AsyncIterator[list[Announcement]]:
        """A merchant's announcements between two sequence numbers, neither included, from all merchants' stream."""
        subject = merchant_id.encode()
        while True:
            rows: Any = await self._redis.xrange(STREAM, f"({last}-0", f"({until}-0", count=SCAN_PAGE)
            if found := [_announcement(fields) for _, fields in rows if fields[b"subject"] == subject]:
                yield found
            if len(rows) < SCAN_PAGE:
                return
            last = _seq(rows[-1])

    async def _read(self, last: str) -> None:
        while not self._stopping:
            try:
                reply: Any = await self._redis.xread({STREAM: last}, count=500, block=BLOCK_MS)
            except Exception as error:
                # Whatever it was: nobody would hear anything more until they come back. uvloop says RuntimeError where
                # a connection closed under a write.
                _logger.warning("announcements wait", error=repr(error))
                await asyncio.sleep(RECONNECT_S)
                continue
            if not reply:
                continue
            for entry_id, flat in reply[0][1]:
                last = entry_id.decode()
                fields = dict(zip(flat[::2], flat[1::2], strict=True))
                queues = self._queues.get(fields[b"subject"].decode())
                if queues:
                    announcement = _announcement(fields)
                    for queue in queues:
                        if queue.qsize() >= BACKLOG_MAX:
                            _cut(queue)
                        else:
                            queue.put_nowait(announcement)
            await asyncio.sleep(GATHER_S)


def _cut(queue: asyncio.Queue[Announcement | None]) -> None:
    """Ends a listener's stream after what it has."""
    if not queue.full():
        queue.put_nowait(None)


def _seq(row: tuple[bytes, Any]) -> int:
    return int(row[0].partition(b"-")[0])


def _announcement(fields: dict[bytes, bytes]) -> Announcement:
    return fields[b"type"].decode(), PaymentMoved.FromString(fields[b"data"])
