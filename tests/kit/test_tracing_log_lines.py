"""Log lines of calls that fail: they say which request, trace and payment, and nothing of people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import structlog
from cho.payments.v1 import payments_pb2
from cho.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from kit import log
from kit.config import settings
from kit.errors import InsufficientFunds, LedgerFenced
from kit.ids import new_id, new_key
from kit.rpc import threads
from kit.rpc.call import Call
from kit.rpc.failures import LINES_A_SECOND_MAX, Failures, ids_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PAYMENTS = payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"]
VENDOR = (
    ("x-cho-edge", settings().edge_secret),
    ("x-cho-sub", "usr_1"),
    ("x-cho-roles", "vendor"),
    ("x-request-id", "req-1"),
    ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),
)


class Servicer:
    """Every method of payments: refunds fail as their amount says."""

    def __getattr__(self, name: str) -> Any:
        def handler(request: Any, call: Call) -> Any:
            match request.amount:
                case 1:
                    raise LedgerFenced("the ledger is being checked")
                case 2:
                    raise InsufficientFunds("too little")
            raise KeyError("0912345678 of Nguyễn Thị Hoa, account 19034567890123")

        return handler


@pytest.fixture
def stub() -> Iterator[PaymentsServiceStub]:
    server = threads.Server("127.0.0.1:0", [(PAYMENTS, Servicer())])
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield PaymentsServiceStub(channel)
    server.stop()


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    with structlog.testing.capture_logs() as captured:
        yield captured  # type: ignore[misc]


FENCED, POOR, BUG = 1, 2, 3


def refund(stub: PaymentsServiceStub, amount: int, payment_id: str, key: str) -> None:
    request = payments_pb2.RefundRequest(payment_id=payment_id, idempotency_key=key, amount=amount)
    with pytest.raises(grpc.RpcError):
        stub.Refund(request, metadata=VENDOR)


def test_a_call_that_fails_on_our_side_says_request_trace_and_payment(
    stub: PaymentsServiceStub, lines: list[dict[str, Any]]
) -> None:
    payment_id, key = new_id("pay"), new_key()
    refund(stub, FENCED, payment_id, key)
    refund(stub, BUG, payment_id, key)
    known = {
        "method": "cho.payments.v1.PaymentsService.Refund",
        "request_id": "req-1",
        "trace_id": TRACE,
        "payment_id": payment_id,
        "key": key,
    }
    failed, unexpected = lines
    assert (failed["event"], failed["code"], failed["log_level"]) == ("call failed", "LEDGER_FENCED", "warning")
    assert (unexpected["event"], unexpected["log_level"]) == ("unexpected", "error")
    told = structlog.processors.format_exc_info(None, "", dict(unexpected))["exception"]
    assert "raise KeyError(" in str(told), "a bug is told with the lines that it went through"
    for line in lines:
        assert line.items() >= known.items()


def test_what_a_caller_did_wrong_is_counted_and_not_logged(
    stub: PaymentsServiceStub, lines: list[dict[str, Any]]
) -> None:
    refund(stub, POOR, new_id("pay"), new_key())
    with pytest.raises(grpc.RpcError):
        stub.Refund(payments_pb2.RefundRequest())
    assert lines == []


def test_who_called_and_what_they_typed_is_in_no_line(stub: PaymentsServiceStub, lines: list[dict[str, Any]]) -> None:
    refund(stub, FENCED, "0912345678", "19034567890123")
    (line,) = lines
    assert "usr_1" not in str(line)
    assert "0912345678" not in str(line)
    assert "19034567890123" not in str(line)


def test_long_numbers_in_quoted_exceptions_are_left_out_and_ids_stay() -> None:
    pay = new_id("pay")
    line = {"event": "x", "error": f"KeyError('0912345678 +84912345678 account 19034567890123 of {pay} at 57-0')"}
    said = json.dumps(log.without_numbers(None, "", line))
    assert "0912345678" not in said
    assert "84912345678" not in said
    assert "19034567890123" not in said
    assert pay in said
    assert "57-0" in said


def test_a_long_number_is_left_out_where_a_sentence_goes_on_or_ends_behind_it_too() -> None:
    for said in (
        "no wallet of 0900000031.", "0900000031. Try again", "0900000031- who is it", "0900000031...", "...0900000031",
        "phone -0900000031", "(+84900000031).", "0900000031, 0900000032",
    ):  # fmt: skip
        told = log.without_numbers(None, "", {"error": said})["error"]
        assert not re.search("[0-9]", told), said


def test_what_is_a_part_of_an_id_a_time_or_a_files_name_is_no_long_number() -> None:
    for said in (
        "57-0", "entry 1764055945093-0.", "evt_c01_1764055945093", "report.1764055945.csv", "1764055945.093",
        "0197aabb-0000-7000-8000-000000000001.", "req_1764055945093-x",
    ):  # fmt: skip
        assert log.without_numbers(None, "", {"error": said})["error"] == said


def test_ids_of_a_request_are_ours_and_nothing_that_only_stands_there() -> None:
    key, hold = new_key(), new_id("hld")
    assert ids_of(payments_pb2.RefundRequest(payment_id="0912345678", idempotency_key=key)) == {"key": key}
    assert ids_of(type("R", (), {"hold_id": hold})()) == {"hold_id": hold}
    assert ids_of(object()) == {}


def test_an_engine_that_is_away_does_not_fill_the_disk_with_lines(lines: list[dict[str, Any]]) -> None:
    second = [0.0]
    failures, call = Failures(lambda: second[0]), Call.__new__(Call)
    call.metadata, call.traceparent = {}, ""
    for _ in range(3 * LINES_A_SECOND_MAX):
        failures.told("m", None, call, object(), LedgerFenced("being checked"))
    assert len(lines) == LINES_A_SECOND_MAX
    second[0] = 1.0
    failures.told("m", None, call, object(), LedgerFenced("being checked"))
    assert lines[-1]["left_out"] == 2 * LINES_A_SECOND_MAX
