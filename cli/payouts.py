"""`cho payouts`: what merchants are paid out, the files it goes out in, and the release of large ones by two people."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console

from cli.desk import PHONE, PIN, moment, signed_in, state_of, table
from cli.settle import show_payouts
from kit.ids import new_key
from kit.money import format_vnd

app = typer.Typer(no_args_is_help=True)

PAGE = 200
SHOWN_MAX = 1000
PLANS = {"window": "PAYOUT_PLAN_WINDOW", "daily": "PAYOUT_PLAN_DAILY"}
MERCHANT = typer.Argument(help="The merchant's id: mer_...")
OWNERS_PHONE = typer.Option(help="Your phone: the merchant's owner's.")


@app.command("ls")
def ls(
    window: int = typer.Option(0, min=0, help="Of this window; of the newest that is closed otherwise."),
    merchant: str = typer.Option("", help="Of this merchant instead."),
    limit: int = typer.Option(100, min=1, max=SHOWN_MAX, help="How many, the newest first."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """List payouts and how they ended."""
    with signed_in(phone, pin) as api:
        if not merchant and not window:
            closed = [int(one["window"]) for one in api.get("/v1/windows", limit=2)["windows"] if one.get("closed_at")]
            if not closed:
                typer.echo("no window is closed yet: cho settle closes one")
                return
            window = closed[0]
        wanted: dict[str, str | int] = {"merchant_id": merchant} if merchant else {"window": window}
        found: list[dict[str, Any]] = []
        after = ""
        while len(found) < limit:
            size = min(PAGE, limit - len(found))
            reply = api.get("/v1/payouts", **wanted, page_size=size, page_token=after)
            found += reply["payouts"]
            if not (after := reply["next_page_token"]):
                break
    if not found:
        typer.echo("no payouts")
        return
    total = format_vnd(sum(int(one["amount"]) for one in found))
    show_payouts(found, f"Payouts of {merchant or f'window {window}'}, {total}", Console(highlight=False))
    if after:
        typer.echo(f"... and more: --limit, at most {SHOWN_MAX}")


@app.command("batches")
def batches(
    window: int = typer.Option(0, min=0, help="Of this window; all that wait for a release otherwise."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """List files of payouts, and which wait for operators."""
    with signed_in(phone, pin) as api:
        found = api.get("/v1/payout-batches", window=window)["batches"]
    if not found:
        typer.echo(f"no files of window {window}" if window else "nothing waits for a release")
        return
    show_batches(found)


def show_batches(found: list[dict[str, Any]]) -> None:
    """Prints files of payouts."""
    rows = table("Files of payouts", "file", "window>", "payouts>", "total>", "state", "released by", "sent")
    for one in found:
        needed = int(one["releases_needed"])
        by = ", ".join(one["released_by"]) + (f" ({len(one['released_by'])} of {needed})" if needed else "")
        rows.add_row(
            one["batch_id"], one["window"], one["payouts"], format_vnd(int(one["total"])), state_of(one["state"]), by,
            moment(one.get("sent_at")),
        )  # fmt: skip
    Console(highlight=False).print(rows)


@app.command("release")
def release(batch_id: str = typer.Argument(help="PO-W000012-1"), phone: str = PHONE, pin: str = PIN) -> None:
    """Let a file of payouts go; from 500 million đồng on two operators have to."""
    with signed_in(phone, pin) as api:
        done = api.post(f"/v1/payout-batches/{batch_id}/release")["batch"]
    show_batches([done])
    left = int(done["releases_needed"]) - len(done["released_by"])
    if left > 0:
        typer.echo(f"{left} more: cho payouts release {batch_id} --phone ...  (a second operator)")


@app.command("plan")
def plan(
    merchant: str = MERCHANT,
    chosen: str = typer.Argument("", metavar="[window|daily]", help="What to change it to; shown otherwise."),
    phone: str = OWNERS_PHONE,
    pin: str = PIN,
) -> None:
    """When a merchant is paid: with every window, or once a day with the day's last; its owner chooses."""
    if chosen and chosen not in PLANS:
        raise typer.BadParameter(f"{' or '.join(PLANS)}; between windows: cho payouts ask")
    path = f"/v1/merchants/{merchant}/payout-plan"
    with signed_in(phone, pin) as api:
        found = api.put(path, plan=PLANS[chosen]) if chosen else api.get(path)
    when = next(name for name, value in PLANS.items() if value == found["plan"])
    typer.echo(f"{merchant} is paid {'with every window' if when == 'window' else 'once a day'} ({when})")


@app.command("ask")
def ask(
    merchant: str = MERCHANT,
    amount: int = typer.Argument(0, min=0, help="Đồng; all there is otherwise."),
    key: str = typer.Option("", help="The key of an attempt whose answer was lost: with it nothing is asked twice."),
    phone: str = OWNERS_PHONE,
    pin: str = PIN,
) -> None:
    """Ask for a payout now, for a fee, instead of with the next window; the merchant's owner does."""
    key = key or new_key()
    typer.echo(f"key {key}", err=True)
    with signed_in(phone, pin) as api:
        made = api.post(f"/v1/merchants/{merchant}/payouts", request_id=key, amount=amount)["payout"]
    show_payouts([made], f"Asked for, {format_vnd(int(made['fee']))} of it the fee", Console(highlight=False))
    typer.echo(f"cho payouts ls --merchant {merchant}  (how it ends)")
