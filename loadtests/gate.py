"""The money gate: what the shoppers were told, against the accounts, the ledger and its books."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from cli import audit, people
from cli.api import Api
from cli.stack import Stack
from kit import mongo
from kit.config import settings
from kit.ledger_event import LedgerEvent
from loadtests.record import Asked
from services.settlement import store

FINDINGS_MAX = 20


@dataclass
class Verdict:
    """`findings` is empty where everything ties; đồng."""

    payments: int = 0
    paid_vnd: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    resolved: Counter[str] = field(default_factory=Counter)
    audit: audit.Audit | None = None
    findings: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every đồng is where it must be."""
        return not self.findings and self.audit is not None and self.audit.balanced


def resolve(api: Api, record: dict[str, Asked]) -> Counter[str]:
    """Asks for the outcome of what was under way when the run ended; counts by outcome. Raises ApiError."""
    outcomes: Counter[str] = Counter()
    for asked in record.values():
        if asked.outcome:
            continue
        shopper = api.sign_in(asked.phone, people.PIN)
        reply = shopper.post("/v1/resolve", kind="TRANSFER_KIND_PAYMENT", idempotency_key=asked.key)
        done = reply["outcome"] == "OUTCOME_DONE"
        asked.outcome, asked.transfer_id = ("paid", reply["transfer_id"]) if done else (reply["code"], "")
        outcomes[reply["outcome"]] += 1
    return outcomes


def check(stack: Stack, api: Api, record: dict[str, Asked], before: dict[str, int]) -> Verdict:
    """The verdict on a run; `before`: balances of all wallets and merchants, by account id. Raises ApiError."""
    told = [asked.outcome for asked in record.values()]
    verdict = Verdict(refused=Counter(outcome for outcome in told if outcome not in ("", "paid")))
    verdict.resolved = resolve(api, record)
    paid = [asked for asked in record.values() if asked.outcome == "paid"]
    verdict.payments, verdict.paid_vnd = len(paid), sum(asked.amount for asked in paid)
    os.environ.update(stack.env)
    settings.cache_clear()
    verdict.audit = audit.run()  # waits until the books have everything
    journaled = _journaled_payments(verdict.audit.seq)
    findings = [*_against_books(paid, journaled), *_against_accounts(api, paid, journaled, before)]
    verdict.findings = findings[:FINDINGS_MAX]
    return verdict


def balances(api: Api, account_ids: list[str]) -> dict[str, int]:
    """What accounts hold, đồng, as an operator is told. Raises ApiError."""
    operator = api.sign_in(people.OPERATOR.phone, people.PIN)
    return {a: int(operator.get(f"/v1/accounts/{a}")["account"]["balance"]) for a in account_ids}


def _journaled_payments(seq: int) -> dict[str, LedgerEvent]:
    """Payments that the books hold, by idempotency key. The stack is the run's own: nobody else pays."""
    mongo.connect("settlement")
    try:
        events = [e for e in store.events(1, seq) if e.op == "pay" and e.result == "OK"]
    finally:
        mongo.disconnect()
    return {event.scope.rpartition("|")[2]: event for event in events}


def _against_books(paid: list[Asked], journaled: dict[str, LedgerEvent]) -> list[str]:
    """Every payment that was acknowledged is in the books as it was told, and there is no other."""
    found = []
    for asked in paid:
        event = journaled.get(asked.key)
        if event is None:
            found.append(f"{asked.transfer_id} was acknowledged, and is not in the books")
        elif (event.transfer_id, int(event.amount)) != (asked.transfer_id, asked.amount):
            found.append(f"{asked.transfer_id} of {asked.amount} is {event.transfer_id} of {event.amount} in the books")
    told = {asked.key for asked in paid}
    strangers = [event for key, event in journaled.items() if key not in told]
    return [*found, *(f"{event.transfer_id} is in the books, and nobody was told" for event in strangers)]


def _against_accounts(
    api: Api, paid: list[Asked], journaled: dict[str, LedgerEvent], before: dict[str, int]
) -> list[str]:
    """Every wallet has lost what its shopper paid, every merchant gained it, less fees, and nobody else moved."""
    moved: dict[str, int] = defaultdict(int)
    for asked in paid:
        fee = int(journaled[asked.key].fee) if asked.key in journaled else 0
        moved[asked.wallet_id] -= asked.amount
        moved[asked.merchant_id] += asked.amount - fee
    after = balances(api, list(before))
    return [
        f"{account_id} went from {was} to {after[account_id]}, and must have moved by {moved[account_id]}"
        for account_id, was in before.items()
        if after[account_id] - was != moved[account_id]
    ]
