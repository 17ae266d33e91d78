"""A window's files are made again from the books: the same to the byte, wherever, whenever and however often."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.settlement import closing, store
from tests.settlement.clerk_office import KEY, Office, open_office


@pytest.fixture
def office(books: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    yield from open_office(tmp_path / "office", monkeypatch, banks=2, papers=True)


def tell(what: str, done: int, of: int) -> None:
    assert 0 < done <= of, what


def made_in(home: Path) -> dict[str, bytes]:
    return {str(file.relative_to(home)): file.read_bytes() for file in home.rglob("*") if file.is_file()}


def test_a_window_that_is_netted_again_elsewhere_and_later_gives_the_same_bytes(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.trade(150, 6)
    closed = office.cut()
    first = closing.net(closed, tmp_path / "one", KEY, tell)
    time.sleep(1.1)  # so that a file that told the time would tell another
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        second = closing.net(closed, tmp_path / "two", KEY, tell)
    time.tzset()
    one, two = made_in(tmp_path / "one"), made_in(tmp_path / "two")
    assert sorted(one) == sorted(two)
    assert [name for name in one if one[name] != two[name]] == []
    assert first == second
    # Three telecoms, two banks and the platform, each with a report, a statement, a workbook, a camt.054, a manifest.
    assert len(one) == 6 * 5
    assert {name.split("/")[1] for name in one} == {"MOBIFONE", "VIETTEL", "VNPT", "970436", "970405", "PLATFORM"}


def test_netted_again_in_the_same_place_it_leaves_every_file_as_it_is(office: Office, tmp_path: Path) -> None:
    office.trade(60, 6)
    closed = office.cut()
    first = closing.net(closed, tmp_path / "one", KEY, tell)
    before = {file: file.stat().st_ino for file in (tmp_path / "one").rglob("*") if file.is_file()}
    again = store.window(closed.number)
    assert again is not None
    assert closing.net(again, tmp_path / "one", KEY, tell) == first
    assert {file: file.stat().st_ino for file in (tmp_path / "one").rglob("*") if file.is_file()} == before


def test_what_was_paid_out_since_changes_nothing_in_a_closed_windows_files(office: Office, tmp_path: Path) -> None:
    office.trade(60, 6)
    closed = office.cut()
    first = closing.net(closed, tmp_path / "one", KEY, tell)
    office.work()
    office.tick(2)
    office.work()
    office.trade(60, 6)
    office.cut()
    settled = store.window(closed.number)
    assert settled is not None
    assert settled.stage == "settled"
    assert closing.net(settled, tmp_path / "two", KEY, tell) == first
    assert made_in(tmp_path / "one") == made_in(tmp_path / "two")
