"""`cho recall`: takes a lot out of sale for food safety, lists who took from it, and gives their money back in bulk."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress

from cli.api import Api
from cli.desk import PHONE, PIN, SECOND_PHONE, moment, plain, signed_in, state_of, table
from kit.ids import new_key
from kit.money import format_vnd

app = typer.Typer(no_args_is_help=True)
LOOK_EVERY_S = 0.5
REFUSED_SHOWN_MAX = 20
# A recall that waits for a person, or needs nothing more.
_RESTS = {"listed", "finished", "lifted", "refused"}
_OPEN = "RECALL_LINE_STATE_OPEN"


@app.command("open")
def open_(
    product_id: str,
    lot_id: str,
    reason: str = typer.Option(..., help="Why; buyers and stalls read it."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Takes a lot out of sale at once, and lists every order that took from it; no money moves."""
    with signed_in(phone, pin) as api:
        body = {"product_id": product_id, "lot_id": lot_id, "reason": reason}
        made = api.post("/v1/recalls", request_id=new_key(), **body)["recall"]
        found = _watched(api, made["recall_id"])
        _show(found)
        typer.echo(f"cho recall release {found['recall_id']}  (a second person)")


@app.command("release")
def release(recall_id: str, phone: str = SECOND_PHONE, pin: str = PIN) -> None:
    """Lets the money go back, for what somebody else opened, and shows how. Exit status 1: not all of it yet."""
    with signed_in(phone, pin) as api:
        api.post(f"/v1/recalls/{recall_id}/release")
        _end(api, recall_id)


@app.command("withdraw")
def withdraw(
    recall_id: str, reason: str = typer.Option(..., help="Why nothing is wrong."), phone: str = PHONE, pin: str = PIN
) -> None:
    """Puts the lot back on sale, and lets its orders go on."""
    with signed_in(phone, pin) as api:
        api.post(f"/v1/recalls/{recall_id}/withdraw", reason=reason)
        _end(api, recall_id)


@app.command("watch")
def watch(recall_id: str, phone: str = PHONE, pin: str = PIN) -> None:
    """Shows how far one is, until it ends, waits for somebody, or only waits for stalls' money."""
    with signed_in(phone, pin) as api:
        _end(api, recall_id)


@app.command("list")
def list_(phone: str = PHONE, pin: str = PIN) -> None:
    """Recalls, newest first."""
    with signed_in(phone, pin) as api:
        rows = table("", "recall", "state", "product", "lot", "orders>", "done>", "opened", "reason")
        for one in api.get("/v1/recalls")["recalls"]:
            rows.add_row(
                one["recall_id"], state_of(one["state"]), one["product_name"], one["lot_id"], one["lines"], one["done"],
                moment(one["opened_at"]), one["reason"],
            )  # fmt: skip
        Console().print(rows)


@app.command("report")
def report(recall_id: str, out: Path = typer.Option(..., help="Where to."), phone: str = PHONE, pin: str = PIN) -> None:
    """Writes every order that took from the lot, and what became of its money, as CSV."""
    with signed_in(phone, pin) as api:
        out.write_bytes(api.download(f"/v1/recalls/{recall_id}/report"))
    typer.echo(str(out))


def _watched(api: Api, recall_id: str) -> dict[str, Any]:
    """The recall, once nothing of it moves by itself any more; what is left then waits for somebody, or for money."""
    with Progress(transient=True) as progress:
        task = progress.add_task("orders", total=None)
        while True:
            found: dict[str, Any] = api.get(f"/v1/recalls/{recall_id}")["recall"]
            total, done = int(found["lines"]), int(found["done"])
            progress.update(task, total=total or None, completed=done)
            if state_of(found["state"]) in _RESTS or (total > done and _only_refused(api, found)):
                return found
            time.sleep(LOOK_EVERY_S)


def _only_refused(api: Api, found: dict[str, Any]) -> bool:
    """Whether all that is left was refused at least once, and is tried again later."""
    left = [one for one in _lines(api, found["recall_id"]) if one["state"] == _OPEN]
    waiting = int(found["lines"]) - int(found["done"])
    return len(left) == waiting and all(one["refused_code"] for one in left)


def _lines(api: Api, recall_id: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    more = True
    while more:
        after = lines[-1]["order_id"] if lines else ""
        page = api.get(f"/v1/recalls/{recall_id}/lines", after=after, page_size=200)
        lines += page["lines"]
        more = page["more"]
    return lines


def _end(api: Api, recall_id: str) -> None:
    found = _watched(api, recall_id)
    _show(found)
    for one in [line for line in _lines(api, recall_id) if line["refused_code"]][:REFUSED_SHOWN_MAX]:
        typer.echo(f"  {one['code'] or one['order_id']}: {format_vnd(int(one['amount']))}  {one['refused_code']}")
    raise typer.Exit(0 if state_of(found["state"]) in _RESTS else 1)


def _show(found: dict[str, Any]) -> None:
    title = f"{found['recall_id']}  {plain(found['product_name'])}  {found['lot_id']}"
    rows = table(title, "state", "orders>", "đồng>")
    for one in found["tallies"]:
        rows.add_row(state_of(one["state"]), one["lines"], format_vnd(int(one["amount"])))
    rows.add_row(state_of(found["state"]), found["lines"], "", end_section=True)
    Console().print(rows)
