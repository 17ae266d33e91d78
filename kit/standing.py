"""How the embedded ledger stands: what outlives its servers and is decided by a person, never by a timeout.

One small file beside the ledger's data, written as a whole. The supervisor's processes read it at every start, so
whatever dies in the middle of a failover finds one standing or the other.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "ledger.json"


@dataclass(frozen=True, slots=True)
class Standing:
    """`epoch`: promotions, from 1. `copied`: it has a replica, and keeps it. `alone_since`: when an operator accepted
    the loss of one server, RFC 3339; empty while nobody has.
    """

    epoch: int = 1
    copied: bool = False
    alone_since: str = ""

    @property
    def replicas(self) -> int:
        """Replicas that must have a payment on disk before it is acknowledged (DESIGN section 4, rule 5)."""
        return 1 if self.copied and not self.alone_since else 0


def read(home: Path) -> Standing:
    """The standing of the ledger in this home; that of a new one where it has none."""
    try:
        return Standing(**json.loads((home / FILE).read_text()))
    except FileNotFoundError:
        return Standing()


def write(home: Path, standing: Standing) -> None:
    """Puts it on disk, as a whole or not at all."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = home / f"{FILE}.partial"
    with open(partial, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        json.dump(asdict(standing), out)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(home / FILE)
    sync_folder(home)


def sync_folder(folder: Path) -> None:
    """Puts what was renamed or made in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
