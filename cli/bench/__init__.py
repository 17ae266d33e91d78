"""`cho bench`: measurements. Figures are for comparing, on one machine in one run. A command a file."""

from __future__ import annotations

import typer

from cli.bench import arrivals, ledger, payments, stall

app = typer.Typer(no_args_is_help=True)
app.command("payments")(payments.payments)
app.command("open")(arrivals.open_loop)
app.command("stall")(stall.stall)
app.command("ledger")(ledger.ledger)
app.command("memory")(ledger.memory)
