"""Groups against a real Valkey: retried, buried with the error, given back, claimed from the dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from prometheus_client import REGISTRY
from pymongo.errors import AutoReconnect, ServerSelectionTimeoutError

from kit.clock import from_ms
from kit.errors import LedgerFenced, OutcomeUnknown, Overloaded, Unavailable
from kit.streams import dead
from kit.streams.event import Event
from kit.streams.group import stream_handler

pytestmark = pytest.mark.worker

STREAM, GROUP = "onboarding:events", "payments.directory"
DEAD = "onboarding:events:dead:payments.directory"
Until = Callable[[Callable[[], Any]], Any]
Start = Callable[[type], Any]


def publish(client: redis.Redis, *subjects: str, type: str = "merchant.activated") -> None:
    for subject in subjects:
        event = Event(f"evt_{subject}", type, "onboarding", subject, from_ms(1_763_780_400_123), "", b"\x0a\x00\xff")
        client.xadd(STREAM, event.fields())


def directory(handler: Callable[[Event], None], group: str = GROUP, **options: Any) -> type:
    """A service whose only method is `handler`; retries at once unless told otherwise."""
    options = {"retry_after_ms": 50, "deliveries_max": 3, **options}

    class Directory:
        name = group

        @stream_handler(STREAM, group=group, **options)
        def on_event(self, event: Event) -> None:
            handler(event)

    return Directory


def settled(client: redis.Redis, group: str = GROUP) -> bool:
    """Everything was delivered to the group, and it owes nothing."""
    found = [g for g in client.xinfo_groups(STREAM) if g["name"] == group.encode()]
    return bool(found) and found[0]["lag"] == 0 and found[0]["pending"] == 0


def test_events_arrive_whole_and_in_order_also_those_from_before_the_group(
    client: redis.Redis, start: Start, until: Until
) -> None:
    seen: list[Event] = []
    publish(client, "mer_1", "mer_2")
    container = start(directory(seen.append))
    until(lambda: len(seen) == 2)
    publish(client, "mer_3")
    until(lambda: len(seen) == 3 and settled(client))
    assert [event.subject for event in seen] == ["mer_1", "mer_2", "mer_3"]
    first = seen[0]
    assert (first.id, first.type, first.source) == ("evt_mer_1", "merchant.activated", "onboarding")
    assert (first.time, first.data, first.deliveries) == (from_ms(1_763_780_400_123), b"\x0a\x00\xff", 1)
    assert first.stream_id == client.xrange(STREAM)[0][0].decode()
    container.stop()
    assert client.xinfo_consumers(STREAM, GROUP) == []


def test_other_types_are_acknowledged_unseen(client: redis.Redis, start: Start, until: Until) -> None:
    seen: list[str] = []
    publish(client, "mer_1", type="merchant.suspended")
    publish(client, "mer_2")
    start(directory(lambda event: seen.append(event.subject), types={"merchant.activated"}))
    until(lambda: settled(client))
    assert seen == ["mer_2"]


def test_a_failing_event_is_retried_then_buried_and_given_back_to_its_group_alone(
    client: redis.Redis, start: Start, until: Until
) -> None:
    attempts: list[tuple[str, int]] = []
    others: list[str] = []
    broken = True

    def handle(event: Event) -> None:
        attempts.append((event.subject, event.deliveries))
        if event.subject == "mer_1" and broken:
            raise ValueError("no such bank")

    start(directory(handle))
    start(directory(lambda event: others.append(event.subject), group="catalog.merchants"))
    publish(client, "mer_1", "mer_2")
    until(lambda: client.xlen(DEAD) == 1 and settled(client))
    assert [count for subject, count in attempts if subject == "mer_1"] == [1, 2, 3]
    assert ("mer_2", 1) in attempts, "the others did not wait for it"
    original = client.xrange(STREAM)[0][0].decode()
    [letter] = dead.letters(client, STREAM, GROUP, 10)
    assert (letter.event_id, letter.type, letter.subject) == ("evt_mer_1", "merchant.activated", "mer_1")
    assert (letter.deliveries, letter.stream_id, letter.error) == (3, original, "ValueError('no such bank')")
    assert REGISTRY.get_sample_value("cho_stream_dead_total", {"stream": STREAM, "group": GROUP})

    assert dead.replay(client, STREAM, GROUP, letter.id)  # still broken: it dies again, as itself
    until(lambda: len(attempts) == 7 and client.xlen(DEAD) == 1)
    [letter] = dead.letters(client, STREAM, GROUP, 10)
    assert (letter.event_id, letter.stream_id, letter.deliveries) == ("evt_mer_1", original, 3)

    broken = False
    assert dead.replay(client, STREAM, GROUP, letter.id)
    assert not dead.replay(client, STREAM, GROUP, letter.id), "given back once"
    until(lambda: len(attempts) == 8 and client.xlen(f"{STREAM}:again:{GROUP}") == 0)
    assert client.xlen(DEAD) == 0
    assert others == ["mer_1", "mer_2"]


def test_an_event_whose_handler_can_do_nothing_now_waits_however_long_that_takes_and_is_applied_once(
    client: redis.Redis, start: Start, until: Until
) -> None:
    away = [
        *(Unavailable("away"), LedgerFenced("closed"), OutcomeUnknown("lost"), Overloaded("full")),
        *(redis.ConnectionError("refused"), redis.TimeoutError("slow")),
        *(AutoReconnect("lost"), ServerSelectionTimeoutError("nobody there")),
    ]
    deliveries: list[int] = []
    applied: list[str] = []

    def handle(event: Event) -> None:
        deliveries.append(event.deliveries)
        if away:
            raise away.pop(0)
        applied.append(event.subject)

    publish(client, "mer_1")
    start(directory(handle, deliveries_max=1))
    until(lambda: applied and settled(client))
    assert applied == ["mer_1"]
    assert deliveries == [1] * 9, "a delivery at which nothing could be done is none"
    assert not client.exists(DEAD)


def test_an_event_that_ends_its_consumers_after_it_had_to_wait_has_all_its_deliveries_and_is_buried_then(
    client: redis.Redis, start: Start, until: Until
) -> None:
    publish(client, "mer_1")
    client.xgroup_create(STREAM, GROUP, id="0")
    attempts: list[int] = []

    def handle(event: Event) -> None:
        attempts.append(event.deliveries)
        raise Unavailable("away")

    waiting = start(directory(handle))
    until(lambda: len(attempts) > 4)
    waiting.stop()
    for _ in range(3):  # consumers that die with it in hand
        client.xautoclaim(STREAM, GROUP, "crashed", 0, "0-0")
    start(directory(handle))
    until(lambda: client.xlen(DEAD) == 1 and settled(client))
    assert set(attempts) == {1}
    assert "3 consumers ended" in dead.letters(client, STREAM, GROUP, 1)[0].error


def test_an_event_that_was_given_back_waits_too_while_nothing_can_be_done(
    client: redis.Redis, start: Start, until: Until
) -> None:
    errors: list[Exception] = [ValueError("no such bank"), *(Unavailable("away") for _ in range(4))]

    def handle(event: Event) -> None:
        if errors:
            raise errors.pop(0)

    publish(client, "mer_1")
    start(directory(handle, deliveries_max=1))
    until(lambda: client.xlen(DEAD) == 1)
    assert dead.replay(client, STREAM, GROUP, dead.letters(client, STREAM, GROUP, 1)[0].id)
    until(lambda: not errors and client.xlen(f"{STREAM}:again:{GROUP}") == 0)
    assert client.xlen(DEAD) == 0


def test_an_event_that_fails_by_itself_is_buried_also_where_it_had_to_wait_before(
    client: redis.Redis, start: Start, until: Until
) -> None:
    errors: list[Exception] = [*(Unavailable("away") for _ in range(4)), *(ValueError("bank") for _ in range(3))]

    def handle(event: Event) -> None:
        raise errors.pop(0)

    publish(client, "mer_1")
    start(directory(handle))
    until(lambda: client.xlen(DEAD) == 1 and settled(client))
    assert errors == []
    assert dead.letters(client, STREAM, GROUP, 1)[0].error == "ValueError('bank')"


def test_what_a_crashed_consumer_had_in_hand_is_claimed(client: redis.Redis, start: Start, until: Until) -> None:
    publish(client, "mer_1", "mer_2", "mer_3")
    client.xgroup_create(STREAM, GROUP, id="0")
    client.xreadgroup(GROUP, "crashed", {STREAM: ">"}, count=2)
    seen: list[tuple[str, int]] = []
    start(directory(lambda event: seen.append((event.subject, event.deliveries))))
    until(lambda: settled(client))
    assert sorted(seen) == [("mer_1", 2), ("mer_2", 2), ("mer_3", 1)]


def test_an_event_that_kills_its_consumers_is_buried_without_another_try(
    client: redis.Redis, start: Start, until: Until
) -> None:
    publish(client, "mer_1")
    client.xgroup_create(STREAM, GROUP, id="0")
    [[_, [(entry_id, _fields)]]] = client.xreadgroup(GROUP, "crashed", {STREAM: ">"})
    client.xclaim(STREAM, GROUP, "crashed", 0, [entry_id], retrycount=3, force=True)
    seen: list[Event] = []
    start(directory(seen.append))
    until(lambda: client.xlen(DEAD) == 1 and settled(client))
    assert seen == []
    assert "3 consumers ended" in dead.letters(client, STREAM, GROUP, 1)[0].error


def test_events_that_do_not_concern_the_group_are_acknowledged_unseen_and_a_failing_question_is_a_failure(
    client: redis.Redis, start: Start, until: Until
) -> None:
    def concerns(event: Event) -> bool:
        if event.subject == "mer_1":
            raise ValueError("cannot be read")
        return event.subject == "mer_3"

    seen: list[str] = []
    publish(client, "mer_1", "mer_2", "mer_3")
    start(directory(lambda event: seen.append(event.subject), where=concerns))
    until(lambda: client.xlen(DEAD) == 1 and settled(client))
    assert seen == ["mer_3"]
    assert "cannot be read" in dead.letters(client, STREAM, GROUP, 1)[0].error


def test_what_is_not_an_event_is_buried_at_once(client: redis.Redis, start: Start, until: Until) -> None:
    client.xadd(STREAM, {"id": "evt_1", "what": "?"})
    seen: list[Event] = []
    start(directory(seen.append))
    until(lambda: client.xlen(DEAD) == 1 and settled(client))
    assert seen == []
    assert "field type is missing" in dead.letters(client, STREAM, GROUP, 1)[0].error


def test_full_dead_letters_keep_failing_events_with_the_group(
    client: redis.Redis, start: Start, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead, "DEAD_MAX", 1)
    attempts: list[str] = []

    def handle(event: Event) -> None:
        attempts.append(event.subject)
        raise ValueError("no")

    start(directory(handle, deliveries_max=1))
    publish(client, "mer_1", "mer_2")
    until(lambda: client.xlen(DEAD) == 1 and client.xpending(STREAM, GROUP)["pending"] == 1)
    assert attempts == ["mer_1", "mer_2"]


def test_two_workers_of_a_group_share_its_events(client: redis.Redis, start: Start, until: Until) -> None:
    seen: list[tuple[str, str]] = []
    start(directory(lambda event: seen.append(("a", event.subject)), batch=1, retry_after_ms=5_000))
    start(directory(lambda event: seen.append(("b", event.subject)), batch=1, retry_after_ms=5_000))
    until(lambda: client.exists(STREAM) and len(client.xinfo_consumers(STREAM, GROUP)) == 2)
    publish(client, *(f"mer_{n}" for n in range(20)))
    until(lambda: len(seen) >= 20 and settled(client))
    assert sorted(subject for _, subject in seen) == sorted(f"mer_{n}" for n in range(20))


def test_a_flushed_server_is_read_again(client: redis.Redis, start: Start, until: Until) -> None:
    seen: list[str] = []
    start(directory(lambda event: seen.append(event.subject)))
    publish(client, "mer_1")
    until(lambda: seen == ["mer_1"])
    client.flushall()
    publish(client, "mer_2")
    until(lambda: seen == ["mer_1", "mer_2"])
