"""The ordered reader against a real Valkey and a real store: nothing twice, nothing skipped, nobody beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from kit.streams import health
from kit.streams.entry import Entry
from kit.streams.ledger import ledger_reader

pytestmark = pytest.mark.worker

LEDGER, CURSOR, LEASE = "{c01}:ledger", "{c01}:cursor:journal", "{c01}:lease:journal"
Until = Callable[[Callable[[], Any]], Any]


def append(client: redis.Redis, *seqs: int) -> None:
    with client.pipeline(transaction=False) as pipe:
        for seq in seqs:
            pipe.xadd(LEDGER, {"type": "pay", "amount": seq}, id=f"{seq}-0")
        pipe.execute()


class Journal:
    """Collects what it is given; each test subclasses it."""

    name = "tests.journal"
    seen: list[int]

    @classmethod
    def last_seq(cls) -> int:
        return cls.seen[-1] if cls.seen else 0


SCRIPT = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("journal_worker.py"))]


class Parent:
    """journal_worker.py, imported once; its workers are forked, as the supervisor does it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.alive: set[int] = set()

    def fork(self, batch_s: float) -> int:
        pid = self._ask(f"fork {batch_s}")
        self.alive.add(pid)
        return pid

    def wait(self, pid: int) -> int:
        status = self._ask(f"wait {pid}")
        self.alive.remove(pid)
        return status

    def kill(self, pid: int) -> int:
        os.kill(pid, signal.SIGKILL)
        return self.wait(pid)

    def _ask(self, command: str) -> int:
        assert self._process.stdin
        assert self._process.stdout
        print(command, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@pytest.fixture(scope="module")
def _parent(_valkey: str, mongo_uri: str) -> Iterator[Parent]:
    environment = {**os.environ, "REDIS_URL": _valkey, "MONGODB_URI": mongo_uri}
    with subprocess.Popen(SCRIPT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield Parent(process)


@pytest.fixture
def parent(_parent: Parent) -> Iterator[Parent]:
    yield _parent
    for pid in list(_parent.alive):
        _parent.kill(pid)


def test_a_reader_killed_in_the_middle_resumes_exactly_at_its_cursor(
    client: redis.Redis, database: Any, parent: Parent, until: Until
) -> None:
    def cursor() -> int:
        head = database.head.find_one({"_id": "journal"})
        return int(head["cursor"]) if head else 0

    total = 0
    for round_ in range(2):
        before = cursor()
        # Far more than it reads until it is killed, however late that is.
        append(client, *range(total + 1, total + 2001))
        total += 2000
        pid = parent.fork(0.02)
        until(lambda at=before + 150: cursor() >= at)
        parent.kill(pid)
        assert cursor() < total, f"killed too late in round {round_}"
    parent.fork(0)
    head = until(lambda: (found := database.head.find_one({"_id": "journal"}))["cursor"] == total and found)
    assert head["sum"] == sum(range(1, total + 1))


@pytest.mark.parametrize("forked", [True, False], ids=["forked from a preloaded parent", "on its own"])
def test_sigterm_finishes_the_batch_in_hand_and_leaves_nothing_behind(
    forked: bool, client: redis.Redis, database: Any, parent: Parent, until: Until
) -> None:
    # Long enough to be told to stop in the middle of it, also where this process is kept waiting.
    batch_s = 2
    alone = None if forked else subprocess.Popen([*SCRIPT, str(batch_s)])
    pid = alone.pid if alone else parent.fork(batch_s)
    append(client, *range(1, 51))
    until(lambda: database.head.find_one({"_id": "journal", "begun": 0}))
    append(client, *range(51, 101))
    os.kill(pid, signal.SIGTERM)
    assert (alone.wait() if alone else parent.wait(pid)) == 0
    assert database.head.find_one({"_id": "journal"})["cursor"] == 50
    assert client.get(CURSOR) == b"50"
    assert not client.exists(LEASE)


def test_a_suspended_reader_neither_acts_beside_its_successor_nor_applies_what_it_had_begun(
    client: redis.Redis, database: Any, parent: Parent, until: Until
) -> None:
    # Longer than it takes to see that it has begun, and over by the time that the other one has the lease.
    first = parent.fork(0.5)
    append(client, 1)
    until(lambda: database.head.find_one({"_id": "journal", "begun": 0, "by": first}))
    os.kill(first, signal.SIGSTOP)  # with a batch in hand
    second = parent.fork(0.1)
    until(lambda: (head := database.head.find_one({"_id": "journal"})) and head["cursor"] == 1)
    os.kill(first, signal.SIGCONT)
    for seq in range(2, 8):
        append(client, seq)
        until(lambda at=seq: database.head.find_one({"_id": "journal"})["cursor"] == at)
    acts = database.head.find_one({"_id": "journal"})["acts"]
    assert [act["to"] for act in acts] == list(range(1, 8))
    assert {act["by"] for act in acts} == {second}


def test_two_readers_of_a_purpose_never_act_at_once_and_the_second_takes_over(
    client: redis.Redis, start: Callable[[type], Any], until: Until
) -> None:
    acting: list[str] = []
    seen: list[tuple[str, int]] = []

    def reader(who: str) -> type:
        class Reader:
            name = f"tests.{who}"

            @ledger_reader("journal", cursor=lambda: seen[-1][1] if seen else 0, batch=1, lease_ms=6000)
            def journal(self, entries: list[Entry]) -> None:
                acting.append(who)
                assert acting == [who], "two readers act at once"
                client.ping()  # lets the other one run
                seen.append((who, entries[0].seq))
                acting.remove(who)

        return Reader

    first = start(reader("first"))
    append(client, *range(1, 31))
    until(lambda: len(seen) >= 10)
    start(reader("second"))
    until(lambda: len(seen) == 30)
    first.stop()
    append(client, *range(31, 61))
    until(lambda: len(seen) == 60)
    assert [seq for _, seq in seen] == list(range(1, 61))
    assert [who for who, _ in seen] == ["first"] * 30 + ["second"] * 30


def test_a_reader_that_lost_its_lease_stops_acting_and_later_goes_on_where_the_other_ended(
    client: redis.Redis, start: Callable[[type], Any], until: Until
) -> None:
    class Reader(Journal):
        seen: list[int] = []  # noqa: RUF012 - one test's

        @ledger_reader("journal", cursor=lambda: Reader.last_seq(), lease_ms=300)
        def journal(self, entries: list[Entry]) -> None:
            self.seen.extend(entry.seq for entry in entries)

    start(Reader)
    append(client, 1)
    until(lambda: Reader.seen == [1])
    client.set(LEASE, "somebody else", px=60_000)
    until(lambda: client.pttl(LEASE) < 59_500)  # longer than a lease: it has noticed
    append(client, 2, 3)
    until(lambda: client.pttl(LEASE) < 58_500)
    assert Reader.seen == [1]
    Reader.seen.append(2)  # somebody else acts, and ends
    client.delete(LEASE)
    until(lambda: Reader.seen == [1, 2, 3])


def test_a_gap_stops_the_reader_after_what_came_before_it(
    client: redis.Redis, start: Callable[[type], Any], until: Until
) -> None:
    class Reader(Journal):
        seen: list[int] = []  # noqa: RUF012 - one test's

        @ledger_reader("journal", cursor=lambda: Reader.last_seq())
        def journal(self, entries: list[Entry]) -> None:
            self.seen.extend(entry.seq for entry in entries)

    append(client, 1, 2, 3, 5, 6)
    start(Reader)
    reason = until(lambda: health.stopped().get("journal"))
    assert Reader.seen == [1, 2, 3]
    assert "4-0" in reason
    assert client.get(CURSOR) == b"3"
    assert not client.exists(LEASE)


def test_a_reader_that_is_ahead_of_the_ledger_stops(
    client: redis.Redis, start: Callable[[type], Any], until: Until
) -> None:
    class Reader(Journal):
        seen: list[int] = []  # noqa: RUF012 - one test's

        @ledger_reader("journal", cursor=lambda: 9)
        def journal(self, entries: list[Entry]) -> None:
            self.seen.extend(entry.seq for entry in entries)

    append(client, *range(1, 9))
    start(Reader)
    assert "ends at 8" in until(lambda: health.stopped().get("journal"))
    append(client, 9, 10)
    assert Reader.seen == []


def test_a_failing_batch_is_read_again_from_the_effects_cursor(
    client: redis.Redis, start: Callable[[type], Any], until: Until
) -> None:
    calls: list[list[int]] = []

    class Reader(Journal):
        seen: list[int] = []  # noqa: RUF012 - one test's

        @ledger_reader("journal", cursor=lambda: Reader.last_seq())
        def journal(self, entries: list[Entry]) -> None:
            calls.append([entry.seq for entry in entries])
            if len(calls) < 3:
                self.seen.append(entries[0].seq)  # half of the effect
                raise RuntimeError("the store is away")
            self.seen.extend(entry.seq for entry in entries)

    append(client, 1, 2, 3, 4)
    start(Reader)
    until(lambda: Reader.seen == [1, 2, 3, 4])
    assert calls == [[1, 2, 3, 4], [2, 3, 4], [3, 4]]
    until(lambda: client.get(CURSOR) == b"4")


def test_with_a_replica_nothing_is_acted_on_that_it_does_not_hold(
    client: redis.Redis, replica: subprocess.Popen[bytes], start: Callable[[type], Any], until: Until
) -> None:
    class Reader(Journal):
        seen: list[int] = []  # noqa: RUF012 - one test's

        @ledger_reader("journal", cursor=lambda: Reader.last_seq())
        def journal(self, entries: list[Entry]) -> None:
            self.seen.extend(entry.seq for entry in entries)

    append(client, 1, 2)
    start(Reader)
    until(lambda: Reader.seen == [1, 2])
    replica.send_signal(signal.SIGSTOP)
    append(client, 3)
    failures = client.info("commandstats")["cmdstat_waitaof"]["calls"]
    until(lambda: client.info("commandstats")["cmdstat_waitaof"]["calls"] >= failures + 1)
    assert Reader.seen == [1, 2]
    replica.send_signal(signal.SIGCONT)
    until(lambda: Reader.seen == [1, 2, 3])
