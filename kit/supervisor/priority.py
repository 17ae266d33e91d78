"""Who gets a processor first, where there are fewer than processes that want one.

A live sale's first second, on two cores: orders are written while the gateway still takes claims. All being equal, the
gateway got its share and no more, and those who only browsed waited for half a second behind it (docs/performance.md).
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

# Of a process that gives way: a ninth of what another one gets, where both want all of it.
NICENESS = 10
_TRIES_MAX, _AGAIN_S = 50, 0.1


async def give_way(pid: int) -> None:
    """Lets others have the processor first, from now on; for the leader of a session. One that has ended is left alone.

    Its nice value counts within its session alone where the kernel schedules sessions as groups (sched_autogroup), so
    the group gets it, too. Without privileges one group in a tenth of a second may: where others hold that up for
    five seconds, the process keeps its place.
    """
    with suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PGRP, pid, NICENESS)
        for _ in range(_TRIES_MAX):
            try:
                _join_behind(pid)
            except BlockingIOError:
                await asyncio.sleep(_AGAIN_S)
            except OSError:  # no such scheduling here
                return
            else:
                return


def _join_behind(pid: int) -> None:
    Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS))
