"""Rules, dashboards and SLOs as files: made of one source, whole, and true to the code.

That every metric they name is one that our processes export is seen on a running stack: tests/system/test_trace.py.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from kit.errors import BY_CODE
from kit.rpc.failures import OURS
from kit.rpc.metrics import SECONDS
from services.payments.shown import ANNOUNCED
from tests.k8s.k8s_files import K8S, ROOT, parse
from tests.k8s.observability_files import FOLDER, RULE_FILES, dashboards, metrics, names, queries, rules

SLOS = yaml.safe_load((FOLDER / "slos.yaml").read_text())
DOC = (ROOT / "docs" / "observability.md").read_text()


def script() -> Any:
    path = ROOT / "scripts" / "observability.py"
    spec = importlib.util.spec_from_file_location("observability_script", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rules_and_dashboards_are_what_the_script_makes() -> None:
    made: dict[Path, str] = script().made()
    assert {path.name for path in (FOLDER / "dashboards").iterdir()} == {
        path.name for path in made if path.suffix == ".json"
    }
    for path, text in made.items():
        assert path.read_text() == text, f"run python scripts/observability.py: {path.name}"


def test_every_slo_is_alerted_on_at_three_burn_rates_that_can_be_reached() -> None:
    alerts = [rule for rule in rules() if "slo" in rule["labels"] and "alert" in rule]
    for slo in SLOS["slos"]:
        own = [rule for rule in alerts if rule["labels"]["slo"] == slo["name"]]
        budget = 1 - slo["objective"] / 100
        limits = [float(re.findall(r"> ([0-9.e-]+)", rule["expr"])[0]) for rule in own]
        assert limits == pytest.approx([14.4 * budget, 6 * budget, budget])
        assert all(limit < 1 for limit in limits)
        assert [rule["labels"]["severity"] for rule in own] == ["page", "page", "ticket"]


def test_the_bounds_of_slos_are_bounds_of_their_histograms() -> None:
    bounds = {
        "cho_rpc_seconds_bucket": SECONDS._kwargs["buckets"],
        "cho_announcement_seconds_bucket": ANNOUNCED._upper_bounds,
    }
    for slo in SLOS["slos"]:
        for metric, bound in re.findall(r'(cho_\w+_bucket)\{[^}]*le="([0-9.]+)"', slo.get("bad", "")):
            assert float(bound) in bounds[metric], slo["name"]


def test_payments_that_end_without_an_outcome_are_the_errors_that_are_ours() -> None:
    (slo,) = (one for one in SLOS["slos"] if one["name"] == "payment_outcome")
    codes = re.findall(r'code=~"([^"]+)"', slo["bad"])[0].split("|")
    assert set(codes) == {code for code, error in BY_CODE.items() if error.status in OURS}


def test_every_query_asks_for_a_metric() -> None:
    for where, query in queries():
        assert names(query), where


def test_a_name_is_found_in_a_query_and_labels_are_not() -> None:
    query = (
        'sum by (cho_label, le) (rate(cho_a_total{code="cho_b"}[5m])) / on (process) up{x="{{cho_c}}"} > cho:slo:r5m'
    )
    assert names(query) == {"cho_a_total", "up", "cho:slo:r5m"}


def test_every_dashboard_is_one_that_grafana_reads() -> None:
    uids = set()
    for name, board in dashboards().items():
        assert board["schemaVersion"] >= 36, name
        assert board["title"].startswith("Chợ"), name
        uids.add(board["uid"])
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids)), name
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}
        assert len(places) == len(ids), name
        for panel in board["panels"]:
            assert panel["targets"], (name, panel["title"])
            assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"]), name
    assert len(uids) == len(dashboards())


def test_every_alert_says_how_urgent_it_is_and_what_to_do_is_written_down() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
            assert rule["annotations"]["summary"], rule["alert"]
            family = "BurnsFor" if "BurnsFor" in rule["alert"] else rule["alert"]
            assert family in DOC, rule["alert"]


def test_every_metric_that_is_asked_for_is_in_the_document() -> None:
    ours = {re.sub(r"_(bucket|count|sum)$", "", name) for name in metrics() if name.startswith("cho_")}
    missing = {name for name in ours if not name.startswith("cho_valkey_") and f"`{name}`" not in DOC}
    assert not missing


def test_every_slo_is_in_the_document_with_its_objective() -> None:
    for slo in SLOS["slos"]:
        assert f"| `{slo['name']}` | {slo['objective']:g} %" in DOC


def test_the_component_names_every_file_of_rules_and_every_dashboard() -> None:
    component = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    files = {name for made in component["configMapGenerator"] for name in made["files"]}
    assert files == {*RULE_FILES, *(f"dashboards/{name}" for name in dashboards())}
    for name in component["resources"]:
        assert parse((FOLDER / name).read_text())


def test_the_way_in_for_prometheus_is_to_the_port_that_pods_serve() -> None:
    served = re.search(r"^CHO_METRICS_PORT=(\d+)$", (K8S / "base" / "settings.env").read_text(), re.MULTILINE)
    assert served
    policy = next(doc for doc in parse((FOLDER / "network.yaml").read_text()) if doc["metadata"]["name"] == "metrics")
    assert [port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]] == [int(served[1])]
    pods = (FOLDER / "prometheus-pods.yaml").read_text()
    assert f"$1:{served[1]}" in pods
    assert yaml.safe_load(pods)["scrape_configs"][0]["job_name"] == "cho-pods"


def test_kustomize_builds_it_beside_an_overlay(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed; it holds kustomize")
    shutil.copytree(K8S, tmp_path / "k8s")
    overlay = tmp_path / "k8s" / "overlays" / "observed"
    overlay.mkdir()
    text = "resources: [../local]\ncomponents: [../../observability]\n"
    (overlay / "kustomization.yaml").write_text(
        f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n{text}"
    )
    built = subprocess.run(
        [kubectl, "kustomize", str(overlay)], capture_output=True, text=True, timeout=60, check=False
    )
    assert built.returncode == 0, built.stderr
    made = {doc["metadata"]["name"].rpartition("-")[0] for doc in parse(built.stdout) if doc["kind"] == "ConfigMap"}
    assert made >= {"cho-prometheus-rules", "cho-grafana-dashboards"}


def test_prometheus_itself_takes_the_rules_and_the_configuration() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; it is in Debian's package prometheus")
    for arguments in (["rules", *RULE_FILES], ["config", "--syntax-only", "prometheus.yaml"]):
        said = subprocess.run(
            [promtool, "check", *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
        )
        assert said.returncode == 0, said.stdout + said.stderr
