"""The markets' pulse on real engines: from what payments announce to what the operations centre is shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import redis
from cho.events.v1 import events_pb2

from kit import clock
from kit.clock import VIETNAM
from kit.errors import Contention
from kit.ids import new_id
from kit.streams.event import Event
from services.onboarding import announced, seed, store
from services.onboarding.announced import STREAM
from services.onboarding.form import Form
from services.onboarding.places import table
from services.onboarding.pulse import server
from services.onboarding.pulse import store as pulse
from services.onboarding.pulse.count import count
from services.onboarding.pulse.store import Day, PulseCursorDocument, PulseDocument
from services.onboarding.pulse.tally import Addition
from services.onboarding.store import alarms
from tests.onboarding.calls import Caller, active

pytestmark = pytest.mark.usefixtures("database")

MARKET = seed.markets()[0].market_id
NOON = datetime(2026, 11, 29, 12, 0, 30, tzinfo=VIETNAM)


class Till:
    """What payments announces."""

    def __init__(self, url: str) -> None:
        self.client, self.seq = redis.Redis.from_url(url), 0

    def pay(self, merchant: str, at: datetime, amount: int = 1_000, kind: str = "payment.captured") -> None:
        self.seq += 3
        moved = events_pb2.PaymentMoved(merchant_id=merchant, amount=amount, seq=self.seq, at_ms=ms(at))
        event = Event(new_id("evt"), kind, "payments", merchant, at, "", moved.SerializeToString())
        self.client.xadd(STREAM, event.fields(), id=f"{self.seq}-0")


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


@pytest.fixture
def till(valkey: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Till]:
    PulseDocument.objects.delete()
    PulseCursorDocument.objects.delete()
    monkeypatch.setattr(clock, "now_ms", lambda: ms(NOON))
    till = Till(valkey)
    # A round before the first payment: counting began with it.
    count(till.client, ms(NOON) - 60_000)
    yield till
    till.client.close()


@pytest.fixture
def merchant(registration: Form) -> str:
    return store.ensure_merchant(registration, registered_by=new_id("usr"), approved_by=new_id("usr")).merchant_id


def test_today_stands_beside_the_week_before_at_the_same_time_of_day(
    till: Till, merchant: str, operator: Caller
) -> None:
    week = timedelta(days=7)
    # Counting began the day before that one.
    till.pay(merchant, NOON - week - timedelta(days=1))
    till.pay(merchant, NOON - week - timedelta(hours=1), 20_000)
    till.pay(merchant, NOON - week + timedelta(hours=1), 30_000)
    till.pay(merchant, NOON - timedelta(minutes=59), 5_000)
    till.pay(merchant, NOON, 7_000)
    till.pay(merchant, NOON, 7_000, "payment.refunded")
    till.pay(new_id("mer"), NOON, 9_000)
    assert count(till.client, ms(NOON)) == 6
    said = operator("GetPulse")
    (market,) = said.markets
    middle = table.ward(market.ward_code)
    assert (market.latitude, market.longitude) == (middle.latitude, middle.longitude)
    assert (said.day, said.whole, said.as_of.ToMilliseconds()) == ("2026-11-29", True, ms(NOON))
    assert (market.today.payments, market.today.amount, market.merchants_paid) == (2, 12_000, 1)
    assert (market.before_day, market.before.payments, market.before.amount) == ("2026-11-22", 1, 20_000)
    assert (market.amount_by_minute[0], market.amount_by_minute[-1], sum(market.payments_by_minute)) == (
        5_000,
        7_000,
        2,
    )


def test_what_is_read_again_after_a_crash_is_counted_once(till: Till, merchant: str, operator: Caller) -> None:
    till.pay(merchant, NOON)
    count(till.client, ms(NOON))
    PulseCursorDocument.objects.update(set__seq=0)
    till.pay(merchant, NOON)
    count(till.client, ms(NOON))
    assert operator("GetPulse").markets[0].today.payments == 2


def test_of_two_workers_that_add_the_same_one_is_refused(till: Till) -> None:
    of, added = (MARKET, NOON.date()), Addition(3, {1: 1}, {1: 1_000}, {"mer_a"})
    pulse.add({of: added}, {})
    for after in ({}, {of: 2}):
        with pytest.raises(Contention):
            pulse.add({of: added}, after)
    assert pulse.days_of([of]) == {of: Day({1: 1}, {1: 1_000}, 1)}
    read = pulse.payments_read()
    pulse.keep_payments_read(read)
    with pytest.raises(Contention):
        pulse.keep_payments_read(read)


def test_a_market_that_another_worker_was_faster_at_keeps_no_other_from_being_counted(till: Till) -> None:
    ours, theirs, new = ((market, NOON.date()) for market in ("mkt_ours", "mkt_theirs", "mkt_new"))
    added = Addition(3, {1: 1}, {1: 1_000}, {"mer_a"})
    pulse.add({ours: added, theirs: added}, {})
    with pytest.raises(Contention):
        pulse.add(dict.fromkeys((theirs, ours, new), Addition(6, {1: 2}, {2: 5_000}, {"mer_b"})), {ours: 3, theirs: 2})
    assert pulse.progress([ours, theirs, new]) == {
        ours: (6, {"mer_a", "mer_b"}), theirs: (3, {"mer_a"}), new: (6, {"mer_b"}),
    }  # fmt: skip
    assert pulse.days_of([ours]) == {ours: Day({1: 3}, {1: 1_000, 2: 5_000}, 2)}


def test_many_announcements_are_read_a_few_at_a_time_and_each_is_counted_once(
    till: Till, merchant: str, operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announced, "BATCH", 3)
    monkeypatch.setattr(announced, "PAGE", 6)
    for n in range(17):
        till.pay(merchant, NOON, 1_000, "payment.captured" if n % 4 else "payment.refunded")
    assert count(till.client, ms(NOON)) == 12
    assert pulse.payments_read().seq == till.seq
    (market,) = operator("GetPulse").markets
    assert (market.today.payments, market.today.amount) == (12, 12_000)


def test_however_few_merchants_places_are_remembered_every_payment_is_counted(
    till: Till, merchant: str, another: Callable[[int], Form], operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "PLACES_MAX", 1)
    neighbour = active(another(1))
    for paid in ((merchant, neighbour), (neighbour,), (new_id("mer"), merchant)):
        for one in paid:
            till.pay(one, NOON)
        count(till.client, ms(NOON))
    (market,) = operator("GetPulse").markets
    assert (market.today.payments, market.merchants_paid) == (4, 2)


def test_days_that_lack_payments_are_not_shown_as_whole(till: Till, merchant: str, operator: Caller) -> None:
    till.pay(merchant, NOON - timedelta(days=7))
    count(till.client, ms(NOON))
    till.pay(merchant, NOON - timedelta(hours=1))
    till.pay(merchant, NOON)
    till.client.xtrim(STREAM, maxlen=1, approximate=False)
    count(till.client, ms(NOON))
    said = operator("GetPulse")
    assert not said.whole
    assert said.markets[0].today.payments == 1
    assert not said.markets[0].HasField("before")


def test_a_report_has_a_line_a_market_and_day(till: Till, merchant: str, operator: Caller) -> None:
    till.pay(merchant, NOON - timedelta(days=1), 40_000)
    count(till.client, ms(NOON))
    reply = operator("GetPulseCsv", **{"from": "2026-11-28", "to": "2026-11-29"})
    assert reply.content_type == "text/csv; charset=utf-8"
    first, second = csv.DictReader(io.StringIO(reply.data.decode("utf-8-sig")))
    assert (first["day"], first["market_id"], first["payments"], first["amount_dong"], first["merchants_paid"]) == (
        "2026-11-28", MARKET, "1", "40000", "1",
    )  # fmt: skip
    assert (second["day"], second["payments"], second["whole"]) == ("2026-11-29", "0", "yes")
    assert operator.refused("GetPulseCsv", **{"from": "2026-11-29", "to": "2026-11-28"}) == "INVALID_ARGUMENT"


def test_a_report_of_more_than_an_answer_has_room_for_is_asked_for_in_parts(
    till: Till, operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    (market,) = server.markets()
    many = [replace(market, market_id=new_id("mkt")) for _ in range(1_000)]
    monkeypatch.setattr(server, "markets", lambda: many)
    assert operator.refused("GetPulseCsv", **{"from": "2026-11-01", "to": "2026-11-29"}) == "INVALID_ARGUMENT"
    reply = operator("GetPulseCsv", **{"from": "2026-11-26", "to": "2026-11-29"})
    assert len(reply.data.splitlines()) == 1 + 4 * len(many)
