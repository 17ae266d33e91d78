"""A checkout, from a cart to one order a stall: written down, set aside, placed. All of it, or nothing.

It can be cut off anywhere: who asks again under the same request_id goes on with it, and so does the carrier
(services/orders/carrier.py), until it is placed, refused, or its time is over. What was set aside for nothing is given
back, or ends by itself.
"""

from __future__ import annotations

from datetime import timedelta

from kit import clock
from kit.errors import DomainError, TooLate, Unavailable
from services.orders import cart as carts
from services.orders.cart import Cart
from services.orders.order import Line, Order
from services.orders.ports import Stock
from services.orders.saga.answers import PASSING
from services.orders.saga.steps import GRACE
from services.orders.store import checkouts
from services.orders.store.documents import OrdersCheckout

# Placed this late, an order could hardly be paid any more.
_LEAST = timedelta(minutes=1)


def place(buyer_id: str, request_id: str, cart: Cart, stock: Stock, traceparent: str = "") -> list[Order]:
    """Places a cart's orders, or finds them placed by the same request before: then at the prices of then.

    Raises IdempotencyConflict (request_id stands for another cart), MerchantNotFound, MerchantNotPayable (suspended),
    OutOfStock, ProductNotForSale, PriceChanged, and what `cart.check` and `cart.wanted` raise. Unavailable where nobody
    knows yet: the same request again tells.
    """
    carts.check(cart)
    found = checkouts.begun(buyer_id, request_id, cart) or checkouts.begin(buyer_id, request_id, cart, traceparent)
    return go_on(found, stock)


def go_on(checkout: OrdersCheckout, stock: Stock) -> list[Order]:
    """Takes a checkout to its end; its orders. Raises its refusal, or Unavailable where catalog gives no answer now."""
    placed = checkouts.orders_of(checkout)
    if len(placed) == len(checkout.plans):  # for good: whatever somebody was refused with who asked at the same time
        return placed
    if refused := checkouts.refusal(checkout):
        raise refused
    lines = checkouts.agreed(checkout) or _all_set_aside(checkout, stock)
    return [checkouts.place(checkout, plan, of) for plan, of in zip(checkout.plans, lines, strict=True)]


def _all_set_aside(checkout: OrdersCheckout, stock: Stock) -> list[tuple[Line, ...]]:
    try:
        lines = [_set_aside(checkout, plan, stock) for plan in checkout.plans]
        checkouts.agree(checkout, lines)
    except DomainError as refused:
        if refused.code in PASSING:
            raise Unavailable("not everything is set aside yet: ask again with the same request_id") from refused
        _give_up(checkout, refused, stock)
        # Somebody else may have been faster, and refused it for another reason.
        raise checkouts.refusal(checkouts.checkout(checkout.id)) or refused from refused
    return lines


def _set_aside(checkout: OrdersCheckout, plan: checkouts.OrdersPlan, stock: Stock) -> tuple[Line, ...]:
    if clock.now() > checkout.pay_by - _LEAST:
        raise TooLate("it was not placed in time: ask for it anew")
    basket, asked = checkouts.basket_of(plan)
    taken = stock.reserve(plan.order_id, asked, checkout.pay_by + GRACE)
    return carts.agree(basket, asked, taken, checkouts.products(asked))


def _give_up(checkout: OrdersCheckout, refused: DomainError, stock: Stock) -> None:
    """Its answer first: whoever goes on with it now gives back too. What is not given back here ends by itself."""
    checkouts.refuse(checkout, refused)
    for plan in checkout.plans:
        try:
            stock.release(plan.order_id)
        except DomainError:
            continue
