"""A file is there whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.settlement.whole_file import whole


def test_a_file_is_there_once_its_block_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "it.xml"
    with whole(path) as out:
        out.write(b"half")
        out.flush()
        assert not path.exists()
        assert all(one.name.startswith(".") for one in tmp_path.iterdir())
        out.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_what_was_there_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "it.xml"
    path.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), whole(path) as out:
        out.write(b"after" * (1 // 0))
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_a_name_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "it.xml"
    with whole(path) as one:
        one.write(b"one")
        with whole(path) as two:
            two.write(b"two")
        assert path.read_bytes() == b"two"
    assert path.read_bytes() == b"one"


def test_a_killed_process_leaves_no_file_under_the_name(tmp_path: Path) -> None:
    path = tmp_path / "it.xml"
    code = (
        "import os, pathlib, signal, sys\n"
        "from services.settlement.whole_file import whole\n"
        "with whole(pathlib.Path(sys.argv[1])) as out:\n"
        "    out.write(b'half')\n"
        "    out.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    assert not path.exists()
