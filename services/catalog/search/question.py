"""What is looked for: words, and what narrows them down; as FTS5 expressions that user input cannot break. Pure."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from cho.events.v1 import events_pb2

from kit.errors import InvalidArgument
from kit.marketday import FIRST_YEAR, LAST_YEAR
from kit.money import AMOUNT_MAX
from services.catalog.categories import check_category

QUERY_LENGTH_MAX = 200
ID_LENGTH_MAX = 64
STARS_MAX = 5
WITHIN_KM_MAX = 500
# Lower bounds of the price bands, in đồng; the last has no upper one.
BANDS = (
    0, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000,
)  # fmt: skip

_EVERY, _IN_STOCK = "everywhere", "instock"
# All products.
EVERYWHERE = f'scope : ("{_EVERY}")'


class Order(StrEnum):
    """How products are sorted; the letter marks a page token, so that none is read under another order."""

    RELEVANCE = "r"
    CHEAPEST = "a"
    DEAREST = "d"


@dataclass(frozen=True, slots=True)
class Near:
    """A place, degrees (WGS 84), and how far around it. Raises InvalidArgument."""

    latitude: float
    longitude: float
    within_km: int

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise InvalidArgument("near_latitude must be -90 to 90, near_longitude -180 to 180 degrees")
        if not 1 <= self.within_km <= WITHIN_KM_MAX:
            raise InvalidArgument(f"within_km must be 1 to {WITHIN_KM_MAX}")

    def metres(self, latitude: float, longitude: float) -> int:
        """In a straight line, as on a ball of 6,371 km: right to half a percent."""
        here, there = math.radians(self.latitude), math.radians(latitude)
        east = math.radians(longitude - self.longitude)
        half = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(east / 2) ** 2
        return round(2 * 6_371_000 * math.asin(min(1.0, math.sqrt(half))))


@dataclass(frozen=True, slots=True)
class Question:
    """Words ("" for all products), and what narrows them down: "", 0 and None do not.

    Prices in đồng, both ends included. `market_day` keeps to markets that are held on that day in Vietnam.
    Raises InvalidArgument for what is too long, a price range that holds no price, or a day outside the calendar.
    """

    query: str = ""
    market_id: str = ""
    merchant_id: str = ""
    in_stock: bool = False
    price_min: int = 0
    price_max: int = 0
    order: Order = Order.RELEVANCE
    market_day: date | None = None
    category: str = ""
    stars_min: int = 0
    near: Near | None = None

    def __post_init__(self) -> None:
        if len(self.query) > QUERY_LENGTH_MAX:
            raise InvalidArgument(f"query has {len(self.query)} characters, the limit is {QUERY_LENGTH_MAX}")
        for what, text in (("market_id", self.market_id), ("merchant_id", self.merchant_id)):
            if len(text) > ID_LENGTH_MAX:
                raise InvalidArgument(f"{what} is not one")
        if not (0 <= self.price_min <= AMOUNT_MAX and 0 <= self.price_max <= AMOUNT_MAX):
            raise InvalidArgument(f"price_min and price_max must be from 0 to {AMOUNT_MAX} đồng")
        if self.price_max and self.price_min > self.price_max:
            raise InvalidArgument("price_min is above price_max; swap them")
        check_category(self.category)
        if not 0 <= self.stars_min <= STARS_MAX:
            raise InvalidArgument(f"stars_min must be 1 to {STARS_MAX}, or 0 for all")
        if self.market_day and not FIRST_YEAR <= self.market_day.year <= LAST_YEAR:
            raise InvalidArgument(f"market_day must lie in the years {FIRST_YEAR} to {LAST_YEAR}")

    @property
    def prices(self) -> tuple[int, int]:
        """The lowest and the highest price that fit."""
        return self.price_min, self.price_max or AMOUNT_MAX

    @property
    def check(self) -> str:
        """Eight hex digits that tell this question from another one, for its page tokens."""
        asked = [getattr(self, field.name) for field in fields(self)]
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:8]

    def where(self, held: Collection[str] = (), nearby: Collection[str] = ()) -> str:
        """Products that fit, whatever their words; at a price range's ends, some that only almost fit.

        `held`: the calendars (keys of kit.marketrule) that have `market_day`; `nearby`: the markets that are `near`;
        not empty where that is asked for.
        Empty where nothing narrows: a word that every product has would be read for every one of them.
        """
        needed = [f'"{scope(kind, id)}"' for kind, id in (("m", self.market_id), ("s", self.merchant_id)) if id]
        needed += [f'"{_IN_STOCK}"'] if self.in_stock else []
        needed += [f'"{scope("c", self.category)}"'] if self.category else []
        needed += [f'"{_stars_word(self.stars_min)}"'] if self.stars_min else []
        if self.price_min or self.price_max:
            low, high = (band(price) for price in self.prices)
            needed.append(_either(_band_word(number) for number in range(low, high + 1)))
        if self.market_day:
            needed.append(_either(scope("h", key) for key in sorted(held)))
        if self.near:
            needed.append(_either(scope("m", market_id) for market_id in sorted(nearby)))
        return f"scope : ({' AND '.join(needed)})" if needed else ""


def _either(words: Iterable[str]) -> str:
    return "(" + " OR ".join(f'"{word}"' for word in words) + ")"


def scope(kind: str, text: str) -> str:
    """One word that stands for a market, a merchant, a calendar or a category, whatever characters its id has."""
    return kind + text.encode().hex()


def scopes(product: events_pb2.ProductChanged, held: str) -> str:
    """A product's words for `Question.where`; `held` is its market's calendar, "" where nobody has said."""
    words = [_EVERY, scope("m", product.market_id), scope("s", product.merchant_id), _band_word(band(product.price))]
    words += [scope("h", held)] if held else []
    words += [scope("c", product.category)] if product.category else []
    words += [_stars_word(stars) for stars in range(1, min(product.ocop_stars, STARS_MAX) + 1)]
    return " ".join([*words, _IN_STOCK] if product.stock > 0 or product.available > 0 else words)


def band(price: int) -> int:
    """The number of the price band that holds `price` đồng."""
    return bisect_right(BANDS, price) - 1


def band_ends(number: int) -> tuple[int, int]:
    """The lowest and the highest price of a band, as `Question` takes them; 0 for no upper end."""
    return BANDS[number], BANDS[number + 1] - 1 if number + 1 < len(BANDS) else 0


def _stars_word(stars: int) -> str:
    """Of products with at least so many stars."""
    return f"stars{stars}"


def _band_word(number: int) -> str:
    return f"band{number}"
