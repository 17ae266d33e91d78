"""What the search index's tables hold, and the writing of them."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from cho.events.v1 import events_pb2

from kit import marketrule
from kit.clock import now_ms
from services.catalog.market import Market
from services.catalog.merchant import Merchant
from services.catalog.search.question import scopes
from services.catalog.search.spelling import MISTYPED_LENGTH_MAX, MISTYPED_LENGTH_MIN, folded, shortened, toned

# Raise it with every change of the tables or of what is made of a text.
LAYOUT = 8
# Different words of names; of later ones, no slip of the finger is forgiven.
VOCABULARY_MAX = 100_000
# A price's products have as many places; AMOUNT_MAX * 2^22 fits into SQLite's 63 bits.
PLACE_BITS = 22

# What is a letter to Python may be a mark to SQLite, whose Unicode is older: marks are parts of words, too.
# Both tables of words are the same but for their rowids, in whose order FTS5 finds: newest, or cheapest first.
_WORDS = """(
    toned, name, other, scope, prefix = '1 2 3 4 5 6',
    tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
)"""
TABLES = f"""
CREATE TABLE product (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, merchant_id TEXT NOT NULL,
    version INTEGER NOT NULL, hidden INTEGER NOT NULL, price INTEGER NOT NULL, by_price INTEGER NOT NULL UNIQUE,
    name TEXT NOT NULL, folded TEXT NOT NULL, category TEXT NOT NULL, stars INTEGER NOT NULL,
    changed INTEGER NOT NULL, fact BLOB NOT NULL, indexed BLOB
);
CREATE INDEX product_changed ON product (changed);
CREATE INDEX product_of_merchant ON product (merchant_id);
CREATE TABLE merchant (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, active INTEGER NOT NULL,
    name TEXT NOT NULL, market_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX merchant_of_market ON merchant (market_id);
CREATE TABLE market (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, name TEXT NOT NULL, held TEXT NOT NULL,
    latitude REAL NOT NULL, longitude REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE cursor (stream TEXT PRIMARY KEY, entry TEXT NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5{_WORDS};
CREATE VIRTUAL TABLE words_by_price USING fts5{_WORDS};
CREATE TABLE vocabulary (number INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE spelling (shortened TEXT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (shortened, word)) WITHOUT ROWID;
"""

_PUT_PRODUCT = """
INSERT INTO product
    (position, id, merchant_id, version, hidden, price, by_price, name, folded, category, stars, changed, fact)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (position) DO UPDATE SET
    (merchant_id, version, hidden, price, by_price, name, folded, category, stars, changed, fact) = (
        excluded.merchant_id, excluded.version, excluded.hidden, excluded.price, excluded.by_price, excluded.name,
        excluded.folded, excluded.category, excluded.stars, excluded.changed, excluded.fact
    )
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a stream was read: the last entry's id, and how many entries the stream had had by then."""

    entry: str
    count: int


def product_of(fact: bytes, merchant_name: str, market_id: str) -> events_pb2.ProductChanged:
    """A product as it was told, with what is known of its merchant by now."""
    product = events_pb2.ProductChanged.FromString(fact)
    product.merchant_name, product.market_id = merchant_name, market_id
    return product


class Batch:
    """Writes of one transaction. A fact not newer than what is known is ignored: it may come twice."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._words = ["words", "words_by_price"]
        # When what is put now was told, Unix ms by the streams' server; of a rebuild, when that began.
        self.told_ms = now_ms()

    def clear(self) -> None:
        """Forgets everything; readers see the old contents until the transaction ends."""
        # FTS5 writes a segment whenever rowids go down: what comes now goes by price into it all at once, at the end.
        self._words = ["words"]
        for table in ("words", "words_by_price", "product", "merchant", "market", "cursor", "vocabulary", "spelling"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above

    def finish(self) -> None:
        """What `clear` has put off. Called before the transaction ends."""
        if "words_by_price" not in self._words:
            self._connection.execute("DELETE FROM words_by_price")
            self._connection.execute(
                "INSERT INTO words_by_price (rowid, toned, name, other, scope)"
                " SELECT by_price, toned, words.name, other, scope FROM product JOIN words ON words.rowid = position"
                " WHERE indexed IS NOT NULL ORDER BY by_price"
            )

    def put_product(self, fact: events_pb2.ProductChanged) -> None:
        row = self._connection.execute(
            "SELECT position, version, price, by_price FROM product WHERE id = ?", (fact.product_id,)
        ).fetchone()
        if row and fact.version <= row[1]:
            return
        position = row[0] if row else self._free_position(fact.product_id)
        by_price = row[3] if row and row[2] == fact.price else self._free_place(fact.price, position)
        if row and by_price != row[3]:
            self._forget(position)
        self._connection.execute(
            _PUT_PRODUCT,
            (
                position, fact.product_id, fact.merchant_id, fact.version, fact.hidden, fact.price, by_price,
                fact.name, folded(fact.name), fact.category, fact.ocop_stars, self.told_ms,
                fact.SerializeToString(),
            ),
        )  # fmt: skip
        self._index(position)

    def put_merchant(self, merchant: Merchant) -> None:
        row = self._connection.execute("SELECT version FROM merchant WHERE id = ?", (merchant.id,)).fetchone()
        if row and merchant.version <= row[0]:
            return
        self._connection.execute(
            "REPLACE INTO merchant VALUES (?, ?, ?, ?, ?)",
            (merchant.id, merchant.version, merchant.active, merchant.name, merchant.market_id),
        )
        self._connection.execute("UPDATE product SET changed = ? WHERE merchant_id = ?", (self.told_ms, merchant.id))
        products = self._connection.execute("SELECT position FROM product WHERE merchant_id = ?", (merchant.id,))
        for (position,) in products.fetchall():
            self._index(position)

    def put_market(self, market: Market) -> None:
        """What is told again under its version is read again: a seed may have changed it."""
        row = self._connection.execute("SELECT version, held FROM market WHERE id = ?", (market.id,)).fetchone()
        if row and market.version < row[0]:
            return
        held = "" if market.held == marketrule.UNKNOWN else marketrule.key(market.held)
        self._connection.execute(
            "REPLACE INTO market VALUES (?, ?, ?, ?, ?, ?)",
            (market.id, market.version, market.name, held, market.latitude, market.longitude),
        )
        if held == (row[1] if row else ""):
            return
        products = self._connection.execute(
            "SELECT position FROM product JOIN merchant ON merchant.id = merchant_id WHERE market_id = ?", (market.id,)
        )
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

    def _free_place(self, price: int, position: int) -> int:
        """Among the products of that price, at random: the lowest bits of a position are chance."""
        place = price << PLACE_BITS | position & (1 << PLACE_BITS) - 1
        while self._connection.execute("SELECT 1 FROM product WHERE by_price = ?", (place,)).fetchone():
            place += 1
        return place

    def _forget(self, position: int) -> None:
        self._connection.execute("UPDATE product SET indexed = NULL WHERE position = ?", (position,))
        self._connection.execute("DELETE FROM words WHERE rowid = ?", (position,))
        if "words_by_price" not in self._words:
            return
        self._connection.execute(
            "DELETE FROM words_by_price WHERE rowid = (SELECT by_price FROM product WHERE position = ?)", (position,)
        )

    def _index(self, position: int) -> None:
        """Makes a product found by its words, unless it or its merchant may not be seen.

        Where its words are those that it is found by already, nothing is written: most changes are of stock.
        """
        row = self._connection.execute(
            "SELECT by_price, indexed, coalesce(market.held, ''), fact, merchant.name, market_id FROM product"
            " JOIN merchant ON merchant.id = merchant_id LEFT JOIN market ON market.id = market_id"
            " WHERE position = ? AND NOT hidden AND active",
            (position,),
        ).fetchone()
        if row is None:
            self._forget(position)
            return
        by_price, indexed, held, *found = row
        product = product_of(*found)
        name = folded(product.name)
        texts = (
            toned(product.name),
            name,
            folded(f"{product.description} {product.merchant_name}"),
            scopes(product, held),
        )
        digest = hashlib.blake2b("\0".join(texts).encode(), digest_size=16).digest()
        if digest == indexed:
            return
        if indexed is not None:
            self._forget(position)
        self._connection.execute("UPDATE product SET indexed = ? WHERE position = ?", (digest, position))
        for table, rowid in zip(self._words, (position, by_price), strict=False):
            self._connection.execute(
                f"INSERT INTO {table} (rowid, toned, name, other, scope) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - ours
                (rowid, *texts),
            )
        for word in name.split():
            self._learn(word)

    def _learn(self, word: str) -> None:
        """Makes a word found by one that is a slip of the finger away. It is never unlearnt, short of a rebuild."""
        if not MISTYPED_LENGTH_MIN - 1 <= len(word) <= MISTYPED_LENGTH_MAX:
            return
        if self._connection.execute("SELECT 1 FROM vocabulary WHERE word = ?", (word,)).fetchone():
            return
        learnt = self._connection.execute("SELECT max(number) FROM vocabulary").fetchone()[0] or 0
        if learnt >= VOCABULARY_MAX:
            return
        self._connection.execute("INSERT INTO vocabulary (word) VALUES (?)", (word,))
        self._connection.executemany("INSERT INTO spelling VALUES (?, ?)", [(rest, word) for rest in shortened(word)])


def _position(product_id: str) -> int:
    """Newer products have higher ones, and every index the same: 44 bits of ms, 19 bits of chance."""
    number = int(product_id.rpartition("_")[2], 16)
    return (number >> 80 & (1 << 44) - 1) << 19 | number & (1 << 19) - 1
