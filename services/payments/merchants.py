"""Brings onboarded merchants into the ledger, as onboarding's events say they are."""

from __future__ import annotations

from typing import Any

import redis
from cho.events.v1.events_pb2 import MerchantChanged
from cho.events.v1.intent_pb2 import Intent

from kit.errors import Unavailable
from kit.streams.event import Event
from services.payments.store.keys import keys

# A switch of the settlement account changes no state: it says itself which one the merchant is in.
STATES = {
    "merchant.activated": "open",
    "merchant.reinstated": "open",
    "merchant.suspended": "frozen",
    "merchant.account_switched": "",
}


def put_merchant(ledger: redis.Redis, event: Event) -> None:
    """Brings the ledger to what onboarding says of a merchant; an older event changes nothing.

    Raises Unavailable while the ledger is fenced (the event is delivered again), RuntimeError where the ledger refuses.
    """
    change, k = MerchantChanged.FromString(event.data), keys()
    intent = Intent(
        caller_id="service:onboarding",
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
    run = ledger.info("server")["run_id"]
    reply = ledger.fcall(
        "merchant_v3", 5,
        k.meta, k.stream, k.account(change.merchant_id), k.bank_account(change.account_index), k.owner(change.owner_id),
        run, change.merchant_id, change.owner_id, state, change.version, change.bank_bin,
        change.category_code, change.name, change.market_name, change.stall, f"service:onboarding|merchant|{event.id}",
        intent.SerializeToString(deterministic=True),
    )  # fmt: skip
    _accepted(reply, f"{event.type} of {change.merchant_id}")


def exempt_owner(ledger: redis.Redis, event: Event) -> None:
    """The monthly limits do not concern the wallets of who has a merchant contract (Decree 368/2025, article 15).

    A wallet that is opened later is exempted as it is opened (server/payments.py, OpenWallet). Raises as put_merchant.
    """
    change, k = MerchantChanged.FromString(event.data), keys()
    run = ledger.info("server")["run_id"]
    intent = Intent(caller_id="service:onboarding", event_id=event.id).SerializeToString(deterministic=True)
    for account in sorted(ledger.smembers(k.owner(change.owner_id))):
        account_id = account.decode() if isinstance(account, bytes) else account
        if account_id.startswith("wal_"):
            reply = ledger.fcall(
                "exempt_v3", 3, k.meta, k.stream, k.account(account_id), run, account_id, "1",
                f"service:onboarding|exempt|{event.id}", intent,
            )  # fmt: skip
            _accepted(reply, f"the exemption of {account_id}")


def _accepted(reply: Any, what: str) -> None:
    code = reply[0].decode() if isinstance(reply[0], bytes) else reply[0]
    if code == "LEDGER_FENCED":
        raise Unavailable("the ledger is fenced; the event comes again")
    if code != "OK":
        raise RuntimeError(f"the ledger refused {what}: {code}")
