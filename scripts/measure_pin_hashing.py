"""What a PIN's hash costs: CPU ms of argon2id at several parameters (docs/identity.md).

`python -m scripts.measure_pin_hashing` prints a table; the medians of RUNS, by the process's own CPU clock.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from argon2 import PasswordHasher

from services.identity.store.hasher import MEMORY_KIB, PASSES

RUNS = 15
# Memory in KiB and passes: the rows of OWASP's cheat sheet, ours among them, and RFC 9106's second choice.
PARAMETERS = ((7 * 1024, 5), (9 * 1024, 4), (12 * 1024, 3), (19 * 1024, 2), (46 * 1024, 1), (64 * 1024, 3))


def cpu_ms(work: Callable[[], object]) -> float:
    """Median CPU ms of this process for one call."""
    taken = []
    for _ in range(RUNS):
        before = time.process_time()
        work()
        taken.append((time.process_time() - before) * 1000)
    return statistics.median(taken)


def main() -> None:
    """Prints one line for each choice of parameters."""
    for memory_kib, passes in PARAMETERS:
        hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        ours = "  <- ours" if (memory_kib, passes) == (MEMORY_KIB, PASSES) else ""
        taken_ms = cpu_ms(partial(hasher.verify, hasher.hash("482917"), "482917"))
        print(f"m={memory_kib // 1024:>2} MiB t={passes}  {taken_ms:6.1f} ms{ours}")


if __name__ == "__main__":
    main()
