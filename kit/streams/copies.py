"""Acting on nothing that a failover may erase (DESIGN section 4, rules 5 and 9)."""

from __future__ import annotations

import redis

# How long replicas may take to have something on disk before it is tried again, ms.
_REPLICAS_MS = 1_000


class ReplicasBehind(Exception):
    """Fewer replicas than the setting says have on disk what they must; a failover could erase it."""


def await_copies(client: redis.Redis, replicas: int, key: str, value: int) -> None:
    """Writes `key`, and returns when it and all that was written before, by anybody, is on so many replicas' disks.

    WAIT covers what came before this connection's last write: so the write. Raises ReplicasBehind.
    """
    with client.client() as same:
        same.set(key, value)
        received = same.wait(replicas, _REPLICAS_MS)
        # Alone: in one flush with WAIT it stalls for a second.
        local, on_disk = same.execute_command("WAITAOF", 1, replicas, _REPLICAS_MS)
    if min(received, on_disk) < replicas or not local:
        raise ReplicasBehind(f"{received} received, {on_disk} on disk, of {replicas}")
