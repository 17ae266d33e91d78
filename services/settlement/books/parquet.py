"""The two files of an archived month: its entries' raw bytes, and their postings decoded. Parquet, by DuckDB.

One thread, in the order of the books: the same entries give the same bytes (of the same version of DuckDB).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import duckdb

from kit.ledger_bytes import fields
from services.settlement.books.chart import kind_of, line_of

ENTRIES, POSTINGS = "entries.parquet", "postings.parquet"
WRITER = f"duckdb {duckdb.__version__}"
# Rows in a group, which is what a query skips or reads.
ROWS_A_GROUP = 16_384
ROWS_AT_ONCE = 5_000
# What DuckDB may use of memory; a month that is larger goes through a file beside the archive.
MEMORY = "256MB"

_ENTRY = "seq BIGINT, raw BLOB, head BLOB"
_POSTING = (
    "seq BIGINT, at_ms BIGINT, window_no BIGINT, op VARCHAR, transfer_id VARCHAR, related VARCHAR, account VARCHAR,"
    " side VARCHAR, amount BIGINT, balance BIGINT, debits BIGINT, credits BIGINT, debits_pending BIGINT,"
    " credits_pending BIGINT, version BIGINT"
)


class Posting(NamedTuple):
    """One leg of an event that was done, and what it made of its account; đồng. `side`: "d", "c"; "p", "q" set aside;
    "-" nothing moved. `balance`: positive on the side that is normal for the account's kind (chart.py)."""

    seq: int
    at_ms: int
    window_no: int
    op: str
    transfer_id: str
    related: str
    account: str
    side: str
    amount: int
    balance: int
    debits: int
    credits: int
    debits_pending: int
    credits_pending: int
    version: int


class Entry(NamedTuple):
    """One entry of the books. `head`: the chain's after it, where it is written down."""

    seq: int
    raw: bytes
    head: bytes | None


def postings(seq: int, raw: bytes) -> Iterator[Posting]:
    """An entry's postings. Raises KeyError or ValueError where `raw` is no event."""
    found = fields(raw)
    if found.r != b"OK" or not found.l:
        return
    at_ms, window = int(found.at), int(found.w)
    op, transfer_id, related = found.op.decode(), found.t.decode(), found.x.decode()
    for leg in found.l.decode().split(";"):
        account, side, amount, debits, credits, *rest = leg.split(",")
        totals = int(debits), int(credits)
        debits_pending, credits_pending, version = map(int, rest)
        balance = line_of(kind_of(account)).balance(*totals)
        yield Posting(
            seq, at_ms, window, op, transfer_id, related, account, side, int(amount), balance, *totals, debits_pending,
            credits_pending, version,
        )  # fmt: skip


class Writer:
    """Takes a month's entries, and writes its files."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute(f"CREATE TABLE entries ({_ENTRY})")
        connection.execute(f"CREATE TABLE postings ({_POSTING})")

    def add(self, entries: Iterable[Entry], posted: Iterable[Posting]) -> None:
        """Some of them, in order."""
        for table, rows in (("entries", entries), ("postings", posted)):
            with self._connection.appender(table) as appender:
                appender.append_rows(rows)

    def write(self, folder: Path) -> None:
        """Both files."""
        for table, name in (("entries", ENTRIES), ("postings", POSTINGS)):
            target = str(checked(folder / name)).replace("'", "''")
            self._connection.execute(
                f"COPY (FROM {table}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_A_GROUP})"
            )


# One thread; it loads no extension and asks no network.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": MEMORY,
    "preserve_insertion_order": True,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
}


@contextmanager
def engine(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB in a file of `folder`, which is gone at the end."""
    path = folder / "work.duckdb"
    connection = duckdb.connect(str(path), config=_CONFIG)
    try:
        yield connection
    finally:
        connection.close()
        for left in folder.glob("work.duckdb*"):
            left.unlink()


@cache
def _in_memory() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config=_CONFIG)


def reader() -> duckdb.DuckDBPyConnection:
    """A connection of one's own to DuckDB in memory, to read files with. One database without tables is kept for all of
    a process: opening one costs more than reading a month of a small market."""
    return _in_memory().cursor()


def checked(path: Path) -> Path:
    """The path, if DuckDB takes it for one file. Raises ValueError."""
    if any(letter in str(path) for letter in "*?["):
        raise ValueError(f"{path} has one of * ? [ in it, which DuckDB takes for a pattern: use another folder")
    return path


def read_entries(folder: Path) -> Iterator[Entry]:
    """A month's entries as they stand in its file. Raises duckdb.Error where it cannot be read."""
    with reader() as connection:
        found = connection.execute("SELECT seq, raw, head FROM read_parquet(?)", [str(checked(folder / ENTRIES))])
        yield from map(Entry._make, _rows(found))


def read_postings(folder: Path) -> Iterator[Posting]:
    """A month's postings as they stand in its file. Raises duckdb.Error where it cannot be read."""
    with reader() as connection:
        names = ", ".join(Posting._fields)
        found = connection.execute(
            f"SELECT {names} FROM read_parquet(?)",  # noqa: S608 - our own names
            [str(checked(folder / POSTINGS))],
        )
        yield from map(Posting._make, _rows(found))


def account_postings(folders: list[Path], account_id: str, from_ms: int, until_ms: int) -> Iterator[Posting]:
    """An account's postings in some months, in order; `from_ms` is included, `until_ms` is not."""
    files = [str(checked(folder / POSTINGS)) for folder in folders]
    if not files:
        return
    names = ", ".join(Posting._fields)
    with reader() as connection:
        found = connection.execute(
            f"SELECT {names} FROM read_parquet(?) WHERE account = ? AND at_ms >= ? AND at_ms < ?"  # noqa: S608
            " ORDER BY seq",
            [files, account_id, from_ms, until_ms],
        )
        yield from map(Posting._make, _rows(found))


def _rows(found: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    while rows := found.fetchmany(ROWS_AT_ONCE):
        yield from rows


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Entries, as many as are written at once."""
    coming = iter(entries)
    while batch := list(islice(coming, ROWS_AT_ONCE)):
        yield batch
