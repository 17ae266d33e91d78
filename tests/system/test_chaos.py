"""kill -9 at random moments under load, and failovers, with an audit at the end; `make chaos KILLS=1000` goes on."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def _chaos(tmp_path: Path, *options: str) -> str:
    seed = random.randrange(1, 1 << 31)
    command = [str(Path(sys.executable).with_name("cho")), "chaos", *options, "--seed", str(seed)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command[1:])}\n{done.stdout}\n{done.stderr[-4000:]}"
    return done.stdout


def test_20_kills_of_the_payments_server_and_the_ledger_lose_and_double_nothing(tmp_path: Path) -> None:
    said = _chaos(tmp_path, "--kills", "20")
    payments = re.search(r"^(\d+) payments: none lost, none doubled, each heard once; balanced\.$", said, re.MULTILINE)
    assert payments
    assert int(payments[1]) > 100


def test_a_promoted_copy_has_every_payment_that_was_answered_and_no_vendor_heard_one_that_is_gone(
    tmp_path: Path,
) -> None:
    said = _chaos(tmp_path, "--failovers", "3")
    assert said.count("failovers, ") == 3
    assert "none lost, none doubled, each heard once; balanced." in said
