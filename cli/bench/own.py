"""A stack of a bench's own, and the audit that it ends with: a fast wrong run is no figure."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from cli import audit
from cli.load import Outcome
from cli.stack import Stack
from kit.config import settings

# Neither the gateway's limits for people nor the velocity rules are measured.
MACHINE = {"CHO_RATE_SCALE": "10000", "CHO_PAYMENTS_A_MINUTE": "1000000"}
# Nor, where it is asked what a path costs or can carry, is anybody sent away because others wait.
PATIENT = {"CHO_ANSWERED_SOON_MS": "0"}


@contextmanager
def stack(console: Console, prepare: Callable[[Path], None] | None = None, *, patient: bool = True) -> Iterator[Stack]:
    """A seeded stack on free ports that is thrown away afterwards; `prepare` has its home first. Raises StackFailed."""
    with tempfile.TemporaryDirectory(prefix="cho-bench-", ignore_cleanup_errors=True) as home:
        if prepare:
            prepare(Path(home))
        console.print("Starting a stack of its own ...")
        with Stack(Path(home), seed=True, env=MACHINE | (PATIENT if patient else {})) as started:
            yield started


def audited(started: Stack) -> audit.Audit:
    """Every invariant of the stack. From here on this process's settings are the stack's."""
    os.environ.update(started.env)
    settings.cache_clear()
    return audit.run()


def failed(*outcomes: Outcome) -> int:
    """How many answers were not as they should be."""
    return sum(n for outcome in outcomes for status, n in outcome.statuses.items() if status != 200)


def broken(*outcomes: Outcome) -> int:
    """How many of those were no coded refusals either: what no bench may see."""
    return failed(*outcomes) - sum(outcome.overloaded for outcome in outcomes)
