"""Orders: found, and changed one at a time.

Every change of an order is one write of one document, its events included (kit.outbox), on the condition that nobody
was faster. Reads are by id, equality on an index, or equality and a two-sided range on a compound one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cho.events.v1 import events_pb2

from kit import clock
from kit.errors import Contention, NotFound
from services.orders.order import Order, Pay, State
from services.orders.saga.steps import settle
from services.orders.store.documents import OrdersOrder, put_order, to_order

STREAM = "orders:events"
LIST_MAX = 50
# Changes of one order at once: each retry means that somebody else got through.
ATTEMPTS_MAX = 8

# `newest` looks back this far, then further, until it has enough: one hour, eight, ... thirty years. So no range holds
# many orders of anybody, and who orders once a year costs a few empty ones.
_LOOK_BACKS = tuple(timedelta(hours=8**n) for n in range(7))
# Clocks of other replicas may be ahead by this.
_CLOCK_SKEW_MAX = timedelta(minutes=1)
_EVER = datetime(1970, 1, 2, tzinfo=UTC)

Rule = Callable[[Order, datetime], Order]


def order(order_id: str) -> Order:
    """Raises NotFound."""
    return to_order(_document(order_id))


def by_id(ids: Iterable[str]) -> dict[str, Order]:
    """Those of these orders that there are, by id."""
    return {one.id: to_order(one) for one in OrdersOrder.objects(id__in=list(ids))}


def change(order_id: str, rule: Rule, traceparent: str = "") -> Order:
    """What `rule` and what follows from it make of an order, stored with its events; what it raises, where it refuses.

    `traceparent`: of the request that caused it; what the order tells of it goes on with it. Raises NotFound,
    Contention, Overloaded.
    """
    for _ in range(ATTEMPTS_MAX):
        document = _document(order_id)
        before, now = to_order(document), clock.now()
        after = settle(rule(before, now), now)
        if after == before:
            return before
        after = replace(after, version=before.version + 1)
        put_order(document, after, before)
        for happened in after.history[len(before.history) :]:
            document.add_event(f"order.{happened.event}", after.id, fact(after, happened), traceparent)
        try:
            document.save(save_condition={"version": before.version})
        except Contention:  # somebody else was faster: look at what they made of it
            continue
        return after
    raise Contention("the order keeps changing")


def due(now: datetime, most: int) -> list[str]:
    """Ids of orders that have a step to be done, at most `most`."""
    return _ids(most, next_at__gt=_EVER, next_at__lte=now)


def put_off(order_id: str, until: datetime) -> None:
    """Its steps are looked at again then; any change of it meanwhile says anew when they are due."""
    OrdersOrder.objects(id=order_id, next_at__ne=None).update_one(set__next_at=until)


def overdue(now: datetime, most: int) -> list[str]:
    """Ids of orders whose deadline is over, at most `most`."""
    return _ids(most, deadline__gt=_EVER, deadline__lte=now)


def stuck(most: int) -> list[Order]:
    """Orders that only a person can help, at most `most`."""
    now = clock.now() + _CLOCK_SKEW_MAX
    found = OrdersOrder.objects(stuck_at__gt=_EVER, stuck_at__lte=now).limit(most)
    return sorted((to_order(one) for one in found), key=lambda one: (one.placed_at, one.id))


def recent(user_id: str) -> list[Order]:
    """What somebody bought or sold, newest first, at most LIST_MAX."""
    parts: list[dict[str, Any]] = [{"buyer_id": user_id}, {"seller_id": user_id}]
    return _newest(parts, clock.now() + _CLOCK_SKEW_MAX, LIST_MAX)


def of_stall(merchant_id: str, state: State, until: datetime | None, most: int) -> list[Order]:
    """A stall's orders in one state that were placed up to `until` (None: now), newest first, at most `most`."""
    until = until or clock.now() + _CLOCK_SKEW_MAX
    return _newest([{"merchant_id": merchant_id, "state": state.value}], until, most)


def look_backs(until: datetime) -> Iterator[datetime]:
    """Moments further and further before `until`: whoever looks for the newest looks from one to the next."""
    for look_back in _LOOK_BACKS:
        yield max(until - look_back, _EVER)


def fact(order: Order, happened: Any = None) -> events_pb2.OrderChanged:
    """What others are told of an order."""
    return events_pb2.OrderChanged(
        order_id=order.id,
        code=order.code,
        buyer_id=order.buyer_id,
        merchant_id=order.merchant_id,
        total=order.total,
        paid=order.paid,
        version=order.version,
        state=happened.state.value if happened else order.state.value,
        checkout_id=order.checkout_id,
        by_hold=order.pay is Pay.HOLD,
        pay_by_ms=int(order.pay_by.timestamp() * 1000),
        actor=happened.who if happened else "buyer",
        reason=happened.reason if happened else "",
    )


def _document(order_id: str) -> OrdersOrder:
    document = OrdersOrder.objects(id=order_id).first()
    if document is None:
        # The words of Call.require_owner: a stranger cannot tell what exists.
        raise NotFound("there is no such thing, or it is not yours")
    return document


def _ids(most: int, **query: Any) -> list[str]:
    return [one.id for one in OrdersOrder.objects(**query).only("id").limit(most)]


def _newest(parts: list[dict[str, Any]], until: datetime, most: int) -> list[Order]:
    found: dict[str, Order] = {}
    for later, earlier in _ranges(until):
        for part in parts:
            orders = OrdersOrder.objects(**part, placed_at__gt=earlier, placed_at__lte=later)
            found |= {one.id: to_order(one) for one in orders.order_by("-placed_at").limit(most)}
        if len(found) >= most:
            break
    return sorted(found.values(), key=lambda order: (order.placed_at, order.id), reverse=True)[:most]


def _ranges(until: datetime) -> Iterator[tuple[datetime, datetime]]:
    later = until
    for earlier in look_backs(until):
        yield later, earlier
        later = earlier
