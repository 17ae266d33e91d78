"""What the gateway's pod asks its own Envoy: whether it is `ready`, and to `drain` before it is stopped.

Envoy's admin port is loopback's only, so the kubelet cannot ask it; these commands run in the pod.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from gateway.limits import DRAIN_S_MAX
from kit import engines, probes

ADMIN_PORT = int(os.environ["CHO_GATEWAY_ADMIN_PORT"])
# Load balancers go on sending until they have heard that this pod goes, s. Nothing in the pod can see when they have.
HEARD_S = 8
ASK_EVERY_S = 0.1


async def ready() -> bool:
    """Whether it listens, and has the keys that it checks tokens with."""
    answers = engines.envoy(Path(), ADMIN_PORT, after=()).ready
    assert answers
    try:
        return await answers()
    except (OSError, EOFError):
        return False


async def drain() -> None:
    """Asks clients to go elsewhere, then waits for requests in flight; streams that stay are cut afterwards."""
    await probes.http(ADMIN_PORT, "/drain_listeners?graceful&skip_exit", "POST")
    await asyncio.sleep(HEARD_S)
    deadline = asyncio.get_running_loop().time() + DRAIN_S_MAX
    while await _in_flight() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(ASK_EVERY_S)


async def _in_flight() -> int:
    _, body = await probes.http(ADMIN_PORT, "/stats?filter=http.edge.downstream_rq_active")
    return sum(int(number) for number in re.findall(r": (\d+)", body))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["ready"]:
            sys.exit(0 if asyncio.run(ready()) else 1)
        case ["drain"]:
            asyncio.run(drain())
        case _:
            sys.exit("usage: lifecycle.py ready|drain")
