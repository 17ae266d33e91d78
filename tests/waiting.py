"""Waiting for what has to become true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

WAIT_S_MAX = 60
# Between two looks, s: most is true almost at once, and who waits long does not keep the machine busy.
FIRST_S, GROWS, LONGEST_S = 0.01, 1.3, 0.1


def until(
    condition: Callable[..., Any], seconds: float = WAIT_S_MAX, otherwise: Callable[[], Any] | None = None
) -> Any:
    """Waits until it holds, and returns what it returned. `otherwise`: what is the case where it never does."""
    deadline, pause_s = time.monotonic() + seconds, FIRST_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it did not happen in time: {otherwise() if otherwise else ''}"
        time.sleep(pause_s)
        pause_s = min(pause_s * GROWS, LONGEST_S)
    return found
