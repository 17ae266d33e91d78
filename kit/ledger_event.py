"""An event of the ledger, decoded: what was asked, what was decided, every leg with its account's new totals.

The ledger writes flat fields (services/payments/store/functions, `event`); this is their one reader, for the hot
stream and for the books alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kit import ledger_bytes


# Neither is frozen: a frozen one takes twice as long to make, and every follower makes all of a payment's.
@dataclass(slots=True)
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


@dataclass(slots=True)
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
    return _event(seq, ledger_bytes.named(fields))


def from_raw(seq: int, raw: bytes) -> LedgerEvent:
    """Decodes the canonical bytes that the books keep. Raises KeyError or ValueError where they are not an event's."""
    return _event(seq, ledger_bytes.fields(raw))


def _event(seq: int, fields: ledger_bytes.Fields) -> LedgerEvent:
    at, window, epoch, op, result, scope, body_hash, transfer_id, related, amount, fee, legs, intent, change = fields
    return LedgerEvent(
        seq, int(at), int(window), int(epoch), op.decode(), result.decode(), scope.decode(), body_hash.decode(),
        transfer_id.decode(), related.decode(), amount.decode(), fee.decode(),
        tuple([_leg(text) for text in legs.decode().split(";") if text]), intent, change.decode(),
    )  # fmt: skip


def last_legs(raws: Iterable[bytes]) -> dict[str, PostedLeg]:
    """The last leg of every account in these events' canonical bytes; only those are decoded."""
    texts: dict[str, str] = {}
    for raw in raws:
        for text in ledger_bytes.posted(raw)[-1].decode().split(";"):
            texts[text.partition(",")[0]] = text
    return {account_id: _leg(text) for account_id, text in texts.items() if account_id}


def _leg(text: str) -> PostedLeg:
    account_id, side, amount, debits, credits, debits_pending, credits_pending, version = text.split(",")
    return PostedLeg(
        account_id, side, int(amount), int(debits), int(credits), int(debits_pending), int(credits_pending),
        int(version),
    )  # fmt: skip
