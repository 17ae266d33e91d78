"""Real browsers against the running stack: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, ViewportSize, sync_playwright

from cli import people
from cli.stack import Stack
from gateway import web

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    # Sound without a tap: the tests have no thumbs.
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip
AXE = web.ROOT / "node_modules" / "axe-core" / "axe.min.js"
# A cheap phone's screen.
SCREEN = ViewportSize(width=360, height=740)
# Of a machine that does many other things meanwhile.
WAIT_MS_MAX = 60_000
# Chromium has no voices here: a phone has. What it is told to say is kept.
VOICE = """
globalThis.said = [];
Object.defineProperty(globalThis, "speechSynthesis", {value: {
  getVoices: () => [{lang: "vi-VN", name: "Linh"}],
  speak: (words) => globalThis.said.push(words.text),
}});
globalThis.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
"""


@dataclass
class Phone:
    """Somebody's phone: one page, and what went wrong on it."""

    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    def sign_in(self, phone: str) -> None:
        self.page.fill("#phone", phone)
        self.page.fill("#pin", people.PIN)
        self.page.click("button.main")

    def tap(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def waits_for(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
    yield opened
    opened.close()


@pytest.fixture
def phones(browser: Browser, stack: Stack) -> Iterator[Any]:
    """`phones("vendor", "0900...")` opens a phone on that page and signs in. Faults of the page fail the test."""
    opened: list[Phone] = []

    def open_(page_name: str, number: str = "", **options: Any) -> Phone:
        options = {"viewport": SCREEN, **options}
        context = browser.new_context(base_url=stack.gateway_url, locale="vi-VN", **options)
        context.set_default_timeout(WAIT_MS_MAX)
        context.add_init_script(VOICE)
        page = context.new_page()
        phone = Phone(context, page)
        page.on("pageerror", lambda error: phone.faults.append(str(error)))
        page.goto(f"/{page_name}/")
        if number:
            phone.sign_in(number)
            page.get_by_role("button", name="Đăng xuất").wait_for()
        opened.append(phone)
        return phone

    yield open_
    faults = [fault for phone in opened for fault in phone.faults]
    for phone in opened:
        phone.context.close()
    assert not faults


def drawn(phone: Phone) -> None:
    """Waits until a screen shows more than its title."""
    phone.page.locator(".screen > :nth-child(2)").wait_for(state="attached")


def violations(phone: Phone) -> list[tuple[str, list[str]]]:
    """What axe finds serious or critical on the screen that is shown. The page was opened with `bypass_csp`."""
    phone.page.add_script_tag(path=AXE)
    result = phone.page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        (found["id"], [node["html"][:120] for node in found["nodes"]][:3])
        for found in result["violations"]
        if found["impact"] in ("serious", "critical")
    ]


@contextmanager
def answer_lost(page: Page, path: str) -> Iterator[list[str]]:
    """The next answer from `path` does not reach the phone, though the request arrived. Yields what was sent."""
    sent: list[str] = []

    def handle(route: Any) -> None:
        sent.append(route.request.post_data)
        if len(sent) == 1:
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(f"**{path}", handle)
    yield sent
    page.unroute(f"**{path}", handle)
