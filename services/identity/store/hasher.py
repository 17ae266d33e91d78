"""PINs at rest: argon2id over a keyed hash, so that a stolen database alone gives no PIN away."""

from __future__ import annotations

import threading

import argon2
from argon2.exceptions import VerifyMismatchError

from kit import crypto

# OWASP's password storage cheat sheet, argon2id. 27 ms on one core; 33 sign-ins a second, all told,
# on two cores that the database and the client share.
MEMORY_KIB = 19 * 1024
PASSES = 2
# Hashes at once in a process, 76 MiB in all: enough to keep two cores busy beside the database writes, and
# fewer than the guesses that lock a phone, so that nobody is locked out by signing in everywhere at once.
SLOTS = 4


class Hasher:
    """Hashes and checks PINs. Hold `slot` around a check and the writes that belong to it."""

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self.slot = threading.BoundedSemaphore(SLOTS)

    def hash(self, pin: str) -> str:
        """What to keep of a PIN."""
        return self._argon2.hash(_keyed(pin))

    def matches(self, pin_hash: str, pin: str) -> bool:
        """Whether `pin_hash` was made of `pin`."""
        try:
            return self._argon2.verify(pin_hash, _keyed(pin))
        except VerifyMismatchError:
            return False


HASHER = Hasher()


def _keyed(pin: str) -> str:
    # There are only 10^6 PINs: argon2 alone would hold a thief of the database up for hours.
    return crypto.blind_index("users.pin", pin)
