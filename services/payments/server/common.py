"""What all of payments' servicers share: reading requests, and saying what the ledger answered."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import payments_pb2 as pb
from google.protobuf.message import Message

from kit import qr
from kit.clock import month_of, now_ms
from kit.errors import DomainError, InvalidArgument, QrInvalid
from kit.ids import is_id
from kit.rpc.call import Call
from services.payments import limits, transfer
from services.payments.store.ledger import Account, Movement, Posted, Request

NOTE_MAX = 140
REFERENCE_MAX = 25
HISTORY_MAX = 50
REQUEST_ID_MAX = 64
TRACEPARENT_MAX = 55
# What a code holds where the payer is to be asked (EMVCo merchant-presented mode, section 4.8.1).
ASK_PAYER = "***"
TELECOMS = {pb.TELECOM_VIETTEL: "VIETTEL", pb.TELECOM_VNPT: "VNPT", pb.TELECOM_MOBIFONE: "MOBIFONE"}
TELECOM_OF = {name: number for number, name in TELECOMS.items()}
KINDS = {
    "wallet": pb.ACCOUNT_KIND_WALLET, "agent": pb.ACCOUNT_KIND_AGENT, "merchant": pb.ACCOUNT_KIND_MERCHANT,
    "org": pb.ACCOUNT_KIND_ORGANISATION, "reserve": pb.ACCOUNT_KIND_RESERVE, "trust": pb.ACCOUNT_KIND_TRUST,
    "receivable": pb.ACCOUNT_KIND_RECEIVABLE,
}  # fmt: skip
# What there is of them is what was debited.
ASSETS = frozenset({"trust", "receivable"})
STATES = {
    "open": pb.ACCOUNT_STATE_OPEN, "frozen": pb.ACCOUNT_STATE_FROZEN, "closed": pb.ACCOUNT_STATE_CLOSED,
}  # fmt: skip
STATE_NAMES = {number: name for name, number in STATES.items()}
OPS = {
    pb.TRANSFER_KIND_FUND: "fund", pb.TRANSFER_KIND_CASH_IN: "cash_in", pb.TRANSFER_KIND_CASH_OUT: "cash_out",
    pb.TRANSFER_KIND_PAYMENT: "pay", pb.TRANSFER_KIND_REFUND: "refund", pb.TRANSFER_KIND_TRANSFER: "transfer",
    pb.TRANSFER_KIND_HOLD: "hold", pb.TRANSFER_KIND_CAPTURE: "capture", pb.TRANSFER_KIND_REVERSAL: "reverse",
    pb.TRANSFER_KIND_DISBURSEMENT: "disburse", pb.TRANSFER_KIND_TOP_UP: "top_up", pb.TRANSFER_KIND_UNLOAD: "unload",
    pb.TRANSFER_KIND_CHARGEBACK: "chargeback", pb.TRANSFER_KIND_RECOVERY: "recover", pb.TRANSFER_KIND_DEFUND: "defund",
    pb.TRANSFER_KIND_PAYOUT: "payout", pb.TRANSFER_KIND_PAYOUT_PAID: "paid", pb.TRANSFER_KIND_PAYOUT_UNPAID: "unpaid",
    pb.TRANSFER_KIND_PAYOUT_RETURNED: "returned", pb.TRANSFER_KIND_NET: "net",
    pb.TRANSFER_KIND_INTERCHANGE: "interchange", pb.TRANSFER_KIND_LIQUIDITY_IN: "liquidity_in",
    pb.TRANSFER_KIND_LIQUIDITY_OUT: "liquidity_out", pb.TRANSFER_KIND_CORRECTION: "correct",
}  # fmt: skip
# A caller's keys of these are kept with their works (services/payments/store/topups.py): the ledger has others.
CARD_KINDS = frozenset({pb.TRANSFER_KIND_TOP_UP, pb.TRANSFER_KIND_UNLOAD})
TRANSFER_STATES = {
    "": pb.TRANSFER_STATE_DONE, "held": pb.TRANSFER_STATE_HELD, "captured": pb.TRANSFER_STATE_CAPTURED,
    "voided": pb.TRANSFER_STATE_VOIDED, "expired": pb.TRANSFER_STATE_EXPIRED, "reversed": pb.TRANSFER_STATE_REVERSED,
    "sent": pb.TRANSFER_STATE_SENT, "paid": pb.TRANSFER_STATE_PAID, "unpaid": pb.TRANSFER_STATE_UNPAID,
    "returned": pb.TRANSFER_STATE_RETURNED,
}  # fmt: skip
REQUEST_STATES = {
    "open": pb.REQUEST_STATE_OPEN, "paid": pb.REQUEST_STATE_PAID, "cancelled": pb.REQUEST_STATE_CANCELLED,
}  # fmt: skip
KIND_OF = {name: number for number, name in OPS.items()}


@lru_cache(4096)
def decode_qr(payload: str) -> qr.Decoded:
    """A stall's code is scanned all day: it is read once. Raises QrInvalid."""
    try:
        code = qr.decode(payload)
    except qr.QrError as error:
        raise QrInvalid(str(error), qr_code=error.code) from error
    if code.currency != "704":
        raise QrInvalid("the code asks for another currency than đồng", qr_code="QR_CURRENCY")
    if code.tip_indicator:
        raise QrInvalid("the code adds a tip or fee, which this platform does not take", qr_code="QR_TIP")
    return code


def body_hash(request: Message) -> str:
    """What the key was used for. `not_after` is when, not what: a retry may move it."""
    if "not_after" in request.DESCRIPTOR.fields_by_name and request.HasField("not_after"):
        bare = type(request)()
        bare.CopyFrom(request)
        bare.ClearField("not_after")
        request = bare
    return hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:32]


def not_after_ms(request: Any) -> int:
    """0 for none; a moment before 1970 is as late as any other that has passed."""
    return max(1, request.not_after.ToMilliseconds()) if request.HasField("not_after") else 0


def page_limit(limit: int, most: int = 100, usual: int = 20) -> int:
    """How many of a list are asked for; 0 for the usual. Raises InvalidArgument."""
    if not 0 <= limit <= most:
        raise InvalidArgument(f"limit must be from 1 to {most}")
    return limit or usual


def text(value: str, name: str, most: int) -> str:
    """`value`, if it may be kept and shown. Raises InvalidArgument."""
    if len(value) > most:
        raise InvalidArgument(f"{name} may have {most} characters at most")
    if not value.isprintable():
        raise InvalidArgument(f"{name} holds characters that cannot be printed")
    return value


def id_of(value: str, prefix: str, name: str, error: type[DomainError] = InvalidArgument) -> str:
    """`value`, if it is an id with this prefix. Raises `error`."""
    if not is_id(value, prefix):
        raise error(f"{name} must be an id that begins with {prefix}_")
    return value


def check_pin(call: Call, amount: int) -> None:
    """Above the threshold a payment needs a PIN entered a moment ago. Raises StepUpNeeded, before any key is spent."""
    if amount > limits.STEP_UP_ABOVE_VND:
        call.require_fresh_pin(now_ms() // 1000, limits.STEP_UP_WITHIN_S)


def intent_of(call: Call, **fields: Any) -> Intent:
    """What a call asks of the ledger, as its events keep it."""
    # What a client's headers say is kept for ever in every event: no longer than such a thing can be.
    request_id, traceparent = call.request_id[:REQUEST_ID_MAX], call.traceparent[:TRACEPARENT_MAX]
    return Intent(caller_id=call.caller.sub, request_id=request_id, traceparent=traceparent, **fields)


def request_state(request: Request) -> pb.RequestState:
    """How a vendor's request stands now."""
    if request.state == "open" and request.expires_ms <= now_ms():
        return pb.REQUEST_STATE_EXPIRED
    return REQUEST_STATES[request.state]


def account_view(account: Account) -> pb.Account:
    """An account as its owner sees it."""
    wallet, at = account.kind == "wallet", now_ms()
    return pb.Account(
        account_id=account.account_id,
        kind=KINDS[account.kind],
        state=STATES[account.state],
        telecom=TELECOM_OF.get(account.telecom, pb.TELECOM_UNSPECIFIED),
        owner_id=account.owner,
        balance=-account.balance if account.kind in ASSETS else account.balance,
        version=account.version,
        month_used=account.month_used if wallet and account.month == month_of(at) else 0,
        month_limit=limits.month_limit(at) if wallet and not account.exempt else 0,
    )


def transfer_view(m: Movement) -> pb.Transfer:
    """A transfer of the hot ledger."""
    made = pb.Transfer(
        transfer_id=m.transfer_id, kind=KIND_OF[m.op], amount=m.amount, fee=m.fee, from_account_id=m.from_account,
        to_account_id=m.to_account, seq=m.seq, window=m.window, refunded=m.refunded,
        payment_id=m.related, reference=m.reference, note=m.note,
        code=transfer.spoken_code(m.op, m.transfer_id, m.related),
        state=TRANSFER_STATES[m.state], in_review=m.in_review,
    )  # fmt: skip
    made.at.seconds, made.at.nanos = m.at_ms // 1000, m.at_ms % 1000 * 1_000_000
    if m.expires_ms:
        made.expires_at.FromMilliseconds(m.expires_ms)
    return made


def posted_view(
    posted: Posted,
    op: str,
    amount: int,
    source: str,
    target: str,
    *,
    reference: str = "",
    note: str = "",
    related: str = "",
    expires_ms: int = 0,
) -> pb.Transfer:
    """The answer's transfer: facts that a replay repeats to the letter. A payment held for review is a hold."""
    held = bool(posted.held_by) or op == "hold"
    made = transfer_view(
        Movement(
            posted.transfer_id, "hold" if held else op, amount, posted.fee, source, target, posted.at_ms, posted.seq,
            posted.window, 0, related, reference, note, "held" if held else "", expires_ms, bool(posted.held_by),
        )
    )  # fmt: skip
    made.verdict, made.asked, made.held_by = posted.verdict, posted.asked, posted.held_by
    return made
