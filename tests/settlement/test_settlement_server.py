"""Settlement's API over a real gRPC channel; behind it a real ledger, whose cuts a small payments server makes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import grpc
import pytest
import redis
from cho.payments.v1 import payments_pb2, payments_pb2_grpc
from cho.settlement.v1 import settlement_pb2 as pb
from cho.settlement.v1.settlement_pb2_grpc import SettlementServiceStub
from google.protobuf.message import Message

from kit.clock import now
from kit.config import settings
from kit.errors import WindowNotOpen
from kit.rpc.status import error_code, status_of
from kit.rpc.threads import Server
from services.payments import limits, transfer
from services.payments.store.client import LedgerClient
from services.payments.store.ledger import Ledger
from services.settlement import gate, store
from services.settlement.books.checkpoints import Checkpoints
from services.settlement.exchange import open_box, send
from services.settlement.payouts.documents import BatchDocument, NetDocument, PayoutDocument
from services.settlement.server import behind, windows
from services.settlement.server.windows import SettlementServicer
from tests.payments.conftest import TELECOMS, Bench
from tests.settlement.conftest import KEYS, journal

OPERATOR, AUDITOR = ("operator", ""), ("auditor", "")
CALL_S_MAX = 15


def claims(role: str, institution: str = "") -> tuple[tuple[str, str], ...]:
    found = {"x-cho-edge": settings().edge_secret, "x-cho-sub": "usr_x", "x-cho-roles": role, "x-cho-ins": institution}
    return tuple((name, value) for name, value in found.items() if value)


class Payments(payments_pb2_grpc.PaymentsServiceServicer):
    """Cuts the real ledger, and (unless it is told not to) brings the books up to date, as the worker does."""

    def __init__(self, hot: redis.Redis) -> None:
        self.hot, self.journals, self.cuts, self.lock = hot, True, 0, threading.Lock()

    def CutWindow(self, request: Any, context: grpc.ServicerContext) -> Any:
        metadata = dict(context.invocation_metadata())
        assert (metadata["x-cho-roles"], metadata["x-cho-edge"]) == ("service", settings().edge_secret)
        with self.lock:
            run = self.hot.info("server")["run_id"]
            code, seq, now_open = self.hot.fcall(
                "cut_v3", 2, KEYS.meta, KEYS.stream, run, request.window, "s", b""
            )  # fmt: skip
            if code != b"OK":
                status, message, trailing = status_of(WindowNotOpen(f"window {now_open.decode()} is open"))
                context.set_trailing_metadata(trailing)
                context.abort(status, message)
            self.cuts += 1
            if self.journals:
                journal(self.hot)
        return payments_pb2.CutWindowResponse(seq=int(seq), open_window=int(now_open))


@dataclass
class Api:
    stub: Any
    payments: Payments
    hot: redis.Redis

    def __call__(self, who: tuple[str, str], method: str, request: Message) -> Any:
        return getattr(self.stub, method)(request, metadata=claims(*who), timeout=CALL_S_MAX)

    def code(self, who: tuple[str, str], method: str, request: Message) -> str:
        return self.refusal(method, request, claims(*who))

    def refusal(self, method: str, request: Message, metadata: Any) -> str:
        def ask() -> None:
            reply = getattr(self.stub, method)(request, metadata=metadata, timeout=CALL_S_MAX)
            if method == "GetReport":
                list(reply)

        with pytest.raises(grpc.RpcError) as refused:
            ask()
        return error_code(refused.value)

    def close(self, window: int) -> pb.Window:
        return self(OPERATOR, "CloseWindow", pb.CloseWindowRequest(window=window)).window


@pytest.fixture
def api(books: None, hot: redis.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Api]:
    assert gate.ensure_open(hot)
    payments = Payments(hot)
    upstream = grpc.server(futures.ThreadPoolExecutor(8))
    payments_pb2_grpc.add_PaymentsServiceServicer_to_server(payments, upstream)
    monkeypatch.setattr(settings(), "payments_addr", f"127.0.0.1:{upstream.add_insecure_port('127.0.0.1:0')}")
    upstream.start()
    behind.payments.cache_clear()
    kept = Checkpoints(tmp_path / "checkpoints.sqlite3")
    front = Server("127.0.0.1:0", [(pb.DESCRIPTOR.services_by_name["SettlementService"], SettlementServicer(kept))])
    with grpc.insecure_channel(f"127.0.0.1:{front.port}") as channel:
        yield Api(SettlementServiceStub(channel), payments, hot)
    front.stop()
    upstream.stop(0).wait()
    kept.close()
    behind.payments.cache_clear()


@pytest.fixture
def day(api: Api, valkey: str) -> None:
    """Payments and a refund at two telecoms, journaled; nothing is closed yet."""

    async def trade() -> None:
        client = LedgerClient(valkey)
        await client.start()
        bench = Bench(Ledger(client, KEYS), client, KEYS, valkey)
        await bench.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
        merchant = await bench.merchant()
        for telecom, amount in (("VIETTEL", 100_000), ("VNPT", 50_000)):
            wallet = await bench.wallet(telecom, balance=1_000_000)
            paid = await bench.pay(wallet, merchant, amount, fee=amount // 500, telecom=telecom)
        legs = transfer.refund(merchant, wallet, "VNPT", 10_000, 20)
        await bench.post("refund", 10_000, legs, 20, related=paid.transfer_id, refunded_before=0)
        await client.stop()

    anyio.run(trade)
    journal(api.hot)


def read(api: Api, who: tuple[str, str], window: int, institution: str) -> str:
    pieces = api(who, "GetReport", pb.GetReportRequest(window=window, institution=institution))
    bodies = list(pieces)
    assert {body.content_type for body in bodies} == {"text/csv; charset=utf-8"}
    name = f'attachment; filename="report.W{window:06d}-{institution}.csv"'
    assert ("content-disposition", name) in [tuple(header) for header in pieces.initial_metadata()]
    return b"".join(body.data for body in bodies).decode("utf-8-sig")


def test_closing_a_window_twice_is_one_window(api: Api, day: None) -> None:
    first = api.close(1)
    assert api.close(1) == first
    assert (first.state, first.first_seq, first.payments, first.refunds) == (pb.WINDOW_STATE_CLOSED, 1, 2, 1)
    assert first.value == 140_000
    assert first.closed_at.ToMilliseconds() > first.opened_at.ToMilliseconds()
    assert api.close(2).first_seq == first.last_seq + 1
    assert api.close(1) == first, "long closed, and still the same"
    assert store.Window.objects.count() == 2


def test_closing_a_window_by_many_at_once_is_one_window(api: Api, day: None) -> None:
    with futures.ThreadPoolExecutor(8) as pool:
        closed = list(pool.map(lambda _: api.close(1), range(8)))
    assert all(window == closed[0] for window in closed)
    listed = api(AUDITOR, "ListWindows", pb.ListWindowsRequest()).windows
    assert [(w.window, w.state) for w in listed] == [(2, pb.WINDOW_STATE_OPEN), (1, pb.WINDOW_STATE_CLOSED)]


@pytest.mark.parametrize("window", [0, -1, 2, 99, 2**63 - 1])
def test_only_the_open_window_can_be_closed(api: Api, window: int) -> None:
    assert api.code(OPERATOR, "CloseWindow", pb.CloseWindowRequest(window=window)) == "WINDOW_NOT_OPEN"
    assert store.Window.objects.count() == 0


def test_a_window_whose_marker_is_not_journaled_yet_is_not_told_as_closed(
    api: Api, day: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "MARKER_S_MAX", 0.1)
    api.payments.journals = False
    assert api.code(OPERATOR, "CloseWindow", pb.CloseWindowRequest(window=1)) == "UNAVAILABLE"
    assert api.code(OPERATOR, "GetPositions", pb.GetPositionsRequest(window=1)) == "NOT_FOUND"
    listed = [(one.window, one.state) for one in api(AUDITOR, "ListWindows", pb.ListWindowsRequest()).windows]
    assert listed == [(1, pb.WINDOW_STATE_CLOSING)]
    journal(api.hot)
    listed = [(one.window, one.state) for one in api(AUDITOR, "ListWindows", pb.ListWindowsRequest()).windows]
    assert listed == [(2, pb.WINDOW_STATE_OPEN), (1, pb.WINDOW_STATE_CLOSED)]
    assert api.close(1).window == 1


def test_without_payments_no_window_is_closed(api: Api, day: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "payments_addr", "127.0.0.1:1")
    behind.payments.cache_clear()
    assert api.code(OPERATOR, "CloseWindow", pb.CloseWindowRequest(window=1)) == "UNAVAILABLE"
    assert api.payments.cuts == 0


def test_everybody_sees_what_is_theirs_and_operators_see_it_sum_to_zero(api: Api, day: None) -> None:
    closed = api.close(1)
    request = pb.GetPositionsRequest(window=1)
    for who in (OPERATOR, AUDITOR):
        seen = api(who, "GetPositions", request)
        nets = {p.institution: p.net for p in seen.positions}
        assert nets == {"VIETTEL": -100_000, "VNPT": -40_000, "970436": 139_720, "PLATFORM": 280}
        assert sum(nets.values()) == 0
        assert all(p.net == p.credits - p.debits for p in seen.positions)
        assert (seen.window, len(seen.chain_head)) == (closed, 64)
    for institution, net in nets.items():
        mine = api(("officer", institution), "GetPositions", request).positions
        assert [(p.institution, p.net) for p in mine] == [(institution, net)]
    assert [p.name for p in api(("officer", "VNPT"), "GetPositions", request).positions] == ["VNPT Money"]
    for outsider in ("MOBIFONE", "970415", ""):
        assert list(api(("officer", outsider), "GetPositions", request).positions) == []


def test_a_window_that_does_not_tie_is_told_to_who_audits_and_what_it_waits_for_to_all(api: Api, day: None) -> None:
    api.close(1)
    store.does_not_tie(store.window(1), ["TOTALS_DIFFER window 1: VIETTEL"])  # type: ignore[arg-type]
    request = pb.GetPositionsRequest(window=1)
    for who, told in ((OPERATOR, ["TOTALS_DIFFER window 1: VIETTEL"]), (("officer", "VNPT"), [])):
        seen = api(who, "GetPositions", request)
        assert list(seen.findings) == told
        assert (seen.window.state, "does not tie" in seen.window.waits_for) == (pb.WINDOW_STATE_CLOSED, True)


def test_an_officer_is_not_told_which_others_have_not_settled(api: Api, day: None) -> None:
    for document in (NetDocument, PayoutDocument, BatchDocument):
        document.objects.delete()  # other tests' first window
    api.close(1)
    closed = store.with_positions(store.window(1))  # type: ignore[arg-type]
    for institution, amount in (("VIETTEL", -100_000), ("VNPT", -40_000)):
        NetDocument(
            id=f"NP-000001-{institution}", window=1, institution=institution, amount=amount, state="sent",
            end_to_end_id=f"NP-000001-{institution}-1", message_id=institution, decided_at=now(),
        ).save()  # fmt: skip
    store.advance(closed, "closed", "settling")
    try:
        waits = {
            who: api(who, "ListWindows", pb.ListWindowsRequest()).windows[1].waits_for
            for who in (OPERATOR, ("officer", "VNPT"), ("officer", "970436"))
        }
    finally:
        NetDocument.objects(window=1).delete()
    assert waits == {
        OPERATOR: "the net position of VIETTEL, the net position of VNPT",
        ("officer", "VNPT"): "the net position of VNPT",
        ("officer", "970436"): "",
    }


def test_an_officer_reads_the_report_of_their_own_institution_only(api: Api, day: None) -> None:
    api.close(1)
    text = read(api, ("officer", "VIETTEL"), 1, "VIETTEL")
    assert text.count("\r\n") == 4
    assert "settlement:VIETTEL,100000," in text
    assert text == read(api, AUDITOR, 1, "VIETTEL")
    for role, institution, wanted in (
        ("officer", "VNPT", "VIETTEL"),
        ("officer", "", "VIETTEL"),
        ("officer", "", ""),
        ("officer", "MOBIFONE", "MOBIFONE"),
        ("operator", "", "NOBODY"),
        ("operator", "", '"\r\nx-injected: 1'),
    ):
        request = pb.GetReportRequest(window=1, institution=wanted)
        assert api.code((role, institution), "GetReport", request) == "NOT_FOUND", (role, institution, wanted)


def test_an_officer_gets_the_files_of_a_day_of_their_own_institution_only(
    api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings(), "home", tmp_path)
    for name in ("camt.053.ST-D20261124-970436.xml", "manifest.D2026-11-24-970436.json"):
        send(open_box(tmp_path, "970436"), name, [name.encode()])

    def ask(who: tuple[str, str], name: str, day: str = "2026-11-24", institution: str = "970436") -> str:
        request = pb.GetDayFileRequest(day=day, institution=institution, name=name)
        try:
            return b"".join(body.data for body in api(who, "GetDayFile", request)).decode()
        except grpc.RpcError as error:
            return error_code(error)

    for who in (OPERATOR, AUDITOR, ("officer", "970436")):
        assert ask(who, "statement.xml") == "camt.053.ST-D20261124-970436.xml"
        assert ask(who, "manifest.json") == "manifest.D2026-11-24-970436.json"
    assert ask(OPERATOR, "napas.dat") == "NOT_FOUND", "nothing passed the switch"
    assert ask(OPERATOR, "statement.xml", "2026-11-25") == "NOT_FOUND"
    assert ask(("officer", "970415"), "statement.xml") == "NOT_FOUND"
    assert ask(OPERATOR, "statement.xml", institution="../970436") == "NOT_FOUND"
    assert ask(OPERATOR, "report.csv") == ask(OPERATOR, "statement.xml", "24.11.2026") == "INVALID_ARGUMENT"
    assert ask(("vendor", ""), "statement.xml") == "PERMISSION_DENIED"


def test_reports_tie_with_positions_after_a_merchant_changed_its_bank(api: Api, day: None) -> None:
    api.close(1)
    before = read(api, OPERATOR, 1, "970436")
    merchant = store.Bank.objects.first().merchant_id
    run = api.hot.info("server")["run_id"]
    keys = [KEYS.meta, KEYS.stream, KEYS.account(merchant), KEYS.bank_account("new"), KEYS.owner("usr_v")]
    args = (run, merchant, "usr_v", "open", 2, "970415", "5999", "Bà Lan", "Chợ Thái", "A-1", "scope", b"")
    assert api.hot.fcall("merchant_v3", len(keys), *keys, *args)[0] == b"OK"
    api.close(2)
    assert read(api, OPERATOR, 1, "970436") == before
    (position,) = [p for p in _positions(api) if p.institution == "970436"]
    assert f"total,{position.transfers} postings,,970436,{position.debits},{position.credits}" in before


def _positions(api: Api) -> list[pb.Position]:
    return list(api(OPERATOR, "GetPositions", pb.GetPositionsRequest(window=1)).positions)


@pytest.mark.parametrize("window", [0, -1, 1, 7])
def test_a_window_that_is_not_closed_has_neither_positions_nor_reports(api: Api, window: int) -> None:
    assert api.code(OPERATOR, "GetPositions", pb.GetPositionsRequest(window=window)) == "NOT_FOUND"
    request = pb.GetReportRequest(window=window, institution="VIETTEL")
    assert api.code(OPERATOR, "GetReport", request) == "NOT_FOUND"


def test_windows_are_listed_newest_first_and_bounded(api: Api, day: None) -> None:
    (only,) = api(OPERATOR, "ListWindows", pb.ListWindowsRequest()).windows
    assert (only.window, only.state) == (1, pb.WINDOW_STATE_OPEN)
    for number in (1, 2, 3):
        api.close(number)
    listed = api(("officer", "VNPT"), "ListWindows", pb.ListWindowsRequest(limit=3)).windows
    assert [w.window for w in listed] == [4, 3, 2]
    assert listed[0].opened_at == listed[1].closed_at
    for limit in (-1, 101):
        assert api.code(OPERATOR, "ListWindows", pb.ListWindowsRequest(limit=limit)) == "INVALID_ARGUMENT"


def test_the_books_head_is_the_journals(api: Api, day: None) -> None:
    head = api(AUDITOR, "GetBooksHead", pb.GetBooksHeadRequest())
    *_, last = store.verify_chain(head.seq)
    assert (head.seq, head.chain_head) == (store.last_seq(), last.head.hex())


@pytest.mark.parametrize(
    ("method", "request_", "allowed"),
    [
        ("ListWindows", pb.ListWindowsRequest(), {"operator", "auditor", "officer"}),
        ("CloseWindow", pb.CloseWindowRequest(window=1), {"operator"}),
        ("GetPositions", pb.GetPositionsRequest(window=1), {"operator", "auditor", "officer"}),
        ("GetReport", pb.GetReportRequest(window=1), {"operator", "auditor", "officer"}),
        ("GetBooksHead", pb.GetBooksHeadRequest(), {"operator", "auditor"}),
    ],
)
def test_each_method_is_for_its_roles(api: Api, method: str, request_: Message, allowed: set[str]) -> None:
    everybody = {"shopper", "vendor", "agent", "team", "market_manager", "operator", "officer", "auditor", "service"}
    for role in everybody - allowed:
        assert api.code((role, "VIETTEL"), method, request_) == "PERMISSION_DENIED", role
    assert api.payments.cuts == 0
    nobody = (("x-cho-sub", "usr_x"), ("x-cho-roles", ",".join(allowed)))
    assert api.refusal(method, request_, nobody) == "UNAUTHENTICATED"
