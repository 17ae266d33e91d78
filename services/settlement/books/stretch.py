"""Walks stretches of the journal as it stands in MongoDB, through everything that was told of its chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.settlement import store
from services.settlement.books import pages
from services.settlement.books.walk import Walk
from services.settlement.proof.finding import Finding

_WINDOWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk found (nothing is right), and where it ended: page, sequence number, the chain's head there."""

    findings: tuple[Finding, ...]
    page: int
    seq: int
    head: bytes
    entries: int
    bytes: int


def verify_bytes(first_page: int, last_page: int) -> Verified:
    """Walks the chain over pages `first_page` to `last_page` (at least one) from the head that the page before says.

    Any stretch may be verified by itself, several at once by several processes; the whole chain is pages 1 to
    `store.head().pages`. Raises ValueError for no pages, pymongo's errors.
    """
    return finish(walk_pages(first_page, last_page, lambda walk, page: walk.take(page)), last_page)


def walk_pages(first_page: int, last_page: int, take: Callable[[Walk, pages.RawPage], None]) -> Walk:
    """A walk over pages, told what it must go through; `take` is given each page that is there."""
    if not 1 <= first_page <= last_page:
        raise ValueError(f"pages {first_page} to {last_page} are none: pages count from 1")
    walk = Walk(first_page - 1)
    if first_page > 1:
        before = pages.head_before(first_page)
        if before is None:
            walk.page -= 1
            walk.missing(first_page - 1)
        else:
            walk.seq, walk.head = before
    at = store.head()
    walk.told = told_of(walk.seq, closings(_first_window(walk.seq), at.seq), at)
    for page in pages.read(first_page, last_page):
        take(walk, page)
    return walk


def finish(walk: Walk, last_page: int) -> Verified:
    """What a walk came to that should have come to `last_page`, where the books go so far."""
    if walk.page < min(last_page, store.head().pages):
        walk.missing(last_page)
    return verified(walk)


def verified(walk: Walk) -> Verified:
    """What a walk came to."""
    return Verified(tuple(walk.findings), walk.page, walk.seq, walk.head, walk.entries, walk.size)


class Closing(NamedTuple):
    """A closed window: its number, its last entry, and the chain's head there as it was told."""

    window: int
    last: int
    head: bytes


def told_of(after: int, ends: Sequence[Closing], at: store.Reached) -> list[tuple[int, bytes]]:
    """The heads behind `after` that were told, in order: the closed windows' and the books' own."""
    told = {(closed.last, closed.head) for closed in ends if closed.last > after}
    return sorted({*told, (int(at.seq), bytes(at.head))})


def closings(first: int, last: int) -> list[Closing]:
    """Closed windows from number `first` on that end at entry `last` or before, in order."""
    found: list[Closing] = []
    while True:
        wanted = list(range(first, first + _WINDOWS_AT_ONCE))
        rows = store.Window._get_collection().find({"_id": {"$in": wanted}}, {"last_seq": 1, "chain_head": 1})
        batch = sorted(Closing(int(w["_id"]), int(w["last_seq"]), bytes.fromhex(w["chain_head"])) for w in rows)
        found += [closed for closed in batch if closed.last <= last]
        if not batch or batch[-1].last > last:
            return found
        first += _WINDOWS_AT_ONCE


def _first_window(after: int) -> int:
    """The first window that ends behind `after`: by doubling, then by halving."""
    low, high = 1, 1
    while _ends_before(high, after):
        low, high = high + 1, high * 2
    while low < high:
        middle = (low + high) // 2
        if _ends_before(middle, after):
            low = middle + 1
        else:
            high = middle
    return low


def _ends_before(window: int, after: int) -> bool:
    row = store.Window._get_collection().find_one({"_id": window}, {"last_seq": 1})
    return row is not None and int(row["last_seq"]) <= after
