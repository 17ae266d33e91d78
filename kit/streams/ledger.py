"""The ordered reader of a cell's ledger (DESIGN section 4, rules 9 and 12).

    class Books:
        name = "settlement.books"

        @ledger_reader("journal", cursor=store.last_seq)
        def journal(self, entries: list[Entry]) -> None:
            store.append(entries)  # its `_id`s are the sequence numbers: a second writer is refused

The handler gets the next entries, in order and without a gap, up to `batch` at once, and returns when their
effect is durable. `cursor` tells the sequence number of the last entry whose effect is durable (0: none): it
is asked at the start and after every failure, so whatever was half done is read again from exactly there. A
failing batch is retried for ever, after a growing pause, since an ordered reader cannot skip; a gap, or a
handler that raises `ReaderStopped`, stops it until the process is started again, and `health.stopped()` says
why.

One process a purpose acts, by a lease; others stand by. One batch is in flight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from nameko.extensions import Entrypoint

from kit.config import settings
from kit.log import logger
from kit.streams import clients, health, metrics, names
from kit.streams.copies import await_copies
from kit.streams.entry import Entry, ReaderStopped, decode, last_seq
from kit.streams.lease import TTL_MS, Lease
from kit.streams.loop import LeasedLoop

_log = logger(__name__)


class LedgerReader(LeasedLoop, Entrypoint):
    """Entrypoint; see the module. `batch` entries at most, gathered for `gather_s`, a lease of `lease_ms`."""

    def __init__(
        self,
        purpose: str,
        *,
        cursor: Callable[[], int],
        batch: int = 500,
        gather_s: float = clients.GATHER_S,
        lease_ms: int = TTL_MS,
        **kwargs: Any,
    ) -> None:
        self.purpose = purpose
        self._ask_cursor = cursor
        self._batch = batch
        self._gather_s = gather_s
        self._lease_ms = lease_ms
        # Last entry acted on; None where its owner has to be asked.
        self._cursor: int | None = None
        self._written: int | None = None
        super().__init__(**kwargs)

    def setup(self) -> None:
        self._ledger = clients.connect(settings().ledger_url)
        # As it comes: redis-py's own parsing of entries costs more than ours.
        self._ledger.set_response_callback("XREAD", lambda reply, **_: reply)
        self._stream = names.ledger()
        self._replicas = settings().ledger_replicas
        self.lease = Lease(self._ledger, names.reader_lease(self.purpose), self._lease_ms)

    def took_over(self) -> None:
        self._cursor = None

    def leased_step(self) -> None:
        if self._cursor is None:
            self._cursor = self._open()
        entries = self._read(self._cursor)
        if not entries:
            return
        if self._replicas:  # rule 9; our progress is what is written
            await_copies(self._ledger, self._replicas, names.cursor(self.purpose), self._cursor)
        if not self.lease.held():
            return
        self._call_handler(entries)
        self._cursor = entries[-1].seq
        metrics.LEDGER_ENTRIES.labels(self.purpose).inc(len(entries))
        metrics.LEDGER_CURSOR.labels(self.purpose).set(self._cursor)
        if len(entries) < self._batch:
            self._pause(self._gather_s)

    def failed(self, error: Exception, failures: int) -> None:
        cursor, self._cursor = self._cursor, None
        metrics.LEDGER_FAILURES.labels(self.purpose).inc()
        _log.error(
            "batch will be read again",
            purpose=self.purpose,
            after=cursor,
            failures=failures,
            error=repr(error),
        )

    def finish(self) -> None:
        if self.lease.held() and self._cursor is not None:
            try:
                self._ledger.set(names.cursor(self.purpose), self._cursor)
            except redis.RedisError as error:
                _log.warning("cursor is left behind", purpose=self.purpose, error=str(error))
        super().finish()

    def _run(self) -> None:
        health.report_running(self.purpose)
        try:
            super()._run()
        except ReaderStopped as error:
            _log.critical("ledger reader stopped", purpose=self.purpose, after=self._cursor, reason=str(error))
            # Told once all is left behind, so that who hears of it finds the cursor written and the lease free.
            try:
                self.finish()
            finally:
                health.report_stopped(self.purpose, str(error))

    def _open(self) -> int:
        """Cursor to read from. Raises ReaderStopped where it lies beyond the ledger: the ledger lost what was
        acted on.

        The ledger is kept for this purpose from here on, even before its first entry.
        """
        cursor = self._ask_cursor()
        last = last_seq(self._ledger)
        if cursor > last:
            raise ReaderStopped(f"{self.purpose} has acted on entry {cursor}, and the ledger ends at {last}")
        self._ledger.sadd(names.readers(), self.purpose)
        self._written = None
        return cursor

    def _read(self, cursor: int) -> list[Entry]:
        """Next entries, or none after a while. Our progress goes out with the question, in one round trip."""
        with self._ledger.pipeline(transaction=False) as pipe:
            if cursor != self._written:
                pipe.set(names.cursor(self.purpose), cursor)
            pipe.execute_command(
                "XREAD",
                "COUNT",
                self._batch,
                "BLOCK",
                clients.BLOCK_MS,
                "STREAMS",
                self._stream,
                f"{cursor}-0",
            )
            reply = pipe.execute()[-1]
        self._written = cursor
        return decode(reply[0][1], cursor) if reply else []


ledger_reader = LedgerReader.decorator
