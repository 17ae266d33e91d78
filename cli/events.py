"""`cho events`: what moves between services, who lags, and what was given up on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from kit.streams import clients, dead, names
from kit.streams.entry import last_seq

app = typer.Typer(help="Streams: length, lag, dead letters.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Stream = Annotated[str, typer.Argument(help="For example onboarding:events")]
Group = Annotated[str, typer.Argument(help="For example payments.directory")]


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group of one stream. `lag`: not delivered yet, None where Valkey cannot tell; the rest are counts."""

    group: str
    lag: int | None
    pending: int
    consumers: int
    dead: int
    given_back: int


@dataclass(frozen=True, slots=True)
class StreamState:
    """A service's stream."""

    stream: str
    length: int
    last_id: str
    groups: list[GroupState]


@dataclass(frozen=True, slots=True)
class ReaderState:
    """A reader of the ledger. `cursor`: entry acted on last; `lag`: entries; `running`: somebody holds its lease."""

    purpose: str
    cursor: int
    lag: int
    running: bool


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The cell's ledger stream."""

    stream: str
    length: int
    last_seq: int
    readers: list[ReaderState]


@app.command("ls")
def list_streams(as_json: AsJson = False) -> None:
    """Every stream with its groups, and the ledger with its readers."""
    streams = [state for stream in names.STREAMS if (state := _stream_state(stream))]
    ledger = _ledger_state()
    if as_json:
        _print_json({"ledger": asdict(ledger), "streams": [asdict(state) for state in streams]})
        return
    _print_table(
        f"{ledger.stream}: {ledger.length} entries, the last is {ledger.last_seq}",
        ["reader", "cursor", "lag", "running"],
        [[r.purpose, r.cursor, r.lag, "yes" if r.running else "NO"] for r in ledger.readers],
    )
    for state in streams:
        _print_table(
            f"{state.stream}: {state.length} entries, the last is {state.last_id}",
            ["group", "lag", "pending", "consumers", "dead", "given back"],
            [
                [g.group, "?" if g.lag is None else g.lag, g.pending, g.consumers, g.dead, g.given_back]
                for g in state.groups
            ],
        )


@app.command("dead")
def list_dead(
    stream: Stream,
    group: Group,
    limit: Annotated[int, typer.Option(min=1, max=dead.DEAD_MAX, help="The oldest so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """What a group gave up on, the oldest first."""
    letters = dead.letters(clients.streams(), stream, group, limit)
    if as_json:
        _print_json([asdict(letter) for letter in letters])
        return
    _print_table(
        f"{names.dead(stream, group)}: {clients.streams().xlen(names.dead(stream, group))} entries",
        ["id", "type", "subject", "event", "deliveries", "died at", "error"],
        [[e.id, e.type, e.subject, e.event_id, e.deliveries, e.died_at, e.error] for e in letters],
    )


@app.command("replay")
def replay(
    stream: Stream,
    group: Group,
    ids: Annotated[list[str] | None, typer.Argument(help="As `dead` shows them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are there now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give dead letters back to their group, and to no other; exit status 1 if one was not there."""
    if bool(ids) == everything:
        raise typer.BadParameter("name dead letters, or say --all")
    client = clients.streams()
    wanted = ids or [letter.id for letter in dead.letters(client, stream, group, dead.DEAD_MAX)]
    missing = [letter_id for letter_id in wanted if not dead.replay(client, stream, group, letter_id)]
    replayed = len(wanted) - len(missing)
    if as_json:
        _print_json({"replayed": replayed, "missing": missing})
    else:
        typer.echo(f"given back to {group}: {replayed}" + (f"; not there: {', '.join(missing)}" if missing else ""))
    raise typer.Exit(1 if missing else 0)


def _stream_state(stream: str) -> StreamState | None:
    client = clients.streams()
    if not client.exists(stream):
        return None
    groups = []
    for found in client.xinfo_groups(stream):
        group = found["name"].decode()
        groups.append(
            GroupState(
                group=group,
                lag=found["lag"],
                pending=found["pending"],
                consumers=found["consumers"],
                dead=int(client.xlen(names.dead(stream, group))),
                given_back=int(client.xlen(names.again(stream, group))),
            )
        )
    info: Any = client.xinfo_stream(stream)
    return StreamState(stream, info["length"], info["last-generated-id"].decode(), groups)


def _ledger_state() -> LedgerState:
    client = clients.ledger()
    last = last_seq(client)
    registered: Any = client.smembers(names.readers())
    readers = []
    for purpose in sorted(member.decode() for member in registered):
        cursor = int(client.get(names.cursor(purpose)) or 0)
        running = bool(client.exists(names.reader_lease(purpose)))
        readers.append(ReaderState(purpose, cursor, last - cursor, running))
    return LedgerState(names.ledger(), int(client.xlen(names.ledger())), last, readers)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def _print_table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*map(str, row))
    Console(emoji=False).print(table)
