"""Finds one transfer's event in the journal: by its sequence number, or by when its id was made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cli.story import id_time_ms
from kit.ledger_event import LedgerEvent, from_raw
from services.settlement import chain
from services.settlement import store as books
from services.settlement.statements.model import Page

# A servicer makes the id and then asks the ledger: the event is this close to it, ms, whatever the two clocks say.
AROUND_MS = 60_000


class Found(NamedTuple):
    """Where an event stands: its page, its bytes, and the chain's head after it."""

    page: Page
    event: LedgerEvent
    raw: bytes
    head: bytes


def find(transfer_id: str, seq: int | None) -> Found | None:
    """A transfer's event, `seq` where that is known; None where the books do not have it. A few pages are read."""
    made_ms = id_time_ms(transfer_id)
    if seq is not None:
        pages = _from(lambda page: page.first > seq, lambda page: page.first <= seq)
    elif made_ms is not None:
        pages = _from(
            lambda page: _began_ms(page) > made_ms - AROUND_MS, lambda page: _began_ms(page) <= made_ms + AROUND_MS
        )
    else:
        return None
    for page in pages:
        head = _head_before(page)
        for at, raw in enumerate(page.raws, page.first):
            head = chain.link(head, at, raw)
            if transfer_id.encode() in raw and (event := from_raw(at, raw)).transfer_id == transfer_id:
                return Found(page, event, raw, head)
    return None


def _from(is_behind: Callable[[Page], bool], may_hold: Callable[[Page], bool]) -> Iterator[Page]:
    """Pages from the last one that is not behind, found by halving, as long as they may hold it."""
    low, high = 1, int(books.head().pages)
    while low < high:
        middle = (low + high + 1) // 2
        page = _page(middle)
        if page is None or is_behind(page):
            high = middle - 1
        else:
            low = middle
    number = low
    while (page := _page(number)) is not None and may_hold(page):
        yield page
        number += 1


def _page(number: int) -> Page | None:
    found: Sequence[Page] = books.pages(number - 1, 1)[1]
    return found[0] if found else None


def _began_ms(page: Page) -> int:
    return from_raw(page.first, page.raws[0]).at_ms


def _head_before(page: Page) -> bytes:
    before = _page(page.number - 1) if page.number > 1 else None
    return before.head if before else chain.GENESIS
