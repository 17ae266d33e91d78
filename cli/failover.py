"""The ledger's runbook as commands: `cho failover`, `cho reattach`, `cho degrade` (docs/survival.md).

Nothing here happens by a timeout: a person decides. Whatever dies in the middle, running the command again, or
starting the stack again, goes on from what is on disk. One command is at work at a time. None of them destroys a
directory of the ledger before a later one is known to be whole.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

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
ANSWER_S_MAX = 120
OPEN_S_MAX = 120
SYNC_S_MAX = 120
LOOK_S = 0.05
UNDER_WAY = "a failover is under way; cho failover finishes it"
ENDING = "payments will need the copy again; cho degrade --off finishes it"
GETS_ONE = "To give it one, stop the stack, then cho up --replicas 1"
PROMOTES = "A copy is made of a whole primary only; without one, cho failover promotes the copy that there is"
BY_HAND = "see the runbook in docs/survival.md"
Say = Callable[[str], None]
P = ParamSpec("P")
R = TypeVar("R")


class Refused(RuntimeError):
    """It cannot be done, or must not be; nothing is lost, and the message says what to do."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of it. `seq`: the promoted copy's last event; `refused_s`: how long nobody could pay."""

    epoch: int
    seq: int
    refused_s: float


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Two runbook commands at once would each set aside what the other has just put in place. Raises Refused for the
    second.
    """
    (home / "run").mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(home / "run" / "runbook.lock", "a", opener=lambda path, flags: os.open(path, flags, 0o600)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("another command of the runbook is at work here: wait until it has ended") from None
        yield


def _one_at_a_time(command: Callable[Concatenate[Path, P], R]) -> Callable[Concatenate[Path, P], R]:
    @wraps(command)
    def within(home: Path, *args: P.args, **kwargs: P.kwargs) -> R:
        with alone(home):
            return command(home, *args, **kwargs)

    return within


@_one_at_a_time
def promote(home: Path, say: Say, *, kill: bool = False) -> Promotion:
    """Promotes the copy of the ledger that runs in `home`; the old primary's server becomes a fresh copy of it.

    `kill`: the old primary is ended by SIGKILL. Settings must point at the stack. Raises Refused, ControlFailed.
    """
    stands = standing.read(home)
    if not stands.copied:
        raise Refused(f"this ledger has no copy to promote (docs/survival.md). {GETS_ONE}")
    if not stands.replicas:
        raise Refused(
            "payments are acknowledged by one server alone: what its copy lacks would be lost. "
            "While that server runs: cho degrade --off. If it is lost: docs/survival.md"
        )
    began = time.monotonic()
    if not _is_swapped(home):
        try:
            control.ask(home, "release", COPY)  # it may be held: by an earlier call, or because no primary came
            _await_answer(home)
            _see_that_it_may_be_promoted(home)  # before anything is stopped
            say("Fencing the old primary ...")
            control.ask(home, "hold", PRIMARY, why=UNDER_WAY, kill=kill)
            seq = _see_that_it_may_be_promoted(home)  # it has all that it will ever get from the old one
        except Refused:
            control.ask(home, "release", PRIMARY)  # this call has fenced it, or an earlier one
            raise
        say(f"The copy ends at event {seq}, and the books not behind it. Promoting it ...")
        control.ask(home, "hold", COPY, why=UNDER_WAY)
        stands = replace(stands, epoch=stands.epoch + 1)
        standing.write(home, stands)  # dying here costs a number, and no more
        _swap(home)
    control.ask(home, "release", PRIMARY)
    control.ask(home, "release", COPY)  # last: by its note the next call knows how far this one came
    say("The start gate compares it with the books, and a fresh copy is made ...")
    seq = _await_open(home, stands.epoch)
    _drop_older(primary_home(home))
    _record(home, "promoted", epoch=stands.epoch, seq=seq)
    return Promotion(stands.epoch, seq, time.monotonic() - began)


@_one_at_a_time
def reattach(home: Path, say: Say) -> None:
    """Has the copy made anew from the primary. Raises Refused, ControlFailed."""
    if not standing.read(home).copied:
        raise Refused(f"this ledger has no copy. {GETS_ONE}")
    _see_that_it_may_be_copied(home)
    say("Setting the old copy aside ...")
    control.ask(home, "hold", COPY, why="the copy is being made anew (cho reattach)")
    _set_aside(copy_home(home))
    control.ask(home, "release", COPY)
    _await_copy(home)
    _drop_older(copy_home(home))
    _record(home, "reattached")


@_one_at_a_time
def lower(home: Path, say: Say) -> None:
    """Payments are acknowledged by the primary alone from now on. Raises Refused, ControlFailed."""
    stands = standing.read(home)
    if not stands.copied:
        raise Refused("this ledger has no copy: payments are acknowledged by one server as it is")
    if UNDER_WAY in (_seen(home, PRIMARY)["note"], _seen(home, COPY)["note"]):
        raise Refused(UNDER_WAY)  # and would be refused once payments do without the copy
    if not stands.alone_since:
        stands = replace(stands, alone_since=datetime.now(UTC).isoformat(timespec="seconds"))
        _record(home, "degraded", since=stands.alone_since)
        standing.write(home, stands)  # from here on every start knows
    _require_copies(stands, say)
    _restart_knowers(home, say)


@_one_at_a_time
def raise_again(home: Path, say: Say) -> None:
    """Payments need the copy again; those who know are restarted even where it is written already: an earlier call may
    have died before they were. Raises Refused where the copy is not in sync, ControlFailed.
    """
    stands = standing.read(home)
    if not stands.copied:
        raise Refused(f"this ledger has no copy. {GETS_ONE}")
    _await_copy(home)
    for name in KNOWERS:  # once it is written the copy may be promoted: nobody answers by the old rule then
        control.ask(home, "hold", name, why=ENDING)
    try:
        _await_copy(home, _last_event())  # what was answered by the primary alone until now
    except Refused:
        for name in KNOWERS:
            control.ask(home, "release", name)
        raise
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


@contextmanager
def _primary() -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(settings().ledger_url, protocol=2, socket_timeout=5)) as client:
        yield client


def _last_event() -> int:
    """The primary's. Raises Refused."""
    try:
        with _primary() as primary:
            return last_seq(primary)
    except redis.RedisError as error:
        raise Refused(f"the primary does not answer: {error}") from error


def _copy_port(home: Path) -> int:
    """Where the copy was told to listen. Raises redis.ConnectionError where it was not told yet, or not wholly."""
    conf = copy_home(home) / "valkey.conf"
    told = re.search(r"^port (\d+)\n", conf.read_text() if conf.exists() else "", re.MULTILINE)
    if not told:
        raise redis.ConnectionError("it has not been started")
    return int(told[1])


def _books() -> tuple[int, bytes]:
    """The books' last event, and the genesis of the ledger that they are of. Raises Refused."""
    try:
        connect("settlement")
        return store.journaled(), store.head().genesis.encode()
    except PyMongoError as error:
        raise Refused(f"the books cannot be asked what they hold: {error}") from error
    finally:
        disconnect()


def _see_that_it_may_be_promoted(home: Path) -> int:
    """The copy's last event. Raises Refused where it is not whole, or lacks what the books have."""
    # The books first: what they journal while this looks is on the copy already, and would seem to be missing from it.
    journaled, ours = _books()
    try:
        with _server(_copy_port(home)) as copy:
            info: dict[str, Any] = copy.info("replication")
            seq, genesis = last_seq(copy), copy.hget(keys().meta, "genesis")
    except redis.RedisError as error:
        raise Refused(f"the copy does not answer ({error}). {_next_for_copy(home)}") from error
    if info["role"] == "slave" and info["master_sync_in_progress"]:
        raise Refused("the copy is being made just now: wait until cho status says that it is ready")
    if genesis is None:
        raise Refused("the copy is empty: wait until cho status says that it is ready. Without a primary: " + BY_HAND)
    if genesis != ours:
        raise Refused(f"the copy holds {genesis!r}, and the books are of {ours!r}: it is no copy of this ledger")
    if seq < journaled:
        raise Refused(
            f"the copy ends at event {seq} and the books at {journaled}: promoting it would lose payments. "
            f"While the primary runs it catches up: try again. Without one: {BY_HAND}"
        )
    return seq


def _see_that_it_may_be_copied(home: Path) -> None:
    """Raises Refused unless the primary runs, and has what the books and the present copy have: else that copy may be
    the only whole one.
    """
    needed, ours = _books()
    with suppress(redis.RedisError), _server(_copy_port(home)) as copy:  # before the primary: it is never behind
        if copy.hget(keys().meta, "genesis") == ours:
            needed = max(needed, last_seq(copy))
    try:
        with _primary() as primary:
            seq, genesis = last_seq(primary), primary.hget(keys().meta, "genesis")
    except redis.RedisError as error:
        raise Refused(f"there is no primary to copy: it does not answer ({error}). {PROMOTES}") from error
    if genesis != ours:
        raise Refused(f"the primary holds {genesis!r}, and the books are of {ours!r}. {PROMOTES}")
    if seq < needed:
        raise Refused(f"the primary ends at event {seq}, and books or copy at {needed}. {PROMOTES}")


def _next_for_copy(home: Path) -> str:
    note = _seen(home, COPY)["note"] or "cho status and its log say why"
    return f"{note}. While the primary runs, cho reattach makes it anew; without one keep its directory: {BY_HAND}"


def _seen(home: Path, name: str) -> dict[str, Any]:
    """How a process is, as the supervisor has told it last."""
    snapshot = running(home)
    found = [process for process in snapshot["processes"] if process["name"] == name] if snapshot else []
    return found[0] if found else {"state": "", "note": ""}


def _is_swapped(home: Path) -> bool:
    """Whether an earlier call came as far as the swap, and did not release the copy after it."""
    return _seen(home, COPY)["note"] == UNDER_WAY and not has_data(copy_home(home))


def _swap(home: Path) -> None:
    """The copy's directory becomes the primary's; the primary's is set aside, not thrown away. Both are stopped."""
    _set_aside(primary_home(home))
    copy_home(home).rename(primary_home(home))
    standing.sync_folder(home)


def _set_aside(folder: Path) -> None:
    """Under the next number: what was set aside before stays (`_drop_older`). Where there is none, none was left."""
    if folder.exists():
        number = max(_aside(folder), default=0) + 1
        folder.rename(folder.with_name(f"{folder.name}.before-{number}"))
        standing.sync_folder(folder.parent)


def _drop_older(folder: Path) -> None:
    """Keeps the last one that was set aside. Only once its successor is whole."""
    for _, older in sorted(_aside(folder).items())[:-1]:
        shutil.rmtree(older)


def _aside(folder: Path) -> dict[int, Path]:
    """What was set aside of it, by number."""
    name = re.compile(rf"{re.escape(folder.name)}\.before-(\d+)")
    return {int(told[1]): one for one in folder.parent.iterdir() if (told := name.fullmatch(one.name))}


# Waiting --------------------------------------------------------------------------------------------------


def _await_answer(home: Path) -> None:
    """Until the copy answers, in sync or not. Raises Refused."""
    deadline = time.monotonic() + ANSWER_S_MAX
    while time.monotonic() < deadline:
        with suppress(redis.RedisError), _server(_copy_port(home)) as copy:
            copy.ping()
            return
        time.sleep(LOOK_S)
    raise Refused(f"the copy does not answer after {ANSWER_S_MAX} s: {_next_for_copy(home)}")


def _await_open(home: Path, epoch: int) -> int:
    """The ledger's last event, once its gate is open for the server that runs now. Raises Refused."""
    deadline = time.monotonic() + OPEN_S_MAX
    with _primary() as ledger:
        while time.monotonic() < deadline:
            with suppress(redis.RedisError):
                run = ledger.info("server")["run_id"]
                opened_for, at = ledger.hmget(keys().meta, ["gate", "epoch"])
                if opened_for == run.encode() and at is not None and int(at) >= epoch:
                    return last_seq(ledger)
            time.sleep(LOOK_S)
    raise Refused(f"the gate is still shut after {OPEN_S_MAX} s: {_seen(home, 'settlement.work')['note']}")


def _await_copy(home: Path, seq: int = 0) -> None:
    """Until the copy is in sync, and has event `seq`. Raises Refused."""
    deadline = time.monotonic() + SYNC_S_MAX
    while time.monotonic() < deadline:
        with suppress(redis.RedisError), _server(_copy_port(home)) as copy:
            if copy.info("replication").get("master_link_status") == "up" and last_seq(copy) >= seq:
                return
        time.sleep(LOOK_S)
    raise Refused(f"the copy is not in sync after {SYNC_S_MAX} s: {_seen(home, COPY)['note'] or 'cho status'}")


# Copies needed --------------------------------------------------------------------------------------------


def _require_copies(stands: Standing, say: Say) -> None:
    """Tells the primary. One that does not run reads it when it starts."""
    try:
        with _primary() as primary:
            primary.config_set("min-replicas-to-write", stands.replicas)
    except redis.ConnectionError as error:
        say(f"The primary does not run ({error}); it is told at its next start.")


def _restart_knowers(home: Path, say: Say) -> None:
    for name in KNOWERS:
        say(f"Restarting {name} ...")
        control.ask(home, "restart", name)
    deadline = time.monotonic() + OPEN_S_MAX
    while time.monotonic() < deadline:
        if all(_seen(home, name)["state"] == State.READY for name in KNOWERS):
            return
        time.sleep(LOOK_S)
    raise Refused(
        f"not everything is ready after {OPEN_S_MAX} s: {_seen(home, 'settlement.work')['note'] or 'cho status'}"
    )


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
