"""Looks at a running stack: how far ledger and books are, who has used how much CPU.

Until the books are level after the end: how long that took is the run's drain time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pymongo
import redis

from kit.config import Settings
from loadtests.record import now_ms
from services.payments.store.keys import Keys

EVERY_S, KEPT_EVERY_MS = 0.1, 500
DRAIN_S_MAX = 120.0
# How long an engine may take to answer one look.
ENGINE_S_MAX = 5
TICKS_S = os.sysconf("SC_CLK_TCK")
GENERATOR = "load generator"


@dataclass(slots=True)
class Look:
    """One look. `cpu_s`: CPU seconds used so far, by process."""

    at_ms: float
    ledger: int
    books: int
    cpu_s: dict[str, float]


@dataclass(slots=True)
class Watched:
    """Everything that was seen. `last_ms`: the ledger's time of its last event; `level_ms`: when the books were first
    seen to have it (looked at ten times a second).
    """

    looks: list[Look] = field(default_factory=list)
    last_ms: int = 0
    level_ms: float = 0.0
    failure: str = ""

    @property
    def drain_ms(self) -> int | None:
        """From the last event to level books; None where they did not become level."""
        return max(0, round(self.level_ms - self.last_ms)) if self.level_ms else None


class Watch:
    """`processes` tells (name, pid) of the stack's; the load's own are found by their parent, `generator`."""

    def __init__(self, settings: Settings, processes: Callable[[], Iterable[tuple[str, int]]]) -> None:
        self._settings, self._processes = settings, processes
        self.generator = 0
        self.watched = Watched()
        self._draining, self._stop = threading.Event(), threading.Event()
        self._seq = -1
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def drained(self) -> Watched:
        """The load has ended: waits until the books are level (DRAIN_S_MAX), and tells what was seen."""
        self._draining.set()
        self._thread.join(DRAIN_S_MAX)
        self._stop.set()
        self._thread.join()
        return self.watched

    def _run(self) -> None:
        with (
            closing(redis.Redis.from_url(self._settings.ledger_url, protocol=2, socket_timeout=ENGINE_S_MAX)) as ledger,
            closing(
                pymongo.MongoClient[dict[str, Any]](
                    self._settings.mongodb_uri, serverSelectionTimeoutMS=ENGINE_S_MAX * 1000
                )
            ) as mongo,
        ):
            heads = mongo[self._settings.mongo_database("settlement")]["head"]
            keys = Keys(self._settings.cell)
            while not self._stop.wait(EVERY_S):
                try:
                    if self._look(ledger, keys, heads):
                        return
                    self.watched.failure = ""
                except (redis.RedisError, pymongo.errors.PyMongoError) as error:  # in trouble an engine may be away
                    self.watched.failure = f"{type(error).__name__}: {error}"

    def _look(self, ledger: redis.Redis, keys: Keys, heads: Any) -> bool:
        """One look; whether the load has ended and the books are level."""
        told: Any = ledger.hmget(keys.meta, "seq", "at")
        head = heads.find_one({"_id": self._settings.cell}) or {}
        seq, books = int(told[0] or 0), int(head.get("seq", 0))
        seen = self.watched
        last = seen.looks[-1] if seen.looks else None
        if last is None or now_ms() - last.at_ms >= KEPT_EVERY_MS:
            seen.looks.append(Look(now_ms(), seq, books, self._cpu()))
        if seq != self._seq:
            self._seq, seen.last_ms, seen.level_ms = seq, int(told[1] or 0), 0.0
        if books >= seq and not seen.level_ms:
            seen.level_ms = now_ms()
        return self._draining.is_set() and bool(seen.level_ms)

    def _cpu(self) -> dict[str, float]:
        used = {name: _cpu_s(pid) for name, pid in self._processes()}
        if self.generator:
            used[GENERATOR] = sum(_cpu_s(pid) for pid in _family(self.generator))
        return used


def _cpu_s(pid: int) -> float:
    """User and system, s; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_S


def _family(pid: int) -> list[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *map(int, children)]


def until(holds: Callable[[], bool], seconds: float, every_s: float = 0.1) -> bool:
    """Waits until it holds; whether it did within `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
