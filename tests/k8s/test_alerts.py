"""What rings when: the rules, evaluated by promtool on series as a stack exports them, every 15 s.

A process that is gone, or cannot reach what it tells of, exports nothing: a comparison with nothing never holds.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import CollectorRegistry, Counter

from cli.scraping import GATEWAY
from kit.config import settings
from kit.rpc import metrics
from tests.k8s.k8s_files import built, containers, labels, workloads, written
from tests.k8s.observability_files import FOLDER, RULE_FILES, rules

NEEDED = ("gateway", "payments.serve", "payments.work", "settlement.work")
LEDGER = (
    "cho_ledger_open",
    'cho_ledger_reader_held{purpose="announcer"}',
    'cho_ledger_reader_held{purpose="journal"}',
)
PAY = "cho.payments.v1.PaymentsService.Pay"
HOUR_S = 3600

# By what Prometheus calls it, a series in promtool's notation: "1x20 0x40" is 1, then 20 and 40 more samples.
Series = dict[str, str]


def well(minutes: int = 60) -> Series:
    """Everything as it should be."""
    always = f"x{4 * minutes}"
    up = {f'up{{process="{process}",pod="{process}-1"}}': "1" + always for process in (*NEEDED, "orders.serve")}
    ledger = dict.fromkeys(LEDGER, "1" + always)
    ages = {
        f'cho_ledger_reader_age_seconds{{purpose="{purpose}"}}': "0" + always for purpose in ("announcer", "journal")
    }
    return up | ledger | ages | {"cho_valkey_aof_write_ok": "1" + always, "cho_books_drift": "0" + always}


def gone(series: Series, *names: str) -> Series:
    """These are exported for five minutes, and then no more."""
    return series | dict.fromkeys(names, "1x20 stale")


def ringing(folder: Path, series: Series, at: str, severity: str = "page") -> set[str]:
    """Names of the alerts that ring at this time. Skips the test where there is no promtool."""
    ask = f'count by (alertname) (ALERTS{{alertstate="firing",severity="{severity}"}})'
    # Nothing rings by this name: what does is in the answer.
    wrong = {"expr": ask, "eval_time": at, "exp_samples": [{"labels": "x", "value": 0}]}
    return set(re.findall(r'alertname="(\w+)"', answered(folder, series, {"promql_expr_test": [wrong]})))


def shown(folder: Path, series: Series, at: str, alert: str) -> str:
    """Labels and annotations of an alert that rings at this time. Skips the test where there is no promtool."""
    wrong = {"alertname": alert, "eval_time": at, "exp_alerts": [{"exp_labels": {"no": "such"}}]}
    return answered(folder, series, {"alert_rule_test": [wrong]})


def answered(folder: Path, series: Series, wrong: dict[str, Any]) -> str:
    """What promtool got instead of something that is expected and wrong."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; it is in Debian's package prometheus")
    file = folder / "case.yaml"
    file.write_text(yaml.safe_dump({
        "rule_files": [str(FOLDER / name) for name in RULE_FILES],
        "evaluation_interval": "15s",
        "tests": [{
            "interval": "15s",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            **wrong,
        }],
    }))  # fmt: skip
    said = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=100, check=False)
    _, found, got = (said.stdout + said.stderr).partition("got:")
    assert found, said.stdout + said.stderr
    return got


def test_nobody_is_called_while_all_is_well(tmp_path: Path) -> None:
    for severity in ("page", "ticket"):
        assert ringing(tmp_path, well(), "10m", severity) == set()


@pytest.mark.parametrize("process", NEEDED)
def test_somebody_is_paged_where_a_process_that_payments_need_is_down_or_is_no_target_any_more(
    tmp_path: Path, process: str
) -> None:
    own = LEDGER if process == "payments.work" else ()
    lost = {"LedgerClosed", "LedgerReaderUnheld"} if own else set()
    name = f'up{{process="{process}",pod="{process}-1"}}'
    down = gone(well(), *own) | {name: "1x20 0x40"}
    assert ringing(tmp_path, down, "10m") == lost | {"ProcessGone"}
    assert ringing(tmp_path, gone(well(), name, *own), "10m") == lost | {"ProcessGone"}


def test_somebody_is_paged_where_the_ledger_is_out_of_reach_and_every_process_is_up(tmp_path: Path) -> None:
    away = gone(well(), *LEDGER, "cho_valkey_aof_write_ok", *(name for name in well() if "age_seconds" in name))
    away['cho_source_up{source="ledger"}'] = "1x20 0x40"
    assert ringing(tmp_path, away, "10m") == {"LedgerClosed", "LedgerReaderUnheld"}
    assert ringing(tmp_path, away, "10m", "ticket") == {"SourceUnreachable"}


@pytest.mark.parametrize("purpose", ["announcer", "journal"])
def test_somebody_is_paged_where_one_reader_is_told_of_no_more_or_is_held_by_nobody(
    tmp_path: Path, purpose: str
) -> None:
    name = f'cho_ledger_reader_held{{purpose="{purpose}"}}'
    assert ringing(tmp_path, gone(well(), name), "10m") == {"LedgerReaderUnheld"}
    assert ringing(tmp_path, well() | {name: "1x20 0x40"}, "10m") == {"LedgerReaderUnheld"}


def test_one_pod_of_two_that_is_down_is_a_ticket_and_pages_nobody(tmp_path: Path) -> None:
    one_down = well() | {'up{process="payments.work",pod="payments.work-2"}': "1x20 0x40"}
    assert ringing(tmp_path, one_down, "10m") == set()
    assert ringing(tmp_path, one_down, "10m", "ticket") == {"ProcessDown"}


def test_a_restart_of_half_a_minute_pages_nobody(tmp_path: Path) -> None:
    up = 'up{process="payments.work",pod="payments.work-1"}'
    restarted = well() | {up: "1x20 0x1 1x200"} | dict.fromkeys(LEDGER, "1x20 stale _ 1x200")
    for at in ("5m30s", "5m45s", "6m", "7m"):
        assert ringing(tmp_path, restarted, at) == set(), at


def test_a_process_is_called_the_same_in_a_cluster_on_one_machine_and_in_the_alert() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus-pods.yaml").read_text())["scrape_configs"]
    known = {f"app.kubernetes.io/{part}" for part in ("name", "component")}
    processes = set()
    for workload in workloads([document for _, document in written("base")]).values():
        found = {f"__meta_kubernetes_pod_label_{re.sub('[./]', '_', k)}": labels(workload).get(k, "") for k in known}
        for rule in job["relabel_configs"]:
            said = rule.get("separator", ";").join(found.get(name, "") for name in rule.get("source_labels", ()))
            if rule.get("target_label") == "process" and (match := re.fullmatch(rule.get("regex", "(.*)"), said)):
                found["process"] = match.expand(rule.get("replacement", "$1").replace("$", "\\"))
        processes.add(found["process"])
    (gone_rule,) = (rule for rule in rules() if rule.get("alert") == "ProcessGone")
    assert {*re.findall(r'absent\(up\{process="([a-z.]+)"', gone_rule["expr"])} == set(NEEDED)
    assert {GATEWAY, *NEEDED} <= processes


def test_1500_errors_that_first_appear_within_one_interval_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = CollectorRegistry()
    monkeypatch.setattr(
        metrics, "CALLS", Counter("cho_rpc_calls_total", "RPCs.", ["method", "code"], registry=registry)
    )
    monkeypatch.setattr(settings(), "metrics_port", 9090)
    record = metrics.recorder(PAY)
    assert record

    def value() -> str:
        found = registry.get_sample_value("cho_rpc_calls_total", {"method": PAY, "code": "OUTCOME_UNKNOWN"})
        return "_" if found is None else f"{found:g}"

    before = value()
    for _ in range(1500):
        record("OUTCOME_UNKNOWN")
    calls = f'cho_rpc_calls_total{{method="{PAY}",code='
    series = well() | {
        calls + '"OK"}': "0+1000x100",
        calls + '"OUTCOME_UNKNOWN"}': f"{before}x23 {value()}x100",
    }
    assert ringing(tmp_path, series, "8m") == {"PaymentOutcomeBurnsFor1h", "PaymentOutcomeBurnsFor6h"}


def clerk(done_s: int | None, ended_s: int | None, work_s: int) -> Series:
    """For an hour from now: the clerk was done, and ended, so long ago; the oldest unsettled window is so old; 0: none.

    None for what is not exported. An end that is at most 30 s old stays so: one run follows the other.
    """
    ages = {"cho_clerk_done_seconds": done_s, "cho_clerk_ended_seconds": ended_s, "cho_windows_age_seconds": work_s}
    series = {name: f"{age}x240" if age <= 30 else f"{age}+15x240" for name, age in ages.items() if age is not None}
    return well() | series | {'cho_windows{stage="closed"}': f"{int(work_s > 0)}x240"}


@pytest.mark.parametrize(
    ("done_s", "ended_s", "work_s"),
    [
        pytest.param(2 * HOUR_S, 2 * HOUR_S, HOUR_S, id="it hangs, or is killed: no run ends"),
        pytest.param(2 * HOUR_S, 30, HOUR_S, id="runs end and are not done"),
        pytest.param(2 * HOUR_S, 30, 0, id="the same, with no window to settle"),
        pytest.param(HOUR_S, None, HOUR_S, id="it has never ended"),
        pytest.param(HOUR_S, 30, HOUR_S, id="it has ended and was never done"),
    ],
)
def test_a_clerk_that_has_not_done_its_work_for_an_hour_is_a_ticket(
    tmp_path: Path, done_s: int, ended_s: int | None, work_s: int
) -> None:
    assert ringing(tmp_path, clerk(done_s, ended_s, work_s), "10m", "ticket") == {"ClerkStuck"}


@pytest.mark.parametrize(
    ("done_s", "ended_s", "work_s"),
    [
        pytest.param(48 * HOUR_S, 48 * HOUR_S, 0, id="a quiet weekend"),
        pytest.param(48 * HOUR_S, 48 * HOUR_S, 60, id="and then a window that closed just now"),
        pytest.param(30, 30, 12 * HOUR_S, id="a window that waits for its bank"),
        pytest.param(None, None, 0, id="a new stack"),
    ],
)
def test_a_clerk_that_has_nothing_to_do_or_did_what_it_could_is_no_ticket(
    tmp_path: Path, done_s: int | None, ended_s: int | None, work_s: int
) -> None:
    assert ringing(tmp_path, clerk(done_s, ended_s, work_s), "30m", "ticket") == set()


@pytest.mark.parametrize(
    ("process", "held", "near"),
    [
        pytest.param("payments.serve", "440e6", "", id="less than a server is warned of"),
        pytest.param("payments.serve", "460e6", "512 MiB", id="a server near its limit"),
        pytest.param("settlement.work", "460e6", "", id="what is much for others"),
        pytest.param("settlement.work", "910e6", "1 GiB", id="settlement's worker near its own limit"),
    ],
)
def test_memory_near_its_own_limit_is_a_ticket_that_says_which(
    tmp_path: Path, process: str, held: str, near: str
) -> None:
    name = f'process_resident_memory_bytes{{process="{process}",pod="{process}-1"}}'
    series = well() | {name: f"{held}x240"}
    assert ringing(tmp_path, series, "20m", "ticket") == ({"MemoryNearLimit"} if near else set())
    if near:
        limits = dict(containers(built("base")))[f"{process.replace('.', '-')}/main"]["resources"]["limits"]
        assert limits["memory"] == near.replace(" ", "").removesuffix("B")
        assert f"of its {near}" in shown(tmp_path, series, "20m", "MemoryNearLimit")
