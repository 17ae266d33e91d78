"""The Merkle tree of a report: every line proves, and nothing else does. Pure, but for the bank's own script."""

from __future__ import annotations

import hashlib
import io
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement.proof import lines, merkle

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "check_proof.py"
LINES = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def defined(leaves: Sequence[bytes]) -> bytes:
    """The tree head as RFC 9162, section 2.1.1, defines it, by recursion."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


def tree(leaves: Sequence[bytes], at_once: int = 1000) -> merkle.Tree:
    grown = merkle.Tree()
    for start in range(0, len(leaves), at_once):
        grown.extend(leaves[start : start + at_once])
    return grown


def test_the_root_is_that_of_the_public_test_vectors_of_certificate_transparency() -> None:
    # certificate-transparency-go, merkletree tests: eight leaves of 0, 1, 1, 2, 2, 4, 8 and 16 bytes.
    leaves = [bytes.fromhex(x) for x in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    leaves.append(bytes(range(0x60, 0x70)))
    assert tree([]).root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree(leaves[:1]).root().hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree(leaves).root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", [1, 2, 3, 1023, 1024, 1025, 2048, 2049, 3072, 5001])
def test_the_streamed_root_is_the_defined_one_across_blocks_however_lines_come(size: int) -> None:
    leaves = [b"line %d" % n for n in range(size)]
    assert tree(leaves).root() == tree(leaves, 1024).root() == tree(leaves, 1500).root() == defined(leaves)
    for index in {0, 1, size // 2, 1023, 1024, size - 1} & set(range(size)):
        assert merkle.verify(defined(leaves), size, leaves[index], merkle.prove(leaves, index))


@given(LINES)
def test_every_line_of_every_tree_proves(leaves: list[bytes]) -> None:
    root = defined(leaves)
    for index, line in enumerate(leaves):
        assert merkle.verify(root, len(leaves), line, merkle.prove(leaves, index))


# Lines of a report differ (each has its sequence number); where two are equal, one's proof may well be the other's.
@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70, unique=True), st.data())
def test_whatever_is_changed_fails(leaves: list[bytes], data: st.DataObject) -> None:
    size, root = len(leaves), defined(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof, line = merkle.prove(leaves, index), leaves[index]
    other_line = data.draw(st.binary(max_size=8).filter(lambda other: other != line))
    assert not merkle.verify(root, size, other_line, proof)
    elsewhere = data.draw(st.integers(-1, size + 1).filter(lambda n: n != index))
    assert not merkle.verify(root, size, line, replace(proof, index=elsewhere))
    assert not merkle.verify(root, size + 1, line, proof)
    assert not merkle.verify(root, size, line, replace(proof, siblings=(*proof.siblings, bytes(32))))
    assert not merkle.verify(bytes([root[0] ^ 1]) + root[1:], size, line, proof)
    if proof.siblings:
        level = data.draw(st.integers(0, len(proof.siblings) - 1))
        flipped = list(proof.siblings)
        flipped[level] = bytes([flipped[level][0] ^ 1]) + flipped[level][1:]
        assert not merkle.verify(root, size, line, replace(proof, siblings=tuple(flipped)))
        assert not merkle.verify(root, size, line, replace(proof, siblings=proof.siblings[:-1]))
        shorter = (*proof.siblings[:-1], proof.siblings[-1][:31])
        assert not merkle.verify(root, size, line, replace(proof, siblings=shorter))


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=40))
def test_a_node_never_passes_for_a_line(leaves: list[bytes]) -> None:
    root = defined(leaves)
    halves = merkle.prove(leaves, 0).siblings
    forged = defined(leaves[: 1 << (len(leaves) - 1).bit_length() - 1]) + halves[-1]
    # Without the prefixes, this one line would have the root of them all.
    assert merkle.node_hash(forged[:32], forged[32:]) == root
    for claimed in (forged, b"\x01" + forged):
        assert not merkle.verify(root, 1, claimed, merkle.Inclusion(0, 1, ()))
        assert tree([claimed]).root() != root


@pytest.mark.parametrize("index", [-1, 3, 5000])
def test_there_is_no_proof_of_a_line_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        merkle.prove([b"a", b"b", b"c"], index)
    with pytest.raises(IndexError):
        merkle.prove([], 0)


def report_file(folder: Path, count: int) -> Path:
    rows = [
        f"12,{n},2026-11-29T00:00:00.{n:03d}+07:00,pay,pay_{n},pay_{n},settlement:VIETTEL,75000," for n in range(count)
    ]
    path = folder / "report.W000012-VIETTEL.csv"
    path.write_bytes("\ufeff".encode() + b"".join(f"{row}\r\n".encode() for row in ["window,seq", *rows]))
    return path


def run_script(*arguments: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-I", SCRIPT, *arguments], capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_bank_checks_a_line_with_the_stand_alone_script(tmp_path: Path) -> None:
    path = report_file(tmp_path, 12)
    whole = lines.tree_of(path)
    root, size = whole.root().hex(), str(whole.size)
    assert size == "13"
    said = lines.prove(path, 5)
    assert said["line"].startswith("12,3,2026")
    proof = tmp_path / "proof.json"
    proof.write_bytes(lines.as_json(said))
    code, told = run_script(str(proof), root, size)
    assert (code, told) == (0, f"in the report: {said['line']}\n")
    code, _ = run_script(str(proof), root, "14")
    assert code == 1
    proof.write_bytes(lines.as_json({**said, "line": said["line"].replace("75000", "95000")}))
    code, told = run_script(str(proof), root, size)
    assert code == 1
    assert told.startswith("NOT in the report: ")


@given(st.integers(1, 40), st.data())
def test_the_script_says_what_verify_says(size: int, data: st.DataObject) -> None:
    leaves = [f"line {n}" for n in range(size)]
    raws = [leaf.encode() for leaf in leaves]
    root = defined(raws)
    index = data.draw(st.integers(0, size - 1))
    siblings = list(merkle.prove(raws, index).siblings)
    match data.draw(st.sampled_from(["as it is", "index", "size", "cut", "more"])):
        case "index":
            index = data.draw(st.integers(-2, size + 2))
        case "size":
            size = data.draw(st.integers(1, 80))
        case "cut":
            siblings = siblings[:-1]
        case "more":
            siblings.append(bytes(32))
    line = data.draw(st.sampled_from(leaves))
    said = {"line": line, "index": index, "size": size, "siblings": [one.hex() for one in siblings]}
    assert scripted(said, root.hex(), size) == lines.check(said, root, size)


def scripted(said: dict[str, object], root: str, size: int) -> bool:
    """The script, run in this process: a process an example would take a minute."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        proof = Path(folder, "proof.json")
        proof.write_bytes(lines.as_json(said))
        patch.setattr(sys, "argv", ["check_proof.py", str(proof), root, str(size)])
        with redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT))
    return ended.value.code == 0


def test_a_proof_that_is_no_proof_is_simply_wrong() -> None:
    root = merkle.leaf_hash(b"a")
    good = {"line": "a", "index": 0, "size": 1, "siblings": []}
    assert lines.check(good, root, 1)
    for bad in ({}, {**good, "siblings": ["zz"]}, {**good, "index": "0"}, {**good, "line": 7}, {**good, "siblings": 3}):
        assert not lines.check(bad, root, 1)


def test_a_line_of_a_report_is_counted_from_one_and_one_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = report_file(tmp_path, 3)
    assert lines.prove(path, 1)["line"] == "\ufeffwindow,seq"
    for number in (0, 5):
        with pytest.raises(IndexError):
            lines.prove(path, number)
    path.write_bytes(b"x" * (lines.LINE_BYTES_MAX * 8))
    with pytest.raises(ValueError, match="no report"):
        lines.tree_of(path)
