"""What an order may be and what state it is in: pure rules, no I/O, no clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from kit.errors import InvalidArgument, LimitExceeded, NotFound
from kit.money import check_amount

LINES_MAX = 50
QUANTITY_MAX = 10**6
# Payments and refunds that one order keeps; the event of one more goes to the dead letters, for a person.
MOVES_MAX = 200

# Crockford's base 32: no I, L, O, U, so that a code can be said aloud and read off a stall's board.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011")
CODE_LENGTH = 8
CODE_BITS = 5 * CODE_LENGTH


class State(str, Enum):
    PLACED = "placed"
    PAID = "paid"
    UNDERPAID = "underpaid"
    OVERPAID = "overpaid"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the catalog last told of it; `price` in đồng per `unit`."""

    id: str
    merchant_id: str
    name: str
    unit: str
    price: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class Item:
    """What a buyer asks for."""

    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Line:
    """What was agreed: `price` in đồng per `unit`, as it was then."""

    product_id: str
    name: str
    unit: str
    quantity: int
    price: int

    @property
    def total(self) -> int:
        """Đồng."""
        return self.quantity * self.price


@dataclass(frozen=True, slots=True)
class Payment:
    """`amount` in đồng."""

    transfer_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Refund:
    """Gives `amount` đồng of the payment `payment_id` back."""

    transfer_id: str
    payment_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Order:
    """What was agreed and what has moved since. `total` in đồng; `version` counts the order's changes."""

    id: str
    # Short, to be said aloud; also the bill number of its QR code.
    code: str
    buyer_id: str
    merchant_id: str
    merchant_name: str
    # The merchant's owner when it was placed.
    seller_id: str
    lines: tuple[Line, ...]
    total: int
    payments: tuple[Payment, ...]
    refunds: tuple[Refund, ...]
    qr_payload: str
    placed_at: datetime
    version: int

    @property
    def paid(self) -> int:
        """Paid less refunded, đồng."""
        return paid(self.payments, self.refunds)

    @property
    def state(self) -> State:
        return state(self.total, self.payments, self.refunds)


def check_items(items: Sequence[Item]) -> None:
    """1 to 50 products, each once, 1 to 10^6 units of each. Raises InvalidArgument."""
    if not 1 <= len(items) <= LINES_MAX:
        raise InvalidArgument(f"items must be 1 to {LINES_MAX}, not {len(items)}")
    if len({item.product_id for item in items}) < len(items):
        raise InvalidArgument("items name a product twice; add the quantities up")
    for item in items:
        if not 1 <= item.quantity <= QUANTITY_MAX:
            raise InvalidArgument(f"quantity must be from 1 to {QUANTITY_MAX}, not {item.quantity}")


def agree(items: Sequence[Item], merchant_id: str, products: Mapping[str, Product]) -> list[Line]:
    """Lines at the products' present prices.

    Raises NotFound for a product that is unknown or hidden, InvalidArgument for one of another merchant, and
    AmountInvalid where the order's total is above 10^12 đồng.
    """
    check_items(items)
    lines = []
    for item in items:
        product = products.get(item.product_id)
        if product is None or product.hidden:
            raise NotFound("there is no such product for sale", product_id=item.product_id)
        if product.merchant_id != merchant_id:
            raise InvalidArgument("an order is of one merchant's products", product_id=item.product_id)
        lines.append(Line(product.id, product.name, product.unit, item.quantity, product.price))
    check_amount(total(lines))
    return lines


def total(lines: Sequence[Line]) -> int:
    """What the lines cost together, đồng."""
    return sum(line.total for line in lines)


def paid(payments: Sequence[Payment], refunds: Sequence[Refund]) -> int:
    """Paid less refunded, đồng. A refund counts once its payment is known: it may be heard of first."""
    known = {payment.transfer_id for payment in payments}
    given_back = sum(refund.amount for refund in refunds if refund.payment_id in known)
    return sum(payment.amount for payment in payments) - given_back


def state(total: int, payments: Sequence[Payment], refunds: Sequence[Refund]) -> State:
    """What follows from an order's total (đồng) and what has moved, in whatever sequence it was heard."""
    if not payments:
        return State.PLACED
    left = paid(payments, refunds)
    if left <= 0:
        return State.REFUNDED
    if left < total:
        return State.UNDERPAID
    return State.PAID if left == total else State.OVERPAID


def hear(order: Order, move: Payment | Refund) -> Order:
    """The order with a payment or refund taken in; the same one where it was taken before.

    Raises LimitExceeded where the order has MOVES_MAX of them.
    """
    moves: tuple[Payment | Refund, ...] = (*order.payments, *order.refunds)
    if any(known.transfer_id == move.transfer_id for known in moves):
        return order
    if len(moves) >= MOVES_MAX:
        raise LimitExceeded(f"an order keeps at most {MOVES_MAX} payments and refunds")
    if isinstance(move, Payment):
        return replace(order, payments=(*order.payments, move), version=order.version + 1)
    return replace(order, refunds=(*order.refunds, move), version=order.version + 1)


def write_code(number: int) -> str:
    """40 bits as eight letters and digits."""
    assert 0 <= number < 1 << CODE_BITS
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(CODE_BITS - 5, -1, -5))


def read_code(text: str) -> str | None:
    """The order code that somebody typed or a QR code held; None where it cannot be one."""
    code = text.strip().upper().translate(_MISREAD)
    return code if len(code) == CODE_LENGTH and set(code) <= set(_ALPHABET) else None


def fingerprint(merchant_id: str, items: Sequence[Item]) -> str:
    """What a request asked for, 64 hex digits: tells the same request sent again from another one."""
    body = json.dumps([merchant_id, [[item.product_id, item.quantity] for item in items]])
    return hashlib.sha256(body.encode()).hexdigest()
