"""`cho trace PAYMENT_ID`: one payment's whole story, from every store, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from cli.stack import attach
from kit.clock import VIETNAM, from_ms
from kit.config import settings

NOT_KNOWN, NOT_ASKED = 1, 2
# Of what is known, in characters.
WIDTH = 96


def trace(
    payment_id: Annotated[str, typer.Argument(help="A payment, refund or any other transfer: pay_..., rfd_...")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Tell what every store knows of a payment, with times; exit status 1 where neither ledger nor books know it or two
    stores differ, 2 where a store could not be asked."""
    from cli import teller  # what it reads with is heavy; `cho --help` does without

    attached = attach()
    told = teller.tell(payment_id)
    if as_json:
        typer.echo(json.dumps(told.as_dict(), ensure_ascii=False))
    else:
        _print(told)
        if told.unasked and not attached:
            typer.secho(f"No stack runs in {settings().home.resolve()}; cho up starts one.", fg="red")
    if told.findings:
        raise typer.Exit(NOT_KNOWN)
    raise typer.Exit(NOT_ASKED if told.unasked else 0 if told.known else NOT_KNOWN)


def _print(told: Any) -> None:
    for one in told.chapters:
        if not one.missing:
            typer.secho(f"{_time(one.at_ms):<24}{one.store}: {one.what}", bold=True)
            for line in _facts(one.facts):
                typer.echo(" " * 24 + line)
    for one in told.chapters:
        if one.missing:
            why = "could not be asked" if one.unreachable else "not found here"
            typer.secho(f"{why}: {one.store}, {one.what}: {one.missing}", dim=not one.unreachable)
    for finding in told.findings:
        typer.secho(finding, fg="red", bold=True)
    if told.unasked:
        typer.secho(f"{', '.join(told.unasked)} could not be asked: this is not all of it.", fg="red")
    elif not told.known:
        typer.secho(f"Neither ledger nor books know {told.payment_id}.", fg="red")


def _time(at_ms: int | None) -> str:
    """Vietnam's, to the millisecond."""
    if at_ms is None:
        return ""
    return from_ms(at_ms).astimezone(VIETNAM).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def _facts(facts: dict[str, Any]) -> Iterator[str]:
    """Names and values, as many to a line as fit; a posting a line."""
    line = ""
    for name, value in facts.items():
        if name == "legs":
            continue
        said = f"{name} {value}"
        if line and len(line) + len(said) + 2 > WIDTH:
            yield line + ","
            line = said
        else:
            line = f"{line}, {said}" if line else said
    yield from filter(None, [line])
    for leg in facts.get("legs", ()):
        side = {"d": "debit", "c": "credit"}.get(leg["side"], leg["side"])
        yield f"{side:<6} {leg['amount']:>15} {leg['account']} (version {leg['version']})"
