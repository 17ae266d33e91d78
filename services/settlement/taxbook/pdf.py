"""A sales book as PDF, in Vietnamese, by month and by day. The same input, the same bytes."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

from fpdf import FPDF

from kit.clock import from_ms
from services.settlement.people import fonts
from services.settlement.taxbook import words
from services.settlement.taxbook.book import Book, Totals

_MARGIN = 16.0
_WIDTH = 210.0 - 2 * _MARGIN
_ROW = 5.6
_INK, _GREY, _PALE = (20, 28, 38), (95, 105, 117), (232, 238, 244)
# mm: a name, then figures.
_MONTHS = (("Tháng", 18.0), ("Bán hàng", 29.0), ("Hoàn tiền", 25.0), ("Doanh thu", 29.0), ("Phí", 21.0),
           ("Lượt bán", 15.0), ("Lượt hoàn", 15.0), ("Lũy kế", 26.0))  # fmt: skip
_DAYS = (("Ngày", 26.0), ("Bán hàng", 34.0), ("Hoàn tiền", 32.0), ("Doanh thu", 34.0), ("Phí", 26.0),
         ("Lượt", 26.0))  # fmt: skip


def printed(book: Book, days: Sequence[tuple[str, Totals]]) -> bytes:
    """The file. `days`: book.days_of."""
    with tempfile.TemporaryDirectory() as folder:
        page = _Page(book, Path(folder))
        page.set_creation_date(from_ms(book.as_of_ms).astimezone(UTC).replace(microsecond=0))
        page.add_page()
        _head(page, book)
        _months(page, book)
        _thresholds(page, book)
        _days(page, book, days)
        return bytes(page.output())


class _Page(FPDF):
    """A4 with our fonts; whose book it is and the page's number at its foot."""

    def __init__(self, book: Book, folder: Path) -> None:
        super().__init__("P", "mm", "A4")
        for style, weight in (("", "Regular"), ("B", "Bold")):
            file = folder / f"{weight}.ttf"
            file.write_bytes(fonts.tabular(weight))
            self.add_font("BeVietnamPro", style, file)
        self._foot = f"Chợ 4.0 · {words.TITLE} năm {book.year} · {book.seller.name}"
        self.set_title(f"{words.TITLE} năm {book.year}")
        self.set_author("Chợ 4.0")
        self.set_lang("vi")
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=18)

    def footer(self) -> None:
        self.set_y(-13)
        self.pen(8, grey=True)
        number = f" · Trang {self.page_no()}/{{nb}}"
        room = _WIDTH - 2 * self.c_margin - self.get_string_width(number)
        self.cell(_WIDTH, 5, f"{self.fitted(self._foot, room)}{number}")

    def pen(self, size: float, bold: bool = False, grey: bool = False) -> None:
        self.set_font("BeVietnamPro", "B" if bold else "", size)
        self.set_text_color(*(_GREY if grey else _INK))

    def fitted(self, text: str, width: float) -> str:
        """As much of a text as stands in a width, mm, on one line."""
        text = " ".join(unicodedata.normalize("NFC", text).split())
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(text + "…") > width:
            text = text[:-1]
        return text.rstrip() + "…"

    def paragraph(self, text: str, size: float, height: float) -> None:
        self.pen(size)
        self.multi_cell(_WIDTH, height, unicodedata.normalize("NFC", text), align="L", new_x="LMARGIN", new_y="NEXT")

    def titles(self, columns: Sequence[tuple[str, float]]) -> None:
        """A table's head."""
        self.set_fill_color(*_PALE)
        for number, (title, width) in enumerate(columns):
            self.pen(8, bold=True)
            wide = self.get_string_width(title) / (width - 2)
            self.pen(8 / max(wide, 1.0), bold=True)
            self.cell(width, _ROW + 0.6, title, align="R" if number else "L", fill=True)
        self.ln()

    def row(self, columns: Sequence[tuple[str, float]], cells: Sequence[str], bold: bool = False) -> None:
        """A table's line; the head again where the page turns. A figure is never cut: it gets smaller."""
        if self.will_page_break(_ROW):
            self.add_page()
            self.titles(columns)
        self.set_draw_color(*(_INK if bold else _PALE))
        for number, ((_, width), text) in enumerate(zip(columns, cells, strict=True)):
            self.pen(8, bold)
            wide = self.get_string_width(text) / (width - 2)
            self.pen(8 / max(wide, 1.0), bold)
            self.cell(width, _ROW, text, border="T" if bold else "B", align="R" if number else "L")
        self.ln()

    def section(self, title: str) -> None:
        if self.will_page_break(24):
            self.add_page()
        self.ln(4)
        self.pen(11, bold=True)
        self.cell(_WIDTH, 8, title, new_x="LMARGIN", new_y="NEXT")


def _head(page: _Page, book: Book) -> None:
    page.pen(9, grey=True)
    page.cell(_WIDTH, 5, "Chợ 4.0 · Nền tảng thanh toán chợ", new_x="LMARGIN", new_y="NEXT")
    page.pen(18, bold=True)
    page.cell(_WIDTH, 12, f"{words.TITLE} năm {book.year}", new_x="LMARGIN", new_y="NEXT")
    for name, value in words.facts(book):
        page.pen(9, grey=True)
        page.cell(38, 5.6, name)
        page.pen(9)
        page.cell(_WIDTH - 38, 5.6, page.fitted(value, _WIDTH - 40), new_x="LMARGIN", new_y="NEXT")
    page.ln(2)
    for note in words.notes(book):
        page.paragraph(note, 8.5, 4.6)


def _months(page: _Page, book: Book) -> None:
    page.section("Theo tháng (đồng)")
    page.titles(_MONTHS)
    for month in book.months:
        page.row(_MONTHS, (f"{month.month:02}/{book.year}", *_figures(month.totals), words.figure(month.running)))
    page.row(_MONTHS, ("Cộng", *_figures(book.totals), words.figure(book.totals.revenue)), bold=True)
    page.ln(1)
    page.paragraph(
        f"Đối chiếu sổ cái: đầu năm {words.figure(book.opening)} + doanh thu {words.figure(book.totals.revenue)} "
        f"− phí {words.figure(book.totals.fees)} + chi trả và khác {words.figure(book.totals.other)} "
        f"= cuối kỳ {words.figure(book.closing)} đồng.",
        8.5, 4.6,
    )  # fmt: skip


def _thresholds(page: _Page, book: Book) -> None:
    page.section("Ngưỡng doanh thu")
    for one in book.standings:
        page.paragraph(words.standing_text(one), 8.5, 4.6)
    if not book.standings:
        page.paragraph("Không có ngưỡng nào được theo dõi cho loại hình này.", 8.5, 4.6)


def _days(page: _Page, book: Book, days: Sequence[tuple[str, Totals]]) -> None:
    page.section("Theo ngày (đồng)")
    page.titles(_DAYS)
    for day, its in days:
        year, month, number = day.split("-")
        counts = f"{its.sales_count} bán, {its.refunds_count} hoàn"
        page.row(_DAYS, (f"{number}/{month}/{year}", *_figures(its)[:4], counts))
    if not days:
        page.paragraph("Không có giao dịch.", 8.5, 4.6)


def _figures(its: Totals) -> tuple[str, ...]:
    parts = (its.sales, its.refunds, its.revenue, its.fees, its.sales_count, its.refunds_count)
    return tuple(words.figure(part) for part in parts)
