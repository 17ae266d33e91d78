"""A market's price sheet: the same good of several stalls in one row, its cheapest and its median price, and what has
changed since the market was last held. Pure.

The same good: the same name, whatever its capitals, the place of its tones and which of its names is used (lạc, đậu
phộng), in the same unit. What is weighed is compared by the kilogram, whatever its unit. A name of several words
without any diacritics joins the one name that it may stand for (ca chua: cà chua); where it may stand for several, or
is one word, which may well be meant as it is (cam, and not cám), it stays by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from statistics import median_low

from services.catalog.day.line import Line, price_on
from services.catalog.search import spelling
from services.catalog.search.spelling import toned
from services.catalog.search.synonyms import NAMES_KEPT, one_name
from services.catalog.units import grams_per_unit

KILOGRAM = "kg"
# A market's sheets are made again and again, of the same names.
folded = lru_cache(NAMES_KEPT)(spelling.folded)
# Rows of a sheet; of more, those that most stalls offer.
ROWS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Good:
    """What makes offers comparable: a name as `_named` has it, and the unit that prices are for."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One product on one day: `price` in đồng per unit of its `Good`."""

    line: Line
    good: Good
    price: int


@dataclass(frozen=True, slots=True)
class Row:
    """Prices in đồng per `unit`. `offers` by `stalls`; `before` is the median when the market was last held, None where
    nobody offered it then."""

    key: str
    name: str
    unit: str
    cheapest: Offer
    median: int
    stalls: int
    offers: int
    before: int | None

    @property
    def change(self) -> int | None:
        """Đồng; None where there is nothing to compare with."""
        return None if self.before is None else self.median - self.before

    @property
    def change_permille(self) -> int | None:
        """In thousandths of what it was, rounded half away from zero."""
        if self.change is None or self.before is None:
            return None
        size = (abs(self.change) * 2_000 + self.before) // (2 * self.before)
        return size if self.change >= 0 else -size


@dataclass(frozen=True, slots=True)
class Sheet:
    """A market's day; `last_day`: when it was held before, None where nobody knows. `complete`: no row was left out."""

    day: date
    last_day: date | None
    rows: tuple[Row, ...]
    complete: bool


def sheet(lines: Iterable[Line], day: date, last_day: date | None) -> Sheet:
    """The rows of a day, by name."""
    lines = list(lines)
    today = _priced(lines, day)
    earlier = _priced(lines, last_day) if last_day else []
    # Of both days: what a name stands for on one, it stands for on the other.
    named = _named(line.name for line, _ in (*today, *earlier))
    offers_now, offers_then = _offers(today, named), _offers(earlier, named)
    rows = [_row(good, offers, offers_then.get(good, ())) for good, offers in offers_now.items()]
    kept = sorted(rows, key=lambda row: (-row.stalls, row.key))[:ROWS_MAX]
    return Sheet(day, last_day, tuple(sorted(kept, key=lambda row: row.key)), complete=len(kept) == len(rows))


def _priced(lines: Iterable[Line], day: date) -> list[tuple[Line, int]]:
    return [(line, price) for line in lines if (price := price_on(line, day)) is not None]


def _offers(priced: Iterable[tuple[Line, int]], named: Mapping[str, str]) -> Mapping[Good, list[Offer]]:
    found: dict[Good, list[Offer]] = defaultdict(list)
    for line, price in priced:
        unit, price = _compared(line.unit, price)
        good = Good(named[line.name], unit)
        found[good].append(Offer(line, good, price))
    return found


def _compared(unit: str, price: int) -> tuple[str, int]:
    """Unit and đồng per it: kilograms of what is weighed, rounded half up."""
    grams = grams_per_unit(unit)
    return (KILOGRAM, (price * 2_000 + grams) // (2 * grams)) if grams else (folded_unit(unit), price)


def folded_unit(unit: str) -> str:
    return " ".join(unit.lower().split())


def _named(names: Iterable[str]) -> dict[str, str]:
    """For each name as it is written, the one that stands for it on this sheet."""
    named = {name: one_name(name) for name in set(names)}
    bare = {name for name in named if _is_bare(name)}
    written: dict[str, set[str]] = defaultdict(set)
    for name in named.keys() - bare:
        written[folded(named[name])].add(named[name])
    for name in bare:
        meant = written[folded(named[name])]
        if len(meant) == 1 and " " in folded(name):
            (named[name],) = meant
    return named


@lru_cache(NAMES_KEPT)
def _is_bare(name: str) -> bool:
    """Whether it is written without any diacritics."""
    return toned(name) == folded(name)


def _row(good: Good, offers: list[Offer], before: Iterable[Offer]) -> Row:
    cheapest = min(offers, key=lambda offer: (offer.price, offer.line.product_id))
    spelt = Counter(offer.line.name for offer in offers)
    earlier = [offer.price for offer in before]
    return Row(
        key="\n".join((folded(good.name), good.name, good.unit)),
        name=min(spelt, key=lambda name: (-spelt[name], name)),
        unit=good.unit,
        cheapest=cheapest,
        median=median_low(offer.price for offer in offers),
        stalls=len({offer.line.merchant_id for offer in offers}),
        offers=len(offers),
        before=median_low(earlier) if earlier else None,
    )
