"""What an institution keeps: files it has taken, files it owes, which faults it used up, and what it did wrong.

One SQLite file and one process at a time. A file is taken, acted on and answered for in one synced transaction; the
answers are rows first (`outgoing`) and are made from rows alone, so that one which was not written is written, and one
that was is written again with the same bytes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS taken (
    institution TEXT NOT NULL, name TEXT NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (institution, name));
CREATE TABLE IF NOT EXISTS outgoing (
    id INTEGER PRIMARY KEY AUTOINCREMENT, institution TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL, due_ms INTEGER NOT NULL, cut INTEGER NOT NULL, written_ms INTEGER);
CREATE INDEX IF NOT EXISTS outgoing_name ON outgoing (institution, name);
CREATE INDEX IF NOT EXISTS outgoing_due ON outgoing (due_ms) WHERE written_ms IS NULL;
CREATE TABLE IF NOT EXISTS numbers (of TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS faults_used (institution TEXT NOT NULL, fault TEXT NOT NULL, times INTEGER NOT NULL,
    PRIMARY KEY (institution, fault));
CREATE TABLE IF NOT EXISTS faults_done (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, body TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A file that is owed. `body` is what it is made from; `cut`: only its first half."""

    outgoing_id: int
    institution: str
    name: str
    kind: str
    body: dict[str, Any]
    cut: bool


class Store:
    """Opens or makes the file. Raises sqlite3.OperationalError where another process has it."""

    def __init__(self, path: Path, schema: str = "") -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.db = sqlite3.connect(path, isolation_level=None, timeout=0)
        # One process at a time; a killed one's lock is gone with it.
        self.db.executescript(
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            f"BEGIN IMMEDIATE; {_SCHEMA} {schema} COMMIT;"
        )
        self._next_due_ms: int | None = None
        self._look_due()

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on disk when it ends."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")
        self._look_due()

    # ---------------------------------------------------------------- files that came

    def known(self, institution: str) -> dict[str, str]:
        """Names of the files taken so far, with their marks."""
        return dict(self.db.execute("SELECT name, mark FROM taken WHERE institution = ?", (institution,)))

    def take(self, institution: str, name: str, mark: str) -> None:
        """Notes a file as taken."""
        self.db.execute("INSERT OR REPLACE INTO taken VALUES (?, ?, ?)", (institution, name, mark))

    # ---------------------------------------------------------------- files that are owed

    def owe(self, institution: str, name: str, kind: str, body: dict[str, Any], due_ms: int, cut: bool = False) -> None:
        """Notes a file that is to be written from `due_ms` on."""
        sql = "INSERT INTO outgoing (institution, name, kind, body, due_ms, cut) VALUES (?, ?, ?, ?, ?, ?)"
        self.db.execute(sql, (institution, name, kind, json.dumps(body), due_ms, cut))

    def said(self, institution: str, name: str) -> dict[str, Any] | None:
        """What the newest file of this name is made from, written yet or not; None where none was ever owed."""
        sql = "SELECT body FROM outgoing WHERE institution = ? AND name = ? ORDER BY id DESC LIMIT 1"
        row = self.db.execute(sql, (institution, name)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def due(self, institution: str, now_ms: int) -> list[Outgoing]:
        """Files that an institution is to write now, in order. Costs nothing where nobody is to write any."""
        if self._next_due_ms is None or self._next_due_ms > now_ms:
            return []
        rows = self.db.execute(
            "SELECT id, institution, name, kind, body, cut FROM outgoing "
            "WHERE written_ms IS NULL AND institution = ? AND due_ms <= ? ORDER BY due_ms, id",
            (institution, now_ms),
        ).fetchall()
        return [Outgoing(row[0], row[1], row[2], row[3], json.loads(row[4]), bool(row[5])) for row in rows]

    def written(self, outgoing: Outgoing, now_ms: int) -> None:
        """Notes a file as written."""
        with self.transaction():
            self.db.execute("UPDATE outgoing SET written_ms = ? WHERE id = ?", (now_ms, outgoing.outgoing_id))

    def number(self, of: str) -> int:
        """The next number of a series, from 1."""
        row = self.db.execute(
            "INSERT INTO numbers VALUES (?, 1) ON CONFLICT (of) DO UPDATE SET last = last + 1 RETURNING last", (of,)
        ).fetchone()
        return int(row[0])

    # ---------------------------------------------------------------- faults

    def used(self, institution: str) -> dict[str, int]:
        """How often each fault has struck so far."""
        sql = "SELECT fault, times FROM faults_used WHERE institution = ?"
        return dict(self.db.execute(sql, (institution,)))

    def struck(self, institution: str, fault: str, times: int, at_ms: int, truths: list[dict[str, Any]]) -> None:
        """A fault has struck `times` times: that, and what it did."""
        self.db.execute(
            "INSERT INTO faults_used VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET times = times + excluded.times",
            (institution, fault, times),
        )
        self.db.executemany(
            "INSERT INTO faults_done (at_ms, body) VALUES (?, ?)",
            ((at_ms, json.dumps(truth, ensure_ascii=False)) for truth in truths),
        )

    def done(self) -> list[tuple[int, str]]:
        """What was done wrong: when (ms), and one JSON object each."""
        return self.db.execute("SELECT at_ms, body FROM faults_done ORDER BY id").fetchall()

    def done_count(self) -> int:
        return int(self.db.execute("SELECT count(*) FROM faults_done").fetchone()[0])

    def _look_due(self) -> None:
        self._next_due_ms = self.db.execute("SELECT min(due_ms) FROM outgoing WHERE written_ms IS NULL").fetchone()[0]
