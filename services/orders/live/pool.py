"""A sale's lots while it lasts, in the streams' Valkey: pool.lua decides each claim in one atomic step.

Losing them loses no lot twice: a sale whose counter is not there refuses (Unavailable) until the keeper has loaded it
anew from the orders in MongoDB. With `appendfsync always`, a claim that was answered is on disk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import redis

from kit.clock import from_ms
from kit.errors import (
    CapReached,
    DomainError,
    IdempotencyConflict,
    NotFound,
    NotOpen,
    OutcomeUnknown,
    OutOfStock,
    SoldOut,
    Unavailable,
    WrongState,
)
from services.orders.live.sale import Sale, State

# Claims that one person may make in a sale, those included that were given back: what bounds the memory of a sale.
CLAIMS_MAX = 20
HELD, KEPT, GIVEN_BACK = "H", "K", "G"
_SCRIPT = Path(__file__).with_name("pool.lua").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Wish:
    """What makes an order of a claim. `deliver_to` is sealed, hex; "" for what is picked up."""

    order_id: str
    request_id: str
    deliver_to: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Times in Unix ms: until when it can be paid, and when it was made."""

    order_id: str
    state: str
    number: int
    product_id: str
    lots: int
    buyer_id: str
    until_ms: int
    at_ms: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Counter:
    """What everybody may see. `version` grows with each change, and is a time (Unix µs)."""

    version: int
    left: dict[str, int]
    claims: int
    closed: bool
    opens_ms: int
    closes_ms: int


@dataclass(frozen=True, slots=True)
class Census:
    """All of a counter at one moment: lots left by product, every claim, how many it says wait for their payment, and
    which (by order id) wait to become orders."""

    left: dict[str, int]
    claims: list[Claim]
    live: int
    waiting: frozenset[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """An order whose lots are sold."""

    order_id: str
    product_id: str
    lots: int


class Pool:
    """Every method raises Unavailable or OutcomeUnknown where Valkey gives no answer; all may be called again."""

    def __init__(self, client: Callable[[], redis.Redis]) -> None:
        """`client` is asked for at first use, after any fork."""
        self._client = cache(client)
        self._run = cache(lambda: self._client().register_script(_SCRIPT))

    def load(self, sale: Sale, claims: Sequence[Claim]) -> bool:
        """Makes a sale's counter from its lines and the claims that are orders; False where there is one."""
        closed = "1" if sale.state is State.CLOSED else ""
        within_ms = int(sale.pay_within.total_seconds() * 1000)
        args: list[str | int] = []
        for line in sale.lines:
            args += [line.product_id, line.lots, line.cap]
        for c in claims:
            args += [c.order_id, c.state, c.product_id, c.lots, c.buyer_id, c.until_ms, c.at_ms, c.fingerprint]
        answer = self._ask(
            sale.id, "load", _ms(sale.opens_at), _ms(sale.closes_at), within_ms, closed, len(sale.lines), len(claims),
            *args,
        )  # fmt: skip
        return answer[0] == "OK"

    def claim(self, sale_id: str, buyer_id: str, line: tuple[str, int], fingerprint: str, wish: Wish) -> Claim:
        """Claims (product, lots), or finds them claimed by the same request before.

        Raises NotOpen, SoldOut, CapReached, NotFound (no such product in it), IdempotencyConflict, Unavailable (also:
        its counter is not there).
        """
        product_id, lots = line
        answer = self._ask(
            sale_id, "claim", wish.order_id, buyer_id, product_id, lots, fingerprint, json.dumps(asdict(wish)),
            CLAIMS_MAX,
        )  # fmt: skip
        match answer[0]:
            case "OK":
                return _claim(wish.order_id, answer[1])
            case "CONFLICT":
                raise IdempotencyConflict("request_id was used for another claim")
            case "EARLY":
                opens = from_ms(int(answer[1])).isoformat()
                raise NotOpen(f"it opens at {opens}", state="scheduled", opens_at=opens)
            case "OVER":
                raise NotOpen("it is over", state="closed")
            case "NO_PRODUCT":
                raise NotFound("nothing of this product in this sale", product_id=product_id)
            case "OFTEN":
                raise CapReached(f"at most {CLAIMS_MAX} claims a person, those included that were given back")
        raise _refusal(answer)

    def find(self, sale_id: str, order_id: str) -> Claim | None:
        """The claim that becomes this order."""
        try:
            found: Any = self._client().hget(_keys(sale_id)[1], order_id)
        except redis.RedisError as error:
            raise _silent() from error
        return _claim(order_id, found.decode()) if found else None

    def waiting(self, sale_id: str, most: int) -> list[tuple[bytes, Wish, Claim]]:
        """Claims that are no orders yet, in their order: what `made` takes, the wish, the claim."""
        try:
            stored: Any = self._client().zrange(_keys(sale_id)[3], 0, most - 1)
            wishes = [Wish(**json.loads(one)) for one in stored]
            if not wishes:
                return []
            found: Any = self._client().hmget(_keys(sale_id)[1], [one.order_id for one in wishes])
        except redis.RedisError as error:
            raise _silent() from error
        return [
            (token, wish, _claim(wish.order_id, text.decode()))
            for token, wish, text in zip(stored, wishes, found, strict=True)
        ]

    def made(self, sale_id: str, tokens: Iterable[bytes]) -> None:
        """These are orders now."""
        if tokens := list(tokens):
            try:
                self._client().zrem(_keys(sale_id)[3], *tokens)
            except redis.RedisError as error:
                raise _silent() from error

    def keep(self, sale_id: str, order_id: str, buyer_id: str, line: tuple[str, int]) -> None:
        """Its order is paid: (product, lots) are its for good. Raises SoldOut, CapReached, OutOfStock (settled)."""
        product_id, lots = line
        answer = self._ask(sale_id, "keep", order_id, buyer_id, product_id, lots)
        if answer[0] == "OVER":
            raise OutOfStock("the sale is settled", product_id=product_id, left="0")
        if answer[0] != "OK":
            raise _refusal(answer)

    def give_back(self, sale_id: str, order_id: str) -> None:
        """Its order is over: somebody else may have them. Raises WrongState where they are sold."""
        if self._ask(sale_id, "give_back", order_id)[0] == "OVER":
            raise WrongState("the sale is settled: they are sold")

    def close(self, sale_id: str) -> None:
        """Nothing is claimed any more."""
        self._ask(sale_id, "close")

    def seal(self, sale_id: str) -> list[Kept] | None:
        """Closed and decided to the last lot, it changes no more: what was sold. None where somebody may still pay."""
        answer = self._ask(sale_id, "seal")
        if answer[0] != "OK":
            return None
        return [Kept(answer[i], answer[i + 1], int(answer[i + 2])) for i in range(1, len(answer), 3)]

    def drop(self, sale_id: str) -> None:
        """Forgets a sale that is settled."""
        try:
            self._client().delete(*_keys(sale_id))
        except redis.RedisError as error:
            raise _silent() from error

    def counters(self, sale_ids: Sequence[str]) -> list[Counter | None]:
        """What is left in these sales now; None for one whose counter is not there."""
        try:
            pipe = self._client().pipeline(transaction=False)
            for sale_id in sale_ids:
                pipe.hgetall(_keys(sale_id)[0])
            return [_counter(found) if found else None for found in pipe.execute()]
        except redis.RedisError as error:
            raise _silent() from error

    def census(self, sale_id: str) -> Census | None:
        """All that a sale's counter holds, at one moment; None where it is not there."""
        head, claims, _, todo = _keys(sale_id)
        try:
            pipe = self._client().pipeline(transaction=True)
            pipe.hgetall(head)
            pipe.hgetall(claims)
            pipe.zrange(todo, 0, -1)
            counted, claimed, wishes = pipe.execute()
        except redis.RedisError as error:
            raise _silent() from error
        if not counted:
            return None
        return Census(
            _counter(counted).left,
            [_claim(order_id.decode(), text.decode()) for order_id, text in claimed.items()],
            int(counted[b"live"]),
            frozenset(Wish(**json.loads(one)).order_id for one in wishes),
        )

    def _ask(self, sale_id: str, op: str, *args: str | int) -> list[str]:
        try:
            answer: Any = self._run()(keys=_keys(sale_id), args=[op, *args])
        except redis.RedisError as error:
            raise OutcomeUnknown("the sale's counter gave no answer; send the same request again") from error
        found = [one.decode() for one in answer]
        if found[0] == "ABSENT":
            raise Unavailable("the sale's counter is being made; nothing was done")
        return found


def _keys(sale_id: str) -> list[str]:
    return [f"orders:live:{{{sale_id}}}:{part}" for part in ("head", "claims", "people", "todo")]


def _claim(order_id: str, text: str) -> Claim:
    state, number, product_id, lots, buyer_id, until_ms, at_ms, fingerprint = text.split("|")
    return Claim(
        order_id, state, int(number), product_id, int(lots), buyer_id, int(until_ms), int(at_ms), fingerprint
    )  # fmt: skip


def _counter(found: dict[bytes, bytes]) -> Counter:
    left = {name[2:].decode(): int(value) for name, value in sorted(found.items()) if name.startswith(b"l:")}
    return Counter(
        int(found[b"ver"]), left, int(found[b"seq"]), found.get(b"closed") == b"1", int(found[b"opens"]),
        int(found[b"closes"]),
    )  # fmt: skip


def _refusal(answer: list[str]) -> DomainError:
    match answer[0]:
        case "SOLD_OUT":
            return SoldOut(f"{answer[1]} left", left=answer[1])
        case "CAP":
            return CapReached(
                f"at most {answer[1]} a person, {answer[2]} of them claimed", cap=answer[1], has=answer[2]
            )
    raise AssertionError(f"pool.lua answered {answer}")


def _silent() -> DomainError:
    return Unavailable("the sale's counter gives no answer now")


def _ms(at: Any) -> int:
    return int(at.timestamp() * 1000)
