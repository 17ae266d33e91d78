"""Settlement learns of tax codes from onboarding's stream, once, whatever order it comes in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from cho.events.v1.events_pb2 import MerchantChanged

from kit import crypto
from kit.clock import now
from kit.ids import new_id
from kit.streams.event import Event
from services.settlement.taxbook import sellers
from services.settlement.taxbook.worker import SERVICES

pytestmark = [pytest.mark.worker, pytest.mark.usefixtures("database")]
CODE = "019185000001"


def tell(client: redis.Redis, event_type: str, message: MerchantChanged) -> None:
    event = Event(
        new_id("evt"), event_type, "onboarding", message.merchant_id, now(), "", message.SerializeToString()
    )  # fmt: skip
    client.xadd("onboarding:events", event.fields())  # type: ignore[arg-type]


def told(merchant_id: str, version: int, name: str) -> MerchantChanged:
    return MerchantChanged(
        merchant_id=merchant_id, owner_id="usr_1", name=name, version=version, tax_index=crypto.tax_index(CODE),
        tax_sealed=crypto.seal_tax(CODE, merchant_id),
    )  # fmt: skip


def test_merchants_and_their_tax_codes_are_heard_of(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    sellers.TaxSeller.ensure_indexes()
    merchant, other = new_id("mer"), new_id("mer")
    tell(client, "merchant.closed", told(merchant, 5, "mới"))
    tell(client, "merchant.submitted", told(new_id("mer"), 1, "nháp"))
    tell(client, "merchant.activated", told(merchant, 2, "cũ"))
    tell(client, "merchant.activated", told(other, 2, "khác"))
    for service in SERVICES:
        start(service)
    until(lambda: sellers.TaxSeller.objects(id=other).first())
    assert [(one.merchant_id == merchant, one.name) for one in sellers.under(crypto.tax_index(CODE))] == [
        (True, "mới"), (False, "khác"),
    ]  # fmt: skip
    assert CODE not in repr(list(sellers.TaxSeller._get_collection().find()))
    until(lambda: client.xpending("onboarding:events", "settlement.sellers")["pending"] == 0)
