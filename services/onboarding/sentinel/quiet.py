"""A stall that goes quiet while its neighbours are busy. Pure: a day's counts of one market, and a rule over them.

A stall was paid today, and then no more. From what it and its neighbours were paid until then follows its share; from
what the neighbours were paid since, how many payments it should have had: `expected`. Where that is at least
`expected_min` and there was none, chance says "none" once in e^expected (9: in 8,000). Nothing is compared with the
clock: at lunch, in the rain and after closing the neighbours are not paid either, and nobody is expected to be. A stall
that was not paid at all today is not watched: its vendor may be at home; the morning scan is for that.

Neighbours are the stalls of the same section, or of the whole market where fewer than `neighbours_min` of these sell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from services.onboarding.pulse.tally import moment

DAY_MINUTES = 1440
# Of one market; who comes after is not watched that day.
STALLS_MAX = 5_000
SECTIONS_MAX = 100


@dataclass(frozen=True, slots=True)
class Thresholds:
    """data/quiet.json. Buckets are parts of a day."""

    bucket_minutes: int
    # How long a stall must have been quiet, at least.
    quiet_buckets_min: int
    # What it, and what its neighbours, must have been paid before, for a share to mean something.
    own_payments_min: int
    others_payments_min: int
    # How many neighbours must have been paid in the last buckets: one busy stall is no crowd.
    neighbours_min: int
    neighbours_within_buckets: int
    expected_min: float


@dataclass(slots=True)
class Seller:
    """One stall's day: section, payments, the bucket of the last one, and whether it was flagged since."""

    section: str
    payments: int = 0
    last: int = 0
    flagged: bool = False


@dataclass(slots=True)
class Day:
    """One market's day in Vietnam (`date.toordinal`): payments of each section by bucket, and each stall's.

    `evaluated` is the last bucket after whose end the rule was asked; `seq` the ledger's last payment counted.
    """

    day: int = 0
    seq: int = 0
    evaluated: int = -1
    sections: dict[str, list[int]] = field(default_factory=dict)
    sellers: dict[str, Seller] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quiet:
    """`minutes` without a payment, in which `expected` were to be expected."""

    merchant_id: str
    minutes: int
    expected: float


@cache
def thresholds() -> Thresholds:
    """Those of data/quiet.json."""
    text = resources.files("services.onboarding.sentinel").joinpath("data/quiet.json").read_text(encoding="utf-8")
    return Thresholds(**json.loads(text))


def bucket_of(at_ms: int, set_by: Thresholds) -> tuple[int, int]:
    """A moment's day (ordinal) and bucket in Vietnam. `at_ms` is Unix ms."""
    day, minute = moment(at_ms)
    return day.toordinal(), minute // set_by.bucket_minutes


def count(day: Day, seq: int, at_ms: int, merchant_id: str, section: str, set_by: Thresholds) -> None:
    """Counts a payment once, in the order of the ledger: what is not above `day.seq` was counted before."""
    if seq <= day.seq:
        return
    on, bucket = bucket_of(at_ms, set_by)
    if on != day.day:
        day.day, day.evaluated, day.sections, day.sellers = on, -1, {}, {}
    day.seq = seq
    seller = day.sellers.get(merchant_id)
    if seller is None:
        if len(day.sellers) >= STALLS_MAX or (section not in day.sections and len(day.sections) >= SECTIONS_MAX):
            return
        seller = day.sellers[merchant_id] = Seller(section)
        day.sections.setdefault(section, [0] * (DAY_MINUTES // set_by.bucket_minutes))
    day.sections[seller.section][bucket] += 1
    seller.payments, seller.last, seller.flagged = seller.payments + 1, bucket, False


def forget(day: Day, seq: int) -> None:
    """Begins anew, where payments were missed: what was counted so far would say that stalls are quiet."""
    day.day, day.seq, day.evaluated, day.sections, day.sellers = 0, seq, -1, {}, {}


def evaluate(day: Day, now_ms: int, set_by: Thresholds) -> list[Quiet]:
    """Stalls that are quiet since the end of the last whole bucket, each once until it is paid again.

    Asked at most once a bucket. `now_ms` must be late enough for every payment before it to have been counted.
    """
    on, bucket = bucket_of(now_ms, set_by)
    whole = bucket - 1
    if on != day.day or whole <= day.evaluated:
        return []
    day.evaluated = whole
    everywhere = [sum(column) for column in zip(*day.sections.values(), strict=True)]
    found = [quiet for quiet in _quiet(day, everywhere, whole, set_by) if quiet.expected >= set_by.expected_min]
    for quiet in found:
        day.sellers[quiet.merchant_id].flagged = True
    return found


def _quiet(day: Day, everywhere: list[int], whole: int, set_by: Thresholds) -> Iterator[Quiet]:
    sells, lately = _sellers_by_section(day, 0), _sellers_by_section(day, whole + 1 - set_by.neighbours_within_buckets)
    for merchant_id, seller in day.sellers.items():
        silent = whole - seller.last
        if seller.flagged or silent < set_by.quiet_buckets_min or seller.payments < set_by.own_payments_min:
            continue
        own_section = sells[seller.section] > set_by.neighbours_min
        totals = day.sections[seller.section] if own_section else everywhere
        busy = lately.get(seller.section, 0) if own_section else sum(lately.values())
        before = sum(totals[: seller.last + 1]) - seller.payments
        if busy < set_by.neighbours_min or before < set_by.others_payments_min:
            continue
        since = sum(totals[seller.last + 1 : whole + 1])
        yield Quiet(merchant_id, silent * set_by.bucket_minutes, since * seller.payments / before)


def _sellers_by_section(day: Day, from_bucket: int) -> dict[str, int]:
    """How many stalls of each section were paid last in this bucket or later."""
    found: dict[str, int] = {}
    for seller in day.sellers.values():
        if seller.last >= from_bucket:
            found[seller.section] = found.get(seller.section, 0) + 1
    return found
