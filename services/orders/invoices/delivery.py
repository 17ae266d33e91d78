"""How invoices get to the tax authority: states, when to try again, and the port. Pure.

    channel.send(message_id, data)      # hands one over; the same again replaces it
    for answer in channel.answers(50):  # what came back, each with what takes it off the list
        ...

The port is small on purpose: a provider's API goes behind it as the folder does (folder.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

# Tries to hand one over, and to get an answer: over a day in all.
ATTEMPTS_MAX = 20
# s: after the n-th try that failed; and until what was handed over and not answered is handed over again.
RETRY_S, RETRY_S_MAX = 10, 3600
ANSWER_S = 3600
REASON_CHARACTERS_MAX = 300


class Delivery(str, Enum):
    PENDING = "pending"
    # Handed over, not answered yet.
    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    # Given up: an operator may send it again.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tax authority said of a message. `name`: of the thing that it came in."""

    message_id: str
    accepted: bool
    reason: str
    name: str


class CannotSend(Exception):
    """The message was not handed over; it may be tried again."""


class Channel(Protocol):
    """Brings messages to the tax authority and its answers back."""

    def send(self, message_id: str, data: bytes) -> None:
        """Hands a message over; the same id again is the same message. Raises CannotSend."""

    def answers(self, most: int) -> Iterator[Answer]:
        """What came back and was not taken yet."""

    def taken(self, answer: Answer, known: bool) -> None:
        """This answer has had its effect; or it is of nothing that we know."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a try has led: the state, and when the next one is due (ms)."""

    delivery: Delivery
    due_ms: int


def message_id(sender: str, invoice_id: str) -> str:
    """MTDiep: the sender's id and 32 hex digits. An invoice's message has one, however often it is sent."""
    return sender + invoice_id.partition("_")[2].upper()


def invoice_id_of(message_id: str) -> str:
    """The invoice that a message of ours carries, whoever sent it."""
    return f"inv_{message_id[-32:].lower()}"


def after(attempts: int, handed_over: bool, now_ms: int) -> Outcome:
    """After a try; `attempts` were made before it. What cannot be handed over waits, twice as long each time."""
    if attempts + 1 >= ATTEMPTS_MAX:
        return Outcome(Delivery.FAILED, 0)
    if handed_over:
        return Outcome(Delivery.SENT, now_ms + ANSWER_S * 1000)
    return Outcome(Delivery.PENDING, now_ms + min(RETRY_S << attempts, RETRY_S_MAX) * 1000)
