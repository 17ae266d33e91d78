"""`python -m simulators.institutions`: the bank and the telecoms as a process, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import signal
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event

from kit import clock, log
from kit.config import settings
from simulators.institutions.ticks import Did, Institutions

LOOK_EVERY_S = 1.0

_log = log.logger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Looks into the folders each second. `arguments`: unless given, the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulators.institutions", description=__doc__)
    parser.add_argument("--home", type=Path, default=settings().home)
    asked = parser.parse_args(arguments)
    if settings().env != "local":
        sys.exit("The bank and the telecoms move no real money: they run where CHO_ENV=local.")
    log.set_up("simulators.institutions")
    stopped = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with closing(Institutions(asked.home)) as them:
            watch(them, stopped, _tell)
    except sqlite3.OperationalError as error:
        sys.exit(f"{asked.home / 'simulators'}: {error}. Another simulator may be running on it.")


def watch(them: Institutions, stopped: Event, tell: Callable[[list[Did]], None]) -> None:
    """Ticks each second until `stopped`. What stays the same (a setting that is to be corrected) is told once."""
    before: list[Did] = []
    while not stopped.is_set():
        did = them.tick(clock.now())
        if did and did != before:
            tell(did)
        before = did
        stopped.wait(LOOK_EVERY_S)


def _tell(did: list[Did]) -> None:
    for one in did:
        _log.info("institution", who=one.institution, did=one.what, file=one.file, detail=one.detail)


if __name__ == "__main__":
    main()
