"""What a batch of events has to know of the keys that are there: read in one go, then kept up as the batch goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import redis
from cho.events.v1.intent_pb2 import Intent
from google.protobuf.message import DecodeError

from kit.ledger_event import Facts, LedgerEvent, from_fields
from services.payments.store.keys import Keys
from services.payments.store.rebuild.use import Use
from services.payments.store.rebuild.wire import send


class CannotRebuild(Exception):
    """An event tells what is not known here, or does not follow from those before it."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and what else its entry says.

    `entry`: names and values as the ledger wrote them. `facts`: of a transfer that was carried out, None for all else.
    `guard`: the record that it depended on, without the cell's tag; None where the library that wrote it does not say.
    `request`: the one that was paid or withdrawn, as `merchant:reference`; "" for none. `detail`: a refusal's, "" where
    it is not said.
    """

    event: LedgerEvent
    entry: tuple[bytes, ...]
    intent: Intent
    facts: Facts | None
    guard: str | None
    request: str
    detail: str

    @property
    def caller(self) -> str:
        """Who asked."""
        return self.event.scope.partition("|")[0]

    @property
    def ends_hold(self) -> bool:
        """Whether it ends a hold without taking it."""
        return self.event.result == "OK" and self.event.op in ("void", "expire")


def told(seq: int, raw: bytes) -> Told:
    """Decodes the books' bytes of an event. Raises CannotRebuild where they are none."""
    parts: list[bytes] = []
    at = 0
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "big")
        parts.append(raw[at + 4 : end])
        at = end
    try:
        fields = dict(zip(parts[::2], parts[1::2], strict=True))
        event = from_fields(seq, fields)
        intent = Intent.FromString(event.intent)
        posts = event.result == "OK" and any(leg.side in "dcpq" for leg in event.legs)
        facts = event.facts if posts else None
        guard = fields[b"g"].decode() if b"g" in fields else None
        request = _request_of(event, facts, guard, intent)
        return Told(event, tuple(parts), intent, facts, guard, request, fields.get(b"d", b"").decode())
    except (KeyError, ValueError, DecodeError) as error:
        raise CannotRebuild(f"event {seq} cannot be read: {error!r}") from error


def _request_of(event: LedgerEvent, facts: Facts | None, guard: str | None, intent: Intent) -> str:
    if event.op == "withdraw":
        return f"{event.transfer_id}:{event.related}"
    if facts is None:
        return ""
    if guard is not None:
        kind, _, name = guard.partition(":")
        return name if kind == "q" else ""
    # Payments' server guards a payment by the request of its reference, and by no other.
    return f"{event.legs[1].account_id}:{intent.reference}" if facts.verdict else ""


@dataclass(slots=True)
class Record:
    """A transfer that is there: what it was, what was given back of it, when it goes (ms; -1 for never)."""

    op: str
    refunded: int
    expires_ms: int


@dataclass(slots=True)
class Request:
    """A merchant's request that is there; đồng, ms."""

    state: str
    amount: int
    paid: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Known:
    """By account, transfer, request (as `merchant:reference`) and account. Where a key is not there: None, or 0."""

    uses: dict[str, Use]
    records: dict[str, Record | None]
    requests: dict[str, Request | None]
    lengths: dict[str, int]


def read(client: redis.Redis, k: Keys, batch: Iterable[Told]) -> Known:
    """Reads what these events have to know. Raises redis.RedisError."""
    payers: set[str] = set()
    related: set[str] = set()
    parties: set[str] = set()
    requests: set[str] = set()
    for one in batch:
        event = one.event
        if one.facts:
            parties.update(leg.account_id for leg in event.legs[:2])
        if one.facts or one.ends_hold:
            related.add(event.related)
            if one.ends_hold or event.related or (one.facts and one.facts.limited):
                payers.add(event.legs[0].account_id)
        requests.add(one.request)
    related.discard("")
    requests.discard("")
    replies = iter(
        send(
            client,
            [
                *(("HGET", k.account(one), "u") for one in payers),
                *(("HMGET", k.transfer(one), "k", "r") for one in related),
                *(("PEXPIRETIME", k.transfer(one)) for one in related),
                *(("HMGET", f"{k.tag}:q:{one}", "s", "a", "p", "e") for one in requests),
                *(("LLEN", k.history(one)) for one in parties),
            ],
        )
    )
    uses = {one: Use.parse(_text(next(replies))) for one in payers}
    rows = [next(replies) for _ in related]
    return Known(
        uses,
        {one: _record(row, next(replies)) for one, row in zip(related, rows, strict=True)},
        {one: _request(next(replies)) for one in requests},
        {one: next(replies) for one in parties},
    )


def _text(value: bytes | None) -> str:
    return value.decode() if value is not None else ""


def _record(row: list[bytes | None], expires_ms: int) -> Record | None:
    op, refunded = row
    return None if op is None else Record(op.decode(), int(refunded or 0), expires_ms)


def _request(row: list[bytes | None]) -> Request | None:
    state, amount, paid, expires = row
    return None if state is None else Request(state.decode(), int(amount or 0), int(paid or 0), int(expires or 0))
