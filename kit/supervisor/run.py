"""Starts processes in order of readiness, keeps them running, stops them in the reverse order.

A process that ends unexpectedly is started again, after a pause that doubles; one that keeps ending, or is not ready
in time, fails the whole: everything is stopped, and the error shows the end of its log. Where a process has a
`remedy`, it is held instead, and the others go on. No process outlives the supervisor, not even a killed one (Linux;
see `launch`).

A person (or a runbook) may `hold` a process, `release` it, or have it killed: such an end is no crash.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from kit.supervisor import forks
from kit.supervisor.logs import bound
from kit.supervisor.priority import give_way
from kit.supervisor.process import HomeBusy, Process, ProcessFailed, State, Status, check_order
from kit.supervisor.running import Family, Running

CRASHES_MAX = 5
CRASHES_WITHIN_S = 60
BACKOFF_S_MIN, BACKOFF_S_MAX = 0.1, 5.0
PROBE_EVERY_S, PROBE_S_MAX = 0.03, 2.0
DRAIN_S_MAX = 10
LOG_SWEEP_EVERY_S = 60

OnChange = Callable[[list[Status]], None]


class _Child:
    """One process and its history."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.state = State.WAITING
        # Why it may not run; empty where it may.
        self.held = ""
        self.released = asyncio.Event()
        # It is to end now, and that is no crash.
        self.told_to_end = False
        self.running: Running | None = None
        self.family: Family | None = None
        self.ready = asyncio.Event()
        self.stopped = asyncio.Event()
        self.restarts = 0
        self.ready_after_s: float | None = None
        self.crashes: deque[float] = deque(maxlen=CRASHES_MAX)

    @property
    def alive(self) -> Running | None:
        return self.running if self.running and not self.running.exited.done() else None

    def status(self) -> Status:
        pid = self.alive.pid if self.alive else None
        note = self.held or (self.alive.note if self.alive else "")
        return Status(self.process.name, self.state, pid, self.restarts, self.ready_after_s, str(self.log), note)

    def hold(self, why: str) -> None:
        self.held = why
        self.released.clear()

    def release(self) -> None:
        self.held = ""
        self.released.set()

    def failed(self, reason: str) -> ProcessFailed:
        return ProcessFailed(self.process.name, reason, self.log)


class Supervisor:
    """Runs `processes`, given in any order, with logs and locks under `home`.

    `on_change` gets the status of all whenever that of one has changed; it must not block. What it raises is printed.
    Raises ValueError where a process needs one that is not there, or they wait for each other in a circle.
    """

    def __init__(self, home: Path, processes: Iterable[Process], on_change: OnChange | None = None) -> None:
        self._home = home.resolve()
        self._processes = {process.name: process for process in processes}
        check_order(self._processes)
        self._on_change = on_change or (lambda _: None)
        self._children: dict[str, _Child] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._lock: int | None = None

    def claim(self) -> None:
        """Takes the home before anything is started in it. Raises HomeBusy."""
        if self._lock is None:
            self._lock = self._take_home()

    async def __aenter__(self) -> Self:
        """Starts everything; returns when all of it is ready, or when a stop was requested.

        Raises HomeBusy; ProcessFailed, with everything stopped again.
        """
        self.claim()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._children = {
            name: _Child(process, self._home / "log" / f"{name}.log") for name, process in self._processes.items()
        }
        for work in (*(self._keep(child) for child in self._children.values()), self._bound_logs()):
            keeper = asyncio.create_task(work)
            keeper.add_done_callback(self._keeper_ended)
            self._keepers.append(keeper)
        try:
            await self._unless_failed(self._all_ready())
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops everything, dependents first; returns when nothing runs any more."""
        await _cancel(self._keepers)
        ends = await asyncio.gather(*(self._end(child) for child in self._children.values()), return_exceptions=True)
        await asyncio.gather(*self._watchers)
        self._failure.cancel()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        for error in filter(None, ends):  # only now: one that cannot be ended must not keep the rest running
            raise error

    async def wait(self) -> None:
        """Until `request_stop`. Raises ProcessFailed as soon as a process has failed for good."""
        await self._unless_failed(self._stop.wait())

    def request_stop(self) -> None:
        """Ends `wait`, and a start that is under way. For a signal handler of the loop."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether a stop was requested."""
        return self._stop.is_set()

    def statuses(self) -> list[Status]:
        """All processes, in the order given."""
        return [child.status() for child in self._children.values()]

    # ---------------------------------------------------------------- what a person may ask for

    async def hold(self, name: str, why: str, *, kill: bool = False) -> None:
        """Stops the process (with `kill`, by SIGKILL) and keeps it from running; returns when it has ended.

        Raises KeyError where there is no such process.
        """
        assert why
        child = self._children[name]
        child.told_to_end = True
        child.hold(why)
        while child.alive or child.state in (State.STARTING, State.READY):  # it may be about to start
            if child.alive:
                await (_kill(child.alive) if kill else _terminate(child.process, child.alive))
            await asyncio.sleep(PROBE_EVERY_S)
        self._set(child, State.HELD)

    def release(self, name: str) -> None:
        """Lets a held process run again. Raises KeyError where there is no such process."""
        child = self._children[name]
        child.crashes.clear()
        child.release()

    async def restart(self, name: str) -> None:
        """Ends the process in good order and starts it again. Raises KeyError where there is no such process."""
        await self.hold(name, "is being restarted")
        self.release(name)

    async def kill(self, name: str) -> None:
        """SIGKILL, which does not count as a crash; returns when it has ended. It is started again at once.

        Raises KeyError where there is no such process, or it does not run.
        """
        child = self._children[name]
        if not child.alive:
            raise KeyError(name)
        child.told_to_end = True
        await _kill(child.alive)

    # ---------------------------------------------------------------- the life of one process

    async def _keep(self, child: _Child) -> None:
        """Starts the process, and again whenever it ends."""
        while True:
            try:
                if await self._run_once(child):
                    return
            except ProcessFailed as failure:
                if not child.process.remedy:
                    raise
                if child.alive:
                    await _terminate(child.process, child.alive)
                child.ready.clear()
                child.hold(child.held or f"{failure.reason}; see {child.log}. Next: {child.process.remedy}")

    async def _may_start(self, child: _Child) -> None:
        """Until those it needs are ready, and nobody holds it."""
        while True:
            await asyncio.gather(*(self._children[name].ready.wait() for name in child.process.needs))
            if not child.held:
                return
            self._set(child, State.HELD)
            await child.released.wait()

    async def _run_once(self, child: _Child) -> bool:
        """From the start to the end; True where it need not be started again. Raises ProcessFailed."""
        await self._may_start(child)
        child.told_to_end = False
        began = time.monotonic()
        status = await self._start(child)
        if status is None:
            child.ready_after_s = time.monotonic() - began
            child.ready.set()
            self._set(child, State.DONE if child.process.once else State.READY)
            if child.process.once:
                return True
            assert child.running
            if child.process.gives_way:
                await give_way(child.running.pid)
            status = await asyncio.shield(child.running.exited)
        child.ready.clear()
        if child.told_to_end:
            child.restarts += 1
            self._set(child, State.CRASHED)
        else:
            await self._pause(child, status)
        return False

    async def _start(self, child: _Child) -> int | None:
        """None when it is ready, its status where it ended before. Raises ProcessFailed."""
        self._set(child, State.STARTING)
        bound(child.log)
        try:
            if child.process.prepare:
                child.process.prepare()
            child.running = await (self._fork(child) if child.process.parent else self._execute(child))
        except ConnectionError:  # the fork server has ended; the next try is after its restart
            return -signal.SIGKILL
        except Exception as error:
            raise child.failed(f"not started: {error}") from error
        child.running.on_note = lambda: self._set(child, child.state)
        self._set(child, State.STARTING)
        try:
            async with asyncio.timeout(child.process.ready_s_max):
                return await _until_ready(child, child.running)
        except TimeoutError:
            raise child.failed(f"not ready after {child.process.ready_s_max:g} s{self._notes()}") from None

    def _notes(self) -> str:
        """What processes have to say, for the one who looks for a reason."""
        said = [f"{status.name}: {status.note}" for status in self.statuses() if status.note]
        return "".join(f"; {note}" for note in said)

    async def _pause(self, child: _Child, status: int) -> None:
        """Backs off after an unexpected end. Raises ProcessFailed at the CRASHES_MAX-th in a minute."""
        now = time.monotonic()
        child.crashes.append(now)
        recent = sum(1 for at in child.crashes if now - at < CRASHES_WITHIN_S)
        if recent >= CRASHES_MAX:
            raise child.failed(f"ended {recent} times within {CRASHES_WITHIN_S} s, lastly with {_reason(status)}")
        child.restarts += 1
        self._set(child, State.CRASHED)
        await asyncio.sleep(min(BACKOFF_S_MIN * 2 ** (recent - 1), BACKOFF_S_MAX))

    async def _fork(self, child: _Child) -> Running:
        family = self._children[child.process.parent].family
        assert family
        return await family.fork(child.process.name, child.log, {**child.process.env, **child.process.env_now()})

    async def _execute(self, child: _Child) -> Running:
        process = child.process
        if process.forks:
            family, pipe = await _new_family()
        else:
            family, pipe = None, None
        try:
            program = await self._launch(child, pipe)
        finally:
            if pipe is not None:
                os.close(pipe)
        if family:
            assert program.stdin
            family.command_by(program.stdin)
        child.family = family
        running = Running(program.pid)
        watcher = asyncio.create_task(_watch(program, running, family))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return running

    async def _launch(self, child: _Child, pipe: int | None) -> asyncio.subprocess.Process:
        """Through `launch`, in a session of its own: Ctrl-C in a terminal is for the supervisor alone."""
        env = {**os.environ, **child.process.env, **child.process.env_now()}
        if pipe is not None:
            env[forks.PIPE] = str(pipe)
        launcher = str(Path(__file__).with_name("launch.py"))
        lock = str(self._home / "run" / f"{child.process.name}.lock")
        with open(child.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:  # noqa: ASYNC230
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", launcher, str(os.getpid()), lock, *child.process.argv),
                env=env,
                stdin=asyncio.subprocess.DEVNULL if pipe is None else asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=() if pipe is None else (pipe,),
            )

    async def _end(self, child: _Child) -> None:
        name = child.process.name
        dependents = (other for other in self._children.values() if name in other.process.needs)
        await asyncio.gather(*(dependent.stopped.wait() for dependent in dependents))
        if child.alive:
            await _terminate(child.process, child.alive)
        child.ready.clear()
        child.stopped.set()
        self._set(child, State.STOPPED)

    # ---------------------------------------------------------------- the whole

    def _take_home(self) -> int:
        for folder in (self._home, self._home / "log", self._home / "run"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(lock_of(self._home), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise HomeBusy(f"another stack runs in {self._home}") from None
        return lock

    def _keeper_ended(self, keeper: asyncio.Task[None]) -> None:
        """The first error of a keeper is that of the whole."""
        if not keeper.cancelled() and (error := keeper.exception()) and not self._failure.done():
            self._failure.set_exception(error)

    async def _all_ready(self) -> None:
        for child in self._children.values():
            await child.ready.wait()

    async def _unless_failed(self, work: Coroutine[Any, Any, Any]) -> None:
        """Until `work` is done or a stop was requested. Raises what failed the whole."""
        tasks: list[asyncio.Future[Any]] = [asyncio.create_task(work), asyncio.create_task(self._stop.wait())]
        try:
            await asyncio.wait([*tasks, self._failure], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(tasks)
        if self._failure.done():
            self._failure.result()

    def _set(self, child: _Child, state: State) -> None:
        child.state = state
        try:
            self._on_change(self.statuses())
        except Exception:  # a full disk, say: who looks at the processes is told nothing, and they run on
            with suppress(OSError):
                traceback.print_exc()

    async def _bound_logs(self) -> None:
        while True:
            await asyncio.sleep(LOG_SWEEP_EVERY_S)
            for child in self._children.values():
                bound(child.log)


def lock_of(home: Path) -> Path:
    """The file that a supervisor holds locked while it runs in `home`."""
    return home / "lock"


async def _until_ready(child: _Child, running: Running) -> int | None:
    """None when it is ready, its status where it ended before. Raises ProcessFailed for a `once` that failed."""
    process = child.process
    if process.once:
        if status := await asyncio.shield(running.exited):
            raise child.failed(f"ended with {_reason(status)}")
        return None
    signs = [child.family.up] if child.family else []
    signs += [running.announced] if process.announces else []
    for sign in signs:
        await _first(sign.wait(), running.exited)
    while not running.exited.done():
        if process.ready is None or await _holds(process.ready):
            return None
        await asyncio.wait({running.exited}, timeout=PROBE_EVERY_S)
    return running.exited.result()


async def _first(sign: Coroutine[Any, Any, Any], exited: asyncio.Future[int]) -> None:
    waiting: asyncio.Future[Any] = asyncio.create_task(sign)
    try:
        await asyncio.wait([waiting, exited], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancel([waiting])


async def _cancel(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancels tasks, and waits until they have ended."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _holds(ready: Callable[[], Awaitable[bool]]) -> bool:
    try:
        async with asyncio.timeout(PROBE_S_MAX):  # wait_for would swallow a stop that comes with the answer
            return await ready()
    except (OSError, EOFError):  # TimeoutError is an OSError, asyncio.IncompleteReadError an EOFError
        return False


async def _terminate(process: Process, running: Running) -> None:
    if process.drain:
        with suppress(OSError, EOFError):  # it has ended meanwhile, or has had its time
            async with asyncio.timeout(DRAIN_S_MAX):
                await process.drain()
    running.signal(signal.SIGTERM)
    await asyncio.wait({running.exited}, timeout=process.stop_s_max)
    running.signal(signal.SIGKILL)
    await running.exited


async def _kill(running: Running) -> None:
    running.signal(signal.SIGKILL)
    await asyncio.shield(running.exited)


async def _watch(program: asyncio.subprocess.Process, running: Running, family: Family | None) -> None:
    """Tells when the program has ended; where it is a fork server, when its children have too."""
    status = await program.wait()
    if family:
        await family.end()
    running.end(status)


async def _new_family() -> tuple[Family, int]:
    """A family, and the end of its pipe that the fork server gets."""
    ours, theirs = os.pipe()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb"))
    return Family(reader), theirs


def _reason(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name
