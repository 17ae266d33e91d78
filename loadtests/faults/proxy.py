"""A TCP proxy that is a bad network: it delays, narrows and cuts. Loopback only; in a thread with a loop of its own.

`with Proxy(target) as proxy:` forwards `127.0.0.1:proxy.port` to the port that `target()` tells at every connection.
Delay and width are of each direction. `cut` ends every connection and takes none until `heal`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Self

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 16_384
# What waits in one direction of one connection before its sender has to wait.
HELD_CHUNKS_MAX = 256


class Proxy:
    """One forwarded port. Settings may be changed while it runs, from any thread."""

    def __init__(self, target: Callable[[], int], port: int = 0) -> None:
        """`target`: the port on loopback to connect to; raises OSError while there is none."""
        self._target, self.port = target, port
        self._delay_s, self._bytes_per_s, self._cut = 0.0, 0, False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bad-network", daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def slow(self, delay_ms: int, bytes_per_s: int = 0) -> None:
        """Everything takes so much longer, each way; `bytes_per_s` 0 for as wide as it is."""
        self._delay_s, self._bytes_per_s = delay_ms / 1000, bytes_per_s

    def cut(self) -> None:
        """Ends all connections, and takes none until `heal`."""
        self._cut = True
        self._loop.call_soon_threadsafe(self._end_all)

    def heal(self) -> None:
        """A good network again."""
        self._delay_s, self._bytes_per_s, self._cut = 0.0, 0, False

    def _end_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._end_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._cut:
                writer.transport.abort()
                return
            inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, self._target())
        except OSError:
            self._open.discard(writer)
            writer.transport.abort()
            return
        self._open.add(inner_writer)
        ways = [
            self._loop.create_task(self._carry(reader, inner_writer)),
            self._loop.create_task(self._carry(inner_reader, writer)),
        ]
        self._tasks.update(ways)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._tasks.difference_update(ways)
            for one in (writer, inner_writer):
                self._open.discard(one)
                one.transport.abort() if self._cut else one.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction: read as it comes, written when it is due."""
        held = asyncio.Queue[tuple[float, bytes]](HELD_CHUNKS_MAX)
        writing = self._loop.create_task(self._deliver(held, writer))
        try:
            while data := await reader.read(CHUNK_BYTES):
                await held.put((self._loop.time() + self._delay_s, data))
            await held.put((0.0, b""))
            await writing
        except OSError:
            return
        finally:
            writing.cancel()

    async def _deliver(self, held: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            due_s, data = await held.get()
            if not data:
                return
            if (wait_s := due_s - self._loop.time()) > 0:
                await asyncio.sleep(wait_s)
            try:
                writer.write(data)
                await writer.drain()
            except OSError:
                return
            if width := self._bytes_per_s:
                await asyncio.sleep(len(data) / width)
