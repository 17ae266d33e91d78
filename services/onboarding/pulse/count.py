"""Reads what was paid and adds it to the markets' days. Called by the worker's timer.

Payments' announcements are read from a cursor of our own (announced.py). A market's day and the last payment in it are
one write, so that a crash between two markets adds nothing twice. Where payments were trimmed before they were read,
the days that lack some are remembered and shown as such.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date

import redis

from kit import log
from kit.errors import Contention
from services.onboarding import announced
from services.onboarding.pulse import store
from services.onboarding.pulse.store import MarketDay, Read
from services.onboarding.pulse.tally import Paid, addition, day_of
from services.onboarding.store.alarms import places

# Of one round; what is left waits for the next.
PAGES_MAX = 5

_logger = log.logger(__name__)


def count(client: redis.Redis, now_ms: int) -> int:
    """One round; how many payments were read. Raises redis.RedisError, and what a store without answer raises."""
    try:
        return _count(client, now_ms)
    except Contention:
        _logger.info("another worker counts payments")
        return 0


def _count(client: redis.Redis, now_ms: int) -> int:
    read, counted = store.payments_read(), 0
    for _ in range(PAGES_MAX):
        page = announced.page(client, read.seq)
        paid = page.paid
        if page.seq:
            read = _noticing_gaps(client, read, day_of(paid[0].at_ms if paid else now_ms))
            _add(paid)
            counted += len(paid)
            read = replace(read, seq=page.seq, at_ms=paid[-1].at_ms if paid else read.at_ms)
        # Up to now only where nothing is left: the screen says of when its figures are.
        read = store.keep_payments_read(replace(read, read_ms=now_ms) if page.ends else read)
        if page.ends:
            break
    return counted


def _noticing_gaps(client: redis.Redis, read: Read, first: date) -> Read:
    """Days of which payments may have been trimmed unread: from the last one read to the `first` that follows."""
    if not read.since:
        # What was paid on that day before anybody counted, nobody can tell.
        lacking = () if read.version else (first.isoformat(),)
        return replace(read, since=first.isoformat(), lacking=lacking)
    if not announced.missed(client, read.seq):
        return read
    last = day_of(read.at_ms) if read.at_ms else date.fromisoformat(read.since)
    return replace(read, lacking=tuple(sorted({*read.lacking, *store.between(last, first)})))


def _add(paid: list[Paid]) -> None:
    where = places({one.merchant_id for one in paid})
    by_day: dict[MarketDay, list[Paid]] = defaultdict(list)
    for one in paid:
        # Those that are none of ours stand at no market.
        if one.merchant_id in where:
            by_day[where[one.merchant_id].market_id, day_of(one.at_ms)].append(one)
    known = store.progress(by_day)
    added = {of: addition(payments, *known.get(of, (0, ()))) for of, payments in by_day.items()}
    store.add({of: new for of, new in added.items() if new.payments}, {of: seq for of, (seq, _) in known.items()})
