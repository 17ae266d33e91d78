"""What is paid out, to whom, under which ids and keys, and how it ends. Pure.

    pending --> ready --> sent --> paid --> returned
       |                   |
       v                   v
    carried              failed

Every arrow is one posting in the ledger under a key that follows from the payout alone: whoever dies between the
posting and the note of it, the next one posts again and gets the first answer. What failed, came back or was carried
over is the merchant's again, and in what the next window pays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from kit.ids import derived_key

# Less is carried over: a transfer between banks costs more than it is worth (our rule, not law's).
LEAST_VND = 10_000
# What a payout costs that a merchant asks for, instead of waiting for the window (our price).
ON_DEMAND_FEE_VND = 3_300
# From this total on a file waits for two operators.
FOUR_EYES_VND = 500_000_000
# In one file: banks' limits for a pain.001 differ, and none is below.
BATCH_MAX = 10_000
PLATFORM = "fee:PLATFORM"

PENDING, READY, SENT, PAID, FAILED, RETURNED, CARRIED = (
    "pending", "ready", "sent", "paid", "failed", "returned", "carried",
)  # fmt: skip
ENDED = frozenset({PAID, FAILED, RETURNED, CARRIED})
# ISO 20022 external status codes (ExternalPaymentTransactionStatus1Code): done, and not done. All others: not yet.
SAYS_PAID = frozenset({"ACSC", "ACCC"})
SAYS_FAILED = frozenset({"RJCT", "CANC"})
# ExternalStatusReason1Code: rejected because it, its file, batch or one of its ids was seen before, and then the money
# may well be gone.
DUPLICATES = frozenset({"AM05", "DU01", "DU02", "DU03", "DU04", "DU05"})


@dataclass(frozen=True, slots=True)
class Due:
    """What a payee is owed at a window's closing marker, đồng."""

    payout_id: str
    payee: str
    amount: int


def payout_id(window: int, line: int) -> str:
    """The end-to-end id of a window's payout: what every bank repeats."""
    return f"PO-{window:06d}-{line:06d}-1"


def on_demand_id(request_id: str) -> str:
    """The same of one that a merchant asked for (a UUID): asked again, it is the same."""
    return "RQ-" + request_id.replace("-", "")


def batch_id(window: int, number: int) -> str:
    """The message id of a window's file of payouts, from 1."""
    return f"PO-W{window:06d}-{number}"


def asked_for_batch_id(payout_ids: Iterable[str]) -> str:
    """The message id of a file of payouts that were asked for: their ids are the merchants' own choice, so that no
    part of one will do."""
    return "PO-" + hashlib.sha256("|".join(payout_ids).encode()).hexdigest()[:32]


def net_id(window: int, institution: str, attempt: int) -> str:
    """The end-to-end id of a net position; later attempts say so."""
    return f"NP-{window:06d}-{institution}" + (f"-{attempt}" if attempt > 1 else "")


def net_message_id(window: int, institution: str, attempt: int) -> str:
    """The message id of a file of net positions: all of a window's together, later attempts each by itself."""
    return f"NP-W{window:06d}" + (f"-{institution}-{attempt}" if attempt > 1 else "")


def due(window: int, owed: Mapping[str, int], planned: Mapping[str, int], waits: Collection[str]) -> list[Due]:
    """What a window pays out: payees in the order of their ids, each with what it is owed and is not planned yet, if
    that is enough.

    `owed`: merchants' accounts and the platform's fees, to đồng at the closing marker. `planned`: what earlier payouts
    take of it that the ledger had not posted at the marker. `waits`: whose day's last window pays them. An id is of the
    payee's place among all who were owed enough at the marker: decided again after others' plans or payouts have
    changed, nobody has another one.
    """
    payees = sorted(payee for payee, amount in owed.items() if amount >= LEAST_VND)
    left = ((line, payee, owed[payee] - planned.get(payee, 0)) for line, payee in enumerate(payees, 1))
    return [
        Due(payout_id(window, line), payee, amount)
        for line, payee, amount in left
        if amount >= LEAST_VND and payee not in waits
    ]


def in_files(payout_ids: Iterable[str]) -> Iterator[list[str]]:
    """Payouts in the order of their ids, as many to a file as it may hold."""
    ids = sorted(payout_ids)
    for start in range(0, len(ids), BATCH_MAX):
        yield ids[start : start + BATCH_MAX]


def releases_needed(total: int) -> int:
    """How many operators have to let a file go."""
    return 2 if total >= FOUR_EYES_VND else 0


def key(at: datetime, about: str, operation: str, tries: int = 0) -> str:
    """The ledger's idempotency key of one step: the same whoever takes it, however often. `at`: when it was decided."""
    return derived_key(int(at.timestamp() * 1000), about, operation, str(tries))


def outcome(status: str, reason: str = "") -> str:
    """What a bank's status makes of a payout: PAID, FAILED, or "" where that is not known (yet).

    `reason` begins with its code. A rejection as a duplicate says nothing of the first: it would be paid twice.
    """
    if status in SAYS_PAID:
        return PAID
    return FAILED if status in SAYS_FAILED and reason.partition(" ")[0] not in DUPLICATES else ""
