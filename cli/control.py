"""Asks the supervisor of a running stack to hold, release, restart or kill one of its processes.

A Unix socket in the stack's home, which only its owner may enter: one question of one line, one answer. The path may
be longer than a socket's address, so both sides go by its folder.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, chdir
from pathlib import Path
from typing import Any

from kit.supervisor.run import Supervisor

NAME = "control"
LINE_BYTES_MAX = 4096
# A process has 10 s to drain and 15 s to stop.
ANSWER_S_MAX = 60


class ControlFailed(RuntimeError):
    """No supervisor listens, or it cannot do what it was asked for."""


def ask(home: Path, do: str, name: str, **more: Any) -> None:
    """Has the supervisor in `home` do something to a process; returns when it is done.

    `do`: "hold" (with `why`, and `kill` for SIGKILL), "release", "restart" or "kill" (no crash: nothing is counted).
    Raises ControlFailed.
    """
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(ANSWER_S_MAX)
        try:
            with chdir(home / "run"):
                asking.connect(NAME)
            asking.sendall(json.dumps({"do": do, "name": name, **more}).encode() + b"\n")
            with asking.makefile("rb") as answers:
                answer = json.loads(answers.readline(LINE_BYTES_MAX) or b'{"error": "the supervisor has ended"}')
        except OSError as error:
            raise ControlFailed(f"the supervisor in {home} does not answer: {error}") from error
    if "error" in answer:
        raise ControlFailed(f"cannot {do} {name}: {answer['error']}")


@asynccontextmanager
async def listening(home: Path, supervisor: Supervisor) -> AsyncIterator[None]:
    """Answers such questions meanwhile. The supervisor must have claimed the home: what an earlier one left goes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _do(supervisor, json.loads(await reader.readline()))
            said: dict[str, str] = {}
        except KeyError as error:
            said = {"error": f"there is no process {error}, or it does not run"}
        except ValueError as error:
            said = {"error": str(error)}
        writer.write(json.dumps(said).encode() + b"\n")
        writer.close()

    folder = home / "run"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ours = socket.socket(socket.AF_UNIX)
    with chdir(folder):
        Path(NAME).unlink(missing_ok=True)  # noqa: ASYNC240 - once, before anybody waits
        ours.bind(NAME)
    server = await asyncio.start_unix_server(answer, sock=ours, limit=LINE_BYTES_MAX)
    try:
        yield
    finally:
        server.close()
        (folder / NAME).unlink(missing_ok=True)


async def _do(supervisor: Supervisor, question: dict[str, Any]) -> None:
    match question:
        case {"do": "hold", "name": name, "why": why}:
            await supervisor.hold(name, why, kill=bool(question.get("kill")))
        case {"do": "release", "name": name}:
            supervisor.release(name)
        case {"do": "restart", "name": name}:
            await supervisor.restart(name)
        case {"do": "kill", "name": name}:
            await supervisor.kill(name)
        case _:
            raise ValueError(f"this is no question: {question}")
