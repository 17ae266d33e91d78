"""What a scrape tells of a stream's groups, against a real Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis

from kit.clock import now
from kit.config import settings
from kit.streams import dead, metrics
from kit.streams.event import Event

STREAM, GROUP = "onboarding:events", "payments.directory"


@pytest.fixture
def client(valkey: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    monkeypatch.setenv("REDIS_URL", valkey)
    monkeypatch.setattr(metrics, "_watched", {STREAM})
    settings.cache_clear()
    with redis.Redis.from_url(valkey, protocol=2) as connected:
        yield connected
    settings.cache_clear()


def told() -> dict[str, float]:
    """The numbers of the one group."""
    return {sample.name: sample.value for family in metrics._streams() for sample in family.samples}


def test_what_was_given_back_to_a_group_is_behind_and_as_old_as_it_is_until_it_is_acknowledged(
    client: redis.Redis,
) -> None:
    client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    event = Event("evt_1", "merchant.suspended", "onboarding", "mer_1", now() - timedelta(hours=2), "", b"")
    client.xadd(STREAM, event.fields())
    reply: Any = client.xreadgroup(GROUP, "me", {STREAM: ">"})
    [[_, [(entry_id, fields)]]] = reply
    assert dead.bury(client, STREAM, GROUP, source=STREAM, entry_id=entry_id, fields=fields, error="no")
    buried = told()
    assert (buried["cho_stream_lag"], buried["cho_stream_age_seconds"], buried["cho_dead_letters"]) == (0, 0, 1)
    assert dead.replay(client, STREAM, GROUP, dead.letters(client, STREAM, GROUP, 1)[0].id)
    given_back = told()
    assert (given_back["cho_stream_lag"], given_back["cho_dead_letters"]) == (1, 0)
    assert given_back["cho_stream_age_seconds"] >= 7_200
