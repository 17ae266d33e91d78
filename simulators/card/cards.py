"""Cards that behave in a known way: Stripe's own test tokens (its page "Testing"), as far as we need them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a card's bank says no: Stripe's `code`, `decline_code` ("" for none) and message."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True, slots=True)
class Card:
    """`decline`: what a charge is answered, None for success. Refunds to it may stay pending until they are settled."""

    decline: Decline | None = None
    authenticates: bool = False
    pending_refunds: bool = False


def declined(decline_code: str) -> Decline:
    """The bank's no, with any of Stripe's decline codes."""
    return Decline("card_declined", decline_code, "Your card was declined.")


_POOR = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")

CARDS = {
    "pm_card_visa": Card(),
    "pm_card_mastercard": Card(),
    "pm_card_chargeDeclined": Card(declined("generic_decline")),
    "pm_card_visa_chargeDeclined": Card(declined("generic_decline")),
    "pm_card_chargeDeclinedInsufficientFunds": Card(_POOR),
    "pm_card_chargeDeclinedLostCard": Card(declined("lost_card")),
    "pm_card_chargeDeclinedStolenCard": Card(declined("stolen_card")),
    "pm_card_chargeDeclinedExpiredCard": Card(Decline("expired_card", "", "Your card has expired.")),
    "pm_card_chargeDeclinedIncorrectCvc": Card(
        Decline("incorrect_cvc", "", "Your card's security code is incorrect."),
    ),
    "pm_card_chargeDeclinedProcessingError": Card(
        Decline("processing_error", "", "An error occurred while processing your card. Try again in a little bit."),
    ),
    "pm_card_authenticationRequired": Card(authenticates=True),
    "pm_card_threeDSecure2Required": Card(authenticates=True),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Card(_POOR, authenticates=True),
    "pm_card_pendingRefund": Card(pending_refunds=True),
}

UNAUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    "",
    "The provided PaymentMethod has failed authentication. You can provide a new PaymentMethod to attempt to fulfill "
    "this PaymentIntent again.",
)
