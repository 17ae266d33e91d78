"""Metrics: nothing where none are served, and one source that is away does not cost the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import Metric

from kit import scrape
from kit.config import settings
from kit.rpc import metrics
from kit.streams import servers


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
