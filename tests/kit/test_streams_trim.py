"""Trimming against a real Valkey: whatever a reader still needs stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from kit.streams import names
from kit.streams.trim import trim_ledger, trim_stream

STREAM = "catalog:events"


@pytest.fixture
def client(valkey: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey, protocol=2) as connected:
        yield connected


def add(client: redis.Redis, stream: str, first: int, last: int) -> None:
    with client.pipeline(transaction=False) as pipe:
        for seq in range(first, last + 1):
            pipe.xadd(stream, {"n": seq}, id=f"{seq}-0")
        pipe.execute()


def held(client: redis.Redis, stream: str = STREAM) -> list[int]:
    return [int(entry_id.split(b"-")[0]) for entry_id, _ in client.xrange(stream)]


def read(client: redis.Redis, group: str, count: int) -> list[bytes]:
    reply: Any = client.xreadgroup(group, "me", {STREAM: ">"}, count=count)
    return [entry_id for _, entries in reply for entry_id, _ in entries]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 40), st.none()),
        st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 40), st.floats(0, 1)),
    ),
    max_size=12,
)


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, margin=st.integers(0, 30))
def test_trimming_never_drops_what_a_group_has_not_acknowledged(
    client: redis.Redis, steps: list[tuple[str, int, float | None]], margin: int
) -> None:
    client.flushall()
    client.config_set("stream-node-max-entries", 4)  # `~` removes whole nodes: small ones show more
    owed: dict[str, set[int]] = {"a": set(), "b": set()}
    for group in owed:
        client.xgroup_create(STREAM, group, id="0", mkstream=True)
    added = 0
    for what, count, share in steps:
        if share is None:
            add(client, STREAM, added + 1, added + count)
            for seqs in owed.values():
                seqs.update(range(added + 1, added + count + 1))
            added += count
        else:
            entries = read(client, what, count)
            # Out of order, as failing events are: those in the front may be left over.
            done = entries[len(entries) - round(len(entries) * share) :]
            if done:
                client.xack(STREAM, what, *done)
            owed[what].difference_update(int(entry_id.split(b"-")[0]) for entry_id in done)
        trim_stream(STREAM, margin=margin, client=client)
        kept = set(held(client))
        assert owed["a"] | owed["b"] <= kept
        assert set(range(max(1, added - margin), added + 1)) <= kept


def test_what_everybody_acknowledged_goes(client: redis.Redis) -> None:
    add(client, STREAM, 1, 1000)
    for group in ("a", "b"):
        client.xgroup_create(STREAM, group, id="0")
        client.xack(STREAM, group, *read(client, group, 900))
    assert trim_stream(STREAM, margin=50, client=client) > 0
    assert held(client)[0] > 800 - 100, "but for the rest of a node"
    assert held(client)[-1] == 1000


def test_a_stream_without_groups_or_entries_is_left_alone(client: redis.Redis) -> None:
    assert trim_stream(STREAM, client=client) == 0
    add(client, STREAM, 1, 300)
    assert trim_stream(STREAM, margin=0, client=client) == 0


def test_a_stream_that_no_group_need_hear_keeps_its_newest_and_what_a_group_still_needs(client: redis.Redis) -> None:
    add(client, STREAM, 1, 1000)
    client.xgroup_create(STREAM, "a", id="0")
    assert trim_stream(STREAM, heard=False, margin=50, client=client) == 0
    client.xgroup_destroy(STREAM, "a")
    assert trim_stream(STREAM, heard=False, margin=50, client=client) > 0
    assert 800 - 100 < held(client)[0] <= 950, "but for the rest of a node"
    assert held(client)[-1] == 1000


def test_the_ledger_is_trimmed_below_every_registered_reader_only(client: redis.Redis) -> None:
    add(client, names.ledger(), 1, 1000)
    client.sadd(names.readers(), "journal", "announce")
    client.set(names.cursor("journal"), 900)
    assert trim_ledger(margin=0, client=client) == 0, "the announcer has not begun"
    client.set(names.cursor("announce"), 500)
    assert trim_ledger(margin=0, client=client) > 0
    assert 400 <= held(client, names.ledger())[0] <= 500


def test_the_ledger_is_not_trimmed_before_its_books_exist(client: redis.Redis) -> None:
    add(client, names.ledger(), 1, 1000)
    client.sadd(names.readers(), "announce")
    client.set(names.cursor("announce"), 1000)
    assert trim_ledger(margin=0, client=client) == 0


def test_an_abandoned_reader_alarms_while_the_stream_grows_and_a_quiet_one_does_not(client: redis.Redis) -> None:
    def alarms() -> list[str]:
        with capture_logs() as logs:
            trim_stream(STREAM, margin=0, stuck_s=0, client=client)
        return [log["reader"] for log in logs if log["event"] == "reader is abandoned"]

    add(client, STREAM, 1, 10)
    for group in ("quiet", "gone"):
        client.xgroup_create(STREAM, group, id="0")
    client.xack(STREAM, "quiet", *read(client, "quiet", 10))
    client.xack(STREAM, "gone", *read(client, "gone", 5))
    assert alarms() == []  # the first look
    assert alarms() == ["gone"]
    client.xack(STREAM, "gone", *read(client, "gone", 5))
    assert alarms() == []


def test_a_stream_that_is_too_long_alarms(client: redis.Redis) -> None:
    add(client, STREAM, 1, 11)
    with capture_logs() as logs:
        trim_stream(STREAM, length_max=10, client=client)
    assert [(log["event"], log["length"]) for log in logs] == [("stream is too long", 11)]
