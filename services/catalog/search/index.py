"""The search index: one SQLite file of this process, written by one thread and read by many.

It holds copies only: a file of another layout, or that SQLite cannot read, is thrown away and built again.
Cursors into the streams are stored in the same transaction as what was read up to them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cho.events.v1 import events_pb2

from kit.errors import Unavailable
from services.catalog.merchant import Merchant
from services.catalog.search.words import EVERYWHERE, Place, folded, scope, tiers, toned

# Raise it with every change of the tables or of what `words` makes of a text.
_LAYOUT = 1
_BUSY_S = 5.0
# Above every position.
_POSITION_MAX = (1 << 63) - 1

_TABLES = """
CREATE TABLE product (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, merchant_id TEXT NOT NULL,
    version INTEGER NOT NULL, hidden INTEGER NOT NULL, fact BLOB NOT NULL
);
CREATE INDEX product_of_merchant ON product (merchant_id);
CREATE TABLE merchant (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, active INTEGER NOT NULL,
    name TEXT NOT NULL, market_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE cursor (stream TEXT PRIMARY KEY, entry TEXT NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(
    toned, name, other, scope, prefix = '1 2 3', tokenize = 'unicode61 remove_diacritics 0'
);
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a stream was read: the last entry's id, and how many entries the stream had had by then."""

    entry: str
    count: int


@dataclass(frozen=True, slots=True)
class Page:
    """Products best match first, newest first among equals; `next_token` is empty on the last page."""

    products: list[events_pb2.ProductChanged]
    next_token: str


class Index:
    """Open once a process, after any fork. `write` belongs to one thread, `search` to any."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = threading.local()
        self._opened: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._open_writer()

    def close(self) -> None:
        """Closes every connection; nobody may be searching."""
        for connection in [*self._opened, self._writer]:
            connection.close()

    def search(self, query: str, market_id: str, page_size: int, page_token: str) -> Page:
        """Products whose merchant is active and that are not hidden. Raises InvalidArgument, Unavailable.

        The order is by tier (`words.tiers`), then position (made from the product's id): pages do not shift
        when other products change, and a token holds on every replica.
        """
        expressions = tiers(query, market_id)
        place = Place.read(page_token) if page_token else Place(0, _POSITION_MAX)
        found: list[tuple[Place, events_pb2.ProductChanged]] = []
        with self._snapshot() as connection:
            for tier in range(place.tier, len(expressions)):
                below = place.position if tier == place.tier else _POSITION_MAX
                rows = connection.execute(_PAGE, (expressions[tier], below, page_size + 1 - len(found)))
                found += [(Place(tier, position), _product(*row)) for position, *row in rows]
                if len(found) > page_size:
                    break
        products = [product for _, product in found[:page_size]]
        return Page(products, found[page_size - 1][0].write() if len(found) > page_size else "")

    @contextmanager
    def write(self) -> Iterator[Batch]:
        """One transaction: all of it or nothing."""
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield Batch(self._writer)
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise
        self._writer.execute("COMMIT")

    def cursors(self) -> dict[str, Cursor]:
        """By stream; empty until the index was built. For the writing thread."""
        rows = self._writer.execute("SELECT stream, entry, count FROM cursor")
        return {stream: Cursor(entry, count) for stream, entry, count in rows}

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """A read transaction: what is written meanwhile is not seen. Raises Unavailable until first built."""
        if not hasattr(self._reader, "connection"):
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            # Used by this thread only, but closed by `close`.
            self._reader.connection = sqlite3.connect(
                uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._opened.append(self._reader.connection)
        connection: sqlite3.Connection = self._reader.connection
        connection.execute("BEGIN")
        try:
            if not connection.execute("SELECT 1 FROM cursor").fetchone():
                raise Unavailable("search is being built; try again in a moment")
            yield connection
        finally:
            connection.execute("ROLLBACK")

    def _open_writer(self) -> sqlite3.Connection:
        usable = self._layout() == _LAYOUT
        if not usable:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        # A power cut may take back the last transactions, cursor included: they are read again.
        connection.execute("PRAGMA synchronous = NORMAL")
        if not usable:
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_LAYOUT}; COMMIT;")
        return connection

    def _layout(self) -> int | None:
        """Of the file that is there; None where SQLite cannot read it, 0 where there is none."""
        with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as connection:
            try:
                return int(connection.execute("PRAGMA user_version").fetchone()[0])
            except sqlite3.DatabaseError as error:
                if type(error) is not sqlite3.DatabaseError:  # locked, disk full: not the file's fault
                    raise
                return None


_PAGE = """
SELECT product.position, product.fact, merchant.name, merchant.market_id
FROM words
JOIN product ON product.position = words.rowid
JOIN merchant ON merchant.id = product.merchant_id
WHERE words MATCH ? AND words.rowid < ?
ORDER BY words.rowid DESC LIMIT ?
"""


def _product(fact: bytes, merchant_name: str, market_id: str) -> events_pb2.ProductChanged:
    product = events_pb2.ProductChanged.FromString(fact)
    product.merchant_name, product.market_id = merchant_name, market_id
    return product


class Batch:
    """Writes of one transaction. A fact not newer than what is known is ignored: it may come twice."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def clear(self) -> None:
        """Forgets everything; readers see the old contents until the transaction ends."""
        for table in ("words", "product", "merchant", "cursor"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above

    def put_product(self, fact: events_pb2.ProductChanged) -> None:
        row = self._connection.execute(
            "SELECT position, version FROM product WHERE id = ?", (fact.product_id,)
        ).fetchone()
        position, version = row or (self._free_position(fact.product_id), 0)
        if fact.version <= version:
            return
        self._connection.execute(
            "REPLACE INTO product VALUES (?, ?, ?, ?, ?, ?)",
            (
                position,
                fact.product_id,
                fact.merchant_id,
                fact.version,
                fact.hidden,
                fact.SerializeToString(),
            ),
        )
        self._index(position)

    def put_merchant(self, merchant: Merchant) -> None:
        row = self._connection.execute("SELECT version FROM merchant WHERE id = ?", (merchant.id,)).fetchone()
        if row and merchant.version <= row[0]:
            return
        self._connection.execute(
            "REPLACE INTO merchant VALUES (?, ?, ?, ?, ?)",
            (merchant.id, merchant.version, merchant.active, merchant.name, merchant.market_id),
        )
        products = self._connection.execute("SELECT position FROM product WHERE merchant_id = ?", (merchant.id,))
        for (position,) in products.fetchall():
            self._index(position)

    def put_cursors(self, cursors: Iterable[tuple[str, Cursor]]) -> None:
        self._connection.executemany(
            "REPLACE INTO cursor VALUES (?, ?, ?)", [(stream, c.entry, c.count) for stream, c in cursors]
        )

    def _free_position(self, product_id: str) -> int:
        position = _position(product_id)
        while self._connection.execute("SELECT 1 FROM product WHERE position = ?", (position,)).fetchone():
            position += 1
        return position

    def _index(self, position: int) -> None:
        """Makes a product found by its words, or not found where it or its merchant may not be seen."""
        self._connection.execute("DELETE FROM words WHERE rowid = ?", (position,))
        row = self._connection.execute(
            "SELECT fact, name, market_id FROM product JOIN merchant ON merchant.id = merchant_id"
            " WHERE position = ? AND NOT hidden AND active",
            (position,),
        ).fetchone()
        if row is None:
            return
        product = _product(*row)
        self._connection.execute(
            "INSERT INTO words (rowid, toned, name, other, scope) VALUES (?, ?, ?, ?, ?)",
            (
                position,
                toned(product.name),
                folded(product.name),
                folded(f"{product.description} {product.merchant_name}"),
                f"{EVERYWHERE} {scope(product.market_id)}",
            ),
        )


def _position(product_id: str) -> int:
    """Newer products have higher ones, and every index the same: 44 bits of ms, 19 bits of chance."""
    number = int(product_id.rpartition("_")[2], 16)
    return (number >> 80 & (1 << 44) - 1) << 19 | number & (1 << 19) - 1
