"""Does an order tie with the ledger and the catalog? What `cho audit` asks of each. Pure.

What is still under way is no finding: a step that stands in the order's document may have been done already, or not.
Whoever asks looks again where something does not tie: orders hear of payments a moment after the ledger has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.orders.order import (
    AT_STALL,
    ENDED,
    GONE,
    NO_SALE,
    STOCK_KINDS,
    HoldState,
    Kind,
    Order,
    State,
    Stock,
)  # fmt: skip

# How an order says of a hold what the ledger says in these words.
_HOLDS = {
    HoldState.LIVE: frozenset({"held"}),
    HoldState.CAPTURED: frozenset({"captured"}),
    HoldState.ENDED: frozenset({"voided", "expired"}),
}


@dataclass(frozen=True, slots=True)
class Money:
    """The ledger, as far as it is about an order. `payments`: (amount, refunded) by id; `holds`: (amount, state) by id,
    đồng; `named`: payments that name the order, whether it knows them or not."""

    payments: Mapping[str, tuple[int, int]]
    holds: Mapping[str, tuple[int, str]]
    named: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Goods:
    """An order's reservation in the catalog: its state, and what was sold, base units by product."""

    state: str
    sold: Mapping[str, int] = field(default_factory=dict)


def money_findings(order: Order, money: Money) -> list[str]:
    """What of an order's payments and refunds the ledger does not say, and where it was paid too little or too much."""
    return [*_payments(order, money), *amount_findings(order)]


def amount_findings(order: Order) -> Iterable[str]:
    """Whether what was paid is what is due, and nothing more is kept, by its own document."""
    paid_in = sum(one.amount for one in order.payments)
    if any(step.kind in (Kind.REFUND, Kind.CAPTURE) for step in order.steps):
        return  # it is being seen to
    by_hold = order.state in (State.HELD, State.PREPARING) and order.hold is not None
    if order.state in AT_STALL | GONE and not by_hold and paid_in < order.due:
        yield f"is {order.state.value}, {order.due} đồng are due, and {paid_in} were paid"
    kept = 0 if order.state in NO_SALE else order.total if order.state is State.UNDERPAID else order.due
    late = order.state is State.EXPIRED and any(step.kind is Kind.SELL for step in order.steps)
    if order.paid > kept and not late:
        yield f"is {order.state.value}, {kept} đồng are the stall's, and it keeps {order.paid}"
    if order.state is State.PLACED and order.payments:
        yield f"is placed, and {paid_in} đồng were paid"


def hold_findings(order: Order, money: Money) -> list[str]:
    """Holds of which order and ledger say different things; and one that still holds the money of an order that is
    over."""
    found = []
    asked = {step.about for step in order.steps}
    for hold in order.holds:
        known = money.holds.get(hold.id)
        if known is None:
            found.append(f"hold {hold.id} is not in the ledger")
        elif known[0] != hold.amount:
            found.append(f"hold {hold.id} is of {hold.amount} đồng, in the ledger of {known[0]}")
        elif hold.id not in asked:
            if order.state in ENDED and known[1] == "held":
                found.append(f"is {order.state.value}, and hold {hold.id} still holds {hold.amount} đồng")
            elif known[1] not in _HOLDS[hold.state]:
                found.append(f"hold {hold.id} is {hold.state.value}, in the ledger {known[1]}")
    return found


def goods_findings(order: Order, goods: Goods | None) -> list[str]:
    """What an order says of its stock, and the catalog does not. `goods`: None where the catalog knows no reservation.

    What is weighed may be sold late, before it is weighed: of that, only whether it was sold has to tie.
    """
    if any(step.kind in STOCK_KINDS for step in order.steps):
        return []
    state, sold = (goods.state, goods.sold) if goods else ("unknown", {})
    if order.stock is not Stock.SOLD:
        if state in ("selling", "sold"):
            return [f"its stock is {order.stock.value}, and the catalog has sold it"]
        if state == "open" and order.stock is Stock.RELEASED:
            return [f"is {order.state.value}, and the catalog still sets stock aside"]
        return []
    if state not in ("selling", "sold"):
        return [f"its stock is sold, and in the catalog {state}"]
    counted = {line.product_id: line.quantity for line in order.lines if not line.weighed}
    return [
        f"of {product_id} it has {quantity}, and the catalog has sold {sold.get(product_id, 0)}"
        for product_id, quantity in counted.items()
        if sold.get(product_id, 0) != quantity
    ]


def _payments(order: Order, money: Money) -> list[str]:
    found = []
    refunding = {step.about for step in order.steps if step.kind is Kind.REFUND}
    for payment in order.payments:
        known = money.payments.get(payment.transfer_id)
        back = sum(one.amount for one in order.refunds if one.payment_id == payment.transfer_id)
        if known is None:
            found.append(f"payment {payment.transfer_id} is not in the ledger")
        elif known[0] != payment.amount:
            found.append(f"payment {payment.transfer_id} is of {payment.amount} đồng, in the ledger of {known[0]}")
        elif back > known[1] or (back < known[1] and payment.transfer_id not in refunding):
            found.append(f"of payment {payment.transfer_id} {back} đồng went back, in the ledger {known[1]}")
    capturing = any(step.kind is Kind.CAPTURE for step in order.steps)
    unknown = money.named - {one.transfer_id for one in order.payments}
    if not capturing:
        found += [f"payment {payment_id} names it, and it does not know" for payment_id in sorted(unknown)]
    return found
