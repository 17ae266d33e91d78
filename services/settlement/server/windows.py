"""Windows, positions, reports and their proofs, the trial balance."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import grpc
from cho.payments.v1 import payments_pb2
from cho.settlement.v1 import settlement_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit.config import settings
from kit.errors import BY_CODE, InvalidArgument, NotFound, Unavailable, WindowNotOpen
from kit.rpc.call import Call, service_metadata
from kit.rpc.status import error_code
from services.settlement import report, store
from services.settlement.books import trial
from services.settlement.books.checkpoints import Behind, Checkpoints
from services.settlement.clerk import wake
from services.settlement.exchange import open_box
from services.settlement.names import name_of, report_name
from services.settlement.payouts import store as payouts
from services.settlement.payouts import switch
from services.settlement.proof import lines
from services.settlement.server.behind import payments

CUT_S_MAX = 5.0
MARKER_S_MAX = 8.0
# The books are read for a trial balance when one is asked for; at the first time that may take several calls.
FOLLOW_S_MAX = 5.0
WINDOWS_MAX = 100
_PIECE = 1 << 16
_INSTITUTION = re.compile(r"[A-Z0-9]{1,20}")
# What an institution's pack of a window holds: the name in a URL, the file's name, and its type.
FILES = {
    "report.csv": ("report.{pack}.csv", "text/csv; charset=utf-8"),
    "workbook.xlsx": ("workbook.{pack}.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "statement.pdf": ("statement.{pack}.pdf", "application/pdf"),
    "camt.054.xml": ("camt.054.CN-{pack}.xml", "application/xml"),
    "manifest.json": ("manifest.{pack}.json", "application/json"),
}
# The same of a day's; what its manifest names of the windows' packs is got there.
DAY_FILES: dict[str, Callable[[date, str], tuple[str, str]]] = {
    "statement.xml": lambda day, who: (f"camt.053.ST-D{day:%Y%m%d}-{who}.xml", "application/xml"),
    "napas.dat": lambda day, who: (switch.file_name(day, who), "text/plain; charset=us-ascii"),
    "manifest.json": lambda day, who: (f"manifest.D{day.isoformat()}-{who}.json", "application/json"),
}
_STAGES = {
    "closed": pb.WINDOW_STATE_CLOSED, "netted": pb.WINDOW_STATE_SETTLING, "settling": pb.WINDOW_STATE_SETTLING,
    "settled": pb.WINDOW_STATE_SETTLED,
}  # fmt: skip
_AUDIT = "an audit of the books: it does not tie to them"
_WAITS = {"closed": "its positions and files are being made", "netted": "its payouts are being decided"}


def _window(closed: store.Window, call: Call) -> pb.Window:
    (ended, decided), waits = _payouts(closed, call)
    reply = pb.Window(
        window=closed.number, state=_STAGES[closed.stage], first_seq=closed.first_seq, last_seq=closed.last_seq,
        payments=closed.payments or 0, refunds=closed.refunds or 0, value=closed.value or 0, payouts=decided,
        payouts_ended=ended, waits_for=_AUDIT if closed.findings else _WAITS.get(closed.stage, waits),
    )  # fmt: skip
    reply.opened_at.FromDatetime(closed.opened_at)
    reply.closed_at.FromDatetime(closed.closed_at)
    return reply


def _payouts(closed: store.Window, call: Call) -> tuple[tuple[int, int], str]:
    """(payouts ended, all of them), and what the window waits for. Who settles late is not another institution's
    business, nor what operators have to let go."""
    if closed.stage not in ("settling", "settled"):
        return (0, 0), ""
    ended, decided = payouts.count_of_window(closed.number)
    if closed.stage == "settled":
        return (ended, decided), ""
    waiting = sorted(one.id for one in payouts.batches(window=closed.number) if one.state == "waiting")
    nets = sorted(net.institution for net in payouts.nets(window=closed.number) if net.state != "settled")
    if not call.has("operator", "auditor"):
        waiting, nets = [], [one for one in nets if one == call.caller.institution]
    waits = [
        *(f"the release of {one}" for one in waiting),
        *([f"{decided - ended} payouts"] if ended < decided else []),
        *(f"the net position of {one}" for one in nets),
    ]
    return (ended, decided), ", ".join(waits)


def _closed(number: int) -> store.Window:
    found = store.window(number) if number > 0 else None
    if found is None:
        raise NotFound(f"window {number} is not closed")
    return store.with_positions(found)


class SettlementServicer:
    """See protos/cho/settlement/v1/settlement.proto."""

    def __init__(self, books: Checkpoints) -> None:
        self._books = books

    def ListWindows(self, request: pb.ListWindowsRequest, call: Call) -> pb.ListWindowsResponse:
        limit = request.limit or 20
        if not 1 <= limit <= WINDOWS_MAX:
            raise InvalidArgument(f"limit must be from 1 to {WINDOWS_MAX}")
        newest = store.newest_window()
        closed = store.windows(newest, limit)
        state = pb.WINDOW_STATE_CLOSING if store.closing() == newest + 1 else pb.WINDOW_STATE_OPEN
        now_open = pb.Window(window=newest + 1, state=state)
        if closed:
            now_open.opened_at.FromDatetime(closed[0].closed_at)
        return pb.ListWindowsResponse(windows=[now_open, *(_window(w, call) for w in closed)][:limit])

    def CloseWindow(self, request: pb.CloseWindowRequest, call: Call) -> pb.CloseWindowResponse:
        cut = payments_pb2.CutWindowRequest(window=request.window)
        try:
            payments().CutWindow(cut, timeout=CUT_S_MAX, metadata=service_metadata("settlement", call))
        except grpc.RpcError as error:
            code = error_code(error)
            if code == WindowNotOpen.code and store.window(request.window) is not None:
                return pb.CloseWindowResponse(window=_window(_closed(request.window), call))
            raise BY_CODE.get(code, Unavailable)(error.details() or "payments cannot be reached") from error
        store.set_closing(request.window)
        deadline = time.monotonic() + MARKER_S_MAX
        while store.window(request.window) is None:
            if time.monotonic() > deadline:
                raise Unavailable("the window is closed, but its marker is not journaled yet: ask again")
            time.sleep(0.02)
        wake.clerk()
        return pb.CloseWindowResponse(window=_window(_closed(request.window), call))

    def GetPositions(self, request: pb.GetPositionsRequest, call: Call) -> pb.GetPositionsResponse:
        closed = _closed(request.window)
        everything, own = call.has("operator", "auditor"), call.caller.institution
        record = closed.record or {}
        return pb.GetPositionsResponse(
            window=_window(closed, call),
            positions=[
                pb.Position(
                    institution=line.institution, name=name_of(line.institution), debits=line.debits,
                    credits=line.credits, net=line.credits - line.debits, transfers=line.transfers,
                )
                for line in closed.lines
                if everything or line.institution == own
            ],
            pairs=[
                pb.Pair(**{"from": pair["from"], "to": pair["to"], "gross": pair["gross"], "net": pair["net"]})
                for pair in record.get("pairs", ())
                if everything or own in (pair["from"], pair["to"])
            ],
            sum=sum(line.credits - line.debits for line in closed.lines),
            findings=closed.findings if everything else (),
            chain_head=closed.chain_head,
        )  # fmt: skip

    def GetReport(self, request: pb.GetReportRequest, call: Call) -> Iterator[HttpBody]:
        closed = _part(request.window, request.institution, call)
        if closed.stage != "closed":
            yield from _file(request.window, request.institution, "report.csv", call)
            return
        known = store.banks(closed)
        rows = report.lines(store.events(closed.first_seq, closed.last_seq), request.institution, known)
        name = report_name(closed.number, request.institution)
        call.set_header("content-disposition", f'attachment; filename="{name}"')
        for piece in report.to_csv(rows, request.institution, closed.number, closed.closed_at, closed.chain_head):
            yield HttpBody(content_type="text/csv; charset=utf-8", data=piece)

    def GetFile(self, request: pb.GetFileRequest, call: Call) -> Iterator[HttpBody]:
        if request.name not in FILES:
            raise InvalidArgument(f"name is one of {', '.join(FILES)}")
        _part(request.window, request.institution, call)
        yield from _file(request.window, request.institution, request.name, call)

    def GetDayFile(self, request: pb.GetDayFileRequest, call: Call) -> Iterator[HttpBody]:
        institution = request.institution
        if request.name not in DAY_FILES:
            raise InvalidArgument(f"name is one of {', '.join(DAY_FILES)}")
        try:
            day = date.fromisoformat(request.day)
        except ValueError as error:
            raise InvalidArgument("day is written yyyy-mm-dd") from error
        _check_visible(institution, call)
        name, kind = DAY_FILES[request.name](day, institution)
        path = open_box(settings().home, institution).out / name
        if not path.exists():
            raise NotFound("no pack of that day has this file: the day is not over, or there was nothing to tell")
        yield from _pieces(path, kind, call)

    def GetProof(self, request: pb.GetProofRequest, call: Call) -> HttpBody:
        _part(request.window, request.institution, call)
        path = _path(request.institution, report_name(request.window, request.institution))
        try:
            return HttpBody(content_type="application/json", data=lines.as_json(lines.prove(path, request.line)))
        except IndexError as error:
            raise NotFound(str(error)) from error

    def GetTrialBalance(self, request: pb.GetTrialBalanceRequest, call: Call) -> pb.GetTrialBalanceResponse:
        deadline = time.monotonic() + FOLLOW_S_MAX
        while self._books.follow():  # nobody else does in this process
            if time.monotonic() > deadline:
                raise Unavailable("the books are being read for the first time: ask again in a moment")
        try:
            if request.window:
                found = trial.at_window(self._books, _closed(request.window).number)
            else:
                found = trial.at_seq(self._books, store.head().seq)
        except Behind as error:
            raise Unavailable(f"{error}: ask again in a moment") from error
        return pb.GetTrialBalanceResponse(
            lines=[_trial_line(line) for line in found.lines], debits=found.debits, credits=found.credits,
            seq=found.seq, findings=found.findings,
        )  # fmt: skip

    def GetBooksHead(self, request: pb.GetBooksHeadRequest, call: Call) -> pb.GetBooksHeadResponse:
        head = store.head()
        return pb.GetBooksHeadResponse(seq=head.seq, chain_head=bytes(head.head).hex())


def _part(number: int, institution: str, call: Call) -> store.Window:
    """A closed window in which this institution has a part, and the caller may see it. Raises NotFound."""
    _check_visible(institution, call)
    closed = _closed(number)
    if not any(line.institution == institution for line in closed.lines):
        raise NotFound(f"{institution} has no part in window {closed.number}")
    return closed


def _check_visible(institution: str, call: Call) -> None:
    """Raises NotFound for what is no institution, or not the caller's to see."""
    allowed = call.has("operator", "auditor") or institution == call.caller.institution
    if not allowed or not _INSTITUTION.fullmatch(institution):
        raise NotFound("there is no such report, or it is another institution's")


def _path(institution: str, name: str) -> Path:
    path = open_box(settings().home, institution).out / name
    if not path.exists():
        raise Unavailable("the window's files are being made: ask again in a moment")
    return path


def _file(window: int, institution: str, name: str, call: Call) -> Iterator[HttpBody]:
    pattern, kind = FILES[name]
    yield from _pieces(_path(institution, pattern.format(pack=f"W{window:06d}-{institution}")), kind, call)


def _pieces(path: Path, kind: str, call: Call) -> Iterator[HttpBody]:
    call.set_header("content-disposition", f'attachment; filename="{path.name}"')
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield HttpBody(content_type=kind, data=piece)


def _trial_line(found: trial.TrialLine) -> pb.TrialLine:
    line = found.line
    return pb.TrialLine(
        number=line.number, name=line.vietnamese, name_en=line.english, unit=found.unit, debits=found.totals.debits,
        credits=found.totals.credits, balance=found.balance,
    )  # fmt: skip
