"""Claims and orders: what makes an order of a claim, what an order's steps mean to its sale, claims from orders."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mongoengine.errors import BulkWriteError, NotUniqueError

from kit import clock
from kit.clock import from_ms
from kit.errors import Contention, OutOfStock, Unavailable, WrongState
from kit.ids import derived_key, key_time_ms
from services.orders import order as rules
from services.orders.live import store
from services.orders.live.pool import GIVEN_BACK, HELD, KEPT, Claim, Pool, Wish
from services.orders.live.sale import Sale
from services.orders.order import GONE, NO_SALE, Fulfilment, Line, Order, Pay, State, Stock
from services.orders.ports import Taken
from services.orders.saga.steps import GRACE
from services.orders.store.checkouts import CODE_ATTEMPTS_MAX, _payload
from services.orders.store.documents import OrdersMerchant, OrdersOrder, put_order, sealed, to_order, unsealed
from services.orders.store.orders import fact

# An order that is made late, because nobody was there to make it, can still be paid for so long.
PAY_LEAST = timedelta(minutes=2)
# Clocks of Valkey and of other replicas may differ from ours by this.
_SKEW = timedelta(minutes=1)
_WAITING = frozenset({State.PLACED, State.UNDERPAID})


def order_id(sale_id: str, buyer_id: str, request_id: str) -> str:
    """The id of the order that a claim becomes: the same for the same request. `request_id` is a UUIDv7."""
    at_ms = key_time_ms(request_id)
    assert at_ms is not None
    return "ord_" + derived_key(at_ms, "live", sale_id, buyer_id, request_id).replace("-", "")


def fingerprint(product_id: str, lots: int, deliver_to: str) -> str:
    """What a claim asked for, 32 hex digits."""
    return hashlib.sha256(f"{product_id}|{lots}|{deliver_to}".encode()).hexdigest()[:32]


def wish(order_id: str, request_id: str, deliver_to: str, traceparent: str) -> Wish:
    """What is kept of a claim until it is an order; the address sealed."""
    hidden = sealed(deliver_to)
    return Wish(order_id, request_id, hidden.hex() if hidden else "", traceparent)


def make(sale: Sale, found: Sequence[tuple[Wish, Claim]]) -> None:
    """Makes orders of claims, in one write where nobody was at it before; made before, they stay as they are.

    Raises Contention.
    """
    merchant = OrdersMerchant.objects(id=sale.merchant_id).get()
    try:
        OrdersOrder.objects.insert([_document(sale, merchant, *one) for one in found], load_bulk=False)
    except (NotUniqueError, BulkWriteError):  # somebody died between this and telling Valkey; or a code is taken
        for one in found:
            _make_one(sale, merchant, *one)


def of_orders(sale: Sale) -> list[Claim]:
    """The claims that its orders are, so that a counter that was lost can be made anew. Never more than there is."""
    until = clock.now() + _SKEW
    found = [
        to_order(one)
        for state in State
        for one in OrdersOrder.objects(
            merchant_id=sale.merchant_id, state=state.value, placed_at__gte=sale.opens_at - _SKEW, placed_at__lte=until
        )
        if one.checkout_id == sale.id
    ]
    claims = [of_order(one) for one in sorted(found, key=lambda one: (one.placed_at, one.id))]
    return _that_fit(sale, claims)


def of_order(order: Order) -> Claim:
    """The claim that an order was, as far as it can tell: its number is not known."""
    (line,) = order.lines
    return Claim(
        order.id, _standing(order), 0, line.product_id, line.quantity, order.buyer_id,
        int(order.pay_by.timestamp() * 1000), int(order.placed_at.timestamp() * 1000),
        fingerprint(line.product_id, line.quantity, order.deliver_to),
    )  # fmt: skip


class Lots:
    """services.orders.ports.Stock of one order of a sale: what is set aside for the sale is its stock."""

    def __init__(self, pool: Pool, order: Order) -> None:
        self._pool, self._order, self._sale_id = pool, order, order.checkout_id

    def reserve(self, order_id: str, lines: Mapping[str, int], until: datetime) -> Mapping[str, Taken]:
        """Nobody asks for it: its claim came first."""
        raise WrongState("an order of a live sale has its lots already")

    def extend(self, order_id: str, until: datetime) -> None:
        """Asked for when money has come: once that is all of it, the lots are its for good; as long as it is paid short
        its claim waits, and the sale with it. Raises OutOfStock, SoldOut, CapReached."""
        if self._order.state is not State.UNDERPAID:
            self._keep()

    def sell(self, order_id: str, lines: Mapping[str, int]) -> None:
        """As `extend`: after expiry takes lots anew, where any are left."""
        self._keep()

    def release(self, order_id: str) -> None:
        """Somebody else may claim them. Raises WrongState once they are sold."""
        try:
            self._pool.give_back(self._sale_id, order_id)
        except Unavailable:
            if self._sold():
                raise WrongState("the sale is settled: they are sold") from None

    def restock(self, order_id: str, product_ids: Sequence[str]) -> None:
        """Nobody asks for it: the stall counts what comes back of a live sale."""
        raise WrongState("lots of a live sale are counted by the stall")

    def _keep(self) -> None:
        (line,) = self._order.lines
        try:
            self._pool.keep(
                self._sale_id, self._order.id, self._order.buyer_id, (line.product_id, line.quantity)
            )  # fmt: skip
        except Unavailable:
            if not self._sold():
                raise OutOfStock("the sale is settled", product_id=line.product_id, left="0") from None

    def _sold(self) -> bool:
        """Whether it was sold to, in a sale whose counter is gone for good; else raises Unavailable."""
        if not store.sale(self._sale_id).sealed:
            raise Unavailable("the sale's counter is being made")
        return store.sold_to(self._sale_id, self._order.id)


def _make_one(sale: Sale, merchant: OrdersMerchant, wish: Wish, claim: Claim) -> None:
    for _ in range(CODE_ATTEMPTS_MAX):
        if OrdersOrder.objects(id=claim.order_id).only("id").first() is not None:
            return
        try:
            _document(sale, merchant, wish, claim).save()
        except NotUniqueError:
            continue
        return
    raise Contention("no free order code was found; try again")


def _document(sale: Sale, merchant: OrdersMerchant, wish: Wish, claim: Claim) -> OrdersOrder:
    order = _order(sale, merchant, wish, claim)
    document = OrdersOrder(id=order.id, request_id=f"{sale.id}/{wish.request_id}")
    put_order(document, order)
    document.add_event("order.placed", order.id, fact(order), wish.traceparent)
    return document


def _order(sale: Sale, merchant: OrdersMerchant, wish: Wish, claim: Claim) -> Order:
    of = sale.line(claim.product_id)
    assert of is not None, "a claim is of a line of its sale"
    line = Line(of.product_id, of.name, of.unit, claim.lots, of.price)
    code = rules.write_code(secrets.randbits(rules.CODE_BITS))
    pay_by = max(from_ms(claim.until_ms), clock.now() + PAY_LEAST)
    address = unsealed(bytes.fromhex(wish.deliver_to) or None)
    return Order(
        id=claim.order_id,
        code=code,
        checkout_id=sale.id,
        buyer_id=claim.buyer_id,
        merchant_id=sale.merchant_id,
        merchant_name=merchant.name,
        seller_id=merchant.owner_id,
        lines=(line,),
        pay=Pay.QR,
        fulfilment=Fulfilment.DELIVERY if address else Fulfilment.PICKUP,
        deliver_to=address,
        pay_by=pay_by,
        deadline=pay_by,
        # Once it is paid its deadline is later, and its stock is asked for that long: that is when lots are kept.
        reserved_until=pay_by + GRACE,
        qr_payload=_payload(merchant, line.total, code, pay_by),
        placed_at=from_ms(claim.at_ms),
    )


def _standing(order: Order) -> str:
    """How a claim stands by its order. One that is over, and whose lots are not given back yet, still holds them."""
    if order.stock in (Stock.RELEASED, Stock.LOST, Stock.SHORT):
        return GIVEN_BACK
    if order.stock is Stock.SOLD or order.state in GONE:
        return KEPT
    return HELD if order.state in _WAITING | NO_SALE else KEPT


def _that_fit(sale: Sale, claims: Iterable[Claim]) -> list[Claim]:
    """The same claims; who comes too late for the lots there are, has none: paid claims first, then by time."""
    left = {one.product_id: one.lots for one in sale.lines}
    fit: list[Claim] = []
    for one in sorted(claims, key=lambda one: one.state != KEPT):
        held = one.state != GIVEN_BACK
        if held and left[one.product_id] < one.lots:
            fit.append(replace(one, state=GIVEN_BACK))
            continue
        if held:
            left[one.product_id] -= one.lots
        fit.append(one)
    return sorted(fit, key=lambda one: (one.at_ms, one.order_id))
