"""`cho bench onboarding`: a made-up market brought in from a spreadsheet, through the gateway, with all checks on.

A stack of its own; the file is made here, sent, checked row by row, run, and the result fetched, as `cho onboard` does.
Nobody's PIN is hashed: vendors make their accounts themselves, when they first sign in. A fast wrong run is no figure:
every row has to be a merchant that waits for review, and the same file again has to make none.
"""

from __future__ import annotations

import io
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from cli import onboard, people
from cli.api import Api
from cli.bench import own
from cli.stack import Stack
from services.onboarding.bulk import columns, example

GOAL_S = 300
MARKETS = ("Chợ Thái", "Chợ Hùng Sơn", "Chợ Đu")
_TICKS_S = os.sysconf("SC_CLK_TCK")


def onboarding(
    rows: int = typer.Option(10_000, min=10, max=10_000, help="Vendors of the market."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """Seconds that a market from a spreadsheet takes: sending, checking, submitting; and CPU seconds by process."""
    console = Console(stderr=True)
    with own.stack(console) as stack, Api(stack.gateway_url) as nobody:
        team = nobody.sign_in(people.TEAM.phone, people.PIN)
        report = _measure(stack, team, market_file(rows), rows, console)
    typer.echo(json.dumps(report, indent=2) if as_json else "\n".join(f"{k}: {v}" for k, v in report.items()))
    raise typer.Exit(0 if report["right"] and report["import_s"] < GOAL_S else 1)


def market_file(rows: int) -> bytes:
    """A workbook of so many vendors at MARKETS, every one well-formed and nobody."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    book = Workbook(out, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    page = book.add_worksheet("Danh sách")
    page.write_row(0, 0, [column.title for column in columns.COLUMNS])
    for number in range(rows):
        cells = example.cells_of(number, MARKETS[number % len(MARKETS)])
        page.write_row(number + 1, 0, [cells[column.field] for column in columns.COLUMNS])
    book.close()
    return out.getvalue()


def _measure(stack: Stack, team: Api, content: bytes, rows: int, console: Console) -> dict[str, Any]:
    console.print(f"A workbook of {rows} vendors, {len(content)} bytes ...")
    cpu, began = _cpu(stack), time.perf_counter()
    found = onboard.watch(team, onboard.send(team, content, "bench.xlsx"), "checking")
    checked = time.perf_counter()
    good = int(found["good"])
    found = onboard.watch(team, team.post(f"/v1/imports/{found['import_id']}/start")["import"], "submitting")
    done = time.perf_counter()
    onboard.fetch(team, found, "xlsx")
    fetched = time.perf_counter()
    used = {name: round(seconds - cpu.get(name, 0), 1) for name, seconds in _cpu(stack).items()}
    console.print("The same file again ...")
    again = onboard.watch(team, onboard.send(team, content, "bench.xlsx"), "checking")
    right = (good, int(found["submitted"]), int(again["existing"]), int(again["good"])) == (rows, rows, rows, 0)
    return {
        "rows": rows, "bytes": len(content), "import_s": round(done - began, 1), "check_s": round(checked - began, 1),
        "submit_s": round(done - checked, 1), "result_s": round(fetched - done, 1),
        "rows_per_s": round(rows / (done - began), 1), "cpu_s": used, "good": good,
        "submitted": int(found["submitted"]), "there_again": int(again["existing"]), "right": right,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }  # fmt: skip


def _cpu(stack: Stack) -> dict[str, float]:
    """CPU seconds of every process of the stack so far."""
    found = {}
    for process in stack.processes():
        if process["pid"] is None:
            continue
        try:
            fields = Path(f"/proc/{process['pid']}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        found[process["name"]] = (int(fields[11]) + int(fields[12])) / _TICKS_S
    return found
