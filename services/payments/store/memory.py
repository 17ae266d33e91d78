"""A small cache with a limit and a life."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any


class Memory:
    """A bounded memory of facts that seldom or never change; an entry is forgotten after `keep_s` seconds."""

    def __init__(self, size_max: int, keep_s: float) -> None:
        self._entries: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._size_max, self._keep_s = size_max, keep_s

    def get(self, key: str) -> Any | None:
        """What is remembered; None where nothing is, or it is too old."""
        entry = self._entries.get(key)
        if entry is None or entry[0] < time.monotonic():
            return None
        return entry[1]

    def put(self, key: str, value: Any) -> None:
        """Remembers; the oldest entry makes room."""
        self._entries.pop(key, None)
        self._entries[key] = (time.monotonic() + self._keep_s, value)
        if len(self._entries) > self._size_max:
            self._entries.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forgets one entry."""
        self._entries.pop(key, None)
