"""Keeps streams short without losing what somebody still needs (DESIGN section 4, rule 12, and section 5).

Whoever owns a stream trims it by a timer of its worker:

    @timer(interval=60)
    def trim(self) -> None:
        trim_stream("onboarding:events")

`margin` is kept beyond that for readers who come back (an SSE client with its last id): in the unit of the
ids' first part, so ms where ids are times, entries where they are sequence numbers. A stream that has groups to
come (`heard`) and none yet is not trimmed; that it is too long, or that a reader has not moved while it grew, is
logged as an alarm at every round.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import redis

from kit.log import logger
from kit.streams import clients, names

MARGIN = 60_000
# Entries; above it the stream's length is an alarm.
LENGTH_MAX = 2_000_000
# A reader that has not moved for this long while the stream grew is an alarm, s.
STUCK_S = 3 * 3600
# A consumer that did not ask for anything for this long is gone, ms.
_GONE_MS = 3_600_000

_log = logger(__name__)

EntryId = tuple[int, int]


@dataclass(slots=True)
class _Seen:
    """Where a reader was when it was last seen to move or to have nothing to do."""

    position: EntryId
    at_s: float


# By (stream, reader): as many as there are readers.
_seen: dict[tuple[str, str], _Seen] = {}


def trim_stream(
    stream: str,
    *,
    heard: bool = True,
    margin: int = MARGIN,
    length_max: int = LENGTH_MAX,
    stuck_s: float = STUCK_S,
    client: redis.Redis | None = None,
) -> int:
    """Removes entries that every group has acknowledged; how many went. Raises redis.RedisError.

    `heard`: some group is to hear it all. Where none need be, as where readers keep cursors of their own, the margin is
    what is kept.
    """
    client = client or clients.streams()
    if not client.exists(stream):
        return 0
    last = _last(client, stream)
    floors = [] if heard else [last]
    for group in client.xinfo_groups(stream):
        name = group["name"].decode()
        # First where it is, then what is pending: what is delivered in between is above both.
        floor = _acknowledged(client, stream, name, _entry_id(group["last-delivered-id"]))
        floors.append(floor)
        _watch(stream, name, floor, last, stuck_s)
        _forget_consumers(client, stream, name)
    return _trim(client, stream, floors, last, margin, length_max)


def trim_ledger(
    *,
    needed: Collection[str] = ("journal",),
    margin: int = MARGIN,
    length_max: int = LENGTH_MAX,
    stuck_s: float = STUCK_S,
    client: redis.Redis | None = None,
) -> int:
    """Removes ledger entries that every registered reader has acted on; how many went. Raises
    redis.RedisError.

    Nothing goes while one of `needed` has never been seen: what is not in the books yet exists nowhere else.
    """
    client = client or clients.ledger()
    stream = names.ledger()
    if not client.exists(stream):
        return 0
    last = _last(client, stream)
    registered: Any = client.smembers(names.readers())
    purposes = sorted({purpose.decode() for purpose in registered} | set(needed))
    floors = []
    for purpose, cursor in zip(purposes, client.mget([names.cursor(p) for p in purposes]), strict=True):
        floor = (int(cursor or 0), 0)
        floors.append(floor)
        _watch(stream, purpose, floor, last, stuck_s)
    return _trim(client, stream, floors, last, margin, length_max)


def _trim(client: redis.Redis, stream: str, floors: list[EntryId], last: EntryId, margin: int, length_max: int) -> int:
    gone = 0
    if floors:
        keep_from = max((0, 0), min(*floors, (last[0] - margin, 0)))
        # By whole nodes (~), which costs next to nothing; limit 0: as many as there are.
        gone = client.xtrim(stream, minid=f"{keep_from[0]}-{keep_from[1]}", approximate=True, limit=0)
    length = client.xlen(stream)
    if length > length_max:
        _log.error("stream is too long", stream=stream, length=length, length_max=length_max, readers=len(floors))
    return gone


def _acknowledged(client: redis.Redis, stream: str, group: str, delivered: EntryId) -> EntryId:
    """The id below which the group has acknowledged everything."""
    pending = client.xpending(stream, group)
    return min(delivered, _entry_id(pending["min"])) if pending["pending"] else delivered


def _watch(stream: str, reader: str, position: EntryId, last: EntryId, stuck_s: float) -> None:
    now_s = time.monotonic()
    seen = _seen.get((stream, reader))
    if seen is None or position != seen.position or position >= last:
        _seen[stream, reader] = _Seen(position, now_s)
    elif now_s - seen.at_s >= stuck_s:
        _log.error("reader is abandoned", stream=stream, reader=reader, at=position, for_s=round(now_s - seen.at_s))


def _forget_consumers(client: redis.Redis, stream: str, group: str) -> None:
    """A consumer's name is used once, so one that owes nothing and went silent never comes back."""
    for consumer in client.xinfo_consumers(stream, group):
        if not consumer["pending"] and consumer["idle"] > _GONE_MS:
            client.xgroup_delconsumer(stream, group, consumer["name"])


def _last(client: redis.Redis, stream: str) -> EntryId:
    return _entry_id(client.xinfo_stream(stream)["last-generated-id"])


def _entry_id(value: bytes) -> EntryId:
    first, second = value.split(b"-")
    return int(first), int(second)
