"""The supervisor's end of what runs: a started process, and the family of a fork server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


class Running:
    """A started process. `exited` holds its status, negative for a signal."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.announced = asyncio.Event()
        self.note = ""
        self.on_note: Callable[[], None] = lambda: None
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(self, status: int) -> None:
        """It has ended."""
        if not self.exited.done():
            self.exited.set_result(status)

    def signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if not self.exited.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Family:
    """One fork server and its children: commands go in, events come out (`kit.supervisor.forks`)."""

    def __init__(self, events: asyncio.StreamReader) -> None:
        self.up = asyncio.Event()
        self.ended = asyncio.create_task(self._listen(events))
        self._commands: asyncio.StreamWriter | None = None
        self._members: dict[int, Running] = {}
        self._asked: dict[str, asyncio.Future[Running]] = {}
        self._early: set[int] = set()
        self._early_notes: dict[int, str] = {}

    def command_by(self, commands: asyncio.StreamWriter) -> None:
        """Where commands go: the fork server's standard input."""
        self._commands = commands

    async def fork(self, name: str, log: Path, env: Mapping[str, str]) -> Running:
        """A new process for the target `name`. Raises ConnectionError where the fork server ends instead."""
        started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
        self._asked[name] = started
        assert self._commands
        self._commands.write(json.dumps({"start": name, "log": str(log), "env": dict(env)}).encode() + b"\n")
        both: set[asyncio.Future[Any]] = {started, self.ended}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            raise ConnectionError(f"the fork server of {name} has ended")
        return started.result()

    async def end(self) -> None:
        """After the fork server has ended: kills its children (Linux has done so) and waits until all are gone."""
        assert self._commands
        self._commands.close()
        for member in self._members.values():
            member.signal(signal.SIGKILL)
        await self.ended

    async def _listen(self, events: asyncio.StreamReader) -> None:
        """Until the fork server and all its children have ended: each of them holds the pipe."""
        while line := await events.readline():
            self._on(json.loads(line))
        for member in self._members.values():
            member.end(-signal.SIGKILL)

    def _on(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "up":
                self.up.set()
            case "started":
                member = self._members[event["pid"]] = Running(event["pid"])
                member.note = self._early_notes.pop(event["pid"], "")
                self._asked.pop(event["name"]).set_result(member)
                if event["pid"] in self._early:
                    self._early.remove(event["pid"])
                    member.announced.set()
            case "ready" if event["pid"] in self._members:
                self._members[event["pid"]].announced.set()
            case "ready":  # the child was faster than its parent
                self._early.add(event["pid"])
            case "note" if event["pid"] in self._members:
                self._members[event["pid"]].note = event["text"]
                self._members[event["pid"]].on_note()
            case "note":
                self._early_notes[event["pid"]] = event["text"]
            case "exited":
                self._members.pop(event["pid"]).end(event["status"])
