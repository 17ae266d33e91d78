"""A window's reports for all its institutions, in one pass over its events, with the Merkle tree of each.

The bytes are those of services/settlement/report.py, which stays the definition (the tests hold the two together); this
is for windows of a million payments.

    reports = {name: Report(name, 12, going.write) for name in ("VIETTEL", "970418")}
    write(moves.from_raw(store.raw_events(first, last)), banks, reports.get)    # or add_all, once a batch
    end = reports["VIETTEL"].finish(closed_at, chain_head)     # end.lines, end.root: for the manifest
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from kit.clock import VIETNAM, from_ms
from services.settlement.moves import Move
from services.settlement.positions import Attributed, attribute
from services.settlement.proof.lines import LINE_END
from services.settlement.proof.merkle import BLOCK, Tree
from services.settlement.report import COLUMNS

AT_ONCE = 2_000
_COMMAS = len(COLUMNS) - 1


class FieldInvalid(ValueError):
    """A field that CSV would have to quote: no id, operation or time of the ledger's is so."""


@dataclass(frozen=True, slots=True)
class ReportEnd:
    """A finished report. `lines`: all of them, header and both last ones included; sums in đồng."""

    lines: int
    root: bytes
    postings: int
    debits: int
    credits: int


class Report:
    """One institution's report while it grows; bytes go to `sink` in pieces of about 100 kB."""

    __slots__ = ("_rows", "_sink", "_tree", "credits", "debits", "institution", "postings", "window")

    def __init__(self, institution: str, window: int, sink: Callable[[bytes], object]) -> None:
        self.institution, self.window = institution, window
        self.debits = self.credits = self.postings = 0
        self._sink, self._tree = sink, Tree()
        self._rows = ["\ufeff" + ",".join(COLUMNS)]

    def add(self, rows: list[str], debits: int, credits: int) -> None:
        """Postings' lines, and what they come to."""
        self._rows += rows
        self.postings += len(rows)
        self.debits += debits
        self.credits += credits
        while len(self._rows) >= BLOCK:
            self._flush(BLOCK)

    def finish(self, closed_at: datetime, chain_head: str) -> ReportEnd:
        """Writes the total and the net, as services/settlement/report.py does."""
        closed = closed_at.astimezone(VIETNAM).isoformat(timespec="milliseconds")
        start, name = f"{self.window},,{closed}", self.institution
        self._rows.append(f"{start},total,{self.postings} postings,,{name},{self.debits},{self.credits}")
        self._rows.append(f"{start},net,chain {chain_head},,{name},,{self.credits - self.debits}")
        self._flush(len(self._rows))
        return ReportEnd(self._tree.size, self._tree.root(), self.postings, self.debits, self.credits)

    def _flush(self, many: int) -> None:
        rows = self._rows[:many]
        text = "\r\n".join(rows)
        # A field that would need quotes, seen in all lines at once.
        breaks = len(rows) - 1
        if (
            text.count(",") != _COMMAS * len(rows)
            or '"' in text
            or (text.count("\r"), text.count("\n")) != (breaks, breaks)
        ):
            raise FieldInvalid(f"window {self.window}: a field holds a comma, a quote or a line break; ids never do")
        piece = text.encode()
        self._tree.extend(piece.split(LINE_END))
        self._sink(piece + LINE_END)
        del self._rows[:many]


def write(moves: Iterable[Move], banks: Mapping[str, str], of: Callable[[str], Report | None]) -> None:
    """Gives every report its lines, in the order of the moves. Institutions `of` which there is none are passed over.

    `banks`: merchant id to bank BIN. Raises KeyError for a merchant without one, FieldInvalid.
    """

    found = attribute(moves, banks)
    while batch := list(islice(found, AT_ONCE)):
        add_all(batch, of)


def add_all(batch: Sequence[Attributed], of: Callable[[str], Report | None]) -> None:
    """As `write`, a few thousand movements whose legs' institutions are known: their lines are kept meanwhile."""
    # Lines, debits, credits.
    grown: dict[str, tuple[list[str], list[int], list[int]]] = {}
    second, clock = -1, ""
    for (seq, at_ms, window, op, transfer_id, payment_id, _), parts in batch:
        if not parts:
            continue
        if at_ms // 1000 != second:
            second = at_ms // 1000
            clock = from_ms(second * 1000).astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M:%S")
        start = f"{window},{seq},{clock}.{at_ms % 1000:03d}+07:00,{op},{transfer_id},{payment_id},"
        for institution, account_id, side, amount in parts:
            mine = grown.get(institution)
            if mine is None:
                mine = grown[institution] = [], [], []
            rows, debits, credits = mine
            if side == "d":
                debits.append(amount)
                rows.append(f"{start}{account_id},{amount},")
            else:
                credits.append(amount)
                rows.append(f"{start}{account_id},,{amount}")
    for institution, (rows, debits, credits) in grown.items():
        report = of(institution)
        if report is not None:
            report.add(rows, sum(debits), sum(credits))
