"""Steps on card money as the ledger's orders: the same whoever posts them."""

from __future__ import annotations

import hashlib

from cho.events.v1.intent_pb2 import Intent

from services.payments import transfer
from services.payments.steps import PROVIDER, Post, TakeBack
from services.payments.store.ledger import Order

# In whose name: a person's own keys cannot meet these.
CALLER = "service:cards"
# A debt is split anew so often in one step, where the wallet changed meanwhile.
TRIES_MAX = 4


def intent_of(about: str, note: str = "") -> Intent:
    """What the ledger's events keep of a step: the work that it belongs to."""
    return Intent(caller_id=CALLER, event_id=about, note=note)


def order_of(step: Post) -> Order:
    """A step's transfer."""
    return Order(
        op=step.op, caller=CALLER, key=step.key, body_hash=_hash(step.about, step.op, step.amount), amount=step.amount,
        fee=0, legs=step.legs, owner=step.owner, related=step.related, expires_ms=step.expires_ms,
        intent=intent_of(step.about, step.note),
    )  # fmt: skip


def shortfall(amount: int, state: str, available: int) -> int:
    """What a wallet in this state does not hold of `amount`, đồng; a closed one holds nothing."""
    return amount - (min(amount, max(available, 0)) if state != "closed" else 0)


def taking(step: TakeBack, short: int, receivable_id: str, debts_key: str) -> Order:
    """A chargeback of which the wallet does not hold `short`."""
    return Order(
        op="chargeback", caller=CALLER, key=step.key, body_hash=_hash(step.about, "chargeback", step.amount),
        amount=step.amount, fee=short, related=step.related,
        legs=transfer.chargeback(step.wallet_id, receivable_id, PROVIDER, step.telecom, step.amount, short),
        guard="debts" if short else "", guard_key=debts_key if short else "",
        intent=intent_of(step.about, step.note),
    )  # fmt: skip


def _hash(about: str, op: str, amount: int) -> str:
    return hashlib.sha256(f"{about}|{op}|{amount}".encode()).hexdigest()[:32]
