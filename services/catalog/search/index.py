"""The search index: one SQLite file of this process, written by one thread and read by many.

It holds copies only: a file of another layout, or that SQLite cannot read, is thrown away and built again.
Cursors into the streams are stored in the same transaction as what was read up to them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cho.events.v1 import events_pb2

from kit import marketrule, rebuilt
from kit.errors import Unavailable
from services.catalog.search.batch import LAYOUT, PLACE_BITS, TABLES, Batch, Cursor, product_of
from services.catalog.search.question import BANDS, EVERYWHERE, Near, Order, Question
from services.catalog.search.spelling import MISTYPED_LENGTH_MAX, MISTYPED_LENGTH_MIN, one_edit_apart, shortened
from services.catalog.search.words import Place, both, mistyped, tiers, widening, words_of

# Of the file, 100,000 products take less than half.
_MAPPED_BYTES_MAX = 1 << 30
# Above every position.
_POSITION_MAX = (1 << 63) - 1
# Searches at once. More of them hand Python's lock to and fro at every row, and each takes longer than by itself.
AT_ONCE = 2
# With fewer products than these, words are taken to be mistyped.
FEW = 5
# Words of the index that one mistyped word may have been, and those looked at to find them.
MEANT_MAX = 16
LOOKED_AT_MAX = 1_000
# Matches that facets are counted over, and names that are suggested: the newest ones. Somebody types faster than reads.
COUNTED_MAX = 1_000
NAMED_MAX = 300


@dataclass(frozen=True, slots=True)
class Page:
    """Products best match first, newest first among equals; `next_token` is empty on the last page."""

    products: list[events_pb2.ProductChanged]
    next_token: str


@dataclass(frozen=True, slots=True)
class Told:
    """A product as it was last told; `market` is its market's name, "" where that is not known."""

    position: int
    shown: bool
    product: events_pb2.ProductChanged
    market: str


@dataclass(frozen=True, slots=True)
class Facets:
    """Products by market id, number of a price band, category and stars; not `complete` where there may be more.

    `names` of these markets, and `metres` to them from where it was asked, where they are known.
    """

    markets: Counter[str]
    bands: Counter[int]
    categories: Counter[str]
    stars: Counter[int]
    complete: bool
    names: dict[str, str]
    metres: dict[str, int]


class Index:
    """Open once a process, after any fork. `write` belongs to one thread, `search` to any."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader = threading.local()
        self._turns = threading.Semaphore(AT_ONCE)
        self._opened: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = rebuilt.writer(path, LAYOUT, TABLES)

    @property
    def folder(self) -> Path:
        """Where its file lies: there is room, and it may be written."""
        return self._path.parent

    def close(self) -> None:
        """Closes every connection; nobody may be searching."""
        for connection in [*self._opened, self._writer]:
            connection.close()

    def search(self, question: Question, page_size: int, page_token: str = "") -> Page:
        """Products whose merchant is active and that are not hidden. Raises InvalidArgument, Unavailable.

        By relevance, the order is by tier (`words.widening`; words taken to be mistyped come last), then position
        (made from the product's id); by price, all but the mistyped are one tier. Pages do not shift when other
        products change, and a token holds on every replica.
        """
        order = question.order
        start = -1 if order is Order.CHEAPEST else _POSITION_MAX
        place = Place.read(page_token, question) if page_token else Place(0, start)
        found: list[tuple[Place, events_pb2.ProductChanged]] = []
        with self._snapshot() as connection:
            where = _where(connection, question)
            expressions, few = _tiers(question, where), None
            guesses = len(expressions)
            for tier in range(place.tier, guesses + 1):
                wider = tier < guesses
                expression = expressions[tier] if wider else _guess(connection, question, where, few)
                if not expression:
                    continue
                beyond = place.position if tier == place.tier else start
                left = page_size + 1 - len(found)
                values = (expression, *_rowids(question, beyond), *question.prices, left)
                rows = connection.execute(_PAGES[order], values)
                found += [(Place(tier, position), product_of(*row)) for position, *row in rows]
                if len(found) > page_size:
                    break
                if tier == 0 and not page_token and len(expressions) > 1:
                    # Most narrow searches end here: the wider tiers need not be looked through one by one.
                    most = max(len(found), FEW)
                    few = _matching(connection, question, _widest(question, where), most + 1)
                    if few == len(found):
                        expressions[1:] = [""] * (guesses - 1)
        products = [product for _, product in found[:page_size]]
        return Page(products, found[page_size - 1][0].write(question) if len(found) > page_size else "")

    def facets(self, question: Question) -> Facets:
        """How many matches are of which market and price band. Raises Unavailable.

        Of more than COUNTED_MAX matches, the newest are counted; the cheapest, where prices are narrowed down.
        """
        with self._snapshot() as connection:
            expression = _widest(question, _where(connection, question))
            counted = _counted(question, expression, COUNTED_MAX)
            rows = connection.execute(_FACETS.format(counted=counted.sql), counted.values) if expression else ()
            found: dict[str, Counter[Any]] = {kind: Counter() for kind in ("market", "band", "category", "stars")}
            for kind, value, products in rows:
                found[kind][value] += products
            known = {
                market_id: rest for market_id, *rest in connection.execute(_MARKETS) if market_id in found["market"]
            }
        near = question.near
        return Facets(
            found["market"], found["band"], found["category"], found["stars"],
            complete=found["market"].total() < COUNTED_MAX,
            names={market_id: name for market_id, (name, *_) in known.items()},
            metres={
                market_id: near.metres(*at) for market_id, (_, *at) in known.items() if near and any(at)
            },
        )  # fmt: skip

    def suggest(self, prefix: str, market_id: str, limit: int) -> list[str]:
        """Names of products that go on from what was typed, those sold most often first. Raises Unavailable.

        Counted over the newest NAMED_MAX matches; a name in two spellings is one. Empty for no words.
        """
        question = Question(prefix, market_id)
        words = words_of(prefix)
        if not words:
            return []
        begun = " AND ".join(f'"{word}"' for word in words)
        start = " ".join(words)
        with self._snapshot() as connection:
            counted = _counted(question, both(question.where(), f"name : ({begun} *)"), NAMED_MAX)
            values = (*counted.values, len(start), start, limit)
            return [name for name, *_ in connection.execute(f"{_NAMES} FROM {counted.sql} {_RANKED}", values)]

    def told(self, merchant_id: str, market_id: str, since_ms: int, after: int, most: int) -> list[Told]:
        """Products in the order of their positions, from beyond `after` on; those only that changed after `since_ms`,
        then also those that are not shown any more. Raises Unavailable."""
        with self._snapshot() as connection:
            rows = connection.execute(
                _TOLD, (after, since_ms, since_ms, merchant_id, merchant_id, market_id, market_id, most)
            )
            return [Told(position, bool(shown), product_of(*found), market) for position, shown, market, *found in rows]

    def last_told_ms(self) -> int:
        """When the newest change was told that is known here, Unix ms; 0 for none. Raises Unavailable."""
        with self._snapshot() as connection:
            return int(connection.execute("SELECT coalesce(max(changed), 0) FROM product").fetchone()[0])

    @contextmanager
    def write(self) -> Iterator[Batch]:
        """One transaction: all of it or nothing."""
        self._writer.execute("BEGIN IMMEDIATE")
        batch = Batch(self._writer)
        try:
            yield batch
            batch.finish()
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
            self._reader.connection = rebuilt.reader(self._path)
            self._opened.append(self._reader.connection)
            # Pages of the file are shared by all readers, instead of a copy for each.
            self._reader.connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES_MAX}").fetchone()
        connection: sqlite3.Connection = self._reader.connection
        with self._turns:
            connection.execute("BEGIN")
            try:
                if not connection.execute("SELECT 1 FROM cursor").fetchone():
                    raise Unavailable("search is being built; try again in a moment")
                yield connection
            finally:
                connection.execute("ROLLBACK")


_FOUND = """
FROM {table}
JOIN product ON product.{key} = {table}.rowid
JOIN merchant ON merchant.id = product.merchant_id
WHERE {table} MATCH ?
"""
_PAGE = (
    "SELECT product.{key}, product.fact, merchant.name, merchant.market_id"
    + _FOUND
    + "AND {table}.rowid BETWEEN ? AND ? AND product.price BETWEEN ? AND ? ORDER BY {table}.rowid {direction} LIMIT ?"
)
_PAGES = {
    Order.RELEVANCE: _PAGE.format(table="words", key="position", direction="DESC"),
    Order.CHEAPEST: _PAGE.format(table="words_by_price", key="by_price", direction="ASC"),
    Order.DEAREST: _PAGE.format(table="words_by_price", key="by_price", direction="DESC"),
}

_MATCHING = (
    "SELECT count(*) FROM (SELECT 1"  # noqa: S608 - our own names
    + _FOUND.format(table="words", key="position")
    + "AND product.price BETWEEN ? AND ? LIMIT ?)"
)

# Sums are made in SQLite: for every row that it hands over, a thread may wait for Python's lock.
_BAND = "CASE " + " ".join(f"WHEN price < {BANDS[number]} THEN {number - 1}" for number in range(1, len(BANDS)))
_BAND += f" ELSE {len(BANDS) - 1} END"
_FACETS = (
    "WITH found AS MATERIALIZED (SELECT market_id, price, category, stars FROM {counted}"  # noqa: S608 - {counted} is ours
    " JOIN merchant ON merchant.id = merchant_id)"
    " SELECT 'market', market_id, count(*) FROM found GROUP BY 2"
    " UNION ALL SELECT 'band', " + _BAND + ", count(*) FROM found GROUP BY 2"
    " UNION ALL SELECT 'category', category, count(*) FROM found WHERE category <> '' GROUP BY 2"
    " UNION ALL SELECT 'stars', stars, count(*) FROM found WHERE stars GROUP BY 2"
)
_TOLD = """
SELECT position, indexed IS NOT NULL, coalesce(market.name, ''), fact, merchant.name, market_id
FROM product JOIN merchant ON merchant.id = merchant_id LEFT JOIN market ON market.id = market_id
WHERE position > ? AND CASE WHEN ? THEN changed > ? ELSE indexed IS NOT NULL END
AND (? = '' OR merchant_id = ?) AND (? = '' OR market_id = ?) ORDER BY position LIMIT ?
"""
_MARKETS = "SELECT id, name, latitude, longitude FROM market"
# The newest spelling of each name.
_NAMES = "SELECT name, max(position), count(*) AS sold"
_RANKED = "GROUP BY folded ORDER BY substr(folded, 1, ?) <> ?, sold DESC, folded LIMIT ?"


@dataclass(frozen=True, slots=True)
class _Counted:
    """At most so many matching products, as a subquery and its values."""

    sql: str
    values: tuple[str | int, ...]


def _counted(question: Question, expression: str, most: int) -> _Counted:
    narrow = question.price_min or question.price_max
    table, key, direction = ("words_by_price", "by_price", "ASC") if narrow else ("words", "position", "DESC")
    sql = (
        f"(SELECT product.* FROM {table} JOIN product ON product.{key} = {table}.rowid"  # noqa: S608 - names from above
        f" WHERE {table} MATCH ? AND {table}.rowid BETWEEN ? AND ? ORDER BY {table}.rowid {direction} LIMIT ?)"
    )
    return _Counted(sql, (expression, *(_places(question) if narrow else (0, _POSITION_MAX)), most))


def _rowids(question: Question, beyond: int) -> tuple[int, int]:
    """The lowest and the highest rowid of what comes after `beyond`, in the question's order."""
    if question.order is Order.RELEVANCE:
        return 0, beyond - 1
    lowest, highest = _places(question)
    return (
        (max(lowest, beyond + 1), highest) if question.order is Order.CHEAPEST else (lowest, min(highest, beyond - 1))
    )


def _places(question: Question) -> tuple[int, int]:
    """The ends of the question's prices among the rowids of words_by_price."""
    lowest, highest = question.prices
    return lowest << PLACE_BITS, (highest + 1 << PLACE_BITS) - 1


def _where(connection: sqlite3.Connection, question: Question) -> str | None:
    """`Question.where` with what is known of markets; None where none of them is held that day, or is near."""
    held = _held_on(connection, question.market_day) if question.market_day else ()
    nearby = _near(connection, question.near) if question.near else ()
    if (question.market_day and not held) or (question.near and not nearby):
        return None
    return question.where(held, nearby)


def _near(connection: sqlite3.Connection, near: Near) -> Collection[str]:
    known = [(market_id, at) for market_id, _, *at in connection.execute(_MARKETS) if any(at)]
    return [market_id for market_id, at in known if near.metres(*at) <= near.within_km * 1_000]


def _held_on(connection: sqlite3.Connection, day: date) -> Collection[str]:
    keys = [key for (key,) in connection.execute("SELECT DISTINCT held FROM market WHERE held <> ''")]
    return [key for key in keys if marketrule.is_open(marketrule.of_key(key), day)]


def _tiers(question: Question, where: str | None) -> list[str]:
    """Expressions in the order of the question, without what may be mistyped."""
    if question.order is Order.RELEVANCE and where is not None:
        wider = widening(question.query)
        return tiers(where, wider) if wider else [_widest(question, where)]
    return [_widest(question, where)]


def _widest(question: Question, where: str | None) -> str:
    """All that matches, in one expression; "" where nothing can: no market is held, or marks without words."""
    if where is None:
        return ""
    wider = widening(question.query)
    if wider:
        return both(where, wider[-1])
    return "" if question.query.strip() else where or EVERYWHERE


def _matching(connection: sqlite3.Connection, question: Question, expression: str, most: int) -> int:
    """How many products match, `most` at most."""
    rows = connection.execute(_MATCHING, (expression, *question.prices, most))
    return int(rows.fetchone()[0])


def _guess(connection: sqlite3.Connection, question: Question, where: str | None, few: int | None = None) -> str:
    """What else words may have been meant to be, where little was found as typed; "" where there is nothing.

    Words that no product's name has are mistyped; if all are known and yet nothing is found, any may be.
    """
    words = words_of(question.query)
    if where is None or not any(len(word) >= MISTYPED_LENGTH_MIN for word in words):
        return ""
    widest = _widest(question, where)
    if few is None:
        few = _matching(connection, question, widest, FEW)
    if few >= FEW:
        return ""
    suspects = [word for word in words if MISTYPED_LENGTH_MIN <= len(word) <= MISTYPED_LENGTH_MAX]
    unknown = [word for word in suspects if not _is_known(connection, word)]
    meant = {word: _meant(connection, word) for word in (unknown if unknown or few else suspects)}
    if not any(meant.values()):
        return ""
    return f"{both(where, mistyped(words, meant))} NOT ({widest})"


def _is_known(connection: sqlite3.Connection, word: str) -> bool:
    return connection.execute("SELECT 1 FROM vocabulary WHERE word = ?", (word,)).fetchone() is not None


def _meant(connection: sqlite3.Connection, word: str) -> list[str]:
    keys = sorted(shortened(word))
    rows = connection.execute(
        f"SELECT DISTINCT word FROM spelling WHERE shortened IN ({', '.join('?' * len(keys))}) LIMIT ?",  # noqa: S608
        (*keys, LOOKED_AT_MAX),
    )
    return sorted(other for (other,) in rows if one_edit_apart(word, other))[:MEANT_MAX]
