"""The hot ledger against its books: accounts and payments, and no đồng in it that an event did not put there.

On a stack with traffic it moves on while the journal is read: `since` is what the journal holds behind that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import redis

from cli.audit_check import FINDINGS_MAX, Check
from services.payments.store.keys import Keys
from services.settlement import fold, store

SCAN_COUNT = 1000

# An account: version, debits, credits, both pending, đồng; state.
Totals = tuple[int, int, int, int, int, str]


@dataclass(frozen=True, slots=True)
class Payment:
    """As the hot ledger has it, đồng; of other payments than those to merchants the last two are empty."""

    amount: int
    refunded: int
    merchant_id: str
    reference: str


def accounts(ledger: redis.Redis, k: Keys) -> dict[str, Totals]:
    """All of them now, by id."""
    rows = _scan(ledger, k.account("*"), lambda pipe, key: pipe.hmget(key, "v", "dp", "cp", "dq", "cq", "s"))
    prefix = len(k.account(""))
    return {key[prefix:]: (*map(int, numbers), state) for key, (*numbers, state) in rows.items()}


def payments(ledger: redis.Redis, k: Keys) -> dict[str, Payment]:
    """All of them now, by id; what is held for an operator's review is not paid."""
    rows = _scan(ledger, k.transfer("pay_*"), lambda pipe, key: pipe.hmget(key, "k", "a", "r", "to", "rf"))
    prefix = len(k.transfer(""))
    return {
        key[prefix:]: Payment(int(amount), int(refunded), merchant_id or "", reference or "")
        for key, (op, amount, refunded, merchant_id, reference) in rows.items()
        if op != "hold"
    }


def _scan(ledger: redis.Redis, pattern: str, read: Callable[[Any, str], object]) -> dict[str, Any]:
    """Rows of all keys that match, read in pipelines."""
    rows: dict[str, Any] = {}
    cursor: Any = 0
    found: Any
    while True:
        cursor, found = ledger.scan(cursor, match=pattern, count=SCAN_COUNT)
        if found:
            with ledger.pipeline(transaction=False) as pipe:
                for key in found:
                    read(pipe, key)
                rows.update(zip(found, pipe.execute(), strict=True))
        if cursor == 0:
            return rows


@dataclass(slots=True)
class Since:
    """What the journal holds behind the replayed books: every account at every version, payments and what was given
    back of each."""

    accounts: dict[tuple[str, int], Totals]
    payments: dict[str, int]
    refunded: Counter[str]


def since(books: fold.Books, last: int) -> Since:
    """Reads on up to event `last`, which was the ledger's last one after it had been read."""
    found = Since({}, {}, Counter())
    states = {account_id: book.state for account_id, book in books.accounts.items()}
    for event in store.events(books.seq + 1, last):
        if event.result != "OK":
            continue
        if event.op in ("open", "merchant", "state"):
            states[event.transfer_id] = event.change.partition(",")[0]
        for leg in event.legs:
            found.accounts[leg.account_id, leg.version] = (
                leg.version, leg.debits, leg.credits, leg.debits_pending, leg.credits_pending,
                states.get(leg.account_id, ""),
            )  # fmt: skip
        if event.op in ("pay", "capture"):
            found.payments[event.transfer_id] = int(event.amount)
        elif event.op in ("refund", "reverse"):
            found.refunded[event.related] += int(event.amount)
    return found


def compare(hot: Mapping[str, Totals], books: fold.Books, since: Since) -> tuple[Check, int]:
    """Hot accounts against the books' at equal versions, and none missing on either side; how many had moved."""
    findings, moving = [], 0
    for account_id, now in hot.items():
        book = books.accounts.get(account_id)
        if book is not None and now[0] <= book.version:
            told: Totals | None = _totals(book)
            if fold.overdrawn(_as(book, now)):
                findings.append(f"{account_id} is negative")
        else:
            told, moving = since.accounts.get((account_id, now[0])), moving + 1
        if told is None:
            findings.append(f"{account_id}: ledger {now}, and no event made it so")
        elif now != told:
            findings.append(f"{account_id}: ledger {now}, books {told}")
    findings += [f"{account_id} is in the books only" for account_id in sorted(set(books.accounts) - set(hot))]
    return Check(
        "hot ledger and books agree, no account is negative", f"{len(hot)} accounts", findings[:FINDINGS_MAX]
    ), moving


def _as(book: fold.BookAccount, now: Totals) -> fold.BookAccount:
    version, debits, credits, debits_pending, credits_pending, state = now
    return replace(
        book, version=version, debits=debits, credits=credits, debits_pending=debits_pending,
        credits_pending=credits_pending, state=state,
    )  # fmt: skip


def _totals(book: fold.BookAccount) -> Totals:
    return book.version, book.debits, book.credits, book.debits_pending, book.credits_pending, book.state


def compare_payments(hot: Mapping[str, Payment], books: fold.Books, since: Since) -> Check:
    """Every payment of the books is in the hot ledger with what was given back of it, and the reverse."""
    findings = []
    for payment_id, one in hot.items():
        paid, given_back = books.payments.get(payment_id) or (since.payments.get(payment_id), 0)
        if paid is None:
            findings.append(f"{payment_id} is in the ledger only")
        elif paid != one.amount or not 0 <= one.refunded - given_back <= since.refunded[payment_id]:
            findings.append(f"{payment_id}: ledger {(one.amount, one.refunded)}, books {(paid, given_back)}")
    findings += [f"{payment_id} is in the books only" for payment_id in sorted(set(books.payments) - set(hot))]
    return Check("an event's payment is in the ledger and the reverse", f"{len(hot)} payments", findings[:FINDINGS_MAX])
