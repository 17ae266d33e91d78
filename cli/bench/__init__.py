"""`cho bench`: measurements. Figures are for comparing, on one machine in one run. A command a file."""

from __future__ import annotations

import typer

from cli.bench import (
    arrivals,
    checkout,
    compare,
    connections,
    gateways,
    growth,
    ledger,
    live_sale,
    onboarding,
    overload,
    payments,
    search,
    settlement,
    stall,
)

app = typer.Typer(no_args_is_help=True)
app.command("payments")(payments.payments)
app.command("open")(arrivals.open_loop)
app.command("connections")(connections.connections)
app.command("overload")(overload.overload)
app.command("stall")(stall.stall)
app.command("gateways")(gateways.gateways)
app.command("ledger")(ledger.ledger)
app.command("memory")(ledger.memory)
app.command("growth")(growth.growth)
app.command("settlement")(settlement.settlement)
app.command("onboarding")(onboarding.onboarding)
app.command("search")(search.search)
app.command("live-sale")(live_sale.live_sale)
app.command("checkout")(checkout.checkout)
app.command("compare")(compare.compare)
