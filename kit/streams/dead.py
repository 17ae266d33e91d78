"""Dead letters: what a group gave up on, kept with its error until a person gives it back (DESIGN section 5).

Giving back is to that group alone, through a stream of its own (`names.again`): the other groups have had the
event, and a stream whose ids are sequence numbers takes no entry again. Each move is one step inside Valkey,
so an entry is in exactly one of the places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from kit.clock import now
from kit.streams import names
from kit.streams.event import STREAM_ID, rfc3339

# Dead letters a group may have. At the limit nothing more is buried: what fails stays with the group and is
# retried.
DEAD_MAX = 10_000
_ERROR_LENGTH_MAX = 500

# Reads first, then only writes. Nothing, where another consumer has settled the entry in the meantime.
_BURY = """
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return 0 end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[3]) then return -1 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 5))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if ARGV[4] == '1' then redis.call('XDEL', KEYS[1], ARGV[2]) end
return 1
"""
_REPLAY = """
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not found then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(found[2]))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
"""


class DeadLettersFull(Exception):
    """The group has DEAD_MAX dead letters: a person has to look before more is given up on."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What `cho events dead` shows; `id` is what `replay` takes."""

    id: str
    stream_id: str
    event_id: str
    type: str
    subject: str
    deliveries: int
    died_at: str
    error: str


def bury(
    client: redis.Redis,
    stream: str,
    group: str,
    *,
    source: str,
    entry_id: bytes,
    fields: dict[bytes, bytes],
    error: str,
) -> bool:
    """Moves a delivered entry of `source` (`stream` or its `again`) to the dead letters, and acknowledges it.

    `fields` are the entry's, with `dead_deliveries`. False where it was settled by another consumer already.
    Raises DeadLettersFull; then the entry stays where it is.
    """
    again = source != stream
    letter = {
        STREAM_ID: entry_id,
        **fields,
        b"dead_error": error[:_ERROR_LENGTH_MAX].encode(),
        b"dead_at": rfc3339(now()).encode(),
    }
    flat = [part for pair in letter.items() for part in pair]
    moved = client.eval(
        _BURY, 2, source, names.dead(stream, group), group, entry_id, DEAD_MAX, "1" if again else "0", *flat
    )
    if moved == -1:
        raise DeadLettersFull(f"{names.dead(stream, group)} holds {DEAD_MAX}")
    return bool(moved)


def letters(client: redis.Redis, stream: str, group: str, limit: int) -> list[DeadLetter]:
    """The oldest dead letters, at most `limit`."""
    found: Any = client.xrange(names.dead(stream, group), count=limit)
    return [_letter(entry_id, fields) for entry_id, fields in found]


def replay(client: redis.Redis, stream: str, group: str, letter_id: str) -> bool:
    """Gives one dead letter back to its group; False where there is none of this id."""
    return bool(client.eval(_REPLAY, 2, names.dead(stream, group), names.again(stream, group), letter_id))


def _letter(entry_id: bytes, fields: dict[bytes, bytes]) -> DeadLetter:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode(errors="replace")

    return DeadLetter(
        id=entry_id.decode(),
        stream_id=text(STREAM_ID),
        event_id=text(b"id"),
        type=text(b"type"),
        subject=text(b"subject"),
        deliveries=int(fields.get(b"dead_deliveries", b"0")),
        died_at=text(b"dead_at"),
        error=text(b"dead_error"),
    )
