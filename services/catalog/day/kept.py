"""Sheets that were just made: a market's page is asked for by many at once, and made from all of its products."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from kit import clock
from services.catalog.day import store
from services.catalog.day.line import Line
from services.catalog.day.sheet import Sheet, sheet

# Today's changes show so soon; what is past changes only where events come late.
TODAY_S, PAST_S = 5, 60
# Sheets kept: a few MB.
KEPT_MAX = 64


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: Sheet | None = None
    until: float = 0.0


class Kept:
    """One of a server, for all of its threads. `lines`: a market's, as the store has them."""

    def __init__(self, lines: Callable[[str], Iterable[Line]] = store.lines) -> None:
        self._lines = lines
        self._slots: OrderedDict[tuple[str, date, date | None], _Slot] = OrderedDict()
        self._lock = threading.Lock()

    def sheet(self, market_id: str, day: date, last_day: date | None) -> Sheet:
        """At most `seconds(day)` old. Who asks while it is being made waits for it, and makes none."""
        slot = self._slot((market_id, day, last_day))
        with slot.lock:
            if slot.made is None or time.monotonic() >= slot.until:
                slot.made = sheet(self._lines(market_id), day, last_day)
                slot.until = time.monotonic() + self.seconds(day)
            return slot.made

    def seconds(self, day: date) -> int:
        """For so long a sheet of that day is kept."""
        return TODAY_S if day >= clock.today() else PAST_S

    def _slot(self, key: tuple[str, date, date | None]) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > KEPT_MAX:
                self._slots.popitem(last=False)
            return slot
