"""`cho disburse`: an organisation pays many from a file; checked first, approved by somebody else, with progress."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from cli import people
from cli.api import Api, ApiError
from cli.desk import PIN, signed_in
from kit.ids import new_key
from kit.money import format_vnd
from services.payments.disbursement import PART_BYTES_MAX

app = typer.Typer(no_args_is_help=True)
LOOK_EVERY_S = 0.5
BAD_SHOWN_MAX = 20
PHONE = typer.Option(people.TREASURER.phone, help="Your phone.")


def submit(api: Api, file: Path, title: str, again: bool = False, console: Console | None = None) -> dict[str, Any]:
    """Sends a file in parts, has it checked, and returns the disbursement. Raises ApiError."""
    accounts = api.get("/v1/me/accounts")["accounts"]
    organisations = [one["account_id"] for one in accounts if one["kind"] == "ACCOUNT_KIND_ORGANISATION"]
    if not organisations:
        raise ApiError(404, "ACCOUNT_NOT_FOUND", "you have no organisation's account: a telecom's officer opens it")
    content = file.read_bytes()
    made = api.post(f"/v1/organisations/{organisations[0]}/disbursements", request_id=new_key(), title=title)
    path = f"/v1/disbursements/{made['disbursement']['disbursement_id']}"
    parts = [content[at : at + PART_BYTES_MAX] for at in range(0, len(content), PART_BYTES_MAX)]
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("sending", total=len(parts))
        for number, part in enumerate(parts, 1):
            api.post(f"{path}/parts", number=number, content=b64encode(part).decode())
            progress.advance(task)
    sha256 = hashlib.sha256(content).hexdigest()
    reply = api.post(f"{path}/submit", parts=len(parts), sha256=sha256, again=again)
    return reply["disbursement"]


@app.command("submit")
def submit_command(
    file: Path = typer.Argument(help="CSV: số điện thoại (or wallet), số tiền, mã, ghi chú."),
    title: str = typer.Option(..., help="What it is for."),
    again: bool = typer.Option(False, help="Though this file was submitted before."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Sends a file and has every line checked; nothing is paid before somebody else approves."""
    with signed_in(phone, pin) as api:
        made = submit(api, file, title, again)
        _show(made)
        path = f"/v1/disbursements/{made['disbursement_id']}/lines"
        for line in api.get(path, state="LINE_STATE_BAD", limit=BAD_SHOWN_MAX)["lines"]:
            typer.echo(f"  line {line['number']}: {line['shown']}  {line['code']}: {line['message']}")
        typer.echo(f"cho disburse approve {made['disbursement_id']}  (a second person)")


@app.command("approve")
def approve(
    disbursement_id: str,
    phone: str = typer.Option(people.CHECKER.phone, help="Your phone."),
    pin: str = PIN,
) -> None:
    """Approves what somebody else submitted, and shows how it is paid."""
    with signed_in(phone, pin) as api:
        path = f"/v1/disbursements/{disbursement_id}"
        found = api.get(path)["disbursement"]
        api.post(f"{path}/approve", sha256=found["sha256"])
        _watch(api, disbursement_id)


@app.command("watch")
def watch(disbursement_id: str, phone: str = PHONE, pin: str = PIN) -> None:
    """Shows how far one is, until it ends or pauses."""
    with signed_in(phone, pin) as api:
        _watch(api, disbursement_id)


def _watch(api: Api, disbursement_id: str) -> None:
    path = f"/v1/disbursements/{disbursement_id}"
    with Progress(transient=True) as progress:
        task = progress.add_task("paying", total=None)
        while True:
            found = api.get(path)["disbursement"]
            done = int(found["paid"]) + int(found["refused"])
            progress.update(task, completed=done, total=int(found["lines"]) - int(found["bad"]))
            if found["state"] != "DISBURSEMENT_STATE_RUNNING":
                break
            time.sleep(LOOK_EVERY_S)
    _show(found)
    raise typer.Exit(0 if found["state"] == "DISBURSEMENT_STATE_DONE" else 1)


def _show(found: dict[str, Any]) -> None:
    table = Table(title=f"{found['title']}  {found['disbursement_id']}", title_justify="left", show_header=False)
    state = found["state"].removeprefix("DISBURSEMENT_STATE_").lower()
    table.add_row("state", f"{state} {found['code']}".strip())
    table.add_row("lines", f"{found['lines']}, {found['bad']} of them cannot be paid")
    table.add_row("to be paid", format_vnd(int(found["total"])))
    table.add_row("paid", f"{found['paid']} lines, {format_vnd(int(found['paid_amount']))}")
    table.add_row("refused", str(found["refused"]))
    if state == "checked":
        table.add_row("money suffices", "yes" if found["covered"] else "NO")
    Console().print(table)
