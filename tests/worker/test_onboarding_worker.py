"""Onboarding's worker: what markets, stalls, stands and alarms have to tell reaches the stream; stalls are watched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis

from kit.clock import now_ms
from kit.ids import new_id, new_key
from services.onboarding import announced, seed, store
from services.onboarding.places.stall import Section, Stall, put_section
from services.onboarding.pulse import store as pulse
from services.onboarding.sentinel import watch
from services.onboarding.sentinel.alarm import Kind
from services.onboarding.store.alarms import payments_read, raise_alarm
from services.onboarding.store.markets import change_market
from services.onboarding.store.stalls import create_stalls
from services.onboarding.store.stands import reissue
from services.onboarding.worker import OnboardingWorker

pytestmark = pytest.mark.usefixtures("database")

MARKET = seed.markets()[0]


def test_what_happens_at_markets_stalls_and_stands_is_told(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    store.ensure_market(MARKET)
    start(OnboardingWorker)
    section = Section("A", "Rau")

    def add(market: Any) -> Any:
        return replace(market, sections=put_section(market.sections, section, open_stalls=False))

    change_market(MARKET.market_id, add)
    create_stalls(MARKET.market_id, [Stall(MARKET.market_id, "A-1", 0, 0)])
    merchant = new_id("mer")
    reissue(merchant, request_id=new_key(), by=new_id("usr"), reason="mất")
    raise_alarm(
        Kind.FOREIGN_CODE, merchant_id=merchant, merchant_name="x", market_id=MARKET.market_id, stall="A-1", detail="d"
    )
    wanted = {b"market.created", b"market.changed", b"stall.created", b"stand.reissued", b"sentinel.alarmed"}

    def told() -> set[bytes]:
        entries: Any = client.xrange(store.STREAM)
        return {fields[b"type"] for _, fields in entries}

    until(lambda: told() == wanted)


def test_the_timer_reads_on_from_what_was_read(client: redis.Redis) -> None:
    client.xadd(announced.STREAM, {"type": "payment.refunded"}, id="7-0")
    assert watch.look(client, now_ms()) == 0
    OnboardingWorker().watch()
    assert payments_read().seq == 7


def test_payments_are_counted_for_the_operations_centre_by_a_timer_of_their_own(client: redis.Redis) -> None:
    client.xadd(announced.STREAM, {"type": "payment.refunded"}, id="7-0")
    worker = OnboardingWorker()
    worker.count_payments()
    worker.count_payments()
    read = pulse.payments_read()
    assert (read.seq, read.version) == (7, 2)
    assert read.read_ms <= now_ms()
