"""`cho ledger rebuild`: the hot ledger made anew from the books, where it and its copy are lost (docs/rebuild.md).
`cho ledger verify`: the same beside the running ledger, compared with it key by key.

Killed anywhere, it is run again: a half-built cell is no ledger to anybody.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import redis
import typer
from pymongo.errors import PyMongoError

from cli import control
from cli.control import ControlFailed
from cli.failover import PRIMARY, Refused, alone
from cli.layout import copy_home, primary_home
from cli.stack import attach, running
from kit import standing
from kit.clock import from_ms
from kit.config import settings
from kit.engines import founded_mark, has_data, valkey_program
from kit.mongo import connect, disconnect
from kit.ports import LOOPBACK, take_any
from kit.streams import clients, names
from kit.streams.entry import ReaderStopped
from kit.streams.trim import MARGIN
from kit.supervisor import launch
from services.payments import store as payments_store
from services.payments.hooks import Topic
from services.payments.store import webhooks
from services.payments.store.keys import keys
from services.payments.store.live import STREAM, live_key
from services.payments.store.rebuild import CannotRebuild, Difference, Lives, NotEmpty, Rebuild, differences
from services.payments.store.rebuild.compare import BATCH, differing, snapshot, stream_differences, values
from services.payments.store.rebuild.run import clock_ms, half_built, see_that_it_is_empty
from services.settlement import gate, store
from services.settlement.store import Link

app = typer.Typer(no_args_is_help=True)

# Who acts on the ledger; in this order they may again.
WORKERS = ("settlement.work", "payments.work")
SERVER = "payments.serve"
UNDER_WAY = "the ledger is being rebuilt from the books; cho ledger rebuild finishes it"
READERS = ("journal", "announcer")
START_S_MAX, LEASES_S_MAX, ANNOUNCED_S_MAX, OPEN_S_MAX, BOOKS_S_MAX = 30, 20, 300, 120, 60
LOOK_S = 0.1
TOLD_EVERY = 100_000
SHOWN_MAX = 20
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it. `books`: the last event that was restored, of `books_ms`. `seq`: the ledger's last one, after
    the promotions that end what was lost; `heard`: the highest number that anybody outside had heard of.
    """

    books: int
    books_ms: int
    seq: int
    epoch: int
    heard: int
    seconds: float


# The books ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Books:
    """The journal, read once and found whole: its last event, and which old transfers are still hot."""

    last: int
    at_ms: int
    epoch: int
    lives: Lives


def read_books(now_ms: int, say: Say) -> Books:
    """Reads all of the books and sees that they verify. Raises Refused."""
    last, lives, link = store.journaled(), Lives(now_ms), None
    if not last:
        raise Refused("the books hold nothing: there is nothing to rebuild, and cho up founds a ledger")
    say(f"Reading the books up to event {last} ...")
    try:
        for link in store.verify_chain(last):
            if link.wrong:
                raise Refused(f"the books do not verify, and no ledger is made of them: {link.wrong}")
            lives.note(link.event)
    except ReaderStopped as stopped:
        raise Refused(f"the books do not verify, and no ledger is made of them: {stopped}") from stopped
    return _see_that_they_are_whole(last, link, lives)


def _see_that_they_are_whole(last: int, link: Link | None, lives: Lives) -> Books:
    if link is None or link.event.seq != last:
        raise Refused(f"the books do not verify: event {last} is their last, and cannot be read")
    founding = next(store.events(1, 1))
    if (founding.op, founding.transfer_id) != ("genesis", store.head().genesis):
        raise Refused(f"the books begin with {founding.op} {founding.transfer_id}, and are of {store.head().genesis}")
    return Books(last, link.event.at_ms, link.event.epoch, lives)


def _aloud(events: Iterator[tuple[int, bytes]], say: Say) -> Iterator[tuple[int, bytes]]:
    for seq, raw in events:
        if seq % TOLD_EVERY == 0:
            say(f"  event {seq} ...")
        yield seq, raw


# What was heard outside ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """Ledger events that were announced, by their sequence numbers. `announced`: the last one on payments' stream, 0
    where that is lost too. `highest`: of all that others still know. `hooks`: merchants' webhooks.
    """

    announced: int
    highest: int
    hooks: list[Any]


def what_was_heard(streams: redis.Redis) -> Heard:
    """Asks payments' streams and webhooks how far announcements had come. Raises redis.RedisError, PyMongoError."""
    try:
        payments_store.open_documents()
        hooks = webhooks.every()
    finally:
        disconnect()
    others = (
        names.NAMED, names.HOLDS, *streams.scan_iter(live_key("*"), count=1000),
        *streams.scan_iter(webhooks.stream_of("*"), count=1000),
    )  # fmt: skip
    announced = _last_id(streams, STREAM)
    cursors = (line.cursor for hook in hooks for topic, line in hook.lines.items() if topic is Topic.PAYMENTS)
    highest = max([announced, *cursors, *(_last_id(streams, one) for one in others)])
    return Heard(announced, highest, hooks)


def _last_id(streams: redis.Redis, stream: str | bytes) -> int:
    with suppress(redis.ResponseError):  # there is none
        found: Any = streams.xinfo_stream(stream)
        return int(found["last-generated-id"].partition(b"-")[0])
    return 0


# The rebuild --------------------------------------------------------------------------------------------


def rebuild(home: Path | None, say: Say) -> Rebuilt:
    """Rebuilds the ledger that the settings point to; `home` of the stack whose own it is. Raises Refused,
    ControlFailed, CannotRebuild, NotEmpty, redis.RedisError, PyMongoError.
    """
    with (
        alone(home) if home else nullcontext(),
        _quiet(home, say),
        closing(clients.connect(settings().ledger_url)) as ledger,
    ):
        if home:
            _start_server(home, ledger, say)
        _see_that_nobody_acts(ledger)
        see_that_it_is_empty(ledger, keys())
        with closing(clients.connect(settings().redis_url)) as streams, _writable(ledger):
            done = _fill(home, ledger, streams, say)
        if home:
            _let_in(home, ledger, done, say)
    return done


def _fill(home: Path | None, ledger: redis.Redis, streams: redis.Redis, say: Say) -> Rebuilt:
    began = time.monotonic()
    heard = what_was_heard(streams)
    try:
        connect("settlement")
        books = read_books(clock_ms(ledger), say)
        # As many as a trimmed stream keeps, and what is not announced yet.
        kept = max(0, books.last - MARGIN)
        announced = min(heard.announced, books.last) if heard.announced else kept
        keep_from = min(kept, announced, books.last - 1) + 1
        epoch = half_built(ledger, keys()) or max(books.epoch, gate.decided_epoch()) + 1
        if home:
            standing.write(home, replace(standing.read(home), epoch=epoch))
        made = Rebuild(ledger, keys(), books.lives, keep_from)
        made.begin(epoch, dict(zip(READERS, (books.last, announced), strict=True)))
        say("Writing the ledger ...")
        made.feed(_aloud(store.raw_events(1, books.last), say))
    finally:
        disconnect()
    made.promote(epoch, heard.highest)
    webhooks.keep_hooked(streams, heard.hooks)
    made.finish()
    return Rebuilt(books.last, books.at_ms, made.replay.seq, epoch, heard.highest, time.monotonic() - began)


@contextmanager
def _quiet(home: Path | None, say: Say) -> Iterator[None]:
    """Nobody of the stack acts on the ledger meanwhile. Whatever comes of it, they may again: the start gate judges."""
    if home is None:
        yield
        return
    stands = standing.read(home)
    if stands.copied and has_data(copy_home(home)):
        raise Refused(
            "this ledger has a copy, and the copy holds data: cho failover promotes it. "
            f"Where that is refused for good, move {copy_home(home)} away first"
        )
    say("Stopping what acts on the ledger ...")
    users = (SERVER, *reversed(WORKERS))
    try:
        for name in users:
            control.ask(home, "hold", name, why=UNDER_WAY)
        yield
    finally:
        with suppress(ControlFailed):
            for name in reversed(users):
                control.ask(home, "release", name)


def _start_server(home: Path, ledger: redis.Redis, say: Say) -> None:
    """Has the ledger's server run; where its directory is lost, with an empty one. Raises Refused, ControlFailed."""
    with suppress(redis.RedisError):
        ledger.ping()
        return
    folder = primary_home(home)
    if has_data(folder):
        raise Refused(
            f"the ledger's server does not run, and {folder} holds data: cho status says why. Move it away first"
        )
    say("Starting the ledger's server empty ...")
    founded_mark(folder).unlink(missing_ok=True)  # it would not start otherwise
    control.ask(home, "release", PRIMARY)
    _until(lambda: ledger.ping(), START_S_MAX, "the ledger's server to run")


def _see_that_nobody_acts(ledger: redis.Redis) -> None:
    leases = [names.reader_lease(purpose) for purpose in READERS]
    _until(
        lambda: not ledger.exists(*leases),
        LEASES_S_MAX,
        "settlement's and payments' workers to leave the ledger: stop them",
    )


@contextmanager
def _writable(ledger: redis.Redis) -> Iterator[None]:
    """A server that insists on copies takes writes meanwhile: it has none before the start gate lets them in."""
    name = "min-replicas-to-write"
    configured: Any = ledger.config_get(name)
    needed = int(next(iter(configured.values()), 0))
    if not needed:
        yield
        return
    ledger.config_set(name, 0)
    try:
        yield
    finally:
        ledger.config_set(name, needed)


def _let_in(home: Path, ledger: redis.Redis, done: Rebuilt, say: Say) -> None:
    """Workers first: what is announced once more is over before anybody listens. Raises Refused, ControlFailed."""
    say("The start gate compares it with the books, and what was not announced is ...")
    for name in WORKERS:
        control.ask(home, "release", name)
    _until(lambda: _announced(ledger) >= done.books, ANNOUNCED_S_MAX, "the announcer to catch up")
    control.ask(home, "release", SERVER)
    _until(lambda: _is_open(ledger), OPEN_S_MAX, "the gate to open")


def _announced(ledger: redis.Redis) -> int:
    found: Any = ledger.get(names.cursor("announcer"))
    return int(found or 0)


def _is_open(ledger: redis.Redis) -> bool:
    run: str = ledger.info("server")["run_id"]
    return bool(ledger.hget(keys().meta, "gate") == run.encode())


def _until(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Raises Refused with what the stack has to say."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(redis.RedisError):
            if holds():
                return
        time.sleep(LOOK_S)
    snapshot_ = running()
    notes = [f"{p['name']}: {p['note']}" for p in snapshot_["processes"] if p["note"]] if snapshot_ else []
    raise Refused(f"waited {seconds} s for {what}. {'; '.join(notes)}")


# The proof ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verified:
    """`found`: what differs. `untold`: how many keys differ in what events do not tell, and in nothing else."""

    seq: int
    keys: int
    found: list[Difference]
    untold: int


def verify(say: Say) -> Verified:
    """Rebuilds the running ledger in a server of its own, and compares every key. Raises Refused, CannotRebuild,
    redis.RedisError, PyMongoError.

    What moves meanwhile is compared at one event: read of the ledger at once, and of the rebuilt one when it is there.
    """
    k = keys()
    try:
        connect("settlement")
        with closing(clients.connect(settings().ledger_url)) as hot, scratch_server() as beside:
            books = read_books(clock_ms(hot), say)
            made = Rebuild(beside, k, books.lives, max(1, books.last - MARGIN + 1))
            made.begin(1, {})
            say("Rebuilding it beside the running one ...")
            made.feed(_aloud(store.raw_events(1, books.last), say))
            made.finish()
            say("Comparing every key ...")
            moving = list(dict.fromkeys(one.key for one in differences(hot, beside, k)))
            found: list[Difference] = []
            for start in range(0, len(moving), BATCH):
                some = moving[start : start + BATCH]
                seq, ours = snapshot(hot, k, some)
                _catch_up(made, seq)
                found += differing(k, some, ours, values(beside, some))
            last = made.replay.seq
            found += stream_differences(hot, beside, k, last)
            return Verified(last, beside.dbsize(), [d for d in found if not d.untold], sum(d.untold for d in found))
    finally:
        disconnect()


def _catch_up(made: Rebuild, seq: int) -> None:
    """Brings the rebuilt ledger to an event, once the books have it. Raises Refused."""
    if seq < made.replay.seq:
        raise Refused(f"the ledger ends at event {seq} and its books at {made.replay.seq}: it lost what they hold")
    _until(lambda: store.journaled() >= seq, BOOKS_S_MAX, f"the books to have event {seq}: is settlement working?")
    made.feed(store.raw_events(made.replay.seq + 1, seq))
    made.finish()


@contextmanager
def scratch_server() -> Iterator[redis.Redis]:
    """A Valkey of this process's own, in memory, which ends with it."""
    with tempfile.TemporaryDirectory(prefix="cho-rebuild-") as folder:
        port = take_any()
        options = ("--bind", LOOPBACK, "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no")
        process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", str(launch.__file__), str(os.getpid()), str(Path(folder, "lock"))),
                *(valkey_program(), *options, "--logfile", str(Path(folder, "log"))),
            ]
        )
        try:
            with closing(clients.connect(f"redis://{LOOPBACK}:{port}/0")) as client:
                _until(lambda: client.ping(), START_S_MAX, "a server to rebuild in")
                yield client
        finally:
            process.kill()
            process.wait()


# Commands -----------------------------------------------------------------------------------------------

CANNOT = (Refused, ControlFailed, CannotRebuild, NotEmpty, redis.RedisError, PyMongoError)


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be done is shown without a traceback."""
    try:
        yield
    except CANNOT as refused:
        typer.secho(str(refused), fg="red", err=True)
        raise typer.Exit(1) from refused


def _stack() -> Path | None:
    """The home of the stack that runs here and whose ledger is its own; None where LEDGER_URL names another's."""
    if attach():
        snapshot_ = running()
        assert snapshot_ is not None
        own = any(process["name"] == PRIMARY for process in snapshot_["processes"])
        return settings().home.resolve() if own and settings().ledger_url == settings().redis_url else None
    if {"ledger_url", "redis_url"} & settings().model_fields_set and "mongodb_uri" in settings().model_fields_set:
        return None
    raise Refused(
        f"No stack runs in {settings().home.resolve()}, and the books' server with it: cho up starts what can be "
        "started. For servers of your own set LEDGER_URL, REDIS_URL and MONGODB_URI"
    )


@app.command("rebuild")
def rebuild_command() -> None:
    """Make the lost hot ledger anew from the books. Refuses where the cell is not empty, or the books do not verify."""
    with _told():
        home = _stack()
        done = rebuild(home, typer.echo)
    typer.secho(
        f"Rebuilt from {done.books} events in {done.seconds:.1f} s: epoch {done.epoch}, at event {done.seq}.",
        fg="green",
    )
    typer.secho(
        f"The books end with event {done.books} of {from_ms(done.books_ms).isoformat(timespec='milliseconds')}: "
        "whatever was answered after it is lost. Whoever waits for an answer, or doubts one, sends the same key again, "
        "or asks Resolve; what the books hold is answered as before.",
        fg="yellow",
    )
    if done.heard > done.books:
        typer.secho(
            f"Vendors may have heard of events {done.books + 1} to {done.heard}: at least {done.heard - done.books} "
            "events are lost. Promotions stand in their place.",
            fg="red",
        )
    if home is None:
        typer.echo("Start settlement's and payments' workers; payments' servers once the announcer has caught up.")


@app.command("verify")
def verify_command() -> None:
    """Rebuild the running ledger beside itself and compare every key; exit status 1 where one differs."""
    with _told():
        _stack()
        done = verify(typer.echo)
    for one in done.found[:SHOWN_MAX]:
        typer.secho(f"{one.key}\n  ledger:  {one.hot}\n  rebuilt: {one.rebuilt}", fg="red")
    if done.untold:
        typer.echo(f"{done.untold} keys differ only in what events do not tell (docs/rebuild.md).")
    if done.found:
        typer.secho(f"{len(done.found)} keys differ at event {done.seq}.", fg="red")
        raise typer.Exit(1)
    typer.secho(f"The ledger at event {done.seq} is what the books say: {done.keys} keys.", fg="green")
