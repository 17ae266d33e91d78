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
from services.onboarding.pulse.store import Read
from services.onboarding.pulse.tally import Paid, addition, moment
from services.onboarding.store.alarms import standing

# Of one round; what is left waits for the next.
BATCHES_MAX = 50

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
    for _ in range(BATCHES_MAX):
        page = announced.page(client, read.seq)
        paid = page.paid
        if page.seq:
            read = _noticing_gaps(client, read, moment(paid[0].at_ms if paid else now_ms)[0])
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
    last = moment(read.at_ms)[0] if read.at_ms else date.fromisoformat(read.since)
    return replace(read, lacking=tuple(sorted({*read.lacking, *store.between(last, first)})))


def _add(paid: list[Paid]) -> None:
    places = standing(sorted({one.merchant_id for one in paid}))
    by_day: dict[tuple[str, date], list[Paid]] = defaultdict(list)
    for one in paid:
        # Those that are none of ours stand at no market.
        if one.merchant_id in places:
            by_day[places[one.merchant_id].market_id, moment(one.at_ms)[0]].append(one)
    for (market_id, day), payments in by_day.items():
        after, known = store.progress(market_id, day)
        added = addition(payments, after or 0, set(known))
        if added.payments:
            store.add(market_id, day, added, after)
