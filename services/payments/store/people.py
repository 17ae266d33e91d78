"""Who is reached by a phone number: a read model fed by identity's events, beside the ledger and not part of it.

One hash a person by the blind index of their phone: nobody who reads it learns a number. Losing it loses no money:
identity publishes everybody again (services/identity/worker.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
from cho.events.v1.events_pb2 import UserChanged

from kit.crypto import phone_index
from kit.errors import Unavailable
from kit.streams.event import Event

TYPES = {"user.created", "user.changed"}

# Takes a person in unless a newer or equal version is there. KEYS: person. ARGV: version, user id, name.
_PUT = """
local known = redis.call('HGET', KEYS[1], 'v')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'o', ARGV[2], 'n', ARGV[3])
return 1
"""


def person_key(index: str) -> str:
    """Hash of one person, by the blind index of their phone."""
    return f"payments:phone:{index}"


def put_person(client: redis.Redis, event: Event) -> None:
    """Takes in what identity says of a person; older events, and those without a phone, change nothing."""
    # Both events have the same fields.
    person = UserChanged.FromString(event.data)
    if person.phone_index:
        client.eval(_PUT, 1, person_key(person.phone_index), person.version, person.user_id, person.display_name)


@dataclass(frozen=True, slots=True)
class Person:
    """`name` is masked, as a payer may see it."""

    user_id: str
    name: str


class People:
    """The directory as the server asks it."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, protocol=2, decode_responses=True)

    async def find(self, phone: str) -> Person | None:
        """Who has this phone. Raises InvalidArgument for what is no phone, Unavailable where nobody can be asked."""
        try:
            found: Any = await self._redis.hmget(person_key(phone_index(phone)), "o", "n")
        except (redis.RedisError, OSError) as error:
            raise Unavailable("phone numbers cannot be looked up now; nothing was done") from error
        return Person(found[0], found[1] or "") if found[0] else None

    async def close(self) -> None:
        """Ends the connection."""
        await self._redis.aclose()
