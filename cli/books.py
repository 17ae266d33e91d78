"""`cho books`: the trial balance, the journal's chain, and archives of closed months."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.desk import NOT_DONE, PHONE, PIN, signed_in, table, unreachable
from cli.stack import attach
from kit.config import settings
from kit.money import format_vnd
from kit.mongo import disconnect
from kit.streams.entry import ReaderStopped
from services.settlement import store
from services.settlement.books import archive as archives
from services.settlement.books import archived, verify
from services.settlement.books.manifest import ArchiveWrong
from services.settlement.proof.finding import Finding

app = typer.Typer(no_args_is_help=True)

# Pages verified between two looks at the bar.
PAGES = 512
FINDINGS_MAX = 50


@app.command("trial")
def trial(
    window: int = typer.Option(0, min=0, help="At this window's closing marker; now otherwise."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Print the trial balance; exit status 1 where it does not hold."""
    console = Console(highlight=False)
    with signed_in(phone, pin) as api:
        found = api.get("/v1/books/trial-balance", window=window)
    at = f"at the closing marker of window {window}" if window else "now"
    rows = table(
        f"Trial balance {at} (event {found['seq']})", "account", "name", "of", "debits>", "credits>", "balance>"
    )
    for line in found["lines"]:
        rows.add_row(
            line["number"], line["name"], line["unit"], format_vnd(int(line["debits"])),
            format_vnd(int(line["credits"])), format_vnd(int(line["balance"])),
        )  # fmt: skip
    rows.add_section()
    rows.add_row("", "sum", "", format_vnd(int(found["debits"])), format_vnd(int(found["credits"])), "")
    console.print(rows)
    for text in found["findings"]:
        console.print(text, style="red", markup=False)
    holds = found["debits"] == found["credits"] and not found["findings"]
    console.print("[green]balanced" if holds else "[red bold]NOT BALANCED")
    raise typer.Exit(0 if holds else 1)


@app.command("verify")
def verify_command() -> None:
    """Verify the journal's chain from the first event: is it what was written? What the events mean: cho audit."""
    console = Console(highlight=False)
    with _books():
        findings = _verify(console)
    _tell(findings[:FINDINGS_MAX], console)
    console.print("[red bold]NOT what was written" if findings else "[green]the journal is what was written")
    raise typer.Exit(1 if findings else 0)


def _verify(console: Console) -> list[Finding]:
    """Stretch by stretch, each from the head before it."""
    findings: list[Finding] = []
    last, entries, size = int(store.head().pages), 0, 0
    with _progress(console) as progress:
        task = progress.add_task("pages", total=last)
        for first in range(1, last + 1, PAGES):
            found = verify.verify_bytes(first, min(last, first + PAGES - 1))
            findings += found.findings
            entries, size = entries + found.entries, size + found.bytes
            progress.update(task, completed=found.page)
    console.print(f"{last} pages, {entries} events, {size / 1e6:.2f} MB; {len(findings)} findings")
    return findings


@app.command("archive")
def archive(
    month: str = typer.Option("", help="yyyy-mm; every month that is over otherwise."),
    out: Path | None = typer.Option(None, help="Where archives are kept; CHO_HOME/archive otherwise."),
) -> None:
    """Archive closed months of the books to files that need no server, and verify all that are there."""
    if month and not re.fullmatch(r"\d{4}-\d{2}", month):
        raise typer.BadParameter("month: yyyy-mm")
    console = Console(highlight=False, soft_wrap=True)
    with _books():
        root = out or settings().home / "archive"
        try:
            with _progress(console) as progress:
                progress.add_task(f"archiving {month or 'closed months'}", total=None)
                done = [archives.archive(root, int(month.replace("-", "")))] if month else archives.archive_closed(root)
                findings = archived.verify_all(root, archives.public_keys()) if done else []
        except archives.MonthOpen as error:
            typer.echo(f"not done: {error}", err=True)
            raise typer.Exit(NOT_DONE) from error
        except ArchiveWrong as error:
            _tell(error.findings, console)
            raise typer.Exit(1) from error
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    if not done:
        console.print("no month is over in the books yet")
    for one in done:
        said, how = one.manifest, "archived" if one.new else "was there, and verifies"
        size = sum(file.bytes for file in said.files)
        console.print(
            f"{said.month}: events {said.first_seq} to {said.last_seq}, {size / 1e6:.1f} MB, {how}: {one.folder}"
        )
    _tell(findings, console)
    raise typer.Exit(1 if findings else 0)


def _tell(findings: Iterable[Finding], console: Console) -> None:
    for found in findings:
        console.print(f"{found.code}  {found.name}: {found.text}", style="red", markup=False)


@contextmanager
def _books() -> Iterator[None]:
    """The running stack's journal. What cannot be reached or read ends the command, with exit status 2."""
    attach()
    try:
        store.open_store()
        yield
    except (PyMongoError, ReaderStopped) as error:
        typer.echo(f"not done: {unreachable(error)}", err=True)
        raise typer.Exit(NOT_DONE) from error
    finally:
        disconnect()


def _progress(console: Console) -> Progress:
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
