"""Live sales in MongoDB: found, scheduled, changed one at a time, each change and what is told of it in one write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cho.events.v1 import live_pb2
from mongoengine.errors import NotUniqueError

from kit import clock
from kit.errors import Contention, IdempotencyConflict, LimitExceeded, MerchantNotPayable, NotFound
from kit.ids import new_id
from services.orders.life import Actor, Who
from services.orders.live import sale as rules
from services.orders.live.documents import OrdersSale, OrdersSaleSold, put_sale, to_sale
from services.orders.live.sale import Happened, Plan, Sale
from services.orders.store import checkouts
from services.orders.store.documents import OrdersMerchant

# Sales that are open or about to be, of all stalls; the keeper looks at as many.
RUNNING_MAX = 1_000
LIST_MAX = 50
ATTEMPTS_MAX = 8
_EVER = datetime(1970, 1, 2, tzinfo=UTC)

Rule = Callable[[Sale, datetime], Sale]


def schedule(owner_id: str, request_id: str, plan: Plan, traceparent: str = "") -> Sale:
    """Schedules a sale, or finds it scheduled by the same request before.

    Raises NotFound (no such stall of this owner's), MerchantNotPayable (suspended, or no code can be made for it),
    IdempotencyConflict, LimitExceeded, and what `sale.schedule` raises.
    """
    print_ = rules.fingerprint(plan)
    if found := _scheduled(owner_id, request_id, print_):
        return found
    merchant = OrdersMerchant.objects(id=plan.merchant_id).first()
    if merchant is None or merchant.owner_id != owner_id:
        raise NotFound("there is no such thing, or it is not yours")
    if not merchant.active:
        raise MerchantNotPayable("the merchant is suspended")
    checkouts.check_payable(merchant)
    if OrdersSale.objects(merchant_id=merchant.id, running=True).limit(rules.OPEN_MAX).count(True) >= rules.OPEN_MAX:
        raise LimitExceeded(f"a stall has at most {rules.OPEN_MAX} sales that have not ended")
    known = checkouts.products(one.product_id for one in plan.lines)
    made = rules.schedule(new_id("liv"), plan, Actor(Who.SELLER, owner_id), merchant.name, known, clock.now())
    document = OrdersSale(id=made.id, request_id=request_id, fingerprint=print_)
    put_sale(document, made)
    document.add_event("live.scheduled", made.id, fact(made, made.history[-1]), traceparent)
    try:
        document.save()
    except NotUniqueError:  # the same request twice at once
        found = _scheduled(owner_id, request_id, print_)
        assert found is not None
        return found
    return made


def sale(sale_id: str) -> Sale:
    """Raises NotFound."""
    return to_sale(_document(sale_id))


def change(sale_id: str, rule: Rule, traceparent: str = "") -> Sale:
    """What `rule` makes of a sale, stored with its events; what it raises, where it refuses.

    Raises NotFound, Contention, Overloaded.
    """
    for _ in range(ATTEMPTS_MAX):
        document = _document(sale_id)
        before = to_sale(document)
        after = rule(before, clock.now())
        if after == before:
            return before
        after = replace(after, version=before.version + 1)
        put_sale(document, after)
        for happened in after.history[len(before.history) :]:
            document.add_event(f"live.{happened.event}", after.id, fact(after, happened), traceparent)
        try:
            document.save(save_condition={"version": before.version})
        except Contention:  # somebody else was faster: look at what they made of it
            continue
        return after
    raise Contention("the sale keeps changing")


def due(now: datetime) -> list[Sale]:
    """Sales that there may be something to do for, at most RUNNING_MAX."""
    found = OrdersSale.objects(running=True, begins_at__gt=_EVER, begins_at__lte=now).limit(RUNNING_MAX)
    return [to_sale(one) for one in found]


def coming(now: datetime) -> list[Sale]:
    """Sales that are open or about to be, soonest first, at most LIST_MAX."""
    until = now + rules.AHEAD_MAX + timedelta(days=1)
    found = OrdersSale.objects(running=True, begins_at__gt=_EVER, begins_at__lte=until).limit(RUNNING_MAX)
    shown = [one for one in map(to_sale, found) if one.state is not rules.State.CLOSED]
    return sorted(shown, key=lambda one: (one.opens_at, one.id))[:LIST_MAX]


def put_sold(sale_id: str, order_ids: Iterable[str]) -> None:
    """Remembers to which orders a sale is about to have sold; called before it is sealed, and not after."""
    OrdersSaleSold.objects(id=sale_id).update_one(upsert=True, set__order_ids=list(order_ids))


def sold_to(sale_id: str, order_id: str) -> bool:
    """Whether a sale that is sealed has sold to this order."""
    found = OrdersSaleSold.objects(id=sale_id).first()
    return found is not None and order_id in found.order_ids


def paying(merchant_id: str) -> bool:
    """Whether a stall may be paid now."""
    found = OrdersMerchant.objects(id=merchant_id).only("active").first()
    return found is not None and bool(found.active)


def fact(sale: Sale, happened: Happened) -> live_pb2.LiveSaleChanged:
    """What others are told of a sale."""
    lines = [
        live_pb2.LiveSaleChanged.Line(
            product_id=one.product_id, lots=one.lots, lot_size=one.lot_size, price=one.price, sold=one.sold
        )
        for one in sale.lines
    ]
    return live_pb2.LiveSaleChanged(
        sale_id=sale.id, merchant_id=sale.merchant_id, title=sale.title, lines=lines, version=sale.version,
        opens_at_ms=int(sale.opens_at.timestamp() * 1000), closes_at_ms=int(sale.closes_at.timestamp() * 1000),
        actor=happened.who, reason=happened.reason,
    )  # fmt: skip


def _scheduled(owner_id: str, request_id: str, print_: str) -> Sale | None:
    found: Any = OrdersSale.objects(owner_id=owner_id, request_id=request_id).first()
    if found is None:
        return None
    if found.fingerprint != print_:
        raise IdempotencyConflict("request_id was used for another sale")
    return to_sale(found)


def _document(sale_id: str) -> OrdersSale:
    document = OrdersSale.objects(id=sale_id).first()
    if document is None:
        raise NotFound("there is no such sale")
    return document
