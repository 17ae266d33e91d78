"""A tap and what may happen meanwhile: its answer is lost, its screen is left, somebody goes on typing, the network is
away."""

from __future__ import annotations

from typing import Any

import pytest

from tests.system.web.conftest import Phone
from tests.system.web.test_web_stories import SHOPPER, money

pytestmark = pytest.mark.system

__all__ = ["money"]

NO_NETWORK = "Không có mạng"


def lost(phone: Phone, path: str) -> None:
    """Nothing comes through to `path`, until `unroute`."""
    phone.page.route(f"**{path}", lambda route: route.abort("connectionreset"))


# What is given up


def test_a_one_time_code_that_could_not_be_given_up_stays_in_sight(phones: Any, money: str) -> None:
    shopper = phones("shopper", SHOPPER.phone)
    shopper.page.goto("/shopper/#/present")
    shopper.tap("Tạo mã")
    shopper.page.locator("#digits").wait_for()
    lost(shopper, "/v1/codes/cancel")
    shopper.tap("Hủy")
    shopper.page.locator(".screen").get_by_text(NO_NETWORK).wait_for()
    assert shopper.page.locator("#digits").is_visible()
    shopper.page.unroute("**/v1/codes/cancel")
    shopper.tap("Hủy")
    shopper.page.locator("#digits").wait_for(state="detached")
