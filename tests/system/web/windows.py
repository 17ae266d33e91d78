"""A settlement window of the session's stack, closed and with its files made."""

from __future__ import annotations

from cli.api import Api
from tests.waiting import until


def closed_window(operator: Api) -> int:
    """Closes the open window; its number."""
    windows = operator.get("/v1/windows")["windows"]
    number = next(int(one["window"]) for one in windows if one["state"] == "WINDOW_STATE_OPEN")
    operator.post(f"/v1/windows/{number}/close")
    until(lambda: _state(operator, number) in ("WINDOW_STATE_SETTLING", "WINDOW_STATE_SETTLED"))
    return number


def _state(operator: Api, number: int) -> str:
    return next(one["state"] for one in operator.get("/v1/windows")["windows"] if int(one["window"]) == number)
