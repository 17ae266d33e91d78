"""Who is reached by a phone number, and which accounts are one person's: a read model of identity's events.

It lies beside the ledger and is not part of it. One hash a person by the blind index of their phone: nobody who reads
it learns a number. And by an account's id the person ("prs_...") whose citizen card somebody has seen. Losing it loses
no money: whoever is not in it is not reached by their phone, and opens no wallet, until identity tells of them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
from cho.events.v1.events_pb2 import UserChanged, UserErased

from kit.crypto import phone_index
from kit.errors import Unavailable
from kit.streams.event import Event

ERASED = "user.erased"
TYPES = {"user.created", "user.changed", ERASED}

# How long it is remembered that a number was an erased person's: longer than an event can be late.
GONE_DAYS = 30

# Takes a person in unless they are erased, or a newer or equal version of them is there: a number that was an erased
# person's may be somebody else's since. KEYS: person. ARGV: version, user id, name.
_PUT = """
local gone, owner, version = unpack(redis.call('HMGET', KEYS[1], 'gone', 'o', 'v'))
if gone == ARGV[2] then return 0 end
if owner == ARGV[2] and tonumber(version) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'o', ARGV[2], 'n', ARGV[3])
redis.call('PERSIST', KEYS[1])
return 1
"""

# Forgets an erased person, unless the number is somebody else's already. KEYS: person. ARGV: user id, seconds.
_FORGET = """
local owner = redis.call('HGET', KEYS[1], 'o')
redis.call('HSET', KEYS[1], 'gone', ARGV[1])
if not owner or owner == '' or owner == ARGV[1] then
  redis.call('HSET', KEYS[1], 'o', '')
  redis.call('HDEL', KEYS[1], 'n', 'v')
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return 1
"""


def person_key(index: str) -> str:
    """Hash of one person, by the blind index of their phone."""
    return f"payments:phone:{index}"


def identified_key(user_id: str) -> str:
    """String: who this account is by their citizen card. Empty for an erased one."""
    return f"payments:identified:{user_id}"


def put_person(client: redis.Redis, event: Event) -> None:
    """Takes in what identity says of a person; older events, and those without a phone, change nothing."""
    if event.type == ERASED:
        erased = UserErased.FromString(event.data)
        client.eval(_FORGET, 1, person_key(erased.phone_index), erased.user_id, GONE_DAYS * 86_400)
        client.set(identified_key(erased.user_id), "", ex=GONE_DAYS * 86_400)
        return
    # Both other events have the same fields.
    person = UserChanged.FromString(event.data)
    if person.person_id:
        # Who somebody is never changes; what an erasure left empty stays so, however late this comes.
        client.set(identified_key(person.user_id), person.person_id, nx=True)
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

    async def person_of(self, user_id: str) -> str:
        """Who this account is ("prs_..."), "" where nobody has seen their card. Raises Unavailable."""
        try:
            return str(await self._redis.get(identified_key(user_id)) or "")
        except (redis.RedisError, OSError) as error:
            raise Unavailable("who this is cannot be looked up now; nothing was done") from error

    async def close(self) -> None:
        """Ends the connection."""
        await self._redis.aclose()
