"""`cho limits`: the rules in force, and what a proposed one would have done to recorded history."""

from __future__ import annotations

import json

import typer
from rich.console import Console
from rich.table import Table

from cli.stack import attach
from kit.clock import VIETNAM, from_ms
from kit.config import settings
from kit.money import format_vnd
from kit.mongo import connect, disconnect
from services.payments import limits
from services.payments.fees import FOR_EVER_MS
from services.settlement import fold, store, whatif

app = typer.Typer(no_args_is_help=True)


@app.command("show")
def show() -> None:
    """The rules in force, each with its source."""
    table = Table(title="Limits and velocity rules", title_justify="left")
    for column in ("rule", "scope", "counts", "at most", "from", "until", "action", "source"):
        table.add_column(column, overflow="fold")
    for rule in limits.in_force(settings().payments_a_minute):
        # "" where it has always been, and where nothing ends it.
        start = _day(rule.from_ms) if rule.from_ms else ""
        end = _day(rule.until_ms - 1) if rule.until_ms < FOR_EVER_MS else ""
        table.add_row(
            rule.rule_id, rule.scope, " ".join(rule.ops), f"{rule.most:,}", start, end, rule.action, rule.source
        )
    Console().print(table)


@app.command("what-if")
def what_if(
    rule: str = typer.Argument(help="id,from_ms,until_ms,scope,op+op,max,arg,action as `rules` events hold them."),
    as_json: bool = typer.Option(False, "--json"),
) -> None:
    """Judges all recorded payments of the running stack by a rule that is not in force."""
    attach()
    try:
        (proposed,) = fold.parse_rules(rule)
    except ValueError as error:
        raise typer.BadParameter(
            "expected id,from_ms,until_ms,scope,op+op,max,arg,action, for example "
            "probe,0,4102444800000,day,pay+transfer,5000000,0,refuse"
        ) from error
    connect("settlement")
    try:
        outcome = whatif.evaluate(store.events(1, store.head().seq), proposed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    finally:
        disconnect()
    report = {
        "judged": outcome.judged, "judged_vnd": outcome.judged_vnd, "wallets": len(outcome.wallets),
        "stopped": outcome.stopped, "stopped_vnd": outcome.stopped_vnd,
        "stopped_wallets": len(outcome.stopped_wallets),
        "examples": [{"seq": seq, "wallet_id": wallet, "amount": amount} for seq, wallet, amount in outcome.examples],
    }  # fmt: skip
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    typer.echo(
        f"Judged {outcome.judged:,} payments of {len(outcome.wallets):,} wallets: {format_vnd(outcome.judged_vnd)}."
    )
    typer.echo(
        f"The rule would have stopped {outcome.stopped:,} of {len(outcome.stopped_wallets):,} wallets: "
        f"{format_vnd(outcome.stopped_vnd)}."
    )
    for seq, wallet, amount in outcome.examples:
        typer.echo(f"  event {seq}  {wallet}  {format_vnd(amount)}")


def _day(ms: int) -> str:
    return from_ms(ms).astimezone(VIETNAM).date().isoformat()
