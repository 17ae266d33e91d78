"""Merchants' goods as their own systems are told of them, in Valkey: what was heard, and what is told of it.

What catalog says of a product of a merchant with a webhook for goods (in the set `payments:goods-hooked`) is kept,
the newest by its version, until it may be told. Then it moves to what is told: a product has one place there, behind
all that was told before it, so that however long nobody takes it there is no more than one of each. Each webhook
goes through the places in order, by a cursor of its own. A place is a number that rises and is never below the time
in ms: where all this is lost, cursors are not ahead of what comes.

Each step is one script, so that a process may die between any two of them, and two may be at it at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import redis
from cho.events.v1.events_pb2 import ProductChanged

from kit import log
from kit.errors import Overloaded
from services.payments import goods
from services.payments.goods import Facts, Told

HOOKED = "payments:goods-hooked"
# Products of a merchant that are told of: of more, those told longest ago are forgotten. As many wait at most.
GOODS_MAX = 20_000
# Products of a merchant that are looked at in a tick.
PAGE = 500

_HEAR = """
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 then return 0 end
local known = redis.call('HGET', KEYS[2], ARGV[2])
if known and tonumber(known) >= tonumber(ARGV[3]) then return 0 end
if redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[6]) and redis.call('HEXISTS', KEYS[3], ARGV[2]) == 0 then return -1 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[4])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[2])
return 1
"""
# Nothing, where another process has told something since this one looked. What was heard since stays to be looked at.
_TELL = """
local last = redis.call('ZREVRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2]
if tonumber(last or 0) ~= tonumber(ARGV[1]) then return 0 end
for at = 3, #ARGV, 5 do
  local product, version, seq, told, due = unpack(ARGV, at, at + 4)
  if redis.call('HGET', KEYS[1], product) == version then
    if due == '' then
      redis.call('HDEL', KEYS[2], product)
      redis.call('ZREM', KEYS[3], product)
    else
      redis.call('ZADD', KEYS[3], due, product)
    end
  end
  if seq ~= '' then
    redis.call('HSET', KEYS[4], product, told)
    redis.call('ZADD', KEYS[5], seq, product)
  end
end
local surplus = redis.call('ZCARD', KEYS[5]) - tonumber(ARGV[2])
if surplus > 0 then
  local gone = redis.call('ZPOPMIN', KEYS[5], surplus)
  for at = 1, #gone, 2 do
    redis.call('HDEL', KEYS[4], gone[at])
    if redis.call('HEXISTS', KEYS[2], gone[at]) == 0 then redis.call('HDEL', KEYS[1], gone[at]) end
  end
end
return 1
"""

_logger = log.logger(__name__)


@dataclass(frozen=True, slots=True)
class Keys:
    """Of a merchant. By product: the newest version that was heard, what was heard and not told, when to look at it
    (ms), what was told, and in which place."""

    versions: str
    heard: str
    due: str
    told: str
    places: str


def keys_of(merchant_id: str) -> Keys:
    return Keys(*(f"payments:goods:{what}:{merchant_id}" for what in ("versions", "heard", "due", "told", "places")))


def hooked(client: redis.Redis, product: ProductChanged) -> bool:
    """Whether a system of the merchant's is told of its goods."""
    return bool(client.sismember(HOOKED, product.merchant_id))


def hear(client: redis.Redis, product: ProductChanged, now_ms: int) -> None:
    """Keeps what catalog says of a product, unless as much or more is known, or nobody is told of the merchant's goods.

    Raises Overloaded where too many wait already.
    """
    key = keys_of(product.merchant_id)
    kept = client.eval(
        _HEAR, 4, HOOKED, key.versions, key.heard, key.due,
        product.merchant_id, product.product_id, product.version, json.dumps(goods.facts(product)), now_ms, GOODS_MAX,
    )  # fmt: skip
    if kept == -1:
        raise Overloaded(f"{GOODS_MAX} products of {product.merchant_id} wait to be told of")


def gather(client: redis.Redis, merchant_id: str, now_ms: int) -> None:
    """What is due of a merchant's goods moves to what is told, at most PAGE of them."""
    key = keys_of(merchant_id)
    products: Any = client.zrange(key.due, 0, now_ms, byscore=True, offset=0, num=PAGE)
    if not products:
        return
    last = seq = last_seq(client, merchant_id)
    arguments: list[Any] = []
    # The version first: what is heard from here on has another one, and is looked at again.
    known: Any = [client.hmget(name, products) for name in (key.versions, key.heard, key.told)]
    for product, version, heard, told in zip(products, *known, strict=True):
        now: Facts | None = json.loads(heard) if heard else None
        before = _told(told) if told else None
        due = goods.due_ms(before, now) if now else 0
        if now is None or not goods.changed(before, now):
            arguments += [product, version or "", "", "", ""]
        elif due > now_ms:
            arguments += [product, version, "", "", due]
        else:
            seq = max(seq + 1, now_ms)
            arguments += [product, version, seq, json.dumps(asdict(goods.tell(before, now, now_ms))), ""]
    client.eval(_TELL, 5, key.versions, key.heard, key.due, key.told, key.places, last, GOODS_MAX, *arguments)


def last_seq(client: redis.Redis, merchant_id: str) -> int:
    """The place of what was told last; 0 where nothing was."""
    found: Any = client.zrange(keys_of(merchant_id).places, 0, 0, desc=True, withscores=True)
    return int(found[0][1]) if found else 0


def after(client: redis.Redis, merchant_id: str, cursor: int, most: int) -> Iterator[tuple[int, Told]]:
    """What was told behind a place, with its own place, in order."""
    key = keys_of(merchant_id)
    places: Any = client.zrange(key.places, f"({cursor}", "+inf", byscore=True, offset=0, num=most, withscores=True)
    if not places:
        return
    records: Any = client.hmget(key.told, [product for product, _ in places])
    for (_, place), record in zip(places, records, strict=True):
        if record:  # else it was forgotten in between
            yield int(place), _told(record)


def watch(client: redis.Redis, merchant_id: str, cursors: Sequence[int]) -> None:
    """Alarms before what nobody has taken is forgotten."""
    if client.zcount(keys_of(merchant_id).places, f"({min(cursors)}", "+inf") > GOODS_MAX * 0.9:
        _logger.critical("goods for webhooks are about to be lost", merchant=merchant_id)


def forget(client: redis.Redis, merchant_id: str) -> None:
    """Nobody is told of the merchant's goods any more."""
    with client.pipeline(transaction=True) as pipe:
        pipe.srem(HOOKED, merchant_id)
        pipe.delete(*asdict(keys_of(merchant_id)).values())
        pipe.execute()


def _told(record: bytes) -> Told:
    return Told(**json.loads(record))
