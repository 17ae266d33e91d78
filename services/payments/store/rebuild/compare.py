"""Two cells compared key by key: type, value, and when it goes. What events do not tell is told apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import redis

from services.payments.store.keys import Keys
from services.payments.store.rebuild.run import foreign_keys

# Keys read at once.
BATCH = 500
# Keys that go so soon are not compared: one server may have forgotten them a moment before the other, ms.
GOING_MS = 60_000
EXPIRY_MS_MAX = 1_000
# A proposal's end is the desk's clock plus a constant, and its event tells the ledger's time only, ms.
PROPOSAL_MS_MAX = 10_000
MISSING = "(missing)"

Value = tuple[str, Any, int]
_ABSENT: Value = ("none", None, -2)


@dataclass(frozen=True, slots=True)
class Difference:
    """A key that is not the same on both sides. `untold`: only in what its event does not tell."""

    key: str
    hot: str
    rebuilt: str
    untold: bool = False


def differences(hot: redis.Redis, rebuilt: redis.Redis, k: Keys) -> Iterator[Difference]:
    """Every key of the cell on either side that differs. Readers' own keys are theirs, and the stream is compared by
    its entries (`stream_differences`). Replies of both clients as bytes. Raises redis.RedisError.
    """
    here = filter(lambda key: key != k.stream, foreign_keys(hot, k))
    while keys := list(islice(here, BATCH)):
        yield from of_keys(hot, rebuilt, k, keys)
    there = filter(lambda key: key != k.stream, foreign_keys(rebuilt, k))
    while keys := list(islice(there, BATCH)):
        absent = [key for key, value in zip(keys, values(hot, keys), strict=True) if value == _ABSENT]
        yield from of_keys(hot, rebuilt, k, absent)


def of_keys(hot: redis.Redis, rebuilt: redis.Redis, k: Keys, keys: list[str]) -> Iterator[Difference]:
    """Those of these keys that differ."""
    yield from differing(k, keys, values(hot, keys), values(rebuilt, keys))


def differing(k: Keys, keys: list[str], ours: Iterable[Value], theirs: Iterable[Value]) -> Iterator[Difference]:
    """Those of these keys whose values on the two sides differ."""
    for key, one, other in zip(keys, ours, theirs, strict=True):
        one, other = _essential(k, key, one), _essential(k, key, other)
        if not _same(one, other):
            untold = _same(_told(k, key, one, other), _told(k, key, other, one)) or _given_up(k, key, one, other)
            yield Difference(key, _shown(one, other), _shown(other, one), untold)


def values(client: redis.Redis, keys: list[str]) -> list[Value]:
    """Type, value and expiry (ms; -1 for never) of each key."""
    return _read(client, keys, at_once=False)[1]


def snapshot(client: redis.Redis, k: Keys, keys: list[str]) -> tuple[int, list[Value]]:
    """The ledger's last event, and the values of these keys after it and no other. Few keys: nobody pays meanwhile."""
    head, found = _read(client, [k.meta, *keys], at_once=True)
    return int(head[1]["seq"]) if head[1] else 0, found[1:]


def _read(client: redis.Redis, keys: list[str], *, at_once: bool) -> tuple[Value, list[Value]]:
    if not keys:
        return _ABSENT, []
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.type(key)
        kinds = [kind.decode() for kind in pipe.execute()]
    with client.pipeline(transaction=at_once) as pipe:
        for key, kind in zip(keys, kinds, strict=True):
            _ask(pipe, kind, key)
            pipe.pexpiretime(key)
        found = pipe.execute()
    read = [
        (kind, _value(kind, value), until) if until != -2 else _ABSENT
        for kind, value, until in zip(kinds, found[::2], found[1::2], strict=True)
    ]
    return read[0], read


def _ask(pipe: Any, kind: str, key: str) -> None:
    match kind:
        case "hash":
            pipe.hgetall(key)
        case "set":
            pipe.smembers(key)
        case "list":
            pipe.lrange(key, 0, -1)
        case "zset":
            pipe.zrange(key, 0, -1, withscores=True)
        case "string":
            pipe.get(key)
        case _:  # gone, or of a type that the ledger does not use
            pipe.exists(key)


def _value(kind: str, value: Any) -> Any:
    match kind:
        case "hash":
            return {name.decode(): text.decode(errors="replace") for name, text in value.items()}
        case "set":
            return sorted(one.decode() for one in value)
        case "list":
            return [one.decode() for one in value]
        case "zset":
            return {member.decode(): int(score) for member, score in value}
        case "string":
            return value.decode(errors="replace")
        case _:
            return value


def _essential(k: Keys, key: str, value: Value) -> Value:
    """Without what no event is about: the server's run that the gate was opened for, how often a key was sent again."""
    kind, inside, until = value
    if isinstance(inside, dict) and kind == "hash":
        but = "gate" if key == k.meta else "n" if key.startswith(k.idempotency("")) else ""
        inside = {name: text for name, text in inside.items() if name != but}
    return kind, inside, until


def _same(one: Value, other: Value) -> bool:
    return one[:2] == other[:2] and abs(one[2] - other[2]) <= EXPIRY_MS_MAX


def _told(k: Keys, key: str, value: Value, beside: Value) -> Value:
    """Without what the events of the library v2 do not tell (docs/rebuild.md), where that is all that differs."""
    kind, inside, until = value
    if beside[0] != kind or (kind != "hash" and key != k.proposals):
        return value
    other = beside[1]
    if key.startswith(k.idempotency("")) and inside.get("r") not in ("OK", "HELD") and "" in (inside["f"], other["f"]):
        inside = {**inside, "f": ""}
    elif key.startswith(k.proposal("")) and abs(int(inside["e"]) - int(other.get("e", 0))) <= PROPOSAL_MS_MAX:
        inside = {**inside, "e": ""}
    elif key == k.proposals and inside.keys() == other.keys():
        inside = {one: 0 if abs(at - other[one]) <= PROPOSAL_MS_MAX else at for one, at in inside.items()}
    return kind, inside, until


def _given_up(k: Keys, key: str, hot: Value, rebuilt: Value) -> bool:
    """Whether it is a code that no event says was used: of several that a payment can have used, none is left."""
    if not key.startswith(k.code("")) or not hot[0] == rebuilt[0] == "hash" or hot[1].get("s") != "active":
        return False
    return rebuilt[1].get("s") == "used" and _same((hot[0], {**hot[1], "s": "used"}, hot[2]), rebuilt)


def _shown(value: Value, beside: Value) -> str:
    """What of a value is another than beside it, for people."""
    kind, inside, until = value
    if value == _ABSENT:
        return MISSING
    if isinstance(inside, dict) and isinstance(beside[1], dict):
        inside = {name: part for name, part in inside.items() if beside[1].get(name) != part}
    text = f"{kind} {inside}" if value[:2] != beside[:2] else ""
    return f"{text} until {until}" if abs(until - beside[2]) > EXPIRY_MS_MAX else text


def stream_differences(hot: redis.Redis, rebuilt: redis.Redis, k: Keys, up_to: int) -> Iterator[Difference]:
    """Entries of the ledger's stream up to `up_to` that both sides still hold, or should, and that differ."""
    firsts = [_first(client, k) for client in (hot, rebuilt)]
    for start in range(max(firsts), up_to + 1, BATCH):
        last = min(start + BATCH - 1, up_to)
        ours, theirs = (dict(_range(client, k, start, last)) for client in (hot, rebuilt))
        for entry_id in sorted(ours.keys() | theirs.keys()):
            if ours.get(entry_id) != theirs.get(entry_id):
                name = f"{k.stream} {entry_id.decode()}"
                yield Difference(name, str(ours.get(entry_id, MISSING)), str(theirs.get(entry_id, MISSING)))


def _first(client: redis.Redis, k: Keys) -> int:
    found: Any = client.xrange(k.stream, count=1)
    return int(found[0][0].partition(b"-")[0]) if found else 1


def _range(client: redis.Redis, k: Keys, first: int, last: int) -> Any:
    return client.xrange(k.stream, f"{first}-0", f"{last}-0")
