"""A window's files are made again from the books: the same to the byte, wherever, whenever and however often."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.settlement import closing, store
from services.settlement.proof import manifest, signature
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


def undo_one(office: Office) -> int:
    """An operator undoes a payment; its amount."""
    paid = next(event for event in office.scribe.events if event.op == "pay")
    wallet, merchant = (leg.account_id for leg in paid.legs[:2])
    amount, telecom = int(paid.amount), paid.legs[2].account_id.split(":")[1]
    office.scribe.undo("pay", paid.transfer_id, wallet, merchant, amount, int(paid.fee), telecom)
    return amount


def test_a_window_begun_before_what_was_undone_counted_ends_as_it_was_begun(office: Office, tmp_path: Path) -> None:
    office.trade(20, 6)
    undone = undo_one(office)
    closed = office.cut()
    store.begun_by(closed, "netting-1;interchange-1;payouts-1", closing.code_version())
    old = closing.net(closed, tmp_path / "old", KEY, tell)
    before = store.window(closed.number)
    store.Window.objects(number=closed.number).update_one(unset__begun_by=True)
    new = closing.net(closed, tmp_path / "new", KEY, tell)
    after = store.window(closed.number)
    assert before is not None
    assert after is not None
    assert (old["rules"].split(";")[0], new["rules"].split(";")[0]) == ("netting-1", "netting-2")
    assert (before.payments, before.refunds) == (after.payments, after.refunds - 1) == (20, 0)
    assert before.value == after.value + undone
    # Positions are the same by either: an undone payment always was part of them.
    assert before.lines == after.lines
    assert {name: one["root"] for name, one in old["reports"].items()} == {
        name: one["root"] for name, one in new["reports"].items()
    }


def test_a_window_netted_before_what_was_undone_counted_keeps_its_figures_and_files(
    office: Office,
) -> None:
    office.trade(20, 6)
    undo_one(office)
    closed = office.cut()
    store.begun_by(closed, "netting-1;interchange-1;payouts-1", closing.code_version())
    office.work()
    before, files = store.window(closed.number), made_in(office.home / "exchange")
    assert before is not None
    assert (before.record["rules"].split(";")[0], before.refunds) == ("netting-1", 0)
    kept = (before.payments, before.refunds, before.value, before.lines)
    shown = store.with_positions(before)
    assert (shown.payments, shown.refunds, shown.value, shown.lines) == kept
    again = closing.net(before, office.home, KEY, tell)
    assert again == {name: before.record[name] for name in again}
    assert made_in(office.home / "exchange") == files
    for institution in again["reports"]:
        assert manifest.verify(office.home / "exchange" / institution / "out", signature.public_keys(KEY)) == []


def test_a_payment_undone_in_a_later_window_makes_that_ones_value_less_than_nothing(
    office: Office, tmp_path: Path
) -> None:
    office.trade(20, 6)
    office.cut()
    undone = undo_one(office)
    closed = office.cut()
    record = closing.net(closed, tmp_path, KEY, tell)
    found = store.window(closed.number)
    assert found is not None
    assert (found.payments, found.refunds, found.value) == (0, 1, -undone)
    for institution in record["reports"]:
        assert manifest.verify(tmp_path / "exchange" / institution / "out", signature.public_keys(KEY)) == []
