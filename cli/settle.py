"""`cho settle`: closes the open window of the running stack and shows who owes whom."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from cli import people
from cli.api import Api, ApiError
from cli.stack import attach, gateway_url
from kit.config import settings
from kit.money import format_vnd


def close_window(operator: Api) -> int:
    """Closes the window that is open now; its number. Raises ApiError."""
    window = int(operator.get("/v1/windows", limit=1)["windows"][0]["window"])
    operator.post(f"/v1/windows/{window}/close")
    return window


def show_positions(operator: Api, window: int, console: Console) -> int:
    """Prints the net positions of a closed window; returns their sum, which is zero."""
    reply = operator.get(f"/v1/windows/{window}/positions")
    of = reply["window"]
    table = Table(title=f"Window {window}: {of['payments']} payments, {of['refunds']} refunds", title_justify="left")
    for column in ("institution", "name", "owes", "is owed", "net"):
        table.add_column(column, justify="left" if column in ("institution", "name") else "right")
    total = 0
    for line in reply["positions"]:
        net = int(line["net"])
        total += net
        table.add_row(
            line["institution"], line["name"], format_vnd(int(line["debits"])), format_vnd(int(line["credits"])),
            format_vnd(net),
        )  # fmt: skip
    table.add_section()
    table.add_row("", "sum", "", "", format_vnd(total))
    console.print(table)
    return total


def settle(
    phone: str = typer.Option(people.OPERATOR.phone, help="An operator's phone."),
    pin: str = typer.Option(people.PIN, envvar="CHO_PIN", help="Their PIN; CHO_PIN keeps it out of the history."),
) -> None:
    """Close the open settlement window and print the net position of every institution."""
    attach()
    try:
        with Api(gateway_url(settings())) as api:
            operator = api.sign_in(phone, pin)
            total = show_positions(operator, close_window(operator), Console())
    except (ApiError, OSError) as error:
        typer.echo(f"cannot settle: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if total == 0 else 1)
