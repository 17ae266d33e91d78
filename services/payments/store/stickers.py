"""Which issue of a stall's printed code is in force: a read model fed by onboarding's events, beside the ledger.

One hash; a merchant whose code was never reissued is not in it. Losing it loses no money: a void code pays the same
merchant, and onboarding's next reissue is heard again.
"""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio
from cho.events.v1.events_pb2 import StandReissued

from kit import log
from kit.streams.event import Event

REISSUED = "stand.reissued"
ISSUES = "payments:issues"

# An older event changes nothing. KEYS: issues. ARGV: merchant, issue.
_PUT = """
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and tonumber(known) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""

_logger = log.logger(__name__)


def put_issue(client: redis.Redis, event: Event) -> str:
    """Takes in that earlier issues are void; whose, for `changes.tell`. Raises redis.RedisError."""
    told = StandReissued.FromString(event.data)
    client.eval(_PUT, 1, ISSUES, told.merchant_id, str(told.issue))
    return told.merchant_id


class Stickers:
    """The issues as the server asks them."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.Redis.from_url(url, protocol=2, decode_responses=True)

    async def issue(self, merchant_id: str) -> int:
        """The one in force; the first where nobody can be asked: a void code pays the same merchant, and payments do
        not stop because a read model does."""
        try:
            found: Any = await self._redis.hget(ISSUES, merchant_id)
        except (redis.RedisError, OSError) as error:
            _logger.warning("issues of printed codes cannot be looked up", error=str(error))
            return 1
        return int(found or 1)

    async def close(self) -> None:
        """Ends the connection."""
        await self._redis.aclose()
