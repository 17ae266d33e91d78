"""gRPC server of recalls: proto in, proto out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from cho.orders.v1 import recalls_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit.errors import InvalidArgument
from kit.ids import key_time_ms
from kit.rpc.call import Call
from services.orders import store as orders
from services.orders.life import check_reason
from services.orders.order import Order
from services.orders.recalls import recall as rules
from services.orders.recalls import store
from services.orders.recalls.clerk import Clerk
from services.orders.recalls.recall import TODO, Line, LineState, Recall, State
from services.orders.store import checkouts

PAGE_MAX, PAGE_USUAL = 200, 50
ID_LENGTH_MAX = 64
_STATES = {state: getattr(pb, f"RECALL_STATE_{state.name}") for state in State}
_LINE_STATES = {state: getattr(pb, f"RECALL_LINE_STATE_{state.name}") for state in LineState}
_REPORT = (
    "order_id", "order_code", "merchant_id", "buyer_id", "quantity", "line_total_vnd", "state", "amount_vnd", "code",
    "payment_ids", "refund_ids",
)  # fmt: skip


class RecallServicer:
    """The RPCs of cho.orders.v1.RecallService; roles are enforced before they are called."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk

    def OpenRecall(self, request: pb.OpenRecallRequest, call: Call) -> pb.OpenRecallResponse:
        if key_time_ms(request.request_id) is None:
            raise InvalidArgument("request_id must be a UUIDv7")
        product_id, lot_id = _id("product_id", request.product_id), _id("lot_id", request.lot_id)
        reason = check_reason(request.reason, needed=True)
        opened = store.open_(call.caller.sub, request.request_id, product_id, lot_id, reason, call.traceparent)
        recall = self._clerk.begin(opened)
        if refused := recall.refusal:
            raise refused
        return pb.OpenRecallResponse(recall=_recall(recall))

    def ReleaseRecall(self, request: pb.ReleaseRecallRequest, call: Call) -> pb.ReleaseRecallResponse:
        by = call.caller.sub
        released = store.change(request.recall_id, lambda found, now: rules.release(found, by, now), call.traceparent)
        return pb.ReleaseRecallResponse(recall=_recall(released))

    def WithdrawRecall(self, request: pb.WithdrawRecallRequest, call: Call) -> pb.WithdrawRecallResponse:
        by, reason = call.caller.sub, request.reason
        after = store.change(
            request.recall_id, lambda found, now: rules.withdraw(found, by, reason, now), call.traceparent
        )
        return pb.WithdrawRecallResponse(recall=_recall(after))

    def GetRecall(self, request: pb.GetRecallRequest, call: Call) -> pb.GetRecallResponse:
        return pb.GetRecallResponse(recall=_recall(store.recall(request.recall_id)))

    def ListRecalls(self, request: pb.ListRecallsRequest, call: Call) -> pb.ListRecallsResponse:
        return pb.ListRecallsResponse(recalls=[_recall(one) for one in store.recent()])

    def ListRecallLines(self, request: pb.ListRecallLinesRequest, call: Call) -> pb.ListRecallLinesResponse:
        if not 0 <= request.page_size <= PAGE_MAX:
            raise InvalidArgument(f"page_size must be 1 to {PAGE_MAX}, or 0 for {PAGE_USUAL}")
        recall, size = store.recall(request.recall_id), request.page_size or PAGE_USUAL
        found = store.lines(recall.id, request.after, size + 1)
        return pb.ListRecallLinesResponse(lines=list(_lines(recall, found[:size])), more=len(found) > size)

    def DownloadRecallReport(self, request: pb.DownloadRecallReportRequest, call: Call) -> Iterator[HttpBody]:
        recall = store.recall(request.recall_id)
        call.set_header("content-disposition", f'attachment; filename="{recall.id}.csv"')
        yield _body("\ufeff" + _csv([_REPORT]))
        page = store.lines(recall.id, "", PAGE_MAX)
        while page:
            yield _body(_csv(_row(line) for line in _lines(recall, page)))
            page = store.lines(recall.id, page[-1].order_id, PAGE_MAX)


def _recall(recall: Recall) -> pb.Recall:
    known = checkouts.products([recall.product_id])
    left = sum(one.lines for state, one in recall.tallies.items() if state in TODO.get(recall.state, ()))
    view = pb.Recall(
        recall_id=recall.id,
        product_id=recall.product_id,
        product_name=known[recall.product_id].name if recall.product_id in known else "",
        lot_id=recall.lot_id,
        reason=recall.reason,
        state=_STATES[recall.state],
        opened_by=recall.opened_by,
        decided_by=recall.decided_by,
        withdrawn_for=recall.withdrawn_for,
        lines=recall.lines,
        done=recall.lines - left,
        tallies=[
            pb.RecallTally(state=_LINE_STATES[state], lines=one.lines, amount=one.amount)
            for state, one in recall.tallies.items()
        ],
    )
    view.opened_at.FromDatetime(recall.opened_at)
    if recall.decided_at:
        view.decided_at.FromDatetime(recall.decided_at)
    if recall.ended_at:
        view.ended_at.FromDatetime(recall.ended_at)
    return view


def _lines(recall: Recall, lines: list[Line]) -> Iterator[pb.RecallLine]:
    known = orders.by_id(line.order_id for line in lines)
    for line in lines:
        yield _line(recall, line, known.get(line.order_id))


def _line(recall: Recall, line: Line, order: Order | None) -> pb.RecallLine:
    view = pb.RecallLine(
        order_id=line.order_id,
        quantity=line.quantity,
        state=_LINE_STATES[line.state],
        amount=line.amount,
        refused_code=line.code,
    )
    if order is not None:
        view.code, view.buyer_id, view.merchant_id = order.code, order.buyer_id, order.merchant_id
        view.payment_ids[:] = [one.transfer_id for one in order.payments]
        view.refund_ids[:] = [one.transfer_id for one in order.refunds]
        view.line_total = sum(one.total for one in order.lines if one.product_id == recall.product_id)
    return view


def _row(line: pb.RecallLine) -> tuple[str | int, ...]:
    state = pb.RecallLineState.Name(line.state).removeprefix("RECALL_LINE_STATE_").lower()
    return (
        line.order_id, line.code, line.merchant_id, line.buyer_id, line.quantity, line.line_total, state, line.amount,
        line.refused_code, " ".join(line.payment_ids), " ".join(line.refund_ids),
    )  # fmt: skip


def _csv(rows: Iterable[Iterable[str | int]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _body(text: str) -> HttpBody:
    return HttpBody(content_type="text/csv; charset=utf-8", data=text.encode())


def _id(name: str, text: str) -> str:
    if not (0 < len(text) <= ID_LENGTH_MAX and text.isascii() and text.isprintable()):
        raise InvalidArgument(f"{name} is missing, or none of ours")
    return text
