"""A settlement window of the session's stack, closed and with its files made."""

from __future__ import annotations

import time

from cli.api import Api

MADE_S_MAX = 60


def closed_window(operator: Api) -> int:
    """Closes the open window; its number."""
    windows = operator.get("/v1/windows")["windows"]
    number = next(int(one["window"]) for one in windows if one["state"] == "WINDOW_STATE_OPEN")
    operator.post(f"/v1/windows/{number}/close")
    deadline = time.monotonic() + MADE_S_MAX
    while True:
        state = next(one["state"] for one in operator.get("/v1/windows")["windows"] if int(one["window"]) == number)
        if state in ("WINDOW_STATE_SETTLING", "WINDOW_STATE_SETTLED"):
            return number
        assert time.monotonic() < deadline, state
        time.sleep(0.2)
