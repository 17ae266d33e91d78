"""Verifies the journal's chain, bytes and hashes: all of it, a stretch of pages, or a few pages a tick for ever.

    found = verify_bytes(1, store.head().pages)
    swept = sweep(PAGES_A_TICK)                    # in the background, from where it left off

    found = audit_books(store.head().seq)          # and what its events mean: what `cho audit` calls

The first two decode no event.
"""

from __future__ import annotations

from dataclasses import dataclass

from mongoengine import BinaryField, BooleanField, Document, IntField, StringField

from kit import mongo
from kit.config import settings
from services.settlement import chain, store
from services.settlement.books import pages
from services.settlement.books.audit import Audited, audit_books
from services.settlement.books.stretch import Verified, closings, finish, told_of, verify_bytes
from services.settlement.books.walk import Walk
from services.settlement.proof.finding import Finding

__all__ = ["Audited", "Sweep", "Swept", "Verified", "audit_books", "open_sweep", "sweep", "verify_bytes"]

# A page holds a tenth of a second of the ledger, at most some hundred kB: one round trip, milliseconds of hashing.
PAGES_A_TICK = store.READ_PAGES


class Sweep(Document):
    """How far the background verification is. One document a cell."""

    cell = StringField(primary_key=True)
    genesis = StringField(required=True)
    page = IntField(default=0)
    seq = IntField(default=0)
    head = BinaryField(default=chain.GENESIS)
    # The next window that ends behind it.
    window = IntField(default=1)
    # Times that it came to the end; whether it found nothing since it began anew.
    laps = IntField(default=0)
    sound = BooleanField(default=True)
    # Where the last clean lap ended: the next must come through there.
    known_seq = IntField(default=0)
    known_head = BinaryField(default=chain.GENESIS)

    meta = {"collection": "sweep", "auto_create_index": False}  # noqa: RUF012


def open_sweep() -> None:
    """Sees that the mark's collection exists. Call after `store.open_store`."""
    mongo.open_store("settlement", (Sweep,))


@dataclass(frozen=True, slots=True)
class Swept:
    """One tick: what it found, how far it is, of how many pages, and whether that was the end of a lap."""

    findings: tuple[Finding, ...]
    page: int
    pages: int
    seq: int
    lap_ended: bool


def sweep(most: int = PAGES_A_TICK) -> Swept:
    """Verifies the next pages, at most `most`, and remembers how far it came; at the end it begins anew.

    A lap must come through the head with which the last clean one ended: who rewrites the journal, the windows and the
    books' head together is found by what was seen before. For one process at a time. Raises pymongo's errors.
    """
    at, mark = store.head(), _mark()
    if at.pages == 0:
        return Swept((), 0, 0, 0, False)
    if mark.page >= at.pages or mark.genesis != at.genesis:
        mark = _begin(mark, at.genesis)
    last = min(mark.page + most, at.pages)
    coming = pages.fetch(mark.page + 1, last)
    ends = closings(mark.window, coming[-1].last) if coming else []
    walk = Walk(mark.page, mark.seq, bytes(mark.head), told_of(mark.seq, ends, at))
    if mark.known_seq > mark.seq:
        walk.told = sorted({*walk.told, (int(mark.known_seq), bytes(mark.known_head))})
    for page in coming:
        walk.take(page)
    found = finish(walk, last)
    mark.window += sum(closed.last <= found.seq for closed in ends)
    ended = found.page >= at.pages
    mark.page, mark.seq, mark.head = found.page, found.seq, found.head
    mark.sound = mark.sound and not found.findings
    if ended:
        mark.laps += 1
        if mark.sound:
            mark.known_seq, mark.known_head = found.seq, found.head
    mark.save()
    return Swept(found.findings, found.page, int(at.pages), found.seq, ended)


def _mark() -> Sweep:
    cell = settings().cell
    return Sweep.objects(cell=cell).first() or Sweep(cell=cell, genesis=store.head().genesis)


def _begin(mark: Sweep, genesis: str) -> Sweep:
    if mark.genesis != genesis:  # other books: what was seen of the old ones says nothing
        return Sweep(cell=mark.cell, genesis=genesis)
    mark.page, mark.seq, mark.head, mark.window, mark.sound = 0, 0, chain.GENESIS, 1, True
    return mark
