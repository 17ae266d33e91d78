"""What `cho failover` looks at before it promotes a copy, and `cho reattach` before it sets one aside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from cli import failover
from kit.config import settings
from kit.streams import names
from services.payments.store.keys import keys
from tests.conftest import free_port, start_valkey

GENESIS = "019700000000700080000000000000aa"


@pytest.fixture
def copy(valkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A server that stands for the copy, at event 217; whoever looks for the copy finds it."""
    with closing(redis.Redis.from_url(valkey)) as server:

        @contextmanager
        def found(port: int) -> Iterator[redis.Redis]:
            yield server

        monkeypatch.setattr(failover, "_server", found)
        monkeypatch.setattr(failover, "_copy_port", lambda home: 0)
        monkeypatch.setattr(failover, "connect", lambda service: None)
        monkeypatch.setattr(failover.store, "head", lambda: SimpleNamespace(genesis=GENESIS))
        server.hset(keys().meta, "genesis", GENESIS)
        server.xadd(names.ledger(), {"e": "x"}, id="217-0")
        yield server


def test_a_copy_and_books_that_both_go_on_meanwhile_are_not_taken_for_a_copy_that_lacks_something(
    copy: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def journaled() -> int:
        # Two payments reach the copy and are journaled just now.
        copy.xadd(names.ledger(), {"e": "x"}, id="219-0")
        return 219

    monkeypatch.setattr(failover.store, "journaled", journaled)
    assert failover._see_that_it_may_be_promoted(tmp_path) == 219


def test_a_copy_that_lacks_what_the_books_have_is_not_promoted(
    copy: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover.store, "journaled", lambda: 219)
    with pytest.raises(failover.Refused, match="ends at event 217 and the books at 219"):
        failover._see_that_it_may_be_promoted(tmp_path)


def test_an_empty_copy_is_not_promoted(copy: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy.flushall()
    monkeypatch.setattr(failover.store, "journaled", lambda: 0)
    with pytest.raises(failover.Refused, match="the copy is empty"):
        failover._see_that_it_may_be_promoted(tmp_path)


@pytest.fixture
def primary(copy: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A server that stands for the primary of that copy, empty; the books end at event 215."""
    monkeypatch.setattr(failover.store, "journaled", lambda: 215)
    port = free_port()
    process = start_valkey(tmp_path / "primary", port)
    monkeypatch.setattr(settings(), "ledger_url", f"redis://127.0.0.1:{port}/0")
    with closing(redis.Redis(port=port)) as server:
        yield server
    process.kill()
    process.wait()


def test_a_copy_is_made_anew_of_a_primary_alone_that_has_what_the_books_and_the_copy_have(
    primary: redis.Redis, tmp_path: Path
) -> None:
    with pytest.raises(failover.Refused, match="the primary holds None"):
        failover._see_that_it_may_be_copied(tmp_path)
    primary.hset(keys().meta, "genesis", GENESIS)
    primary.xadd(names.ledger(), {"e": "x"}, id="216-0")
    with pytest.raises(failover.Refused, match="ends at event 216, and books or copy at 217"):
        failover._see_that_it_may_be_copied(tmp_path)
    primary.xadd(names.ledger(), {"e": "x"}, id="217-0")
    failover._see_that_it_may_be_copied(tmp_path)


def test_a_copy_of_another_ledger_does_not_keep_one_from_being_made_anew(
    primary: redis.Redis, copy: redis.Redis, tmp_path: Path
) -> None:
    copy.hset(keys().meta, "genesis", "another")
    primary.hset(keys().meta, "genesis", GENESIS)
    primary.xadd(names.ledger(), {"e": "x"}, id="215-0")
    failover._see_that_it_may_be_copied(tmp_path)
