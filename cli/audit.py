"""`cho audit`: every invariant of the ledger, its books, and what is sold (cli/audit_market.py), on a running stack.

The journal is replayed from its first event and checked on the way; the hot ledger is then compared with it. On a
stack with traffic, accounts that moved on since the journal was read are counted, not compared.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import redis
import typer
from rich.console import Console
from rich.table import Table

from cli.audit_check import FINDINGS_MAX, Check
from cli.audit_market import SETTLE_S_MAX, Ledger, market_checks, named_payments
from cli.stack import attach
from kit.config import settings
from kit.mongo import connect, disconnect
from kit.streams.entry import ReaderStopped
from services.payments.store.keys import Keys, keys
from services.settlement import fold, positions, store
from services.settlement.books import verify

CATCH_UP_S_MAX = 60
SCAN_COUNT = 1000

Named = dict[tuple[str, str], frozenset[str]]


@dataclass(slots=True)
class Audit:
    """The outcome. `seq`: last event that was looked at; `moving`: accounts that changed meanwhile."""

    seq: int
    chain_head: str
    checks: list[Check]
    moving: int = 0

    @property
    def balanced(self) -> bool:
        return not any(check.findings for check in self.checks)

    def as_dict(self) -> dict[str, object]:
        return {
            "balanced": self.balanced,
            "seq": self.seq,
            "chain_head": self.chain_head,
            "moving_accounts": self.moving,
            "checks": [
                {"name": c.name, "over": c.over, "ok": not c.findings, "findings": c.findings} for c in self.checks
            ],
        }


def run(settle_s: float = SETTLE_S_MAX) -> Audit:
    """Audits the stack that the settings point to; what is sold has `settle_s` seconds to tie.

    Raises RuntimeError where the books do not catch up in 60 s.
    """
    ledger = redis.Redis.from_url(settings().ledger_url, decode_responses=True, protocol=2)
    connect("settlement")
    try:
        seq = _await_books(ledger)
        outcome, books, named = _audit(ledger, keys(), seq)
        disconnect()
        outcome.checks += market_checks(Ledger(ledger, keys(), books, named), settle_s)
    finally:
        disconnect()
        ledger.close()
    return outcome


def _await_books(ledger: redis.Redis) -> int:
    """The hot ledger's last event now, once the books have it."""
    wanted = int(ledger.hget(keys().meta, "seq") or 0)
    deadline = time.monotonic() + CATCH_UP_S_MAX
    while store.head().seq < wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"books at {store.head().seq}, ledger at {wanted}: is settlement working?")
        time.sleep(0.05)
    return wanted


def _audit(ledger: redis.Redis, k: Keys, seq: int) -> tuple[Audit, fold.Books, Named]:
    """The ledger and its books; then the books, and the hot payments that name orders."""
    audited = verify.audit_books(seq)
    books, verified = audited.books, audited.verified
    chain = Check("hash chain verifies and has no gap", f"{seq} events", [str(found) for found in verified.findings])
    numbers = sorted(books.closings)
    compared, moving = _compare(ledger, k, books)
    rows = _scan(ledger, k.transfer("pay_*"), lambda pipe, key: pipe.hmget(key, "a", "r", "q", "k", "to", "rf"))
    outcome = Audit(
        seq,
        verified.head.hex(),
        [
            chain,
            Check("every event follows from the ones before", f"{books.transfers} transfers", books.findings),
            Check(
                "debits equal credits, and each trust account covers what its telecom owes",
                f"{len(books.accounts)} accounts",
                fold.balance_findings(books.accounts),
            ),
            compared,
            _transfers(rows, k, books),
            Check(
                "every posting is in exactly one window", f"{len(numbers)} closed windows", audited.window_findings()
            ),
            _positions(numbers),
        ],
        moving,
    )
    return outcome, books, named_payments(rows, k.transfer(""))


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


def _compare(ledger: redis.Redis, k: Keys, books: fold.Books) -> tuple[Check, int]:
    """Hot accounts against the books' at equal versions, and none missing on either side."""
    rows = _scan(ledger, k.account("*"), lambda pipe, key: pipe.hmget(key, "v", "dp", "cp", "dq", "cq", "s"))
    prefix, findings, moving = len(k.account("")), [], 0
    for key, (*numbers, state) in rows.items():
        version, debits, credits, debits_pending, credits_pending = map(int, numbers)
        account_id = key[prefix:]
        book = books.accounts.get(account_id)
        if book is None or version > book.version:
            moving += 1
            continue
        hot = replace(
            book, version=version, debits=debits, credits=credits, debits_pending=debits_pending,
            credits_pending=credits_pending, state=state,
        )  # fmt: skip
        if fold.overdrawn(hot):
            findings.append(f"{account_id} is negative")
        if hot != book:
            findings.append(f"{account_id}: ledger {_totals(hot)}, books {_totals(book)}")
    missing = set(books.accounts) - {key[prefix:] for key in rows}
    findings += [f"{account_id} is in the books only" for account_id in sorted(missing)]
    return Check(
        "hot ledger and books agree, no account is negative", f"{len(rows)} accounts", findings[:FINDINGS_MAX]
    ), moving


def _totals(book: fold.BookAccount) -> tuple[int, int, int, int, int, str]:
    return book.version, book.debits, book.credits, book.debits_pending, book.credits_pending, book.state


def _transfers(rows: dict[str, Any], k: Keys, books: fold.Books) -> Check:
    """Every payment of the books is in the hot ledger with what was given back of it, and the reverse."""
    prefix, findings = len(k.transfer("")), []
    for key, (amount, refunded, seq, op, _, _) in rows.items():
        if int(seq) > books.seq or op == "hold":  # held for an operator's review: not paid
            continue
        kept = books.payments.get(key[prefix:])
        if kept is None:
            findings.append(f"{key[prefix:]} is in the ledger only")
        elif kept[0] != int(amount) or kept[1] > int(refunded):
            findings.append(f"{key[prefix:]}: ledger {(int(amount), int(refunded))}, books {kept}")
    missing = set(books.payments) - {key[prefix:] for key in rows}
    findings += [f"{payment_id} is in the books only" for payment_id in sorted(missing)]
    return Check(
        "an event's payment is in the ledger and the reverse", f"{len(rows)} payments", findings[:FINDINGS_MAX]
    )


def _positions(numbers: list[int]) -> Check:
    findings = []
    for number in numbers:
        closed = store.window(number)
        try:
            if closed is not None:
                lines = store.with_positions(closed).lines
                positions.check(positions.WindowTotals({n.institution: positions.Line(
                    n.institution, n.debits, n.credits) for n in lines}))  # fmt: skip
        except AssertionError as difference:
            findings.append(f"window {number}: {difference}")
    return Check("net positions sum to zero", f"{len(numbers)} closed windows", findings)


def show(audit: Audit, console: Console) -> None:
    """Prints the audit for people."""
    table = Table(title=f"Audit up to event {audit.seq}", title_justify="left")
    table.add_column("")
    table.add_column("invariant")
    table.add_column("over")
    for check in audit.checks:
        table.add_row("[red]✗" if check.findings else "[green]✓", check.name, check.over)
        for finding in check.findings:
            table.add_row("", f"[red]{finding}", "")
    console.print(table)
    console.print(f"Chain head {audit.chain_head}")
    if audit.moving:
        console.print(f"{audit.moving} accounts moved meanwhile and were not compared.")
    console.print("[green]balanced" if audit.balanced else "[red bold]NOT BALANCED")


def audit(as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table.")) -> None:
    """Checks every invariant of ledger and books on the running stack; exits 1 where one fails."""
    attach()
    try:
        outcome = run()
    except (RuntimeError, ReaderStopped) as error:
        typer.echo(f"audit impossible: {error}", err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), ensure_ascii=False, indent=2))
    else:
        show(outcome, Console())
    raise typer.Exit(0 if outcome.balanced else 1)
