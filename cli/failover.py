"""The ledger's runbook as commands: `cho failover`, `cho reattach`, `cho degrade` (docs/survival.md).

Nothing here happens by a timeout: a person decides. Whatever dies in the middle, running the command again, or
starting the stack again, goes on from what is on disk.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
import typer
from pymongo.errors import PyMongoError

from cli import control
from cli.control import ControlFailed
from cli.layout import COPY, copy_home, primary_home
from cli.stack import attach, running
from kit import standing
from kit.config import settings
from kit.engines import has_data
from kit.mongo import connect, disconnect
from kit.ports import LOOPBACK
from kit.standing import Standing
from kit.streams.entry import last_seq
from kit.supervisor.process import State
from services.payments.store.keys import keys
from services.settlement import store

PRIMARY = "valkey"
# What has to know how many copies must hold a payment.
KNOWERS = ("settlement.work", "payments.serve", "payments.work")
OPEN_S_MAX = 120
SYNC_S_MAX = 120
LOOK_S = 0.05
UNDER_WAY = "a failover is under way; cho failover finishes it"
Say = Callable[[str], None]


class Refused(RuntimeError):
    """It cannot be done, or must not be; nothing is lost, and the message says what to do."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of it. `seq`: the promoted copy's last event; `refused_s`: how long nobody could pay."""

    epoch: int
    seq: int
    refused_s: float


def promote(home: Path, say: Say, *, kill: bool = False) -> Promotion:
    """Promotes the copy of the ledger that runs in `home`; the old primary's server becomes a fresh copy of it.

    `kill`: the old primary is ended by SIGKILL. Settings must point at the stack. Raises Refused, ControlFailed.
    """
    stands = standing.read(home)
    if not stands.copied:
        raise Refused("this ledger has no copy to promote: cho up --replicas 1 gives it one")
    if not stands.replicas:
        raise Refused(
            "payments are acknowledged by one server alone: what its copy lacks would be lost. "
            "While that server runs: cho degrade --off. If it is lost: docs/survival.md"
        )
    began = time.monotonic()
    if not _is_swapped(home):
        _see_that_it_may_be_promoted(home)  # before anything is stopped
        say("Fencing the old primary ...")
        control.ask(home, "hold", PRIMARY, why=UNDER_WAY, kill=kill)
        try:
            seq = _see_that_it_may_be_promoted(home)  # it has all that it will ever get from the old one
        except Refused:
            control.ask(home, "release", PRIMARY)
            raise
        say(f"The copy ends at event {seq}, and the books not behind it. Promoting it ...")
        control.ask(home, "hold", COPY, why=UNDER_WAY)
        stands = replace(stands, epoch=stands.epoch + 1)
        standing.write(home, stands)
        _swap(home)
    control.ask(home, "release", PRIMARY)
    control.ask(home, "release", COPY)
    say("The start gate compares it with the books, and a fresh copy is made ...")
    seq = _await_open(stands.epoch)
    _record(home, "promoted", epoch=stands.epoch, seq=seq)
    return Promotion(stands.epoch, seq, time.monotonic() - began)


def reattach(home: Path, say: Say) -> None:
    """Has the copy made anew from the primary. Raises Refused, ControlFailed."""
    if not standing.read(home).copied:
        raise Refused("this ledger has no copy: cho up --replicas 1 gives it one")
    say("Setting the old copy aside ...")
    control.ask(home, "hold", COPY, why="the copy is being made anew (cho reattach)")
    _set_aside(copy_home(home))
    control.ask(home, "release", COPY)
    _await_copy(home)
    _record(home, "reattached")


def lower(home: Path, say: Say) -> None:
    """Payments are acknowledged by the primary alone from now on. Raises Refused, ControlFailed."""
    stands = standing.read(home)
    if not stands.copied:
        raise Refused("this ledger has no copy: payments are acknowledged by one server as it is")
    if not stands.alone_since:
        stands = replace(stands, alone_since=datetime.now(UTC).isoformat(timespec="seconds"))
        _record(home, "degraded", since=stands.alone_since)
        standing.write(home, stands)  # from here on every start knows
    _require_copies(stands, say)
    _restart_knowers(home, say)


def raise_again(home: Path, say: Say) -> None:
    """Payments need the copy again. Raises Refused where it is not in sync, ControlFailed."""
    stands = standing.read(home)
    if not stands.alone_since:
        raise Refused("payments already need every copy that this ledger has")
    _await_copy(home)
    stands = replace(stands, alone_since="")
    _require_copies(stands, say)  # first: nobody waits for a copy that the server does not insist on
    standing.write(home, stands)
    _record(home, "restored")
    _restart_knowers(home, say)


# The copy -------------------------------------------------------------------------------------------------


@contextmanager
def _server(port: int) -> Iterator[redis.Redis]:
    with closing(redis.Redis(host=LOOPBACK, port=port, protocol=2, socket_timeout=5)) as client:
        yield client


def _copy_port(home: Path) -> int:
    """Where the copy was told to listen. Raises Refused where none was ever started."""
    try:
        lines = (copy_home(home) / "valkey.conf").read_text().splitlines()
    except FileNotFoundError:
        raise Refused("the copy was never started: cho status") from None
    return next(int(line.split()[1]) for line in lines if line.startswith("port "))


def _see_that_it_may_be_promoted(home: Path) -> int:
    """The copy's last event. Raises Refused where it is not whole, or lacks what the books have."""
    # The books first: what they journal while this looks is on the copy already, and would seem to be missing from it.
    try:
        connect("settlement")
        journaled, ours = store.journaled(), store.head().genesis
    except PyMongoError as error:
        raise Refused(f"the books cannot be asked what they hold: {error}") from error
    finally:
        disconnect()
    try:
        with _server(_copy_port(home)) as copy:
            info: dict[str, Any] = copy.info("replication")
            seq, genesis = last_seq(copy), copy.hget(keys().meta, "genesis")
    except redis.RedisError as error:
        raise Refused(f"the copy does not answer ({error}): cho status says why; cho reattach makes it anew") from error
    if info["role"] == "slave" and info["master_sync_in_progress"]:
        raise Refused("the copy is being made just now: wait until cho status says that it is ready")
    if genesis != ours.encode():
        raise Refused(f"the copy holds {genesis!r}, and the books are of {ours}: it is no copy of this ledger")
    if seq < journaled:
        raise Refused(f"the copy ends at event {seq} and the books at {journaled}: promoting it would lose payments")
    return seq


def _is_swapped(home: Path) -> bool:
    """Whether an earlier call came as far as the swap, and no further."""
    snapshot = running(home)
    notes = {process["name"]: process["note"] for process in snapshot["processes"]} if snapshot else {}
    return notes.get(PRIMARY) == notes.get(COPY) == UNDER_WAY and not has_data(copy_home(home))


def _swap(home: Path) -> None:
    """The copy's directory becomes the primary's; the primary's is set aside, not thrown away. Both are stopped."""
    if primary_home(home).exists():
        _set_aside(primary_home(home))
    copy_home(home).rename(primary_home(home))
    standing.sync_folder(home)


def _set_aside(folder: Path) -> None:
    """Keeps one older directory of this name, the last one."""
    before = folder.with_name(f"{folder.name}.before")
    if folder.exists():
        shutil.rmtree(before, ignore_errors=True)
        folder.rename(before)
        standing.sync_folder(folder.parent)


# Waiting --------------------------------------------------------------------------------------------------


def _await_open(epoch: int) -> int:
    """The ledger's last event, once its gate is open for the server that runs now. Raises Refused."""
    deadline = time.monotonic() + OPEN_S_MAX
    with closing(redis.Redis.from_url(settings().ledger_url, protocol=2, socket_timeout=5)) as ledger:
        while time.monotonic() < deadline:
            with suppress(redis.RedisError):
                run = ledger.info("server")["run_id"]
                opened_for, at = ledger.hmget(keys().meta, ["gate", "epoch"])
                if opened_for == run.encode() and at is not None and int(at) >= epoch:
                    return last_seq(ledger)
            time.sleep(LOOK_S)
    raise Refused(f"the gate is still shut after {OPEN_S_MAX} s: {_note('settlement.work')}")


def _await_copy(home: Path) -> None:
    """Until the copy is in sync. Raises Refused."""
    deadline = time.monotonic() + SYNC_S_MAX
    while time.monotonic() < deadline:
        with suppress(redis.RedisError), _server(_copy_port(home)) as copy:
            if copy.info("replication").get("master_link_status") == "up":
                return
        time.sleep(LOOK_S)
    raise Refused(f"the copy is not in sync after {SYNC_S_MAX} s: {_note(COPY) or 'cho status'}")


def _note(name: str) -> str:
    snapshot = running()
    notes = [process["note"] for process in snapshot["processes"] if process["name"] == name] if snapshot else []
    return notes[0] if notes else ""


# Copies needed --------------------------------------------------------------------------------------------


def _require_copies(stands: Standing, say: Say) -> None:
    """Tells the primary. One that does not run reads it when it starts."""
    try:
        with closing(redis.Redis.from_url(settings().ledger_url, socket_timeout=5)) as primary:
            primary.config_set("min-replicas-to-write", stands.replicas)
    except redis.ConnectionError as error:
        say(f"The primary does not run ({error}); it is told at its next start.")


def _restart_knowers(home: Path, say: Say) -> None:
    for name in KNOWERS:
        say(f"Restarting {name} ...")
        control.ask(home, "restart", name)
    deadline = time.monotonic() + OPEN_S_MAX
    while time.monotonic() < deadline:
        snapshot = running(home)
        states = {process["name"]: process["state"] for process in snapshot["processes"]} if snapshot else {}
        if all(states.get(name) == State.READY for name in KNOWERS):
            return
        time.sleep(LOOK_S)
    raise Refused(f"not everything is ready after {OPEN_S_MAX} s: {_note('settlement.work') or 'cho status'}")


def _record(home: Path, what: str, **facts: object) -> None:
    """What an operator did, for those who ask later: a line of JSON in `log/operator.log`."""
    line = json.dumps({"at": datetime.now(UTC).isoformat(), "by": os.environ.get("USER", ""), "did": what, **facts})
    log = home / "log" / "operator.log"
    with open(log, "a", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write(f"{line}\n")
        out.flush()
        os.fsync(out.fileno())


# Commands -------------------------------------------------------------------------------------------------


@contextmanager
def _runbook() -> Iterator[Path]:
    """The home of the stack that runs; refusals are shown without a traceback."""
    if not attach():
        typer.secho(f"No stack runs in {settings().home.resolve()}; cho up starts one.", fg="red", err=True)
        raise typer.Exit(2)
    try:
        yield settings().home.resolve()
    except (Refused, ControlFailed) as refused:
        typer.secho(str(refused), fg="red", err=True)
        raise typer.Exit(1) from refused


def failover() -> None:
    """Promote the ledger's copy: fence the old primary, compare, promote, open, attach a fresh copy."""
    with _runbook() as home:
        done = promote(home, typer.echo)
    typer.secho(
        f"Promoted: epoch {done.epoch}, at event {done.seq}; payments were refused for {done.refused_s:.1f} s.",
        fg="green",
    )


def reattach_copy() -> None:
    """Have the ledger's copy made anew from its primary; payments wait until it is in sync."""
    with _runbook() as home:
        reattach(home, typer.echo)
    typer.secho("The copy is in sync.", fg="green")


def degrade(
    accept: bool = typer.Option(
        False, "--accept-loss-of-one-server", help="Acknowledge payments that one server alone holds."
    ),
    off: bool = typer.Option(False, "--off", help="Need the copy again."),
) -> None:
    """Pay without the ledger's copy, knowingly; or end that. Without it, payments are refused: nothing is lost."""
    if accept == off:
        raise typer.BadParameter("say --accept-loss-of-one-server, or --off")
    with _runbook() as home:
        (lower if accept else raise_again)(home, typer.echo)
    if accept:
        typer.secho(
            "Payments are acknowledged by one server alone: its loss loses them. cho degrade --off", fg="red", bold=True
        )
    else:
        typer.secho("Payments need the copy again.", fg="green")
