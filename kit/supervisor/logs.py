"""Log files of processes, bounded: the current one and one older, each of LOG_BYTES_MAX or a little more."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LOG_BYTES_MAX = 16 << 20
TAIL_LINES = 25
TAIL_BYTES = 16 << 10


def tail(log: Path) -> str:
    """The last TAIL_LINES lines."""
    if not log.exists():
        return "(empty)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-TAIL_LINES:]) or "(empty)"


def bound(log: Path) -> None:
    """Moves what a large log holds to `.log.1`, by copy and truncation: processes that append go on undisturbed.

    A line written between the two is lost.
    """
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)
