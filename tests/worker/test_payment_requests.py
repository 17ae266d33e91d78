"""Placed orders on a real ledger: each becomes one request, and what cannot be asked for is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis
from cho.events.v1.events_pb2 import OrderChanged

from kit.clock import now
from kit.errors import MerchantNotFound
from kit.ids import new_id
from kit.streams.event import Event
from services.payments import orders, transfer
from services.payments.merchants import put_merchant
from services.payments.store.sync import SyncLedger
from services.payments.worker import Payments
from tests.worker.test_payments_worker import KEYS, Market, Start, Until, told

pytestmark = pytest.mark.worker


def placed(merchant: str, total: int = 30_000, code: str = "7HX2K9QD", days_ago: int = 0) -> Event:
    order = OrderChanged(order_id=new_id("ord"), code=code, merchant_id=merchant, total=total, version=1)
    at = now() - timedelta(days=days_ago)
    return Event(new_id("evt"), "order.placed", "orders", order.order_id, at, "", order.SerializeToString())


def request(market: Market, code: str = "7HX2K9QD") -> Any:
    found: Any = market.client.hmget(KEYS.request(market.merchant, code), "s", "a", "p")
    return tuple(value.decode() if value else None for value in found)


def test_a_placed_order_is_asked_for_and_its_payment_told_as_full(
    client: redis.Redis, start: Start, until: Until
) -> None:
    market = Market(client)
    start(Payments)
    event = placed(market.merchant)
    for _ in range(2):  # the relay may say it twice
        client.xadd("orders:events", event.fields())
    until(lambda: request(market)[0] == "open")
    until(lambda: client.xpending("orders:events", "payments.orders")["pending"] == 0)
    posted = market.post(
        "pay", 20_000, transfer.pay(market.wallet, market.merchant, "VIETTEL", 20_000, 0), guard="request",
        guard_key=KEYS.request(market.merchant, "7HX2K9QD"), guard_value="open",
    )  # fmt: skip
    assert (posted.verdict, posted.asked) == ("SHORT", 30_000)
    asked = [fields for _, fields in client.xrange(KEYS.stream) if fields[b"op"] == b"request"]
    assert len(asked) == 1


def test_a_cancelled_order_takes_its_request_back_and_one_by_hold_makes_none(client: redis.Redis) -> None:
    market, ledger = Market(client), SyncLedger(client, KEYS)
    event = placed(market.merchant)
    cancelled = replace(event, type="order.cancelled")
    orders.heed(ledger, event)
    for _ in range(2):
        orders.heed(ledger, cancelled)
    assert request(market) == ("cancelled", "30000", "0")
    orders.heed(ledger, event)  # heard again late
    assert request(market) == ("cancelled", "30000", "0")
    by_hold = OrderChanged(order_id=new_id("ord"), code="BYHOLD", merchant_id=market.merchant, total=1, by_hold=True)
    orders.heed(ledger, replace(event, data=by_hold.SerializeToString()))
    assert request(market, "BYHOLD") == (None, None, None)


def test_an_order_whose_end_is_heard_before_its_beginning_asks_for_nothing(client: redis.Redis) -> None:
    """While the ledger took no calls both waited, and what failed comes again behind what followed."""
    market, ledger = Market(client), SyncLedger(client, KEYS)
    event = placed(market.merchant)
    orders.heed(ledger, replace(event, type="order.cancelled"))
    orders.heed(ledger, event)
    assert request(market) == ("cancelled", "30000", "0"), "who scans its code hears that it is cancelled"


def test_an_order_of_an_unknown_merchant_comes_again_and_one_that_cannot_be_paid_does_not(client: redis.Redis) -> None:
    market = Market(client)
    ledger = SyncLedger(client, KEYS)
    with pytest.raises(MerchantNotFound):
        orders.heed(ledger, placed(new_id("mer")))
    orders.heed(ledger, placed(market.merchant, days_ago=31))
    assert request(market) == (None, None, None)
    orders.heed(ledger, placed(market.merchant))
    orders.heed(ledger, placed(market.merchant, total=1))  # the vendor asked for another amount under this reference
    assert request(market) == ("open", "30000", "0")
    put_merchant(ledger, told("merchant.suspended", market.merchant, 2))
    orders.heed(ledger, placed(market.merchant, code="OTHER"))
    assert request(market, "OTHER") == (None, None, None)
