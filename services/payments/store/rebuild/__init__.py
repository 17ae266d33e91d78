"""The hot ledger rebuilt from the books: every key that the functions wrote, from the journal's events alone.

    lives = Lives(now_ms)
    for event in verified:                       # the books, once from the first to the last
        lives.note(event)
    made = Rebuild(client, keys, lives)
    made.begin(epoch, cursors)                   # raises NotEmpty
    made.feed(books.raw_events(1, last))         # a second time; raises CannotRebuild
    made.finish()                                # the head, in one transaction: from here on it is a ledger

What a function does to a key is written in `functions/*.lua`, and told again in `replay.py`: transfers by their legs
and by the records that they refer to, not by a list of operations; an event that changes something in a way that is not
known here stops the rebuild. Memory does not grow with the books: what a batch has to know is read back from the server
that is filled.

A half-built cell has the key `rebuilding` and no head, so nobody can take it for a ledger: functions refuse, the start
gate stays shut, and the next `begin` empties it and starts anew.
"""

from __future__ import annotations

from services.payments.store.rebuild.compare import Difference, differences
from services.payments.store.rebuild.lives import Lives
from services.payments.store.rebuild.replay import CannotRebuild
from services.payments.store.rebuild.run import NotEmpty, Rebuild

__all__ = ["CannotRebuild", "Difference", "Lives", "NotEmpty", "Rebuild", "differences"]
