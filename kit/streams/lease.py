"""One at a time: a key in Valkey that expires unless its holder renews it.

It keeps two healthy processes from doing the same work. It cannot stop one that was suspended in the middle
of a write: that is what conditional writes are for (a cursor stored with its effect, `_id` = sequence
number).
"""

from __future__ import annotations

import time

import redis

from kit.ids import new_id

TTL_MS = 10_000

_RENEW = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2]) or 0"
_RELEASE = "return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0"


class Lease:
    """Held from `acquire` until `release`, or until two thirds of `ttl_ms` passed without a renewal.

    The last third is for finishing what was begun before somebody else may begin.
    """

    def __init__(self, client: redis.Redis, key: str, ttl_ms: int = TTL_MS) -> None:
        self._client = client
        self._key = key
        self._token = new_id("lea")
        self.ttl_ms = ttl_ms
        # As far as we know; the last third of an unrenewed lease is still ours, but not for beginning
        # anything.
        self.taken = False
        self._act_until = 0.0

    @property
    def renew_every_s(self) -> float:
        """Seconds between renewals: a third of the lease."""
        return self.ttl_ms / 3000

    def held(self) -> bool:
        """Whether its holder may begin something now."""
        return self.taken and time.monotonic() < self._act_until

    def acquire(self) -> bool:
        """Takes the lease if nobody has it (or if it is ours already). Raises redis.RedisError."""
        if self.taken and self.renew():
            return True
        sent = time.monotonic()
        if self._client.set(self._key, self._token, nx=True, px=self.ttl_ms):
            self._extend(sent)
            return True
        return self.renew()

    def renew(self) -> bool:
        """Keeps the lease; False where it was lost. Raises redis.RedisError, which loses nothing yet."""
        sent = time.monotonic()
        if self._client.eval(_RENEW, 1, self._key, self._token, self.ttl_ms):
            self._extend(sent)
            return True
        self.taken = False
        return False

    def release(self) -> None:
        """Lets somebody else have it at once. Raises redis.RedisError; then they wait until it expires."""
        self.taken = False
        self._client.eval(_RELEASE, 1, self._key, self._token)

    def _extend(self, sent: float) -> None:
        self.taken = True
        # Counted from before the command was sent: the server's clock started later, so it ends later too.
        self._act_until = sent + self.ttl_ms / 1000 * 2 / 3
