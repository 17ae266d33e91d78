"""What the streams tell Prometheus: counts as they happen, lag and age as asked at a scrape (kit/scrape.py).

Whoever owns a stream tells of its groups (`watch_stream`: a service's relay, payments' announcer), and payments, whose
the ledger is, of the ledger's readers (`watch_ledger`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import redis
from prometheus_client import Counter, Gauge
from prometheus_client.core import Metric

from kit import scrape
from kit.clock import now_ms
from kit.streams import clients, names
from kit.streams.entry import last_seq

LEDGER_ENTRIES = Counter("cho_ledger_reader_entries_total", "Ledger entries acted on.", ["purpose"])
LEDGER_FAILURES = Counter("cho_ledger_reader_failures_total", "Batches that have to be read again.", ["purpose"])
LEDGER_CURSOR = Gauge("cho_ledger_reader_cursor", "Sequence number acted on last.", ["purpose"])
LEDGER_STOPPED = Gauge("cho_ledger_reader_stopped", "1 where the reader waits for a person.", ["purpose"])

HANDLED = Counter("cho_stream_handled_total", "Events handled.", ["stream", "group"])
FAILED = Counter("cho_stream_failed_total", "Handlings that failed; each is retried or buried.", ["stream", "group"])
DEAD = Counter("cho_stream_dead_total", "Events moved to the dead letters.", ["stream", "group"])

PUBLISHED = Counter("cho_outbox_published_total", "Events published from documents.", ["stream"])
RELAY_FAILURES = Counter("cho_outbox_failures_total", "Rounds of the relay that failed.", ["stream"])

_watched: set[str] = set()


def watch_stream(stream: str) -> None:
    """At every scrape this process tells of the stream and its groups."""
    _watched.add(stream)
    scrape.add("streams", _streams, redis.RedisError)


def watch_ledger() -> None:
    """At every scrape this process tells of the ledger's stream and its readers."""
    scrape.add("ledger readers", _readers, redis.RedisError)


def _streams() -> Iterable[Metric]:
    client, at = clients.streams(), now_ms()
    lengths, lags, ages, letters = [], [], [], []
    for stream in sorted(_watched):
        if not client.exists(stream):
            continue
        lengths.append(((stream,), float(client.xlen(stream))))
        groups: Any = client.xinfo_groups(stream)
        for group in groups:
            labels = (stream, group["name"].decode())
            # What was given back to the group is there until it is acknowledged.
            given_back = client.xlen(names.again(*labels))
            lags.append((labels, float((group["lag"] or 0) + group["pending"] + given_back)))
            ages.append((labels, _age_s(at, _oldest(client, stream, group))))
            letters.append((labels, float(client.xlen(names.dead(*labels)))))
    yield scrape.family("cho_stream_length", "Entries that the stream holds.", ["stream"], lengths)
    yield scrape.family("cho_stream_lag", "Events not acknowledged yet.", ["stream", "group"], lags)
    yield scrape.family("cho_stream_age_seconds", "Age of the oldest of them.", ["stream", "group"], ages)
    yield scrape.family("cho_dead_letters", "Events that wait for a person.", ["stream", "group"], letters)


def oldest_ms(client: redis.Redis, stream: str, group: str) -> int:
    """When the oldest event was that a group has not acknowledged, ms; 0 where it has them all, or is not there."""
    groups: Any = client.xinfo_groups(stream) if client.exists(stream) else []
    return next((_oldest(client, stream, one) for one in groups if one["name"].decode() == group), 0)


def _oldest(client: redis.Redis, stream: str, group: dict[str, Any]) -> int:
    """When the oldest event was that the group has not acknowledged, ms; 0 where it has them all."""
    first = f"({group['last-delivered-id'].decode()}"
    if group["pending"]:
        pending: Any = client.xpending(stream, group["name"])
        first = pending["min"].decode() if pending["pending"] else first
    waiting: Any = client.xrange(stream, first, "+", count=1)
    given_back: Any = client.xrange(names.again(stream, group["name"].decode()), count=1)
    told = [datetime.fromisoformat(fields[b"time"].decode()) for _, fields in (*waiting, *given_back)]
    return int(min(told).timestamp() * 1000) if told else 0


def _readers() -> Iterator[Metric]:
    client, at, stream = clients.ledger(), now_ms(), names.ledger()
    last, registered = last_seq(client), set[Any](client.smembers(names.readers()))
    purposes = sorted(purpose.decode() for purpose in registered)
    lags, ages, held = [], [], []
    for purpose in purposes:
        cursor = int(client.get(names.cursor(purpose)) or 0)
        lags.append(((purpose,), float(last - cursor)))
        waiting: Any = client.xrange(stream, f"({cursor}-0", "+", count=1) if cursor < last else []
        ages.append(((purpose,), _age_s(at, int(waiting[0][1][b"at"]) if waiting else 0)))
        held.append(((purpose,), float(client.exists(names.reader_lease(purpose)))))
    yield scrape.family("cho_ledger_seq", "Sequence number of the ledger's last event.", [], [((), last)])
    yield scrape.family("cho_ledger_length", "Events that the ledger's stream holds.", [], [((), client.xlen(stream))])
    yield scrape.family("cho_ledger_reader_lag", "Ledger events not acted on yet.", ["purpose"], lags)
    yield scrape.family("cho_ledger_reader_age_seconds", "Age of the oldest of them.", ["purpose"], ages)
    yield scrape.family("cho_ledger_reader_held", "1 where somebody holds the reader's lease.", ["purpose"], held)


def _age_s(now: int, then: int) -> float:
    return max(0, now - then) / 1000 if then else 0.0
