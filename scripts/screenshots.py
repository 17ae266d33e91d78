#!/usr/bin/env python
"""Takes the README's pictures of the pages, and says how soon they can be used on a cheap phone with a weak signal.

A stack of its own, seeded; Debian's Chromium. The figures are printed, the pictures written to docs/pictures/.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from cli import people
from cli.api import Api
from cli.stack import Stack
from gateway import web

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
SCREEN, WALL = ViewportSize(width=360, height=740), ViewportSize(width=1280, height=900)
# What Lighthouse calls slow 3G: 400 ms there and back, 400 kbit/s; and a processor four times slower than this one.
SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
SLOW_CPU = 4
RUNS = 3
ENV = {"CHO_RATE_SCALE": "100", "CHO_SETTLEMENT_SCHEDULE": "off"}


def main() -> None:
    """Pictures, then figures."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no Chromium here: apt-get install chromium")
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        Stack(Path(home), seed=True, env=ENV) as stack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        pictures(browser, stack.gateway_url)
        print(f"Slow 3G, {SLOW_CPU} times slower CPU, nothing kept, the middle of {RUNS}:")
        for page in web.PAGES:
            weight = sum(web.first_load(page).values())
            first = sorted(usable_after(browser, stack.gateway_url, page) for _ in range(RUNS))[RUNS // 2]
            print(f"/{page}/: {weight / 1000:.1f} KB compressed, usable after {first:.2f} s")
        browser.close()


def pictures(browser: Browser, url: str) -> None:
    """A payment, seen from both sides, and from the operations centre."""
    vendor, shopper = next(iter(people.vendors().values())), people.SHOPPERS[0]
    with Api(url) as api:
        seller = api.sign_in(vendor.phone, people.PIN)
        merchant = seller.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
        payload = seller.download(f"/v1/merchants/{merchant}/qr", format="payload").decode()
    stall, phone = _signed_in(browser, url, "vendor", vendor.phone), _signed_in(browser, url, "shopper", shopper.phone)
    stall.get_by_text("Đang nghe tiền về").wait_for()
    _picture(phone, "shopper-home")
    for amount in ("15000", "120000", "75000"):
        phone.goto(f"{url}/shopper/#/")
        phone.get_by_role("button", name="Quét mã QR").click()
        phone.fill("#pasted", payload)
        phone.get_by_role("button", name="Dùng mã này").click()
        phone.wait_for_selector("#payee")
        phone.fill("#amount", amount)
        _picture(phone, "shopper-pay")
        phone.locator("form button.main").click()
        phone.wait_for_selector("#receipt")
    _picture(phone, "shopper-receipt")
    stall.get_by_text("75.000 đ").first.wait_for()
    _picture(stall, "vendor-home")
    stall.get_by_role("button", name="Yêu cầu tiền").click()
    stall.fill("#amount", "50000")
    stall.get_by_role("button", name="Hiện mã cho khách quét").click()
    stall.locator("img.qr").wait_for()
    _picture(stall, "vendor-ask")
    centre = _signed_in(browser, url, "ioc", people.OPERATOR.phone, WALL)
    centre.get_by_text(re.compile(r"60 phút qua: [1-9]")).first.wait_for()
    _picture(centre, "ioc", whole=True)


def usable_after(browser: Browser, url: str, page_name: str) -> float:
    """Seconds from asking for the page, with nothing kept, to a form that can be typed into."""
    context = browser.new_context(viewport=SCREEN, service_workers="block")
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW_3G)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_CPU})
    began = time.monotonic()
    page.goto(f"{url}/{page_name}/", wait_until="commit")
    page.wait_for_selector("#phone")
    taken = time.monotonic() - began
    context.close()
    return taken


def _signed_in(browser: Browser, url: str, page_name: str, number: str, screen: ViewportSize = SCREEN) -> Page:
    context = browser.new_context(viewport=screen, locale="vi-VN", device_scale_factor=1.5)
    page = context.new_page()
    page.goto(f"{url}/{page_name}/")
    page.fill("#phone", number)
    page.fill("#pin", people.PIN)
    page.click("button.main")
    page.get_by_role("button", name="Đăng xuất").wait_for()
    return page


def _picture(page: Page, name: str, *, whole: bool = False) -> None:
    page.wait_for_timeout(400)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


if __name__ == "__main__":
    main()
