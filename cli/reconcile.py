"""`cho reconcile`: compares a bank's statement or a telecom's record with the books, as the clerk does."""

from __future__ import annotations

import fcntl
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import redis
import typer
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from cli.breaks import counted
from cli.desk import NOT_DONE, plain, table, unreachable
from cli.stack import attach
from kit.config import settings
from kit.errors import DomainError
from kit.money import format_vnd
from kit.mongo import disconnect
from services.settlement import store
from services.settlement.books.checkpoints import Checkpoints
from services.settlement.clerk import due
from services.settlement.clerk import reconcile as clerk
from services.settlement.clerk.payouts import Desk
from services.settlement.clerk.peers import Later, Peers
from services.settlement.clerk.switched import switched
from services.settlement.intake.reading import fingerprint
from services.settlement.matching import casework
from services.settlement.matching import store as kept
from services.settlement.matching.documents import ReconciliationDocument
from services.settlement.matching.model import Finding, Totals
from services.settlement.names import TELECOMS
from services.settlement.napas_layout import FileName
from services.settlement.records import FileRefused

LOCK_S_MAX = 60.0
SHOWN_MAX = 50
LOOK_EVERY_S = 0.2
RECORD_HEADER = b"transfer_id,time,operation,side,amount,currency"
_RECORD = re.compile(r"record\.W(\d{6})-([A-Z0-9]+)(?:[.-].+)?\.csv")


@dataclass(frozen=True, slots=True)
class BreakRow:
    """One break of a comparison, đồng."""

    break_id: str
    type: str
    detail: str
    reference: str
    difference: int
    at_risk: int
    severity: str


@dataclass(frozen=True, slots=True)
class Result:
    """One statement's comparison. `known`: this file was compared before, and this is what it was found then;
    `reconciliation_id` is "" where nothing was stored."""

    stream: str
    reconciliation_id: str
    known: bool
    totals: Totals
    breaks: tuple[BreakRow, ...]

    @property
    def at_risk(self) -> int:
        return sum(found.at_risk for found in self.breaks)


def compare(path: Path, dry_run: bool) -> list[Result]:
    """Compares a file with the books that the settings point to; stores what is found unless `dry_run`.

    Raises FileRefused, Later where payments cannot be reached, TimeoutError where the clerk is at it for a minute.
    """
    home = settings().home
    if dry_run and (before := _compared_before(path)):
        return before
    with tempfile.TemporaryDirectory(prefix="cho-reconcile-") as scratch:
        where = Path(scratch) if dry_run else home
        books = Checkpoints(where / "books" / "checkpoints.sqlite3")
        with closing(books), closing(Peers()) as peers, nullcontext() if dry_run else _alone(home):
            done = _as_the_clerk(Desk(settings(), peers, books, where), path, dry_run)
            return [_result(one) for one in done]


def _as_the_clerk(desk: Desk, path: Path, dry_run: bool) -> list[clerk.Compared]:
    if named := _RECORD.fullmatch(path.name):
        if named[2] not in TELECOMS:
            raise FileRefused("NOT_YOURS", f"{named[2]} is no telecom ({', '.join(TELECOMS)}): look at the file's name")
        return clerk.record(desk, path, named[2], int(named[1]), dry_run)
    if path.suffix == ".dat":
        return switched(desk, path, FileName.parse(path.name).bin, dry_run)
    with path.open("rb") as file:
        if file.read(len(RECORD_HEADER) + 3).removeprefix(b"\xef\xbb\xbf").startswith(RECORD_HEADER):
            raise FileRefused(
                "NAME", "a telecom's record, but whose and of which window? Name it record.W000012-VNPT.csv"
            )
    return clerk.statement(desk, path, dry_run)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """While the clerk is not at work: what it is at, it ends first."""
    deadline = time.monotonic() + LOCK_S_MAX
    with due.lock_of(home).open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the clerk is at work for {LOCK_S_MAX:g} s: try again, or --dry-run") from None
                time.sleep(LOOK_EVERY_S)
        yield


def _compared_before(path: Path) -> list[Result]:
    """What was stored of this very file; what it matched is expected of no other, so a dry run would not find it."""
    sha256 = fingerprint(path)
    found = ReconciliationDocument.objects(sha256=sha256, state="stored")
    return [_stored(kept.reconciliation(one.id), True) for one in found]


def _result(one: clerk.Compared) -> Result:
    if one.kept is not None:
        return _stored(one.kept, one.known)
    assert one.outcome is not None
    return Result(one.scope.stream, "", False, one.outcome.totals, tuple(map(_row, one.outcome.breaks)))


def _row(found: Finding) -> BreakRow:
    reference = found.expected[0].reference if found.expected else found.entries[0].reference
    kind, severity = found.type.value, found.severity.value
    return BreakRow(found.id, kind, found.detail, reference, found.difference, found.at_risk, severity)


def _stored(one: kept.Reconciliation, known: bool) -> Result:
    found, after = [], ""
    while True:
        page, after = casework.of_reconciliation(one.id, after)
        found += page
        if not after:
            break
    rows = tuple(
        BreakRow(b.id, b.type.value, b.detail, b.reference, b.difference, b.at_risk, b.severity.value) for b in found
    )
    return Result(one.stream, one.id, known, one.totals, rows)


# What is shown ----------------------------------------------------------------------------------------------------


def show(results: list[Result], console: Console) -> None:
    """Prints what was found, by type, then break by break."""
    for one in results:
        institution, account, what = one.stream.split("|")
        totals = one.totals
        title = f"{institution}, {account}, {what}: {totals.entries} entries, {totals.expected} expected"
        console.print(plain(title), markup=False)
        rows = table("", "outcome", "how many>", "at risk>")
        rows.add_row("matched", str(totals.matched_expected), "")
        rows.add_row("still has time", str(totals.open), "")
        if totals.passed_over:
            rows.add_row("not booked yet, or for information", str(totals.passed_over), "")
        for type_ in sorted({found.type for found in one.breaks}):
            of = [found for found in one.breaks if found.type == type_]
            rows.add_row(Text(type_, style="red"), str(len(of)), format_vnd(sum(found.at_risk for found in of)))
        console.print(rows)
        _show_breaks(one.breaks, console)
        stored = f"stored as {one.reconciliation_id}" if one.reconciliation_id else "nothing was stored"
        console.print(f"this file was compared before: {one.reconciliation_id}" if one.known else stored)
    breaks, at_risk = sum(len(one.breaks) for one in results), sum(one.at_risk for one in results)
    console.print(f"[red]{counted(breaks)}, {format_vnd(at_risk)} at risk" if breaks else "[green]no breaks")


def _show_breaks(breaks: tuple[BreakRow, ...], console: Console) -> None:
    if not breaks:
        return
    rows = table("Breaks, what is most at risk first", "break", "type", "reference", "theirs less ours>", "at risk>")
    rows.columns[0].no_wrap = True
    for one in sorted(breaks, key=lambda found: (-found.at_risk, found.break_id))[:SHOWN_MAX]:
        difference = format_vnd(one.difference) if one.difference else ""
        kind = f"{one.type} {one.detail}".strip()
        rows.add_row(one.break_id, kind, one.reference, difference, format_vnd(one.at_risk))
    console.print(rows)
    if len(breaks) > SHOWN_MAX:
        console.print(f"... and {len(breaks) - SHOWN_MAX} more: cho breaks ls, or --json")


def as_json(results: list[Result], file: Path, dry_run: bool) -> dict[str, Any]:
    """The same for programs."""
    return {
        "file": file.name,
        "dry_run": dry_run,
        "breaks": sum(len(one.breaks) for one in results),
        "at_risk": sum(one.at_risk for one in results),
        "statements": [
            {
                "stream": one.stream, "reconciliation_id": one.reconciliation_id, "known": one.known,
                "totals": asdict(one.totals), "match_rate": one.totals.match_rate,
                "breaks": [asdict(found) for found in one.breaks],
            }
            for one in results
        ],
    }  # fmt: skip


@contextmanager
def _bar(path: Path, console: Console) -> Iterator[None]:
    """Shows how far this process has read the file (Linux tells), and that it is at it while it compares."""
    ended = threading.Event()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=path.stat().st_size)

        def look() -> None:
            while not ended.wait(LOOK_EVERY_S):
                at = _position(path)
                progress.update(task, description="comparing" if at is None else "reading", completed=at)

        watching = threading.Thread(target=look, daemon=True)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()


def _position(path: Path) -> int | None:
    """Where this process reads a file now, bytes; None where it does not have it open, or the system does not tell."""
    try:
        wanted, at = os.stat(path), None
        for number in os.listdir("/proc/self/fdinfo"):
            try:
                if os.path.samestat(os.fstat(int(number)), wanted):
                    at = int(Path(f"/proc/self/fdinfo/{number}").read_text().split()[1])
            except OSError:  # closed meanwhile
                continue
    except OSError:
        return None
    return at


def reconcile(
    file: Path = typer.Argument(
        exists=True, dir_okay=False, readable=True,
        help="A bank's camt.053/.054/.052, MT940/942 or CSV; a switch's .dat; a telecom's record.W000012-VNPT.csv.",
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only look: nothing is stored, nothing moves."),
    json_: bool = typer.Option(False, "--json", help="One JSON object instead of tables."),
) -> None:  # fmt: skip
    """Compare a file by hand with the books; exit status 0: nothing found, 1: breaks, 2: refused or not reachable."""
    attach()
    console = Console(highlight=False)
    try:
        store.open_store()
        with _bar(file, console):
            results = compare(file, dry_run)
    except FileRefused as why:
        _refused(file, why, json_)
        raise typer.Exit(NOT_DONE) from why
    except (Later, DomainError, PyMongoError, redis.RedisError, OSError) as error:
        typer.echo(f"not compared: {unreachable(error)}", err=True)
        raise typer.Exit(NOT_DONE) from error
    finally:
        disconnect()
    if json_:
        typer.echo(json.dumps(as_json(results, file, dry_run), ensure_ascii=False, indent=2))
    else:
        show(results, console)
    raise typer.Exit(1 if any(one.breaks for one in results) else 0)


def _refused(file: Path, why: FileRefused, json_: bool) -> None:
    if json_:
        said = {"file": file.name, "refused": {"code": why.reason, "line": why.line, "message": str(why)}}
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        typer.echo(plain(f"REFUSED {why.reason}: {file.name}: {why}"), err=True)
        typer.echo("Nothing of it was taken.", err=True)
