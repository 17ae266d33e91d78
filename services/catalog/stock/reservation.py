"""An order's reservation: what it asks for and what state it is in. Pure rules, no I/O, no clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kit.errors import BY_CODE, DomainError, InvalidArgument
from services.catalog.stock.shelf import Take

LINES_MAX = 50
LINE_QUANTITY_MAX = 10**9
ORDER_ID_LENGTH_MAX = 64
LIFE_MAX = timedelta(days=30)
# A sale after the end holds what it takes anew for as long, should it be cut off.
LATE_LIFE = timedelta(minutes=1)


class State(StrEnum):
    # Stock is being set aside, or is.
    OPEN = "open"
    REFUSED = "refused"
    RELEASED = "released"
    EXPIRED = "expired"
    # Final quantities are decided: only selling is left to do.
    SELLING = "selling"
    SOLD = "sold"


# What is set aside under one of these is to be given back.
ENDED = frozenset({State.REFUSED, State.RELEASED, State.EXPIRED})


@dataclass(frozen=True, slots=True)
class Line:
    """`quantity` in base units."""

    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """A line as it is set aside, or was sold. `price` in đồng per `unit`; `grams_per_unit` is 0 for what is counted."""

    product_id: str
    price: int
    unit: str
    grams_per_unit: int
    takes: tuple[Take, ...]

    @property
    def quantity(self) -> int:
        return sum(take.quantity for take in self.takes)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was set aside, as it was told."""

    code: str
    message: str
    details: dict[str, str]

    def error(self) -> DomainError:
        return BY_CODE[self.code](self.message, **self.details)


@dataclass(frozen=True, slots=True)
class Reservation:
    """`complete` once all of `lines` is set aside: then `reserved` says from where. `turn` counts attempts, see
    `shelf.Hold`; `version` counts changes. `sale`: final quantities, once they are decided."""

    order_id: str
    lines: tuple[Line, ...]
    expires_at: datetime
    state: State
    turn: int
    complete: bool
    reserved: tuple[Reserved, ...]
    sale: tuple[Line, ...]
    refusal: Refusal | None
    version: int

    def over(self, now: datetime) -> bool:
        """Whether it is open no more, or only because nobody has looked."""
        return self.state is not State.OPEN or self.expires_at <= now


def check_order_id(order_id: str) -> str:
    """Raises InvalidArgument."""
    if not (0 < len(order_id) <= ORDER_ID_LENGTH_MAX and order_id.isprintable()):
        raise InvalidArgument(f"order_id must have 1 to {ORDER_ID_LENGTH_MAX} characters")
    return order_id


def check_lines(lines: Sequence[Line]) -> tuple[Line, ...]:
    """1 to 50 products, each once, 1 to 10^9 base units of each; sorted. Raises InvalidArgument."""
    if not 1 <= len(lines) <= LINES_MAX:
        raise InvalidArgument(f"lines must be 1 to {LINES_MAX}, not {len(lines)}")
    if len({line.product_id for line in lines}) < len(lines):
        raise InvalidArgument("lines name a product twice; add the quantities up")
    for line in lines:
        if not line.product_id:
            raise InvalidArgument("a line names no product")
        if not 1 <= line.quantity <= LINE_QUANTITY_MAX:
            raise InvalidArgument(f"quantity must be from 1 to {LINE_QUANTITY_MAX}, not {line.quantity}")
    return tuple(sorted(lines, key=lambda line: line.product_id))


def check_sale(reservation: Reservation, lines: Sequence[Line]) -> tuple[Line, ...]:
    """Final quantities of the reservation's products, without those of nothing. Raises InvalidArgument."""
    sale = check_lines([line for line in lines if line.quantity])
    if not {line.product_id for line in sale} <= {line.product_id for line in reservation.lines}:
        raise InvalidArgument("a line's product is not in the reservation")
    return sale


def check_expiry(expires_at: datetime, now: datetime) -> datetime:
    """In the future, at most 30 days. Raises InvalidArgument."""
    if not now < expires_at <= now + LIFE_MAX:
        raise InvalidArgument(f"expires_at must be in the future, at most {LIFE_MAX.days} days")
    return expires_at


def fingerprint(lines: Sequence[Line]) -> str:
    """What was asked for, 64 hex digits: tells the same request sent again from another one."""
    body = json.dumps([[line.product_id, line.quantity] for line in sorted(lines, key=lambda line: line.product_id)])
    return hashlib.sha256(body.encode()).hexdigest()
