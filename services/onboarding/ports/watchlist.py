"""Watch list: whom a compliance officer wants to look at first.

The default reads a CSV file (`CHO_WATCH_LIST`, or `<home>/watch-list.csv`) with the columns `name`, `birth_date`
(yyyy-mm-dd) and `citizen_id`, any of them empty; a person is on it by citizen number, or by name (without diacritics
and case) and birth date. The file is read again when it changes; without a file nobody is on the list.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Protocol

from kit import crypto
from kit.config import settings
from kit.errors import Unavailable
from kit.identifiers import names

ENTRIES_MAX = 200_000


class WatchList(Protocol):
    """Whether a person is on it. Raises Unavailable where that cannot be told."""

    def has(self, *, person_name: str, birth_date: str, citizen_id: str) -> bool: ...


class FileWatchList:
    """A CSV file, kept in memory by blind index: a memory dump names nobody."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._read_at: tuple[int, int] = (-1, -1)
        self._indexes: frozenset[str] = frozenset()

    def has(self, *, person_name: str, birth_date: str, citizen_id: str) -> bool:
        """Raises Unavailable where the file is there and cannot be read."""
        return not self._current().isdisjoint(_indexes(person_name, birth_date, citizen_id))

    def _current(self) -> frozenset[str]:
        with self._lock:
            try:
                found = self._path.stat()
            except FileNotFoundError:
                return frozenset()
            if (found.st_mtime_ns, found.st_size) != self._read_at:
                self._indexes = frozenset(self._read())
                self._read_at = (found.st_mtime_ns, found.st_size)
            return self._indexes

    def _read(self) -> Iterator[str]:
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                for number, row in enumerate(csv.DictReader(file)):
                    if number == ENTRIES_MAX:
                        raise Unavailable(f"the watch list has more than {ENTRIES_MAX} entries")
                    yield from _indexes(row.get("name") or "", row.get("birth_date") or "", row.get("citizen_id") or "")
        except (OSError, UnicodeError, csv.Error) as error:
            raise Unavailable("the watch list cannot be read: nobody can be submitted or approved") from error


def _indexes(person_name: str, birth_date: str, citizen_id: str) -> Iterator[str]:
    if citizen_id.strip():
        yield crypto.blind_index("watchlist.citizen", citizen_id.strip())
    if person_name.strip() and birth_date.strip():
        yield crypto.blind_index("watchlist.person", f"{names.alike(person_name)}|{birth_date.strip()}")


@cache
def watch_list() -> WatchList:
    """This process's."""
    return FileWatchList(Path(settings().watch_list or settings().home / "watch-list.csv"))
