"""`cho events` against a real Valkey."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from typer.testing import CliRunner

from cli.events import app
from kit.config import settings
from kit.streams import dead, names

STREAM, GROUP = "onboarding:events", "payments.directory"


@pytest.fixture(autouse=True)
def client(valkey: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    monkeypatch.setenv("REDIS_URL", valkey)
    settings.cache_clear()
    with redis.Redis.from_url(valkey, protocol=2) as connected:
        yield connected
    settings.cache_clear()


def cho_events(*arguments: str, status: int = 0) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def bury(client: redis.Redis, count: int) -> None:
    client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    for number in range(count):
        client.xadd(STREAM, {"id": f"evt_{number}", "type": "merchant.activated", "subject": f"mer_{number}"})
    reply: Any = client.xreadgroup(GROUP, "me", {STREAM: ">"})
    for entry_id, fields in reply[0][1]:
        letter = {**fields, b"dead_deliveries": b"5"}
        assert dead.bury(
            client, STREAM, GROUP, source=STREAM, entry_id=entry_id, fields=letter, error="ValueError('không')"
        )


def test_ls_tells_lag_pending_and_dead_letters(client: redis.Redis) -> None:
    bury(client, 2)
    for _ in range(3):
        client.xadd(STREAM, {"id": "evt_9"})
    client.xreadgroup(GROUP, "me", {STREAM: ">"}, count=1)
    for seq in range(1, 6):
        client.xadd(names.ledger(), {"type": "pay"}, id=f"{seq}-0")
    client.sadd(names.readers(), "journal")
    client.set(names.cursor("journal"), 3)
    answer = cho_events("ls")
    assert answer["ledger"] == {
        "stream": "{c01}:ledger",
        "length": 5,
        "last_seq": 5,
        "readers": [{"purpose": "journal", "cursor": 3, "lag": 2, "running": False}],
    }
    [stream] = answer["streams"]
    assert (stream["stream"], stream["length"]) == (STREAM, 5)
    assert stream["groups"] == [{"group": GROUP, "lag": 2, "pending": 1, "consumers": 1, "dead": 2, "given_back": 0}]


def test_ls_of_an_empty_server_is_empty() -> None:
    assert cho_events("ls") == {
        "ledger": {"stream": "{c01}:ledger", "length": 0, "last_seq": 0, "readers": []},
        "streams": [],
    }


def test_dead_letters_are_shown_with_their_error_and_given_back_by_id(client: redis.Redis) -> None:
    bury(client, 3)
    letters = cho_events("dead", STREAM, GROUP)
    assert [letter["subject"] for letter in letters] == ["mer_0", "mer_1", "mer_2"]
    assert {(letter["error"], letter["deliveries"]) for letter in letters} == {("ValueError('không')", 5)}
    second = letters[1]["id"]
    assert cho_events("replay", STREAM, GROUP, second) == {"replayed": 1, "missing": []}
    assert [letter["subject"] for letter in cho_events("dead", STREAM, GROUP)] == ["mer_0", "mer_2"]
    [(_, fields)] = client.xrange(names.again(STREAM, GROUP))
    assert fields[b"id"] == b"evt_1"
    assert cho_events("replay", STREAM, GROUP, second, status=1) == {"replayed": 0, "missing": [second]}


def test_all_dead_letters_are_given_back_at_once(client: redis.Redis) -> None:
    bury(client, 3)
    assert cho_events("replay", STREAM, GROUP, "--all") == {"replayed": 3, "missing": []}
    assert client.xlen(names.dead(STREAM, GROUP)) == 0


def test_replay_wants_to_be_told_what() -> None:
    assert CliRunner().invoke(app, ["replay", STREAM, GROUP]).exit_code == 2


def test_people_get_tables(client: redis.Redis) -> None:
    bury(client, 1)
    assert GROUP in CliRunner().invoke(app, ["ls"]).output
    assert "mer_0" in CliRunner().invoke(app, ["dead", STREAM, GROUP], env={"COLUMNS": "200"}).output
    assert "given back" in CliRunner().invoke(app, ["replay", STREAM, GROUP, "--all"]).output
