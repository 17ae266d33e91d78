"""`cho`: the operator's tool."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer

COMMANDS = {
    "up": ("cli.stack", "up"),
    "status": ("cli.stack", "status"),
    "demo": ("cli.demo", "demo"),
    "audit": ("cli.audit", "audit"),
    "trace": ("cli.trace", "trace"),
    "onboard": ("cli.onboard", "onboard"),
    "reconcile": ("cli.reconcile", "reconcile"),
    "failover": ("cli.failover", "failover"),
    "reattach": ("cli.failover", "reattach_copy"),
    "degrade": ("cli.failover", "degrade"),
    "chaos": ("cli.chaos", "chaos"),
    "serve": ("cli.processes", "serve"),
    "work": ("cli.processes", "work"),
}
GROUPS = {
    "settle": ("cli.settle", "Close the open window and print who owes whom; look at windows, their proofs and files."),
    "breaks": ("cli.breaks", "What does not match: look, assign, propose, approve."),
    "payouts": ("cli.payouts", "What merchants are paid out, and the files that wait for a release."),
    "liquidity": ("cli.liquidity", "Telecoms' deposits and net debit caps."),
    "books": ("cli.books", "Trial balance, verification, archive of closed months."),
    "qr": ("cli.qr", "Read QR payment codes."),
    "events": ("cli.events", "Look at streams, lag and dead letters."),
    "disburse": ("cli.disburse", "Pay many from a file."),
    "recall": ("cli.recall", "Recall a lot for food safety: its orders, and their money back."),
    "trust": ("cli.trust", "Signed statements of the guarantee accounts."),
    "tax": ("cli.tax", "Sales books, thresholds of revenue, and invoices on their way."),
    "keys": ("cli.keys", "Turn the keys of what is encrypted at rest."),
    "ledger": ("cli.ledger", "Make the hot ledger anew from the books, or compare the two."),
    "limits": ("cli.limits", "Limits and velocity rules."),
    "simulate": ("cli.simulate", "A bank and telecoms to talk to, with faults on demand."),
    "bench": ("cli.bench", "Measure."),
}


def app() -> None:
    """Runs the command that the arguments name. Only its module is imported: `cho up` stays for days, and small."""
    tool = typer.Typer(
        help="Chợ 4.0: payments and a marketplace for local markets.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,
    )
    tool.callback()(_callback)
    named = set(sys.argv[1:2]) & (COMMANDS.keys() | GROUPS.keys())
    for name, (module, function) in COMMANDS.items():
        if name in (named or COMMANDS):
            tool.command(name)(_get(module, function))
    for name, (module, text) in GROUPS.items():
        if name in (named or GROUPS):
            tool.add_typer(_get(module, "app"), name=name, help=text)
    tool()


def _callback() -> None:
    """Keeps a tool with one registered command from taking its name for an argument."""


def _get(module: str, name: str) -> Any:
    return getattr(import_module(module), name)
