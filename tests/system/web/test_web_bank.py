"""Settlement's page: officers and operators, in real browsers, against a window that is closed for them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import people
from cli.api import Api
from cli.stack import Stack
from kit import mongo
from kit.clock import now
from kit.config import settings
from kit.ids import new_key
from services.settlement import store
from services.settlement.clerk import due
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import BatchDocument, PayoutDocument
from tests.system.web.conftest import drawn, violations
from tests.system.web.windows import closed_window
from tests.waiting import until

pytestmark = pytest.mark.system
OFFICER, OPERATOR, CHECKER = people.OFFICERS[0], people.OPERATOR, people.CHECKER


@pytest.fixture(scope="module")
def window(people_: dict[str, Api], wallet: str, merchant: dict[str, Any]) -> int:
    """A window with a payment, closed and with its files made."""
    operator = people_["operator"]
    body = {"wallet_id": wallet, "merchant_id": merchant["merchant_id"], "amount": 60_000}
    people_["shopper"].post("/v1/payments", idempotency_key=new_key(), **body)
    return closed_window(operator)


def test_an_officer_sees_the_own_position_that_it_ties_and_downloads_the_files(
    phones: Any, window: int, tmp_path: Path
) -> None:
    officer = phones("bank", OFFICER.phone)
    officer.page.get_by_role("link", name=f"№ {window}", exact=True).click()
    officer.waits_for("Khớp đến từng đồng")
    assert "Viettel Money" in officer.text("table.figures >> nth=0")
    with officer.page.expect_download() as report:
        officer.page.get_by_role("link", name="report.csv").click()
    assert report.value.suggested_filename == f"report.W{window:06d}-VIETTEL.csv"
    assert b"60000" in Path(report.value.path()).read_bytes()
    # Nobody else's files are in sight.
    assert officer.page.locator("section.card h3").all_inner_texts() == ["Viettel Money"]


def test_an_operator_sees_who_owes_whom(phones: Any, window: int) -> None:
    operator = phones("bank", OPERATOR.phone)
    operator.page.goto(f"/bank/#/window/{window}")
    operator.waits_for("Ai nợ ai")
    operator.page.locator("table.matrix tbody tr").first.wait_for()
    operator.page.locator("section.card h3").nth(1).wait_for()


def test_what_is_not_counted_or_held_against_the_books_yet_is_not_said_to_be(phones: Any, window: int) -> None:
    operator = phones("bank", OPERATOR.phone)
    being_open = operator.page.locator("table.figures tbody tr").first
    being_open.get_by_text("đang mở", exact=True).wait_for()
    assert being_open.locator("td.number").all_inner_texts() == ["—", "—", ""]

    def as_closed(route: Any) -> None:
        reply = route.fetch()
        found = reply.json()
        closed = found["window"] | {"state": "WINDOW_STATE_CLOSED"}
        route.fulfill(response=reply, json=found | {"window": closed, "pairs": []})

    operator.page.route("**/positions", as_closed)
    operator.page.goto(f"/bank/#/window/{window}")
    operator.waits_for("Chưa đối chiếu xong với sổ cái")
    assert operator.page.get_by_text("Khớp đến từng đồng").count() == 0
    assert operator.page.get_by_text("Không ai nợ ai").count() == 0


def test_an_approved_entry_that_was_not_posted_is_found_and_carried_on(phones: Any, window: int) -> None:
    operator, sent = phones("bank", CHECKER.phone), list[Any]()
    case = {
        "break_id": "brk_1", "institution": "VIETTEL", "type": "MISSING", "state": "approved", "owner": "usr_one",
        "reference": "", "difference": "0", "detail": "", "at_risk": "5000", "age_days": 1, "version": "7", "facts": "",
        "due_on": "", "resolution": "Ghi bù", "proposed_by": "usr_one", "comments": [],
        "correction": {"debited": "suspense:SCHEME", "credited": "fee:PLATFORM", "amount": "5000"},
    }  # fmt: skip

    def decide(route: Any) -> None:
        sent.append(route.request.post_data_json)
        case["state"] = "resolved"
        route.fulfill(json={"case": case})

    operator.page.route("**/v1/breaks?state=approved*", lambda route: route.fulfill(json={"breaks": [case]}))
    operator.page.route("**/v1/breaks/brk_1", lambda route: route.fulfill(json={"case": case}))
    operator.page.route("**/v1/breaks/brk_1/decision", decide)
    operator.page.goto("/bank/#/breaks/open/VIETTEL")
    operator.page.get_by_role("link", name="đã duyệt", exact=True).click()
    operator.page.get_by_role("link", name="MISSING", exact=True).click()
    operator.waits_for("Đã duyệt nhưng chưa ghi sổ xong")
    assert operator.page.get_by_role("button", name="Tôi xử lý").count() == 0, "nobody takes what is decided"
    operator.tap("Ghi sổ tiếp")
    operator.page.get_by_text("đã xử lý").first.wait_for()
    assert sent == [{"version": "7", "approve": True}]


def test_what_a_screen_has_no_place_to_say_is_said_on_top_of_it(phones: Any, window: int) -> None:
    operator = phones("bank", OPERATOR.phone)
    more = {"breaks": [], "next_page_token": "next"}
    operator.page.route("**/v1/breaks?*", lambda route: route.fulfill(json=more))
    operator.page.goto("/bank/#/breaks/open/VIETTEL")
    operator.page.get_by_role("button", name="Xem thêm").wait_for()
    operator.page.route("**/v1/breaks?*page_token*", lambda route: route.abort())
    for _ in range(2):
        operator.tap("Xem thêm")
        operator.page.locator("#went-wrong", has_text="Không có mạng").wait_for()
    assert operator.page.locator("#went-wrong").count() == 1
    operator.page.goto("/bank/#/payouts")
    operator.page.get_by_role("heading", name="Chi trả").wait_for()
    assert operator.page.locator("#went-wrong").count() == 0


def test_an_entry_that_is_filled_in_by_half_is_refused_and_not_left_out(phones: Any, window: int) -> None:
    operator, sent = phones("bank", OPERATOR.phone), list[Any]()
    case = {
        "break_id": "brk_2", "institution": "VIETTEL", "type": "MISSING", "state": "assigned",
        "owner": OPERATOR.user_id,
        "reference": "", "difference": "0", "detail": "", "at_risk": "5000", "age_days": 1, "version": "2", "facts": "",
        "due_on": "", "comments": [],
    }  # fmt: skip

    def note(route: Any) -> None:
        sent.append(route.request.post_data_json)
        route.abort()

    operator.page.route("**/v1/breaks/brk_2", lambda route: route.fulfill(json={"case": case}))
    operator.page.route("**/v1/breaks/brk_2/resolution", note)
    operator.page.goto("/bank/#/break/brk_2")
    operator.page.get_by_text("Đề xuất cách xử lý").click()
    operator.page.fill("#resolution", "Ghi bù")
    operator.page.fill("#credited", "fee:PLATFORM")
    operator.page.fill("#correction", "5000")
    operator.tap("Gửi đề xuất")
    operator.waits_for("Không có mạng")
    assert sent[0]["correction"] == {"debited": "", "credited": "fee:PLATFORM", "amount": 5000}


def test_that_the_list_is_not_there_does_not_unsay_that_a_file_was_sent(phones: Any, window: int) -> None:
    officer = phones("bank", OFFICER.phone)
    officer.tap("Gửi tệp")
    officer.page.locator("#submitted li").first.wait_for()
    officer.page.route("**/v1/exchange/*/files", lambda route: route.abort())
    name = f"record.W{window + 800_000:06d}-VIETTEL.csv"
    officer.page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": b"nothing of use\n"})
    officer.waits_for("Không có mạng")
    assert officer.page.locator(".banner.here", has_text=f"Đã gửi {name}").count() == 1
    officer.page.unroute("**/v1/exchange/*/files")
    officer.page.locator("#submitted li", has_text=name).wait_for()
    assert officer.page.locator(".banner.refused").count() == 0, "what is over is not said any more"


def test_a_file_is_sent_and_why_it_is_refused_is_read(phones: Any, window: int) -> None:
    officer = phones("bank", OFFICER.phone)
    officer.tap("Gửi tệp")
    name = f"record.W{window + 900_000:06d}-VIETTEL.csv"
    officer.page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": b"nothing of use\n"})
    row = officer.page.locator("#submitted li", has_text=name)
    row.get_by_text("bị từ chối", exact=True).wait_for()
    row.get_by_text("Vì sao và làm gì").click()
    assert name in row.locator("pre").inner_text()


def test_a_record_that_lacks_a_payment_becomes_a_break_that_two_people_resolve(
    phones: Any, window: int, people_: dict[str, Api]
) -> None:
    officer, first, second = (phones("bank", person.phone) for person in (OFFICER, OPERATOR, CHECKER))
    officer.tap("Gửi tệp")
    name = f"record.W{window:06d}-VIETTEL.csv"
    empty = b"transfer_id,time,operation,side,amount,currency\ntotal,0,0,0,,\n"
    officer.page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": empty})
    officer.page.locator("#submitted li", has_text=name).get_by_text("đã nhận", exact=True).wait_for()
    breaks = lambda: people_["operator"].get("/v1/breaks", institution="VIETTEL")["breaks"]  # noqa: E731
    until(lambda: any(one["type"] == "MISSING" for one in breaks()), 120)

    first.tap("Sai lệch")
    first.page.get_by_role("link", name="VIETTEL · MISSING").click()
    first.page.get_by_role("link", name="MISSING", exact=True).first.click()
    first.tap("Tôi xử lý")
    first.waits_for("assigned")
    address = first.page.url.partition("#")[2]
    first.page.get_by_text("Đề xuất cách xử lý").click()
    first.page.fill("#resolution", "Nhà mạng gửi lại bản ghi")
    first.tap("Gửi đề xuất")
    first.waits_for("Chờ người thứ hai duyệt.")
    assert first.page.get_by_role("button", name="Duyệt và ghi sổ").count() == 0

    second.page.goto(f"/bank/#{address}")
    second.waits_for("Nhà mạng gửi lại bản ghi")
    second.tap("Duyệt và ghi sổ")
    second.page.get_by_text("đã xử lý").first.wait_for()


@pytest.fixture
def large_file(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A file of payouts so large that two have to let it go. The clerk is not to send it: it is of nothing."""
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    store.open_store()
    file = "PO-W999998-1"
    with due.lock_of(stack.home).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        payout = PayoutDocument(id="PO-999998-000001-1", amount=rules.FOUR_EYES_VND, fee=0)
        payouts.make_batch(file, 999_998, [payout], now())
        yield file
        BatchDocument.objects(id=file).delete()
    mongo.disconnect()
    settings.cache_clear()


def test_a_large_file_of_payouts_is_let_go_by_two_operators_and_not_by_one_twice(phones: Any, large_file: str) -> None:
    first, second = (phones("bank", person.phone) for person in (OPERATOR, CHECKER))
    first.tap("Chi trả")
    card = first.page.locator("section.card", has_text="№ 999998")
    card.get_by_text("Đã duyệt 0/2").wait_for()
    card.get_by_role("button", name="Duyệt cho đi").click()
    card.get_by_text("Đã duyệt 1/2").wait_for()
    card.get_by_role("button", name="Duyệt cho đi").click()
    first.waits_for("Cần người thứ hai làm việc này.")

    second.tap("Chi trả")
    card = second.page.locator("section.card", has_text="№ 999998")
    card.get_by_text("Đã duyệt 1/2").wait_for()
    card.get_by_role("button", name="Duyệt cho đi").click()
    card.wait_for(state="detached")
    assert BatchDocument.objects.get(id=large_file).released_by == [OPERATOR.user_id, CHECKER.user_id]


@pytest.mark.parametrize("screen", ["", "breaks", "payouts", "files"])
def test_every_screen_can_be_used_by_who_cannot_see_or_point(phones: Any, window: int, screen: str) -> None:
    phone = phones("bank", OPERATOR.phone, bypass_csp=True)
    phone.page.goto(f"/bank/#/{screen}")
    phone.page.locator("header h1").wait_for()
    drawn(phone)
    assert not violations(phone)
