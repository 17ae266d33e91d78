"""Exchange folders: whole files only, never another content under a name, and no way out of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement import exchange
from services.settlement.exchange import (
    PART_AGE_S,
    Box,
    NameTaken,
    came,
    open_box,
    refuse,
    send,
    sending,
    sweep,
    take,
)
from services.settlement.intake.refusals import REASONS
from services.settlement.people import refusal
from services.settlement.proof.ack import BYTES_MAX, acknowledgement
from services.settlement.proof.files import NameInvalid, NotAFile, check_file_name, check_institution, digest
from services.settlement.records import FileRefused

NOW_S = 2_000_000_000.0
CAMT = "camt.053.ST-1.xml"


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return open_box(tmp_path, "970418")


def arrive(box: Box, name: str, content: bytes = b"<a/>", age_s: float = 60) -> Path:
    path = box.incoming / name
    path.write_bytes(content)
    os.utime(path, (NOW_S - age_s, NOW_S - age_s))
    return path


def names(box: Box) -> list[str]:
    return [file.name for file in came(box, NOW_S).files]


def codes(box: Box) -> list[tuple[str, str]]:
    return [(found.code, found.name) for found in came(box, NOW_S).findings]


def test_a_box_has_its_four_folders_and_opening_it_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        box = open_box(tmp_path, "VIETTEL")
        for folder in ("out", "in", "in/taken", "in/refused"):
            assert (tmp_path / "exchange" / "VIETTEL" / folder).is_dir()
    assert box.out == tmp_path / "exchange" / "VIETTEL" / "out"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../VNPT", "a", "viettel", "VIETTEL/..", "V", "VIỆT", "A" * 21, "A\n", "A\0"]
)
def test_an_institutions_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(NameInvalid):
        open_box(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=30))
def test_a_name_that_is_taken_is_one_part_of_a_path(name: str) -> None:
    for check in (check_institution, check_file_name):
        try:
            check(name)
        except NameInvalid:
            continue
        assert Path(name).name == name
        assert not name.startswith(".")


@pytest.mark.parametrize("folder", ["", "in", "out", "in/taken", "in/refused"])
def test_a_folder_that_is_a_link_is_not_entered(tmp_path: Path, box: Box, folder: str) -> None:
    place, aside = box.root / folder, tmp_path / "aside"
    place.rename(aside)
    place.symlink_to(aside)
    with pytest.raises(NotAFile):
        open_box(tmp_path, "970418")


def test_a_file_goes_out_whole_and_is_told_with_its_hash(box: Box) -> None:
    sent = send(box, "pain.001.PO-W000012-1.xml", [b"<Doc", b"ument/>"])
    path = box.out / sent.name
    assert path.read_bytes() == b"<Document/>"
    assert digest(path) == (sent.bytes, sent.sha256)
    assert sent.new
    assert os.listdir(box.out) == [sent.name]


def test_the_same_again_is_left_alone_and_another_content_is_refused(box: Box) -> None:
    send(box, "a.xml", [b"one"])
    before = (box.out / "a.xml").stat()
    assert not send(box, "a.xml", [b"o", b"ne"]).new
    assert (box.out / "a.xml").stat() == before
    for other in (b"two", b"one more", b""):
        with pytest.raises(NameTaken, match="new name"):
            send(box, "a.xml", [other])
    assert (box.out / "a.xml").read_bytes() == b"one"
    assert os.listdir(box.out) == ["a.xml"]


def test_nothing_is_seen_of_a_file_before_it_is_whole_nor_after_an_error(box: Box) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        assert [name[0] for name in os.listdir(box.out)] == ["."]
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        send(box, "a.xml", pieces())
    assert os.listdir(box.out) == []


def _die_midway(box: Box) -> None:
    with sending(box, "a.xml") as going:
        going.write(b"half" * 100_000)
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_left_is_never_seen_and_goes_with_the_next_try(box: Box) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_die_midway, args=(box,))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert [name[:7] for name in os.listdir(box.out)] == [".a.xml."]
    send(box, "a.xml", [b"whole"])
    assert os.listdir(box.out) == ["a.xml"]


def test_a_link_under_the_name_is_not_written_through(tmp_path: Path, box: Box) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"kept")
    (box.out / "a.xml").symlink_to(victim)
    with pytest.raises(NotAFile):
        send(box, "a.xml", [b"new"])
    assert victim.read_bytes() == b"kept"


def test_more_than_a_file_may_hold_does_not_go_out(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "BYTES_MAX", 10)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        send(box, "a.xml", [b"12345678", b"9ab"])
    assert os.listdir(box.out) == []


def test_only_whole_files_are_listed_by_name(box: Box) -> None:
    arrive(box, "record.W000012-VIETTEL.csv")
    arrive(box, CAMT, b"<whole/>")
    for unfinished in (".camt.053.ST-2.xml", "camt.053.ST-3.xml.part", "camt.053.ST-4.xml.filepart", "x.tmp"):
        arrive(box, unfinished)
    arrive(box, "camt.053.ST-5.xml", age_s=exchange.QUIET_S / 2)
    arrive(box, "camt.053.ST-6.xml", age_s=-5)
    listing = came(box, NOW_S)
    assert [(file.name, file.bytes) for file in listing.files] == [(CAMT, 8), ("record.W000012-VIETTEL.csv", 4)]
    assert listing.findings == ()


def test_what_is_no_file_is_a_finding_and_is_not_listed(tmp_path: Path, box: Box) -> None:
    (tmp_path / "secret").write_bytes(b"theirs")
    (box.incoming / "camt.053.L.xml").symlink_to(tmp_path / "secret")
    os.mkfifo(box.incoming / "camt.053.P.xml")
    (box.incoming / "folder").mkdir()
    arrive(box, "camt 053.xml")
    arrive(box, "x.reason.txt")
    arrive(box, os.fsdecode(b"\xff\xfe.xml"))
    assert names(box) == []
    assert sorted(codes(box)) == [
        ("BAD_NAME", "\\udcff\\udcfe.xml"), ("BAD_NAME", "camt 053.xml"), ("BAD_NAME", "x.reason.txt"),
        ("NOT_A_FILE", "camt.053.P.xml"), ("NOT_A_FILE", "folder"), ("SYMLINK", "camt.053.L.xml"),
    ]  # fmt: skip
    for name, error in (("camt.053.L.xml", NotAFile), ("camt.053.P.xml", NotAFile), ("../out/x", NameInvalid)):
        with pytest.raises(error):
            take(box, name)
        with pytest.raises(error):
            refuse(box, name, FileRefused("EMPTY", "x"))
    assert (tmp_path / "secret").read_bytes() == b"theirs"


def test_a_listing_has_a_limit_and_says_so(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "FILES_MAX", 3)
    for n in range(4):
        arrive(box, f"{n}.xml")
    assert names(box) == ["0.xml", "1.xml", "2.xml"]
    assert codes(box) == [("TOO_MANY", "")]
    take(box, "1.xml")
    assert names(box) == ["0.xml", "2.xml", "3.xml"]
    assert codes(box) == []


def test_what_can_be_none_of_ours_keeps_no_file_out_of_a_listing(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "FILES_MAX", 3)
    for n in range(3):
        arrive(box, f"0 {n}.xml")
        (box.incoming / f"0{n}").mkdir()
        (box.incoming / f"00{n}").symlink_to(box.incoming / f"0 {n}.xml")
    arrive(box, "1.xml")
    arrive(box, "2.xml")
    assert names(box) == ["1.xml", "2.xml"]
    assert codes(box) == [("BAD_NAME", "0 0.xml"), ("TOO_MANY", "")]


def test_a_folder_that_is_called_as_half_a_file_is_left_and_the_rest_is_swept(box: Box) -> None:
    for name in (".a.csv.01234567.part", ".z.csv.01234567.part"):
        arrive(box, name)
    stray = box.incoming / ".b.csv.01234567.part"
    stray.mkdir()
    os.utime(stray, (1, 1))
    assert sweep(box, NOW_S + PART_AGE_S) == 2
    assert os.listdir(box.incoming / stray.name) == []


def test_a_file_that_is_too_large_is_a_finding(box: Box) -> None:
    path = arrive(box, CAMT)
    os.truncate(path, exchange.BYTES_MAX + 1)  # sparse: no disk is used
    assert (names(box), codes(box)) == ([], [("TOO_LARGE", CAMT)])


def test_a_taken_file_is_moved_once(box: Box) -> None:
    arrive(box, CAMT, b"<one/>")
    for _ in range(2):
        assert take(box, CAMT).read_bytes() == b"<one/>"
        assert names(box) == []
    arrive(box, CAMT, b"<one/>")
    assert take(box, CAMT) == box.taken / CAMT
    assert names(box) == []
    arrive(box, CAMT, b"<other/>")
    with pytest.raises(NameTaken):
        take(box, CAMT)
    assert (box.taken / CAMT).read_bytes() == b"<one/>"
    assert names(box) == [CAMT]
    with pytest.raises(FileNotFoundError):
        take(box, "never.xml")


def test_a_refused_file_has_its_reason_beside_it_in_two_languages(box: Box) -> None:
    arrive(box, CAMT, b"<a>")
    why = FileRefused("XML_BROKEN", "it is not whole,\n well-formed XML: send it again", 12)
    kept = refuse(box, CAMT, why)
    assert kept == box.refused / CAMT
    text = (box.refused / f"{CAMT}.reason.txt").read_text(encoding="utf-8")
    for said in (
        "Mã lý do: XML_BROKEN",
        "Reason code: XML_BROKEN",
        "Dòng: 12",
        "Hãy xuất lại tệp rồi gửi lại.",
        "line 12: it is not whole, well-formed XML: send it again",
        digest(kept)[1],
    ):
        assert said in text
    assert names(box) == []


def test_every_reason_for_which_a_file_can_be_refused_is_told_in_vietnamese() -> None:
    """Read out of the code, so that none is forgotten."""
    root = Path(refusal.__file__).parents[1]
    code = "\n".join(path.read_text() for path in root.rglob("*.py"))
    named = set(re.findall(r"(?:FileRefused|[_ ]refused)\(\s*\"([A-Z][A-Z0-9_]*)\"", code)) | set(REASONS)
    assert len(named) > 50
    assert named == set(refusal.VIETNAMESE)
    assert all(text.count(". Hãy ") == 1 for text in refusal.VIETNAMESE.values()), "what is wrong, and what to do"


def test_an_unknown_reason_is_told_in_vietnamese_too(box: Box) -> None:
    arrive(box, CAMT)
    refuse(box, CAMT, FileRefused("NEW_CODE", "do this"))
    text = (box.refused / f"{CAMT}.reason.txt").read_text(encoding="utf-8")
    assert "Mã lý do: NEW_CODE\nLý do và cách xử lý: Tệp không được nhận" in text
    assert "do this" in text


def test_refused_files_of_one_name_are_all_kept_up_to_a_limit(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "REFUSED_SAME_NAME_MAX", 3)
    why = FileRefused("EMPTY", "send it again")
    for content in (b"1", b"2", b"1", b"3", b"3"):
        arrive(box, CAMT, content)
        assert refuse(box, CAMT, why).read_bytes() == content
    assert sorted(os.listdir(box.refused)) == sorted(
        f"{CAMT}{number}{ending}" for number in ("", ".2", ".3") for ending in ("", ".reason.txt")
    )
    arrive(box, CAMT, b"4")
    with pytest.raises(NameTaken):
        refuse(box, CAMT, why)
    assert names(box) == [CAMT]


def acked(box: Box, **changed: Any) -> list[str]:
    sent = send(box, "pain.001.A.xml", [b"<a/>"])
    said = {"file": sent.name, "sha256": sent.sha256, "received_at": "2026-11-29T18:01:00+07:00", "accepted": True}
    arrive(box, f"{sent.name}.ack.json", json.dumps({**said, "reason": "", **changed}).encode())
    _, findings = acknowledgement(box, f"{sent.name}.ack.json")
    return [found.code for found in findings]


def test_an_acknowledgement_of_what_was_sent_has_no_findings(box: Box) -> None:
    assert acked(box) == []
    ack, _ = acknowledgement(box, "pain.001.A.xml.ack.json")
    assert ack is not None
    assert (ack.accepted, ack.received_at) == (True, "2026-11-29T18:01:00+07:00")


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"sha256": "0" * 64}, ["ACK_HASH"]),
        ({"accepted": False, "reason": "AM05"}, ["ACK_REFUSED"]),
        ({"accepted": False, "reason": None, "sha256": "x"}, ["ACK_HASH", "ACK_REFUSED"]),
        ({"file": "pain.001.B.xml"}, ["ACK_BROKEN"]),
        ({"file": "../in/pain.001.A.xml"}, ["ACK_BROKEN"]),
        ({"accepted": "yes"}, ["ACK_BROKEN"]),
        ({"sha256": 7}, ["ACK_BROKEN"]),
        ({"reason": "x" * BYTES_MAX}, ["ACK_BROKEN"]),
    ],
)
def test_an_acknowledgement_that_differs_is_a_finding(box: Box, changed: dict[str, Any], found: list[str]) -> None:
    assert acked(box, **changed) == found


def test_an_acknowledgement_of_a_file_that_was_never_sent_is_a_finding(box: Box) -> None:
    said = {"file": "never.xml", "sha256": "0" * 64, "received_at": "", "accepted": True, "reason": ""}
    arrive(box, "never.xml.ack.json", json.dumps(said).encode())
    _, findings = acknowledgement(box, "never.xml.ack.json")
    assert [found.code for found in findings] == ["ACK_UNKNOWN_FILE"]


@pytest.mark.parametrize("text", [b"", b"[]", b"[" * 60_000, b"\xff", b"7", b'{"file": 3}'])
def test_what_is_no_acknowledgement_is_a_finding_and_no_error(box: Box, text: bytes) -> None:
    arrive(box, "a.xml.ack.json", text)
    ack, findings = acknowledgement(box, "a.xml.ack.json")
    assert ack is None
    assert [found.code for found in findings] == ["ACK_BROKEN"]
