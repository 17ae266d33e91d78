"""`cho settle`: closes the open window of the running stack, shows who owes whom, and what became of a window."""

from __future__ import annotations

import time
from textwrap import shorten
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli import packs
from cli.api import Api
from cli.desk import PHONE, PIN, moment, signed_in, state_of, table
from kit.money import format_vnd

app = typer.Typer()

LOOK_EVERY_S = 0.5
SHOWN_MAX = 20
BESIDE_BAR = 60
SETTLED = "WINDOW_STATE_SETTLED"
# Its positions are not compared with the trial balance yet.
NOT_NETTED = "WINDOW_STATE_CLOSED"
INTERRUPTED = 130
WINDOW = typer.Argument(min=1, help="The window's number.")


def close_window(operator: Api) -> int:
    """Closes the window that is open now; its number. Raises ApiError."""
    window = int(operator.get("/v1/windows", limit=1)["windows"][0]["window"])
    operator.post(f"/v1/windows/{window}/close")
    return window


def show_positions(operator: Api, window: int, console: Console) -> int:
    """Prints the net positions of a closed window; returns their sum, which is zero."""
    return _show_positions(operator.get(f"/v1/windows/{window}/positions"), console)


def _show_positions(reply: dict[str, Any], console: Console, all_of_them: bool = True) -> int:
    of = reply["window"]
    title = f"Window {of['window']}: {of['payments']} payments, {of['refunds']} refunds"
    positions = table(title, "institution", "name", "owes>", "is owed>", "net>")
    total = 0
    for line in reply["positions"]:
        net = int(line["net"])
        total += net
        positions.add_row(
            line["institution"], line["name"], format_vnd(int(line["debits"])), format_vnd(int(line["credits"])),
            format_vnd(net),
        )  # fmt: skip
    if all_of_them:
        positions.add_section()
        positions.add_row("", "sum", "", "", format_vnd(total))
    console.print(positions)
    return total if all_of_them else int(reply["sum"])


def window_of(api: Api, window: int) -> dict[str, Any]:
    """A closed window as it is now. Raises ApiError."""
    found: dict[str, Any] = api.get(f"/v1/windows/{window}/positions")["window"]
    return found


def wait_settled(api: Api, window: int, timeout_s: float | None, console: Console) -> bool:
    """Shows how far a closed window is until it is settled; False where that took longer than `timeout_s`."""
    deadline = time.monotonic() + timeout_s if timeout_s is not None else float("inf")
    bar = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("payouts"),
        TimeElapsedColumn(), TextColumn("{task.fields[waits]}", style="yellow"),
    )  # fmt: skip
    told = ""
    with Progress(*bar, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"window {window}", total=None, waits="")
        while True:
            now = window_of(api, window)
            state, waits = state_of(now["state"]), now["waits_for"]
            progress.update(
                task, description=f"window {window} is {state}", completed=int(now["payouts_ended"]),
                total=int(now["payouts"]) or None, waits=shorten(waits, BESIDE_BAR, placeholder=" ..."),
            )  # fmt: skip
            if not console.is_terminal and waits and waits != told:
                console.print(f"  {state}; still to do: {waits}")
            told = waits
            if now["state"] == SETTLED or time.monotonic() >= deadline:
                break
            time.sleep(LOOK_EVERY_S)
    return bool(now["state"] == SETTLED)


@app.callback(invoke_without_command=True)
def settle(
    context: typer.Context,
    wait: bool = typer.Option(False, "--wait", help="Stay until it is settled; Ctrl-C leaves it going."),
    timeout: float | None = typer.Option(None, min=0, help="Of --wait, seconds; as long as it takes otherwise."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Close the open settlement window and print the net position of every institution."""
    if (command := context.invoked_subcommand) is not None:
        for name in context.params:
            source = context.get_parameter_source(name)
            if source is not None and source.name == "COMMANDLINE":
                raise typer.BadParameter(f"--{name} belongs behind the command: cho settle {command} ...")
        return
    if timeout is not None and not wait:
        raise typer.BadParameter("--timeout is of --wait")
    console = Console()
    with signed_in(phone, pin) as operator:
        window = close_window(operator)
        total = show_positions(operator, window, console)
        settled = not wait or _wait(operator, window, timeout, console)
    raise typer.Exit(0 if total == 0 and settled else 1)


def _wait(api: Api, window: int, timeout_s: float | None, console: Console) -> bool:
    try:
        settled = wait_settled(api, window, timeout_s, console)
    except KeyboardInterrupt:
        console.print(f"Window {window} goes on without you: cho settle show {window}")
        raise typer.Exit(INTERRUPTED) from None
    now = window_of(api, window)
    if settled:
        console.print(f"[green]Window {window} is settled: {now['payouts']} payouts have ended.")
    else:
        console.print(f"[yellow]Window {window} is {state_of(now['state'])}; still to do: {now['waits_for']}")
        console.print(f"cho settle show {window} looks again", highlight=False)
    return settled


@app.command("windows")
def windows(
    limit: int = typer.Option(20, min=1, max=100, help="How many, the newest first."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """List windows, and what is still to be done before each is settled."""
    with signed_in(phone, pin) as api:
        found = api.get("/v1/windows", limit=limit)["windows"]
    rows = table(
        "Windows, times in Vietnam", "window>", "state", "closed", "payments>", "refunds>", "value>", "payouts>",
        "still to do",
    )  # fmt: skip
    for one in found:
        ended = f"{one['payouts_ended']}/{one['payouts']}" if one["payouts"] != "0" else ""
        rows.add_row(
            one["window"], state_of(one["state"]), moment(one.get("closed_at")), one["payments"], one["refunds"],
            format_vnd(int(one["value"])), ended, one["waits_for"],
        )  # fmt: skip
    Console().print(rows)


@app.command("show")
def show(window: int = WINDOW, phone: str = PHONE, pin: str = PIN) -> None:
    """Show a closed window: positions, payouts, what is still to do; exit status 1 where it does not tie."""
    console = Console(highlight=False)
    with signed_in(phone, pin) as api:
        reply = api.get(f"/v1/windows/{window}/positions")
        paid = api.get("/v1/payouts", window=window, page_size=SHOWN_MAX)["payouts"]
        # An officer is shown their own part; what all sum to, everybody is told.
        all_of_them = bool({"operator", "auditor"} & set(api.user["roles"]))
    total, of = _show_positions(reply, console, all_of_them), reply["window"]
    show_pairs(reply["pairs"], console)
    show_payouts(paid, f"Payouts: {of['payouts_ended']} of {of['payouts']} have ended", console)
    if all_of_them and len(paid) < int(of["payouts"]):
        console.print(f"The newest {len(paid)}; all of them: cho payouts ls --window {window}")
    left = f"; still to do: {of['waits_for']}" if of["waits_for"] else ""
    console.print(f"Window {window} is {state_of(of['state'])}{left}")
    console.print(f"events {of['first_seq']} to {of['last_seq']}, chain head {reply['chain_head']}")
    for finding in reply["findings"]:
        console.print(finding, style="red", markup=False)
    wrong = total != 0 or int(reply["sum"]) != 0 or bool(reply["findings"])
    if not wrong and of["state"] != NOT_NETTED:
        console.print("[green]sums to zero, and ties to the trial balance at its closing marker")
    raise typer.Exit(1 if wrong else 0)


def show_pairs(pairs: list[dict[str, Any]], console: Console) -> None:
    """Prints who owes whom: gross, and what is left of it against the other direction."""
    if not pairs:
        return
    rows = table("Who owes whom", "from", "to", "gross>", "net>")
    for pair in pairs:
        rows.add_row(pair["from"], pair["to"], format_vnd(int(pair["gross"])), format_vnd(int(pair["net"])))
    console.print(rows)


def show_payouts(payouts: list[dict[str, Any]], title: str, console: Console) -> None:
    """Prints payouts."""
    if not payouts:
        return
    rows = table(title, "payout", "to", "account", "amount>", "state", "reason")
    for one in payouts:
        to = one["bank_bin"] if one["merchant_id"] else f"{one['bank_bin']} (platform)"
        rows.add_row(
            one["payout_id"], to, one["account_masked"], format_vnd(int(one["amount"])), state_of(one["state"]),
            one["reason"],
        )  # fmt: skip
    console.print(rows)


packs.add_to(app)
