"""An event of the ledger, decoded: what was asked, what was decided, every leg with its account's new totals.

The ledger writes flat fields (services/payments/store/functions, `event`); this is their one reader, for the hot
stream and for the books alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PostedLeg:
    """One posting and what it made of its account. `side`: "d", "c", or "-" where nothing was posted. Đồng."""

    account_id: str
    side: str
    amount: int
    debits: int
    credits: int
    debits_pending: int
    credits_pending: int
    version: int


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """`result` is "OK" or the code of a refusal; `scope` is "caller|operation|key"."""

    seq: int
    at_ms: int
    window: int
    epoch: int
    op: str
    result: str
    scope: str
    body_hash: str
    # Transfers: their id. Openings and changes of accounts: the account's.
    transfer_id: str
    # Refunds, captures, reversals: the transfer that they refer to. Openings: the account's kind. Requests: their
    # reference.
    related: str
    # Transfers: đồng. Openings: telecom.
    amount: str
    # Transfers: đồng. Openings: owner.
    fee: str
    legs: tuple[PostedLeg, ...]
    # Serialized cho.events.v1.Intent.
    intent: bytes
    # State changes: the new state, a comma, and what else (a merchant's bank). Rules: their text. Transfers: `facts`.
    change: str

    @property
    def moved(self) -> bool:
        """Whether money moved; a hold moves none yet."""
        return self.result == "OK" and any(leg.side in "dc" for leg in self.legs)

    @property
    def keyed(self) -> bool:
        """Whether it answered an idempotency key."""
        return bool(self.body_hash) or self.op == "resolve"

    @property
    def facts(self) -> Facts:
        """What the ledger decided about a transfer, besides its legs."""
        limited, verdict, asked, held_by, expires = (self.change or ",,0,,0").split(",")
        return Facts(limited, verdict, int(asked), held_by, int(expires))


@dataclass(frozen=True, slots=True)
class Facts:
    """`limited`: what it counts as in the payer's limits ("" where it does not). `verdict`: FULL, SHORT or OVER against
    the `asked` đồng of a request ("" where nothing was asked). `held_by`: the velocity rule that held it for review.
    `expires_ms`: holds.
    """

    limited: str
    verdict: str
    asked: int
    held_by: str
    expires_ms: int


def from_fields(seq: int, fields: Mapping[bytes, bytes]) -> LedgerEvent:
    """Decodes the fields of a stream entry. Raises KeyError or ValueError where they are not an event's."""

    def text(name: bytes) -> str:
        return fields[name].decode()

    return LedgerEvent(
        seq=seq,
        at_ms=int(fields[b"at"]),
        window=int(fields[b"w"]),
        epoch=int(fields[b"e"]),
        op=text(b"op"),
        result=text(b"r"),
        scope=text(b"s"),
        body_hash=text(b"h"),
        transfer_id=text(b"t"),
        related=text(b"x"),
        amount=text(b"a"),
        fee=text(b"f"),
        legs=tuple(_legs(text(b"l"))),
        intent=fields[b"i"],
        change=fields.get(b"z", b"").decode(),
    )


def from_raw(seq: int, raw: bytes) -> LedgerEvent:
    """Decodes the canonical bytes that the books keep: names and values, each behind its length (4 bytes)."""
    parts, at = [], 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 4], "big")
        parts.append(raw[at + 4 : at + 4 + length])
        at += 4 + length
    return from_fields(seq, dict(zip(parts[::2], parts[1::2], strict=True)))


def last_legs(raws: Iterable[bytes]) -> dict[str, PostedLeg]:
    """The last leg of every account in these events' canonical bytes; only those are decoded."""
    texts: dict[str, str] = {}
    for raw in raws:
        for text in _field(raw, b"l").decode().split(";"):
            texts[text.partition(",")[0]] = text
    return {account_id: _leg(text) for account_id, text in texts.items() if account_id}


def _field(raw: bytes, name: bytes) -> bytes:
    at = 0
    while at < len(raw):
        start = at + 4 + int.from_bytes(raw[at : at + 4], "big")
        end = start + 4 + int.from_bytes(raw[start : start + 4], "big")
        if raw[at + 4 : start] == name:
            return raw[start + 4 : end]
        at = end
    raise KeyError(name)


def _legs(text: str) -> Iterator[PostedLeg]:
    for part in filter(None, text.split(";")):
        yield _leg(part)


def _leg(text: str) -> PostedLeg:
    account_id, side, *numbers = text.split(",")
    return PostedLeg(account_id, side, *map(int, numbers))
