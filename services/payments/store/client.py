"""The connection to the ledger: concurrent calls gathered into one write, answers in order.

Rules 5 and 14 of DESIGN section 4. A caller never waits for a connection and never owns one: a call that was sent is
carried out even if its caller left. A connection that breaks leaves its calls OUTCOME_UNKNOWN; calls that were not
sent yet are UNAVAILABLE.

One flush is on its way at a time, and what is called meanwhile gathers for the next: the ledger brings each flush to
disk once, and both sides wake once for all of it. With replicas, an answer is given only after they have it on disk:
`WAIT K` in the same flush, `WAITAOF 1 K` alone in the next (in one flush it stalls for a second).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote, urlparse

import hiredis

from kit import log
from kit.errors import DomainError, OutcomeUnknown, Overloaded, Unavailable

WAITING_MAX = 8192
FLUSH_MAX = 256
ANSWER_S_MAX = 5.0
REPLICA_WAIT_MS = 1000
RECONNECT_S = 0.1

_logger = log.logger(__name__)

Answer = asyncio.Future[Any]
# Its own stub allows tuples of one element only.
_pack: Callable[[tuple[str | bytes | int, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]


class _Wire(asyncio.Protocol):
    """One connection: commands out, replies in the order of the commands."""

    def __init__(self, answered: Callable[[], None]) -> None:
        self.transport: asyncio.Transport | None = None
        # Told when all that was sent is answered.
        self._answered = answered
        self.awaited: deque[Answer] = deque()
        self.closed = asyncio.get_running_loop().create_future()
        self._reader = hiredis.Reader(encoding="utf-8", errors="surrogateescape")
        self.last_reply = asyncio.get_running_loop().time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            answer = self.awaited.popleft()
            if not answer.done():  # its caller may have gone
                answer.set_result(reply)
        self.last_reply = asyncio.get_running_loop().time()
        if not self.awaited:
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        for answer in self.awaited:
            if not answer.done():
                answer.set_exception(OutcomeUnknown("the ledger's connection broke: send the same key again"))
        self.awaited.clear()
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, packed: bytes, answers: list[Answer]) -> None:
        assert self.transport is not None
        if self.closed.done():  # nobody answers here any more, and nobody would end the wait
            for answer in answers:
                if not answer.done():
                    answer.set_exception(Unavailable("the ledger's connection broke; nothing was done"))
            return
        if not self.awaited:
            self.last_reply = asyncio.get_running_loop().time()
        self.awaited.extend(answers)
        self.transport.write(packed)


class LedgerClient:
    """Calls to one Valkey or Redis. `run` is the run id of the server at the other end, "" while there is none."""

    def __init__(self, url: str, replicas: int = 0) -> None:
        parts = urlparse(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 6379
        self._database = parts.path.strip("/") or "0"
        self._auth = [unquote(p) for p in (parts.username, parts.password) if p]
        self._replicas = replicas
        self._queue: deque[tuple[bytes, Answer]] = deque()
        self._wire: _Wire | None = None
        # A flush is on its way, or will be at the loop's next turn.
        self._flushing = False
        self._task: asyncio.Task[None] | None = None
        self._flushes: set[asyncio.Task[None]] = set()
        self.run = ""

    async def start(self) -> None:
        """Connects, and keeps connecting; returns when the first connection stands."""
        connected = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep_connected(connected))
        await connected

    async def stop(self) -> None:
        """Closes; calls in flight become OUTCOME_UNKNOWN."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def send(self, *command: str | bytes | int) -> Answer:
        """Queues one command; the future holds its reply (an error reply is a hiredis.ReplyError instance).

        Raises Overloaded where too much waits already, Unavailable where there is no connection.
        """
        if self._wire is None:
            raise Unavailable("the ledger is not reachable; nothing was done")
        if len(self._queue) + len(self._wire.awaited) >= WAITING_MAX:
            raise Overloaded("too many calls wait for the ledger; nothing was done")
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        self._queue.append((_pack(command), answer))
        if not self._flushing:
            self._flushing = True
            loop.call_soon(self._flush)
        return answer

    def _flush(self) -> None:
        """Writes what has gathered while the last flush was on its way."""
        wire = self._wire
        if wire is None or not self._queue:
            self._flushing = False
            return
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), FLUSH_MAX))]
        packed, answers = b"".join(p for p, _ in batch), [a for _, a in batch]
        if self._replicas:
            task = asyncio.create_task(self._flush_replicated(wire, packed, answers))
            self._flushes.add(task)
            task.add_done_callback(self._flushes.discard)
        else:
            wire.send(packed, answers)

    def _answered(self) -> None:
        """All that was written is answered. A flush to replicas ends later, by itself."""
        if not self._replicas:
            self._flush()

    async def _flush_replicated(self, wire: _Wire, packed: bytes, answers: list[Answer]) -> None:
        loop = asyncio.get_running_loop()
        replies: list[Answer] = [loop.create_future() for _ in answers]
        try:
            wait, on_disk = loop.create_future(), loop.create_future()
            wait_command = _pack(("WAIT", self._replicas, REPLICA_WAIT_MS))
            wire.send(packed + wait_command, [*replies, wait])
            await wait
            wire.send(_pack(("WAITAOF", 1, self._replicas, REPLICA_WAIT_MS)), [on_disk])
            copies = await on_disk
            if isinstance(copies, Exception) or copies[0] < 1 or copies[1] < self._replicas:
                raise OutcomeUnknown("not yet on the replica's disk: send the same key again")
            for answer, reply in zip(answers, replies, strict=True):
                if not answer.done():
                    answer.set_result(reply.result())
        except DomainError as error:
            for answer in answers:
                if not answer.done():
                    answer.set_exception(error)
            for reply in replies:
                reply.cancel() if not reply.done() else reply.exception()
        finally:
            self._flush()

    async def _keep_connected(self, connected: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, wire = await loop.create_connection(lambda: _Wire(self._answered), self._host, self._port)
            except OSError as error:
                await self._not_reachable(error)
                continue
            try:
                await self._greet(wire)
                self._wire = wire
                if not connected.done():
                    connected.set_result(None)
                await self._watch(wire)
            except (OSError, DomainError, hiredis.ReplyError) as error:
                await self._not_reachable(error)
            finally:
                self._drop(wire)

    async def _not_reachable(self, error: Exception) -> None:
        _logger.warning("ledger not reachable", error=str(error))
        await asyncio.sleep(RECONNECT_S)

    async def _greet(self, wire: _Wire) -> None:
        """Signs in, and learns which run of the server this is: the start gate is opened for one run."""
        loop = asyncio.get_running_loop()
        commands: list[tuple[str, ...]] = [("SELECT", self._database), ("INFO", "server")]
        if self._auth:
            commands.insert(0, ("AUTH", *self._auth))
        answers: list[Answer] = [loop.create_future() for _ in commands]
        wire.send(b"".join(_pack(c) for c in commands), answers)
        async with asyncio.timeout(ANSWER_S_MAX):  # wait_for would swallow a stop that comes with the answer
            replies = await asyncio.gather(*answers)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        self.run = next(line[7:] for line in replies[-1].splitlines() if line.startswith("run_id:"))

    async def _watch(self, wire: _Wire) -> None:
        """Until the connection breaks; breaks it where an answer takes too long."""
        loop = asyncio.get_running_loop()
        while not wire.closed.done():
            await asyncio.wait([wire.closed], timeout=1.0)
            if wire.awaited and loop.time() - wire.last_reply > ANSWER_S_MAX:
                _logger.error("ledger does not answer", waiting=len(wire.awaited))
                assert wire.transport is not None
                wire.transport.abort()
                await wire.closed

    def _drop(self, wire: _Wire) -> None:
        self._wire, self.run, self._flushing = None, "", False
        if wire.transport is not None:
            wire.transport.abort()
        for _, answer in self._queue:
            if not answer.done():
                answer.set_exception(Unavailable("the ledger's connection broke; nothing was done"))
        self._queue.clear()
