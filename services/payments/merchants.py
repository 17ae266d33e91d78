"""Brings onboarded merchants into the ledger, as onboarding's events say they are."""

from __future__ import annotations

from cho.events.v1.events_pb2 import MerchantChanged
from cho.events.v1.intent_pb2 import Intent

from kit.streams.event import Event
from services.payments.store.sync import SyncLedger

CALLER = "service:onboarding"
# A switch of the settlement account changes no state: it says itself which one the merchant is in.
STATES = {
    "merchant.activated": "open",
    "merchant.reinstated": "open",
    "merchant.suspended": "frozen",
    "merchant.account_switched": "",
}


def put_merchant(ledger: SyncLedger, event: Event) -> None:
    """Brings the ledger to what onboarding says of a merchant; an older event changes nothing.

    Raises DomainError where the ledger takes no calls, refuses, or cannot say that its copies have it (a
    suspension that a promotion erases leaves the merchant payable): the event is delivered again.
    """
    change = MerchantChanged.FromString(event.data)
    intent = Intent(
        caller_id=CALLER,
        event_id=event.id,
        name=change.name,
        market_name=change.market_name,
        stall=change.stall,
        bank_bin=change.bank_bin,
        category_code=change.category_code,
        merchant_version=change.version,
        account_index=change.account_index,
    )
    state = STATES[event.type] or ("open" if change.state == "active" else "frozen")
    ledger.put_merchant(change, state, intent)


def exempt_owner(ledger: SyncLedger, event: Event) -> None:
    """The monthly limits do not concern the wallets of who has a merchant contract (Decree 368/2025, article 15).

    A wallet that is opened later is exempted as it is opened (server/payments.py, OpenWallet). Raises as put_merchant.
    """
    change = MerchantChanged.FromString(event.data)
    for account_id in ledger.owned(change.owner_id):
        if account_id.startswith("wal_"):
            ledger.exempt(account_id, Intent(caller_id=CALLER, event_id=event.id))
