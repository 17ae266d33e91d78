"""Statements over a real gRPC channel, beside a real ledger: never stale for who wrote, and only for who may see."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import anyio
import grpc
import pytest
import redis
from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import payments_pb2, payments_pb2_grpc
from cho.settlement.v1 import statements_pb2 as pb
from cho.settlement.v1.statements_pb2_grpc import StatementServiceStub
from google.protobuf.message import Message

from kit.clock import VIETNAM, from_ms, now_ms
from kit.config import settings
from kit.ids import new_id
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.payments import limits, transfer
from services.payments.store.client import LedgerClient
from services.payments.store.ledger import Ledger
from services.settlement import gate, store, trust
from services.settlement.server import behind, statements
from services.settlement.server.statements import StatementServicer
from services.settlement.statements import queries
from services.settlement.statements.feed import Feed
from services.settlement.statements.model import Model
from tests.payments.conftest import TELECOMS, Bench
from tests.settlement.conftest import KEYS, journal
from tests.settlement.test_settlement_server import claims

CALL_S_MAX = 30
# Longer than in production, where a statement gives up: what is tested is not how much a busy machine does in 5 s.
PATIENT_S = 25.0
AUDITOR, OPERATOR = ("auditor", ""), ("operator", "")


class Payments(payments_pb2_grpc.PaymentsServiceServicer):
    """Says how far the real ledger is; the books come a moment after they are first asked for, as they do."""

    def __init__(self, hot: redis.Redis) -> None:
        self.hot, self.journals, self.ahead_ms = hot, True, 0
        self.asked, self.over, self.lock = threading.Event(), threading.Event(), threading.Lock()
        self.worker = threading.Thread(target=self._work)
        self.worker.start()

    def _work(self) -> None:
        while not self.over.is_set():
            self.asked.wait()
            self.over.wait(0.05)
            with self.lock:
                if self.journals and not self.over.is_set():
                    journal(self.hot)

    def journal(self) -> None:
        with self.lock:
            journal(self.hot)

    def stop_journaling(self) -> None:
        """What is answered from here on is journaled by `journal` alone, also where it is being done right now."""
        with self.lock:
            self.journals = False

    def stop(self) -> None:
        self.over.set()
        self.asked.set()
        self.worker.join()

    def GetAccountVersion(self, request: Any, context: Any) -> Any:
        version: Any = self.hot.hget(KEYS.account(request.account_id), "v")
        self.asked.set()
        return payments_pb2.GetAccountVersionResponse(version=int(version or 0))

    def GetLedgerHead(self, request: Any, context: Any) -> Any:
        seq: Any = self.hot.hget(KEYS.meta, "seq")
        self.asked.set()
        reply = payments_pb2.GetLedgerHeadResponse(seq=int(seq))
        reply.at.FromMilliseconds(now_ms() + self.ahead_ms)
        return reply


@dataclass
class Api:
    stub: Any
    payments: Payments
    hot: redis.Redis
    url: str

    def __call__(self, who: tuple[str, ...], method: str, request: Message) -> Any:
        role, institution, *sub = who
        metadata = [(k, sub[0] if sub and k == "x-cho-sub" else v) for k, v in claims(role, institution)]
        return getattr(self.stub, method)(request, metadata=metadata, timeout=CALL_S_MAX)

    def code(self, who: tuple[str, ...], method: str, request: Message) -> str:
        def ask() -> None:
            reply = self(who, method, request)
            if method == "DownloadStatement":
                list(reply)

        with pytest.raises(grpc.RpcError) as refused:
            ask()
        return error_code(refused.value)

    def do(self, doing: Any) -> Any:
        """Runs `doing(bench)` on the ledger; nothing of it is journaled yet."""

        async def on_the_ledger() -> Any:
            client = LedgerClient(self.url)
            await client.start()
            bench = Bench(Ledger(client, KEYS), client, KEYS, self.url)
            await bench.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
            done = await doing(bench)
            await client.stop()
            return done

        return anyio.run(on_the_ledger)


@pytest.fixture
def api(books: None, hot: redis.Redis, valkey: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    assert gate.ensure_open(hot)
    payments = Payments(hot)
    upstream = grpc.server(futures.ThreadPoolExecutor(8))
    payments_pb2_grpc.add_PaymentsServiceServicer_to_server(payments, upstream)
    monkeypatch.setattr(settings(), "payments_addr", f"127.0.0.1:{upstream.add_insecure_port('127.0.0.1:0')}")
    monkeypatch.setattr(statements, "FRESH_S_MAX", PATIENT_S)
    monkeypatch.setattr(statements, "ASK_S_MAX", PATIENT_S)
    upstream.start()
    behind.payments.cache_clear()
    model = Model(tmp_path / "statements.sqlite3")
    feed = Feed(model, store.pages)
    feed.start()
    servicer = StatementServicer(model, feed, "a secret of the tests")
    front = Server("127.0.0.1:0", [(pb.DESCRIPTOR.services_by_name["StatementService"], servicer)])
    with grpc.insecure_channel(f"127.0.0.1:{front.port}") as channel:
        yield Api(StatementServiceStub(channel), payments, hot, valkey)
    front.stop()
    feed.stop()
    model.close()
    upstream.stop(0).wait()
    payments.stop()
    behind.payments.cache_clear()


def statement(account: str, **more: Any) -> pb.GetStatementRequest:
    return pb.GetStatementRequest(account_id=account, **more)


async def _market(bench: Bench) -> tuple[str, str, str, str]:
    owner = new_id("usr")
    wallet, vendor = await bench.wallet(balance=1_000_000, owner=owner), new_id("usr")
    merchant = await bench.merchant(owner=vendor)
    await bench.pay(wallet, merchant, 100_000, 500)
    await bench.pay(wallet, merchant, 50_000)
    return owner, wallet, vendor, merchant


def test_what_was_answered_before_is_in_the_statement(api: Api) -> None:
    owner, wallet, vendor, merchant = api.do(_market)
    assert store.head().seq == 0, "nothing is journaled yet"
    seen = api(("shopper", "", owner), "GetStatement", statement(wallet))
    assert [(line.operation, line.direction, line.amount, line.balance) for line in seen.lines] == [
        ("pay", pb.DIRECTION_OUT, 50_000, 850_000), ("pay", pb.DIRECTION_OUT, 100_000, 900_000),
        ("cash_in", pb.DIRECTION_IN, 1_000_000, 1_000_000),
    ]  # fmt: skip
    assert (seen.opening_balance, seen.closing_balance, seen.total_in, seen.total_out) == (
        0, 850_000, 1_000_000, 150_000,
    )  # fmt: skip
    assert seen.lines[0].counterparty == merchant
    for _ in range(5):
        api.do(lambda bench: bench.pay(wallet, merchant, 1_000))
        seen = api(("vendor", "", vendor), "GetStatement", statement(merchant, page_size=1))
        assert seen.closing_balance == api.do(lambda bench: bench.balance(merchant))
    assert (seen.lines[0].amount, seen.lines[0].fee) == (1_000, 0)
    page = api(("vendor", "", vendor), "GetStatement", statement(merchant, page_token=seen.next_page_token))
    assert [line.amount for line in page.lines] == [1_000] * 4 + [50_000, 99_500]
    assert page.next_page_token == ""


def test_books_that_lag_too_far_behind_say_so_and_a_past_that_is_complete_is_answered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, wallet, _, merchant = api.do(_market)
    api.payments.journal()
    lines = api(("shopper", "", owner), "GetStatement", statement(wallet)).lines
    newest_ms = lines[0].at.ToMilliseconds()
    # On a fast machine all of it may be of one millisecond.
    before = next((line.balance for line in lines if line.at.ToMilliseconds() < newest_ms), 0)
    api.payments.stop_journaling()
    api.do(lambda bench: bench.pay(wallet, merchant, 1_000))
    with monkeypatch.context() as impatient:
        impatient.setattr(statements, "FRESH_S_MAX", 0.3)
        assert api.code(("shopper", "", owner), "GetStatement", statement(wallet)) == "UNAVAILABLE"
    assert api(("shopper", "", owner), "GetStatement", statement(wallet, until=lines[0].at)).closing_balance == before
    api.payments.journal()
    assert api(("shopper", "", owner), "GetStatement", statement(wallet)).closing_balance == 849_000


def test_a_statement_is_for_its_owner_its_telecom_operators_and_auditors(api: Api) -> None:
    owner, wallet, vendor, merchant = api.do(_market)
    for who in (("shopper", "", owner), ("officer", "VIETTEL"), OPERATOR, AUDITOR):
        assert api(who, "GetStatement", statement(wallet)).closing_balance == 850_000
    asked = pb.GetBalanceAtRequest(account_id=wallet)
    asked.at.FromMilliseconds(now_ms())
    for who in (("shopper", "", vendor), ("officer", "VNPT"), ("officer", ""), ("vendor", "", new_id("usr"))):
        for method, request in (
            ("GetStatement", statement(wallet)),
            ("DownloadStatement", pb.DownloadStatementRequest(account_id=wallet)),
            ("GetBalanceAt", asked),
        ):
            assert api.code(who, method, request) == "ACCOUNT_NOT_FOUND"
    for unknown in ("", "wal_0", "clearing:NOBODY", "odd:ONE", new_id("wal")):
        assert api.code(AUDITOR, "GetStatement", statement(unknown)) == "ACCOUNT_NOT_FOUND"
    trust_account = api(("officer", "VIETTEL"), "GetStatement", statement("trust:VIETTEL"))
    assert trust_account.closing_balance == 1_000_000
    assert api(("vendor", "", vendor), "GetStatement", statement(merchant)).total_in == 149_500


def test_the_schemes_own_accounts_are_for_operators_and_auditors(api: Api) -> None:
    owner, *_ = api.do(_market)
    for account, held in (("settlement:VIETTEL", 150_000), ("clearing:VIETTEL", 150_000), ("fee:PLATFORM", 500)):
        for who in (OPERATOR, AUDITOR):
            found = api(who, "GetStatement", statement(account))
            assert (found.closing_balance, found.lines[0].balance) == (held, held)
        for other in (("officer", "VIETTEL"), ("officer", "VNPT"), ("shopper", "", owner)):
            assert api.code(other, "GetStatement", statement(account)) == "ACCOUNT_NOT_FOUND"


def test_a_balance_at_any_past_moment_is_what_it_was_then(api: Api) -> None:
    owner, wallet, _, merchant = api.do(_market)
    lines = api(("shopper", "", owner), "GetStatement", statement(wallet)).lines
    request = pb.GetBalanceAtRequest(account_id=wallet)
    for line in lines:
        request.at.CopyFrom(line.at)
        at_once = [other for other in lines if other.at == line.at]
        assert api(AUDITOR, "GetBalanceAt", request).balance == at_once[0].balance
    request.at.FromMilliseconds(lines[-1].at.ToMilliseconds() - 1)
    assert api(AUDITOR, "GetBalanceAt", request).balance == 0
    held = api.do(
        lambda bench: bench.post("hold", 10_000, transfer.hold(wallet, merchant, 10_000), expires_ms=now_ms() + 60_000)
    )
    request.at.FromMilliseconds(held.at_ms)
    now = api(AUDITOR, "GetBalanceAt", request)
    assert (now.balance, now.held) == (850_000, 10_000)
    request.at.FromMilliseconds(now_ms() + 60_000)
    assert api.code(AUDITOR, "GetBalanceAt", request) == "INVALID_ARGUMENT"
    assert api.code(AUDITOR, "GetBalanceAt", pb.GetBalanceAtRequest(account_id=wallet)) == "INVALID_ARGUMENT"


def test_filters_choose_lines_and_nonsense_is_refused(api: Api) -> None:
    _, wallet, _, _ = api.do(_market)
    chosen = statement(wallet, operations=["pay"], directions=[pb.DIRECTION_OUT], least_amount=60_000)
    seen = api(AUDITOR, "GetStatement", chosen)
    assert [line.amount for line in seen.lines] == [100_000]
    assert seen.closing_balance == 850_000, "of the whole range"
    for wrong in (
        {"page_size": 201}, {"page_size": -1}, {"page_token": "x"}, {"operations": ["PAY; DROP"]}, {"directions": [9]},
        {"least_amount": -1}, {"operations": ["pay"] * 21},
    ):  # fmt: skip
        assert api.code(AUDITOR, "GetStatement", statement(wallet, **wrong)) == "INVALID_ARGUMENT"
    backwards = statement(wallet)
    getattr(backwards, "from").FromMilliseconds(5_000)
    backwards.until.FromMilliseconds(5_000)
    assert api.code(AUDITOR, "GetStatement", backwards) == "INVALID_ARGUMENT"


def test_a_statement_is_downloaded_as_csv_that_ties_and_has_no_formulas(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, wallet, _, merchant = api.do(_market)
    api.do(lambda bench: bench.pay(wallet, merchant, 7_000, intent=Intent(note="=SUM(A1)", reference="B-1")))
    pieces = list(api(AUDITOR, "DownloadStatement", pb.DownloadStatementRequest(account_id=wallet)))
    rows = b"".join(piece.data for piece in pieces).decode("utf-8-sig").splitlines()
    assert rows[0].startswith("time,operation,in_vnd")
    assert rows[1].split(",")[5] == "0"
    assert rows[-1].split(",")[2:6] == ["1000000", "157000", "", "843000"]
    assert "'=SUM(A1)" in rows[-2]
    assert len(rows) == 7
    monkeypatch.setattr(statements, "ROWS_A_PIECE", 3)
    api.do(lambda bench: bench.pay(wallet, merchant, 1_000))
    small = list(api(AUDITOR, "DownloadStatement", pb.DownloadStatementRequest(account_id=wallet)))
    assert [piece.data.count(b"\r\n") for piece in small] == [2, 3, 2, 1]
    again = b"".join(piece.data for piece in small).decode("utf-8-sig").splitlines()
    assert again[:-2] == rows[:-1]
    assert again[-1].split(",")[2:6] == ["1000000", "158000", "", "842000"]
    monkeypatch.setattr(statements, "ROWS_MAX", 3)
    request = pb.DownloadStatementRequest(account_id=wallet)
    assert api.code(AUDITOR, "DownloadStatement", request) == "INVALID_ARGUMENT"


def test_a_statement_whose_books_are_read_anew_while_it_is_fetched_does_not_end_as_if_it_were_whole(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, wallet, _, _ = api.do(_market)
    monkeypatch.setattr(statements, "ROWS_A_PIECE", 1)
    real, asked = queries.lines, list[int]()

    def gone(*args: Any, **fields: Any) -> Any:
        asked.append(args[5])
        return real(*args, **fields) if len(asked) == 1 else iter(())

    monkeypatch.setattr(queries, "lines", gone)
    assert api.code(AUDITOR, "DownloadStatement", pb.DownloadStatementRequest(account_id=wallet)) == "UNAVAILABLE"
    assert asked == [1, 1], "no more of it is in memory than is sent at once"


# Trust -----------------------------------------------------------------------------------------------------------


def ask_trust(day: date, telecom: str = "VIETTEL") -> pb.GetTrustStatementRequest:
    return pb.GetTrustStatementRequest(telecom=telecom, day=day.isoformat())


def test_a_closed_days_statement_is_signed_the_same_each_time_and_an_open_days_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.do(_market)
    today, tomorrow = from_ms(now_ms()).astimezone(VIETNAM).date(), now_ms() + 86_400_000
    assert api.code(AUDITOR, "GetTrustStatement", ask_trust(today)) == "WRONG_STATE"
    monkeypatch.setattr(statements, "now_ms", lambda: tomorrow)
    assert api.code(AUDITOR, "GetTrustStatement", ask_trust(today)) == "WRONG_STATE", "by the ledger's clock"
    api.payments.ahead_ms = 86_400_000
    made = api(("officer", "VIETTEL"), "GetTrustStatement", ask_trust(today))
    assert made == api(AUDITOR, "GetTrustStatement", ask_trust(today))
    assert (made.trust_closing, made.wallets, made.clearing, made.covered) == (1_000_000, 850_000, 150_000, True)
    keys = trust.public_keys(trust.signing_key("a secret of the tests"))
    said = trust.verify(made.signed, keys)
    assert (said["telecom"], said["day"], said["trust_closing"]) == ("VIETTEL", today.isoformat(), 1_000_000)
    assert said["chain_head"] == bytes(store.head().head).hex()
    anybody = api(("", ""), "GetTrustKeys", pb.GetTrustKeysRequest())
    assert trust.verify(made.signed, json.loads(anybody.data)) == said
    assert api.code(("officer", "VNPT"), "GetTrustStatement", ask_trust(today)) == "NOT_FOUND"
    assert api.code(AUDITOR, "GetTrustStatement", ask_trust(today, "NOBODY")) == "NOT_FOUND"
    assert api.code(AUDITOR, "GetTrustStatement", ask_trust(today - timedelta(days=1))) == "NOT_FOUND"
    odd = pb.GetTrustStatementRequest(telecom="VIETTEL", day="24/11/2026")
    assert api.code(AUDITOR, "GetTrustStatement", odd) == "INVALID_ARGUMENT"
    assert api.code(AUDITOR, "GetTrustStatement", ask_trust(date.max)) == "WRONG_STATE"
    assert api.code(AUDITOR, "GetTrustStatement", ask_trust(date.min)) == "NOT_FOUND"
