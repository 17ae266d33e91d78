"""An invoice on A5, in Vietnamese, with the QR code that it is looked up by. The same input, the same bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import fontpkg_be_vietnam_pro
import segno
from fpdf import FPDF

from kit.clock import VIETNAM
from services.orders.invoices import invoice as rules
from services.orders.invoices import xml
from services.orders.invoices.invoice import Kind
from services.orders.invoices.xml import Paper

_MARGIN = 10.0
_WIDTH = 148.0 - 2 * _MARGIN
_ROW = 5.4
_CODE = 34.0
_QUIET_ZONE_MODULES = 4
_INK, _GREY, _PALE = (20, 28, 38), (85, 95, 107), (225, 232, 239)
# mm.
_COLUMNS = (("Hàng hóa, dịch vụ", 52.0), ("ĐVT", 13.0), ("SL", 15.0), ("Đơn giá", 22.0), ("Thành tiền", 26.0))
_RELATED = {
    Kind.REPLACING: "Thay thế hóa đơn", Kind.ADJUSTING: "Điều chỉnh hóa đơn", Kind.ORIGINAL: "",
}  # fmt: skip


def printed(paper: Paper, *, note: str = "") -> bytes:
    """The file. `note` is said above everything: that another invoice stands in its place, or that it is masked."""
    page = _Page(paper)
    try:
        page.set_creation_date(paper.issued_at.astimezone(UTC).replace(microsecond=0))
        page.add_page()
        if note:
            page.paragraph(note, 9, bold=True)
        _head(page, paper)
        _parties(page, paper)
        _lines(page, paper)
        _foot(page, paper)
        return bytes(page.output())
    finally:
        page.close_fonts()


class _Page(FPDF):
    def __init__(self, paper: Paper) -> None:
        super().__init__("P", "mm", (148.0, 210.0))
        folder = Path(fontpkg_be_vietnam_pro.ROOT, "files")
        self.add_font("BeVietnamPro", "", folder / "BeVietnamPro-Regular.ttf")
        self.add_font("BeVietnamPro", "B", folder / "BeVietnamPro-Bold.ttf")
        self._foot = f"Ký hiệu {paper.symbol} · Số {paper.number}"
        self.set_title(f"Hóa đơn {paper.symbol} số {paper.number}")
        self.set_author("Chợ 4.0")
        self.set_lang("vi")
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=12)

    def footer(self) -> None:
        self.set_y(-9)
        self.pen(7.5, grey=True)
        self.cell(_WIDTH, 4, f"{self._foot} · Trang {self.page_no()}/{{nb}}")

    def close_fonts(self) -> None:
        """fpdf2 reads fonts as it needs them and leaves their files open."""
        for font in self.fonts.values():
            font.ttfont.close()  # type: ignore[union-attr]

    def pen(self, size: float, bold: bool = False, grey: bool = False) -> None:
        self.set_font("BeVietnamPro", "B" if bold else "", size)
        self.set_text_color(*(_GREY if grey else _INK))

    def line_of(self, text: str, size: float, *, bold: bool = False, grey: bool = False, align: str = "C") -> None:
        self.pen(size, bold, grey)
        wide = self.get_string_width(_plain(text)) / _WIDTH
        self.pen(size / max(wide, 1.0), bold, grey)
        self.cell(_WIDTH, size * 0.55, _plain(text), align=align, new_x="LMARGIN", new_y="NEXT")

    def paragraph(self, text: str, size: float, bold: bool = False) -> None:
        self.pen(size, bold)
        self.multi_cell(_WIDTH, size * 0.5, _plain(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def row(self, cells: Sequence[str], *, bold: bool = False, fill: bool = False) -> None:
        """A table's line: a name may be cut, a figure never: it gets smaller."""
        if self.will_page_break(_ROW):
            self.add_page()
            self.row([title for title, _ in _COLUMNS], bold=True, fill=True)
        self.set_draw_color(*_PALE)
        self.set_fill_color(*_PALE)
        for number, ((_, width), text) in enumerate(zip(_COLUMNS, cells, strict=True)):
            self.pen(8, bold)
            text = self._cut(_plain(text), width - 2) if number < 2 else text
            wide = self.get_string_width(text) / (width - 2)
            self.pen(8 / max(wide, 1.0), bold)
            self.cell(width, _ROW, text, border="B", align="L" if number < 2 else "R", fill=fill)
        self.ln()

    def _cut(self, text: str, width: float) -> str:
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(text + "…") > width:
            text = text[:-1]
        return text.rstrip() + "…"


def _head(page: _Page, paper: Paper) -> None:
    page.line_of("HÓA ĐƠN BÁN HÀNG", 15, bold=True)
    page.line_of("(khởi tạo từ máy tính tiền)", 9)
    at = paper.issued_at.astimezone(VIETNAM)
    page.line_of(f"Ngày {at:%d} tháng {at:%m} năm {at:%Y}, {at:%H:%M:%S}", 9)
    page.line_of(f"Mẫu số {rules.FORM} · Ký hiệu {paper.symbol} · Số {paper.number}", 9, bold=True)
    page.line_of(f"Mã cơ quan thuế: {paper.authority_code}", 9)
    if paper.related is not None:
        its = paper.related
        day = rules.day_of(its.issued_at)
        page.line_of(
            f"{_RELATED[paper.kind]} mẫu số {its.form}, ký hiệu {its.symbol}, số {its.number}, "
            f"ngày {day:%d/%m/%Y}", 9, bold=True,
        )  # fmt: skip
        if paper.reason:
            page.paragraph(f"Lý do: {paper.reason}", 8.5)
    page.ln(2)


def _parties(page: _Page, paper: Paper) -> None:
    seller, buyer = paper.seller, paper.buyer
    page.paragraph(f"Người bán: {seller.name}", 9, bold=True)
    page.paragraph(f"Mã số thuế: {seller.tax_code}", 9)
    page.paragraph(f"Địa chỉ: {seller.address}", 9)
    page.ln(1)
    page.paragraph(f"Người mua: {buyer.name or xml.NOBODY}", 9, bold=True)
    for name, value in (
        ("Mã số thuế", buyer.tax_code), ("Số định danh", buyer.personal_id), ("Điện thoại", buyer.phone),
        ("Địa chỉ", buyer.address),
    ):  # fmt: skip
        if value:
            page.paragraph(f"{name}: {value}", 9)
    page.paragraph(f"Thanh toán: ví Mobile Money · Đơn hàng: {paper.order_code}", 9)
    page.ln(1.5)


def _lines(page: _Page, paper: Paper) -> None:
    page.row([title for title, _ in _COLUMNS], bold=True, fill=True)
    for line in paper.lines:
        quantity = line.quantity.replace(".", ",")
        page.row((line.name, line.unit, quantity, _figure(line.price), _figure(line.amount)))
    page.row(("Tổng cộng", "", "", "", _figure(paper.amount)), bold=True)
    page.ln(1.5)
    page.paragraph(f"Số tiền bằng chữ: {rules.in_words(paper.amount)}.", 9)


def _foot(page: _Page, paper: Paper) -> None:
    if page.will_page_break(_CODE + 4):
        page.add_page()
    page.ln(2)
    top = page.get_y()
    _code(page, paper.lookup_url, 148.0 - _MARGIN - _CODE, top)
    page.set_xy(_MARGIN, top + 3)
    page.pen(8.5)
    page.multi_cell(
        _WIDTH - _CODE - 4, 4.6,
        _plain(f"Mã tra cứu: {_grouped(paper.lookup_code)}\nQuét mã bên phải để xem và đối chiếu hóa đơn này."),
        align="L", new_x="LMARGIN", new_y="NEXT",
    )  # fmt: skip
    page.set_y(top + _CODE)


def _code(page: _Page, text: str, left: float, top: float) -> None:
    """The symbol with its quiet zone; bars overlap by a hair, so that no viewer shows seams."""
    matrix = segno.make(text, error="m", micro=False, boost_error=False).matrix
    module = _CODE / (len(matrix) + 2 * _QUIET_ZONE_MODULES)
    page.set_fill_color(0, 0, 0)
    for row, cells in enumerate(matrix):
        for column, dark in enumerate(cells):
            if dark:
                page.rect(
                    left + (column + _QUIET_ZONE_MODULES) * module, top + (row + _QUIET_ZONE_MODULES) * module,
                    module * 1.02, module * 1.02, style="F",
                )  # fmt: skip


def _figure(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


def _grouped(code: str) -> str:
    """Four and four, as one types it off."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text)
