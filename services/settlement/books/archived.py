"""Reads an archive: verifies it without any server, and answers what an account's postings were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from services.settlement import chain
from services.settlement.books import parquet
from services.settlement.books.manifest import MANIFEST, ArchiveWrong, File, Manifest, digest, read
from services.settlement.books.parquet import Posting
from services.settlement.proof.finding import Finding

# Public keys: a JWKS (archive.public_keys(), or GET /v1/trust/keys).
Keys = dict[str, Any]
# The chain's head is written down at every entry whose number this divides, and at the month's last.
HEAD_EVERY = 1024


def verify(folder: Path, keys: Keys) -> list[Finding]:
    """What is wrong with an archived month; nothing is right. Needs no server.

    The manifest's signature and the files' hashes, then the chain from the raw bytes, every head that is written down,
    the sums, and that the postings are those of the raw bytes. A file whose hash is wrong is not read any further.
    """
    try:
        manifest = read(folder, keys)
    except ArchiveWrong as wrong:
        return wrong.findings
    if tuple(file.name for file in manifest.files) != (parquet.ENTRIES, parquet.POSTINGS):
        return [Finding("MANIFEST_BROKEN", f"{folder.name}/{MANIFEST}", "does not name a month's two files")]
    findings = [found for file in manifest.files if (found := _file_finding(folder, file))]
    if findings:
        return findings
    try:
        return _chain_findings(folder, manifest) or _posting_findings(folder, manifest)
    except (duckdb.Error, KeyError, ValueError, TypeError) as error:
        return [Finding("FILE_BROKEN", folder.name, f"cannot be read: {error}")]


def verify_all(root: Path, keys: Keys) -> list[Finding]:
    """What is wrong with an archive: each month by itself, and that each begins where the one before it ended."""
    findings, before = [], None
    for folder in folders(root):
        wrong = verify(folder, keys)
        findings += wrong
        manifest = None if wrong else read(folder, keys)
        if manifest and before and (before.books, before.last_seq + 1, before.head_after) != (
            manifest.books, manifest.first_seq, manifest.head_before,
        ):  # fmt: skip
            text = (
                f"does not begin where {before.month} ends, at entry {before.last_seq}: a month is missing or changed"
            )
            findings.append(Finding("MONTHS_APART", folder.name, text))
        before = manifest
    return findings


def query_account(root: Path, keys: Keys, account_id: str, from_ms: int, until_ms: int) -> Iterator[Posting]:
    """An account's archived postings between two moments, oldest first; `until_ms` is not included.

    Raises ArchiveWrong for a manifest that is not signed by one of these keys, duckdb.Error; `verify` says whether the
    files may be believed.
    """
    known = [(folder, read(folder, keys)) for folder in folders(root)]
    wanted = [folder for folder, m in known if m.last_at_ms >= from_ms and m.first_at_ms < until_ms]
    return parquet.account_postings(wanted, account_id, from_ms, until_ms)


def raw_events(root: Path, keys: Keys, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """Archived entries `first` to `last`, as `store.raw_events` gives those of the journal."""
    for folder in folders(root):
        manifest = read(folder, keys)
        if manifest.first_seq <= last and manifest.last_seq >= first:
            yield from ((e.seq, e.raw) for e in parquet.read_entries(folder) if first <= e.seq <= last)


def folders(root: Path) -> list[Path]:
    """The archived months, oldest first."""
    return sorted(folder for folder in root.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]") if folder.is_dir())


def _file_finding(folder: Path, file: File) -> Finding | None:
    name = f"{folder.name}/{file.name}"
    try:
        found = digest(folder / file.name)
    except OSError as error:
        return Finding("FILE_MISSING", name, f"cannot be read ({error.strerror}): restore it from a copy")
    if found != (file.bytes, file.sha256):
        return Finding("FILE_CHANGED", name, "is not what was archived (its SHA-256 differs): restore it from a copy")
    return None


def _chain_findings(folder: Path, manifest: Manifest) -> list[Finding]:
    """The chain over a month's raw bytes, to within HEAD_EVERY entries."""
    name, head, seq = f"{folder.name}/{parquet.ENTRIES}", bytes.fromhex(manifest.head_before), manifest.first_seq - 1
    for entry in parquet.read_entries(folder):
        if entry.seq != seq + 1:
            return [Finding("ENTRY_MISSING", name, f"entry {seq + 1} should come, and {entry.seq} does")]
        head, seq = chain.link(head, entry.seq, entry.raw), entry.seq
        marked = seq % HEAD_EVERY == 0 or seq == manifest.last_seq
        if entry.head != (head if marked else None):
            since = max(manifest.first_seq, (seq - 1) // HEAD_EVERY * HEAD_EVERY + 1)
            return [Finding("CHAIN_BROKEN", name, f"entries {since} to {seq} are not what was chained")]
    if seq != manifest.last_seq:
        return [Finding("ENTRY_MISSING", name, f"ends at entry {seq}, not at {manifest.last_seq}")]
    if head.hex() != manifest.head_after:
        return [Finding("CHAIN_BROKEN", name, "ends with another head than its manifest says")]
    return []


def _posting_findings(folder: Path, manifest: Manifest) -> list[Finding]:
    """Whether a month's postings are those of its raw bytes, and add up to what the manifest says."""
    name, sums, rows = f"{folder.name}/{parquet.POSTINGS}", {"d": 0, "c": 0}, 0
    posted = parquet.read_postings(folder)
    for entry in parquet.read_entries(folder):
        for expected in parquet.postings(entry.seq, entry.raw):
            if next(posted, None) != expected:
                return [Finding("POSTING_DIFFERS", name, f"the postings of entry {entry.seq} are not its raw bytes'")]
            rows += 1
            if expected.side in sums:
                sums[expected.side] += expected.amount
    if next(posted, None) is not None:
        return [Finding("POSTING_DIFFERS", name, "has postings of no entry")]
    counts = (manifest.last_seq - manifest.first_seq + 1, rows)
    said = (manifest.debits, manifest.credits, tuple(file.rows for file in manifest.files))
    if (sums["d"], sums["c"], counts) != said:
        return [Finding("MANIFEST_DIFFERS", f"{folder.name}/{MANIFEST}", "says other sums than its files add up to")]
    return []
