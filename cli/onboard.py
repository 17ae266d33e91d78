"""`cho onboard`: a whole market from a spreadsheet: checked first, then submitted row by row, with progress."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli import desk, people
from cli.api import Api
from kit.ids import new_key
from services.onboarding.bulk.job import PART_BYTES_MAX
from services.onboarding.bulk.reading import FILE_BYTES_MAX

LOOK_EVERY_S = 0.5
BAD_SHOWN_MAX = 20
# A workbook of 10,000 rows takes 2 s of CPU before its first byte leaves.
RESULT_S_MAX = 60.0
WORKING = ("checking", "running")
# Some rows were not taken; the result file says why.
ROWS_LEFT = 1


def onboard(
    file: Path = typer.Argument(exists=True, dir_okay=False, help="XLSX or CSV: a row a stall."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Check every row and register nobody."),
    result: Path = typer.Option(None, help="Where the result goes (.xlsx or .csv); beside the file unless said."),
    phone: str = typer.Option(people.TEAM.phone, help="Your phone."),
    pin: str = desk.PIN,
) -> None:
    """Brings a market in from a spreadsheet. Every good row becomes a merchant that somebody else has to approve.

    The same row does nothing twice, so a file that was put right is sent again whole. Exit status 1: some rows were not
    taken, and the result file says why.
    """
    if file.stat().st_size > FILE_BYTES_MAX:
        typer.echo(f"not done: {file} has more than {FILE_BYTES_MAX} bytes: split it, a market at a time", err=True)
        raise typer.Exit(desk.NOT_DONE)
    target = result or file.with_name(f"{file.stem}-ket-qua.xlsx")
    if target.suffix not in (".xlsx", ".csv"):
        typer.echo(f"not done: --result ends with .xlsx or .csv, not {target.suffix or target.name}", err=True)
        raise typer.Exit(desk.NOT_DONE)
    with desk.signed_in(phone, pin) as api:
        found = send(api, file.read_bytes(), file.name)
        found = watch(api, found, "checking")
        if found["state"] == "IMPORT_STATE_REFUSED":
            typer.echo(f"not done: {found['code']}: {found['message_vi'] or found['message']}", err=True)
            raise typer.Exit(desk.NOT_DONE)
        _show_bad(api, found)
        if not dry_run and int(found["good"]):
            found = api.post(f"/v1/imports/{found['import_id']}/start")["import"]
            found = watch(api, found, "submitting")
        target.write_bytes(fetch(api, found, target.suffix.removeprefix(".")))
        _show(found, target, dry_run)
    raise typer.Exit(ROWS_LEFT if int(found["bad"]) or int(found["refused"]) else 0)


def send(api: Api, content: bytes, name: str) -> dict[str, Any]:
    """Sends a file in parts and has it checked; the import. Raises ApiError."""
    made = api.post("/v1/imports", request_id=new_key(), file_name=name)["import"]
    path = f"/v1/imports/{made['import_id']}"
    parts = [content[at : at + PART_BYTES_MAX] for at in range(0, len(content), PART_BYTES_MAX)]
    for number, part in enumerate(parts, 1):
        api.post(f"{path}/parts", number=number, content=b64encode(part).decode())
    sha256 = hashlib.sha256(content).hexdigest()
    checked: dict[str, Any] = api.post(f"{path}/check", parts=len(parts), sha256=sha256)["import"]
    return checked


def watch(api: Api, found: dict[str, Any], what: str) -> dict[str, Any]:
    """Shows how far an import is until it rests; what it is then. Raises ApiError."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=int(found["rows"]) or None)
        while desk.state_of(found["state"]) in WORKING:
            time.sleep(LOOK_EVERY_S)
            found = api.get(f"/v1/imports/{found['import_id']}")["import"]
            total = int(found["rows"]) if desk.state_of(found["state"]) == "running" else None
            progress.update(task, completed=int(found["done"]), total=total)
    return found


def fetch(api: Api, found: dict[str, Any], chosen: str) -> bytes:
    """The result file, "xlsx" or "csv". Raises ApiError."""
    return api.download(f"/v1/imports/{found['import_id']}/result", RESULT_S_MAX, format=chosen)


def _show_bad(api: Api, found: dict[str, Any]) -> None:
    if not int(found["bad"]):
        return
    rows = api.get(f"/v1/imports/{found['import_id']}/rows", state="ROW_STATE_BAD", limit=BAD_SHOWN_MAX)["rows"]
    shown = desk.table(f"{found['bad']} rows are not good; the first {len(rows)}", "row>", "column", "what is wrong")
    for row in rows:
        for problem in row["problems"]:
            shown.add_row(str(row["number"]), problem["column"] or problem["field"], problem["vi"])
    Console().print(shown)


def _show(found: dict[str, Any], target: Path, dry_run: bool) -> None:
    table = desk.table(f"{found['file_name']}  {found['import_id']}", "", ">")
    table.show_header = False
    for name, text in (
        ("rows", "rows"), ("good", "good"), ("bad", "not good"), ("existing", "there before"),
        *(() if dry_run else (("submitted", "submitted, waiting for review"), ("refused", "refused"))),
    ):  # fmt: skip
        table.add_row(text, str(found[name]))
    table.add_row("result", str(target))
    if found["same_as"]:
        table.add_row("same file as", found["same_as"])
    Console().print(table)
