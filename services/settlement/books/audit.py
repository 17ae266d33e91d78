"""Audits the books: the chain over every page, and every event folded from the very bytes that were hashed.

A long journal is read, hashed and taken apart by a process of its own (`python -m services.settlement.books.audit LAST`
writes to its standard output), while this one folds: two processors share the work.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from kit import mongo
from kit.config import settings
from kit.streams.entry import ReaderStopped
from services.settlement import store
from services.settlement.books import pages
from services.settlement.books.replay import Plain, Replay, apart, without_collector
from services.settlement.books.stretch import Verified, closings, verified, walk_pages
from services.settlement.books.walk import Walk
from services.settlement.proof.finding import Finding

# Entries up to which a second process costs more than it saves.
ALONE_MAX = 50_000

# A page's number, what is wrong with it ("" for nothing), and its entries.
_Part = tuple[int, str, list[tuple[int, bytes, Plain | None]]]


@dataclass(frozen=True, slots=True)
class Audited:
    """The books replayed: `verified` says what is wrong with the bytes, `books.findings` with what they mean."""

    verified: Verified
    books: Replay

    def window_findings(self) -> list[str]:
        """Windows that do not end where their closing marker stands; each posting is in the window of its event."""
        said = {closed.window: closed.last for closed in closings(1, self.books.seq)}
        markers = self.books.closings
        return [
            f"window {number} ends at entry {said.get(number)}, and its closing marker is entry {markers.get(number)}"
            for number in sorted({*said, *markers})
            if said.get(number) != markers.get(number)
        ]


def audit_books(last: int) -> Audited:
    """Verifies the chain from the first event to `last`, and folds it.

    Raises ReaderStopped at an entry that cannot be read (its message names the page, and what is wrong with it), and
    where the second process fails.
    """
    books = Replay()

    def take(part: _Part) -> None:
        number, wrong, entries = part
        try:
            for seq, raw, plain in entries:
                books.take(seq, raw, plain)
        except (KeyError, ValueError) as error:
            text = f"page {number} of the books cannot be read behind entry {books.seq}: {wrong or error}"
            raise ReaderStopped(text) from error

    with without_collector():
        found = _walk(last, take) if last <= ALONE_MAX else _by_another(last, take)
    return Audited(found, books)


def _walk(last: int, give: Callable[[_Part], None]) -> Verified:
    """Walks the journal up to entry `last`, and gives what each page holds."""

    def take(walk: Walk, page: pages.RawPage) -> None:
        if page.first > last:
            return
        entries: list[tuple[int, bytes, Plain | None]] = []
        before = len(walk.findings)
        walk.take(page, lambda seq, raw: entries.append((seq, raw, _apart(raw))) if seq <= last else None)
        give((page.number, " ".join(finding.text for finding in walk.findings[before:]), entries))

    walk = walk_pages(1, store.head().pages + 1, take)  # one may stand beyond the head
    if walk.seq < last and walk.page < store.head().pages:
        walk.missing(store.head().pages)
    elif walk.seq < last:
        walk.find("JOURNAL_SHORT", "", f"the journal ends at {walk.seq}, not at {last}: restore it from a backup")
    return verified(walk)


def _apart(raw: bytes) -> Plain | None:
    try:
        return apart(raw)
    except (KeyError, ValueError):  # who folds it says so
        return None


# Two processes ----------------------------------------------------------------------------------------------


def _by_another(last: int, take: Callable[[_Part], None]) -> Verified:
    with _other(last) as coming:
        while True:
            try:
                part = marshal.load(coming)  # noqa: S302 - our own process wrote it
            except (EOFError, ValueError, TypeError) as error:
                raise ReaderStopped("the process that reads the books ended early: its error is above") from error
            if part[0]:
                take(part)
                continue
            _, findings, page, seq, head, entries, size = part
            return Verified(tuple(Finding(*finding) for finding in findings), page, seq, head, entries, size)


@contextmanager
def _other(last: int) -> Iterator[BinaryIO]:
    environment = {**os.environ, "MONGODB_URI": settings().mongodb_uri, "CHO_CELL": settings().cell}
    command = [sys.executable, "-P", "-m", __name__, str(last)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, bufsize=1 << 20) as process:
        assert process.stdout is not None
        try:
            yield process.stdout  # type: ignore[misc]
        finally:
            process.kill()


def _main(last: int) -> None:
    """The other process: parts of pages, then what the walk came to, page 0."""
    mongo.connect("settlement")
    out = sys.stdout.buffer

    def give(part: _Part) -> None:
        out.write(marshal.dumps(part))

    with without_collector():
        found = _walk(last, give)
    findings = [(finding.code, finding.name, finding.text) for finding in found.findings]
    out.write(marshal.dumps((0, findings, found.page, found.seq, found.head, found.entries, found.bytes)))
    out.flush()


if __name__ == "__main__":
    _main(int(sys.argv[1]))
