"""Many commands at once over one connection: the rebuild's only way to the server that it fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hiredis
import redis

Command = tuple[str | bytes | int, ...]


def send(client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
    """The replies, in order. Raises redis.RedisError; the first error among the replies, once all are read.

    Packed by hiredis: redis-py's own pipeline costs several times the command.
    """
    if not commands:
        return []
    connection = client.connection_pool.get_connection()
    replies: list[Any] = []
    try:
        connection.send_packed_command([b"".join(map(hiredis.pack_command, commands))])  # type: ignore[arg-type]
        for _ in commands:
            try:
                replies.append(connection.read_response())
            except redis.ResponseError as refused:
                replies.append(refused)
    except BaseException:
        connection.disconnect()
        raise
    finally:
        client.connection_pool.release(connection)
    for reply in replies:
        if isinstance(reply, redis.ResponseError):
            raise reply
    return replies
