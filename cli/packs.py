"""`cho settle proof` and `cho settle files`: an institution's pack of a window, and whether it is what was signed."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from cli.api import Api
from cli.desk import PHONE, PIN, signed_in
from kit.money import format_vnd
from services.settlement.proof import lines, manifest
from services.settlement.proof.files import check_file_name
from services.settlement.proof.signature import NotTrusted

# A pack's kinds of files, and how the API calls each.
API_NAMES = {
    "report": "report.csv", "workbook": "workbook.xlsx", "statement": "statement.pdf", "camt.054": "camt.054.xml",
}  # fmt: skip
DAY_NAMES = {"camt.053": "statement.xml", "napas": "napas.dat"}
PERIOD = typer.Argument(help="A closed window's number, or a day that is over: yyyy-mm-dd.")
WINDOW = typer.Argument(min=1, help="A closed window's number.")
INSTITUTION = typer.Argument(help="A bank's BIN or a telecom's code.")


def add_to(app: typer.Typer) -> None:
    """Makes both commands of `app`."""
    app.command("proof")(proof)
    app.command("files")(files)


def signed(api: Api, window: int, institution: str) -> tuple[bytes, dict[str, Any]]:
    """The manifest of an institution's pack, as it came and as it was signed. Raises ApiError, NotTrusted."""
    return _signed(api, f"/v1/windows/{window}/files/{institution}", {"window": window, "institution": institution})


def signed_day(api: Api, day: date, institution: str) -> tuple[bytes, dict[str, Any]]:
    """The same of its pack of a day."""
    wanted = {"window": None, "day": day.isoformat(), "institution": institution}
    return _signed(api, f"/v1/days/{day.isoformat()}/files/{institution}", wanted)


def _signed(api: Api, path: str, wanted: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    text = api.download(f"{path}/manifest.json")
    said = manifest.read(text, api.get("/v1/trust/keys"))
    if any(said[name] != value for name, value in wanted.items()):
        raise NotTrusted(f"it is the manifest of {said['pack']}: ask for it again")
    return text, said


def proven(api: Api, window: int, institution: str, line: int) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """An inclusion proof, the signed manifest, and whether it leads to the manifest's root. Raises as `signed`."""
    found = api.get(f"/v1/windows/{window}/proofs/{institution}/{line}")
    _, said = signed(api, window, institution)
    root, count = bytes.fromhex(said["report"]["root"]), int(said["report"]["lines"])
    holds = lines.check(found, root, count) and (found["file"], found["index"]) == (said["report"]["file"], line - 1)
    return found, said, holds


def proof(
    window: int = WINDOW,
    institution: str = INSTITUTION,
    line: int = typer.Argument(min=1, help="The report's line, as an editor counts them: 1 is the header."),
    out: Path | None = typer.Option(None, help="Where to write the proof (JSON)."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Get the proof that a line is in an institution's report, and check it against the signed manifest."""
    console = Console(highlight=False, soft_wrap=True)
    with signed_in(phone, pin) as api:
        try:
            found, said, holds = proven(api, window, institution, line)
        except NotTrusted as error:
            raise _not_trusted(error) from error
    console.print(f"line {line} of {said['report']['lines']} in {found['file']}:")
    console.print(f"  {found['line'].lstrip(chr(0xFEFF))}", markup=False)
    console.print(f"{len(found['siblings'])} siblings; the signed manifest's root is {said['report']['root']}")
    if out is not None:
        out.write_bytes(lines.as_json(found))
        console.print(f"proof: {out}; without our code: docs/examples/check_proof.py {out} ROOT LINES")
    console.print("[green]in the report, and signed" if holds else "[red bold]NOT in the report that was signed")
    raise typer.Exit(0 if holds else 1)


def files(
    period: str = PERIOD,
    institution: str = INSTITUTION,
    out: Path | None = typer.Option(None, help="A folder for this pack alone; named after it otherwise."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Download an institution's pack of a window or a day; check its signature and every hash."""
    console = Console(highlight=False, soft_wrap=True)
    wanted = _period(period)
    with signed_in(phone, pin) as api:
        try:
            if isinstance(wanted, date):
                text, said = signed_day(api, wanted, institution)
            else:
                text, said = signed(api, wanted, institution)
        except NotTrusted as error:
            raise _not_trusted(error) from error
        folder = out or Path(said["pack"])
        folder.mkdir(parents=True, exist_ok=True)
        _download(api, said, folder, console)
        (folder / f"manifest.{said['pack']}.json").write_bytes(text)
        findings = manifest.verify(folder, api.get("/v1/trust/keys"))
    for file in said["files"]:
        console.print(f"  {file['sha256'][:16]}  {file['bytes']:>10,}  {folder / file['name']}")
    console.print(f"{said['institution']} {_when(wanted)}: net {format_vnd(int(said['net']))}; made by {said['code']}")
    for finding in findings:
        console.print(f"{finding.code}  {finding.name}: {finding.text}", style="red", markup=False)
    console.print("[red bold]NOT what was signed" if findings else "[green]whole, and signed")
    raise typer.Exit(1 if findings else 0)


def _period(text: str) -> date | int:
    """A day, or a window's number. Raises BadParameter."""
    try:
        return int(text) if text.isascii() and text.isdecimal() and int(text) else date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("a closed window's number, or a day: yyyy-mm-dd") from error


def _when(period: date | int) -> str:
    return f"on {period.isoformat()}" if isinstance(period, date) else f"in window {period}"


def path_of(said: dict[str, Any], file: dict[str, Any]) -> str:
    """Where the API has a file that a manifest names; "" for what only a newer tool would know."""
    kind, whose = file["kind"], said["institution"]
    if kind in DAY_NAMES:
        return f"/v1/days/{said['day']}/files/{whose}/{DAY_NAMES[kind]}"
    # A day's pack names its windows' files: the number is in their names.
    window = re.search(rf"W([0-9]{{6,12}})-{re.escape(whose)}\.", file["name"])
    return f"/v1/windows/{int(window[1])}/files/{whose}/{API_NAMES[kind]}" if window and kind in API_NAMES else ""


def _download(api: Api, said: dict[str, Any], folder: Path, console: Console) -> None:
    bar = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*bar, console=console, transient=True) as progress:
        for file in said["files"]:
            if not (path := path_of(said, file)):
                continue  # it is found to be missing
            task = progress.add_task(file["name"], total=file["bytes"])
            with (
                (folder / check_file_name(file["name"])).open("wb") as target,
                api.http.stream("GET", path) as reply,
            ):
                for piece in reply.raise_for_status().iter_bytes():
                    target.write(piece)
                    progress.advance(task, len(piece))


def _not_trusted(error: NotTrusted) -> typer.Exit:
    typer.echo(f"NOT TRUSTED: {error}", err=True)
    return typer.Exit(1)
