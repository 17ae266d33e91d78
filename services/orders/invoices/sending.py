"""Sends what is due and takes what came back: a round at a time, bounded; whoever else does the same does no harm."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag

from kit.log import logger
from services.orders.invoices import delivery, store, xml
from services.orders.invoices.delivery import CannotSend, Channel

# Messages and answers of one round.
AT_ONCE = 50

_log = logger(__name__)


@dataclass(slots=True)
class Round:
    """How many were sent, could not be, and were answered."""

    sent: int = 0
    failed: int = 0
    answered: int = 0


def tick(channel: Channel, sender: str, now_ms: int) -> Round:
    """One round."""
    done = Round()
    try:
        _hear(channel, done)
    except OSError as error:
        # What cannot be taken in keeps nothing from going out.
        _log.warning("answers are taken later", reason=str(error))
    for one in store.due(now_ms, AT_ONCE):
        reason, handed_over = "", True
        message_id = delivery.message_id(sender, one.invoice_id)
        try:
            tax_code, document = store.content(one.invoice_id)
            data = xml.message(document, sender=sender, message_id=message_id, tax_code=tax_code)
            channel.send(message_id, data)
        except (CannotSend, xml.NotValid) as error:
            reason, handed_over = str(error), False
        except InvalidTag:
            # One that cannot be read holds up no other.
            reason, handed_over = "its encryption key is not here: see CHO_FIELD_KEYS_OLD", False
        outcome = delivery.after(one.attempts, handed_over, now_ms)
        if outcome.delivery is delivery.Delivery.FAILED:
            reason = reason or "it was not answered"
            _log.error("an invoice is not sent any more", invoice=one.invoice_id, reason=reason)
        store.mark(one, outcome.delivery, outcome.due_ms, reason)
        done.sent, done.failed = done.sent + handed_over, done.failed + (not handed_over)
    return done


def _hear(channel: Channel, done: Round) -> None:
    """Takes what came back. Raises OSError where it cannot be read or put away."""
    for answer in channel.answers(AT_ONCE):
        known = store.answered(delivery.invoice_id_of(answer.message_id), answer.accepted, answer.reason)
        if not known:
            _log.warning("an answer of no open invoice", file=answer.name)
        # The effect first: who dies here takes it again, to the same effect.
        channel.taken(answer, known)
        done.answered += known
