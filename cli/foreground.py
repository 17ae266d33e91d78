"""Runs a stack in this process until it is told to stop, and tells how it is.

`python -m cli.foreground [--free-ports] [--seed]` is a stack for another program (`cli.stack.Stack`): every change is
a line of JSON on standard output, and the end of standard input stops it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cli import control
from cli.layout import CannotLayOut, Layout, lay_out, settle
from cli.scraping import write_targets
from kit.config import settings
from kit.engines import EngineMissing
from kit.ports import NoPort
from kit.supervisor.process import HomeBusy, ProcessFailed, State, Status
from kit.supervisor.run import Supervisor

# What a person can do something about; it is shown without a traceback.
FAILURES = (CannotLayOut, EngineMissing, HomeBusy, NoPort, ProcessFailed)

Snapshot = dict[str, Any]
Report = Callable[[Snapshot], None]


def state_file(home: Path) -> Path:
    """Where a running stack says how it is and where it listens."""
    return home / "stack.json"


async def run(layout: Layout, report: Report, *, until_end_of: int | None = None) -> None:
    """Until SIGINT, SIGTERM, SIGHUP, or the end of the descriptor `until_end_of`. Raises one of FAILURES."""
    file = state_file(layout.settings.home)

    def publish(statuses: list[Status]) -> None:
        snapshot = _snapshot(layout, statuses)
        _write(file, snapshot)
        report(snapshot)

    supervisor = Supervisor(layout.settings.home, layout.processes, publish)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.request_stop)
    if until_end_of is not None:
        loop.add_reader(until_end_of, supervisor.request_stop)  # nothing is ever written to it
    supervisor.claim()
    settle(layout)
    write_targets(layout.settings.home, layout.scraped)
    async with control.listening(layout.settings.home, supervisor), supervisor:
        await supervisor.wait()
    file.unlink()


def _snapshot(layout: Layout, statuses: list[Status]) -> Snapshot:
    settled = (State.READY, State.DONE)
    return {
        "pid": os.getpid(),
        "ready": all(status.state in settled for status in statuses),
        "settings": {name: str(value) for name, value in layout.placed.items()},
        "processes": [asdict(status) for status in statuses],
    }


def _write(file: Path, snapshot: Snapshot) -> None:
    partial = file.with_suffix(".partial")
    with open(partial, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        json.dump(snapshot, out, indent=1)
    partial.replace(file)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cli.foreground", description=__doc__)
    parser.add_argument("--free-ports", action="store_true")
    parser.add_argument("--seed", action="store_true")
    arguments = parser.parse_args()

    def report(message: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):  # nobody listens any more: standard input has ended too, which stops us
            print(json.dumps(message), flush=True)

    try:
        layout = lay_out(settings(), free_ports=arguments.free_ports, seed=arguments.seed)
        asyncio.run(run(layout, report, until_end_of=sys.stdin.fileno()))
    except FAILURES as failure:
        report({"failed": str(failure)})
        sys.exit(1)


if __name__ == "__main__":
    main()
