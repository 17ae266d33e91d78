"""The bank and the telecoms together: a tick over their folders.

did = tick(home, now)                             # once, for callers and tests
with closing(Institutions(home)) as them:         # for a process that stays
    them.tick(now)
"""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from pathlib import Path

from simulators.institutions.bank import BANK, Bank
from simulators.institutions.desk import Desk, Did
from simulators.institutions.exchange import write_whole
from simulators.institutions.store import Store
from simulators.institutions.telecom import TELECOMS, Telecom

DONE_FILE = "faults-done.jsonl"


class Institutions:
    """All of them on one home. Raises sqlite3.OperationalError where another process has it."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "simulators"
        self._bank = Bank(home)
        try:
            self._telecoms_store = Store(self._folder / "telecoms.sqlite3")
        except BaseException:
            self._bank.store.close()
            raise
        self._desks: list[Desk] = [self._bank, *(Telecom(home, name, self._telecoms_store) for name in TELECOMS)]
        self._done = -1

    def close(self) -> None:
        self._bank.store.close()
        self._telecoms_store.close()

    def tick(self, now: datetime, day_end: date | None = None) -> list[Did]:
        """What waits is processed, what is due is written. `now` is aware; `day_end`: that day is over at the bank."""
        did = [one for desk in self._desks for one in desk.tick(now, day_end)]
        if did or self._done < 0:
            self._tell_done()
        return did

    def _tell_done(self) -> None:
        """Writes what was done wrong so far, whole and in order, where it has grown."""
        stores = (self._bank.store, self._telecoms_store)
        count = sum(store.done_count() for store in stores)
        path = self._folder / DONE_FILE
        if count != self._done and (count or path.exists()):
            rows = sorted((at_ms, n, body) for n, store in enumerate(stores) for at_ms, body in _numbered(store))
            write_whole(path, (f"{body[1]}\n".encode() for _, _, body in rows))
        self._done = count


def _numbered(store: Store) -> list[tuple[int, tuple[int, str]]]:
    """By time, and as they were done within one."""
    return [(at_ms, (number, body)) for number, (at_ms, body) in enumerate(store.done())]


def tick(home: Path, now: datetime, day_end: date | None = None) -> list[Did]:
    """One tick of all institutions on `home`. Raises sqlite3.OperationalError where another process has it."""
    with closing(Institutions(home)) as them:
        return them.tick(now, day_end)


__all__ = ["BANK", "TELECOMS", "Did", "Institutions", "tick"]
