"""What people asked for, were told and heard: lines of JSON, one append-only file a process, written as it happens.

A transfer is written down before it is sent: one that has no outcome was under way when the run, or the phone's
connection, ended, and is asked for afterwards (POST /v1/resolve). A file is bounded: at its end nothing is sent any
more, so nothing is sent unrecorded, and the gate says that the record is full.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE_BYTES_MAX = 1 << 30
ERRORS_MAX = 1000
PAY, CASH_IN = "TRANSFER_KIND_PAYMENT", "TRANSFER_KIND_CASH_IN"
DONE = "done"


class RecordFull(Exception):
    """The file has reached FILE_BYTES_MAX."""


@dataclass(slots=True)
class Asked:
    """One transfer as who asked for it knows it. `outcome`: "" (unknown), "done", or the code of a refusal. Đồng, ms.

    `kind` is what resolving needs. `due_ms`: when it was to be sent; answers count from there. `via`: which door.
    """

    key: str
    kind: str
    phone: str
    payer: str
    payee: str
    amount: int
    due_ms: float = 0.0
    via: str = "http"
    outcome: str = ""
    transfer_id: str = ""
    told_ms: float = 0.0
    # An agent's, as the float told it; None where nobody was told.
    commission: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One announcement as a stall's phone got it. Đồng, ms; `at_ms` is the ledger's time."""

    merchant_id: str
    transfer_id: str
    type: str
    amount: int
    fee: int
    seq: int
    version: int
    at_ms: int
    heard_ms: float


@dataclass(slots=True)
class Told:
    """All that was written. `calls`: (second, name) to (answered, failed). `began`, `ended`: load processes that took
    part, and that ended in order. Of an open loop's payments, `unsent`: were due and never sent; `unanswered`: nobody
    had answered them when it was over.
    """

    asked: dict[str, Asked] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    calls: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    errors: list[tuple[float, str, str]] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    full: bool = False
    began: int = 0
    ended: int = 0
    unsent: int = 0
    unanswered: int = 0


def incomplete(told: Told, workers: int) -> list[str]:
    """Why the record may lack something of what `workers` processes did, in words; nothing where it does not."""
    found = []
    if told.began != workers:
        found.append(f"{told.began} load processes took part, and not {workers}")
    if told.ended != told.began:
        found.append(
            f"{told.began - told.ended} load processes did not end in order: what they counted last is not known"
        )
    if told.unsent:
        found.append(f"{told.unsent} payments were due and never sent: the rate is more than this carries")
    if told.unanswered:
        found.append(f"{told.unanswered} payments were sent and not answered in time")
    return found


def requests(told: Told) -> tuple[int, int]:
    """How many were answered, and how many of them failed; checks and announcements among them.

    Counted by the load processes themselves: what a parent hears of its processes may come late, or not at all.
    """
    return sum(answered for answered, _ in told.calls.values()), sum(failed for _, failed in told.calls.values())


def now_ms() -> float:
    """Unix time, ms: processes of one machine agree on it."""
    return time.time_ns() / 1e6


class Record:
    """Written by one process of the run; opened when first written to, so that a forked process has its own."""

    def __init__(self, folder: Path, bytes_max: int = FILE_BYTES_MAX) -> None:
        self._folder, self._left, self._errors, self._pid, self._fd = folder, bytes_max, 0, 0, -1

    def sent(self, asked: Asked) -> None:
        """Before it is sent. A key that is sent again is the same transfer. Raises RecordFull: then do not send."""
        row = [asked.key, asked.kind, asked.phone, asked.payer, asked.payee, asked.amount, asked.due_ms, asked.via]
        self._write(["s", *row])

    def began(self) -> None:
        """This process takes part."""
        self._write(["b"])

    def ended(self) -> None:
        """Everything that this process has to say stands before it."""
        self._write(["z"])

    def told(self, key: str, outcome: str, transfer_id: str = "", commission: int | None = None) -> None:
        """After a definite answer; `commission`: what an agent's float did not fall by, đồng."""
        self._write(["t", key, outcome, transfer_id, now_ms(), commission])

    def unsent(self, count: int) -> None:
        """So many payments were due, and were not sent."""
        self._write(["u", count])

    def unanswered(self, count: int) -> None:
        """So many payments were under way, and nobody waits for their answers any more."""
        self._write(["n", count])

    def heard(self, one: Heard) -> None:
        """An announcement."""
        self._write(["a", *(getattr(one, name) for name in Heard.__slots__)])

    def calls(self, second: int, name: str, answered: int, failed: int) -> None:
        """How many requests of a name ended in a second (Unix)."""
        self._write(["c", second, name, answered, failed])

    def refused(self, attack: str, code: str) -> None:
        """A hostile request got its coded refusal."""
        self._write(["r", f"{attack}: {code}"])

    def error(self, name: str, text: str) -> None:
        """A request failed; the first ERRORS_MAX of a process are kept."""
        self._errors += 1
        if self._errors <= ERRORS_MAX:
            self._write(["e", now_ms(), name, text[:300]])

    def _write(self, line: list[Any]) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            file = self._folder / f"record-{socket.gethostname()}-{self._pid}.jsonl"
            self._fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if len(text) + len(_FULL) > self._left:
            if self._left:
                os.write(self._fd, _FULL)
                self._left = 0
            raise RecordFull(f"more than {FILE_BYTES_MAX} bytes a process: run shorter, or with more processes")
        self._left -= len(text)
        written = os.write(self._fd, text)
        assert written == len(text), "a line is written whole, or the disk is full"


_FULL = b'["full"]\n'


def read(folder: Path) -> Told:
    """Everything that the processes of a run wrote. Raises ValueError at a line that is none."""
    told = Told()
    rows = [row for file in sorted(folder.glob("record-*.jsonl")) for row in _rows(file)]
    for row in rows:
        match row:
            case ["s", key, *rest]:
                told.asked.setdefault(key, Asked(key, *rest))
            case ["a", *values]:
                told.heard.append(Heard(*values))
            case ["c", second, name, answered, failed]:
                before = told.calls.get((second, name), (0, 0))
                told.calls[(second, name)] = (before[0] + answered, before[1] + failed)
            case ["e", at, name, text]:
                told.errors.append((at, name, text))
            case ["r", what]:
                told.refusals[what] = told.refusals.get(what, 0) + 1
            case ["full"]:
                told.full = True
            case ["b"]:
                told.began += 1
            case ["z"]:
                told.ended += 1
            case ["u", count]:
                told.unsent += count
            case ["n", count]:
                told.unanswered += count
            case ["t", *_]:
                pass
            case _:
                raise ValueError(f"not a line of a record: {row!r}")
    for row in rows:  # whoever was told had asked, perhaps in another process
        if row[0] == "t":
            _note(told, *row[1:])
    return told


def _rows(file: Path) -> Iterator[list[Any]]:
    with file.open("rb") as lines:
        for line in lines:
            yield json.loads(line)


def _note(told: Told, key: str, outcome: str, transfer_id: str, at: float, commission: int | None = None) -> None:
    asked = told.asked.get(key)
    if asked is None:
        told.contradictions.append(f"{key} was told {outcome}, and nobody had asked")
        return
    if asked.outcome and (asked.outcome, asked.transfer_id) != (outcome, transfer_id):
        was = f"{asked.outcome} {asked.transfer_id}".strip()
        told.contradictions.append(f"{key} was told {was}, then {outcome} {transfer_id}".strip())
        return
    if not asked.outcome:
        asked.outcome, asked.transfer_id, asked.told_ms, asked.commission = outcome, transfer_id, at, commission
