"""What to run, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from kit.supervisor.logs import tail


class State(StrEnum):
    """Where a process is in its life."""

    WAITING = "waiting"  # for those it comes after
    STARTING = "starting"
    READY = "ready"
    CRASHED = "crashed"  # pausing before the next start
    HELD = "held"  # kept from running until a person has it released
    DONE = "done"  # a `once` process that has ended well
    STOPPED = "stopped"


@dataclass(frozen=True)
class Process:
    """What to run. Either `argv`, or `parent`: the name of a fork server that has a target of this name."""

    name: str
    argv: Sequence[str] = ()
    parent: str = ""
    # Runs a fork server (`kit.supervisor.forks.serve`): ready when it says so.
    forks: bool = False
    # Has to end with status 0, and is ready then; another status fails the whole.
    once: bool = False
    # Calls `kit.supervisor.child.announce_ready`: ready when it has, and `ready` holds.
    announces: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    # Asked at every start: what may have changed since the supervisor was told of the process.
    env_now: Callable[[], Mapping[str, str]] = dict
    after: tuple[str, ...] = ()
    # Called before every start; what it raises is why the process cannot run.
    prepare: Callable[[], None] | None = None
    # What a person has to do where it cannot run: it is held then, and the others go on. Without, the whole fails.
    remedy: str = ""
    # Asked until it answers True; OSError and EOFError mean "not yet".
    ready: Callable[[], Awaitable[bool]] | None = None
    # Awaited before SIGTERM; bounded by the supervisor.
    drain: Callable[[], Awaitable[None]] | None = None
    # Others have the processor first (`kit.supervisor.priority`), once it is ready.
    gives_way: bool = False
    ready_s_max: float = 60
    stop_s_max: float = 15

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the processes that must be ready before this one starts, and stop after it."""
        return (*self.after, self.parent) if self.parent else self.after


@dataclass(frozen=True)
class Status:
    """One process, as others may see it."""

    name: str
    state: State
    pid: int | None
    restarts: int
    ready_after_s: float | None  # of its latest start
    log: str
    # What it has to say to who looks: why it is held, or what it waits for (`child.tell`). Empty for nothing.
    note: str = ""


class HomeBusy(RuntimeError):
    """Another supervisor runs in this home."""


class ProcessFailed(RuntimeError):
    """A process did not get ready, or kept ending. The message shows the end of its log."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name}: {reason}\n--- the end of {log}\n{tail(log)}")


def check_order(processes: Mapping[str, Process]) -> None:
    """Raises ValueError where a process needs one that is not there, or they wait for each other in a circle."""
    if unknown := {need for process in processes.values() for need in process.needs} - set(processes):
        raise ValueError(f"no process is named {', '.join(sorted(unknown))}")
    left, settled = set(processes), set[str]()
    while left:
        free = {name for name in left if settled.issuperset(processes[name].needs)}
        if not free:
            raise ValueError(f"each waits for another: {', '.join(sorted(left))}")
        settled |= free
        left -= free
