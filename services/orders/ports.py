"""What orders needs of catalog and payments: two small ports, and how a step of an order goes through them.

Every call may be made again: it is answered the same. What is refused raises the DomainError that says why; where
nobody knows what came of it, one of `answers.PASSING`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kit.errors import DomainError, WrongState
from kit.ids import derived_key
from services.orders.order import Kind, Order, Step
from services.orders.saga.answers import Answer, Done, Refused
from services.orders.saga.hearing import cause_of


@dataclass(frozen=True, slots=True)
class Taken:
    """A product that was set aside: `price` in đồng per `unit` then; `grams_per_unit` 0 for what is counted."""

    price: int
    unit: str
    grams_per_unit: int


class Stock(Protocol):
    """Catalog's stock. Quantities in base units: pieces, or grams."""

    def reserve(self, order_id: str, lines: Mapping[str, int], until: datetime) -> Mapping[str, Taken]:
        """All of it or nothing. Raises OutOfStock, ProductNotForSale."""

    def extend(self, order_id: str, until: datetime) -> None:
        """Raises WrongState once it has ended."""

    def sell(self, order_id: str, lines: Mapping[str, int]) -> None:
        """What was set aside, or what there is. Raises OutOfStock, ProductNotForSale."""

    def release(self, order_id: str) -> None:
        """Raises WrongState for what is sold."""

    def restock(self, order_id: str, product_ids: Sequence[str]) -> None:
        """All that was sold of these is for sale again. Raises WrongState (not sold, withdrawn), LimitExceeded,
        InvalidArgument (none, or one that the order was not sold)."""


@dataclass(frozen=True, slots=True)
class Taker:
    """What an order took of a lot, base units; or a live sale, under its own id."""

    order_id: str
    quantity: int


class Lots(Protocol):
    """Catalog's lots, where one is recalled."""

    def recall(self, product_id: str, lot_id: str, recall_id: str) -> None:
        """Nothing of it is sold from now on. Raises NotFound, WrongState (recalled by another one)."""

    def reinstate(self, product_id: str, lot_id: str, recall_id: str) -> None:
        """It may be sold again. Raises NotFound."""

    def takers(self, product_id: str, lot_id: str) -> list[Taker]:
        """All that took from a lot that is recalled. Raises NotFound."""


@dataclass(frozen=True, slots=True)
class Move:
    """Money of an order's payment or hold. `about`: which; `cause` comes back with what is told of it."""

    about: str
    merchant_id: str
    reference: str
    key: str
    amount: int
    cause: str
    note: str


class Money(Protocol):
    """Payments' ledger."""

    def capture(self, move: Move) -> Done:
        """Takes a hold. Raises HoldExpired, HoldVoided, HoldCaptured, MerchantNotPayable, ..."""

    def void(self, move: Move) -> None:
        """Gives a hold up. Raises HoldCaptured, ..."""

    def refund(self, move: Move, refunded_before: int) -> Done:
        """Gives a payment back. Raises Contention where more or less than `refunded_before` was given back, ..."""


def do(order: Order, step: Step, stock: Stock, money: Money) -> Answer:
    """Does a step, and says what came of it."""
    try:
        match step.kind:
            case Kind.EXTEND:
                assert step.until is not None
                stock.extend(order.id, step.until)
            case Kind.SELL:
                stock.sell(order.id, quantities(order, step.least))
            case Kind.RELEASE:
                stock.release(order.id)
            case Kind.RESTOCK:
                stock.restock(order.id, restocked(order))
            case Kind.CAPTURE:
                return money.capture(_move(order, step))
            case Kind.VOID:
                money.void(_move(order, step))
            case Kind.REFUND:
                return money.refund(_move(order, step), step.refunded_before)
    except DomainError as refused:
        return Refused(refused.code)
    return Done()


def quantities(order: Order, least: bool = False) -> dict[str, int]:
    """What an order sells, base units by product; `least`: no more than was set aside. Nothing that is recalled."""
    sold = (one for one in order.lines if not one.recalled)
    return {one.product_id: min(one.now, one.quantity) if least else one.now for one in sold}


def restocked(order: Order) -> list[str]:
    """Products of an order's return that go on sale again: what was sold, and is not recalled. Raises WrongState."""
    sold = quantities(order)
    back = [product_id for product_id in order.returns if sold.get(product_id)]
    if not back:
        raise WrongState("nothing of it was sold, or may be sold again")
    return back


def _move(order: Order, step: Step) -> Move:
    named = {one.transfer_id: one.reference for one in order.payments} | {one.id: one.reference for one in order.holds}
    at_ms = int(step.at.timestamp() * 1000)
    key = derived_key(at_ms, order.id, step.id)
    return Move(
        step.about, order.merchant_id, named[step.about], key, step.amount, cause_of(order.id, step.id),
        f"đơn {order.code}",
    )  # fmt: skip
