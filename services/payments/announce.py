"""What a merchant is told, as server-sent events. Pure.

`id` is the ledger's sequence number; `merchant_version` rises by one with each of the merchant account's changes, so a
listener notices what it missed even if somebody in between swallowed it.
"""

from __future__ import annotations

import json
from typing import Any

from cho.events.v1.events_pb2 import HoldMoved, PaymentMoved
from cho.events.v1.intent_pb2 import Intent

from kit.clock import rfc3339
from kit.ledger_event import LedgerEvent
from services.payments.transfer import spoken_code

RETRY_MS = 1000
TYPES = {
    "pay": "payment.captured", "capture": "payment.captured", "refund": "payment.refunded",
    "reverse": "payment.refunded",
}  # fmt: skip


# What orders hear of money that is set aside; vendors are told of money that they have.
HOLD_TYPES = {"hold": "hold.placed", "capture": "hold.captured", "void": "hold.voided", "expire": "hold.expired"}


def moved(event: LedgerEvent, intent: Intent | None = None) -> PaymentMoved | None:
    """The event that others are told; None where it is no merchant's payment, capture, refund or reversal.

    `intent`: the event's, where it was read already.
    """
    if event.op not in TYPES or not event.moved:
        return None
    wallet, merchant = event.legs[:2] if event.op != "refund" else (event.legs[1], event.legs[0])
    if not merchant.account_id.startswith("mer_"):
        return None  # a transfer between wallets, undone
    intent = intent or Intent.FromString(event.intent)
    facts = event.facts
    return PaymentMoved(
        transfer_id=event.transfer_id,
        payment_id=event.related if TYPES[event.op] == "payment.refunded" else "",
        merchant_id=merchant.account_id,
        wallet_id=wallet.account_id,
        amount=int(event.amount),
        fee=int(event.fee),
        reference=intent.reference,
        note=intent.note,
        seq=event.seq,
        merchant_version=merchant.version,
        window=event.window,
        at_ms=event.at_ms,
        code=spoken_code(event.op, event.transfer_id, event.related),
        verdict=facts.verdict,
        asked=facts.asked,
        cause=intent.event_id,
    )


def held(event: LedgerEvent, intent: Intent) -> HoldMoved | None:
    """What others are told of a hold for a merchant; None where it is none: a payment in review, money for a card."""
    if event.op not in HOLD_TYPES or event.result != "OK":
        return None
    hold_id = event.related if event.op == "capture" else event.transfer_id
    wallet, merchant = event.legs[:2]
    if not hold_id.startswith("hld_") or not merchant.account_id.startswith("mer_"):
        return None
    placed = event.op == "hold"
    return HoldMoved(
        hold_id=hold_id,
        merchant_id=merchant.account_id,
        wallet_id=wallet.account_id,
        amount=int(event.amount),
        reference=intent.reference if placed else "",
        expires_ms=event.facts.expires_ms if placed else 0,
        payment_id=event.transfer_id if event.op == "capture" else "",
        seq=event.seq,
        at_ms=event.at_ms,
    )


def data(type_: str, message: PaymentMoved) -> dict[str, Any]:
    """What a merchant is told of a movement. What the payer's wallet is, is not the merchant's business."""
    return {
        "type": type_,
        "transfer_id": message.transfer_id,
        "payment_id": message.payment_id,
        "merchant_id": message.merchant_id,
        "amount": message.amount,
        "fee": message.fee,
        "reference": message.reference,
        "note": message.note,
        "seq": message.seq,
        "merchant_version": message.merchant_version,
        "at": rfc3339(message.at_ms),
        "code": message.code,
        "verdict": message.verdict,
        "asked": message.asked,
    }


def frame(type_: str, message: PaymentMoved) -> bytes:
    """One server-sent event, with `data` as JSON.

    Written by hand, for each payment is told to its stall: json takes four times as long. Only what a payer or vendor
    wrote needs escaping; ids and codes are ours.
    """
    m = message
    reference, note = _text(m.reference), _text(m.note)
    return (
        f'id: {m.seq}\nevent: {type_}\ndata: {{"type": "{type_}", "transfer_id": "{m.transfer_id}", '
        f'"payment_id": "{m.payment_id}", "merchant_id": "{m.merchant_id}", "amount": {m.amount}, "fee": {m.fee}, '
        f'"reference": {reference}, "note": {note}, "seq": {m.seq}, "merchant_version": {m.merchant_version}, '
        f'"at": "{rfc3339(m.at_ms)}", "code": "{m.code}", "verdict": "{m.verdict}", "asked": {m.asked}}}\n\n'
    ).encode()


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else '""'


def opening(seq: int) -> bytes:
    """First bytes of every stream: how soon to come back, and where it starts.

    Without the id, a listener cut off before its first payment would come back with none, and miss what it was for.
    """
    return f"retry: {RETRY_MS}\nid: {seq}\n\n".encode()


HEARTBEAT = b": .\n\n"


def failure(code: str, message: str) -> bytes:
    """Last event of a stream that fails: without it, a broken stream looks like one that ended."""
    return f"event: error\ndata: {json.dumps({'code': code, 'message': message}, ensure_ascii=False)}\n\n".encode()
