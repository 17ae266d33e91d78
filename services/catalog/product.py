"""What a product may be and what becomes of it: pure rules, no I/O, no clock."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cho.events.v1 import events_pb2

from kit.errors import IdempotencyConflict, InvalidArgument, WrongState
from kit.money import check_amount
from services.catalog.categories import check_category
from services.catalog.units import grams_per_unit, price_per_kg, unit_of

NAME_LENGTH_MAX = 120
DESCRIPTION_LENGTH_MAX = 2_000
REASON_LENGTH_MAX = 200
# Units in stock; a market's largest heap is far below.
STOCK_MAX = 10**9
# A tonne in one bag.
NET_GRAMS_MAX = 10**6
# Changes of price that are remembered.
PRICES_MAX = 100
# Requests that are remembered, of those that changed a product.
REQUESTS_MAX = 20


class State(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    HIDDEN = "hidden"
    # For good.
    WITHDRAWN = "withdrawn"


_NEXT = {
    State.DRAFT: {State.PUBLISHED, State.WITHDRAWN},
    State.PUBLISHED: {State.HIDDEN, State.WITHDRAWN},
    State.HIDDEN: {State.PUBLISHED, State.WITHDRAWN},
    State.WITHDRAWN: set(),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a merchant says about a product: `price` in đồng per `unit`, `stock` in units.

    `net_grams`: what one unit of what is counted holds; 0 where nobody says.
    """

    name: str
    description: str
    unit: str
    price: int
    stock: int
    category: str = ""
    net_grams: int = 0

    @property
    def price_per_kg(self) -> int:
        """Đồng, rounded half up; 0 where it is not known."""
        return price_per_kg(self.price, grams_per_unit(self.unit) or self.net_grams)


@dataclass(frozen=True, slots=True)
class PriceSince:
    """Đồng per unit, and since when."""

    price: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """What a change was asked for under; `body` tells it from another one under the same id."""

    id: str
    body: str


def offer(
    name: str, description: str, unit: str, price: int, stock: int, category: str = "", net_grams: int = 0
) -> Offer:
    """An Offer with tidied text (NFC, single spaces) and a unit of the table. Raises InvalidArgument, AmountInvalid."""
    return Offer(
        name=_text("name", name, 1, NAME_LENGTH_MAX),
        description=_text("description", description, 0, DESCRIPTION_LENGTH_MAX),
        unit=unit_of(unit).unit,
        price=check_amount(price),
        stock=check_stock(stock),
        category=check_category(category),
        net_grams=_net_grams(net_grams, unit),
    )


def check_stock(stock: int) -> int:
    """`stock` in units, from 0 to 10^9. Raises InvalidArgument."""
    if not 0 <= stock <= STOCK_MAX:
        raise InvalidArgument(f"stock must be from 0 to {STOCK_MAX}, not {stock}")
    return stock


def _net_grams(grams: int, unit: str) -> int:
    if not 0 <= grams <= NET_GRAMS_MAX:
        raise InvalidArgument(f"net_grams must be from 0 to {NET_GRAMS_MAX}, not {grams}")
    if grams and grams_per_unit(unit):
        raise InvalidArgument("net_grams is of what is counted; this is weighed")
    return grams


def changes(named: Mapping[str, Any], unit: str = "") -> dict[str, Any]:
    """The fields that an update names, checked: name, description, category, net_grams, price, stock, state, hidden,
    reason; `hidden` becomes a state. Raises InvalidArgument (also for none), AmountInvalid."""
    checks: dict[str, Callable[[Any], Any]] = {
        "name": lambda value: _text("name", value, 1, NAME_LENGTH_MAX),
        "description": lambda value: _text("description", value, 0, DESCRIPTION_LENGTH_MAX),
        "category": check_category,
        "net_grams": lambda value: _net_grams(value, unit),
        "price": check_amount,
        "stock": check_stock,
        "hidden": bool,
        "state": State,
        "reason": lambda value: _text("reason", value, 0, REASON_LENGTH_MAX),
    }
    checked = {name: checks[name](value) for name, value in named.items() if value is not None}
    if "hidden" in checked:
        if "state" in checked:
            raise InvalidArgument("name hidden or state, not both")
        checked["state"] = State.HIDDEN if checked.pop("hidden") else State.PUBLISHED
    if checked.keys() <= {"reason"}:
        raise InvalidArgument("name at least one of name, description, category, net_grams, price, stock, state")
    if checked.get("reason") and checked.get("state") not in (State.HIDDEN, State.WITHDRAWN):
        raise InvalidArgument("a reason is given for hiding or withdrawing")
    return checked


def moved(before: State, after: State) -> State:
    """`after`, where a product may go there. Raises WrongState."""
    if after is not before and after not in _NEXT[before]:
        raise WrongState(f"a product that is {before} cannot become {after}", state=before)
    return after


def priced(prices: tuple[PriceSince, ...], price: int, at: datetime) -> tuple[PriceSince, ...]:
    """The price history with one more, the oldest forgotten beyond PRICES_MAX; the same where the price is the same."""
    if prices and prices[-1].price == price:
        return prices
    return (*prices, PriceSince(price, at))[-PRICES_MAX:]


def request_of(request_id: str, changes: Mapping[str, Any]) -> Request:
    """The request for these changes (`changes`)."""
    body = json.dumps(dict(changes), ensure_ascii=False, sort_keys=True)
    return Request(request_id, hashlib.sha256(body.encode()).hexdigest())


def heard(requests: tuple[Request, ...], request: Request) -> bool:
    """Whether this request was done before. Raises IdempotencyConflict where it was another one."""
    known = next((one for one in requests if one.id == request.id), None)
    if known is not None and known != request:
        raise IdempotencyConflict("request_id was used for another change")
    return known is not None


def fingerprint(merchant_id: str, offer: Offer, *, draft: bool = False) -> str:
    """What a request asked for, 64 hex digits: tells the same request sent again from another one."""
    said = asdict(offer)
    # What nobody said then has no place in it, so that a request from before is still known.
    for name in ("category", "net_grams"):
        if not said[name]:
            del said[name]
    body = json.dumps([merchant_id, said, *(["draft"] if draft else [])], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()


def says_no_less(fact: events_pb2.ProductChanged, earlier: bytes) -> bool:
    """Whether only stock has changed since `earlier` (ProductChanged, serialized), so that it need not be told."""
    before = events_pb2.ProductChanged.FromString(earlier)
    for name in ("stock", "available", "version"):
        setattr(before, name, getattr(fact, name))
    before.updated_at.CopyFrom(fact.updated_at)
    return before == fact


def _text(what: str, text: str, length_min: int, length_max: int) -> str:
    tidy = " ".join(unicodedata.normalize("NFC", text).split())
    if not length_min <= len(tidy) <= length_max:
        raise InvalidArgument(f"{what} must have {length_min} to {length_max} characters, not {len(tidy)}")
    if not tidy.isprintable():
        raise InvalidArgument(f"{what} holds a character that cannot be seen")
    return tidy
