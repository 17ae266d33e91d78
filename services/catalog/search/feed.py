"""Keeps the search index up to date: a thread that follows the streams, and rebuilds it if need be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import redis
from cho.events.v1 import events_pb2
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from kit.errors import InvalidArgument
from kit.log import logger
from kit.streams import clients, event
from services.catalog.market import Market, market_of
from services.catalog.merchant import Merchant, is_active
from services.catalog.search.batch import Batch, Cursor
from services.catalog.search.index import Index

PRODUCTS = "catalog:events"
MERCHANTS = "onboarding:events"
STREAMS = (PRODUCTS, MERCHANTS)
# Entries a stream and read.
BATCH_MAX = 500
_RETRY_S = 1.0

APPLIED = Counter("cho_search_events_total", "Events that the search index has read.")
REBUILT = Counter("cho_search_rebuilds_total", "Times that the search index was built from the documents.")
FAILED = Counter("cho_search_failures_total", "Rounds of the search feed, and unreadable events, that failed.")

_log = logger(__name__)

Fact: TypeAlias = events_pb2.ProductChanged | Merchant | Market


class Feed:
    """`documents` yields every product, merchant and market as MongoDB has them."""

    def __init__(self, index: Index, client: redis.Redis, documents: Callable[[], Iterable[Fact]]) -> None:
        self._index = index
        self._client = client
        self._documents = documents
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="search-feed")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the round in hand has ended (BLOCK_MS, or a rebuild)."""
        self._stopping.set()
        self._thread.join()

    def step(self, block_ms: int = clients.BLOCK_MS) -> int:
        """One round: reads what is new, waiting `block_ms` at most; how many entries that were.

        Raises redis.RedisError, pymongo's errors, sqlite3.Error; then nothing was done; do it again.
        """
        cursors = self._index.cursors()
        if set(cursors) != set(STREAMS):
            return self.rebuild("it was not built yet")
        after: dict[Any, Any] = {stream: cursor.entry for stream, cursor in cursors.items()}
        reply: Any = self._client.xread(after, count=BATCH_MAX, block=block_ms)
        for stream, cursor in cursors.items():
            # After the read, so that no trim goes unseen; one right in between costs a needless rebuild.
            if self._missed(stream, cursor):
                return self.rebuild(f"{stream} was trimmed beyond what the index had read")
        if not reply:
            return 0
        with self._index.write() as batch:
            for name, entries in reply:
                stream = name.decode()
                for entry_id, fields in entries:
                    _read(batch, stream, entry_id, fields)
                cursor = Cursor(entries[-1][0].decode(), cursors[stream].count + len(entries))
                batch.put_cursors([(stream, cursor)])
        read = sum(len(entries) for _, entries in reply)
        APPLIED.inc(read)
        return read

    def rebuild(self, reason: str) -> int:
        """Builds the index from the documents, in one transaction; the streams follow from their beginning.

        A stream keeps an entry until every group has acknowledged it: what `onboarding:events` holds no more
        is in our documents, and what it still holds may not be.
        """
        _log.info("search index is rebuilt", reason=reason)
        cursors = [(stream, self._beginning(stream)) for stream in STREAMS]
        with self._index.write() as batch:
            batch.clear()
            count = 0
            for fact in self._documents():
                put(batch, fact)
                count += 1
            batch.put_cursors(cursors)
        REBUILT.inc()
        _log.info("search index was rebuilt", documents=count)
        return count

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.step()
            except Exception:
                FAILED.inc()
                _log.exception("search index lags behind")
                self._stopping.wait(_RETRY_S)

    def _beginning(self, stream: str) -> Cursor:
        info = self._info(stream)
        return Cursor("0-0", info["entries-added"] - info["length"])

    def _missed(self, stream: str, cursor: Cursor) -> bool:
        """Whether entries after the cursor are gone, or the stream is not the one that was read before."""
        info = self._info(stream)
        return info["entries-added"] < cursor.count or cursor.count < info["entries-added"] - info["length"]

    def _info(self, stream: str) -> dict[str, Any]:
        try:
            info: dict[str, Any] = self._client.xinfo_stream(stream)
        except redis.ResponseError as error:
            if "no such key" not in str(error):
                raise
            return {"entries-added": 0, "length": 0}
        return info


def _read(batch: Batch, stream: str, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
    """Applies one entry. An unreadable one is logged and passed over: it would keep all later ones out."""
    try:
        batch.told_ms = int(entry_id.partition(b"-")[0])
        _apply(batch, event.from_entry(entry_id, fields))
    except (ValueError, DecodeError, InvalidArgument):
        FAILED.inc()
        _log.exception("search cannot read an event", stream=stream, entry=entry_id.decode())


def _apply(batch: Batch, fact: event.Event) -> None:
    if fact.type.startswith("product."):
        batch.put_product(events_pb2.ProductChanged.FromString(fact.data))
    elif fact.type.startswith("merchant."):
        merchant = events_pb2.MerchantChanged.FromString(fact.data)
        batch.put_merchant(
            Merchant(
                id=merchant.merchant_id,
                name=merchant.name,
                owner_id=merchant.owner_id,
                market_id=merchant.market_id,
                active=is_active(fact.type),
                version=merchant.version,
            )
        )
    elif fact.type.startswith("market."):
        batch.put_market(market_of(events_pb2.MarketChanged.FromString(fact.data)))


def put(batch: Batch, fact: Fact) -> None:
    """Applies what a document says."""
    if isinstance(fact, Merchant):
        batch.put_merchant(fact)
    elif isinstance(fact, Market):
        batch.put_market(fact)
    else:
        batch.put_product(fact)
