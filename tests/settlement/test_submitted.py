"""Files that officers send by the API: one content a name, whatever else happens in the folder at the same time."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cho.settlement.v1 import exchange_pb2 as pb

from kit.config import settings
from kit.errors import AlreadyExists, Contention, InvalidArgument
from kit.rpc.call import Call, Caller
from services.settlement.clerk import wake
from services.settlement.exchange import PART_AGE_S, Box, hand_in, open_box, refuse, sweep, take
from services.settlement.records import FileRefused
from services.settlement.server import submitted
from services.settlement.server.submitted import TRIES_MAX, ExchangeServicer

NAME = "record.W000012-VIETTEL.csv"
WRITERS = 6
WAIT_S = 120
OFFICER = Call(Caller("usr_o", frozenset({"officer"}), "VIETTEL"), "", "", {}, None)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.setattr(settings(), "home", tmp_path)
    monkeypatch.setattr(wake, "clerk", lambda: None)
    return open_box(tmp_path, "VIETTEL")


def submit(content: bytes, name: str = NAME) -> Any:
    return ExchangeServicer().SubmitFile(
        pb.SubmitFileRequest(institution="VIETTEL", name=name, content=content), OFFICER
    )


def listed() -> list[tuple[str, int, int]]:
    reply = ExchangeServicer().ListSubmitted(pb.ListSubmittedRequest(institution="VIETTEL"), OFFICER)
    return [(file.name, file.state, file.bytes) for file in reply.files]


def after_each_look(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Something happens each time after a file was looked for and before anything follows from it."""
    look = submitted._there

    def looks(box: Box, name: str) -> Any:
        found = look(box, name)
        do()
        return found

    monkeypatch.setattr(submitted, "_there", looks)


def test_what_is_answered_of_a_new_file_is_what_was_sent_even_if_it_is_read_at_once(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "clerk", lambda: take(box, NAME))
    before_ms = int(time.time() * 1000)
    reply = submit(b"one\n")
    assert (reply.file.name, reply.file.bytes, reply.file.state) == (NAME, 4, pb.SUBMITTED_STATE_WAITING)
    assert reply.file.at.ToMilliseconds() >= before_ms
    assert reply.sha256 == hashlib.sha256(b"one\n").hexdigest()
    assert (box.taken / NAME).read_bytes() == b"one\n"
    assert submit(b"one\n").file.state == pb.SUBMITTED_STATE_TAKEN
    assert listed() == [(NAME, pb.SUBMITTED_STATE_TAKEN, 4)]


@pytest.mark.parametrize("folder", ["incoming", "taken", "refused"])
def test_a_name_never_gets_another_content_wherever_the_first_is_by_now(box: Box, folder: str) -> None:
    submit(b"one\n")
    if folder == "taken":
        take(box, NAME)
    elif folder == "refused":
        refuse(box, NAME, FileRefused("EMPTY", "x"))
    with pytest.raises(AlreadyExists):
        submit(b"two\n")
    assert (getattr(box, folder) / NAME).read_bytes() == b"one\n"


def test_what_was_refused_may_be_sent_again_as_it_is(box: Box) -> None:
    submit(b"one\n")
    refuse(box, NAME, FileRefused("EMPTY", "x"))
    assert submit(b"one\n").file.state == pb.SUBMITTED_STATE_WAITING
    assert (box.incoming / NAME).read_bytes() == b"one\n"


def test_a_file_that_the_clerk_moves_away_while_it_is_compared_is_found_where_it_is_then(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(b"one\n")
    after_each_look(monkeypatch, lambda: take(box, NAME))
    assert submit(b"one\n").file.state == pb.SUBMITTED_STATE_TAKEN
    assert not (box.incoming / NAME).exists()


@pytest.mark.parametrize("ends", ["taken", "refused"])
def test_a_file_that_moves_while_the_folders_are_listed_is_listed_once_and_where_it_is_then(
    box: Box, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(b"one")
    folders = submitted._folders

    def moved_after_the_first(found: Box) -> Any:
        (incoming, state), *others = folders(found)
        yield incoming, state
        take(box, NAME) if ends == "taken" else refuse(box, NAME, FileRefused("XML_BROKEN", "cut off"))
        yield from others

    monkeypatch.setattr(submitted, "_folders", moved_after_the_first)
    state = pb.SUBMITTED_STATE_TAKEN if ends == "taken" else pb.SUBMITTED_STATE_REFUSED
    assert listed() == [(NAME, state, 3)]


def test_a_file_that_was_dropped_into_the_folder_meanwhile_is_not_written_over(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = box.incoming / NAME
    after_each_look(monkeypatch, lambda: dropped.exists() or dropped.write_bytes(b"dropped\n"))
    with pytest.raises(AlreadyExists):
        submit(b"sent\n")
    assert dropped.read_bytes() == b"dropped\n"
    assert submit(b"dropped\n").file.bytes == 8


def test_a_name_that_comes_and_goes_for_ever_is_told_as_such(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    (box.incoming / NAME).write_bytes(b"theirs\n")
    looks = []

    def vanishing(*_: Any) -> Any:
        looks.append(1)
        return submitted.Found(box.incoming / "gone", pb.SUBMITTED_STATE_WAITING, 0, 0)

    monkeypatch.setattr(submitted, "_there", vanishing)
    with pytest.raises(Contention):
        submit(b"ours\n")
    assert len(looks) == TRIES_MAX


def test_a_link_or_folder_under_the_name_is_refused_and_nothing_is_read_through_it(box: Box, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"theirs")
    (box.incoming / NAME).symlink_to(tmp_path / "secret")
    with pytest.raises(AlreadyExists):
        submit(b"theirs")
    with pytest.raises(AlreadyExists):
        submit(b"x", name="taken")
    assert listed() == []


@pytest.mark.parametrize("ending", [".part", ".tmp", ".filepart", ".partial", ".crdownload", ".reason.txt"])
def test_a_name_under_which_no_file_is_ever_read_is_refused(box: Box, ending: str) -> None:
    with pytest.raises(InvalidArgument):
        submit(b"x", name=f"a{ending}")


def _race(home: Path, content: bytes, ready: Any, told: Any) -> None:
    settings().home = home
    submitted.wake.clerk = lambda: None  # type: ignore[assignment]
    ready.wait(WAIT_S)
    try:
        told.put((content, submit(content).sha256))
    except AlreadyExists:
        told.put((content, ""))


def _processes() -> Any:
    """Processes of their own: forked from one that holds no thread and has imported what they need, once for all."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@pytest.mark.parametrize("contents", [[b"same\n"] * WRITERS, [b"%d\n" % n for n in range(WRITERS)]])
def test_of_many_that_send_a_name_at_once_one_content_wins_and_who_sent_another_is_told(
    box: Box, tmp_path: Path, contents: list[bytes]
) -> None:
    context = _processes()
    ready, told = context.Barrier(WRITERS), context.Queue()
    writers = [context.Process(target=_race, args=(tmp_path, content, ready, told)) for content in contents]
    for writer in writers:
        writer.start()
    answers = [told.get(timeout=WAIT_S) for _ in writers]
    for writer in writers:
        writer.join(WAIT_S)
    there = (box.incoming / NAME).read_bytes()
    for content, sha256 in answers:
        assert sha256 == (hashlib.sha256(content).hexdigest() if content == there else "")
    assert sum(1 for _, sha256 in answers if sha256) == contents.count(there)
    assert [name for name in os.listdir(box.incoming) if name.startswith(".")] == []


def _die_before_the_name_is_there(home: Path) -> None:
    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    os.link = die
    hand_in(open_box(home, "VIETTEL"), NAME, b"one\n")


def _die_after_the_name_is_there(home: Path) -> None:
    link = os.link

    def die(*arguments: Any) -> None:
        link(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    os.link = die  # type: ignore[assignment]
    hand_in(open_box(home, "VIETTEL"), NAME, b"one\n")


@pytest.mark.parametrize(
    ("die", "is_there"), [(_die_before_the_name_is_there, False), (_die_after_the_name_is_there, True)]
)
def test_a_killed_writer_leaves_a_whole_file_or_none_and_its_part_is_swept_once_nobody_can_be_writing_it(
    box: Box, tmp_path: Path, die: Any, is_there: bool
) -> None:
    process = _processes().Process(target=die, args=(tmp_path,))
    process.start()
    process.join(WAIT_S)
    assert process.exitcode == -signal.SIGKILL
    assert (box.incoming / NAME).exists() is is_there
    (part,) = (path for path in box.incoming.iterdir() if path.name.startswith("."))
    # Sent again, it is there, and what somebody may still be writing is left alone.
    assert submit(b"one\n").file.bytes == 4
    written_s = part.stat().st_mtime
    assert sweep(box, written_s + PART_AGE_S - 1) == 0
    assert sweep(box, written_s + PART_AGE_S + 1) == 1
    assert not part.exists()
    assert (box.incoming / NAME).read_bytes() == b"one\n"


def test_only_our_own_parts_are_swept(box: Box) -> None:
    kept = [box.incoming / name for name in (".camt.053.xml", ".a.part", "a.12345678.part", ".a.1234567x.part")]
    for path in kept:
        path.write_bytes(b"x")
    ours = [folder / ".a.csv.0a1b2c3d.part" for folder in (box.out, box.incoming, box.refused)]
    for path in ours:
        path.write_bytes(b"x")
    assert sweep(box, time.time() + PART_AGE_S + 60) == len(ours)
    assert all(path.exists() for path in kept)
