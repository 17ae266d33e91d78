"""Metrics: nothing where none are served, and one source that is away does not cost the page."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import redis
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import Metric

from kit import scrape
from kit.config import settings
from kit.errors import BY_CODE
from kit.rpc import metrics
from kit.rpc.failures import OURS
from kit.streams import servers
from tests.waiting import until

# Prometheus gives a page up after so long.
PAGE_S_MAX = 10
# As a worker is (kit.streams.patch), with three sources in MongoDB and three in Valkey: its page, and how long it took.
WORKER = """
import kit.streams.patch
import sys, time
import httpx, redis
from prometheus_client import start_http_server
from pymongo.errors import PyMongoError
from kit import log, mongo, scrape
from kit.streams import clients

log.set_up("test")
database, valkey = mongo.connect("scrape").get_database("scrape"), clients.connect(sys.argv[1])
here = scrape.family("test_here", "A number.", [], [((), 1)])
for number in range(3):
    scrape.add(f"documents {number}", lambda: database.one.find_one() or [], PyMongoError)
    scrape.add(f"ledger {number}", lambda: valkey.ping() or [], redis.RedisError)
scrape.add("here", lambda: [here])
server, _ = start_http_server(0, addr="127.0.0.1")
began = time.monotonic()
page = httpx.get(f"http://127.0.0.1:{server.server_port}/metrics", timeout=60).text
print(time.monotonic() - began)
print(page)
"""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process that serves metrics; what was added is forgotten."""
    monkeypatch.setenv("CHO_METRICS_PORT", "9090")
    settings.cache_clear()
    before = list(scrape._sources.sources)
    yield
    if scrape._sources.sources and not before:
        REGISTRY.unregister(scrape._sources)
    scrape._sources.sources[:] = before
    settings.cache_clear()


def test_where_no_metrics_are_served_no_call_is_counted_and_nobody_is_asked() -> None:
    assert metrics.recorder("cho.Pay") is None
    scrape.add("x", lambda: pytest.fail("asked"))
    assert "x" not in {source.name for source in scrape._sources.sources}


def test_calls_are_counted_and_timed_by_code(served: None) -> None:
    record = metrics.recorder("test.Pay")
    assert record
    record("OK", 0.003)
    record("INSUFFICIENT_FUNDS", 0.002)
    record("OK")  # a stream: counted, not timed
    value = REGISTRY.get_sample_value
    assert value("cho_rpc_calls_total", {"method": "test.Pay", "code": "OK"}) == 2
    assert value("cho_rpc_calls_total", {"method": "test.Pay", "code": "INSUFFICIENT_FUNDS"}) == 1
    assert value("cho_rpc_seconds_count", {"method": "test.Pay", "code": "OK"}) == 1
    assert value("cho_rpc_seconds_bucket", {"method": "test.Pay", "code": "OK", "le": "0.0025"}) == 0
    assert value("cho_rpc_seconds_bucket", {"method": "test.Pay", "code": "OK", "le": "0.005"}) == 1


def test_every_code_that_is_ours_is_told_as_0_before_the_first_call_and_is_timed_only_once_there_was_one(
    served: None,
) -> None:
    metrics.recorder("test.Fresh")
    value, ours = REGISTRY.get_sample_value, {code for code, error in BY_CODE.items() if error.status in OURS}
    assert len(ours) == 5, "each is a series of every method"
    for code in ours | {"OK"}:
        labels = {"method": "test.Fresh", "code": code}
        assert value("cho_rpc_calls_total", labels) == 0
        assert value("cho_rpc_seconds_count", labels) == (0 if code == "OK" else None)
    assert value("cho_rpc_calls_total", {"method": "test.Fresh", "code": "NOT_FOUND"}) is None


def test_a_source_that_is_away_says_so_and_the_others_are_told(served: None) -> None:
    def away() -> Iterator[Metric]:
        yield scrape.family("test_half", "Never shown: the source broke off.", [], [((), 1)])
        raise redis.ConnectionError("refused")

    scrape.add("away", away, redis.RedisError)
    scrape.add("there", lambda: [scrape.family("test_there", "A number.", ["kind"], [(("a",), 3)])])
    page = generate_latest().decode()
    assert 'cho_source_up{source="away"} 0.0' in page
    assert 'cho_source_up{source="there"} 1.0' in page
    assert 'test_there{kind="a"} 3.0' in page
    assert "test_half" not in page


@pytest.fixture
def hole() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield int(listener.getsockname()[1])


@pytest.fixture
def nobody() -> int:
    """A port that refuses connections."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("away", ["hole", "nobody"])
def test_while_documents_and_ledger_are_away_a_workers_page_comes_in_time_with_all_else_that_is_on_it(
    away: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = request.getfixturevalue(away)
    monkeypatch.setenv("CHO_METRICS_PORT", "9090")
    monkeypatch.setenv("MONGODB_URI", f"mongodb://127.0.0.1:{port}")
    said = subprocess.run(
        [sys.executable, "-P", "-c", WORKER, f"redis://127.0.0.1:{port}/0"],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    took_s, _, page = said.stdout.partition("\n")
    assert float(took_s) < PAGE_S_MAX
    assert "test_here 1.0" in page
    assert 'cho_source_up{source="here"} 1.0' in page
    for number in range(3):
        assert f'cho_source_up{{source="documents {number}"}} 0.0' in page
        assert f'cho_source_up{{source="ledger {number}"}} 0.0' in page


def test_a_source_that_still_has_to_answer_is_not_asked_again_and_two_pages_share_an_answer(
    served: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers = [], threading.Event()

    def slow() -> Iterator[Metric]:
        asked.append(1)
        answers.wait(60)
        yield scrape.family("test_slow", "A number.", [], [((), len(asked))])

    scrape.add("slow", slow)
    with ThreadPoolExecutor() as pool:
        monkeypatch.setattr(scrape, "BUDGET_S", 0.05)
        for _ in range(3):
            assert 'cho_source_up{source="slow"} 0.0' in generate_latest().decode()
        monkeypatch.setattr(scrape, "BUDGET_S", 60)
        waiting, wait = [], scrape.wait
        monkeypatch.setattr(scrape, "wait", lambda *args, **named: (waiting.append(1), wait(*args, **named)))
        pages = [pool.submit(generate_latest) for _ in range(2)]
        until(lambda: len(waiting) == 2)
        answers.set()
        assert all(b"test_slow 1.0" in page.result() for page in pages)
    assert asked == [1]
    until(lambda: "test_slow 2.0" in generate_latest().decode())


def test_a_source_that_breaks_of_a_bug_is_not_taken_for_one_that_is_away(served: None) -> None:
    scrape.add("broken", lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    with pytest.raises(ZeroDivisionError):
        generate_latest()


def test_a_source_is_asked_once_however_often_it_is_added(served: None) -> None:
    asked = []
    for _ in range(2):
        scrape.add("once", lambda: asked.append(1) or [])  # type: ignore[func-returns-value]
    generate_latest()
    assert asked == [1]


def test_what_valkey_says_becomes_numbers(valkey: str) -> None:
    with redis.Redis.from_url(valkey) as client:
        said = client.info("everything")
    families = {family.name: family for family in servers.families({"ledger": said})}
    (ok,) = families["cho_valkey_aof_write_ok"].samples
    assert (ok.labels, ok.value) == ({"server": "ledger"}, 1.0)
    assert families["cho_valkey_memory_bytes"].samples[0].value > 0
    assert {sample.labels["command"] for sample in families["cho_valkey_command_calls"].samples} >= {"ping"}
    assert families["cho_valkey_replica_lag_bytes"].samples == []


def test_a_replica_is_as_far_behind_as_the_furthest() -> None:
    said = {"master_repl_offset": 100, "slave0": {"offset": 90}, "slave1": {"offset": 60}, "slave_expires": 0}
    assert servers._replica_lag(said) == 40
