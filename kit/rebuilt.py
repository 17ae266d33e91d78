"""SQLite files that can be made again from something else: read models, indexes, checkpoints.

    writer = rebuilt.writer(path, LAYOUT, TABLES)   # empty where there was no such file, or one of another layout
    reader = rebuilt.reader(path)                   # for one thread; what is written meanwhile is not seen in a BEGIN

One connection writes, any number read.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

# How long a connection waits for another's lock.
BUSY_S = 5.0


def writer(path: Path, layout: int, tables: str, *, busy_s: float = BUSY_S, whole: bool = False) -> sqlite3.Connection:
    """Opens the file to write, for any thread; made anew where it is none, not of this layout or not to be read.

    `tables`: SQL that makes them. `whole`: its pages are checked, too. Raises sqlite3's errors for what is not the
    file's fault (locked, disk full).
    """
    usable = _layout(path, busy_s, whole) == layout
    if not usable:
        remove(path)
    # What is in it is people's: nobody else on the machine reads it.
    os.close(os.open(path, os.O_CREAT, 0o600))
    path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    # A power cut may take back the last transactions, and how far it was with them: they are made again.
    connection.execute("PRAGMA synchronous = NORMAL")
    if not usable:
        connection.executescript(f"BEGIN; {tables} PRAGMA user_version = {layout}; COMMIT;")
    return connection


def reader(path: Path, *, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Opens the file to read. For one thread at a time, but closed by any."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None, check_same_thread=False)


def remove(path: Path) -> None:
    """Takes the file away with all that belongs to it; nobody may have it open."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def is_broken(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is at fault; a lock or a full disk is not."""
    return type(error) is sqlite3.DatabaseError


def _layout(path: Path, busy_s: float, whole: bool) -> int | None:
    """Of the file that is there; None where SQLite cannot read it, or not all of it; 0 where there is none."""
    with closing(sqlite3.connect(path, timeout=busy_s)) as connection:
        try:
            layout = connection.execute("PRAGMA user_version").fetchone()[0]
            sound = not whole or connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise
            return None
    return int(layout) if sound else None
