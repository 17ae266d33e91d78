"""A fork server: one process imports everything once, and forks the processes that share it.

The supervisor writes commands to its standard input, one JSON object a line: `{"start": name, "log": path,
"env": {...}}`. It answers on a pipe, whose number is in CHO_FORKS_PIPE, the same way: `{"event": "up"}`,
`{"event": "started", "name", "pid"}`, `{"event": "ready", "pid"}` (by the child itself: `child.announce_ready`),
`{"event": "note", "pid", "text"}` (by the child too: `child.tell`), `{"event": "exited", "pid", "status"}`. The
children hold the pipe too: it ends when the whole family has ended.

What is imported before the fork must not start a thread, open a connection, or make a loop or a gRPC channel:
a fork copies their memory but not the thread that serves them. `serve` refuses to fork where a thread runs.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback

# Bound now: `work` monkey-patches `os` and `select` later (`cli.processes`), and nothing here may become a green call.
from os import _exit, close, dup2, fork, getpid, kill, read, setsid, waitpid
from os import open as open_
from select import POLLIN, poll
from typing import TYPE_CHECKING, NoReturn

from kit.supervisor import child
from kit.supervisor.launch import die_with

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PIPE = "CHO_FORKS_PIPE"
COMMANDS = 0  # standard input
READ_BYTES_MAX = 65536

# Its two ends: a child has ended.
_ends: tuple[int, int] | None = None
_children: set[int] = set()


def serve(targets: Mapping[str, Callable[[], None]]) -> None:
    """Forks `targets` on command until standard input ends. A target blocks until it has got SIGTERM and drained.

    Raises RuntimeError where a thread runs already, KeyError where a command names no target.
    """
    _refuse_threads()
    child.pipe = int(os.environ.pop(PIPE))
    os.set_inheritable(child.pipe, False)
    ended = _watch_ends()
    gc.collect()
    gc.freeze()  # the collector writes to objects it visits: frozen ones stay shared
    child.send(event="up")
    waiting, commands = poll(), b""
    for descriptor in (COMMANDS, ended):
        waiting.register(descriptor, POLLIN)
    while True:
        happened = [descriptor for descriptor, _ in waiting.poll()]
        if ended in happened:
            read(ended, READ_BYTES_MAX)
            _reap()
        if COMMANDS in happened:
            more = read(COMMANDS, READ_BYTES_MAX)
            if not more:
                break
            *lines, commands = (commands + more).split(b"\n")
            for command in map(json.loads, lines):
                _start(command["start"], targets[command["start"]], command["log"], command["env"])
    for pid in tuple(_children):  # the supervisor is gone; Linux has killed them already
        kill(pid, signal.SIGKILL)


def _watch_ends() -> int:
    """What can be read from once a child has ended.

    A handler that reaps is too little. Python runs it before it reads or after it has read: of a child that ends in
    between nobody is told until the next one ends. Where the last two of a family ended at once, on a busy machine,
    the supervisor waited for the last for ever; and one that crashed then was not started again.
    """
    global _ends
    _ends = os.pipe()
    for descriptor in _ends:
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(_ends[1], warn_on_full_buffer=False)  # full: there is enough to read as it is
    signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing is written
    return _ends[0]


def _refuse_threads() -> None:
    if sys.platform == "linux" and (threads := len(os.listdir("/proc/self/task"))) > 1:
        raise RuntimeError(f"{threads - 1} threads run after the imports; no module may start one when imported")


def _start(name: str, target: Callable[[], None], log: str, env: Mapping[str, str]) -> None:
    parent = getpid()
    pid = fork()
    if pid == 0:
        _run(parent, target, log, env)
    _children.add(pid)
    child.send(event="started", name=name, pid=pid)


def _run(parent: int, target: Callable[[], None], log: str, env: Mapping[str, str]) -> NoReturn:
    """The child's whole life; it never returns into the parent's code."""
    status = 1
    try:
        die_with(parent)
        setsid()
        _forget_ends()
        _take_streams(log)
        os.environ.update(env)
        gc.enable()
        target()
        status = 0
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        if isinstance(exit_.code, str):
            print(exit_.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        _exit(status)


def _forget_ends() -> None:
    """In a child: its signals are its own."""
    assert _ends
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor in _ends:
        close(descriptor)


def _take_streams(log: str) -> None:
    """Output to the child's own log; nothing to read, or it would eat the parent's commands."""
    null = open_(os.devnull, os.O_RDONLY)
    file = open_(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, descriptor in ((null, 0), (file, 1), (file, 2)):
        dup2(source, descriptor)
    close(null)
    close(file)


def _reap() -> None:
    while True:
        try:
            pid, status = waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _children.discard(pid)
        child.send(event="exited", pid=pid, status=os.waitstatus_to_exitcode(status))
