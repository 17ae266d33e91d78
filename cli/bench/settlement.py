"""`cho bench settlement`: what a window of a million payments costs settlement, on servers of its own.

A market's day is journaled; then each part runs in a process of its own (cli/settlement_bench/parts.py): its books are
followed, the window is closed and all its files written, the same is done again with nothing followed before and has to
give the same bytes, a telecom's record with faults in it is matched, the chain is verified, the books are
replayed, and the journal's reader is fed. A fast wrong run is no figure: the faults that were put in have to be found.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli.bench import record
from kit import engines, ports
from kit.supervisor import launch
from kit.supervisor.process import Process

START_S_MAX = 60.0
PART_S_MAX = 1_800
CLOSE_S, CLOSE_MB, MATCH_S, MATCH_MB, CHAIN_S, LEVEL_S = 90, 600, 120, 800, 30, 5
TICKS_S = os.sysconf("SC_CLK_TCK")


def settlement(
    payments: int = typer.Option(1_000_000, min=10_000, max=5_000_000, help="Of the window; the record has as many."),
    as_json: bool = typer.Option(False, "--json"),
    out: Path | None = record.OUT,
) -> None:
    """Closing a window, matching a record, verifying the chain, the books' rate. Takes minutes and 4 GB of disk."""
    kept = record.begin("settlement", out, payments=payments)
    with tempfile.TemporaryDirectory(prefix="cho-bench-", ignore_cleanup_errors=True) as folder:
        report = _measure(Path(folder), payments, Console(stderr=True))
    if not as_json:
        _show(report)
    kept.end(report, as_json, "")
    raise typer.Exit(0 if not report["wrong"] and all(goal["holds"] for goal in report["goals"]) else 1)


def _measure(home: Path, payments: int, console: Console) -> dict[str, Any]:
    record, at = str(home / "record.csv"), [ports.take_any() for _ in range(2)]
    parts: dict[str, Any] = {}
    with (
        _server(home, engines.secantusdb(home / "secantusdb", at[0])) as database,
        _server(home, engines.valkey(home / "valkey", at[1])),
    ):
        here = {
            "CHO_ENV": "local", "CHO_HOME": str(home), "CHO_LOG_LEVEL": "ERROR", "CHO_SETTLEMENT_SCHEDULE": "off",
            "MONGODB_URI": engines.secantusdb_uri(at[0]), "LEDGER_URL": f"redis://{ports.LOOPBACK}:{at[1]}/0",
            "REDIS_URL": f"redis://{ports.LOOPBACK}:{at[1]}/0",
        }  # fmt: skip
        for name, text, arguments in (
            ("make", f"Journaling a window of {payments} payments", (str(payments), record)),
            ("follow", "Following the day with checkpoints", ()),
            ("close", "Closing it, and writing all files", ()),
            ("again", "The same with no checkpoints, elsewhere", ()),
            ("match", "Matching a telecom's record of it", (record,)),
            ("chain", "Verifying the chain", ()),
            ("audit", "Verifying and replaying the books", ()),
            ("books", "Feeding the journal's reader", ()),
        ):
            console.print(f"{text} ...")
            before = _cpu_s(database.pid)
            parts[name] = _part(here, name, *arguments)
            parts[name]["database_cpu_s"] = round(_cpu_s(database.pid) - before, 2)
    return {
        "payments": payments, "goals": _goals(parts), "wrong": _wrong(parts), "parts": parts,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }  # fmt: skip


@contextmanager
def _server(home: Path, process: Process) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a stack runs it; it ends with this process, however that ends."""
    if process.prepare:
        process.prepare()
    launched = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(home / f"{process.name}.lock")]
    with subprocess.Popen([*launched, *process.argv], stdout=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + START_S_MAX
            while not _is_ready(process):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{process.name} did not start")
                time.sleep(0.05)
            yield server
        finally:
            server.terminate()


def _is_ready(process: Process) -> bool:
    assert process.ready is not None
    with suppress(OSError, EOFError):
        return asyncio.run(process.ready())  # type: ignore[arg-type]
    return False


def _part(here: dict[str, str], name: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "cli.settlement_bench.parts", str(os.getpid()), name, *arguments]
    done = subprocess.run(command, env=os.environ | here, stdout=subprocess.PIPE, check=True, timeout=PART_S_MAX)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


def _goals(parts: dict[str, Any]) -> list[dict[str, Any]]:
    """What is wanted of a million payments, and whether it holds."""
    close, again, match, chain, books = (parts[name] for name in ("close", "again", "match", "chain", "books"))
    rows = [
        ("window closed, netted, all files written, s", close["seconds"], CLOSE_S, True),
        ("its peak, MB", close["peak_mb"], CLOSE_MB, True),
        ("the same with no checkpoints before, s", again["seconds"], CLOSE_S, True),
        ("its peak, MB", again["peak_mb"], CLOSE_MB, True),
        (f"record of {match['entries']} lines read and matched, s", match["seconds"], MATCH_S, True),
        ("its peak, MB", match["peak_mb"], MATCH_MB, True),
        (f"chain of {chain['entries']} entries verified, s", chain["seconds"], CHAIN_S, True),
        ("events journaled a second at most", books["most_per_s"], books["rate_per_s"], False),
        (f"level after {books['burst_s']} s of {books['rate_per_s']} a second, s", books["level_s"], LEVEL_S, True),
    ]
    return [
        {"what": what, "measured": found, "goal": goal, "holds": found < goal if below else found >= goal}
        for what, found, goal, below in rows
    ]


def _wrong(parts: dict[str, Any]) -> list[str]:
    """What the parts should have found, or should not."""
    made, wrong = parts["make"], [*parts["chain"]["findings"], *parts["audit"]["findings"]]
    if parts["close"]["payments"] != made["payments"]:
        wrong.append(f"{made['payments']} payments became {parts['close']['payments']}")
    if parts["again"]["differ"]:
        wrong.append(f"made again, these files are others: {', '.join(parts['again']['differ'][:10])}")
    if parts["match"]["faults"] != sorted(made["faults"]):
        wrong.append(f"of {len(made['faults'])} faults in the record others were found: {parts['match']['faults']}")
    return wrong


def _show(report: dict[str, Any]) -> None:
    console, parts = Console(), report["parts"]
    steps = Table("", "s", "CPU, s", "database's CPU, s", "peak, MB")
    for name, part in parts.items():
        if "steps" in part:
            steps.add_row(name, *map(str, (part["seconds"], part["cpu_s"], part["database_cpu_s"], part["peak_mb"])))
            for step, (wall, cpu) in part["steps"].items() if len(part["steps"]) > 1 else ():
                steps.add_row(f"  {step}", str(wall), str(cpu))
    console.print(steps)
    follow, close, match, books = parts["follow"], parts["close"], parts["match"], parts["books"]
    console.print(
        f"The day was followed at {follow['events'] / follow['seconds']:.0f} events a second; "
        f"{close['behind']} were left when it was closed, {parts['again']['behind']} the second time. "
        f"{close['files']} files of {close['file_bytes'] / 1e6:.0f} MB: {close['lines']} lines of reports for "
        f"{close['institutions']} institutions, {close['payouts']} payouts. Found in the record: "
        f"{len(match['faults'])} faults. "
        f"The reader was {books['behind_max']} events behind at most, {books['cpu_us_per_event']} µs of CPU an event."
    )
    goals = Table("", "measured", "goal", "")
    for goal in report["goals"]:
        goals.add_row(goal["what"], str(goal["measured"]), str(goal["goal"]), "holds" if goal["holds"] else "MISSED")
    console.print(goals)
    console.print(report["machine"], *report["wrong"], sep="\n")
