"""An order as invoices see it."""

from __future__ import annotations

from decimal import Decimal

from kit.errors import NotFound
from services.orders import store as orders
from services.orders.invoices.invoice import Line, Sale
from services.orders.order import GONE, NO_SALE, Order, State
from services.orders.order import Line as Agreed

# Paid in full, the goods still at the stall or gone.
_SOLD = GONE | {State.PAID, State.PREPARING, State.READY}


def sale(order_id: str) -> Sale | None:
    """None where there is no such order."""
    try:
        return sale_of(orders.order(order_id))
    except NotFound:
        return None


def sale_of(order: Order) -> Sale:
    """What is kept is what was paid for goods that stay sold: nothing that was paid too much, or is on its way back."""
    kept = 0 if order.state in NO_SALE else max(0, min(order.paid, order.due))
    return Sale(
        order_id=order.id, code=order.code, buyer_id=order.buyer_id, merchant_id=order.merchant_id,
        placed_at=order.placed_at, lines=tuple(_line(line) for line in order.lines if _amount(line)), kept=kept,
        # What the seller gave back since takes nothing from that: else what went back before anybody looked, as while
        # this worker was down, would leave the sale without an invoice.
        complete=order.state in _SOLD and sum(payment.amount for payment in order.payments) >= order.due,
    )  # fmt: skip


def _amount(line: Agreed) -> int:
    """Đồng that the line comes to, less what was given back of it."""
    return line.left


def _line(line: Agreed) -> Line:
    quantity = Decimal(line.now) / line.grams_per_unit if line.weighed else Decimal(line.now)
    amount = _amount(line)
    return Line(line.product_id, line.name, line.unit, f"{quantity.normalize():f}", line.price, amount)
