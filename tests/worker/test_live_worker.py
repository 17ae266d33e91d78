"""What happens to live sales leaves their documents for orders' stream."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from cho.events.v1 import events_pb2, live_pb2

from kit.clock import now
from kit.ids import new_id, new_key
from kit.streams.event import from_entry
from services.orders import store as orders
from services.orders.life import Actor, Who
from services.orders.live import sale as rules
from services.orders.live import store
from services.orders.live.documents import DOCUMENTS, OrdersSale
from services.orders.live.sale import Asked, Plan
from services.orders.live.worker import LiveSales

pytestmark = [pytest.mark.worker, pytest.mark.usefixtures("database")]


def test_what_happens_to_a_sale_is_told_once_and_in_order(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    for document in (*orders.DOCUMENTS, *DOCUMENTS):
        document.ensure_indexes()
    merchant = events_pb2.MerchantChanged(
        merchant_id=new_id("mer"), name="Cô Hạnh", owner_id=new_id("usr"), market_name="Chợ Thái",
        category_code="5499", version=2,
    )  # fmt: skip
    product = events_pb2.ProductChanged(
        product_id=new_id("prd"), merchant_id=merchant.merchant_id, name="Chè", unit="gói", price=100_000, version=1
    )
    orders.apply_merchant("merchant.activated", merchant)
    orders.apply_product(product)
    opens = now() + timedelta(hours=1)
    plan = Plan(
        merchant.merchant_id, "Phiên chè", opens, opens + timedelta(hours=1), (Asked(product.product_id, 5, 50_000),)
    )
    sale = store.schedule(merchant.owner_id, new_key(), plan)
    seller = Actor(Who.SELLER, merchant.owner_id)
    store.change(sale.id, lambda one, at: rules.cancel(one, seller, "mưa", at))
    start(LiveSales)
    until(lambda: client.xlen("orders:events") >= 2)
    told = [from_entry(entry_id, fields) for entry_id, fields in client.xrange("orders:events")]
    assert [one.type for one in told] == ["live.scheduled", "live.cancelled"]
    last = live_pb2.LiveSaleChanged.FromString(told[-1].data)
    assert (last.sale_id, last.actor, last.reason, last.version) == (sale.id, "seller", "mưa", 2)
    assert (last.lines[0].lots, last.lines[0].price) == (5, 50_000)
    until(lambda: not OrdersSale.objects(id=sale.id).get().outbox)
