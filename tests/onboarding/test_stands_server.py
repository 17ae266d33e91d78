"""Printing and reissuing a stall's code through a real gRPC channel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import grpc
import pypdfium2
import pytest
from cho.events.v1 import events_pb2
from hypothesis import given
from hypothesis import strategies as st

from kit import qr
from kit.errors import DomainError, IdempotencyConflict, InvalidArgument, WrongState
from kit.ids import new_id, new_key
from services.onboarding import seed, store
from services.onboarding.form import Form
from services.onboarding.merchant import Action
from services.onboarding.stands import issue
from services.onboarding.stands import server as stands_server
from services.onboarding.store.stands import StandDocument
from tests.onboarding.calls import Caller, active
from tests.scanner import scan

pytestmark = pytest.mark.usefixtures("database", "_no_stands")

MARKET = seed.markets()[0].market_id
AT = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def _no_stands(database: None) -> None:
    StandDocument.objects.delete()


def payloads(printed: bytes) -> list[str]:
    read = []
    for page in pypdfium2.PdfDocument(printed):
        read.append(scan(page.render(scale=2).to_pil()).text)
    return read


def test_a_vendor_prints_the_own_stand_and_its_code_is_the_one_on_the_screen(
    vendor: Caller, registration: Form
) -> None:
    merchant = active(registration)
    for paper in ("", "a5", "a6"):
        printed = vendor("PrintStand", merchant_id=merchant, format=paper, marks=paper == "a6")
        assert printed.content_type == "application/pdf"
        on_screen = vendor("GetMerchantQr", merchant_id=merchant, format="payload").data.decode()
        assert payloads(printed.data) == [on_screen]
    assert vendor.refused("PrintStand", merchant_id=merchant, format="a3") == "INVALID_ARGUMENT"


def test_a_reissue_begins_a_new_code_and_voids_the_old_one(manager: Caller, vendor: Caller, registration: Form) -> None:
    merchant = active(registration)
    first = vendor("GetStand", merchant_id=merchant).stand
    assert (first.issue, first.HasField("reissued_at"), first.HasField("proven_at")) == (1, False, False)
    request = {"request_id": new_key(), "merchant_id": merchant, "reason": "bị dán đè"}
    second = manager("ReissueStand", **request).stand
    assert (second.issue, second.reissued_by, second.reason) == (2, manager.sub, "bị dán đè")
    assert manager("ReissueStand", **request).stand == second
    assert manager.refused("ReissueStand", **{**request, "reason": "khác"}) == "IDEMPOTENCY_CONFLICT"
    (event,) = StandDocument.objects(id=merchant).get().outbox
    told = events_pb2.StandReissued.FromString(event.data)
    assert (event.type, told.merchant_id, told.issue) == ("stand.reissued", merchant, 2)
    (payload,) = payloads(vendor("PrintStand", merchant_id=merchant).data)
    assert (qr.decode(payload).issue, qr.decode(payload).merchant_id) == (2, merchant)
    dynamic = vendor("GetMerchantQr", merchant_id=merchant, format="payload", amount=5_000).data.decode()
    assert qr.decode(dynamic).issue == 2


@pytest.mark.parametrize("change", [{"request_id": "x"}, {"reason": ""}, {"reason": "x" * 201}, {"merchant_id": ""}])
def test_a_reissue_that_makes_no_sense_is_refused(manager: Caller, registration: Form, change: dict[str, str]) -> None:
    request = {"request_id": new_key(), "merchant_id": active(registration), "reason": "mất"} | change
    assert manager.refused("ReissueStand", **request) in ("INVALID_ARGUMENT", "NOT_FOUND")


def test_of_two_reissues_at_once_each_is_an_issue_of_its_own(manager: Caller, registration: Form) -> None:
    merchant = active(registration)

    def reissue(_: int) -> str:
        try:
            manager("ReissueStand", request_id=new_key(), merchant_id=merchant, reason="mất")
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(reissue, range(8)))
    assert set(ended) <= {"OK", "ABORTED"}
    stored = StandDocument.objects(id=merchant).get()
    assert [one.issue for one in stored.reissues] == list(range(2, ended.count("OK") + 2))
    assert [event.type for event in stored.outbox] == ["stand.reissued"] * ended.count("OK")


def test_a_whole_market_is_printed_by_stall_and_by_section(
    manager: Caller, registration: Form, another: Callable[[int], Form]
) -> None:
    made = [active(replace(another(number), stall=f"B-{number}")) for number in (10, 2, 1)]
    made.append(active(registration))
    whole = manager("PrintMarketStands", market_id=MARKET, format="a6")
    read = [qr.decode(payload).stall_label for payload in payloads(b"".join(piece.data for piece in whole))]
    assert read == ["A-12", "B-1", "B-2", "B-10"]
    section = manager("PrintMarketStands", market_id=MARKET, section="A")
    assert len(payloads(b"".join(piece.data for piece in section))) == 1
    assert manager.refused("PrintMarketStands", market_id=MARKET, section="a") == "INVALID_ARGUMENT"
    assert manager.refused("PrintMarketStands", market_id=MARKET, section="C") == "INVALID_ARGUMENT"


def test_a_stand_bears_the_markets_present_name(manager: Caller, vendor: Caller, registration: Form) -> None:
    merchant = active(registration)
    manager("ChangeMarket", market_id=MARKET, name="Chợ Hùng Sơn mới", version=1)
    document = pypdfium2.PdfDocument(vendor("PrintStand", merchant_id=merchant).data)
    assert "Chợ Hùng Sơn mới" in document[0].get_textpage().get_text_bounded()
    assert manager.refused("PrintMarketStands", market_id=new_id("mkt")) == "NOT_FOUND"


def test_who_is_not_active_is_not_printed(manager: Caller, vendor: Caller, registration: Form) -> None:
    merchant = active(registration)
    store.decide(merchant, Action.SUSPEND, new_id("usr"), "hàng giả")
    assert vendor.refused("PrintStand", merchant_id=merchant) == "MERCHANT_NOT_PAYABLE"
    assert manager.refused("PrintMarketStands", market_id=MARKET) == "INVALID_ARGUMENT"


def test_a_market_with_too_many_stands_and_a_second_printer_at_once_are_refused(
    manager: Caller, registration: Form, another: Callable[[int], Form], monkeypatch: pytest.MonkeyPatch
) -> None:
    active(registration)
    active(another(1))
    monkeypatch.setattr("services.onboarding.stands.pdf.STANDS_MAX", 1)
    assert manager.refused("PrintMarketStands", market_id=MARKET) == "INVALID_ARGUMENT"
    with stands_server._printing:
        assert manager.refused("PrintMarketStands", market_id=MARKET, section="A") == "OVERLOADED"
    assert manager("PrintMarketStands", market_id=MARKET, section="A")


def test_a_stranger_cannot_tell_whose_stand_exists(channel: grpc.Channel, registration: Form) -> None:
    merchant, stranger = active(registration), Caller(channel, new_id("usr"), "vendor")
    for method in ("GetStand", "PrintStand"):
        for wanted in (merchant, new_id("mer")):
            assert stranger.refused(method, merchant_id=wanted) == "NOT_FOUND"


@given(st.lists(st.sampled_from([new_key() for _ in range(5)]), max_size=12))
def test_issues_count_up_by_one_and_a_request_counts_once(requests: list[str]) -> None:
    stand = issue.Stand("mer_x")
    for request_id in requests:
        stand = issue.reissued(stand, request_id=request_id, at=AT, by="usr_1", reason="mất")
    assert stand.issue == len(set(requests)) + 1
    assert [one.issue for one in stand.reissues] == list(range(2, stand.issue + 1))


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"request_id": "1"}, InvalidArgument),
        ({"reason": " "}, InvalidArgument),
        ({"by": "usr_2"}, IdempotencyConflict),
        ({"request_id": new_key()}, WrongState),
    ],
)
def test_a_reissue_has_a_request_a_reason_and_an_end(
    fields: dict[str, str], error: type[DomainError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issue, "ISSUES_MAX", 2)
    known = {"request_id": new_key(), "by": "usr_1", "reason": "mất"}
    stand = issue.reissued(issue.Stand("mer_x"), at=AT, **known)
    with pytest.raises(error):
        issue.reissued(stand, at=AT, **(known | fields))
