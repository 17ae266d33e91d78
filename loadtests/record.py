"""What the shoppers asked for and were told, a line of JSON each, written as it happens.

A payment is written down before it is sent: one that has no outcome was under way when the run, or the shopper's
connection, ended, and is asked for afterwards (POST /v1/resolve).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Asked:
    """One payment as its shopper knows it. `outcome`: "" (unknown), "paid", or the code of a refusal. Đồng."""

    key: str
    phone: str
    wallet_id: str
    merchant_id: str
    amount: int
    outcome: str = ""
    transfer_id: str = ""


class Record:
    """Written by the run."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def sent(self, asked: Asked) -> None:
        """Before it is sent. A key that is sent again is the same payment."""
        self._write(vars(asked))

    def told(self, key: str, outcome: str, transfer_id: str = "") -> None:
        """After a definite answer."""
        self._write({"key": key, "outcome": outcome, "transfer_id": transfer_id})

    def _write(self, line: dict[str, Any]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def read(file: Path) -> dict[str, Asked]:
    """By key. Raises ValueError where a key was told two outcomes."""
    found: dict[str, Asked] = {}
    for text in file.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if "phone" in line:
            found.setdefault(line["key"], Asked(**line))
        else:
            _note(found[line["key"]], line["outcome"], line["transfer_id"])
    return found


def _note(asked: Asked, outcome: str, transfer_id: str) -> None:
    if asked.outcome and (asked.outcome, asked.transfer_id) != (outcome, transfer_id):
        raise ValueError(f"{asked.key} was told {asked.outcome} {asked.transfer_id}, then {outcome} {transfer_id}")
    asked.outcome, asked.transfer_id = outcome, transfer_id
