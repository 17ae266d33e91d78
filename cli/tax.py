"""`cho tax`: sales books, the law's thresholds and who is near them, and invoices on their way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from cli import people
from cli.desk import NOT_DONE, PHONE, PIN, Rows, moment, nobody, signed_in, table
from kit.money import format_vnd

app = typer.Typer(no_args_is_help=True)
FORMATS = ("csv", "xlsx", "pdf")
LISTED_MAX = 100
_AUDITOR = typer.Option(people.AUDITOR.phone, help="Your phone.")
_MERCHANT = typer.Argument(help="mer_...")
_YEAR = typer.Argument(help="A calendar year in Vietnam.")


@app.command("book")
def book(
    merchant: str = _MERCHANT,
    year: int = _YEAR,
    out: Path | None = typer.Option(None, help="Where to write it, as .csv, .xlsx or .pdf; shown otherwise."),
    phone: str = _AUDITOR,
    pin: str = PIN,
) -> None:
    """The sales book of a merchant's tax code: months, totals, thresholds; with --out every sale and refund."""
    if out is not None and out.suffix[1:] not in FORMATS:
        typer.echo(f"not done: --out ends in .{', .'.join(FORMATS)}", err=True)
        raise typer.Exit(NOT_DONE)
    with signed_in(phone, pin) as api:
        path = f"/v1/merchants/{merchant}/sales-book/{year}"
        if out is not None:
            out.write_bytes(api.download(f"{path}/file", format=out.suffix[1:]))
            typer.echo(f"sales book: {out}")
            return
        _show(api.get(path))


@app.command("near")
def near(year: int = _YEAR, phone: str = PHONE, pin: str = PIN) -> None:
    """Tax codes whose revenue of a year is near a threshold or over it, the largest first."""
    with signed_in(phone, pin) as api:
        found = api.get(f"/v1/tax/thresholds/{year}/sellers")
    rows = table(
        f"{year}: near a threshold, or over it", "merchant", "name", "tax code", "revenue", "thresholds"
    )  # fmt: skip
    for seller in found["sellers"]:
        told = ", ".join(
            f"{one['threshold']['rule']} {_standing(one)}" for one in seller["thresholds"]
        )  # fmt: skip
        revenue = format_vnd(int(seller["revenue"]))
        rows.add_row(seller["merchant_id"], seller["name"], seller["tax_code"], revenue, told)
    Console().print(rows)
    if found["more"]:
        typer.echo("and more")


@app.command("thresholds")
def thresholds() -> None:
    """The thresholds as this platform has them: dated, with where each comes from and how sure that is."""
    with nobody() as api:
        found = api.get("/v1/tax/thresholds")["thresholds"]
    rows = Rows("rule", "a year", "from", "until", "how sure", "source", "note")
    for rule in found:
        rows.add_row(
            rule["rule"], format_vnd(int(rule["amount"])), rule["from_day"] or "?", rule["until_day"] or "",
            rule["certainty"].removeprefix("CERTAINTY_").lower(), rule["source"], rule["note"],
        )  # fmt: skip
    Console().print(rows)


@app.command("invoices")
def invoices(merchant: str = _MERCHANT, phone: str = _AUDITOR, pin: str = PIN) -> None:
    """A merchant's newest invoices, and how far each is on its way to the tax authority."""
    with signed_in(phone, pin) as api:
        found = api.get(f"/v1/merchants/{merchant}/invoices", page_size=LISTED_MAX)["invoices"]
    rows = Rows("symbol", "number", "code", "issued", "what", "amount", "delivery", "order")
    for one in found:
        delivery = one["delivery"].removeprefix("INVOICE_DELIVERY_").lower()
        rows.add_row(
            one["symbol"], one["number"], one["authority_code"], moment(one["issued_at"]),
            one["kind"].removeprefix("INVOICE_KIND_").lower(), format_vnd(int(one["amount"])),
            f"{delivery}: {one['delivery_reason']}" if one["delivery_reason"] else delivery, one["order_id"],
        )  # fmt: skip
    Console().print(rows)


def _show(found: dict[str, Any]) -> None:
    upto = moment(found["as_of"])
    title = f"{found['name']}, tax code {found['tax_code'] or 'not known'}, {found['year']}, up to {upto} in Vietnam"
    rows = table(title, "month", "sales", "refunds", "revenue", "fees", "running revenue")
    for month in found["months"]:
        rows.add_row(str(month["month"]), *_amounts(month["totals"]), format_vnd(int(month["running_revenue"])))
    rows.add_row("", *_amounts(found["totals"]), "")
    console = Console()
    console.print(rows)
    for one in found["thresholds"]:
        rule = one["threshold"]
        console.print(
            f"{rule['rule']}: {_standing(one)}, {format_vnd(int(one['left']))} left of"
            f" {format_vnd(int(rule['amount']))}",
            markup=False,
        )
    if not found["whole"]:
        console.print("Not every stall of this tax code is in it.")


def _amounts(totals: dict[str, Any]) -> list[str]:
    return [format_vnd(int(totals[name])) for name in ("sales", "refunds", "revenue", "fees")]


def _standing(one: dict[str, Any]) -> str:
    return str(one["standing"]).removeprefix("STANDING_").lower()
