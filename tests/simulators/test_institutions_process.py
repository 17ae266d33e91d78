"""The bank and the telecoms as a process, and by `cho simulate`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.simulate import app
from simulators.institutions.faults import load
from tests.simulators import institutions_files as files
from tests.simulators.institutions_files import BANK, came, done, give, give_pack, payouts, statement

WAIT_S_MAX = 60


def run(home: Path, *words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, [*words, "--home", str(home)], env={"COLUMNS": "200"})
    assert result.exit_code == status, result.output
    return result.output


def test_once_answers_what_waits_and_what_follows_from_it(tmp_path: Path) -> None:
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", payouts(3)))
    give_pack(tmp_path, "VNPT", files.report("VNPT", [("a", "D", 5), ("b", "C", 3)]))
    run(tmp_path, "fault", BANK, "returned", "--ref", "PO-000012-000002-1", "--reason", "AC04")
    run(tmp_path, "fault", "VNPT", "missing_line", "--ref", "b")
    shown = run(tmp_path, "institutions", "--once")
    assert "executed" in shown
    assert [truth["kind"] for truth in done(tmp_path)] == ["returned", "missing_line"]
    assert len(came(tmp_path, "camt.054.*.xml")) == 2
    assert "total,1,5,0,," in came(tmp_path, "record.*", "VNPT")[0].read_text()
    assert "nothing waits" in run(tmp_path, "institutions", "--once")
    run(tmp_path, "institutions", "--day-end", "2099-12-31")
    assert statement(came(tmp_path, "camt.053.*.xml")[0]).agrees


@pytest.mark.parametrize(
    "words", [("123456", "rejected"), (BANK, "nonsense"), (BANK, "rejected", "--count", "0")]
)  # fmt: skip
def test_a_fault_that_is_none_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    run(tmp_path, "fault", *words, status=2)
    assert load(tmp_path, BANK) == []


def test_broken_faults_are_told_by_the_exit_status(tmp_path: Path) -> None:
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", payouts(1)))
    (tmp_path / "exchange" / BANK / "faults.json").write_text("{")
    assert "STOPPED" in run(tmp_path, "institutions", "--once", status=1)


def test_the_process_answers_until_it_is_told_to_stop_and_has_the_home_alone(tmp_path: Path) -> None:
    give(tmp_path, BANK, "pain.001.M.xml", files.pain001("M", payouts(3)))
    command = [sys.executable, "-P", "-m", "simulators.institutions", "--home", str(tmp_path)]
    environment = os.environ | {"CHO_ENV": "local"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + WAIT_S_MAX
        while not came(tmp_path, "pain.001.M.xml.ack.json"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert "locked" in run(tmp_path, "institutions", "--once", status=2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S_MAX) == 0
    finally:
        process.kill()
        process.wait()
    assert len(files.statuses(came(tmp_path, "pain.002.*.xml")[0])) == 3


def test_it_runs_only_where_no_money_is_real(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "simulators.institutions", "--home", str(tmp_path)]
    secrets = {f"CHO_{name}": "x" * 40 for name in ("EDGE_SECRET", "FIELD_KEY", "INDEX_KEY")}
    environment = os.environ | {"CHO_ENV": "production"} | secrets
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WAIT_S_MAX)
    assert process.returncode != 0
    assert "CHO_ENV=local" in process.stderr
    assert not (tmp_path / "simulators").exists()
