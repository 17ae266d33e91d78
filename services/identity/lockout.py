"""How long wrong PINs lock: longer every time."""

from __future__ import annotations

from datetime import timedelta

# Guesses between two locks.
GUESSES_MAX = 5
# The first lock; each that follows is twice as long, up to the longest.
LOCK = timedelta(minutes=15)
LOCK_MAX = timedelta(hours=24)
# Wrong guesses and locks alike are forgotten after so long without a guess: if a few were sooner, whoever pauses before
# the fifth would never be locked, and could try hundreds of PINs a day.
FORGOTTEN_AFTER = timedelta(hours=48)


def lock_of(locks_before: int) -> timedelta:
    """How long the lock is that follows `locks_before` others."""
    # 2**7 quarters of an hour are more than a day: no larger power is ever worked out.
    return min(LOCK_MAX, LOCK * 2 ** min(locks_before, 7))
