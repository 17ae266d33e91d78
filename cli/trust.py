"""`cho trust`: the signed statement of a telecom's guarantee account for a closed day, and whether one is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from cli import people
from cli.desk import PIN, nobody, signed_in
from kit.money import format_vnd
from services.settlement import trust

app = typer.Typer(no_args_is_help=True)
_AMOUNTS = (
    "trust_opening", "trust_closing", "wallets", "agents", "organisations", "reserve", "clearing", "least_cover",
)  # fmt: skip


@app.command("statement")
def statement(
    telecom: str = typer.Argument(help="VIETTEL, VNPT or MOBIFONE."),
    day: str = typer.Argument(help="A closed day in Vietnam, yyyy-mm-dd."),
    out: Path | None = typer.Option(None, help="Where to write the signed text; shown otherwise."),
    phone: str = typer.Option(people.AUDITOR.phone, help="Your phone."),
    pin: str = PIN,
) -> None:
    """Gets a day's statement from the running stack."""
    with signed_in(phone, pin) as api:
        made = api.get(f"/v1/trust/{telecom}/{day}")
    _show(made, f"{telecom} on {day}")
    if out is None:
        typer.echo(made["signed"])
    else:
        out.write_text(made["signed"] + "\n")
        typer.echo(f"signed statement: {out}")
    raise typer.Exit(0 if made["covered"] else 1)


@app.command("verify")
def verify(
    file: Path = typer.Argument(help="A signed statement."),
    keys: Path | None = typer.Option(None, help="The JWKS that it is checked with; the running stack's otherwise."),
) -> None:
    """Says whether a statement was signed by the platform and is unchanged, and what it says."""
    if keys is None:
        with nobody() as api:
            known: dict[str, Any] = api.get("/v1/trust/keys")
    else:
        known = json.loads(keys.read_text())
    try:
        said = trust.verify(file.read_text(), known)
    except trust.NotTrusted as error:
        typer.echo(f"NOT TRUSTED: {error}")
        raise typer.Exit(1) from error
    _show(said, f"{said['telecom']} on {said['day']}, cell {said['cell']}: the signature is right")


def _show(said: dict[str, Any], title: str) -> None:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name in _AMOUNTS:
        table.add_row(name.replace("_", " "), format_vnd(int(said[name])))
    table.add_row("covered at every moment", "yes" if said["covered"] else "NO")
    table.add_row("up to event", str(said["last_seq"]))
    Console().print(table)
