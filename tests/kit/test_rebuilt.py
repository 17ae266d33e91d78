"""Files that can be made again: kept where they are right, made anew where they are not, and never for a lock."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kit import rebuilt

TABLES = "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT);"


def filled(path: Path, layout: int = 3) -> None:
    connection = rebuilt.writer(path, layout, TABLES)
    connection.executemany("INSERT INTO thing VALUES (?, ?)", [(n, "x" * 500) for n in range(200)])
    connection.close()


def kept(path: Path, layout: int = 3, whole: bool = False) -> int:
    connection = rebuilt.writer(path, layout, TABLES, whole=whole)
    (count,) = connection.execute("SELECT count(*) FROM thing").fetchone()
    connection.close()
    return int(count)


def test_a_file_of_this_layout_is_kept_and_of_another_or_of_none_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "model.sqlite3"
    filled(path)
    assert kept(path) == kept(path, whole=True) == 200
    assert kept(path, layout=4) == 0
    path.write_bytes(b"no database at all" * 100)
    assert kept(path) == 0
    path.write_bytes(b"")
    assert kept(path) == 0


def test_a_page_that_was_overwritten_is_found_where_all_of_it_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "model.sqlite3"
    filled(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    assert kept(path, whole=True) == 0


def test_nobody_else_on_the_machine_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "model.sqlite3"
    connection = rebuilt.writer(path, 3, TABLES)
    connection.execute("INSERT INTO thing VALUES (1, 'Cô Nga')")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    connection.close()
    assert modes == dict.fromkeys((path.name, f"{path.name}-wal", f"{path.name}-shm"), 0o600)


def test_a_file_that_is_locked_is_not_taken_for_a_broken_one(tmp_path: Path) -> None:
    path = tmp_path / "model.sqlite3"
    filled(path)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE").fetchone()
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            rebuilt.writer(path, 3, TABLES, busy_s=0.05)
        other.execute("ROLLBACK")
    other.close()
    assert kept(path) == 200


def test_readers_see_one_state_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "model.sqlite3"
    filled(path)
    writer, reader = rebuilt.writer(path, 3, TABLES), rebuilt.reader(path)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM thing").fetchone() == (200,)
    writer.execute("DELETE FROM thing")
    assert reader.execute("SELECT count(*) FROM thing").fetchone() == (200,)
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM thing")
    reader.close()
    writer.close()


def test_what_is_removed_is_gone_with_its_log(tmp_path: Path) -> None:
    path = tmp_path / "model.sqlite3"
    connection = rebuilt.writer(path, 3, TABLES)
    connection.execute("INSERT INTO thing VALUES (1, 'x')")
    rebuilt.remove(path)
    assert list(tmp_path.iterdir()) == []
    connection.close()
