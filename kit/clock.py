"""Time: UTC in storage and on the wire, business days and months in Asia/Ho_Chi_Minh (UTC+7, no summer time)."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")


def now_ms() -> int:
    """Unix time, ms, UTC."""
    return time.time_ns() // 1_000_000


def now() -> datetime:
    """Now, aware, UTC, cut to ms as MongoDB keeps it."""
    return from_ms(now_ms())


def today() -> date:
    """The business day that it is in Vietnam."""
    return now().astimezone(VIETNAM).date()


def from_ms(ms: int) -> datetime:
    """Unix ms as an aware UTC datetime."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def rfc3339(ms: int) -> str:
    """Unix ms as `2026-11-22T03:04:05.678Z`."""
    return f"{_second(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(16)
def _second(unix_s: int) -> str:
    """Written once a second: what is told of payments says when, hundreds of times in each."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def month_of(ms: int) -> int:
    """Calendar month in Vietnam, `yyyymm`."""
    day = datetime.fromtimestamp(ms / 1000, VIETNAM)
    return day.year * 100 + day.month
