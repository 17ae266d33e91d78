"""Onboarding's worker: a market that was sent is checked and run, and its vendors own it once they have accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis
from cho.events.v1 import events_pb2
from google.protobuf.message import Message

from kit import clock, crypto
from kit.ids import new_id
from kit.streams.event import Event
from services.onboarding import seed, store
from services.onboarding.assist.store import OwnerDocument
from services.onboarding.bulk import example
from services.onboarding.bulk import store as imports
from services.onboarding.bulk.job import Import, State, started
from services.onboarding.worker import OnboardingWorker
from tests.onboarding.bulk_market import row, sheet

pytestmark = pytest.mark.usefixtures("database")


def tell(client: redis.Redis, event_type: str, message: Message) -> None:
    user_id: str = message.user_id  # type: ignore[attr-defined]
    told = Event(new_id("evt"), event_type, "identity", user_id, clock.now(), "", message.SerializeToString())
    client.xadd("identity:events", told.fields())  # type: ignore[arg-type]


def test_a_market_is_checked_and_run_and_finds_its_owners(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    for document in store.DOCUMENTS:
        document.ensure_indexes()
    store.ensure_market(seed.markets()[0])
    content = sheet(row(0), row(1), row(2, phone="12"))
    found = imports.begin(Import(new_id("imp"), new_id("usr"), "cho.csv", State.DRAFT, clock.now_ms()))
    imports.put_part(found.id, 1, content)
    sha256 = hashlib.sha256(content).hexdigest()
    imports.save(replace(found, state=State.CHECKING, parts=1, sha256=sha256))
    first, second = (new_id("usr") for _ in range(2))
    indexes = [crypto.phone_index(example.cells_of(number, "")["phone"]) for number in (0, 1)]
    created = events_pb2.UserCreated(user_id=first, phone_index=indexes[0], version=1)
    tell(client, "user.created", created)
    tell(client, "user.created", created)
    start(OnboardingWorker)

    until(lambda: imports.load(found.id).state is State.CHECKED)
    until(lambda: OwnerDocument.objects(id=first).first())
    imports.save(started(imports.load(found.id)))
    done = until(lambda: (now := imports.load(found.id)).state is State.DONE and now)
    assert (done.submitted, done.bad) == (2, 1)
    ids = [one.merchant_id for one in imports.rows(done)]
    assert [store.merchant(merchant_id).owner_id for merchant_id in ids[:2]] == [first, ""]

    tell(client, "user.changed", events_pb2.UserChanged(user_id=second, phone_index=indexes[1], version=2))
    until(lambda: store.merchant(ids[1]).owner_id == second)
    tell(client, "user.erased", events_pb2.UserErased(user_id=second, phone_index=indexes[1], version=3))
    until(lambda: OwnerDocument.objects(id=second).get().phone_index == "")
    until(lambda: client.xpending("identity:events", "onboarding.owners")["pending"] == 0)
