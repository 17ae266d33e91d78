"""Checkouts: what a buyer asked for in one go, kept from before anything is set aside until it is through."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mongoengine.errors import NotUniqueError

from kit import clock
from kit.errors import (
    BY_CODE,
    Contention,
    DomainError,
    IdempotencyConflict,
    MerchantNotFound,
    MerchantNotPayable,
    NotFound,
)
from kit.ids import new_id
from services.orders import cart as carts
from services.orders import order as rules
from services.orders import paycode
from services.orders.cart import Basket, Cart, Item, Product
from services.orders.life import PAY_WITHIN
from services.orders.order import Fulfilment, Line, Order, Pay
from services.orders.saga.steps import GRACE
from services.orders.store.documents import (
    OrdersCheckout,
    OrdersMerchant,
    OrdersOrder,
    OrdersPlan,
    OrdersProduct,
    put_order,
    read_line,
    sealed,
    stored_line,
    to_order,
    unsealed,
)
from services.orders.store.orders import _EVER, fact

# One code in 10^12: three collisions in a row do not happen by chance.
CODE_ATTEMPTS_MAX = 3
# Whoever began a checkout goes on for so long before somebody else goes on with it.
TURN = timedelta(seconds=30)


def begun(buyer_id: str, request_id: str, cart: Cart) -> OrdersCheckout | None:
    """The checkout that the same request began before. Raises IdempotencyConflict."""
    found = OrdersCheckout.objects(buyer_id=buyer_id, request_id=request_id).first()
    if found is not None and found.fingerprint != carts.fingerprint(cart):
        raise IdempotencyConflict("request_id was used for another order")
    return found


def begin(buyer_id: str, request_id: str, cart: Cart, traceparent: str = "") -> OrdersCheckout:
    """Writes down what is asked for, in base units, as far as orders knows stalls and products.

    Raises MerchantNotFound, MerchantNotPayable, what `cart.wanted` raises, IdempotencyConflict.
    """
    plans = [_plan(basket, cart.in_units) for basket in cart.baskets]
    at = clock.now()
    checkout = OrdersCheckout(
        id=new_id("chk"),
        buyer_id=buyer_id,
        request_id=request_id,
        fingerprint=carts.fingerprint(cart),
        pay=cart.pay.value,
        plans=plans,
        placed_at=at,
        pay_by=at + PAY_WITHIN,
        due_at=at + TURN,
        traceparent=traceparent,
    )
    try:
        checkout.save(force_insert=True)
    except NotUniqueError:  # the same request twice at once
        found = begun(buyer_id, request_id, cart)
        assert found is not None
        return found
    return checkout


def checkout(checkout_id: str) -> OrdersCheckout:
    """Raises NotFound."""
    found = OrdersCheckout.objects(id=checkout_id).first()
    if found is None:
        raise NotFound("there is no such thing, or it is not yours")
    return found


def orders_of(checkout: OrdersCheckout) -> list[Order]:
    """The orders that it has placed so far, in the cart's order."""
    ids = [plan.order_id for plan in checkout.plans]
    found = {one.id: to_order(one) for one in OrdersOrder.objects(id__in=ids)}
    return [found[order_id] for order_id in ids if order_id in found]


def basket_of(plan: OrdersPlan) -> tuple[Basket, dict[str, int]]:
    """What a plan asks of a stall, and base units by product."""
    items = tuple(Item(product_id, quantity, price) for product_id, quantity, price in plan.items)
    basket = Basket(plan.merchant_id, items, Fulfilment(plan.fulfilment), unsealed(plan.deliver_to))
    return basket, {item.product_id: item.quantity for item in items}


def agreed(checkout: OrdersCheckout) -> list[tuple[Line, ...]]:
    """The lines of its orders, once everything is set aside; empty until then."""
    if not checkout.agreed:
        return []
    return [tuple(read_line(line) for line in plan.lines) for plan in checkout.plans]


def agree(checkout: OrdersCheckout, lines: Sequence[tuple[Line, ...]]) -> None:
    """Everything is set aside: from here on it is placed and not refused, whatever happens.

    Raises MerchantNotPayable (suspended meanwhile), Contention (refused by somebody else, who was slower to ask).
    """
    for plan in checkout.plans:
        _active_merchant(plan.merchant_id)
    if len(checkout.plans) == 1:
        return  # one write places it
    for plan, of in zip(checkout.plans, lines, strict=True):
        plan.lines = [stored_line(line) for line in of]
    if not OrdersCheckout.objects(id=checkout.id, refused="").update_one(set__agreed=True, set__plans=checkout.plans):
        raise Contention("it was refused meanwhile: ask again")


def place(checkout: OrdersCheckout, plan: OrdersPlan, lines: tuple[Line, ...]) -> Order:
    """Places one of its orders, or finds it placed. Raises Contention."""
    for _ in range(CODE_ATTEMPTS_MAX):
        order = _draft(checkout, plan, lines)
        document = OrdersOrder(id=order.id, request_id=f"{checkout.request_id}/{plan.merchant_id}")
        put_order(document, order)
        document.add_event("order.placed", order.id, fact(order), checkout.traceparent)
        try:
            document.save()
        except NotUniqueError:  # placed by somebody else who went on with it; or else the code is taken
            stored = OrdersOrder.objects(id=plan.order_id).first()
            if stored is not None:
                return to_order(stored)
        else:
            return order
    raise Contention("no free order code was found; try again")


def refuse(checkout: OrdersCheckout, refused: DomainError) -> None:
    """Nothing of it is placed, and this is its answer for good."""
    details = [[name, value] for name, value in refused.details.items()]
    OrdersCheckout.objects(id=checkout.id, refused="", agreed=False).update_one(
        set__refused=refused.code, set__message=refused.message, set__details=details, unset__due_at=True
    )


def refusal(checkout: OrdersCheckout) -> DomainError | None:
    """Why nothing of it was placed."""
    if not checkout.refused:
        return None
    return BY_CODE[checkout.refused](checkout.message, **dict(checkout.details))


def unfinished(now: datetime, most: int) -> list[OrdersCheckout]:
    """Checkouts of which nobody knows whether they are through, at most `most`."""
    return list(OrdersCheckout.objects(due_at__gt=_EVER, due_at__lte=now).limit(most))


def finish(ids: Iterable[str]) -> None:
    """These are through."""
    OrdersCheckout.objects(id__in=list(ids)).update(unset__due_at=True)


def put_off(checkout: OrdersCheckout, until: datetime) -> None:
    """Looked at again then."""
    OrdersCheckout.objects(id=checkout.id, due_at__ne=None).update_one(set__due_at=until)


def products(ids: Iterable[str]) -> Mapping[str, Product]:
    """Products as the catalog last told of them, by id."""
    return {
        one.id: Product(one.id, one.merchant_id, one.name, one.unit, one.price, one.hidden, one.grams_per_unit or 0)
        for one in OrdersProduct.objects(id__in=list(ids))
    }


def owner_of(merchant_id: str) -> str:
    """Who owns a stall now; "" where orders knows no such stall."""
    found = OrdersMerchant.objects(id=merchant_id).only("owner_id").first()
    return str(found.owner_id) if found is not None else ""


def name_of(merchant_id: str) -> str:
    """What a stall is called; "" where orders knows no such stall."""
    found = OrdersMerchant.objects(id=merchant_id).only("name").first()
    return str(found.name) if found is not None else ""


def check_payable(merchant: OrdersMerchant) -> None:
    """Whether codes can be made for a stall. Raises MerchantNotPayable."""
    _payload(merchant, 1, "0" * rules.CODE_LENGTH, clock.now())


def _plan(basket: Basket, in_units: bool) -> OrdersPlan:
    merchant = _active_merchant(basket.merchant_id)
    check_payable(merchant)  # before anything is written down
    known = products(item.product_id for item in basket.items)
    asked = carts.wanted(basket, known, in_units)
    order_id = new_id("ord")
    return OrdersPlan(
        order_id=order_id,
        merchant_id=basket.merchant_id,
        fulfilment=basket.fulfilment.value,
        deliver_to=sealed(basket.deliver_to),
        items=[[item.product_id, asked[item.product_id], item.price] for item in basket.items],
    )


def _active_merchant(merchant_id: str) -> OrdersMerchant:
    merchant = OrdersMerchant.objects(id=merchant_id).first()
    if merchant is None:
        raise MerchantNotFound("orders knows no such merchant")
    if not merchant.active:
        raise MerchantNotPayable("the merchant is suspended")
    return merchant


def _draft(checkout: OrdersCheckout, plan: OrdersPlan, lines: tuple[Line, ...]) -> Order:
    merchant = OrdersMerchant.objects(id=plan.merchant_id).get()
    basket, _ = basket_of(plan)
    code = rules.write_code(secrets.randbits(rules.CODE_BITS))
    pay = Pay(checkout.pay)
    order = Order(
        id=plan.order_id,
        code=code,
        checkout_id=checkout.id,
        buyer_id=checkout.buyer_id,
        merchant_id=merchant.id,
        merchant_name=merchant.name,
        seller_id=merchant.owner_id,
        lines=lines,
        pay=pay,
        fulfilment=basket.fulfilment,
        deliver_to=basket.deliver_to,
        pay_by=checkout.pay_by,
        deadline=checkout.pay_by,
        reserved_until=checkout.pay_by + GRACE,
        qr_payload="",
        placed_at=checkout.placed_at,
    )
    if pay is Pay.HOLD:
        return order
    return replace(order, qr_payload=_payload(merchant, order.total, code, order.pay_by))


def _payload(merchant: OrdersMerchant, amount: int, code: str, pay_by: datetime) -> str:
    return paycode.payload(
        merchant_id=merchant.id,
        merchant_name=merchant.name,
        market_name=merchant.market_name,
        stall=merchant.stall,
        category_code=merchant.category_code,
        amount=amount,
        code=code,
        expires_at=pay_by,
    )
