"""Keeps the statements up to date: a thread that follows the journal, page by page."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from prometheus_client import Counter, Gauge

from kit.log import logger
from services.settlement.statements.model import Cursor, Model, Page

# Pages in a transaction.
PAGES_MAX = 64
# Looked at so often: while nobody waits, and while somebody does. A transaction costs as much for one page as for ten.
QUIET_S, WAITED_FOR_S = 0.5, 0.02
RETRY_S = 1.0
# Statements yield to payments: where processors are short, this thread gets what is left.
NICE = 10

READ = Gauge("cho_statements_seq", "The last event that statements have read.")
FAILED = Counter("cho_statements_failures_total", "Rounds of the statements' feed that failed.")

_log = logger(__name__)


class Feed:
    """`pages(after, most)` tells which books these are, and gives their pages behind page `after`."""

    def __init__(self, model: Model, pages: Callable[[int, int], tuple[str, list[Page]]]) -> None:
        self._model = model
        self._pages = pages
        self._stopping = threading.Event()
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name="statements-feed")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the round in hand has ended."""
        self._stopping.set()
        self._wanted.set()
        self._thread.join()

    def hurry(self) -> None:
        """Somebody waits for what was journaled just now."""
        self._wanted.set()

    def step(self) -> int:
        """One round; how many pages there were. Raises pymongo's errors, sqlite3.Error, WrongChain."""
        at = self._model.cursor()
        genesis, pages = self._pages(at.page if at else 0, PAGES_MAX)
        if at is not None and at.genesis != genesis:
            _log.warning("statements are built anew: the books are others", before=at.genesis, now=genesis)
            self._model.clear()
            at = None
            genesis, pages = self._pages(0, PAGES_MAX)
        if pages:
            READ.set(self._model.apply(at or Cursor(genesis), pages).seq)
        return len(pages)

    def _run(self) -> None:
        if sys.platform == "linux":  # elsewhere a thread has no priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while not self._stopping.is_set():
            try:
                if self.step() == PAGES_MAX:
                    continue
                wait_s = WAITED_FOR_S if self._wanted.is_set() else QUIET_S
                self._wanted.clear()
            except Exception:
                FAILED.inc()
                _log.exception("statements lag behind")
                wait_s = RETRY_S
            self._wanted.wait(wait_s) if wait_s == QUIET_S else self._stopping.wait(wait_s)
