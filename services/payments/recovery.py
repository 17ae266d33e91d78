"""Debts that could not be refused are paid off, whenever a window has closed: from what the debtor is to be paid out as
a vendor, then from the debtor's wallets.

Nothing has to be remembered: what is still owed is read anew each time, and the ledger takes no more than that, however
often and by however many it is asked.
"""

from __future__ import annotations

import hashlib

from cho.events.v1.intent_pb2 import Intent

from kit import log
from kit.errors import Contention
from kit.ids import new_key
from services.payments import transfer
from services.payments.store.ledger import Order
from services.payments.store.sync import SyncLedger

TYPES = {"window.closed"}
CALLER = "service:recovery"
# Debts in a window; the others' turn is the next one's, which begins elsewhere in the list.
DEBTS_MAX = 500

_logger = log.logger(__name__)


def recover(ledger: SyncLedger, debts_key: str, window: int) -> int:
    """Takes what debtors have, as far as they owe; đồng.

    Raises DomainError where the ledger takes no calls: what was taken stays taken, the rest is when it is called again.
    """
    debts = ledger.debts()
    first = window * DEBTS_MAX % len(debts) if debts else 0
    return sum(_recover_one(ledger, debts_key, one, window) for one in (debts[first:] + debts[:first])[:DEBTS_MAX])


def _recover_one(ledger: SyncLedger, debts_key: str, receivable: str, window: int) -> int:
    owner, _ = ledger.holder(receivable)
    owed = -ledger.available(receivable)[1]
    taken = 0
    # By their ids: merchants before wallets, the oldest first.
    for account in ledger.owned(owner):
        kind, (state, available) = account.partition("_")[0], ledger.available(account)
        amount = min(available, owed - taken)
        if kind not in ("mer", "wal") or state == "closed" or amount <= 0:
            continue
        telecom = ledger.holder(account)[1] if kind == "wal" else ""
        about = f"{receivable}|{account}|{window}|{amount}"
        order = Order(
            op="recover", caller=CALLER, key=new_key(), body_hash=hashlib.sha256(about.encode()).hexdigest()[:32],
            amount=amount, fee=0, legs=transfer.recover(account, receivable, telecom, amount),
            guard="debts", guard_key=debts_key, intent=Intent(caller_id=CALLER, event_id=f"window-{window}"),
        )  # fmt: skip
        try:
            ledger.post(order)
        except Contention:
            continue  # it was spent or paid meanwhile: looked at again after the next window
        taken += amount
    if taken:
        _logger.info("debt recovered", receivable=receivable, amount=taken, left=owed - taken)
    return taken
