"""What a bank and a telecom have in common: files that are taken once, files that are owed, and faults."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from time import time_ns
from typing import Any

from kit.clock import VIETNAM
from simulators.institutions.exchange import FILE_NAME, Folders, Given, write_whole
from simulators.institutions.faults import Fault, load
from simulators.institutions.lines import Plan, Truth, extra_line
from simulators.institutions.store import Outgoing, Store


@dataclass(frozen=True, slots=True)
class Did:
    """One thing that an institution did. `what`: "executed", "refused", "wrote", ..."""

    institution: str
    what: str
    file: str
    detail: str


class Gone(RuntimeError):
    """What a file was to be made from is not there any more: it cannot be written."""


def ms_of(at: datetime) -> int:
    """Unix time, ms."""
    return int(at.timestamp() * 1000)


class Desk(ABC):
    """One institution at its folders. Its store may be shared; whoever opened it closes it."""

    # Which of its files a file fault is for that names none.
    usual_file: str

    def __init__(self, home: Path, institution: str, store: Store, wanted: re.Pattern[str]) -> None:
        self.home = home
        self.institution = institution
        self.store = store
        self.folders = Folders(home, institution)
        self._wanted = wanted
        self._known = store.known(institution)

    @abstractmethod
    def work(self, now: datetime, day_end: date | None) -> Iterator[Did]:
        """Takes what waits and does what is due. Raises ValueError where its settings are broken."""

    @abstractmethod
    def pieces(self, outgoing: Outgoing) -> Iterator[bytes]:
        """The bytes of a file that is owed: each time the same. Raises Gone."""

    def tick(self, now: datetime, day_end: date | None = None) -> list[Did]:
        """Does what there is to do; what it did. Where its settings are broken it does nothing, and says so."""
        # What was owed before this process began comes first.
        did: list[Did] = list(self._write(now))
        try:
            did.extend(self.work(now, day_end))
        except ValueError as error:
            did.append(Did(self.institution, "STOPPED", "", str(error)))
        did.extend(self._write(now))
        return did

    # ---------------------------------------------------------------- files that came

    def take_new(self, take: Callable[[Given, datetime], Did], now: datetime) -> Iterator[Did]:
        """What `take` did with each new file, in one transaction each."""
        for given in self.folders.new(self._wanted, self._known, time_ns()):
            try:
                with self.store.transaction():
                    did = take(given, now)
                    self.store.take(self.institution, given.name, given.mark)
            except FileNotFoundError:
                did = Did(self.institution, "gone", given.name, "it was taken away before it was read")
            else:
                self._known[given.name] = given.mark
            yield did

    # ---------------------------------------------------------------- files that are owed

    def owe(self, name: str, kind: str, body: dict[str, Any], now: datetime, due_ms: int | None = None) -> None:
        """Notes a file that is to be written, and whatever is to go wrong with it on its way."""
        assert FILE_NAME.fullmatch(name), f"{name} is no file's name"
        due_ms = ms_of(now) if due_ms is None else due_ms
        cut = False
        for fault in self.faults_left(("cut_file", "duplicate_file", "duplicate_message_id"), name):
            truth, file = Truth(fault, (), None, ()), second(name)
            if fault.kind == "cut_file":
                cut, file = True, name
                if fault.then_whole:
                    self.store.owe(self.institution, name, kind, body, due_ms + 1)
            elif fault.kind == "duplicate_file":
                self.store.owe(self.institution, file, kind, body, due_ms + 1)
            elif "plan" in body:
                line = extra_line(fault, 0)
                other = Plan.from_json(json.loads(json.dumps(body["plan"])))
                other.add(line)
                self.store.owe(self.institution, file, kind, body | {"plan": other.as_json()}, due_ms + 1)
                truth = Truth(fault, (line.reference,), None, (line.amount,))
            else:
                continue
            self.note_faults([truth], file, now)
        self.store.owe(self.institution, name, kind, body, due_ms, cut)

    def owe_ack(self, ack: dict[str, Any], now: datetime) -> None:
        """Notes an acknowledgement, which nothing happens to. What was said of a file before is not said again: a
        day's pack names the files of its windows' packs."""
        name = f"{ack['file'][:110]}.ack.json"
        before = self.store.said(self.institution, name)
        if before is None or before | {"received_at": ""} != ack | {"received_at": ""}:
            self.store.owe(self.institution, name, "json", ack, ms_of(now))

    def _write(self, now: datetime) -> Iterator[Did]:
        for outgoing in self.store.due(self.institution, ms_of(now)):
            path = self.folders.answers / outgoing.name
            try:
                pieces = _json(outgoing.body) if outgoing.kind == "json" else self.pieces(outgoing)
                size = write_whole(path, pieces, outgoing.cut)
                did = Did(self.institution, "wrote", outgoing.name, f"{size} bytes{', cut' if outgoing.cut else ''}")
            except Gone as error:
                did = Did(self.institution, "NOT WRITTEN", outgoing.name, str(error))
            self.store.written(outgoing, ms_of(now))
            yield did

    # ---------------------------------------------------------------- faults

    def faults_left(self, kinds: Collection[str], file: str = "") -> list[Fault]:
        """Faults of these kinds that are not used up, for a file of this name ("": for any). Raises FaultsBroken."""
        used = self.store.used(self.institution)
        return [
            fault
            for fault in load(self.home, self.institution)
            if fault.kind in kinds
            and used.get(fault.id, 0) < fault.times
            and (not file or fault.is_on(file, self.usual_file))
        ]

    def times_left(self, fault: Fault) -> int:
        """How often it strikes from now on."""
        return fault.times - self.store.used(self.institution).get(fault.id, 0)

    def note_faults(self, truths: Iterable[Truth], file: str, now: datetime) -> None:
        """Notes faults as used, and what they did to a file."""
        by_fault: dict[str, list[dict[str, Any]]] = {}
        for truth in truths:
            by_fault.setdefault(truth.fault.id, []).append(truth.as_json(self.institution, file, self.at(now)))
        for fault, said in by_fault.items():
            self.store.struck(self.institution, fault, len(said), ms_of(now), said)

    @staticmethod
    def at(now: datetime) -> str:
        """A time as files say it: Vietnam's, with its offset."""
        return now.astimezone(VIETNAM).isoformat(timespec="milliseconds")


def second(name: str) -> str:
    """What the same file, or another with its message id, is called when it comes again."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.2.{suffix}"


def _json(body: dict[str, Any]) -> Iterator[bytes]:
    yield (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()
