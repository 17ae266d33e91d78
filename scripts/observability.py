"""Makes k8s/observability/slo-rules.yaml of slos.yaml, and the Grafana dashboards of the panels below.

python scripts/observability.py        # writes; tests/k8s/test_observability.py sees that nobody edited the results
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

FOLDER = Path(__file__).resolve().parents[1] / "k8s" / "observability"
# Multi-window, multi-burn-rate alerts (Google's SRE workbook, chapter 5): the budget of 30 days burns so many times too
# fast over the long window, and still does over the short one. 14.4 for an hour is 2 % of it, 6 for six hours is 5 %,
# 1 for three days is 10 %.
BURNS = (("1h", "5m", 14.4, "page"), ("6h", "30m", 6.0, "page"), ("3d", "6h", 1.0, "ticket"))
HEAD = "# Made by scripts/observability.py of slos.yaml: edit that.\n"


def ratio(slo: dict[str, Any], window: str) -> str:
    """The share of what was bad, over a window."""
    if "ratio" in slo:
        return str(slo["ratio"]).replace("$window", window)
    bad, every = (str(slo[part]).replace("$window", window) for part in ("bad", "all"))
    return f"({bad}) / ({every})"


def slo_rules(slos: list[dict[str, Any]]) -> dict[str, Any]:
    """Recording rules of every window, and alerts on them."""
    windows = sorted({window for long, short, *_ in BURNS for window in (long, short)}, key=_minutes)
    recorded = [
        {"record": f"cho:slo_errors:ratio_{window}", "expr": ratio(slo, window), "labels": {"slo": slo["name"]}}
        for slo in slos
        for window in windows
    ]
    alerts = []
    for slo in slos:
        budget = round(1 - slo["objective"] / 100, 6)
        for long, short, factor, severity in BURNS:
            limit = f"{round(factor * budget, 6):g}"
            name = "".join(part.capitalize() for part in slo["name"].split("_"))
            of = f'{{slo="{slo["name"]}"}}'
            alerts.append({
                "alert": f"{name}BurnsFor{long}",
                "expr": f"cho:slo_errors:ratio_{long}{of} > {limit} and cho:slo_errors:ratio_{short}{of} > {limit}",
                "labels": {"severity": severity, "slo": slo["name"]},
                "annotations": {
                    "summary": f"{slo['name']}: its 30 days' budget burns {factor:g} times too fast",
                    "description": f"{slo['text']} {slo['objective']:g} % is the objective; {{{{ $value }}}} was bad.",
                },
            })  # fmt: skip
    return {"groups": [{"name": "slo-ratios", "interval": "30s", "rules": recorded},
                       {"name": "slo-burn-rates", "rules": alerts}]}  # fmt: skip


def _minutes(window: str) -> int:
    return int(window[:-1]) * {"m": 1, "h": 60, "d": 1440}[window[-1]]


# -------------------------------------------------------------------- dashboards

_PAY = 'method="cho.payments.v1.PaymentsService.Pay"'


def _quantiles(histogram: str, labels: str, by: str = "") -> list[tuple[str, str]]:
    grouped = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return [
        (f"histogram_quantile({q}, sum by ({grouped}) (rate({histogram}_bucket{{{labels}}}[5m])))", f"{legend}p{name}")
        for q, name in ((0.5, "50"), (0.99, "99"))
    ]


# Title, unit, and queries with their legends.
Panel = tuple[str, str, list[tuple[str, str]]]
BOARDS: dict[str, tuple[str, list[Panel]]] = {
    "payments": ("Chợ: payments", [
        ("Payments a second by outcome", "reqps", [
            (f"sum by (code) (rate(cho_rpc_calls_total{{{_PAY}}}[1m]))", "{{code}}")]),
        ("Time of a payment in the service", "s", _quantiles("cho_rpc_seconds", f'{_PAY},code="OK"')),
        ("From the ledger's record to the vendor's announcement", "s", _quantiles("cho_announcement_seconds", "")),
        ("Requests at the gateway by class of status", "reqps", [
            ("sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx"
             '{envoy_http_conn_manager_prefix="edge"}[1m]))', "{{envoy_response_code_class}}xx")]),
        ("Calls a second by method", "reqps", [
            ("topk(12, sum by (method) (rate(cho_rpc_calls_total[1m])))", "{{method}}")]),
        ("Calls that were not OK, by code", "reqps", [
            ('sum by (code) (rate(cho_rpc_calls_total{code!="OK"}[1m]))', "{{code}}")]),
        ("p99 by method", "s", [
            ("topk(12, histogram_quantile(0.99, sum by (le, method) (rate(cho_rpc_seconds_bucket[5m]))))",
             "{{method}}")]),
        ("Refused by the gateway", "reqps", [
            ("sum(rate(envoy_http_local_rate_limit_rate_limited[1m]))", "rate limited"),
            ("sum(rate(envoy_http_jwt_authn_denied[1m]))", "no valid token"),
            ("sum(rate(envoy_http_adaptive_concurrency_gradient_controller_rq_blocked[1m]))"
             " + sum(rate(envoy_cluster_upstream_rq_pending_overflow[1m]))", "too many at once")]),
        ("Time at the service as the gateway sees it, p99", "ms", [
            ("histogram_quantile(0.99, sum by (le, envoy_cluster_name) "
             "(rate(envoy_cluster_upstream_rq_time_bucket[5m])))", "{{envoy_cluster_name}}")]),
        ("Calls in flight at the services", "none", [
            ("sum by (envoy_cluster_name) (envoy_cluster_upstream_rq_active)", "{{envoy_cluster_name}}")]),
    ]),
    "money": ("Chợ: ledger and books", [
        ("Drift between hot ledger and books", "none", [("max(cho_books_drift)", "drift")]),
        ("All accounts together, đồng: 0", "none", [
            ("sum(max by (kind, telecom) (cho_books_total_vnd))", "credits less debits")]),
        ("Start gate", "none", [("max(cho_ledger_open)", "open")]),
        ("Events a second by operation", "ops", [
            ('sum by (operation) (rate(cho_ledger_events_total{result="OK"}[1m]))', "{{operation}}")]),
        ("Refusals a second by code", "ops", [
            ('sum by (result) (rate(cho_ledger_events_total{result!="OK"}[1m]))', "{{result}}")]),
        ("Readers: events behind", "none", [("max by (purpose) (cho_ledger_reader_lag)", "{{purpose}}")]),
        ("Readers: how old what they have not seen is", "s", [
            ("max by (purpose) (cho_ledger_reader_age_seconds)", "{{purpose}}")]),
        ("Head of ledger, books, comparison", "none", [
            ("max(cho_ledger_seq)", "ledger"), ("max(cho_books_seq)", "books"),
            ("max(cho_books_compared_seq)", "compared"), ("max(cho_statements_seq)", "statements")]),
        ("What all accounts of a kind come to, đồng", "none", [
            ("sum by (kind) (max by (kind, telecom) (cho_books_total_vnd))", "{{kind}}")]),
        ("Posted a second by kind and side, đồng", "none", [
            ("sum by (kind, side) (rate(cho_ledger_posted_vnd_total[1m]))", "{{kind}} {{side}}")]),
        ("The scheme's own accounts, đồng", "none", [
            ("max by (account) (cho_ledger_balance_vnd)", "{{account}}")]),
        ("Open holds, proposals, debts", "none", [("max by (kind) (cho_ledger_waiting)", "{{kind}}")]),
    ]),
    "settlement": ("Chợ: settlement", [
        ("Window that is open, and closed last", "none", [
            ("max(cho_ledger_window)", "open"), ("max(cho_window_newest)", "closed last")]),
        ("Windows that are not settled, by stage", "none", [("max by (stage) (cho_windows)", "{{stage}}")]),
        ("How long ago the oldest of them closed", "s", [("max(cho_windows_age_seconds)", "age")]),
        ("Payouts that have not ended", "none", [("max by (state) (cho_payouts)", "{{state}}")]),
        ("Files of payouts", "none", [("max by (state) (cho_payout_files)", "{{state}}")]),
        ("Net positions", "none", [("max by (state) (cho_net_positions)", "{{state}}")]),
        ("Breaks by institution", "none", [
            ("sum by (institution) (max by (institution, state) (cho_breaks))", "{{institution}}")]),
        ("Breaks by state", "none", [
            ("sum by (state) (max by (institution, state) (cho_breaks))", "{{state}}")]),
    ]),
    "platform": ("Chợ: processes, streams, engines", [
        ("CPU by process", "percentunit", [
            ("sum by (process) (rate(process_cpu_seconds_total[1m]))", "{{process}}")]),
        ("Resident memory by process", "bytes", [
            ("sum by (process) (process_resident_memory_bytes)", "{{process}}")]),
        ("Events not acknowledged, by group", "none", [
            ("max by (group) (cho_stream_lag)", "{{group}}")]),
        ("Age of the oldest of them", "s", [("max by (group) (cho_stream_age_seconds)", "{{group}}")]),
        ("Dead letters", "none", [("max by (group) (cho_dead_letters)", "{{group}}")]),
        ("Events handled, and handlings that failed", "ops", [
            ("sum by (group) (rate(cho_stream_handled_total[1m]))", "{{group}}"),
            ("sum by (group) (rate(cho_stream_failed_total[1m]))", "{{group}} failed")]),
        ("Outboxes", "ops", [
            ("sum by (stream) (rate(cho_outbox_published_total[1m]))", "{{stream}}"),
            ("sum by (stream) (rate(cho_outbox_failures_total[1m]))", "{{stream}} failed")]),
        ("Card work, and how long the oldest waits", "none", [
            ("sum by (kind) (max by (kind, state) (cho_card_work_waiting))", "{{kind}}"),
            ("max by (kind) (cho_card_work_age_seconds)", "{{kind}} s")]),
        ("Webhooks", "ops", [
            ("sum by (outcome) (rate(cho_webhook_tries_total[5m]))", "{{outcome}}"),
            ("max(cho_webhooks_failing)", "failing now")]),
        ("Valkey: memory", "bytes", [
            ("max by (server) (cho_valkey_memory_bytes)", "{{server}} data"),
            ("max by (server) (cho_valkey_memory_resident_bytes)", "{{server}} resident")]),
        ("Valkey: append-only file", "none", [
            ("max by (server) (cho_valkey_aof_bytes)", "{{server}} bytes"),
            ("max by (server) (cho_valkey_aof_rewriting)", "{{server}} rewriting"),
            ("max by (server) (rate(cho_valkey_aof_delayed_fsync_total[5m]))", "{{server}} delayed fsyncs")]),
        ("Valkey: time by command", "percentunit", [
            ("topk(8, max by (server, command) (rate(cho_valkey_command_seconds_total[1m])))",
             "{{server}} {{command}}")]),
        ("Valkey: connections and the furthest replica, bytes", "none", [
            ("max by (server) (cho_valkey_clients)", "{{server}} connections"),
            ("max by (server) (cho_valkey_replica_lag_bytes)", "{{server}} replica")]),
        ("Gateway: connections", "none", [
            ('sum(envoy_http_downstream_cx_active{envoy_http_conn_manager_prefix="edge"})', "clients"),
            ("sum by (envoy_cluster_name) (envoy_cluster_upstream_cx_active)", "to {{envoy_cluster_name}}")]),
        ("Sources that can be asked", "none", [("min by (source) (cho_source_up)", "{{source}}")]),
        ("Spans", "ops", [("sum by (outcome) (rate(cho_traces_spans_total[1m]))", "{{outcome}}")]),
    ]),
}  # fmt: skip


def slo_board(slos: list[dict[str, Any]]) -> tuple[str, list[Panel]]:
    """How fast each budget burns, where 1 is just what it allows."""
    panels: list[Panel] = []
    for slo in slos:
        budget, of = round(1 - slo["objective"] / 100, 6), f'{{slo="{slo["name"]}"}}'
        burns = [(f"cho:slo_errors:ratio_{window}{of} / {budget:g}", f"over {window}") for window in ("1h", "6h", "3d")]
        panels.append((f"{slo['name']}, {slo['objective']:g} %: times too fast", "none", burns))
    return "Chợ: service levels", panels


def dashboard(uid: str, title: str, panels: list[Panel]) -> dict[str, Any]:
    """A dashboard as Grafana reads it, two panels a row."""
    return {
        "uid": f"cho-{uid}", "title": title, "tags": ["cho"], "timezone": "Asia/Ho_Chi_Minh", "schemaVersion": 39,
        "editable": True, "refresh": "10s", "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": [_panel(place, *panel) for place, panel in enumerate(panels)],
    }  # fmt: skip


def _panel(place: int, title: str, unit: str, queries: list[tuple[str, str]]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": place + 1, "type": "timeseries", "title": title, "datasource": source,
        "gridPos": {"h": 8, "w": 12, "x": 12 * (place % 2), "y": 8 * (place // 2)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0 if unit != "none" else None}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": source, "expr": expr, "legendFormat": legend}
            for number, (expr, legend) in enumerate(queries)
        ],
    }  # fmt: skip


def made() -> dict[Path, str]:
    """Every file that is made, with its content."""
    slos = yaml.safe_load((FOLDER / "slos.yaml").read_text())["slos"]
    rules = yaml.safe_dump(slo_rules(slos), sort_keys=False, allow_unicode=True, width=1000)
    files = {FOLDER / "slo-rules.yaml": HEAD + rules}
    for uid, (title, panels) in {**BOARDS, "slo": slo_board(slos)}.items():
        text = json.dumps(dashboard(uid, title, panels), ensure_ascii=False, indent=1)
        files[FOLDER / "dashboards" / f"{uid}.json"] = text + "\n"
    return files


if __name__ == "__main__":
    for path, text in made().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
