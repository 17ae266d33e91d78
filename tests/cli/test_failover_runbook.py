"""The ledger's runbook when it dies in the middle, is run twice, or two at once; on a supervisor that is made up."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
import typer

from cli import control, failover, stack
from cli.control import ControlFailed
from cli.layout import COPY, copy_home, primary_home
from cli.ledger import rebuild
from kit import standing
from kit.config import settings
from kit.engines import has_data
from kit.standing import Standing
from kit.supervisor.process import State
from kit.supervisor.run import lock_of

PRIMARY = failover.PRIMARY
# What the commands say meanwhile.
HEARD: list[str] = []


class Died(BaseException):
    """kill -9 of the command."""


@dataclass
class Supervisor:
    """Runs the two servers of `home`: what a directory holds is one file's text. `steps_left`: then everything dies."""

    home: Path
    held: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    steps_left: int = -1

    def step(self) -> None:
        if self.steps_left == 0:
            raise Died
        self.steps_left -= 1

    def ask(self, home: Path, do: str, name: str, *, why: str = "", kill: bool = False) -> None:
        self.step()
        self.asked.append((do, name))
        if do == "hold":
            self.held[name] = why
        else:
            self.held.pop(name, None)
        if not {PRIMARY, COPY} & self.held.keys() and not holds(copy_home(home)):
            write(copy_home(home), "a fresh copy")

    def running(self, home: Path | None = None) -> dict[str, Any]:
        names = (PRIMARY, COPY, *failover.KNOWERS)
        return {
            "processes": [
                {
                    "name": name,
                    "state": State.HELD if name in self.held else State.READY,
                    "note": self.held.get(name, ""),
                }
                for name in names
            ]
        }


def write(folder: Path, what: str) -> None:
    manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(what)


def holds(folder: Path) -> str:
    manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
    return manifest.read_text() if manifest.exists() else ""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """A ledger with a copy, each server with data of its own."""
    made = Supervisor(tmp_path)
    (tmp_path / "log").mkdir()
    standing.write(tmp_path, Standing(copied=True))
    write(primary_home(tmp_path), "the old primary")
    write(copy_home(tmp_path), "the copy")

    def dies_between(module: Any, name: str) -> None:
        real = getattr(module, name)

        def step(*args: Any, **more: Any) -> Any:
            made.step()
            return real(*args, **more)

        monkeypatch.setattr(module, name, step)

    dies_between(standing, "write")
    dies_between(Path, "rename")
    monkeypatch.setattr(control, "ask", made.ask)
    monkeypatch.setattr(failover, "running", made.running)
    return made


# Promoting ------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(desk: Supervisor, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """The copy answers where it runs; the gate opens where the primary does."""

    def look(home: Path) -> int:
        if COPY in desk.held or not holds(copy_home(home)):
            raise failover.Refused("the copy does not answer")
        return 217

    def opened(*_: Any) -> int:
        assert not {PRIMARY, COPY} & desk.held.keys()
        return 218

    monkeypatch.setattr(failover, "_see_that_it_may_be_promoted", look)
    monkeypatch.setattr(failover, "_await_open", opened)
    monkeypatch.setattr(failover, "_await_answer", lambda home: None, raising=False)
    return desk


# Released, held twice, the standing, renamed twice, released twice; it may die before each, and after the last.
PROMOTING = 9


@pytest.mark.parametrize("steps", range(PROMOTING))
def test_a_failover_that_dies_anywhere_is_finished_by_the_next_one(
    steps: int, asked: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.steps_left = steps
    with monkeypatch.context() as patch:
        patch.setattr(failover, "_await_open", lambda *_: asked.step())
        with pytest.raises(Died):
            failover.promote(tmp_path, HEARD.append)
    assert {"the old primary", "the copy"} <= {holds(one) for one in tmp_path.iterdir()}
    asked.steps_left = -1
    failover.promote(tmp_path, HEARD.append)
    # Where all was done and only not seen to be, the fresh copy is promoted in its turn: it has the same.
    assert holds(primary_home(tmp_path)) == ("the copy" if steps < PROMOTING - 1 else "a fresh copy")
    assert standing.read(tmp_path).epoch >= 2
    assert not asked.held


def test_a_copy_that_is_held_is_started_before_it_is_asked(asked: Supervisor, tmp_path: Path) -> None:
    asked.held = {PRIMARY: "it is empty", COPY: "not ready after 600 s"}
    failover.promote(tmp_path, HEARD.append)
    assert holds(primary_home(tmp_path)) == "the copy"


def test_a_primary_that_an_earlier_call_has_fenced_runs_again_where_its_copy_may_not_be_promoted(
    asked: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(home: Path) -> int:
        raise failover.Refused("it lacks payments")

    monkeypatch.setattr(failover, "_see_that_it_may_be_promoted", refuse)
    asked.held[PRIMARY] = failover.UNDER_WAY
    with pytest.raises(failover.Refused, match="lacks payments"):
        failover.promote(tmp_path, HEARD.append)
    assert not asked.held


def test_a_copy_is_waited_for_until_it_answers(valkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failover, "ANSWER_S_MAX", 0.2)
    monkeypatch.setattr(failover, "running", lambda home: None)
    with pytest.raises(failover.Refused, match="the copy does not answer"):
        failover._await_answer(tmp_path)
    copy_home(tmp_path).mkdir()
    (copy_home(tmp_path) / "valkey.conf").write_text(
        f"port {redis.Redis.from_url(valkey).get_connection_kwargs()['port']}\n"
    )
    failover._await_answer(tmp_path)


# What is set aside ----------------------------------------------------------------------------------------


def test_what_was_set_aside_stays_until_its_successor_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "valkey-replica"
    for what in ("the whole copy", "a half", "another half"):
        write(folder, what)
        failover._set_aside(folder)
    assert {holds(one) for one in tmp_path.iterdir()} == {"the whole copy", "a half", "another half"}
    failover._set_aside(folder)  # nothing is there
    failover._drop_older(folder)
    assert [holds(one) for one in tmp_path.iterdir()] == ["another half"]


def test_what_stands_beside_and_is_not_a_servers_is_left_alone(tmp_path: Path) -> None:
    for name in (
        "valkey.before-mine",
        "valkey-replica.before-1",
        "valkey.before",
        "valkey.before-9",
        "valkey.before-10",
    ):
        write(tmp_path / name, name)
    failover._drop_older(tmp_path / "valkey")
    assert {one.name for one in tmp_path.iterdir()} == {
        "valkey.before-mine",
        "valkey-replica.before-1",
        "valkey.before",
        "valkey.before-10",
    }


# The copy made anew ---------------------------------------------------------------------------------------


def test_a_copy_is_not_thrown_away_while_its_primary_does_not_answer(
    desk: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "ledger_url", "redis://127.0.0.1:9/0")
    monkeypatch.setattr(failover, "_books", lambda: (217, "genesis"), raising=False)
    with pytest.raises(failover.Refused, match="cho failover"):
        failover.reattach(tmp_path, HEARD.append)
    assert (desk.asked, holds(copy_home(tmp_path))) == ([], "the copy")


@pytest.mark.parametrize("steps", range(4))
def test_a_copy_that_is_made_anew_is_there_in_the_end_wherever_the_first_call_died(
    steps: int, desk: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover, "_see_that_it_may_be_copied", lambda home: None)
    desk.steps_left = steps
    with monkeypatch.context() as patch:
        patch.setattr(failover, "_await_copy", lambda home: desk.step())
        with pytest.raises(Died):
            failover.reattach(tmp_path, HEARD.append)
    assert {"the old primary", "the copy"} <= {holds(one) for one in tmp_path.iterdir()}
    desk.steps_left = -1
    monkeypatch.setattr(failover, "_await_copy", lambda home: None)
    failover.reattach(tmp_path, HEARD.append)
    assert (holds(primary_home(tmp_path)), holds(copy_home(tmp_path))) == ("the old primary", "a fresh copy")
    assert not desk.held


@pytest.mark.parametrize("conf", [None, "", "bind 127.0.0.1\npor", "bind 127.0.0.1\nport 63"])
def test_a_copy_that_has_no_configuration_yet_is_waited_for(
    conf: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover, "SYNC_S_MAX", 0.2)
    monkeypatch.setattr(failover, "running", lambda home: None)
    copy_home(tmp_path).mkdir()
    if conf is not None:
        (copy_home(tmp_path) / "valkey.conf").write_text(conf)
    with pytest.raises(failover.Refused, match="not in sync after"):
        failover._await_copy(tmp_path)


# Degraded -------------------------------------------------------------------------------------------------


def test_the_end_of_a_degradation_that_died_before_everybody_knew_is_finished_by_the_next_one(
    desk: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing.write(tmp_path, Standing(copied=True, alone_since="2026-12-01T08:00:00+00:00"))
    needed: list[int] = []
    monkeypatch.setattr(failover, "_last_event", lambda: 217)
    monkeypatch.setattr(failover, "_await_copy", lambda home, seq=0: None)
    monkeypatch.setattr(failover, "_require_copies", lambda stands, say: needed.append(stands.replicas))

    def dies(home: Path, do: str, name: str, **more: Any) -> None:
        if do == "restart":
            raise ControlFailed("it has ended")
        desk.ask(home, do, name, **more)

    with monkeypatch.context() as patch:
        patch.setattr(control, "ask", dies)
        with pytest.raises(ControlFailed):
            failover.raise_again(tmp_path, HEARD.append)
    assert set(desk.held) == set(failover.KNOWERS), "nobody answers a payment by the old rule under the new one"
    failover.raise_again(tmp_path, HEARD.append)
    assert [name for do, name in desk.asked if do == "restart"] == list(failover.KNOWERS)
    assert (needed, standing.read(tmp_path).replicas, desk.held) == ([1, 1], 1, {})


def test_the_copy_is_needed_again_only_when_it_has_what_was_answered_without_it(
    desk: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = Standing(copied=True, alone_since="2026-12-01T08:00:00+00:00")
    standing.write(tmp_path, alone)

    def lags(home: Path, seq: int = 0) -> None:
        assert bool(seq) == bool(desk.held), "the last event is known when nobody makes another"
        if seq:
            raise failover.Refused("it is not in sync")

    monkeypatch.setattr(failover, "_last_event", lambda: 217)
    monkeypatch.setattr(failover, "_await_copy", lags)
    with pytest.raises(failover.Refused, match="not in sync"):
        failover.raise_again(tmp_path, HEARD.append)
    assert (standing.read(tmp_path), desk.held) == (alone, {})


def test_nobody_pays_without_the_copy_while_a_failover_is_under_way(desk: Supervisor, tmp_path: Path) -> None:
    desk.held[PRIMARY] = failover.UNDER_WAY
    with pytest.raises(failover.Refused, match="cho failover finishes it"):
        failover.lower(tmp_path, HEARD.append)
    assert (desk.asked, standing.read(tmp_path).alone_since) == ([], "")


# Two at once ----------------------------------------------------------------------------------------------


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Has somebody else hold a file's lock."""
    held = []

    def hold(file: Path) -> None:
        file.parent.mkdir(exist_ok=True)
        held.append(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        fcntl.flock(held[-1], fcntl.LOCK_EX)

    yield hold
    for descriptor in held:
        os.close(descriptor)


@pytest.mark.parametrize(
    "command", [failover.promote, failover.reattach, failover.lower, failover.raise_again, rebuild]
)
def test_of_two_runbook_commands_at_once_the_second_is_refused_and_asks_for_nothing(
    command: Callable[..., object], desk: Supervisor, tmp_path: Path, locked: Callable[[Path], None]
) -> None:
    locked(tmp_path / "run" / "runbook.lock")
    with pytest.raises(failover.Refused, match="another command of the runbook"):
        command(tmp_path, HEARD.append)
    assert (desk.asked, standing.read(tmp_path)) == ([], Standing(copied=True))


def test_a_stack_that_is_asked_to_have_a_copy_beside_one_that_runs_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    locked(lock_of(tmp_path))
    monkeypatch.setenv("CHO_HOME", str(tmp_path))
    settings.cache_clear()
    try:
        with pytest.raises(typer.Exit):
            stack.up(replicas=1)
    finally:
        settings.cache_clear()
    assert "another stack runs" in capsys.readouterr().err
    assert standing.read(tmp_path) == Standing()


@pytest.mark.parametrize("command", [failover.promote, failover.reattach])
def test_a_ledger_without_a_copy_gets_one_when_its_stack_was_stopped(
    command: Callable[..., object], desk: Supervisor, tmp_path: Path
) -> None:
    standing.write(tmp_path, Standing())
    with pytest.raises(failover.Refused, match="stop the stack"):
        command(tmp_path, HEARD.append)
    assert has_data(copy_home(tmp_path))
