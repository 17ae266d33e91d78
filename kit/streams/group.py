"""Hearing a service's events, as one of a group (DESIGN section 5).

    class Directory:
        name = "payments.directory"

        @stream_handler("onboarding:events", group="payments.directory", types={"merchant.activated"})
        def on_merchant(self, event: Event) -> None:
            changed = MerchantChanged.FromString(event.data)
            store.put_merchant(changed)  # ignores an older version

At least once: an event is acknowledged after the handler returned, so the handler applies it once (see
`once`). One that fails stays with the group and is claimed after `retry_after_ms`, which has to be more than
a batch takes; so are those of a consumer that died. After `deliveries_max` it goes to the dead letters with
its error. Retries come after what followed: order within a subject is not promised, and handlers compare
versions.

Where the handler raises what says nothing about the event (`waits`: an engine is away, the ledger is closed)
the delivery does not count, and the event waits with the group for as long as that takes: an outage buries
nothing. One that waits for ever holds up no other event, only the trimming of its stream, and shows in the age
of the group's oldest event, which is measured and alerted (docs/observability.md).

A group begins at the oldest entry its stream still holds.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import redis
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint
from pymongo.errors import AutoReconnect

from kit import tracing
from kit.errors import DomainError
from kit.ids import new_id
from kit.log import logger
from kit.streams import clients, dead, metrics, names
from kit.streams.event import Event, from_entry
from kit.streams.loop import Loop

_log = logger(__name__)

# Acknowledgements wait at most this long for company, s: each is a write that the server has to bring to
# disk.
_ACK_AFTER_S = 1.0
# An engine cannot be reached, or does not answer.
_AWAY = (redis.ConnectionError, redis.TimeoutError, AutoReconnect)


class NeverFinishedError(Exception):
    """An event was delivered as often as it may be, and no consumer lived to say what came of it."""


def waits(error: Exception) -> bool:
    """Whether a handler's error says that nothing can be done now, whatever the event: it is not to blame."""
    return isinstance(error, _AWAY) or (isinstance(error, DomainError) and error.status == "UNAVAILABLE")


class StreamHandler(Loop, Entrypoint):
    """Entrypoint; see the module. What is not of `types`, or not `where`, is acknowledged unseen; None for all."""

    def __init__(
        self,
        stream: str,
        *,
        group: str,
        types: Collection[str] | None = None,
        where: Callable[[Event], bool] | None = None,
        batch: int = 128,
        retry_after_ms: int = 30_000,
        deliveries_max: int = 5,
        **kwargs: Any,
    ) -> None:
        self.stream = stream
        self.group = group
        self._types = None if types is None else frozenset(types)
        self._where = where
        self._batch = batch
        self._retry_after_ms = retry_after_ms
        self._deliveries_max = deliveries_max
        self._sources = (stream, names.again(stream, group))
        self._consumer = f"{socket.gethostname()}:{os.getpid()}:{new_id('con')}"
        self._open = False
        self._claim_at = 0.0
        self._done: dict[str, list[bytes]] = {source: [] for source in self._sources}
        self._acked_at = 0.0
        super().__init__(**kwargs)

    def setup(self) -> None:
        self._client = clients.streams()

    def step(self) -> None:
        if not self._open:
            self._create_groups()
        if time.monotonic() >= self._claim_at:
            for source, entry_id, fields, deliveries in self._claim():
                self._settle(source, entry_id, fields, deliveries)
        found = 0
        for source, entry_id, fields in self._read():
            self._settle(source, entry_id, fields, 1)
            found += 1
        self._acknowledge()
        if 0 < found < self._batch:
            self._pause(clients.GATHER_S)

    def failed(self, error: Exception, failures: int) -> None:
        # The stream may be another one now (a restored server): make sure of the group before the next read.
        self._open = False
        # What was done and not acknowledged is delivered again; the handlers' effects are applied once all
        # the same.
        for done in self._done.values():
            done.clear()
        _log.error("stream is not read", stream=self.stream, group=self.group, failures=failures, error=repr(error))

    def finish(self) -> None:
        """Leaves no idle consumer behind, unless it has entries that somebody has to claim from it."""
        try:
            for source in self._sources:
                if not self._client.xpending_range(source, self.group, "-", "+", 1, consumername=self._consumer):
                    self._client.xgroup_delconsumer(source, self.group, self._consumer)
        except redis.RedisError as error:
            _log.warning("consumer is left behind", stream=self.stream, group=self.group, error=str(error))

    def _create_groups(self) -> None:
        for source in self._sources:
            try:
                self._client.xgroup_create(source, self.group, id="0", mkstream=True)
            except redis.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        self._open = True

    def _read(self) -> Iterator[tuple[str, bytes, dict[bytes, bytes]]]:
        reply: Any = self._client.xreadgroup(
            self.group,
            self._consumer,
            dict.fromkeys(self._sources, ">"),
            count=self._batch,
            block=clients.BLOCK_MS,
        )
        for source, entries in reply or ():
            for entry_id, fields in entries:
                yield source.decode(), entry_id, fields

    def _claim(self) -> Iterator[tuple[str, bytes, dict[bytes, bytes], int]]:
        """Entries that failed, or whose consumer died, and how often they have been delivered by now."""
        self._claim_at = time.monotonic() + self._retry_after_ms / 2000
        for source in self._sources:
            after, entries, _gone = self._client.xautoclaim(
                source, self.group, self._consumer, self._retry_after_ms, "0-0", count=self._batch
            )
            if after != b"0-0":
                self._claim_at = 0.0  # there are more
            for entry_id, fields in entries:
                pending: Any = self._client.xpending_range(source, self.group, entry_id, entry_id, 1)
                if pending:
                    yield source, entry_id, fields, pending[0]["times_delivered"]

    def _settle(self, source: str, entry_id: bytes, fields: dict[bytes, bytes], deliveries: int) -> None:
        """Handles one entry: afterwards it is done, dead, or left to be claimed."""
        try:
            event = from_entry(entry_id, fields, deliveries)
        except ValueError as error:
            self._bury(source, entry_id, fields, deliveries, error)
            return
        try:
            if self._concerns(event):
                self._handle(event)
        except ContainerBeingKilled:
            raise
        except Exception as error:
            self._handling_failed(source, event, entry_id, fields, error)
            return
        self._done[source].append(entry_id)
        if time.monotonic() - self._acked_at > _ACK_AFTER_S:
            self._acknowledge()

    def _concerns(self, event: Event) -> bool:
        """Whether the handler is to hear of it. Asked in this thread: a worker for every payment that concerns no
        order costs more than the payment."""
        wanted = self._types is None or event.type in self._types
        return wanted and (self._where is None or self._where(event))

    def _handle(self, event: Event) -> None:
        if event.deliveries > self._deliveries_max:
            raise NeverFinishedError(
                f"{event.deliveries - 1} consumers ended while they had it in hand, or were too slow"
            )
        if tracing.tracer() is None:
            self._call_handler(event)
        else:
            about: dict[str, str | int] = {
                "event_id": event.id,
                "stream_id": event.stream_id,
                "deliveries": event.deliveries,
            }
            kind = tracing.Kind.CONSUMER
            with tracing.followed(f"{self.group} {event.type}", event.traceparent, kind, **about) as step:
                self._call_handler(replace(event, traceparent=step.traceparent))
        metrics.HANDLED.labels(self.stream, self.group).inc()

    def _handling_failed(
        self, source: str, event: Event, entry_id: bytes, fields: dict[bytes, bytes], error: Exception
    ) -> None:
        metrics.FAILED.labels(self.stream, self.group).inc()
        _log.warning(
            "event failed",
            group=self.group,
            event_id=event.id,
            type=event.type,
            deliveries=event.deliveries,
            trace_id=tracing.trace_id(event.traceparent),
            error=repr(error),
        )
        if waits(error):
            # Nothing was delivered, as far as burying goes: also an entry that later ends its consumers has all
            # its deliveries before it.
            self._client.xclaim(source, self.group, self._consumer, 0, [entry_id], retrycount=0, justid=True)
        elif event.deliveries >= self._deliveries_max:
            self._bury(source, entry_id, fields, event.deliveries, error)

    def _bury(
        self, source: str, entry_id: bytes, fields: dict[bytes, bytes], deliveries: int, error: Exception
    ) -> None:
        letter = {**fields, b"dead_deliveries": b"%d" % deliveries}
        try:
            moved = dead.bury(
                self._client,
                self.stream,
                self.group,
                source=source,
                entry_id=entry_id,
                fields=letter,
                error=repr(error),
            )
        except dead.DeadLettersFull as full:
            _log.critical("dead letters are full", group=self.group, entry=entry_id.decode(), error=str(full))
            return
        if moved:
            metrics.DEAD.labels(self.stream, self.group).inc()
            _log.error(
                "event is dead",
                stream=self.stream,
                group=self.group,
                entry=entry_id.decode(),
                error=repr(error),
            )

    def _acknowledge(self) -> None:
        with self._client.pipeline(transaction=True) as pipe:
            for source, done in self._done.items():
                if done:
                    pipe.xack(source, self.group, *done)
                if done and source != self.stream:
                    pipe.xdel(source, *done)
            if len(pipe):
                pipe.execute()
        for done in self._done.values():
            done.clear()
        self._acked_at = time.monotonic()


stream_handler = StreamHandler.decorator
