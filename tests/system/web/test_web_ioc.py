"""The operations centre in a real browser: what is paid is seen to rise."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from cli import people
from cli.api import Api, ApiError
from kit.ids import new_key
from tests.system.web.conftest import violations

pytestmark = pytest.mark.system
WAIT_S_MAX = 60


def payments(page: Any) -> int:
    return int(re.sub(r"\D", "", page.inner_text("#payments")) or 0)


def test_what_is_paid_at_a_market_is_seen_to_rise(
    phones: Any, people_: dict[str, Api], wallet: str, merchant: dict[str, Any]
) -> None:
    screen = phones("ioc", people.OPERATOR.phone, viewport={"width": 1280, "height": 800})
    screen.page.locator("#payments").wait_for()
    screen.page.locator("#as-of", has_text="Số liệu lúc").wait_for()
    before = payments(screen.page)
    body = {"wallet_id": wallet, "merchant_id": merchant["merchant_id"], "amount": 10_000}
    for _ in range(3):
        people_["shopper"].post("/v1/payments", idempotency_key=new_key(), **body)
    deadline = time.monotonic() + WAIT_S_MAX
    while payments(screen.page) < before + 3:
        assert time.monotonic() < deadline, "the payments were never seen"
        screen.page.wait_for_timeout(200)
    tile = screen.page.locator(f'[data-market="{merchant["market_id"]}"]')
    assert int(re.sub(r"\D", "", tile.locator(".number").nth(1).inner_text())) >= 3
    circle = screen.page.locator(f'#map circle[data-market="{merchant["market_id"]}"]')
    assert re.search(r": [1-9]\d* lần hôm nay", circle.locator("title").text_content() or "")
    assert screen.page.locator("#map circle.land").count() > 20, "the communes show where it is"
    with screen.page.expect_download() as report:
        screen.page.get_by_role("link", name="Tải số liệu hôm nay").click()
    assert report.value.suggested_filename.endswith(".csv")


def test_everybody_can_read_the_screen(phones: Any, wallet: str) -> None:
    screen = phones("ioc", people.AUDITOR.phone, bypass_csp=True, viewport={"width": 1280, "height": 800})
    screen.page.locator("#payments").wait_for()
    assert not violations(screen)


def test_how_payments_are_answered_and_how_telecoms_and_communes_stand_is_on_the_screen(
    phones: Any, people_: dict[str, Api], wallet: str, merchant: dict[str, Any]
) -> None:
    paid = {"wallet_id": wallet, "merchant_id": merchant["merchant_id"], "amount": 10_000}
    people_["shopper"].post("/v1/payments", idempotency_key=new_key(), **paid)
    with pytest.raises(ApiError):
        people_["shopper"].post("/v1/payments", idempotency_key=new_key(), **(paid | {"amount": 900_000_000_000}))
    screen = phones("ioc", people.OPERATOR.phone, viewport={"width": 1280, "height": 1600})
    levels = screen.page.locator("#levels")
    # What servers answered is told two seconds later; the screen asks every five.
    levels.get_by_text(re.compile(r"60 phút qua: [1-9]\d* lần thành công, [1-9]\d* lần bị từ chối")).first.wait_for()
    assert "theo kịp sổ cái" in levels.inner_text() or "sự kiện" in levels.inner_text()
    screen.page.locator("#liquidity tbody tr").nth(2).wait_for()
    assert screen.page.locator("#liquidity tbody tr").count() == 3
    assert int(screen.page.locator("#adoption tbody td").first.inner_text()) >= 1


def test_communes_of_one_name_are_two_and_what_cannot_be_had_takes_nothing_else_away(phones: Any, wallet: str) -> None:
    screen = phones("ioc", people.OPERATOR.phone, viewport={"width": 1280, "height": 1600})

    def alike(route: Any) -> None:
        """Two markets in communes of one name; stalls were paid at one of them."""
        reply = route.fetch()
        known = reply.json()
        first = known["markets"][0]
        codes = sorted({one["ward_code"] for one in known["markets"]})[:2]
        known["markets"] = [
            first | {"market_id": f"mkt_{code}", "ward_code": code, "ward_name": "Tân Lập", "merchants_paid": paid}
            for code, paid in zip(codes, (3, 0), strict=True)
        ]
        route.fulfill(response=reply, json=known)

    screen.page.route("**/v1/pulse", alike)
    for lost in ("**/v1/places/**", "**/alarms?*", "**/v1/liquidity/*"):
        screen.page.route(lost, lambda route: route.abort())
    screen.page.reload()
    rows = screen.page.locator("#adoption tbody tr")
    rows.nth(1).wait_for()
    assert sorted(rows.nth(n).locator("td").nth(1).inner_text() for n in range(2)) == ["0", "3"]
    screen.page.locator("#liquidity", has_text="Không có mạng").wait_for()
    assert screen.page.locator("#map circle.market").count() == 2


def test_a_market_manager_sees_all_but_the_telecoms_liquidity(phones: Any, wallet: str) -> None:
    screen = phones("ioc", people.MANAGER.phone, viewport={"width": 1280, "height": 1600})
    screen.page.locator("#adoption tbody tr").first.wait_for()
    assert screen.page.locator("#liquidity").inner_text() == ""
