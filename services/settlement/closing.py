"""Nets a closed window and writes what each institution gets of it: in one pass over its events.

Everything follows from the books: made again, by whoever and whenever, it is the same to the byte. The time in every
file is that of the closing marker; message ids name the window; versions of rules and code are in the window's record
and in each signed manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from kit.clock import VIETNAM
from services.settlement import interchange, moves, positions, store
from services.settlement.books import pages
from services.settlement.books.replay import without_collector
from services.settlement.clerk.crash import point
from services.settlement.exchange import Box, open_box, sending
from services.settlement.iso import camt
from services.settlement.names import name_of, report_name
from services.settlement.people import fast_report, gross
from services.settlement.people.records import Gross, Position, Statement, WindowHead
from services.settlement.positions import PLATFORM, WindowTotals
from services.settlement.proof import manifest, pack
from services.settlement.proof.manifest import About, PackedFile
from services.settlement.records import VND, StatementEntry, StatementHead

RULES = f"{positions.RULES};interchange-1;payouts-1"
# Movements taken at once: several readers share each one's decoding.
AT_ONCE = 2_000
Progress = Callable[[str, int, int], None]


def code_version() -> str:
    """Of the code that makes the files: part of every record."""
    return f"cho {version('cho')}"


def net(closed: store.Window, home: Path, key: OKPKey, progress: Progress) -> dict[str, Any]:
    """Nets the window, writes every institution's report, statement, workbook and notification, and seals each pack.

    Returns the window's record. Raises AssertionError where positions do not sum to zero: then nothing is sealed.
    """
    # What was sealed before a crash names the code that sealed it: so does the rest, though other code goes on with it.
    made_by_rules, made_by = store.begun_by(closed, RULES, code_version())
    totals, between, ends, reports = _read(closed, home, progress, made_by_rules)
    point("reported")
    positions.check(totals)
    window = WindowHead(
        closed.number, closed.opened_at, closed.closed_at, totals.payments, totals.refunds, totals.value,
        closed.chain_head,
    )  # fmt: skip
    lines = tuple(
        Position(line.institution, name_of(line.institution), line.debits, line.credits, line.transfers)
        for line in sorted(totals.lines.values(), key=lambda line: line.institution)
    )
    for done, line in enumerate(lines, 1):
        box = open_box(home, line.institution)
        files = _files(box, window, line, lines, between.get(line.institution, {}), ends[line.institution])
        files.append(reports[line.institution])
        end = ends[line.institution]
        about = About(
            institution=line.institution, window=closed.number, day=closed.closed_at.astimezone(VIETNAM).date(),
            opened_at=closed.opened_at, closed_at=closed.closed_at, net=line.net, chain_head=closed.chain_head,
            report=manifest.Report(reports[line.institution].name, end.lines, end.root.hex()), rules=made_by_rules,
            code=made_by, created_at=closed.closed_at,
        )  # fmt: skip
        pack.seal(box, about, files, key)
        progress("files", done, len(lines))
    store.keep_positions(closed, totals)
    return {
        "created_at": closed.closed_at, "rules": made_by_rules, "code": made_by,
        "pairs": _pairs(between), "shares": interchange.shares(totals.fees, closed.closed_at),
        "reports": {
            name: {"file": reports[name].name, "lines": end.lines, "root": end.root.hex(), "sha256": file.sha256}
            for name, end in sorted(ends.items())
            for file in [reports[name]]
        },
    }  # fmt: skip


def _read(
    closed: store.Window, home: Path, progress: Progress, rules: str
) -> tuple[WindowTotals, dict[str, dict[str, gross.Pair]], dict[str, fast_report.ReportEnd], dict[str, PackedFile]]:
    """One pass over the window's events: totals, gross by counterparty, and every institution's report."""
    totals, between, known = positions.nothing_yet(rules), dict[str, dict[str, gross.Pair]](), store.banks(closed)
    reports: dict[str, fast_report.Report] = {}
    goings: dict[str, Any] = {}
    first, last = closed.first_seq, closed.last_seq
    with ExitStack() as stack, without_collector():

        def report_of(institution: str) -> fast_report.Report:
            if institution not in reports:
                box = open_box(home, institution)
                going = stack.enter_context(sending(box, report_name(closed.number, institution)))
                goings[institution] = going
                reports[institution] = fast_report.Report(institution, closed.number, going.write)
            return reports[institution]

        for batch in _batches(positions.attribute(moves.from_raw(pages.raw_events(first, last)), known)):
            positions.add_all(totals, batch)
            gross.add_all(between, batch)
            fast_report.add_all(batch, report_of)
            progress("events", batch[-1][0].seq - first + 1, last - first + 1)
        ends = {name: report.finish(closed.closed_at, closed.chain_head) for name, report in reports.items()}
    return totals, between, ends, {name: pack.packed("report", going.sent) for name, going in goings.items()}


def _batches(found: Iterator[positions.Attributed]) -> Iterator[list[positions.Attributed]]:
    while batch := list(islice(found, AT_ONCE)):
        yield batch


def _files(
    box: Box, window: WindowHead, line: Position, lines: tuple[Position, ...], between: Mapping[str, gross.Pair],
    end: fast_report.ReportEnd,
) -> list[PackedFile]:  # fmt: skip
    """What an institution gets besides its report: for people, and for its systems."""
    # Fonts take seconds to import, and most of the clerk's runs net nothing.
    from services.settlement.people import pdf, xlsx

    name, parts = f"W{window.number:06d}-{line.institution}", _gross(between)
    fees = next((part for part in parts if part.counterparty == PLATFORM), Gross(PLATFORM, name_of(PLATFORM), 0, 0, 0))
    said = Statement(
        window, line, tuple(part for part in parts if part.counterparty != PLATFORM), fees, lines, end.root.hex(),
        end.lines,
    )  # fmt: skip
    book = xlsx.workbook(
        window, lines, (), (), (), report_name(window.number, line.institution), window.closed_at, line.institution
    )
    return [
        pack.put(box, "statement", f"statement.{name}.pdf", [pdf.statement(said, window.closed_at)]),
        pack.put(box, "workbook", f"workbook.{name}.xlsx", [book]),
        _notification(box, window, line, parts),
    ]


def _notification(box: Box, window: WindowHead, line: Position, parts: tuple[Gross, ...]) -> PackedFile:
    """camt.054: what was booked on the institution's position, an entry a counterparty and side."""
    message_id, on = f"CN-W{window.number:06d}-{line.institution}", window.closed_at.astimezone(VIETNAM).date()
    sides = [(part, side, amount) for part in parts for side, amount in (("D", part.debits), ("C", part.credits))]
    entries = [
        StatementEntry(
            number=number, line=number, side=side, amount=amount, currency=VND, booked_on=on, value_on=on,
            reference=f"GR-{window.number:06d}-{part.counterparty}-{side}", group=message_id, bank_reference="",
            counterparty=part.name, counterparty_account=part.counterparty, text=f"Phiên {window.number}",
        )
        for number, (part, side, amount) in enumerate([one for one in sides if one[2]], 1)
    ]  # fmt: skip
    head = StatementHead(
        kind="camt.054", message_id=message_id, statement_id=message_id, account=f"POSITION{line.institution}",
        currency=VND, created_at=window.closed_at, from_on=on, until_on=on, opening=None, closing=None,
        entries=len(entries), credits=line.credits, debits=line.debits,
    )  # fmt: skip
    with sending(box, f"camt.054.{message_id}.xml") as going:
        camt.write_statement_to(going, head, entries, PLATFORM)
    assert going.sent is not None
    return pack.packed("camt.054", going.sent)


def _gross(between: Mapping[str, gross.Pair]) -> tuple[Gross, ...]:
    return tuple(
        Gross(other, name_of(other), pair.debits, pair.credits, pair.transfers)
        for other, pair in sorted(between.items())
    )


def _pairs(between: Mapping[str, Mapping[str, gross.Pair]]) -> list[dict[str, Any]]:
    """Who owes whom, gross, and what is left of it against the other direction."""
    return [
        {"from": one, "to": other, "gross": pair.debits, "net": max(0, pair.debits - pair.credits)}
        for one, others in sorted(between.items())
        for other, pair in sorted(others.items())
        if pair.debits
    ]
