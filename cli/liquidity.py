"""`cho liquidity`: what telecoms deposited, how much they may owe until they settle, and how much of that they do."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console

from cli.desk import PHONE, PIN, signed_in, table
from kit.ids import new_key
from kit.money import format_vnd
from services.settlement.names import TELECOMS, name_of

app = typer.Typer(no_args_is_help=True)

TELECOM = typer.Argument(help=", ".join(TELECOMS))
AMOUNT = typer.Argument(min=1, help="Đồng.")
REFERENCE = typer.Option("", help="What the settlement bank calls it.")
KEY = typer.Option("", help="The key of an attempt whose answer was lost: with it nothing is done twice.")


@app.command("show")
def show(
    telecom: str = typer.Argument("", help=f"{', '.join(TELECOMS)}; all of them otherwise."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Show deposits, positions and caps; an officer sees their own telecom."""
    with signed_in(phone, pin) as api:
        names = [telecom] if telecom else [str(api.user["institution"])] if api.user["institution"] else [*TELECOMS]
        _show([api.get(f"/v1/liquidity/{name}")["liquidity"] for name in names])


@app.command("deposit")
def deposit(
    telecom: str = TELECOM, amount: int = AMOUNT, reference: str = REFERENCE, key: str = KEY, phone: str = PHONE,
    pin: str = PIN,
) -> None:  # fmt: skip
    """Record what a telecom deposited at the settlement bank."""
    _move(telecom, amount, reference, key, phone, pin)


@app.command("withdraw")
def withdraw(
    telecom: str = TELECOM, amount: int = AMOUNT, reference: str = REFERENCE, key: str = KEY, phone: str = PHONE,
    pin: str = PIN,
) -> None:  # fmt: skip
    """Record what a telecom took back; refused where its cap needs the deposit."""
    _move(telecom, -amount, reference, key, phone, pin)


@app.command("cap")
def cap(
    telecom: str = TELECOM,
    amount: int | None = typer.Argument(None, min=0, help="Đồng: how much it may owe in windows not settled."),
    uncapped: bool = typer.Option(False, "--uncapped", help="Take the cap away."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Set a telecom's net debit cap: at most what it deposited."""
    if uncapped == (amount is not None):
        raise typer.BadParameter("either an amount or --uncapped")
    wanted: dict[str, Any] = {"uncapped": True} if uncapped else {"net_debit_cap": amount}
    with signed_in(phone, pin) as api:
        _show([api.post(f"/v1/liquidity/{telecom}/cap", **wanted)["liquidity"]])


def _move(telecom: str, amount: int, reference: str, key: str, phone: str, pin: str) -> None:
    key = key or new_key()
    # Told before it is sent: whoever gets no answer asks again with it.
    typer.echo(f"key {key}", err=True)
    with signed_in(phone, pin) as api:
        path = f"/v1/liquidity/{telecom}"
        done = api.post(path, idempotency_key=key, amount=amount, reference=reference)
        typer.echo(f"posted: {done['transfer_id']}")
        _show([done["liquidity"]])


def _show(found: list[dict[str, Any]]) -> None:
    rows = table("Liquidity", "telecom", "name", "deposited>", "owes now>", "may owe>", "left>")
    for one in found:
        owes, most = int(one["position"]), int(one["net_debit_cap"])
        may, left = ("no cap", "") if one["uncapped"] else (format_vnd(most), format_vnd(most - owes))
        rows.add_row(
            one["telecom"], name_of(one["telecom"]), format_vnd(int(one["deposited"])), format_vnd(owes), may, left
        )
    Console(highlight=False).print(rows)
