"""Publishes what documents keep in their outbox (DESIGN D4). Worker side of `kit.outbox`.

    class Worker:
        name = "onboarding"
        merchants = Relay(Merchant, stream="onboarding:events")

Events of one document leave in the order in which they were added, and are cleared after they are in the
stream. A crash in between publishes them again under the same ids. One process a collection publishes, by a
lease.
"""

from __future__ import annotations

from typing import Any

import pymongo
from nameko.extensions import DependencyProvider

from kit.config import settings
from kit.log import logger
from kit.outbox import WAITING, OutboxMixin, stored_events
from kit.streams import clients, metrics, names
from kit.streams.copies import await_copies
from kit.streams.lease import TTL_MS, Lease
from kit.streams.loop import LeasedLoop

# Documents a round.
_BATCH = 100
# Pause after a round that found nothing: doubles from the first to the last, s.
_IDLE_S_MIN = 0.1
_IDLE_S_MAX = 1.0

_log = logger(__name__)


class Relay(LeasedLoop, DependencyProvider):
    """An attribute of the service class; see the module."""

    def __init__(self, document: type[OutboxMixin], *, stream: str, lease_ms: int = TTL_MS, **kwargs: Any) -> None:
        self._document: Any = document
        self.stream = stream
        self._source = stream.removesuffix(":events")
        self._lease_ms = lease_ms
        self._idle_s = _IDLE_S_MIN
        super().__init__(**kwargs)

    def setup(self) -> None:
        self._client = clients.streams()
        # Where the streams are on the ledger's server they fail over with it: what is cleared must be on its copies.
        shared = settings().redis_url == settings().ledger_url
        self._replicas = settings().ledger_replicas if shared else 0
        # Before anything in this process writes: SecantusDB locks up where a collection's first insert meets
        # the creation of its indexes.
        self._document.ensure_indexes()
        key = names.relay_lease(self.stream, self._document._get_collection_name())
        self.lease = Lease(self._client, key, self._lease_ms)
        metrics.watch_stream(self.stream)

    def took_over(self) -> None:
        self._idle_s = _IDLE_S_MIN

    def leased_step(self) -> None:
        collection = self._document._get_collection()
        waiting = list(collection.find(WAITING, {"outbox": 1}).limit(_BATCH))
        if not waiting:
            self._pause(self._idle_s)
            self._idle_s = min(self._idle_s * 2, _IDLE_S_MAX)
            return
        self._idle_s = _IDLE_S_MIN
        if self.lease.held():
            self._publish(waiting)
            self._clear(collection, waiting)

    def failed(self, error: Exception, failures: int) -> None:
        metrics.RELAY_FAILURES.labels(self.stream).inc()
        _log.error("events wait in their documents", stream=self.stream, failures=failures, error=repr(error))

    def _publish(self, waiting: list[dict[str, Any]]) -> None:
        """All of them or none: one that is refused must not be overtaken by the document's next."""
        published = 0
        with self._client.pipeline(transaction=True) as pipe:
            for document in waiting:
                for event in stored_events(document, self._source):
                    pipe.xadd(self.stream, event.fields())
                    published += 1
            pipe.execute()
        if self._replicas:
            await_copies(self._client, self._replicas, names.published(self.stream), published)
        metrics.PUBLISHED.labels(self.stream).inc(published)

    def _clear(self, collection: Any, waiting: list[dict[str, Any]]) -> None:
        """Exactly what was published: a writer may have added more since."""
        collection.bulk_write(
            [
                pymongo.UpdateOne(
                    {"_id": document["_id"]},
                    {"$pull": {"outbox": {"id": {"$in": [event["id"] for event in document["outbox"]]}}}},
                )
                for document in waiting
            ],
            ordered=False,
        )
