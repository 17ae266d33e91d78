"""Connections to Valkey for streams: one pool a process and URL.

RESP2, since the shapes of stream replies differ between protocols. No retries inside the client: every loop
that uses one has its own back-off, and a command repeated in silence would hide that it ran twice.
"""

from functools import cache

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kit.config import settings

# Above every BLOCK (`BLOCK_MS`) and WAIT that is sent, so that a slow answer is not taken for a broken
# connection.
TIMEOUT_S = 5.0
# How long a read waits for something new, ms: also how long a stop may have to wait for the read to end.
BLOCK_MS = 500
# How long a reader lets entries gather after a read that found few, s. A blocking read returns with the first entry,
# and reading payments one by one costs the server, which is the ledger, as much as the payments.
GATHER_S = 0.05


def connect(url: str) -> redis.Redis:
    """A client with its own pool; replies are bytes."""
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def streams() -> redis.Redis:
    """Where the services' streams are."""
    return _shared(settings().redis_url)


def ledger() -> redis.Redis:
    """Where the cell's ledger is."""
    return _shared(settings().ledger_url)


@cache
def _shared(url: str) -> redis.Redis:
    return connect(url)
