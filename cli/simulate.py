"""`cho simulate`: the settlement bank and the telecoms on this machine's exchange folders, and what they do wrong."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from threading import Event

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from kit import clock
from kit.config import settings
from simulators.institutions.__main__ import watch
from simulators.institutions.faults import FILE_KINDS, INSTRUCTION_KINDS, LINE_KINDS, Fault, FaultsBroken, arm
from simulators.institutions.ticks import BANK, TELECOMS, Did, Institutions

app = typer.Typer(no_args_is_help=True)
# Ticks of `--once`: what one answers, the next follows up.
TICKS_MAX = 20
_KINDS = sorted(INSTRUCTION_KINDS | LINE_KINDS | FILE_KINDS)
HOME = typer.Option(None, help="Whose folders: a stack's home; CHO_HOME's otherwise.")


@app.command("institutions")
def institutions(
    once: bool = typer.Option(False, "--once", help="Process what waits, and exit."),
    keep: bool = typer.Option(False, "--watch", help="Stay and look each second (unless told otherwise)."),
    day_end: datetime | None = typer.Option(None, formats=["%Y-%m-%d"], help="This day is over at the bank."),
    home: Path | None = HOME,
) -> None:
    """Run the bank and the telecoms over their exchange folders."""
    _local_only()
    if once and keep:
        raise typer.BadParameter("either --once or --watch")
    where, console = home or settings().home, Console()
    try:
        with closing(Institutions(where)) as them:
            stopped = run_until_quiet(them, day_end.date() if day_end else None, console)
            if stopped or not (keep or (not once and day_end is None)):
                raise typer.Exit(1 if stopped else 0)
            asked = Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: asked.set())
            watch(them, asked, lambda did: show(did, console))
    except sqlite3.OperationalError as error:
        typer.echo(f"{where / 'simulators'}: {error}. Another simulator may be running on it.", err=True)
        raise typer.Exit(2) from error


@app.command("fault")
def fault(
    institution: str = typer.Argument(help=f"{BANK} (the bank), {', '.join(TELECOMS)}."),
    kind: str = typer.Argument(help=", ".join(_KINDS)),
    count: int = typer.Option(1, help="How many it strikes, chosen by the seed."),
    ref: str = typer.Option("", help="Strikes this one: an end-to-end id at the bank, a transfer id at a telecom."),
    seed: int = typer.Option(0, help="The same seed strikes the same."),
    on: str = typer.Option("", help="Only in files of this name (a shell pattern)."),
    reason: str = typer.Option("", help="ISO 20022 reason of a rejection or return, such as AC01."),
    amount: int = typer.Option(0, help="Đồng: how much more, or of an extra line; by the seed otherwise."),
    currency: str = typer.Option("USD", help="Of wrong_currency."),
    days: int = typer.Option(1, help="Of delayed."),
    late_s: int = typer.Option(3600, help="Of late_record, seconds."),
    then_whole: bool = typer.Option(False, help="Of cut_file: the whole file follows."),
    home: Path | None = HOME,
) -> None:
    """Have an institution do something wrong, once or `--count` times."""
    _local_only()
    if institution not in (BANK, *TELECOMS):
        raise typer.BadParameter(f"no such institution: {BANK}, {', '.join(TELECOMS)}")
    if kind not in _KINDS:
        raise typer.BadParameter(f"no such fault: {', '.join(_KINDS)}")
    named = {"end_to_end_id" if institution == BANK else "transfer_id": ref} if ref else {}
    said = {
        "kind": kind, "count": count, "seed": seed, "on": on, "reason": reason, "amount": amount, "currency": currency,
        "days": days, "late_s": late_s, "then_whole": then_whole, **named,
    }  # fmt: skip
    try:
        armed = arm(home or settings().home, institution, Fault.model_validate(said))
    except ValidationError as error:
        raise typer.BadParameter("; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())) from error
    except FaultsBroken as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"{institution} will do it: {armed.kind} ({armed.id})")


def run_until_quiet(them: Institutions, day_end: date | None, console: Console) -> bool:
    """Ticks until there is nothing to do at this time; whether one of them stopped because of its settings."""
    done: list[Did] = []
    for number in range(TICKS_MAX):
        did = them.tick(clock.now(), day_end if number == 0 else None)
        done += did
        if not did or any(one.what == "STOPPED" for one in did):
            break
        # What follows a tick is due a millisecond after it.
        time.sleep(0.002)
    show(done, console)
    return any(one.what == "STOPPED" for one in done)


def show(did: list[Did], console: Console) -> None:
    """Prints what was done."""
    if not did:
        console.print("nothing waits")
        return
    table = Table()
    for column in ("institution", "did", "file", "detail"):
        table.add_column(column, overflow="fold")
    for one in did:
        table.add_row(one.institution, one.what, one.file, re.sub(r"\s+", " ", one.detail))
    console.print(table)


def _local_only() -> None:
    if settings().env != "local":
        typer.echo("The bank and the telecoms move no real money: they run where CHO_ENV=local.", err=True)
        raise typer.Exit(2)
