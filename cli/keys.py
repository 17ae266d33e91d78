"""`cho keys`: turning the keys of what is encrypted at rest (docs/privacy.md)."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from cryptography.exceptions import InvalidTag

from cli.stack import attach
from kit import mongo
from kit.config import SERVICES
from kit.reseal import Pass, Sealed, reseal

app = typer.Typer(no_args_is_help=True)

# A document that somebody changes at that moment is met again in the next pass.
PASSES_MAX = 5


@app.callback()
def _group() -> None:
    """Keeps `rotate` a command of its own while it is the only one."""


@app.command()
def rotate(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Encrypt everything under CHO_FIELD_KEY that an older key (CHO_FIELD_KEYS_OLD) encrypted.

    May be broken off and run again at any time; services run meanwhile. Exit status 0: no older key is needed any more.
    """
    attach()
    report: list[dict[str, Any]] = []
    for service in SERVICES:
        if find_spec(f"services.{service}.sealed") is None:
            continue
        mongo.connect(service)
        try:
            report += [
                _rotate(service, sealed, quiet=as_json) for sealed in import_module(f"services.{service}.sealed").SEALED
            ]
        finally:
            mongo.disconnect()
    if as_json:
        typer.echo(json.dumps(report))
    if any(line["missed"] or line["failed"] for line in report):
        raise typer.Exit(1)


def _rotate(service: str, sealed: Sealed, *, quiet: bool) -> dict[str, Any]:
    name = f"{service} {sealed.document._get_collection_name()}.{sealed.path}"
    done, outcome, failed = 0, Pass(0, 0, 0), ""
    try:
        for _ in range(PASSES_MAX):
            outcome = reseal(sealed, lambda seen: None if quiet else typer.echo(f"\r{name}: {seen}", nl=False))
            done += outcome.done
            if not outcome.missed:
                break
    except InvalidTag:
        failed = "a value is of no key here: add its key to CHO_FIELD_KEYS_OLD and run this again"
    if not quiet:
        typer.echo(
            f"\r{name}: {outcome.seen} documents, {done} encrypted anew, {outcome.missed} left {failed}".rstrip()
        )
    return {"field": name, **asdict(outcome), "done": done, "failed": failed}
