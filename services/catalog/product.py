"""What a product may be: pure rules, no I/O, no clock."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import asdict, dataclass

from kit.errors import InvalidArgument
from kit.money import check_amount

NAME_LENGTH_MAX = 120
DESCRIPTION_LENGTH_MAX = 2_000
UNIT_LENGTH_MAX = 20
# Units in stock; a market's largest heap is far below.
STOCK_MAX = 10**9


@dataclass(frozen=True, slots=True)
class Offer:
    """What a merchant says about a product: `price` in đồng per `unit`, `stock` in units."""

    name: str
    description: str
    unit: str
    price: int
    stock: int


def offer(name: str, description: str, unit: str, price: int, stock: int) -> Offer:
    """An Offer with tidied text (NFC, single spaces). Raises InvalidArgument or AmountInvalid."""
    return Offer(
        name=_text("name", name, 1, NAME_LENGTH_MAX),
        description=_text("description", description, 0, DESCRIPTION_LENGTH_MAX),
        unit=_text("unit", unit, 1, UNIT_LENGTH_MAX),
        price=check_amount(price),
        stock=check_stock(stock),
    )


def check_stock(stock: int) -> int:
    """`stock` in units, from 0 to 10^9. Raises InvalidArgument."""
    if not 0 <= stock <= STOCK_MAX:
        raise InvalidArgument(f"stock must be from 0 to {STOCK_MAX}, not {stock}")
    return stock


def changes(price: int | None, stock: int | None, hidden: bool | None) -> dict[str, int | bool]:
    """The fields that an update names, checked. Raises InvalidArgument (also for none), AmountInvalid."""
    named: dict[str, int | bool] = {}
    if price is not None:
        named["price"] = check_amount(price)
    if stock is not None:
        named["stock"] = check_stock(stock)
    if hidden is not None:
        named["hidden"] = hidden
    if not named:
        raise InvalidArgument("name at least one of price, stock, hidden")
    return named


def fingerprint(merchant_id: str, offer: Offer) -> str:
    """What a request asked for, 64 hex digits: tells the same request sent again from another one."""
    body = json.dumps([merchant_id, asdict(offer)], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()


def _text(what: str, text: str, length_min: int, length_max: int) -> str:
    tidy = " ".join(unicodedata.normalize("NFC", text).split())
    if not length_min <= len(tidy) <= length_max:
        raise InvalidArgument(f"{what} must have {length_min} to {length_max} characters, not {len(tidy)}")
    if not tidy.isprintable():
        raise InvalidArgument(f"{what} holds a character that cannot be seen")
    return tidy
