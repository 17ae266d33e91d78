"""What one product cost at the end of each day: pure rules, no I/O, no clock.

Only days on which something changed are kept; in between, what was left on sale goes on as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

# Days before today that are known.
DAYS_BACK = 60
# One a day at most, so that these are always all there, with today and the day that the first of them is compared with.
CLOSES_MAX = DAYS_BACK + 2


@dataclass(frozen=True, slots=True)
class Close:
    """`price` in đồng per unit, the last one at which it was on sale that day; `sold`: whether it was at all; `left`:
    whether it still was at the day's end."""

    day: date
    price: int
    sold: bool
    left: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A product as a price sheet knows it. `listed`: shown and in stock; on sale where its merchant is `active`, too.

    Versions count the product's and the merchant's changes; `closes` are in the order of their days.
    """

    product_id: str
    merchant_id: str
    merchant_name: str
    market_id: str
    name: str
    unit: str
    price: int
    listed: bool
    active: bool
    version: int
    merchant_version: int
    closes: tuple[Close, ...] = ()

    @property
    def on_sale(self) -> bool:
        return self.listed and self.active


def closed(line: Line, day: date) -> Line:
    """The line with what is true of it now written down for `day`. A day before the last one changes nothing."""
    last = line.closes[-1] if line.closes else None
    if last and last.day > day:
        return line
    before = bool(last and (last.sold if last.day == day else last.left))
    price = line.price if line.on_sale or last is None else last.price
    now = Close(day, price, sold=before or line.on_sale, left=line.on_sale)
    if last and last.day == day:
        return replace(line, closes=(*line.closes[:-1], now))
    if last and (last.price, last.left) == (now.price, now.sold) == (now.price, now.left):
        return line  # it goes on as it was
    return replace(line, closes=(*line.closes, now)[-CLOSES_MAX:])


def with_past(line: Line, built: Line) -> Line | None:
    """The line with what `built` knows of days before its first; None where that is nothing."""
    earlier = tuple(close for close in built.closes if not line.closes or close.day < line.closes[0].day)
    return replace(line, closes=(*earlier, *line.closes)[-CLOSES_MAX:]) if earlier else None


def price_on(line: Line, day: date) -> int | None:
    """Đồng per unit on a day; None where it was not on sale then, or that is not known any more."""
    last = next((close for close in reversed(line.closes) if close.day <= day), None)
    if last is None:
        return None
    return last.price if (last.sold if last.day == day else last.left) else None
