"""What payments announced that was paid, read from a cursor of one's own.

Not by a group: to ask every few seconds for what is new costs the ledger's server next to nothing. Announcements are
kept for a while after their listeners have had them (kit.streams.trim); whoever was away for longer missed some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis
from cho.events.v1.events_pb2 import PaymentMoved

from kit import log
from services.onboarding.pulse.tally import Paid

STREAM = "payments:events"
CAPTURED = b"payment.captured"
# Asked for at once: while the ledger's server gathers them nobody pays.
BATCH = 1_000
# Of a page: what comes of it is written once.
PAGE = 10_000

_logger = log.logger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """Announcements in order: what was paid, and the last one's sequence number, whatever it tells (0: there are none).

    `ends`: there were no more.
    """

    paid: list[Paid]
    seq: int
    ends: bool


def page(client: redis.Redis, after: int) -> Page:
    """The announcements after a sequence number, PAGE at most. Raises redis.RedisError."""
    paid: list[Paid] = []
    seq = 0
    for _ in range(PAGE // BATCH):
        entries: Any = client.xrange(STREAM, min=f"({seq or after}-0", count=BATCH)
        if entries:
            paid += [_paid(*entry) for entry in entries if entry[1].get(b"type") == CAPTURED]
            seq = _seq(entries[-1][0])
        if len(entries) < BATCH:
            return Page(paid, seq, ends=True)
    return Page(paid, seq, ends=False)


def missed(client: redis.Redis, after: int) -> int:
    """What lies between the last announcement that was read and the oldest that is still kept cannot be known: the
    sequence number up to which that is so, 0 where nothing was missed. Raises redis.RedisError."""
    oldest: Any = client.xrange(STREAM, count=1)
    if not oldest or _seq(oldest[0][0]) <= after:
        return 0
    up_to = _seq(oldest[0][0]) - 1
    _logger.warning("payments were trimmed before they were counted", after=after, up_to=up_to)
    return up_to


def _paid(entry_id: bytes, fields: dict[bytes, bytes]) -> Paid:
    # The message tells it all: to read the event around it costs more than the message.
    moved = PaymentMoved.FromString(fields[b"data"])
    return Paid(_seq(entry_id), moved.at_ms, moved.merchant_id, moved.amount)


def _seq(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])
