"""Settlement's API: proto in, proto out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import grpc
from cho.payments.v1 import payments_pb2
from cho.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from cho.settlement.v1 import settlement_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit import banks
from kit.config import settings
from kit.errors import BY_CODE, InvalidArgument, NotFound, Unavailable, WindowNotOpen
from kit.rpc import threads
from kit.rpc.call import Call, service_metadata
from kit.rpc.status import error_code
from services.settlement import report, store
from services.settlement.positions import PLATFORM

CUT_S_MAX = 5.0
MARKER_S_MAX = 8.0
WINDOWS_MAX = 100
_TELECOMS = {"VIETTEL": "Viettel Money", "VNPT": "VNPT Money", "MOBIFONE": "MobiFone Money"}


@cache
def _payments() -> Any:
    """Stub of the payments service; made after the fork, at first use."""
    return PaymentsServiceStub(grpc.insecure_channel(settings().payments_addr))


def _name(institution: str) -> str:
    if institution == PLATFORM:
        return "Chợ 4.0"
    bank = banks.lookup(institution)
    return _TELECOMS.get(institution) or (bank.short_name if bank else institution)


def _window(closed: store.Window) -> pb.Window:
    reply = pb.Window(
        window=closed.number,
        state=pb.WINDOW_STATE_CLOSED,
        first_seq=closed.first_seq,
        last_seq=closed.last_seq,
        payments=closed.payments or 0,
        refunds=closed.refunds or 0,
        value=closed.value or 0,
    )
    reply.opened_at.FromDatetime(closed.opened_at)
    reply.closed_at.FromDatetime(closed.closed_at)
    return reply


def _closed(number: int) -> store.Window:
    found = store.window(number) if number > 0 else None
    if found is None:
        raise NotFound(f"window {number} is not closed")
    return store.with_positions(found)


class SettlementServicer:
    """See protos/cho/settlement/v1/settlement.proto."""

    def ListWindows(self, request: pb.ListWindowsRequest, call: Call) -> pb.ListWindowsResponse:
        limit = request.limit or 20
        if not 1 <= limit <= WINDOWS_MAX:
            raise InvalidArgument(f"limit must be from 1 to {WINDOWS_MAX}")
        newest = store.newest_window()
        closed = store.windows(newest, limit)
        now_open = pb.Window(window=newest + 1, state=pb.WINDOW_STATE_OPEN)
        if closed:
            now_open.opened_at.FromDatetime(closed[0].closed_at)
        return pb.ListWindowsResponse(windows=[now_open, *(_window(w) for w in closed)][:limit])

    def CloseWindow(self, request: pb.CloseWindowRequest, call: Call) -> pb.CloseWindowResponse:
        cut = payments_pb2.CutWindowRequest(window=request.window)
        try:
            _payments().CutWindow(cut, timeout=CUT_S_MAX, metadata=service_metadata("settlement", call))
        except grpc.RpcError as error:
            code = error_code(error)
            if code == WindowNotOpen.code and store.window(request.window) is not None:
                return pb.CloseWindowResponse(window=_window(_closed(request.window)))
            raise BY_CODE.get(code, Unavailable)(error.details() or "payments cannot be reached") from error
        deadline = time.monotonic() + MARKER_S_MAX
        while store.window(request.window) is None:
            if time.monotonic() > deadline:
                raise Unavailable("the window is closed, but its marker is not journaled yet: ask again")
            time.sleep(0.02)
        return pb.CloseWindowResponse(window=_window(_closed(request.window)))

    def GetPositions(self, request: pb.GetPositionsRequest, call: Call) -> pb.GetPositionsResponse:
        closed = _closed(request.window)
        everything = call.has("operator", "auditor")
        return pb.GetPositionsResponse(
            window=_window(closed),
            positions=[
                pb.Position(
                    institution=line.institution,
                    name=_name(line.institution),
                    debits=line.debits,
                    credits=line.credits,
                    net=line.credits - line.debits,
                    transfers=line.transfers,
                )
                for line in closed.lines
                if everything or line.institution == call.caller.institution
            ],
            chain_head=closed.chain_head,
        )

    def GetReport(self, request: pb.GetReportRequest, call: Call) -> Iterator[HttpBody]:
        if not call.has("operator", "auditor") and request.institution != call.caller.institution:
            raise NotFound("there is no such report, or it is another institution's")
        closed = _closed(request.window)
        if not any(line.institution == request.institution for line in closed.lines):
            raise NotFound(f"{request.institution} has no part in window {closed.number}")
        known = store.banks(closed)
        rows = report.lines(store.events(closed.first_seq, closed.last_seq), request.institution, known)
        name = f"cho-window-{closed.number}-{request.institution}.csv"
        call.set_header("content-disposition", f'attachment; filename="{name}"')
        for piece in report.to_csv(rows, request.institution, closed.number, closed.closed_at, closed.chain_head):
            yield HttpBody(content_type="text/csv; charset=utf-8", data=piece)

    def GetBooksHead(self, request: pb.GetBooksHeadRequest, call: Call) -> pb.GetBooksHeadResponse:
        head = store.head()
        return pb.GetBooksHeadResponse(seq=head.seq, chain_head=bytes(head.head).hex())


def main() -> None:
    """Serves until SIGTERM."""
    store.open_store()
    threads.serve("settlement", [(pb.DESCRIPTOR.services_by_name["SettlementService"], SettlementServicer())])
