"""gRPC of market days and price sheets: proto in, proto out."""

from __future__ import annotations

import base64
import binascii
import threading
from bisect import bisect_right
from datetime import date, timedelta
from types import ModuleType

from cho.catalog.v1 import day_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit import clock, marketday, marketrule
from kit.errors import InvalidArgument, Overloaded
from kit.rpc.call import Call
from kit.rpc.threads import Servicers
from services.catalog import markets
from services.catalog.day.kept import Kept
from services.catalog.day.line import DAYS_BACK
from services.catalog.day.sheet import Row, Sheet
from services.catalog.market import Market
from services.catalog.search.server import day_of

PAGE_SIZE_MAX = 200
PAGE_SIZE_DEFAULT = 100
TOKEN_LENGTH_MAX = 1_000
PDF = "application/pdf"

# A large sheet is half a second of a core: one at a time leaves the other core to everybody else.
_printing = threading.Semaphore(1)


class MarketDayServicer:
    """The RPCs of cho.catalog.v1.MarketDayService."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def GetMarketDay(self, request: pb.GetMarketDayRequest, call: Call) -> pb.GetMarketDayResponse:
        day = _any_day(request.day)
        reply = pb.GetMarketDayResponse(day=_calendar(day))
        for market in sorted(markets.markets(), key=lambda one: (one.name, one.id)):
            held = None if market.closed else marketrule.is_open(market.days, day)
            if held:
                reply.markets.add(
                    market_id=market.id, name=market.name, ward_name=market.ward_name,
                    province_name=market.province_name,
                )  # fmt: skip
            reply.unknown += held is None and not market.closed
        return reply

    def GetPriceSheet(self, request: pb.GetPriceSheetRequest, call: Call) -> pb.GetPriceSheetResponse:
        if not 0 <= request.page_size <= PAGE_SIZE_MAX:
            raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}")
        market, day = markets.market(request.market_id), _sheet_day(request.day)
        after = _after(request.page_token)
        sheet = self._sheet(market, day)
        start = bisect_right(sheet.rows, after, key=lambda row: row.key)
        page = sheet.rows[start : start + (request.page_size or PAGE_SIZE_DEFAULT)]
        more = start + len(page) < len(sheet.rows)
        call.set_header("cache-control", f"public, max-age={self._kept.seconds(day)}")
        return pb.GetPriceSheetResponse(
            market_id=market.id, market_name=market.name, day=_calendar(day),
            held=bool(marketrule.is_open(market.held, day)), last_day=_text(sheet.last_day),
            rows=[_row(row) for row in page], next_page_token=_token(page[-1].key) if more else "",
            complete=sheet.complete,
        )  # fmt: skip

    def PrintPriceSheet(self, request: pb.PrintPriceSheetRequest, call: Call) -> HttpBody:
        market, day = markets.market(request.market_id), _sheet_day(request.day)
        sheet = self._sheet(market, day)
        if not _printing.acquire(blocking=False):
            raise Overloaded("another price sheet is being printed: try again in a moment")
        try:
            printed = _pdf().printed(sheet, market.name, marketday.market_day(day), clock.now())
        finally:
            _printing.release()
        call.set_header("content-disposition", f'attachment; filename="gia-{day.isoformat()}-{market.id}.pdf"')
        return HttpBody(content_type=PDF, data=printed)

    def _sheet(self, market: Market, day: date) -> Sheet:
        return self._kept.sheet(market.id, day, marketrule.last_before(market.held, day))


def market_day_servicers() -> Servicers:
    """What the catalog's server serves of market days."""
    return [(pb.DESCRIPTOR.services_by_name["MarketDayService"], MarketDayServicer(Kept()))]


def _any_day(text: str) -> date:
    day = day_of(text, "day") if text else clock.today()
    if not marketday.FIRST_YEAR <= day.year <= marketday.LAST_YEAR:
        raise InvalidArgument(f"day must lie in the years {marketday.FIRST_YEAR} to {marketday.LAST_YEAR}")
    return day


def _sheet_day(text: str) -> date:
    today = clock.today()
    day = day_of(text, "day") if text else today
    if not today - timedelta(days=DAYS_BACK) <= day <= today:
        raise InvalidArgument(
            f"prices are known for today and the {DAYS_BACK} days before",
            vi=f"Chỉ có giá của hôm nay và {DAYS_BACK} ngày trước.",
        )
    return day


def _calendar(day: date) -> pb.CalendarDay:
    found = marketday.market_day(day)
    return pb.CalendarDay(
        day=day.isoformat(),
        lunar_day=found.lunar.day,
        lunar_month=found.lunar.month,
        lunar_leap_month=found.lunar.leap,
        occasions=found.occasions,
    )


def _row(row: Row) -> pb.PriceRow:
    return pb.PriceRow(
        name=row.name,
        unit=row.unit,
        cheapest=row.cheapest.price,
        cheapest_product_id=row.cheapest.line.product_id,
        cheapest_merchant_id=row.cheapest.line.merchant_id,
        cheapest_merchant_name=row.cheapest.line.merchant_name,
        median=row.median,
        stalls=row.stalls,
        offers=row.offers,
        median_before=row.before,
        change=row.change,
        change_permille=row.change_permille,
    )


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _after(token: str) -> str:
    """The key of the last row of the page before; "" before the first."""
    try:
        if len(token) > TOKEN_LENGTH_MAX:
            raise InvalidArgument("page_token is not one that this sheet returned; begin without one")
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise InvalidArgument("page_token is not one that this sheet returned; begin without one") from error


def _pdf() -> ModuleType:
    """Imported by the first print: in every process it would cost memory, and fpdf2 imports numpy where there is one,
    whose thread keeps a process from being forked."""
    from services.catalog.day import pdf

    return pdf
