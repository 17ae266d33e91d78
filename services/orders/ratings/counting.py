"""What ratings come to, counted from the ratings themselves and kept for a moment.

Counting ten thousand takes the document server a fifth of a second. So a tally is kept for twenty times as long as
counting it took: however many ask for it, counting it takes a twentieth of a core, and where there are few ratings, it
is counted anew nearly each time. What this process changes is counted at once; what another one does, as soon as that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from services.orders.ratings.rating import Tally
from services.orders.ratings.store import Subject

KEPT_TIMES, KNOWN_MAX = 20, 1_000


class Counting:
    """`count` counts; `seconds` is a clock that never goes back."""

    def __init__(self, count: Callable[[Subject], Tally], seconds: Callable[[], float] = time.monotonic) -> None:
        self._count, self._seconds = count, seconds
        self._known: dict[Subject, tuple[float, Tally]] = {}
        # Held while it is counted: once, however many ask, and never kept beyond a change that came meanwhile.
        self._lock = threading.Lock()

    def of(self, subject: Subject) -> Tally:
        """Raises what `count` does."""
        with self._lock:
            begun = self._seconds()
            until, tally = self._known.get(subject, (begun, None))
            if tally is None or begun >= until:
                tally = self._count(subject)
                ended = self._seconds()
                if len(self._known) >= KNOWN_MAX:
                    self._known.clear()
                self._known[subject] = (ended + KEPT_TIMES * (ended - begun), tally)
            return tally

    def changed(self) -> None:
        """Whatever was counted before is counted anew."""
        with self._lock:
            self._known.clear()
