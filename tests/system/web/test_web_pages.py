"""What the pages are made of: words, weight, policy, and whether everybody can use them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli import people
from gateway import web
from kit.errors import BY_CODE
from kit.spoken import AMOUNT_MAX, number_in_words
from kit.words import VI
from tests.system.web.conftest import drawn, violations
from tests.system.web.test_web_stories import until

pytestmark = pytest.mark.system

# What is hard to say, and how it is said.
HARD = {
    0: "không", 1: "một", 5: "năm", 10: "mười", 11: "mười một", 15: "mười lăm", 20: "hai mươi", 21: "hai mươi mốt",
    25: "hai mươi lăm", 24: "hai mươi bốn", 100: "một trăm", 101: "một trăm linh một", 105: "một trăm linh năm",
    110: "một trăm mười", 115: "một trăm mười lăm", 121: "một trăm hai mươi mốt", 1_000: "một nghìn",
    1_001: "một nghìn không trăm linh một", 1_015: "một nghìn không trăm mười lăm", 21_000: "hai mươi mốt nghìn",
    50_000: "năm mươi nghìn", 105_000: "một trăm linh năm nghìn", 1_000_000: "một triệu",
    1_050_000: "một triệu không trăm năm mươi nghìn", 1_000_005: "một triệu không trăm linh năm",
    55_555_555: "năm mươi lăm triệu năm trăm năm mươi lăm nghìn năm trăm năm mươi lăm",
    1_000_000_000: "một tỷ", 1_000_000_001: "một tỷ không trăm linh một",
    1_000_000_000_000: "một nghìn tỷ",
}  # fmt: skip


@pytest.fixture(scope="module")
def words(browser: Any, stack: Any) -> Any:
    """Reads numbers out with the page's own module."""
    module = next(file.path for file in web.files() if file.path.endswith("shared/words.js"))
    context = browser.new_context(base_url=stack.gateway_url)
    page = context.new_page()
    page.goto("/vendor/")
    page.wait_for_selector("#phone")

    def read(numbers: list[int]) -> list[str]:
        script = f"async (numbers) => {{ const m = await import('{module}'); return numbers.map(m.numberInWords); }}"
        return list(page.evaluate(script, numbers))

    yield read
    context.close()


def test_amounts_are_said_as_vietnamese_people_say_them(words: Any) -> None:
    assert dict(zip(HARD, words(list(HARD)), strict=True)) == HARD


def test_a_phone_says_amounts_as_a_banks_paper_writes_them(words: Any) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.one_of(st.integers(0, 10**6), st.integers(0, 10**12), st.integers(0, AMOUNT_MAX)), min_size=50))
    def same(numbers: list[int]) -> None:
        assert words(numbers) == [number_in_words(number) for number in numbers]

    same()


def test_questions_are_asked_one_at_a_time_however_slow_the_answers_are(browser: Any, stack: Any) -> None:
    module = next(file.path for file in web.files() if file.path.endswith("shared/repeat.js"))
    context = browser.new_context(base_url=stack.gateway_url)
    page = context.new_page()
    page.goto("/vendor/")
    asked, most, after = page.evaluate(
        f"""async () => {{
            const {{ repeat }} = await import('{module}');
            let [asked, open, most] = [0, 0, 0];
            let often;
            const asksOften = new Promise((resolve) => {{ often = resolve; }});
            const stop = repeat(async () => {{
                asked += 1; open += 1; most = Math.max(most, open);
                if (asked > 2) often();
                await new Promise((resolve) => setTimeout(resolve, 40));
                open -= 1;
            }}, 5);
            await asksOften;
            stop();
            const stopped = asked;
            await new Promise((resolve) => setTimeout(resolve, 200));
            return [stopped, most, asked - stopped];
        }}"""
    )
    context.close()
    assert (asked, most, after) == (3, 1, 0)


def test_every_refusal_is_a_sentence_in_both_languages(browser: Any, stack: Any) -> None:
    module = next(file.path for file in web.files() if file.path.endswith("shared/strings.js"))
    context = browser.new_context(base_url=stack.gateway_url)
    page = context.new_page()
    page.goto("/vendor/")
    names = set(page.evaluate(f"async () => (await import('{module}')).NAMES"))
    context.close()
    # What the pages have no words for, the server says itself.
    missing = {code for code in BY_CODE if f"error.{code}" not in names and code not in VI}
    assert not missing
    assert {"error.OFFLINE", "error.RATE_LIMITED", "error.TOKEN_INVALID", "error.DEADLINE_EXCEEDED"} <= names


def test_a_first_load_is_light(stack: Any) -> None:
    for page in web.PAGES:
        assert sum(web.first_load(page).values()) < web.FIRST_LOAD_BYTES_MAX


@pytest.mark.parametrize("page", list(web.PAGES))
def test_a_page_runs_nothing_that_is_not_its_own_and_its_parts_are_kept(browser: Any, stack: Any, page: str) -> None:
    context = browser.new_context(base_url=stack.gateway_url)
    seen: list[Any] = []
    tab = context.new_page()
    tab.on("response", lambda reply: seen.append(reply))
    tab.goto(f"/{page}/")
    tab.wait_for_selector("#phone")
    policy = seen[0].headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert {reply.url.split("/")[2] for reply in seen} == {stack.gateway_url.split("/")[2]}
    parts = [reply for reply in seen if "/web/" in reply.url]
    assert len(parts) > 5
    assert all("immutable" in reply.headers["cache-control"] for reply in parts)
    foreign = "() => { const s = document.createElement('script'); s.textContent = 'globalThis.ran = 1';"
    assert tab.evaluate(f"{foreign} document.head.append(s); return globalThis.ran ?? 0; }}") == 0
    context.close()


def test_a_page_opens_without_a_network_once_it_was_there(phones: Any) -> None:
    phone = phones("vendor", next(iter(people.vendors().values())).phone)
    phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    until(phone, "navigator.serviceWorker.controller !== null")  # it is this page's own
    phone.context.set_offline(True)
    phone.page.reload()
    phone.waits_for("Không có mạng")
    phone.context.set_offline(False)
    phone.tap("Thử lại")
    phone.waits_for("Đang nghe tiền về")


SCREENS = {
    "shopper": ["", "scan", "send", "present", "top-up", "market", "orders", "live"],
    "vendor": ["", "ask", "qr", "redeem", "day", "products", "products/new", "orders", "ratings", "live", "live/new"],
}
PERSON = {"shopper": people.SHOPPERS[1].phone, "vendor": next(iter(people.vendors().values())).phone}


@pytest.mark.parametrize("page", list(SCREENS))
def test_who_cannot_see_or_point_can_use_every_screen(phones: Any, page: str) -> None:
    phone = phones(page, PERSON[page], bypass_csp=True)
    found: list[tuple[str, str, list[str]]] = []
    for screen in SCREENS[page]:
        phone.page.goto(f"/{page}/#/{screen}")
        phone.page.locator("header h1").wait_for()
        drawn(phone)
        found += [(screen, *violation) for violation in violations(phone)]
    assert not found
