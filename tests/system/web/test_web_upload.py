"""Large files on the bank's page: in pieces, with a bar that tells what has arrived, over a line that breaks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cli import people
from cli.api import Api
from tests.settlement.intake_files import balance, document
from tests.system.web.conftest import WAIT_MS_MAX, Phone

pytestmark = pytest.mark.system
BANK = "970418"
PIECES = "**/v1/exchange/*/uploads/*/pieces/*"


def statement(day: str, size: int) -> bytes:
    """The scheme's account on a day on which nothing was booked, in so many bytes."""
    nothing = balance("OPBD", 0) + balance("CLBD", 0)
    text = document("camt.053", 8, nothing).replace("2026-11-23", day).replace("S-7", f"S-{day}")
    return text.replace("BIDV-1", f"BIDV-{day}").encode().ljust(size, b"\n")


def choose(phone: Phone, name: str, content: bytes) -> None:
    phone.page.goto(f"/bank/#/files/{BANK}")
    phone.page.set_input_files("#file", {"name": name, "mimeType": "text/xml", "buffer": content})


@contextmanager
def held(phone: Phone) -> Iterator[list[Any]]:
    """Pieces wait until they are let on, each by its route: `held[n].continue_()`."""
    waiting: list[Any] = []
    phone.page.route(PIECES, lambda route: waiting.append(route))
    yield waiting
    phone.page.unroute(PIECES)


def next_piece(phone: Phone, waiting: list[Any], number: int) -> Any:
    deadline = time.monotonic() + WAIT_MS_MAX / 1000
    while len(waiting) <= number:
        assert time.monotonic() < deadline, f"piece {number} never came"
        phone.page.wait_for_timeout(20)
    return waiting[number]


def test_a_statement_of_eight_megabytes_goes_in_pieces_and_the_bar_tells_what_has_arrived(
    phones: Any, people_: dict[str, Api]
) -> None:
    operator, name = phones("bank", people.OPERATOR.phone), "camt.053.2020-01-02.xml"
    bar = operator.page.locator("progress")
    with held(operator) as waiting:
        choose(operator, name, statement("2020-01-02", 8_000_000))
        for number in range(8):
            piece = next_piece(operator, waiting, number)
            # What is on its way has not arrived: the bar stands until the server has said so.
            assert bar.evaluate("bar => Math.round(bar.value * 8_000_000)") == number * 1024 * 1024
            if number == 4:
                assert operator.page.get_by_text("4,2 MB / 8 MB").is_visible()
            piece.continue_()
    row = operator.page.locator("#submitted li", has_text=name)
    row.get_by_text("đã nhận", exact=True).wait_for()
    assert bar.is_hidden()
    # The same file again: no piece is sent, and nothing is read anew.
    with held(operator) as waiting:
        choose(operator, name, statement("2020-01-02", 8_000_000))
        operator.waits_for(f"Đã gửi {name}")
        assert not waiting
    files = people_["operator"].get(f"/v1/exchange/{BANK}/files")["files"]
    assert [one["state"] for one in files if one["name"] == name] == ["SUBMITTED_STATE_TAKEN"]


def test_a_lost_connection_goes_on_where_the_server_says(phones: Any) -> None:
    operator, name = phones("bank", people.OPERATOR.phone), "camt.053.2020-01-03.xml"
    sent: list[str] = []

    def breaks(route: Any) -> None:
        sent.append(route.request.url.rpartition("/")[2])
        if len(sent) == 2:
            route.abort("connectionreset")
        elif len(sent) == 4:
            # It arrives, and nobody hears of it.
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    operator.page.route(PIECES, breaks)
    choose(operator, name, statement("2020-01-03", 4_000_000))
    operator.page.locator("#submitted li", has_text=name).get_by_text("đã nhận", exact=True).wait_for()
    assert sent == [str(number * 1024 * 1024) for number in (0, 1, 1, 2, 3)]


def test_a_page_that_was_closed_goes_on_when_the_same_file_is_chosen_again(phones: Any) -> None:
    operator, name = phones("bank", people.OPERATOR.phone), "camt.053.2020-01-04.xml"
    content = statement("2020-01-04", 3_000_000)
    with held(operator) as waiting:
        choose(operator, name, content)
        next_piece(operator, waiting, 0).continue_()
        next_piece(operator, waiting, 1)
        operator.page.reload()
    with operator.page.expect_request(PIECES) as first:
        choose(operator, name, content)
    assert first.value.url.endswith(f"/pieces/{1024 * 1024}")
    operator.page.locator("#submitted li", has_text=name).get_by_text("đã nhận", exact=True).wait_for()


def test_a_file_that_cannot_be_taken_says_why_before_it_is_sent(phones: Any) -> None:
    operator = phones("bank", people.OPERATOR.phone)
    with held(operator) as waiting:
        choose(operator, "Sao kê tháng 11.xml", b"<x/>")
        operator.waits_for("Tên tệp chỉ gồm chữ không dấu")
        assert not waiting
    choose(operator, "camt.053.2020-01-05.xml", b"one")
    row = operator.page.locator("#submitted li", has_text="camt.053.2020-01-05.xml")
    row.get_by_text("bị từ chối", exact=True).wait_for()
    row.get_by_text("Vì sao và làm gì").click()
    assert "camt.053.2020-01-05.xml" in row.locator("pre").inner_text()
    choose(operator, "camt.053.2020-01-05.xml", b"another")
    operator.waits_for("Hãy đặt tên mới rồi gửi lại")
