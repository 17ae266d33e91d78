"""A telecom: takes the report of a window, checks it, and gives its own record of the same and its word on the net.

    Telecom(home, "VIETTEL", store).tick(now)

Its record is what the report says, as a telecom would have it in its own books, plus the faults. It comes with the tick
after the report was taken, with the acceptance of the net position after it:

    record.W000012-VIETTEL.csv        transfer_id,time,operation,side,amount,currency; at the end total,<n>,<D>,<C>,,
    acceptance.W000012-VIETTEL.json   {"pack", "institution", "report", "net", "accepted", "reason", "at"}

`net` is what its record makes, đồng; > 0: it is owed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from simulators.institutions import packs
from simulators.institutions.desk import Desk, Did, Gone, ms_of
from simulators.institutions.exchange import Given, sha256_of
from simulators.institutions.faults import LINE_KINDS, Fault
from simulators.institutions.lines import Line, Plan, Truth, plan
from simulators.institutions.packs import Refused
from simulators.institutions.store import Outgoing, Store

TELECOMS = ("VIETTEL", "VNPT", "MOBIFONE")
ROWS_MAX = 5_000_000
HEADER = "transfer_id,time,operation,side,amount,currency\n"
_REPORT = re.compile(r"report\.(W\d{6,12})-([A-Z0-9]{2,20})\.csv")
_COLUMNS = ["window", "seq", "time", "operation", "transfer_id", "payment_id", "account_id", "debit_vnd", "credit_vnd"]
_A_PIECE = 2000


@dataclass(slots=True)
class _Sums:
    """A report's: postings, what the telecom owes (D) and is owed (C), and what the platform says of the net."""

    lines: int = 0
    owes: int = 0
    owed: int = 0
    net: int | None = None


class Telecom(Desk):
    """One telecom on its exchange folder. `store` is shared by all of them."""

    usual_file = "record.*"

    def __init__(self, home: Path, name: str, store: Store) -> None:
        super().__init__(home, name, store, re.compile(packs.MANIFEST))

    def work(self, now: datetime, day_end: date | None) -> Iterator[Did]:
        """Takes whole packs; a telecom has no day end."""
        yield from self.take_new(self._take, now)

    def pieces(self, outgoing: Outgoing) -> Iterator[bytes]:
        """A record, from the report that it is of."""
        body = outgoing.body
        assert outgoing.kind == "record", f"{outgoing.kind} is nothing that a telecom owes"
        return _record(self.folders.given / body["report"], body["sha256"], Plan.from_json(body["plan"]))

    def _take(self, given: Given, now: datetime) -> Did:
        pack, reason = packs.take(given, self.folders, self.home, now, lambda ack: self.owe_ack(ack, now))
        if pack is None:
            return Did(self.institution, "refused", given.name, reason)
        matches = [(name, _REPORT.fullmatch(name)) for name in sorted(pack.files)]
        reports = [(name, match[1]) for name, match in matches if match and match[2] == self.institution]
        if not reports:
            return Did(self.institution, "acknowledged", given.name, "no report in it")
        details = []
        for name, window in reports:
            if self._was_answered(window, pack.files[name]):
                continue
            try:
                sums = self._owe_record(name, window, pack.files[name], now)
            except Refused as refused:
                self.owe_ack(packs.acknowledgement(name, pack.files[name], now, refused.reason), now)
                return Did(self.institution, "refused", name, refused.reason)
            details.append(f"{sums.lines} postings, net {sums.owed - sums.owes}")
        said = "; ".join(details) or "its reports were answered before"
        return Did(self.institution, "acknowledged", given.name, said)

    def _was_answered(self, window: str, sha256: str) -> bool:
        """Whether the record of this report is owed or written: a day's pack has its windows' reports in it again."""
        before = self.store.said(self.institution, f"record.{window}-{self.institution}.csv")
        return before is not None and before["sha256"] == sha256

    def _owe_record(self, report: str, window: str, sha256: str, now: datetime) -> _Sums:
        """Owes the record and the acceptance. Raises Refused where the report is none, or does not tie."""
        path, name = self.folders.given / report, f"record.{window}-{self.institution}.csv"
        sums = _sums(path)
        made, truths = plan(
            self.faults_left(LINE_KINDS, name), self.store.used(self.institution), sums.lines,
            lambda references: _find(path, references), lambda indexes: _lines_at(path, indexes),
        )  # fmt: skip
        self.note_faults(truths, name, now)
        due_ms = ms_of(now) + 1
        for fault in self.faults_left(("late_record",), name)[:1]:
            due_ms = ms_of(now) + fault.late_s * 1000
            self.note_faults([_nothing(fault)], name, now)
        body = {"report": report, "sha256": sha256, "plan": made.as_json()}
        self.owe(name, "record", body, now, due_ms)
        self._owe_acceptance(report, window, sums, made, now, due_ms)
        return sums

    def _owe_acceptance(self, report: str, window: str, sums: _Sums, made: Plan, now: datetime, due_ms: int) -> None:
        net = sums.owed - sums.owes + made.changes["C"][2] - made.changes["D"][2]
        reason = "" if net == sums.net else f"DIFFERS: our record makes {net}, the report {sums.net}"
        name = f"acceptance.{window}-{self.institution}.json"
        for fault in self.faults_left(("rejected",))[:1]:
            reason = reason or f"REJECTED: {fault.reason or 'we do not accept it'}"
            self.note_faults([_nothing(fault)], name, now)
        said = {
            "pack": f"{window}-{self.institution}", "institution": self.institution, "report": report, "net": net,
            "accepted": not reason, "reason": reason, "at": self.at(now),
        }  # fmt: skip
        self.store.owe(self.institution, name, "json", said, due_ms)


def _nothing(fault: Fault) -> Truth:
    return Truth(fault, (), None, ())


def _rows(path: Path) -> Iterator[list[str]]:
    """A report's rows, those of its end included. Raises Refused where it is not a report."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        try:
            if next(rows, []) != _COLUMNS:
                raise Refused("NOT_A_REPORT: its columns are others")
            yield from rows
        except (csv.Error, UnicodeDecodeError) as error:
            raise Refused(f"NOT_A_REPORT: line {rows.line_num}: {error}") from error


def _postings(path: Path) -> Iterator[list[str]]:
    """A report's postings only."""
    return (row for row in _rows(path) if row[3] not in ("total", "net"))


def _sums(path: Path) -> _Sums:
    """Adds a report up, and refuses one whose own totals differ."""
    sums, declared = _Sums(), None
    for row in _rows(path):
        if len(row) != len(_COLUMNS):
            raise Refused(f"NOT_A_REPORT: posting {sums.lines}: {len(row)} columns")
        try:
            if row[3] == "total":
                declared = (int(row[7]), int(row[8]))
            elif row[3] == "net":
                sums.net = int(row[8])
            else:
                sums.lines += 1
                if row[7]:
                    sums.owes += int(row[7])
                else:
                    sums.owed += int(row[8])
        except ValueError as error:
            raise Refused(f"NOT_A_REPORT: posting {sums.lines}: {error}") from error
        if sums.lines > ROWS_MAX:
            raise Refused(f"TOO_LARGE: more than {ROWS_MAX} postings")
    if declared != (sums.owes, sums.owed) or sums.net != sums.owed - sums.owes:
        raise Refused(f"DOES_NOT_TIE: its postings make {sums.owes} and {sums.owed}, it says {declared} and {sums.net}")
    return sums


def _line(row: Sequence[str]) -> Line:
    return Line(row[4], "D" if row[7] else "C", int(row[7] or row[8]))


def _find(path: Path, references: Sequence[str]) -> Mapping[str, int]:
    wanted, where = set(references), dict[str, int]()
    for index, row in enumerate(_postings(path)):
        if row[4] in wanted:
            where.setdefault(row[4], index)
    return where


def _lines_at(path: Path, indexes: Iterable[int]) -> Mapping[int, Line]:
    wanted = set(indexes)
    return {index: _line(row) for index, row in enumerate(_postings(path)) if index in wanted}


def _record(report: Path, sha256: str, made: Plan) -> Iterator[bytes]:
    """The record, in pieces. Raises Gone where the report is not there any more."""
    out = io.StringIO()
    out.write(HEADER)
    writer = csv.writer(out, lineterminator="\n")
    lines, sums, last_time = 0, {"D": 0, "C": 0}, ""
    if not report.exists() or sha256_of(report) != sha256:
        raise Gone(f"{report.name} is not there any more as it was taken")
    for index, row in enumerate(_postings(report)):
        side = "D" if row[7] else "C"
        last_time = row[2]
        for amount, currency in made.of(index, int(row[7] or row[8]), "VND"):
            writer.writerow((row[4], last_time, row[3], side, amount, currency))
            lines += 1
            sums[side] += amount
        if index % _A_PIECE == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    for line in made.extra:
        writer.writerow((line.reference, last_time, "pay", line.side, line.amount, line.currency))
        lines += 1
        sums[line.side] += line.amount
    writer.writerow(("total", lines, sums["D"] + made.off, sums["C"], "", ""))
    yield out.getvalue().encode()
