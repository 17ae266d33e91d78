"""Files that come in pieces: whatever is lost, repeated or done by several, what lands is the file, once."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest
from cho.settlement.v1 import exchange_pb2, uploads_pb2
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kit.config import settings
from kit.errors import AlreadyExists, Contention, IdempotencyConflict, InvalidArgument, NotFound, TooManyOpen
from kit.ids import new_key
from kit.rpc.call import Call, Caller
from services.settlement import uploads
from services.settlement.clerk import wake
from services.settlement.exchange import Box, open_box, refuse, take
from services.settlement.records import FileRefused
from services.settlement.server import uploads as server
from services.settlement.server.uploads import UploadServicer

NAME = "camt.053.2026-11-29.xml"
CONTENT = b"0123456789" * 7
OFFICER = Call(Caller("usr_o", frozenset({"officer"}), "VIETTEL"), "", "", {}, None)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.setattr(settings(), "home", tmp_path)
    monkeypatch.setattr(wake, "clerk", lambda: None)
    return open_box(tmp_path, "VIETTEL")


def begin(upload_id: str, content: bytes = CONTENT, **other: Any) -> Any:
    wanted = {"name": NAME, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **other}
    request = uploads_pb2.BeginUploadRequest(institution="VIETTEL", upload_id=upload_id, **wanted)
    return UploadServicer().BeginUpload(request, OFFICER).upload


def append(upload_id: str, offset: int, piece: bytes) -> Any:
    request = uploads_pb2.AppendUploadRequest(
        institution="VIETTEL", upload_id=upload_id, offset=offset, content=piece
    )  # fmt: skip
    return UploadServicer().AppendUpload(request, OFFICER).upload


def left(box: Box) -> list[str]:
    return sorted(path.suffix for path in box.uploads.iterdir())


def test_pieces_become_the_file_and_each_is_answered_with_what_is_here(box: Box) -> None:
    key = new_key()
    assert begin(key).received == 0
    assert append(key, 0, CONTENT[:30]).received == 30
    assert not (box.incoming / NAME).exists()
    ended = append(key, 30, CONTENT[30:])
    assert (ended.received, ended.file.state) == (70, exchange_pb2.SUBMITTED_STATE_WAITING)
    assert (box.incoming / NAME).read_bytes() == CONTENT
    assert left(box) == [".json"]


def test_after_a_lost_connection_it_goes_on_where_the_server_says(box: Box) -> None:
    key = new_key()
    begin(key)
    append(key, 0, CONTENT[:30])
    assert begin(key).received == 30
    # The answer was lost: what came is left as it is, whatever the piece says.
    assert append(key, 0, CONTENT[:30]).received == 30
    # Killed in the middle of writing: the piece that was not answered is there in part.
    (part,) = box.uploads.glob("*.part")
    part.write_bytes(CONTENT[:41])
    with pytest.raises(Contention) as refused:
        append(key, 30, CONTENT[30:60])
    assert refused.value.details == {"received": "41"}
    append(key, 41, CONTENT[41:])
    assert (box.incoming / NAME).read_bytes() == CONTENT


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 80), st.integers(1, 40)), max_size=12))
def test_whatever_pieces_come_in_whatever_order_only_the_file_lands(box: Box, asked: list[tuple[int, int]]) -> None:
    for path in (*box.uploads.iterdir(), box.incoming / NAME):
        path.unlink(missing_ok=True)
    key, received = new_key(), 0
    begin(key)
    for offset, size in asked:
        fits = offset + size <= len(CONTENT) and (offset == received or offset + size <= received)
        piece = (CONTENT + b"more" * 20)[offset : offset + size]
        if fits:
            received = max(received, offset + size)
            assert append(key, offset, piece).received == received
        else:
            with pytest.raises((Contention, InvalidArgument)):
                append(key, offset, piece)
    assert (box.incoming / NAME).exists() is (received == len(CONTENT))
    if received < len(CONTENT):
        append(key, received, CONTENT[received:])
    assert (box.incoming / NAME).read_bytes() == CONTENT


def test_who_never_heard_the_end_asks_again_and_nothing_is_done_twice(box: Box) -> None:
    key = new_key()
    begin(key)
    append(key, 0, CONTENT)
    take(box, NAME)
    for again in (begin(key), begin(new_key())):
        assert (again.received, again.file.state) == (70, exchange_pb2.SUBMITTED_STATE_TAKEN)
    with pytest.raises(NotFound):
        append(key, 0, CONTENT)
    assert not (box.incoming / NAME).exists()
    assert left(box) == [".json"]


def test_what_was_whole_when_the_process_died_is_put_into_its_place_by_who_asks(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key()
    begin(key)

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(server, "hand_over", dies)
        with pytest.raises(KeyboardInterrupt):
            append(key, 0, CONTENT)
    assert begin(key).file.state == exchange_pb2.SUBMITTED_STATE_WAITING
    assert (box.incoming / NAME).read_bytes() == CONTENT


def test_a_file_that_is_not_what_was_announced_is_thrown_away_and_may_be_sent_anew(box: Box) -> None:
    key = new_key()
    begin(key)
    with pytest.raises(InvalidArgument, match="SHA-256"):
        append(key, 0, CONTENT[::-1])
    assert left(box) == []
    assert not (box.incoming / NAME).exists()
    begin(key)
    assert append(key, 0, CONTENT).received == 70


def test_an_id_is_one_files_and_a_name_has_one_content(box: Box) -> None:
    key = new_key()
    begin(key)
    with pytest.raises(IdempotencyConflict):
        begin(key, CONTENT + b"x")
    (box.incoming / NAME).write_bytes(b"dropped meanwhile")
    with pytest.raises(AlreadyExists):
        begin(new_key())
    with pytest.raises(AlreadyExists):
        append(key, 0, CONTENT)
    assert left(box) == []
    assert (box.incoming / NAME).read_bytes() == b"dropped meanwhile"


def test_what_was_refused_is_sent_and_read_anew(box: Box) -> None:
    key = new_key()
    begin(key)
    append(key, 0, CONTENT)
    refuse(box, NAME, FileRefused("EMPTY", "x"))
    # Who asks after that very upload hears what became of it; who sends the file again, sends it.
    assert begin(key).file.state == exchange_pb2.SUBMITTED_STATE_REFUSED
    again = new_key()
    assert begin(again).received == 0
    append(again, 0, CONTENT)
    assert (box.incoming / NAME).read_bytes() == CONTENT


def test_so_many_are_open_at_once_and_one_that_ends_makes_room(box: Box) -> None:
    keys = [new_key() for _ in range(uploads.OPEN_MAX)]
    for number, key in enumerate(keys):
        begin(key, name=f"{number}.xml")
    with pytest.raises(TooManyOpen):
        begin(new_key())
    # What is open goes on, and may be asked after.
    assert begin(keys[0], name="0.xml").received == 0
    append(keys[0], 0, CONTENT)
    begin(new_key())


def test_an_upload_that_nobody_goes_on_with_expires_and_one_that_moves_does_not(box: Box) -> None:
    key = new_key()
    begin(key)
    append(key, 0, b"0")
    written_s = next(box.uploads.glob("*.part")).stat().st_mtime
    assert uploads.expire(box, written_s + uploads.EXPIRES_S - 1) == 0
    assert uploads.expire(box, written_s + uploads.EXPIRES_S + 60) == 2
    with pytest.raises(NotFound):
        append(key, 1, b"1")


@pytest.mark.parametrize(
    "wrong",
    [{"bytes": 0}, {"bytes": uploads.BYTES_MAX + 1}, {"sha256": "A" * 64}, {"name": "../x"}, {"name": "a.part"}],
)
def test_what_can_be_no_file_of_the_exchange_is_refused_before_a_byte_of_it_comes(
    box: Box, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgument):
        begin(new_key(), **wrong)
    with pytest.raises(InvalidArgument):
        begin("../../evil")
    assert left(box) == []


def test_of_two_who_send_the_last_piece_at_once_both_are_told_that_it_is_there(box: Box) -> None:
    key = new_key()
    begin(key)
    append(key, 0, CONTENT[:30])
    told: list[Any] = []
    both = threading.Barrier(2, timeout=60)

    def last() -> None:
        both.wait()
        try:
            told.append(append(key, 30, CONTENT[30:]).received)
        except NotFound:  # it was done by then, and nothing is left to add to
            told.append(begin(key).received)

    threads = [threading.Thread(target=last) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert told == [70, 70]
    assert (box.incoming / NAME).read_bytes() == CONTENT
