"""Both sides in a DuckDB database on disk: as fast as files are read, in bounded memory.

Values go by a CSV file each: 1,000,000 rows load in 1 s that way, one insert a row takes minutes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import duckdb

from services.settlement.records import Expected, FileRefused, StatementEntry

MEMORY_LIMIT = "350MB"
READ_MEMORY_LIMIT = "200MB"
THREADS = 2
ROWS_MAX = 5_000_000
# Any JSON reader keeps it exact; and what a side's amounts sum up to at most, as databases keep it.
AMOUNT_MAX = (1 << 53) - 1
TOTAL_MAX = (1 << 63) - 1
# Texts are for people; longer ones are cut. Names and references are never so long.
TEXT_MAX = 500
WORD_MAX = 500
# Longer than any value, so that none is taken for "no value".
_NO_VALUE = "-" * (WORD_MAX + 1)

Database = duckdb.DuckDBPyConnection

_EXPECTED = {
    "rid": "BIGINT", "amount": "BIGINT", "on_": "DATE", "reference": "VARCHAR", "grp": "VARCHAR", "side": "VARCHAR",
    "transfer_id": "VARCHAR", "what": "VARCHAR", "account": "VARCHAR",
}  # fmt: skip
_ENTRIES = {
    "number": "BIGINT", "line": "BIGINT", "amount": "BIGINT", "booked_on": "DATE", "reversal": "BOOLEAN",
    "value_on": "VARCHAR", "side": "VARCHAR", "currency": "VARCHAR", "reference": "VARCHAR", "grp": "VARCHAR",
    "bank_reference": "VARCHAR", "counterparty": "VARCHAR", "account": "VARCHAR", "status": "VARCHAR",
    "text": "VARCHAR",
}  # fmt: skip
# What a bank writes for "no reference" is none.
_AS_ENTRIES = """
* REPLACE (
    CASE WHEN upper(reference) IN (SELECT word FROM blank) THEN '' ELSE reference END AS reference,
    CASE WHEN upper(grp) IN (SELECT word FROM blank) THEN '' ELSE grp END AS grp
), currency = 'VND' AND status = 'booked' AS usable
"""
_of_expected = attrgetter(
    "amount", "on", "reference", "group", "side", "transfer_id", "what", "counterparty_account"
)  # fmt: skip
_of_entry = attrgetter(
    "number", "line", "amount", "booked_on", "reversal", "value_on", "side", "currency", "reference", "group",
    "bank_reference", "counterparty", "counterparty_account", "status", "text",
)  # fmt: skip


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """A new database in `folder`, gone at the end. One run at a time in a folder."""
    path = folder / "matching.duckdb"
    _remove(path)
    config: dict[str, Any] = {
        "memory_limit": MEMORY_LIMIT, "threads": str(THREADS), "preserve_insertion_order": "false",
        "temp_directory": str(folder / "matching.tmp"), "autoinstall_known_extensions": "false",
    }  # fmt: skip
    con = duckdb.connect(str(path), config=config)
    try:
        # One transaction, never committed: nothing of it is to outlive the run, so nothing waits for the disk.
        con.begin()
        yield con
    finally:
        con.close()
        _remove(path)


def _remove(path: Path) -> None:
    for each in (path, path.with_name(path.name + ".wal")):
        each.unlink(missing_ok=True)


def load(
    con: Database, folder: Path, expected: Iterable[Expected], entries: Iterable[StatementEntry], blanks: Iterable[str]
) -> None:
    """Makes `expected` and `entries`, `rest_e` and `rest_s` (what is not matched: all yet), and `pairs` (none).

    Raises FileRefused for what is too much, too long or not an amount, and for entries whose numbers are not theirs
    alone.
    """
    words = sorted({word.upper() for word in blanks})
    con.execute("CREATE TABLE blank AS SELECT unnest(?::VARCHAR[]) AS word", [words])
    load_rows(con, folder, "expected", _EXPECTED, _expected_rows(expected))
    load_rows(con, folder, "entries", _ENTRIES, _entry_rows(entries), _AS_ENTRIES)
    con.execute("""
        CREATE VIEW rest_e AS FROM expected;
        CREATE VIEW rest_s AS FROM entries;
        CREATE TABLE pairs (m BIGINT, rule VARCHAR, rid BIGINT, number BIGINT, difference BIGINT);
    """)
    for table in ("expected", "entries"):
        (total,) = one(con, f"SELECT coalesce(sum(amount), 0) FROM {table}")  # noqa: S608 - a table of ours
        if total > TOTAL_MAX:
            raise FileRefused("AMOUNT", f"one side sums up to more than {TOTAL_MAX}: check its amounts")
    rows, numbers = one(con, "SELECT count(*), count(DISTINCT number) FROM entries")
    if rows != numbers:
        raise FileRefused("NUMBER_TWICE", "two entries have one number: number all of a run's entries through")


def load_rows(
    con: Database, folder: Path, table: str, columns: dict[str, str], rows: Iterable[Iterable[Any]], select: str = "*"
) -> None:
    """A new table of these rows, by a file that is removed again."""
    path = folder / f"matching.{table}.csv"
    types = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    try:
        # A lone surrogate has no UTF-8: it is written as an escape, the same each time.
        with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as out:
            # Lines end in both characters: then a value with either is quoted, and a bank may write one in a text.
            csv.writer(out, lineterminator="\r\n").writerows(rows)
        con.execute(
            f"CREATE TABLE {table} AS SELECT {select} FROM read_csv($path, columns = {{{types}}}, header = false,"  # noqa: S608
            " auto_detect = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\r\\n', nullstr = $no_value)",
            {"path": str(path), "no_value": _NO_VALUE},
        )
    finally:
        path.unlink(missing_ok=True)


@cache
def _reader() -> Database:
    return duckdb.connect(config={"memory_limit": READ_MEMORY_LIMIT, "threads": "1"})


def read(sql: str, **parameters: object) -> list[tuple[Any, ...]]:
    """What a query over files of earlier runs gives. One database without tables is kept for it in the process, opened
    at the first: opening one costs as much as some tens of such queries."""
    with _reader().cursor() as con:
        return con.execute(sql, parameters).fetchall()


def run(con: Database, script: str, **parameters: object) -> None:
    """Statements, each ended by ";" and a new line, each with those parameters that it names."""
    for statement in script.split(";\n"):
        if statement.strip():
            named = {name: value for name, value in parameters.items() if f"${name}" in statement}
            con.execute(statement, named or None)


def one(con: Database, sql: str, parameters: object = None) -> tuple[Any, ...]:
    """The one row of an answer."""
    row = con.execute(sql, parameters).fetchone()
    assert row is not None, sql
    return row


def _expected_rows(expected: Iterable[Expected]) -> Iterator[tuple[Any, ...]]:
    for count, each in enumerate(expected, start=1):
        values = _of_expected(each)
        _check(count, values[0], 1, len("".join(values[2:])), 0)
        yield count, *values


def _entry_rows(entries: Iterable[StatementEntry]) -> Iterator[tuple[Any, ...]]:
    for count, each in enumerate(entries, start=1):
        values = _of_entry(each)
        _check(count, values[2], 0, len("".join(values[6:14])), values[1])
        yield values if len(values[14]) <= TEXT_MAX else (*values[:14], values[14][:TEXT_MAX])


def _check(count: int, amount: int, least: int, letters: int, line: int) -> None:
    if count > ROWS_MAX:
        raise FileRefused("TOO_MANY", f"more than {ROWS_MAX} movements on one side: reconcile a shorter time", line)
    if not least <= amount <= AMOUNT_MAX:
        raise FileRefused("AMOUNT", f"amount {amount} is not {least} to {AMOUNT_MAX}", line)
    if letters > WORD_MAX:
        raise FileRefused("TOO_LONG", f"references and names of more than {WORD_MAX} characters", line)
