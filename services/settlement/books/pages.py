"""Pages of the journal as they stand in MongoDB, for those who check them: nothing about them is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from kit.ledger_bytes import fields
from kit.streams.entry import ReaderStopped
from services.settlement import chain, store


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page's number; the first and last sequence number, bytes, and chain head that it says it has."""

    number: int
    first: int
    last: int
    raw: bytes
    head: bytes


def _page(found: dict[str, Any]) -> RawPage:
    return RawPage(found["_id"], int(found["f"]), int(found["l"]), bytes(found["raw"]), bytes(found["h"]))


def fetch(first: int, last: int) -> list[RawPage]:
    """Pages `first` to `last` that exist, in order; for a few of them (store.READ_PAGES at once is best)."""
    wanted = list(range(first, last + 1))
    found = store.JournalPage._get_collection().find({"_id": {"$in": wanted}})
    return sorted(map(_page, found), key=lambda page: page.number)


def read(first: int, last: int) -> Iterator[RawPage]:
    """Pages `first` to `last` that exist, in order; the next ones are fetched while the caller works on these."""
    step = store.READ_PAGES
    starts = range(first, last + 1, step)
    with ThreadPoolExecutor(1, "books-pages") as ahead:
        coming = ahead.submit(fetch, starts[0], min(starts[0] + step - 1, last)) if starts else None
        for start in starts:
            assert coming is not None
            batch = coming.result()
            if start + step <= last:
                coming = ahead.submit(fetch, start + step, min(start + 2 * step - 1, last))
            yield from batch


def head_before(page: int) -> tuple[int, bytes] | None:
    """(last sequence number, chain head) that the page before `page` says it has; None where there is no such page."""
    found = store.JournalPage._get_collection().find_one({"_id": page - 1}, {"l": 1, "h": 1})
    return (int(found["l"]), bytes(found["h"])) if found else None


def entries(page: RawPage) -> Iterator[tuple[int, bytes]]:
    """(sequence number, canonical bytes) of what can be read of a page; the walk over it says whether it is whole."""
    raw, at, seq = page.raw, 0, page.first
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "big")
        yield seq, raw[at + 4 : end]
        at, seq = end, seq + 1


def raw_events(first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """What `store.raw_events` gives, of entries that must all be there; the next pages are fetched meanwhile.

    Raises ReaderStopped where one is missing, or a page cannot be read.
    """
    seq = first
    for page in read(place_of(first), place_of(last)) if first <= last else ():
        number, raw = page.first - 1, b""
        for number, raw in entries(page):
            if first <= number <= last:
                if number != seq:
                    raise ReaderStopped(f"entry {seq} of the books is not there: verify them (cho audit)")
                yield number, raw
                seq += 1
        # Only the last entry can be cut short.
        if number != page.last or not page.raw.endswith(len(raw).to_bytes(4, "big") + raw):
            raise ReaderStopped(f"page {page.number} of the books is not whole: verify it (cho audit)")
    if seq != last + 1:
        raise ReaderStopped(f"entry {seq} of the books is not there: verify them (cho audit)")


def place_of(seq: int) -> int:
    """Number of the page that holds an entry, by halving; 0 where none does."""
    return _halve(lambda page: page.last < seq, lambda page: page.first <= seq <= page.last)


def place_at(at_ms: int) -> int:
    """Number of the first page of which not every event is before a moment, ms; 0 where there is none.

    Raises ReaderStopped at a page that cannot be read.
    """
    return _halve(lambda page: _last_at(page) < at_ms, lambda page: True)


def head_at(seq: int) -> bytes | None:
    """The chain's head after an entry, from the head that the page before its page says; None where there is none."""
    number = place_of(seq)
    before = head_before(number) if number > 1 else (0, chain.GENESIS)
    if not number or before is None:
        return None
    head = before[1]
    for one in fetch(number, number):
        for at, raw in entries(one):
            if at <= seq:
                head = chain.link(head, at, raw)
    return head


def _last_at(page: RawPage) -> int:
    try:
        return int(fields(list(entries(page))[-1][1]).at)
    except (IndexError, KeyError, ValueError) as error:
        raise ReaderStopped(f"page {page.number} of the books cannot be read: verify it (cho audit)") from error


def _halve(before: Callable[[RawPage], bool], wanted: Callable[[RawPage], bool]) -> int:
    """The first page that is not `before`, if it is wanted."""
    low, high = 1, store.head().pages + 1
    found: RawPage | None = None
    while low < high:
        middle = (low + high) // 2
        page = next(iter(fetch(middle, middle)), None)
        if page is not None and before(page):
            low = middle + 1
        else:
            high, found = middle, page or found
    return low if found is not None and found.number == low and wanted(found) else 0
