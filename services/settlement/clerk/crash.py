"""Places at which the clerk may die, so that tests can have it die there: `CHO_CRASH_AT=posted`."""

from __future__ import annotations

import os
import signal

# In the order of a window's life.
POINTS = (
    "cut", "reported", "packed", "netted", "shared", "decided", "posted", "noted", "batched", "file written", "sent",
    "net file written", "net sent", "status read", "outcome noted", "outcome posted", "return posted", "net posted",
    "taken", "matched", "settled",
)  # fmt: skip


def point(name: str) -> None:
    """Dies here, as by kill -9, where the environment says so."""
    assert name in POINTS
    if os.environ.get("CHO_CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
