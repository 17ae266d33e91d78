"""What a live sale is and how it lives: pure rules, no I/O, no clock.

Prices are whole đồng a lot. A lot is `lot_size` base units: pieces of what is counted, grams of what is weighed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from kit.errors import InvalidArgument, NotFound, ProductNotForSale, WrongState
from kit.money import check_amount
from services.orders.cart import BASE_MAX, Product
from services.orders.life import Actor, Who, check_reason

TITLE_MAX = 80
LINES_MAX, LOTS_MAX, CAP_MAX = 10, 10_000, 100
# Sales of one stall that have not ended.
OPEN_MAX = 20
AHEAD_MAX = timedelta(days=30)
LASTS_MIN, LASTS_MAX = timedelta(minutes=1), timedelta(days=1)
# How long a claim waits for its payment.
PAY_WITHIN, PAY_WITHIN_MIN, PAY_WITHIN_MAX = timedelta(minutes=10), timedelta(minutes=1), timedelta(minutes=30)
# Stock is set aside so long before a sale opens.
LEAD = timedelta(seconds=10)
# Stock stays aside so long after a sale should have opened, until it is known that it does; and so long after it
# closes, at most: every claim is paid or given back well before.
STOCK_WAITS, STOCK_STAYS = timedelta(minutes=5), timedelta(days=2)
HISTORY_MAX = 20


class State(str, Enum):
    """Where a sale stands. In CLOSED what was claimed is still being paid."""

    SCHEDULED = "scheduled"
    OPEN = "open"
    CLOSED = "closed"
    SETTLED = "settled"
    CANCELLED = "cancelled"


ENDED = frozenset({State.SETTLED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Line:
    """`lots` of a product at `price` đồng each; `cap`: what one person may have; `sold`: once it is settled."""

    product_id: str
    name: str
    unit: str
    lots: int
    lot_size: int
    price: int
    cap: int
    sold: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A line as the stall asks for it. 0: one unit a lot, one lot a person."""

    product_id: str
    lots: int
    price: int
    lot_size: int = 0
    cap: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A sale as the stall asks for it."""

    merchant_id: str
    title: str
    opens_at: datetime
    closes_at: datetime
    lines: tuple[Asked, ...]
    pay_within: timedelta = PAY_WITHIN


@dataclass(frozen=True, slots=True)
class Happened:
    """`event` ends the name of what is told of it ("opened": live.opened)."""

    event: str
    state: State
    who: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A sale and what has happened to it. `version` counts its changes.

    `set_aside`: whether its stock is. `sealed`: whether its last lot is decided; then lines say what was sold.
    `trouble`: why its stock could not be sold or given back, a code of kit/errors.py; tried again all the time.
    """

    id: str
    merchant_id: str
    merchant_name: str
    owner_id: str
    title: str
    opens_at: datetime
    closes_at: datetime
    pay_within: timedelta
    lines: tuple[Line, ...]
    state: State = State.SCHEDULED
    set_aside: bool = False
    sealed: bool = False
    trouble: str = ""
    history: tuple[Happened, ...] = ()
    version: int = 1

    def line(self, product_id: str) -> Line | None:
        """What it sells of a product."""
        return next((one for one in self.lines if one.product_id == product_id), None)

    @property
    def begins_at(self) -> datetime:
        """From when on there is something to do for it."""
        return self.opens_at - LEAD

    @property
    def counting(self) -> bool:
        """Whether its counter has to be in Valkey."""
        return self.set_aside and not self.sealed and self.state not in ENDED


def schedule(
    sale_id: str, plan: Plan, seller: Actor, merchant_name: str, products: Mapping[str, Product], now: datetime
) -> Sale:
    """Raises InvalidArgument, AmountInvalid, NotFound, ProductNotForSale."""
    title = " ".join(plan.title.split())
    if not title or len(title) > TITLE_MAX or not title.isprintable():
        raise InvalidArgument(f"title: 1 to {TITLE_MAX} characters that can be seen")
    if not now < plan.opens_at <= now + AHEAD_MAX:
        raise InvalidArgument(f"opens_at: from now on, and within {AHEAD_MAX.days} days")
    if not LASTS_MIN <= plan.closes_at - plan.opens_at <= LASTS_MAX:
        raise InvalidArgument("closes_at: a minute to a day after opens_at")
    if not PAY_WITHIN_MIN <= plan.pay_within <= PAY_WITHIN_MAX:
        raise InvalidArgument("pay_within_s: 60 to 1,800, or 0 for 600")
    lines = _lines(plan, products)
    scheduled = Sale(
        id=sale_id, merchant_id=plan.merchant_id, merchant_name=merchant_name, owner_id=seller.id, title=title,
        opens_at=plan.opens_at, closes_at=plan.closes_at, pay_within=plan.pay_within, lines=lines,
    )  # fmt: skip
    return _note(scheduled, "scheduled", seller, now)


def fingerprint(plan: Plan) -> str:
    """What was asked for, 64 hex digits: tells the same request sent again from another one."""
    return hashlib.sha256(json.dumps(asdict(plan), default=str, sort_keys=True).encode()).hexdigest()


def quantities(sale: Sale, sold: bool = False) -> dict[str, int]:
    """Base units by product: all that it offers, or what it sold (products of which it sold none are left out)."""
    counts = {one.product_id: (one.sold if sold else one.lots) * one.lot_size for one in sale.lines}
    return {product_id: count for product_id, count in counts.items() if count}


# What becomes of it


def aside(sale: Sale) -> Sale:
    """Its stock is set aside."""
    return replace(sale, set_aside=True) if sale.state is State.SCHEDULED else sale


def open_(sale: Sale, now: datetime) -> Sale:
    """By the clock, once its stock is there."""
    if sale.state is not State.SCHEDULED or not sale.set_aside or now < sale.opens_at:
        return sale
    return _note(replace(sale, state=State.OPEN), "opened", Actor(Who.CLOCK), now)


def cancel(sale: Sale, actor: Actor, reason: str, now: datetime) -> Sale:
    """Called off; the same one where it was already. People may until its stock is set aside, since from then on its
    counter opens by itself. Raises WrongState, InvalidArgument."""
    if sale.state is State.CANCELLED:
        return sale
    if sale.state is not State.SCHEDULED or (sale.set_aside and actor.id):
        raise WrongState("it is open, or about to be: close it instead", state=sale.state.value)
    return _note(replace(sale, state=State.CANCELLED), "cancelled", actor, now, check_reason(reason, needed=True))


def close(sale: Sale, actor: Actor, reason: str, now: datetime) -> Sale:
    """Nothing is claimed any more; the same one where it was closed already. Raises WrongState, InvalidArgument."""
    if sale.state in (State.CLOSED, State.SETTLED):
        return sale
    if sale.state is not State.OPEN:
        raise WrongState("it is not open", state=sale.state.value)
    reason = check_reason(reason, needed=bool(actor.id))
    return _note(replace(sale, state=State.CLOSED), "closed", actor, now, reason)


def seal(sale: Sale, sold: Mapping[str, int]) -> Sale:
    """Its last lot is decided: lots sold by product, for good; the same one where it was sealed already."""
    if sale.sealed:
        return sale
    assert sale.state is State.CLOSED, "an open sale is never sealed"
    lines = tuple(replace(one, sold=sold.get(one.product_id, 0)) for one in sale.lines)
    assert all(one.sold <= one.lots for one in lines), "more was sold than there was"
    return replace(sale, lines=lines, sealed=True)


def settle(sale: Sale, now: datetime) -> Sale:
    """What was sold is sold in the catalog, too, and the rest is given back."""
    if sale.state is not State.CLOSED or not sale.sealed:
        return sale
    return _note(replace(sale, state=State.SETTLED, trouble=""), "settled", Actor(Who.CLOCK), now)


def troubled(sale: Sale, code: str) -> Sale:
    """The catalog refuses what was agreed with it; somebody should know."""
    return sale if sale.state in ENDED else replace(sale, trouble=code)


def _note(sale: Sale, event: str, actor: Actor, now: datetime, reason: str = "") -> Sale:
    assert len(sale.history) < HISTORY_MAX, "a sale has five things that can happen to it, each once"
    happened = Happened(event, sale.state, actor.who.value, actor.id, reason, now)
    return replace(sale, history=(*sale.history, happened))


def _lines(plan: Plan, products: Mapping[str, Product]) -> tuple[Line, ...]:
    asked = plan.lines
    if not 1 <= len(asked) <= LINES_MAX:
        raise InvalidArgument(f"lines: 1 to {LINES_MAX}, not {len(asked)}")
    if len({one.product_id for one in asked}) < len(asked):
        raise InvalidArgument("lines name a product twice")
    lines = tuple(_line(one, plan.merchant_id, products) for one in asked)
    if sum(one.lots for one in lines) > LOTS_MAX:
        raise InvalidArgument(f"at most {LOTS_MAX} lots in all")
    return lines


def _line(asked: Asked, merchant_id: str, products: Mapping[str, Product]) -> Line:
    product = products.get(asked.product_id)
    if product is None:
        raise NotFound("there is no such product for sale", product_id=asked.product_id)
    if product.merchant_id != merchant_id:
        raise InvalidArgument("not a product of this stall", product_id=asked.product_id)
    if product.hidden:
        raise ProductNotForSale("it is not for sale now", product_id=asked.product_id)
    unit = product.grams_per_unit or 1
    size, cap = asked.lot_size or unit, asked.cap or 1
    if not 1 <= cap <= CAP_MAX:
        raise InvalidArgument(f"cap: 1 to {CAP_MAX}, or 0 for 1", product_id=asked.product_id)
    if asked.lots < 1 or size < 1 or asked.lots * size > BASE_MAX:
        raise InvalidArgument(f"lots and lot_size are from 1, and at most {BASE_MAX} pieces or grams in all")
    check_amount(asked.price)
    check_amount(asked.price * cap)  # the dearest claim
    return Line(product.id, product.name, lot_name(product, size), asked.lots, size, asked.price, cap)


def lot_name(product: Product, size: int) -> str:
    """What a lot is, as people say: "bó", "lô 3 bó", "lô 500 g"."""
    if size == (product.grams_per_unit or 1):
        return product.unit
    if not product.grams_per_unit:
        return f"lô {size} {product.unit}"
    return f"lô {size // 1000} kg" if size % 1000 == 0 else f"lô {size} g"
