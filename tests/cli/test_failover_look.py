"""What `cho failover` looks at before it promotes a copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from cli import failover
from kit.streams import names
from services.payments.store.keys import keys

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
