"""How many calls a server lets in: beyond what it can do, it says so at once, before anything is done.

Without a limit, a server that is asked for more than it can do answers everybody late, and most of what it then does
is for callers who have left. Two kinds, after the two kinds of server: `Flight` bounds what is in the air on an event
loop, `Line` bounds how long a call may wait for a thread. Both let in more by themselves as soon as they can.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from kit.config import settings
from kit.errors import DomainError, Overloaded

# Calls in flight on one event loop. Fewer than the least starve nobody on any machine; more than the most only wait
# for each other: 2 cores answer about 2,000 payments a second, the most of them in an eighth of a second.
FLIGHT_MIN, FLIGHT_MAX = 64, 512
# A queue stands where most calls of an interval took longer than this in the handler, s; a burst ends by itself.
STANDING_S, INTERVAL_S = 0.25, 0.1

# How long a call may wait for a thread, s: well within the 10 s that the gateway gives it.
PATIENCE_S = 3.0
WAITING_MAX = 256
# The weight of the newest call in the usual time of calls.
NEWEST = 0.1

T = TypeVar("T")


class Flight:
    """Calls in flight on one event loop, and how many there may be."""

    __slots__ = ("_begun_s", "_full", "_now_s", "_quick", "_slow", "_standing_s", "flying", "most")

    def __init__(self, now_s: Callable[[], float] = time.perf_counter, standing_s: float = STANDING_S) -> None:
        self._now_s, self._standing_s = now_s, standing_s
        self.flying, self.most = 0, FLIGHT_MAX
        self._begun_s, self._quick, self._slow, self._full = now_s(), 0, 0, False

    def enter(self) -> bool:
        """Whether one more is let in; who is, must `leave`."""
        if self.flying >= self.most:
            self._full = True
            return False
        self.flying += 1
        return True

    def leave(self, seconds: float) -> None:
        """A call has ended, after so many seconds in the handler."""
        if seconds > self._standing_s:
            self._slow += 1
        else:
            self._quick += 1
        if self._now_s() - self._begun_s >= INTERVAL_S:
            self._adapt()
        self.flying -= 1

    def _adapt(self) -> None:
        """An eighth fewer than now while a queue stands; where the limit was met and none stands, a sixteenth more.

        A few calls that are slow by themselves (cards, documents) are no queue.
        """
        if self._slow > self._quick:
            if self.flying >= FLIGHT_MIN:
                self.most = max(FLIGHT_MIN, min(self.most, self.flying) * 7 // 8)
        elif self._full:
            self.most = min(FLIGHT_MAX, self.most + self.most // 16)
        self._begun_s, self._quick, self._slow, self._full = self._now_s(), 0, 0, False


def new_flight(now_s: Callable[[], float] = time.perf_counter) -> Flight:
    """As the settings say: with an `answered_soon_ms` of 0 up to FLIGHT_MAX are let in, however long calls take."""
    return Flight(now_s, STANDING_S if settings().answered_soon_ms else math.inf)


class Line(ThreadPoolExecutor):
    """Threads, and how long a call that comes now would wait for one by what calls usually take."""

    def __init__(self, threads: int, name: str, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(threads, thread_name_prefix=name)
        self._count, self._now_s = threads, now_s
        self._lock, self._mine = threading.Lock(), threading.local()
        self._waiting, self._usual_s = 0, 0.0

    @property
    def too_long(self) -> bool:
        """Whether a call that comes now would wait for more than PATIENCE_S, or too many wait already."""
        return self._waiting >= WAITING_MAX or self._waiting * self._usual_s / self._count > PATIENCE_S

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """As every executor does; counts who waits."""
        joined_s = self._now_s()

        def run() -> T:
            with self._lock:
                self._waiting -= 1
            self._mine.waited_s = self._now_s() - joined_s
            return fn(*args, **kwargs)

        with self._lock:
            self._waiting += 1
        try:
            return super().submit(run)
        except RuntimeError:  # it was shut down
            with self._lock:
                self._waiting -= 1
            raise

    def check(self) -> None:
        """In the thread that has a call: raises Overloaded where it has waited for more than PATIENCE_S."""
        if getattr(self._mine, "waited_s", 0.0) > PATIENCE_S:
            raise full()

    def took(self, seconds: float) -> None:
        """A call was so long in the handler."""
        with self._lock:
            self._usual_s += (seconds - self._usual_s) * NEWEST


def full() -> DomainError:
    """What is said to a call that is not let in."""
    return Overloaded("too many calls at once; nothing was done: send the same request again in a second")
