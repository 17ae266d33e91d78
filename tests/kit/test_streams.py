"""What streams are made of: entries, events, leases. No eventlet here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import VIETNAM
from kit.streams.entry import Entry, ReaderStopped, decode
from kit.streams.event import Event, from_entry, rfc3339
from kit.streams.lease import Lease

FIELDS = st.dictionaries(st.binary(max_size=8), st.binary(max_size=300), max_size=6)


def flat(fields: dict[bytes, bytes]) -> list[bytes]:
    return [part for pair in fields.items() for part in pair]


def read_back(raw: bytes) -> list[bytes]:
    parts = []
    while raw:
        length = int.from_bytes(raw[:4], "big")
        parts.append(raw[4 : 4 + length])
        raw = raw[4 + length :]
    return parts


@given(FIELDS)
def test_raw_bytes_tell_every_name_and_value_in_stream_order(fields: dict[bytes, bytes]) -> None:
    assert read_back(Entry(1, fields).raw) == flat(fields)


@given(FIELDS, FIELDS)
def test_two_different_entries_never_have_the_same_raw_bytes(
    one: dict[bytes, bytes], other: dict[bytes, bytes]
) -> None:
    assert (Entry(1, one).raw == Entry(1, other).raw) == (flat(one) == flat(other))


@given(st.lists(FIELDS, max_size=5), st.integers(0, 2**53))
def test_entries_come_back_as_they_were_written(written: list[dict[bytes, bytes]], after: int) -> None:
    reply = [(b"%d-0" % seq, flat(fields)) for seq, fields in enumerate(written, after + 1)]
    assert decode(reply, after) == [Entry(seq, fields) for seq, fields in enumerate(written, after + 1)]


@given(st.sets(st.integers(1, 12), min_size=1))
def test_entries_end_where_one_is_missing_and_a_missing_first_stops_the_reader(seqs: set[int]) -> None:
    reply = [(b"%d-0" % seq, [b"a", b"1"]) for seq in sorted(seqs)]
    unbroken = next(n for n in range(13) if n + 1 not in seqs)
    if unbroken:
        assert [entry.seq for entry in decode(reply, 0)] == list(range(1, unbroken + 1))
    else:
        with pytest.raises(ReaderStopped):
            decode(reply, 0)


@pytest.mark.parametrize("entry_id", [b"1-1", b"2-0", b"0-1", b"01-0"])
def test_another_id_than_the_next_stops_the_reader(entry_id: bytes) -> None:
    with pytest.raises(ReaderStopped):
        decode([(entry_id, [b"a", b"1"])], 0)


def test_a_name_used_twice_stops_the_reader_since_the_hash_would_not_cover_it() -> None:
    with pytest.raises(ReaderStopped):
        decode([(b"1-0", [b"a", b"1", b"a", b"2"])], 0)


def test_an_event_comes_back_as_it_was_told() -> None:
    event = Event("evt_1", "order.paid", "orders", "ord_1", datetime(2026, 11, 22, 3, 4, tzinfo=UTC), "00-1", b"\xff")
    fields = {
        name.encode(): value if isinstance(value, bytes) else value.encode() for name, value in event.fields().items()
    }
    assert from_entry(b"5-0", fields, 2) == Event(
        **{name: getattr(event, name) for name in event.fields()}, stream_id="5-0", deliveries=2
    )


def test_times_are_told_in_utc_to_the_ms() -> None:
    late = datetime(2026, 11, 22, 6, 30, tzinfo=VIETNAM) + timedelta(milliseconds=7)
    assert rfc3339(late) == "2026-11-21T23:30:00.007Z"


def test_an_entry_without_an_attribute_is_not_an_event() -> None:
    with pytest.raises(ValueError, match="subject is missing"):
        from_entry(b"1-0", {b"id": b"evt_1", b"type": b"order.paid", b"source": b"orders"})


@pytest.fixture
def client(valkey: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey, protocol=2) as connected:
        yield connected


def test_a_lease_has_one_holder(client: redis.Redis) -> None:
    first, second = Lease(client, "lease"), Lease(client, "lease")
    assert first.acquire()
    assert not second.acquire()
    assert first.acquire(), "it is its own already"
    assert (first.held(), second.held()) == (True, False)
    second.release()
    assert first.renew(), "only its holder can release it"
    first.release()
    assert second.acquire()


def test_a_lease_may_not_be_acted_on_in_its_last_third(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("kit.streams.lease.time.monotonic", lambda: clock[0])
    lease = Lease(client, "lease", ttl_ms=9_000)
    assert lease.acquire()
    clock[0] += 5.9
    assert lease.held()
    clock[0] += 0.2
    assert not lease.held()
    assert lease.renew(), "nobody took it"
    assert lease.held()


def test_a_lease_that_somebody_took_is_lost(client: redis.Redis) -> None:
    lease = Lease(client, "lease")
    lease.acquire()
    client.set("lease", "somebody else")
    assert not lease.renew()
    assert not lease.held()


def test_what_servers_import_brings_neither_eventlet_nor_nameko() -> None:
    modules = "kit.outbox, kit.streams.entry, kit.streams.event, kit.streams.trim, kit.streams.once, cli.events"
    check = f"import sys, {modules}; sys.exit(not {{'eventlet', 'nameko'}}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_workers_import_no_grpc_and_refuse_to_run_unpatched() -> None:
    check = """
import kit.outbox, kit.streams.group, kit.streams.ledger, kit.streams.relay, kit.streams.runner, sys
assert "grpc" not in sys.modules
try:
    kit.streams.runner.run([], "tests")
except RuntimeError:
    sys.exit(0)
sys.exit("it ran")
"""
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", check], check=False).returncode == 0
