"""What lies in the exchange folders and should not: it is told of once, and keeps nobody's files from being read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.settlement import exchange
from services.settlement.clerk import due, inbox, reconcile
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from tests.settlement.clerk_office import BANK, Office, open_office


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that begins."""
    monkeypatch.setattr(exchange, "_told", set(), raising=False)


@pytest.fixture
def office(books: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """The bank has paid and says so: its files wait."""
    for made in open_office(tmp_path, monkeypatch):
        made.trade(60, 6)
        made.cut()
        made.work()
        made.tick(2)
        yield made


def put(home: Path, institution: str, name: str, content: bytes = b"x") -> Path:
    path = exchange.open_box(home, institution).incoming / name
    path.write_bytes(content)
    os.utime(path, (1, 1))
    return path


def states() -> set[str]:
    return {one.state for one in payouts.of_window(1)}


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, IsADirectoryError])
def test_a_file_that_we_may_not_read_is_told_of_and_all_else_goes_on(
    error: type[OSError], office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise error("record.W000001-VNPT.csv")

    stuck = put(office.home, "VNPT", "record.W000001-VNPT.csv")
    monkeypatch.setattr(reconcile, "record", fails)
    with capture_logs() as logs:
        office.work()
    assert (stuck.exists(), states()) == (True, {rules.PAID})
    (told,) = [one for one in logs if one["log_level"] == "critical"]
    assert (told["institution"], told["file"]) == ("VNPT", stuck.name)
    assert error.__name__ in told["reason"]


def test_a_file_that_we_may_not_read_and_that_is_refused_for_its_name_keeps_nothing_else_from_being_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, opened = put(office.home, "VNPT", "camt.053.1.xml"), exchange.digest

    def digest(path: Path) -> tuple[int, str]:
        if path == stuck:
            raise PermissionError(path)
        return opened(path)

    monkeypatch.setattr(exchange, "digest", digest)
    office.work()
    assert (stuck.exists(), states()) == (True, {rules.PAID})


def test_a_folder_that_we_may_list_and_not_enter_keeps_nobody_elses_files_from_being_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, looked = put(office.home, "VNPT", "record.W000001-VNPT.csv"), Path.lstat

    def lstat(path: Path) -> os.stat_result:
        if path.parent == stuck.parent:
            raise PermissionError(path)
        return looked(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    with capture_logs() as logs:
        office.work()
    assert states() == {rules.PAID}
    (told,) = [one for one in logs if one["event"] == "cannot be taken"]
    assert (told["institution"], told["file"], told["code"]) == ("VNPT", stuck.name, "UNREADABLE")


def test_a_full_disk_is_nobodys_file_and_all_of_it_is_done_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    waits = put(office.home, "VNPT", "record.W000001-VNPT.csv")
    monkeypatch.setattr(reconcile, "record", full)
    with pytest.raises(OSError, match="No space left"):
        office.work()
    assert waits.exists()


def test_a_folder_where_the_reason_of_a_refusal_should_be_keeps_nothing_else_from_being_read(office: Office) -> None:
    stuck = put(office.home, "VNPT", "junk.bin")
    (stuck.parent / "refused" / "junk.bin.reason.txt").mkdir()
    office.work()
    assert (stuck.exists(), states()) == (True, {rules.PAID})


def test_an_old_folder_that_is_called_as_half_a_file_is_left_and_told_of_once(office: Office) -> None:
    stray = exchange.open_box(office.home, "VNPT").incoming / ".a.01234567.part"
    stray.mkdir()
    os.utime(stray, (1, 1))
    with capture_logs() as logs:
        office.work()
    assert (stray.exists(), states()) == (True, {rules.PAID})
    assert [one["file"] for one in logs if one["event"] == "what is left of a file cannot be removed"] == [stray.name]


def strays(home: Path) -> list[str]:
    """What somebody else's program makes where the institutions' folders are."""
    folder = home / "exchange"
    (folder / "lost+found").mkdir()
    (folder / ".snapshot").mkdir()
    (folder / "LINK").symlink_to(folder / BANK)
    (folder / "HALF").mkdir()
    (folder / "HALF" / "in").write_bytes(b"no folder")
    return [".snapshot", "HALF", "LINK", "lost+found"]


def test_a_folder_that_is_no_institutions_keeps_no_institutions_files_from_being_read(office: Office) -> None:
    found = strays(office.home)
    with capture_logs() as logs:
        office.work()
    assert states() == {rules.PAID}
    assert sorted(one["folder"] for one in logs if one["event"] == "passed over") == found


def test_a_folder_that_is_no_institutions_hides_no_file_that_waits(tmp_path: Path) -> None:
    exchange.open_box(tmp_path, BANK)
    strays(tmp_path)
    assert not due.files_wait(tmp_path)
    put(tmp_path, BANK, "camt.053.1.xml")
    assert due.files_wait(tmp_path)
    assert [box.institution for box in due.boxes(tmp_path)] == [BANK]


def test_what_cannot_be_taken_is_told_of_once_and_keeps_no_good_file_from_being_read(office: Office) -> None:
    (box,) = [one for one in due.boxes(office.home) if one.institution == BANK]
    for number in range(exchange.FILES_MAX + 1):
        (box.incoming / f"0 {number}.csv").touch()
    with capture_logs() as logs:
        office.work()
    assert states() == {rules.PAID}
    assert len(list(box.taken.iterdir())) > 2
    told = [(one["institution"], one["code"], one["file"]) for one in logs if one["event"] == "cannot be taken"]
    assert (BANK, "BAD_NAME", "0 7.csv") in told
    assert len(told) == len(set(told))


def test_what_cannot_be_taken_is_told_of_with_its_code_and_what_to_do(office: Office) -> None:
    put(office.home, "VNPT", "sao ke.xml")
    with capture_logs() as logs:
        office.work()
        inbox.read_all(office.desk)
    (told,) = [one for one in logs if one["event"] == "cannot be taken"]
    assert (told["institution"], told["file"], told["code"]) == ("VNPT", "sao ke.xml", "BAD_NAME")
    assert "rename it" in told["text"]
    assert told["log_level"] == "error"
