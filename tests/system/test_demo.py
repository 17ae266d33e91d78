"""`cho demo`, as `make demo` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.personal import PRINTED, leaks

pytestmark = [pytest.mark.system, pytest.mark.timeout(420)]


def test_the_demo_holds_and_says_so(tmp_path: Path) -> None:
    ended = subprocess.run(
        [Path(sys.executable).with_name("cho"), "demo", "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=400,
        env={**os.environ, "COLUMNS": "120"},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for line in (
        "the stall hears: «Đã nhận 75.000 đ", "one payment", "balanced", "is paid, says the ledger", "*0111: paid",
        "windows 1 and 2 are settled", "lead to the signed root", "6 of 6 matched, no breaks", "theirs is 5.000 đ more",
    ):  # fmt: skip
        assert line in ended.stdout
    assert len(list((tmp_path / "reports").glob("*.csv"))) == 3
    # And of all that it wrote down on the way (logs, every command that Valkey was ever given) nothing is personal.
    home = tmp_path / "stack"
    written = {path.stem: path.read_text(errors="replace") for path in (home / "log").glob("*.log")}
    written |= {str(path): path.read_text(errors="replace") for path in (home / "valkey").rglob("*.aof")}
    assert {"identity.serve", "payments.work"} <= written.keys()
    assert any("user.created" in text and "payment.captured" in text for text in written.values())
    assert leaks({name: text for name, text in written.items() if name not in PRINTED}) == []
