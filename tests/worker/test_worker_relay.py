"""The relay against real engines: every event leaves, in its document's order, also through a crash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import redis
from cho.events.v1.events_pb2 import MerchantChanged
from mongoengine import Document, IntField, StringField

from kit.outbox import OutboxMixin, outbox_event
from kit.streams.event import Event, from_entry
from kit.streams.relay import Relay

pytestmark = [pytest.mark.worker, pytest.mark.usefixtures("database")]

STREAM = "onboarding:events"
Until = Callable[[Callable[[], Any]], Any]
Start = Callable[[type], Any]


class Merchant(OutboxMixin, Document):
    id = StringField(primary_key=True)
    version = IntField(default=0)


class Onboarding:
    name = "onboarding"
    merchants = Relay(Merchant, stream=STREAM)


def tell(merchant: Merchant) -> None:
    merchant.version += 1
    changed = MerchantChanged(merchant_id=merchant.id, version=merchant.version)
    merchant.add_event("merchant.activated", merchant.id, changed, traceparent="00-ab-cd-01")


def published(client: redis.Redis) -> list[Event]:
    return [from_entry(entry_id, fields) for entry_id, fields in client.xrange(STREAM)]


def waiting() -> int:
    return sum(len(merchant.outbox) for merchant in Merchant.objects)


def test_events_leave_whole_and_in_their_documents_order(client: redis.Redis, start: Start, until: Until) -> None:
    start(Onboarding)
    for number in range(12):
        merchant = Merchant(id=f"mer_{number}")
        for _ in range(3):
            tell(merchant)
        merchant.save()
        tell(merchant)
        merchant.save(save_condition={"version": merchant.version - 1})
    until(lambda: len({event.id for event in published(client)}) == 48)
    until(lambda: waiting() == 0)
    versions = defaultdict(list)
    for event in published(client):
        changed = MerchantChanged.FromString(event.data)
        assert changed.merchant_id == event.subject
        versions[event.subject].append(changed.version)
    assert list(versions.values()) == [[1, 2, 3, 4]] * 12
    first = published(client)[0]
    assert (first.type, first.source, first.traceparent) == ("merchant.activated", "onboarding", "00-ab-cd-01")


def test_a_crash_between_publishing_and_clearing_publishes_again_under_the_same_id(
    client: redis.Redis, start: Start, until: Until
) -> None:
    crashes = ["crash"]

    class Crashing(Relay):
        def _clear(self, *args: Any) -> None:
            if crashes:
                raise RuntimeError(crashes.pop())
            super()._clear(*args)

    class Service:
        name = "onboarding"
        merchants = Crashing(Merchant, stream=STREAM)

    merchant = Merchant(id="mer_1")
    tell(merchant)
    tell(merchant)
    merchant.save()
    start(Service)
    until(lambda: waiting() == 0)
    ids = [event.id for event in merchant.outbox]
    assert [event.id for event in published(client)] == ids * 2


def test_an_event_added_while_the_relay_publishes_is_not_cleared_unpublished(
    client: redis.Redis, start: Start, until: Until
) -> None:
    late = outbox_event("merchant.suspended", "mer_1", MerchantChanged(version=2))

    class Racing(Relay):
        def _publish(self, *args: Any) -> None:
            super()._publish(*args)
            Merchant.objects(id="mer_1", version=1).update_one(inc__version=1, push__outbox=late)

    class Service:
        name = "onboarding"
        merchants = Racing(Merchant, stream=STREAM)

    merchant = Merchant(id="mer_1")
    tell(merchant)
    merchant.save()
    start(Service)
    until(lambda: waiting() == 0)
    assert [event.id for event in published(client)] == [merchant.outbox[0].id, late.id]


def test_of_two_relays_one_publishes(client: redis.Redis, start: Start, until: Until) -> None:
    class Other(Onboarding):
        name = "onboarding.second"

    start(Onboarding)
    start(Other)
    for number in range(20):
        merchant = Merchant(id=f"mer_{number}")
        tell(merchant)
        merchant.save()
    until(lambda: waiting() == 0)
    assert [event.subject for event in published(client)] == [f"mer_{number}" for number in range(20)]
