"""Runs of benches as files, their comparison, and the ledger that is measured alone."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.bench import alone, app, gateways, growth, postgres, record, turns
from cli.bench.compare import changes, differences
from cli.load import Outcome

RUNNER = CliRunner()
FIGURES = {
    "payments_per_s": 1000.0, "payment_ms": {"p99": 20.0}, "cpu_us_per_payment": {"valkey": 100},
    "memory_at_rest_mb": 600.0, "connections": 128, "balanced": True, "postgres": "15.18",
}  # fmt: skip


def kept(folder: Path, name: str, figures: dict[str, Any], bench: str = "payments", **asked: Any) -> Path:
    run = record.begin(bench, folder / f"{name}.json", **asked)
    run.end(figures, as_json=True, shown="")
    return run.file


def test_a_run_is_kept_with_machine_versions_commit_and_settings(tmp_path: Path) -> None:
    run = record.read(kept(tmp_path, "a", FIGURES, connections=128))
    assert run.bench == "payments"
    assert run.asked == {"connections": 128}
    assert run.figures == FIGURES
    assert run.machine["cores"] >= 1
    assert run.versions["grpcio"]
    assert set(run.commit) == {"commit", "files_changed_since"}


def test_a_run_is_kept_in_the_home_of_who_asked_unless_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "settings", lambda: type("Settings", (), {"home": tmp_path / "home"}))
    file = record.begin("payments", None).file
    assert file.parent == tmp_path / "home" / "bench"
    assert file.name.startswith("payments-")
    assert record.begin("payments", tmp_path / "there.json").file == tmp_path / "there.json"


def test_more_a_second_is_better_more_microseconds_are_worse_and_a_little_is_neither() -> None:
    after = {
        "payments_per_s": 1200.0, "payment_ms": {"p99": 30.0}, "cpu_us_per_payment": {"valkey": 104},
        "memory_at_rest_mb": 500.0, "connections": 256, "balanced": False, "postgres": "16",
    }  # fmt: skip
    verdicts = {change.name: (change.ratio, change.verdict) for change in changes(FIGURES, after)}
    assert verdicts == {
        "payments_per_s": (1.2, "better"),
        "payment_ms.p99": (1.5, "worse"),
        "cpu_us_per_payment.valkey": (1.04, ""),
        "memory_at_rest_mb": (500 / 600, "better"),
        "connections": (2.0, ""),
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "verdict"),
    [
        ("ratio", 0.5, 0.6, "better"),
        ("16 in flight.ledger_per_s", 900, 800, "worse"),
        ("drain_s", 0.1, 0.2, "worse"),
        ("wallets.10000.bytes_per_wallet", 600, 500, "better"),
        ("failed", 0, 1, "worse"),
        ("payments", 1, 2, ""),
    ],
)
def test_a_figures_name_says_which_side_is_better(name: str, old: float, new: float, verdict: str) -> None:
    assert changes({name: old}, {name: new})[0].verdict == verdict


def test_a_figure_that_was_nothing_has_no_ratio() -> None:
    assert changes({"failed": 0}, {"failed": 1})[0].ratio is None


def test_runs_of_another_bench_machine_or_setting_are_not_compared_unless_asked_to(tmp_path: Path) -> None:
    one = kept(tmp_path, "one", FIGURES, connections=128)
    other = kept(tmp_path, "other", FIGURES, bench="stall", connections=128)
    fewer = kept(tmp_path, "fewer", FIGURES, connections=64)
    elsewhere = kept(tmp_path, "elsewhere", FIGURES, connections=128)
    moved = json.loads(elsewhere.read_text())
    moved["machine"]["processor"] = "another"
    elsewhere.write_text(json.dumps(moved))
    for against, why in (
        (other, "bench payments and stall"),
        (fewer, "connections 128 and 64"),
        (elsewhere, "another"),
    ):
        refused = RUNNER.invoke(app, ["compare", str(one), str(against)])
        assert refused.exit_code == 2
        assert why in refused.output
        assert "--anyway" in refused.output
        forced = RUNNER.invoke(app, ["compare", str(one), str(against), "--anyway", "--json"])
        assert forced.exit_code == 0
        assert json.loads(forced.stdout)["differ"]


def test_the_table_shows_old_new_ratio_and_verdict(tmp_path: Path) -> None:
    one, two = kept(tmp_path, "one", FIGURES), kept(tmp_path, "two", FIGURES | {"payments_per_s": 2000.0})
    shown = RUNNER.invoke(app, ["compare", str(one), str(two)])
    assert shown.exit_code == 0
    line = next(line for line in shown.output.splitlines() if "payments_per_s" in line)
    assert [cell.strip() for cell in line.strip("│ ").split("│")] == [
        "payments_per_s", "1000", "2000", "2.000", "better",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": 1}', '{"format": 2}', "\xff", '{"format": 1, "at": 3}']
)
def test_what_is_no_run_is_refused_in_one_sentence(tmp_path: Path, content: str) -> None:
    one, bad = kept(tmp_path, "one", FIGURES), tmp_path / "bad.json"
    bad.write_text(content, encoding="latin-1")
    refused = RUNNER.invoke(app, ["compare", str(one), str(bad)])
    assert refused.exit_code == 2
    assert "is no run of a bench" in refused.output
    assert RUNNER.invoke(app, ["compare", str(one), str(tmp_path / "missing.json")]).exit_code == 2


def test_two_runs_of_one_bench_do_not_differ(tmp_path: Path) -> None:
    one, two = kept(tmp_path, "one", FIGURES, seconds=5.0), kept(tmp_path, "two", FIGURES, seconds=5.0)
    assert differences(record.read(one), record.read(two)) == []


def test_wallets_that_are_loaded_are_as_the_ledger_opens_them_and_can_pay() -> None:
    with alone.ledger(wallets=1) as ours:
        k = ours.keys
        opened = ours.client.hgetall(k.account("wal_00000000000000000000000000000000"))
        ours.load_wallets(2_500)
        loaded = ours.client.hgetall(k.account("wal_000000000000000000000000000009c3"))
        assert loaded.keys() == opened.keys()
        assert loaded[b"o"] == b"usr_000000000000000000000000000009c3"
        assert {**loaded, b"o": b"", b"cp": b""} == {**opened, b"o": b"", b"cp": b""}
        before, events = ours.paid, ours.client.xlen(ours.stream)
        ours.pay(300)
        assert ours.paid == before + 300
        assert ours.client.xlen(ours.stream) == events + 300
        assert ours.cpu_s() > 0


def test_events_that_are_loaded_stand_before_the_next_payments() -> None:
    with alone.ledger(wallets=10) as ours:
        ours.pay(1)
        before = ours.client.xlen(ours.stream)
        ours.load_events(1_500)
        ours.pay(1)
        assert ours.client.xlen(ours.stream) == before + 1_501


def test_the_log_is_rewritten_while_payments_go_on() -> None:
    with alone.ledger(wallets=100) as ours:
        found = growth.around_rewrite(ours, usual_s=0.2)
        assert ours.client.info("persistence")["aof_rewrite_in_progress"] == 0
        assert found["around_rewrite_ms"]["max"] >= found["around_rewrite_ms"]["p50"] > 0


def test_slices_count_by_their_time_and_one_turn_says_how_far_it_went_from_the_others() -> None:
    ours, theirs = (
        [Outcome(seconds, latencies_ms=[1.0] * replies) for seconds, replies in slices]
        for slices in (((1, 60), (3, 120), (2, 140)), ((2, 200), (1, 100), (1, 100)))
    )
    assert turns.total(ours).per_s == pytest.approx(320 / 6)
    assert turns.ratios(ours, theirs) == {"least": 0.4, "median": 0.6, "most": 0.7}
    with pytest.raises(ValueError, match="shorter"):
        turns.ratios(ours, theirs[:2])


class _Costs(alone.Alone):
    """A ledger's payments at a known cost: what is told of them is then known, too."""

    def __init__(self, us: int) -> None:
        self._us, self._turn, self.trimmed = us, 0, 0

    def per_s(self, in_flight: int, seconds: float) -> float:
        self._turn += in_flight * 10
        return in_flight * 10 / seconds

    def cpu_s(self) -> float:
        return 7.0 + self.paid * self._us / 1e6

    def trim(self) -> None:
        self.trimmed += 1


def test_what_a_payment_costs_is_told_as_times_what_it_costs_a_plain_ledger() -> None:
    ours, plain = _Costs(300), _Costs(200)
    found = growth.in_turns(ours, plain, seconds=6)
    assert (found["cpu_us_per_payment"], found["of_plain"]) == (300.0, 1.5)
    assert found["payments_per_s"] == growth.IN_FLIGHT * 10 * growth.TURNS // 6
    assert (ours.trimmed, plain.trimmed) == (0, 1)


def test_what_a_payment_costs_is_measured_in_turns_with_a_plain_ledger() -> None:
    with alone.ledger(wallets=10) as plain, alone.ledger(wallets=10) as ours:
        ours.pay(1)
        found = growth.in_turns(ours, plain, seconds=0.3)
        assert found["cpu_us_per_payment"] > 0
        assert found["of_plain"] > 0
        assert plain.paid >= growth.IN_FLIGHT * growth.TURNS
        assert plain.client.xlen(plain.stream) == 0


def test_without_fastapi_the_bench_of_gateways_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "find_spec", lambda name: None)
    refused = RUNNER.invoke(app, ["gateways"])
    assert refused.exit_code == 2
    said = " ".join(refused.output.split())
    assert "Not installed: fastapi, uvicorn, uvloop, httptools" in said
    assert "uv pip install --require-hashes -r bench.txt" in said


def test_without_postgresql_the_bench_of_the_ledger_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres.shutil, "which", lambda name: None)
    console = Console(record=True, file=StringIO())
    with postgres.server(tmp_path / "postgres", console) as server:
        assert server is None
    assert "PostgreSQL is not installed (initdb, pg_ctl, psql, pgbench not on PATH)" in console.export_text()


def test_a_stream_of_any_length_is_trimmed_whole() -> None:
    with alone.ledger(wallets=10) as ours:
        ours.pay(1)
        ours.load_events(25_000)
        ours.trim()
        assert ours.client.xlen(ours.stream) == 0


def test_a_folder_to_keep_a_run_in_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    outcome = RUNNER.invoke(app, ["payments", "--out", str(tmp_path)])

    assert outcome.exit_code == 2
    assert "'--out'" in outcome.output
