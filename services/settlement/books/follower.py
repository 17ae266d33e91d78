"""Makes checkpoints in a process of its own, while the one that needs them is at something else.

    with beside(books):
        record = closing.net(...)       # both at once, on two processors
    trial.tie(books, closed.number)     # the checkpoints are level

As a program (`python -m services.settlement.books.follower PARENT FILE`) it ends once there are none to make, and with
the process that started it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kit import log
from kit.supervisor.launch import die_with
from services.settlement import store
from services.settlement.books.checkpoints import EVERY, Checkpoints

# Events behind from which on it is worth a process: starting one takes as long as some 50,000 of them.
WORTH_IT = 5 * EVERY
_PROGRAM = (sys.executable, "-P", "-m", "services.settlement.books.follower")

_logger = log.logger(__name__)


@contextmanager
def beside(books: Checkpoints) -> Iterator[None]:
    """Has the checkpoints made while the block runs, which may not ask them; they are level when it has ended.

    Raises what `Checkpoints.follow` does.
    """
    if store.head().seq - books.newest().seq < WORTH_IT:
        yield
    else:
        with books.lent() as path, _process(path) as following:
            yield
            following.wait()
        if following.returncode:
            _logger.warning("checkpoints are made by the one that waits for them", status=following.returncode)
    while books.follow():
        pass


@contextmanager
def _process(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([*_PROGRAM, str(os.getpid()), str(path)], stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()  # whoever failed in between waits for nobody; what was not finished is made again


def main() -> None:
    """Follows until there is nothing to make."""
    parent, path = sys.argv[1:]
    die_with(int(parent))
    log.set_up("settlement.books")
    store.open_store()
    with closing(Checkpoints(Path(path))) as books:
        while books.follow():
            pass


if __name__ == "__main__":
    main()
