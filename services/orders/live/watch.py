"""The counter that everybody sees: one reader a process, however many listen (server-sent events).

What is sent is how the counter stands, not how it changed: whoever missed some, or comes again with Last-Event-ID,
misses nothing. Changes within INTERVAL_S are told as one; with very many listeners less often, so that telling them
takes a fifth of a core at most.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.api.httpbody_pb2 import HttpBody
from prometheus_client import Gauge
from pymongo.errors import PyMongoError

from kit import clock, log
from kit.clock import from_ms
from kit.errors import DomainError, Overloaded, Unavailable
from kit.rpc.push import Push
from services.orders.live.pool import Counter, Pool
from services.orders.live.sale import ENDED, Sale, State

LISTENERS_MAX = 5_000
INTERVAL_S, BREATHE = 0.2, 4
HEARTBEAT_S = 15.0
# A sale whose counter is not there is looked up so often.
LOOK_S = 1.0
# A listener that takes nothing for so long is cut off, so that the others are told.
STUCK_S = 2.0
# The counter gives no answer for so long: listeners are told, and come again.
SILENT_S = 30.0
# How long a phone waits before it comes again, ms.
RETRY_MS = 2_000

LISTENING = Gauge("cho_orders_live_listeners", "Who listens to counters of live sales here.")

_logger = log.logger(__name__)


@dataclass(slots=True, eq=False)
class _Listener:
    push: Push
    # The version that it has heard, and when it was last told anything (monotonic, s).
    heard: int
    told_at: float
    # The state that it has heard; "" where it was somebody else who told.
    state: str = ""


class Hub:
    """Made before the fork; its threads start with the first listener."""

    def __init__(self, pool: Pool, find: Callable[[str], Sale]) -> None:
        """`find` raises NotFound."""
        self._pool, self._find = pool, find
        self._lock = threading.Lock()
        self._listeners: dict[str, set[_Listener]] = {}
        self._looked: dict[str, tuple[float, Sale]] = {}
        self._sending: tuple[float, Push] | None = None
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._silent_since = 0.0

    def join(self, sale_id: str, heard: int, push: Push) -> None:
        """From here on it is told. `heard`: the version it knows; -1 for none. Raises Overloaded, Unavailable."""
        listener = _Listener(push, heard, time.monotonic())
        with self._lock:
            if self._stopping.is_set():
                raise Unavailable("this server is stopping; come again")
            if sum(map(len, self._listeners.values())) >= LISTENERS_MAX:
                raise Overloaded(f"{LISTENERS_MAX} listen here already; come again in a second")
            self._listeners.setdefault(sale_id, set()).add(listener)
            self._start()
        LISTENING.inc()
        if not push.when_over(lambda: self._gone(sale_id, listener)):
            self._gone(sale_id, listener)

    def stop(self) -> None:
        """Ends all streams: phones come again, to another replica."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    @property
    def count(self) -> int:
        """How many listen."""
        with self._lock:
            return sum(map(len, self._listeners.values()))

    # Threads

    def _start(self) -> None:
        if not self._threads:
            for name, run in (("live-hub", self._run), ("live-watchdog", self._watch)):
                self._threads.append(threading.Thread(target=run, name=name, daemon=True))
                self._threads[-1].start()

    def _run(self) -> None:
        pause = INTERVAL_S
        while not self._stopping.wait(pause):
            began = time.monotonic()
            try:
                self._round()
            except Exception:
                _logger.exception("listeners were not told")
            pause = max(INTERVAL_S, (time.monotonic() - began) * BREATHE)
        for sale_id in list(self._listeners):
            self._end(sale_id, None)

    def _watch(self) -> None:
        while not self._stopping.wait(STUCK_S / 2):
            sending = self._sending
            if sending is not None and time.monotonic() - sending[0] > STUCK_S:
                sending[1].cut()

    def _round(self) -> None:
        with self._lock:
            sales = [sale_id for sale_id, listeners in self._listeners.items() if listeners]
            self._looked = {sale_id: known for sale_id, known in self._looked.items() if sale_id in self._listeners}
        if not sales:
            return
        try:
            counters = self._pool.counters(sales)
        except DomainError as error:
            self._silent(error, sales)
            return
        self._silent_since = 0.0
        for sale_id, counter in zip(sales, counters, strict=True):
            if counter is not None:
                now_ms = clock.now_ms()
                state, version = state_of(counter, now_ms), version_of(counter, now_ms)
                self._tell(sale_id, version, state, frame(sale_id, counter, state, version))
            else:
                self._tell_without(sale_id)

    def _tell_without(self, sale_id: str) -> None:
        """There is no counter: not yet, not any more, or not at the moment."""
        looked_at, sale = self._looked.get(sale_id, (0.0, None))
        if sale is None or time.monotonic() - looked_at >= LOOK_S:
            try:
                sale = self._find(sale_id)
            except (DomainError, PyMongoError) as error:
                _logger.info("a sale cannot be looked up", sale=sale_id, reason=str(error))
                return
            self._looked[sale_id] = (time.monotonic(), sale)
        if sale.state in ENDED or sale.sealed:
            self._end(sale_id, over(sale))
        else:
            self._tell(sale_id, 0, sale.state.value, scheduled(sale))

    def _tell(self, sale_id: str, version: int, state: str, message: HttpBody) -> None:
        now = time.monotonic()
        for listener in self._of(sale_id):
            # Where clocks differ a little, it is open for one server and not yet for another.
            if version > listener.heard or state != (listener.state or state):
                listener.heard = version
                self._send(sale_id, listener, message)
            elif now - listener.told_at >= HEARTBEAT_S:
                self._send(sale_id, listener, _HEARTBEAT)
            listener.state = state

    def _send(self, sale_id: str, listener: _Listener, message: HttpBody) -> bool:
        listener.told_at = time.monotonic()
        self._sending = (listener.told_at, listener.push)
        there = listener.push.send(message)
        self._sending = None
        if not there:
            self._gone(sale_id, listener)
        return there

    def _end(self, sale_id: str, last: HttpBody | None, error: DomainError | None = None) -> None:
        for listener in self._of(sale_id):
            if last is None or self._send(sale_id, listener, last):
                listener.push.end(error)
            self._gone(sale_id, listener)

    def _silent(self, error: DomainError, sales: list[str]) -> None:
        now = time.monotonic()
        self._silent_since = self._silent_since or now
        if now - self._silent_since >= SILENT_S:
            for sale_id in sales:
                self._end(sale_id, failed(error), error)

    def _of(self, sale_id: str) -> list[_Listener]:
        with self._lock:
            return list(self._listeners.get(sale_id, ()))

    def _gone(self, sale_id: str, listener: _Listener) -> None:
        with self._lock:
            listeners = self._listeners.get(sale_id, set())
            if listener not in listeners:
                return
            listeners.discard(listener)
            if not listeners:
                self._listeners.pop(sale_id, None)
        LISTENING.dec()


def version_of(counter: Counter, now_ms: int) -> int:
    """The counter's version. It opens and closes by the clock, too, and then nothing of it changes: who heard it
    before, and comes again after that, has something to hear."""
    turns = [ms * 1_000 for ms in (counter.opens_ms, counter.closes_ms) if ms <= now_ms]
    return max([counter.version, *turns])


def state_of(counter: Counter, now_ms: int) -> str:
    """By its times, as claims are let in."""
    if counter.closed or now_ms >= counter.closes_ms:
        return State.CLOSED.value
    return State.OPEN.value if now_ms >= counter.opens_ms else State.SCHEDULED.value


def frame(sale_id: str, counter: Counter, state: str, version: int) -> HttpBody:
    """How a counter stands."""
    data = {
        "sale_id": sale_id, "state": state, "claims": counter.claims,
        "opens_at": from_ms(counter.opens_ms).isoformat(), "closes_at": from_ms(counter.closes_ms).isoformat(),
        "left": counter.left,
    }  # fmt: skip
    return _event("counter", data, version)


def scheduled(sale: Sale) -> HttpBody:
    """A sale whose counter is not there yet: everything is left."""
    data = {
        "sale_id": sale.id, "state": sale.state.value, "claims": 0, "opens_at": sale.opens_at.isoformat(),
        "closes_at": sale.closes_at.isoformat(), "left": {one.product_id: one.lots for one in sale.lines},
    }  # fmt: skip
    return _event("counter", data, 0)


def over(sale: Sale) -> HttpBody:
    """The last that is told: nothing comes after it."""
    sold = {one.product_id: one.sold for one in sale.lines}
    return _event("over", {"sale_id": sale.id, "state": sale.state.value, "sold": sold})


def failed(error: DomainError) -> HttpBody:
    """Before a stream that breaks off."""
    return _event("error", {"code": error.code, "message": error.message})


def _event(name: str, data: Mapping[str, object], version: int | None = None) -> HttpBody:
    head = "" if version is None else f"id: {version}\n"
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    text = f"retry: {RETRY_MS}\n{head}event: {name}\ndata: {body}\n\n"
    return HttpBody(content_type="text/event-stream", data=text.encode())


_HEARTBEAT = HttpBody(content_type="text/event-stream", data=b": \n\n")
