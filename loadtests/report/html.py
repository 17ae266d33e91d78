"""The page: the certificate's text and the plots, one file that loads nothing. Pure."""

from __future__ import annotations

from html import escape
from typing import Any

from loadtests.report import svg
from loadtests.report.certificate import text
from loadtests.report.figures import Series

_STYLE = """
:root { color-scheme: light dark; --fg: #1b1b1b; --bg: #fff; --grid: #ddd; --ok: #00704a; --bad: #b00020; }
@media (prefers-color-scheme: dark) { :root { --fg: #e8e8e8; --bg: #16181a; --grid: #3a3d40; --ok: #4cc38a;
  --bad: #ff6b7a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); margin: 2rem auto;
  max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
.ok { color: var(--ok); } .bad { color: var(--bad); }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--fg); } svg .grid { stroke: var(--grid); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 13px; } table { border-collapse: collapse; }
td, th { padding: .15rem .8rem .15rem 0; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
"""


def page(said: dict[str, Any], series: Series, errors: list[tuple[float, str, str]]) -> str:
    """A whole HTML document."""
    plots = (
        ("Throughput", svg.chart("Throughput", series.throughput, "a second")),
        (
            "Payments: latency by percentile, since they were due",
            svg.chart("Latency", series.latency_ms, "ms", log=True),
        ),
        (
            "Announcements: from the ledger to the stall",
            svg.chart("Announcements", series.announcement_ms, "ms", log=True),
        ),
        ("Stream lag: how far the books are behind", svg.chart("Stream lag", series.lag_events, "events")),
        ("CPU by process", svg.chart("CPU by process", _busiest(series.cpu), "cores")),
        ("Errors", svg.chart("Errors", series.errors, "a second")),
    )
    held = "ok" if said["holds"] else "bad"
    verdict = "Every đồng is where it must be" if said["holds"] else "It did not hold"
    body = "".join(f"<h2>{escape(title)}</h2>{plot}" for title, plot in plots)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Load test</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body><h1>Load test, {escape(said['plan']['shape'])}: "
        f'<span class="{held}">{verdict}</span></h1>{_stages(said)}{body}{_errors(errors)}'
        f"<h2>Certificate</h2><pre>{escape(text(said))}</pre></body></html>\n"
    )


def _busiest(cpu: dict[str, svg.Line] | Any) -> dict[str, svg.Line]:
    """The processes that used most."""
    return dict(sorted(cpu.items(), key=lambda one: -sum(y for _, y in one[1]))[: svg.LINES_MAX])


def _stages(said: dict[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{escape(row["name"])}</td><td class="n">{row["count"]:,}</td><td class="n">{row["must"]:,}</td>'
        f'<td class="{"ok" if row["count"] == row["must"] else "bad"}">'
        f"{'ties' if row['count'] == row['must'] else 'DIFFERS'}</td></tr>"
        for row in said["stages"]
    )
    return f"<table><tr><th>stage</th><th>found</th><th>by what people were told</th><th></th></tr>{rows}</table>"


def _errors(errors: list[tuple[float, str, str]]) -> str:
    if not errors:
        return "<p>No request failed.</p>"
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(what)}</td></tr>" for _, name, what in errors[:50])
    return f"<h2>The first {min(50, len(errors))} of {len(errors)} recorded errors</h2><table>{rows}</table>"
