"""A pack is what was signed: whatever is changed, cut, added, renamed or taken away is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.settlement import exchange, trust
from services.settlement.exchange import Box, NameTaken, open_box
from services.settlement.proof import lines, manifest, merkle, pack, signature
from services.settlement.proof.files import NameInvalid
from services.settlement.proof.manifest import About, PackedFile, Report
from services.settlement.trust import NotTrusted

KEY = trust.signing_key("a secret of the tests")
KEYS = trust.public_keys(KEY)
REPORT = "report.W000012-VIETTEL.csv"
PDF = "statement.W000012-VIETTEL.pdf"
MANIFEST = "manifest.W000012-VIETTEL.json"
ROWS = b"\xef\xbb\xbfwindow,seq\r\n" + b"".join(b"12,%d\r\n" % n for n in range(3000))
AT = datetime(2026, 11, 29, 11, 0, 5, tzinfo=UTC)


def about(**changed: Any) -> About:
    tree = merkle.Tree()
    tree.extend(ROWS.removesuffix(b"\r\n").split(b"\r\n"))
    known = About(
        institution="VIETTEL", window=12, day=date(2026, 11, 29), opened_at=AT, closed_at=AT, net=-75_975_450,
        chain_head="9f" * 32, report=Report(REPORT, tree.size, tree.root().hex()), rules="2026-07-01", code="0.1.0",
        created_at=AT,
    )  # fmt: skip
    return replace(known, **changed)


def put(box: Box) -> list[PackedFile]:
    return [pack.put(box, "report", REPORT, [ROWS]), pack.put(box, "statement", PDF, [b"%PDF-1", b".7"])]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """VIETTEL's, with one pack."""
    made = open_box(tmp_path, "VIETTEL")
    pack.seal(made, about(), put(made), KEY)
    return made


def codes(box: Box, keys: dict[str, Any] = KEYS) -> list[tuple[str, str]]:
    return [(found.code, found.name) for found in manifest.verify(box.out, keys)]


def test_a_whole_pack_has_no_findings_and_its_manifest_says_what_it_rests_on(box: Box) -> None:
    assert codes(box) == []
    said = manifest.read((box.out / MANIFEST).read_bytes(), KEYS)
    assert said["pack"] == "W000012-VIETTEL"
    assert (said["net"], said["chain_head"], said["rules"], said["code"]) == (
        -75_975_450,
        "9f" * 32,
        "2026-07-01",
        "0.1.0",
    )
    assert said["report"]["lines"] == 3001
    assert said["created_at"] == "2026-11-29T11:00:05.000Z"
    assert [(file["name"], file["bytes"]) for file in said["files"]] == [(REPORT, len(ROWS)), (PDF, 8)]


def test_a_line_of_the_packs_report_proves_against_the_signed_root(box: Box) -> None:
    said = manifest.read((box.out / MANIFEST).read_bytes(), KEYS)["report"]
    proof = lines.prove(box.out / said["file"], 2500)
    assert proof["line"] == "12,2498"
    assert lines.check(proof, bytes.fromhex(said["root"]), said["lines"])
    assert not lines.check({**proof, "line": "12,2499"}, bytes.fromhex(said["root"]), said["lines"])


def test_made_again_a_pack_is_the_same_and_nothing_is_written(box: Box) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in box.out.iterdir()}
    sent = pack.seal(box, about(), put(box)[::-1], KEY)
    assert not sent.new
    assert {path.name: path.stat().st_mtime_ns for path in box.out.iterdir()} == before


def test_a_sealed_pack_is_never_changed(box: Box) -> None:
    with pytest.raises(NameTaken, match=MANIFEST):
        pack.seal(box, about(net=0), put(box), KEY)
    with pytest.raises(NameTaken, match=REPORT):
        pack.put(box, "report", REPORT, [ROWS, b"12,3001\r\n"])
    assert codes(box) == []


def test_a_pack_is_sealed_only_when_all_of_it_is_out(tmp_path: Path) -> None:
    box = open_box(tmp_path, "VIETTEL")
    files = put(box)
    for wrong in (replace(files[1], sha256="0" * 64), replace(files[1], bytes=9), replace(files[1], name="other.pdf")):
        with pytest.raises(ValueError, match="put it there first"):
            pack.seal(box, about(), [files[0], wrong], KEY)
    with pytest.raises(ValueError, match="does not go to"):
        pack.seal(box, about(institution="VNPT"), files, KEY)
    assert codes(box) == [("NO_MANIFEST", "")]


def change(name: str, content: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda out: (out / name).write_bytes(content((out / name).read_bytes())) and None


def resigned(out: Path, **changed: Any) -> None:
    """What somebody who has the key but not the books could do."""
    said = {**manifest.read((out / MANIFEST).read_bytes(), KEYS), **changed}
    text = signature.canonical({"manifest": said, "jws": signature.sign(said, manifest.JWS_TYPE, KEY)})
    (out / MANIFEST).write_text(text, encoding="utf-8")


TAMPERED: dict[str, tuple[Callable[[Path], object], list[tuple[str, str]]]] = {
    "one byte of the report": (change(REPORT, lambda was: was.replace(b"12,77\r", b"12,78\r")), [("SHA256", REPORT)]),
    "the report is cut": (change(REPORT, lambda was: was[:-9]), [("SIZE", REPORT)]),
    "the report goes on": (change(REPORT, lambda was: was + b"x\r\n"), [("SIZE", REPORT)]),
    "the statement is empty": (change(PDF, lambda _: b""), [("SIZE", PDF)]),
    "the statement is gone": (lambda out: (out / PDF).unlink(), [("MISSING", PDF)]),
    "the statement is a link": (
        lambda out: ((out / PDF).rename(out.parent / "x"), (out / PDF).symlink_to(out.parent / "x")),
        [("NOT_A_FILE", PDF)],
    ),
    "a file more": (lambda out: (out / "pain.001.X.xml").write_bytes(b"<a/>"), [("EXTRA", "pain.001.X.xml")]),
    "a file on its way": (lambda out: (out / ".pain.001.X.xml.0a1b2c3d.part").write_bytes(b"<a/>"), []),
    "the manifest is gone": (lambda out: (out / MANIFEST).unlink(), [("NO_MANIFEST", "")]),
    "the manifest has another name": (
        lambda out: (out / MANIFEST).rename(out / "manifest.W000013-VIETTEL.json"),
        [("WRONG_NAME", "manifest.W000013-VIETTEL.json")],
    ),
    "the manifest shows another net": (
        change(MANIFEST, lambda was: was.replace(b"-75975450", b"-75975451")),
        [("NOT_SIGNED", MANIFEST), ("EXTRA", REPORT), ("EXTRA", PDF)],
    ),
    "the manifest is cut": (
        change(MANIFEST, lambda was: was[:-20]), [("NOT_SIGNED", MANIFEST), ("EXTRA", REPORT), ("EXTRA", PDF)],
    ),
    "the manifest is far too long": (
        change(MANIFEST, lambda was: was + b" " * manifest.BYTES_MAX),
        [("NOT_SIGNED", MANIFEST), ("EXTRA", REPORT), ("EXTRA", PDF)],
    ),
    "a root that is not the report's": (
        lambda out: resigned(out, report={"file": REPORT, "lines": 3001, "root": "00" * 32}), [("ROOT", REPORT)],
    ),
    "a version to come": (
        lambda out: resigned(out, version=2), [("NOT_SIGNED", MANIFEST), ("EXTRA", REPORT), ("EXTRA", PDF)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
def test_whatever_is_changed_in_a_pack_is_found(box: Box, what: str) -> None:
    tamper, found = TAMPERED[what]
    tamper(box.out)
    assert codes(box) == found


def test_another_key_or_another_kind_of_text_signs_no_manifest(box: Box) -> None:
    others = trust.public_keys(trust.signing_key("another"))
    assert ("NOT_SIGNED", MANIFEST) in codes(box, others)
    assert codes(box, {"keys": others["keys"] + KEYS["keys"]}) == []
    said = manifest.read((box.out / MANIFEST).read_bytes(), KEYS)
    for typ in ("trust+jws", ""):
        text = json.dumps({"manifest": said, "jws": signature.sign(said, typ, KEY)})
        with pytest.raises(NotTrusted):
            manifest.read(text.encode(), KEYS)


def test_a_trust_statements_reader_takes_no_manifest_and_a_manifests_reader_no_trust_statement(box: Box) -> None:
    jws = json.loads((box.out / MANIFEST).read_bytes())["jws"]
    with pytest.raises(NotTrusted):
        trust.verify(jws, KEYS)
    with pytest.raises(NotTrusted):
        signature.read(trust.sign({"type": manifest.TYPE, "version": 1}, KEY), manifest.JWS_TYPE, KEYS)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"manifest":1,"jws":2}', b"\xff", b"[" * 100_000])
def test_what_is_no_manifest_is_not_trusted(text: bytes) -> None:
    with pytest.raises(NotTrusted):
        manifest.read(text, KEYS)


def test_a_manifest_as_long_as_it_may_be_is_signed_and_read() -> None:
    many = range(manifest.FILES_MAX)
    files = [PackedFile(f"{n:04d}".ljust(120, "x"), "pain.001", exchange.BYTES_MAX, "ab" * 32) for n in many]
    said = manifest.read(manifest.write(about(report=None), files, KEY), KEYS)
    assert len(said["files"]) == manifest.FILES_MAX
    with pytest.raises(ValueError, match="files of different names"):
        manifest.write(about(report=None), [*files, replace(files[0], name="more.xml")], KEY)
    with pytest.raises(ValueError, match="does not fit"):
        signature.sign({"type": "x" * 100_000}, manifest.JWS_TYPE, KEY)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", ".x", "a b", "", "x" * 121, MANIFEST, "a/b", "a\\b", "é"])
def test_a_manifest_names_files_of_its_folder_only(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        manifest.write(about(report=None), [PackedFile(name, "report", 1, "ab" * 32)], KEY)


def test_a_manifest_is_of_a_real_institution_and_of_files_once_and_of_its_own_report() -> None:
    file = PackedFile("a.csv", "report", 1, "ab" * 32)
    with pytest.raises(NameInvalid):
        manifest.write(about(report=None, institution="../X"), [file], KEY)
    with pytest.raises(ValueError, match="different names"):
        manifest.write(about(report=None), [file, file], KEY)
    with pytest.raises(ValueError, match="not among"):
        manifest.write(about(), [file], KEY)


def test_a_days_pack_is_called_by_its_day() -> None:
    day = about(window=None, institution="970418", report=None)
    assert day.name == "manifest.D2026-11-29-970418.json"
    assert manifest.manifest(day, [PackedFile("camt.053.X.xml", "camt.053", 1, "ab" * 32)])["window"] is None


def test_packs_of_several_windows_stand_side_by_side(box: Box) -> None:
    file = pack.put(box, "pain.001", "pain.001.PO-W000013-1.xml", [b"<a/>"])
    assert codes(box) == [("EXTRA", file.name)]
    pack.seal(box, about(window=13, report=None), [file], KEY)
    assert codes(box) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_the_right_to_read_is_a_finding(box: Box) -> None:
    (box.out / PDF).chmod(0)
    assert codes(box) == [("UNREADABLE", PDF)]


def by_hand(*arguments: str | Path) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "services.settlement.proof", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_an_auditor_checks_a_pack_and_proves_a_line_by_hand(tmp_path: Path, box: Box) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KEYS), encoding="utf-8")
    assert by_hand("check", box.out, keys) == (0, "whole, and signed\n", "")
    code, proof, _ = by_hand("line", box.out / REPORT, "3001")
    assert (code, json.loads(proof)["line"]) == (0, "12,2999")
    code, _, told = by_hand("line", box.out / REPORT, "3002")
    assert (code, told) == (1, f"error: {REPORT} has lines 1 to 3001, and no line 3002\n")
    (box.out / PDF).unlink()
    code, told, _ = by_hand("check", box.out, keys)
    assert code == 1
    assert told.startswith(f"MISSING  {PDF}: ")
    assert by_hand("what")[0] == 2


def test_what_the_documentation_tells_a_bank_to_run_works(tmp_path: Path, box: Box) -> None:
    text = (Path(__file__).parents[2] / "docs" / "settlement-proof.md").read_text(encoding="utf-8")
    script, keys = tmp_path / "check_manifest.py", tmp_path / "keys.json"
    script.write_text(text.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    keys.write_text(json.dumps(KEYS), encoding="utf-8")
    command = [sys.executable, script, MANIFEST, keys]
    listed = subprocess.run(command, capture_output=True, cwd=box.out, timeout=60)
    assert listed.returncode == 0, listed.stderr
    checked = ["sha256sum", "--check"]
    assert subprocess.run(checked, input=listed.stdout, capture_output=True, cwd=box.out, timeout=60).returncode == 0
    (box.out / PDF).write_bytes(b"%PDF-1.8")
    assert subprocess.run(checked, input=listed.stdout, capture_output=True, cwd=box.out, timeout=60).returncode == 1
