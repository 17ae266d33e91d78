"""What the tools ask of a running stack's supervisor, over the socket in its home."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli import control
from cli.control import ControlFailed
from kit.supervisor.process import Process, State
from kit.supervisor.run import Supervisor

pytestmark = pytest.mark.timeout(60)
SLEEPER = (sys.executable, "-I", "-S", "-c", "import signal; signal.pause()")


def with_supervisor(home: Path, scenario: Callable[[Supervisor], Any]) -> None:
    """Runs `scenario` in a thread, as another process would, beside a supervisor of one process named "it"."""

    async def run() -> None:
        supervisor = Supervisor(home, [Process("it", argv=SLEEPER)])
        supervisor.claim()
        async with control.listening(home, supervisor), supervisor, asyncio.timeout(40):
            await asyncio.to_thread(scenario, supervisor)

    asyncio.run(run())


def state(supervisor: Supervisor) -> State:
    return supervisor.statuses()[0].state


def test_a_process_is_held_released_restarted_and_killed_from_outside(tmp_path: Path) -> None:
    def scenario(supervisor: Supervisor) -> None:
        pids = [supervisor.statuses()[0].pid]
        control.ask(tmp_path, "hold", "it", why="tests", kill=True)
        assert (state(supervisor), supervisor.statuses()[0].note) == (State.HELD, "tests")
        control.ask(tmp_path, "release", "it")
        for do in ("restart", "kill"):
            while state(supervisor) != State.READY or supervisor.statuses()[0].pid in pids:
                pass
            pids.append(supervisor.statuses()[0].pid)
            control.ask(tmp_path, do, "it")
        assert len(set(pids)) == 3

    with_supervisor(tmp_path, scenario)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ({"do": "hold", "name": "nobody", "why": "tests"}, "no process 'nobody'"),
        ({"do": "kill", "name": "nobody"}, "no process 'nobody'"),
        ({"do": "sing", "name": "it"}, "this is no question"),
        ({"do": "hold", "name": "it"}, "this is no question"),
        ({"do": "hold", "name": "it", "why": "x" * control.LINE_BYTES_MAX}, "cannot hold it"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(tmp_path: Path, question: dict[str, str], answer: str) -> None:
    def scenario(_: Supervisor) -> None:
        with pytest.raises(ControlFailed, match=answer):
            control.ask(tmp_path, **question)

    with_supervisor(tmp_path, scenario)


def test_a_home_whose_path_is_longer_than_a_sockets_address_may_be_works_all_the_same(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 60) / ("y" * 60)
    with_supervisor(home, lambda _: control.ask(home, "restart", "it"))


def test_where_no_supervisor_runs_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(ControlFailed, match="does not answer"):
        control.ask(tmp_path, "restart", "it")
