"""What `cho status` says of a stack that is not well, and with which exit status."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import redis
import typer
from typer.testing import CliRunner

from cli import health, stack
from cli.health import Health
from kit.config import Settings, settings
from kit.streams import names

WELL: dict[str, Any] = {
    "gate_open": True, "seq": 7, "window": 1, "readers": {"journal": 0, "announcer": 0}, "behind": {},
    "dead_letters": {}, "memory_bytes": 1_000_000, "aof_ok": True, "windows": {"closed": 0}, "breaks": 0,
}  # fmt: skip
NOT_FINE: list[dict[str, Any]] = [
    {"gate_open": False}, {"gate_open": None}, {"aof_ok": False}, {"unheld": ["journal"]},
    {"unreachable": ["ledger: ConnectionError"]},
]  # fmt: skip


def flagged(found: Health) -> set[str]:
    return {what for what, _, look in health.lines(found) if look}


def said(found: Health) -> dict[str, str]:
    return {what: how for what, how, _ in health.lines(found)}


@pytest.fixture
def status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`cho status --json` of a stack whose processes are all ready and whose health is as given."""
    snapshot = {"ready": True, "pid": os.getpid(), "processes": [], "settings": {"home": str(tmp_path)}}
    monkeypatch.setattr(stack, "running", lambda: snapshot)
    app = typer.Typer()
    app.command()(stack.status)

    def ask(found: Health) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(health, "read", lambda of: found)
        done = CliRunner().invoke(app, ["--json"])
        return done.exit_code, json.loads(done.stdout)

    return ask


def test_a_stack_that_is_well_is_ready(status: Any) -> None:
    code, report = status(Health(**WELL))
    assert (code, report["ready"]) == (0, True)


@pytest.mark.parametrize("wrong", NOT_FINE, ids=str)
def test_a_stack_whose_ledger_is_shut_full_unread_or_unreachable_is_not_ready(
    wrong: dict[str, Any], status: Any
) -> None:
    code, report = status(Health(**WELL | wrong))
    assert (code, report["ready"]) == (1, False)


def test_a_backlog_is_looked_at_and_is_no_reason_not_to_be_ready(status: Any) -> None:
    code, report = status(Health(**WELL | {"readers": {"journal": 400_000, "announcer": 0}}))
    assert (code, report["ready"]) == (0, True)


def test_streams_that_could_not_be_read_are_not_said_to_have_been_heard() -> None:
    found = Health(unreachable=["ledger: ConnectionError", "streams: ConnectionError"])
    assert "streams" not in said(found)
    assert flagged(found) == {"not read"}


def test_a_lag_above_the_bound_is_flagged_and_one_below_is_not() -> None:
    most, windows = health.BEHIND_MAX, health.WINDOWS_MAX
    assert flagged(Health(**WELL)) == set()
    small = {"readers": {"journal": most}, "behind": {"orders.invoices": most}, "windows": {"closed": windows}}
    assert flagged(Health(**WELL | small)) == set()
    assert flagged(Health(**WELL | {"readers": {"journal": 400_000}})) == {"readers"}
    assert flagged(Health(**WELL | {"behind": {"orders.invoices": most + 1}})) == {"streams"}
    assert flagged(Health(**WELL | {"windows": {"closed": windows, "netted": 1}})) == {"windows"}


def test_what_a_group_that_hears_several_streams_is_behind_is_added_up(valkey: str) -> None:
    group, heard = "orders.invoices", ("payments:events", names.NAMED)
    with redis.Redis.from_url(valkey) as client:
        for stream in heard:
            client.xgroup_create(stream, group, id="0", mkstream=True)
            for _ in range(3):
                client.xadd(stream, {"type": "x"})
            client.xadd(names.dead(stream, group), {"error": "x"})
    found = Health()
    health._streams(Settings(redis_url=valkey), found)
    assert (found.behind, found.dead_letters) == ({group: 6}, {group: 2})


def test_what_was_not_read_is_none() -> None:
    nowhere = Settings(redis_url="redis://127.0.0.1:9/0", ledger_url="redis://127.0.0.1:9/0",
                       mongodb_uri="mongodb://127.0.0.1:9")  # fmt: skip
    found = health.read(nowhere)
    assert [one.partition(":")[0] for one in found.unreachable] == ["ledger", "streams", "books"]
    assert (found.seq, found.behind, found.dead_letters, found.windows) == (None, None, None, None)
    assert not found.fine


@pytest.fixture(autouse=True)
def _own_settings() -> Any:
    yield
    settings.cache_clear()
