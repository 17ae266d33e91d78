"""A lean HTTP/1.1 load generator for measurements: so many connections, each sends as soon as it is answered.

Closed loop: it finds what a path can carry, not how long people would wait at a given arrival rate (that is what
`loadtests/` is for). Locust costs four times the CPU a request, which on one machine measures Locust.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

STUCK_S_MAX = 30.0


@dataclass(slots=True)
class Outcome:
    """What a run saw. `latencies_ms` of 2xx replies only; `seconds` measured. Under status 0: connections that broke
    before their answer; `overloaded`: how many of the 503 were coded refusals.
    """

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    overloaded: int = 0

    @property
    def per_s(self) -> float:
        """2xx replies a second."""
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """Latency that `percent` of the 2xx replies did not exceed; 0 without replies."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0

    def add(self, other: Outcome) -> None:
        """Adds another run of the same kind."""
        self.seconds += other.seconds
        self.statuses += other.statuses
        self.latencies_ms += other.latencies_ms
        self.overloaded += other.overloaded


def is_overloaded(status: int, reply: bytes) -> bool:
    """Whether a reply, headers and all, is the coded refusal that says when to come back (docs/overload.md)."""
    return status == 503 and b'"OVERLOADED"' in reply and b"\r\nretry-after: " in reply


class _Connection(asyncio.Protocol):
    def __init__(
        self, request: Callable[[], bytes], outcome: Outcome, until: float, done: asyncio.Future[None]
    ) -> None:
        self._request, self._outcome, self._until, self._done = request, outcome, until, done
        self._buffer, self._waits = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        if self._sent >= self._until:
            self._transport.close()
            return
        self._waits = True
        self._transport.write(self._request())

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._buffer.find(b"content-length: ")
        if not 0 <= at < head:
            raise ValueError(f"a reply without content-length: {self._buffer[:head]!r}")
        end = head + 4 + int(self._buffer[at + 16 : self._buffer.find(b"\r\n", at)])
        if len(self._buffer) < end:
            return
        status, self._waits = int(self._buffer[9:12]), False
        self._outcome.statuses[status] += 1
        self._outcome.overloaded += is_overloaded(status, self._buffer[:end])
        if 200 <= status < 300:
            self._outcome.latencies_ms.append((time.perf_counter() - self._sent) * 1000)
        self._buffer = self._buffer[end:]
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Also after an error of `data_received`, which asyncio logs and raises nowhere."""
        if self._waits:
            self._outcome.statuses[0] += 1
        if not self._done.done():
            self._done.set_result(None)


async def _run(host: str, port: int, requests: list[Callable[[], bytes]], seconds: float) -> Outcome:
    loop, outcome = asyncio.get_running_loop(), Outcome()
    started = time.perf_counter()
    until, ends = started + seconds, []
    for request in requests:
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(lambda r=request, d=done: _Connection(r, outcome, until, d), host, port)  # type: ignore[misc]
        ends.append(done)
    await asyncio.wait_for(asyncio.gather(*ends), seconds + STUCK_S_MAX)
    outcome.seconds = time.perf_counter() - started
    return outcome


def run(host: str, port: int, requests: list[Callable[[], bytes]], seconds: float) -> Outcome:
    """One connection per maker of requests, for `seconds`; then waits for what is under way. Loopback only."""
    if host != "127.0.0.1":
        raise ValueError("load goes to loopback only")
    return asyncio.run(_run(host, port, requests, seconds))


def http_post(host: str, path: str, token: str, body: bytes) -> bytes:
    """A complete HTTP/1.1 request."""
    return (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
