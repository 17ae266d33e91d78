"""`cho breaks`: what does not match between others' files and our books, from found to resolved by two people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import typer
from rich.console import Console

from cli.api import Api
from cli.desk import PHONE, PIN, SECOND_PHONE, moment, plain, signed_in, table
from kit.config import settings
from kit.money import format_vnd
from services.settlement.names import TELECOMS

app = typer.Typer(no_args_is_help=True)

STATES = ("open", "assigned", "proposed", "approved", "resolved", "gone")
ACTIVE = STATES[:4]
PAGE = 200
SHOWN_MAX = 100
BREAK = typer.Argument(help="The break's id: brk_...")


@app.command("ls")
def ls(
    institution: str = typer.Option("", help="A bank's BIN or a telecom's code; all who send us files otherwise."),
    state: str = typer.Option("", help=f"{', '.join(STATES)}; all that are not ended otherwise."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """List breaks and what they put at risk; an officer's are those of their own institution."""
    if state and state not in STATES:
        raise typer.BadParameter(f"no such state: {', '.join(STATES)}")
    console = Console(highlight=False)
    with signed_in(phone, pin) as api:
        own = str(api.user.get("institution") or "")
        senders = (settings().settlement_bank, *TELECOMS)
        of = (institution,) if institution else (own,) if own else senders
        found = [one for each in of for which in ([state] if state else ACTIVE) for one in _all(api, each, which)]
    if not found:
        console.print("[green]no breaks")
        return
    show_list(found[:SHOWN_MAX], "Breaks", console)
    if len(found) > SHOWN_MAX:
        console.print(f"... and {len(found) - SHOWN_MAX} more")
    console.print(f"{counted(len(found))}, {format_vnd(sum(int(one['at_risk']) for one in found))} at risk")


@app.command("report")
def report(
    institution: str = typer.Option("", help="A bank's BIN or a telecom's code; all who send us files otherwise."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Sum up what is not resolved: money at risk, ages in business days, and how much of what was due is matched."""
    console = Console(highlight=False)
    with signed_in(phone, pin) as api:
        found = api.get("/v1/reconciliation-report", institution=institution)
    groups = found["groups"]
    if groups:
        ages = [one["age"] for one in groups[0]["ages"]]
        rows = table(
            "Breaks by age in business days",
            "of",
            "type",
            "breaks>",
            "at risk>",
            "overdue>",
            *(f"{age}>" for age in ages),
        )
        for one in groups:
            rows.add_row(
                one["institution"], one["type"], one["breaks"], format_vnd(int(one["at_risk"])), one["overdue"],
                *(age["breaks"] for age in one["ages"]),
            )  # fmt: skip
        console.print(rows)
    total, at_risk = (sum(int(one[name]) for one in groups) for name in ("breaks", "at_risk"))
    console.print(f"{counted(total)}, {format_vnd(at_risk)} at risk{', and older ones' if found['more'] else ''}")
    rate = int(found["match_rate"])
    console.print(f"matched: {rate // 100}.{rate % 100:02} % of what was due in {found['files']} files")


def counted(breaks: int) -> str:
    """ "1 break", "2 breaks"."""
    return "1 break" if breaks == 1 else f"{breaks} breaks"


def _all(api: Api, institution: str, state: str) -> Iterator[dict[str, Any]]:
    after = ""
    while True:
        reply = api.get("/v1/breaks", institution=institution, state=state, page_size=PAGE, page_token=after)
        yield from reply["breaks"]
        if not (after := reply["next_page_token"]):
            return


def show_list(breaks: list[dict[str, Any]], title: str, console: Console) -> None:
    """Prints breaks, one a line; whole ids, so that they can be copied."""
    rows = table(title, "break", "of", "type", "reference", "at risk>", "state", "due", "owner")
    rows.columns[0].no_wrap = True
    for one in breaks:
        kind = f"{one['type']} {one['detail']}".strip()
        rows.add_row(
            one["break_id"], one["institution"], kind, one["reference"], format_vnd(int(one["at_risk"])), one["state"],
            one["due_on"], one["owner"],
        )  # fmt: skip
    console.print(rows)


@app.command("show")
def show(break_id: str = BREAK, phone: str = PHONE, pin: str = PIN) -> None:
    """Show one break: both sides, what it may be, what is proposed, and all that was done about it."""
    with signed_in(phone, pin) as api:
        show_break(api.get(f"/v1/breaks/{break_id}")["case"], Console(highlight=False))


def show_break(case: dict[str, Any], console: Console) -> None:
    """Prints a break."""
    rows = table(case["break_id"], "", "")
    rows.show_header = False
    rows.add_row("what", f"{case['type']} {case['detail']}".strip())
    rows.add_row("between", case["stream"].replace("|", ", "))
    rows.add_row("reference", case["reference"])
    rows.add_row("at risk", f"{format_vnd(int(case['at_risk']))}, {case['severity']}")
    if case["difference"] != "0":
        rows.add_row("theirs less ours", format_vnd(int(case["difference"])))
    rows.add_row("found", f"{moment(case['found_at'])}, {case['age_days']} business days ago; due {case['due_on']}")
    rows.add_row("state", f"{case['state']} (version {case['version']})")
    rows.add_row("owner", case["owner"])
    if case["resolution"]:
        rows.add_row("proposed", f"{case['resolution']}  ({case['proposed_by']})")
    if entry := case.get("correction"):
        told = f"{format_vnd(int(entry['amount']))}: debit {entry['debited']}, credit {entry['credited']}"
        rows.add_row("entry", told)
    if case["transfer_id"]:
        rows.add_row("posted", case["transfer_id"])
    console.print(rows)
    facts = json.loads(case["facts"] or "{}")
    if facts.get("said"):
        console.print(f"  said: {plain(facts['said'])}", markup=False)
    _show_sides(facts, console)
    for event in case["comments"]:
        told = plain(f"{event['by']}  {event['what']}  {event['text']}")
        console.print(f"  {moment(event['at'])}  {told}", markup=False)


def _show_sides(facts: dict[str, Any], console: Console) -> None:
    sides = table("Both sides", "whose", "reference", "side", "amount>", "day", "what")
    for one in facts.get("expected", ()):
        what = f"{one['what']} {one['transfer_id']}".strip()
        sides.add_row("ours", one["reference"], one["side"], format_vnd(one["amount"]), one["on"], what)
    for one in facts.get("entries", ()):
        amount = format_vnd(one["amount"]) if one["currency"] == "VND" else f"{one['amount']} {one['currency']} (minor)"
        what = f"{one['text']} line {one['line']}"
        sides.add_row("theirs", one["reference"], one["side"], amount, one["booked_on"], what)
    if sides.row_count:
        console.print(sides)
    for one in facts.get("suggestions", ()):
        told = f"entry {one['entry']}" if one["entry"] else plain(one["reference"])
        score = f"score {one['score']}: {', '.join(one['why'])}"
        console.print(f"  may be {told}, {format_vnd(one['amount'])} ({score})", markup=False)


@app.command("assign")
def assign(
    break_id: str = BREAK,
    to: str = typer.Option("", help="Who looks after it; you otherwise."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Say who looks after it."""
    with signed_in(phone, pin) as api:
        owner = to or api.user["user_id"]
        _done(api.post(f"/v1/breaks/{break_id}/owner", owner=owner, version=_version(api, break_id)))


@app.command("comment")
def comment(break_id: str = BREAK, text: str = typer.Argument(), phone: str = PHONE, pin: str = PIN) -> None:
    """Add a comment; comments are never changed."""
    with signed_in(phone, pin) as api:
        _done(api.post(f"/v1/breaks/{break_id}/comments", text=text))


@app.command("propose")
def propose(
    break_id: str = BREAK,
    resolution: str = typer.Argument(help="How it is resolved, in words."),
    debit: str = typer.Option("", help="The account that is debited: suspense:SCHEME, or what it is cleared against."),
    credit: str = typer.Option(
        "", help="The other: nostro:SCHEME, transit:PAYOUTS, fee:PLATFORM or a merchant's (mer_...)."
    ),
    amount: int = typer.Option(0, min=0, help="Đồng. Without an amount nothing is posted."),
    phone: str = PHONE,
    pin: str = PIN,
) -> None:
    """Propose how it is resolved, and the entry that corrects the books; somebody else approves."""
    if any((debit, credit, amount)) and not all((debit, credit, amount)):
        raise typer.BadParameter("an entry has --debit, --credit and --amount")
    entry = {"correction": {"debited": debit, "credited": credit, "amount": amount}} if amount else {}
    with signed_in(phone, pin) as api:
        path = f"/v1/breaks/{break_id}/resolution"
        _done(api.post(path, version=_version(api, break_id), resolution=resolution, **entry))
    typer.echo(f"cho breaks approve {break_id}  (a second person)")


@app.command("approve")
def approve(
    break_id: str = BREAK,
    yes: bool = typer.Option(False, "--yes", help="Do not ask: I have seen what is proposed."),
    phone: str = SECOND_PHONE,
    pin: str = PIN,
) -> None:
    """Approve what somebody else proposed, after a look at it; its entry is posted at once."""
    with signed_in(phone, pin) as api:
        # What is approved is this version of it: changed meanwhile, it is refused.
        case = api.get(f"/v1/breaks/{break_id}")["case"]
        show_break(case, Console(highlight=False))
        if not yes:
            typer.confirm("approve it", abort=True)
        _done(api.post(f"/v1/breaks/{break_id}/decision", approve=True, version=int(case["version"])))


@app.command("reject")
def reject(
    break_id: str = BREAK,
    reason: str = typer.Argument(help="Why it is sent back."),
    phone: str = SECOND_PHONE,
    pin: str = PIN,
) -> None:
    """Send a proposal back to its owner; who proposed it may take it back the same way."""
    with signed_in(phone, pin) as api:
        path = f"/v1/breaks/{break_id}/decision"
        _done(api.post(path, approve=False, reason=reason, version=_version(api, break_id)))


def _version(api: Api, break_id: str) -> int:
    return int(api.get(f"/v1/breaks/{break_id}")["case"]["version"])


def _done(reply: dict[str, Any]) -> None:
    case = reply["case"]
    posted = f", posted by {case['transfer_id']}" if case["transfer_id"] else ""
    typer.echo(f"{case['break_id']} is {case['state']}{posted} (version {case['version']})")
