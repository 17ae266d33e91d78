"""A price sheet as PDF (A4) to hang up at a market's gate: Vietnamese in embedded fonts. Lengths in mm."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from pathlib import Path

import fontpkg_be_vietnam_pro
from fpdf import FPDF

from kit import clock
from kit.marketday import MarketDay
from services.catalog.day.sheet import Row, Sheet

_MARGIN, _BOTTOM = 12.0, 285.0
_LINE = 6.2
_INK, _GREY, _BAND, _PAPER, _STRIPE = (20, 28, 38), (85, 95, 107), (0, 94, 66), (255, 255, 255), (240, 245, 242)
_DEARER, _CHEAPER = (170, 40, 20), (0, 94, 66)
_WEEKDAYS = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ nhật")
# Title, width, alignment.
_COLUMNS = (
    ("Mặt hàng", 62.0, "L"), ("Đơn vị", 16.0, "C"), ("Rẻ nhất", 24.0, "R"), ("Ở sạp", 38.0, "L"),
    ("Giá giữa", 24.0, "R"), ("Thay đổi", 22.0, "R"),
)  # fmt: skip


def printed(sheet: Sheet, market: str, day: MarketDay, at: datetime) -> bytes:
    """All rows of a sheet, with the market's name and its day on every page; `at` is when it is printed."""
    document = _Document(market, day, sheet, at)
    try:
        document.add_page()
        for number, row in enumerate(sheet.rows):
            if document.get_y() + _LINE > _BOTTOM - 8:
                document.add_page()
            document.row(row, striped=bool(number % 2))
        if not sheet.rows:
            document.say("Ngày này chưa có sạp nào bán hàng trên chợ số.")
        if not sheet.complete:
            document.say("Còn những mặt hàng khác, ít sạp bán hơn.")
        return bytes(document.output())
    finally:
        document.close_fonts()


class _Document(FPDF):
    def __init__(self, market: str, day: MarketDay, sheet: Sheet, at: datetime) -> None:
        super().__init__("P", "mm", "A4")
        folder = Path(fontpkg_be_vietnam_pro.ROOT, "files")
        self.add_font("BeVietnamPro", "", folder / "BeVietnamPro-Regular.ttf")
        self.add_font("BeVietnamPro", "B", folder / "BeVietnamPro-Bold.ttf")
        self.set_auto_page_break(False)
        self.set_margins(_MARGIN, _MARGIN)
        self.set_title(f"Giá chợ {day.day:%d/%m/%Y}")
        self.set_author("Chợ 4.0")
        self.set_lang("vi")
        self._market, self._day, self._sheet, self._at = market, day, sheet, at

    def header(self) -> None:
        """fpdf2 calls it at the top of every page."""
        self.set_fill_color(*_BAND)
        self.rect(0, 0, self.w, 27, style="F")
        self._put(_MARGIN, 4, self.epw, 18, f"Bảng giá · {self._market}", bold=True, ink=_PAPER)
        self._put(_MARGIN, 15, self.epw, 11, _dated(self._day), ink=_PAPER)
        self.set_y(30)
        since = self._sheet.last_day
        told = f"Thay đổi so với phiên trước, ngày {since:%d/%m/%Y}." if since else "Chưa có phiên trước để so sánh."
        self.say(f"Giá đồng một đơn vị; hàng cân tính theo kg. {told}")
        x = _MARGIN
        for title, width, align in _COLUMNS:
            self._put(x, self.get_y(), width, 9, title, bold=True, align=align)
            x += width
        self.set_y(self.get_y() + _LINE)

    def footer(self) -> None:
        at = self._at.astimezone(clock.VIETNAM)
        self._put(_MARGIN, _BOTTOM, self.epw, 8, f"Chợ 4.0 · In lúc {at:%H:%M %d/%m/%Y} · Trang {self.page_no()}",
                  ink=_GREY)  # fmt: skip

    def row(self, row: Row, *, striped: bool) -> None:
        """One good."""
        y, x = self.get_y(), _MARGIN
        if striped:
            self.set_fill_color(*_STRIPE)
            self.rect(x, y, self.epw, _LINE, style="F")
        ink = _INK if not row.change else (_DEARER if row.change > 0 else _CHEAPER)
        cells = (row.name, row.unit, _money(row.cheapest.price), row.cheapest.line.merchant_name, _money(row.median),
                 _changed(row))  # fmt: skip
        for number, (text, (_, width, align)) in enumerate(zip(cells, _COLUMNS, strict=True)):
            last = number == len(_COLUMNS) - 1
            self._put(x, y, width, 9, text, align=align, bold=not number, ink=ink if last else _INK)
            x += width
        self.set_y(y + _LINE)

    def say(self, text: str) -> None:
        """A line of its own."""
        y = self.get_y()
        self._put(_MARGIN, y, self.epw, 9, text, ink=_GREY)
        self.set_y(y + _LINE)

    def close_fonts(self) -> None:
        """fpdf2 reads fonts as it needs them and leaves their files open."""
        for font in self.fonts.values():
            font.ttfont.close()  # type: ignore[union-attr]

    def _put(self, x: float, y: float, width: float, size: float, text: str, *, bold: bool = False, align: str = "L",
             ink: tuple[int, int, int] = _INK) -> None:  # fmt: skip
        """One line, without what the font has no glyph for, cut where it does not fit."""
        self.set_font("BeVietnamPro", "B" if bold else "", size)
        drawn = self.current_font.cmap  # type: ignore[union-attr]
        text = "".join(c for c in unicodedata.normalize("NFC", text) if ord(c) in drawn or c.isspace())
        text = " ".join(text.split())
        self.set_text_color(*ink)
        self.set_xy(x, y)
        room = width - 2 * self.c_margin
        if self.get_string_width(text) > room:
            while text and self.get_string_width(text + "…") > room:
                text = text[:-1]
            text = text.rstrip() + "…"
        self.cell(width, _LINE if size < 12 else size / 2, text, align=align)


def _dated(day: MarketDay) -> str:
    lunar = day.lunar
    month = f"{lunar.month}{' nhuận' if lunar.leap else ''}"
    told = f"{_WEEKDAYS[day.day.weekday()]}, {day.day:%d/%m/%Y} · âm lịch {lunar.day}/{month}"
    return " · ".join([told, *day.occasions])


def _money(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


def _changed(row: Row) -> str:
    if row.change is None or row.change_permille is None:
        return "mới"
    if not row.change:
        return "="
    percent = f"{abs(row.change_permille) / 10:.1f}".replace(".", ",").removesuffix(",0")
    return f"{'+' if row.change > 0 else '−'}{percent} %"
