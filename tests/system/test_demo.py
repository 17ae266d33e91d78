"""`cho demo`, as `make demo` runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def test_the_demo_holds_and_says_so(tmp_path: Path) -> None:
    ended = subprocess.run(
        [Path(sys.executable).with_name("cho"), "demo", "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=230,
        env={**os.environ, "COLUMNS": "120"},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for line in ("the stall hears: «Đã nhận 75.000 đ", "one payment", "balanced", "is paid, says the ledger"):
        assert line in ended.stdout
    assert len(list((tmp_path / "reports").glob("*.csv"))) == 3
