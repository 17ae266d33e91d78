"""What a process that a fork server has made tells the supervisor. Without one (k8s) it tells nobody."""

from __future__ import annotations

import json
import re

# Bound now: a worker monkey-patches `os`, and nothing here may become a green call.
from os import getpid, write

EVENT_BYTES_MAX = 512  # PIPE_BUF of POSIX: up to here writes of several processes do not mix
NOTE_CHARACTERS_MAX = 400

# The supervisor's, set by the fork server before it forks.
pipe: int | None = None


def announce_ready() -> None:
    """Tells that this process now does its work."""
    if pipe is not None:
        send(event="ready", pid=getpid())


def tell(note: str) -> None:
    """Tells who looks at the stack what this process waits for; "" when it no longer does. Its log says it too."""
    if pipe is not None:
        # Only what JSON leaves as it is: the length is known then.
        send(event="note", pid=getpid(), text=re.sub(r"[^ -!#-\[\]-~]", " ", note)[:NOTE_CHARACTERS_MAX])


def send(**event: object) -> None:
    """One event, a line of JSON, by the fork server or one of its children."""
    line = json.dumps(event).encode() + b"\n"
    assert len(line) <= EVENT_BYTES_MAX
    assert pipe is not None
    write(pipe, line)
