"""Free ports on loopback for servers that somebody else will start.

Between finding a port free and the server binding it, others may take it. Three things keep that from happening:
ports come from below the range from which the system serves outgoing connections; every port handed out is
locked, machine-wide, until this process ends; and it was free when it was handed out.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

# Linux hands out 32768 and above to outgoing connections, macOS 49152 and above.
FIRST, LAST = 15_000, 32_000
STEPS_MAX = 100
TRIES_MAX = 1_000

LOOPBACK = "127.0.0.1"


class NoPort(RuntimeError):
    """No free port was found, or the one asked for is taken."""


class _Register:
    """One file for all stacks of a user; byte n of it, locked, is port n.

    Record locks belong to the process: they end with it, are not inherited, and end early if it closes any
    descriptor of the file. So the file is opened once and kept.
    """

    def __init__(self) -> None:
        path = Path(tempfile.gettempdir()) / f"cho-ports-{os.getuid()}"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._ours: set[int] = set()

    def take(self, port: int) -> bool:
        if port in self._ours:
            return False
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except (BlockingIOError, PermissionError):
            return False
        self._ours.add(port)
        return True

    def give_back(self, port: int) -> None:
        self._ours.discard(port)
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, port)


_register: _Register | None = None


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on the port now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT does not hinder a server
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def take(port: int, host: str = LOOPBACK) -> int:
    """Exactly this port. Raises NoPort where it is taken."""
    return _first([port], f"port {port} is taken", host)


def take_from(preferred: int, host: str = LOOPBACK) -> int:
    """This port, or the next free one above it. Raises NoPort."""
    candidates = range(preferred, min(preferred + STEPS_MAX, 1 << 16))
    return _first(candidates, f"no free port from {preferred} to {candidates[-1]}", host)


def take_any() -> int:
    """A free port that neither another stack nor an outgoing connection will take. Raises NoPort."""
    candidates = random.sample(range(FIRST, LAST), TRIES_MAX)
    return _first(candidates, f"no free port between {FIRST} and {LAST}", LOOPBACK)


def give_back(port: int) -> None:
    """Lets others have a port that this process took."""
    if _register:
        _register.give_back(port)


def _first(candidates: Iterable[int], refusal: str, host: str) -> int:
    global _register
    _register = _register or _Register()
    for port in candidates:
        if _register.take(port):
            if is_free(port, host):
                return port
            _register.give_back(port)
    raise NoPort(refusal)
