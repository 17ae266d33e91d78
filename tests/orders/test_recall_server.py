"""Recalls' server through a real gRPC channel, with metadata as the gateway sends it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from cho.orders.v1 import recalls_pb2 as pb
from cho.orders.v1.recalls_pb2_grpc import RecallServiceStub

from kit.ids import new_id, new_key
from kit.rpc.threads import Server
from kit.streams import clients
from services.orders import server
from services.orders.live.room import LiveRoom
from services.orders.recalls import store
from tests.orders.conftest import Market
from tests.orders.recall_office import PRICE, REASON, Office
from tests.orders.test_orders_server import AUDITOR, OPERATOR, caller, refused
from tests.orders.world import lot_of

SECOND = caller(new_id("usr"), "operator")


@dataclass
class Desk:
    office: Office
    stub: Any

    def opening(self, **fields: Any) -> pb.OpenRecallRequest:
        greens = self.office.greens
        usual = {"request_id": new_key(), "product_id": greens, "lot_id": lot_of(greens), "reason": REASON}
        return pb.OpenRecallRequest(**{**usual, **fields})

    def opened(self) -> str:
        """Open, and listed by its clerk."""
        made = self.stub.OpenRecall(self.opening(), metadata=OPERATOR).recall
        self.office.work(store.recall(made.recall_id))
        return str(made.recall_id)


@pytest.fixture
def desk(market: Market) -> Iterator[Desk]:
    office = Office.of(market)
    room = LiveRoom(clients.streams, market.shelf)
    running = Server("127.0.0.1:0", server.servicers(market.carrier, room, office.clerk))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield Desk(office, RecallServiceStub(channel))
    running.stop()


def test_a_recall_is_opened_listed_released_and_reported(desk: Desk) -> None:
    order = desk.office.fetched(2)
    opening = desk.opening()
    made = desk.stub.OpenRecall(opening, metadata=OPERATOR).recall
    assert (made.state, made.product_name, made.reason) == (pb.RECALL_STATE_OPENED, "Rau ngót", REASON)
    assert desk.stub.OpenRecall(opening, metadata=OPERATOR).recall.recall_id == made.recall_id
    desk.office.work(store.recall(made.recall_id))
    named = pb.ReleaseRecallRequest(recall_id=made.recall_id)
    refused("FOUR_EYES", desk.stub.ReleaseRecall, named, OPERATOR)
    assert desk.stub.ReleaseRecall(named, metadata=SECOND).recall.state == pb.RECALL_STATE_RELEASED
    desk.office.work(store.recall(made.recall_id))
    seen = desk.stub.GetRecall(pb.GetRecallRequest(recall_id=made.recall_id), metadata=AUDITOR).recall
    assert (seen.state, seen.lines, seen.done) == (pb.RECALL_STATE_FINISHED, 1, 1)
    assert [(one.state, one.lines, one.amount) for one in seen.tallies] == [
        (pb.RECALL_LINE_STATE_REFUNDED, 1, 2 * PRICE)
    ]
    (listed,) = desk.stub.ListRecalls(pb.ListRecallsRequest(), metadata=AUDITOR).recalls
    assert listed == seen
    parts = desk.stub.DownloadRecallReport(pb.DownloadRecallReportRequest(recall_id=made.recall_id), metadata=AUDITOR)
    (row,) = csv.DictReader(io.StringIO(b"".join(part.data for part in parts).decode("utf-8-sig")))
    assert (row["order_id"], row["state"], row["amount_vnd"]) == (order.id, "refunded", str(2 * PRICE))
    assert (row["payment_ids"], row["line_total_vnd"]) == (order.payments[0].transfer_id, str(2 * PRICE))


def test_lines_come_in_pages_with_their_payments(desk: Desk) -> None:
    placed = sorted(desk.office.paid().id for _ in range(3))
    recall_id = desk.opened()
    asked = pb.ListRecallLinesRequest(recall_id=recall_id, page_size=2)
    first = desk.stub.ListRecallLines(asked, metadata=AUDITOR)
    asked.after = first.lines[-1].order_id
    second = desk.stub.ListRecallLines(asked, metadata=AUDITOR)
    assert ([one.order_id for one in (*first.lines, *second.lines)], first.more, second.more) == (placed, True, False)
    assert all(one.payment_ids and one.quantity == 1 for one in first.lines)


def test_a_recall_is_withdrawn_with_a_reason(desk: Desk) -> None:
    recall_id = desk.opened()
    refused("INVALID_ARGUMENT", desk.stub.WithdrawRecall, pb.WithdrawRecallRequest(recall_id=recall_id), OPERATOR)
    request = pb.WithdrawRecallRequest(recall_id=recall_id, reason="Mẫu kiểm lại đạt")
    assert desk.stub.WithdrawRecall(request, metadata=OPERATOR).recall.state == pb.RECALL_STATE_WITHDRAWN
    refused("WRONG_STATE", desk.stub.ReleaseRecall, pb.ReleaseRecallRequest(recall_id=recall_id), SECOND)


def test_what_cannot_be_recalled_is_refused(desk: Desk) -> None:
    for fields in ({"request_id": "x"}, {"product_id": ""}, {"lot_id": "lô"}, {"reason": " "}, {"reason": "x" * 141}):
        refused("INVALID_ARGUMENT", desk.stub.OpenRecall, desk.opening(**fields), OPERATOR)
    refused("NOT_FOUND", desk.stub.OpenRecall, desk.opening(lot_id=new_id("lot")), OPERATOR)
    desk.opened()
    refused("WRONG_STATE", desk.stub.OpenRecall, desk.opening(), OPERATOR)
    for rpc, request in (
        (desk.stub.GetRecall, pb.GetRecallRequest(recall_id="rec_0")),
        (desk.stub.ReleaseRecall, pb.ReleaseRecallRequest(recall_id="rec_0")),
        (desk.stub.DownloadRecallReport, pb.DownloadRecallReportRequest(recall_id="rec_0")),
    ):
        with pytest.raises(grpc.RpcError) as raised:
            list(answer if hasattr(answer := rpc(request, metadata=OPERATOR), "__next__") else [answer])
        assert raised.value.code() is grpc.StatusCode.NOT_FOUND
