"""Turns into another program, one that ends with its supervisor and holds a lock while it lives.

    python -I -S launch.py SUPERVISOR_PID LOCK_FILE PROGRAM ARGUMENT...

A program of its own rather than a `preexec_fn`, which may deadlock where the supervisor has threads. The lock
outlives a killed supervisor, so a second server never opens a directory that the first still writes to.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Has the kernel kill this process when `parent`, the thread that started it, ends. Linux only."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the kernel was told
        os._exit(1)


def _hold(path: str) -> None:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(lock, True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"waiting: {path} is held by an earlier process that has not ended", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def main() -> None:
    supervisor, lock, *program = sys.argv[1:]
    die_with(int(supervisor))
    _hold(lock)
    os.execvp(program[0], program)  # noqa: S606


if __name__ == "__main__":
    main()
