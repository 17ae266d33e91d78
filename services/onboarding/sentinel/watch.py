"""Reads what was paid, market by market, and raises alarms for stalls that went quiet. Called by the worker's timer.

Payments' announcements are read from a cursor of our own (announced.py); where some were missed, every market's day
begins anew rather than being told that nobody was paid.

Each market's counts and the last payment in them are one write, so that a crash between two markets counts nothing
twice; a second worker finds its write refused and leaves the round to the first.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import redis

from kit import log
from kit.errors import Contention
from services.onboarding import announced
from services.onboarding.places.stall import section_of
from services.onboarding.pulse.tally import Paid
from services.onboarding.sentinel import quiet
from services.onboarding.sentinel.alarm import Kind
from services.onboarding.sentinel.quiet import Day, Quiet
from services.onboarding.store import alarms
from services.onboarding.store.alarms import Read

# Of one round; what is left waits for the next, and nobody is called quiet before it was read.
PAGES_MAX = 5
# By now every payment before this has been announced, ms.
SETTLED_MS = 60_000

_logger = log.logger(__name__)


def look(client: redis.Redis, now_ms: int) -> int:
    """One round; how many alarms it raised. Raises redis.RedisError, and what a store without answer raises."""
    try:
        return _look(client, now_ms)
    except Contention:
        _logger.info("another worker watches the stalls")
        return 0


def _look(client: redis.Redis, now_ms: int) -> int:
    read, counted = _noticing_gaps(client, alarms.payments_read()), dict[str, tuple[Day, int]]()
    for _ in range(PAGES_MAX):
        page = announced.page(client, read.seq)
        if page.seq:
            counted |= _count(page.paid, read.missed)
            read = replace(read, seq=page.seq)
            alarms.keep_payments_read(read)
            read = replace(read, version=read.version + 1)
        if page.ends:
            return sum(_evaluate(market_id, *counted[market_id], now_ms) for market_id in sorted(counted))
    return 0


def _noticing_gaps(client: redis.Redis, read: Read) -> Read:
    # Who never read anything begins with what there is.
    missed = announced.missed(client, read.seq) if read.seq else 0
    return replace(read, missed=missed) if missed else read


def _count(paid: list[Paid], missed: int) -> dict[str, tuple[Day, int]]:
    """Adds payments to their markets' days; these as they are kept now, and at which version."""
    places = alarms.places({one.merchant_id for one in paid})
    sections = {merchant_id: section_of(place.stall) for merchant_id, place in places.items()}
    by_market: dict[str, list[Paid]] = defaultdict(list)
    for one in paid:
        # Merchants of before markets had places, and those that are none of ours any more, are not watched.
        if one.merchant_id in places:
            by_market[places[one.merchant_id].market_id].append(one)
    set_by = quiet.thresholds()
    counted = {}
    for market_id, payments in by_market.items():
        day, version = alarms.quiet_day(market_id)
        if day.seq <= missed:
            quiet.forget(day, missed)
        for one in payments:
            quiet.count(day, one.seq, one.at_ms, one.merchant_id, sections[one.merchant_id], set_by)
        alarms.keep_quiet_day(market_id, day, version)
        counted[market_id] = day, version + 1
    return counted


def _evaluate(market_id: str, day: Day, version: int, now_ms: int) -> int:
    """Asks the rule, raises its alarms, and keeps that it was asked: a crash in between raises them again, as the same
    ones."""
    evaluated = day.evaluated
    found = quiet.evaluate(day, now_ms - SETTLED_MS, quiet.thresholds())
    if day.evaluated == evaluated:
        return 0
    places = alarms.standing([one.merchant_id for one in found])
    for one in found:
        place = places[one.merchant_id]
        alarms.raise_alarm(
            Kind.QUIET, merchant_id=one.merchant_id, merchant_name=place.name, market_id=place.market_id,
            stall=place.stall, detail=_words(one),
        )  # fmt: skip
    alarms.keep_quiet_day(market_id, day, version)
    return len(found)


def _words(found: Quiet) -> str:
    return f"{found.minutes} phút không có thanh toán; theo các sạp bên cạnh lẽ ra khoảng {found.expected:.0f}"
