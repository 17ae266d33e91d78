"""Closed months of the books as files that need no server: raw entries, decoded postings, and a manifest over both.

    made = archive(root, 202611)             # <root>/2026-11/: whole, or not there
    # Empty: signature, bytes, chain and postings are what was archived.
    findings = archived.verify(root / "2026-11", public_keys())
    for posting in archived.query_account(root, public_keys(), "wal_...", from_ms, until_ms): ...

A month is Vietnam's calendar month by the events' own time, cut between two events. Archiving takes nothing out of
MongoDB, and the same month is archived to the same bytes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from kit.clock import VIETNAM, month_of
from kit.config import settings
from kit.ledger_bytes import fields
from services.settlement import chain, store
from services.settlement.books import pages, parquet
from services.settlement.books.archived import HEAD_EVERY, verify
from services.settlement.books.manifest import MANIFEST, ArchiveWrong, File, Manifest, digest, read
from services.settlement.books.parquet import Entry
from services.settlement.proof import signature
from services.settlement.proof.finding import Finding


class MonthOpen(ValueError):
    """The month is not over in the books: no event of a later one is journaled yet. Try again later."""


@dataclass(frozen=True, slots=True)
class Archived:
    """`new`: it was not there before."""

    folder: Path
    manifest: Manifest
    new: bool


def name_of(month: int) -> str:
    """A month's folder: 202611 is "2026-11". Raises ValueError."""
    if not 2000_01 <= month <= 9999_12 or not 1 <= month % 100 <= 12:
        raise ValueError(f"{month} is no month: write yyyymm")
    return f"{month // 100}-{month % 100:02}"


def public_keys() -> dict[str, Any]:
    """What manifests that are made here are checked with: a JWKS (GET /v1/trust/keys gives the same)."""
    return signature.public_keys(_key())


def _key() -> OKPKey:
    return signature.signing_key(settings().own_secret("settlement_signing_secret"))


def months() -> list[int]:
    """The months that are over in the books, yyyymm, oldest first: those before the month of the newest event."""
    ends = [month_of(int(fields(raw).at)) for raw in store.ends()]
    if not ends:
        return []
    found, month = [], ends[0]
    while month < ends[1]:
        found.append(month)
        month = _next(month)
    return found


def archive_closed(root: Path) -> list[Archived]:
    """Archives every month that is over and has events. Raises as `archive`."""
    return [archive(root, month) for month in months() if _range(month)[1] >= _range(month)[0]]


def archive(root: Path, month: int) -> Archived:
    """Archives a month under `root`, which is made where it is missing; one process at a time.

    A month that is there already is left as it is, if it verifies and its head is the journal's. Raises MonthOpen;
    ArchiveWrong where it does not, or the journal is not what was chained; ReaderStopped where that cannot be read;
    ValueError for a month without events.
    """
    folder = root / name_of(month)
    if month not in months():
        raise MonthOpen(f"{name_of(month)} is not over in the books: archive it when an event of the next is journaled")
    if folder.exists():
        return _again(folder)
    first, last = _range(month)
    if last < first:
        raise ValueError(f"{name_of(month)} has no event: there is nothing to archive")
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob(f".{folder.name}.*.part"):  # from a process that was killed
        shutil.rmtree(left)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=root))
    try:
        manifest = _write(part, folder.name, first, last)
        os.rename(part, folder)
    except BaseException:
        shutil.rmtree(part)
        raise
    _sync(root)
    return Archived(folder, manifest, True)


# ----------------------------------------------------------------------------------------------------------


def _again(folder: Path) -> Archived:
    findings = verify(folder, public_keys())
    if findings:
        raise ArchiveWrong(findings)
    manifest = read(folder, public_keys())
    head = pages.head_at(manifest.last_seq)
    if (manifest.cell, manifest.books) != (settings().cell, store.head().genesis) or head is None:
        raise ArchiveWrong([Finding("OTHER_BOOKS", folder.name, "is of other books: archive these to another folder")])
    if head.hex() != manifest.head_after:
        text = f"the journal's head at entry {manifest.last_seq} is another: one of the two was changed (cho audit)"
        raise ArchiveWrong([Finding("JOURNAL_DIFFERS", folder.name, text)])
    return Archived(folder, manifest, False)


def _next(month: int) -> int:
    return month + 1 if month % 100 < 12 else month + 89


def _begins(month: int) -> int:
    return int(datetime(month // 100, month % 100, 1, tzinfo=VIETNAM).timestamp() * 1000)


def _range(month: int) -> tuple[int, int]:
    """A month's first and last entry; the last is before the first where it has none."""
    return _first_at(_begins(month)), _first_at(_begins(_next(month))) - 1


def _first_at(at_ms: int) -> int:
    """The first entry at or after a moment; the one behind the last where there is none."""
    number = pages.place_at(at_ms)
    for page in pages.fetch(number, number) if number else ():
        for seq, raw in pages.entries(page):
            if int(fields(raw).at) >= at_ms:
                return seq
    return int(store.head().seq) + 1


def _write(part: Path, name: str, first: int, last: int) -> Manifest:
    counts = {"rows": 0, "d": 0, "c": 0, "p": 0, "q": 0, "-": 0}
    before = pages.head_at(first - 1) if first > 1 else chain.GENESIS
    if before is None:
        raise ArchiveWrong([Finding("PAGE_MISSING", name, f"entry {first - 1} is not in the journal (cho audit)")])
    at = (0, 0)
    head = before
    with parquet.engine(part) as connection:
        writer = parquet.Writer(connection)
        for batch in parquet.batches(_entries(first, last, before)):
            posted = [posting for entry in batch for posting in parquet.postings(entry.seq, entry.raw)]
            for posting in posted:
                counts["rows"] += 1
                counts[posting.side] += posting.amount
            writer.add(batch, posted)
            times = [int(fields(entry.raw).at) for entry in (batch[0], batch[-1])]
            at = (at[0] or times[0], times[1])
            head = batch[-1].head or head
        writer.write(part)
    files = []
    for file_name, rows in ((parquet.ENTRIES, last - first + 1), (parquet.POSTINGS, counts["rows"])):
        os.chmod(part / file_name, 0o600)
        _sync(part / file_name)
        files.append(File(file_name, *digest(part / file_name), rows))
    manifest = Manifest(
        settings().cell, store.head().genesis, name, first, last, *at, before.hex(), head.hex(), counts["d"],
        counts["c"], tuple(files), parquet.WRITER,
    )  # fmt: skip
    (part / MANIFEST).write_text(manifest.signed(_key()), encoding="utf-8")
    _sync(part / MANIFEST)
    _sync(part)
    return manifest


def _entries(first: int, last: int, before: bytes) -> Iterator[Entry]:
    """The journal's entries `first` to `last`, of pages that are what was chained. Raises ArchiveWrong."""
    number = pages.place_of(first)
    told = pages.head_before(number) if number > 1 else (0, chain.GENESIS)
    seq, head = told or (0, b"")
    for page in pages.read(number, pages.place_of(last)) if number else ():
        taken = []
        for at, raw in pages.entries(page):
            if at == first and head != before:
                break
            head = chain.link(head, at, raw)
            taken.append(Entry(at, raw, head if at % HEAD_EVERY == 0 or at == last else None))
        if page.first != seq + 1:
            raise ArchiveWrong([Finding("PAGE_MISSING", f"page {page.number - 1}", f"entry {seq + 1} is not there")])
        if head != page.head or len(taken) != page.last - page.first + 1:
            text = f"entries {page.first} to {page.last}, is not what was chained (cho audit)"
            raise ArchiveWrong([Finding("PAGE_CHANGED", f"page {page.number}", text)])
        yield from (entry for entry in taken if first <= entry.seq <= last)
        seq = page.last
    if seq < last:
        raise ArchiveWrong([Finding("PAGE_MISSING", "", f"entries {seq + 1} to {last} are not in the journal")])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
