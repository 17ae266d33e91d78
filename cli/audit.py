"""`cho audit`: every invariant of the ledger, its books, and what is sold (cli/audit_market.py), on a running stack.

The journal is replayed from its first event and checked on the way; the hot ledger is then compared with it. What moved
on since the journal was read is compared with the events that moved it: what no event made is found.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import redis
import typer
from rich.console import Console
from rich.table import Table

from cli import audit_hot
from cli.audit_check import Check
from cli.audit_market import SETTLE_S_MAX, Ledger, market_checks, named_payments
from cli.stack import attach
from kit.config import settings
from kit.mongo import connect, disconnect
from kit.streams.entry import ReaderStopped
from services.payments.store.keys import Keys, keys
from services.settlement import fold, positions, store
from services.settlement.books import verify

CATCH_UP_S_MAX = 60

Named = dict[tuple[str, str], frozenset[str]]


@dataclass(slots=True)
class Audit:
    """The outcome. `seq`: last event that was replayed; `moving`: accounts that changed meanwhile."""

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
    accounts, payments = audit_hot.accounts(ledger, k), audit_hot.payments(ledger, k)
    since = audit_hot.since(books, _await_books(ledger))
    compared, moving = audit_hot.compare(accounts, books, since)
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
            audit_hot.compare_payments(payments, books, since),
            Check(
                "every posting is in exactly one window", f"{len(numbers)} closed windows", audited.window_findings()
            ),
            _positions(numbers),
        ],
        moving,
    )
    return outcome, books, named_payments(payments)


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
        console.print(f"{audit.moving} accounts moved meanwhile and were compared with what moved them.")
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
