"""Market days and price sheets through a real gRPC channel; the printed sheet is read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import grpc
import pypdfium2
import pytest
from cho.catalog.v1 import day_pb2 as pb
from cho.catalog.v1 import day_pb2_grpc

from kit import clock, marketday
from kit.config import settings
from kit.errors import Overloaded
from kit.ids import new_id
from kit.marketrule import UNKNOWN, MarketDays, Rule
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.catalog import markets
from services.catalog.day import kept, pdf, server, sheet
from services.catalog.day import store as days
from services.catalog.day.kept import Kept
from services.catalog.day.line import Line, closed
from services.catalog.market import Market

pytestmark = pytest.mark.usefixtures("database", "empty")
MARKET = new_id("mkt")
VENDOR = (("x-cho-edge", settings().edge_secret), ("x-cho-sub", new_id("usr")), ("x-cho-roles", "vendor"))


@pytest.fixture
def empty(database: None) -> None:
    for documents in (*days.DOCUMENTS, markets.CatalogMarket):
        documents.objects.delete()


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(kept, "TODAY_S", 0)
    running = Server("127.0.0.1:0", server.market_day_servicers())
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield day_pb2_grpc.MarketDayServiceStub(channel)
    running.stop()


def hold(held: MarketDays = UNKNOWN, name: str = "Chợ Thái", market_id: str = MARKET, **fields: Any) -> str:
    market = Market(
        market_id, name, "Phường Phan Đình Phùng", "Tỉnh Thái Nguyên", held, **{"closed": False, "version": 1, **fields}
    )
    markets.apply_market(market)
    return market_id


def sell(
    name: str, prices: dict[int, int], stall: str = "Sạp Cô Nga", unit: str = "kg", market_id: str = MARKET
) -> Line:
    """What cost `prices`, by days from today."""
    line = Line(new_id("prd"), f"mer_{stall}", stall, market_id, name, unit, 1, True, True, 1, 1)
    for ahead, price in sorted(prices.items()):
        line = closed(replace(line, price=price), clock.today() + timedelta(days=ahead))
    days._put([line])
    return line


def refused(code: str, rpc: Callable[..., Any], request: Any, metadata: Any = ()) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        rpc(request, metadata=metadata)
    assert error_code(raised.value) == code


def test_a_day_tells_which_markets_are_held_by_their_calendars_and_what_day_it_is(stub: Any) -> None:
    # The 21st of the tenth lunar month, a Sunday.
    lunar = hold(MarketDays(Rule.LUNAR, days=(1, 11, 21)), "Chợ La Hiên", new_id("mkt"))
    daily = hold(MarketDays(Rule.DAILY))
    hold(MarketDays(Rule.WEEKDAYS, days=(1,)), "Chợ Thứ Hai", new_id("mkt"))
    hold(MarketDays(Rule.DAILY), "Chợ Cũ", new_id("mkt"), closed=True)
    hold(name="Chợ Lạ", market_id=new_id("mkt"))
    found = stub.GetMarketDay(pb.GetMarketDayRequest(day="2026-11-29"))
    assert [(one.market_id, one.name) for one in found.markets] == [(lunar, "Chợ La Hiên"), (daily, "Chợ Thái")]
    assert (found.markets[0].ward_name, found.unknown) == ("Phường Phan Đình Phùng", 1)
    day = found.day
    assert (day.day, day.lunar_day, day.lunar_month, list(day.occasions)) == ("2026-11-29", 21, 10, ["Cuối tuần"])
    assert stub.GetMarketDay(pb.GetMarketDayRequest()).day.day == clock.today().isoformat()


@pytest.mark.parametrize("day", ["29/11/2026", "2026-11-31", "1967-01-01", "2100-01-01", "hôm nay"])
def test_a_day_that_is_none_is_refused(stub: Any, day: str) -> None:
    refused("INVALID_ARGUMENT", stub.GetMarketDay, pb.GetMarketDayRequest(day=day))


def test_a_sheet_tells_prices_the_cheapest_stall_and_the_change_since_the_market_was_last_held(stub: Any) -> None:
    hold(MarketDays(Rule.EVERY_DAYS, 5, clock.today()))
    sell("Cà chua", {-6: 20_000, -1: 25_000})
    cheap = sell("Cà chua", {-6: 20_000, 0: 22_000}, "Hàng Chú Bảy")
    sell("Cá chép", {0: 80_000})
    found = stub.GetPriceSheet(pb.GetPriceSheetRequest(market_id=MARKET))
    assert (found.market_name, found.held, found.complete) == ("Chợ Thái", True, True)
    assert found.last_day == (clock.today() - timedelta(days=5)).isoformat()
    fish, tomato = found.rows
    assert (fish.name, fish.cheapest, fish.HasField("change"), fish.HasField("median_before")) == (
        "Cá chép", 80_000, False, False,
    )  # fmt: skip
    assert (tomato.cheapest, tomato.median, tomato.stalls, tomato.offers) == (22_000, 22_000, 2, 2)
    assert (tomato.cheapest_product_id, tomato.cheapest_merchant_name) == (cheap.product_id, "Hàng Chú Bảy")
    assert (tomato.median_before, tomato.change, tomato.change_permille) == (20_000, 2_000, 100)
    past = stub.GetPriceSheet(
        pb.GetPriceSheetRequest(market_id=MARKET, day=(clock.today() - timedelta(days=1)).isoformat())
    )
    assert (past.held, [(row.name, row.cheapest, row.median) for row in past.rows]) == (
        False, [("Cà chua", 20_000, 20_000)],
    )  # fmt: skip


def test_pages_of_a_sheet_are_the_whole_of_it_and_go_on_after_the_last_row_whatever_comes_between(stub: Any) -> None:
    hold()
    for name in ("Bí", "Cải", "Gừng", "Ớt", "Ớt chuông"):
        sell(name, {0: 1_000})
    whole = [row.name for row in stub.GetPriceSheet(pb.GetPriceSheetRequest(market_id=MARKET)).rows]
    assert whole == ["Bí", "Cải", "Gừng", "Ớt", "Ớt chuông"]
    asked, found = pb.GetPriceSheetRequest(market_id=MARKET, page_size=2), []
    while True:
        page = stub.GetPriceSheet(asked)
        found += [row.name for row in page.rows]
        asked.page_token = page.next_page_token
        if not asked.page_token:
            break
        sell("Anh đào", {0: 1_000}, stall=new_id("mer"))
    assert found == whole


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"market_id": "mkt_none"}, "NOT_FOUND"), ({"page_size": -1}, "INVALID_ARGUMENT"),
        ({"page_size": 201}, "INVALID_ARGUMENT"), ({"page_token": "%"}, "INVALID_ARGUMENT"),
        ({"page_token": "_w=="}, "INVALID_ARGUMENT"), ({"page_token": "A" * 1_004}, "INVALID_ARGUMENT"),
        ({"day": "gestern"}, "INVALID_ARGUMENT"), ({"day": "2020-01-01"}, "INVALID_ARGUMENT"),
        ({"day": "2090-01-01"}, "INVALID_ARGUMENT"),
    ],
)  # fmt: skip
def test_a_sheet_that_cannot_be_is_refused(stub: Any, wrong: dict[str, Any], code: str) -> None:
    hold()
    refused(code, stub.GetPriceSheet, pb.GetPriceSheetRequest(**{"market_id": MARKET, **wrong}))


def test_a_market_where_nothing_is_on_sale_has_an_empty_sheet(stub: Any) -> None:
    hold()
    found = stub.GetPriceSheet(pb.GetPriceSheetRequest(market_id=MARKET))
    assert (list(found.rows), found.held, found.complete) == ([], False, True)
    assert found.last_day == (clock.today() - timedelta(days=1)).isoformat()


def test_a_sheet_is_made_once_for_all_who_ask_at_once() -> None:
    made = []

    def lines(market_id: str) -> list[Line]:
        made.append(market_id)
        return []

    sheets = Kept(lines)
    for market_id in ("mkt_1", "mkt_1", "mkt_2"):
        sheets.sheet(market_id, clock.today(), None)
    assert made == ["mkt_1", "mkt_2"]
    for number in range(kept.KEPT_MAX):
        sheets.sheet(f"mkt_{number + 10}", clock.today(), None)
    sheets.sheet("mkt_1", clock.today(), None)
    assert made.count("mkt_1") == 2  # no more are kept than that


def text_of(printed: bytes) -> str:
    document = pypdfium2.PdfDocument(printed)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def test_the_printed_sheet_says_what_the_sheet_does(stub: Any) -> None:
    hold(MarketDays(Rule.EVERY_DAYS, 5, clock.today()))
    sell("Cà chua bi Đà Lạt", {-6: 20_000, 0: 25_000}, "Hàng Chú Bảy")
    sell("Trứng gà", {-6: 40_000, 0: 39_000}, unit="chục")
    sell("Ớt", {0: 8_000}, unit="lạng")
    reply = stub.PrintPriceSheet(pb.PrintPriceSheetRequest(market_id=MARKET), metadata=VENDOR)
    assert reply.content_type == "application/pdf"
    said = text_of(reply.data)
    lunar = marketday.lunar(clock.today())
    for text in (
        "Chợ Thái", f"{clock.today():%d/%m/%Y}", f"âm lịch {lunar.day}/{lunar.month}", "Cà chua bi Đà Lạt",
        "Hàng Chú Bảy", "25.000", "+25 %", "chục", "−2,5 %", "80.000", "mới",
        f"{clock.today() - timedelta(days=5):%d/%m/%Y}",
    ):  # fmt: skip
        assert text in said
    refused("UNAUTHENTICATED", stub.PrintPriceSheet, pb.PrintPriceSheetRequest(market_id=MARKET))
    refused("NOT_FOUND", stub.PrintPriceSheet, pb.PrintPriceSheetRequest(market_id=new_id("mkt")), VENDOR)


def test_a_long_sheet_goes_over_pages_with_a_head_on_each_and_an_empty_one_says_so() -> None:
    today = clock.today()
    lines = [
        closed(
            Line(
                f"prd_{n}",
                "mer_1",
                "Sạp " + "dài " * 30,
                "m",
                f"Hàng {n:03} " + "rất " * 9,
                "kg",
                10**12,
                True,
                True,
                1,
                1,
            ),
            today,
        )
        for n in range(90)
    ]
    printed = pdf.printed(sheet.sheet(lines, today, None), "Chợ Thái", marketday.market_day(today), clock.now())
    said = text_of(printed)
    assert said.count("Chợ Thái") == said.count("Mặt hàng") == 3
    assert "Trang 3" in said
    assert all(f"Hàng {n:03}" in said for n in range(90))
    nothing = pdf.printed(sheet.sheet([], today, None), "Chợ Thái", marketday.market_day(today), clock.now())
    assert "chưa có sạp nào bán" in text_of(nothing)


def test_one_sheet_is_printed_at_a_time(stub: Any) -> None:
    hold()
    assert server._printing.acquire(blocking=False)
    try:
        refused(Overloaded.code, stub.PrintPriceSheet, pb.PrintPriceSheetRequest(market_id=MARKET), VENDOR)
    finally:
        server._printing.release()
    assert stub.PrintPriceSheet(pb.PrintPriceSheetRequest(market_id=MARKET), metadata=VENDOR).data


def test_the_lunar_date_of_a_leap_month_is_printed_as_such() -> None:
    leap = marketday.market_day(date(2028, 6, 23))  # the first of the fifth month that comes twice
    assert leap.lunar.leap
    printed = pdf.printed(sheet.sheet([], leap.day, None), "Chợ Thái", leap, clock.now())
    assert f"âm lịch {leap.lunar.day}/{leap.lunar.month} nhuận" in text_of(printed)


def test_what_the_font_has_no_glyph_for_is_left_out_of_the_print(caplog: pytest.LogCaptureFixture) -> None:
    on = clock.today()
    tomato = sell("Cà chua 🍅 bi", {0: 20_000}, "🌶 Sạp Cô Nga 茶")
    made = sheet.sheet([tomato], on, None)
    said = text_of(pdf.printed(made, "Chợ Thái", marketday.market_day(on), clock.now()))
    assert "Cà chua bi" in said
    assert "Sạp Cô Nga" in said
    assert not [record for record in caplog.records if "missing the following glyphs" in record.getMessage()]


def test_the_first_day_that_can_be_asked_for_is_known_with_what_it_is_compared_with(stub: Any) -> None:
    hold(MarketDays(Rule.DAILY))
    sell("Cà chua", {-ago: 20_000 + ago for ago in range(70)})
    first = clock.today() - timedelta(days=60)
    (row,) = stub.GetPriceSheet(pb.GetPriceSheetRequest(market_id=MARKET, day=first.isoformat())).rows
    assert (row.cheapest, row.median_before) == (20_060, 20_061)
