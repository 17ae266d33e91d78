"""Checkpoints made by a process of its own are those that would have been made here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.settlement import store
from services.settlement.books import checkpoints, follower, trial
from services.settlement.books.checkpoints import Checkpoints
from services.settlement.statements.model import WrongChain
from tests.settlement.conftest import Scribe
from tests.settlement.test_books_gl_trial import append, busy_day, content, follow

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mongo_uri: str) -> Iterator[Checkpoints]:
    monkeypatch.setenv("MONGODB_URI", mongo_uri)
    monkeypatch.setattr(follower, "WORTH_IT", 0)
    one = Checkpoints(tmp_path / "kept.sqlite3")
    yield one
    one.close()


def test_another_process_makes_the_same_checkpoints(scribe: Scribe, kept: Checkpoints, tmp_path: Path) -> None:
    append(busy_day(scribe))
    here = Checkpoints(tmp_path / "here.sqlite3")
    follow(here)
    with kept.lent() as path, follower._process(path) as other:
        assert other.wait() == 0
    assert kept.newest() == here.newest() != checkpoints.START
    assert content(tmp_path / "kept.sqlite3") == content(tmp_path / "here.sqlite3")
    # And goes on where the other ended.
    scribe.cut()
    store.append(scribe.entries()[-1:])
    follow(kept)
    follow(here)
    assert content(tmp_path / "kept.sqlite3") == content(tmp_path / "here.sqlite3")
    here.close()


def test_they_are_level_behind_the_block_whatever_became_of_the_other_process(
    scribe: Scribe, kept: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(busy_day(scribe))
    monkeypatch.setattr(follower, "_PROGRAM", ("false",))
    with follower.beside(kept):
        pass
    assert trial.tie(kept, 1) == trial.tie(kept, 2) == []


def test_a_block_that_fails_leaves_checkpoints_that_can_be_asked_and_made(scribe: Scribe, kept: Checkpoints) -> None:
    append(busy_day(scribe))
    with pytest.raises(ZeroDivisionError), follower.beside(kept):
        _ = 1 // 0
    assert kept.newest().seq in (0, *(window.last_seq for window in store.windows(2, 2)))
    follow(kept)
    assert trial.tie(kept, 1) == trial.tie(kept, 2) == []


def test_a_wrong_chain_is_told_behind_the_block(scribe: Scribe, kept: Checkpoints) -> None:
    append(busy_day(scribe))
    pages = store.JournalPage._get_collection()
    page = pages.find_one({"_id": 2})
    pages.update_one({"_id": 2}, {"$set": {"raw": bytes(page["raw"]).replace(b"VIETTEL", b"VIETTEN", 1)}})
    with pytest.raises(WrongChain), follower.beside(kept):
        pass
    assert kept.newest() == checkpoints.START
