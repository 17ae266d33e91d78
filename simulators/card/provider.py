"""What a card provider does: intents, charges, refunds, disputes, and an event for each change.

A `Provider` serves one request, inside one transaction of the store. A refusal that changes nothing is raised
(`ApiError`); a decline has effects (a failed charge, an event) and is returned.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import uuid_utils

from simulators.card.cards import CARDS, UNAUTHENTICATED, Decline
from simulators.card.errors import ApiError, invalid, missing
from simulators.card.store import Object, Store

API_VERSION = "2026-08-26.dahlia"
# Stripe: $0.50 or its worth at the least (at about 26,000 đ a dollar), eight digits at the most.
AMOUNT_MIN, AMOUNT_MAX = 13_000, 99_999_999
SWAP_MS = 5_000
DELAY_MS = 2_000
EVIDENCE_S = 7 * 24 * 3600

_CANCELLABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_REFUNDED_STATES = ("pending", "succeeded")


@dataclass(frozen=True, slots=True)
class Outcome:
    """An HTTP status and what is sent with it."""

    status: int
    body: Object


@dataclass(frozen=True, slots=True)
class NewIntent:
    """Amount in đồng; `payment_method` and `return_url` may be ""."""

    amount: int
    payment_method: str
    return_url: str
    confirm: bool
    metadata: dict[str, str]
    description: str


@dataclass(frozen=True, slots=True)
class NewRefund:
    """Of a payment intent or a charge (the other is ""). `amount` in đồng; None: all that is left."""

    intent_id: str
    charge_id: str
    amount: int | None
    reason: str
    metadata: dict[str, str]


@dataclass(slots=True)
class Provider:
    """`base_url`: where the customer's bank is found. `webhook`: whether events are sent anywhere.

    `decline`: what this request's charge is answered, whatever the card.
    """

    store: Store
    now_ms: int
    base_url: str
    webhook: bool
    request_id: str = ""
    key: str = ""
    decline: Decline | None = None

    # ---------------------------------------------------------------- payment intents

    def create_intent(self, asked: NewIntent) -> Outcome:
        """Raises ApiError where the amount cannot be charged."""
        if asked.amount < AMOUNT_MIN:
            raise invalid("amount", f"Amount must be at least {AMOUNT_MIN} vnd", "amount_too_small")
        if asked.amount > AMOUNT_MAX:
            raise invalid("amount", f"Amount must be no more than {AMOUNT_MAX} vnd", "amount_too_large")
        intent = self._object("payment_intent", "pi")
        intent |= {
            "livemode": False,
            "amount": asked.amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "client_secret": f"{intent['id']}_secret_{secrets.token_hex(12)}",
            "confirmation_method": "automatic",
            "currency": "vnd",
            "customer": None,
            "description": asked.description or None,
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": asked.metadata,
            "next_action": None,
            "payment_method": asked.payment_method or None,
            "payment_method_types": ["card"],
            "status": "requires_confirmation" if asked.payment_method else "requires_payment_method",
        }
        self.store.add(intent)
        self._emit("payment_intent.created", intent)
        return self._attempt(intent, asked.return_url) if asked.confirm else Outcome(200, intent)

    def confirm(self, intent_id: str, payment_method: str, return_url: str) -> Outcome:
        """Raises ApiError where the intent is over."""
        intent = self._find("payment_intent", intent_id)
        if intent["status"] not in _CANCELLABLE:
            raise _unexpected(intent, "confirm")
        intent["payment_method"] = payment_method or intent["payment_method"]
        return self._attempt(intent, return_url)

    def cancel(self, intent_id: str, reason: str) -> Outcome:
        """Raises ApiError where the intent is over."""
        intent = self._find("payment_intent", intent_id)
        if intent["status"] not in _CANCELLABLE:
            raise _unexpected(intent, "cancel")
        self._change(
            intent,
            "payment_intent.canceled",
            status="canceled",
            canceled_at=self._now_s,
            cancellation_reason=reason or None,
            next_action=None,
        )
        return Outcome(200, intent)

    def authenticated(self, intent_id: str, secret: str, passed: bool) -> Object:
        """The customer passed or failed the bank's step. What was decided before stays. Raises ApiError."""
        intent = self.of_customer(intent_id, secret)
        if intent["status"] == "requires_action":
            decline = CARDS[intent["payment_method"]].decline
            if not passed:
                self._fail(intent, UNAUTHENTICATED, "invalid_request_error")
            elif decline:
                self._refuse(intent, decline)
            else:
                self._pay(intent)
        return intent

    def of_customer(self, intent_id: str, secret: str) -> Object:
        """An intent for one who knows its client secret. Raises ApiError."""
        intent = self._find("payment_intent", intent_id)
        if not secrets.compare_digest(intent["client_secret"].encode(), secret.encode()):
            raise missing("payment_intent", intent_id)
        return intent

    def _attempt(self, intent: Object, return_url: str) -> Outcome:
        if not intent["payment_method"]:
            raise _unexpected(intent, "confirm", " because it's missing a payment method")
        card = CARDS[intent["payment_method"]]
        decline = self.decline or card.decline
        if card.authenticates:
            url = f"{self.base_url}/3ds/{intent['id']}/{intent['client_secret']}"
            action = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": return_url or None}}
            self._change(intent, "payment_intent.requires_action", status="requires_action", next_action=action)
            return Outcome(200, intent)
        return self._refuse(intent, decline) if decline else self._pay(intent)

    def _pay(self, intent: Object) -> Outcome:
        charge = self._new_charge(intent, None)
        self._change(
            intent,
            "payment_intent.succeeded",
            status="succeeded",
            amount_received=intent["amount"],
            latest_charge=charge["id"],
            last_payment_error=None,
            next_action=None,
        )
        return Outcome(200, intent)

    def _refuse(self, intent: Object, decline: Decline) -> Outcome:
        """The card's bank says no."""
        intent["latest_charge"] = self._new_charge(intent, decline)["id"]
        return self._fail(intent, decline, "card_error", charge=intent["latest_charge"])

    def _fail(self, intent: Object, decline: Decline, kind: str, **more: str) -> Outcome:
        error = {"type": kind, "code": decline.code, "message": decline.message, **more}
        if decline.decline_code:
            error["decline_code"] = decline.decline_code
        self._change(
            intent,
            "payment_intent.payment_failed",
            status="requires_payment_method",
            last_payment_error=error,
            next_action=None,
            payment_method=None,
        )
        return Outcome(402, {"error": error | {"payment_intent": intent}})

    def _new_charge(self, intent: Object, decline: Decline | None) -> Object:
        paid = decline is None
        charge = self._object("charge", "ch") | {
            "livemode": False,
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if paid else 0,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
            "captured": paid,
            "currency": "vnd",
            "disputed": False,
            "failure_code": decline.code if decline else None,
            "failure_message": decline.message if decline else None,
            "metadata": intent["metadata"],
            "paid": paid,
            "payment_intent": intent["id"],
            "payment_method": intent["payment_method"],
            "refunded": False,
            "status": "succeeded" if paid else "failed",
        }
        self.store.add(charge, parent=intent["id"])
        self._emit("charge.succeeded" if paid else "charge.failed", charge)
        return charge

    # ---------------------------------------------------------------- refunds

    def create_refund(self, asked: NewRefund) -> Outcome:
        """Raises ApiError: more than is left, disputed, not paid."""
        charge = self._charge_of(asked)
        left = charge["amount"] - charge["amount_refunded"]
        if charge["disputed"]:
            raise ApiError(400, f"Charge {charge['id']} has been charged back; cannot refund.", code="charge_disputed")
        if left == 0:
            message = f"Charge {charge['id']} has already been refunded."
            raise ApiError(400, message, code="charge_already_refunded")
        amount = left if asked.amount is None else asked.amount
        if not 1 <= amount <= left:
            raise invalid("amount", f"Refund amount ({amount} vnd) must be from 1 to the unrefunded {left} vnd")
        pending = CARDS[charge["payment_method"]].pending_refunds
        refund = self._object("refund", "re") | {
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "currency": "vnd",
            "metadata": asked.metadata,
            "payment_intent": charge["payment_intent"],
            "reason": asked.reason or None,
            "receipt_number": None,
            "status": "pending" if pending else "succeeded",
        }
        self.store.add(refund, parent=charge["payment_intent"])
        self._emit("refund.created", refund)
        self._set_refunded(charge)
        self._emit("charge.refunded", charge)
        return Outcome(200, refund)

    def settle_refund(self, refund_id: str, status: str) -> Object:
        """A pending refund arrives, or a refund comes back. Raises ApiError where it is over already."""
        refund = self._find("refund", refund_id)
        possible = {"pending": ("succeeded", "failed"), "succeeded": ("failed",)}
        if status not in possible.get(refund["status"], ()):
            raise ApiError(400, f"A refund that is {refund['status']} cannot become {status}")
        failed = {"failure_reason": "expired_or_canceled_card"} if status == "failed" else {}
        self._change(refund, "refund.updated", status=status, **failed)
        if status == "failed":
            self._emit("refund.failed", refund)
            self._set_refunded(self._find("charge", refund["charge"]))
        return refund

    def _charge_of(self, asked: NewRefund) -> Object:
        charge_id = asked.charge_id
        if not charge_id:
            intent = self._find("payment_intent", asked.intent_id)
            if intent["status"] != "succeeded":
                raise ApiError(400, f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
            charge_id = intent["latest_charge"]
        charge = self._find("charge", charge_id)
        if not charge["paid"]:
            raise ApiError(400, f"Charge {charge['id']} was not paid.")
        return charge

    def _set_refunded(self, charge: Object) -> None:
        """Counts what is given back, pending included."""
        refunds = self.store.children("refund", charge["payment_intent"])
        total = sum(refund["amount"] for refund in refunds if refund["status"] in _REFUNDED_STATES)
        assert total <= charge["amount"]
        charge |= {"amount_refunded": total, "refunded": total == charge["amount"]}
        self.store.change(charge)

    # ---------------------------------------------------------------- disputes

    def dispute(self, intent_id: str, amount: int | None, reason: str) -> Object:
        """The card's holder takes the money back. Raises ApiError where there is none to take."""
        intent = self._find("payment_intent", intent_id)
        if intent["status"] != "succeeded":
            raise ApiError(400, f"{intent_id} is {intent['status']}: there is nothing to dispute")
        charge = self._find("charge", intent["latest_charge"])
        left = charge["amount"] - charge["amount_refunded"]
        amount = left if amount is None else amount
        if charge["disputed"] or not 1 <= amount <= left:
            raise ApiError(400, f"{intent_id} is disputed already, or {amount} is not from 1 to {left}")
        dispute = self._object("dispute", "dp") | {
            "livemode": False,
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": "vnd",
            "enhanced_eligibility_types": [],
            "evidence": {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": self._now_s + EVIDENCE_S,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": False,
            "metadata": {},
            "payment_intent": intent_id,
            "reason": reason,
            "status": "needs_response",
        }
        self.store.add(dispute, parent=intent_id)
        self.store.change(charge | {"disputed": True})
        self._emit("charge.dispute.created", dispute)
        return dispute

    def close_dispute(self, dispute_id: str, status: str) -> Object:
        """`won`: the money is ours again; `lost`: it is gone. Raises ApiError where it is closed."""
        dispute = self._find("dispute", dispute_id)
        if dispute["status"] in ("won", "lost"):
            raise ApiError(400, f"{dispute_id} is {dispute['status']}")
        self._change(dispute, "charge.dispute.closed", status=status)
        return dispute

    # ---------------------------------------------------------------- reading

    def retrieve(self, kind: str, object_id: str) -> Outcome:
        """Raises ApiError where there is no such object."""
        return Outcome(200, self._find(kind, object_id))

    def _find(self, kind: str, object_id: str) -> Object:
        found = self.store.find(kind, object_id)
        if found is None:
            raise missing(kind, object_id)
        return found

    # ---------------------------------------------------------------- writing

    @property
    def _now_s(self) -> int:
        return self.now_ms // 1000

    def _object(self, kind: str, prefix: str) -> Object:
        return {"id": f"{prefix}_{uuid_utils.uuid7().hex}", "object": kind, "created": self._now_s}

    def _change(self, obj: Object, event: str, **changes: Any) -> None:
        obj.update(changes)
        self.store.change(obj)
        self._emit(event, obj)

    def _emit(self, event_type: str, obj: Object) -> None:
        event = self._object("event", "evt") | {
            "livemode": False,
            "api_version": API_VERSION,
            "data": {"object": obj},
            "pending_webhooks": int(self.webhook),
            "request": {"id": self.request_id or None, "idempotency_key": self.key or None},
            "type": event_type,
        }
        self.store.add(event, parent=event_type)
        if self.webhook:
            self._send(event["id"], event_type)

    def _send(self, event_id: str, event_type: str) -> None:
        fault = self.store.strike(event_type, webhook=True)
        if fault is None:
            self.store.deliver(event_id, self.now_ms)
        elif fault.kind == "webhook_drop":
            self.store.deliver(event_id, self.now_ms, state="dropped")
        elif fault.kind == "webhook_delay":
            self.store.deliver(event_id, self.now_ms + (fault.ms or DELAY_MS))
        elif fault.kind == "webhook_swap":
            self.store.deliver(event_id, self.now_ms + (fault.ms or SWAP_MS), swap=True)
        else:
            for _ in range(fault.copies):
                self.store.deliver(event_id, self.now_ms)


def _unexpected(intent: Object, verb: str, why: str = "") -> ApiError:
    why = why or f" because it has a status of {intent['status']}"
    message = f"You cannot {verb} this PaymentIntent{why}."
    return ApiError(400, message, code="payment_intent_unexpected_state", payment_intent=intent)
