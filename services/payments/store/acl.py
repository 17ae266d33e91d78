"""What the payments server may do on the ledger's Valkey (DESIGN section 4, rule 13).

Valkey checks a function's own commands against the caller's rights too, so the user needs those that the functions run:
reads and writes of the cell's keys. It cannot delete, empty, configure, script, load functions, or leave the cell.
"""

from __future__ import annotations

ACL_USER = "payments"

_CONNECTION = ("ping", "select", "info", "wait", "waitaof")
_READS = (
    "get",
    "hget",
    "hmget",
    "hlen",
    "llen",
    "lrange",
    "scard",
    "smembers",
    "exists",
    "time",
    "zcard",
    "zrangebyscore",
)
_WRITES = ("set", "hset", "hincrby", "lpush", "ltrim", "sadd", "srem", "zadd", "zrem", "xadd", "pexpireat")


def rule(cell: str, password: str) -> str:
    """The user as `ACL SETUSER` and a configuration file's `user` have it."""
    allowed = " ".join(f"+{command}" for command in ("fcall", *_CONNECTION, *_READS, *_WRITES))
    return f"{ACL_USER} on >{password} ~{{{cell}}}:* resetchannels -@all {allowed}"
