"""The worker that journals the ledger, as it runs in a stack, but for its gate: what it reads here no ledger wrote."""

from __future__ import annotations

import kit.streams.patch  # noqa: F401 - first: what comes after it is cooperative

# isort: split
import sys

from kit.streams import runner
from kit.supervisor.launch import die_with
from services.settlement import store
from services.settlement.worker import Settlement


class Books(Settlement):
    """Without a ledger there is no gate to keep, and no account to compare."""

    keep_gate = compare = None


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    store.open_store()
    runner.run([Books], "settlement.work")
